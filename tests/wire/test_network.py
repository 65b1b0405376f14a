"""How an origin is reached: the dialer, a proxy, TLS, and the end from another thread."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Client,
    ClosedError,
    Config,
    ConnectError,
    Dialer,
    InvalidConfigError,
    InvalidTypeError,
    NameResolutionError,
    PrivateAddressGuard,
    ProxyError,
    RequestTimeoutError,
    StdlibTransport,
)
from tests.peers import (
    OK,
    PATIENCE,
    SECONDS,
    Background,
    Peer,
    answering,
    direct,
    eventually,
    fails,
    full_listener,
    opened,
    read_head,
    times_out,
    unused_port,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp import Deadline

#: A proxy of nobody.
PROXY = "http://user:secret@127.0.0.1:9"


class Dialing:
    """A dialer made of a function."""

    def __init__(self, dial: Callable[[str, int, Deadline], socket.socket]) -> None:
        self._dial = dial

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        return self._dial(host, port, deadline)


def raising(error: BaseException) -> Dialing:
    def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
        raise error

    return Dialing(dial)


# The dialer


def test_a_dialer_gets_host_and_port_as_they_stand_in_the_url() -> None:
    asked = []

    with Peer(answering(OK, OK)) as peer:

        def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
            asked.append((host, port))
            return socket.create_connection(("127.0.0.1", peer.port), deadline.remaining())

        with opened(dialer=Dialing(dial)) as client:
            for url in ("http://A.test/", "https://b.test.:8443/", "http://[::1]:81/"):
                with contextlib.suppress(Exception):
                    client.get(url, config=Config(timeout=SECONDS))

    assert asked == [("a.test", 80), ("b.test.", 8443), ("::1", 81)]


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "cannot connect: connection refused"),
        (TimeoutError("timed out"), "cannot connect: timed out"),
        (ValueError("odd"), "cannot connect: odd"),
        (OverflowError("far"), "cannot connect: far"),
    ],
)
def test_an_error_of_the_system_s_from_a_dialer_is_a_connect_error(raised: Exception, text: str) -> None:
    with opened(dialer=raising(raised)) as client:
        error = fails(ConnectError, client.get, "http://a.test/")

    assert str(error) == text
    assert (error.phase, error.maybe_sent, error.__cause__) == ("connect", False, raised)


def test_an_error_of_a_dialer_after_the_deadline_is_a_time_out() -> None:
    def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
        threading.Event().wait(deadline.remaining())
        raise TimeoutError

    with opened(dialer=Dialing(dial)) as client:
        error = times_out(client.get, "http://a.test/")

    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_dialer_that_takes_too_long_leaves_no_time_for_the_rest() -> None:
    with Peer(answering(OK)) as peer:

        def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
            threading.Event().wait(SECONDS)
            return socket.create_connection(("127.0.0.1", peer.port))

        with opened(dialer=Dialing(dial)) as client:
            error = times_out(client.get, "http://a.test/")

    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_an_error_of_ours_from_a_dialer_is_kept() -> None:
    raised = NameResolutionError("no such host")
    with opened(dialer=raising(raised)) as client:
        error = fails(NameResolutionError, client.get, "http://a.test/")

    assert error is raised
    assert (error.method, error.url) == ("GET", "http://a.test/")


def test_what_a_dialer_s_author_did_wrong_is_shown_as_it_is() -> None:
    with opened(dialer=raising(ZeroDivisionError())) as client, pytest.raises(ZeroDivisionError):
        client.get("http://a.test/")


# Proxies


def test_a_proxy_that_cannot_be_reached_is_a_proxy_error() -> None:
    for url in ("http://a.test/", "https://a.test/"):
        with opened(proxies=f"127.0.0.1:{unused_port()}") as client:
            error = fails(ProxyError, client.get, url)

        assert str(error) == "the proxy cannot be reached: cannot connect: connection refused"
        assert (error.phase, error.maybe_sent) == ("proxy", False)
        assert isinstance(error.__cause__, ConnectionRefusedError)


def test_a_proxy_without_address_is_a_proxy_error_that_shows_no_cause() -> None:
    with opened(proxies="proxy.test:3128", dialer=Dialer(resolver=lambda host: [])) as client:
        error = fails(ProxyError, client.get, "http://a.test/")

    assert str(error) == "the proxy cannot be reached: no such host"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_proxy_whose_connect_hangs_ends_with_the_deadline() -> None:
    with full_listener() as port, opened(proxies=f"127.0.0.1:{port}") as client:
        error = times_out(client.get, "https://a.test/")

    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_plain_request_is_forwarded_in_absolute_form_with_the_proxy_s_credentials() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        for _ in range(2):
            heads.append(read_head(sock))
            sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer:
        for userinfo in ("u:p@", ""):
            with opened(proxies=f"http://{userinfo}127.0.0.1:{peer.port}") as client:
                client.get("http://a.test/x?y=1", headers={"Accept-Encoding": "gzip"})
                client.get("http://b.test:81/", headers={"Accept-Encoding": "gzip"})
        assert peer.connections == 2

    lines = [head.split(b"\r\n") for head in heads]
    assert [line[0] for line in lines[:2]] == [b"GET http://a.test/x?y=1 HTTP/1.1", b"GET http://b.test:81/ HTTP/1.1"]
    assert [line[1] for line in lines[:2]] == [b"Host: a.test", b"Host: b.test:81"]
    assert b"Proxy-Authorization: Basic dTpw" in lines[0]
    assert not any(line.startswith(b"Proxy-") for line in lines[2])


def test_the_zone_of_an_ipv6_address_is_none_of_the_proxy_s_business() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened(proxies=peer.url()) as client:
        client.get("http://[fe80::1%25lo]:81/x")

    assert heads[0].startswith(b"GET http://[fe80::1]:81/x HTTP/1.1\r\nHost: [fe80::1]:81\r\n")


def test_a_407_to_a_forwarded_request_is_an_answer() -> None:
    with Peer(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as peer, opened(proxies=peer.url()) as client:
        assert client.get("http://a.test/").status_code == 407


def test_a_proxy_is_refused_where_a_guard_watches_unless_it_is_allowed() -> None:
    with Peer(answering(OK)) as peer:
        guard = PrivateAddressGuard(allow=["127.0.0.1"])
        with opened(proxies=peer.url(), dialer=Dialer(guard=guard)) as client:
            error = fails(ProxyError, client.get, "http://a.test/")
        assert peer.connections == 0
        with opened(proxies=peer.url(), dialer=Dialer(guard=guard, allow_proxy=True)) as client:
            assert client.get("http://a.test/").body == b"ok"

    assert str(error) == "a proxy would go past the address guard; Dialer(allow_proxy=True) allows it"
    assert (error.phase, error.maybe_sent) == ("proxy", False)


def test_no_proxy_is_needed_where_none_applies() -> None:
    with (
        Peer(answering(OK)) as peer,
        opened(proxies={"https": PROXY}, dialer=Dialer(guard=PrivateAddressGuard(allow=["127.0.0.1"]))) as client,
    ):
        assert client.get(peer.url()).body == b"ok"


@pytest.mark.parametrize(
    ("environment", "options", "is_proxied"),
    [
        ({"HTTP_PROXY": PROXY}, "", True),
        ({"HTTP_PROXY": PROXY}, "trust_env=False", False),
        ({"HTTP_PROXY": PROXY}, "proxies={}", False),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "a.test"}, "", False),
        ({"NO_PROXY": "a.test"}, f"proxies={PROXY!r}", True),
    ],
)
def test_the_environment_s_proxies_count_unless_they_are_replaced(
    environment: dict[str, str], options: str, is_proxied: bool
) -> None:
    program = f"""
