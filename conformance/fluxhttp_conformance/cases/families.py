"""Families: one answer in all its cuts, splits and mutations, each family one case.

What they find is what no list of known mistakes has: a place where one byte less,
or one in another packet, makes another answer of it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from fluxhttp import Config, FluxHTTPError, IncompleteBodyError, ReceiveError, RequestTimeoutError, Response
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import gzipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp_conformance.lab import Lab

_LENGTH_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y\r\n\r\n"
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: Head, then the body in pieces, each of which is framing or (True) data; its declared length.
_CUT: tuple[tuple[bytes, tuple[tuple[bytes, bool], ...], int | None], ...] = (
    (_LENGTH_HEAD, ((b"hello, world", True),), 12),
    (
        _CHUNKED_HEAD,
        (
            (b"5;a=b\r\n", False),
            (b"hello", True),
            (b"\r\nA\r\n", False),
            (b"0123456789", True),
            (b"\r\n00\r\nX-Sum: 1\r\nY: 2\r\n\r\n", False),
        ),
        None,
    ),
    (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _LENGTH_HEAD.replace(b"12", b"1"), ((b"1", True),), 1),
    (b"HTTP/1.1 204 No Content\r\nX: y\r\n folded\r\n\r\n", (), 0),
    (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", (), 0),
)


@case("families/every-cut-point", anchor="RFC 9112, 8", tags=("security",))
def every_cut_point(lab: Lab) -> None:
    """A peer that goes away at any byte of an answer before its last has not given it: no cut of it is a success."""
    for head, pieces, expected in _CUT:
        wire = head + b"".join(piece for piece, _ in pieces)
        is_data = [False] * len(head) + [data for piece, data in pieces for _ in piece]
        for size in range(len(wire)):
            script = Script().send(wire[:size]).close()
            if size < len(head):
                lab.refuse(ReceiveError, script, phase="head")
                continue
            error = lab.refuse(IncompleteBodyError, script, phase="body")
            assert (error.received, error.expected) == (sum(is_data[:size]), expected)
        assert len(lab.receive(Script().send(wire)).body) == sum(is_data)
        lab.still_works()


@case("families/silence-at-a-cut", kind="pinned", anchor="D11")
def silence_at_a_cut(lab: Lab) -> None:
    """A peer that falls silent at any byte of an answer before its last ends the call by its deadline, and only so."""
    client, url, config = lab.client, lab.url(), Config(timeout=0.3)
    phases: Counter[str] = Counter()
    for head, pieces, _ in _CUT[:2]:
        wire = head + b"".join(piece for piece, _ in pieces)
        for size in sorted({*range(0, len(wire), 6), len(head) - 1, len(head), len(wire) - 1}):
            lab.origin.play(Script().send(wire[:size]).stall())
            phases["head" if size < len(head) else "body"] += 1

    errors = lab.together(*[lambda: client.get(url, config=config)] * phases.total())

    assert {type(error) for error in errors} == {RequestTimeoutError}
    assert Counter(error.phase for error in errors) == phases
    lab.still_works()


_GZIP = gzipped(b"hello")
#: Answers of every kind, good and bad.
_ANSWERS = (
    _LENGTH_HEAD + b"hello, world",
    _LENGTH_HEAD + b"hello",
    _CHUNKED_HEAD + b"5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\nX: y\r\n\r\n",
    _CHUNKED_HEAD + b"5\r\nhello\r\n",
    _CHUNKED_HEAD + b"5\r\nhelloX\n0\r\n\r\n",
    _CHUNKED_HEAD + b"5\nhello\r\n0\r\n\r\n",
    _CHUNKED_HEAD + b"5\r\nhello\r\n0\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil\r\nthe\r\n\r\nend",
    b"HTTP/1.0 404\nX: a\n\tb\n\nuntil the end",
    b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 H\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 101 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 204 None\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_GZIP) + _GZIP,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: y\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"",
)


def _ended(lab: Lab, config: Config | None = None) -> Response | FluxHTTPError:
    """What a call comes to; an exception of another kind is none of its outcomes."""
    try:
        return lab.get(config=config)
    except FluxHTTPError as error:
        return error


def _outcome(lab: Lab, script: Script) -> object:
    """What a call makes of an answer, in a form to compare."""
    lab.origin.play(script)
    ended = _ended(lab)
    if isinstance(ended, FluxHTTPError):
        return type(ended), {name: value for name, value in vars(ended).items() if name not in ("method", "url")}
    return ended.status_code, ended.reason, ended.headers.multi_items(), ended.body


@case("families/byte-by-byte", anchor="RFC 9112, 2.2; seam")
def byte_by_byte(lab: Lab) -> None:
    """TCP has no packets that mean anything: an answer in single bytes is the same answer, or the same error."""
    for wire in _ANSWERS:
        whole = Script().send(wire).close()

        expected = _outcome(lab, whole)
        outcome = _outcome(lab, whole.dribbled(pause=0.0002))

        assert outcome == expected, f"{wire!r} gives {expected} as a whole and {outcome} byte by byte"
    lab.still_works()


@case("families/every-split", anchor="RFC 9112, 2.2; seam")
def every_split(lab: Lab) -> None:
    """Wherever an answer is split in two pieces, it is the same answer."""
    wire = _CHUNKED_HEAD + b"5;a=b\r\nhello\r\n06\r\n world\r\n0\r\nX: y\r\n\r\n"
    for size in range(1, len(wire)):
        response = lab.receive(Script().send(wire[:size]).pause(0.0002).send(wire[size:]))

        assert response.body == b"hello world"
    lab.still_works()
    assert lab.origin.connections == 1


def _mutations(wire: bytes, start: int) -> Iterator[bytes]:
    """Each byte from ``start`` on left out, replaced, and with another in front of it."""
    for place in range(start, len(wire)):
        yield wire[:place] + wire[place + 1 :]
        for byte in (b"\0", b"\r", b"\n", b" ", b"\t", b":", b"\x80"):
            yield wire[:place] + byte + wire[place + 1 :]
            yield wire[:place] + byte + wire[place:]


def _unchunked(data: bytes) -> bytes | None:
    """The body of well-formed chunks, None if they are not; a second opinion, so written another way."""
    body = b""
    while found := re.match(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\0-\x08\n-\x1f\x7f]*)?\r\n", data):
        size, data = int(found[1], 16), data[found.end() :]
        if not size:
            return body if re.match(rb"(?:[!-9;-~]+:[^\0\r\n]*\r?\n([ \t][^\0\r\n]*\r?\n)*)*\r?\n", data) else None
        if len(data) < size + 2 or data[size : size + 2] != b"\r\n":
            return None
        body, data = body + data[:size], data[size + 2 :]
    return None


def _is_faithful(response: Response, wire: bytes) -> bool:
    """Whether the bytes can be read as that response at all."""
    rest = re.split(rb"\n\r?\n", wire, maxsplit=1)[1]
    if "transfer-encoding" in response.headers:
        return response.body == _unchunked(rest)
    length = response.headers.get("content-length")
    if length is not None:
        return response.body == rest[: int(length)] and len(rest) >= int(length)
    return response.body == rest


@case("families/mutations", anchor="seam; RFC 9112, 2.2", tags=("security",))
def mutations(lab: Lab) -> None:
    """One byte more, less or other makes another valid answer or a typed error: no other exception, no hang."""
    bodies = (
        (b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok", 0),
        (_CHUNKED_HEAD + b"2;a\r\nok\r\n0\r\nX: y\r\n\r\n", len(_CHUNKED_HEAD) - 11),
    )
    config = Config(timeout=2.0)
    for original, start in bodies:
        for wire in _mutations(original, start):
            lab.origin.play(Script().send(wire).close())
            outcome = _ended(lab, config)
            if isinstance(outcome, FluxHTTPError):
                assert not isinstance(outcome, RequestTimeoutError), f"{wire!r} ends in {outcome!r}"
                assert str(outcome).isprintable()
            else:
                assert outcome.status_code == 200
                assert _is_faithful(outcome, wire), f"{wire!r} gives {outcome.headers} and {outcome.body!r}"
    lab.still_works()
