"""A bar for the progress of a run; needs rich."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from fluxhttp_conformance.progress import counts, failure_line, finding_row, is_worth_a_line

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from fluxhttp_conformance.run import Result
    from fluxhttp_conformance.selftest import Finding


class _Bar:
    """A bar that stays as it stands when it is left.

    Args:
        total: how much will come.
        columns: what stands between the bar and the time.
        description: what stands before the bar at first.
        console: where to; None is standard output.
    """

    def __init__(
        self, total: int, *columns: ProgressColumn, description: str = "", console: Console | None = None
    ) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            *columns,
            TimeElapsedColumn(),
            console=console or Console(),
        )
        self._task = self._bar.add_task(description, total=total, counts="")

    def __enter__(self) -> Self:
        """Begins to show."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leaves the bar as it stands."""
        self._bar.stop()


class BarProgress(_Bar):
    """A bar over all cases and targets, with deviations above it as they come.

    Args:
        cases: how many results will come.
        console: where to; None is standard output.
    """

    def __init__(self, cases: int, *, console: Console | None = None) -> None:
        super().__init__(cases, TextColumn("{task.fields[counts]}", markup=False), console=console)
        self._counted: Counter[str] = Counter()

    def __call__(self, result: Result, /) -> None:
        """Notes a result."""
        self._counted[result.outcome] += 1
        if is_worth_a_line(result):
            self._bar.console.print(Text(failure_line(result), style="red"))
        group = result.case.id.partition("/")[0]
        self._bar.update(self._task, advance=1, description=f"{result.target} {group}", counts=counts(self._counted))


class BarFindings(_Bar):
    """A bar over all creatures, with the rows of the table above it as they come.

    Args:
        creatures: how many findings will come.
        console: where to; None is standard output.
    """

    def __init__(self, creatures: int, *, console: Console | None = None) -> None:
        super().__init__(creatures, description="a transport without a fault", console=console)

    def __call__(self, finding: Finding, /) -> None:
        """Shows a finding."""
        self._bar.console.print(Text(finding_row(finding), style="red" if finding.faults else ""))
        self._bar.update(self._task, advance=1, description="creatures")
