"""One exchange over a connection: what is sent, what is read after a failure, and the end from another thread."""

from __future__ import annotations

import errno
import gc
import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp import ClosedError, Config, ProtocolError, ReceiveError, Request, SendError, TLSError
from fluxhttp._core.config import DEFAULT_LIMITS
from fluxhttp._wire.carrying import Carrying, is_repeatable
from fluxhttp._wire.stream import Stream
from fluxhttp_conformance.machine import Stopwatch
from tests.peers import OK, PATIENCE, Background, FailingSocket, MemorySocket, deadline, fails

if TYPE_CHECKING:
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.url import URL
    from fluxhttp._wire.network import Network, Opening

REQUEST = Request.build("POST", "http://a.test/x?y=1", body=b"body")


class Connection(Carrying, http.client.HTTPConnection):
    """A connection that is its own owner."""

    def __init__(self) -> None:
        super().__init__("a.test")
        self.told: list[bool] = []

    def answer_closed(self, *, reusable: bool) -> None:
        self.told.append(reusable)


class BrokenSocket(MemorySocket):
    """One that takes nothing more, but may have something to say."""

    def sendall(self, data: bytes, /) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def over(sock: MemorySocket) -> Connection:
    connection = Connection()
    connection.sock = Stream(sock)
    connection.sock.begin(deadline())
    return connection


def exchange(sock: MemorySocket, request: Request = REQUEST) -> tuple[Connection, bytes]:
    connection = over(sock)
    answer = connection.exchange(request, DEFAULT_LIMITS, connection)
    body = answer.read()
    answer.close()
    return connection, body


def test_head_and_small_body_go_out_in_one_piece() -> None:
    sock = MemorySocket(OK)

    connection, body = exchange(sock)

    assert body == b"ok"
    assert bytes(sock.sent) == REQUEST.to_bytes()
    assert connection.told == [True]


def test_an_answer_that_came_before_the_connection_broke_is_the_answer() -> None:
    connection, body = exchange(BrokenSocket(b"HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig"))

    assert body == b"big"
    assert connection.told == [False]


@pytest.mark.parametrize(
    "pieces", [[], [b"HTTP/1.1 4"], [b"rubbish"], [ConnectionResetError()]], ids=["end", "part", "rubbish", "reset"]
)
def test_a_broken_connection_without_a_whole_answer_is_a_send_error(pieces: list[bytes]) -> None:
    error = fails(SendError, exchange, BrokenSocket(*pieces))

    assert str(error) == "the connection broke: broken pipe"
    assert (error.phase, error.maybe_sent) == ("send", True)


@pytest.mark.parametrize("seconds", [None, PATIENCE, 0.05])
def test_a_write_that_fails_on_a_connection_that_lives_waits_a_moment_at_most(seconds: float | None) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sock = FailingSocket(ours, sendall=PermissionError(errno.EPERM, "Operation not permitted"))
        connection = Connection()
        connection.sock = Stream(sock)
        connection.sock.begin(deadline(seconds))
        watch = Stopwatch()

        error = fails(SendError, connection.exchange, REQUEST, DEFAULT_LIMITS, connection)

        assert watch.own_seconds() < 0.3
    assert str(error) == "the connection broke: operation not permitted"


def test_an_answer_that_comes_a_moment_after_a_write_failed_has_the_whole_deadline_for_its_body() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sock = FailingSocket(ours, sendall=BrokenPipeError(errno.EPIPE, "Broken pipe"))
        connection = Connection()
        connection.sock = Stream(sock)
        connection.sock.begin(deadline(PATIENCE))
        theirs.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\n")
        answer = connection.exchange(REQUEST, DEFAULT_LIMITS, connection)
        reading = Background(answer.read, 3)
        time.sleep(0.2)

        theirs.sendall(b"big")

        assert reading.wait().result == b"big"


def test_a_tls_alert_that_came_before_the_connection_broke_is_the_reason() -> None:
    alert = ssl.SSLError(1, "certificate required")
    alert.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"

    error = fails(TLSError, exchange, BrokenSocket(alert))

    assert str(error) == "TLS failed: tlsv13 alert certificate required"
    assert isinstance(error.__cause__, SendError)


@pytest.mark.parametrize(("piece", "kind"), [(b"rubbish", ProtocolError), (b"", ReceiveError)])
def test_an_answer_that_failed_gives_nothing_back_not_even_when_it_is_finalized(piece: bytes, kind: type) -> None:
    connection = over(MemorySocket(piece))
    fails(kind, connection.exchange, REQUEST, DEFAULT_LIMITS, connection)

    gc.collect()

    assert connection.told == []


@pytest.mark.parametrize(
    ("method", "headers", "repeatable"),
    [
        ("GET", None, True),
        ("HEAD", None, True),
        ("POST", None, False),
        ("PUT", None, False),
        ("DELETE", None, False),
        ("PATCH", None, False),
        ("POST", {"idempotency-KEY": "1"}, True),
    ],
)
def test_what_may_be_sent_again_on_its_own(method: str, headers: dict[str, str] | None, repeatable: bool) -> None:
    assert is_repeatable(Request.build(method, "http://a.test/", headers=headers)) is repeatable


# The end from another thread


class OpeningNetwork:
    """Makes a connection in memory, which is aborted just when it stands."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sock = MemorySocket(OK)

    def open(self, url: URL, proxy: Proxy | None, config: Config, opening: Opening) -> Stream:
        self._connection.abort()
        return Stream(self.sock)


def opened(connection: Connection, network: OpeningNetwork) -> None:
    as_network: Network = network  # type: ignore[assignment]  # as far as it is used here
    connection.open(as_network, REQUEST, None, Config(), deadline())


def test_a_connection_aborted_just_when_it_stands_ends_its_call() -> None:
    connection = Connection()
    network = OpeningNetwork(connection)

    opened(connection, network)

    assert network.sock.is_shut
    network.sock.recv(1000)
    fails(ClosedError, connection.exchange, REQUEST, DEFAULT_LIMITS, connection)


def test_a_connection_aborted_before_it_is_opened_is_not_opened() -> None:
    connection = Connection()
    network = OpeningNetwork(connection)
    connection.abort()

    fails(ClosedError, opened, connection, network)

    assert not network.sock.is_shut
