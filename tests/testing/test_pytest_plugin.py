"""The pytest plug-in, in test runs of its own; and the fake where there is no pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.testing.runs import lines_of, result_of

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent


def test_a_test_with_a_fake(pytester: pytest.Pytester) -> None:
    lines_of(
        pytester,
        """
        import fluxhttp
        from fluxhttp import Client
        from fluxhttp.testing import FakeTransport

        def test_greets(fake_http):
            assert isinstance(fake_http, FakeTransport)
            fake_http.get("https://api.test/users/7").respond(json={"name": "Ada"})
            assert Client(fake_http).get("https://api.test/users/7").json()["name"] == "Ada"

        def test_functions(fake_http):
            fake_http.post("https://api.test/").respond(201)
            assert fluxhttp.post("https://api.test/").status_code == 201
            assert len(fake_http.calls) == 1

        def test_without():
            from fluxhttp import _shortcuts
            assert _shortcuts._client is None or not isinstance(_shortcuts._client.transport, FakeTransport)
        """,
        passed=3,
    )


def test_an_unexpected_request_ends_at_the_tests_own_line(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        import fluxhttp

        def test_greets(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            fluxhttp.get("https://api.test/users/8")
        """,
        failed=1,
    )

    assert '> fluxhttp.get("https://api.test/users/8")' in lines
    at = lines.index("E fluxhttp.testing.UnexpectedRequestError: no route for GET https://api.test/users/8")
    assert lines[at + 2 : at + 8] == [
        "E sent      GET https://api.test/users/8",
        "E",
        f"E nearest   {'GET https://api.test/users/7, test_shop.py:4':<49}   1 of 2 parts agrees",
        "E method    ✓ GET",
        "E url       ✗ expected /users/7, got /users/8",
        "E",
    ]
    assert lines[at + 10] == "test_shop.py:5: UnexpectedRequestError"
    assert not [line for line in lines if "fluxhttp/" in line.replace("fluxhttp/_version", "")]
    assert [line for line in lines if line.startswith("FAILED test_shop.py::test_greets - fluxhttp.testing.Unexpected")]


def test_an_impossible_reply_ends_at_the_tests_own_line(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        def test_greets(fake_http):
            fake_http.get("https://api.test/users/7").respond(204, body=b"abc")
        """,
        failed=1,
    )

    at = lines.index("E fluxhttp.testing.ImpossibleReplyError: 204 with a body of 3 bytes (test_shop.py:2)")
    assert lines[at - 1] == '> fake_http.get("https://api.test/users/7").respond(204, body=b"abc")'
    assert lines[at + 3] == "test_shop.py:2: ImpossibleReplyError"


def test_an_error_of_the_network_is_shown_whole(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        import fluxhttp
        from fluxhttp.testing import faults

        def test_greets(fake_http):
            fake_http.get("https://api.test/").fail(faults.reset())
            fluxhttp.get("https://api.test/")
        """,
        failed=1,
    )

    assert [line for line in lines if "_client.py:" in line]


def test_a_route_that_was_not_asked_for_is_an_error_when_the_test_is_over(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        def test_greets(fake_http):
            fake_http.get("https://api.test/users/7").respond()
        """,
        passed=1,
        errors=1,
    )

    assert "E fluxhttp.testing.UnusedRouteError: 1 of 1 route was not asked for" in lines
    assert "E GET    https://api.test/users/7   test_shop.py:2   never" in lines
    assert [line for line in lines if line.startswith("ERROR test_shop.py::test_greets - fluxhttp.testing.UnusedRoute")]


def test_a_swallowed_request_is_an_error_when_the_test_is_over(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        import fluxhttp

        def test_greets(fake_http):
            try:
                fluxhttp.get("https://metrics.test/ping")
            except Exception:
                pass
        """,
        passed=1,
        errors=1,
    )

    assert (
        "E GET https://metrics.test/ping   raised at test_shop.py:5, caught at test_shop.py:6 (except Exception)"
        in lines
    )


def test_other_fixtures_may_ask_until_they_are_torn_down(pytester: pytest.Pytester) -> None:
    lines_of(
        pytester,
        """
        import fluxhttp, pytest

        @pytest.fixture
        def session(fake_http):
            fake_http.delete("https://api.test/session").respond()
            yield
            fluxhttp.delete("https://api.test/session")

        def test_greets(session):
            pass
        """,
        passed=1,
    )


