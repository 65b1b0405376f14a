"""WithSockets: a wrapper whose plain connections have sockets of its own."""

from __future__ import annotations

from fluxhttp_conformance.zoo.wire import Wire, WireDialer, WireSocket
from fluxhttp_conformance.zoo.wrapper import Wrapper


class WithSockets(Wrapper):
    """A wrapper with sockets of its own.

    Attributes:
        sockets: their class.
    """

    sockets: type[WireSocket] = WireSocket

    def dials(self) -> WireDialer:
        """With such sockets."""
        return WireDialer(self.dialer, Wire, self.sockets)
