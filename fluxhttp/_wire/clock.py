"""The system's clock."""

from __future__ import annotations

import time


class SystemClock:
    """Real time: ``time.monotonic`` and ``time.sleep``."""

    __slots__ = ()

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def __repr__(self) -> str:
        return "SystemClock()"


SYSTEM_CLOCK = SystemClock()
