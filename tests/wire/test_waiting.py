"""Waiting on sockets."""

from __future__ import annotations

import os
import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_what_is_ready_is_told_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = ours.fileno()
        assert wait_for(5.0, writable=(number,)) == {number}
        assert wait_for(0.0, readable=(number,)) == set()

        theirs.send(b"x")

        assert wait_for(None, readable=(number,)) == {number}
        assert wait_for(5.0, readable=(number,), writable=(number,)) == {number}


def test_a_peer_that_is_gone_is_ready() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()

        assert wait_for(5.0, readable=(ours.fileno(),)) == {ours.fileno()}


def test_it_waits_as_long_as_asked_and_not_less() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        started = time.monotonic()

        assert wait_for(0.0501, readable=(ours.fileno(),)) == set()

        assert 0.0501 <= time.monotonic() - started < 0.3


def test_a_time_out_of_centuries_is_shortened() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert wait_for(1e300, writable=(ours.fileno(),)) == {ours.fileno()}


def test_a_closed_descriptor_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        wait_for(0.0, readable=(-1,))


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many descriptors as the system lets a process have."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_descriptors")
def test_descriptors_above_those_of_select_are_waited_for() -> None:
    number = 1100
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.dup2(ours.fileno(), number)
        try:
            assert wait_for(0.0, writable=(number,)) == {number}
        finally:
            os.close(number)


def test_the_system_s_clock_is_python_s() -> None:
    before = time.monotonic()
    SYSTEM_CLOCK.sleep(0.0)

    assert before <= SYSTEM_CLOCK.monotonic() <= time.monotonic()
    assert repr(SYSTEM_CLOCK) == "SystemClock()"
