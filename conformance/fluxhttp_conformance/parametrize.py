"""The suite under pytest: one node for each case."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp_conformance.lab import HarnessError
from fluxhttp_conformance.ledger import Ledger
from fluxhttp_conformance.run import Profile, run_case
from fluxhttp_conformance.suite import KINDS, select
from fluxhttp_conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from _pytest.mark import ParameterSet

    from fluxhttp_conformance.case import Case, Kind
    from fluxhttp_conformance.ledger import Deviation


def conformance_tests(
    target: Target | str,
    *,
    ledger: Ledger | Path | str | None = None,
    prefix: str = "",
    kinds: Collection[Kind] = KINDS,
    profile: Profile = "quick",
) -> Callable[[Case], None]:
    """A test for pytest to collect, with one node for each case.

    ::

        test_conformance = conformance_tests("mypkg:factory", ledger="known.toml")

    A case that is not applicable is skipped, with its reason. One that the
    ledger lists must fail: it is a strict xfail. An informational case that
    fails is an xfail too, and nothing follows from it.

    Args:
        target: the transport, its registered name, or ``package.module:factory``.
        ledger: what is known to fail: a ledger, or the path of its file, from
            the directory of the module that calls. None is what the suite ships
            for that name, if anything.
        prefix: what the ids of the cases begin with.
        kinds: the kinds of case to run.
        profile: ``quick`` leaves out what is tagged slow and takes a sample of
            large families; ``full`` leaves out nothing, and takes minutes.

    Raises:
        fluxhttp.InvalidConfigError: there is no transport of that name.
        LedgerError: the ledger cannot be read, or lists what does not exist.
        ValueError: no case begins with that prefix.
    """
    import pytest  # noqa: PLC0415  # the suite also runs without it, and starts faster so

    # Before the cases are imported, or not at all: pytest then shows the values in a bare assert.
    if "fluxhttp_conformance.cases" not in sys.modules:
        pytest.register_assert_rewrite("fluxhttp_conformance.cases")
    target = target if isinstance(target, Target) else Target.named(target)
    if isinstance(ledger, str | Path):
        # A test file means the file beside it, from wherever pytest was started.
        beside = sys._getframe(1).f_globals.get("__file__", "")
        ledger = Ledger.read(Path(beside).parent / ledger)
    known = Ledger.shipped(target.name) if ledger is None else ledger
    cases = select(prefix, kinds=kinds, profile=profile)
    if not cases:
        raise ValueError(f"no case begins with {prefix!r}")

    @pytest.mark.parametrize("case", [_node(case, known.deviations.get(case.id)) for case in cases])
    def test_conformance(case: Case) -> None:
        __tracebackhide__ = True
        result = run_case(case, target, profile=profile)
        if result.outcome == "not-applicable":
            # The target says which features it lacks, and why; a real transport lacks none.
            pytest.skip(result.message)
        if result.outcome == "harness-error":
            raise HarnessError(result.message)
        assert result.outcome == "pass", result.message

    return test_conformance


def _node(case: Case, deviation: Deviation | None) -> ParameterSet:
    """A case, marked with what is known of it: one that must fail, or one that may."""
    import pytest  # noqa: PLC0415  # as above

    reason = "informational" if deviation is None else str(deviation)
    is_loose = deviation is None and case.kind == "informational"
    mark = pytest.mark.xfail(reason=reason, strict=not is_loose, raises=AssertionError)
    return pytest.param(case, id=case.id, marks=[mark] if deviation or is_loose else [])
