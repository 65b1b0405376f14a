"""The suite under pytest: one node a case, as the ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp_conformance import (
    Case,
    HarnessError,
    Lab,
    Ledger,
    LedgerError,
    Target,
    catalogue,
    conformance_tests,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark.structures import ParameterSet

KNOWN = Ledger.parse('[[deviation]]\ncase = "framing/short-body"\nreason = "it hides the end"\n')
SHORT_BODY = catalogue("framing/short-body")[0]

# Sits a part of the suite just as a user's file would.
test_framing = conformance_tests("stdlib", prefix="framing/", ledger=Ledger())


class BareTransport(fluxhttp.StdlibTransport):
    """Can be given nothing."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)


def nodes(test: Callable[[Case], None]) -> list[ParameterSet]:
    found: list[ParameterSet] = test.pytestmark[0].args[1]  # type: ignore[attr-defined]
    return found


def made_up(function: Callable[[Lab], None]) -> Case:
    return Case(function, id="made/up", kind="required", level="wire", anchor="seam", tags=frozenset())


def test_there_is_one_node_for_each_case() -> None:
    ids = [node.id for node in nodes(test_framing)]

    assert ids == [case.id for case in catalogue("framing/")]


def test_what_the_ledger_lists_must_fail() -> None:
    marked = {node.id: node.marks for node in nodes(conformance_tests("stdlib", ledger=KNOWN)) if node.marks}
    mark = next(mark for mark in marked["framing/short-body"] if mark.name == "xfail")

    assert mark.kwargs == {"reason": "it hides the end", "strict": True, "raises": AssertionError}


def test_an_informational_case_may_fail() -> None:
    test = conformance_tests("stdlib", kinds=["informational"], ledger=Ledger())
    mark = next(iter(nodes(test)[0].marks))

    assert mark.kwargs["strict"] is False


def test_a_case_that_is_not_applicable_is_skipped_with_its_reason() -> None:
    test = conformance_tests(Target("bare", BareTransport))

    with pytest.raises(pytest.skip.Exception, match="bare takes no ca_file"):
        test(catalogue("tls/")[0])


def test_a_failure_shows_requirement_and_transcript() -> None:
    def fails(lab: Lab) -> None:
        """It must be so."""
        lab.still_works()
        raise AssertionError("it is not so")

    with pytest.raises(AssertionError, match=r"(?s)requirement: It must be so\..*it is not so.*GET /control"):
        conformance_tests("stdlib")(made_up(fails))


def test_a_case_that_proves_nothing_is_no_known_failure() -> None:
    def touches_nothing(lab: Lab) -> None:
        """Nothing."""

    with pytest.raises(HarnessError, match="touched no origin"):
        conformance_tests("stdlib")(made_up(touches_nothing))


def test_a_ledger_is_looked_for_beside_the_test() -> None:
    with pytest.raises(LedgerError, match=r"tests.conformance.no-such\.toml"):
        conformance_tests("stdlib", ledger="no-such.toml")


def test_a_prefix_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no case begins with 'framming'"):
        conformance_tests("stdlib", prefix="framming")


def test_an_unknown_transport_is_refused() -> None:
    with pytest.raises(fluxhttp.InvalidConfigError):
        conformance_tests("no-such-transport")
