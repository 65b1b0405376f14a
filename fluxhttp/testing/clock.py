"""VirtualClock: time that passes because somebody says so."""

from __future__ import annotations

import threading

from fluxhttp.errors import InvalidConfigError, InvalidTypeError


class _Line(threading.local):
    now = 0.0


class VirtualClock:
    """A clock on which nothing sleeps: waiting moves it, exactly.

    Each thread has a time line of its own, beginning at 0, so that one thread's
    delay never expires another's deadline.

    Attributes:
        slept: the seconds of every ``sleep``, of all threads, in order: the pauses of a retry, for instance.
    """

    def __init__(self) -> None:
        self._line = _Line()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Seconds on this thread's time line."""
        return self._line.now

    def sleep(self, seconds: float, /) -> None:
        """Returns at once, that many seconds later, and notes them in ``slept``.

        Raises:
            InvalidTypeError, InvalidConfigError: as ``advance``.
        """
        self.advance(seconds)
        self.slept.append(seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass on this thread's time line.

        Raises:
            InvalidTypeError: the seconds are no number.
            InvalidConfigError: they are negative, infinite or NaN.
        """
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise InvalidTypeError(f"seconds must be a number, not {type(seconds).__name__}")
        if not 0 <= seconds < float("inf"):
            raise InvalidConfigError(f"seconds must be zero or more, and finite, not {seconds:g}")
        self._line.now += seconds

    def __repr__(self) -> str:
        return f"VirtualClock(now={self._line.now:g})"
