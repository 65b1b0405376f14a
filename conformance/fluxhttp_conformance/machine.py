"""What the machine and the interpreter withhold while a case is timed."""

from __future__ import annotations

import gc
import os
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from fluxhttp import Clock

#: Run time, time on the run queue, and slices of each thread of ours, in nanoseconds; Linux has it.
_TASKS = Path("/proc/self/task")
#: A line for each processor: ``cpu0``, then ticks; those at this place went to other machines on the same host.
_PROCESSORS = Path("/proc/stat")
_STOLEN = 8


class Starvation:
    """How long the calling thread could not go on since this was made, for want of a processor; 0 where nobody counts.

    On a machine that is busy otherwise a call cannot end on time, and that says
    nothing about the transport. On an idle one this hardly grows.
    """

    def __init__(self) -> None:
        self._waited = _waited()
        self._stolen = _stolen()

    def seconds(self) -> float:
        """Its own waiting, that of the thread that waited longest, and what the host gave to other machines.

        Another thread may have held the interpreter's lock while it waited. It is not
        the sum of all: ten threads that wait at once do not make the eleventh wait ten times.
        """
        since = {thread: waited - self._waited.get(thread, 0) for thread, waited in _waited().items()}
        own = since.pop(threading.get_native_id(), 0)
        stolen = [after - before for before, after in zip(self._stolen, _stolen(), strict=False)]
        return max(0.0, (own + max(since.values(), default=0)) / 1e9 + max(stolen, default=0.0))


class Stopwatch:
    """The time since it was made.

    Args:
        clock: what it is measured on. From another clock than the system's the machine withholds nothing.
    """

    def __init__(self, clock: Clock = time) -> None:
        self._clock = clock
        # A transport may have the system's clock under another name.
        self._starvation = Starvation() if clock.monotonic is time.monotonic else None
        self._started = clock.monotonic()

    def seconds(self) -> float:
        """All of it: what must have passed at least."""
        return self._clock.monotonic() - self._started

    def own_seconds(self) -> float:
        """Without what the machine had no processor for: what may have passed at most."""
        return self.seconds() - (0.0 if self._starvation is None else self._starvation.seconds())


_lock = threading.Lock()
_uncollected = 0
_collects = False


@contextmanager
def uncollected() -> Generator[None]:
    """Puts off the cyclic garbage collector, in all threads, until the last block ends that asked for it.

    In a process with millions of objects, as a large test run is, it stops every thread
    for half a second at a time: longer than most time-outs here, and nothing a transport did.
    """
    global _uncollected, _collects  # noqa: PLW0603  # the collector is the process's
    with _lock:
        if not _uncollected:
            _collects = gc.isenabled()
            gc.disable()
        _uncollected += 1
    try:
        yield
    finally:
        with _lock:
            _uncollected -= 1
            if not _uncollected and _collects:
                gc.enable()


def _waited() -> dict[int, int]:
    """Nanoseconds on the run queue, by thread."""
    waited: dict[int, int] = {}
    for statistics in _TASKS.glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # the thread has ended meanwhile
            waited[int(statistics.parent.name)] = int(statistics.read_text().split()[1])
    return waited


def _stolen() -> list[float]:
    """Seconds that the host withheld, by processor."""
    with suppress(OSError, ValueError, IndexError):
        ticks = os.sysconf("SC_CLK_TCK")
        rows = [line.split() for line in _PROCESSORS.read_text().splitlines()]
        return [int(row[_STOLEN]) / ticks for row in rows if row[0].startswith("cpu") and row[0] != "cpu"]
    return []
