"""One answer off a stream: its head, its body in each framing, its end."""

from __future__ import annotations

import http.client
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp import (
    ClosedError,
    HeadTooLargeError,
    IncompleteBodyError,
    Limits,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
)
from fluxhttp._wire.reader import INTERIM_MAX, StrictResponse
from fluxhttp._wire.stream import Stream
from tests.peers import MemorySocket, deadline, each, fails

if TYPE_CHECKING:
    from collections.abc import Sequence

GIB = 2**30
MIB = 2**20
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


class Owner:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def answer_closed(self, *, reusable: bool) -> None:
        self.told.append(reusable)


def answer_of(*pieces: bytes | BaseException, method: str = "GET", limits: Limits | None = None) -> StrictResponse:
    """An answer that is still to be begun; the request was sent."""
    stream = Stream(MemorySocket(*pieces))
    stream.begin(deadline())
    stream.sendall(b"request")
    return StrictResponse(stream, method=method, limits=limits or Limits(), owner=Owner())


def begun(*pieces: bytes | BaseException, method: str = "GET", limits: Limits | None = None) -> StrictResponse:
    answer = answer_of(*pieces, method=method, limits=limits)
    answer.begin()
    return answer


def whole(answer: StrictResponse, size: int = 1000) -> bytes:
    return b"".join(iter(lambda: answer.read(size), b""))


def told(answer: StrictResponse) -> list[bool]:
    """What the owner is told when the answer is closed, twice."""
    owner = answer.owner
    assert isinstance(owner, Owner)
    answer.close()
    answer.close()
    return owner.told


# Head


def test_an_answer_is_one_of_http_client_s_with_our_head() -> None:
    answer = begun(b"HTTP/1.0 299 Fine by me\r\nX-A: 1\r\nx-a: 2\r\n\r\n")

    assert isinstance(answer, http.client.HTTPResponse)
    assert (answer.status_code, answer.status, answer.reason, answer.http_version) == (
        299,
        299,
        "Fine by me",
        "HTTP/1.0",
    )
    assert answer.headers.multi_items() == (("X-A", "1"), ("x-a", "2"))


@pytest.mark.parametrize("cut", range(1, len(PLAIN)))
def test_a_head_may_be_cut_anywhere(cut: int) -> None:
    answer = begun(PLAIN[:cut], PLAIN[cut:] + b"hello")

    assert whole(answer) == b"hello"
    assert told(answer) == [True]


def test_a_head_may_come_byte_by_byte() -> None:
    answer = begun(*each(INTERIM + PLAIN + b"hello"))

    assert whole(answer) == b"hello"
    assert told(answer) == [True]


@pytest.mark.parametrize("cut", [0, 1, 10, len(INTERIM)])
def test_interim_answers_are_skipped(cut: int) -> None:
    data = INTERIM * INTERIM_MAX + PLAIN + b"hello"

    answer = begun(data[:cut], data[cut:]) if cut else begun(data)

    assert answer.status_code == 200
    assert whole(answer) == b"hello"


def test_one_interim_answer_too_many_is_refused() -> None:
    error = fails(ProtocolError, begun, INTERIM * (INTERIM_MAX + 1) + PLAIN)

    assert error.phase == "head"
    assert str(error) == "more than 100 interim answers"


def test_a_101_that_nobody_asked_for_is_refused() -> None:
    error = fails(ProtocolError, begun, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")

    assert error.phase == "head"


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([], "the peer closed the connection before it answered"),
        ([INTERIM], "the peer closed the connection before it answered"),
        ([PLAIN[:1]], "the peer closed the connection in the middle of the head"),
        ([PLAIN[:20]], "the peer closed the connection in the middle of the head"),
        ([PLAIN[:-1]], "the peer closed the connection in the middle of the head"),
        ([ConnectionResetError()], "the connection broke: ConnectionResetError"),
    ],
)
def test_a_peer_that_goes_away_before_the_head_is_a_receive_error(pieces: list[bytes], text: str) -> None:
    error = fails(ReceiveError, begun, *pieces)

    assert str(error).lower() == text.lower()
    assert (error.phase, error.maybe_sent) == ("head", True)


