"""The scoreboard: what the page says is what was measured, and what is not counted has its reason."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from adapters import scoreboard
from adapters.page import outcome, page, score, top_lines
from fluxhttp_conformance import catalogue
from fluxhttp_conformance.report import Entry

DATA: dict[str, Any] = json.loads(scoreboard.DATA.read_text(encoding="utf-8"))


def test_the_page_and_readme_say_what_the_data_say() -> None:
    assert scoreboard.PAGE.read_text(encoding="utf-8") == page(DATA)
    assert top_lines(DATA) in scoreboard.README.read_text(encoding="utf-8")


def test_only_cases_count_that_an_rfc_alone_demands() -> None:
    cases = {case.id: case for case in catalogue()}

    assert set(DATA["counted"]) <= set(cases)
    assert len(DATA["counted"]) > 100
    for id in DATA["counted"]:
        assert scoreboard.counts(cases[id]), id
        assert cases[id].level != "core"
    for id in DATA["apart"]:
        assert id not in cases or not scoreboard.counts(cases[id]), id


@pytest.mark.parametrize(
    ("kind", "anchor", "is_counted"),
    [
        ("required", "RFC 9112, 6.3", True),
        ("required", "RFC 9112, 6.3; RFC 9110, 8.6", True),
        ("required", "RFC 9112, 6.3; D10", False),
        ("required", "seam", False),
        ("pinned", "RFC 9112, 6.3", False),
        ("informational", "RFC 9112, 6.3", False),
    ],
)
def test_what_counts(kind: Any, anchor: str, is_counted: bool) -> None:
    case = catalogue()[0]
    given = type(case)(case.function, id="a/b", kind=kind, level="wire", anchor=anchor, tags=frozenset())

    assert scoreboard.counts(given) is is_counted


def test_what_is_not_asked_is_told_with_its_reason_and_of_no_client_of_ours() -> None:
    told = {
        (client, id): entry["why"].removeprefix("not asked: ")
        for client, cases in DATA["not_passed"].items()
        for id, entry in cases.items()
        if entry["why"].startswith("not asked: ")
    }

    assert told == scoreboard.not_asked()
    assert {client for client, _ in told} <= set(scoreboard.PEERS)


def test_a_score_counts_what_was_asked() -> None:
    data = {
        "counted": dict.fromkeys("abcde", "RFC 9112, 8"),
        "not_passed": {
            "x": {
                "b": {"outcome": "fail", "why": "ValueError"},
                "c": {"outcome": "not-applicable", "why": "x takes no dialer"},
                "d": {"outcome": "not-applicable", "why": "not asked: it may"},
                "e": {"outcome": "known-failure", "why": "known"},
            }
        },
    }

    assert [outcome(data, "x", id) for id in "abcde"] == [
        "pass",
        "fail",
        "not-applicable",
        "not asked",
        "known-failure",
    ]
    assert score(data, "x") == (1, 3)


def played(outcome: Literal["pass", "fail"]) -> Entry:
    return Entry(
        id="a/b",
        kind="required",
        level="wire",
        anchor="RFC 9112, 8",
        tags=(),
        reason="",
        outcome=outcome,
        message="",
        seconds=0.0,
    )


FAIL, PASS = played("fail"), played("pass")


@pytest.mark.parametrize(
    ("tries", "entries", "outcome", "said"),
    [
        (3, [PASS], "pass", ""),
        (3, [FAIL, PASS], "pass", "passed in try 2 of 3"),
        (3, [FAIL, FAIL, PASS], "pass", "passed in try 3 of 3"),
        (3, [FAIL, FAIL, FAIL], "fail", ""),
        (1, [FAIL], "fail", ""),
    ],
)
def test_a_failure_that_comes_and_goes_is_not_held_against_a_client(
    tries: int, entries: list[Entry], outcome: str, said: str
) -> None:
    left = iter(entries)

    entry = scoreboard.best_of(tries, lambda: next(left))

    assert (entry.outcome, entry.message) == (outcome, said)
    assert list(left) == []


def test_ours_have_one_try() -> None:
    assert [DATA["passed_later"][name] for name in scoreboard.OURS] == [[], [], []]


@pytest.mark.parametrize("name", sorted(scoreboard.PEERS))
def test_an_adapter_is_short(name: str) -> None:
    text = (scoreboard.HERE / f"{name}_transport.py").read_text(encoding="utf-8")

    assert sum(bool(line.strip()) for line in text.splitlines()) < 60
