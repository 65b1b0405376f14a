"""A table as a chart: one SVG, made by hand, so that no plotting library is needed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.figures import Row, Table

_WIDTH = 900
_LABEL = 300
_BAR = 18
_STEP = 26
_TITLE = 44
#: Room on the right for the figure behind a bar.
_FIGURE = 170
_FONT = 'font-family="sans-serif" font-size="13"'
_OURS, _THEIRS, _RANGE = "#c2410c", "#64748b", "#0f172a"


def svg(tables: Sequence[Table]) -> str:
    """Bars of the first column of each table, with a line from the least to the greatest."""
    parts: list[str] = []
    y = 10
    for table in tables:
        parts += _bars(table, y)
        y += _TITLE + _STEP * len(table.rows) + 20
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{y}" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _bars(table: Table, y: int) -> list[str]:
    column = table.columns[0]
    figures = [(row, cell) for row in table.rows if isinstance(cell := row.cells[column], Spread)]
    # A single slow round is not to press all bars flat.
    scale = (_WIDTH - _LABEL - _FIGURE) / max([cell.median for _, cell in figures], default=1.0)
    parts = [f'<text x="10" y="{y + 18}" font-size="15" font-weight="bold">{escape(table.title)} ({column})</text>']
    for number, (row, cell) in enumerate(figures):
        parts += _bar(row, cell, y + _TITLE - 8 + _STEP * number, scale)
    return parts


def _bar(row: Row, cell: Spread, y: int, scale: float) -> list[str]:
    color = _OURS if row.name.startswith("fluxhttp") else _THEIRS
    least = _LABEL + cell.least * scale
    greatest = min(_LABEL + cell.greatest * scale, _WIDTH - _FIGURE)
    middle = y + _BAR / 2
    return [
        f'<text x="{_LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(row.name)}</text>',
        f'<rect x="{_LABEL}" y="{y}" width="{max(1.0, cell.median * scale):.1f}" height="{_BAR}" fill="{color}"/>',
        f'<path d="M{least:.1f} {middle}H{greatest:.1f}" stroke="{_RANGE}" fill="none"/>',
        f'<text x="{greatest + 8:.1f}" y="{y + 14}">{escape(str(cell))}</text>',
    ]