@pytest.mark.parametrize(
    "start", [b"<html>", b"\x15\x03\x03", b"SSH-2.0-x\r\n", b"\r\nHTTP/1.1 200 OK", b"HTTP/2", b"h"]
)
def test_what_cannot_become_a_status_line_is_refused_without_waiting_for_more(start: bytes) -> None:
    error = fails(ProtocolError, begun, start, KeyboardInterrupt())

    assert error.phase == "head"


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_head_over_its_limit_is_refused(pieces: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000 + b"\r\n\r\n"
    size = -(-len(head) // pieces)
    cut = [head[start : start + size] for start in range(0, len(head), size)]

    at_the_limit = begun(*cut, limits=Limits(head=len(head)))
    error = fails(HeadTooLargeError, begun, *cut, limits=Limits(head=len(head) - 1))

    assert at_the_limit.status_code == 200
    assert (error.limit, error.allowed) == ("head", len(head) - 1)


def test_a_head_without_end_is_refused_at_its_limit() -> None:
    error = fails(HeadTooLargeError, begun, b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 1000] * 1000, limits=Limits(head=9000))

    assert error.limit == "head"


# Body of known length


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_at_most_the_asked_size_is_read(size: int) -> None:
    answer = begun(PLAIN + b"hel", b"lo")

    pieces = list(iter(lambda: answer.read(size), b""))

    assert b"".join(pieces) == b"hello"
    assert max(map(len, pieces)) <= size
    assert told(answer) == [True]


def test_a_read_without_size_is_the_whole_body() -> None:
    assert begun(PLAIN + b"hello").read() == b"hello"
    assert begun(CHUNKED + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n").read() == b"hello!"


@pytest.mark.parametrize("size", [0, -1])
def test_a_read_of_nothing_is_nothing(size: int) -> None:
    answer = begun(PLAIN + b"hello")

    assert answer.read(size) == b""

    assert answer.read(5) == b"hello"


def test_a_large_body_may_come_after_its_head() -> None:
    size = 3 * MIB
    answer = begun(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size, *[b"x" * 65_536] * 48)

    assert answer.read(size) == b"x" * size

    assert told(answer) == [True]


@pytest.mark.parametrize("end", [None, ConnectionResetError(), TimeoutError(110, "Connection timed out")])
def test_a_body_that_ends_early_says_how_much_came(end: BaseException | None) -> None:
    answer = begun(PLAIN + b"he", b"l", *([] if end is None else [end]))

    error = fails(IncompleteBodyError, answer.read, 5)

    assert (error.received, error.expected) == (3, 5)
    assert (error.phase, error.maybe_sent) == ("body", True)
    assert str(error).endswith("after 3 of 5 bytes")
    assert error.__cause__ is end
    assert told(answer) == [False]


def test_bytes_read_before_count_as_received() -> None:
    answer = begun(PLAIN + b"he", b"l")
    assert answer.read(2) == b"he"

    error = fails(IncompleteBodyError, answer.read, 3)

    assert error.received == 3


def test_a_time_out_in_a_body_is_a_time_out() -> None:
    error = fails(RequestTimeoutError, begun(PLAIN + b"he", TimeoutError()).read, 5)

    assert error.phase == "body"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4294967296\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n100000000\r\nhello"]
)
@pytest.mark.parametrize("size", [131_072, 4 * GIB])
def test_four_gigabytes_that_are_merely_declared_cost_nothing(framing: bytes, size: int) -> None:
    answer = begun(b"HTTP/1.1 200 OK\r\n" + framing)
    is_chunked = b"chunked" in framing
    tracemalloc.start()
    try:
        if is_chunked:
            assert answer.read(size) == b"hello"
        error = fails(IncompleteBodyError, answer.read, size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (error.received, error.expected) == (5, None if is_chunked else 4 * GIB)
    assert peak < MIB


# To the end of the connection


def test_a_body_without_length_lasts_until_the_end() -> None:
    answer = begun(TO_THE_END + b"hel", b"lo", b" world")

    assert answer.read(2) == b"he"
    assert whole(answer, 3) == b"llo world"
    assert told(answer) == [False]


def test_a_body_without_length_that_is_reset_is_incomplete() -> None:
    answer = begun(TO_THE_END + b"hello", ConnectionResetError())
    answer.read(100)

    error = fails(IncompleteBodyError, answer.read, 100)

    assert (error.received, error.expected) == (5, None)


# Chunks


def chunk_ends() -> list[bytes]:
    """A chunked body cut at every place."""
    body = b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
    return [body[:end] for end in range(len(body))]


@pytest.mark.parametrize("size", [1, 3, 5, 1000])
@pytest.mark.parametrize("by_byte", [False, True])
def test_chunks_are_put_together(size: int, by_byte: bool) -> None:
    data = CHUNKED + b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n"

    answer = begun(*(each(data) if by_byte else [data]))

    assert whole(answer, size) == b"hello world"
    assert answer.headers.multi_items() == (("Transfer-Encoding", "chunked"),)
    assert told(answer) == [True]


@pytest.mark.parametrize("body", chunk_ends(), ids=len)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_chunked_body_cut_anywhere_is_incomplete_and_says_how_much_came(body: bytes, size: int) -> None:
    answer = begun(CHUNKED + body)
    came = body[7:12] + body[17:23]

    error = fails(IncompleteBodyError, whole, answer, size)

    assert (error.received, error.expected) == (len(came), None)
    assert told(answer) == [False]


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhelloX\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"x\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
        b"5" + b" " * 5000,
        b"0\r\nbad trailer\r\n\r\n",
        b"0\r\n" + b"X: 1\r\n" * 1000 + b"\r\n",
        b"0\r\n" + b"X: 1\r\n" * 682 + b"X:1\r\n" + b"\r\n",
        b"0\r\nX: " + b"x" * 5000,
    ],
)
@pytest.mark.parametrize("by_byte", [False, True])
def test_malformed_framing_in_a_body_is_refused(body: bytes, by_byte: bool) -> None:
    answer = begun(*(each(CHUNKED + body) if by_byte else [CHUNKED + body]))

    error = fails(ProtocolError, whole, answer)

    assert (error.phase, error.maybe_sent) == ("body", True)
    assert told(answer) == [False]


