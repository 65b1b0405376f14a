"""What the machine withholds while a case is timed."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

#: Run time, time on the run queue, and slices of each thread of ours, in nanoseconds; Linux has it.
_TASKS = Path("/proc/self/task")


class Starvation:
    """How long the calling thread could not go on since this was made, for want of a processor; 0 where nobody counts.

    On a machine that is busy otherwise a call cannot end on time, and that says
    nothing about the transport. On an idle one this hardly grows.
    """

    def __init__(self) -> None:
        self._before = _waited()

    def seconds(self) -> float:
        """Its own waiting, and that of the thread that waited longest, which may have held the interpreter's lock.

        Not the sum of all: ten threads that wait at once do not make the eleventh wait ten times.
        """
        since = {thread: waited - self._before.get(thread, 0) for thread, waited in _waited().items()}
        own = since.pop(threading.get_native_id(), 0)
        return max(0, own + max(since.values(), default=0)) / 1e9


def _waited() -> dict[int, int]:
    """Nanoseconds on the run queue, by thread."""
    waited: dict[int, int] = {}
    for statistics in _TASKS.glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # the thread has ended meanwhile
            waited[int(statistics.parent.name)] = int(statistics.read_text().split()[1])
    return waited
