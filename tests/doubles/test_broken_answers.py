"""What a peer that breaks the rules comes to, and that a fake cannot be told to pass it off as fine.

``respond(…)`` refuses at once what no server can answer; a script has the fake
play the peer's bytes, as the peer of a real transport does.
"""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import Config, DecodingError, IncompleteBodyError, ProtocolError, RequestTimeoutError
from fluxhttp_conformance import raw
from tests.doubles.asking import Failure, not_told, received
from tests.doubles.rows import row
from tests.doubles.test_answers import GZIPPED

CUT_GZIP = GZIPPED[:-4]


@pytest.mark.parametrize(
    ("tell", "refusal", "lines", "body", "expected"),
    [
        row(
            "R17",
            "H22",
            tell={"headers": {"Content-Length": "10"}, "body": b"abc"},
            refusal="Content-Length 10 for a body of 3 bytes",
            lines=("Content-Length: 10",),
            body=b"abc",
            expected=(
                IncompleteBodyError,
                "the peer closed the connection in the middle of the body, after 3 of 10 bytes",
            ),
        ),
        row(
            "H24",
            tell={"headers": {"Content-Length": "abc"}, "body": b"abc"},
            refusal="Content-Length abc for a body of 3 bytes",
            lines=("Content-Length: abc",),
            body=b"abc",
            expected=(ProtocolError, "the answer's Content-Length is not a decimal number below 2**63"),
        ),
        row(
            "R19",
            "H25",
            tell={"headers": {"Transfer-Encoding": "chunked"}, "body": b"hello"},
            refusal="Transfer-Encoding by hand",
            lines=("Transfer-Encoding: chunked",),
            body=b"hello",
            expected=(IncompleteBodyError, "the peer closed the connection in the middle of the body, after 0 bytes"),
        ),
        row(
            "R20",
            "H26",
            tell={"headers": {"Transfer-Encoding": "chunked"}, "body": b"5\r\nhel"},
            refusal="Transfer-Encoding by hand",
            lines=("Transfer-Encoding: chunked",),
            body=b"5\r\nhel",
            expected=(IncompleteBodyError, "the peer closed the connection in the middle of a chunk, after 3 bytes"),
        ),
        row(
            "R24",
            tell={"headers": {"Content-Encoding": "gzip"}, "body": b"plain"},
            refusal="Content-Encoding gzip, but the gzip coding of the body is damaged: incorrect header check",
            lines=("Content-Encoding: gzip", "Content-Length: 5"),
            body=b"plain",
            expected=(DecodingError, "the gzip coding of the body is damaged: incorrect header check"),
        ),
        row(
            "H31",
            tell={"headers": {"Content-Encoding": "gzip"}, "body": CUT_GZIP},
            refusal="Content-Encoding gzip, but the body ends before its gzip coding does",
            lines=("Content-Encoding: gzip", f"Content-Length: {len(CUT_GZIP)}"),
            body=CUT_GZIP,
            # httpx takes it for a whole body; here it is damage (D9).
            expected=(DecodingError, "the body ends before its gzip coding does"),
        ),
        row(
            "R38",
            "H41",
            tell={"headers": {"X A": "1"}},
            refusal="headers: a name must be a token, but has ' ' after 'X' (position 1)",
            lines=("X A: 1", "Content-Length: 0"),
            body=b"",
            expected=(ProtocolError, "the answer's head is malformed: line 2 has a name that is no token"),
        ),
    ],
)
def test_an_answer_that_breaks_the_rules_is_an_error(
    tell: dict[str, Any], refusal: str, lines: tuple[str, ...], body: bytes, expected: tuple[type[Exception], str]
) -> None:
    seen = received(None, raw("HTTP/1.1 200 OK", *lines, body=body).close())

    assert isinstance(seen.answer, Failure)
    assert (seen.answer.kind, seen.answer.text) == expected
    assert not_told(tell) == refusal


@pytest.mark.parametrize(
    "status", [row("R31", "H34", status=99), row("R32", "H35", status=1000), row("R33", "H36", status=-1)]
)
def test_a_status_that_is_none_is_an_error(status: int) -> None:
    seen = received(None, raw(f"HTTP/1.1 {status} Odd", "Content-Length: 0").close())

    assert isinstance(seen.answer, Failure)
    assert (seen.answer.kind, seen.answer.text) == (
        ProtocolError,
        "the answer does not begin with an HTTP/1.1 status line",
    )
    assert not_told({"status": status}) == f"status {status}"


@pytest.mark.parametrize((), [row("H33")])
def test_an_interim_answer_is_not_the_answer() -> None:
    script = raw("HTTP/1.1 103 Early Hints").stall()

    seen = received(None, script, config=Config(timeout=0.2))

    assert isinstance(seen.answer, Failure)
    assert (seen.answer.kind, seen.answer.fields["phase"]) == (RequestTimeoutError, "head")
    assert not_told({"status": 103}) == "status 103"


@pytest.mark.parametrize(
    ("tell", "refusal", "method", "start", "expected"),
    [
        row(
            "R18",
            "H23",
            tell={"headers": {"Content-Length": "1"}, "body": b"abc"},
            refusal="Content-Length 1 for a body of 3 bytes",
            method="GET",
            start=("HTTP/1.1 200 OK", "Content-Length: 1"),
            expected=b"a",
        ),
        row(
            "R21",
            "H27",
            tell={"body": b"abc"},
            refusal="HEAD with a body of 3 bytes",
            method="HEAD",
            start=("HTTP/1.1 200 OK", "Content-Length: 3"),
            expected=b"",
        ),
        row(
            "R22",
            "H28",
            tell={"status": 204, "body": b"abc"},
            refusal="204 with a body of 3 bytes",
            method="GET",
            start=("HTTP/1.1 204 No Content", "Content-Length: 3"),
            expected=b"",
        ),
        row(
            "R23",
            "H29",
            tell={"status": 304, "body": b"abc"},
            refusal="304 with a body of 3 bytes",
            method="GET",
            start=("HTTP/1.1 304 Not Modified", "Content-Length: 3"),
            expected=b"",
        ),
    ],
)
def test_bytes_behind_the_body_are_no_part_of_it(
    tell: dict[str, Any], refusal: str, method: str, start: tuple[str, ...], expected: bytes
) -> None:
    seen = received(None, raw(*start, body=b"abc"), method)

    assert seen.answer["body"] == expected
    assert not_told(tell, method) == refusal


@pytest.mark.parametrize((), [row("R35", "H38")])
def test_a_line_end_in_a_value_begins_another_field() -> None:
    seen = received(None, raw("HTTP/1.1 200 OK", "X-A: 1\r\nX-B: 2", "Content-Length: 0"))

    assert seen.answer["headers"] == (("X-A", "1"), ("X-B", "2"), ("Content-Length", "0"))
    assert not_told({"headers": {"X-A": "1\r\nX-B: 2"}}) == (
        "headers: the value of 'X-A' must not contain '\\r' (position 1)"
    )
