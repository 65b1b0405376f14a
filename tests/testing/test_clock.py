"""Time that passes because somebody says so."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fluxhttp import InvalidConfigError, InvalidTypeError
from fluxhttp.testing import VirtualClock


def test_sleeping_moves_the_clock_and_is_noted() -> None:
    clock = VirtualClock()

    clock.sleep(2)
    clock.advance(0.5)
    clock.sleep(0)

    assert clock.monotonic() == 2.5
    assert clock.slept == [2, 0]
    assert repr(clock) == "VirtualClock(now=2.5)"


@pytest.mark.parametrize("seconds", [-1, -0.1, float("nan"), float("inf")])
def test_time_passes_forward_and_ends(seconds: float) -> None:
    clock = VirtualClock()

    with pytest.raises(InvalidConfigError, match=r"^seconds must be zero or more, and finite, not "):
        clock.sleep(seconds)

    assert (clock.monotonic(), clock.slept) == (0, [])


@pytest.mark.parametrize("seconds", ["1", None, True])
def test_seconds_are_a_number(seconds: Any) -> None:
    with pytest.raises(InvalidTypeError, match=r"^seconds must be a number, not "):
        VirtualClock().advance(seconds)


def test_each_thread_has_a_time_line_of_its_own() -> None:
    clock = VirtualClock()
    clock.sleep(1)
    seen: list[float] = []

    def run() -> None:
        seen.append(clock.monotonic())
        clock.sleep(5)
        seen.append(clock.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [0, 5]
    assert clock.monotonic() == 1
    assert clock.slept == [1, 5]
