"""What the machine withholds: how much later a call may end for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fluxhttp_conformance.machine import Starvation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OWN = threading.get_native_id()


@pytest.fixture
def wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], None]:
    """Says how long a thread has waited, in seconds."""
    monkeypatch.setattr("fluxhttp_conformance.machine._TASKS", tmp_path)

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
