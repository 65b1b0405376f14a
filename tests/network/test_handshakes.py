"""Handshakes that break (cases G85 and G86): at each step, by each end, and what stands on the wrong port."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import warnings
from typing import TYPE_CHECKING

import pytest

from fluxhttp import ProtocolError, ReceiveError, SendError, TLSError, TransportError
from fluxhttp_conformance.certificates import authority
from tests.network.certificates import issue, only, pem_file, root, server_context
from tests.network.origins import Origin, answer
from tests.peers import PATIENCE, Peer, fails, reset, times_out

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from fluxhttp import Client
    from tests.network.conftest import OpenClient

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def record(kind: int, content: bytes) -> bytes:
    """One TLS record (RFC 8446, 5.1)."""
    return struct.pack("!BHH", kind, 0x0303, len(content)) + content


def alert(number: int, *, fatal: bool = True) -> bytes:
    """An alert in the clear, as it comes before keys are agreed on (RFC 8446, 6)."""
    return record(21, bytes([2 if fatal else 1, number]))


#: Alert, and how OpenSSL tells it (RFC 8446, 6.2).
ALERTS = {
    40: "handshake failure",
    42: "bad certificate",
    47: "illegal parameter",
    48: "unknown ca",
    49: "access denied",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    112: "unrecognized name",
}


def flight(hello: bytes, version: ssl.TLSVersion) -> bytes:
    """What a server says after a ClientHello, up to where it waits for the client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = only(server_context(issue("127.0.0.1", by=root())), version)
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with contextlib.suppress(ssl.SSLWantReadError):
        server.do_handshake()
    return outgoing.read()


def ending(how: str) -> Callable[[socket.socket], None]:
    if how == "reset":
        return reset
    if how == "alert":
        return lambda sock: sock.sendall(alert(80))
    return lambda _: None


def https(peer: Peer) -> str:
    return peer.url().replace("http:", "https:")


def broken(client: Client, peer: Peer) -> TLSError:
    """The error of a call whose handshake fails."""
    error = fails(TLSError, client.post, https(peer), body=b"x")
    assert (error.phase, error.maybe_sent, error.retryable) == ("tls", False, True)
    assert str(error).startswith(("the handshake failed: ", "the peer closed the connection during the handshake"))
    assert peer.connections == 1, "a handshake is tried once"
    return error


@pytest.fixture
def client(open_client: OpenClient) -> Client:
    return open_client(ca_file=pem_file(root().pem))


# The end, at each step

#: What a server has sent when it ends: none, a byte, a record's head, the ServerHello in part, half, all but a byte.
CUTS: dict[str, Callable[[int], int]] = {
    "nothing": lambda _: 0,
    "a-byte": lambda _: 1,
    "a-record-header": lambda _: 5,
    "some-of-the-hello": lambda _: 40,
    "half": lambda size: size // 2,
    "all-but-a-byte": lambda size: size - 1,
}


