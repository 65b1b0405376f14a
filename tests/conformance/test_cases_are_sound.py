"""The catalogue itself: what it says of each case can be trusted, and no case passes for nothing."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

import fluxhttp
import fluxhttp_conformance
from fluxhttp_conformance import Case, Target, catalogue, run_case
from fluxhttp_conformance.case import Kind, Level

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = catalogue()
MODULES = sorted((Path(fluxhttp_conformance.__file__).parent / "cases").glob("[a-z]*.py"))
#: Documents that an anchor may name: HTTP, URIs, and what they lean on, each in its current edition.
RFCS = {"3986", "5280", "6066", "7301", "7617", "8305", "8446", "8996", "9110", "9112", "9525"}
DECISIONS = {f"D{number}" for number in range(1, 23)}
#: What in a lab can fail.
JUDGES = {"all_time_out", "fails", "refuse", "saw_nothing", "still_works", "times_out", "until"}


def offenders(is_sound: Callable[[Case], bool]) -> list[str]:
    return [case.id for case in CASES if not is_sound(case)]


def test_ids_are_unique_and_sorted() -> None:
    ids = [case.id for case in CASES]

    assert ids == sorted(set(ids))
    assert len(ids) > 300


def test_ids_are_words() -> None:
    is_id = re.compile(r"(?=.{5,60}$)[a-z][a-z0-9-]*/[a-z0-9][a-z0-9-]*").fullmatch

    assert offenders(lambda case: is_id(case.id) is not None) == []


def test_no_two_cases_are_one_function() -> None:
    functions = [case.function for case in CASES]

    assert len(set(functions)) == len(functions)


def test_anchors_can_be_looked_up() -> None:
    def is_known(anchor: str) -> bool:
        number = re.fullmatch(r"RFC (\d+), [\d.]+", anchor)
        return anchor == "seam" or anchor in DECISIONS or (number is not None and number[1] in RFCS)

    assert offenders(lambda case: all(map(is_known, case.anchor.split("; ")))) == []


def test_kinds_and_levels_are_known() -> None:
    kinds, levels = get_args(Kind), get_args(Level)

    assert offenders(lambda case: case.kind in kinds and case.level in levels) == []


def test_what_only_a_decision_asks_for_is_not_required() -> None:
    required = [case for case in CASES if case.kind == "required"]

    assert [case.id for case in required if set(case.anchor.split("; ")) <= DECISIONS] == []


def test_a_reason_is_a_sentence_or_two() -> None:
    def is_sentence(reason: str) -> bool:
        return 20 <= len(reason) <= 300 and not reason[0].islower() and reason.endswith((".", ".)", "?"))

    assert offenders(lambda case: is_sentence(case.reason)) == []


def test_every_case_can_fail() -> None:
    def judges(case: Case) -> bool:
        nodes = list(ast.walk(ast.parse(inspect.getsource(case.function))))
        called = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        return bool(called & JUDGES) or any(isinstance(node, ast.Assert) for node in nodes)

    assert offenders(judges) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transport_that_does_nothing_does_not_pass(case: Case) -> None:
    result = run_case(case, Target("unreachable", UnreachableTransport))

    assert result.outcome != "pass"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transport_that_makes_up_its_answers_does_not_pass(case: Case) -> None:
    result = run_case(case, Target("made up", MadeUpTransport))

    assert result.outcome != "pass"


class LeavingTransport:
    """Ends the program instead of a call."""

    def __init__(self, **options: object) -> None:
        pass

    def send(self, request: object, /, **options: object) -> fluxhttp.TransportResponse:
        raise SystemExit("the transport has had enough")

    def close(self) -> None:
        pass


def test_a_transport_that_ends_the_program_fails_with_its_words() -> None:
    [case] = catalogue("framing/short-body")

    result = run_case(case, Target("leaving", LeavingTransport))

    assert result.outcome == "fail"
    assert "SystemExit: the transport has had enough" in result.message


@pytest.mark.parametrize("place", ["lab_for", "Observation.of", "further_ways"])
def test_what_fails_around_a_case_is_an_error_of_the_harness(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(f"fluxhttp_conformance.run.{place}", fail)
    [case] = catalogue("framing/short-body")

    result = run_case(case, Target.named("stdlib"))

    assert result.outcome == "harness-error"
    assert "the suite could not ask framing/short-body of stdlib" in result.message
    assert "Too many open files" in result.message


class UnreachableTransport:
    """Never gets anywhere."""

    def __init__(
        self,
        *,
        ca_file: object = None,
        dialer: object = None,
        proxies: object = None,
        trust_env: bool = True,
    ) -> None:
        pass

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        raise fluxhttp.ConnectError("there is no way")

    def close(self) -> None:
        pass


class MadeUpTransport(UnreachableTransport):
    """Answers without asking."""

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        return MadeUpAnswer()


class MadeUpAnswer:
    status_code = 200
    reason = "OK"
    http_version = "HTTP/1.1"
    headers = fluxhttp.Headers([("Content-Length", "2")])

    def __init__(self) -> None:
        self._rest = b"ok"

    def read(self, size: int, /) -> bytes:
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def close(self) -> None:
        pass


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_cases_use_public_names_only(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            imported = [str(node.module), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        else:
            continue
        parts = [part for name in imported for part in name.split(".")]
        assert not [part for part in parts if part[0] == "_" and part not in ("__future__", "__version__")], imported


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_cases_says_what_it_is_about(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))
