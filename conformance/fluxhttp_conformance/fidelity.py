"""Fidelity: how often a fake shows just what the real transports show, at both ends."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING

from fluxhttp_conformance.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fluxhttp_conformance.report import Entry, Report

#: How many lines of a difference are shown, and how long each may be.
_MOST_LINES = 12
_LINE_LENGTH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """The observations of a fake beside those of the real transports.

    Args:
        alike: the cases in which the fake and every real transport were observed alike.
        unlike: the others that all of them were judged by.
        known: why a case among those is unlike, where the ledger says so.
    """

    alike: tuple[str, ...]
    unlike: tuple[str, ...]
    known: dict[str, str]

    def __str__(self) -> str:
        told = f"{len(self.alike)} of {len(self.alike) + len(self.unlike)} cases observed alike"
        if not self.unlike:
            return told
        explained = sum(id in self.known for id in self.unlike)
        rest = "the" if explained == len(self.unlike) else f"{explained} of the"
        return f"{told}; {rest} other {len(self.unlike)} for reasons that its ledger gives"


def fidelity(reports: Sequence[Report]) -> Fidelity | None:
    """Compares what was observed of the fake with what was observed of every real transport.

    Returns:
        None without a fake, without others, or without a case that all of them were judged by,
        the others with one outcome.
    """
    fakes = [report for report in reports if report.target == "fake"]
    # What leads to an application is no real transport either.
    others = [report for report in reports if report.target not in ("fake", "wsgi")]
    if not fakes or not others:
        return None
    shown = {entry.id: entry.digest for entry in fakes[0].results if entry.digest}
    seen = [{entry.id: entry for entry in report.results if entry.digest} for report in others]
    told = {id: [each[id] for each in seen if id in each] for id in sorted(shown)}
    # Where real transports do not agree, one of them at least is no measure.
    judged = [id for id in told if len(told[id]) == len(others) and len({each.outcome for each in told[id]}) == 1]
    digests = {id: {shown[id], *(each.digest for each in told[id])} for id in judged}
    if not judged:
        return None
    ledger = Ledger.shipped("fake")
    reasons = {id: str(entry) for id, entry in (*ledger.deviations.items(), *ledger.differences.items())}
    unlike = tuple(id for id in judged if len(digests[id]) > 1)
    return Fidelity(
        alike=tuple(id for id in judged if len(digests[id]) == 1),
        unlike=unlike,
        known={id: reasons[id] for id in unlike if id in reasons},
    )


def fidelity_lines(reports: Sequence[Report]) -> Iterator[str]:
    """What a run says of fidelity: how often, and each case that nothing explains, with both observations."""
    found = fidelity(reports)
    if found is None:
        return
    yield f"fidelity: {found}"
    for id in found.unlike:
        if id not in found.known:
            yield f"  {id}: observed otherwise"
            yield from (f"    {line}" for line in differences(id, reports))


def differences(id: str, reports: Sequence[Report]) -> Iterator[str]:
    """In what a case was observed otherwise on the fake than on the first target that differs from it."""
    told = {report.target: entry for report in reports for entry in report.results if entry.id == id}
    fake = told["fake"]
    for name, entry in told.items():
        if entry.digest and entry.digest != fake.digest:
            yield from _difference(name, entry, fake)
            return


def _difference(name: str, real: Entry, fake: Entry) -> Iterator[str]:
    if not real.observed or not fake.observed:
        yield f"a report without its observation: sit this case over {name} and fake in one run"
        return
    lines = unified_diff(real.observed.splitlines(), fake.observed.splitlines(), name, "fake", lineterm="", n=0)
    shown = [line.rstrip("\n")[:_LINE_LENGTH] for line in lines if not line.startswith("@@")]
    yield from shown[:_MOST_LINES]
    if len(shown) > _MOST_LINES:
        yield f"and {len(shown) - _MOST_LINES} lines more"
