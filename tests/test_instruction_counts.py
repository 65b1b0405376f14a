"""The guard on instruction counts: what it lets pass, what it fails, and what it says it did not check.

The counting itself is a step of CI, which has valgrind: ``python -m tests.benchmarks instructions``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.benchmarks import instructions
from tests.benchmarks.instructions import Counts, NotCheckedError, changed, same_interpreter, tell, untold

KEPT = Counts("CPython 3.11.7", 100_000, {"GET": 20_000, "POST": 40_000})
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- much\n\n## 1.0\n\n- GET: 5 instructions; old\n"


def counts(get: int = 20_000, post: int = 40_000, *, reference: int = 100_000, of: str = "CPython 3.11.7") -> Counts:
    return Counts(of, reference, {"GET": get, "POST": post})


@pytest.mark.parametrize("get", [19_010, 20_000, 20_990])
def test_a_change_of_five_percent_passes(get: int) -> None:
    assert changed(KEPT, counts(get)) == {}


@pytest.mark.parametrize("get", [18_990, 21_010])
def test_a_change_over_five_percent_is_noticed_in_either_direction(get: int) -> None:
    assert changed(KEPT, counts(get)) == {"GET": pytest.approx(get / 20_000 - 1)}


def test_a_work_that_was_never_counted_is_noticed() -> None:
    found = Counts("CPython 3.11.7", 100_000, KEPT.instructions | {"PUT": 1})

    assert list(changed(KEPT, found)) == ["PUT"]


def test_what_the_reference_moves_is_taken_off() -> None:
    assert changed(KEPT, counts(20_150, 40_300, reference=100_750)) == {}
    assert list(changed(KEPT, counts(21_050, reference=99_500))) == ["GET"]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (counts(of="CPython 3.12.1"), r"of CPython 3\.11\.7, and this is CPython 3\.12\.1"),
        (counts(reference=102_000), r"built in another way: it needs \+2\.0% instructions"),
        (counts(reference=98_000), r"it needs -2\.0%"),
    ],
)
def test_counts_of_two_interpreters_are_not_compared(found: Counts, reason: str) -> None:
    with pytest.raises(NotCheckedError, match=reason):
        same_interpreter(KEPT, found)


def test_counts_of_one_interpreter_are() -> None:
    same_interpreter(KEPT, counts(reference=100_900))


def test_a_count_without_a_line_in_the_changelog_is_untold() -> None:
    told = tell(CHANGELOG, KEPT.instructions, {}, "a first count")

    assert untold(KEPT.instructions, CHANGELOG) == ["GET", "POST"]
    assert untold(KEPT.instructions, told) == []
    assert untold({"GET": 20_001, "POST": 40_000}, told) == ["GET"]
    assert untold(KEPT.instructions, told.replace("; a first count", "")) == ["GET", "POST"]
    assert untold(KEPT.instructions, told.replace("; a first count", "; ")) == ["GET", "POST"]


def test_a_count_told_again_replaces_what_is_not_released_and_nothing_else() -> None:
    once = tell(CHANGELOG, KEPT.instructions, {}, "a first count")

    twice = tell(once, {"GET": 25_000}, KEPT.instructions, "fields are judged twice")

    assert "- GET: 25,000 instructions (before: 20,000); fields are judged twice\n" in twice
    assert twice.count("- GET: ") == 2
    assert twice.endswith("## 1.0\n\n- GET: 5 instructions; old\n")
    assert "- POST: 40,000 instructions; a first count\n" in twice
    assert twice.count("### Instructions a call") == 1
    assert untold({"GET": 25_000, "POST": 40_000}, twice) == []


def test_a_changelog_of_nothing_released_can_be_told() -> None:
    told = tell("# Changelog\n\n## Unreleased\n", {"GET": 1}, {}, "why")

    assert told == "# Changelog\n\n## Unreleased\n\n### Instructions a call\n\n- GET: 1 instructions; why\n"


def test_the_counts_that_are_kept_are_told() -> None:
    kept = Counts.read()

    assert kept.instructions.keys() == instructions.WORKS.keys() - {instructions.REFERENCE}
    assert untold(kept.instructions, instructions.CHANGELOG.read_text(encoding="utf-8")) == []


def test_without_valgrind_it_says_that_nothing_was_checked() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "instructions"]

    done = subprocess.run(command, cwd=instructions.ROOT, env={"PATH": ""}, check=False, capture_output=True, text=True)

    assert done.returncode == 3
    assert "NOT CHECKED: valgrind is not installed" in done.stderr


@pytest.mark.cost
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_counts_are_the_same_each_time() -> None:
    works = [instructions.REFERENCE, "a head of ten fields read"]

    first, second = instructions.count(works), instructions.count(works)

    assert first.reference == pytest.approx(second.reference, rel=0.001)
    assert first.instructions == pytest.approx(second.instructions, rel=0.001)
    assert 10_000 < first.instructions[works[1]] < 1_000_000
