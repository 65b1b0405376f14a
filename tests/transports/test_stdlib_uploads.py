"""StdlibTransport and large bodies: a peer may answer, or go away, before it has read them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Config,
    SendError,
)
from tests.peers import (
    OK,
    PATIENCE,
    Peer,
    answering,
    fails,
    opened,
    read_head,
    reset,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    import threading


MIB = 2**20
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"


@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("then", ["nothing", "close", "reset"])
def test_an_answer_before_the_body_was_read_is_heard(then: str, timeout: float | None) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        if then == "close":
            sock.shutdown(socket.SHUT_WR)
        elif then == "reset":
            stopping.wait(0.1)
            reset(sock)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        for _ in range(2):
            response = client.post(peer.url(), body=bytes(20 * MIB), config=Config(timeout=timeout))
            assert (response.status_code, response.body) == (413, b"big")

        assert peer.connections == 2


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_an_interim_answer_does_not_stop_a_body(timeout: float | None, tls: bool) -> None:
    size = 20 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        left = size - len(read_head(sock).partition(b"\r\n\r\n")[2])
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left:
            left -= len(sock.recv(65_536))
        sock.sendall(INTERIM + OK)
        answering(OK)(sock, stopping)

    with Peer(serve, tls=server_context() if tls else None) as peer, opened(ca_file=ca_file()) as client:
        assert client.post(peer.url(), body=bytes(size), config=Config(timeout=timeout)).body == b"ok"

        assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 1


def test_a_large_body_on_a_used_connection_is_sent_whole() -> None:
    size = 5 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(OK)
        left = size - len(read_head(sock).partition(b"\r\n\r\n")[2])
        while left:
            left -= len(sock.recv(65_536))
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        client.get(peer.url())

        assert client.post(peer.url(), body=bytes(size)).body == b"ok"


def test_a_reset_in_the_middle_of_a_body_is_a_send_error() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        reset(sock)

    with Peer(serve) as peer, opened() as client:
        error = fails(SendError, client.post, peer.url(), body=bytes(20 * MIB))

    assert (error.phase, error.maybe_sent, error.retryable) == ("send", True, False)
