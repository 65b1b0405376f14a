"""A bar for the progress of a run; needs rich."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from fluxhttp_conformance.progress import counts, failure_line, finding_row, is_worth_a_line

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from fluxhttp_conformance.run import Result
    from fluxhttp_conformance.selftest import Finding


class BarProgress:
    """A bar over all cases and targets, with deviations above it as they come.

    Args:
        cases: how many results will come.
        console: where to; None is standard output.
    """

    def __init__(self, cases: int, *, console: Console | None = None) -> None:
        self._counted: Counter[str] = Counter()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeElapsedColumn(),
            console=console or Console(),
        )
        self._task = self._bar.add_task("", total=cases, counts="")

    def __call__(self, result: Result, /) -> None:
        """Notes a result."""
        self._counted[result.outcome] += 1
        if is_worth_a_line(result):
            self._bar.console.print(Text(failure_line(result), style="red"))
        group = result.case.id.partition("/")[0]
        self._bar.update(self._task, advance=1, description=f"{result.target} {group}", counts=counts(self._counted))

    def __enter__(self) -> Self:
        """Begins to show."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leaves the bar as it stands."""
        self._bar.stop()


class BarFindings:
    """A bar over all creatures, with the rows of the table above it as they come.

    Args:
        creatures: how many findings will come.
        console: where to; None is standard output.
    """

    def __init__(self, creatures: int, *, console: Console | None = None) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console or Console(),
        )
        self._task = self._bar.add_task("a transport without a fault", total=creatures)

    def __call__(self, finding: Finding, /) -> None:
        """Shows a finding."""
        self._bar.console.print(Text(finding_row(finding), style="red" if finding.faults else ""))
        self._bar.update(self._task, advance=1, description="creatures")

    def __enter__(self) -> Self:
        """Begins to show."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leaves the bar as it stands."""
        self._bar.stop()
