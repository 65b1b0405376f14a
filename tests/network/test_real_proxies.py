"""The same through proxies that others wrote: tinyproxy and squid, with and without credentials."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fluxhttp import CertificateError, Config, IncompleteBodyError, Limits, ProxyError
from fluxhttp_conformance.certificates import authority, stranger
from tests.network.origins import CLOSE, Asked, Origin, answer, redirect
from tests.peers import fails, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.network.conftest import OpenClient

#: How long a proxy may take to listen.
START_SECONDS = 10.0
SQUID_HELPERS = ("/usr/lib/squid", "/usr/lib64/squid", "/usr/libexec/squid", "/usr/local/libexec/squid")
USER, PASSWORD = "user", "s3cr3t"
#: tinyproxy hangs up after an answer without saying so: what goes out at that moment must go out again (D12).
REPEATABLE = {"Idempotency-Key": "1"}


class RealProxy(NamedTuple):
    """A running proxy.

    Attributes:
        url: without credentials.
        trusted: with the right ones.
        mistaken: with wrong ones.
        free: of a listener that wants none.
    """

    name: str
    url: str
    trusted: str
    mistaken: str
    free: str


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextlib.contextmanager
def running(command: list[str], folder: Path, *ports: int) -> Iterator[None]:
    """A program in the foreground until the end of the block; it listens on these ports when the block begins."""
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        end = time.monotonic() + START_SECONDS
        for port in ports:
            while not is_listening(port):
                assert process.poll() is None, f"{command} ended:\n{log.read_text()}"
                assert time.monotonic() < end, f"{command} does not listen:\n{log.read_text()}"
                time.sleep(0.01)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def folder_for(user: str) -> Iterator[Path]:
    # pytest's own folders are closed to all other users, of whom a server started by root becomes one.
    with tempfile.TemporaryDirectory(prefix="fluxhttp-proxy-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, user)
        yield Path(name)


def made(name: str, port: int, free_port: int) -> RealProxy:
    return RealProxy(
        name,
        f"http://127.0.0.1:{port}",
        f"http://{USER}:{PASSWORD}@127.0.0.1:{port}",
        f"http://{USER}:wrong@127.0.0.1:{port}",
        f"http://127.0.0.1:{free_port}",
    )


@contextlib.contextmanager
def tinyproxy() -> Iterator[RealProxy]:
    command = program("tinyproxy")
    ports = unused_port(), unused_port()
    with contextlib.ExitStack() as stack:
        for port, credentials in zip(ports, (f"BasicAuth {USER} {PASSWORD}", ""), strict=True):
            folder = stack.enter_context(folder_for("nobody"))
            config = folder / "tinyproxy.conf"
            # Without a ConnectPort line every port may be the end of a tunnel.
            config.write_text(
                f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 20\nMaxClients 50\n"
                f'PidFile "{folder}/pid"\nLogLevel Error\n{credentials}\n'
            )
            stack.enter_context(running([command, "-d", "-c", str(config)], folder, port))
        yield made("tinyproxy", *ports)


@contextlib.contextmanager
def squid() -> Iterator[RealProxy]:
    command = [program("squid")]
    helper = shutil.which("basic_ncsa_auth", path=":".join(SQUID_HELPERS))
    if helper is None:
        pytest.skip("squid is installed without its helper basic_ncsa_auth")
    port, free_port = unused_port(), unused_port()
    with folder_for("proxy") as folder:
        # One of the forms its helper understands, and the one that needs no other program.
        (folder / "passwords").write_text(f"{USER}:{hashlib.md5(PASSWORD.encode()).hexdigest()}\n")
        (folder / "squid.conf").write_text(
            f"""
            http_port 127.0.0.1:{port}
            http_port 127.0.0.1:{free_port}
            auth_param basic program {helper} {folder}/passwords
            auth_param basic children 2 startup=1
            auth_param basic realm fluxhttp
            acl free localport {free_port}
            acl known proxy_auth REQUIRED
            http_access allow free
            http_access allow known
            http_access deny all
            cache deny all
            cache_mem 1 MB
            max_filedescriptors 1024
            access_log none
            cache_log {folder}/cache.log
            cache_store_log none
            pid_filename {folder}/pid
            coredump_dir {folder}
            pinger_enable off
            shutdown_lifetime 0 seconds
            visible_hostname localhost
            dns_nameservers 127.0.0.1
            """
        )
        # Its shared memory goes by the name of the service.
        command += ["-N", "-n", f"fluxhttp{port}", "-f", str(folder / "squid.conf")]
        with running(command, folder, port, free_port):
            yield made("squid", port, free_port)


STARTS: dict[str, Callable[[], contextlib.AbstractContextManager[RealProxy]]] = {"tinyproxy": tinyproxy, "squid": squid}


@pytest.fixture(scope="module", params=list(STARTS))
def proxy(request: pytest.FixtureRequest) -> Iterator[RealProxy]:
    with STARTS[request.param]() as started:
        yield started


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(lambda asked: answer(asked.head + b"\r\n\r\n" + asked.body)) as started:
        yield started


@pytest.fixture
def secure() -> Iterator[Origin]:
    with Origin(
        lambda asked: answer(asked.head + b"\r\n\r\n" + asked.body), tls=authority().server_context()
    ) as started:
        yield started


def saw_no_proxy_credentials(*origins: Origin) -> None:
    for asked in [asked for origin in origins for asked in origin.asked]:
        assert b"proxy-authorization" not in asked.head.lower()
        assert base64.b64encode(f"{USER}:{PASSWORD}".encode()) not in asked.head


@pytest.mark.parametrize("listener", ["trusted", "free"])
def test_plain_and_secure_requests_go_through(
    listener: str, proxy: RealProxy, origin: Origin, secure: Origin, open_client: OpenClient
) -> None:
    client = open_client(proxies=getattr(proxy, listener), ca_file=authority().ca_file)
    for peer in (origin, secure):
        for method, body in (("GET", b""), ("POST", b"body"), ("PUT", b"x" * 300_000), ("DELETE", b"")):
            response = client.do(method, peer.url("/p/%c3%a9?q=1&q=2"), headers={"X-A": "1"} | REPEATABLE, body=body)

            head, _, echoed = response.body.partition(b"\r\n\r\n")
            assert response.status_code == 200
            assert head.split(b"\r\n")[0] == f"{method} /p/%c3%a9?q=1&q=2 HTTP/1.1".encode()
            assert echoed == body
            assert b"X-A: 1" in head
        assert client.head(peer.url()).body == b""
    assert secure.connections == 1, "a tunnel is used again"
    saw_no_proxy_credentials(origin, secure)


@pytest.mark.parametrize("credentials", ["url", "mistaken"])
def test_without_the_right_credentials_nothing_goes_through(
    credentials: str, proxy: RealProxy, origin: Origin, secure: Origin, open_client: OpenClient
) -> None:
    client = open_client(proxies=getattr(proxy, credentials), ca_file=authority().ca_file)

    # tinyproxy has another status for wrong ones.
    status = 401 if (proxy.name, credentials) == ("tinyproxy", "mistaken") else 407
    # Forwarded: the proxy's answer is an answer.
    assert client.get(origin.url()).status_code == status
    # Tunnelled: there is no way to the origin.
    error = fails(ProxyError, client.post, secure.url(), body=b"x")
    wants = ": it wants credentials" if status == 407 else ""
    assert str(error) == f"the proxy refused the tunnel with status {status}{wants}"
    assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
    assert (origin.connections, secure.connections) == (0, 0)


def test_an_origin_that_is_not_there_is_told_by_the_proxy(proxy: RealProxy, open_client: OpenClient) -> None:
    client = open_client(proxies=proxy.trusted)
    port = unused_port()

    assert client.get(f"http://127.0.0.1:{port}/").status_code >= 500
    error = fails(ProxyError, client.get, f"https://127.0.0.1:{port}/")
    assert str(error).startswith("the proxy refused the tunnel with status 5")


def test_the_origins_certificate_is_what_counts_in_a_tunnel(proxy: RealProxy, open_client: OpenClient) -> None:
    with Origin(tls=stranger().server_context()) as origin:
        client = open_client(proxies=proxy.trusted, ca_file=authority().ca_file)

        fails(CertificateError, client.get, origin.url())
        assert client.get(origin.url(), config=Config(timeout=5, insecure_skip_verify=True)).body == b"ok"
        fails(CertificateError, client.get, origin.url())


def test_redirects_through_a_proxy_keep_its_credentials_from_the_origins(
    proxy: RealProxy, secure: Origin, open_client: OpenClient
) -> None:
    # CVE-2026-44431: credentials kept on redirects through a proxy.
    with Origin(lambda asked: redirect(secure.url("/end"))) as origin:
        client = open_client(proxies=proxy.trusted, ca_file=authority().ca_file)

        response = client.get(origin.url(), headers={"Authorization": "Bearer t", "Cookie": "a=b"})

        assert response.status_code == 200
        assert b"Bearer" in origin.asked[0].head
        assert b"authorization" not in secure.asked[0].head.lower()
        assert b"cookie" not in secure.asked[0].head.lower()
        saw_no_proxy_credentials(origin, secure)


def test_large_bodies_come_back_whole(proxy: RealProxy, open_client: OpenClient) -> None:
    body = bytes(range(256)) * 8192
    with (
        Origin(lambda asked: answer(asked.body)) as plain,
        Origin(lambda asked: answer(asked.body), tls=authority().server_context()) as secure,
    ):
        client = open_client(proxies=proxy.trusted, ca_file=authority().ca_file)
        for origin in (plain, secure):
            first = Config(timeout=5, limits=Limits(body=10, overflow="truncate"))
            for sent, config, received in ((body, None, body), (body, first, body[:10]), (b"next", None, b"next")):
                assert client.post(origin.url(), headers=REPEATABLE, body=sent, config=config).body == received


def test_an_answer_cut_by_the_origin_is_no_whole_answer(proxy: RealProxy, open_client: OpenClient) -> None:
    def cut(_: Asked) -> Iterator[object]:
        yield answer(b"x" * 1000)[:-500]
        yield CLOSE

    with Origin(cut, tls=authority().server_context()) as origin:
        client = open_client(proxies=proxy.trusted, ca_file=authority().ca_file)

        error = fails(IncompleteBodyError, client.get, origin.url())

        assert (error.received, error.expected) == (500, 1000)
