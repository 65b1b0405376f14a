"""Tunnels: what CONNECT asks for, and what becomes of a call when the proxy fails before the tunnel stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fluxhttp import CertificateError, Config, ProxyError, TLSError
from fluxhttp_conformance.certificates import authority, stranger
from tests.network.origins import Origin, answer
from tests.network.proxies import ESTABLISHED, TunnellingProxy
from tests.peers import LATE_SECONDS, SECONDS, Peer, fails, read_head, reset, times_out

if TYPE_CHECKING:
    import socket
    import threading

    from tests.network.conftest import OpenClient


def test_what_goes_through_a_tunnel_is_not_the_proxys_to_see(open_client: OpenClient) -> None:
    with (
        Origin(lambda asked: answer(asked.head), tls=authority().server_context()) as origin,
        TunnellingProxy() as proxy,
    ):
        client = open_client(ca_file=authority().ca_file, proxies=f"http://user:s3cr3t@127.0.0.1:{proxy.port}")

        response = client.get(origin.url("/p?secret"), headers={"Authorization": "Bearer t"})

        assert b"proxy-authorization" not in response.body.lower()
        assert b"GET /p?secret HTTP/1.1\r\n" in response.body
        [asked] = proxy.asked
        assert sorted(asked.fields) == ["host", "proxy-authorization", "user-agent"]
        assert asked.target == f"127.0.0.1:{origin.port}"


@pytest.mark.parametrize("ends", ["closes", "resets"])
@pytest.mark.parametrize("cut", [0, 1, 8, 12, 36, len(ESTABLISHED) - 1])
def test_a_proxy_that_dies_while_the_tunnel_is_made_is_a_proxy_error(
    cut: int, ends: str, open_client: OpenClient
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.sendall(ESTABLISHED[:cut])
        if ends == "resets":
            reset(sock)

    with Peer(serve) as proxy:
        error = fails(ProxyError, open_client(proxies=proxy.url()).get, "https://origin.test/")

        assert str(error).startswith("the proxy failed while the tunnel was made: ")
        assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
        assert proxy.connections == 1, "a tunnel is asked for once"


def test_a_proxy_that_dies_before_it_was_asked_is_a_proxy_error(open_client: OpenClient) -> None:
    with Peer(lambda sock, _: reset(sock)) as proxy:
        error = fails(ProxyError, open_client(proxies=proxy.url()).get, "https://origin.test/")

        assert (error.phase, error.maybe_sent) == ("proxy", False)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX y: 1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 200,
        ESTABLISHED + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON",
    ],
    ids=["ssh", "http-2", "status", "field", "switch", "long", "interim", "more"],
)
def test_a_proxy_that_answers_nonsense_is_a_proxy_error(said: bytes, open_client: OpenClient) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(said)
        stopping.wait(5)

    with Peer(serve) as proxy:
        error = fails(ProxyError, open_client(proxies=proxy.url()).get, "https://origin.test/")

        assert (error.phase, error.maybe_sent) == ("proxy", False)


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
def test_interim_answers_and_a_length_do_not_spoil_a_tunnel(fields: bytes, open_client: OpenClient) -> None:
    # Content-Length and Transfer-Encoding in a 2xx to CONNECT are ignored (RFC 9110, 9.3.6).
    established = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\n" + fields + b"\r\n"
    with Origin(tls=authority().server_context()) as origin, TunnellingProxy(established) as proxy:
        client = open_client(ca_file=authority().ca_file, proxies=proxy.url())

        assert client.get(origin.url()).body == b"ok"
        assert client.get(origin.url()).body == b"ok"
        assert (proxy.connections, origin.connections) == (1, 1), "a tunnel is used again"


def test_a_silent_proxy_ends_with_the_deadline(open_client: OpenClient) -> None:
    def drips(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        for place in range(len(ESTABLISHED)):
            sock.sendall(ESTABLISHED[place : place + 1])
            if stopping.wait(0.02):
                return

    for serve in (lambda _, stopping: stopping.wait(5), drips):
        with Peer(serve) as proxy:
            client = open_client(proxies=proxy.url())

            error = times_out(client.post, "https://origin.test/", body=b"x")

            assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
    assert len(ESTABLISHED) * 0.02 > SECONDS + LATE_SECONDS, "the drip is too short to show anything"


@pytest.mark.parametrize(
    "status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", "302 Found"]
)
def test_a_refused_tunnel_is_a_proxy_error(status: str, open_client: OpenClient) -> None:
    with Origin(lambda _: answer(b"s3cr3t page", status, "Location: http://127.0.0.1/")) as proxy:
        client = open_client(proxies=f"http://u:s3cr3t@127.0.0.1:{proxy.port}")

        error = fails(ProxyError, client.post, "https://origin.test/", body=b"x")

        wants = ": it wants credentials" if status.startswith("407") else ""
        assert str(error) == f"the proxy refused the tunnel with status {status[:3]}{wants}"
        assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
        assert len(proxy.asked) == 1
        # The refusal was read, but the connection is not used again, for anything.
        fails(ProxyError, client.get, "https://origin.test/")
        assert proxy.connections == 2


# Inside


def test_the_certificate_in_a_tunnel_must_be_the_origins(open_client: OpenClient) -> None:
    # CVE-2021-28363 is about the proxy's; ours are plain, so that the origin's is the one there is.
    with Origin(tls=stranger().server_context()) as origin, TunnellingProxy() as proxy:
        client = open_client(ca_file=authority().ca_file, proxies=proxy.url())

        error = fails(CertificateError, client.get, origin.url())

        assert (error.phase, error.maybe_sent) == ("tls", False)
        assert client.get(origin.url(), config=Config(timeout=5, insecure_skip_verify=True)).body == b"ok"
        assert proxy.connections == 2


def test_a_tunnel_begins_with_a_client_hello(open_client: OpenClient) -> None:
    # GHSA-7mj9-2mp8-4m2p: TLS left out behind a proxy.
    first = []

    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.sendall(ESTABLISHED)
        first.append(sock.recv(3))

    with Peer(serve) as proxy:
        fails(TLSError, open_client(proxies=proxy.url()).get, "https://origin.test/secret")

    assert first[0][:2] == b"\x16\x03"


def test_a_tunnel_that_breaks_in_the_handshake_is_a_tls_error(open_client: OpenClient) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.sendall(ESTABLISHED)
        sock.recv(10_000)
        reset(sock)

    with Peer(serve) as proxy:
        error = fails(TLSError, open_client(proxies=proxy.url()).get, "https://origin.test/")

        assert (error.phase, error.maybe_sent) == ("tls", False)
