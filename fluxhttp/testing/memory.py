"""A peer in memory: it plays scripts on a virtual clock behind the interface of a socket.

What is above, the deadline stream, the reader and the pool, is the real thing.
The peer has a time line: a pause moves the moment of what follows it, and who
reads before that moment waits, which moves the virtual clock.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from fluxhttp._wire.carrying import Carrying
from fluxhttp._wire.stream import Stream
from fluxhttp.testing.errors import StalledError
from fluxhttp.testing.script import Close, Pause, Receive, Reset, Send, Stall

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.url import URL
    from fluxhttp._wire.pool import Pool
    from fluxhttp.testing.calls import Call
    from fluxhttp.testing.clock import VirtualClock
    from fluxhttp.testing.script import Script, Step


class MemorySocket:
    """One end of a connection in memory; the other end plays scripts.

    Attributes:
        received: what the peer got of the request under way.
        sent: bytes of answers that were read.
        is_shut: whether this side ended it.
    """

    def __init__(
        self, clock: VirtualClock, note: Callable[[str], None] | None = None, *, is_secure: bool = False
    ) -> None:
        self._clock = clock
        self._note = note
        self._is_secure = is_secure
        self._timeout: float | None = None
        self._steps: list[Step] = []
        #: What it does for the next request, while it is not done with the last one.
        self._waiting: Script | None = None
        self._begins = "request"
        self._is_playing = False
        self._segment: memoryview = memoryview(b"")
        self._left: int | None = 0  # repetitions of the Send under way
        #: When the step to come is due on the peer's time line.
        self._due = 0.0
        self._missing: int | None = None  # body bytes of the request still to come; None in its head
        self.received: bytearray = bytearray()
        self.sent: int = 0
        self.is_shut: bool = False

    # The peer

    def play(self, script: Script) -> None:
        """Says what the peer does for the request to come, once it has done what it does for the one before."""
        self._missing = None
        self.received = bytearray()
        if self._is_playing and any(isinstance(step, Send | Close | Reset | Stall) for step in self._steps):
            self._waiting = script
        else:
            self._load(script)

    def _load(self, script: Script) -> None:
        self._waiting = None
        self._steps = list(script.steps)[::-1]
        self._begins = script.begins
        self._is_playing = False
        self._start_if_due()

    def _start_if_due(self) -> None:
        """Begins to play, if as much of the request came as the script waits for."""
        came = self._missing
        if self._begins == "accept" or (came is not None and (self._begins == "head" or came <= 0)):
            self._is_playing = True
            self._due = self._clock.monotonic()

    def _take_in(self, data: bytes | memoryview) -> None:
        if self._is_playing and self._has(Reset):
            self._tell("reset")
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if self.is_shut:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        self.received += data
        if self._missing is None:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            self._tell(f"< {bytes(self.received[: end + 4])!r}")
            self._missing = _body_length(self.received[:end]) - (len(self.received) - end - 4)
        else:
            self._missing -= len(data)
        if not self._is_playing:
            self._start_if_due()

    def _has(self, kind: type[Step]) -> bool:
        """Whether the step that is due now is of that kind."""
        self._skip_pauses()
        return (
            not self._segment
            and bool(self._steps)
            and isinstance(self._steps[-1], kind)
            and self._due <= self._clock.monotonic()
        )

    def _skip_pauses(self) -> None:
        while not self._segment and self._steps and isinstance(self._steps[-1], Pause):
            step = self._steps.pop()
            assert isinstance(step, Pause)
            self._due += step.seconds

    def has_input(self) -> bool:
        """Whether a read would not have to wait: there are bytes, or the end."""
        if self._segment:
            return True
        self._skip_pauses()
        if not self._is_playing or not self._steps or self._due > self._clock.monotonic():
            return False
        return isinstance(self._steps[-1], Send | Close | Reset)

    # The socket

    def settimeout(self, seconds: float | None, /) -> None:
        """How long a read waits; None for ever."""
        self._timeout = seconds

    def sendall(self, data: bytes, /) -> None:
        """Gives the peer bytes."""
        self._take_in(data)

    def send(self, data: memoryview, /) -> int:
        """The same, and tells how many."""
        self._take_in(data)
        return len(data)

    def recv(self, size: int, /) -> bytes:
        """The next bytes of the peer, at most of one segment; b"" at the end."""
        if self.is_shut:
            return b""
        while not self._segment:
            if not self._steps and self._waiting is not None:
                self._load(self._waiting)
            if not self._is_playing or not self._steps:
                self._wait_for_nothing()
            step = self._steps[-1]
            if isinstance(step, Pause):
                self._skip_pauses()
                continue
            if self._due > self._clock.monotonic():
                self._wait()
            if isinstance(step, Send):
                self._next_segment(step)
            elif isinstance(step, Close):
                return self._end(step)
            elif isinstance(step, Reset):
                self._tell("reset")
                raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
            elif isinstance(step, Receive) and self._missing is not None and self._missing <= 0:
                self._steps.pop()
            else:
                self._wait_for_nothing()
        piece = bytes(self._segment[:size])
        self._segment = self._segment[size:]
        self.sent += len(piece)
        return piece

    def recv_into(self, buffer: memoryview, /) -> int:
        """The same, into the caller's memory."""
        piece = self.recv(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _next_segment(self, step: Send) -> None:
        if self._left == 0:
            self._left = step.times
            self._tell(f"> {_shown(step)}")
        if self._left is not None and self._left > 0:
            self._left -= 1
        if self._left == 0:
            self._steps.pop()
            if step.times == 0:
                return
        self._segment = memoryview(step.data)

    def _end(self, step: Close) -> bytes:
        self._tell("closes")
        if self._is_secure and not step.notify:
            import ssl  # noqa: PLC0415  # only for this one error

            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
        return b""

    def _wait(self) -> None:
        """Waits for the step that is due later, as long as the time-out allows."""
        seconds = self._due - self._clock.monotonic()
        timeout = self._timeout
        if timeout == 0.0:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        if seconds == float("inf"):
            self._wait_for_nothing()
        if timeout is not None and seconds > timeout:
            self._clock.advance(timeout)
            raise TimeoutError("timed out")
        self._clock.advance(seconds)

    def _wait_for_nothing(self) -> None:
        timeout = self._timeout
        if timeout is None:
            raise StalledError("the peer says nothing more, and the call has no time-out: it would wait for ever")
        if timeout == 0.0:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        self._tell("stalls")
        self._clock.advance(timeout)
        raise TimeoutError("timed out")

    def fileno(self) -> int:
        """-1: there is no file below."""
        return -1

    def shutdown(self, how: int, /) -> None:  # noqa: ARG002  # the signature is a socket's
        """Ends the connection from this side."""
        self.is_shut = True

    def close(self) -> None:
        """The same."""
        self.is_shut = True

    def _tell(self, text: str) -> None:
        if self._note is not None:
            self._note(text)


class MemoryStream(Stream):
    """A stream over a socket in memory, which no operating system can be asked about."""

    __slots__ = ("_memory",)

    def __init__(self, sock: MemorySocket) -> None:
        super().__init__(sock)
        self._memory = sock

    def is_idle(self) -> bool:
        """Whether nothing came since the last answer was read."""
        return self.position >= len(self.buffer) and not self._memory.has_input()

    def _wait_writable(self) -> bool:
        """Memory takes everything at once, and the peer may have spoken."""
        return True


class MemoryConnection(Carrying):
    """A connection of the fake: the exchange is that of every transport.

    Attributes:
        number: which connection of the transport it is, from 0.
        host: where it leads, as in the URL.
        port: likewise.
        calls: the calls that went over it, in order.
    """

    def __init__(
        self, pool: Pool[MemoryConnection], key: Hashable, number: int, stream: MemoryStream, url: URL
    ) -> None:
        self.idle_since: float = 0.0
        self.number = number
        self.host: str = url.host
        self.port: int = url.port
        self.calls: list[Call] = []
        self.sock: Stream | None = stream
        self._stream = stream
        self.peer: MemorySocket = stream._memory
        self._pool = pool
        self._key = key

    def begin(self, script: Script, deadline: Deadline) -> None:
        """Starts a call, and says what the peer does in it."""
        self.peer.play(script)
        self._stream.begin(deadline)

    @property
    def has_sent(self) -> bool:
        """Whether a byte of the request left."""
        return self._stream.sent

    @property
    def has_received(self) -> bool:
        """Whether a byte of the answer came."""
        return self._stream.received

    def answer_closed(self, *, reusable: bool) -> None:
        """Called by the answer when the caller is done with it."""
        if reusable:
            self._pool.give_back(self._key, self)
        else:
            self._pool.drop(self)

    def is_idle(self) -> bool:
        """Whether nothing came since the last answer was read."""
        return self._stream.is_idle()

    def close(self) -> None:
        """Ends it from this side."""
        self.peer.close()


def _body_length(head: bytes | bytearray) -> int:
    for line in bytes(head).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _shown(step: Send) -> str:
    data = step.data if len(step.data) <= 400 else step.data[:400] + b"..."
    times = "" if step.times == 1 else f", {'for ever' if step.times is None else f'{step.times} times'}"
    return f"{data!r}{times}"
