"""Network: name look-up, guard, connecting and TLS, as far as somebody speaks of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fluxhttp._core.hosts import is_address
from fluxhttp._wire.dialer import Dialer
from fluxhttp._wire.failures import describe_os_error
from fluxhttp._wire.lookup import _NO_SUCH_HOST
from fluxhttp.errors import CertificateError, ConnectError, InvalidConfigError, NameResolutionError
from fluxhttp.testing.errors import StalledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.request import Request
    from fluxhttp._wire.dialer import Guard
    from fluxhttp._wire.lookup import Resolver
    from fluxhttp.testing.clock import VirtualClock
    from fluxhttp.testing.faults import Fault

#: Where every name leads that no resolver is asked for: an address that no guard refuses.
_SOMEWHERE = ("192.0.1.1",)
#: What RFC 6761, 6.3, says of localhost and the names below it.
_LOCALHOST = ("127.0.0.1", "::1")


class Network:
    """What stands between the client and a peer in memory.

    Args:
        resolver: from a host name to its addresses; it runs in the thread of the
            call, and may move the clock. None knows every name.
        guard: judges the addresses; None permits all.
        clock: the fake's.

    Raises:
        InvalidTypeError: an argument has the wrong type.
    """

    def __init__(self, resolver: Resolver | None, guard: Guard | None, clock: VirtualClock) -> None:
        Dialer(resolver=resolver, guard=guard)  # which refuses what a real transport does
        self._resolver = resolver
        self._guard = guard
        self._clock = clock
        #: Whether a look-up may refuse a host.
        self.judges_hosts: bool = resolver is not None or guard is not None

    def look_up(self, host: str, deadline: Deadline, *, fails: bool = False) -> None:
        """Looks for an address of a host that the guard permits.

        Raises:
            NameResolutionError: there is none, or the look-up is to fail.
            ConnectError: the resolver failed otherwise.
            InvalidConfigError: it gave something that is no address.
            RequestTimeoutError: it took too long.
        """
        guard = self._guard
        addresses: Sequence[str] = () if fails else self._addresses(host)
        deadline.check("dns", maybe_sent=False)
        if not (addresses if guard is None else [address for address in addresses if guard.permits(address)]):
            # One line for a missing name and for a refusal, as a real dialer has it.
            raise NameResolutionError("no such host")

    def _addresses(self, host: str) -> Sequence[str]:
        if is_address(host):
            return (host,)
        name = host.removesuffix(".")
        if self._resolver is None:
            return _LOCALHOST if name == "localhost" or name.endswith(".localhost") else _SOMEWHERE
        try:
            found = self._resolver(name)
            addresses = (found,) if isinstance(found, str) or not isinstance(found, Iterable) else tuple(found)
        except _NO_SUCH_HOST:
            return ()
        except Exception as error:
            raise ConnectError(f"the resolver failed: {type(error).__name__}", phase="dns") from error
        for address in addresses:
            if not isinstance(address, str) or not is_address(address):
                raise InvalidConfigError(f"resolver must give addresses as text, not {str(address)[:64]!r}")
        return addresses

    def connect(self, request: Request, fault: Fault | None, config: Config, deadline: Deadline) -> None:
        """Makes a connection, or fails as a fault says.

        Raises:
            TransportError: the fault, or the deadline.
            StalledError: the connection is never made, and there is no deadline.
        """
        deadline.check("connect", maybe_sent=False)
        stage = None if fault is None else fault.stage
        if stage == "dns":
            self.look_up(request.url.host, deadline, fails=True)
        if stage == "connect":
            failure = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            raise ConnectError(f"cannot connect: {describe_os_error(failure)}") from failure
        if stage == "connect_timeout":
            left = deadline.remaining()
            if left is None:
                raise StalledError("the connection is never made, and the call has no time-out: it would wait for ever")
            self._clock.advance(left)
            raise deadline.timeout_error("connect", maybe_sent=False)
        if fault is not None and stage == "tls" and meets_tls(request, config):
            raise CertificateError(f"the certificate was not accepted: {fault.detail}", maybe_sent=False)


def meets_tls(request: Request, config: Config) -> bool:
    """Whether a certificate is judged in such a call."""
    return request.url.scheme == "https" and not config.insecure_skip_verify
