"""The origin: a raw socket in a process of its own, pinned to another core than the client.

``GET /large/N`` is answered with N bytes, ``GET /gzip/N`` with gzip that decodes
to N bytes, ``POST /sink`` with the count of bytes that its body had, ``GET
/connections`` with the number of connections accepted so far, both in 20 digits,
and everything else with the answer of ``workload``.
"""

from __future__ import annotations

import argparse
import gzip
import selectors
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.benchmarks import machine
from tests.benchmarks.workload import Place, answer, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLICE = bytes(1_048_576)
#: What is taken in at once; with a quarter of it, an upload waits for the origin.
_PIECE_BYTES = 1_048_576
_NUMBER = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n%020d"
_HOST = "127.0.0.1"


class _Origin:
    def __init__(self) -> None:
        self._listener = socket.create_server((_HOST, 0), backlog=128)
        self._connections = 0
        self._served = 0
        self._buffer = bytearray(_PIECE_BYTES)
        self._coded: dict[int, bytes] = {}
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Answers whoever has something to say; threads would spend more on taking turns than on answering."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listener, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.data is None:
                        sock, _ = self._listener.accept()
                        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        self._connections += 1
                        waiting.register(sock, selectors.EVENT_READ, sock)
                    elif not self._serve_one(key.data):
                        waiting.unregister(key.data)
                        key.data.close()

    def _serve_one(self, sock: socket.socket) -> bool:
        """One request and its answer; False when the client went away."""
        try:
            request = _receive_request(sock, self._buffer)
            if request:
                self._served += 1
                self._answer(sock, request, self._served)
        except OSError:
            return False
        return bool(request)

    def _answer(self, sock: socket.socket, request: bytes, number: int) -> None:
        if request.startswith(b"GET /large/"):
            left = int(request[11 : request.index(b" ", 11)])
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
            while left:
                left -= sock.send(_SLICE[:left])
        elif request.startswith(b"GET /gzip/"):
            body = self._gzip(int(request[10 : request.index(b" ", 10)]))
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
            sock.sendall(body)
        elif request.startswith(b"POST /sink "):
            sock.sendall(_NUMBER % int(request.rpartition(b"\n")[2]))
        elif request.startswith(b"GET /connections "):
            sock.sendall(_NUMBER % self._connections)
        else:
            sock.sendall(answer(number))

    def _gzip(self, size: int) -> bytes:
        if size not in self._coded:
            self._coded[size] = gzip.compress(lines(size), 6, mtime=0)
        return self._coded[size]


def _receive_request(sock: socket.socket, buffer: bytearray) -> bytes:
    """One request, with the count of its body's bytes in the last line; b"" when the client is done."""
    request = b""
    while (end := request.find(b"\r\n\r\n")) < 0:
        piece = sock.recv(_PIECE_BYTES)
        if not piece:
            return b""
        request += piece
    if not request.startswith(b"POST"):
        return request
    at = request.lower().index(b"content-length:", 0, end) + 15
    size = int(request[at : request.index(b"\r\n", at)])
    came = len(request) - end - 4
    while came < size:
        count = sock.recv_into(buffer)
        if not count:
            return b""
        came += count
    return request[: end + 4] + b"%d" % came


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
