"""StdlibTransport and the one deadline of a call (D11): whatever drips ends with it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Config,
    Request,
    RequestTimeoutError,
)
from tests.peers import (
    OK,
    Peer,
    answering,
    deadline,
    direct,
    dripping,
    each,
    fails,
    opened,
    read_head,
    silent,
    times_out,
)

if TYPE_CHECKING:
    import socket
    import threading


MIB = 2**20
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: The header of a gzip member (RFC 1952, 2.3).
GZIP_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"


DRIPS = {
    "status line": (b"", b"HTTP/1.1 200 OK" + b"x" * 500, "head"),
    "field": (b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 500, "head"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, "head"),
    "interim answer": (b"", INTERIM * 20, "head"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 500, "body"),
    "large body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x" * 500, "body"),
    "body to the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 500, "body"),
    "chunk size": (CHUNKED, b"0" * 500, "body"),
    "chunk": (CHUNKED + b"fff\r\n", b"x" * 500, "body"),
    "chunk end": (CHUNKED + b"1\r\nx", b"\r", "body"),
    "chunks": (CHUNKED, b"1\r\nx\r\n" * 100, "body"),
    "trailer": (CHUNKED + b"0\r\n", b"X: " + b"x" * 500, "body"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 100, "body"),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + GZIP_START,
        b"\x00\x00\x00\xff\xff" * 100,
        "body",
    ),
}


@pytest.mark.parametrize("name", DRIPS)
def test_what_drips_ends_with_the_deadline(name: str) -> None:
    first, drip, phase = DRIPS[name]
    with Peer(dripping(first=first, drip=each(drip))) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert (error.phase, error.maybe_sent, error.retryable) == (phase, True, True)


def test_interim_answers_one_at_a_time_end_with_the_deadline() -> None:
    with Peer(dripping(drip=[INTERIM] * 50)) as peer, opened() as client:
        error = times_out(client.post, peer.url())

    assert (error.phase, error.maybe_sent, error.retryable) == ("head", True, False)


def test_redirects_share_one_deadline() -> None:
    hop = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            stopping.wait(0.06)
            sock.sendall(hop)

    with Peer(serve) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert error.url == peer.url("/next")


def test_the_body_of_a_redirect_that_drips_ends_with_the_deadline() -> None:
    first = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1000\r\n\r\n"
    with Peer(dripping(first=first, drip=each(b"x" * 500))) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert error.phase == "body"


@pytest.mark.parametrize("reads", [0, 1024])
def test_a_large_body_the_peer_hardly_reads_ends_with_the_deadline(reads: int) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while not stopping.wait(0.01):
            if reads:
                sock.recv(reads)

    body = bytes(20 * MIB)
    with Peer(serve) as peer, opened() as client:
        error = times_out(client.post, peer.url(), body=body)

    assert (error.phase, error.maybe_sent, error.retryable) == ("send", True, False)


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))
        sock.sendall(OK)
        heads.append(sock.recv(100))

    with Peer(serve) as peer, contextlib.closing(direct()) as transport:
        request = Request.build("GET", peer.url())
        with contextlib.closing(transport.send(request, config=Config(), deadline=deadline())) as answer:
            answer.read(10)
        error = fails(RequestTimeoutError, transport.send, request, config=Config(), deadline=deadline(0.0))

    assert (error.phase, error.maybe_sent) == ("send", False)
    assert len(heads) == 1 or heads[1] == b""


def test_the_next_call_works_after_a_time_out() -> None:
    with Peer(answering(OK)) as peer, Peer(silent) as hanging, opened() as client:
        fails(RequestTimeoutError, client.get, hanging.url(), config=Config(timeout=0.05))

        assert client.get(peer.url()).body == b"ok"
