"""CONNECT: a way through an http proxy to an https origin."""

from __future__ import annotations

import base64
import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    CertificateError,
    Client,
    ClosedError,
    Config,
    Limits,
    ProxyError,
    RequestTimeoutError,
)
from fluxhttp._version import __version__
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    answering,
    direct,
    drip_to,
    each,
    fails,
    opened,
    read_head,
    silent,
    times_out,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.peers import Serve

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy:
    """A proxy that answers CONNECT, and then is the origin itself.

    Attributes:
        heads: what it was asked.
    """

    def __init__(self, answer: bytes = ESTABLISHED) -> None:
        self.heads: list[bytes] = []
        self._answer = answer

    def __call__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self.heads.append(read_head(sock))
        sock.sendall(self._answer)
        with server_context().wrap_socket(sock, server_side=True) as secure:
            answering(OK, OK)(secure, stopping)


@contextlib.contextmanager
def through(serve: Serve, *, userinfo: str = "", **options: object) -> Iterator[Client]:
    """A client whose proxy is served by that function."""
    with (
        Peer(serve) as peer,
        opened(proxies=f"http://{userinfo}127.0.0.1:{peer.port}", ca_file=ca_file(), **options) as client,
    ):
        yield client


def test_the_proxy_is_asked_for_the_origin_and_sees_nothing_of_the_caller_s() -> None:
    proxy = Proxy()
    with through(proxy) as client:
        response = client.post(
            "https://user:secret@a.test/path?token=secret",
            headers={"X-Secret": "1", "User-Agent": "mine"},
            body=b"secret",
        )

    assert response.body == b"ok"
    assert proxy.heads == [
        b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: fluxhttp/%b\r\n\r\n" % __version__.encode()
    ]


def test_the_proxy_s_credentials_are_its_own() -> None:
    proxy = Proxy()
    with through(proxy, userinfo="user:pass@") as client:
        client.get("https://a.test/")

    expected = b"Proxy-Authorization: Basic " + base64.b64encode(b"user:pass") + b"\r\n"
    assert expected in proxy.heads[0]


@pytest.mark.parametrize("host", ["[::1]:8443", "[::1%25lo]:8443"])
def test_an_ipv6_origin_stands_in_brackets_and_without_zone(host: str) -> None:
    proxy = Proxy()
    with through(proxy) as client:
        client.get(f"https://{host}/")

    assert proxy.heads[0].startswith(b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n")


def test_a_tunnel_is_used_again() -> None:
    proxy = Proxy()
    with through(proxy) as client:
        for _ in range(2):
            assert client.get("https://a.test/").body == b"ok"

    assert len(proxy.heads) == 1


def test_the_origin_s_certificate_is_the_one_that_counts() -> None:
    with through(Proxy()) as client:
        error = fails(CertificateError, client.get, "https://b.test/")

    assert not error.maybe_sent


@pytest.mark.parametrize(
    "answer",
    [
        ESTABLISHED,
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + ESTABLISHED,
        b"HTTP/1.1 299 Fine\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_any_2xx_opens_the_tunnel_whatever_length_it_declares(answer: bytes) -> None:
    with through(Proxy(answer)) as client:
        assert client.get("https://a.test/").body == b"ok"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy refused the tunnel with status 403"),
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            "the proxy refused the tunnel with status 407: it wants credentials",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", "the proxy refused the tunnel with status 302"),
        (ESTABLISHED + b"x", "the proxy sent more than its answer before the tunnel was used"),
        (
            b"220 mail.test ESMTP\r\n",
            "the proxy failed while the tunnel was made: the answer does not begin with an HTTP/1.1 status line",
        ),
        (
            b"HTTP/1.1 101 Switching\r\n\r\n",
            "the proxy failed while the tunnel was made: the answer is a 101, but no upgrade was asked for",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3000 + b"\r\n\r\n",
            "the proxy failed while the tunnel was made: the head is larger than limits.head allows, 2000 bytes",
        ),
        (None, "the proxy failed while the tunnel was made: the peer closed the connection before it answered"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_a_proxy_error(answer: bytes | None, text: str) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        if answer is not None:
            sock.sendall(answer)
            stopping.wait(PATIENCE)

    with through(serve) as client:
        error = fails(
            ProxyError, client.get, "https://a.test/", config=Config(timeout=PATIENCE, limits=Limits(head=2000))
        )

    assert str(error) == text
    assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)


@pytest.mark.parametrize("drip", [ESTABLISHED, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 500])
def test_a_proxy_that_drips_ends_with_the_deadline(drip: bytes) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        drip_to(sock, stopping, each(drip))

    with through(serve) as client:
        error = times_out(client.get, "https://a.test/")

    assert (error.phase, error.maybe_sent) == ("proxy", False)


def test_a_proxy_that_says_nothing_ends_with_the_deadline() -> None:
    with through(silent) as client:
        error = times_out(client.get, "https://a.test/")

    assert (error.phase, error.maybe_sent) == ("proxy", False)


def test_an_origin_behind_a_proxy_that_does_not_shake_hands_ends_with_the_deadline() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(ESTABLISHED)
        drip_to(sock, stopping, each(b"\x16\x03\x03\x40\x00" + bytes(1000)))

    with through(serve) as client:
        error = times_out(client.get, "https://a.test/")

    assert (error.phase, error.maybe_sent) == ("tls", False)


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_closing_ends_a_tunnel_under_way(timeout: float | None) -> None:
    asked = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        asked.set()
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, contextlib.closing(direct(proxies=peer.url())) as transport:
        call = Background(Client(transport, config=Config(timeout=timeout)).get, "https://a.test/")
        assert asked.wait(PATIENCE)

        transport.close()

        assert type(call.wait(0.5).error) is ClosedError


def test_a_time_out_says_that_the_proxy_was_asked() -> None:
    with through(silent) as client:
        error = fails(RequestTimeoutError, client.get, "https://a.test/", config=Config(timeout=0.05))

    assert str(error) == "the deadline of 0.05 s passed while the proxy was asked"
