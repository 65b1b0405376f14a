"""``fluxhttp demo``: what it prints, what it compares, what it never shows."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from fluxhttp._cli import main
from fluxhttp._cli.demo import EXAMPLES, table
from fluxhttp._cli.echo import EchoOrigin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Demo = Callable[[], tuple[int, str]]
    Install = Callable[..., None]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is registered, whatever is installed here."""
    names = ["stdlib"]
    monkeypatch.setattr("fluxhttp._cli.demo.registered_names", lambda: names)
    return names


@pytest.fixture
def demo(capsysbinary: pytest.CaptureFixture[bytes]) -> Demo:
    def demo() -> tuple[int, str]:
        code = main(["demo"])
        out, err = capsysbinary.readouterr()
        assert err == b""
        return code, out.decode()

    return demo


@pytest.fixture
def install(tmp_path: Path, registered: list[str], monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a transport around the built-in one; the source is the body of its class."""

    def install(name: str, body: str, imports: str = "") -> None:
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[fluxhttp.transports]\n{name} = {name}_module:Other\n")
        (tmp_path / f"{name}_module.py").write_text(
            f"import fluxhttp\n{imports}\nclass Other(fluxhttp.StdlibTransport):\n    {body}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)
        registered.append(name)

    return install


SEND = "def send(self, request, /, *, config, deadline):\n        "


def test_one_transport_runs_the_three_examples(demo: Demo) -> None:
    code, out = demo()

    assert code == 0
    for example in EXAMPLES:
        assert example.title in out
    rows = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.startswith("   stdlib ")]
    body = '{"data":{"x":1,"y":2,"z":3}}'
    assert [row[:2] for row in rows] == [["stdlib", "200"]] * 3
    assert [rows[0][2], rows[1][2], rows[2][3]] == [body, body.replace("{", '{"token":"accepted",', 1), body]
    assert all(re.fullmatch(r"\d+\.\d ms", row[3]) for row in rows[:2])
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", rows[2][2])
    assert "no second transport" in out


def test_it_fits_a_terminal(demo: Demo, install: Install) -> None:
    install("another", "pass")

    out = demo()[1].splitlines()

    assert len(out) <= 30
    assert max(map(len, out)) <= 110


def test_two_that_agree_are_said_to_agree(demo: Demo, install: Install) -> None:
    install("another", "pass")

    code, out = demo()

    assert code == 0
    assert "stdlib and another agree on all three.\nCompared: status line, headers, body, the request" in out
    assert "Not compared: Date, duration." in out


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (
            SEND + "request = fluxhttp.Request.build(request.method, request.url, headers=[*request.headers."
            "multi_items(), ('X-More', '1')], body=request.body)\n"
            "        return super().send(request, config=config, deadline=deadline)",
            [f"example {number}: the request as the origin saw it: other and stdlib differ" for number in (1, 2, 3)],
        ),
        (
            SEND + "answer = super().send(request, config=config, deadline=deadline)\n"
            "        answer.headers = fluxhttp.Headers(answer.headers.multi_items()[::-1])\n"
            "        return answer",
            [f"example {number}: headers: other and stdlib differ" for number in (1, 2, 3)],
        ),
        (
            SEND + "if 'authorization' in request.headers:\n            raise KeyError('hunter2')\n"
            "        return super().send(request, config=config, deadline=deadline)",
            ["example 2: other failed"],
        ),
    ],
    ids=["request", "headers", "failure"],
)
def test_what_differs_is_named(demo: Demo, install: Install, body: str, lines: list[str]) -> None:
    install("other", body)

    code, out = demo()

    assert code == 1
    assert out.partition("They do not agree:\n")[2].splitlines() == [f"  {line}" for line in lines]
    assert "hunter2" not in out


def test_a_failure_is_a_line_of_its_table(demo: Demo, install: Install) -> None:
    install("other", SEND + "raise fluxhttp.ReceiveError('the peer\\nwent away')")

    code, out = demo()

    assert code == 1
    assert re.search(r"^   other +- +receive error: the peer\\nwent away \(POST http://127", out, re.MULTILINE)
    assert "example 3: other failed" in out


def test_what_cannot_be_run_is_named(demo: Demo, install: Install, registered: list[str]) -> None:
    install("absent", "pass", "import package_that_is_not_there")
    install("needy", "def __init__(self, path): pass")
    registered.append("fake")

    code, out = demo()

    assert code == 0
    assert "\nabsent is not installed\n" in out
    assert "\nneedy is not run: transport 'needy': " in out
    assert "fake" not in out


def test_the_token_is_that_of_the_environment_and_never_shown(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2-café")

    code, out = demo()

    assert code == 0
    assert '"token":"accepted"' in out
    assert "hunter2" not in out
    assert os.environ["TOKEN"] == "hunter2-café"


def test_a_token_that_cannot_be_sent_is_not_shown_either(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2\n")

    code, out = demo()

    assert code == 1
    assert "example 2: stdlib failed" in out
    assert "hunter2" not in out


def test_the_environment_is_left_as_it_was(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)

    assert demo()[0] == 0
    assert "TOKEN" not in os.environ


def test_the_origin_refuses_another_token_and_survives_nonsense() -> None:
    with EchoOrigin("right") as origin:
        connection = http.client.HTTPConnection("127.0.0.1", origin.server_address[1], timeout=10)
        connection.request("POST", "/", "{}", {"Authorization": "Bearer wrong"})
        refused = connection.getresponse()
        content = json.load(refused)
        connection.request("POST", "/", "nonsense")
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        connection.close()

    assert (refused.status, content) == (401, {"token": "refused"})
    assert [seen.body for seen in origin.received] == [b"{}", b"nonsense"]


def test_a_status_that_is_no_success_is_a_failure(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluxhttp._cli.demo.EchoOrigin", lambda token: EchoOrigin("another"))

    code, out = demo()

    assert code == 1
    assert '401          {"token":"refused"' in out
    assert "example 2: stdlib failed" in out


def test_a_table_has_columns_as_wide_as_their_widest_cell() -> None:
    rows = [{"a": "1", "long": "2"}, {"a": "four", "c": "x"}]

    assert table(rows) == ["a     long  c", "----  ----  -", "1     2", "four        x"]
