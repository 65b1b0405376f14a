"""The command line, through ``main``, against a peer on loopback that answers by path."""

from __future__ import annotations

import io
import os
import re
import shlex
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from fluxhttp import errors
from fluxhttp._cli import main
from fluxhttp._cli.failures import EXIT_CODES, FAILURES
from fluxhttp._cli.output import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., "Result"]

ROOT = Path(__file__).parent.parent


class Result:
    """What a command left behind."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs ``main``, and checks what is true of every command: an error is one line."""

    def run(*argv: str) -> Result:
        code = main(argv)
        out, err = capfdbinary.readouterr()
        lines = err.decode().splitlines()
        assert len(lines) == (0 if code in (0, 141) else 1), lines
        assert all(line.startswith("fluxhttp: ") for line in lines)
        return Result(code, out, "".join(lines))

    return run


ANSWERS = {
    "/": b"HTTP/1.1 200 OK\r\nX-Color: caf\xe9\r\nContent-Length: 6\r\n\r\n\x00\r\n\xff\x80\n",
    "/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "/loop": b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
    "/astray": b"HTTP/1.1 302 Found\r\nLocation: ftp://u:hunter2@h/?key=hunter2\r\nContent-Length: 0\r\n\r\n",
    "/large": b"HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n" + b"x" * 1025,
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    "/closed": b"",
    "/malformed": b"hello\r\n\r\n",
    "/corrupt": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
    "/head": b"HTTP/1.1 200 OK\r\nX-Fill: " + b"x" * 300_000 + b"\r\n\r\n",
}


class Peer(socketserver.ThreadingTCPServer):
    """Answers one request a connection with the bytes of its path."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.requests: list[bytes] = []
        self.is_over = threading.Event()
        self.on_request: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http{'s' if self.context else ''}://localhost:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what many tests are about."""


