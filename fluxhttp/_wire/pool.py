"""Idle connections, last in first out, by where they lead (RFC 9112, 9.3).

The key holds everything that makes two connections different: origin, proxy and
TLS settings. The one used last comes first, so that the others grow old and go.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

from fluxhttp.errors import ClosedError

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any, Protocol

    from fluxhttp._core.deadline import Clock

    class Connection(Protocol):
        """What the pool needs of a connection."""

        idle_since: float

        def is_idle(self) -> bool: ...
        def abort(self) -> None: ...
        def close(self) -> None: ...


_C = TypeVar("_C", bound="Connection")


class Pool(Generic[_C]):
    """The connections of one transport: those that wait, and those in use.

    Args:
        max_idle_per_origin: connections kept for one key; 0 keeps none.
        idle_seconds: how long one may wait for its next request.
        clock: what that is measured on.
    """

    def __init__(self, *, max_idle_per_origin: int, idle_seconds: float, clock: Clock) -> None:
        self._max_idle = max_idle_per_origin
        self._idle_seconds = idle_seconds
        self._clock = clock
        # A finalizer may give an abandoned answer's connection back while this thread holds it.
        self._lock = threading.RLock()
        #: In the order in which the keys were last given a connection.
        self._idle: dict[Hashable, list[_C]] = {}
        self._used: set[_C] = set()
        self._is_closed = False
        _pools.add(self)

    def take(self, key: Hashable) -> _C | None:
        """An idle connection that is still good, to be used; None if there is none.

        Raises:
            ClosedError: the pool was closed.
        """
        while True:
            with self._lock:
                if self._is_closed:
                    raise ClosedError("the transport is closed")
                waiting = self._idle.get(key)
                if not waiting:
                    return None
                connection = waiting.pop()
                if not waiting:
                    del self._idle[key]
                self._used.add(connection)
            if self._clock.monotonic() - connection.idle_since < self._idle_seconds and connection.is_idle():
                return connection
            self.drop(connection)

    def add(self, connection: _C) -> None:
        """Notes a new connection as in use, before it is made.

        Raises:
            ClosedError: the pool was closed.
        """
        with self._lock:
            if self._is_closed:
                raise ClosedError("the transport is closed")
            self._used.add(connection)

    def give_back(self, key: Hashable, connection: _C) -> None:
        """Keeps a connection for the next request, if there is room, and closes those that waited too long."""
        now = connection.idle_since = self._clock.monotonic()
        surplus: list[_C] | tuple[()] = ()
        with self._lock:
            idle, used = self._idle, self._used
            if idle:
                surplus = self._take_expired(now)
            # One that is not in use was ended by close(), or is another process's.
            if connection in used and self._max_idle:
                waiting = idle.pop(key, None)
                if waiting is None:
                    idle[key] = [connection]
                else:
                    idle[key] = waiting
                    waiting.append(connection)
                    # The oldest goes, for it is the least likely to be good still.
                    if len(waiting) > self._max_idle:
                        surplus = [*surplus, waiting.pop(0)]
            else:
                surplus = [*surplus, connection]
            used.discard(connection)
        for old in surplus:
            old.close()

    def _take_expired(self, now: float) -> list[_C]:
        """Those of the keys longest out of use, which no request may ever ask for again."""
        expired: list[_C] = []
        for key, waiting in list(self._idle.items()):
            while waiting and now - waiting[0].idle_since >= self._idle_seconds:
                expired.append(waiting.pop(0))
            if waiting:
                break
            del self._idle[key]
        return expired

    def drop(self, connection: _C) -> None:
        """Closes a connection that is not to be used again."""
        with self._lock:
            self._used.discard(connection)
        connection.close()

    def close(self) -> None:
        """Closes what waits, and ends the calls in flight with ClosedError."""
        with self._lock:
            self._is_closed = True
            waiting = [connection for group in self._idle.values() for connection in group]
            used = list(self._used)
            self._idle.clear()
            self._used.clear()
        for connection in waiting:
            connection.close()
        for connection in used:
            connection.abort()

    def __del__(self) -> None:
        # Whoever forgets to close a client gets no warning for it, and leaves nothing open.
        for group in self._idle.values():
            for connection in group:
                connection.close()

    def forget(self) -> None:
        """In a child process: closes its copies of the parent's sockets.

        The lock may have been held by a thread that does not exist here. Closing a
        copy sends nothing: the connection stays the parent's.
        """
        self._lock = threading.RLock()
        connections = [connection for group in self._idle.values() for connection in group]
        connections += self._used
        self._idle = {}
        self._used = set()
        for connection in connections:
            connection.close()


_pools: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_pools):
        pool.forget()


def _drop_idle() -> None:
    for pool in list(_pools):
        pool.__del__()


atexit.register(_drop_idle)
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
