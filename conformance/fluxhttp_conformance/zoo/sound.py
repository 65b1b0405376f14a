"""A transport with every part of the zoo and no fault: what it fails is the zoo's own doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp_conformance.zoo.chunked import ChunkWire
from fluxhttp_conformance.zoo.tls import WiredTLS, WithTLSSockets

if TYPE_CHECKING:
    import ssl

    from fluxhttp_conformance.zoo.wire import Wire


class SoundTransport(WithTLSSockets):
    """Changes nothing, though all goes through wires, wrapped answers and TLS sockets of its own."""

    wire: type[Wire] | None = ChunkWire
    tls_sockets: type[ssl.SSLSocket] = WiredTLS