@pytest.mark.parametrize("how", ["close", "reset", "alert"])
@pytest.mark.parametrize("cut", list(CUTS))
@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_that_ends_within_its_part_is_a_tls_error(
    version: ssl.TLSVersion, cut: str, how: str, client: Client
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        said = flight(sock.recv(10_000), version)
        sock.sendall(said[: CUTS[cut](len(said))])
        ending(how)(sock)

    with Peer(serve) as peer:
        broken(client, peer)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_server_that_ends_before_it_was_asked_is_a_tls_error(how: str, client: Client) -> None:
    with Peer(lambda sock, _: ending(how)(sock)) as peer:
        broken(client, peer)


@pytest.mark.parametrize("how", ["close", "reset", "alert"])
def test_a_tls_1_2_server_that_ends_at_our_finished_is_a_tls_error(how: str, client: Client) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.sendall(flight(sock.recv(10_000), ssl.TLSVersion.TLSv1_2))
        sock.recv(10_000)
        ending(how)(sock)

    with Peer(serve) as peer:
        broken(client, peer)


@pytest.mark.parametrize("size", [1, 2_000_000])
@pytest.mark.parametrize("how", ["close", "reset", "alert"])
def test_a_tls_1_3_server_that_ends_at_our_finished_may_have_the_request(how: str, size: int, client: Client) -> None:
    # Its part is over with its first words; ours is followed by the request at once (RFC 8446, 2).
    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.sendall(flight(sock.recv(10_000), ssl.TLSVersion.TLSv1_3))
        sock.recv(10_000)
        ending(how)(sock)

    with Peer(serve) as peer:
        with pytest.raises((TLSError, ReceiveError, SendError)) as caught:
            client.post(https(peer), body=b"x" * size)

        assert caught.value.maybe_sent
        assert not caught.value.retryable
        assert peer.connections == 1


@pytest.mark.parametrize(("number", "reason"), ALERTS.items())
def test_an_alert_is_told_in_words(number: int, reason: str, client: Client) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.recv(10_000)
        sock.sendall(alert(number))

    with Peer(serve) as peer:
        assert reason in str(broken(client, peer))


def test_a_polite_goodbye_instead_of_a_handshake_is_a_tls_error(client: Client) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.recv(10_000)
        sock.sendall(alert(0, fatal=False))

    with Peer(serve) as peer:
        broken(client, peer)


@pytest.mark.parametrize("said", ["nothing", "half"])
def test_a_server_that_falls_silent_ends_with_the_deadline(said: str, client: Client) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        words = flight(sock.recv(10_000), ssl.TLSVersion.TLSv1_3)
        sock.sendall(words[: CUTS[said](len(words))])
        stopping.wait(PATIENCE)

    with Peer(serve) as peer:
        error = times_out(client.get, https(peer))

        assert (error.phase, error.maybe_sent) == ("tls", False)


def test_a_handshake_that_comes_byte_by_byte_ends_with_the_deadline(client: Client) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        words = flight(sock.recv(10_000), ssl.TLSVersion.TLSv1_3)
        for place in range(len(words)):
            if stopping.wait(0.02):
                return
            sock.sendall(words[place : place + 1])

    with Peer(serve) as peer:
        assert times_out(client.get, https(peer)).phase == "tls"


# What stands on the wrong port


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON" * 3000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.test ESMTP\r\n",
        b"\x00" * 100,
        record(22, b"\x02\x00\x00\x01\x00"),
        record(23, b"application data"),
        record(22, b"\x0b" + b"\x00" * 100),
        struct.pack("!BHH", 22, 0x0303, 0xFFFF) + b"\x00" * 0xFFFF,
    ],
    ids=["http", "http-much", "ssh", "smtp", "zeros", "short-hello", "data", "certificate-first", "huge-record"],
)
@pytest.mark.parametrize("when", ["at-once", "when-asked"])
def test_what_is_no_tls_is_a_tls_error(when: str, said: bytes, client: Client) -> None:
    # CVE-2023-40217: nothing that comes before the handshake is data.
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        if when == "when-asked":
            sock.recv(10_000)
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer:
        error = broken(client, peer)

        if b"HTTP" in said:
            assert str(error).endswith(", which is what a peer without TLS looks like")
        assert "POISON" not in str(error)


def test_https_to_a_plain_origin_is_a_tls_error_and_never_a_request(client: Client) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        first.append(sock.recv(10_000))
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    first: list[bytes] = []
    with Peer(serve) as peer:
        broken(client, peer)

    assert first[0].startswith(b"\x16\x03")
    assert b"POST" not in first[0]


def test_http_to_a_tls_origin_is_no_answer(client: Client) -> None:
    # What OpenSSL's server does with it is an alert in the clear, or the end; neither is HTTP.
    with Origin(tls=authority().server_context()) as origin:
        with pytest.raises((ProtocolError, ReceiveError)) as caught:
            client.get(origin.url().replace("https:", "http:"))

        assert caught.value.phase == "head"
        assert origin.asked == []


@pytest.mark.parametrize(
    ("said", "kind"), [(alert(10), ProtocolError), (alert(22) * 100, ProtocolError), (b"", ReceiveError)]
)
def test_a_tls_port_s_reply_to_plain_http_is_a_typed_error(
    said: bytes, kind: type[TransportError], client: Client
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.recv(10_000)
        sock.sendall(said)

    with Peer(serve) as peer:
        error = fails(kind, client.get, peer.url())

        assert (error.phase, error.maybe_sent) == ("head", True)
        assert error.__cause__ is None


def test_a_broken_handshake_leaves_no_warning_and_the_next_call_works(client: Client) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Peer(lambda sock, _: reset(sock)) as peer:
            broken(client, peer)
    with Origin(lambda _: answer(b"next"), tls=server_context(issue("127.0.0.1", by=root()))) as origin:
        assert client.get(origin.url()).body == b"next"

    assert caught == []
