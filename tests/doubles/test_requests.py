"""Contents that can be read but once: refused before anything is read of them, over every transport."""

from __future__ import annotations

import inspect
import io
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import InvalidTypeError
from fluxhttp_conformance import raw
from tests.doubles.asking import ORIGIN, Failure, ask, refused, told
from tests.doubles.rows import row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fluxhttp_conformance import Lab


def pieces() -> Iterator[bytes]:
    yield b"ab"
    yield b"cd"


def breaking_pieces() -> Iterator[bytes]:
    yield b"ab"
    raise RuntimeError("half way")


def text_pieces() -> Iterator[str]:
    yield "abcd"


@pytest.mark.parametrize(
    "made", [row("R04", made=pieces), row("R05", made=breaking_pieces), row("R06", made=text_pieces)]
)
def test_a_generator_is_refused_before_it_is_started(made: Callable[[], Any]) -> None:
    def question(lab: Lab) -> Any:
        body = made()
        failure = refused(lab, lambda: lab.client.post(ORIGIN, body=body))
        return failure, inspect.getgeneratorstate(body)

    failure, state = ask(question).answer

    assert (failure.kind, failure.text) == (
        InvalidTypeError,
        "body must be bytes, bytearray or memoryview, not generator",
    )
    assert state == inspect.GEN_CREATED


@pytest.mark.parametrize((), [row("R07")])
def test_a_file_is_refused_before_it_is_read() -> None:
    def question(lab: Lab) -> tuple[Failure, int]:
        body: Any = io.BytesIO(b"abcd")
        return refused(lab, lambda: lab.client.post(ORIGIN, body=body)), body.tell()

    failure, position = ask(question).answer

    assert (failure.kind, failure.text) == (
        InvalidTypeError,
        "body must be bytes, bytearray or memoryview, not BytesIO",
    )
    assert position == 0


@pytest.mark.parametrize((), [row("R42", "H43")])
def test_a_content_that_a_redirect_asks_for_again_is_there_again() -> None:
    def as_generator(lab: Lab) -> Failure:
        body: Any = pieces()
        return refused(lab, lambda: lab.client.post(f"{ORIGIN}/a", body=body))

    def as_bytes(lab: Lab) -> Any:
        def tell(fake: Any) -> None:
            fake.post(f"{ORIGIN}/a").respond(307, headers={"Location": "/b"})
            fake.post(f"{ORIGIN}/b").respond(text="done")

        there = ("Content-Type: text/plain; charset=utf-8", "Content-Length: 4")
        redirect = raw("HTTP/1.1 307 Temporary Redirect", "Location: /b", "Content-Length: 0")
        told(lab, tell, redirect, raw("HTTP/1.1 200 OK", *there, body=b"done"))
        return lab.client.post(f"{ORIGIN}/a", body=b"".join(pieces()))

    assert ask(as_generator).answer.kind is InvalidTypeError
    seen = ask(as_bytes)

    assert (seen.answer["url"], seen.answer["body"]) == (f"{ORIGIN}/b", b"done")
    assert [request.split(b" ")[1] for request in seen.sent] == [b"/a", b"/b"]
    assert [request.partition(b"\r\n\r\n")[2] for request in seen.sent] == [b"abcd", b"abcd"]
