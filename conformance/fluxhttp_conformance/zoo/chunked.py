"""ChunkWire: a reader of chunks with places for faults (RFC 9112, 7.1)."""

from __future__ import annotations

import re

from fluxhttp_conformance.zoo.wire import HeadWire

_has_chunks = re.compile(rb"\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE).search
_begins_with_size = re.compile(rb"[0-9A-Fa-f]{1,16}(?![0-9A-Fa-f])").match
_LINE_BYTES = 65_536


class ChunkWire(HeadWire):
    """Takes the chunks of a body one by one; as it stands, it changes none.

    Attributes:
        held_bytes: how much of a line is held until it ends.
        count: how many chunks of the answer came.
    """

    held_bytes = _LINE_BYTES

    def __init__(self) -> None:
        super().__init__()
        self._method = b""
        self._state = ""
        self._buffer = bytearray()
        self._left = 0
        self.count: int = 0

    def sent(self, message: bytes) -> bytes:
        """Remembers the method."""
        self._method = message.partition(b" ")[0]
        self._state = ""
        self._buffer.clear()
        self.count = 0
        return super().sent(message)

    def edit(self, head: bytes) -> bytes:
        """Looks whether chunks follow."""
        is_bodiless = self._method == b"HEAD" or head[9:12] in (b"204", b"304") or head[9:10] == b"1"
        self._state = "size" if _has_chunks(head) and not is_bodiless else ""
        return head

    # The places for faults

    def size_line(self, line: bytes) -> bytes:
        """What a line with a size becomes."""
        return line

    def data(self, piece: bytes) -> bytes:
        """What chunk data becomes."""
        return piece

    def after(self, two: bytes) -> bytes:
        """What the two bytes after a chunk's data become."""
        return two

    def trailer(self, line: bytes) -> bytes:
        """What a line of the trailer section becomes, its empty end included."""
        return line

    def end(self) -> bytes:
        """What is put in place of the rest where the stream ends within chunks."""
        return b""

    # The reader

    def body(self, data: bytes) -> bytes:
        """Reads on."""
        if not self._state:
            return data
        if not data:
            rest = bytes(self._buffer) + self.end()
            self._state = ""
            self._buffer.clear()
            return rest
        self._buffer += data
        out = bytearray()
        while self._state and (piece := self._step()) is not None:
            out += piece
        if not self._state:
            out += self._buffer
            self._buffer.clear()
        return bytes(out)

    def _take(self, size: int) -> bytes:
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0 and len(self._buffer) > self.held_bytes:
            self._state = ""
            return b""
        return None if end < 0 else self._take(end + 1)

    def _step(self) -> bytes | None:
        if self._state == "size":
            return self._read_size()
        if self._state == "data":
            piece = self._take(min(self._left, len(self._buffer)))
            self._left -= len(piece)
            self._state = "data" if self._left else "after"
            return self.data(piece) if piece else None
        if self._state == "after":
            if len(self._buffer) < 2:
                return None
            self._state = "size"
            return self.after(self._take(2))
        line = self._line()
        if line is None:
            return None
        if line in (b"\r\n", b"\n"):
            self._state = ""
        return self.trailer(line)

    def _read_size(self) -> bytes | None:
        line = self._line()
        if line is None:
            return None
        line = self.size_line(line)
        size = _begins_with_size(line)
        if size is None:
            # Malformed: from here on the strict reader sees it all.
            self._state = ""
            return line
        self._left = int(size[0], 16)
        self._state = "data" if self._left else "trailers"
        self.count += 1
        return line
