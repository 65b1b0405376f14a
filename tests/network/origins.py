"""Origins on any address of loopback, that answer by a function and remember what they were asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, NamedTuple

from fluxhttp_conformance.certificates import serve_tls
from tests.peers import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self, TypeAlias

    #: From a request to its answer, or to the pieces of it.
    Make: TypeAlias = "Callable[[Asked], Iterator[object] | bytes]"

#: What an origin does after an answer: it closes the connection, over TLS with or without close_notify.
CLOSE, CUT = object(), object()


class Asked(NamedTuple):
    """One request.

    Attributes:
        head: its bytes up to the empty line.
        body: what followed.
        address: of the origin, at which it arrived.
    """

    head: bytes
    body: bytes
    address: str

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    @property
    def fields(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def answer(body: bytes = b"ok", status: str = "200 OK", *lines: str) -> bytes:
    """An answer with a length."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, ""))
    return head.encode("latin-1") + body


def redirect(location: str) -> bytes:
    return answer(b"", "302 Found", f"Location: {location}")


def say_goodbye(sock: socket.socket) -> None:
    """Sends close_notify where there is TLS."""
    if isinstance(sock, ssl.SSLSocket):
        # One write of ours is enough: it need not wait for the other side's.
        sock.settimeout(0.01)
        with contextlib.suppress(OSError, ValueError):
            sock.unwrap()


class Origin:
    """Listens on one address; each connection has a thread.

    Args:
        make: from a request to the pieces of its answer; CLOSE or CUT among them ends the connection.
        host: the address, IPv4 or IPv6.
        port: 0 for any.
        tls: the server's context, None for plain.
        sock: a listening socket instead of an address.

    Attributes:
        connections: how many were accepted.
        asked: the requests, in the order they were read.
    """

    def __init__(
        self,
        make: Make = lambda _: answer(),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        sock: socket.socket | None = None,
    ) -> None:
        self._make = make
        self._tls = tls
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = sock or socket.create_server((host, port), family=family, backlog=128)
        self._host = host
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.asked: list[Asked] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def url(self, path: str = "/", host: str | None = None) -> str:
        name = host or (f"[{self._host}]" if ":" in self._host else self._host)
        return f"{'http' if self._tls is None else 'https'}://{name}:{self.port}{path}"

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True, name="origin")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), contextlib.ExitStack() as closing:
            closing.callback(sock.close)
            if self._tls is not None:
                sock = serve_tls(sock, self._tls)
                closing.callback(sock.close)
            with self._lock:
                self._open.add(sock)
            closing.callback(self._open.discard, sock)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            buffer = b""
            while (read := self._read(sock, buffer)) is not None:
                asked, buffer = read
                with self._lock:
                    self.asked.append(asked)
                made = self._make(asked)
                for piece in (made,) if isinstance(made, bytes) else made:
                    if piece is CUT:
                        return
                    if piece is CLOSE:
                        say_goodbye(sock)
                        return
                    assert isinstance(piece, bytes)
                    sock.sendall(piece)

    def _read(self, sock: socket.socket, buffer: bytes) -> tuple[Asked, bytes] | None:
        while b"\r\n\r\n" not in buffer:
            piece = sock.recv(65_536)
            if not piece:
                return None
            buffer += piece
        head, _, rest = buffer.partition(b"\r\n\r\n")
        asked = Asked(head, b"", str(sock.getsockname()[0]) if sock.family != socket.AF_UNIX else "")
        length = int(asked.fields.get("content-length", "0"))
        pieces, missing = [rest], length - len(rest)
        while missing > 0:
            piece = sock.recv(65_536)
            if not piece:
                return None
            pieces.append(piece)
            missing -= len(piece)
        body = b"".join(pieces)
        return asked._replace(body=body[:length]), body[length:]

    def close(self) -> None:
        with self._lock:
            sockets = [self._listener, *self._open]
        for sock in sockets:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of an origin hangs"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextlib.contextmanager
def same_port(*hosts: str, make: Make = lambda _: answer()) -> Iterator[list[Origin]]:
    """Origins on several addresses, all on one port."""
    for _ in range(20):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(Origin(make, host=hosts[0]))
            try:
                others = [stack.enter_context(Origin(make, host=host, port=first.port)) for host in hosts[1:]]
            except OSError:
                continue  # the port is taken on one of the others
            yield [first, *others]
            return
    raise RuntimeError("no port is free on all of the addresses")