class _Answer(socketserver.BaseRequestHandler):
    server: Peer

    def handle(self) -> None:
        stream = self.request
        stream.settimeout(10)
        if self.server.context:
            with self.server.context.wrap_socket(stream, server_side=True) as stream:
                self.answer(stream)
                stream.unwrap()
        elif stream.recv(1, socket.MSG_PEEK) != b"\x16":  # a TLS handshake, which gets no answer here
            self.answer(stream)

    def answer(self, stream) -> None:
        with stream.makefile("rb") as lines:
            head = b"".join(iter(lines.readline, b"\r\n"))
            length = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
            body = lines.read(int(length[1]) if length else 0)
        self.server.requests.append(head + b"\r\n" + body)
        target = head.split(b" ")[1].decode()
        path = "/" + target.partition("://")[2].partition("/")[2] if "://" in target else target
        path = path.partition("?")[0]
        self.server.on_request()
        if path == "/silent":
            self.server.is_over.wait(10)
            return
        answer = ANSWERS[path]
        stream.sendall(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head.startswith(b"HEAD") else answer)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    with Peer() as peer:
        peer.context = context
        thread = threading.Thread(target=peer.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            peer.is_over.set()
            peer.shutdown()
            thread.join()


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as peer:
        yield peer


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs transports of somebody else's: source, and the names of its classes in lower case."""

    def install(source: str, *names: str) -> None:
        site = tmp_path / "site"
        metadata = site / "someones-1.0.dist-info"
        metadata.mkdir(parents=True)
        (site / "someones.py").write_text(source)
        entries = "".join(f"{name} = someones:{name.title()}\n" for name in names)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: someones\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[fluxhttp.transports]\n{entries}")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, "someones", raising=False)

    yield install
    sys.modules.pop("someones", None)


RAISING = """
import fluxhttp
class Raising:
    def send(self, request, /, *, config, deadline):
        name = request.url.path[1:]
        if name == "KeyboardInterrupt":
            raise KeyboardInterrupt
        raise getattr(fluxhttp, name, ValueError)("what happened")
    def close(self):
        pass
class Unmade(Raising):
    def __init__(self, **options):
        raise RuntimeError("hunter2")
class Needy(Raising):
    def __init__(self, path):
        pass
class Careful(Raising):
    def __init__(self, *, proxies=None):
        if proxies:
            raise TypeError("a proxy, how odd")
"""


def error_classes(base: type = errors.FluxHTTPError) -> list[type]:
    return [base, *(found for child in base.__subclasses__() for found in error_classes(child))]


# The request


def test_a_post_sends_params_headers_and_body_in_order(run: Run, peer: Peer) -> None:
    result = run(
        *("post", peer.url, "-p", "key=value", "-p", "a=", "-p", "key=value 2", "--param", "b=x=y"),
        *("-H", "X-One: 1", "-H", "X-Two:2", "--header", "X-One: 3", "-d", "caf\udcc3\udca9"),
    )

    assert result.code == 0
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /?a=&b=x%3Dy&key=value&key=value+2 HTTP/1.1\r\n")
    assert b"X-One: 1\r\nX-Two: 2\r\nX-One: 3\r\n" in head
    assert b"content-type" not in head.lower()
    assert body == "café".encode()


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
def test_each_method_is_a_command(run: Run, peer: Peer, method: str) -> None:
    result = run(method, peer.url)

    assert result.code == 0
    assert peer.requests[0].startswith(method.upper().encode() + b" / HTTP/1.1\r\n")
    assert result.out == (b"" if method == "head" else b"\x00\r\n\xff\x80\n")


def test_data_comes_from_a_file(run: Run, peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\x00\xff\r\n")

    run("put", peer.url, "-d", f"@{tmp_path / 'data'}")

    assert peer.requests[0].endswith(b"\r\n\r\n\x00\xff\r\n")


def test_data_comes_from_standard_input(run: Run, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xffin")))

    run("post", peer.url, "-d", "@-")

    assert peer.requests[0].endswith(b"\r\n\r\n\xffin")


def test_standard_input_may_be_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    assert run("post", "http://localhost", "-d", "@-").err == "fluxhttp: usage: -d: standard input is closed"


def test_json_is_said_to_be_json_and_sent_as_it_was_typed(run: Run, peer: Peer) -> None:
    data = '{"b": 1e999,  "a": ' + "9" * 5000 + "}"

    run("post", peer.url, "--json", "-d", data)

    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert b"Content-Type: application/json\r\n" in head
    assert body == data.encode()


def test_json_leaves_a_content_type_that_was_given(run: Run, peer: Peer) -> None:
    run("post", peer.url, "--json", "-d", "[]", "-H", "content-type: application/json-patch+json")

    assert re.findall(rb"(?i)content-type: (.*)\r", peer.requests[0]) == [b"application/json-patch+json"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("{hunter2}", "is not JSON: expecting property name enclosed in double quotes (position 1)"),
        ("", "is not JSON: expecting value (position 0)"),
        ("[NaN]", "is not JSON: NaN is no JSON number"),
        ('"\udcff"', "is not UTF-8 (position 1)"),
        ("[" * 200_000, "is nested too deeply"),
    ],
)
def test_data_that_is_not_json_is_refused(run: Run, data: str, text: str) -> None:
    result = run("post", "http://localhost", "--json", "-d", data)

    assert (result.code, result.err) == (2, f"fluxhttp: usage: --json: the data {text}")


# The transport


def test_a_proxy_gets_the_request(run: Run, peer: Peer) -> None:
    result = run("get", "http://missing.invalid/empty", "--proxy", peer.url)

    assert result.code == 0
    assert peer.requests[0].startswith(b"GET http://missing.invalid/empty HTTP/1.1\r\n")


def test_the_environment_s_proxy_counts_unless_told_otherwise(
    run: Run, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", peer.url)

    with_environment = run("get", "http://missing.invalid/empty")
    without = run("get", "http://missing.invalid/empty", "--no-env")

    assert (with_environment.code, without.code) == (0, 6)
    assert len(peer.requests) == 1


def test_tls_is_verified_unless_told_otherwise(run: Run, peer: Peer, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with serving(context) as secured:
        refused = run("get", secured.url)
        trusted = run("get", secured.url, "--cacert", str(tmp_path / "ca.pem"))
        insecure = run("get", secured.url, "--insecure")
    plain = run("get", peer.url.replace("http:", "https:"), "--insecure")

    assert (refused.code, trusted.code, insecure.code, plain.code) == (60, 0, 0, 35)
    assert refused.err.startswith("fluxhttp: certificate error: ")
    assert trusted.out == insecure.out == b"\x00\r\n\xff\x80\n"


def test_another_transport_gets_only_the_options_that_were_typed(run: Run, plugin: Callable[..., None]) -> None:
    plugin(RAISING, "raising", "careful", "unmade", "needy")

    plain = run("get", "http://h/SendError", "--transport", "raising")
    unknown = run("get", "http://h/", "--transport", "raising", "--proxy", "http://u:hunter2@p", "--no-env")
    named = run("get", "http://h/", "--transport", "careful", "--proxy", "http://u:hunter2@p", "--cacert", "ca.pem")
    refused = run("get", "http://h/", "--transport", "careful", "--proxy", "http://u:hunter2@p")
    needy = run("get", "http://h/", "--transport", "needy")
    broken = run("get", "http://h/", "--transport", "unmade", "--no-env")

    assert plain.code == 55
    assert unknown.err == "fluxhttp: usage: transport 'raising' cannot be made with --proxy and --no-env"
    assert named.err == "fluxhttp: usage: transport 'careful' does not take --cacert"
    assert refused.err == "fluxhttp: usage: transport 'careful' cannot be made with --proxy"
    assert needy.err.startswith("fluxhttp: invalid type: transport 'needy': ")
    assert unknown.code == named.code == refused.code == needy.code == 2
    assert re.fullmatch(r"fluxhttp: unexpected error: RuntimeError in someones\.py, line \d+", broken.err)
    assert broken.code == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--transport", "none"], "invalid config: no transport is registered as 'none'; there are "),
        (["--cacert", "none.pem"], "invalid config: ca_file cannot be read: no such file or directory"),
        (["--proxy", "http://u:hunter2@p:0"], "invalid config: proxies: the proxy's port must be 1 to 65535"),
    ],
)
def test_a_transport_that_cannot_be_made_is_a_usage_error(run: Run, options: list[str], text: str) -> None:
    result = run("get", "http://localhost", *options)

    assert result.code == 2
    assert result.err.startswith(f"fluxhttp: {text}")


# The answer


def test_include_writes_the_heads_as_received(run: Run, peer: Peer) -> None:
    plain = run("get", peer.url, "-i")
    moved = run("get", f"{peer.url}/moved", "--include")

    assert plain.out == ANSWERS["/"]
    assert moved.out == ANSWERS["/moved"] + ANSWERS["/"]


def test_a_head_request_shows_its_head(run: Run, peer: Peer) -> None:
    assert run("head", "-i", peer.url).out == ANSWERS["/"].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def test_output_writes_the_file_and_nothing_else(run: Run, peer: Peer, tmp_path: Path) -> None:
    target = tmp_path / "out"

    result = run("get", peer.url, "-i", "-o", str(target))

    assert (result.code, result.out) == (0, b"")
    assert target.read_bytes() == ANSWERS["/"]
    assert list(tmp_path.iterdir()) == [target]


def test_output_follows_a_link_and_keeps_permissions(run: Run, peer: Peer, tmp_path: Path) -> None:
    target, link = tmp_path / "out", tmp_path / "link"
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to(target)

    run("get", peer.url, "-o", str(link))

    assert link.is_symlink()
    assert target.read_bytes() == b"\x00\r\n\xff\x80\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_output_to_a_dash_is_standard_output(run: Run, peer: Peer) -> None:
    assert run("get", peer.url, "-o", "-").out == b"\x00\r\n\xff\x80\n"


def test_output_to_a_pipe_is_written_directly(run: Run, peer: Peer, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        code = run("get", peer.url, "-o", str(pipe)).code
        content = os.read(reader, 100)
    finally:
        os.close(reader)

    assert (code, content) == (0, b"\x00\r\n\xff\x80\n")
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", ["/short", "/large", "/malformed"])
def test_a_failure_leaves_the_file_as_it_was(run: Run, peer: Peer, tmp_path: Path, path: str) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"before")

    result = run("get", peer.url + path, "-o", str(target), "--max-body", "1KB")

    assert result.code != 0
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "text"),
    [("", "is a directory"), ("none/out", "no such directory"), ("a\0b", "not a file name")],
)
def test_a_file_that_cannot_be_written_is_refused_before_sending(
    run: Run, peer: Peer, tmp_path: Path, name: str, text: str
) -> None:
    result = run("post", peer.url, "-o", f"{tmp_path}/{name}")

    assert result.code == 23
    assert result.err == f"fluxhttp: output: cannot write {printable(f'{tmp_path}/{name}')}: {text}"
    assert not peer.requests