def test_a_failing_test_is_told_what_else_the_fake_has_to_say(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        import pytest

        def test_greets(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            assert 1 == 2

        def test_skips(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            pytest.skip("what a skip is told")

        @pytest.mark.xfail(strict=True)
        def test_is_expected_to_fail(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            assert 1 == 2

        @pytest.fixture
        def broken(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            raise ValueError("made up")

        def test_is_not_run(broken):
            pass
        """,
        failed=1,
        skipped=1,
        xfailed=1,
        errors=1,
    )

    notes = [lines[at - 1 : at + 2] for at, line in enumerate(lines) if line == "E the fake says, too:"]
    assert sorted(notes) == [
        ["E ValueError: made up", "E the fake says, too:", "E 1 of 1 route was not asked for"],
        ["E assert 1 == 2", "E the fake says, too:", "E 1 of 1 route was not asked for"],
    ]


def test_a_test_that_runs_again_is_judged_by_its_last_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, log=False, nextitem=nextitem)
            runtestprotocol(item, log=True, nextitem=nextitem)
            return True
        """
    )
    lines = lines_of(
        pytester,
        """
        runs = []

        def test_flaky(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            runs.append(1)
            assert len(runs) == 2
        """,
        passed=1,
        errors=1,
    )

    assert "E fluxhttp.testing.UnusedRouteError: 1 of 1 route was not asked for" in lines


def test_routes_may_be_allowed_to_stay_unused(pytester: pytest.Pytester) -> None:
    lines = lines_of(
        pytester,
        """
        import fluxhttp, pytest

        @pytest.mark.allow_unused_routes
        def test_greets(fake_http):
            fake_http.get("https://api.test/users/7").respond()

        @pytest.mark.allow_unused_routes
        def test_asks(fake_http):
            with pytest.raises(AssertionError):
                fluxhttp.get("https://api.test/users/8")

        @pytest.mark.allow_unused_routes
        def test_fails(fake_http):
            fake_http.get("https://api.test/users/7").respond()
            assert 1 == 2
        """,
        passed=2,
        failed=1,
        errors=1,
    )

    assert "E fluxhttp.testing.UnexpectedRequestError: 1 request had no route, and the code under test went on" in lines
    assert not [line for line in lines if "the fake says" in line]
    markers = result_of(pytester, "", "--markers")
    markers.stdout.fnmatch_lines(["@pytest.mark.allow_unused_routes: *"])


def script(source: str, *, path: Path, code: int = 0) -> str:
    """Runs a program of its own, and returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        capture_output=True,
        text=True,
        cwd=path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_plug_in_loads_neither_the_fake_nor_a_transport(tmp_path: Path) -> None:
    loaded = script(
        "import fluxhttp.pytest_plugin, sys; print(sorted(name for name in sys.modules if 'fluxhttp.t' in name))",
        path=tmp_path,
    )

    assert loaded == "[]\n"


def test_a_fake_needs_no_pytest(tmp_path: Path) -> None:
    source = """
import sys
sys.modules["pytest"] = None
from fluxhttp import Client
from fluxhttp.testing import FakeTransport
with FakeTransport(base_url="https://api.test") as fake:
    fake.get("/users/7").respond(json={"name": "Ada"})
    fake.get("/users/8").respond()
    print(Client(fake).get("https://api.test/users/7").text)
"""

    printed = script(source, path=tmp_path, code=1)

    assert printed.startswith('{"name": "Ada"}\n')
    assert (
        "fluxhttp.testing.UnusedRouteError: 1 of 2 routes was not asked for\n\n"
        "  GET    https://api.test/users/8   <string>:8   never\n\n"
        "  nearest call to <string>:8: GET https://api.test/users/7     url: /users/7 instead of /users/8\n"
        "  If a route may stay unused, say .optional().\n" in printed
    )


def test_under_xdist_each_worker_has_fakes_of_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        test_shop="""
        import fluxhttp, pytest

        @pytest.mark.parametrize("number", range(20))
        def test_asks(fake_http, number):
            fake_http.get("https://api.test/").respond(text=str(number))
            assert fluxhttp.get("https://api.test/").text == str(number)

        def test_fails(fake_http):
            fluxhttp.get("https://api.test/x")

        def test_forgets(fake_http):
            fake_http.get("https://api.test/x").respond()
        """
    )

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess("-p", "fluxhttp.pytest_plugin", "-p", "xdist.plugin", "-n", "2")

    result.assert_outcomes(passed=21, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "E*fluxhttp.testing.UnusedRouteError: 1 of 1 route was not asked for",
            "E*fluxhttp.testing.UnexpectedRequestError: no route for GET https://api.test/x",
        ]
    )
