"""Writes the figures of ``python -m tests.benchmarks all --json FILE`` into docs/performance.md.

``python -m tests.benchmarks.page FILE`` replaces what stands between
``<!-- figures: NAME -->`` and ``<!-- end -->``; the text around it is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.goals import GOALS

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
_BLOCK = re.compile(r"(<!-- figures: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
#: The base of a ratio is part of its column's name.
_RATIO = " to "

Report = dict[str, Any]
#: A block's name -> the run, which of its tables, and the columns to show; None for all.
_TABLES: dict[str, tuple[str, int, tuple[str, ...] | None]] = {
    "GET without a kernel": ("calls --no-kernel", 0, ("CPU µs", "CPU µs to http.client", "CPU µs to urllib3 urlopen")),
    "POST without a kernel": ("calls --no-kernel", 1, ("CPU µs", "CPU µs to http.client", "CPU µs to urllib3 urlopen")),
    "head": ("calls --no-kernel", 2, ("CPU µs", "CPU µs to http.client.parse_headers")),
    "GET": ("calls", 0, ("µs", "µs to raw socket", "µs to http.client", "CPU µs to http.client")),
    "POST": ("calls", 1, ("µs", "µs to raw socket", "µs to http.client", "CPU µs to http.client")),
    "GET from threads": (
        "threads",
        0,
        (
            "calls/s",
            "CPU µs",
            "calls/s to http.client",
            "CPU µs to http.client",
            "CPU µs to requests",
            "CPU µs to httpx",
        ),
    ),
    "POST from threads": (
        "threads",
        1,
        (
            "calls/s",
            "CPU µs",
            "calls/s to http.client",
            "CPU µs to http.client",
            "CPU µs to requests",
            "CPU µs to httpx",
        ),
    ),
    "download": ("download", 0, ("MB/s", "peak MiB", "MB/s to http.client", "MB/s to urllib3 urlopen")),
    "gzip": ("download", 1, ("MB/s", "peak MiB", "CPU ms", "MB/s to raw socket")),
    "upload": ("upload", 0, ("MB/s", "peak MiB", "CPU ms", "MB/s to http.client")),
    "fake GET": (
        "fake",
        0,
        ("CPU µs", "CPU µs at 10,000 routes", "growth", "CPU µs to httpx.MockTransport", "bytes kept"),
    ),
    "fake POST": (
        "fake",
        1,
        ("CPU µs", "CPU µs at 10,000 routes", "growth", "CPU µs to httpx.MockTransport", "bytes kept"),
    ),
    "query of 5": ("build", 0, ("CPU µs", "CPU µs to urlencode(doseq=True)")),
    "query of 1000": ("build", 1, ("CPU µs", "CPU µs to urlencode(doseq=True)")),
    "request": ("build", 2, ("CPU µs", "CPU µs to requests.Request().prepare()")),
    "client": ("build", 3, ("CPU µs",)),
    "url": ("build", 4, ("CPU µs", "CPU µs to urlsplit")),
    "import": ("import", 0, ("ms", "ms to http.client", "RSS MiB", "of these")),
    "suite quick": ("suite", 0, ("s", "CPU s")),
    "suite full": ("suite", 1, ("s", "CPU s")),
    "hostile": ("hostile", 0, None),
    "endless": ("hostile", 1, None),
}


def text_of(name: str, report: Report) -> str | None:
    """What belongs into a block; None if the report has no such run."""
    if name == "run":
        return _run(report)
    if name == "goals":
        return _goals(report)
    run, number, columns = _TABLES[name]
    if run not in report["runs"]:
        return None
    return _markdown(report["runs"][run]["tables"][number], columns)


def _run(report: Report) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in report["versions"].items() if name != "python")
    told = report["machine"]
    busy = told["load"] != "unknown" and float(told["load"]) > 1
    return (
        f"{report['date'][:10]}, {told['implementation']} {report['versions']['python']}, {told['system']} on"
        f" {told['cores']} cores, load {told['load']} at the start; {versions}. Medians, with the least and the"
        " greatest in brackets.\n"
        + (
            "\n**The machine was busy with other work**: times on the wire, and ratios of them, say little.\n"
            if busy
            else ""
        )
    )


def _markdown(table: Mapping[str, Any], columns: tuple[str, ...] | None) -> str:
    rows = table["rows"]
    if columns is None:
        columns = tuple(dict.fromkeys(column for row in rows for column in row if column != "name"))
    shown = [column for column in columns if any(column in row for row in rows)]
    lines = [f"| {' | '.join(['', *shown])} |", f"|---|{'---|' * len(shown)}"]
    for row in rows:
        cells = [_cell(row.get(column, ""), is_ratio=_RATIO in column) for column in shown]
        name = f"**{row['name']}**" if row["name"].startswith("fluxhttp") else row["name"]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines) + "\n"


def _cell(cell: object, *, is_ratio: bool) -> str:
    if not isinstance(cell, dict):
        return str(cell)
    least, middle, greatest = cell["least"], cell["median"], cell["greatest"]
    digits = 2 if is_ratio or abs(middle) < 10 else 1 if abs(middle) < 1000 else 0
    if is_ratio or least == greatest:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({least:,.{digits}f}–{greatest:,.{digits}f})"


def _goals(report: Report) -> str:
    """Each goal with the figure of this run, and whether that reaches it."""
    lines = ["| work | goal | this run | |", "|---|---|---|---|"]
    for goal in GOALS:
        figure = goal.figure(report["runs"])
        told = "not measured" if figure is None else f"{figure:,.2f}"
        verdict = "" if figure is None else "reached" if goal.is_reached(figure) else "**missed**"
        lines.append(f"| {goal.work} | {goal.bound} | {told} | {verdict} |")
    return "\n".join(lines) + "\n"


def write(page: str, report: Report) -> str:
    """The page with the figures of a report; a block whose run is not in it stays.

    Raises:
        KeyError: the page names a block that there is not.
    """

    def replaced(found: re.Match[str]) -> str:
        text = text_of(found[2], report)
        return found[0] if text is None else f"{found[1]}\n{text}\n{found[3]}"

    return _BLOCK.sub(replaced, page)


def main(file: Path) -> None:
    """Rewrites the page."""
    PAGE.write_text(
        write(PAGE.read_text(encoding="utf-8"), json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
