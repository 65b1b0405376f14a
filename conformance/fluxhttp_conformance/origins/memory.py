"""MemoryOrigin: plays the same scripts inside fakes, on a virtual clock."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from fluxhttp.testing import Receive, Script
from fluxhttp_conformance.origins.seen import SeenRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp.testing import Call, FakeTransport
    from fluxhttp.testing.memory import MemoryConnection


class MemoryOrigin:
    """What ``LoopbackOrigin`` is to a real transport, for a fake.

    Args:
        scheme: "http" or "https".
        beside: another origin whose scripts, requests and fakes it shares.

    Attributes:
        deliver: what every script goes through before it is played; None plays it as it is.
    """

    def __init__(self, *, scheme: str = "http", beside: MemoryOrigin | None = None) -> None:
        self.scheme = scheme
        self.address: tuple[str, int] = ("127.0.0.1", 80 if scheme == "http" else 443)
        self.ports: set[int] = {self.address[1]}
        self._moves = 0
        self._beside = beside
        self._lock = threading.Lock()
        self._scripts: deque[Script] = deque() if beside is None else beside._scripts
        self._fakes: list[FakeTransport] = [] if beside is None else beside._fakes
        self._calls: list[tuple[Call, Script]] = [] if beside is None else beside._calls
        self.deliver: Callable[[Script], Script] | None = None
        self._make_script: Callable[[SeenRequest], Script] | None = None
        self.transcript: list[str] = [] if beside is None else beside.transcript

    def attach(self, fake: FakeTransport) -> None:
        """Makes a fake lead here, whatever it is asked for."""
        fake.transcript = self.transcript
        fake.route().handle(self._next_script)
        self._fakes.append(fake)

    def url(self, path: str = "/") -> str:
        """The URL of a path of this origin, by address."""
        port = f":{self.address[1]}" if self._moves else ""
        return f"{self.scheme}://{self.address[0]}{port}{path}"

    def play(self, *scripts: Script) -> None:
        """Adds scripts for the requests to come."""
        with self._lock:
            self._scripts.extend(scripts)

    def answer(self, make_script: Callable[[SeenRequest], Script]) -> None:
        """From now on, each request that finds no script gets the one that this makes of it."""
        self._make_script = make_script

    def _next_script(self, call: Call) -> Script:
        with self._lock:
            script = self._scripts.popleft() if self._scripts else None
        if script is None and self._make_script is not None:
            script = self._make_script(SeenRequest(call.request.to_bytes(), 0))
        if script is None:
            script = Script().close()
        elif self.deliver is not None:
            script = self.deliver(script)
        with self._lock:
            self._calls.append((call, script))
        return script

    @property
    def requests(self) -> list[SeenRequest]:
        """The requests that came, in order, each with the number of its connection and as much as was read of it."""
        numbers: dict[int, int] = {}
        first = 0
        for fake in self._fakes:
            connections = list(fake.connections)
            numbers.update({id(call): first + each.number for each in connections for call in each.calls})
            first += len(connections)
        seen: list[SeenRequest] = []
        for call, script in self._calls:
            request = SeenRequest(call.request.to_bytes(), numbers.get(id(call), 0))
            if script.begins != "request" and not any(isinstance(step, Receive) for step in script.steps):
                if script.begins == "accept":
                    continue
                request.raw = request.head
            seen.append(request)
        return seen

    @property
    def connections(self) -> int:
        """How many connections led here."""
        return sum(len(self._connections(fake)) for fake in self._fakes)

    @property
    def dialled(self) -> list[tuple[str, int]]:
        """The hosts and ports of all connections, in order."""
        return [(connection.host, connection.port) for fake in self._fakes for connection in fake.connections]

    def _connections(self, fake: FakeTransport) -> list[MemoryConnection]:
        return [each for each in fake.connections if (each.port == 443) is (self.scheme == "https")]

    @property
    def open_connections(self) -> int:
        """How many connections neither side has ended yet."""
        return sum(not connection.peer.is_shut for fake in self._fakes for connection in self._connections(fake))

    @property
    def bytes_sent(self) -> int:
        """What was read of the answers."""
        return sum(connection.peer.sent for fake in self._fakes for connection in fake.connections)

    def move(self) -> None:
        """Has another port from now on, as an origin on loopback has: what was kept open leads there no more."""
        self._moves += 1
        self.address = (self.address[0], 8000 + self._moves)
        self.ports.add(self.address[1])

    @property
    def unplayed(self) -> int:
        """How many scripts no request has taken."""
        return len(self._scripts)

    def close(self) -> None:
        """Nothing: memory goes by itself."""
