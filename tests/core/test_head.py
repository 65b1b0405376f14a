"""Heads: status line and fields, strictly read (RFC 9112, 4 and 5; decision D10)."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxhttp._core import head as head_module
from fluxhttp._core.config import Limits
from fluxhttp._core.head import Head, find_head_end, next_head, parse_fields, parse_head
from fluxhttp.errors import HeadTooLargeError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits()


def status(line: bytes) -> tuple[str, int, str]:
    head = parse_head(line + b"\r\n", LIMITS)
    assert head.headers.multi_items() == ()
    return head.http_version, head.status_code, head.reason


def fields(*lines: bytes) -> tuple[tuple[str, str], ...]:
    return parse_head(b"HTTP/1.1 200 OK\r\n" + b"".join(lines), LIMITS).headers.multi_items()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.1 200 OK", ("HTTP/1.1", 200, "OK")),
        (b"HTTP/1.0 404 Not Found", ("HTTP/1.0", 404, "Not Found")),
        (b"HTTP/1.1 200 ", ("HTTP/1.1", 200, "")),
        (b"HTTP/1.1 200", ("HTTP/1.1", 200, "")),
        (b"HTTP/1.1   200 OK", ("HTTP/1.1", 200, "OK")),
        (b"HTTP/1.1 200  O  K ", ("HTTP/1.1", 200, " O  K ")),
        (b"HTTP/1.1 200 Na\xefve\t\xff", ("HTTP/1.1", 200, "Na\xefve\t\xff")),
        (b"HTTP/1.2 100 Continue", ("HTTP/1.2", 100, "Continue")),
        (b"HTTP/1.1 999 ?", ("HTTP/1.1", 999, "?")),
    ],
)
def test_a_status_line_is_read(line: bytes, expected: tuple[str, int, str]) -> None:
    assert status(line) == expected
    assert status(line) == expected  # as remembered
    assert parse_head(line + b"\n", LIMITS).status_code == expected[1]
    assert parse_head(line, LIMITS).status_code == expected[1]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 +20 OK",
        b"HTTP/1.1 -20 OK",
        b"HTTP/1.1 2 0 OK",
        b"HTTP/1.1 20x OK",
        b"HTTP/1.1 \xb200 OK",
        b"HTTP/1.1 200\tOK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.10 200 OK",
        b"HTTP/01.1 200 OK",
        b"HTTP/1 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/2 200",
        b"HTTP/0.9 200 OK",
        b"HTTP/1,1 200 OK",
        b"http/1.1 200 OK",
        b"HTTPS/1.1 200 OK",
        b"ICY 200 OK",
        b"HTTP/1.1 200\rOK",
        b"<html>",
        b"\x16\x03\x01",
        b"\xef\xbb\xbfHTTP/1.1 200 OK",
    ],
)
def test_what_is_no_status_line_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^the answer does not begin with an HTTP/1\.1 status line$") as caught:
        status(line)

    assert caught.value.phase == "head"


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x0b", b"\x0c", b"\r", b"\x1b", b"\x7f"])
def test_a_reason_with_a_control_character_is_refused(control: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        status(b"HTTP/1.1 200 hunter2" + control + b"!")

    assert str(caught.value) == f"the reason phrase has the control character {control.decode()!r}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        ([b"A: b\r\n"], (("A", "b"),)),
        ([b"A:b\r\n", b"a: c\r\n", b"A:\r\n"], (("A", "b"), ("a", "c"), ("A", ""))),
        ([b"A: \t b \t \r\n"], (("A", "b"),)),
        ([b"A: b:c: \r\n"], (("A", "b:c:"),)),
        ([b"A: b\tc\r\n"], (("A", "b\tc"),)),
        ([b"A: \xe9\xff\x80\xa0\r\n"], (("A", "\xe9\xff\x80\xa0"),)),
        ([b"!#$%&'*+-.^_`|~09azAZ: x\r\n"], (("!#$%&'*+-.^_`|~09azAZ", "x"),)),
        # LF alone ends a line                                      (RFC 9112, 2.2)
        ([b"A: b\n", b"C: d\r\n", b"E: f\n"], (("A", "b"), ("C", "d"), ("E", "f"))),
        ([b"A: b\r\n", b"C: d\n"], (("A", "b"), ("C", "d"))),
        # A folded line is joined with one space                    (RFC 9112, 5.2)
        ([b"A: b\r\n", b" c\r\n", b"D: e\r\n"], (("A", "b c"), ("D", "e"))),
        ([b"A: b\r\n", b"\t \tc \r\n", b"  d\n"], (("A", "b c d"),)),
        ([b"A:\r\n", b" b\r\n"], (("A", "b"),)),
        ([b"A: b\r\n", b" \r\n"], (("A", "b"),)),
        ([b"A: b\r\n", b" c: d\r\n"], (("A", "b c: d"),)),
    ],
)
def test_fields_are_read_in_order(lines: list[bytes], expected: tuple[tuple[str, str], ...]) -> None:
    assert fields(*lines) == expected


def test_fields_are_found_by_name_however_they_were_written() -> None:
    quick = parse_fields("A: 1\r\nb: 2\r\na: 3\r\n", LIMITS)
    slow = parse_fields("A: 1\nb: 2\na: 3\n", LIMITS)

    assert quick == slow
    assert quick.index == slow.index == {"a": ["1", "3"], "b": ("2",)}


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([b"no colon\r\n"], "line 2 has no colon"),
        ([b"\r\n"], "line 2 has no colon"),
        ([b"A: b\r\n", b"\r\n", b"C: d\r\n"], "line 3 has no colon"),
        ([b": x\r\n"], "line 2 has no name"),
        ([b"A : b\r\n"], "line 2 has a name that is no token"),
        ([b"A\t: b\r\n"], "line 2 has a name that is no token"),
        ([b"A: b\r\n", b"C d: e\r\n"], "line 3 has a name that is no token"),
        ([b"A\xe9: b\r\n"], "line 2 has a name that is no token"),
        ([b"\x00: b\r\n"], "line 2 has a name that is no token"),
        ([b"(A): b\r\n"], "line 2 has a name that is no token"),
        ([b" A: b\r\n"], "line 2 continues a line, but is the first"),
        ([b"\tA: b\r\n", b"C: d\r\n"], "line 2 continues a line, but is the first"),
        ([b"A: hunter2\x00\r\n"], "line 2 has the control character '\\x00'"),
        ([b"A: b\rC: d\r\n"], "line 2 has the control character '\\r'"),
        ([b"A: b\r\r\n"], "line 2 has the control character '\\r'"),
        ([b"A: b\r\n", b"C: \x7f\r\n"], "line 3 has the control character '\\x7f'"),
        ([b"A: b\r\n", b" \x1b\r\n"], "line 3 has the control character '\\x1b'"),
        ([b"A: \x0b\r\n"], "line 2 has the control character '\\x0b'"),
    ],
)
def test_one_malformed_line_refuses_the_head(lines: list[bytes], text: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        fields(*lines)

    assert str(caught.value) == f"the answer's head is malformed: {text}"
    assert caught.value.phase == "head"


def test_a_malformed_trailer_is_a_fault_of_the_body() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_fields("A: b\r\nno colon\r\n", LIMITS, phase="body")

    assert str(caught.value) == "the answer's trailer section is malformed: line 2 has no colon"
    assert caught.value.phase == "body"


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_as_many_fields_as_allowed_are_read(end: str) -> None:
    text = f"A: b{end}" * 3

    assert len(parse_fields(text, Limits(fields=3)).multi_items()) == 3
    with pytest.raises(HeadTooLargeError) as caught:
        parse_fields(text, Limits(fields=2))

    assert str(caught.value) == "the head has more fields than limits.fields allows, 2"
    assert (caught.value.limit, caught.value.allowed) == ("fields", 2)


def test_lines_that_continue_one_count_as_fields() -> None:
    with pytest.raises(HeadTooLargeError):
        parse_fields("A: b\r\n c\r\n d\r\n", Limits(fields=2))


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        (b"", 0, None),
        (b"HTTP/1.1 200\r\n", 0, None),
        (b"HTTP/1.1 200\r\n\r", 0, None),
        (b"HTTP/1.1 200\r\n\r\n", 0, (14, 16)),
        (b"HTTP/1.1 200\n\n", 0, (13, 14)),
        (b"HTTP/1.1 200\n\r\n", 0, (13, 15)),
        (b"HTTP/1.1 200\r\n\n", 0, (14, 15)),
        (b"a\r\nb\r\n\r\nbody\n\nmore", 0, (6, 8)),
        (b"a\nb\n\nbody\r\n\r\nmore", 0, (4, 5)),
        (b"a\n\n\r\n", 0, (2, 3)),
        (b"a\n\r\n\n", 0, (2, 4)),
        (b"a\r\rb", 0, None),
        (b"a\n\nb\n\n", 3, (5, 6)),
        (b"a\n\nb\r\n\r\n", 3, (6, 8)),
    ],
)
def test_a_head_ends_with_the_first_empty_line(data: bytes, start: int, end: tuple[int, int] | None) -> None:
    assert find_head_end(data, start) == end
    assert find_head_end(bytearray(data), start) == end


@given(st.text("a\r\n", max_size=12).map(str.encode))
def test_the_end_found_is_the_first_one(data: bytes) -> None:
    ends = [
        (place + 1, place + len(mark))
        for mark in (b"\n\n", b"\n\r\n")
        for place in range(len(data))
        if data.startswith(mark, place)
    ]

    assert find_head_end(data) == min(ends, default=None)


@given(st.text("a\r\n", max_size=12).map(str.encode), st.integers(0, 12))
def test_the_end_is_found_however_the_bytes_arrive(data: bytes, cut: int) -> None:
    whole, first = find_head_end(data), find_head_end(data[:cut])

    if first is None:
        # The last two bytes seen may begin the end.
        first = find_head_end(data, max(0, min(cut, len(data)) - 2))

    assert first == whole


names = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=5)
values = st.text(
    st.characters(max_codepoint=0xFF, exclude_characters=[chr(c) for c in (*range(9), *range(10, 32), 127)]),
    max_size=10,
)


@given(st.lists(st.tuples(names, values), max_size=5), st.sampled_from(["\r\n", "\n"]))
def test_fields_read_back_as_they_were_written(pairs: list[tuple[str, str]], end: str) -> None:
    text = "".join(f"{name}: {value}{end}" for name, value in pairs)

    assert parse_fields(text, LIMITS).multi_items() == tuple([(name, value.strip(" \t")) for name, value in pairs])


@given(st.text("aA:\x00\r\n \t\xe9\x85", max_size=20))
@example("a: b\r\nc: d\n")
@example("a:\x85\r\n")
def test_the_quick_way_reads_what_the_slow_one_does(text: str) -> None:
    def outcome(text: str) -> object:
        try:
            return parse_fields(text, LIMITS).multi_items()
        except ProtocolError as error:
            return str(error)

    # A line that ends in LF alone sends the whole section the slow way.
    slow = outcome(text + "\r\nlast: x\n") if text and not text.endswith("\r\n") else outcome(text + "last: x\n")
    quick = outcome(text + "\r\nlast: x\r\n") if text and not text.endswith("\r\n") else outcome(text + "last: x\r\n")

    assert quick == slow


@given(st.binary(max_size=60), st.integers(1, 5))
def test_any_bytes_are_a_head_or_refused(block: bytes, most: int) -> None:
    for data in (block, b"HTTP/1.1 200 OK\r\n" + block, b"HTTP/1.1 200 OK\r\n" + block + b"\r\n"):
        try:
            head = parse_head(data, Limits(fields=most))
        except (ProtocolError, HeadTooLargeError):
            continue

        assert 100 <= head.status_code <= 999
        assert len(head.headers.multi_items()) <= most
        for text in (head.reason, *(value for _, value in head.headers.multi_items())):
            assert not {chr(code) for code in (*range(9), *range(10, 32), 127)} & set(text)


def test_remembered_status_lines_are_bounded_in_number_and_length() -> None:
    long_line = b"HTTP/1.1 200 " + b"x" * head_module._KNOWN_STATUS_LINE_LENGTH_MAX

    assert status(long_line)[1] == 200
    for number in range(head_module._KNOWN_STATUS_LINES_MAX + 10):
        assert status(b"HTTP/1.1 200 %d" % number) == ("HTTP/1.1", 200, str(number))

    assert long_line.decode() not in head_module._known_status_lines
    assert len(head_module._known_status_lines) == head_module._KNOWN_STATUS_LINES_MAX


@pytest.mark.cost
@pytest.mark.parametrize(
    "block",
    [
        b"HTTP/1.1 200 " + b"x" * 2**20 + b"\r\n",
        b"HTTP/1.1" + b" " * 2**20 + b"200x\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 2**20 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"\xe9" * 2**20 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b" " * 2**20 + b"\x00\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 2**20 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nA: b\r\n" + b" c\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nA: b\r\n" + (b" " + b"c" * 100 + b"\r\n") * 19_000,
    ],
    ids=["reason", "blanks", "value", "obs-text", "padding", "name", "lines", "bare lines", "folds", "long folds"],
)
def test_a_large_head_costs_little(block: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(ProtocolError):
        parse_head(block, Limits(fields=20_000))

    assert time.process_time() - started < 0.25


@pytest.mark.parametrize("block", [b"x" * 2**20, b"HTTP/1.1 200 OK\r\n" + b"a" * 2**20 + b"\r\n"])
def test_a_refusal_is_short_however_long_the_line(block: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_head(block, LIMITS)

    assert len(str(caught.value)) < 200


@pytest.mark.cost
def test_the_end_of_a_large_head_is_found_at_little_cost() -> None:
    data = b"\r\n\r" * 2**19 + b"\n"

    started = time.process_time()
    find_head_end(data)
    find_head_end(b"a: b\r\n" * 2**18)

    assert time.process_time() - started < 0.25


def test_remembered_lines_are_bounded_and_forgetting_them_changes_nothing() -> None:
    for number in range(2_500):
        head = parse_head(b"HTTP/1.1 200 OK\r\nAge: %d\r\nAge:  %d \r\n" % (number, number), Limits())

        assert head.headers.multi_items() == (("Age", str(number)), ("Age", str(number)))
    assert 0 < len(head_module._known_lines) <= head_module._KNOWN_LINES_MAX


@pytest.mark.parametrize("name", ["ETag", "Set-Cookie", "Location", "X-Request-Id"])
def test_a_line_that_may_tell_of_somebody_is_not_remembered(name: str) -> None:
    parse_head(f"HTTP/1.1 200 OK\r\n{name}: s3cret\r\n".encode(), Limits())

    assert [line for line in head_module._known_lines if "s3cret" in line] == []


_ODD_LINES = st.binary(max_size=12) | st.sampled_from(
    [
        b"Server: x",
        b"Date:  y ",
        b"ETag: z\t",
        b"A: \xa0b",
        b" folded",
        b"\tfolded",
        b"Vary: a\nB: c",
        b"X : 1",
        b"no colon",
        b"B: \r",
    ]
)


@given(lines=st.lists(_ODD_LINES, max_size=5), end=st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n", b""]))
def test_the_short_way_to_a_head_ends_where_the_long_one_does(lines: list[bytes], end: bytes) -> None:
    data = b"\r\n".join([b"HTTP/1.1 200 OK", *lines]) + end + b"rest"

    for _ in range(2):  # the second time the status line is known
        assert told(lambda: next_head(data, 0, LIMITS)) == told(lambda: the_long_way(data))


def the_long_way(data: bytes) -> tuple[Head, int] | None:
    found = find_head_end(data)
    return None if found is None else (parse_head(data[: found[0]], LIMITS), found[1])


def told(read: Callable[[], tuple[Head, int] | None]) -> object:
    try:
        found = read()
    except ProtocolError as error:
        return str(error)
    if found is None:
        return None
    head, end = found
    return head.http_version, head.status_code, head.reason, head.headers.multi_items(), head.headers.index, end
