"""Connections that end: one that was used before (decision D12), a socket that fails, one closed under a call."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import Client, ClosedError, Config, FluxHTTPError, ReceiveError, SendError, open_transport
from fluxhttp_conformance.machine import Stopwatch
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    FailingSocket,
    Peer,
    SocketDialer,
    Stale,
    answering,
    answering_in_part,
    dripping,
    fails,
    nothing_leaks,
    read_head,
    reading_nothing,
    reset,
    silent,
    times_out,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.conftest import OpenClient


def in_use(client: Client) -> set[Any]:
    """The connections of its transport that a call has, or has forgotten to give back."""
    transport: Any = client.transport
    owner = transport if hasattr(transport, "_used") else transport._pool
    found: set[Any] = owner._used
    return found


# Stale connections (D12)


@pytest.mark.parametrize("ends", [socket.socket.close, reset])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("method", "headers", "body", "is_sent_again"),
    [
        ("GET", {}, b"", True),
        ("GET", {}, bytes(100_000), True),
        ("HEAD", {}, b"", True),
        ("POST", {"Idempotency-Key": "1"}, b"x", True),
        ("POST", {}, b"x", False),
        ("PUT", {}, b"x", False),
        ("DELETE", {}, b"", False),
    ],
)
def test_a_used_connection_that_dies_unanswered_is_replaced_for_what_may_be_sent_again(
    method: str,
    headers: dict[str, str],
    body: bytes,
    is_sent_again: bool,
    *,
    tls: bool,
    ends: Callable[[socket.socket], None],
    open_client: OpenClient,
) -> None:
    stale = Stale(ends)
    client = open_client(ca_file=ca_file())
    with Peer(stale, tls=server_context() if tls else None) as peer:
        client.get(peer.url())
        if is_sent_again:
            assert client.do(method, peer.url(), headers=headers, body=body).status_code == 200
        else:
            with pytest.raises((SendError, ReceiveError)) as caught:
                client.do(method, peer.url(), headers=headers, body=body)
            assert caught.value.maybe_sent
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 2
    lines = [head.split(b" ")[0].decode() for head in stale.heads]
    assert lines == (["GET", method, method] if is_sent_again else ["GET", method, "GET"])


def half_answers(sock: socket.socket) -> None:
    sock.sendall(b"H")
    sock.close()


def test_a_connection_that_dies_in_the_middle_of_an_answer_is_not_replaced(client: Client) -> None:
    with Peer(Stale(half_answers)) as peer:
        client.get(peer.url())

        error = fails(ReceiveError, client.get, peer.url())

        assert str(error) == "the peer closed the connection in the middle of the head"
        assert peer.connections == 1


def test_nothing_is_sent_more_than_twice(client: Client) -> None:
    stale = Stale(socket.socket.close, later=0)
    with Peer(stale) as peer:
        client.get(peer.url())

        fails(ReceiveError, client.get, peer.url())

    assert len(stale.heads) == 3


def test_a_new_connection_that_dies_is_not_replaced(client: Client) -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))

    with Peer(serve) as peer:
        fails(ReceiveError, client.get, peer.url())

    assert len(heads) == 1


def test_a_time_out_on_a_used_connection_is_not_sent_again(client: Client) -> None:
    with Peer(answering(OK)) as peer:
        client.get(peer.url())

        times_out(client.get, peer.url())

        assert peer.connections == 1


@pytest.mark.parametrize("says", [b"x", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate", b"", None])
def test_a_connection_on_which_something_came_unasked_is_not_used_again(says: bytes | None, client: Client) -> None:
    said = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(OK)
        answered.wait(PATIENCE)
        if says:
            sock.sendall(says)
        elif says is None:
            reset(sock)
        else:
            sock.shutdown(socket.SHUT_WR)
        said.set()
        stopping.wait(PATIENCE)

    answered = threading.Event()
    with Peer(serve) as peer:
        client.get(peer.url())
        answered.set()
        assert said.wait(PATIENCE)
        said.clear()

        # Not even a POST meets the dead connection.
        assert client.post(peer.url()).body == b"ok"

        assert peer.connections == 2


def test_a_surplus_behind_an_answer_never_answers_the_next_request(client: Client) -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with Peer(answering(OK + evil, OK)) as peer:
        for _ in range(3):
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 3


# Sockets that fail


RAISED = [
    OSError(errno.EIO, "Input/output error"),
    ValueError("odd"),
    OverflowError("far"),
    UnicodeError("a text"),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["recv", "recv_into", "send", "sendall", "settimeout", "fileno", "shutdown", "close"])
@pytest.mark.parametrize(("size", "timeout"), [(10, PATIENCE), (400_000, None)])
def test_no_error_of_a_socket_escapes_the_tree(
    name: str, raised: Exception, size: int, timeout: float | None, open_client: OpenClient
) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        data = read_head(sock)
        left = size - len(data.partition(b"\r\n\r\n")[2])
        while left > 0:
            piece = sock.recv(65_536)
            if not piece:
                return
            left -= len(piece)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(bytes(size))
        stopping.wait(PATIENCE)

    with Peer(serve) as peer:
        sock = socket.create_connection(("127.0.0.1", peer.port))
        dialer = SocketDialer(FailingSocket(sock, **{name: raised}))
        client = open_client(dialer=dialer)
        with contextlib.suppress(FluxHTTPError):
            response = client.post("http://a.test/", body=bytes(size), config=Config(timeout=timeout))
            assert response.body == bytes(size)
        assert in_use(client) == set()
        client.transport.close()
        assert sock.fileno() == -1


@pytest.mark.parametrize("name", ["recv", "recv_into", "sendall", "send", "settimeout"])
def test_an_interrupted_call_drops_its_connection(name: str, open_client: OpenClient) -> None:
    size = 400_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    serve = silent if name == "send" else dripping(first=answer, drip=[bytes(size)])
    with Peer(serve) as peer, Peer(answering(OK)) as good:
        sock = socket.create_connection(("127.0.0.1", peer.port))
        other = socket.create_connection(("127.0.0.1", good.port))
        client = open_client(dialer=SocketDialer(FailingSocket(sock, **{name: KeyboardInterrupt()}), other))
        with pytest.raises(KeyboardInterrupt):
            client.post("http://a.test/", body=bytes(100_000 if name == "send" else 10))

        assert sock.fileno() == -1
        assert in_use(client) == set()
        assert client.get("http://a.test/").body == b"ok"


# The end from another thread


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("phase", ["send", "head", "body"])
def test_closing_ends_a_call_in_every_phase(phase: str, timeout: float | None, tls: bool, transport_name: str) -> None:
    began = threading.Event()
    serve = answering_in_part(began) if phase == "body" else reading_nothing(began)
    body = bytes(20_000_000 if phase == "send" else 10)
    with nothing_leaks(), Peer(serve, tls=server_context() if tls else None) as peer:
        with contextlib.closing(open_transport(transport_name, trust_env=False, ca_file=ca_file())) as transport:
            client = Client(transport, config=Config(timeout=timeout))
            call = Background(client.post, peer.url(), body=body)
            assert began.wait(PATIENCE)
            watch = Stopwatch()

            transport.close()

            error = call.wait().error
            assert watch.own_seconds() < 0.3
        assert type(error) is ClosedError
        assert error.method == "POST"
        fails(ClosedError, client.get, peer.url())
