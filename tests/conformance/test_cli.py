"""The command line of the suite, through its entry point."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import tomllib
from io import StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

import fluxhttp
from fluxhttp_conformance import Case, Lab, Ledger, catalogue
from fluxhttp_conformance._cli import main
from fluxhttp_conformance.bar import BarProgress
from fluxhttp_conformance.progress import LineProgress, progress
from fluxhttp_conformance.report import read_reports
from fluxhttp_conformance.run import Result
from fluxhttp_conformance.serve import RepeatingOrigin, record, serve
from fluxhttp_conformance.suite import select

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHORT_BODY = "framing/short-body"


class LastFieldLost(fluxhttp.StdlibTransport):
    """Drops the last field of each answer."""

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        answer = super().send(request, config=config, deadline=deadline)
        answer.headers = fluxhttp.Headers(answer.headers.multi_items()[:-1])  # type: ignore[misc]
        return answer


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a factory that can be imported."""
    module = type(sys)("broken_transport")
    module.LastFieldLost = LastFieldLost  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "broken_transport", module)
    return "broken_transport:LastFieldLost"


@pytest.fixture
def ledger(tmp_path: Path) -> Callable[[str], str]:
    """Writes a ledger of one case."""

    def write(case: str) -> str:
        path = tmp_path / "known.toml"
        path.write_text(f'[[deviation]]\ncase = "{case}"\nreason = "so it is"\n')
        return str(path)

    return write


def test_list_shows_each_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "framing/sh"]) == 0

    assert capsys.readouterr().out.splitlines()[0].split("  ")[0] == SHORT_BODY


def test_list_is_json_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)
    assert [case["id"] for case in listed] == [case.id for case in catalogue()]
    assert set(listed[0]) == {"id", "kind", "level", "anchor", "tags", "reason"}


def test_explain_shows_reason_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", SHORT_BODY]) == 0

    out = capsys.readouterr().out
    assert "RFC 9112, 8" in out
    assert "never a short success" in out
    assert "def short_body(lab: Lab)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["sing"], "invalid choice"),
        (["run"], "required: TARGET"),
        (["run", "stdlib", "--kind", "odd"], "invalid choice"),
        (["list", "framming"], "no case of that kind begins with 'framming'"),
        (["explain", "short-body"], f"did you mean {SHORT_BODY}"),
        (["explain", "nothing/like-that"], "there is no case"),
        (["serve", "framing"], "there is no case"),
        (["run", "stdlib", "--only", "framming"], "no case of that kind"),
        (["run", "stdlib", "stdlib"], "named twice"),
        (["run", "no-such-transport"], "no transport 'no-such-transport'"),
        (["run", "no_such_module:factory"], "no transport 'no_such_module:factory'"),
        (["run", "json:no_such_factory"], "no transport 'json:no_such_factory'"),
        (["run", "stdlib", "--ledger", "no-such.toml"], "no-such.toml: cannot be read"),
        (["run", "stdlib", "--ledger", "other=known.toml"], "'other' is none of the targets"),
        (["run", "stdlib", "--only", SHORT_BODY, "--json", "no/such/directory/r.json"], "No such file"),
        (["matrix", "no-such.json", "--html", "m.html"], "no-such.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2

    assert message in capsys.readouterr().err


def test_help_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    assert "exit code" in capsys.readouterr().out


def test_a_run_without_deviations_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "stdlib", "fake", "--only", "framing/s"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["stdlib", "framing", "3", "pass"]
    assert "agreement: the same outcome in 3 of 3 cases" in lines
    assert lines[-1].startswith("3 cases, ")


def test_a_run_with_deviations_is_1_and_says_how_to_repeat_it(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", broken, "stdlib", "--only", "framing/content-length"]) == 1

    out = capsys.readouterr().out
    # Where pytest shows the values of the suite's asserts, the class stands before them.
    assert re.search(rf"FAIL framing/content-length on {broken}: (AssertionError: )?assert ", out)
    assert f"framing/content-length: {broken} fail, stdlib pass" in out
    assert "requirement: A body of declared length" in out
    assert out.splitlines()[-1] == f"fluxhttp-conformance run {broken} --only framing/content-length"


def test_a_known_failure_is_0_and_of_one_target_if_said_so(broken: str, ledger: Callable[[str], str]) -> None:
    path = ledger("framing/content-length")
    arguments = ["run", broken, "stdlib", "--only", "framing/content-length", "--ledger"]

    assert main([*arguments, f"{broken}={path}"]) == 0
    assert main([*arguments, path]) == 1


def test_only_what_the_target_is_judged_by_is_repeated(
    broken: str, ledger: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = ledger("framing/short-body")
    arguments = ["run", broken, "stdlib", "--only", "framing/content-length", "--profile", "full"]

    assert main([*arguments, "--ledger", f"{broken}={path}", "--ledger", f"stdlib={path}"]) == 1

    command = f"fluxhttp-conformance run {broken} --only framing/content-length --profile full --ledger {broken}={path}"
    assert capsys.readouterr().out.splitlines()[-1] == command


def test_an_unexpected_pass_is_1(ledger: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    path = ledger(SHORT_BODY)

    assert main(["run", "stdlib", "--only", SHORT_BODY, "--ledger", path]) == 1

    out = capsys.readouterr().out
    assert "the ledger says that it fails: so it is" in out
    assert out.splitlines()[-1].endswith(f"--ledger {path}")


def test_a_case_that_proves_nothing_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(lab: Lab) -> None:
        """Nothing."""

    idle = Case(nothing, id="made/up", kind="required", level="wire", anchor="seam", tags=frozenset())
    monkeypatch.setattr("fluxhttp_conformance.suite.catalogue", lambda prefix: [idle])

    assert main(["run", "stdlib"]) == 3


def test_an_application_sits_the_cases_that_it_can_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "wsgi", "--only", "bodies/"]) == 0

    told = re.search(r"^wsgi: (\d+) pass; (\d+) not applicable", capsys.readouterr().out, re.MULTILINE)
    assert told is not None
    assert int(told[1]) > 5


def test_what_is_not_applicable_is_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "fake", "--only", "tunnels/"]) == 0

    assert "fake: nothing judged; " in capsys.readouterr().out


