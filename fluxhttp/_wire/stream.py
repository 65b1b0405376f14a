"""One connection: its socket, its read buffer, and the deadline of the call it serves.

A socket's time-out bounds one operation; a peer that sends a byte now and then
outlives it for ever. The stream therefore sets the time-out from what is left of
the deadline before every single operation.

There is one buffer a connection, not one an answer: bytes that came too early
stay visible, so that a connection with a surplus is never used again.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from fluxhttp._core.deadline import Deadline
from fluxhttp._core.head import find_head_end
from fluxhttp._wire.failures import SOCKET_ERRORS, is_socket_timeout, receive_failure, send_failure
from fluxhttp._wire.waiting import SECONDS_MAX, poller, wait_to_write
from fluxhttp.errors import ClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from fluxhttp.errors import FluxHTTPError, Phase

#: One recv. Twice this gains nothing; half of it costs a tenth of a large download.
RECEIVE_BYTES = 65_536
#: One send of a large body: a slice of this size stays in the processor's cache, which
#: makes a large upload half as fast again as one sendall. With 1 MiB half of that gain
#: is gone, and with 384 KiB all of it, for the peer is woken too often.
SEND_SLICE_BYTES = 786_432
#: The content of one TLS record (RFC 8446, 5.1): what one write of TLS sends at most.
_TLS_RECORD_BYTES = 16_384
#: What a peer may say while a body is sent, before it counts as an answer: room for
#: interim ones, and no more than that, for nothing reads them meanwhile.
_EARLY_BYTES = 65_536
#: How long to wait for an answer once sending failed. What was said before the end
#: is there already; but not every failure is an end.
_MOMENT_SECONDS = 0.1


class Socket(Protocol):
    """What a stream needs of a socket; a TLS socket and one in memory have it, too."""

    def recv(self, size: int, /) -> bytes: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def send(self, data: memoryview, /) -> int: ...
    def sendall(self, data: bytes, /) -> None: ...
    def settimeout(self, seconds: float | None, /) -> None: ...
    def fileno(self) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Stream:
    """A connected socket as ``http.client`` and urllib3 take it for one, and more.

    Attributes:
        buffer: bytes received, read up to ``position``.
        sent: whether a byte of the current request may have left.
        received: whether a byte came since the current request began.
    """

    __slots__ = (
        "_aborted",
        "_deadline",
        "_has_input",
        "_has_limit",
        "_pending",
        "_sock",
        "_timed",
        "buffer",
        "position",
        "received",
        "sent",
    )

    #: The class keeps it: when a process ends, the names of a module are gone before the last connection.
    _unless_gone = suppress(*SOCKET_ERRORS)

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        #: A TLS socket's count of bytes that came in a record of which only a part was read.
        self._pending: Callable[[], int] | None = getattr(sock, "pending", None)
        self._has_input: Callable[[], object] | None = None
        self._deadline: Deadline | None = None
        self._has_limit = False
        #: Whether the socket may be left with another time-out than none.
        self._timed = True
        self._aborted = False
        self.buffer: bytes = b""
        self.position: int = 0
        self.sent: bool = False
        self.received: bool = False

    @property
    def sock(self) -> Socket:
        """The socket below."""
        return self._sock

    def begin(self, deadline: Deadline) -> None:
        """Starts a call: from here on its deadline counts."""
        self._deadline = deadline
        self._has_limit = deadline._at is not None
        self.sent = False
        self.received = False
        if self.position >= len(self.buffer):
            # What was read of the last answer is no part of this one's.
            self.buffer, self.position = b"", 0

    @contextmanager
    def in_a_hurry(self) -> Generator[None]:
        """Inside it, the call waits a moment at most: for what the peer said before the connection broke."""
        whole, has_limit = self._deadline, self._has_limit
        assert whole is not None  # a call is under way
        left = whole.remaining()
        if left is None or left > _MOMENT_SECONDS:
            self._deadline, self._has_limit = Deadline.after(_MOMENT_SECONDS, whole.clock), True
        try:
            yield
        finally:
            self._deadline, self._has_limit = whole, has_limit

    def _arm(self, phase: Phase) -> None:
        """Gives the socket what is left of the deadline."""
        deadline = self._deadline
        seconds = None
        if deadline is not None and self._has_limit:
            left = deadline.remaining()
            if not left:
                raise deadline.timeout_error(phase, maybe_sent=self.sent)
            seconds = min(left, SECONDS_MAX)
        elif not self._timed:
            return
        try:
            self._sock.settimeout(seconds)
        except SOCKET_ERRORS as error:
            raise self._failure(error, phase) from error
        self._timed = seconds is not None

    def _failure(self, error: BaseException, phase: Phase) -> FluxHTTPError:
        """Our error for one of the socket's."""
        if self._aborted:
            return ClosedError("the transport was closed during the call")
        if self._deadline is not None and is_socket_timeout(error):
            return self._deadline.timeout_error(phase, maybe_sent=self.sent)
        if phase == "send":
            return send_failure(error, maybe_sent=self.sent)
        return receive_failure(error, phase, maybe_sent=self.sent)

    # Reading

    def receive(self, phase: Phase) -> bytes:
        """One piece from the socket; b"" at the end of the stream. The buffer is left alone.

        Raises:
            RequestTimeoutError, ReceiveError, TLSError, ClosedError: no piece came.
        """
        if self._has_limit or self._timed:
            self._arm(phase)
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except SOCKET_ERRORS as error:
            raise self._failure(error, phase) from error
        if data:
            self.received = True
        elif self._aborted:
            raise ClosedError("the transport was closed during the call")
        return data

    def fill(self, phase: Phase) -> bool:
        """One piece from the socket into the buffer; False at the end of the stream."""
        data = self.receive(phase)
        rest = self.buffer[self.position :] if self.position < len(self.buffer) else b""
        self.buffer = rest + data if rest else data
        self.position = 0
        return bool(data)

    def take(self, size: int) -> bytes:
        """At most ``size`` bytes of what is in the buffer."""
        start = self.position
        data = self.buffer[start : start + size]
        self.position = start + len(data)
        return data

    def receive_into(self, view: memoryview, phase: Phase) -> int:
        """Reads straight into a caller's memory, past the buffer; 0 at the end of the stream."""
        self._arm(phase)
        try:
            count = self._sock.recv_into(view)
        except SOCKET_ERRORS as error:
            raise self._failure(error, phase) from error
        if not count and self._aborted:
            raise ClosedError("the transport was closed during the call")
        return count

    # Writing

    def sendall(self, data: bytes, /) -> None:
        """Sends a head, or a whole small message.

        Raises:
            RequestTimeoutError, SendError, TLSError, ClosedError: not all of it went.
        """
        if len(data) > _TLS_RECORD_BYTES and self._pending is not None:
            # A TLS socket's sendall starts its time-out anew for each record.
            for start in range(0, len(data), _TLS_RECORD_BYTES):
                self.sendall(data[start : start + _TLS_RECORD_BYTES])
            return
        if self._has_limit or self._timed:
            self._arm("send")
        # A byte may have left before a failure is known.
        self.sent = True
        try:
            self._sock.sendall(data)
        except SOCKET_ERRORS as error:
            raise self._failure(error, "send") from error

    def send_body(self, body: bytes) -> bool:
        """Sends a large body in slices, and stops when the peer answers meanwhile (RFC 9112, 9.5).

        No single write waits: a peer that answers instead of reading must be heard.

        Returns:
            Whether all of it went.

        Raises:
            RequestTimeoutError, SendError, TLSError, ClosedError: it did not, and no answer came.
        """
        view = memoryview(body)
        try:
            self._timed = True
            self._sock.settimeout(0.0)
            while view:
                if self._wait_writable() and self._answered_early():
                    return False
                view = view[self._send_now(view[:SEND_SLICE_BYTES]) :]
        except SOCKET_ERRORS as error:
            raise self._failure(error, "send") from error
        return True

    def _wait_writable(self) -> bool:
        """Waits until a write can go on, or the peer has something to say: whether it may have."""
        left = None if self._deadline is None else self._deadline.remaining()
        speaks = None if left == 0.0 else wait_to_write(self._sock.fileno(), left)
        if speaks is None:
            raise TimeoutError
        return speaks or (self._pending is not None and self._pending() > 0)

    def _send_now(self, data: memoryview) -> int:
        """Sends what there is room for. TLS sends all or nothing, and wants the same again after nothing."""
        try:
            return self._sock.send(data)
        except OSError as error:
            if _would_wait(error):
                return 0
            raise

    def _answered_early(self) -> bool:
        """Whether the peer has begun its final answer before all was sent."""
        piece = self._receive_now()
        if piece:
            self.received = True
            self.buffer += piece
        if begins_final_answer(self.buffer) or len(self.buffer) > _EARLY_BYTES:
            return True
        if piece == b"":
            raise ConnectionAbortedError("the peer closed it")
        return False

    def _receive_now(self) -> bytes | None:
        """What is there without waiting: bytes, b"" for the end, None for nothing.

        A TLS socket may have had something to read that was no data, a session
        ticket for instance: that is nothing, too.
        """
        self._timed = True
        self._sock.settimeout(0.0)
        try:
            return self._sock.recv(RECEIVE_BYTES)
        except OSError as error:
            if _would_wait(error):
                return None
            raise

    # Between calls and at the end

    def is_idle(self) -> bool:
        """Whether nothing came, not even the end, since the last answer was read.

        What comes unasked belongs to no request (RFC 9112, 9.2 and 9.6).
        """
        if self.position < len(self.buffer):
            return False
        try:
            if self._pending is not None and self._pending():
                return False
            if self._has_input is None:
                self._has_input = poller(self._sock.fileno())
            return not self._has_input() or self._receive_now() is None
        except SOCKET_ERRORS:
            return False

    def abort(self) -> None:
        """Ends the call in flight, from another thread, with ClosedError."""
        self._aborted = True
        shut_down(self._sock)

    def close(self) -> None:
        """Closes the socket; twice is fine."""
        self._has_input = None  # its descriptor may soon be somebody else's
        with self._unless_gone:
            self._sock.close()

    def fileno(self) -> int:
        """The socket's; -1 once it is closed."""
        return self._sock.fileno()


def shut_down(sock: Socket) -> None:
    """Makes the reads and writes of a socket end, also those under way in other threads."""
    with suppress(*SOCKET_ERRORS):  # not connected any more: its reads and writes fail by themselves
        # A TLS socket's own shutdown would make it a plain one.
        if isinstance(sock, socket.socket):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        else:
            sock.shutdown(socket.SHUT_RDWR)


def _would_wait(error: OSError) -> bool:
    """Whether a socket that does not wait has nothing to read, or no room to write."""
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


def begins_final_answer(data: bytes) -> bool:
    """Whether received bytes hold the start of an answer that is not interim.

    Bytes that are no answer at all count, too: there is no point in sending on.
    """
    start = 0
    while True:
        piece = data[start : start + 16]
        if not piece.startswith(b"HTTP/1."[: len(piece)]):
            return True
        if len(piece) < 10:
            return False
        if piece[8:].lstrip(b" ")[:1] != b"1":
            return True
        end = find_head_end(data, start)
        if end is None:
            return False
        start = end[1]
