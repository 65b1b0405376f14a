"""Dialer: resolve, guard, connect. The network policy in one object (decision D13).

The address connected is the address judged: a name is looked up once, each of
its addresses is judged right before it is tried, and the socket goes to just
that address. Several addresses are tried as RFC 8305 has it: the next one
starts when the one before it fails or 250 ms have passed, and the first that
connects is taken.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from fluxhttp._core.hosts import is_address
from fluxhttp._wire.failures import SOCKET_ERRORS, describe_os_error
from fluxhttp._wire.lookup import SLICE_SECONDS, lookups, system_resolver
from fluxhttp._wire.waiting import wait_for
from fluxhttp.errors import ConnectError, InvalidConfigError, InvalidTypeError, NameResolutionError

if TYPE_CHECKING:
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._wire.lookup import Resolver

    #: What connect takes: address and port, for IPv6 with a zone more, or a path; or why there is nothing to connect.
    Target = tuple[str, int] | tuple[str, int, int, int] | str | OSError

#: Connection Attempt Delay (RFC 8305, 5).
STAGGER_SECONDS = 0.25
#: How long to wait for room in the queue of a Unix socket's listener.
_RETRY_SECONDS = 0.01


class Guard(Protocol):
    """Says which addresses may be connected, ``PrivateAddressGuard`` for one."""

    def permits(self, address: str, /) -> bool:
        """Whether this numeric address may be connected."""
        ...


class Dials(Protocol):
    """What a transport needs of a dialer."""

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        """A connected socket to that host and port, as they stand in the URL."""
        ...


class Dialer:
    """Connects to a host by name or address.

    Args:
        resolver: from a host name to its addresses as text; None asks the
            system. ``{"api.test": ["127.0.0.1"]}.__getitem__`` pins names.
        guard: judges each address before it is tried; None permits all.
        allow_proxy: whether a proxy may be used although there is a guard, which
            then sees the proxy's address alone.
        unix_socket: path of a socket to connect instead, whatever the host; the
            environment's proxies do not count then, and others are refused.

    Raises:
        InvalidTypeError: an argument has the wrong type.
    """

    __slots__ = ("allow_proxy", "guard", "resolver", "unix_socket")

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        guard: Guard | None = None,
        allow_proxy: bool = False,
        unix_socket: str | os.PathLike[str] | None = None,
    ) -> None:
        if resolver is not None and not callable(resolver):
            raise InvalidTypeError(f"resolver must be a callable, not {type(resolver).__name__}")
        if guard is not None and not callable(getattr(guard, "permits", None)):
            raise InvalidTypeError(f"guard must have a method permits, but {type(guard).__name__} has none")
        if not isinstance(allow_proxy, bool):
            raise InvalidTypeError(f"allow_proxy must be a bool, not {type(allow_proxy).__name__}")
        if unix_socket is not None and not isinstance(unix_socket, str | os.PathLike):
            raise InvalidTypeError(f"unix_socket must be a str or a path, not {type(unix_socket).__name__}")
        self.resolver: Resolver | None = resolver
        self.guard: Guard | None = guard
        self.allow_proxy: bool = allow_proxy
        self.unix_socket: str | None = None if unix_socket is None else os.fspath(unix_socket)

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        """A connected TCP socket, without Nagle's delay; or the Unix socket.

        Raises:
            InvalidConfigError: the resolver gave something that is no address.
            NameResolutionError: there is no such host, or the guard permits none of its addresses.
            ConnectError: no address could be connected; the text is the first one's failure.
            RequestTimeoutError: the deadline passed.
        """
        if self.unix_socket is not None:
            return _Attempts([(socket.AF_UNIX, self.unix_socket)], deadline).first()
        addresses = self._permitted(host, deadline)
        if not addresses:
            # One line for a missing name and for a refusal: not even a traceback tells them apart (rule 32).
            raise NameResolutionError("no such host")
        sock = _Attempts([_target(address, port) for address in _interleaved(addresses)], deadline).first()
        with suppress(OSError):  # the peer may be gone already: whoever uses the connection will say so
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def _permitted(self, host: str, deadline: Deadline) -> list[str]:
        """The addresses of a host that may be connected, none if there is no such host."""
        try:
            addresses = [host] if is_address(host) else self._resolve(host, deadline)
        except NameResolutionError:
            return []
        guard = self.guard
        return addresses if guard is None else [address for address in addresses if guard.permits(address)]

    def _resolve(self, host: str, deadline: Deadline) -> list[str]:
        addresses = lookups.resolve(self.resolver or system_resolver, host.removesuffix("."), deadline)
        for address in addresses:
            # A socket would look up whatever is no address, past the guard.
            if not isinstance(address, str) or not is_address(address):
                raise InvalidConfigError(f"resolver must give addresses as text, not {str(address)[:64]!r}")
        return list(addresses)

    def __repr__(self) -> str:
        return (
            f"Dialer(resolver={self.resolver!r}, guard={self.guard!r}, allow_proxy={self.allow_proxy!r}, "
            f"unix_socket={self.unix_socket!r})"
        )


def _interleaved(addresses: list[str]) -> list[str]:
    """Families in turn, beginning with that of the first address (RFC 8305, 4)."""
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    first, second = (six, four) if addresses[0] in six else (four, six)
    mixed = [address for pair in zip(first, second, strict=False) for address in pair]
    return mixed + first[len(second) :] + second[len(first) :]


def _target(address: str, port: int) -> tuple[int, Target]:
    if ":" not in address:
        return socket.AF_INET, (address, port)
    number, _, zone = address.partition("%")
    if not zone:
        return socket.AF_INET6, (number, port)
    try:
        return socket.AF_INET6, (number, port, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone))
    except (OSError, ValueError):
        return socket.AF_INET6, OSError(errno.ENODEV, "there is no network interface with the zone of the address")


class _Attempts:
    """Connection attempts, started one after the other, at most one winner."""

    def __init__(self, targets: list[tuple[int, Target]], deadline: Deadline) -> None:
        self._waiting = targets[::-1]
        self._deadline = deadline
        self._running: dict[int, socket.socket] = {}
        #: When the next one starts, whatever those before it do.
        self._start_next = 0.0
        self._failure: Exception | None = None

    def first(self) -> socket.socket:
        """The first that connects; the others are closed."""
        clock = self._deadline.clock
        try:
            self._start_next = clock.monotonic()
            while self._waiting or self._running:
                self._deadline.check("connect", maybe_sent=False)
                now = clock.monotonic()
                if self._waiting and now >= self._start_next:
                    self._start_next = now + STAGGER_SECONDS
                    self._start(*self._waiting.pop())
                winner = self._wait(self._start_next - now)
                if winner is not None:
                    winner.settimeout(None)
                    return winner
        finally:
            for sock in self._running.values():
                sock.close()
        failure = self._failure
        assert failure is not None  # each attempt connected or failed
        raise ConnectError(f"cannot connect: {describe_os_error(failure)}") from failure

    def _start(self, family: int, target: Target) -> None:
        sock: socket.socket | None = None
        try:
            if isinstance(target, OSError):
                raise target
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            code = sock.connect_ex(target)
        except SOCKET_ERRORS as error:
            if sock is not None:
                sock.close()
            self._failed(error)
            return
        if code == errno.EAGAIN and family == socket.AF_UNIX:
            # The listener's queue is full, and nothing says when there is room.
            sock.close()
            self._waiting.append((family, target))
            self._start_next = self._deadline.clock.monotonic() + _RETRY_SECONDS
        elif code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EISCONN):
            self._running[sock.fileno()] = sock
        else:
            sock.close()
            self._failed(OSError(code, os.strerror(code)))

    def _wait(self, seconds: float) -> socket.socket | None:
        """Waits for an attempt to end, in slices so that a closed transport is noticed."""
        if not (self._running or self._waiting):
            return None
        left = self._deadline.remaining()
        most = SLICE_SECONDS if left is None else min(left, SLICE_SECONDS)
        if self._waiting:
            most = max(0.0, min(most, seconds))
        for number in wait_for(most, tuple(self._running)):
            sock = self._running.pop(number)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code in (0, errno.ECONNRESET):
                # One that was reset was connected before: whoever uses the connection will say so.
                return sock
            sock.close()
            self._failed(OSError(code, os.strerror(code)))
        return None

    def _failed(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._start_next = self._deadline.clock.monotonic()
