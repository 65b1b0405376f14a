"""Faults in reading bodies: chunks, lengths, ends."""

from __future__ import annotations

import re

from fluxhttp import IncompleteBodyError, ProtocolError, ReceiveError
from fluxhttp_conformance.zoo.chunked import ChunkWire
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wire import HELD_BYTES, HeadWire, Wire, WireDialer, WireSocket
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

# Chunks


@creature(
    "framing/chunk-size-is-hex-digits-only",
    "families/every-byte-of-chunks-replaced",
    "families/every-byte-left-out",
    like="http.client: int(line, 16)",
)
class GivesChunkSizesToInt(ChunkWire):
    """Takes for a chunk size whatever int() takes for a number."""

    def size_line(self, line: bytes) -> bytes:
        """The number's own form."""
        size, semicolon, extension = line.partition(b";")
        try:
            return b"%x" % abs(int(size.decode("latin-1"), 16)) + (semicolon + extension if semicolon else b"\r\n")
        except ValueError:
            return line


@creature("chunks/size-has-a-bound")
class WrapsChunkSizes(ChunkWire):
    """Keeps the last 64 bits of a chunk size."""

    def size_line(self, line: bytes) -> bytes:
        """The rest of the number."""
        found = re.match(rb"[0-9A-Fa-f]+", line)
        return line if found is None else b"%x" % (int(found[0], 16) % 2**64) + line[found.end() :]


@creature("chunks/hex-digits")
class KnowsLowerHexDigitsOnly(ChunkWire):
    """Does not know A to F."""

    def size_line(self, line: bytes) -> bytes:
        """Refuses them."""
        return b"malformed\r\n" if re.match(rb"[0-9a-f]*[A-F]", line) else line


@creature("chunks/extensions", "framing/chunked", "families/every-split", "families/every-byte-put-into-chunks")
class TakesTheWholeLineForTheSize(ChunkWire):
    """Knows no chunk extensions."""

    def size_line(self, line: bytes) -> bytes:
        """Refuses them."""
        return b"malformed\r\n" if b";" in line else line


@creature("chunks/data-longer-than-its-size", like="http.client")
class SkipsTwoBytesAfterAChunk(ChunkWire):
    """Does not look at the two bytes after a chunk's data."""

    def after(self, two: bytes) -> bytes:  # noqa: ARG002  # that is the fault
        """Whatever they are."""
        return b"\r\n"


@creature("chunks/cut", "families/every-cut-point")
class TakesTheEndForTheLastChunk(ChunkWire):
    """Takes the end of the stream for that of the chunks."""

    def end(self) -> bytes:
        """As if the last chunk had come."""
        return {"size": b"0\r\n\r\n", "after": b"\r\n0\r\n\r\n", "trailers": b"\r\n"}.get(self._state, b"")


@creature("chunks/endless-line", like="CVE-2023-39326 of Go: chunk extensions of any size")
class GathersChunkLines(ChunkWire):
    """Gathers a chunk line for as long as it goes on."""

    held_bytes = HELD_BYTES


@creature("chunks/lf-alone", like="http.client")
class EndsChunkLinesAtLF(ChunkWire):
    """Takes a LF alone for the end of a chunk line."""

    def size_line(self, line: bytes) -> bytes:
        """With the CR that is missing."""
        return line if line.endswith(b"\r\n") else line[:-1] + b"\r\n"


@creature("chunks/tiny")
class ReadsEachChunkOneLevelDeeper(ChunkWire):
    """Reads the next chunk in a call from within the one before."""

    def size_line(self, line: bytes) -> bytes:
        """Goes as deep as there were chunks."""

        def deeper(count: int) -> bytes:
            return deeper(count - 1) if count else line

        return deeper(self.count)


@creature("chunks/of-any-size", "framing/body-sizes")
class ReadsAChunkOnce(ChunkWire):
    """Takes the first 4,096 bytes of a chunk, and zeros for the rest of it."""

    def __init__(self) -> None:
        super().__init__()
        self._got = 0

    def size_line(self, line: bytes) -> bytes:
        """A chunk begins."""
        self._got = 0
        return line

    def data(self, piece: bytes) -> bytes:
        """What was read, then what was there."""
        kept = piece[: max(0, 4096 - self._got)]
        self._got += len(piece)
        return kept + bytes(len(piece) - len(kept))


@creature("trailers/malformed", like="http.client")
class SkipsTrailersUnseen(ChunkWire):
    """Skips trailer lines without a look."""

    def trailer(self, line: bytes) -> bytes:
        """Only the empty one counts."""
        return line if line in (b"\r\n", b"\n") else b""


@creature("trailers/endless", like="CVE-2021-3737 of CPython")
class WaitsForTheEndOfTrailers(ChunkWire):
    """Skips trailers without a bound."""

    held_bytes = HELD_BYTES
    _skipped = 0

    def trailer(self, line: bytes) -> bytes:
        """So many of them that a test must end somewhere."""
        self._skipped += len(line)
        if self._skipped > HELD_BYTES and self._state:
            self._state = ""
            return b"\r\n"
        return line if line in (b"\r\n", b"\n") else b""