from fluxhttp import Client, Dialer, FluxHTTPError, StdlibTransport
try:
    Client(StdlibTransport(dialer=Dialer(resolver=lambda host: []), {options})).get("http://a.test/")
except FluxHTTPError as error:
    print(type(error).__name__)
"""
    rest = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}

    ended = subprocess.run(
        [sys.executable, "-c", program], env=rest | environment, check=True, capture_output=True, text=True
    )

    assert ended.stdout.split() == ["ProxyError" if is_proxied else "NameResolutionError"]


# Options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dialer": object()}, "dialer must have a method dial, but object has none"),
        ({"trust_env": 1}, "trust_env must be a bool, not int"),
        ({"ca_file": b"x"}, "ca_file must be a str or a path, not bytes"),
        ({"proxies": 5}, "proxies must be a mapping or a str, not int"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused(options: dict[str, object], text: str) -> None:
    assert str(fails(InvalidTypeError, StdlibTransport, **options)) == text


def test_a_proxy_that_is_no_url_is_refused() -> None:
    assert "proxies" in str(fails(InvalidConfigError, StdlibTransport, proxies={"http": "http://"}))


# The end from another thread


def test_closing_ends_a_look_up_under_way() -> None:
    asked, release = threading.Event(), threading.Event()

    def resolver(host: str) -> list[str]:
        asked.set()
        release.wait(PATIENCE)
        return []

    with contextlib.closing(direct(dialer=Dialer(resolver=resolver))) as transport:
        call = Background(Client(transport).get, "http://a.test/")
        assert asked.wait(PATIENCE)

        transport.close()

        assert type(call.wait(0.5).error) is ClosedError
        release.set()


def test_closing_ends_a_connect_under_way() -> None:
    with full_listener() as port, contextlib.closing(direct()) as transport:
        call = Background(Client(transport).get, f"http://127.0.0.1:{port}/")
        eventually(lambda: transport._pool._used)

        transport.close()

        assert type(call.wait(0.5).error) is ClosedError


def test_closing_while_a_dialer_of_one_s_own_is_at_work_ends_the_call_once_it_is_done() -> None:
    asked, release = threading.Event(), threading.Event()
    with Peer(answering(OK)) as peer:

        def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
            asked.set()
            release.wait(PATIENCE)
            return socket.create_connection(("127.0.0.1", peer.port))

        with contextlib.closing(direct(dialer=Dialing(dial))) as transport:
            call = Background(Client(transport).get, "http://a.test/")
            assert asked.wait(PATIENCE)
            transport.close()

            release.set()

            assert type(call.wait().error) is ClosedError


def test_a_failure_after_closing_is_the_closing_s() -> None:
    asked, release = threading.Event(), threading.Event()

    def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
        asked.set()
        release.wait(PATIENCE)
        raise ConnectError("cannot connect: connection refused")

    with contextlib.closing(direct(dialer=Dialing(dial))) as transport:
        call = Background(Client(transport).get, "http://a.test/")
        assert asked.wait(PATIENCE)
        transport.close()
        release.set()

        error = call.wait().error

    assert type(error) is ClosedError
    assert isinstance(error.__cause__, ConnectError)


def test_a_deadline_of_a_look_up_is_told_as_one() -> None:
    release = threading.Event()

    def resolver(host: str) -> list[str]:
        release.wait(PATIENCE)
        return []

    with opened(dialer=Dialer(resolver=resolver)) as client:
        error = fails(RequestTimeoutError, client.get, "http://a.test/?secret=1", config=Config(timeout=0.05))
    release.set()

    assert str(error) == "the deadline of 0.05 s passed while the host name was looked up"
    assert error.url == "http://a.test/?secret=***"
