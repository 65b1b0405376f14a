"""The fixture http_recorder, in test runs of its own."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp.pytest_plugin import recording_path
from tests.testing.runs import lines_of, result_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

RECORDED = """
    import fluxhttp
    import pytest

    URL = "http://127.0.0.1:{port}/"

    def test_asks(http_recorder):
        assert fluxhttp.get(URL).text == "ok"
        assert fluxhttp.Client(http_recorder).get(URL + "again").text == "ok"
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Of an origin that answers ok, as often as it is asked."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None: ...

    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_was_recorded_once_is_replayed(pytester: pytest.Pytester, port: int) -> None:
    source = RECORDED.replace("{port}", str(port))

    lines_of(pytester, source, passed=1)

    path = pytester.path / "recordings" / "test_shop.test_asks.har"
    written = path.read_bytes()
    assert written.count(b'"ok"') == 2
    for mode in ("once", "none", "new"):
        lines_of(pytester, source, f"--http-record={mode}", passed=1)
    assert path.read_bytes() == written
    lines_of(pytester, source, "--http-record=all", passed=1)
    assert path.read_bytes() != written


def test_a_recording_that_is_missing_or_does_not_fit(pytester: pytest.Pytester, port: int) -> None:
    source = RECORDED.replace("{port}", str(port))

    lines = lines_of(pytester, source, "--http-record=none", errors=1)
    assert [line for line in lines if "there is no such file, and mode 'none' records nothing" in line]

    lines_of(pytester, source, passed=1)
    more = source + '        fluxhttp.get(URL + "more")\n'
    lines = lines_of(pytester, more, failed=1)
    assert [line for line in lines if f"UnexpectedRequestError: no route for GET http://127.0.0.1:{port}/more" in line]
    assert not [line for line in lines if "the recording says" in line]
    fewer = source.replace('fluxhttp.Client(http_recorder).get(URL + "again").text', '"ok"')
    lines = lines_of(pytester, fewer, passed=1, errors=1)
    assert "E fluxhttp.testing.UnusedRouteError: 1 of 2 routes was not asked for" in lines
    lines = lines_of(pytester, fewer.replace('"ok" == "ok"', "1 == 2"), failed=1)
    assert "E the recording says, too:" in lines


def test_both_may_be_asked_for(pytester: pytest.Pytester, port: int) -> None:
    lines_of(
        pytester,
        f"""
        import fluxhttp

        def test_asks(http_recorder, fake_http):
            fake_http.get("https://api.test/").respond(text="fake")
            assert fluxhttp.get("https://api.test/").text == "fake"
            assert fluxhttp.Client(http_recorder).get("http://127.0.0.1:{port}/").text == "ok"
        """,
        passed=1,
    )


def test_the_modes_are_named(pytester: pytest.Pytester) -> None:
    result = result_of(pytester, "def test_nothing(): pass", "--http-record=always")

    result.stderr.fnmatch_lines(["*--http-record: invalid choice: 'always'*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("tests/test_a.py::test_x", "test_a.test_x"),
        ("tests/test_a.py::TestB::test_x[1-b]", "test_a.TestB.test_x[1-b]"),
        ("tests/test_a.py::test_x[a/b]", "test_a.test_x[a_b]-aaefb737"),
        ("tests/test_a.py::test_x[a?b]", "test_a.test_x[a_b]-2658ff6f"),
        (f"tests/test_a.py::test_{'x' * 200}", f"test_a.test_{'x' * 108}-3a385b99"),
    ],
)
def test_each_test_has_a_file_of_its_own(nodeid: str, name: str) -> None:
    class Item:
        path = Path("tests/test_a.py")

    item = Item()
    item.nodeid = nodeid  # type: ignore[attr-defined]

    assert recording_path(item) == Path("tests/recordings") / f"{name}.har"  # type: ignore[arg-type]