def test_a_run_writes_its_reports(tmp_path: Path) -> None:
    paths = {kind: tmp_path / f"report.{kind}" for kind in ("json", "junit", "html")}
    options = [text for kind, path in paths.items() for text in (f"--{kind}", str(path))]

    assert main(["run", "stdlib", "--only", SHORT_BODY, "--kind", "required", "--profile", "full", *options]) == 0

    assert [entry.id for entry in read_reports(paths["json"])[0].results] == [SHORT_BODY]
    assert ET.parse(paths["junit"]).getroot()[0].get("tests") == "1"
    assert 'id="framing--short-body"' in paths["html"].read_text(encoding="utf-8")


def test_a_matrix_is_made_of_several_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(tmp_path / name) for name in ("a.json", "b.json")]
    for name, target in zip(names, ("stdlib", "fake"), strict=True):
        assert main(["run", target, "--only", SHORT_BODY, "--json", name]) == 0

    assert main(["matrix", *names, "--html", str(tmp_path / "matrix.html")]) == 0

    assert "the same outcome in 1 of 1 cases" in capsys.readouterr().out
    assert "stdlib, fake" in (tmp_path / "matrix.html").read_text(encoding="utf-8")


def test_init_writes_a_test_that_runs(tmp_path: Path) -> None:
    assert main(["init", "stdlib", "--directory", str(tmp_path)]) == 0

    test = tmp_path / "test_conformance.py"
    assert len(test.read_text().splitlines()) == 12
    assert tomllib.loads((tmp_path / "known.toml").read_text()) == {}
    namespace: dict[str, object] = {"__file__": str(test), "__name__": "test_conformance"}
    exec(compile(test.read_text(), test, "exec"), namespace)
    assert len(namespace["test_conformance"].pytestmark[0].args[1]) == len(select(profile="quick"))  # type: ignore[attr-defined]


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "known.toml").write_text("# mine\n")

    assert main(["init", "--directory", str(tmp_path)]) == 2

    assert "already there" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["known.toml"]


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fluxhttp_conformance", "list", SHORT_BODY],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.startswith(SHORT_BODY)


# Serving


def exchange(address: tuple[str, int], rest: bytes = b"") -> bytes:
    with socket.create_connection(address, timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + rest)
        received = b""
        while piece := sock.recv(65_536):
            received += piece
        return received


def test_the_scripts_of_a_case_are_played_again_and_again() -> None:
    case = catalogue("framing/no-body-where-one-was-declared")[0]

    with RepeatingOrigin(record(case)) as origin:
        received = [exchange(origin.address)[:15] for _ in range(3)]

    assert received[0] == received[2] == b"HTTP/1.1 200 OK"


def test_serving_says_where_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    over = threading.Event()
    over.set()

    assert serve(catalogue(SHORT_BODY)[0], until=over) == 0

    assert capsys.readouterr().out.splitlines()[-1].startswith("curl -v http://127.0.0.1:")


def test_a_secure_case_is_served_with_its_authority(capsys: pytest.CaptureFixture[str]) -> None:
    over = threading.Event()
    over.set()

    assert serve(catalogue("tls/")[0], until=over) in (0, 2)

    capsys.readouterr()


# Progress


def test_a_terminal_without_rich_gets_lines() -> None:
    assert isinstance(progress(3, wants_bar=False), LineProgress)
    assert isinstance(progress(3), LineProgress)


def test_a_bar_shows_deviations_and_counts() -> None:
    out = StringIO()
    case = catalogue(SHORT_BODY)[0]

    with BarProgress(2, console=Console(file=out, force_terminal=True, width=120)) as shown:
        shown(Result(case, "mine", "pass", "", 0.1))
        shown(Result(case, "mine", "fail", "[red] is not a colour here", 0.1))

    told = out.getvalue()
    assert "FAIL framing/short-body on mine: [red] is not a colour here" in told
    assert "1 pass, 1 fail" in told


def test_shipped_ledgers_are_found_by_name() -> None:
    assert Ledger.shipped("stdlib") == Ledger()
