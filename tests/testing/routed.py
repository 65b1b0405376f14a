"""The routes of a fake played over real sockets: no index, no cache, no shortcut, no code of the fake."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fluxhttp import Dialer
from fluxhttp.testing import Close, Pause, Reset, Script, Send, Stall
from fluxhttp_conformance.origins.loopback import LoopbackOrigin
from tests.peers import PATIENCE
from tests.testing.naive import naively_takes

if TYPE_CHECKING:
    from fluxhttp import Deadline
    from fluxhttp.testing import Step
    from fluxhttp_conformance.origins.loopback import Connection
    from fluxhttp_conformance.origins.seen import SeenRequest

    #: What a route does once: the method of ``Route`` or the fault that says so, and its arguments.
    Action = tuple[str, dict[str, Any]]

#: Hosts that nothing can be sent to.
REFUSED, MISSING = "refused.test", "missing.test"
_NO_ROUTE = b"HTTP/1.1 599 No Route\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass
class NaiveRoute:
    """A route: what it asks for, and what it does."""

    spec: dict[str, Any]
    times: int | None = None
    repeats: bool = False
    actions: list[Action] = field(default_factory=list)
    taken: int = 0

    @property
    def capacity(self) -> float:
        if self.times is not None:
            return self.times
        return float("inf") if self.repeats or len(self.actions) == 1 else len(self.actions)

    def next(self) -> Action | None:
        """What it does now; None lets the next route try."""
        if self.taken >= self.capacity or not self.actions:
            return None
        action = self.actions[min(self.taken, len(self.actions) - 1)]
        if action[0] == "handle":
            return None
        self.taken += 1
        return action


def script_of(action: Action, method: str) -> Script:
    """What a server does for it."""
    name, given = action
    match name:
        case "respond":
            return _reply(method, **given)
        case "play":
            return given["script"]  # type: ignore[no-any-return]
        case "reset":
            return Script(Reset())
        case "closed":
            return Script(Close())
        case "read_timeout":
            return Script(Stall())
        case "raw":
            return Script(Send(given["data"]), Close())
    sent = given["body"][: given["after"]]
    head = b"HTTP/1.1 %d \r\nContent-Length: %d\r\n\r\n" % (given["status"], len(given["body"]))
    return Script(Send(head + sent), Close() if name == "truncated" else Stall())


def _reply(
    method: str,
    *,
    status: int,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    text: str | None = None,
    chunks: list[bytes | float] | None = None,
    after: float = 0.0,
) -> Script:
    lines = [f"{name}: {value}".encode() for name, value in headers]
    if text is not None:
        body = text.encode()
    if text is not None and all(name.lower() != "content-type" for name, _ in headers):
        lines.insert(0, b"Content-Type: text/plain; charset=utf-8")
    if chunks is not None:
        lines.append(b"Transfer-Encoding: chunked")
    elif status not in (204, 304):
        lines.append(b"Content-Length: %d" % len(body))
    phrase = HTTPStatus(status).phrase.encode()
    head = b"\r\n".join([b"HTTP/1.1 %d %b" % (status, phrase), *lines, b"", b""])
    steps: list[Step] = [Pause(after), Send(head)]
    if method == "HEAD" or status in (204, 304):
        return Script(*steps)
    for chunk in chunks or ():
        if isinstance(chunk, float):
            steps.append(Pause(chunk))
        elif chunk:
            steps.append(Send(b"%x\r\n%b\r\n" % (len(chunk), chunk)))
    return Script(*steps, Send(body if chunks is None else b"0\r\n\r\n"))


class RoutedOrigin(LoopbackOrigin):
    """An origin that answers for every host, from routes. It is its own dialer.

    Attributes:
        routes: in the order they were registered.
        has_unmatched: whether a request came that none takes.
    """

    def __init__(self) -> None:
        self.routes: list[NaiveRoute] = []
        self.has_unmatched = False
        self._busy = 0
        self._changed = threading.Condition()
        #: Bound, so that nobody else takes the port, and not listening.
        self._dead = socket.socket()
        self._dead.bind(("127.0.0.1", 0))
        super().__init__()

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        if host == MISSING:
            return Dialer(resolver=lambda name: []).dial(host, port, deadline=deadline)
        port = self._dead.getsockname()[1] if host == REFUSED else self.address[1]
        return Dialer().dial("127.0.0.1", port, deadline=deadline)

    def _script_for(self, seen: SeenRequest) -> Script:
        origin = f"http://{seen.values('host')[0]}"
        with self._lock:
            for route in self.routes:
                if naively_takes(route.spec, origin, seen.raw):
                    action = route.next()
                    if action is not None:
                        return script_of(action, seen.method)
            self.has_unmatched = True
        return Script(Send(_NO_ROUTE))

    def unscripted(self, connection: Connection) -> bool:
        """Plays what the first route says, and tells ``settle`` when all that is to come is on its way."""
        with self._changed:
            self._busy += 1
        try:
            script = self._script_for(connection.seen)
            end = [step for step in script.steps if isinstance(step, Close | Stall)]
            goes_on = connection.play(Script(*[step for step in script.steps if step not in end]))
            if goes_on and Close() in end:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_WR)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()
        return goes_on and connection.play(Script(*end))

    def settle(self) -> None:
        """Waits until nothing more comes: whether a connection may be used again is judged by all that came on it."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._busy, PATIENCE), "the origin does not come to an end"

    def close_idle(self) -> None:
        """Closes every connection, none of which is in use."""
        with self._lock:
            sockets = list(self._open)
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._dead.close()
        super().close()
