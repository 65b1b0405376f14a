"""One connection: its time-outs, its buffer, and what becomes of a socket's errors."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from fluxhttp import (
    ClosedError,
    Deadline,
    ReceiveError,
    RequestTimeoutError,
    SendError,
)
from fluxhttp._wire.stream import Stream
from fluxhttp._wire.waiting import SECONDS_MAX
from tests.peers import Background, FailingSocket, ManualClock, MemorySocket, begun, deadline, fails

MIB = 1_048_576
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
#: What a socket's methods may raise, whatever the socket.
RAISED = [
    OSError(errno.EIO, "Input/output error"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    ValueError("file descriptor cannot be a negative integer (-1)"),
    OverflowError("timeout doesn't fit into C timeval"),
    UnicodeError("a text"),
]
names = pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)


# Time


def test_each_operation_may_take_what_is_left_of_the_deadline() -> None:
    clock = ManualClock()
    sock = MemorySocket(b"a", b"b", b"c")
    stream = Stream(sock)
    stream.begin(Deadline.after(8.0, clock))

    stream.sendall(b"request")
    clock.now += 1
    stream.receive("head")
    clock.now += 2
    stream.fill("body")
    clock.now += 4
    stream.receive_into(memoryview(bytearray(1)), "body")

    assert sock.timeouts == [8.0, 7.0, 5.0, 1.0]


def test_a_deadline_that_is_a_moment_counts_like_one_of_so_many_seconds() -> None:
    clock = ManualClock()
    sock = MemorySocket(b"a")
    stream = Stream(sock)
    stream.begin(Deadline(clock.monotonic() + 8.0, clock))

    stream.receive("head")
    clock.now += 9

    assert sock.timeouts == [8.0]
    error = fails(RequestTimeoutError, stream.receive, "head")
    assert str(error) == "the deadline passed while waiting for the answer's head"


def test_nothing_is_asked_of_a_socket_once_the_deadline_has_passed() -> None:
    clock = ManualClock()
    sock = MemorySocket(b"a")
    stream = Stream(sock)
    stream.begin(Deadline.after(1.0, clock))
    clock.now += 1

    errors = [
        fails(RequestTimeoutError, stream.sendall, b"request"),
        fails(RequestTimeoutError, stream.receive, "head"),
        fails(RequestTimeoutError, stream.receive_into, memoryview(bytearray(1)), "body"),
    ]

    assert [(error.phase, error.maybe_sent) for error in errors] == [("send", False), ("head", False), ("body", False)]
    assert not sock.sent
    assert sock.timeouts == []


def test_a_call_without_time_out_takes_the_last_one_s_off_the_socket_once() -> None:
    sock = MemorySocket(b"a", b"b", b"c")
    stream = begun(sock, 5.0)
    stream.receive("head")
    stream.begin(deadline())

    stream.receive("head")
    stream.receive("body")

    assert sock.timeouts == [pytest.approx(5.0, abs=0.1), None]


def test_a_time_out_of_centuries_is_shortened_to_what_a_socket_takes() -> None:
    sock = MemorySocket(b"a")

    begun(sock, 1e300).receive("head")

    assert sock.timeouts == [SECONDS_MAX]


@pytest.mark.parametrize(("phase", "name"), [("head", "recv"), ("body", "recv_into"), ("send", "sendall")])
def test_a_socket_s_time_out_is_the_deadline_s(phase: str, name: str, pair: tuple[socket.socket, ...]) -> None:
    stream = begun(FailingSocket(pair[0], **{name: TimeoutError("timed out")}), 5.0)
    calls = {
        "recv": lambda: stream.receive("head"),
        "recv_into": lambda: stream.receive_into(memoryview(bytearray(1)), "body"),
        "sendall": lambda: stream.sendall(b"request"),
    }

    error = fails(RequestTimeoutError, calls[name])

    assert (error.phase, error.maybe_sent) == (phase, name == "sendall")
    assert "the deadline of 5 s passed" in str(error)


def test_the_system_s_own_time_out_of_a_dead_peer_is_no_deadline(pair: tuple[socket.socket, ...]) -> None:
    stream = begun(FailingSocket(pair[0], recv=TimeoutError(errno.ETIMEDOUT, "Connection timed out")))

    error = fails(ReceiveError, stream.receive, "head")

    assert str(error) == "the connection broke: connection timed out"


# The buffer


def test_what_is_taken_leaves_the_rest_in_the_buffer() -> None:
    stream = begun(MemorySocket(b"hello", b" world"))
    assert stream.fill("head")
    first = stream.take(2)

    assert stream.fill("head")

    assert (first, stream.take(4), stream.take(100), stream.take(1)) == (b"he", b"llo ", b"world", b"")


def test_the_end_of_the_stream_fills_nothing() -> None:
    stream = begun(MemorySocket(b"a"))
    stream.fill("head")

    assert not stream.fill("head")

    assert stream.take(10) == b"a"
    assert stream.receive_into(memoryview(bytearray(1)), "body") == 0


def test_a_call_begins_with_nothing_sent_or_received() -> None:
    stream = begun(MemorySocket(b"ab"))
    stream.sendall(b"request")
    stream.fill("head")
    assert (stream.sent, stream.received) == (True, True)

    stream.begin(deadline())

    assert (stream.sent, stream.received) == (False, False)
    assert stream.take(2) == b"ab"


# Errors of the socket


@names
def test_a_failed_read_is_a_receive_error(raised: BaseException, pair: tuple[socket.socket, ...]) -> None:
    sock = FailingSocket(pair[0], recv=raised, recv_into=raised)
    stream = begun(sock)
    stream.sendall(b"request")

    errors = [
        fails(ReceiveError, stream.receive, "head"),
        fails(ReceiveError, stream.receive_into, memoryview(bytearray(1)), "body"),
    ]

    assert [(error.phase, error.maybe_sent) for error in errors] == [("head", True), ("body", True)]
    assert all(error.__cause__ is raised for error in errors)


@names
def test_a_failed_write_is_a_send_error(raised: BaseException, pair: tuple[socket.socket, ...]) -> None:
    stream = begun(FailingSocket(pair[0], sendall=raised, send=raised))

    errors = [fails(SendError, stream.sendall, b"request"), fails(SendError, stream.send_body, b"body")]

    assert [(error.phase, error.maybe_sent) for error in errors] == [("send", True), ("send", True)]
    assert all(error.__cause__ is raised for error in errors)


@names
@pytest.mark.parametrize("name", ["fileno", "settimeout", "recv"])
def test_any_operation_may_fail_while_a_body_is_sent(
    name: str, raised: BaseException, pair: tuple[socket.socket, ...]
) -> None:
    pair[1].sendall(INTERIM)
    stream = begun(FailingSocket(pair[0], **{name: raised}))

    error = fails(SendError, stream.send_body, b"body")

    assert error.__cause__ is raised


@names
def test_a_time_out_that_cannot_be_set_is_an_error_of_what_it_was_for(
    raised: BaseException, pair: tuple[socket.socket, ...]
) -> None:
    stream = begun(FailingSocket(pair[0], settimeout=raised), 5.0)

    receiving = fails(ReceiveError, stream.receive, "head")
    sending = fails(SendError, stream.sendall, b"request")

    assert (receiving.phase, receiving.maybe_sent) == ("head", False)
    assert (sending.phase, sending.maybe_sent) == ("send", False)


@names
@pytest.mark.parametrize("name", ["fileno", "settimeout", "recv", "pending"])
def test_a_connection_whose_socket_fails_is_not_idle(
    name: str, raised: BaseException, pair: tuple[socket.socket, ...]
) -> None:
    pair[1].sendall(b"x")
    sock = FailingSocket(pair[0], **{name: raised})
    if name == "pending":
        sock.pending = lambda: sock._call("pending")  # type: ignore[attr-defined]
    stream = begun(sock)

    assert not stream.is_idle()


@names
def test_ending_a_connection_never_fails(raised: BaseException, pair: tuple[socket.socket, ...]) -> None:
    stream = begun(FailingSocket(pair[0], shutdown=raised, close=raised))

    stream.abort()
    stream.close()
    stream.close()

    assert pair[0].fileno() == -1


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(), MemoryError()], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("name", ["recv", "sendall", "settimeout", "send", "fileno"])
def test_what_is_no_error_of_the_network_passes_through(
    name: str, raised: BaseException, pair: tuple[socket.socket, ...]
) -> None:
    stream = begun(FailingSocket(pair[0], **{name: raised}))
    calls = {
        "recv": lambda: stream.receive("head"),
        "settimeout": lambda: stream.receive("head"),
        "sendall": lambda: stream.sendall(b"request"),
        "send": lambda: stream.send_body(b"body"),
        "fileno": lambda: stream.send_body(b"body"),
    }

    assert fails(type(raised), calls[name]) is raised


# Between calls


def test_a_quiet_connection_is_idle(pair: tuple[socket.socket, ...]) -> None:
    stream = begun(pair[0])

    assert stream.is_idle()
    assert stream.is_idle()


@pytest.mark.parametrize("speaks", [b"x", b"HTTP/1.1 408 Request Timeout\r\n\r\n", b""], ids=["byte", "408", "FIN"])
def test_a_connection_on_which_something_came_is_not_idle(speaks: bytes, pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    if speaks:
        theirs.sendall(speaks)
    else:
        theirs.shutdown(socket.SHUT_WR)

    assert not stream.is_idle()


def test_a_connection_with_a_surplus_in_its_buffer_is_not_idle(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    theirs.sendall(b"ab")
    stream.fill("head")
    stream.take(1)

    assert not stream.is_idle()


def test_a_closed_connection_is_not_idle(pair: tuple[socket.socket, ...]) -> None:
    stream = begun(pair[0])

    stream.close()

    assert not stream.is_idle()
    assert stream.fileno() == -1


def test_a_connection_is_closed_when_the_process_ends_and_its_module_is_gone(
    pair: tuple[socket.socket, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair
    stream = Stream(ours)
    for name in ("SOCKET_ERRORS", "suppress"):
        monkeypatch.setattr(f"fluxhttp._wire.stream.{name}", None)

    stream.close()

    assert ours.fileno() == -1


def test_a_reset_connection_is_not_idle(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    theirs.close()

    assert not stream.is_idle()


def test_a_tls_record_read_only_in_part_makes_a_connection_not_idle(pair: tuple[socket.socket, ...]) -> None:
    sock = FailingSocket(pair[0])
    sock.pending = lambda: 3  # type: ignore[attr-defined]

    assert not begun(sock).is_idle()


# The end from another thread


@pytest.mark.parametrize("what", ["receive", "receive_into", "send_body", "sendall"])
@pytest.mark.parametrize("seconds", [None, 5.0])
def test_an_aborted_call_ends_with_closed_error(
    what: str, seconds: float | None, pair: tuple[socket.socket, ...]
) -> None:
    stream = begun(pair[0], seconds)
    calls = {
        "receive": lambda: stream.receive("head"),
        "receive_into": lambda: stream.receive_into(memoryview(bytearray(1)), "body"),
        "send_body": lambda: stream.send_body(bytes(32 * MIB)),
        "sendall": lambda: stream.sendall(bytes(32 * MIB)),
    }
    call = Background(calls[what])
    assert not call.is_over

    stream.abort()

    assert type(call.wait(1.0).error) is ClosedError


def test_a_socket_in_memory_is_shut_down_by_its_own_method() -> None:
    sock = MemorySocket()
    stream = begun(sock)

    stream.abort()

    assert sock.is_shut
    assert type(fails(ClosedError, stream.receive, "head")) is ClosedError
    assert fails(ClosedError, stream.receive_into, memoryview(bytearray(1)), "body")


def test_a_stream_is_what_http_client_asks_of_a_socket() -> None:
    sock = MemorySocket()
    stream = Stream(sock)

    stream.sendall(b"before any call")
    stream.close()

    assert stream.sock is sock
    assert sock.is_closed
