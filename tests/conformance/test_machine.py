"""What the machine withholds: how much later a call may end for it."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp import StdlibTransport
from fluxhttp_conformance.machine import Starvation, Stopwatch, uncollected
from tests.peers import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fluxhttp import Clock

OWN = threading.get_native_id()


@pytest.fixture
def wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], None]:
    """Says how long a thread has waited, in seconds."""
    monkeypatch.setattr("fluxhttp_conformance.machine._TASKS", tmp_path)
    monkeypatch.setattr("fluxhttp_conformance.machine._PROCESSORS", tmp_path / "stat")

    def wait(thread: int, seconds: float) -> None:
        folder = tmp_path / str(thread)
        folder.mkdir(exist_ok=True)
        (folder / "schedstat").write_text(f"1000 {int(seconds * 1e9)} 3\n")

    return wait


def test_its_own_waiting_counts_and_the_longest_of_the_others(wait: Callable[[int, float], None]) -> None:
    for thread in (OWN, OWN + 1, OWN + 2):
        wait(thread, 5)
    starvation = Starvation()

    wait(OWN, 5.25)
    wait(OWN + 1, 5.5)
    wait(OWN + 2, 5.125)
    wait(OWN + 3, 0.25)

    assert starvation.seconds() == 0.75


def test_where_nobody_counts_nothing_is_withheld(wait: Callable[[int, float], None]) -> None:
    assert Starvation().seconds() == 0


def test_a_thread_that_has_ended_is_left_out(wait: Callable[[int, float], None], tmp_path: Path) -> None:
    wait(OWN, 1)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "schedstat").write_text("")

    assert Starvation().seconds() == 0


def test_what_the_host_gave_to_others_counts_for_the_processor_that_lost_most(
    wait: Callable[[int, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_CLK_TCK": 100}.__getitem__)

    def steal(*ticks: int) -> None:
        rows = [f"{number} {'9 ' * 7}{each} 9 9" for number, each in zip(("cpu", "cpu0", "cpu1"), ticks, strict=True)]
        (tmp_path / "stat").write_text("\n".join([*rows, "intr 9 9", ""]))

    wait(OWN, 1)
    steal(50, 20, 30)
    starvation = Starvation()

    wait(OWN, 1.5)
    steal(100, 45, 55)

    assert starvation.seconds() == 0.75


@pytest.mark.parametrize("text", ["", "cpu 1\ncpu0 1 2 3\n", "cpu0 a b c d e f g h i\n"])
def test_where_the_host_tells_nothing_nothing_was_taken(
    text: str, wait: Callable[[int, float], None], tmp_path: Path
) -> None:
    (tmp_path / "stat").write_text(text)

    assert Starvation().seconds() == 0


@pytest.mark.parametrize("clock", [time, StdlibTransport().clock])
def test_a_stopwatch_tells_all_time_and_that_without_what_was_withheld(
    clock: Clock, wait: Callable[[int, float], None]
) -> None:
    wait(OWN, 1)
    watch = Stopwatch(clock)

    wait(OWN, 1 + 3600)

    assert 0 <= watch.seconds() < 60
    assert -3600 <= watch.own_seconds() < 60 - 3600


def test_from_a_clock_of_its_own_nothing_is_withheld(wait: Callable[[int, float], None]) -> None:
    clock = ManualClock()
    wait(OWN, 1)
    watch = Stopwatch(clock)

    clock.sleep(5)
    wait(OWN, 4)

    assert (watch.seconds(), watch.own_seconds()) == (5, 5)


def test_the_collector_is_put_off_until_the_last_block_ends_and_is_then_as_before() -> None:
    assert gc.isenabled()
    with uncollected():
        with pytest.raises(KeyError), uncollected():
            raise KeyError
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
