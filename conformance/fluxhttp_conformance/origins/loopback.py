"""LoopbackOrigin: plays scripts over real sockets on 127.0.0.1, any free port."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
from collections import deque
from typing import TYPE_CHECKING

from fluxhttp.testing import Close, Pause, Receive, Reset, Script, Send, Stall
from fluxhttp_conformance.certificates import serve_tls
from fluxhttp_conformance.origins.seen import SeenRequest, body_length

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from fluxhttp.testing import Step

#: How long a thread of an origin may take to end once its sockets are shut.
_JOIN_SECONDS = 5.0


class LoopbackOrigin:
    """An origin for one case.

    Each request, on whatever connection, takes the next script. Without one, it
    gets what ``answer`` was told to make of it, or finds the connection closed.

    Args:
        tls: the server's context; None speaks plain HTTP.
        beside: another origin whose scripts, requests and numbers of connections it shares.

    Attributes:
        deliver: what every script goes through before it is played; None plays it as it is.
        requests: the requests read, in order.
        ports: where it has listened.
        connections: how many were accepted.
        bytes_sent: what the network took of the answers.
        transcript: what happened, line by line, for the report of a failure.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, beside: LoopbackOrigin | None = None) -> None:
        self._tls = tls
        self._beside = beside
        self._scripts: deque[Script] = deque() if beside is None else beside._scripts
        self._make_script: Callable[[SeenRequest], Script] | None = None
        self._numbers: itertools.count[int] = itertools.count() if beside is None else beside._numbers
        self._lock: threading.Lock = threading.Lock() if beside is None else beside._lock
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.requests: list[SeenRequest] = [] if beside is None else beside.requests
        self.deliver: Callable[[Script], Script] | None = None
        self.connections: int = 0
        self.bytes_sent = 0
        self.transcript: list[str] = [] if beside is None else beside.transcript
        self.ports: set[int] = set()
        self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: tuple[str, int] = self._listener.getsockname()
        self.ports.add(self.address[1])
        self._start(self._accept, self._listener)

    def move(self) -> None:
        """Listens at another port from now on.

        A connection lingers for a minute where it was (TIME-WAIT; RFC 9293, 3.6.1),
        and after some ten thousand of them at one port new ones are held up.
        """
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listen()

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "http" if self._tls is None else "https"

    def url(self, path: str = "/") -> str:
        """The URL of a path of this origin, by address."""
        return f"{self.scheme}://{self.address[0]}:{self.address[1]}{path}"

    def play(self, *scripts: Script) -> None:
        """Adds scripts for the requests to come."""
        with self._lock:
            self._scripts.extend(scripts)

    def answer(self, make_script: Callable[[SeenRequest], Script]) -> None:
        """From now on, each request that finds no script gets the one that this makes of it.

        It is called in the thread of the connection.
        """
        self._make_script = make_script

    def unscripted(self, connection: Connection) -> bool:
        """Serves a request for which no script is left; False if the connection is over."""
        make_script = self._make_script if self._beside is None else self._beside._make_script
        if make_script is not None:
            return connection.play(self._delivered(make_script(connection.seen)))
        self._note(connection.number, "no script is left; closing")
        return False

    @property
    def open_connections(self) -> int:
        """How many connections neither side has ended yet."""
        with self._lock:
            return len(self._open)

    @property
    def unplayed(self) -> int:
        """How many scripts no request has taken."""
        return len(self._scripts)

    def close(self) -> None:
        """Ends every connection and thread."""
        self._stopping.set()
        with self._lock:
            sockets = [self._listener, *self._open]
        for sock in sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True, name="origin")  # type: ignore[arg-type]  # methods of ours
        self._threads.append(thread)
        thread.start()

    def _note(self, number: int, text: str) -> None:
        with self._lock:
            self.transcript.append(f"[{number}] {text}")

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._stopping.is_set():
                    sock.close()
                    return
                number = next(self._numbers)
                self.connections += 1
                self._open.add(sock)
            self._start(self._serve, sock, number)

    def _serve(self, sock: socket.socket, number: int) -> None:
        connection = Connection(self, sock, number)
        self._note(number, "accepted")
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = connection.handshake(self._tls)
            while connection.serve_one():
                pass
        except (OSError, ValueError) as error:
            self._note(number, f"connection failed: {error}")
        finally:
            with self._lock:
                self._open.discard(connection.plain)
            connection.sock.close()

    def _next_script(self) -> Script | None:
        with self._lock:
            return self._delivered(self._scripts.popleft()) if self._scripts else None

    def _delivered(self, script: Script) -> Script:
        deliver = (self if self._beside is None else self._beside).deliver
        return script if deliver is None else deliver(script)

    def _peek_begins(self) -> str:
        with self._lock:
            return self._scripts[0].begins if self._scripts else "request"


