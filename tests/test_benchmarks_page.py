"""That docs/performance.md can be written from the figures of a run, and names no figure that there is not."""

from __future__ import annotations

import re

import pytest

from tests.benchmarks import page
from tests.benchmarks.goals import GOALS

SPREAD = {"median": 21.84, "least": 21.0, "greatest": 23.5}
RATIO = {"median": 0.456, "least": 0.45, "greatest": 0.47}


def report() -> page.Report:
    rows = [
        {"name": "http.client", "CPU µs": SPREAD, "CPU µs to http.client": RATIO},
        {"name": "fluxhttp stdlib", "CPU µs": SPREAD, "CPU µs to http.client": RATIO},
    ]
    return {
        "date": "2026-11-24T10:00:00Z",
        "versions": {"python": "3.11.7", "urllib3": "2.8.0"},
        "machine": {"system": "Linux x86_64", "implementation": "CPython", "cores": 2, "load": "0.1"},
        "runs": {"calls --no-kernel": {"tables": [{"title": "GET", "rows": rows}, {"rows": []}, {"rows": []}]}},
    }


def test_a_block_shows_the_columns_of_a_table_with_ours_in_bold() -> None:
    text = "before\n<!-- figures: GET without a kernel -->\nold\n<!-- end -->\nafter\n"

    assert page.write(text, report()) == (
        "before\n<!-- figures: GET without a kernel -->\n\n"
        "|  | CPU µs | CPU µs to http.client |\n|---|---|---|\n"
        "| http.client | 21.8 (21.0–23.5) | 0.46 |\n| **fluxhttp stdlib** | 21.8 (21.0–23.5) | 0.46 |\n\n"
        "<!-- end -->\nafter\n"
    )


def test_a_block_whose_run_is_missing_stays() -> None:
    text = "<!-- figures: upload -->\nold\n<!-- end -->\n"

    assert page.write(text, report()) == text


def test_a_block_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        page.write("<!-- figures: weather -->\n<!-- end -->\n", report())


def test_goals_are_judged_by_the_run() -> None:
    text = page.write("<!-- figures: goals -->\n<!-- end -->\n", report())

    assert "| GET over stdlib, no kernel | ≤ 0.4 CPU µs to http.client | 0.46 | **missed** |" in text
    assert text.count("not measured") == len(GOALS) - 1


def test_the_run_is_told_with_date_machine_and_versions() -> None:
    text = page.write("<!-- figures: run -->\n<!-- end -->\n", report())

    assert "2026-11-24, CPython 3.11.7, Linux x86_64 on 2 cores, load 0.1 at the start; urllib3 2.8.0." in text
    assert "busy" not in text


def test_a_run_on_a_busy_machine_says_so() -> None:
    told = report()
    told["machine"]["load"] = "2.5"

    assert "**The machine was busy with other work**" in page.write("<!-- figures: run -->\n<!-- end -->\n", told)


def test_the_page_has_every_block_once_and_no_other() -> None:
    names = re.findall(r"<!-- figures: (.+?) -->\n", page.PAGE.read_text(encoding="utf-8"))

    assert sorted(names) == sorted([*page._TABLES, "run", "goals"])
    assert page.PAGE.read_text(encoding="utf-8").count("<!-- end -->") == len(names)


@pytest.mark.parametrize("name", sorted(page._TABLES))
def test_a_block_on_the_page_is_one_that_was_written_from_figures(name: str) -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    block = re.search(f"<!-- figures: {re.escape(name)} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    columns = page._TABLES[name][2]

    assert block is not None
    header, line, *rows = block[1].strip().splitlines()
    shown = [cell.strip() for cell in header.strip("|").split("|")][1:]
    assert columns is None or shown == list(columns)
    assert set(line) == {"|", "-"}
    assert {row.count("|") for row in (line, *rows)} == {header.count("|")}
    assert any(row.startswith("| **fluxhttp") for row in rows)
