"""Peers on loopback, sockets in memory and a clock by hand, for the tests of the wire."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
import threading
import time
import warnings
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from fluxhttp import Client, Config, Deadline, RequestTimeoutError, StdlibTransport
from fluxhttp._wire.stream import Stream
from fluxhttp_conformance.certificates import serve_tls
from fluxhttp_conformance.machine import Stopwatch, uncollected

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self

    Serve = Callable[[socket.socket, threading.Event], None]

_E = TypeVar("_E", bound=BaseException)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#: The time-out of a call that is to be outlasted, and how much later than asked it may end.
SECONDS = 0.25
LATE_SECONDS = 0.25
#: How long a test waits for what must happen before it gives up.
PATIENCE = 5.0


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


def deadline(seconds: float | None = None) -> Deadline:
    """A deadline in real time."""
    return Deadline.after(seconds, time)


class MemorySocket:
    """Gives the pieces it was made of, one a read, then the end; an exception among them is raised.

    Attributes:
        sent: what was written.
        timeouts: each time-out that was set.
        is_closed: whether it was closed; is_shut: or shut down.
    """

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self._pieces = deque(pieces)
        self.sent = bytearray()
        self.timeouts: list[float | None] = []
        self.is_closed = False
        self.is_shut = False

    def recv(self, size: int, /) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        if isinstance(piece, BaseException):
            raise piece
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
        return piece[:size]

    def recv_into(self, buffer: memoryview, /) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: memoryview, /) -> int:
        self.sent += data
        return len(data)

    def sendall(self, data: bytes, /) -> None:
        self.sent += data

    def settimeout(self, seconds: float | None, /) -> None:
        self.timeouts.append(seconds)

    def fileno(self) -> int:
        return -1

    def shutdown(self, how: int, /) -> None:
        self.is_shut = True

    def close(self) -> None:
        self.is_closed = True


class FailingSocket:
    """A real socket whose methods named in ``failures`` raise."""

    def __init__(self, sock: socket.socket, **failures: BaseException) -> None:
        self._sock = sock
        self.failures = failures

    def _call(self, name: str, *arguments: Any) -> Any:
        if name in self.failures:
            raise self.failures[name]
        return getattr(self._sock, name)(*arguments)

    def recv(self, size: int, /) -> bytes:
        return self._call("recv", size)  # type: ignore[no-any-return]

    def recv_into(self, buffer: memoryview, /) -> int:
        return self._call("recv_into", buffer)  # type: ignore[no-any-return]

    def send(self, data: memoryview, /) -> int:
        return self._call("send", data)  # type: ignore[no-any-return]

    def sendall(self, data: bytes, /) -> None:
        self._call("sendall", data)

    def settimeout(self, seconds: float | None, /) -> None:
        self._call("settimeout", seconds)

    def fileno(self) -> int:
        return self._call("fileno")  # type: ignore[no-any-return]

    def shutdown(self, how: int, /) -> None:
        self._call("shutdown", how)

    def close(self) -> None:
        self._sock.close()
        self._call("close")


class SocketDialer:
    """Gives its sockets one after the other, whatever the host.

    Attributes:
        left: those that are still to be given.
    """

    def __init__(self, *sockets: object) -> None:
        self.left = list(sockets)

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        return self.left.pop(0)  # type: ignore[return-value]  # as good as one


class Peer:
    """A listener on loopback. Each connection is served by a function, in a thread of its own.

    Args:
        serve: gets the connection, and an event that is set when the test is over.
        tls: the context of a TLS server; None for none. A handshake that fails ends the connection.
        family: AF_INET, or AF_INET6.

    Attributes:
        connections: how many were accepted.
    """

    def __init__(
        self, serve: Serve, *, tls: ssl.SSLContext | None = None, family: socket.AddressFamily = socket.AF_INET
    ) -> None:
        self._serve = serve
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._problems: list[BaseException] = []
        self.stopping = threading.Event()
        self.connections = 0
        host = "127.0.0.1" if family == socket.AF_INET else "::1"
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._host = host if family == socket.AF_INET else f"[{host}]"
        self._start(self._accept)

    def url(self, path: str = "/") -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{self._host}:{self.port}{path}"

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True, name="peer")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            self._start(self._run, sock)

    def _run(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = serve_tls(sock, self._tls)
                self._open.append(sock)
            self._serve(sock, self.stopping)
        except (OSError, ValueError):
            pass  # the client is gone
        except BaseException as error:  # noqa: BLE001  # it fails the test when the peer is closed
            self._problems.append(error)
        finally:
            sock.close()

    def close(self) -> None:
        self.stopping.set()
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of a peer hangs"
        for problem in self._problems:
            raise problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_head(sock: socket.socket) -> bytes:
    """A request's head, and what came with it; raises ConnectionError at the end of the stream."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65_536)
        if not piece:
            raise ConnectionError("no more requests")
        data += piece
    return data


def answering(*answers: bytes) -> Serve:
    """Answers the requests of a connection one after the other, then says nothing more."""

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        for answer in answers:
            read_head(sock)
            sock.sendall(answer)
        stopping.wait(PATIENCE)

    return serve


