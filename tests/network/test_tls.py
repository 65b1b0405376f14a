"""TLS beside certificates (rule 38): what is offered, who shares a connection or a context, and how it ends."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from fluxhttp import (
    CertificateError,
    Config,
    Dialer,
    IncompleteBodyError,
    TLSError,
    TransportError,
)
from fluxhttp_conformance.certificates import authority
from tests.network.certificates import HOST, Issued, issue, only, pem_file, root, server_context
from tests.network.origins import CUT, Origin, answer, say_goodbye
from tests.peers import PATIENCE, Peer, fails, read_head

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from fluxhttp_conformance.certificates import Handshake
    from tests.network.conftest import OpenClient

INSECURE = Config(timeout=PATIENCE, insecure_skip_verify=True)
SECURE = Config(timeout=PATIENCE)
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def pinned() -> Dialer:
    return Dialer(resolver=lambda _: ["127.0.0.1"])


@pytest.fixture
def handshakes() -> list[Handshake]:
    return []


@pytest.fixture
def origin(handshakes: list[Handshake]) -> Iterator[Origin]:
    """One for HOST and others, that notes its handshakes."""
    with Origin(tls=authority().server_context(handshakes)) as made:
        yield made


@pytest.fixture
def client(open_client: OpenClient) -> Any:
    return open_client(ca_file=authority().ca_file, dialer=pinned())


# What is offered


@pytest.mark.parametrize("config", [SECURE, INSECURE], ids=["verified", "insecure"])
def test_the_server_name_is_the_host_without_a_trailing_dot_and_never_an_address(
    config: Config, origin: Origin, handshakes: list[Handshake], client: Any
) -> None:
    for host in (HOST, HOST.upper(), f"{HOST}.", f"www.{HOST}", "127.0.0.1"):
        client.get(origin.url(host=host), config=config, headers={"Connection": "close"})

    assert [shake.server_name for shake in handshakes] == [HOST, HOST, HOST, f"www.{HOST}", None]


@pytest.mark.parametrize("host", ["[::1]", "[::1%25lo]"])
def test_an_ipv6_address_is_no_server_name(host: str, handshakes: list[Handshake], open_client: OpenClient) -> None:
    with Origin(host="::1", tls=authority().server_context(handshakes)) as origin:
        open_client().get(origin.url(host=host), config=INSECURE)

    assert [shake.server_name for shake in handshakes] == [None]


@pytest.mark.parametrize("config", [SECURE, INSECURE], ids=["verified", "insecure"])
def test_no_protocol_is_negotiated(config: Config, origin: Origin, handshakes: list[Handshake], client: Any) -> None:
    # HTTP/2's floods (CVE-2023-44487 and its like) have no way in: the origin would take h2, if it were offered.
    client.get(origin.url(), config=config)

    assert [(shake.protocol, shake.version) for shake in handshakes] == [(None, "TLSv1.3")]


def test_the_client_hello_has_neither_alpn_nor_a_name_for_an_address(open_client: OpenClient) -> None:
    hellos = []

    def serve(sock: socket.socket, _: threading.Event) -> None:
        hellos.append(sock.recv(10_000))

    with Peer(serve) as peer:
        fails(TLSError, open_client().get, peer.url().replace("http:", "https:"))

    assert b"http/1.1" not in hellos[0]
    assert b"\x02h2" not in hellos[0]
    assert b"127.0.0.1" not in hellos[0]


@pytest.mark.parametrize("config", [SECURE, INSECURE], ids=["verified", "insecure"])
def test_tls_1_1_is_refused(config: Config, open_client: OpenClient) -> None:
    with Origin(tls=only(server_context(issue("127.0.0.1", by=root())), ssl.TLSVersion.TLSv1_1)) as origin:
        client = open_client(ca_file=pem_file(root().pem))

        error = fails(TLSError, client.get, origin.url(), config=config)

        assert "protocol version" in str(error)
        assert (error.phase, error.maybe_sent) == ("tls", False)
        assert origin.asked == []


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_that_are_left_are_spoken(version: ssl.TLSVersion, open_client: OpenClient) -> None:
    with Origin(tls=only(server_context(issue("127.0.0.1", by=root())), version)) as origin:
        client = open_client(ca_file=pem_file(root().pem))

        for body in (b"", b"x" * 300_000):
            assert client.post(origin.url(), body=body).body == b"ok"
        assert origin.connections == 1


# Client certificates


def wanting(certificates_of: Issued, version: ssl.TLSVersion) -> ssl.SSLContext:
    """The context of a server that wants a client certificate of this authority."""
    context = only(server_context(issue("127.0.0.1", by=root())), version)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificates_of.pem.decode())
    return context


@pytest.mark.parametrize("size", [0, 10, 1_000_000])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_that_wants_a_certificate_refuses_with_a_reason(
    version: ssl.TLSVersion, size: int, open_client: OpenClient
) -> None:
    # With TLS 1.3 it tells only after our side of the handshake is over: the request may be on its way.
    with Origin(tls=wanting(root(), version)) as origin:
        client = open_client(ca_file=pem_file(root().pem))

        error = fails(TLSError, client.post, origin.url(), body=b"x" * size)

        if version is ssl.TLSVersion.TLSv1_2:
            assert (error.phase, error.maybe_sent) == ("tls", False)
            assert str(error).startswith("the handshake failed: ")
            assert "handshake failure" in str(error)
        else:
            assert error.phase in ("send", "head")
            assert error.maybe_sent is True
            assert "certificate required" in str(error)
        assert origin.asked == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_comes_with_a_context_of_ones_own(
    version: ssl.TLSVersion, open_client: OpenClient
) -> None:
    stranger_to_it = issue(common_name="somebody", is_authority=True)
    with Origin(tls=wanting(root(), version)) as origin:
        for issuer in (root(), stranger_to_it):
            shown = issue("client.test", by=issuer, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
            context = ssl.create_default_context(cadata=root().pem.decode())
            context.load_cert_chain(pem_file(shown.pem, shown.key_pem))
            client = open_client(ssl_context=context)
            if issuer is stranger_to_it:
                assert "unknown ca" in str(fails(TLSError, client.get, origin.url()))
            else:
                assert client.post(origin.url(), body=b"x" * 1_000_000).body == b"ok"


# The end


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("notify", [True, False])
def test_only_close_notify_ends_a_body_that_lasts_until_the_end(
    notify: bool, version: ssl.TLSVersion, open_client: OpenClient
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
        if notify:
            say_goodbye(sock)

    with Peer(serve, tls=only(server_context(issue("127.0.0.1", by=root())), version)) as peer:
        client = open_client(ca_file=pem_file(root().pem))
        if notify:
            assert client.get(peer.url()).body == b"hello"
        else:
            error = fails(IncompleteBodyError, client.get, peer.url())
            assert (error.received, error.expected, error.phase) == (5, None, "body")
            assert "without saying so" in str(error)


def test_a_caller_s_context_is_held_to_the_same(open_client: OpenClient) -> None:
    def make(_: object) -> Iterator[object]:
        yield b"HTTP/1.1 200 OK\r\n\r\nhello"
        yield CUT

    context = ssl.create_default_context(cafile=authority().ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])  # the caller's affair, and harmless here
    with Origin(make, tls=authority().server_context()) as origin:
        fails(IncompleteBodyError, open_client(ssl_context=context).get, origin.url())


def test_a_connection_that_was_closed_politely_while_idle_is_not_used_again(client: Any) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        read_head(sock)
        sock.sendall(answer())
        say_goodbye(sock)
        told.set()

    told = threading.Event()
    with Peer(serve, tls=authority().server_context()) as peer:
        for _ in range(3):
            told.clear()
            assert client.post(peer.url(), body=b"x").body == b"ok"
            assert told.wait(PATIENCE)

        assert peer.connections == 3


def test_data_behind_the_answer_s_record_is_no_part_of_the_next(client: Any) -> None:
    poison = answer(b"POISON")

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(answer(b"ok") + poison)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=authority().server_context()) as peer:
        for _ in range(3):
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 3


def test_errors_of_tls_are_of_one_family() -> None:
    assert CertificateError.__mro__[1:3] == (TLSError, TransportError)
