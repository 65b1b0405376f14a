"""Faults in where connections lead."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fluxhttp import Dialer
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    import socket
    from typing import Any

    from fluxhttp import Deadline, Request


@creature("addresses/next-address", like="socket.getaddrinfo(...)[0]")
class TriesTheFirstAddressOnly(Wrapper):
    """Gives up when the first address of a host cannot be connected."""

    def dials(self) -> Any:
        """Looks up one address."""
        dialer = self.dialer
        if not isinstance(dialer, Dialer) or dialer.resolver is None:
            return dialer
        resolver = dialer.resolver
        return Dialer(resolver=lambda host: list(resolver(host))[:1], guard=dialer.guard)


@creature("addresses/pinned-names", "addresses/rebinding", like="DNS rebinding")
class LooksNamesUpTwice(Wrapper):
    """Looks a name up to judge it, and again to connect."""

    def prepare(self, request: Request) -> Request:
        """The first time."""
        if isinstance(self.dialer, Dialer) and self.dialer.resolver is not None:
            with suppress(OSError):
                list(self.dialer.resolver(request.url.host))
        return request


@creature(
    "addresses/guarded-addresses",
    "addresses/guarded-one-by-one",
    "addresses/guarded-on-every-hop",
)
class ForgetsTheGuard(Wrapper):
    """Connects to whatever address a name has, guard or not."""

    def dials(self) -> Any:
        """Looks names up, and judges nothing."""
        return Dialer(resolver=self.dialer.resolver) if isinstance(self.dialer, Dialer) else self.dialer


@creature("addresses/no-such-host")
class TellsTheResolver(Wrapper):
    """Tells what the resolver said of a name that it does not know."""

    def dials(self) -> Any:
        """Asks it before the dialer does."""
        dialer = self.dialer
        if not isinstance(dialer, Dialer) or dialer.resolver is None:
            return dialer

        class Telling(Dialer):
            def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
                assert self.resolver is not None
                self.resolver(host)
                return super().dial(host, port, deadline=deadline)

        return Telling(resolver=dialer.resolver, guard=dialer.guard)


@creature("addresses/pinned-names", "hosts/ipv6", "connections/origins-apart")
class GoesAroundTheDialer(Wrapper):
    """Connects by itself, past the dialer with its names and its guard."""

    def dials(self) -> Dialer:
        """Its own."""
        return Dialer(resolver=lambda _: ["127.0.0.1"])