def test_a_file_that_turns_out_not_writable_is_an_error(run: Run, peer: Peer, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    peer.on_request = place.rmdir

    result = run("get", peer.url, "-o", str(place / "out"))

    assert result.code == 23
    assert result.err == f"fluxhttp: output: cannot write {place / 'out'}: no such file or directory"


def test_fail_writes_the_body_and_exits_with_4(run: Run, peer: Peer) -> None:
    without = run("get", f"{peer.url}/missing")
    failed = run("get", f"{peer.url}/missing?key=hunter2", "--fail")
    fine = run("get", peer.url, "--fail")

    assert (without.code, failed.code, fine.code) == (0, 4, 0)
    assert without.out == failed.out == b"gone"
    url = f"{peer.url}/missing?key=***"
    assert failed.err == f"fluxhttp: status error: the status is 404 Not Found (GET {url})"


# Errors


@pytest.mark.parametrize(
    ("path", "options", "code", "words"),
    [
        ("/silent", ["--timeout", "0.05"], 28, "request timeout"),
        ("/loop", ["--max-redirects", "2"], 47, "too many redirects"),
        ("/astray", [], 47, "invalid redirect"),
        ("/large", ["--max-body", "1KiB"], 63, "body too large"),
        ("/head", [], 63, "head too large"),
        ("/short", [], 18, "incomplete body"),
        ("/closed", [], 56, "receive error"),
        ("/malformed", [], 8, "protocol error"),
        ("/corrupt", [], 61, "decoding error"),
    ],
)
def test_each_failure_has_its_exit_code(
    run: Run, peer: Peer, path: str, options: list[str], code: int, words: str
) -> None:
    result = run("get", f"{peer.url}{path}?token=hunter2".replace("://", "://u:hunter2@"), *options)

    assert (result.code, result.out) == (code, b"")
    assert result.err.startswith(f"fluxhttp: {words}: ")
    assert result.err.endswith(f" (GET {peer.url}{path}{'' if path == '/loop' else '?token=***'})")
    assert "hunter2" not in result.err


def test_a_peer_that_is_not_there_has_its_exit_code(run: Run, peer: Peer) -> None:
    peer.shutdown()
    peer.server_close()

    assert run("get", peer.url).code == 7
    assert run("get", peer.url, "--proxy", peer.url).code == 97
    assert run("get", "http://missing.invalid").err == (
        "fluxhttp: name resolution error: no such host (GET http://missing.invalid/)"
    )


def test_every_class_of_errors_has_a_row_of_the_table() -> None:
    assert set(error_classes()) <= FAILURES.keys()
    assert {failure.code for failure in FAILURES.values()} <= EXIT_CODES.keys()


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_every_class_of_errors_ends_as_the_table_says(run: Run, plugin: Callable[..., None], kind: type) -> None:
    plugin(RAISING, "raising")

    result = run("get", f"http://h/{kind.__name__}", "--transport", "raising")

    assert result.code == FAILURES[kind].code
    assert result.err == f"fluxhttp: {FAILURES[kind].words}: what happened (GET http://h/{kind.__name__})"


def test_an_interruption_exits_with_130(run: Run, plugin: Callable[..., None]) -> None:
    plugin(RAISING, "raising")

    result = run("get", "http://h/KeyboardInterrupt", "--transport", "raising")

    assert (result.code, result.err) == (130, "fluxhttp: interrupted")


def test_an_error_of_somebody_else_s_shows_its_place_and_not_its_text(run: Run, plugin: Callable[..., None]) -> None:
    plugin(RAISING, "raising")

    result = run("get", "http://h/Other", "--transport", "raising")

    assert result.code == 1
    assert re.fullmatch(r"fluxhttp: unexpected error: ValueError in someones\.py, line \d+", result.err)


# Usage


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        ([], "a command is missing; see fluxhttp --help"),
        (["POST"], "unknown command 'POST'; see fluxhttp --help"),
        (["http://u:hunter2@h/"], "a command comes first, such as: fluxhttp get URL; see fluxhttp --help"),
        (["--json", "post"], "a command comes first, such as: fluxhttp get URL; see fluxhttp --help"),
        (["post"], "the following arguments are required: URL; see fluxhttp post --help"),
        (["post", "http://h", "hunter2"], "too many arguments; see fluxhttp --help"),
        (["demo", "hunter2"], "too many arguments; see fluxhttp --help"),
        (["post", "http://h", "hunter2", "--tokn=hunter2"], "unknown option --tokn; see fluxhttp --help"),
        (["post", "http://h", "-uhunter2"], "unknown option -u; see fluxhttp --help"),
        (["post", "http://h", "--time", "1"], "unknown option --time; see fluxhttp --help"),
        (["post", "http://h", "--json=hunter2"], "--json: takes no value; see fluxhttp post --help"),
        (["post", "http://h", "-d"], "-d/--data: expected one argument; see fluxhttp post --help"),
        (["post", "http://h", "-d", "", "-d", ""], "-d/--data: may be given only once; see fluxhttp post --help"),
        (["post", "http://h", "-p", "hunter2"], "-p/--param: must be KEY=VALUE; see fluxhttp post --help"),
        (["post", "http://h", "-H", "hunter2"], "-H/--header: must be 'NAME: VALUE'; see fluxhttp post --help"),
        (["get", "http://h", "--timeout", "1s"], "--timeout: must be a number of seconds; see fluxhttp get --help"),
        (
            ["get", "http://h", "--max-redirects", "-1"],
            "--max-redirects: must be a whole number, 0 or more; see fluxhttp get --help",
        ),
        (
            ["get", "http://h", "--max-body", "1.5MB"],
            "--max-body: must be a size such as 1000, 64KiB or 100MB, or none; see fluxhttp get --help",
        ),
        (["post", "http://h", "--json"], "--json: there is no data; give it with -d"),
        (["post", "http://h", "-d", "@none/x"], "-d: cannot read none/x: no such file or directory"),
        (["post", "http://h", "-d", "@a\0b"], r"-d: cannot read a\x00b: not a file name"),
        (["post", "http://h", "-d", "@"], "-d: cannot read a file without a name: is a directory"),
    ],
)
def test_a_command_line_that_is_not_understood_is_refused(run: Run, argv: list[str], text: str) -> None:
    result = run(*argv)

    assert (result.code, result.out, result.err) == (2, b"", f"fluxhttp: usage: {text}")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["get", "ftp://u:hunter2@h/"], "invalid URL"),
        (["get", "http://u:hunter2@h h/?q=hunter2"], "invalid URL"),
        (["get", "http://h", "-H", "Transfer-Encoding: hunter2"], "invalid header"),
        (["get", "http://h", "-H", "X-Token: hunter2\r\nX: y"], "invalid header"),
        (["get", "http://h", "-p", "key=hunter2\udcff"], "invalid params"),
        (["get", "http://h", "--timeout", "nan"], "invalid config"),
        (["get", "http://h", "--timeout", "-1"], "invalid config"),
    ],
)
def test_a_request_that_is_not_valid_is_a_usage_error(run: Run, argv: list[str], words: str) -> None:
    result = run(*argv)

    assert result.code == 2
    assert result.err.startswith(f"fluxhttp: {words}: ")
    assert "hunter2" not in result.err


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("1024", 1024),
        ("1K", 1024),
        ("1kb", 1024),
        ("1KiB", 1024),
        ("1000B", 1000),
        ("1MB", 2**20),
        ("1MiB", 2**20),
        ("100MB", 104_857_600),
        ("1GB", 2**30),
        ("1gib", 2**30),
        ("none", None),
        ("0", 0),
    ],
)
def test_sizes_are_powers_of_1024(run: Run, plugin: Callable[..., None], text: str, allowed: int | None) -> None:
    plugin(
        "import fluxhttp\nclass Telling:\n"
        "    def send(self, request, /, *, config, deadline):\n"
        "        raise fluxhttp.SendError(str(config.limits.body))\n"
        "    def close(self):\n        pass\n",
        "telling",
    )

    result = run("get", "http://h", "--transport", "telling", "--max-body", text)

    assert result.err == f"fluxhttp: send error: {allowed} (GET http://h/)"