@creature("trailers/are-dropped", "families/every-split")
class TakesTrailersForChunks(ChunkWire):
    """Gives trailer lines out as part of the body."""

    def size_line(self, line: bytes) -> bytes:
        """The last chunk waits for them."""
        return b"" if re.match(rb"0+[;\r]", line) else line

    def _read_size(self) -> bytes | None:
        read = super()._read_size()
        if read == b"":
            self._state = "trailers"
        return read

    def trailer(self, line: bytes) -> bytes:
        """A chunk of its own."""
        return b"0\r\n\r\n" if line in (b"\r\n", b"\n") else b"%x\r\n%b\r\n" % (len(line), line)


@creature("chunks/huge-size-costs-nothing", like="bytearray(size)")
class SetsMemoryAsideForAChunk(ChunkWire):
    """Sets memory aside for a whole chunk as soon as its size is known."""

    def size_line(self, line: bytes) -> bytes:
        """At least for much of it."""
        found = re.match(rb"[0-9A-Fa-f]+", line)
        self._memory = bytearray(min(int(found[0], 16), HELD_BYTES) if found else 0)
        return line


@creature("framing/huge-length-costs-nothing", "limits/length-is-judged-before-it-is-read")
class SetsMemoryAsideForABody(HeadWire):
    """Sets memory aside for a whole body as soon as its length is known."""

    def edit(self, head: bytes) -> bytes:
        """At least for much of it."""
        found = re.search(rb"\nContent-Length: ([0-9]{1,20})\r", head)
        self._memory = bytearray(min(int(found[1]), HELD_BYTES) if found else 0)
        return head


# Ends


@creature(
    "framing/short-body",
    "framing/short-large-body",
    "framing/reset-in-body",
    "chunks/reset",
    "tls/cut-off",
    "interim/then-the-end",
    like="urllib3 before 2.0, and requests on it",
)
class TakesAShortBodyForWhole(Answer):
    """Gives a body that broke off for a whole one."""

    def read(self, size: int, /) -> bytes:
        """Ends where it ends."""
        try:
            return super().read(size)
        except IncompleteBodyError:
            return b""


@creature("framing/short-body", "framing/short-large-body", "reading/short-body-raises")
class CountsNoBytes(Answer):
    """Does not say how much of a body came."""

    def read(self, size: int, /) -> bytes:
        """Forgets the count."""
        try:
            return super().read(size)
        except IncompleteBodyError as error:
            error.received = 0
            raise


@creature("framing/no-body-where-one-was-declared", "framing/huge-length-costs-nothing")
class TellsNoLength(Answer):
    """Does not say how much of a body was declared."""

    def read(self, size: int, /) -> bytes:
        """Forgets the length."""
        try:
            return super().read(size)
        except IncompleteBodyError as error:
            error.expected = None
            raise


@creature("reading/short-body-raises", "reading/malformed-chunk-raises")
class FailsOnce(Answer):
    """Raises for a broken body once, and ends it then."""

    _has_failed = False

    def read(self, size: int, /) -> bytes:
        """The second time it is the end."""
        if self._has_failed:
            return b""
        try:
            return super().read(size)
        except (ProtocolError, ReceiveError):
            self._has_failed = True
            raise


@creature("framing/empty-body", "reading/no-body-is-read-whole", like="if not data:")
class TakesAnEmptyReadForAFailure(Answer):
    """Takes a body without a byte for one that broke off."""

    _has_begun = False

    def read(self, size: int, /) -> bytes:
        """The first must not be empty."""
        data = super().read(size)
        if not data and not self._has_begun:
            raise IncompleteBodyError("the peer sent no body")
        self._has_begun = True
        return data


@creature("framing/until-the-connection-closes", "tls/close-notify")
class TakesNoLengthForNoBody(Answer):
    """Takes an answer without a length and without chunks for an empty one."""

    def read(self, size: int, /) -> bytes:
        """Only what was declared."""
        headers = self.inner.headers
        return super().read(size) if "content-length" in headers or "transfer-encoding" in headers else b""


class _ResetSocket(WireSocket):
    def recv(self, size: int, flags: int = 0, /) -> bytes:
        try:
            return super().recv(size, flags)
        except ConnectionResetError:
            return b""


@creature("framing/reset-ends-no-body", like="except OSError: break")
class TakesAResetForTheEnd(Wrapper):
    """Takes a connection that was reset for one that was closed in good order."""

    def dials(self) -> WireDialer:
        """With such sockets."""
        return WireDialer(self.dialer, Wire, _ResetSocket)


@creature("framing/body-sizes")
class StopsAtAQuarterMegabyte(Answer):
    """Gives the first 262,144 bytes of a body."""

    _left = 262_144

    def read(self, size: int, /) -> bytes:
        """As long as there is room."""
        data = super().read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data


@creature("lines/head-ends-at-the-first-empty-line")
class SkipsLineEndsBeforeTheBody(Answer):
    """Skips line ends in front of a body."""

    _has_begun = False

    def read(self, size: int, /) -> bytes:
        """Without them."""
        data = super().read(size)
        if not self._has_begun:
            data = data.lstrip(b"\r\n")
        self._has_begun = True
        return data


# What read() gives


@creature("reading/byte-by-byte", "reading/pieces")
class GivesMoreThanWasAskedFor(Answer):
    """Takes the size of a read for a hint."""

    def read(self, size: int, /) -> bytes:
        """Some more."""
        return super().read(size + 1000)


@creature("reading/pieces")
class GivesBytearrays(Answer):
    """Gives its buffer instead of bytes."""

    def read(self, size: int, /) -> bytes:
        """As a bytearray."""
        return bytearray(super().read(size))  # type: ignore[return-value]  # that is the fault
