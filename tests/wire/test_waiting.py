"""Waiting on sockets."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.waiting import wait_for, wait_to_write
from fluxhttp_conformance.machine import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


#: More than the buffers of a pair of sockets hold.
FLOOD = bytes(4_194_304)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def fill(sock: socket.socket) -> None:
    """Sends until there is no room."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(FLOOD)


def test_what_is_ready_is_told_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    number = pair[0].fileno()

    assert wait_for(5.0, (number,)) == {number}

    fill(pair[0])
    assert wait_for(0.0, (number,)) == set()

    pair[1].close()
    assert wait_for(None, (number,)) == {number}


def test_who_can_write_is_told_whether_the_peer_spoke(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    assert wait_to_write(ours.fileno(), 5.0) is False

    theirs.send(b"x")
    assert wait_to_write(ours.fileno(), 5.0) is True

    fill(ours)
    assert wait_to_write(ours.fileno(), None) is True

    ours.recv(1)
    assert wait_to_write(ours.fileno(), 0.0) is None


def test_who_waits_to_write_hears_of_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    fill(ours)

    theirs.close()

    assert wait_to_write(ours.fileno(), 5.0) is True


@pytest.mark.parametrize(
    "wait", [lambda number: wait_for(0.0501, (number,)), lambda number: wait_to_write(number, 0.0501)]
)
def test_it_waits_as_long_as_asked_and_not_less(
    wait: Callable[[int], object], pair: tuple[socket.socket, socket.socket]
) -> None:
    fill(pair[0])
    watch = Stopwatch()

    assert not wait(pair[0].fileno())

    assert watch.seconds() >= 0.0501
    assert watch.own_seconds() < 0.3


def test_a_time_out_of_centuries_is_shortened(pair: tuple[socket.socket, socket.socket]) -> None:
    number = pair[0].fileno()

    assert wait_for(1e300, (number,)) == {number}
    assert wait_to_write(number, 1e300) is False


def test_a_closed_descriptor_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        wait_for(0.0, (-1,))
    with pytest.raises(ValueError, match="negative"):
        wait_to_write(-1, 0.0)


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
            assert wait_for(0.0, (number,)) == {number}
            assert wait_to_write(number, 0.0) is False
        finally:
            os.close(number)


def test_the_system_s_clock_is_python_s() -> None:
    before = time.monotonic()
    SYSTEM_CLOCK.sleep(0.0)

    assert before <= SYSTEM_CLOCK.monotonic() <= time.monotonic()
    assert repr(SYSTEM_CLOCK) == "SystemClock()"
