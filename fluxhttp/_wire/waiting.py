"""Waiting on sockets, where no time-out of theirs can do it."""

from __future__ import annotations

import select
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: A time-out the operating system surely takes, for deadlines far away.
SECONDS_MAX = 1_000_000.0


def poller(number: int) -> Callable[[], object]:
    """A function that says, at once, whether a descriptor has something to read; to be asked often."""
    if not hasattr(select, "poll"):  # pragma: no cover  # Windows
        return lambda: select.select((number,), (), (), 0.0)[0]
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return partial(poll.poll, 0)


def wait_to_write(number: int, seconds: float | None) -> bool | None:
    """Whether a descriptor has something to read, once it can be written to or has; None if the time was over.

    What failed has something to read: the failure.
    """
    seconds = None if seconds is None else min(seconds, SECONDS_MAX)
    if not hasattr(select, "poll"):  # pragma: no cover  # Windows
        readable, writable, failed = select.select((number,), (number,), (number,), seconds)
        return bool(readable or failed) if readable or writable or failed else None
    poll = select.poll()
    poll.register(number, select.POLLIN | select.POLLOUT)
    found = poll.poll(None if seconds is None else _milliseconds(seconds))
    return found[0][1] != select.POLLOUT if found else None


def _milliseconds(seconds: float) -> int:
    # A millisecond more, so that it is not woken just before the time.
    return int(seconds * 1000) + (seconds > 0)


def wait_for(seconds: float | None, writable: tuple[int, ...]) -> set[int]:
    """The file descriptors that can be written to, or failed, within that time; None waits on.

    ``poll`` where there is one: ``select`` cannot take a descriptor above 1023.
    """
    seconds = None if seconds is None else min(seconds, SECONDS_MAX)
    if not hasattr(select, "poll"):  # pragma: no cover  # Windows
        ready = select.select((), writable, writable, seconds)
        return {number for numbers in ready for number in numbers}
    poll = select.poll()
    for number in writable:
        poll.register(number, select.POLLOUT)
    return {number for number, _ in poll.poll(None if seconds is None else _milliseconds(seconds))}
