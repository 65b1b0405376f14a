"""StrictResponse: reads one answer off a stream, as RFC 9112 has it (decision D10).

It is an ``http.client.HTTPResponse``, so that ``http.client`` and urllib3 take
it as their ``response_class``; and it is a ``TransportResponse``, so that a
transport hands it to the client as it is. Of the base class nothing parses.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from fluxhttp._core.config import DEFAULT_LIMITS
from fluxhttp._core.framing import CHUNK_LINE_BYTES, TRAILER_BYTES, ChunkCounter, body_framing
from fluxhttp._core.head import find_head_end, head_too_large, next_head, parse_fields, parse_head
from fluxhttp._wire.bulk import LargeRead, SmallRead
from fluxhttp.errors import ClosedError, HeadTooLargeError, IncompleteBodyError, ProtocolError, ReceiveError

if TYPE_CHECKING:
    from typing import Protocol

    from fluxhttp._core.config import Limits
    from fluxhttp._core.framing import Framing
    from fluxhttp._core.head import Head
    from fluxhttp._core.headers import Headers
    from fluxhttp._wire.stream import Stream

    class Owner(Protocol):
        """Whoever gets the connection back."""

        def answer_closed(self, *, reusable: bool) -> None: ...


#: Interim answers skipped before the final one (CVE-2021-3737).
INTERIM_MAX = 100
#: Up to this size a body is gathered in pieces; a larger one is read in place.
_SMALL_BODY_BYTES = 262_144


class StrictResponse(http.client.HTTPResponse):
    """One answer: its head after ``begin``, then its body through ``read``.

    Args:
        sock: the connection's stream.
        method: of the request that is answered.
        limits: of the head.
        owner: gets the connection back when the answer is closed; None for nobody.
    """

    # Slots, beside the dictionary that the base class has: filling that costs more than all the rest.
    __slots__ = (
        "_chunks",
        "_framing",
        "_is_complete",
        "_is_malformed",
        "_left",
        "_limits",
        "_method",
        "_received",
        "_stream",
        "closed",
        "headers",
        "http_version",
        "owner",
        "reason",
        "status",
        "status_code",
    )

    status: int
    status_code: int
    reason: str
    headers: Headers  # type: ignore[assignment]  # lossless and ordered, where http.client has an email message
    http_version: str

    def __init__(  # the base class would open a file on the socket
        self,
        sock: Stream,
        debuglevel: int = 0,  # noqa: ARG002  # the signature is http.client's
        method: str | None = None,
        url: str | None = None,  # noqa: ARG002  # as above
        *,
        limits: Limits = DEFAULT_LIMITS,
        owner: Owner | None = None,
    ) -> None:
        self.closed: bool = False
        self._stream = sock
        self._method = method or "GET"
        self._limits = limits
        self.owner = owner
        self._received = 0
        self._left: int | None = 0
        self._chunks: ChunkCounter | None = None
        self._is_complete = False
        self._is_malformed = False

    # Head

    def begin(self) -> None:
        """Reads heads until one is final.

        Raises:
            ProtocolError: it is malformed, a 101, or the hundred-first interim answer.
            HeadTooLargeError: it is over the limits.
            TransportError: the peer went away or the time was over.
        """
        for _ in range(INTERIM_MAX + 1):
            head = self._read_head()
            if head.status_code >= 200:
                self._take_head(head, body_framing(self._method, head))
                return
            if head.status_code == 101:
                # Nothing was asked to be switched to (RFC 9110, 15.2.2).
                raise ProtocolError("the answer is a 101, but no upgrade was asked for", phase="head")
        raise ProtocolError(f"more than {INTERIM_MAX} interim answers", phase="head")

    def _take_head(self, head: Head, framing: Framing) -> None:
        self.status_code = self.status = head.status_code
        self.reason = head.reason
        self.http_version = head.http_version
        self.headers = head.headers  # pyright: ignore[reportIncompatibleVariableOverride]  # as declared above
        self._framing = framing
        self._left = framing.length
        if framing.is_chunked:
            self._left = 0
            self._chunks = ChunkCounter()
        self._is_complete = framing.length == 0 and not framing.is_chunked

    def _read_head(self) -> Head:
        stream = self._stream
        if stream.position >= len(stream.buffer) and not stream.fill("head"):
            raise ReceiveError(self._early_end("before it answered"), phase="head", maybe_sent=stream.sent)
        found = next_head(stream.buffer, stream.position, self._limits)
        if found is None:
            return parse_head(self._gather_head(), self._limits)
        head, stream.position = found
        return head

    def _gather_head(self) -> bytearray:
        """The lines of a head that did not come in one piece."""
        stream = self._stream
        gathered = bytearray(stream.take(len(stream.buffer)))
        while True:
            if len(gathered) > self._limits.head:
                raise head_too_large(self._limits)
            if not gathered.startswith(b"HTTP/1."[: len(gathered)]):
                # Refused before a peer that speaks something else makes us wait.
                raise ProtocolError("the answer does not begin with an HTTP/1.1 status line", phase="head")
            searched = max(0, len(gathered) - 3)
            piece = stream.receive("head")
            if not piece:
                raise ReceiveError(self._early_end("in the middle of the head"), phase="head", maybe_sent=stream.sent)
            gathered += piece
            end = find_head_end(gathered, searched)
            if end is not None and end[1] <= self._limits.head:
                stream.buffer, stream.position = bytes(gathered[end[1] :]), 0
                return gathered[: end[0]]

    @staticmethod
    def _early_end(where: str) -> str:
        return f"the peer closed the connection {where}"

    # Body

    def read(self, amt: int | None = None, /) -> bytes:
        """At most ``amt`` bytes of the body without its framing, all of it for None; b"" at the end.

        Raises:
            IncompleteBodyError: the body ended before its framing says it does.
            ProtocolError: a chunk or trailer is malformed.
            TransportError: any other failure of the connection.
            ClosedError: it was closed before its body was read whole.
        """
        if amt is None:
            return b"".join(iter(lambda: self.read(_SMALL_BODY_BYTES), b""))
        if self._is_complete or amt <= 0:
            return b""
        if self.closed:
            # Whatever is left in the buffer: how much that is depends on the network.
            raise ClosedError("the answer is closed, and its body was not read whole")
        left, stream = self._left, self._stream
        if left is not None and left <= amt and left <= len(stream.buffer) - stream.position and self._chunks is None:
            # The rest of a body of known length came with the head: the common case.
            self._received += left
            self._left = 0
            self._is_complete = True
            return stream.take(left)
        if self._is_malformed:
            raise ProtocolError("the body is malformed", phase="body", maybe_sent=self._stream.sent)
        try:
            data = self._read_some(amt)
        except ReceiveError as error:
            raise self._incomplete(str(error)) from error.__cause__
        except (ProtocolError, HeadTooLargeError):
            # Nobody knows what the bytes after it are.
            self._is_malformed = True
            raise
        self._received += len(data)
        return data

    def _read_some(self, size: int) -> bytes:
        if self._chunks is not None:
            pieces: list[bytes] = []
            try:
                self._read_chunks(size, self._chunks, pieces)
            except ReceiveError:
                self._received += sum(map(len, pieces))
                raise
            return b"".join(pieces)
        if self._left is None:
            return self._read_until_end(size)
        data = self._read_exactly(min(size, self._left))
        self._left -= len(data)
        self._is_complete = self._left == 0
        return data

    def _read_exactly(self, size: int) -> bytes:
        stream = self._stream
        if size <= len(stream.buffer) - stream.position:
            return stream.take(size)
        reading = LargeRead(stream, size) if size > _SMALL_BODY_BYTES else SmallRead(stream, size)
        try:
            data = reading.read()
        except ReceiveError:
            self._received += size - reading.missing
            raise
        if len(data) < size:
            self._received += len(data)
            raise ReceiveError(self._early_end("in the middle of the body"), phase="body")
        return data

    def _read_until_end(self, size: int) -> bytes:
        stream = self._stream
        if stream.position < len(stream.buffer) or stream.fill("body"):
            return stream.take(size)
        self._is_complete = True
        return b""

    def _incomplete(self, what: str) -> IncompleteBodyError:
        expected = None if self._chunks is not None or self._left is None else self._framing.length
        of = "" if expected is None else f" of {expected}"
        return IncompleteBodyError(
            f"{what}, after {self._received}{of} bytes",
            received=self._received,
            expected=expected,
            maybe_sent=self._stream.sent,
        )

    # Chunks (RFC 9112, 7.1)

    def _read_chunks(self, size: int, chunks: ChunkCounter, pieces: list[bytes]) -> None:
        """Chunk data up to ``size``: as much as came, but at least a byte unless it is the end."""
        stream = self._stream
        while size:
            if not self._left:
                if pieces and stream.buffer.find(b"\n", stream.position) < 0:
                    break
                self._left = chunks.size(self._read_line(CHUNK_LINE_BYTES))
                if not self._left:
                    self._read_trailers()
                    self._is_complete = True
                    break
            if stream.position >= len(stream.buffer):
                if pieces:
                    break
                if not stream.fill("body"):
                    raise ReceiveError(self._early_end("in the middle of a chunk"), phase="body")
            piece = stream.take(min(size, self._left))
            pieces.append(piece)
            size -= len(piece)
            self._left -= len(piece)
            if not self._left:
                self._end_chunk()

    def _end_chunk(self) -> None:
        stream = self._stream
        while len(stream.buffer) - stream.position < 2:
            if not stream.fill("body"):
                raise ReceiveError(self._early_end("in the middle of a chunk"), phase="body")
        if stream.take(2) != b"\r\n":
            raise ProtocolError("a chunk is not followed by CR LF", phase="body", maybe_sent=stream.sent)

    def _read_line(self, most: int) -> bytes:
        """A line with its LF, of at most that many bytes."""
        stream = self._stream
        end = stream.buffer.find(b"\n", stream.position)
        if end >= 0 and end - stream.position < most:
            return stream.take(end + 1 - stream.position)
        gathered = bytearray(stream.take(len(stream.buffer)))
        end = -1
        while end < 0 and len(gathered) <= most:
            searched = len(gathered)
            piece = stream.receive("body")
            if not piece:
                raise ReceiveError(self._early_end("in the middle of the body"), phase="body")
            gathered += piece
            end = gathered.find(b"\n", searched)
        end += 1
        if not 0 < end <= most:
            raise ProtocolError("a line in the body's framing is too long", phase="body", maybe_sent=stream.sent)
        stream.buffer, stream.position = bytes(gathered[end:]), 0
        return bytes(gathered[:end])

    def _read_trailers(self) -> None:
        """Reads and drops the trailer section: its fields are never merged (RFC 9110, 6.5.1)."""
        left = TRAILER_BYTES
        lines: list[bytes] = []
        while (line := self._read_line(left + 1)) not in (b"\r\n", b"\n"):
            lines.append(line)
            left -= len(line)
            if left < 0:
                raise ProtocolError("the trailer section is too long", phase="body", maybe_sent=self._stream.sent)
        if lines:
            parse_fields(b"".join(lines).decode("latin-1"), self._limits, phase="body")

    # The end

    @property
    def is_reusable(self) -> bool:
        """Whether the connection may carry another request (RFC 9112, 9.3)."""
        stream = self._stream
        return self._is_complete and self._framing.keeps_alive and stream.position >= len(stream.buffer)

    def give_up_connection(self) -> None:
        """Says that the connection must not be used again, whatever the answer says."""
        self._framing.keeps_alive = False

    def close(self) -> None:
        """Gives the connection back if the body was read whole, drops it otherwise."""
        owner, self.owner = self.owner, None
        # Spares the base class's finalizer a second call.
        self.closed = True
        if owner is not None:
            owner.answer_closed(reusable=self.is_reusable)
