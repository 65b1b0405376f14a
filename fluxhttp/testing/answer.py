"""The answers the fake gives: one read before, one read now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluxhttp._core.headers import Headers
    from fluxhttp._wire.reader import StrictResponse
    from fluxhttp.testing.calls import Call
    from fluxhttp.testing.clock import VirtualClock
    from fluxhttp.testing.memory import MemoryConnection
    from fluxhttp.testing.reply import Ready


class ReadyAnswer:
    """An answer that the reader judged when the reply was declared."""

    __slots__ = ("_connection", "_keeps_alive", "_left", "headers", "http_version", "reason", "status_code")

    def __init__(self, ready: Ready, connection: MemoryConnection) -> None:
        self.status_code: int = ready.status_code
        self.reason: str = ready.reason
        self.http_version: str = ready.http_version
        self.headers: Headers = ready.headers
        self._left = ready.body
        self._keeps_alive = ready.keeps_alive
        self._connection: MemoryConnection | None = connection

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body; b"" at its end."""
        data = self._left
        if len(data) <= size:
            self._left = b""
            return data
        self._left = data[size:]
        return data[:size]

    def close(self) -> None:
        """Gives the connection back if the body was read whole."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.answer_closed(reusable=self._keeps_alive and not self._left)


class ObservedAnswer:
    """An answer whose bytes go through the reader now; the call notes what became of it."""

    __slots__ = ("_answer", "_call", "_clock")

    def __init__(self, answer: StrictResponse, call: Call, clock: VirtualClock) -> None:
        self._answer = answer
        self._call = call
        self._clock = clock
        call._answer = answer
        call._pieces = []

    @property
    def status_code(self) -> int:
        """As received."""
        return self._answer.status_code

    @property
    def reason(self) -> str:
        """As received."""
        return self._answer.reason

    @property
    def http_version(self) -> str:
        """As received."""
        return self._answer.http_version

    @property
    def headers(self) -> Headers:
        """As received."""
        return self._answer.headers

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body; b"" at its end."""
        try:
            data = self._answer.read(size)
        except BaseException as error:
            self._call.error = error
            self._note_time()
            raise
        if self._call._pieces is not None and data:
            self._call._pieces.append(data)
        return data

    def close(self) -> None:
        """Gives the connection back if the body was read whole, drops it otherwise."""
        self._note_time()
        self._answer.close()

    def _note_time(self) -> None:
        self._call.elapsed = self._clock.monotonic() - self._call.started
