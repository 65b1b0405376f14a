"""What the machine withholds while a case is timed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: Run time, time on the run queue, and slices of each thread of ours, in nanoseconds; Linux has it.
_TASKS = Path("/proc/self/task")


def starved_seconds() -> float:
    """How long the threads of this process have waited for a processor; 0 where nobody counts.

    On a machine that is busy otherwise a call cannot end on time, and that says
    nothing about the transport. On an idle one this hardly grows.
    """
    nanoseconds = 0
    for statistics in _TASKS.glob("*/schedstat"):
        with suppress(OSError, ValueError, IndexError):  # the thread has ended meanwhile
            nanoseconds += int(statistics.read_text().split()[1])
    return nanoseconds / 1e9
