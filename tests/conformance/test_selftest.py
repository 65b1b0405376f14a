"""The zoo and the selftest: the suite finds what it looks for, and says so where it does not."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

import fluxhttp
from fluxhttp_conformance import Target, catalogue, run_case
from fluxhttp_conformance._cli import main
from fluxhttp_conformance.bar import BarFindings
from fluxhttp_conformance.progress import LineFindings, finding_progress
from fluxhttp_conformance.selftest import Finding, SelfTest, run_selftest
from fluxhttp_conformance.zoo import SoundTransport, creatures
from fluxhttp_conformance.zoo import creature as registry
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fluxhttp_conformance.zoo import Creature

ZOO = creatures()
BINDING = {case.id: case for case in catalogue()}
REQUIRED = {id: case for id, case in BINDING.items() if case.kind == "required"}
#: Their faults are against decisions of ours, so the cases that catch them are pinned.
AGAINST_A_DECISION = {"ends-chunk-lines-at-lf", "forgets-the-guard", "trusts-a-length-beside-chunks"}
#: One of each kind of fault: bytes that come, bytes that go, answers, errors, connections, TLS, proxies, the client.
FEW = (
    "joins-lines-of-one-name",
    "gives-chunk-sizes-to-int",
    "takes-the-end-for-the-empty-line",
    "says-http-1-0",
    "takes-a-short-body-for-whole",
    "leaks-a-value-error",
    "keeps-failed-connections",
    "shares-unverified-connections",
    "adds-proxy-connection",
    "drops-control-characters-of-the-url",
)


class TamePretender(Wrapper):
    """Has no fault."""


class FailsThroughout(Wrapper):
    """Gives answers without a body, without fields and with another status."""

    class Empty(Answer):
        status_code = 599  # type: ignore[assignment]
        headers = fluxhttp.Headers()  # type: ignore[assignment]

        def read(self, size: int, /) -> bytes:
            return b""

    answers = Empty


@pytest.fixture
def let_in() -> Iterator[Any]:
    """Lets a class into the zoo, for one test."""
    before = dict(registry._zoo)

    def let(cls: type[Any], *caught_by: str) -> str:
        registry.creature(*caught_by)(cls)
        [name] = registry._zoo.keys() - before.keys()
        return name

    yield let
    registry._zoo.clear()
    registry._zoo.update(before)


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "name": "tame",
        "description": "It has no fault.",
        "like": "",
        "named": ("framing/short-body",),
        "caught_by": ("framing/short-body", "chunks/cut"),
        "passed": (),
        "broken": (),
        "tried": 30,
        "failed": 2,
    }
    return Finding(**fields | changes)


def test_the_zoo_and_the_suite_are_as_large_as_readme_says() -> None:
    transports = [creature for creature in ZOO.values() if not issubclass(creature.factory, fluxhttp.Client)]

    assert len(transports) > 180
    assert len(catalogue()) > 400


@pytest.mark.parametrize("creature", ZOO.values(), ids=ZOO)
def test_a_creature_says_what_it_does_and_who_must_catch_it(creature: Creature) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", creature.name)
    assert re.fullmatch(r"[A-Z][^\n]{15,140}\.", creature.description)
    assert {BINDING[id].kind for id in creature.caught_by} <= {"required", "pinned"}
    assert len(set(creature.caught_by)) == len(creature.caught_by)


def test_only_what_is_against_a_decision_is_caught_by_no_required_case() -> None:
    others = {name for name, creature in ZOO.items() if not REQUIRED.keys() & set(creature.caught_by)}

    assert others == AGAINST_A_DECISION


def test_every_required_case_is_named_by_a_creature() -> None:
    assert REQUIRED.keys() - {id for creature in ZOO.values() for id in creature.caught_by} == set()


@pytest.mark.parametrize("name", FEW)
def test_a_creature_is_caught(name: str) -> None:
    creature = ZOO[name]

    outcomes = {id: run_case(REQUIRED[id], creature.target).outcome for id in creature.caught_by}

    assert outcomes == dict.fromkeys(creature.caught_by, "fail")


@pytest.mark.parametrize(
    "id", ["chunks/of-any-size", "framing/surplus-bytes", "tls/used-again", "tunnels/connect", "families/every-split"]
)
def test_what_has_no_fault_passes(id: str) -> None:
    assert run_case(REQUIRED[id], Target("sound", SoundTransport)).message == ""


def test_a_creature_is_a_target_by_its_name() -> None:
    result = run_case(
        REQUIRED["fields/set-cookie-is-never-joined"], Target.named("fluxhttp_conformance.zoo:joins-lines-of-one-name")
    )

    assert result.outcome == "fail"
    with pytest.raises(AttributeError, match="no creature 'no-such'"):
        Target.named("fluxhttp_conformance.zoo:no-such")


def test_a_creature_without_a_fault_is_a_fault_of_the_zoo(let_in: Any) -> None:
    name = let_in(TamePretender, "framing/short-body")

    found = run_selftest([name])

    assert found.faults == ["tame-pretender passes framing/short-body, which must catch it"]
    assert found.exit_code == 1


def test_a_creature_that_fails_throughout_proves_nothing(let_in: Any) -> None:
    name = let_in(FailsThroughout, "framing/content-length")

    found = run_selftest([name])

    assert found.findings[0].proves_nothing
    assert re.search(r"fails \d+ of \d+ cases, which proves nothing", found.faults[-1])
    assert found.exit_code == 1


def test_a_creature_must_have_a_name_of_its_own_and_a_case(let_in: Any) -> None:
    let_in(TamePretender, "framing/short-body")

    with pytest.raises(ValueError, match="is there already"):
        let_in(TamePretender, "framing/short-body")


def test_findings_come_one_by_one() -> None:
    seen: list[str] = []

    found = run_selftest(FEW[:2], on_finding=lambda finding: seen.append(finding.name))

    assert seen == list(FEW[:2]) == [finding.name for finding in found.findings]
    assert found.findings[0].caught_by[: len(found.findings[0].named)] == ZOO[FEW[0]].caught_by
    assert (found.idle, found.unsound, found.exit_code) == (None, (), 0)


def test_a_required_case_that_catches_nothing_is_a_fault() -> None:
    found = SelfTest(findings=(finding(),), unsound=(), idle=("fields/absent",), cases=2)

    assert (found.faults, found.exit_code) == (["fields/absent is required, and catches no creature"], 1)


def test_a_case_that_fails_without_a_fault_is_one() -> None:
    found = SelfTest(findings=(finding(),), unsound=("fields/absent",), idle=(), cases=2)

    assert (found.faults, found.exit_code) == (["a transport without a fault fails fields/absent"], 1)


def test_a_case_that_goes_wrong_itself_is_a_harness_error() -> None:
    found = SelfTest(findings=(finding(broken=("framing/short-body",)),), unsound=(), idle=(), cases=2)

    assert found.exit_code == 3
    assert found.faults == ["tame makes framing/short-body go wrong, which catches nothing so"]


def test_the_table_has_one_row_for_each_creature(capsys: pytest.CaptureFixture[str]) -> None:
    with LineFindings() as shown:
        shown(finding())
        shown(finding(caught_by=(), passed=("framing/short-body",)))

    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["creature", "caught", "by"]
    assert first.split() == ["tame", "framing/short-body", "and", "1", "more"]
    assert second.split(maxsplit=1)[1].startswith("NOTHING; FAULT tame passes framing/short-body")


def test_the_bar_shows_the_same_rows() -> None:
    out = StringIO()

    with BarFindings(1, console=Console(file=out, width=120)) as shown:
        shown(finding())

    assert "framing/short-body and 1 more" in out.getvalue()
    assert "1/1" in out.getvalue()


def test_a_bar_is_for_terminals() -> None:
    assert isinstance(finding_progress(1), LineFindings)
    assert isinstance(finding_progress(1, wants_bar=True), BarFindings)


def test_the_command_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "found.json"

    code = main(["selftest", *FEW[:2], "--jobs", "1", "--json", str(path)])

    out = capsys.readouterr().out
    assert code == 0, out
    assert "2 of 2 creatures caught as they must be" in out
    found = json.loads(path.read_text(encoding="utf-8"))
    assert [creature["name"] for creature in found["creatures"]] == list(FEW[:2])
    assert FEW[0] in found["cases"]["fields/set-cookie-is-never-joined"]
    assert (found["idle"], found["faults"]) == (None, [])


def test_the_command_ends_with_1_and_names_the_fault(let_in: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["selftest", let_in(TamePretender, "framing/short-body"), "--jobs", "1"])

    assert code == 1
    assert "\nFAULT tame-pretender passes framing/short-body" in capsys.readouterr().out


def test_a_name_that_nobody_has_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "joins-line-of-one-name"]) == 2
    assert "did you mean joins-lines-of-one-name" in capsys.readouterr().err
