"""Faults in keeping connections: used too seldom, used too long."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from fluxhttp import URL
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.requests import rebuilt
from fluxhttp_conformance.zoo.sockets import WithSockets
from fluxhttp_conformance.zoo.wire import Wire, WireSocket
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Config, Deadline, Request, StdlibTransport, TransportResponse


class _Tired(Wrapper):
    """Gives up its connections now and then."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        answer = super().carry(request, config, deadline)
        if self.is_tired(request, answer):
            # Those in use go on; those that wait are collected.
            self.inner: StdlibTransport = self.open()
        return answer

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:
        """Whether no connection is used after this answer."""
        raise NotImplementedError


@creature("connections/many-in-a-row")
class UsesAConnectionFiftyTimes(_Tired):
    """Makes a new connection after fifty requests."""

    _count = 0

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:  # noqa: ARG002  # it counts
        """After fifty."""
        self._count += 1
        return self._count % 50 == 0


@creature("framing/chunked", "connections/used-again", "chunks/extensions")
class LeavesChunkedConnections(_Tired):
    """Makes a new connection after an answer in chunks."""

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:  # noqa: ARG002  # the answer tells
        """After chunks."""
        return "transfer-encoding" in answer.headers


@creature(
    "framing/no-content-has-no-body",
    "framing/not-modified-has-no-body",
    "framing/head-has-no-body",
    "reading/no-body-is-read-whole",
    "redirects/head-without-a-body",
)
class LeavesConnectionsWithoutABody(_Tired):
    """Makes a new connection after an answer that has no body."""

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:
        """After HEAD, 204 and 304."""
        return request.method == "HEAD" or answer.status_code in (204, 304)


@creature("redirects/followed", "locations/none")
class LeavesRedirectedConnections(_Tired):
    """Makes a new connection after a redirect."""

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:  # noqa: ARG002  # the answer tells
        """After 3xx."""
        return answer.status_code // 100 == 3


@creature("bodies/any-bytes", "requests/methods", "connections/used-again")
class LeavesConnectionsAfterPost(_Tired):
    """Makes a new connection after a request with a body."""

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:  # noqa: ARG002  # the request tells
        """After POST."""
        return request.method in ("POST", "PUT", "PATCH")


@creature("tls/used-again", "tls/insecure-is-not-shared")
class ShakesHandsEachTime(_Tired):
    """Makes a new TLS connection for each request."""

    def is_tired(self, request: Request, answer: TransportResponse) -> bool:  # noqa: ARG002  # the request tells
        """After https."""
        return request.url.scheme == "https"


class _BlindSocket(WireSocket):
    """One that never shows what came unasked."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if self.gettimeout() == 0.0:
            raise BlockingIOError
        return super().recv(size, flags)


@creature(
    "connections/surplus-after-a-while",
    "resending/not-on-a-closed-connection",
    like="http.client",
)
class UsesConnectionsUnseen(WithSockets):
    """Does not look whether anything came on a connection before it uses it again."""

    sockets: type[WireSocket] = _BlindSocket


class _SippingSocket(_BlindSocket):
    """Reads the last kilobytes of what is there byte by byte, so that what follows an answer stays unread."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if len(data) > 1:
            keep = max(1, len(data) - 4096)
            data, self._ready = data[:keep], data[keep:] + self._ready
        return data


@creature(
    "connections/surplus-with-the-answer",
    "framing/surplus-bytes",
    "framing/bytes-where-no-body-is",
)
class LeavesASurplusForTheNext(WithSockets):
    """Takes what followed an answer for the next answer."""

    sockets: type[WireSocket] = _SippingSocket


class _ImmortalSocket(WireSocket):
    """One that goes back to its dialer when it is closed."""

    home: _Recycler
    place: tuple[str, int]

    def close(self) -> None:
        if self.fileno() >= 0:
            self.home.keep(self.place, self.detach())


class _Recycler:
    """Gives a connection that was closed to whoever asks next for its host and port."""

    def __init__(self, dialer: Any) -> None:
        self._dialer = dialer
        self._kept: dict[tuple[str, int], list[int]] = {}
        self._process = os.getpid()
        #: Whether a connection that is closed now is kept; None if that is so in another process.
        self.keeps: bool | None = False

    def keep(self, place: tuple[str, int], number: int) -> None:
        if os.getpid() != self._process if self.keeps is None else self.keeps:
            self._kept.setdefault(place, []).append(number)
        else:
            os.close(number)

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        kept = self._kept.get((host, port))
        if kept:
            number = kept.pop()
        else:
            dialled: socket.socket = self._dialer.dial(host, port, deadline=deadline)
            if type(dialled) is not socket.socket:
                return dialled
            number = socket.socket.detach(dialled)
        sock = _ImmortalSocket(fileno=number)
        sock.settimeout(None)
        sock.wire, sock.home, sock.place = Wire(), self, (host, port)
        return sock

    def end(self) -> None:
        self.keeps = False
        for numbers in self._kept.values():
            for number in numbers:
                os.close(number)
        self._kept.clear()


