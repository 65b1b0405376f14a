"""The one deadline of a call, over a clock that is passed in (decision D11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fluxhttp.errors import ClosedError, RequestTimeoutError

if TYPE_CHECKING:
    from fluxhttp.errors import Phase


class Clock(Protocol):
    """Where time comes from: the system, or a fake's virtual time line."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Returns when that many seconds have passed on this clock."""
        ...


class Deadline:
    """The moment at which a call must be over, or none.

    It covers name look-up, connect, TLS, sending, all hops, head, body and
    decoding; each wait takes what is left of it.
    """

    __slots__ = ("_at", "_clock", "seconds")

    def __init__(self, at: float | None, clock: Clock, *, seconds: float | None = None) -> None:
        self._at = at
        self._clock = clock
        #: The seconds that were allowed when the call began, None for no limit.
        self.seconds: float | None = seconds

    @classmethod
    def after(cls, seconds: float | None, clock: Clock) -> Deadline:
        """The deadline that many seconds from now; None never expires."""
        return cls(None if seconds is None else clock.monotonic() + seconds, clock, seconds=seconds)

    @property
    def clock(self) -> Clock:
        """The clock it is measured on."""
        return self._clock

    def remaining(self) -> float | None:
        """Seconds left, never negative; None if there is no limit."""
        if self._at is None:
            return None
        left = self._at - self._clock.monotonic()
        return left if left > 0.0 else 0.0

    @property
    def expired(self) -> bool:
        """Whether the moment has passed."""
        return self._at is not None and self._clock.monotonic() >= self._at

    def timeout_error(self, phase: Phase, *, maybe_sent: bool = True) -> RequestTimeoutError:
        """The error to raise once it has passed."""
        allowed = "" if self.seconds is None else f" of {self.seconds:g} s"
        return RequestTimeoutError(f"the deadline{allowed} passed {_WHILE[phase]}", phase=phase, maybe_sent=maybe_sent)

    def check(self, phase: Phase, *, maybe_sent: bool = True) -> None:
        """Raises RequestTimeoutError if the moment has passed."""
        if self._at is not None and self.expired:
            raise self.timeout_error(phase, maybe_sent=maybe_sent)


_WHILE: dict[str, str] = {
    "dns": "while the host name was looked up",
    "connect": "while connecting",
    "proxy": "while the proxy was asked",
    "tls": "during the TLS handshake",
    "send": "while the request was sent",
    "head": "while waiting for the answer's head",
    "body": "while the body was read",
}


class EndableDeadline(Deadline):
    """A deadline that another thread may end before its time, with ClosedError.

    For what waits without a socket of its own yet: name look-up and connecting.
    """

    __slots__ = ("_is_ended",)

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(deadline._at, deadline._clock, seconds=deadline.seconds)
        self._is_ended = False

    def end(self) -> None:
        """From now on ``remaining`` and ``check`` raise ClosedError."""
        self._is_ended = True

    def remaining(self) -> float | None:
        """As of any deadline; raises ClosedError once it was ended."""
        if self._is_ended:
            raise ClosedError("the transport was closed during the call")
        return super().remaining()

    def check(self, phase: Phase, *, maybe_sent: bool = True) -> None:
        """As of any deadline; raises ClosedError once it was ended."""
        self.remaining()
        super().check(phase, maybe_sent=maybe_sent)
