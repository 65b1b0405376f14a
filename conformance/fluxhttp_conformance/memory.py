"""What a call costs in memory, as Python counts it."""

from __future__ import annotations

import threading
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

# Python counts for the whole process: one measurement at a time.
_lock = threading.Lock()


@contextmanager
def memory_below(most_bytes: int) -> Generator[None]:
    """Measures the peak of what is allocated inside, beyond what was there before.

    Raises:
        AssertionError: it was more than ``most_bytes``.
    """
    with _lock:
        was_tracing = tracemalloc.is_tracing()
        if not was_tracing:
            tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            yield
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            if not was_tracing:
                tracemalloc.stop()
    assert peak <= most_bytes, f"the call took {peak} bytes of memory, and {most_bytes} are enough"
