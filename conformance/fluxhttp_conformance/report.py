"""Report: how one target sat the suite, as a value that goes to JSON and back."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, get_args

from fluxhttp import __version__
from fluxhttp_conformance.run import Outcome, deviates
from fluxhttp_conformance.schema import check_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Self

    from fluxhttp_conformance.case import Kind, Level
    from fluxhttp_conformance.run import Result

#: Every outcome, the good ones first.
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
#: A longer observation is not written to JSON; its digest is.
_MOST_OBSERVED = 4_000
# The last line of a traceback.
_is_error = re.compile(r"[\w.]+(?:Error|Exception|Timeout)(?::|$)").match


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One case in a report, with what a reader needs who has no catalogue at hand.

    Args:
        id: of the case; kind, level, anchor, tags and reason are the case's too.
        outcome: how it went.
        message: why, with the wire transcript; empty for a pass.
        seconds: how long it took.
        ways: in which ways it was asked: script, byte by byte, pytest-httpserver.
        digest: of what both ends saw; the same for the same observation, "" if nothing was judged.
        observed: what both ends saw, a line for each call and request; "" where JSON left it out.
    """

    id: str
    kind: Kind
    level: Level
    anchor: str
    tags: tuple[str, ...]
    reason: str
    outcome: Outcome
    message: str
    seconds: float
    ways: tuple[str, ...] = ("script",)
    digest: str = ""
    observed: str = ""

    @classmethod
    def of(cls, result: Result) -> Self:
        """What a result says."""
        case = result.case
        return cls(
            id=case.id,
            kind=case.kind,
            level=case.level,
            anchor=case.anchor,
            tags=tuple(sorted(case.tags)),
            reason=case.reason,
            outcome=result.outcome,
            message=result.message,
            seconds=round(result.seconds, 4),
            ways=result.ways,
            digest=result.observation.digest,
            observed=result.observation.text,
        )

    @property
    def group(self) -> str:
        """The id's first half."""
        return self.id.partition("/")[0]

    @property
    def gist(self) -> str:
        """The line of the message that says most."""
        if self.outcome == "known-failure":
            return self.message.partition("\n")[0]
        lines = [line for line in self.message.partition("\n\non the wire:")[0].splitlines() if line.strip()]
        errors = [line for line in lines if _is_error(line)]
        if errors and errors[-1] == "AssertionError":  # a bare assert says no more than its source does
            errors = [line.strip() for line in lines if line.startswith("    assert ")]
        return (errors or lines or [""])[-1]

    @property
    def is_deviation(self) -> bool:
        """Whether it makes a run fail."""
        return deviates(self.outcome, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one target sat the suite.

    Args:
        target: its name.
        results: one entry for each case that was run.
        suite_version: of the suite that was run.
    """

    target: str
    results: tuple[Entry, ...]
    suite_version: str = __version__

    @property
    def summary(self) -> dict[Outcome, int]:
        """How often each outcome came; those that did not come are 0."""
        counted = Counter(entry.outcome for entry in self.results)
        return {outcome: counted[outcome] for outcome in OUTCOMES}

    @property
    def exit_code(self) -> int:
        """0 all as it should be, 1 deviations, 3 a case that proved nothing."""
        if self.summary["harness-error"]:
            return 3
        return int(any(entry.is_deviation for entry in self.results))


def reports_of(results: Iterable[Result]) -> list[Report]:
    """One report for each target, in the order of the results."""
    by_target: dict[str, list[Entry]] = {}
    for result in results:
        by_target.setdefault(result.target, []).append(Entry.of(result))
    return [Report(target=target, results=tuple(entries)) for target, entries in by_target.items()]


def as_json(reports: Sequence[Report]) -> str:
    """One report as an object, several as an array of them; ``report.schema.json`` says of what form."""
    objects = [
        {
            "suite_version": report.suite_version,
            "target": report.target,
            "results": [_as_object(entry) for entry in report.results],
            "summary": report.summary,
        }
        for report in reports
    ]
    return json.dumps(objects[0] if len(objects) == 1 else objects, indent=2) + "\n"


def _as_object(entry: Entry) -> dict[str, Any]:
    fields = asdict(entry)
    if len(entry.observed) > _MOST_OBSERVED:
        fields["observed"] = ""
    return fields


def read_reports(path: Path) -> list[Report]:
    """The reports of a JSON file.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    return [
        Report(
            target=item["target"],
            suite_version=item["suite_version"],
            results=tuple(_read_entry(entry) for entry in item["results"]),
        )
        for item in check_report(path)
    ]


def _read_entry(fields: dict[str, Any]) -> Entry:
    fields["tags"] = tuple(fields["tags"])
    fields["ways"] = tuple(fields.get("ways", ("script",)))
    return Entry(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Where several targets show the same.

    Args:
        same: the cases that all of them were judged by, with one outcome.
        different: the outcomes of the others that were judged, by case id, in the order of the targets.
        partial: the cases that are not applicable to one of them, or were not run.
    """

    same: tuple[str, ...]
    different: dict[str, tuple[Outcome, ...]]
    partial: tuple[str, ...]


def agreement(reports: Sequence[Report]) -> Agreement:
    """Compares reports case by case."""
    outcomes: list[dict[str, Outcome]] = [{entry.id: entry.outcome for entry in report.results} for report in reports]
    same: list[str] = []
    partial: list[str] = []
    different: dict[str, tuple[Outcome, ...]] = {}
    for id in sorted({entry.id for report in reports for entry in report.results}):
        told: tuple[Outcome, ...] = tuple(each.get(id, "not-applicable") for each in outcomes)
        judged = {outcome for outcome in told if outcome != "not-applicable"}
        if len(judged) > 1:
            different[id] = told
        elif "not-applicable" in told:
            partial.append(id)
        else:
            same.append(id)
    return Agreement(same=tuple(same), different=different, partial=tuple(partial))
