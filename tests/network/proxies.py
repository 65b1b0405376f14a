"""A proxy that makes every tunnel it is asked for."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.network.origins import Origin
from tests.peers import PATIENCE

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class TunnellingProxy(Origin):
    """Answers CONNECT and copies bytes from then on; it knows nothing else.

    Args:
        established: the answer to CONNECT.
    """

    def __init__(self, established: bytes = ESTABLISHED) -> None:
        self._established = established
        super().__init__()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            read = self._read(sock, b"")
            if read is None:
                return
            self.asked.append(read[0])
            host, _, port = read[0].target.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as onward:
                with self._lock:
                    self._open |= {sock, onward}
                sock.sendall(self._established)
                back = threading.Thread(target=_copy, args=(onward, sock))
                back.start()
                _copy(sock, onward)
                back.join()
                with self._lock:
                    self._open -= {sock, onward}


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
