"""Reading a body of known length into one bytes object.

Joining pieces of a large body would hold it twice. ``io.BufferedReader`` makes
one object of the asked size and reads straight into it, so it gets a raw file
that first hands out what came already and then the socket. Memory of the full
size is only asked for once a part of it has come: a length that is merely
declared costs nothing (CVE-2025-13836).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from fluxhttp._wire.stream import Stream

#: How much more may be asked for than has come. What came is held beside it for a
#: moment: a sixty-fourth of the body.
_TRUST = 64
#: Bodies up to this size are asked for at once.
_FREE_BYTES = 1_048_576
#: The most that is asked for of a larger one before any of it has come.
_FIRST_BYTES = 65_536


class SmallRead:
    """Reads ``size`` bytes in pieces; fewer only at the end of the stream.

    Attributes:
        missing: how many have not come yet.
    """

    __slots__ = ("_pieces", "_stream", "missing")

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        first = stream.take(size)
        # An empty piece would be taken for the end.
        self._pieces = [first] if first else []
        self.missing: int = size - len(first)

    def read(self) -> bytes:
        """All of it."""
        stream = self._stream
        while self.missing and stream.fill("body"):
            self._pieces.append(stream.take(self.missing))
            self.missing -= len(self._pieces[-1])
        return b"".join(self._pieces)


class LargeRead(SmallRead):
    """The same for a large body, read in place."""

    __slots__ = ("_size", "_until")

    def __init__(self, stream: Stream, size: int) -> None:
        super().__init__(stream, size)
        self._size = size
        #: How many bytes are still missing when the object now read into is full.
        self._until = 0

    def read(self) -> bytes:
        """All of it, in memory that is asked for as trust grows.

        What came is copied into each larger object, and let go before that one is filled.
        """
        sizes = [self._size]
        if self._size > _FREE_BYTES:
            came = self._size - self.missing
            while sizes[-1] > max(_FIRST_BYTES, came * _TRUST):
                sizes.append(sizes[-1] // _TRUST)
        while True:
            size = sizes.pop()
            self._until = self._size - size
            data = io.BufferedReader(_Rest(self)).read(size)
            assert data is not None  # None is for files that do not block
            if not sizes or len(data) < size:
                return data
            self._pieces = [data]
            del data  # or it would live until the next one is full

    def next_into(self, view: memoryview) -> int:
        """The next bytes, first those that came already; 0 at the end."""
        if self._pieces:
            piece = self._pieces.pop()
            count = min(len(piece), len(view))
            view[:count] = memoryview(piece)[:count]
            if count < len(piece):
                self._pieces.append(piece[count:])
            return count
        count = self._stream.receive_into(view[: self.missing - self._until], "body")
        self.missing -= count
        return count


class _Rest(io.RawIOBase):
    """A large read as a raw file."""

    def __init__(self, reading: LargeRead) -> None:
        self._reading = reading

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._reading.next_into(memoryview(buffer))
