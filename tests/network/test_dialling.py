"""Dialling: which address gets the connection, how long that takes, and other ways to an origin."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    CertificateError,
    Config,
    ConnectError,
    Deadline,
    Dialer,
    InvalidConfigError,
    NameResolutionError,
    RequestTimeoutError,
)
from fluxhttp_conformance.certificates import authority
from fluxhttp_conformance.machine import Stopwatch
from tests.network.origins import Asked, Origin, answer, same_port
from tests.peers import PATIENCE, eventually, fails, full_listener, times_out, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.network.conftest import OpenClient

#: The start of the next attempt (RFC 8305, 5), and what a busy machine may add.
STAGGER, SLACK = 0.25, 0.75


def to(*addresses: str) -> Dialer:
    """A dialer for which every name has these addresses."""
    return Dialer(resolver=lambda _: list(addresses))


def telling(asked: Asked) -> bytes:
    """An answer that tells the address at which the request arrived."""
    return answer(asked.address.encode())


# Several addresses


def test_a_first_address_that_hangs_costs_a_quarter_of_a_second(open_client: OpenClient) -> None:
    with full_listener() as port, Origin(telling, host="127.0.0.2", port=port) as origin:
        client = open_client(dialer=to("127.0.0.1", "127.0.0.2"))
        watch = Stopwatch()

        assert client.get(origin.url(host="a.test")).body == b"127.0.0.2"

        assert watch.seconds() >= STAGGER
        assert watch.own_seconds() < STAGGER + SLACK
        # The connection that was won is kept: no stagger for the next request.
        client.get(origin.url(host="a.test"))
        assert origin.connections == 1


def test_addresses_that_refuse_cost_nothing(open_client: OpenClient) -> None:
    with Origin(telling, host="127.0.0.9") as origin:
        client = open_client(dialer=to(*[f"127.0.0.{number}" for number in range(1, 10)]))
        watch = Stopwatch()

        assert client.get(origin.url(host="a.test")).body == b"127.0.0.9"

        assert watch.own_seconds() < SLACK


def test_families_take_turns_beginning_with_the_first_that_the_resolver_gave(open_client: OpenClient) -> None:
    with same_port("::1", "127.0.0.1", "127.0.0.2", make=telling) as (six, *_):
        for addresses, first in (
            (("::1", "127.0.0.1"), b"::1"),
            (("127.0.0.1", "::1"), b"127.0.0.1"),
            (("127.0.0.3", "127.0.0.2", "::1"), b"::1"),  # the first refuses, and IPv6 is next
            (("::2", "fd00::1%lo", "127.0.0.2"), b"127.0.0.2"),
        ):
            client = open_client(dialer=to(*addresses))

            assert client.get(six.url(host="a.test")).body == first


def test_each_address_is_tried_and_the_first_failure_is_told(open_client: OpenClient) -> None:
    client = open_client(dialer=to("127.0.0.1", "::1", "127.0.0.2"))

    error = fails(ConnectError, client.post, f"http://a.test:{unused_port()}/", body=b"x")

    assert str(error) == "cannot connect: connection refused"
    assert (error.phase, error.maybe_sent, error.retryable) == ("connect", False, True)


def test_addresses_that_all_hang_end_with_the_one_deadline(open_client: OpenClient) -> None:
    with full_listener() as port:
        client = open_client(dialer=to("127.0.0.1", "127.0.0.1", "127.0.0.1"))

        error = times_out(client.post, f"http://a.test:{port}/", body=b"x")

        assert (error.phase, error.maybe_sent) == ("connect", False)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_attempts_that_lost_are_closed(open_client: OpenClient) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with full_listener() as port, Origin(telling, host="127.0.0.2", port=port) as origin:
        client = open_client(dialer=to("127.0.0.1", "127.0.0.1", "127.0.0.2"))
        before = descriptors()

        client.get(origin.url(host="a.test"))

        # One connection, and the origin's end of it.
        eventually(lambda: descriptors() <= before + 2)


@pytest.mark.parametrize("seconds", [0.1, 0.35])
def test_the_deadline_spans_looking_up_and_connecting(seconds: float, open_client: OpenClient) -> None:
    def slow(_: str) -> list[str]:
        time.sleep(0.2)
        return ["127.0.0.1"]

    with full_listener() as port:
        client = open_client(dialer=Dialer(resolver=slow))
        watch = Stopwatch()

        error = fails(RequestTimeoutError, client.get, f"http://a.test:{port}/", config=Config(timeout=seconds))

        assert watch.seconds() >= seconds
        assert watch.own_seconds() < seconds + SLACK
        assert error.phase == ("dns" if seconds < 0.2 else "connect")


# Names


def test_pinned_names_go_where_they_are_pinned_and_others_are_missing(open_client: OpenClient) -> None:
    with same_port("127.0.0.1", "127.0.0.2", make=telling) as (origin, _):
        client = open_client(dialer=Dialer(resolver={"a.test": ["127.0.0.1"], "b.test": ["127.0.0.2"]}.__getitem__))

        assert client.get(origin.url(host="a.test")).body == b"127.0.0.1"
        assert client.get(origin.url(host="B.Test.")).body == b"127.0.0.2"
        assert str(fails(NameResolutionError, client.get, origin.url(host="c.test"))) == "no such host"
        # An address is none of the resolver's business.
        assert client.get(origin.url(host="127.0.0.2")).body == b"127.0.0.2"


def test_a_pinned_name_is_still_the_one_that_the_certificate_must_have(open_client: OpenClient) -> None:
    with Origin(tls=authority().server_context()) as origin:
        client = open_client(dialer=to("127.0.0.1"), ca_file=authority().ca_file)

        assert client.get(origin.url(host="origin.test")).body == b"ok"
        fails(CertificateError, client.get, origin.url(host="evil.test"))


def test_a_name_is_looked_up_for_each_connection_and_not_remembered(open_client: OpenClient) -> None:
    # CVE-2026-34513: there is no cache that could grow.
    asked = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with Origin() as origin:
        client = open_client(dialer=Dialer(resolver=resolver))
        for _ in range(3):
            client.get(origin.url(host="a.test"))
            client.get(origin.url(host="b.test"), headers={"Connection": "close"})

    assert asked == ["a.test", "b.test", "b.test", "b.test"]


def test_localhost_is_found_by_the_system(open_client: OpenClient) -> None:
    with Origin() as origin:
        assert open_client().get(origin.url(host="localhost")).body == b"ok"


# IPv6


def test_an_ipv6_origin_is_reached_with_and_without_a_zone(open_client: OpenClient) -> None:
    with Origin(lambda asked: answer(asked.fields["host"].encode()), host="::1") as origin:
        client = open_client()
        for host in ("[::1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", f"[::1%25{socket.if_nametoindex('lo')}]"):
            assert client.get(origin.url(host=host)).body == f"[::1]:{origin.port}".encode()


def test_a_zone_that_is_not_there_is_a_connect_error(open_client: OpenClient) -> None:
    error = fails(ConnectError, open_client().get, "http://[fe80::1%25nowhere]:9/")

    assert str(error) == "cannot connect: there is no network interface with the zone of the address"
    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_zone_that_is_not_there_does_not_keep_the_other_addresses_from_being_tried(open_client: OpenClient) -> None:
    with Origin(telling) as origin:
        for addresses in (("fe80::1%nowhere", "127.0.0.1"), ("127.0.0.2", "fe80::1%nowhere", "127.0.0.1")):
            assert open_client(dialer=to(*addresses)).get(origin.url(host="a.test")).body == b"127.0.0.1"


def test_connections_of_different_zones_are_not_shared(open_client: OpenClient) -> None:
    with Origin(host="::1") as origin:
        client = open_client()
        for host in ("[::1]", "[::1%25lo]", "[::1]", "[::1%25lo]"):
            client.get(origin.url(host=host))

        assert origin.connections == 2


# Unix sockets


@pytest.fixture
def folder() -> Iterator[Path]:
    # A Unix socket's path may have 107 bytes: pytest's own folders can be longer.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextlib.contextmanager
def unix_origin(path: Path, **options: object) -> Iterator[Origin]:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    with Origin(lambda asked: answer(asked.head + asked.body), sock=sock, **options) as origin:  # type: ignore[arg-type]
        yield origin


def test_a_unix_socket_carries_requests_for_any_host(folder: Path, open_client: OpenClient) -> None:
    with unix_origin(folder / "socket") as origin:
        client = open_client(dialer=Dialer(unix_socket=folder / "socket"))
        for url in (
            "http://docker/v1/info?all=1",
            "http://docker/v1/info",
            "http://127.0.0.1:1/v1/info",
            "http://[::1]/v1/info",
        ):
            response = client.post(url, body=b"x" * 200_000)

            assert response.body.startswith(b"POST /v1/info")
            assert response.body.endswith(b"x" * 200_000)
        assert origin.connections == 3, "one for each host, used again"
        assert b"Host: docker\r\n" in origin.asked[0].head


def test_a_unix_socket_carries_tls(folder: Path, open_client: OpenClient) -> None:
    with unix_origin(folder / "socket", tls=authority().server_context()):
        client = open_client(dialer=Dialer(unix_socket=str(folder / "socket")), ca_file=authority().ca_file)

        assert client.get("https://origin.test/").body.startswith(b"GET / HTTP/1.1\r\nHost: origin.test\r\n")
        fails(CertificateError, client.get, "https://evil.test/")


def test_proxies_have_no_place_on_the_way_to_a_unix_socket(
    folder: Path, open_client: OpenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:s3cret@127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@127.0.0.1:1")
    with unix_origin(folder / "socket") as origin:
        dialer = Dialer(unix_socket=folder / "socket")
        client = open_client(dialer=dialer, trust_env=True)

        assert client.get("http://docker/v1/info").body.startswith(b"GET /v1/info HTTP/1.1\r\nHost: docker\r\n")
        assert b"Proxy-Authorization" not in origin.asked[0].head
        assert open_client(dialer=dialer, proxies={}).get("http://docker/").status_code == 200
    for proxies in ("http://127.0.0.1:1", {"https": "http://127.0.0.1:1"}):
        with pytest.raises(InvalidConfigError, match=r"^proxies cannot go together with Dialer\(unix_socket=\.\.\.\)$"):
            open_client(dialer=dialer, proxies=proxies)


def test_a_unix_socket_that_is_not_there_is_a_connect_error(folder: Path, open_client: OpenClient) -> None:
    client = open_client(dialer=Dialer(unix_socket=folder / "s3cr3t"))

    error = fails(ConnectError, client.post, "http://docker/", body=b"x")

    assert str(error) == "cannot connect: no such file or directory"
    assert (error.phase, error.maybe_sent) == ("connect", False)


# A dialer of one's own


class Leading:
    """Sends a host and port elsewhere, as curl's --connect-to does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, int, float | None]] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        self.asked.append((host, port, deadline.seconds))
        return socket.create_connection(("127.0.0.1", self.port), deadline.remaining())


