"""StdlibTransport's connections: which are used again, which are replaced, which are dropped."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from fluxhttp import (
    Config,
    FluxHTTPError,
    Limits,
    ReceiveError,
)
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    Stale,
    answering,
    eventually,
    fails,
    opened,
    read_head,
    reset,
    times_out,
)

# Stale connections (D12)


def half_answers(sock: socket.socket) -> None:
    sock.sendall(b"H")
    sock.close()


def test_a_connection_that_dies_in_the_middle_of_an_answer_is_not_replaced() -> None:
    with Peer(Stale(half_answers)) as peer, opened() as client:
        client.get(peer.url())

        error = fails(ReceiveError, client.get, peer.url())

        assert str(error) == "the peer closed the connection in the middle of the head"
        assert peer.connections == 1


def test_nothing_is_sent_more_than_twice() -> None:
    stale = Stale(socket.socket.close, later=0)
    with Peer(stale) as peer, opened() as client:
        client.get(peer.url())

        fails(ReceiveError, client.get, peer.url())

    assert len(stale.heads) == 3


def test_a_new_connection_that_dies_is_not_replaced() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))

    with Peer(serve) as peer, opened() as client:
        fails(ReceiveError, client.get, peer.url())

    assert len(heads) == 1


def test_a_time_out_on_a_used_connection_is_not_sent_again() -> None:
    with Peer(answering(OK)) as peer, opened() as client:
        client.get(peer.url())

        times_out(client.get, peer.url())

        assert peer.connections == 1


@pytest.mark.parametrize("says", [b"x", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate", b"", None])
def test_a_connection_on_which_something_came_unasked_is_not_used_again(says: bytes | None) -> None:
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
    with Peer(serve) as peer, opened() as client:
        client.get(peer.url())
        answered.set()
        assert said.wait(PATIENCE)
        said.clear()

        # Not even a POST meets the dead connection.
        assert client.post(peer.url()).body == b"ok"

        assert peer.connections == 2


def test_a_surplus_behind_an_answer_never_answers_the_next_request() -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with Peer(answering(OK + evil, OK)) as peer, opened() as client:
        for _ in range(3):
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 3


# The pool


def test_the_connection_used_last_is_used_first_and_a_surplus_is_closed() -> None:
    ports: list[int] = []
    gate = threading.Barrier(4)

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            head = read_head(sock)
            if b"/together" in head:
                gate.wait(PATIENCE)
            ports.append(sock.getpeername()[1])
            sock.sendall(OK)

    with Peer(serve) as peer, opened(max_idle_per_origin=2) as client:
        for call in [Background(client.get, peer.url("/together")) for _ in range(4)]:
            call.wait()
        del ports[:]
        for _ in range(5):
            client.get(peer.url())

        assert len(set(ports)) == 1
        eventually(lambda: len(client.transport._pool._idle[peer.url()[:-1], False, None]) == 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "connections"), [({"max_idle_per_origin": 0}, 2), ({"idle_seconds": 0.03}, 2), ({}, 1)]
)
def test_how_long_and_how_many_connections_are_kept(options: dict[str, float], connections: int) -> None:
    with Peer(answering(OK, OK)) as peer, opened(**options) as client:
        client.get(peer.url())
        time.sleep(0.05)
        client.get(peer.url())

        assert peer.connections == connections


@pytest.mark.parametrize(
    ("answer", "limits", "connections"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntoo large", Limits(body=5), 2),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntoo large", Limits(head=5), 2),
        (b"rubbish", Limits(), 2),
        # What was read whole leaves the connection good.
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", Limits(), 1),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://a.test/\r\nContent-Length: 0\r\n\r\n", Limits(), 1),
    ],
)
def test_whatever_goes_wrong_the_next_call_works(answer: bytes, limits: Limits, connections: int) -> None:
    answers = iter([answer, OK])

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            sock.sendall(next(answers))

    with Peer(serve) as peer, opened() as client:
        with pytest.raises(FluxHTTPError):
            client.get(peer.url(), config=Config(timeout=PATIENCE, limits=limits))

        assert client.get(peer.url()).body == b"ok"

        assert peer.connections == connections