def test_help_tells_options_and_exit_codes(run: Run) -> None:
    general, of_post = run("--help"), run("post", "--help")

    for text in (general.out.decode(), of_post.out.decode()):
        for code, meaning in EXIT_CODES.items():
            assert f"{code:>3}  {meaning}" in text
    assert (general.code, of_post.code) == (0, 0)
    assert b"--max-body SIZE" in of_post.out


def test_version_is_the_package_s(run: Run) -> None:
    from fluxhttp import __version__

    assert run("--version").out == f"fluxhttp {__version__}\n".encode()


# Standard output and error


def test_a_reader_that_went_away_is_no_reason_to_complain(run: Run, peer: Peer) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout, redirect_stdout(stdout):
        result = run("get", peer.url)

    assert (result.code, result.err) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux that takes nothing")
def test_standard_output_that_is_full_is_an_error(run: Run, peer: Peer) -> None:
    for argv in (["--version"], ["get", "--help"], ["get", peer.url]):
        with Path("/dev/full").open("w") as stdout, redirect_stdout(stdout):
            result = run(*argv)

        assert result.code == 23
        assert result.err == "fluxhttp: output: cannot write to standard output: no space left on device"


def test_standard_output_that_takes_only_a_part_is_an_error(run: Run, peer: Peer) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stdout = io.TextIOWrapper(os.fdopen(writing, "wb", 0), write_through=True)
    with os.fdopen(reading, "rb"), stdout, redirect_stdout(stdout):
        result = run("get", f"{peer.url}/huge")

    assert result.code == 23
    assert result.err == "fluxhttp: output: cannot write to standard output: resource temporarily unavailable"


