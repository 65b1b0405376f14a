"""Exchanges made at random: each from a seed, so that a failure can be had again."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from fluxhttp import Request
from fluxhttp.testing import Script
from fluxhttp_conformance.cases.codings import gzipped
from fluxhttp_conformance.lab import ok, raw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    _T = TypeVar("_T")

_STARTS = (
    *[b"HTTP/1.1 200 OK"] * 8,
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 204 None",
    b"HTTP/1.1 304 Same",
    b"HTTP/1.1 404 \xe9",
    b"HTTP/1.1 205 ",
    b"HTTP/1.1 299",
    b"HTTP/1.1  200 OK",
    b"HTTP/1.1 20 OK",
    b"HTTP/1.1 099 OK",
    b"HTTP/1.1 200\tOK",
    b"HTTP/1.2 200 OK",
    b"HTTP/2 200 OK",
    b"http/1.1 200 OK",
    b"HTTP/1.1 101 Other",
    b"",
)
_INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n", b"HTTP/1.1 102 \n\n")
_FIELDS = (
    *[b"X-A: b", b"x-a: c", b"Set-Cookie: a=b; c"] * 3,
    b"X-B:",
    b"X-B: \xff\x80",
    b"X-B:\t y \t",
    b" folded",
    b"\tfolded: too",
    b"X-B : y",
    b"X B: y",
    b"no colon",
    b": no name",
    b"X-B: a\0b",
    b"X-B: a\rb",
    b"X-B: \x7f",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Trailer: X-A",
    b"Content-Encoding: gzip",
    b"Content-Encoding: identity",
    b"Content-Encoding: br",
)
_LENGTHS = (b"%d", b"%d", b"%d", b"+%d", b"0%d", b"%d, %d", b"%d,%d", b" %d ", b"-%d", b"%dx", b"", b"9%d", b"0x%d")
_TRANSFERS = (
    *[b"chunked"] * 4,
    b"Chunked",
    b"identity",
    b"gzip, chunked",
    b"chunked, chunked",
    b"chunked;a=b",
    b"xchunked",
    b"",
)
_SIZES = (
    *[b"%x\r\n"] * 6,
    b"%X;a=b\r\n",
    b"0%x\r\n",
    b"%x \r\n",
    b" %x\r\n",
    b"%x\n",
    b"0x%x\r\n",
    b"%x;\0\r\n",
    b"-%x\r\n",
)
_ENDS = (*[b"0\r\n\r\n"] * 4, b"0\r\nX: y\r\n\r\n", b"00;a\r\n\r\n", b"0\r\nno colon\r\n\r\n", b"0\r\n", b"0\n\n", b"")
_BODIES = (b"", b"ok", b"hello, world", b"\r\n\r\n", bytes(range(256)), b"HTTP/1.1 200 OK\r\n\r\n", gzipped(b"hello"))


def random_answer(seed: int) -> tuple[str, Script]:
    """A method, and how it is answered: hostile more often than not, always to the end of the connection.

    The methods are those that are sent again where that end is not yet seen when the next call begins (decision D12).
    """
    chance = random.Random(seed)
    method = chance.choice(("GET", "GET", "GET", "HEAD"))
    wire = b"".join(chance.choices(_INTERIM, k=chance.choice((0, 0, 0, 1, 3)))) + _head_and_body(chance)
    if chance.random() < 0.2:
        wire = wire[: chance.randrange(len(wire) + 1)]
    if chance.random() < 0.2 and wire:
        place = chance.randrange(len(wire))
        wire = wire[:place] + chance.randbytes(1) + wire[place + chance.randrange(2) :]
    script, start = Script(), 0
    # Never after the first head: what is too much must come with the answer.
    head = re.split(rb"\n\r?\n", wire, maxsplit=1)[0]
    for end in sorted(chance.choices(range(len(head) + 1), k=chance.randrange(3))):
        if end > start:
            script, start = script.send(wire[start:end]).pause(0.0001), end
    return method, script.send(wire[start:]).close()


def _head_and_body(chance: random.Random) -> bytes:
    content = chance.choice(_BODIES)
    lines = [chance.choice(_STARTS), *chance.choices(_FIELDS, k=chance.randrange(4))]
    framing = chance.choice(("length", "length", "chunked", "chunked", "both", "two lengths", "none"))
    body = content
    if framing not in ("none", "chunked"):
        lines += [_length(chance, content) for _ in range(2 if framing == "two lengths" else 1)]
    if framing in ("chunked", "both"):
        lines.append(b"Transfer-Encoding: " + chance.choice(_TRANSFERS))
        body = _chunks(chance, content)
    head, end = [lines[0], *_shuffled(chance, lines[1:])], chance.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
    return b"".join(line + end for line in head) + end + body


def _length(chance: random.Random, content: bytes) -> bytes:
    form = chance.choice(_LENGTHS)
    size = len(content) if chance.random() < 0.8 else chance.randrange(300)
    return b"Content-Length: " + form.replace(b"%d", b"%d" % size)


def _chunks(chance: random.Random, content: bytes) -> bytes:
    body, rest = b"", content
    while rest:
        size = chance.randint(1, len(rest))
        body += chance.choice(_SIZES).replace(b"%x", b"%x" % size).replace(b"%X", b"%X" % size)
        body += rest[:size] + (b"\r\n" if chance.random() < 0.95 else chance.choice((b"\n", b"", b"x\r\n")))
        rest = rest[size:]
    return body + chance.choice(_ENDS)


def _shuffled(chance: random.Random, items: Sequence[_T]) -> list[_T]:
    return chance.sample(items, len(items))


_TEXTS = (
    "a",
    "%20",
    "%zz",
    "~",
    "-._",
    "\xe9",
    "\u20ac",
    "\U0001f600",
    "&",
    "=",
    "+",
    "a b",
    "/",
    "//",
    "..",
    "|",
    "'",
)
_VALUES = ("", "a", "a, b", "\xe9", "\u20ac", '"quoted, \\" text"', "x" * 300, "a\tb", "  trimmed ", "%0d%0a")


def random_request(seed: int, base: str) -> tuple[Request, Script]:
    """A request to that origin, of odd parts that can all be sent, and how it is answered."""
    chance = random.Random(seed)
    method = chance.choice(("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"))
    path = "/" + "".join(_TEXTS[chance.randrange(len(_TEXTS))] for _ in range(chance.randrange(6))).replace("%zz", "")
    query = "?" + "".join(chance.choices(_TEXTS, k=chance.randrange(5))) if chance.random() < 0.4 else ""
    params = {
        key: chance.choices(_TEXTS, k=chance.randrange(3)) for key in chance.choices(_TEXTS, k=chance.randrange(3))
    }
    names = chance.choices(("X-A", "x-a", "X-Tag", "Accept", "Cookie", "Authorization"), k=chance.randrange(5))
    headers = [(name, chance.choice(_VALUES)) for name in names]
    body = chance.randbytes(chance.choice((0, 0, 1, 10, 1000, 70_000)))
    request = Request.build(method, base + path + query, params=params, headers=headers, body=body)
    return request, raw("HTTP/1.1 200 OK", "Content-Length: 2") if method == "HEAD" else ok()
