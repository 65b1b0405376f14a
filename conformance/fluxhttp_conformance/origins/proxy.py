"""ForwardProxy: an http proxy over real sockets, with absolute-form requests and CONNECT."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from fluxhttp_conformance.origins.loopback import Connection, LoopbackOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECT_SECONDS = 5.0
#: Fields that end at the proxy (RFC 9110, 7.6.1 and 11.7.2).
_OF_THE_HOP = frozenset({"connection", "proxy-authorization", "proxy-connection"})
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


class ForwardProxy(LoopbackOrigin):
    """A proxy for one case. A script answers in its own name; without one, it does what it was asked for.

    Args:
        routes: from a port to the origin that stands for every name with it.

    Attributes:
        tunnels: the hosts and ports that CONNECT led to, in order.
    """

    def __init__(self, routes: Mapping[int, tuple[str, int]]) -> None:
        self._routes = routes
        self.tunnels: list[str] = []
        super().__init__()

    def unscripted(self, connection: Connection) -> bool:
        """Forwards a request, or makes a tunnel."""
        seen = connection.seen
        if seen.method == "CONNECT":
            return self._tunnel(connection, seen.target)
        scheme, _, rest = seen.target.partition("://")
        authority, slash, path = rest.partition("/")
        if scheme != "http":
            self._note(connection.number, "the target is not in absolute-form; closing")
            return False
        return self._forward(connection, authority, slash + path)

    def _connect(self, authority: str, default_port: int) -> socket.socket | None:
        host, _, digits = authority.rpartition(":")
        port = int(digits) if host and digits.isdigit() else default_port
        try:
            onward = socket.create_connection(self._routes[port], _CONNECT_SECONDS)
        except (KeyError, OSError):
            return None
        onward.settimeout(None)
        return onward

    def _tunnel(self, connection: Connection, authority: str) -> bool:
        with self._lock:
            self.tunnels.append(authority)
        onward = self._connect(authority, 443)
        if onward is None:
            connection.sock.sendall(_BAD_GATEWAY)
            return True
        with onward:
            connection.sock.sendall(_ESTABLISHED)
            back = threading.Thread(target=self._copy, args=(onward, connection.sock), daemon=True)
            back.start()
            self._copy(connection.sock, onward)
            # Before either socket is closed, as its number could be another's then.
            back.join()
        return False

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _forward(self, connection: Connection, authority: str, target: str) -> bool:
        """One exchange with the origin, on a connection that serves no other."""
        onward = self._connect(authority, 80)
        if onward is None:
            connection.sock.sendall(_BAD_GATEWAY)
            return True
        seen = connection.seen
        lines = [f"{seen.method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in seen.pairs if name.lower() not in _OF_THE_HOP]
        answer = bytearray()
        with onward:
            onward.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + seen.body)
            # Where the answer ends is where the origin, which has nothing more to expect, hangs up.
            onward.shutdown(socket.SHUT_WR)
            while data := onward.recv(65_536):
                answer += data
                connection.sock.sendall(data)
        head = bytes(answer).partition(b"\r\n\r\n")[0].lower()
        return b"\r\ncontent-length:" in head or b"\r\ntransfer-encoding:" in head
