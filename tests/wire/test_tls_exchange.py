"""TLS under a call: time, large bodies, the end of the stream."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading

import pytest

from fluxhttp import (
    Client,
    ClosedError,
    Config,
    Deadline,
    IncompleteBodyError,
    ReceiveError,
    RequestTimeoutError,
    SendError,
)
from fluxhttp._wire.tls import TLSSettings, handshake, wrap
from tests.peers import (
    OK,
    PATIENCE,
    SECONDS,
    Background,
    ManualClock,
    Peer,
    answering,
    direct,
    drip_to,
    each,
    fails,
    opened,
    read_head,
    reset,
    silent,
    times_out,
)
from tests.secure import ca_file, https, server_context, trusting

MIB = 1_048_576
#: The start of a TLS record that holds a ServerHello of 16 KiB (RFC 8446, 5.1 and 4.1.3).
SERVER_HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(4000)


# Time


@pytest.mark.parametrize("by_byte", [True, False])
def test_a_handshake_that_drips_ends_with_the_deadline(by_byte: bool) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(10_000)
        pieces = each(SERVER_HELLO) if by_byte else [SERVER_HELLO[start : start + 100] for start in range(0, 4000, 100)]
        drip_to(sock, stopping, pieces)

    with Peer(serve) as peer, opened(ca_file=ca_file()) as client:
        error = times_out(client.get, https(peer))

    assert (error.phase, error.maybe_sent) == ("tls", False)


def test_a_handshake_that_is_not_answered_ends_with_the_deadline() -> None:
    with Peer(silent) as peer, opened(ca_file=ca_file()) as client:
        error = times_out(client.get, https(peer))

    assert (error.phase, error.maybe_sent) == ("tls", False)


def test_a_deadline_that_has_passed_begins_no_handshake() -> None:
    clock = ManualClock()
    passed = Deadline.after(1.0, clock)
    clock.now += 1
    with Peer(silent) as peer, socket.create_connection(("127.0.0.1", peer.port)) as sock:
        context = TLSSettings(ca_file=ca_file()).context(insecure=False)
        with wrap(sock, "127.0.0.1", context) as wrapped:
            error = fails(RequestTimeoutError, handshake, wrapped, "127.0.0.1", passed)

    assert (error.phase, error.maybe_sent) == ("tls", False)


@pytest.mark.parametrize("size", [60_000, 32 * MIB], ids=["in one piece", "in slices"])
def test_a_peer_that_does_not_read_ends_with_the_deadline(size: int) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        error = times_out(client.post, https(peer), body=bytes(size))

    # What the kernel takes counts as sent: a small body waits for its answer then.
    assert (error.phase, error.maybe_sent) in [("send", True), ("head", True)]


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["status line", "field", "body"],
)
def test_an_answer_that_drips_ends_with_the_deadline(first: bytes) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        if first:
            sock.sendall(first)
        drip_to(sock, stopping, each(b"HTTP/1.1 200 OK" if not first else bytes([120]) * 500))

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        error = times_out(client.get, https(peer))

    assert (error.phase, error.maybe_sent) == ("body" if b"Length" in first else "head", True)


# Large bodies


def reading(sock: socket.socket, size: int) -> int:
    count = len(read_head(sock).partition(b"\r\n\r\n")[2])
    while count < size:
        count += len(sock.recv(65_536))
    return count


@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("size", [20_000, 60_000, 70_000, 20 * MIB + 1])
def test_a_body_of_any_size_reaches_the_peer_whole(size: int, timeout: float | None) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        assert reading(sock, size) == size
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        assert client.post(https(peer), body=bytes(size), config=Config(timeout=timeout)).body == b"ok"


@pytest.mark.parametrize("then", ["nothing", "close", "reads on"])
def test_an_answer_before_the_body_was_read_is_heard(then: str) -> None:
    answer = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(answer)
        if then == "close":
            with contextlib.suppress(OSError):
                sock.unwrap()  # type: ignore[attr-defined]  # a TLS socket
            sock.close()
        elif then == "reads on":
            with contextlib.suppress(OSError):
                while sock.recv(65_536):
                    pass
        stopping.wait(PATIENCE)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        response = client.post(https(peer), body=bytes(20 * MIB))
        assert (response.status_code, response.body) == (413, b"big")

        client.post(https(peer), body=bytes(20 * MIB))

        assert peer.connections == 2


def test_a_reset_in_the_middle_of_a_body_is_a_send_error() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.recv(MIB)
        reset(sock)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        error = fails(SendError, client.post, https(peer), body=bytes(20 * MIB))

    assert (error.phase, error.maybe_sent) == ("send", True)


def test_a_large_answer_is_whole() -> None:
    size = 5 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(b"x" * size)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        assert client.get(https(peer)).body == b"x" * size


class NarrowDialer:
    """Connects on loopback with little room for what is sent: TLS writes a slice in many parts."""

    def __init__(self, peer: Peer) -> None:
        self._port = peer.port

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        return sock


@pytest.mark.parametrize("reads", [True, False])
def test_a_slice_that_goes_out_in_parts_is_sent_whole_or_given_up_for_an_answer(reads: bool) -> None:
    size = 3 * MIB + 1

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        head = read_head(sock)
        left = size - len(head.partition(b"\r\n\r\n")[2])
        while reads and left:
            left -= len(sock.recv(65_536))
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=server_context()) as peer, opened(dialer=NarrowDialer(peer), ca_file=ca_file()) as client:
        assert client.post("https://a.test/", body=bytes(size)).body == b"ok"


# The connection afterwards


def test_session_tickets_do_not_keep_a_connection_from_being_used_again() -> None:
    with Peer(answering(OK, OK, OK), tls=server_context()) as peer, trusting(peer) as client:
        for _ in range(3):
            assert client.get(https(peer)).body == b"ok"

        assert peer.connections == 1


def test_a_surplus_in_the_record_of_a_large_answer_s_end_never_answers_the_next_request() -> None:
    size = 40 * 16_384 + 100
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
        sock.sendall(head)
        sock.sendall(b"x" * size + evil)
        answering(OK)(sock, stopping)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        assert client.get(https(peer)).body == b"x" * size

        assert client.get(https(peer)).body == b"x" * size

        assert peer.connections == 2


@pytest.mark.parametrize("says_so", [True, False])
def test_a_body_that_ends_with_the_connection_needs_close_notify(says_so: bool) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
        if says_so:
            sock.settimeout(0.1)
            with contextlib.suppress(OSError):
                sock.unwrap()
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        if says_so:
            assert client.get(https(peer)).body == b"hello"
        else:
            error = fails(IncompleteBodyError, client.get, https(peer))
            assert (error.received, error.expected) == (5, None)
            assert str(error) == "the peer closed the TLS connection without saying so, after 5 bytes"


def test_a_peer_that_ends_tls_before_it_answers_is_a_receive_error() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        error = fails(ReceiveError, client.get, https(peer))

    assert (error.phase, error.maybe_sent) == ("head", True)


def test_a_connection_that_dies_while_it_is_idle_is_replaced() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(OK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        over.set()

    over = threading.Event()
    with Peer(serve, tls=server_context()) as peer, trusting(peer) as client:
        client.get(https(peer))
        assert over.wait(PATIENCE)

        assert client.post(https(peer)).body == b"ok"

        assert peer.connections == 2


# The end from another thread


def test_closing_ends_a_handshake_under_way() -> None:
    began = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(100)
        began.set()
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, contextlib.closing(direct(ca_file=ca_file())) as transport:
        call = Background(Client(transport).get, https(peer))
        assert began.wait(PATIENCE)

        transport.close()

        assert type(call.wait(0.5).error) is ClosedError


def test_the_text_of_a_deadline_in_a_handshake() -> None:
    with Peer(silent) as peer, opened(ca_file=ca_file()) as client:
        error = fails(RequestTimeoutError, client.get, https(peer), config=Config(timeout=SECONDS / 5))

    assert str(error) == "the deadline of 0.05 s passed during the TLS handshake"
