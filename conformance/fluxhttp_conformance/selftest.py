"""Selftest: the suite sat by the zoo, to see whether the suite finds what it looks for.

Three things are proved. A transport with every part of the zoo and no fault
passes every required case, so that what a creature fails is its fault's doing.
Each creature fails the cases that it names. And each required case fails on at
least one creature, so that it is no case that cannot fail.

To try every creature on every case would take many minutes and prove no more:
a case that is named once has failed once. ``quick`` therefore tries the cases
that a creature names, and beside them every sixth of the required ones,
beginning with another one for each creature: enough to see a creature that may
fail too much, which would prove nothing. On such a one, and on all with
``full``, every required case is tried.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxhttp import __version__
from fluxhttp_conformance.case import CASE_SECONDS
from fluxhttp_conformance.suite import Crew, select
from fluxhttp_conformance.zoo import SoundTransport, creatures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from fluxhttp_conformance.case import Case, Kind
    from fluxhttp_conformance.run import Profile, Result
    from fluxhttp_conformance.zoo import Creature

#: Of the required cases, one in so many is tried beside those that a creature names.
_SAMPLE = 6
#: A case that the creature does not name and that takes longer has failed: what hangs is not waited for.
_SAMPLE_SECONDS = 2.0
#: What takes longer than that on a sound transport is not in the sample.
_CHEAP_SECONDS = 0.1
#: A creature that fails more than this part of the cases proves nothing.
MOST_FAILED = 1 / 5
_REQUIRED: tuple[Kind, ...] = ("required",)
#: The target that has no fault.
SOUND = f"fluxhttp_conformance.zoo:{SoundTransport.__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How the suite did on one creature.

    Args:
        name: the creature's.
        description: what it does.
        like: whom it is like, "" for nobody known.
        named: the cases that must fail on it.
        caught_by: the cases that failed on it, the named ones first.
        passed: named cases that it passed.
        broken: named cases that went wrong themselves, and caught nothing.
        tried: how many cases stand for all of them.
        failed: how many of those it did not pass.
    """

    name: str
    description: str
    like: str
    named: tuple[str, ...]
    caught_by: tuple[str, ...]
    passed: tuple[str, ...]
    broken: tuple[str, ...]
    tried: int
    failed: int

    @property
    def proves_nothing(self) -> bool:
        """Whether it fails so much that no failure says anything."""
        return self.failed > self.tried * MOST_FAILED

    @property
    def faults(self) -> list[str]:
        """What is wrong with the suite, or with the creature."""
        told = [f"{self.name} passes {case}, which must catch it" for case in self.passed]
        told += [f"{self.name} makes {case} go wrong, which catches nothing so" for case in self.broken]
        if self.proves_nothing:
            told.append(f"{self.name} fails {self.failed} of {self.tried} cases, which proves nothing")
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What a selftest found.

    Args:
        findings: one for each creature.
        unsound: the required cases that the transport without a fault did not pass.
        idle: the required cases that caught nothing; None if not every creature was tried.
        cases: how many required cases there are.
    """

    findings: tuple[Finding, ...]
    unsound: tuple[str, ...]
    idle: tuple[str, ...] | None
    cases: int

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it should be, one line each."""
        told = [f"a transport without a fault fails {case}" for case in self.unsound]
        told += [fault for finding in self.findings for fault in finding.faults]
        return told + [f"{case} is required, and catches no creature" for case in self.idle or ()]

    @property
    def exit_code(self) -> int:
        """0 all as it should be, 1 not, 3 a case went wrong itself where it had to catch something."""
        if any(finding.broken for finding in self.findings):
            return 3
        return int(bool(self.faults))

    def to_json(self) -> str:
        """All of it for programs."""
        told = {
            "suite_version": __version__,
            "creatures": [
                {name: getattr(finding, name) for name in Finding.__slots__}
                | {"proves_nothing": finding.proves_nothing}
                for finding in self.findings
            ],
            "cases": {
                case: [finding.name for finding in self.findings if case in finding.caught_by]
                for case in sorted({case for finding in self.findings for case in finding.caught_by})
            },
            "unsound": self.unsound,
            "idle": self.idle,
            "faults": self.faults,
        }
        return json.dumps(told, indent=2) + "\n"