class Connection:
    """One accepted connection.

    Attributes:
        seen: the request read last.
    """

    seen: SeenRequest

    def __init__(self, origin: LoopbackOrigin, sock: socket.socket, number: int) -> None:
        self.origin = origin
        self.sock: socket.socket = sock
        self.plain: socket.socket = sock
        self.number = number
        self._buffer = b""
        self._read_so_far = b""

    def handshake(self, context: ssl.SSLContext) -> socket.socket:
        """TLS from here on."""
        self.sock = serve_tls(self.plain, context)
        with self.origin._lock:
            self.origin._open.discard(self.plain)
            self.origin._open.add(self.sock)
        self.plain = self.sock
        return self.sock

    def serve_one(self) -> bool:
        """Reads a request and plays its script; False once the connection is over."""
        self._read_so_far = b""
        begins = self.origin._peek_begins()
        if begins != "accept" and not (self._read_head() and (begins == "head" or self._read_body())):
            return False
        script = self.origin._next_script()
        return self.origin.unscripted(self) if script is None else self.play(script)

    def play(self, script: Script) -> bool:
        """Takes the steps of a script; False once the connection is over."""
        return all(self._take(step) for step in script.steps)

    def _receive(self) -> bool:
        try:
            data = self.sock.recv(65_536)
        except ssl.SSLEOFError:
            return False
        self._buffer += data
        return bool(data)

    def _read_head(self) -> bool:
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                if self._buffer:
                    self.origin._note(self.number, f"< {self._buffer!r}, then the end, in the middle of a head")
                return False
        end = self._buffer.find(b"\r\n\r\n") + 4
        self._read_so_far, self._buffer = self._buffer[:end], self._buffer[end:]
        seen = SeenRequest(self._read_so_far, self.number)
        with self.origin._lock:
            self.origin.requests.append(seen)
        self.origin._note(self.number, f"< {self._read_so_far!r}")
        self.seen = seen
        return True

    def _read_body(self) -> bool:
        missing = body_length(self.seen.head) - len(self.seen.body)
        pieces: list[bytes] = []
        while missing > 0:
            if not self._buffer and not self._receive():
                break
            piece, self._buffer = self._buffer[:missing], self._buffer[missing:]
            pieces.append(piece)
            missing -= len(piece)
        self.seen.raw += b"".join(pieces)
        if pieces:
            self.origin._note(self.number, f"< {sum(map(len, pieces))} bytes of body")
        return missing <= 0

    def _take(self, step: Step) -> bool:
        match step:
            case Send():
                return self._send(step)
            case Pause(seconds=seconds):
                return not self.origin._stopping.wait(seconds)
            case Receive():
                return (bool(self._read_so_far) or self._read_head()) and self._read_body()
            case Close(notify=notify):
                self._close(notify=notify)
            case Reset():
                self.origin._note(self.number, "reset")
                self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.plain.close()
            case Stall():
                self.origin._note(self.number, "stalls")
                with contextlib.suppress(OSError):
                    while self._receive():
                        self._buffer = b""
        return False

    def _send(self, step: Send) -> bool:
        self.origin._note(self.number, f"> {_shown(step)}")
        left = step.times
        while left is None or left > 0:
            try:
                self.sock.sendall(step.data)
            except OSError as error:
                self.origin._note(self.number, f"cannot send: {error}")
                return False
            with self.origin._lock:
                self.origin.bytes_sent += len(step.data)
            left = None if left is None else left - 1
        return True

    def _close(self, *, notify: bool) -> None:
        if isinstance(self.sock, ssl.SSLSocket) and notify:
            # unwrap would wait for the other side's close_notify; one write of ours is enough.
            self.sock.settimeout(0.2)
            with contextlib.suppress(OSError, ValueError):
                self.sock.unwrap()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
        self.origin._note(self.number, "closes")
        # Unread bytes would turn the close into a reset, which could overtake what was sent.
        with contextlib.suppress(OSError, ValueError):
            self.sock.settimeout(_JOIN_SECONDS)
            while self.sock.recv(65_536):
                pass


def _shown(step: Send) -> str:
    data = step.data if len(step.data) <= 400 else step.data[:400] + b"..."
    times = "" if step.times == 1 else f", {'for ever' if step.times is None else f'{step.times} times'}"
    return f"{data!r}{times}"
