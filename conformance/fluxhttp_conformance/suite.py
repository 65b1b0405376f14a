"""Runs the suite: many cases against many transports, in the light of what is known to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from fluxhttp_conformance.case import Kind, catalogue
from fluxhttp_conformance.ledger import Ledger
from fluxhttp_conformance.run import Result, run_case
from fluxhttp_conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from fluxhttp_conformance.case import Case

#: quick: what a change is checked by. full: the cases tagged slow as well.
Profile = Literal["quick", "full"]
#: Every kind of case.
KINDS: tuple[Kind, ...] = get_args(Kind)


def select(prefix: str = "", *, kinds: Collection[Kind] = KINDS, profile: Profile = "full") -> list[Case]:
    """The cases of a run, sorted by id."""
    chosen = (case for case in catalogue(prefix) if case.kind in kinds)
    return [case for case in chosen if profile == "full" or "slow" not in case.tags]


def run_suite(
    targets: Iterable[Target | str],
    *,
    prefix: str = "",
    kinds: Collection[Kind] = KINDS,
    profile: Profile = "quick",
    ledger: Ledger | Mapping[str, Ledger] | None = None,
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Runs the cases against each transport, one transport after the other.

    Args:
        targets: transports, or their names.
        prefix: what the ids of the cases begin with.
        kinds: the kinds of case to run.
        profile: ``quick`` leaves out what is tagged slow.
        ledger: what is known to fail, for all of them or by the target's name.
            A target without one has what the suite ships for its name.
        on_result: called with each result as it comes in.

    Returns:
        The results in the order of the targets, then of the ids.

    Raises:
        fluxhttp.InvalidConfigError: there is no transport of a name.
        LedgerError: a shipped ledger is wrong.
    """
    cases = select(prefix, kinds=kinds, profile=profile)
    results: list[Result] = []
    for target in [target if isinstance(target, Target) else Target.named(target) for target in targets]:
        known = ledger if isinstance(ledger, Ledger) else (ledger or {}).get(target.name)
        if known is None:
            known = Ledger.shipped(target.name)
        for case in cases:
            result = run_case(case, target).under(known)
            results.append(result)
            if on_result is not None:
                on_result(result)
    return results