def run_selftest(
    names: Collection[str] = (),
    *,
    profile: Profile = "quick",
    jobs: int = 1,
    on_finding: Callable[[Finding], None] | None = None,
) -> SelfTest:
    """Tries the suite on the zoo.

    Args:
        names: of the creatures; none is all of them. With names, nothing is
            said of the transport without a fault and of the required cases.
        profile: ``quick`` tries on each the cases that it names and a sample of
            the required ones, ``full`` all required ones.
        jobs: how many processes share the work; see ``run_suite``.
        on_finding: called with each creature's finding as soon as it is there.

    Raises:
        KeyError: there is no creature of a name.
    """
    zoo = creatures()
    chosen = [zoo[name] for name in names] if names else list(zoo.values())
    required = select(kinds=_REQUIRED)
    by_id = {case.id: case for case in select()}
    with Crew(jobs) as crew:
        sound = [] if names else list(crew.run_each((case, SOUND, CASE_SECONDS) for case in required))
        costly = {result.case.id for result in sound if result.seconds >= _CHEAP_SECONDS}
        plans = [
            _Plan(creature, by_id, required, _sample(required, number, costly) if profile == "quick" else required)
            for number, creature in enumerate(chosen)
        ]
        findings: list[Finding] = []
        for finding in _judge(crew, plans):
            findings.append(finding)
            if on_finding is not None:
                on_finding(finding)
    caught = {case for finding in findings for case in finding.caught_by}
    return SelfTest(
        findings=tuple(findings),
        unsound=tuple(result.case.id for result in sound if result.outcome != "pass"),
        idle=None if names else tuple(case.id for case in required if case.id not in caught),
        cases=len(required),
    )


def _sample(required: Sequence[Case], number: int, costly: Collection[str]) -> list[Case]:
    """Some of the cases, others for each number."""
    return [case for place, case in enumerate(required) if (place + number) % _SAMPLE == 0 and case.id not in costly]


class _Plan:
    """What is tried on a creature.

    Args:
        creature: which.
        by_id: the catalogue.
        required: every required case.
        sample: those that stand for all.

    Attributes:
        trials: the cases that it names, and the sample, each with the seconds that it may take.
    """

    def __init__(
        self, creature: Creature, by_id: Mapping[str, Case], required: Sequence[Case], sample: Sequence[Case]
    ) -> None:
        self.creature = creature
        self.by_id = by_id
        self.required = required
        self.sample = sample
        self.trials = [(by_id[id], CASE_SECONDS) for id in creature.caught_by]
        self.trials += [(case, _SAMPLE_SECONDS) for case in sample if case.id not in creature.caught_by]

    def widened(self) -> _Plan:
        """The same with all cases for a sample."""
        return _Plan(self.creature, self.by_id, self.required, self.required)

    def run(self, crew: Crew) -> Iterator[Result]:
        """Tries them."""
        return crew.run_each((case, self.creature.target.name, seconds) for case, seconds in self.trials)

    def finding(self, results: Iterator[Result]) -> Finding:
        """What the results of the trials, which come first of these, say."""
        outcomes: dict[str, str] = {}
        for (case, most_seconds), result in zip(self.trials, results, strict=False):
            # What hangs in the sample may do so because of the case before it, so it caught nothing.
            is_sure = most_seconds == CASE_SECONDS or result.seconds < most_seconds
            outcomes[case.id] = result.outcome if is_sure else "hangs"
        named = self.creature.caught_by
        return Finding(
            name=self.creature.name,
            description=self.creature.description,
            like=self.creature.like,
            named=named,
            caught_by=tuple(id for id, outcome in outcomes.items() if outcome == "fail"),
            passed=tuple(id for id in named if outcomes[id] in ("pass", "not-applicable")),
            broken=tuple(id for id in named if outcomes[id] == "harness-error"),
            tried=len(self.sample),
            failed=sum(outcomes[case.id] not in ("pass", "not-applicable") for case in self.sample),
        )


def _judge(crew: Crew, plans: Sequence[_Plan]) -> Iterator[Finding]:
    """The findings, in the order of the plans."""
    results = crew.run_each(
        (case, plan.creature.target.name, seconds) for plan in plans for case, seconds in plan.trials
    )
    for plan in plans:
        finding = plan.finding(results)
        if finding.proves_nothing and len(plan.sample) < len(plan.required):
            # A sample may be unlucky.
            whole = plan.widened()
            finding = whole.finding(whole.run(crew))
        yield finding
