"""Families of wrong answers: one byte more, less or other, and random hostile ones.

What comes of each is judged twice: it must be an answer that the bytes can be
read as, or a typed error at once; and it must be what fluxhttp's own reader makes
of the same bytes over another transport. The quick profile takes a sample, always
the same, and the full profile every mutation there is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fluxhttp import FluxHTTPError, RequestTimeoutError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import SURPLUS, case
from fluxhttp_conformance.cases.random_exchanges import random_answer, random_request
from fluxhttp_conformance.reference import Reference, comparable, ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fluxhttp import Response
    from fluxhttp_conformance.lab import Lab

_LENGTH = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nok"
_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNKED = _CHUNKED_HEAD + b"2;a\r\nok\r\n0\r\nX: y\r\n\r\n"
_INTERIM = b"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.0 404 No\r\nX: y\r\n z\r\n\r\nend"
#: Bytes that mean something somewhere.
_TELLING = (b"\0", b"\r", b"\n", b" ", b"\t", b":", b"\x80")
#: How many members of a family are asked between two calls that must work.
_BATCH = 500


def _telling_mutations(wire: bytes, start: int = 0) -> Iterator[bytes]:
    """Each byte from ``start`` on left out, replaced, and with another in front of it."""
    for place in range(start, len(wire)):
        yield wire[:place] + wire[place + 1 :]
        for byte in _TELLING:
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
    """Whether the bytes can be read as that response at all: never a longer body than came, nor another."""
    rest = wire
    while status := re.match(rb"HTTP/1\.[0-9] +([1-9][0-9]{2})", rest):
        _, *ended = re.split(rb"\n\r?\n", rest, maxsplit=1)
        if not ended:
            return False
        rest = ended[0]
        if not status[1].startswith(b"1"):
            break
    if status is None or response.status_code != int(status[1]):
        return False
    if response.status_code in (204, 304):
        return response.body == b""
    if "transfer-encoding" in response.headers:
        return response.body == _unchunked(rest)
    length = response.headers.get("content-length")
    if length is not None:
        return response.body == rest[: int(length)] and len(rest) >= int(length)
    return response.body == rest


def _judge(lab: Lab, wires: Sequence[bytes]) -> None:
    """Each of these bytes, then the end: what comes of it is faithful, and what the reference makes of it."""
    for start in range(0, len(wires), _BATCH):
        lab.move()
        with Reference(lab.target) as reference:
            for wire in wires[start : start + _BATCH]:
                script = Script().send(wire).close()
                outcome, expected = ended(lab, script), reference.ended(script)
                _is_sound(outcome, wire)
                assert comparable(outcome) == comparable(expected), (
                    f"{wire!r} gives {comparable(outcome)}, and {comparable(expected)} over {reference.name}"
                )
        lab.still_works()


def _is_sound(outcome: Response | FluxHTTPError, wire: bytes) -> None:
    if isinstance(outcome, FluxHTTPError):
        assert not isinstance(outcome, RequestTimeoutError), f"{wire!r} ends in {outcome!r}"
        assert str(outcome).isprintable()
    else:
        assert _is_faithful(outcome, wire), f"{wire!r} gives {outcome.headers} and {outcome.body!r}"


@case("families/mutations", anchor="seam; RFC 9112, 2.2", tags=("security",), seconds=60.0, sent_whole=SURPLUS)
def mutations(lab: Lab) -> None:
    """One byte more, less or other makes another valid answer or a typed error: no other exception, no hang."""
    for wire in (*_telling_mutations(_LENGTH), *_telling_mutations(_CHUNKED, len(_CHUNKED_HEAD) - 11)):
        _is_sound(ended(lab, Script().send(wire).close()), wire)
    lab.still_works()


@case("families/every-byte-left-out", anchor="seam; RFC 9112, 2.2", tags=("security",), sent_whole=SURPLUS)
def every_byte_left_out(lab: Lab) -> None:
    """An answer that lost any one of its bytes is another valid answer or a typed error, as for the reference."""
    wires = (_LENGTH, _CHUNKED, _INTERIM)
    _judge(lab, [wire[:place] + wire[place + 1 :] for wire in wires for place in range(len(wire))])
    lab.still_works()


def _replaced(wire: bytes) -> list[bytes]:
    """Each byte turned into each other one."""
    places = [(place, bytes([byte])) for place in range(len(wire)) for byte in range(256) if byte != wire[place]]
    return [wire[:place] + byte + wire[place + 1 :] for place, byte in places]


def _inserted(wire: bytes) -> list[bytes]:
    """Each byte there is, put in front of each."""
    places = [(place, bytes([byte])) for place in range(len(wire)) for byte in range(256)]
    return [wire[:place] + byte + wire[place:] for place, byte in places]


@case(
    "families/every-byte-replaced", anchor="seam; RFC 9112, 2.2", tags=("security",), seconds=240.0, sent_whole=SURPLUS
)
def every_byte_replaced(lab: Lab) -> None:
    """Any byte in any place of an answer makes another valid answer or a typed error, as for the reference."""
    _judge(lab, lab.sample(_replaced(_LENGTH), 150))
    lab.still_works()


@case(
    "families/every-byte-inserted", anchor="seam; RFC 9112, 2.2", tags=("security",), seconds=240.0, sent_whole=SURPLUS
)
def every_byte_inserted(lab: Lab) -> None:
    """Any byte put anywhere into an answer makes another valid answer or a typed error, as for the reference."""
    _judge(lab, lab.sample(_inserted(_LENGTH), 150))
    lab.still_works()


@case(
    "families/every-byte-of-chunks-replaced",
    anchor="seam; RFC 9112, 2.2",
    tags=("security",),
    seconds=240.0,
    sent_whole=SURPLUS,
)
def every_byte_of_chunks_replaced(lab: Lab) -> None:
    """Nor is there a byte in any place of a chunked answer that makes another body of it than the reference reads."""
    _judge(lab, lab.sample(_replaced(_CHUNKED), 150))
    lab.still_works()


@case(
    "families/every-byte-put-into-chunks",
    anchor="seam; RFC 9112, 2.2",
    tags=("security",),
    seconds=240.0,
    sent_whole=SURPLUS,
)
def every_byte_put_into_chunks(lab: Lab) -> None:
    """Nor is there a byte that makes one when it is put anywhere into a chunked answer."""
    _judge(lab, lab.sample(_inserted(_CHUNKED), 150))
    lab.still_works()


@case(
    "families/interim-answers-mutated",
    kind="pinned",
    anchor="D10; RFC 9110, 15.2",
    tags=("security", "slow"),
    seconds=240.0,
    sent_whole=SURPLUS,
)
def interim_answers_mutated(lab: Lab) -> None:
    """Nor can another byte make an interim answer the final one, or another body of what ends with the peer."""
    _judge(lab, _replaced(_INTERIM))
    lab.still_works()


@case("families/random-answers", anchor="seam; RFC 9112, 2.2", tags=("security",), seconds=240.0, sent_whole=SURPLUS)
def random_answers(lab: Lab) -> None:
    """Answers made at random from hostile parts, split at random, are what the reference makes of them, errors too."""
    seeds = lab.sample(range(6000), 200)
    for start in range(0, len(seeds), _BATCH):
        lab.move()
        with Reference(lab.target) as reference:
            for seed in seeds[start : start + _BATCH]:
                method, script = random_answer(seed)

                outcome, expected = ended(lab, script, method), reference.ended(script, method)

                assert not isinstance(outcome, RequestTimeoutError), f"seed {seed} ends in {outcome!r}"
                assert comparable(outcome) == comparable(expected), (
                    f"seed {seed}, {method}, {script!r} gives {comparable(outcome)}, and {comparable(expected)}"
                    f" over {reference.name}"
                )
        lab.still_works()


@case("families/random-requests", anchor="seam; RFC 9112, 3", tags=("security",), seconds=240.0)
def random_requests(lab: Lab) -> None:
    """Requests made at random from odd parts are on the wire as they say of themselves, byte for byte, in order."""
    sent: list[bytes] = []
    for seed in lab.sample(range(3000), 120):
        request, script = random_request(seed, lab.url(""))
        lab.origin.play(script)

        lab.client.send(request)

        sent.append(request.to_bytes())
    for seen, expected in zip(lab.requests, sent, strict=True):
        assert seen.raw == expected
    lab.still_works()
    assert lab.origin.connections == 1
