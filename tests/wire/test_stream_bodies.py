"""Large bodies over one connection, and what the peer says meanwhile."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from fluxhttp import (
    Deadline,
    RequestTimeoutError,
    SendError,
)
from fluxhttp._wire.stream import SEND_SLICE_BYTES, Stream, begins_final_answer
from tests.peers import SECONDS, Background, ManualClock, begun, deadline, drained, fails, reset, times_out

MIB = 1_048_576
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("seconds", [None, 5.0])
def test_a_large_body_reaches_a_slow_reader_whole(seconds: float | None, pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours, seconds)
    size = 3 * SEND_SLICE_BYTES + 1
    reader = Background(drained, theirs, size)

    assert stream.send_body(bytes(size))

    assert reader.wait().result == size
    theirs.sendall(b"x")
    assert stream.receive("head") == b"x"


def test_the_last_answer_on_a_connection_is_not_taken_for_the_next_one(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    stream.fill("head")
    stream.take(100)
    stream.begin(deadline())
    reader = Background(drained, theirs, MIB)

    assert stream.send_body(bytes(MIB))

    assert reader.wait().result == MIB


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 413 Content Too Large\r\n\r\n",
        INTERIM + b"HTTP/1.0 401 No\r\n\r\n",
        INTERIM[:-4] + b"\n\nHTTP/1.1 200 OK\r\n\r\n",
        b"220 mail.test ESMTP\r\n",
    ],
    ids=["final", "after an interim one", "after bare line ends", "no HTTP"],
)
def test_a_peer_that_answers_and_does_not_read_is_heard(answer: bytes, pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    sending = Background(stream.send_body, bytes(32 * MIB))
    assert not sending.is_over

    theirs.sendall(answer)

    assert sending.wait().result is False
    assert stream.take(100) == answer
    assert stream.received


def test_interim_answers_do_not_stop_a_body(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    sending = Background(stream.send_body, bytes(16 * MIB))
    for piece in (INTERIM[:5], INTERIM[5:12], INTERIM[12:], INTERIM, b"HTTP/1.1 103 Early Hints\r\n"):
        theirs.sendall(piece)

    reader = Background(drained, theirs, 16 * MIB)

    assert sending.wait().result is True
    assert reader.wait().result == 16 * MIB
    assert stream.take(1000).startswith(INTERIM + INTERIM)


def test_endless_interim_answers_stop_a_body_instead_of_filling_memory(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    sending = Background(stream.send_body, bytes(32 * MIB))
    talking = threading.Event()

    def talk() -> None:
        with contextlib.suppress(OSError):
            while not talking.is_set():
                theirs.sendall(INTERIM * 100)

    talker = Background(talk)

    assert sending.wait().result is False

    talking.set()
    ours.close()
    talker.wait()
    assert len(stream.buffer) < 256 * 1024


def test_a_peer_that_goes_away_in_the_middle_of_a_body_is_a_send_error(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    stream.sendall(b"head")
    theirs.recv(100)
    theirs.shutdown(socket.SHUT_WR)

    error = fails(SendError, stream.send_body, bytes(32 * MIB))

    assert error.maybe_sent
    assert str(error) == "the connection broke: the peer closed it"


def test_a_reset_in_the_middle_of_a_body_is_a_send_error(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    stream = begun(ours)
    sending = Background(stream.send_body, bytes(32 * MIB))
    drained(theirs, MIB)

    reset(theirs)

    error = sending.wait().error
    assert type(error) is SendError
    assert error.phase == "send"


def test_a_peer_that_does_not_read_ends_with_the_deadline(pair: tuple[socket.socket, ...]) -> None:
    body = bytes(32 * MIB)

    error = times_out(lambda **_: begun(pair[0], SECONDS).send_body(body))

    assert error.phase == "send"


def test_a_peer_that_reads_a_little_now_and_then_ends_with_the_deadline(pair: tuple[socket.socket, ...]) -> None:
    ours, theirs = pair
    body = bytes(32 * MIB)
    over = threading.Event()

    def sip() -> None:
        while not over.wait(0.01):
            theirs.recv(1024)

    sipping = Background(sip)

    error = times_out(lambda **_: begun(ours, SECONDS).send_body(body))

    over.set()
    sipping.wait()
    assert error.phase == "send"


def test_a_deadline_that_has_passed_sends_nothing_of_a_body(pair: tuple[socket.socket, ...]) -> None:
    clock = ManualClock()
    stream = Stream(pair[0])
    stream.begin(Deadline.after(1.0, clock))
    clock.now += 1

    error = fails(RequestTimeoutError, stream.send_body, b"body")

    assert (error.phase, error.maybe_sent) == ("send", False)


@pytest.mark.parametrize(
    ("data", "is_final"),
    [
        (b"", False),
        (b"HTT", False),
        (b"HTTP/1.1 ", False),
        (b"HTTP/1.1 1", False),
        (b"HTTP/1.1 2", True),
        (b"HTTP/1.1   1", False),
        (b"HTTP/1.1   2", True),
        (b"HTTP/2 200", True),
        (b"\r\n", True),
        (INTERIM, False),
        (INTERIM + b"HTTP/1.", False),
        (INTERIM + b"HTTP/1.1 500", True),
        (INTERIM + b"x", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
    ],
)
def test_the_start_of_a_final_answer(data: bytes, is_final: bool) -> None:
    assert begins_final_answer(data) is is_final
