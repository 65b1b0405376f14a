"""What a run yields: samples by measure, their median with minimum and maximum, and tables of those."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: One sample of one contender: measure -> figure.
Sample: TypeAlias = "dict[str, float]"
#: The samples of a run: contender -> one sample a round.
Samples: TypeAlias = "dict[str, list[Sample]]"


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some samples, between the least and the greatest."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        return cls(median(samples), min(samples), max(samples))

    def __str__(self) -> str:
        digits = _digits(self.median)
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f}-{self.greatest:,.{digits}f})"


def _digits(value: float) -> int:
    """As many decimals as leave three figures."""
    return 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2


@dataclass(frozen=True, slots=True)
class Row:
    """One contender's figures by column; a text stands as it is, and a missing column is left empty."""

    name: str
    cells: dict[str, Spread | str]


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of one piece of work. The first column is the one that a chart shows."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list[str])

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for row in self.rows for column in row.cells))

    def as_markdown(self) -> str:
        columns = self.columns
        lines = [f"### {self.title}", ""]
        lines += [f"| {' | '.join(['contender', *columns])} |", f"|---|{'---|' * len(columns)}"]
        for row in self.rows:
            cells = [str(row.cells.get(column, "")) for column in columns]
            lines.append(f"| {' | '.join([row.name, *cells])} |")
        lines += ["", *(f"* {note}" for note in self.notes)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "notes": self.notes,
            "rows": [
                {"name": row.name} | {column: _cell_as_json(cell) for column, cell in row.cells.items()}
                for row in self.rows
            ],
        }


def _cell_as_json(cell: Spread | str) -> object:
    if isinstance(cell, str):
        return cell
    return {"median": cell.median, "least": cell.least, "greatest": cell.greatest}


def interleaved(contenders: dict[str, Callable[[], Sample]], *, rounds: int) -> Samples:
    """A B C, A B C, …: one sample of each in every round, so that what changes meanwhile changes for all of them."""
    samples: Samples = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, take in contenders.items():
            samples[name].append(take())
    return samples


def ratios(samples: Samples, name: str, base: str, measure: str, *, less: str | None = None) -> Spread:
    """How a contender compares with another: the median of the ratios within each round.

    Args:
        samples: of the whole run.
        name: the contender.
        base: the one it is compared with.
        measure: of the samples.
        less: a contender whose figure is taken off both, an empty interpreter for instance.
    """

    def figure(of: str, number: int) -> float:
        return samples[of][number][measure] - (0.0 if less is None else samples[less][number][measure])

    return Spread.of([figure(name, number) / figure(base, number) for number in range(len(samples[name]))])


def rows(
    samples: Samples, measures: Iterable[str], bases: Iterable[tuple[str, str]], *, names: Iterable[str] | None = None
) -> list[Row]:
    """A row a contender.

    Args:
        samples: of the whole run.
        measures: columns of figures as they were taken.
        bases: columns of ratios, as pairs of base and measure; a base that did not run is left out.
        names: the contenders to show, None for all.
    """
    found: list[Row] = []
    for name in samples if names is None else names:
        cells: dict[str, Spread | str] = {
            measure: Spread.of([sample[measure] for sample in samples[name]]) for measure in measures
        }
        cells |= {
            f"{measure} to {base}": ratios(samples, name, base, measure) for base, measure in bases if base in samples
        }
        found.append(Row(name, cells))
    return found
