"""Whether a contender does the work: the whole request, all of the answer, on one connection."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from tests.benchmarks.fake_socket import FakePeer, RecordingSocket
from tests.benchmarks.workload import ANSWER_BODY, GET_HEADERS, PATH, POST_BODY, POST_HEADERS, Place, answer, target

if TYPE_CHECKING:
    from tests.benchmarks.contenders import Entry

_HOST = "127.0.0.1"
_SECONDS = 10.0


def check(name: str, entry: Entry, place: Place) -> None:
    """Makes both calls once and looks at what was sent.

    Over the fake alone where the contender can use it, else over a connection of its own to this process.
    """
    if entry.over_fake:
        peer = FakePeer(RecordingSocket)
        sent = _exchanges(name, entry, Place(place.host, place.port, peer.dial), _Faked(peer))
        assert len(peer.sockets) == 1, f"{name}: {len(peer.sockets)} connections"
        assert peer.answers == len(sent), f"{name}: {peer.answers} answers, not {len(sent)}"
    else:
        with socket.create_server((_HOST, 0)) as listener:
            listener.settimeout(_SECONDS)
            heard = _Heard(listener)
            sent = _exchanges(name, entry, Place(_HOST, listener.getsockname()[1]), heard)
            heard.join(_SECONDS)
    for request, head, headers, body in zip(
        sent,
        (f"GET {target()} HTTP/1.1\r\n", f"POST {PATH} HTTP/1.1\r\n"),
        (GET_HEADERS, POST_HEADERS),
        (b"", POST_BODY),
        strict=True,
    ):
        _compare(name, request, head, headers, body)


def _exchanges(name: str, entry: Entry, place: Place, heard: _Faked | _Heard) -> list[bytes]:
    """The bytes of a GET and of a POST."""
    contender = entry.factory(place)
    sent = []
    try:
        for call in (contender.get, contender.post):
            assert call() == ANSWER_BODY, f"{name}: another body"
            sent.append(heard.taken())
    finally:
        contender.close()
    return sent


def _compare(name: str, sent: bytes, head: str, headers: dict[str, str], body: bytes) -> None:
    # httpx writes a space as %20, and aiohttp leaves a slash alone: both say the same (RFC 3986, 3.4).
    assert sent.replace(b"%20", b"+").replace(b"west/1", b"west%2F1").startswith(head.encode()), (
        f"{name}: {sent[:80]!r}"
    )
    sent_head, _, sent_body = sent.partition(b"\r\n\r\n")
    lines = sent_head.lower().split(b"\r\n")
    for field, value in headers.items():
        assert f"{field}: {value}".lower().encode() in lines, f"{name}: no field {field}"
    assert sent_body == body, f"{name}: another body sent"


class _Faked:
    """What a recording fake heard."""

    def __init__(self, peer: FakePeer) -> None:
        self._peer = peer

    def taken(self) -> bytes:
        """All since the last time."""
        sock = self._peer.sockets[0]
        assert isinstance(sock, RecordingSocket)
        data = bytes(sock.sent)
        sock.sent.clear()
        return data


class _Heard(threading.Thread):
    """One connection, which hears until a request is whole and answers it."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(daemon=True)
        self._listener = listener
        self._requests: list[bytes] = []
        self.start()

    def run(self) -> None:
        sock, _ = self._listener.accept()
        sock.settimeout(_SECONDS)
        with sock:
            request = b""
            while piece := sock.recv(65_536):
                request += piece
                if request.endswith(POST_BODY) or (request.startswith(b"GET") and request.endswith(b"\r\n\r\n")):
                    self._requests.append(request)
                    sock.sendall(answer(len(self._requests)))
                    request = b""

    def taken(self) -> bytes:
        """The last request."""
        return self._requests.pop()
