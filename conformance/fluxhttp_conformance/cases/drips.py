"""Drips: a byte now and then outlives any time-out of a single read (decision D11)."""

from __future__ import annotations

from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked

_SECONDS = 0.2
_PAUSE = 0.02


def _dripping(start: bytes, drip: bytes) -> Script:
    """Sends the start at once, then the drip piece by piece, far longer than the deadline."""
    script = Script().send(start)
    for _ in range(40):
        script = script.pause(_PAUSE).send(drip)
    return script.stall()


def _chunked(start: bytes, drip: bytes) -> Script:
    return _dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + start, drip)


@case("time/head-drip", anchor="seam; D11")
def head_drip(lab: Lab) -> None:
    """A status line that comes byte by byte, or a head that grows byte by byte or line by line, has one deadline."""
    lab.all_time_out(
        _SECONDS,
        "head",
        _dripping(b"HTTP/1.1 200 ", b"O"),
        _dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        _dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        Script().send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").dribbled(pause=_PAUSE),
    )
    lab.still_works()


@case("time/interim-drip", kind="pinned", anchor="D11", tags=("security",))
def interim_drip(lab: Lab) -> None:
    """An interim answer is no sign of progress that would start the time anew (CVE-2021-3737)."""
    lab.all_time_out(
        _SECONDS,
        "head",
        _dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        _dripping(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        _dripping(b"HTTP/1.1 103 Early Hints\r\n", b"X: y\r\n"),
    )
    lab.still_works()


@case("time/body-drip", anchor="seam; D11")
def body_drip(lab: Lab) -> None:
    """A body that drips has the deadline of its call, be its length declared or not, small or large."""
    heads = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(3_000_000),
        b"HTTP/1.1 200 OK\r\n\r\n",
    )
    lab.all_time_out(_SECONDS, "body", *(_dripping(head, b"x") for head in heads))
    lab.still_works()


@case("time/chunk-drip", kind="pinned", anchor="D11")
def chunk_drip(lab: Lab) -> None:
    """Dripping chunks, and drips within a chunk, its size or its extension, have the deadline of their call."""
    lab.all_time_out(
        _SECONDS,
        "body",
        _chunked(b"", b"1\r\nx\r\n"),
        _chunked(b"", b"0"),
        _chunked(b"5;a=", b"b"),
        _chunked(b"64\r\n", b"x"),
        _chunked(b"5000000\r\n", b"x"),
    )
    lab.still_works()


@case("time/trailer-drip", kind="pinned", anchor="D11", tags=("security",))
def trailer_drip(lab: Lab) -> None:
    """With the last chunk the body is there but the answer is not: trailers may not hold up the call."""
    start = chunked(b"hello", last=b"0\r\n")
    lab.all_time_out(_SECONDS, "body", _chunked(start, b"x"), _chunked(start, b"X: y\r\n"))
    lab.still_works()


@case("time/coded-body-drip", kind="pinned", anchor="D11", level="core")
def coded_body_drip(lab: Lab) -> None:
    """A gzip body that drips yields nothing for long; the deadline passes all the same."""
    # The header of a gzip member with a file name (RFC 1952, 2.3) that goes on and on.
    member = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"
    lab.origin.play(_dripping(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + member, b"x"))

    lab.times_out(_SECONDS, "body", lab.get)

    lab.still_works()
