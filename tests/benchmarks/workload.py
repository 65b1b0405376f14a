"""The work: a GET with 2 params and 3 headers, a POST with 1 KB, an answer of 10 fields and 1 KB, and large bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

#: Threads that share a client, and so the connections that it has to keep; requests and httpx keep more by themselves.
THREADS = 8
PATH = "/points"
PARAMS = {"db": "metrics", "tag": "eu west/1"}
GET_HEADERS = {"Accept": "application/json", "Authorization": "Bearer 0123456789abcdef", "X-Request-Id": "7f3a9c"}
POST_HEADERS = {"Authorization": "Bearer 0123456789abcdef", "Content-Type": "text/plain", "X-Request-Id": "7f3a9c"}
POST_BODY = b"cpu,host=a usage=0.64 1700000000000000000\n".ljust(1024, b"#")

ANSWER_BODY = b'{"status": "ok", "points": []}'.ljust(1024, b" ")
# Ten fields, as a server behind a proxy sends them; two of them are never the same twice.
_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Date: Tue, 05 Mar 2024 09:30:00 GMT\r\n"
    b"Server: nginx/1.24.0\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: 1024\r\n"
    b"Connection: keep-alive\r\n"
    b"Vary: Accept-Encoding, Origin\r\n"
    b'ETag: "5d8c72a5%08x"\r\n'
    b"Cache-Control: private, max-age=0\r\n"
    b"X-Request-Id: 7f3a9c-%08x\r\n"
    b"Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    b"\r\n"
)
_ANSWER = _HEAD + ANSWER_BODY


def answer_head(number: int) -> bytes:
    """The head of the answer with that number."""
    return _HEAD % (number, number)


def answer(number: int) -> bytes:
    """The answer with that number: a client that remembers what it read before gains what it would gain elsewhere."""
    return _ANSWER % (number, number)


HEAD_BYTES = len(answer_head(0))
ANSWER_BYTES = len(answer(0))


def target() -> str:
    """The GET's target, encoded anew each time, as every client has to."""
    return f"{PATH}?{urlencode(PARAMS)}"


def large_target(size: int) -> str:
    """The target whose answer's body has that many bytes."""
    return f"/large/{size}"


def gzip_target(size: int) -> str:
    """The target whose answer is coded with gzip, and has that many bytes when decoded."""
    return f"/gzip/{size}"


#: Takes any body, and answers with the count of its bytes in 20 digits.
SINK_TARGET = "/sink"
#: What the decoded bodies are made of: text that gzip makes about ten times smaller.
LINE_BYTES = 64


def lines(size: int) -> bytes:
    """Text of that many bytes, the same each time."""
    count = size // LINE_BYTES + 1
    return b"".join(
        [
            b"cpu,host=a%02d usage=%08d 17%09d000000000\n".ljust(LINE_BYTES, b" ") % (n % 37, n * n % 9973, n)
            for n in range(count)
        ]
    )[:size]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the origin is.

    Attributes:
        host: a loopback address.
        port: of the origin; without a kernel one that nobody listens on, so that a call which escapes fails.
        dial: makes the connections where there is no kernel; None for the client's own way.
    """

    host: str
    port: int
    dial: Callable[[], socket] | None = None

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}{PATH}"


class Contender(Protocol):
    """One client on connections that are kept. Every call returns the answer's body, decoded."""

    def get(self) -> bytes: ...
    def post(self) -> bytes: ...
    def fetch(self, target: str) -> bytes: ...
    def upload(self, target: str, body: bytes) -> bytes: ...
    def close(self) -> None: ...
