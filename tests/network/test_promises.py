"""Every test that docs/security.md names is there, and every advisory in it has an answer."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from fluxhttp_conformance import catalogue

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
NODES = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE)))
CASES = sorted(set(re.findall(r"`([a-z0-9-]+/[a-z0-9-]+)`", PAGE)))


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("node", NODES)
def test_a_test_that_is_named_is_there(node: str) -> None:
    path, _, name = node.partition("::")

    assert name in functions_of(path)


def test_the_cases_that_are_named_are_there() -> None:
    assert set(CASES) <= {case.id for case in catalogue()}


def test_every_promise_and_every_advisory_names_what_holds_it() -> None:
    assert len(ROWS) > 100
    for row in ROWS:
        assert len(row) == 2, row
        if row[1] != "held by":
            assert re.search(r"`(tests/[\w/]+\.py::\w+|[a-z0-9-]+/[a-z0-9-]+)`", row[1]), row


def test_no_advisory_stands_there_twice() -> None:
    advisories = re.findall(r"\b(?:CVE-\d{4}-\d+|GHSA(?:-\w{4}){3})\b", PAGE)

    assert len(advisories) == len(set(advisories)) > 90
