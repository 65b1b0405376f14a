"""What everything is compared with: a raw socket, and ``http.client``."""

from __future__ import annotations

import gzip
import http.client
import socket
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

from tests.benchmarks.workload import ANSWER_BYTES, GET_HEADERS, HEAD_BYTES, PATH, POST_BODY, POST_HEADERS, target

if TYPE_CHECKING:
    from typing import BinaryIO

    from tests.benchmarks.workload import Place


#: Larger slices of a body leave the processor's cache while they are sent.
_SLICE_BYTES = 1_048_576


def _head(method: str, request_target: str, headers: dict[str, str]) -> bytes:
    return "".join(
        [
            f"{method} {request_target} HTTP/1.1\r\n",
            *(f"{name}: {value}\r\n" for name, value in headers.items()),
            "\r\n",
        ]
    ).encode()


class RawSocket:
    """The floor: requests built beforehand, an answer of which only the length is looked at."""

    def __init__(self, place: Place) -> None:
        if place.dial is not None:
            self._sock = place.dial()
        else:
            self._sock = socket.create_connection((place.host, place.port))
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = {"Host": place.authority}
        self._host = host
        self._get = _head("GET", target(), host | GET_HEADERS)
        length = {"Content-Length": str(len(POST_BODY))}
        self._post = _head("POST", PATH, host | length | POST_HEADERS) + POST_BODY

    def _exchange(self, request: bytes) -> bytes:
        self._sock.sendall(request)
        answer = self._sock.recv(65_536)
        while len(answer) < ANSWER_BYTES:
            answer += self._sock.recv(65_536)
        return answer[HEAD_BYTES:]

    def get(self) -> bytes:
        return self._exchange(self._get)

    def post(self) -> bytes:
        return self._exchange(self._post)

    def fetch(self, target: str) -> bytes:
        self._sock.sendall(_head("GET", target, self._host))
        with self._sock.makefile("rb") as file:
            size, is_coded = 0, False
            while (line := file.readline()) != b"\r\n":
                if line.startswith(b"Content-Length: "):
                    size = int(line[16:])
                is_coded |= line.startswith(b"Content-Encoding: ")
            return _decoded(file, size) if is_coded else file.read(size)

    def upload(self, target: str, body: bytes) -> bytes:
        self._sock.sendall(_head("POST", target, self._host | {"Content-Length": str(len(body))}))
        view = memoryview(body)
        for start in range(0, len(body), _SLICE_BYTES):
            self._sock.sendall(view[start : start + _SLICE_BYTES])
        return self._sock.recv(65_536).rpartition(b"\r\n")[2]

    def close(self) -> None:
        self._sock.close()


def _decoded(file: BinaryIO, size: int) -> bytes:
    """A body freed of gzip, piece by piece: what zlib alone takes."""
    stream, whole = zlib.decompressobj(31), BytesIO()
    while size:
        piece = file.read(min(size, 8192))  # with longer ones the system is asked for memory each time
        size -= len(piece)
        whole.write(stream.decompress(piece))
    return whole.getvalue()


class HTTPClient:
    """``http.client`` as its documentation shows it."""

    def __init__(self, place: Place) -> None:
        self._connection = http.client.HTTPConnection(place.host, place.port)
        if place.dial is not None:
            self._connection.sock = place.dial()

    def _exchange(self, method: str, request_target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        self._connection.request(method, request_target, body, headers)
        return self._connection.getresponse().read()

    def get(self) -> bytes:
        return self._exchange("GET", target(), None, GET_HEADERS)

    def post(self) -> bytes:
        return self._exchange("POST", PATH, POST_BODY, POST_HEADERS)

    def fetch(self, target: str) -> bytes:
        self._connection.request("GET", target)
        answer = self._connection.getresponse()
        body = answer.read()
        return gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body

    def upload(self, target: str, body: bytes) -> bytes:
        return self._exchange("POST", target, body, {})

    def close(self) -> None:
        self._connection.close()
