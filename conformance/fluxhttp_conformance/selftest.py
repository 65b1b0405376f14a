"""Selftest: the suite sat by the zoo, to see whether the suite finds what it looks for.

Three things are proved. A transport with every part of the zoo and no fault
passes every required case, so that what a creature fails is its fault's doing.
Each creature fails the cases that it names. And each required case fails on at
least one creature, so that it is no case that cannot fail.

To try every creature on every case would take many minutes and prove no more:
a case that is named once has failed once. ``quick`` therefore tries the cases
that a creature names, and beside them every sixth of the required ones,
beginning with another one for each creature: enough to see a creature that
fails far too much, which proves nothing. ``full`` tries them all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxhttp import __version__
from fluxhttp_conformance.run import CASE_SECONDS
from fluxhttp_conformance.suite import Crew, select
from fluxhttp_conformance.zoo import SoundTransport, creatures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from fluxhttp_conformance.case import Case, Kind
    from fluxhttp_conformance.run import Result
    from fluxhttp_conformance.suite import Profile
    from fluxhttp_conformance.zoo import Creature

#: Of the required cases, one in so many is tried beside those that a creature names.
_SAMPLE = 6
#: A case that no creature names and that takes longer has failed: what hangs is not waited for.
_SAMPLE_SECONDS: dict[Profile, float] = {"quick": 1.5, "full": 6.0}
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
    with Crew(jobs) as crew:
        sound = [] if names else list(crew.run_each((case, SOUND, CASE_SECONDS) for case in required))
        costly = {result.case.id for result in sound if result.seconds >= _CHEAP_SECONDS}
        plans = [_plan(number, creature, required, costly, profile) for number, creature in enumerate(chosen)]
        results = crew.run_each(
            (case, creature.target.name, seconds)
            for creature, plan in zip(chosen, plans, strict=True)
            for case, seconds in plan.trials
        )
        findings = _judge(chosen, plans, results, on_finding)
    caught = {case for finding in findings for case in finding.caught_by}
    return SelfTest(
        findings=tuple(findings),
        unsound=tuple(result.case.id for result in sound if result.outcome != "pass"),
        idle=None if names else tuple(case.id for case in required if case.id not in caught),
        cases=len(required),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is tried on a creature.

    Args:
        trials: the cases, each with the seconds that it may take.
        sample: the ids of those that stand for all.
    """

    trials: list[tuple[Case, float]]
    sample: frozenset[str]


def _plan(
    number: int, creature: Creature, required: Sequence[Case], costly: Collection[str], profile: Profile
) -> _Plan:
    every = 1 if profile == "full" else _SAMPLE
    sample = [
        case
        for place, case in enumerate(required)
        if (place + number) % every == 0 and (every == 1 or case.id not in costly)
    ]
    by_id = {case.id: case for case in required}
    trials = [(by_id[id], CASE_SECONDS) for id in creature.caught_by]
    trials += [(case, _SAMPLE_SECONDS[profile]) for case in sample if case.id not in creature.caught_by]
    return _Plan(trials, frozenset(case.id for case in sample))


def _judge(
    chosen: Sequence[Creature],
    plans: Sequence[_Plan],
    results: Iterator[Result],
    on_finding: Callable[[Finding], None] | None,
) -> list[Finding]:
    findings: list[Finding] = []
    for creature, plan in zip(chosen, plans, strict=True):
        outcomes: dict[str, str] = {}
        for _, most_seconds in plan.trials:
            result = next(results)
            # What hangs in the sample may do so because of the case before it, so it caught nothing.
            is_sure = most_seconds == CASE_SECONDS or result.seconds < most_seconds
            outcomes[result.case.id] = result.outcome if is_sure else "hangs"
        findings.append(_finding(creature, plan, outcomes))
        if on_finding is not None:
            on_finding(findings[-1])
    return findings


def _finding(creature: Creature, plan: _Plan, outcomes: Mapping[str, str]) -> Finding:
    named = creature.caught_by
    return Finding(
        name=creature.name,
        description=creature.description,
        like=creature.like,
        named=named,
        caught_by=tuple(id for id, outcome in outcomes.items() if outcome == "fail"),
        passed=tuple(id for id in named if outcomes[id] in ("pass", "not-applicable")),
        broken=tuple(id for id in named if outcomes[id] == "harness-error"),
        tried=len(plan.sample),
        failed=sum(outcomes[id] not in ("pass", "not-applicable") for id in plan.sample),
    )
