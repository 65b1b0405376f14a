"""The rows of ``tests/data/doubles.json``, and which test asks which of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

_PATH = Path(__file__).parent.parent / "data/doubles.json"

#: Id -> the row; R is of requests and its doubles, H of httpx and its own.
ROWS: dict[str, dict[str, Any]] = {row["id"]: row for row in json.loads(_PATH.read_text("utf-8"))["rows"]}

#: The rows that tests in this folder ask, in the order they were collected.
asked: list[str] = []


def row(*ids: str, **values: Any) -> Any:
    """A parameter set for tests that ask rows: its id names them, and what they ask.

    Args:
        ids: the rows that it answers: often one of each half of the table.
        values: what the test takes, in the order of its arguments.
    """
    asked.extend(ids)
    words = re.findall(r"[A-Za-z0-9]+", ROWS[ids[0]]["question"])
    return pytest.param(*values.values(), id="-".join([*ids, *words]))
