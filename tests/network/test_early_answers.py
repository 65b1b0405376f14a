"""Answers that come while the request is still being sent, and peers that hang up meanwhile; plain and over TLS."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Config, ReceiveError, SendError
from fluxhttp_conformance.certificates import authority
from tests.network.origins import answer, say_goodbye
from tests.peers import PATIENCE, SECONDS, Peer, fails, read_head, reset, times_out

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable

    from fluxhttp import Client
    from tests.network.conftest import OpenClient

#: More than the buffers of both ends of a loopback connection hold.
LARGE = b"x" * 20_000_000
#: What goes out with the head in one piece, and what just does not.
SIZES = [1_000, 65_536, 65_537, 300_000, len(LARGE)]
STATUSES = ["413 Content Too Large", "431 Request Header Fields Too Large", "401 Unauthorized", "200 OK"]


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    return authority().server_context() if request.param else None


@pytest.fixture
def client(open_client: OpenClient) -> Client:
    return open_client(ca_file=authority().ca_file)


def goodbye(sock: socket.socket) -> None:
    """A close as servers do it: the answer first, and close_notify where there is TLS; what comes in is thrown away."""
    say_goodbye(sock)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_WR)
    with contextlib.suppress(OSError, ValueError):
        sock.settimeout(PATIENCE)
        while socket.socket.recv(sock, 65_536):
            pass


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("size", SIZES)
def test_an_answer_before_the_body_was_read_is_returned(
    size: int, status: str, tls: ssl.SSLContext | None, client: Client
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.sendall(answer(b"too much", status, "Connection: close"))
        goodbye(sock)

    with Peer(serve, tls=tls) as peer:
        response = client.post(peer.url(), body=LARGE[:size])

        assert (response.status_code, response.body) == (int(status[:3]), b"too much")
        assert peer.connections == 1, "nothing is sent twice"


@pytest.mark.parametrize("size", [1_000, 300_000, len(LARGE)])
def test_an_answer_followed_by_a_reset_is_returned_if_it_arrived(
    size: int, tls: ssl.SSLContext | None, client: Client
) -> None:
    # A server that does not read to the end resets the connection by closing it (RFC 9112, 9.6). What arrived
    # before may be lost with it, and then it is an error; but never a second attempt.
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(answer(b"too much", "413 Content Too Large", "Connection: close"))
        stopping.wait(0.05)
        reset(sock)

    with Peer(serve, tls=tls) as peer:
        response = client.post(peer.url(), body=LARGE[:size])

        assert (response.status_code, response.body) == (413, b"too much")
        assert peer.connections == 1


def test_a_431_to_a_head_that_is_too_large_is_returned(tls: ssl.SSLContext | None, client: Client) -> None:
    headers = [(f"X-{number}", "y" * 1000) for number in range(200)]

    def serve(sock: socket.socket, _: threading.Event) -> None:
        sock.recv(1000)
        sock.sendall(answer(b"", "431 Request Header Fields Too Large", "Connection: close"))
        goodbye(sock)

    with Peer(serve, tls=tls) as peer:
        for method in ("GET", "POST"):
            assert client.do(method, peer.url(), headers=headers, body=b"x" * 100_000).status_code == 431


def test_a_connection_that_carried_half_a_request_carries_no_other(tls: ssl.SSLContext | None, client: Client) -> None:
    # It says keep-alive, and reads on; the rest of the body would be taken for the next request.
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(answer(b"enough"))
        stopping.wait(PATIENCE)

    with Peer(serve, tls=tls) as peer:
        for number in range(1, 3):
            assert client.put(peer.url(), body=LARGE).body == b"enough"
            assert peer.connections == number


def test_a_redirect_before_the_body_was_read_is_followed_with_the_whole_body(
    tls: ssl.SSLContext | None, client: Client
) -> None:
    bodies = []

    def serve(sock: socket.socket, _: threading.Event) -> None:
        data = read_head(sock)
        if data.startswith(b"POST /again"):
            data = data.partition(b"\r\n\r\n")[2]
            size = len(data)
            while size < len(LARGE):
                size += len(sock.recv(65_536))
            bodies.append(size)
            sock.sendall(answer(b"whole"))
        else:
            sock.sendall(answer(b"", "307 Temporary Redirect", "Location: /again", "Connection: close"))
        goodbye(sock)

    with Peer(serve, tls=tls) as peer:
        assert client.post(peer.url(), body=LARGE).body == b"whole"

    assert bodies == [len(LARGE)]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_reset_during_the_upload_is_a_send_error_that_may_have_been_sent(
    method: str, tls: ssl.SSLContext | None, client: Client
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.recv(65_536)
        reset(sock)

    with Peer(serve, tls=tls) as peer:
        error = fails(SendError, client.do, method, peer.url(), body=LARGE)

        assert (error.phase, error.maybe_sent) == ("send", True)
        assert error.retryable is (method == "PUT")
        assert peer.connections == 1, "a first use is never repeated"


def test_a_peer_that_just_closes_during_the_upload_is_an_error_and_no_answer(
    tls: ssl.SSLContext | None, client: Client
) -> None:
    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        goodbye(sock)

    with Peer(serve, tls=tls) as peer:
        with pytest.raises((SendError, ReceiveError)) as caught:
            client.post(peer.url(), body=LARGE)

        assert caught.value.maybe_sent
        assert not caught.value.retryable
        assert peer.connections == 1


def test_half_an_answer_and_a_reset_is_no_answer(tls: ssl.SSLContext | None, client: Client) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Content Too La")
        stopping.wait(0.05)
        reset(sock)

    with Peer(serve, tls=tls) as peer, pytest.raises((SendError, ReceiveError)) as caught:
        client.post(peer.url(), body=LARGE)

    assert caught.value.maybe_sent


def test_an_early_answer_s_body_is_read_to_its_end(tls: ssl.SSLContext | None, client: Client) -> None:
    page = bytes(range(256)) * 2000

    def serve(sock: socket.socket, _: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(answer(page, "413 Content Too Large"))
        goodbye(sock)

    with Peer(serve, tls=tls) as peer:
        assert client.post(peer.url(), body=LARGE).body == page


def test_a_peer_that_neither_reads_nor_answers_ends_with_the_deadline(
    tls: ssl.SSLContext | None, client: Client
) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        stopping.wait(PATIENCE)

    with Peer(serve, tls=tls) as peer:
        error = times_out(client.post, peer.url(), body=LARGE, config=Config(timeout=SECONDS))

        assert (error.phase, error.maybe_sent) == ("send", True)


@pytest.mark.parametrize("piece", [1_000, 100_000])
def test_a_slow_reader_gets_it_all(piece: int, tls: ssl.SSLContext | None, client: Client) -> None:
    received: list[int] = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        size = len(read_head(sock).partition(b"\r\n\r\n")[2])
        pauses = iter([0.01] * 10)
        while size < 3_000_000:
            size += len(sock.recv(piece))
            stopping.wait(next(pauses, 0.0))
        received.append(size)
        sock.sendall(answer(b"thanks"))
        stopping.wait(PATIENCE)

    reading: Callable[[socket.socket, threading.Event], None] = serve
    with Peer(reading, tls=tls) as peer:
        assert client.post(peer.url(), body=LARGE[:3_000_000]).body == b"thanks"

    assert received == [3_000_000]
