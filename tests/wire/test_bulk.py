"""Bodies of known length: whole, once in memory, and no memory for what is merely declared."""

from __future__ import annotations

import socket
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp import ReceiveError
from fluxhttp._wire.bulk import LargeRead, SmallRead
from fluxhttp._wire.stream import Stream
from tests.peers import Background, MemorySocket, deadline, each, fails

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1_048_576
KINDS = [SmallRead, LargeRead]
kinds = pytest.mark.parametrize("kind", KINDS)


def stream_of(*pieces: bytes | BaseException) -> Stream:
    stream = Stream(MemorySocket(*pieces))
    stream.begin(deadline())
    return stream


def peak_of(call: Callable[[], object]) -> tuple[object, int]:
    """What a call returns, and the most memory it held."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@kinds
def test_a_body_in_pieces_is_put_together(kind: type[SmallRead]) -> None:
    stream = stream_of(b"hello", b" ", b"world", b"next")

    assert kind(stream, 11).read() == b"hello world"

    assert stream.receive("head") == b"next"


@kinds
def test_what_the_buffer_holds_comes_first_and_its_rest_stays(kind: type[SmallRead]) -> None:
    stream = stream_of(b"hello world, next")
    stream.fill("head")

    assert kind(stream, 11).read() == b"hello world"

    assert stream.take(100) == b", next"


@kinds
@pytest.mark.parametrize("came", [b"", b"hel"])
def test_the_end_of_the_stream_ends_a_body_early(kind: type[SmallRead], came: bytes) -> None:
    reading = kind(stream_of(*([came] if came else [])), 10)

    assert reading.read() == came

    assert reading.missing == 10 - len(came)


@kinds
def test_an_error_says_how_much_was_missing(kind: type[SmallRead]) -> None:
    reading = kind(stream_of(b"hello", ConnectionResetError()), 10)

    fails(ReceiveError, reading.read)

    assert reading.missing == 5


def test_a_large_body_whose_first_part_never_comes_ends_before_memory_is_asked_for() -> None:
    reading = LargeRead(stream_of(b"x" * 1000), 64 * MIB)

    data, peak = peak_of(reading.read)

    assert data == b"x" * 1000
    assert peak < MIB // 4


def test_a_large_body_that_stops_half_way_is_what_came() -> None:
    half = b"x" * MIB

    data = LargeRead(stream_of(half, half), 4 * MIB).read()

    assert data == half + half


@pytest.mark.cost
def test_the_cost_of_a_large_body_does_not_grow_with_the_square_of_its_pieces() -> None:
    count = 100_000
    body = bytes(count) + bytes(MIB) * 6
    stream = stream_of(*each(body[:count]), body[count:])
    started = time.process_time()

    data = LargeRead(stream, len(body)).read()

    assert data == body
    assert time.process_time() - started < 2.0


def test_a_piece_may_be_larger_than_the_room_that_is_offered_at_first() -> None:
    body = bytes(range(256)) * 100
    stream = stream_of(body + b"next")
    stream.fill("head")

    assert LargeRead(stream, len(body)).read() == body

    assert stream.take(100) == b"next"


def test_a_large_body_is_in_memory_once() -> None:
    size = 32 * MIB
    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = bytes(size)
        sending = Background(theirs.sendall, body)
        stream = Stream(ours)
        stream.begin(deadline())

        data, peak = peak_of(lambda: LargeRead(stream, size).read())

        assert data == body
        assert type(data) is bytes
        sending.wait()
    assert peak <= size + 2 * MIB


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=12), st.integers(0, 200), st.integers(0, 60))
def test_both_kinds_read_the_same_however_it_is_cut(pieces: list[bytes], size: int, before: int) -> None:
    whole = b"".join(pieces)
    streams = [stream_of(*pieces), stream_of(*pieces)]
    for stream in streams:
        while before and stream.position + len(stream.take(0)) == len(stream.buffer) and stream.fill("head"):
            stream.take(before)

    results = [kind(stream, size).read() for kind, stream in zip(KINDS, streams, strict=True)]

    assert results[0] == results[1]
    assert results[0] in whole
