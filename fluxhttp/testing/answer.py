"""The answers the fake gives: one read before, one read now, one that another transport gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.errors import ClosedError
from fluxhttp.testing.reply import Head

if TYPE_CHECKING:
    from fluxhttp._core.deadline import Clock
    from fluxhttp._core.headers import Headers
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp.testing.calls import Call
    from fluxhttp.testing.clock import VirtualClock
    from fluxhttp.testing.memory import MemoryConnection
    from fluxhttp.testing.reply import Ready

__tracebackhide__ = True  # pytest shows the line of the test instead


class ReadyAnswer:
    """An answer that the reader judged when the reply was declared."""

    __slots__ = ("_connection", "_keeps_alive", "_left", "headers", "http_version", "reason", "status_code")

    def __init__(self, ready: Ready, connection: MemoryConnection, *, keeps_alive: bool) -> None:
        self.status_code: int = ready.status_code
        self.reason: str = ready.reason
        self.http_version: str = ready.http_version
        self.headers: Headers = ready.headers
        self._left = ready.body
        self._keeps_alive = keeps_alive
        self._connection: MemoryConnection | None = connection

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body; b"" at its end."""
        data = self._left
        if self._connection is None and data and size > 0:
            raise ClosedError("the answer is closed, and its body was not read whole")
        if len(data) <= size:
            self._left = b""
            return data
        size = max(0, size)
        self._left = data[size:]
        return data[:size]

    def close(self) -> None:
        """Gives the connection back if the body was read whole."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.answer_closed(reusable=self._keeps_alive and not self._left)


class ObservedAnswer:
    """An answer whose bytes come now; the call notes what becomes of it."""

    __slots__ = ("_answer", "_call", "_clock", "_head")

    def __init__(self, answer: TransportResponse, call: Call, clock: Clock) -> None:
        self._answer = answer
        self._call = call
        self._clock = clock
        self._head = call._answer = Head(answer)

    @property
    def status_code(self) -> int:
        """As received."""
        return self._head.status_code

    @property
    def reason(self) -> str:
        """As received."""
        return self._head.reason

    @property
    def http_version(self) -> str:
        """As received."""
        return self._head.http_version

    @property
    def headers(self) -> Headers:
        """As received."""
        return self._answer.headers

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body; b"" at its end."""
        try:
            data = self._read(size)
        except BaseException as error:
            self._call.note(error, self._clock)
            raise
        if data:
            self._head.pieces.append(data)
        return data

    def _read(self, size: int) -> bytes:
        return self._answer.read(size)

    def close(self) -> None:
        """Gives the connection back if the body was read whole, drops it otherwise."""
        self._call.note(self._call.error, self._clock)
        self._answer.close()


class FallbackAnswer(ObservedAnswer):
    """An answer of another transport; the time it takes there passes here, too."""

    __slots__ = ("_follower", "_other")

    def __init__(self, answer: TransportResponse, call: Call, clock: VirtualClock, other: Clock) -> None:
        super().__init__(answer, call, clock)
        self._follower = clock
        self._other = other

    def _read(self, size: int) -> bytes:
        with Following(self._follower, self._other):
            return self._answer.read(size)


class Following:
    """Moves the virtual clock as far as another clock moves inside a ``with`` block."""

    __slots__ = ("_clock", "_other", "_started")

    def __init__(self, clock: VirtualClock, other: Clock) -> None:
        self._clock = clock
        self._other = other
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = self._other.monotonic()

    def __exit__(self, *_: object) -> None:
        if self._other is not self._clock:
            self._clock.advance(max(0.0, self._other.monotonic() - self._started))
