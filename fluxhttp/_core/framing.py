"""Where a body ends, and whether its connection may be used again (RFC 9112, 6, 7 and 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fluxhttp.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.head import Head

# Content-Length = 1*DIGIT                                      (RFC 9110, 8.6)
# 19 digits hold every length below 2**63; leading zeros are digits, too.
_is_length = re.compile(r"[0-9]{1,19}").fullmatch
_LENGTH_MAX = 2**63 - 1

# chunk      = chunk-size [ chunk-ext ] CRLF chunk-data CRLF     (RFC 9112, 7.1)
# chunk-size = 1*HEXDIG; 16 digits hold every size below 2**64
# chunk-ext  = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )  (7.1.1)
# Blanks after the size are let through, as BWS before an extension must be.
_is_chunk_line = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n").fullmatch

#: Answers that never have a body (RFC 9110, 6.4.1).
BODYLESS = frozenset({204, 304})
#: A chunk line with its extension; no sender needs more.
CHUNK_LINE_BYTES = 4096
#: A trailer section; Go allows about as much (rule 55).
TRAILER_BYTES = 4096
#: What chunk lines may cost beyond the data they carry (CVE-2023-39326), as in Go:
#: 16 bytes a chunk and twice its data are free.
_CHUNK_OVERHEAD_BYTES = 16 * 1024

#: Fields that must not come as trailers, for they decide how a message is read (RFC 9110, 6.5.1).
_NEVER_TRAILERS = frozenset({"content-length", "trailer", "transfer-encoding"})


class Framing:
    """How a body is delimited.

    Attributes:
        length: body bytes; 0 for none. None: until the last chunk or the end of the stream.
        is_chunked: whether it comes in chunks.
        keeps_alive: whether another request may follow on the connection.
    """

    __slots__ = ("is_chunked", "keeps_alive", "length")

    def __init__(self, length: int | None, is_chunked: bool, keeps_alive: bool) -> None:  # noqa: FBT001  # made for each answer
        self.length = length
        self.is_chunked = is_chunked
        self.keeps_alive = keeps_alive


def body_framing(method: str, head: Head) -> Framing:
    """The framing of an answer's body (RFC 9112, 6.3).

    Raises:
        ProtocolError: Content-Length or Transfer-Encoding is not to be trusted (decision D10).
    """
    if method == "CONNECT" and 200 <= head.status_code < 300:
        # What follows is the tunnel; "a client MUST ignore any Content-Length or Transfer-Encoding" (6.3).
        return Framing(0, False, True)
    index = head.headers._index or head.headers.index
    lengths = index.get("content-length")
    codings = index.get("transfer-encoding")
    length = None
    if lengths is not None:
        first = lengths[0]
        # What nearly every length is; 18 digits are below 2**63.
        is_plain = len(lengths) == 1 and len(first) <= 18 and first.isdecimal() and first.isascii()
        length = int(first) if is_plain else _content_length(lengths)
    if codings is not None:
        _check_transfer_encoding(codings, head.http_version, index.get("trailer", ()))
    connection = index.get("connection")
    keeps_alive = head.http_version != "HTTP/1.0" if connection is None else _keeps_alive(head.http_version, connection)
    status_code = head.status_code
    if method == "HEAD" or status_code < 200 or status_code in BODYLESS:
        return Framing(0, False, keeps_alive)
    if codings is not None:
        # Length beside chunked is ignored, and may be an attempt at smuggling (RFC 9112, 6.3).
        return Framing(None, True, keeps_alive and length is None)
    return Framing(length, False, keeps_alive and length is not None)


def _content_length(values: Sequence[str]) -> int:
    first = values[0]
    if values.count(first) != len(values):
        raise ProtocolError("the answer has Content-Length lines that differ", phase="head")
    length = int(first) if _is_length(first) else _LENGTH_MAX + 1
    if length > _LENGTH_MAX:
        raise ProtocolError("the answer's Content-Length is not a decimal number below 2**63", phase="head")
    return length


def _check_transfer_encoding(values: Sequence[str], http_version: str, trailers: Sequence[str]) -> None:
    if http_version == "HTTP/1.0":
        # "MUST treat the message as if the framing is faulty" (RFC 9112, 6.1)
        raise ProtocolError("an HTTP/1.0 answer must not have Transfer-Encoding", phase="head")
    if len(values) != 1 or values[0].lower() != "chunked":
        raise ProtocolError("the answer's Transfer-Encoding is not one 'chunked'", phase="head")
    for value in trailers:
        for name in value.split(","):
            if name.strip(" \t").lower() in _NEVER_TRAILERS:
                raise ProtocolError("the answer announces a trailer that must not be one", phase="head")


def _keeps_alive(http_version: str, connection: Sequence[str]) -> bool:
    """Whether a peer that has a Connection field keeps the connection open (RFC 9112, 9.3)."""
    if len(connection) == 1 and connection[0] == "keep-alive":  # as most write it
        return True
    options = {option.strip(" \t").lower() for value in connection for option in value.split(",")}
    if "close" in options:
        return False
    return http_version != "HTTP/1.0" or "keep-alive" in options


class ChunkCounter:
    """Reads chunk lines, and holds what they may cost."""

    __slots__ = ("_overhead",)

    def __init__(self) -> None:
        self._overhead = 0

    def size(self, line: bytes) -> int:
        """The size a chunk line, with its CRLF, announces; 0 for the last chunk.

        Raises:
            ProtocolError: it is malformed, or chunk lines outweigh the data by far.
        """
        found = _is_chunk_line(line)
        if found is None:
            raise ProtocolError("the answer has a malformed chunk line", phase="body")
        size = int(found[1], 16)
        self._overhead = max(0, self._overhead + len(line) - 16 - 2 * size)
        if self._overhead > _CHUNK_OVERHEAD_BYTES:
            raise ProtocolError("the answer's chunk lines outweigh its data", phase="body")
        return size
