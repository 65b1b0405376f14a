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
#: Asked for at once in any case.
_FREE_BYTES = 1_048_576


class SmallRead:
    """Reads ``size`` bytes in pieces; fewer only at the end of the stream.

    Attributes:
        missing: how many have not come yet.
    """

    __slots__ = ("_pieces", "_stream", "missing")

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream = stream
        self._pieces = [stream.take(size)]
        self.missing = size - len(self._pieces[0])

    def read(self) -> bytes:
        """All of it."""
        self._gather(until=0)
        return b"".join(self._pieces)

    def _gather(self, until: int) -> bool:
        """Reads until so many bytes are missing; False if the stream ended before."""
        stream = self._stream
        while self.missing > until:
            if not stream.fill("body"):
                return False
            self._pieces.append(stream.take(self.missing))
            self.missing -= len(self._pieces[-1])
        return True


class LargeRead(SmallRead):
    """The same for a large body, read in place."""

    __slots__ = ("_came", "_size")

    def __init__(self, stream: Stream, size: int) -> None:
        super().__init__(stream, size)
        self._size = size
        #: What came before memory was asked for, as far as it is not in its place yet.
        self._came = memoryview(b"")

    def read(self) -> bytes:
        """All of it, in memory that is asked for as trust grows."""
        proof = 0 if self._size <= _FREE_BYTES else self._size // _TRUST
        if not self._gather(until=self._size - proof):
            return b"".join(self._pieces)
        # In one: a peer decides how many pieces there are.
        self._came = memoryview(b"".join(self._pieces))
        self._pieces.clear()
        data = io.BufferedReader(_Rest(self)).read(self._size)
        assert data is not None  # None is for files that do not block
        return data

    def next_into(self, view: memoryview) -> int:
        """The next bytes, first those that came already; 0 at the end."""
        came = self._came
        if came:
            count = min(len(came), len(view))
            view[:count] = came[:count]
            self._came = came[count:]
            return count
        count = self._stream.receive_into(view[: self.missing], "body")
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
