"""What a peer's bytes come to, and that a fake which was told the same gives the same."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp_conformance import raw
from tests.doubles.asking import ORIGIN, ask, not_told, received, told
from tests.doubles.rows import row

if TYPE_CHECKING:
    from fluxhttp_conformance import Lab

GZIPPED = gzip.compress(b"plain", mtime=0)
NO_LENGTH = ("Content-Length", "0")


@pytest.mark.parametrize(
    ("tell", "lines", "body", "expected"),
    [
        row(
            "H30",
            tell={"headers": {"Content-Encoding": "gzip"}, "body": GZIPPED},
            lines=("Content-Encoding: gzip", f"Content-Length: {len(GZIPPED)}"),
            body=GZIPPED,
            # Both fields told of the coded body (D9).
            expected={"body": b"plain", "headers": ()},
        ),
        row(
            "R25",
            tell={"headers": [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]},
            lines=("Set-Cookie: a=1", "Set-Cookie: b=2", "Content-Length: 0"),
            body=b"",
            # There is no jar (D18): the lines are the caller's, each of them.
            expected={"headers": (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), NO_LENGTH)},
        ),
        row("R27", tell={}, lines=("Content-Length: 0",), body=b"", expected={"headers": (NO_LENGTH,)}),
        row(
            "R28",
            tell={"body": "é".encode()},
            lines=("Content-Length: 2",),
            body="é".encode(),
            expected={"text": "é", "headers": (("Content-Length", "2"),)},
        ),
        row(
            "H32",
            tell={"headers": {"x-FoO": "1"}},
            lines=("x-FoO: 1", "Content-Length: 0"),
            body=b"",
            expected={"headers": (("x-FoO", "1"), NO_LENGTH)},
        ),
        row(
            "R36",
            "H39",
            tell={"headers": {"X-A": "  1  "}},
            lines=("X-A:   1  ", "Content-Length: 0"),
            body=b"",
            expected={"headers": (("X-A", "1"), NO_LENGTH)},
        ),
        row(
            "R37",
            "H40",
            tell={"headers": {"X-A": "é☃"}},
            lines=(f"X-A: {'é☃'.encode().decode('latin-1')}", "Content-Length: 0"),
            body=b"",
            # As latin-1, which loses no byte (D10).
            expected={"headers": (("X-A", "\xc3\xa9\xe2\x98\x83"), NO_LENGTH)},
        ),
        row(
            "R39",
            "H42",
            tell={"headers": {"X-A": "a" * 200_000}},
            lines=(f"X-A: {'a' * 200_000}", "Content-Length: 0"),
            body=b"",
            # Within Limits.head, which is 256 KiB.
            expected={"headers": (("X-A", "a" * 200_000), NO_LENGTH)},
        ),
        row(
            "R40",
            tell={"headers": [(f"X-{number}", "1") for number in range(149)]},
            lines=(*(f"X-{number}: 1" for number in range(149)), "Content-Length: 0"),
            body=b"",
            # Within Limits.fields, which is 1024.
            expected={"headers": (*((f"X-{number}", "1") for number in range(149)), NO_LENGTH)},
        ),
        row("R41", tell={}, lines=("Content-Length: 0",), body=b"", expected={"http_version": "HTTP/1.1"}),
    ],
)
def test_a_fake_that_is_told_of_an_answer_gives_that_answer(
    tell: dict[str, Any], lines: tuple[str, ...], body: bytes, expected: dict[str, Any]
) -> None:
    seen = received(tell, raw("HTTP/1.1 200 OK", *lines, body=body))

    assert seen.answer.items() >= {"status_code": 200, "reason": "OK", **expected}.items()
    assert len(seen.sent) == 1


@pytest.mark.parametrize(
    ("tell", "line", "expected"),
    [
        row("R29", tell={"reason": "Fine"}, line="HTTP/1.1 200 Fine", expected=(200, "Fine")),
        row("R30", tell={"status": 299}, line="HTTP/1.1 299 ", expected=(299, "")),
    ],
)
def test_the_reason_phrase_is_the_servers_and_a_text(
    tell: dict[str, Any], line: str, expected: tuple[int, str]
) -> None:
    seen = received(tell, raw(line, "Content-Length: 0"))

    assert (seen.answer["status_code"], seen.answer["reason"]) == expected


@pytest.mark.parametrize((), [row("R34", "H37")])
def test_a_status_is_a_number_and_cannot_be_told_as_text() -> None:
    seen = received({"status": 200}, raw("HTTP/1.1 200 OK", "Content-Length: 0"))

    assert type(seen.answer["status_code"]) is int
    assert not_told({"status": "200"}) == "status must be an int, not str"


@pytest.mark.parametrize((), [row("R26")])
def test_a_cookie_that_was_set_is_not_sent_by_itself() -> None:
    def question(lab: Lab) -> Any:
        script = raw("HTTP/1.1 200 OK", "Set-Cookie: a=1; Path=/", "Content-Length: 0")
        told(lab, lambda fake: fake.get(ORIGIN).respond(headers={"Set-Cookie": "a=1; Path=/"}), script, script)
        return [lab.client.get(ORIGIN).headers.get_all("Set-Cookie") for _ in range(2)]

    seen = ask(question)

    # requests has a jar; here is none, over every transport alike (D18).
    assert seen.answer == [("a=1; Path=/",)] * 2
    assert len(seen.sent) == 2
    assert not any(b"cookie:" in request.lower() for request in seen.sent)