class _Recycling(Wrapper):
    """A wrapper that may use a connection again which it ought to have closed."""

    def dials(self) -> _Recycler:
        """A dialer that forgets nothing."""
        self.recycler: _Recycler = _Recycler(self.dialer)
        return self.recycler

    def close(self) -> None:
        """Then at last they go."""
        super().close()
        self.recycler.end()


@creature(
    "connections/unread-body",
    "connections/each-answer-to-its-request",
    "reading/unread-rest-ends-the-connection",
    like="CVE-2023-28858 of redis-py: a connection given back after a call was cancelled",
)
class KeepsHalfReadConnections(_Recycling):
    """Uses a connection again whose answer, of declared length, was not read to its end."""

    class _Recycled(Answer):
        def close(self) -> None:
            assert isinstance(self.owner, KeepsHalfReadConnections)
            headers = self.inner.headers
            self.owner.recycler.keeps = "content-length" in headers and headers.get("connection") != "close"
            self.inner.close()
            self.owner.recycler.keeps = False

    answers: type[Answer] = _Recycled


@creature(
    "connections/late-answer",
    "connections/not-used-after-a-failure",
)
class KeepsFailedConnections(_Recycling):
    """Uses a connection again on which a call has failed before there was an answer."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Keeps what is closed meanwhile."""
        self.recycler.keeps = True
        try:
            return super().carry(request, config, deadline)
        finally:
            self.recycler.keeps = False


@creature("connections/fork")
class UsesConnectionsOfItsParent(_Recycling):
    """Uses the connections of its parent in a child process."""

    def dials(self) -> _Recycler:
        """Keeps what is closed in another process."""
        recycler = super().dials()
        recycler.keeps = None
        return recycler


@creature("connections/unread-body", "reading/unread-rest-ends-the-connection")
class DrainsWhatIsLeft(Wrapper):
    """Reads what is left of an answer when it is closed, to keep the connection."""

    class _Drained(Answer):
        def close(self) -> None:
            while self.request.method == "GET" and self.inner.read(65_536):
                pass
            self.inner.close()

    answers: type[Answer] = _Drained


@creature("reading/closed-twice")
class ClosesWhoeverHasTheConnection(Wrapper):
    """Ends the answer that was begun last when an older one is closed a second time."""

    class _Closed(Answer):
        _is_closed = False

        def __init__(self, inner: TransportResponse, request: Request, owner: Wrapper) -> None:
            super().__init__(inner, request, owner)
            assert isinstance(owner, ClosesWhoeverHasTheConnection)
            owner.last = inner

        def close(self) -> None:
            assert isinstance(self.owner, ClosesWhoeverHasTheConnection)
            if self._is_closed and self.owner.last is not None:
                self.owner.last.close()
            self._is_closed = True
            self.inner.close()

    last: TransportResponse | None = None
    answers: type[Answer] = _Closed


@creature("connections/two-answers-at-once")
class SharesOneConnection(Wrapper):
    """Sends a request on a connection whose answer is still being read."""

    class _Sharing:
        def __init__(self, dialer: Any) -> None:
            self._dialer = dialer
            self._first: dict[tuple[str, int], socket.socket] = {}

        def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
            first = self._first.get((host, port))
            if first is not None and first.fileno() >= 0:
                return first.dup()
            dialled: socket.socket = self._dialer.dial(host, port, deadline=deadline)
            self._first[host, port] = dialled
            return dialled

    def dials(self) -> SharesOneConnection._Sharing:
        """One for each host."""
        return self._Sharing(self.dialer)


@creature(
    "connections/origins-apart",
    "locations/another-origin",
    "tls/trusted",
    "tunnels/one-an-origin",
)
class PoolsByPort(Wrapper):
    """Uses a connection for any host with the same port."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._hosts: dict[tuple[str, int], str] = {}

    def prepare(self, request: Request) -> Request:
        """Leads to the first host that had the port."""
        url = request.url
        first = self._hosts.setdefault((url.scheme, url.port), url.authority)
        if first == url.authority:
            return request
        return rebuilt(request, url=URL.parse(f"{url.scheme}://{first}{url.target}"))
