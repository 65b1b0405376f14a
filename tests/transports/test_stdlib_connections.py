"""StdlibTransport's connections: which are used again, which are replaced, which are dropped."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Config,
    FluxHTTPError,
    Limits,
)
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    answering,
    eventually,
    opened,
    read_head,
)

if TYPE_CHECKING:
    import socket

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
