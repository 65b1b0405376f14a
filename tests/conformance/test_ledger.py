"""The ledger: what it may say, and that it is strict both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fluxhttp_conformance import Case, Ledger, LedgerError, Target, catalogue, run_suite
from fluxhttp_conformance.ledger import Deviation
from fluxhttp_conformance.run import Result
from fluxhttp_conformance.suite import select

if TYPE_CHECKING:
    from pathlib import Path

    from fluxhttp_conformance.run import Outcome

SHORT_BODY = "framing/short-body"
KNOWN = Ledger.parse(f'[[deviation]]\ncase = "{SHORT_BODY}"\nreason = "it hides the end"\n')


def result(outcome: Outcome) -> Result:
    return Result(catalogue(SHORT_BODY)[0], "mine", outcome, "why", 0.1)


def test_a_ledger_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(
        f'[[deviation]]\ncase = "{SHORT_BODY}"\nreason = "it hides the end"\nlink = "https://example.org/1"\n'
    )

    ledger = Ledger.read(path)

    assert ledger.deviations == {
        SHORT_BODY: Deviation(case=SHORT_BODY, reason="it hides the end", link="https://example.org/1")
    }
    assert str(ledger.deviations[SHORT_BODY]) == "it hides the end (https://example.org/1)"


def test_an_empty_ledger_knows_of_nothing() -> None:
    assert Ledger.parse("# nothing\n").deviations == {}
    assert Ledger.shipped("no-such-transport") == Ledger()


@pytest.mark.parametrize("name", ["stdlib", "urllib3", "fake"])
def test_what_is_shipped_can_be_read(name: str) -> None:
    assert len(Ledger.shipped(name).deviations) <= 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[deviation]", "ledger: "),
        ("deviation = 3", r"expected \[\[deviation\]\] and \[\[difference\]\] tables alone, got deviation"),
        ("difference = 3", r"expected \[\[deviation\]\] and \[\[difference\]\] tables alone, got difference"),
        ("[other]", r"expected \[\[deviation\]\] and \[\[difference\]\] tables alone, got other"),
        ("deviation = [3]", "deviation 1: expected a table"),
        ("[[deviation]]\nreason = 'x'", "deviation 1: case must be a text"),
        (f"[[deviation]]\ncase = '{SHORT_BODY}'", "deviation 1: reason must be a text"),
        (f"[[deviation]]\ncase = '{SHORT_BODY}'\nreason = ' '", "deviation 1: reason must be a text that is not empty"),
        (f"[[deviation]]\ncase = '{SHORT_BODY}'\nreason = 'x'\nlink = 3", "deviation 1: link must be a text"),
        (f"[[deviation]]\ncase = '{SHORT_BODY}'\nreason = 'x'\nlnik = 'y'", "deviation 1: unknown key 'lnik'"),
        ("[[deviation]]\ncase = 'framing/no-such'\nreason = 'x'", "there is no case 'framing/no-such'"),
        (2 * f"[[deviation]]\ncase = '{SHORT_BODY}'\nreason = 'x'\n", f"deviation 2: {SHORT_BODY} is listed twice"),
        ("[[difference]]\ncase = 'framing/no-such'\nreason = 'x'", "difference 1: there is no case 'framing/no-such'"),
        (
            "".join(f"[[{kind}]]\ncase = '{SHORT_BODY}'\nreason = 'x'\n" for kind in ("deviation", "difference")),
            f"{SHORT_BODY} is listed as a deviation and as a difference",
        ),
    ],
)
def test_a_wrong_ledger_is_refused(text: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        Ledger.parse(text)


def test_a_ledger_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        Ledger.read(tmp_path / "known.toml")


@pytest.mark.parametrize(
    ("before", "after", "is_deviation"),
    [
        ("pass", "unexpected-pass", True),
        ("fail", "known-failure", False),
        ("not-applicable", "not-applicable", False),
        ("harness-error", "harness-error", False),
    ],
)
def test_a_ledger_changes_what_an_outcome_means(before: Outcome, after: Outcome, is_deviation: bool) -> None:
    judged = result(before).under(KNOWN)

    assert (judged.outcome, judged.is_deviation) == (after, is_deviation)


def test_without_an_entry_an_outcome_stays() -> None:
    assert result("pass").under(Ledger()).outcome == "pass"
    assert result("fail").under(Ledger()).is_deviation


def test_a_known_failure_keeps_its_reason_and_its_report() -> None:
    message = result("fail").under(KNOWN).message

    assert message == "known: it hides the end\n\nwhy"


def test_a_run_goes_by_the_ledger_of_each_target() -> None:
    seen: list[Result] = []

    results = run_suite(
        ["stdlib", Target("mine", Target.named("stdlib").open)],
        prefix=SHORT_BODY,
        ledger={"mine": KNOWN},
        on_result=seen.append,
    )

    assert [(each.target, each.outcome) for each in results] == [("stdlib", "pass"), ("mine", "unexpected-pass")]
    assert seen == results


def test_a_run_selects_by_kind_and_prefix() -> None:
    results = run_suite(["stdlib"], prefix="framing/s", kinds=["informational"], ledger=KNOWN)

    assert results == []


def test_processes_that_share_the_cases_find_what_one_finds() -> None:
    def told(jobs: int) -> list[tuple[str, str, Outcome]]:
        results = run_suite(["fake"], prefix="f", jobs=jobs)
        return [(result.case.id, result.target, result.outcome) for result in results]

    assert len(told(1)) > 40
    assert told(2) == told(1)


def test_a_quick_run_leaves_out_what_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = catalogue(SHORT_BODY)[0]
    slow = Case(quick.function, id="made/slow", kind="required", level="wire", anchor="seam", tags=frozenset({"slow"}))
    monkeypatch.setattr("fluxhttp_conformance.suite.catalogue", lambda prefix: [quick, slow])

    assert select(profile="quick") == [quick]
    assert select(profile="full") == [quick, slow]
