"""The command line against nginx, with and without TLS, as a program and as a function."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fluxhttp._cli import main
from tests.integration.server import SMALL_BYTES
from tests.integration.site import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.server import Server
    from tests.integration.site import Site

    Run = Callable[..., "Result"]

ROOT = Path(__file__).parents[2]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    error: str


@pytest.fixture(params=[("program", "stdlib"), ("function", "stdlib"), ("function", "urllib3")], ids="-".join)
def run(
    request: pytest.FixtureRequest,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs a command over a transport."""
    way, transport_name = request.param
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def run_program(*argv: object) -> Result:
        command = [sys.executable, "-m", "fluxhttp", *map(str, argv), "--transport", transport_name, "--timeout", "20"]
        done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=60)
        return Result(done.returncode, done.stdout, done.stderr.decode())

    def run_function(*argv: object) -> Result:
        code = main([*map(str, argv), "--transport", transport_name, "--timeout", "20"])
        out, error = capfdbinary.readouterr()
        return Result(code, out, error.decode())

    return run_program if way == "program" else run_function


def tls_options(site: Site, port: str) -> list[str]:
    return ["--cacert", str(site.ca_file)] if port == "secure" else []


def test_a_post_works_end_to_end(run: Run, nginx: Server, site: Site, port: str, mark: str) -> None:
    params = ("-p", "tag=red", "-p", "tag=a b", "-p", f"mark={mark}")
    content = ("-H", "Authorization: Bearer t", "--json", "-d", '{"title": "A note"}')

    done = run("post", nginx.url("/echo?dropped=1", port), *params, *content, *tls_options(site, port))

    assert done == Result(0, b'POST {"title": "A note"}', "")
    seen = nginx.wait_for(f"/echo?mark={mark}&tag=red&tag=a+b")
    assert [(one.method, one.status) for one in seen] == [("POST", 200)]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_so_do_the_other_methods(run: Run, nginx: Server, site: Site, port: str, method: str) -> None:
    done = run(method, nginx.url("/echo", port), "-d", "text", *tls_options(site, port))

    assert done == Result(0, f"{method.upper()} text".encode(), "")


def test_data_comes_from_a_file_and_goes_to_a_file(run: Run, nginx: Server, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\xff not text \x01")
    (tmp_path / "out").write_bytes(b"replaced")

    done = run("post", nginx.url("/echo"), "-d", f"@{tmp_path}/in", "-o", tmp_path / "out")

    assert done == Result(0, b"", "")
    assert (tmp_path / "out").read_bytes() == b"POST \xff not text \x01"


def test_an_unknown_certificate_is_refused_unless_it_is_not_looked_at(run: Run, nginx: Server) -> None:
    command = ("post", nginx.url("/echo", "secure"), "-d", "x")

    refused = run(*command)
    assert (refused.code, refused.out) == (60, b"")
    assert refused.error.startswith("fluxhttp: certificate error: ")
    assert refused.error.count("\n") == 1

    assert run(*command, "--insecure") == Result(0, b"POST x", "")


def test_so_is_that_of_another_host(run: Run, nginx: Server, site: Site) -> None:
    command = ("post", nginx.url("/echo", "stranger"), "-d", "x", "--cacert", site.ca_file)

    assert run(*command).code == 60
    assert run(*command, "--insecure") == Result(0, b"POST x", "")


def test_fail_makes_an_error_of_a_status(run: Run, nginx: Server, site: Site, port: str) -> None:
    command = ("post", nginx.url("/missing?key=secret", port), "-d", "x", *tls_options(site, port))

    accepted = run(*command)
    assert (accepted.code, accepted.error) == (0, "")
    assert b"404 Not Found" in accepted.out

    failed = run(*command, "--fail")
    assert (failed.code, failed.out) == (4, accepted.out)
    assert failed.error.startswith("fluxhttp: status error: ")
    assert "secret" not in failed.error


def test_a_body_that_the_server_refuses_has_its_answer(run: Run, nginx: Server, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(bytes(SMALL_BYTES * 100))

    done = run("post", nginx.url("/small"), "-d", f"@{tmp_path}/in", "--fail")

    assert done.code == 4
    assert b"413 Request Entity Too Large" in done.out


def test_include_shows_the_heads_of_all_answers(run: Run, nginx: Server, site: Site, port: str) -> None:
    done = run("post", nginx.url("/move/307", port), "-d", "x", "-i", *tls_options(site, port))

    assert (done.code, done.error) == (0, "")
    first, second, body = done.out.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 307 Temporary Redirect\r\nServer: nginx/")
    assert b"\r\nLocation: /echo" in first
    assert second.startswith(b"HTTP/1.1 200 OK\r\nServer: nginx/")
    assert body == b"POST x"


def test_head_shows_a_head(run: Run, nginx: Server) -> None:
    done = run("head", nginx.url("/text.txt"), "-i")

    assert done.code == 0
    assert f"\r\nContent-Length: {len(TEXT)}\r\n".encode() in done.out
    assert done.out.endswith(b"\r\n\r\n")


def test_a_body_over_the_limit_is_refused(run: Run, nginx: Server, site: Site, port: str, tmp_path: Path) -> None:
    options = tls_options(site, port)
    for path, size in (("/text.txt", "200000"), ("/large.bin", "104857599")):
        done = run("get", nginx.url(path, port), "--max-body", size, "-o", tmp_path / "none", *options)

        assert (done.code, done.out) == (63, b"")
        assert done.error.startswith("fluxhttp: body too large: ")
        assert not list(tmp_path.iterdir())
    assert run("get", nginx.url("/text.txt", port), "--max-body", "210000", *options) == Result(0, TEXT, "")


def test_a_hundred_megabytes_fit_the_default(run: Run, nginx: Server, site: Site, tmp_path: Path) -> None:
    done = run("get", nginx.url("/large.bin", "secure"), "-o", tmp_path / "out", "--cacert", site.ca_file)

    assert done == Result(0, b"", "")
    assert filecmp.cmp(tmp_path / "out", site.large, shallow=False)
    (tmp_path / "out").unlink()


def test_nobody_there_is_an_error(run: Run, nginx: Server) -> None:
    done = run("post", "http://127.0.0.1:1/echo?key=secret", "-d", "x")

    assert (done.code, done.out) == (7, b"")
    assert done.error.startswith("fluxhttp: connect error: ")
    assert "secret" not in done.error