def test_standard_output_and_error_may_be_closed(run: Run, peer: Peer, capfdbinary) -> None:
    with redirect_stdout(None):
        result = run("get", peer.url)
    with redirect_stderr(None):
        code = main(["get", "ftp://h"])

    assert (result.code, result.err) == (23, "fluxhttp: output: standard output is closed")
    assert (code, *capfdbinary.readouterr()) == (2, b"", b"")


def test_an_error_is_one_line_whatever_is_in_it(run: Run) -> None:
    result = run("post", "http://h", "-d", "@none\r\n\x1b[2Jx\udcff")

    assert result.err == r"fluxhttp: usage: -d: cannot read none\r\n\x1b[2Jx\udcff: no such file or directory"


# The program


def test_python_m_is_the_same_program(peer: Peer) -> None:
    command = [sys.executable, "-m", "fluxhttp", "post", f"{peer.url}/missing", "--fail", "-d", "@-"]
    done = subprocess.run(command, input=b"typed", capture_output=True, cwd=ROOT, timeout=30, check=False)

    assert (done.returncode, done.stdout) == (4, b"gone")
    assert done.stderr.startswith(b"fluxhttp: status error: the status is 404 Not Found")
    assert peer.requests[0].endswith(b"\r\n\r\ntyped")


def test_the_module_runs_only_as_the_program(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    monkeypatch.setattr("sys.argv", ["fluxhttp", "--version"])
    monkeypatch.delitem(sys.modules, "fluxhttp.__main__", raising=False)

    # By path: the loader that pytest gives to plug-ins has no code to run.
    program = str(ROOT / "fluxhttp" / "__main__.py")
    runpy.run_path(program)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(program, run_name="__main__")

    assert ended.value.code == 0


def test_the_package_does_not_load_its_command_line() -> None:
    code = "import sys, fluxhttp; print(sorted({'argparse', 'fluxhttp._cli'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, timeout=30, check=True)

    assert done.stdout.strip() == b"[]"


# The documentation

PAGE = ROOT / "docs" / "command-line.md"


def test_the_documented_exit_codes_are_the_table() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    classes = {code: {kind.__name__ for kind in error_classes() if FAILURES[kind].code == code} for code in EXIT_CODES}

    assert [int(code) for code, _, _ in rows] == list(EXIT_CODES)
    for code, meaning, names in rows:
        assert meaning.replace("`", "") == EXIT_CODES[int(code)]
        assert set(re.findall(r"\w+", names)) == classes[int(code)]


def _documented_commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("fluxhttp ")]


@pytest.mark.parametrize("line", [line for line in _documented_commands() if line != "fluxhttp demo"])
def test_the_documented_commands_work(
    run: Run, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    monkeypatch.setenv("HTTP_PROXY", peer.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.json").write_text("{}")
    line = re.sub(r"https?://(api|proxy)\.example\.org(:\d+)?(/notes)?", peer.url, os.path.expandvars(line))

    assert run(*shlex.split(line)[1:]).code == 0
    assert peer.requests