def test_a_dialer_of_ones_own_leads_where_it_wants(open_client: OpenClient) -> None:
    with Origin() as plain, Origin(tls=authority().server_context()) as secure:
        for origin, url, port in ((plain, "http://Origin.test/", 80), (secure, "https://origin.test/", 443)):
            dialer = Leading(origin.port)

            assert open_client(dialer=dialer, ca_file=authority().ca_file).get(url).body == b"ok"
            assert dialer.asked == [("origin.test", port, PATIENCE)]


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "cannot connect: connection refused"),
        (OSError(-2, "Name or service not known"), "cannot connect: name or service not known"),
        (socket.gaierror(-2, "Name or service not known"), "cannot connect: name or service not known"),
        (ValueError("bad port"), "cannot connect: bad port"),
        (ConnectError("blocked here"), "blocked here"),
    ],
)
def test_what_a_dialer_of_ones_own_raises_is_an_error_of_the_tree(
    raised: Exception, text: str, open_client: OpenClient
) -> None:
    class Failing:
        def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
            raise raised

    error = fails(ConnectError, open_client(dialer=Failing()).get, "http://a.test/")

    assert str(error) == text
    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_dialer_of_ones_own_that_is_late_is_a_time_out(open_client: OpenClient) -> None:
    class Late:
        def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
            threading.Event().wait(deadline.remaining())
            raise TimeoutError("timed out")

    error = times_out(open_client(dialer=Late()).get, "http://a.test/")

    assert (error.phase, error.maybe_sent) == ("connect", False)
