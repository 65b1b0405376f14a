"""Runs the suite: many cases against many transports, in the light of what is known to fail."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import starmap
from multiprocessing import get_context
from typing import TYPE_CHECKING, get_args

from fluxhttp_conformance.case import Kind, catalogue
from fluxhttp_conformance.ledger import Ledger
from fluxhttp_conformance.run import Profile, Result, run_case
from fluxhttp_conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Self, TypeAlias

    from fluxhttp_conformance.case import Case
    from fluxhttp_conformance.observation import Observation
    from fluxhttp_conformance.run import Outcome
    from fluxhttp_conformance.ways import Way

    #: A result as it comes from another process.
    _Told: TypeAlias = tuple[Outcome, str, float, tuple[Way, ...], Observation]

#: Every kind of case.
KINDS: tuple[Kind, ...] = get_args(Kind)
# A process takes about as long to start as so many cases take to run.
_CASES_A_JOB = 20


def select(prefix: str = "", *, kinds: Collection[Kind] = KINDS, profile: Profile = "full") -> list[Case]:
    """The cases of a run, sorted by id."""
    chosen = (case for case in catalogue(prefix) if case.kind in kinds)
    return [case for case in chosen if profile == "full" or "slow" not in case.tags]


def run_suite(
    targets: Sequence[Target | str],
    *,
    prefix: str = "",
    kinds: Collection[Kind] = KINDS,
    profile: Profile = "quick",
    ledger: Ledger | Mapping[str, Ledger] | None = None,
    on_result: Callable[[Result], None] | None = None,
    jobs: int = 1,
) -> list[Result]:
    """Runs the cases against each transport, one transport after the other.

    Args:
        targets: transports, or their names.
        prefix: what the ids of the cases begin with.
        kinds: the kinds of case to run.
        profile: ``quick`` leaves out what is tagged slow and takes a sample of
            large families; ``full`` leaves out nothing.
        ledger: what is known to fail, for all of them or by the target's name.
            A target without one has what the suite ships for its name.
        on_result: called with each result as it comes in.
        jobs: how many processes at most share the cases of a target that is
            given by name. They import it anew, so more than one is for programs
            whose main module can be imported.

    Returns:
        The results in the order of the targets, then of the ids.

    Raises:
        fluxhttp.InvalidConfigError: there is no transport of a name.
        LedgerError: a shipped ledger is wrong.
    """
    cases = select(prefix, kinds=kinds, profile=profile)
    results: list[Result] = []
    opened = [target if isinstance(target, Target) else Target.named(target) for target in targets]
    with Crew(min(jobs, len(cases) // _CASES_A_JOB)) as crew:
        for target, given in zip(opened, targets, strict=True):
            known = ledger if isinstance(ledger, Ledger) else (ledger or {}).get(target.name)
            if known is None:
                known = Ledger.shipped(target.name)
            for result in crew.run(cases, target, profile, is_named=isinstance(given, str)):
                results.append(result.under(known))
                if on_result is not None:
                    on_result(results[-1])
    return results


class Crew:
    """The processes that share the cases; none if there would be but one.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        # Processes, not threads: cases look at memory, warnings and the environment, which threads share.
        # Spawned, not forked: a fork takes along the locks of threads that it does not have.
        self._pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else None

    def run(self, cases: list[Case], target: Target, profile: Profile, *, is_named: bool) -> Iterator[Result]:
        """The results, in the order of the cases."""
        if self._pool is None or not is_named:
            yield from (run_case(case, target, profile=profile) for case in cases)
            return
        # The slow ones first, so that no process ends with them while the others have nothing left to do.
        begun = sorted(cases, key=lambda case: "slow" not in case.tags)
        told = {case.id: self._pool.submit(_run_by_name, target.name, case.id, profile) for case in begun}
        for case in cases:
            yield _result(case, target.name, told[case.id].result())

    def run_each(self, trials: Iterable[tuple[Case, str, float]]) -> Iterator[Result]:
        """The results of cases, each on a target of its own, in their order.

        Args:
            trials: the case, the target's name, and the seconds after which it has failed.
        """
        given = list(trials)
        typed = [(target, case.id, "quick", most_seconds) for case, target, most_seconds in given]
        told = (
            starmap(_run_by_name, typed)
            if self._pool is None
            else self._pool.map(_run_by_name, *zip(*typed, strict=True))
        )
        for (case, target, _), each in zip(given, told, strict=True):
            yield _result(case, target, each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _run_by_name(target: str, id: str, profile: Profile, most_seconds: float | None = None) -> _Told:
    result = run_case(_by_id()[id], _named(target), profile=profile, most_seconds=most_seconds)
    return result.outcome, result.message, result.seconds, result.ways, result.observation


def _result(case: Case, target: str, told: _Told) -> Result:
    outcome, message, seconds, ways, observation = told
    return Result(case, target, outcome, message, seconds, ways=ways, observation=observation)


@cache
def _by_id() -> dict[str, Case]:
    return {case.id: case for case in catalogue()}


@cache
def _named(target: str) -> Target:
    return Target.named(target)
