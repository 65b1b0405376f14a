"""What a run shows while it goes on: a bar on a terminal that has rich, else a line for each group."""

from __future__ import annotations

import sys
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, TypeVar

from fluxhttp_conformance.report import OUTCOMES, Entry

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TextIO

    from fluxhttp_conformance.run import Result
    from fluxhttp_conformance.selftest import Finding


_T_contra = TypeVar("_T_contra", contravariant=True)


def say(text: str, *, to: TextIO | None = None) -> None:
    """Writes a line, to standard output unless another is given."""
    stream = sys.stdout if to is None else to
    # What a peer sent may be in a message, and a terminal need not be able to show it.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


class Progress(Protocol[_T_contra]):
    """Told each result or finding as it comes in; entered before the first, left after the last."""

    def __call__(self, told: _T_contra, /) -> None:
        """Notes it."""
        ...

    def __enter__(self) -> Self:
        """Begins to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Ends what it shows."""
        ...


def counts(counted: Counter[str]) -> str:
    """``51 pass, 1 fail``: the outcomes that came, with how often."""
    return ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome])


def failure_line(result: Result) -> str:
    """A deviation, in one line."""
    return f"{result.outcome.upper()} {result.case.id} on {result.target}: {Entry.of(result).gist}"


def is_worth_a_line(result: Result) -> bool:
    """Whether it is shown at once."""
    return result.outcome in ("fail", "unexpected-pass", "harness-error")


class LineProgress:
    """One line for each group, as soon as it is through, and one for each deviation."""

    def __init__(self) -> None:
        self._group = ("", "")
        self._counted: Counter[str] = Counter()

    def __call__(self, result: Result, /) -> None:
        """Notes a result."""
        group = (result.target, result.case.id.partition("/")[0])
        if group != self._group:
            self._flush()
            self._group = group
        self._counted[result.outcome] += 1
        if is_worth_a_line(result):
            say(failure_line(result))

    def __enter__(self) -> Self:
        """Begins to show."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Shows the last group."""
        self._flush()

    def _flush(self) -> None:
        if self._counted:
            say(f"{self._group[0]}  {self._group[1]:<12} {counts(self._counted)}")
            self._counted.clear()


def is_terminal_with_rich() -> bool:
    """Whether a bar can be shown."""
    return sys.stdout.isatty() and find_spec("rich") is not None


def progress(cases: int, *, wants_bar: bool | None = None) -> Progress[Result]:
    """What suits the terminal.

    Args:
        cases: how many results will come.
        wants_bar: None is a bar if standard output is a terminal and rich is installed.
    """
    if not (is_terminal_with_rich() if wants_bar is None else wants_bar):
        return LineProgress()
    from fluxhttp_conformance.bar import BarProgress  # noqa: PLC0415  # rich need not be installed

    return BarProgress(cases)


#: Room for the longest name of a creature.
_NAME_WIDTH = 46


def finding_row(finding: Finding) -> str:
    """A creature, and what caught it, in one line."""
    more = len(finding.caught_by) - 1
    caught = finding.caught_by[0] if finding.caught_by else "NOTHING"
    also = f" and {more} more" if more > 0 else ""
    flaw = "".join(f"; FAULT {fault}" for fault in finding.faults)
    return f"{finding.name:<{_NAME_WIDTH}} {caught}{also}{flaw}"


class LineFindings:
    """One line for each creature: the table, row by row."""

    def __call__(self, finding: Finding, /) -> None:
        """Shows a finding."""
        say(finding_row(finding))

    def __enter__(self) -> Self:
        """Shows the head of the table."""
        say(f"{'creature':<{_NAME_WIDTH}} caught by")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing is left to show."""


def finding_progress(creatures: int, *, wants_bar: bool | None = None) -> Progress[Finding]:
    """What suits the terminal, for a selftest.

    Args:
        creatures: how many findings will come.
        wants_bar: None is a bar if standard output is a terminal and rich is installed.
    """
    if not (is_terminal_with_rich() if wants_bar is None else wants_bar):
        return LineFindings()
    from fluxhttp_conformance.bar import BarFindings  # noqa: PLC0415  # rich need not be installed

    return BarFindings(creatures)
