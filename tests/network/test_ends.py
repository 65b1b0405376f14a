"""Connections that end: one that was used before (decision D12), and one that is closed under a call."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Client, ClosedError, Config, ReceiveError, SendError, open_transport
from tests.peers import (
    PATIENCE,
    Background,
    Peer,
    Stale,
    answering_in_part,
    fails,
    nothing_leaks,
    reading_nothing,
    reset,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.network.conftest import OpenClient


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
            started = time.monotonic()

            transport.close()

            error = call.wait().error
            assert time.monotonic() - started < 0.3
        assert type(error) is ClosedError
        assert error.method == "POST"
        fails(ClosedError, client.get, peer.url())
