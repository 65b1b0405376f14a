"""FakeTransport: a transport in memory, held to the same conformance suite as the real ones.

It stands at the lowest seam: requests are built, answers judged, redirects
followed, bodies decoded and limits held by the very code that does so for a
real transport, and the bytes of an answer go through the same reader. Time is
virtual: nothing sleeps, and time-outs come at the exact moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.deadline import Deadline
from fluxhttp._wire.carrying import is_repeatable
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.options import IDLE_SECONDS, MAX_IDLE_PER_ORIGIN
from fluxhttp._wire.pool import Pool
from fluxhttp.errors import InvalidTypeError, ReceiveError, SendError, TLSError, TransportError
from fluxhttp.testing import endings, messages
from fluxhttp.testing.answer import FallbackAnswer, Following, ObservedAnswer, ReadyAnswer
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.errors import OF_THE_TEST, ImpossibleReplyError, UnexpectedRequestError
from fluxhttp.testing.faults import Fault
from fluxhttp.testing.memory import MemoryConnection, MemorySocket, MemoryStream
from fluxhttp.testing.network import Network, meets_tls
from fluxhttp.testing.places import raised_at
from fluxhttp.testing.reply import Reply
from fluxhttp.testing.router import Router

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from fluxhttp._core.config import Config
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import Transport, TransportResponse
    from fluxhttp._wire.dialer import Guard
    from fluxhttp._wire.lookup import Resolver
    from fluxhttp.testing.routes import Route
    from fluxhttp.testing.script import Script

    #: What makes two connections different: origin, and whether certificates are judged.
    Key = tuple[str, bool]

__tracebackhide__ = True  # pytest shows the line of the test instead

#: Unexpected requests that are explained; a loop may make any number of them.
_EXPLAINED_MAX = 20


class FakeTransport(Router):
    """A transport that answers from routes.

    As a context manager it checks at exit, as ``verify`` does, that every
    request was expected and every route asked for.

    Args:
        base_url: what relative URLs of routes and matchers are appended to.
        resolver: from a host name to its addresses; None knows every name.
        guard: judges the addresses, as that of a ``Dialer``; None permits all.
            A host that either refuses is refused before a route is asked.
        fallback: carries the requests that no route takes, and stays open; None
            makes them unexpected.

    Attributes:
        calls: the requests that a route or the fallback took, in order.
        unexpected: those that none took; cleared, they are forgiven.
        routes: in the order they were registered.
        connections: those that were opened, in order.
        allows_unused_routes: whether ``verify`` overlooks routes that were not
            asked for; False at first. For one route say ``optional()``.

    Raises:
        InvalidRequestError: an argument cannot be used.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        resolver: Resolver | None = None,
        guard: Guard | None = None,
        fallback: Transport | None = None,
    ) -> None:
        super().__init__(base_url)
        for method in ("send", "close"):
            if fallback is not None and not callable(getattr(fallback, method, None)):
                raise InvalidTypeError(f"fallback must have a method {method}, but {type(fallback).__name__} has none")
        self._fallback = fallback
        self._network = Network(resolver, guard, self._clock)
        self._is_closed = False
        self.allows_unused_routes = False
        #: What happened, line by line, where somebody wants to know.
        self.transcript: list[str] | None = None

    def _begin(self) -> None:
        super()._begin()
        self.unexpected: Calls = Calls(base_url=self._base)
        self.connections: list[MemoryConnection] = []
        self._pool: Pool[MemoryConnection] = Pool(
            max_idle_per_origin=MAX_IDLE_PER_ORIGIN, idle_seconds=IDLE_SECONDS, clock=self._clock
        )

    # The transport

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Answers from the first route that matches and has replies left.

        Raises:
            UnexpectedRequestError: none does; not an error of the network.
            TransportError: the route says so, or the answer is no HTTP.
            HeadTooLargeError: the head is over the limits.
            ClosedError: the transport was closed, before or meanwhile.
        """
        key = (request.url.origin, config.insecure_skip_verify)
        used = self._pool.take(key)
        answer = self._attempt(request, key, used, config, deadline)
        if answer is None:
            assert used is not None  # a new connection is no reason to try again
            try:
                answer = self._attempt(request, key, None, config, deadline)
            except TransportError as error:
                error.maybe_sent = error.maybe_sent or used.has_sent
                raise
            assert answer is not None  # as above
        return answer

    def _attempt(
        self, request: Request, key: Key, connection: MemoryConnection | None, config: Config, deadline: Deadline
    ) -> TransportResponse | None:
        """One try; None if the connection, which was used before, died and the request is to be sent again (D12)."""
        declined: dict[Route, str] = {}
        looks_up = connection is None and self._network.judges_hosts
        chosen = None
        try:
            chosen = self._choose(
                request,
                declined,
                meets_tls=meets_tls(request, config),
                look_up=(lambda: self._network.look_up(request.url.host, deadline)) if looks_up else None,
            )
        finally:
            if connection is not None and (chosen is None or isinstance(chosen[1], Fault)):
                self._pool.give_back(key, connection)
                connection = None
        if chosen is None:
            if looks_up and self._fallback is None:
                self._network.look_up(request.url.host, deadline)
            return self._leave(request, declined, config, deadline)
        return self._carry(*chosen, key, connection, config, deadline)

    def _carry(
        self,
        call: Call,
        action: Reply | Script | Fault,
        key: Key,
        connection: MemoryConnection | None,
        config: Config,
        deadline: Deadline,
    ) -> TransportResponse | None:
        """Does what a route says; None as above."""
        fault = action if isinstance(action, Fault) else None
        call._fault = None if fault is None else fault.name
        is_used = connection is not None
        try:
            if self._clock.monotonic() > call.started:
                # The function of a route took its time, which is the peer's.
                deadline.check("head")
            if connection is None:
                connection = self._connect(call.request, key, fault, config, deadline)
            connection.calls.append(call)
            answer = self._answer(call, action, connection, config, deadline)
            if call.request.headers._index is not None:
                call.lighten()
            return answer
        except BaseException as error:
            call.note(error, self._clock)
            if connection is None:
                raise
            self._pool.drop(connection)
            is_dead = is_used and isinstance(error, SendError | ReceiveError | TLSError)
            if not is_dead or connection.has_received or not is_repeatable(call.request):
                raise
            return None

    def _connect(
        self, request: Request, key: Key, fault: Fault | None, config: Config, deadline: Deadline
    ) -> MemoryConnection:
        self._network.connect(request, fault, config, deadline)
        with self._lock:
            number = len(self.connections)
            sock = MemorySocket(self._clock, self._noter(number), is_secure=request.url.scheme == "https")
            connection = MemoryConnection(self._pool, key, number, MemoryStream(sock), request.url)
            self.connections.append(connection)
        self._pool.add(connection)
        return connection

    def _noter(self, number: int) -> Callable[[str], None] | None:
        transcript = self.transcript
        return None if transcript is None else lambda text: transcript.append(f"[{number}] {text}")

    def _answer(
        self,
        call: Call,
        action: Reply | Script | Fault,
        connection: MemoryConnection,
        config: Config,
        deadline: Deadline,
    ) -> TransportResponse:
        request = call.request
        if isinstance(action, Reply):
            if action.is_immediate and not connection.peer.is_shut:
                ready = action.ready(request.method)
                if ready.is_within(config.limits):
                    deadline.check("send", maybe_sent=False)
                    call._answer = ready
                    # Whoever sends "close", which is all it can say, must not go on (RFC 9112, 9.6).
                    keeps_alive = ready.keeps_alive and not request.closes
                    return ReadyAnswer(ready, connection, keeps_alive=keeps_alive)
            script = action.script(request.method)
        else:
            script = action.script if isinstance(action, Fault) else action
        # The whole way: the request's bytes to a peer that plays, its bytes through the reader.
        connection.begin(script, deadline)
        return ObservedAnswer(connection.exchange(request, config.limits, connection), call, self._clock)

    # Requests that no route takes

    def _leave(
        self, request: Request, declined: dict[Route, str], config: Config, deadline: Deadline
    ) -> TransportResponse:
        call = Call(request, None, self._clock.monotonic())
        if self._fallback is not None:
            return self._pass_on(self._fallback, call, config, deadline)
        with self._lock:
            earlier = self.unexpected[:]
            history = messages.History(self.routes[:], self.calls[:], earlier, declined)
        if len(earlier) < _EXPLAINED_MAX:
            error = messages.unexpected(call, history)
        else:
            error = UnexpectedRequestError(messages.brief(request, len(earlier)), request=request)
        error.site = raised_at()
        call.error = error
        with self._lock:
            self.unexpected.append(call)
        if len(earlier) > endings.SWALLOWED_MAX and earlier[-1].error is not None:
            # Nobody will ask where it was caught, and a traceback holds on to every local variable.
            earlier[-1].error.__traceback__ = None
        raise error

    def _pass_on(self, fallback: Transport, call: Call, config: Config, deadline: Deadline) -> FallbackAnswer:
        """Real time may pass there: it has its own deadline, of the seconds that are left, and this clock follows."""
        with self._lock:
            self.calls.append(call)
        other = getattr(fallback, "clock", SYSTEM_CLOCK)
        left = Deadline.after(deadline.remaining(), other)
        try:
            with Following(self._clock, other):
                answer = fallback.send(call.request, config=config, deadline=left)
        except BaseException as error:
            call.note(error, self._clock)
            raise
        return FallbackAnswer(answer, call, self._clock, other)

    # The end

    def verify(self) -> None:
        """Checks that every request was expected, and every route asked for as often as it says.

        Raises:
            UnexpectedRequestError: a request had no route, even if the code under test took no notice.
            UnusedRouteError: a route that is not optional was not used, or not often enough.
            AssertionError, ImpossibleReplyError: a call ended with one, from the
                function of a route for instance; no network does, so it is raised again.
        """
        with self._lock:
            calls, unexpected, routes = self.calls[:], self.unexpected[:], self.routes[:]
        errors = [call.error for call in unexpected if isinstance(call.error, UnexpectedRequestError)]
        if errors:
            raise endings.swallowed(errors) from None
        for call in calls:
            if isinstance(call.error, AssertionError | ImpossibleReplyError):
                raise call.error
        missing = [route for route in routes if route.missing]
        if missing and not self.allows_unused_routes:
            raise endings.unused(missing, len(routes), calls)

    def reset(self) -> None:
        """Forgets routes, calls and connections; the clock goes on, and what is closed stays closed."""
        with self._lock:
            self._begin()
            if self._is_closed:
                self._pool.close()

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
        except (AssertionError, ImpossibleReplyError) as found:
            if error is None:
                raise
            if not self._is_told(error):
                error.add_note(f"the fake says, too:\n{found}")

    def _is_told(self, error: BaseException) -> bool:
        """Whether an error is, or comes from, what a fake says or a function of a route asserted."""
        asserted = {id(call.error) for call in self.calls if isinstance(call.error, AssertionError)}
        seen: BaseException | None = error
        passed: set[int] = set()
        # Causes may run in a circle.
        while seen is not None and id(seen) not in passed:
            if id(seen) in asserted or isinstance(seen, OF_THE_TEST):
                return True
            passed.add(id(seen))
            seen = seen.__cause__ or seen.__context__
        return False

    def __repr__(self) -> str:
        return f"<FakeTransport, {len(self.routes)} routes, {len(self.calls)} calls>"
