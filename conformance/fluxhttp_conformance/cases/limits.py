"""What an answer's body may cost (decision D2). The limits of its head have a module of their own."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from fluxhttp import (
    BodyTooLargeError,
    Config,
    DecodingError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidTypeError,
    Limits,
    TruncatedBodyError,
)
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw
from fluxhttp_conformance.memory import memory_below

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp.testing import Script

_TEN = b"0123456789"


def _limited(body: int | None, **limits: Any) -> Config:
    return Config(limits=Limits(body=body, **limits))


def _framings(body: bytes) -> tuple[Script, ...]:
    """The same body with a length, in chunks, up to the end of the connection, and as gzip."""
    packed = gzip.compress(body, mtime=0)
    return (
        raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(body[:4], body[4:])),
        raw("HTTP/1.1 200 OK", "Connection: close", body=body).close(),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", f"Content-Length: {len(packed)}", body=packed),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked(packed)),
    )


@case("limits/body-at-the-limit", kind="pinned", anchor="D2", level="core")
def body_at_the_limit(lab: Lab) -> None:
    """The limit counts decoded body bytes, framing not among them: a body of just that size is whole."""
    for script in _framings(_TEN):
        for overflow in ("error", "truncate"):
            for most in (10, 11):
                response = lab.receive(script, config=_limited(most, overflow=overflow))

                assert response.body == _TEN
                assert not response.truncated
    lab.still_works()


@case("limits/body-over-the-limit", kind="pinned", anchor="D2", level="core")
def body_over_the_limit(lab: Lab) -> None:
    """One byte more than the limit is an error that names it, in each framing: never a body cut in silence."""
    for script in _framings(_TEN):
        for most in (9, 1, 0):
            error = lab.refuse(BodyTooLargeError, script, config=_limited(most))

            assert (error.limit, error.allowed) == ("body", most)
        lab.still_works()


@case("limits/truncated-body", kind="pinned", anchor="D2", level="core")
def truncated_body(lab: Lab) -> None:
    """Who asks for it gets the first bytes, and a mark that they are not all: half of a JSON text is no JSON."""
    for script in _framings(_TEN):
        for most in (9, 1, 0):
            response = lab.receive(script, config=_limited(most, overflow="truncate"))

            assert response.body == _TEN[:most]
            assert response.truncated
            lab.fails(TruncatedBodyError, getattr, response, "text")
            lab.fails(TruncatedBodyError, response.json)
        lab.still_works()


@case("limits/declared-length-is-enough", kind="pinned", anchor="D2", level="core")
def declared_length_is_enough(lab: Lab) -> None:
    """A declared length over the limit is refused before the body comes: here it never does."""
    for status in ("200 OK", "404 Not Found", "500 Oh"):
        script = raw(f"HTTP/1.1 {status}", "Content-Length: 11").stall()

        error = lab.refuse(BodyTooLargeError, script, config=_limited(10).replace(timeout=2.0))

        assert (error.limit, error.allowed) == ("body", 10)
    lab.until(lambda: lab.origin.open_connections == 0, "the connections are closed")
    # In memory waiting ends without a word.
    assert lab.origin.open_connections == 0
    lab.still_works()


@case("limits/default", kind="pinned", anchor="D2", level="core")
def default(lab: Lab) -> None:
    """Without a word about it a body may have 100 MiB, and not one byte more."""
    error = lab.refuse(BodyTooLargeError, raw("HTTP/1.1 200 OK", "Content-Length: 104857601").stall())
    assert (error.limit, error.allowed) == ("body", 104_857_600)

    short = lab.refuse(IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: 104857600", body=b"x").close())
    assert (short.received, short.expected) == (1, 104_857_600)
    lab.still_works()


@case("limits/none", kind="pinned", anchor="D2", level="core")
def none(lab: Lab) -> None:
    """``body=None`` is no limit, in either mode."""
    body = bytes(1_000_000)
    for overflow in ("error", "truncate"):
        for script in _framings(body):
            response = lab.receive(script, config=_limited(None, overflow=overflow))

            assert len(response.body) == 1_000_000
            assert not response.truncated
    lab.still_works()


@case("limits/endless-body", kind="pinned", anchor="D2", level="wire", tags=("security",))
def endless_body(lab: Lab) -> None:
    """A body without end costs what the limit allows and a few buffers, and is given up as soon as it is over."""
    for lines, piece in (((), b"x" * 65_536), (("Transfer-Encoding: chunked",), chunked(b"x" * 65_536, last=b""))):
        script = raw("HTTP/1.1 200 OK", *lines).send(piece, times=None)
        with memory_below(4_194_304):
            lab.refuse(BodyTooLargeError, script, config=_limited(1_000_000))
        with memory_below(4_194_304):
            response = lab.receive(script, config=_limited(1_000_000, overflow="truncate"))

        assert response.body == b"x" * 1_000_000
        assert response.truncated
    lab.still_works()


@case("limits/rest-of-a-body-is-not-waited-for", kind="pinned", anchor="D2", level="wire")
def rest_of_a_body_is_not_waited_for(lab: Lab) -> None:
    """Once it is known that the body is too large, or enough of it is there, what comes after is nobody's concern."""
    slow = Config(timeout=2.0, limits=Limits(body=4))
    cut = slow.replace(limits=Limits(body=4, overflow="truncate"))
    for script in (
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n").stall(),
        raw("HTTP/1.1 200 OK", body=b"hello").stall(),
    ):
        lab.refuse(BodyTooLargeError, script, config=slow)

        assert lab.receive(script, config=cut).body == b"hell"
    assert lab.receive(raw("HTTP/1.1 200 OK", "Content-Length: 9", body=b"hell").stall(), config=cut).body == b"hell"
    lab.still_works()


