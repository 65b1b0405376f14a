"""The origin: a raw socket in a process of its own, pinned to another core than the client.

``GET /large/N`` is answered with N bytes, ``GET /connections`` with the number
of connections accepted so far in 20 digits, and everything else with the
answer of ``workload``.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.benchmarks import machine
from tests.benchmarks.workload import Place, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLICE = bytes(1_048_576)
_HOST = "127.0.0.1"


class _Origin:
    def __init__(self) -> None:
        self._listener = socket.create_server((_HOST, 0), backlog=128)
        self._connections = 0
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections += 1
            threading.Thread(target=self._serve_connection, args=(sock,), daemon=True).start()

    def _serve_connection(self, sock: socket.socket) -> None:
        try:
            with sock:
                number = 0
                while request := _receive_request(sock):
                    number += 1
                    self._answer(sock, request, number)
        except OSError:
            pass  # the client went away

    def _answer(self, sock: socket.socket, request: bytes, number: int) -> None:
        if request.startswith(b"GET /large/"):
            left = int(request[11 : request.index(b" ", 11)])
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
            while left:
                left -= sock.send(_SLICE[:left])
        elif request.startswith(b"GET /connections "):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n%020d" % self._connections)
        else:
            sock.sendall(answer(number))


def _receive_request(sock: socket.socket) -> bytes:
    """One request with its body; b"" when the client is done."""
    request = b""
    while (end := request.find(b"\r\n\r\n")) < 0:
        piece = sock.recv(65_536)
        if not piece:
            return b""
        request += piece
    if request.startswith(b"POST"):
        at = request.lower().index(b"content-length:", 0, end) + 15
        size = end + 4 + int(request[at : request.index(b"\r\n", at)])
        while len(request) < size:
            request += sock.recv(65_536)
    return request


@contextmanager
def serving() -> Iterator[Place]:
    """An origin that runs while the context is open; pins this process, too."""
    client_core, origin_core = machine.cores()
    command = [sys.executable, "-m", __name__, *([] if origin_core is None else ["--core", str(origin_core)])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            machine.pin(client_core)
            yield Place(_HOST, int(process.stdout.readline()))
        finally:
            process.stdin.close()  # which ends it


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--core", type=int)
    machine.pin(parser.parse_args().core)
    origin = _Origin()
    print(origin.port, flush=True)
    threading.Thread(target=origin.serve, daemon=True).start()
    sys.stdin.read()  # until the one who asked for it closes it, or dies


if __name__ == "__main__":
    _main()
