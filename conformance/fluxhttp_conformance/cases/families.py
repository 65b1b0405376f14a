"""Families: one answer in all its cuts and splits, each family one case.

What they find is what no list of known mistakes has: a place where one byte less,
or one in another packet, makes another answer of it. The quick profile takes a
sample of the larger ones, the full profile the whole.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from fluxhttp import Config, IncompleteBodyError, ReceiveError, RequestTimeoutError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import gzipped
from fluxhttp_conformance.reference import comparable, ended

if TYPE_CHECKING:
    from fluxhttp_conformance.lab import Lab

_LENGTH_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX: y\r\n\r\n"
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: As many calls as may wait for a silent peer at once.
_AT_ONCE = 8
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


@case("families/silence-at-a-cut", kind="pinned", anchor="D11", seconds=60.0)
def silence_at_a_cut(lab: Lab) -> None:
    """A peer that falls silent at any byte of an answer before its last ends the call by its deadline, and only so."""
    cuts = [
        (Script().send(wire[:size]).stall(), "head" if size < len(head) else "body")
        for head, pieces, _ in _CUT
        for wire in [head + b"".join(piece for piece, _ in pieces)]
        for size in range(len(wire))
    ]
    chosen = lab.sample(cuts, 2 * _AT_ONCE)
    for start in range(0, len(chosen), _AT_ONCE):
        scripts, phases = zip(*chosen[start : start + _AT_ONCE], strict=True)
        calls = [partial(lab.client.get, lab.url(), config=Config(timeout=0.3))] * len(scripts)
        lab.origin.play(*scripts)

        errors = lab.together(*calls)

        assert {type(error) for error in errors} == {RequestTimeoutError}
        assert Counter(error.phase for error in errors) == Counter(phases)
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


@case("families/byte-by-byte", anchor="RFC 9112, 2.2; seam")
def byte_by_byte(lab: Lab) -> None:
    """TCP has no packets that mean anything: an answer in single bytes is the same answer, or the same error."""
    for wire in _ANSWERS:
        whole = Script().send(wire).close()

        expected = comparable(ended(lab, whole))
        outcome = comparable(ended(lab, whole.dribbled(pause=0.0002)))

        assert outcome == expected, f"{wire!r} gives {expected} as a whole and {outcome} byte by byte"
    lab.still_works()


@case("families/every-split", anchor="RFC 9112, 2.2; seam", seconds=60.0)
def every_split(lab: Lab) -> None:
    """Wherever an answer is split in two pieces, it is the same answer, or the same error."""
    wire = _CHUNKED_HEAD + b"5;a=b\r\nhello\r\n06\r\n world\r\n0\r\nX: y\r\n\r\n"
    for size in range(1, len(wire)):
        response = lab.receive(Script().send(wire[:size]).pause(0.0002).send(wire[size:]))

        assert response.body == b"hello world"
    lab.still_works()
    assert lab.origin.connections == 1
    wholes = {answer: comparable(ended(lab, Script().send(answer).close())) for answer in _ANSWERS}
    splits = [(answer, size) for answer in _ANSWERS for size in range(1, len(answer))]
    for answer, size in lab.sample(splits, 60):
        split = Script().send(answer[:size]).pause(0.0002).send(answer[size:]).close()

        outcome = comparable(ended(lab, split))

        assert outcome == wholes[answer], f"{answer!r} gives {wholes[answer]}, and {outcome} split after {size} bytes"
    lab.still_works()
