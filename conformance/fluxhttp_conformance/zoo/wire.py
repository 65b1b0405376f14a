"""Wire: what a plain connection does to the bytes that go through it, in both directions.

The reader of the transport below is strict. A fault of a reader is therefore
told as what it makes of the bytes before that reader sees them: whoever takes a
lone LF for a line end turns it into CR LF.
"""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import Deadline

_RECEIVE_BYTES = 65_536
#: A head or line beyond that goes on as it came, for the strict reader to refuse.
HELD_BYTES = 8_388_608
_find_head_end = re.compile(rb"\n\r?\n").search


class Wire:
    """One connection's bytes; as it stands, it changes none."""

    def sent(self, message: bytes) -> bytes:
        """What goes out for a request: its head, and its body if that is small."""
        return message

    def received(self, data: bytes) -> bytes:
        """What came, as the reader is to see it; b"" is the end of the stream."""
        return data


class HeadWire(Wire):
    """Tells the heads of the answers from their bodies; as it stands, it changes neither."""

    def __init__(self) -> None:
        self._held = b""
        self._is_in_head = True

    def sent(self, message: bytes) -> bytes:
        """After a request comes a head."""
        self._held = b""
        self._is_in_head = True
        return message

    def edit(self, head: bytes) -> bytes:
        """What a whole head becomes."""
        return head

    def cut(self, head: bytes) -> bytes:
        """What the beginning of a head becomes where the stream ends in it."""
        return head

    def body(self, data: bytes) -> bytes:
        """What comes after the final head becomes; b"" is the end."""
        return data

    def received(self, data: bytes) -> bytes:
        """Holds a head back until it is whole."""
        if not self._is_in_head:
            return self.body(data)
        if not data:
            held, self._held = self._held, b""
            return self.cut(held) if held else b""
        start = max(0, len(self._held) - 2)
        self._held += data
        edited = b""
        while self._is_in_head:
            end = _find_head_end(self._held, start)
            if end is None:
                if len(self._held) < HELD_BYTES:
                    return edited
                self._is_in_head = False
                break
            start = 0
            head, self._held = self._held[: end.end()], self._held[end.end() :]
            edited += self.edit(head)
            self._is_in_head = re.match(rb"HTTP/1\.1 1\d\d\b", head) is not None
        rest, self._held = self._held, b""
        return edited + (self.body(rest) if rest else b"")


class WireSocket(socket.socket):
    """A connected socket with a wire."""

    wire: Wire
    _ready = b""

    @classmethod
    def over(cls, sock: socket.socket, wire: Wire) -> WireSocket:
        """Takes over a socket."""
        new = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        # The descriptor may be left without waiting.
        new.settimeout(None)
        new.wire = wire
        return new

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """What the wire makes of what came."""
        if not self._ready:
            seconds = self.gettimeout()
            try:
                self._ready = self._receive(max(size, _RECEIVE_BYTES), flags, seconds)
            finally:
                self.settimeout(seconds)
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece

    def _receive(self, size: int, flags: int, seconds: float | None) -> bytes:
        """Waits until the wire shows something, all in all no longer than one read may."""
        end = None if not seconds else time.monotonic() + seconds
        while True:
            data = super().recv(size, flags)
            shown = self.wire.received(data)
            if shown or not data:
                return shown
            if end is not None:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("timed out")
                self.settimeout(left)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """The same, into a buffer."""
        piece = self.recv(nbytes or len(buffer), flags)
        buffer[: len(piece)] = piece
        return len(piece)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """What the wire makes of a request."""
        super().sendall(self.wire.sent(bytes(data)), flags)


class WireDialer:
    """Puts a wire on each connection of another dialer."""

    def __init__(self, dialer: Any, wire: Callable[[], Wire], sockets: type[WireSocket] = WireSocket) -> None:
        self._dialer = dialer
        self._wire = wire
        self._sockets = sockets

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        """A connection with a wire."""
        sock = self._dialer.dial(host, port, deadline=deadline)
        # A socket of another kind does what its own dialer wants of it.
        return self._sockets.over(sock, self._wire()) if type(sock) is socket.socket else sock

    def __getattr__(self, name: str) -> Any:
        # The guard of a dialer is looked at, too.
        return getattr(self._dialer, name)
