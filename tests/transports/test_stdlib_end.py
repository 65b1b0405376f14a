"""StdlibTransport among threads and processes, and its end."""

from __future__ import annotations

import contextlib
import gc
import threading
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    BodyTooLargeError,
    Client,
    ClosedError,
    Config,
    FluxHTTPError,
    Limits,
    ReceiveError,
    Request,
    RequestTimeoutError,
)
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    answering,
    deadline,
    direct,
    fails,
    in_child,
    nothing_leaks,
    opened,
    read_head,
    reset,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    import socket


# The end from another thread


def test_a_connection_that_waits_is_closed_too() -> None:
    ended = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        answering(OK)(sock, ended)
        assert sock.recv(10) == b""

    with nothing_leaks(), Peer(serve) as peer, contextlib.closing(direct()) as transport:
        Client(transport).get(peer.url())

        transport.close()
        transport.close()

        ended.set()


def test_an_answer_that_is_read_after_closing_is_closed() -> None:
    with Peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")) as peer:
        transport = direct()
        answer = transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        transport.close()

        fails(ClosedError, lambda: [answer.read(9), answer.read(9)])
        answer.close()


def test_a_client_that_is_forgotten_leaves_nothing_open() -> None:
    with nothing_leaks(), Peer(answering(OK)) as peer:
        client = Client(direct())
        assert client.get(peer.url()).body == b"ok"
        del client


def test_an_answer_that_is_forgotten_gives_its_connection_up() -> None:
    serve = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
    with nothing_leaks(), Peer(serve) as peer, contextlib.closing(direct()) as transport:
        transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert transport._pool._used == set()


def test_an_answer_may_outlive_its_transport() -> None:
    with nothing_leaks(), Peer(answering(OK)) as peer:
        request = Request.build("GET", peer.url())
        answer = direct().send(request, config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert answer.read(10) == b"ok"
        answer.close()


# Threads


def test_thirty_two_threads_each_get_their_own_answer_whatever_happens_to_the_others() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            path = read_head(sock).split(b" ")[1]
            kind = path.split(b"/")[1]
            if kind == b"reset":
                reset(sock)
                return
            if kind == b"hang":
                stopping.wait(PATIENCE)
                return
            if kind == b"late":
                stopping.wait(0.01)
            body = path * (200 if kind == b"large" else 1)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    kinds = ["ok", "late", "reset", "ok", "hang", "large", "ok"]
    expected = {
        "ok": None,
        "late": None,
        "reset": ReceiveError,
        "hang": RequestTimeoutError,
        "large": BodyTooLargeError,
    }
    configs = {"hang": Config(timeout=0.1), "large": Config(timeout=PATIENCE, limits=Limits(body=100))}
    wrong: list[object] = []

    def work(number: int, client: Client, peer: Peer) -> None:
        for step in range(14):
            kind = kinds[(number + step) % len(kinds)]
            path = f"/{kind}/{number}-{step}"
            try:
                response = client.get(peer.url(path), config=configs.get(kind))
                if response.body != path.encode() or expected[kind] is not None:
                    wrong.append((path, response))
            except FluxHTTPError as error:
                if type(error) is not expected[kind] or error.url != peer.url(path):
                    wrong.append((path, error))

    with nothing_leaks(), Peer(serve) as peer, opened() as client:
        for call in [Background(work, number, client, peer) for number in range(32)]:
            assert call.wait(20.0).error is None

        assert wrong == []
        assert client.get(peer.url("/ok/last")).body == b"/ok/last"


# Fork


@pytest.mark.parametrize("tls", [False, True])
def test_a_child_makes_connections_of_its_own_and_its_parent_s_goes_on(tls: bool) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            body = b"%d" % sock.getpeername()[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with Peer(serve, tls=server_context() if tls else None) as peer, opened(ca_file=ca_file()) as client:
        before = client.get(peer.url()).body

        assert in_child(lambda: client.get(peer.url()).body not in (before, b""))

        assert client.get(peer.url()).body == before
        assert peer.connections == 2


def test_a_child_forked_while_a_call_is_under_way_does_not_disturb_it() -> None:
    asked, release = threading.Event(), threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        asked.set()
        release.wait(PATIENCE)
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        call = Background(client.get, peer.url())
        assert asked.wait(PATIENCE)

        assert in_child(lambda: client.transport.close() is None)

        release.set()
        response = call.wait().result
        assert response is not None
        assert client.transport._pool._idle  # type: ignore[attr-defined]
