"""A socket without a kernel: every request is answered at once, from memory.

It does what clients ask of a socket and no more, so that what is measured is
the client. ``makefile`` is the standard library's own, over this socket.
"""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, cast

from tests.benchmarks.workload import ANSWER_BYTES, answer

if TYPE_CHECKING:
    from typing import Any


class FakeSocket:
    """Answers the bytes sent since the last answer.

    Attributes:
        answers: how many were taken.
    """

    def __init__(self) -> None:
        # A descriptor that is never readable, for clients that look whether the peer said something.
        self._idle, self._other = socket.socketpair()
        self._is_asked = False
        self._io_refs = 0
        self.answers = 0

    def sendall(self, data: bytes) -> None:
        self._is_asked = True

    def send(self, data: bytes) -> int:
        self._is_asked = True
        return len(data)

    def recv(self, size: int) -> bytes:
        if not self._is_asked:
            return b""
        self._is_asked = False
        self.answers += 1
        return answer(self.answers)

    def recv_into(self, buffer: memoryview) -> int:
        if not self._is_asked:
            return 0
        self._is_asked = False
        self.answers += 1
        buffer[:ANSWER_BYTES] = answer(self.answers)
        return ANSWER_BYTES

    def makefile(self, mode: str, buffering: int | None = None) -> io.BufferedReader:
        """As of any socket, for reading."""
        raw = socket.SocketIO(cast("Any", self), "r")
        self._io_refs += 1
        return io.BufferedReader(raw)

    def _decref_socketios(self) -> None:
        self._io_refs -= 1

    def settimeout(self, seconds: float | None) -> None:
        pass

    def gettimeout(self) -> float | None:
        return None

    def setsockopt(self, *_: object) -> None:
        pass

    def fileno(self) -> int:
        return self._idle.fileno()

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self._idle.close()
        self._other.close()


class RecordingSocket(FakeSocket):
    """One that remembers what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()

    def sendall(self, data: bytes) -> None:
        self.sent += data
        super().sendall(data)

    def send(self, data: bytes) -> int:
        self.sent += data
        return super().send(data)


class FakePeer:
    """Makes fake sockets and counts what they did."""

    def __init__(self, kind: type[FakeSocket] = FakeSocket) -> None:
        self._kind = kind
        self.sockets: list[FakeSocket] = []

    def dial(self) -> socket.socket:
        """A new connection."""
        self.sockets.append(self._kind())
        return cast("socket.socket", self.sockets[-1])

    @property
    def answers(self) -> int:
        """How many answers were taken on all connections."""
        return sum([sock.answers for sock in self.sockets])
