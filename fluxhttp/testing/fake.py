"""FakeTransport: a transport in memory, held to the same conformance suite as the real ones.

It stands at the lowest seam: requests are built, answers judged, redirects
followed, bodies decoded and limits held by the very code that does so for a
real transport, and the bytes of an answer go through the same reader. Time is
virtual: nothing sleeps, and time-outs come at the exact moment.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING, Any

from fluxhttp._core.deadline import Deadline
from fluxhttp._core.hosts import is_address
from fluxhttp._core.response import Response
from fluxhttp._core.url import URL
from fluxhttp._wire.carrying import is_repeatable
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.failures import describe_os_error
from fluxhttp._wire.options import IDLE_SECONDS, MAX_IDLE_PER_ORIGIN
from fluxhttp._wire.pool import Pool
from fluxhttp.errors import (
    CertificateError,
    ClosedError,
    ConnectError,
    InvalidTypeError,
    NameResolutionError,
    ReceiveError,
    SendError,
    TLSError,
)
from fluxhttp.testing import messages
from fluxhttp.testing.answer import ObservedAnswer, ReadyAnswer
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.errors import ImpossibleReplyError, StalledError, UnexpectedRequestError, UnusedRouteError
from fluxhttp.testing.faults import Fault
from fluxhttp.testing.index import RouteIndex
from fluxhttp.testing.matching import Pattern
from fluxhttp.testing.memory import MemoryConnection, MemorySocket, MemoryStream
from fluxhttp.testing.reply import Reply
from fluxhttp.testing.routes import Route
from fluxhttp.testing.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from fluxhttp._core.config import Config
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import Transport, TransportResponse
    from fluxhttp._wire.dialer import Guard
    from fluxhttp._wire.lookup import Resolver

#: Where every name leads that no resolver is asked for: an address that no guard refuses.
_SOMEWHERE = "192.0.1.1"


class FakeTransport:
    """A transport that answers from routes.

    As a context manager it checks at exit, as ``verify`` does, that every
    request was expected and every route asked for.

    Args:
        base_url: put before the URL of routes that begins with "/".
        resolver: from a host name to its addresses; None knows every name.
        guard: judges the addresses, as that of a ``Dialer``; None permits all.
        fallback: carries the requests that no route takes; None makes them unexpected.

    Attributes:
        calls: the requests that a route took, in order.
        unexpected: those that none took.
        routes: in the order they were registered.
        connections: those that were opened, in order.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        resolver: Resolver | None = None,
        guard: Guard | None = None,
        fallback: Transport | None = None,
    ) -> None:
        if not isinstance(base_url, str):
            raise InvalidTypeError(f"base_url must be a str, not {type(base_url).__name__}")
        if base_url:
            URL.parse(base_url)
        self._base = base_url.rstrip("/")
        self._resolver = resolver
        self._guard = guard
        self._fallback = fallback
        self._clock = VirtualClock()
        self._lock = threading.Lock()
        self._is_closed = False
        self.calls = Calls()
        self.unexpected = Calls()
        self._raised: list[UnexpectedRequestError] = []
        self.routes: list[Route] = []
        self.connections: list[MemoryConnection] = []
        #: What happened, line by line, where somebody wants to know.
        self.transcript: list[str] | None = None
        self._index = RouteIndex()
        self._pool = self._new_pool()

    def _new_pool(self) -> Pool[MemoryConnection]:
        return Pool(max_idle_per_origin=MAX_IDLE_PER_ORIGIN, idle_seconds=IDLE_SECONDS, clock=self._clock)

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock; a client over this transport takes it for its own."""
        return self._clock

    # Routes

    def route(self, method: str | None = None, url: str | URL | None = None, **matchers: Any) -> Route:
        """Registers an expectation; the first that matches and has replies left takes a request.

        Args:
            method: one of the six; None for any.
            url: absolute, or from "/" on with a ``base_url``; a path segment
                written ``{name}`` matches any one segment. None for any.
            matchers: ``params``, ``headers``, ``body``, ``json``, ``form`` and
                ``where`` as of ``Pattern``, and ``name`` for messages.

        Raises:
            InvalidRequestError: an argument cannot be matched.
            ImpossibleReplyError: an earlier route takes every such request.
        """
        name = matchers.pop("name", None)
        if isinstance(url, str) and url.startswith("/") and self._base:
            url = self._base + url
        try:
            pattern = Pattern(method, url, **matchers)
        except TypeError as error:
            if isinstance(error, InvalidTypeError):
                raise
            raise InvalidTypeError(f"route: {error}") from None
        route = Route(pattern, name=name, number=len(self.routes))
        with self._lock:
            for earlier in self.routes if len(self.routes) < _UNREACHABLE_CHECKED else ():
                if earlier.actions and earlier.capacity is None and earlier.pattern.same_as(pattern):
                    raise ImpossibleReplyError(
                        f"this route is never reached: {messages.title(earlier)} takes every such request; "
                        "give that one .times(n), or a second reply"
                    )
            self.routes.append(route)
            self._index.add(route)
        return route

    def get(self, url: str | URL, **matchers: Any) -> Route:
        """``route("GET", url, …)``."""
        return self.route("GET", url, **matchers)

    def head(self, url: str | URL, **matchers: Any) -> Route:
        """``route("HEAD", url, …)``."""
        return self.route("HEAD", url, **matchers)

    def post(self, url: str | URL, **matchers: Any) -> Route:
        """``route("POST", url, …)``."""
        return self.route("POST", url, **matchers)

    def put(self, url: str | URL, **matchers: Any) -> Route:
        """``route("PUT", url, …)``."""
        return self.route("PUT", url, **matchers)

    def patch(self, url: str | URL, **matchers: Any) -> Route:
        """``route("PATCH", url, …)``."""
        return self.route("PATCH", url, **matchers)

    def delete(self, url: str | URL, **matchers: Any) -> Route:
        """``route("DELETE", url, …)``."""
        return self.route("DELETE", url, **matchers)

    # The transport

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Answers from the first route that matches and has replies left.

        Raises:
            UnexpectedRequestError: none does; not an error of the network.
            TransportError: the route says so, or the answer is no HTTP.
            ClosedError: the transport was closed.
        """
        key = (request.url.origin, config.insecure_skip_verify)
        fresh = False
        while True:
            chosen = self._choose(request)
            if chosen is None:
                return self._leave(request, config, deadline)
            call, action = chosen
            connection: MemoryConnection | None = None
            reused = False
            try:
                connection = None if fresh or isinstance(action, Fault) else self._pool.take(key)
                reused = connection is not None
                if connection is None:
                    connection = self._connect(request, key, action, config, deadline)
                connection.calls.append(call)
                if isinstance(action, Reply) and action.is_immediate:
                    ready = action.ready(request.method)
                    limits = config.limits
                    if ready.head_bytes <= limits.head and ready.field_count <= limits.fields:
                        call._answer = ready
                        return ReadyAnswer(ready, connection)
                return self._exchange(request, action, call, connection, config, deadline)
            except (SendError, ReceiveError, TLSError) as error:
                self._note_failure(call, error)
                if fresh or connection is None or not reused or not is_repeatable(request):
                    raise
                if connection.sock is not None and connection.sock.received:
                    raise
                fresh = True
            except BaseException as error:
                self._note_failure(call, error)
                raise

    def _choose(self, request: Request) -> tuple[Call, Any] | None:
        """The call as a route took it, and what is to be done; None if no route does."""
        if self._is_closed:
            raise ClosedError("the transport is closed")
        for route in self._index.candidates(request):
            if not route.pattern.matches_rest(request):
                continue
            call = Call(request, route, self._clock.monotonic())
            with self._lock:
                if not route.actions or route.is_used_up:
                    continue
                action = route.take()
                if not callable(action):
                    self.calls.append(call)
                    route.calls.append(call)
                    return call, action
            made = action(call)
            with self._lock:
                if made is None:
                    route.give_back()
                    continue
                self.calls.append(call)
                route.calls.append(call)
            return call, _as_action(made)
        return None

    def _leave(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """A request that no route takes."""
        if self._fallback is not None:
            clock = getattr(self._fallback, "clock", SYSTEM_CLOCK)
            return self._fallback.send(request, config=config, deadline=Deadline.after(deadline.remaining(), clock))
        call = Call(request, None, self._clock.monotonic())
        error = messages.unexpected(self, request)
        call.error = error
        with self._lock:
            self.unexpected.append(call)
            self._raised.append(error)
        raise error

    def _connect(
        self, request: Request, key: tuple[str, bool], action: object, config: Config, deadline: Deadline
    ) -> MemoryConnection:
        """Name look-up, guard, connecting and TLS, as far as a route or a resolver speaks of them."""
        fault = action if isinstance(action, Fault) else None
        stage = "peer" if fault is None else fault.stage
        deadline.check("connect", maybe_sent=False)
        self._look_up(request.url.host, is_missing=stage == "dns")
        if stage == "connect":
            failure = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            raise ConnectError(f"cannot connect: {describe_os_error(failure)}") from failure
        if stage == "connect_timeout":
            left = deadline.remaining()
            if left is None:
                raise StalledError("the connection is never made, and the call has no time-out: it would wait for ever")
            self._clock.advance(left)
            raise deadline.timeout_error("connect", maybe_sent=False)
        if fault is not None and stage == "tls" and request.url.scheme == "https" and not config.insecure_skip_verify:
            raise CertificateError(f"the certificate was not accepted: {fault.detail}", maybe_sent=False)
        with self._lock:
            number = len(self.connections)
            sock = MemorySocket(self._clock, self._noter(number), is_secure=request.url.scheme == "https")
            connection = MemoryConnection(self._pool, key, number, MemoryStream(sock))
            self.connections.append(connection)
        self._pool.add(connection)
        return connection

    def _noter(self, number: int) -> Callable[[str], None] | None:
        transcript = self.transcript
        return None if transcript is None else lambda text: transcript.append(f"[{number}] {text}")

    def _look_up(self, host: str, *, is_missing: bool) -> None:
        if is_address(host):
            addresses: list[str] = [host]
        elif is_missing:
            addresses = []
        elif self._resolver is None:
            addresses = [_SOMEWHERE]
        else:
            try:
                found = self._resolver(host)
            except (OSError, LookupError):
                found = ()
            addresses = [found] if isinstance(found, str) else list(found)
        if self._guard is not None:
            addresses = [address for address in addresses if self._guard.permits(address)]
        if not addresses or is_missing:
            raise NameResolutionError("no such host")

    def _exchange(
        self,
        request: Request,
        action: Reply | Script | Fault,
        call: Call,
        connection: MemoryConnection,
        config: Config,
        deadline: Deadline,
    ) -> ObservedAnswer:
        """The whole way: the request's bytes to a peer that plays, its bytes through the reader."""
        if isinstance(action, Reply):
            script = action.script(request.method)
        else:
            script = action if isinstance(action, Script) else action.script
        stream = connection.sock
        assert stream is not None  # set for good
        try:
            connection.peer.play(script)
            stream.begin(deadline)
            answer = connection.exchange(request, config.limits, connection)
        except BaseException:
            self._pool.drop(connection)
            raise
        return ObservedAnswer(answer, call, self._clock)

    def _note_failure(self, call: Call, error: BaseException) -> None:
        call.error = error
        call.elapsed = self._clock.monotonic() - call.started

    # The end

    def verify(self) -> None:
        """Checks that every request was expected, and every route asked for as often as it says.

        Raises:
            UnexpectedRequestError: a request had no route, even if the code under test took no notice.
            UnusedRouteError: a route that is not optional was not used, or not often enough.
        """
        if self._raised:
            raise messages.swallowed(self, tuple(self._raised))
        missing = tuple(route for route in self.routes if route.missing)
        if missing:
            raise UnusedRouteError(messages.unused(self, missing), routes=missing)

    def reset(self) -> None:
        """Forgets routes, calls and connections; the clock goes on."""
        with self._lock:
            self.calls = Calls()
            self.unexpected = Calls()
            self._raised = []
            self.routes = []
            self.connections = []
            self._index = RouteIndex()
            self._pool = self._new_pool()

    def close(self) -> None:
        """Refuses further calls; twice is fine. The fallback stays open."""
        self._is_closed = True
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.verify()
        except AssertionError as found:
            if error is None:
                raise
            if found is not error and error not in self._raised:
                error.add_note(f"the fake says, too:\n{found}")

    def __repr__(self) -> str:
        return f"<FakeTransport, {len(self.routes)} routes, {len(self.calls)} calls>"


#: Up to here a new route is compared with all the others.
_UNREACHABLE_CHECKED = 200


def _as_action(made: object) -> Reply | Script | Fault:
    """What a handler returned, as something to play."""
    if isinstance(made, Reply | Script | Fault):
        return made
    if isinstance(made, Response):
        pairs = [
            pair
            for pair in made.headers.multi_items()
            if pair[0].lower() not in ("content-length", "transfer-encoding")
        ]
        return Reply(made.status_code, headers=pairs, body=made.body, reason=made.reason or None)
    raise InvalidTypeError(
        f"a handler must return a Reply, a Response, a Script, a fault or None, not {type(made).__name__}"
    )