@case("limits/no-body-is-never-too-large", kind="pinned", anchor="D2", level="core")
def no_body_is_never_too_large(lab: Lab) -> None:
    """HEAD, 204 and 304 tell of lengths that do not come: asking how large something is must not fail for its size."""
    for overflow in ("error", "truncate"):
        config = _limited(0, overflow=overflow)
        for method, start in (("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")):
            response = lab.receive(raw(f"HTTP/1.1 {start}", "Content-Length: 999999999999"), method, config=config)

            assert response.body == b""
            assert not response.truncated
    lab.still_works()
    assert lab.origin.connections == 1


@case("limits/coded-length-is-not-the-bodys", kind="pinned", anchor="D2; D9", level="core")
def coded_length_is_not_the_bodys(lab: Lab) -> None:
    """The length of a coded body says nothing about the body: a larger one may well be within the limit."""
    packed = gzip.compress(_TEN, mtime=0)
    script = raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", f"Content-Length: {len(packed)}", body=packed)
    assert len(packed) > len(_TEN)

    assert lab.receive(script, config=_limited(10)).body == _TEN
    lab.refuse(BodyTooLargeError, script, config=_limited(10), headers={"Accept-Encoding": "gzip"})
    lab.still_works()


@case("limits/damage-beyond-the-cut", kind="pinned", anchor="D2", level="core")
def damage_beyond_the_cut(lab: Lab) -> None:
    """Of a body that is cut only what is kept counts; damage that lies within, or just at the limit, is damage."""
    packed = gzip.compress(bytes(range(256)) * 4, mtime=0)
    wrong = packed[:-8] + bytes(4) + packed[-4:]
    script = raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", f"Content-Length: {len(wrong)}", body=wrong)

    response = lab.receive(script, config=_limited(1000, overflow="truncate"))
    assert response.truncated
    assert len(response.body) == 1000
    lab.refuse(DecodingError, script, config=_limited(1024, overflow="truncate"))
    lab.refuse(DecodingError, script, config=_limited(1024))
    lab.still_works()


@case("limits/settings-are-judged", kind="pinned", anchor="D2", level="core")
def settings_are_judged(lab: Lab) -> None:
    """A limit that makes no sense is refused where it is set, not found out by the first large answer."""
    for name, value in (
        *(("body", -1), ("head", 0), ("head", -1), ("fields", 0), ("fields", -5)),
        *(("overflow", ""), ("overflow", "Truncate"), ("overflow", "ignore")),
    ):
        lab.fails(InvalidConfigError, Limits, **{name: value})
    for name, wrong in (
        *(("body", True), ("body", "10"), ("body", 1.5), ("head", None), ("head", False), ("fields", "1")),
        *(("fields", None), ("overflow", None), ("overflow", True)),
    ):
        lab.fails(InvalidTypeError, Limits, **{name: wrong})
    lab.still_works()