def test_a_body_that_turned_out_malformed_stays_so() -> None:
    answer = begun(CHUNKED + b"x\r\n0\r\n\r\n")
    fails(ProtocolError, answer.read, 10)

    error = fails(ProtocolError, answer.read, 10)

    assert str(error) == "the body is malformed"
    assert (error.phase, error.maybe_sent) == ("body", True)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_trailers_are_dropped(end: bytes) -> None:
    answer = begun(CHUNKED + b"0\r\nX-T: 1" + end + b"X-U: 2" + end + end)

    assert whole(answer) == b""
    assert told(answer) == [True]


def test_too_many_trailers_are_over_the_limit_of_fields() -> None:
    answer = begun(CHUNKED + b"0\r\na:1\r\nb:2\r\nc:3\r\n\r\n", limits=Limits(fields=2))

    assert fails(HeadTooLargeError, whole, answer).limit == "fields"


def test_what_came_is_given_out_before_more_is_waited_for() -> None:
    answer = begun(CHUNKED + b"5\r\nhello\r\n5\r\nwor", KeyboardInterrupt())

    assert answer.read(1000) == b"hellowor"


@given(
    st.lists(st.binary(min_size=1, max_size=30), max_size=6),
    st.lists(st.integers(1, 60), max_size=10),
    st.integers(1, 99),
)
def test_chunks_read_the_same_however_they_are_cut(chunks: list[bytes], sizes: Sequence[int], size: int) -> None:
    data = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    pieces = []
    for step in sizes:
        pieces.append(data[:step])
        data = data[step:]

    answer = begun(*[piece for piece in [*pieces, data] if piece])

    assert whole(answer, size) == b"".join(chunks)
    assert told(answer) == [True]


# The end


@pytest.mark.parametrize(
    ("data", "method", "reusable"),
    [
        (b"HTTP/1.1 204 No\r\n\r\n", "GET", True),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", "GET", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus", "GET", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HEAD", False),
        (b"HTTP/1.1 204 No\r\n\r\nbody", "GET", False),
        (PLAIN + b"hellosurplus", "GET", False),
        (CHUNKED + b"0\r\n\r\nsurplus", "GET", False),
    ],
)
def test_a_connection_is_given_back_if_nothing_is_left_on_it(data: bytes, method: str, reusable: bool) -> None:
    answer = begun(data, method=method)

    whole(answer)

    assert told(answer) == [reusable]


def test_a_body_that_was_not_read_whole_costs_the_connection() -> None:
    answer = begun(PLAIN + b"hello")
    answer.read(4)

    assert not answer.is_reusable
    assert told(answer) == [False]


def test_a_connection_given_up_is_not_given_back() -> None:
    answer = begun(PLAIN + b"hello")
    answer.give_up_connection()
    whole(answer)

    assert told(answer) == [False]


def test_an_answer_that_was_never_begun_costs_the_connection() -> None:
    assert told(answer_of()) == [False]


def test_an_answer_of_nobody_is_closed_all_the_same() -> None:
    answer = begun(PLAIN + b"hello")
    answer.owner = None

    answer.close()

    assert answer.closed
    with pytest.raises(ClosedError):
        answer.read(5)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(), MemoryError()], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("data", [PLAIN, CHUNKED + b"5\r\n", TO_THE_END])
def test_an_interrupted_body_costs_the_connection(data: bytes, raised: BaseException) -> None:
    answer = begun(data, raised)

    with pytest.raises(type(raised)):
        answer.read(5)

    assert told(answer) == [False]
