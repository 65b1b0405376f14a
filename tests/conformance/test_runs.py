"""How cases are run: in any order, side by side, once, and not for ever."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fluxhttp_conformance import Case, Lab, Ledger, Target, catalogue, run_case, run_suite
from fluxhttp_conformance.lab import ok
from fluxhttp_conformance.suite import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxhttp_conformance.run import Result

FAKE = Target.named("fake")
#: Groups in which something outlives a case if it can: connections, environment, warnings, servers, processes.
LINGERING = ("connections/", "exchanges/", "lifecycle/", "proxies/", "resending/", "tls/")


def made_up(function: Callable[[Lab], object], *, seconds: float = 20.0) -> Case:
    def judged(lab: Lab) -> None:
        function(lab)

    return Case(judged, id="made/up", kind="required", level="core", anchor="seam", tags=frozenset(), seconds=seconds)


def outcomes(results: Iterable[Result]) -> dict[str, str]:
    known = Ledger.shipped("fake")
    return {result.case.id: result.under(known if result.target == "fake" else Ledger()).outcome for result in results}


def digests(results: Iterable[Result]) -> dict[str, str]:
    """Of the cases that pass: a failure may stop at another place each time."""
    return {result.case.id: result.observation.digest for result in results if result.outcome == "pass"}


@pytest.mark.parametrize("seed", [1])
def test_the_order_of_the_cases_is_of_no_matter_in_memory(seed: int) -> None:
    cases = select(profile="quick")
    shuffled = random.Random(seed).sample(cases, len(cases))

    in_order, at_random = [run_case(case, FAKE) for case in cases], [run_case(case, FAKE) for case in shuffled]

    assert set(outcomes(in_order).values()) == {"pass", "known-failure", "not-applicable"}
    assert outcomes(at_random) == outcomes(in_order)
    assert digests(at_random) == digests(in_order)


@pytest.mark.parametrize("target", ["stdlib", "urllib3"])
def test_the_order_of_the_cases_is_of_no_matter_on_loopback(target: str) -> None:
    cases = [case for prefix in LINGERING for case in catalogue(prefix)]
    opened = Target.named(target)

    results = [run_case(case, opened) for case in random.Random(3).sample(cases, len(cases))]

    assert {id: outcome for id, outcome in outcomes(results).items() if outcome != "pass"} == {}


def test_cases_may_run_side_by_side_in_threads() -> None:
    # But for those that look at what a whole process has: its memory, environment or warnings. A run uses processes.
    opened = Target.named("stdlib")
    cases = [*catalogue("exchanges/"), *catalogue("redirects/"), *catalogue("fields/")]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda case: run_case(case, opened), cases))

    assert {id: outcome for id, outcome in outcomes(results).items() if outcome != "pass"} == {}
    assert digests(results) == digests(run_case(case, opened) for case in cases)


def test_processes_find_what_one_process_finds() -> None:
    alone = run_suite(["fake"], prefix="framing/")
    shared = run_suite(["fake"], prefix="framing/", jobs=2)
    full = run_suite(["fake"], prefix="status/", profile="full", jobs=2)

    assert [result.case.id for result in shared] == [result.case.id for result in alone]
    assert [(result.outcome, result.ways, result.message) for result in shared] == [
        (result.outcome, result.ways, result.message) for result in alone
    ]
    assert digests(shared) == digests(alone)
    assert all("byte by byte" in result.ways for result in full if result.case.level == "wire")


def test_a_case_that_hangs_is_ended_by_its_own_limit() -> None:
    released = threading.Event()
    started = time.monotonic()

    result = run_case(made_up(lambda _: released.wait(10.0), seconds=0.2), FAKE)

    released.set()
    assert (result.outcome, result.message) == ("fail", "it took more than 0.2 s")
    assert 0.2 <= time.monotonic() - started < 5.0


def test_a_limit_is_for_one_case_and_the_next_is_judged() -> None:
    released = threading.Event()
    cases = [made_up(lambda _: released.wait(10.0), seconds=0.1), made_up(lambda lab: lab.receive(ok()))]

    found = [run_case(case, FAKE).outcome for case in cases]

    released.set()
    assert found == ["fail", "pass"]


def test_every_case_has_a_limit_and_few_have_a_long_one() -> None:
    limits = {case.id: case.seconds for case in catalogue()}

    assert all(0 < seconds <= 240 for seconds in limits.values())
    assert {id.partition("/")[0] for id, seconds in limits.items() if seconds > 20} == {"families"}


def test_a_case_that_fails_is_not_tried_again() -> None:
    asked: list[str] = []

    def works_the_second_time(lab: Lab) -> None:
        lab.receive(ok())
        asked.append("once")
        assert len(asked) > 1

    assert run_case(made_up(works_the_second_time), FAKE).outcome == "fail"
    assert asked == ["once"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_case_that_wants_to_end_the_program_has_failed(error: type[BaseException]) -> None:
    def ends(lab: Lab) -> None:
        lab.receive(ok())
        raise error("enough")

    result = run_case(made_up(ends), FAKE)

    assert result.outcome == "fail"
    assert f"{error.__name__}: enough" in result.message


# Profiles


def test_a_sample_is_the_same_each_time_and_from_all_over() -> None:
    lab = Lab(Target.named("stdlib"))
    lab.close()

    sample = lab.sample(range(1000), 50)

    assert sample == sorted(set(sample)) == lab.sample(range(1000), 50)
    assert len(sample) == 50
    assert sample[0] < 100
    assert sample[-1] >= 900
    assert lab.sample(range(30), 50) == list(range(30))
    lab.is_full = True
    assert lab.sample(range(1000), 50) == list(range(1000))


def test_the_full_profile_asks_for_whole_families_and_the_quick_one_for_a_sample() -> None:
    seen: list[int] = []

    def counts(lab: Lab) -> None:
        lab.receive(ok())
        seen.append(len(lab.sample(range(1000), 10)))

    run_case(made_up(counts), FAKE)
    run_case(made_up(counts), FAKE, profile="full")

    assert seen == [10, 1000]


def test_only_the_full_profile_has_the_slow_cases() -> None:
    quick, full = select(profile="quick"), select(profile="full")

    slow = [case.id for case in full if case not in quick]
    assert slow == [case.id for case in catalogue() if "slow" in case.tags] != []