def dripping(*, first: bytes = b"", drip: Iterable[bytes], pause: float = 0.02) -> Serve:
    """Answers the first request with ``first`` and then with the pieces of ``drip``, one at a time."""

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        if first:
            sock.sendall(first)
        drip_to(sock, stopping, drip, pause)

    return serve


def drip_to(sock: socket.socket, stopping: threading.Event, drip: Iterable[bytes], pause: float = 0.02) -> None:
    for piece in drip:
        if stopping.wait(pause):
            return
        sock.sendall(piece)
    stopping.wait(PATIENCE)


def each(data: bytes) -> list[bytes]:
    """The bytes of ``data`` one by one."""
    return [data[place : place + 1] for place in range(len(data))]


def silent(sock: socket.socket, stopping: threading.Event) -> None:
    """Accepts, reads nothing, and says nothing."""
    stopping.wait(PATIENCE)


def reset(sock: socket.socket) -> None:
    """Closes a connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.contextmanager
def full_listener() -> Iterator[int]:
    """A port of loopback whose connections hang: its listener accepts none, and its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as fill:
        address = listener.getsockname()
        for _ in range(2):
            sock = fill.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)
        time.sleep(0.02)  # until the first of them stands in the queue
        yield address[1]


def unused_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Stale:
    """Answers one request on the first connection, and ends it in some way when another comes.

    Args:
        ends: how.
        later: how many requests it answers on each connection after the first.

    Attributes:
        heads: every request.
    """

    def __init__(self, ends: Callable[[socket.socket], None], *, later: int = 10) -> None:
        self.heads: list[bytes] = []
        self._ends = ends
        self._answers = [1, later, later]

    def __call__(self, sock: socket.socket, stopping: threading.Event) -> None:
        for _ in range(self._answers.pop(0)):
            self.heads.append(read_head(sock))
            sock.sendall(OK)
        self.heads.append(read_head(sock))
        self._ends(sock)


def reading_nothing(began: threading.Event) -> Serve:
    """Reads one byte, says so, and no more."""

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(1)
        began.set()
        stopping.wait(PATIENCE)

    return serve


def answering_in_part(began: threading.Event) -> Serve:
    """Answers with the head and five bytes of a body of a million, says so, and no more."""

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello")
        began.set()
        stopping.wait(PATIENCE)

    return serve


def direct(**options: Any) -> StdlibTransport:
    """A transport that the environment's proxies do not touch."""
    return StdlibTransport(trust_env=False, **options)


@contextlib.contextmanager
def opened(**options: Any) -> Iterator[Client]:
    """A client over a transport with these options, both closed at the end; calls have a time-out."""
    with contextlib.closing(direct(**options)) as transport, Client(transport, config=Config(timeout=PATIENCE)) as made:
        yield made


def fails(kind: type[_E], call: Callable[..., object], *arguments: Any, **options: Any) -> _E:
    """The error that a call raises, which must be of just that class."""
    with pytest.raises(kind) as caught:
        call(*arguments, **options)
    assert type(caught.value) is kind
    return caught.value


def times_out(call: Callable[..., object], *arguments: Any, **options: Any) -> RequestTimeoutError:
    """The error of a call with a time-out of ``SECONDS``, which must end in time."""
    options.setdefault("config", Config(timeout=SECONDS))
    watch = Stopwatch()
    with uncollected():
        error = fails(RequestTimeoutError, call, *arguments, **options)
    took, own = watch.seconds(), watch.own_seconds()
    assert took >= SECONDS, f"a time-out of {SECONDS} s took {took:.3f} s"
    assert own <= SECONDS + LATE_SECONDS, f"a time-out of {SECONDS} s took {own:.3f} s"
    return error


class Background:
    """A call in a thread of its own.

    Args:
        call: what to run; its result or error is kept.
    """

    def __init__(self, call: Callable[..., object], *arguments: Any, **options: Any) -> None:
        self.result: object = None
        self.error: BaseException | None = None

        def run() -> None:
            try:
                self.result = call(*arguments, **options)
            except BaseException as error:  # noqa: BLE001  # the test looks at it
                self.error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float = PATIENCE) -> Self:
        """Waits until it is over."""
        self._thread.join(seconds)
        assert self.is_over, f"the call has not ended within {seconds} s"
        return self


def in_child(claim: Callable[[], object]) -> bool:
    """Whether something is so in a child process."""
    with warnings.catch_warnings():
        # To fork beside threads is just what is tried out.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if claim() else 2
        finally:
            os._exit(code)
    end = time.monotonic() + PATIENCE
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(ended[1]) == 0


def eventually(claim: Callable[[], object]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < end, "it has not become so"
        time.sleep(0.005)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextlib.contextmanager
def nothing_leaks() -> Iterator[None]:
    """Sees to it that no descriptor and no thread is left when the block has ended."""
    gc.collect()
    before = descriptors(), threading.active_count()
    yield
    gc.collect()
    eventually(lambda: (descriptors(), threading.active_count()) == before)


def begun(sock: object, seconds: float | None = None) -> Stream:
    """A stream in the middle of a call."""
    stream = Stream(sock)  # type: ignore[arg-type]  # whatever the test made
    stream.begin(deadline(seconds))
    return stream


def drained(sock: socket.socket, size: int) -> int:
    """Reads so many bytes, and returns how many came."""
    count = 0
    while count < size and (piece := sock.recv(65_536)):
        count += len(piece)
    return count
