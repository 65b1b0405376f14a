"""Name look-up that a deadline ends (decision D11).

``getaddrinfo`` cannot be stopped. It runs in a helper thread which is left
behind when the time is over: a daemon, so that it never holds the process up;
at most sixteen, and one a host, so that a dead resolver cannot pile them up.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from fluxhttp.errors import ConnectError, NameResolutionError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp._core.deadline import Deadline

    #: From a host name to its addresses as text; an empty answer means there is no such host.
    Resolver = Callable[[str], Iterable[str]]

THREADS_MAX = 16
#: What a resolver says of a name without addresses; TransportError where it asks over HTTP.
_NO_SUCH_HOST = (OSError, UnicodeError, LookupError, TransportError)
#: How often a waiting call looks whether it was ended meanwhile.
SLICE_SECONDS = 0.05


def system_resolver(host: str) -> list[str]:
    """The addresses the system gives for a name, in its order, each once."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(_with_zone(address) for *_, address in found))


def _with_zone(address: tuple[object, ...]) -> str:
    host = str(address[0])
    # An IPv6 address comes with the number of its zone apart.
    return f"{host}%{address[3]}" if len(address) == 4 and address[3] and "%" not in host else host


class _Job:
    """One look-up under way, shared by every call that waits for it."""

    def __init__(self, resolver: Resolver, host: str) -> None:
        self.done = threading.Event()
        self.addresses: tuple[str, ...] = ()
        self.error: BaseException | None = None
        self._resolver = resolver
        self._host = host

    def run(self) -> None:
        try:
            found = self._resolver(self._host)
            is_one = isinstance(found, str) or not isinstance(found, Iterable)
            self.addresses = (cast("str", found),) if is_one else tuple(found)
        except BaseException as error:  # noqa: BLE001  # it is raised again in the threads that wait
            self.error = error


class Lookups:
    """The look-ups of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[tuple[int, str], _Job] = {}
        self._room = threading.Semaphore(THREADS_MAX)

    def resolve(self, resolver: Resolver, host: str, deadline: Deadline) -> tuple[str, ...]:
        """The addresses of a name.

        Raises:
            RequestTimeoutError: they did not come in time, or sixteen other look-ups hang.
            NameResolutionError: there is no such host: the resolver raised OSError or
                LookupError, or gave nothing. The text names no resolver (rule 32).
            ConnectError: the resolver raised something else, or there is no thread for it.
        """
        job = self._job(resolver, host, deadline)
        while not job.done.wait(_slice(deadline)):
            deadline.check("dns", maybe_sent=False)
        error = job.error
        if isinstance(error, _NO_SUCH_HOST) or (error is None and not job.addresses):
            raise NameResolutionError("no such host") from None
        if isinstance(error, Exception):
            raise ConnectError(f"the resolver failed: {type(error).__name__}", phase="dns") from error
        if error is not None:
            raise error
        return job.addresses

    def _job(self, resolver: Resolver, host: str, deadline: Deadline) -> _Job:
        # By identity, for a callable need not be hashable; the job keeps it alive.
        key = (id(resolver), host)
        while True:
            with self._lock:
                job = self._jobs.get(key)
                if job is not None:
                    return job
                if self._room.acquire(blocking=False):
                    return self._start(key, _Job(resolver, host))
            deadline.check("dns", maybe_sent=False)
            if self._room.acquire(timeout=_slice(deadline)):
                self._room.release()

    def _start(self, key: tuple[int, str], job: _Job) -> _Job:
        thread = threading.Thread(target=self._run, args=(key, job), name="fluxhttp look-up", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._room.release()
            raise ConnectError("no thread can be started for the name look-up", phase="dns") from error
        self._jobs[key] = job
        return job

    def _run(self, key: tuple[int, str], job: _Job) -> None:
        job.run()
        with self._lock:
            self._jobs.pop(key, None)  # it is gone already in a child that a resolver forked
        self._room.release()
        job.done.set()


def _slice(deadline: Deadline) -> float:
    left = deadline.remaining()
    return SLICE_SECONDS if left is None else min(left, SLICE_SECONDS)


lookups = Lookups()


def _start_anew() -> None:
    # The parent's helper threads do not exist in a child.
    lookups.__init__()  # type: ignore[misc]  # the one object that others imported stays


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_start_anew)
