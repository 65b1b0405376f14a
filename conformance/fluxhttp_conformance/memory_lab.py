"""MemoryLab: the lab of a fake. Its origins are in memory, its time is virtual."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from fluxhttp.testing import FakeTransport
from fluxhttp_conformance.dialer import LabDialer
from fluxhttp_conformance.lab import Lab
from fluxhttp_conformance.origins.memory import MemoryOrigin
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import Transport
    from fluxhttp_conformance.certificates import Handshake
    from fluxhttp_conformance.origins.loopback import LoopbackOrigin
    from fluxhttp_conformance.origins.proxy import ForwardProxy
    from fluxhttp_conformance.target import Target


class _MemoryDialer(LabDialer):
    """Tells where the connections of the fakes went."""

    def __init__(self, origin: MemoryOrigin) -> None:
        self._origin = origin
        self.routes = {}

    @property
    def dialled(self) -> list[tuple[str, int]]:  # type: ignore[override]  # what others note, a fake remembers
        """The hosts and ports, in order."""
        return self._origin.dialled


class MemoryLab(Lab):
    """What a case works with if the transport under test is the fake."""

    def _prepare(self, target: Target) -> None:
        self.target: Target = target
        # It has all of a LoopbackOrigin that a case may use.
        self.origin: LoopbackOrigin = cast("LoopbackOrigin", MemoryOrigin())
        self.dialer: LabDialer = _MemoryDialer(cast("MemoryOrigin", self.origin))

    def until(self, condition: Callable[[], bool], what: str) -> None:  # noqa: ARG002  # nothing can fail to happen
        """Lets two seconds pass, unless what is waited for comes before; a peer in memory acts when it is looked at."""
        for _ in range(200):
            if condition():
                return
            self.clock.sleep(0.01)

    @property
    def handshakes(self) -> list[Handshake]:
        """Not in memory."""
        raise NotApplicable("memory has no TLS")

    @handshakes.setter
    def handshakes(  # pyright: ignore[reportIncompatibleVariableOverride]  # none is ever made
        self, handshakes: list[Handshake]
    ) -> None:
        """Takes the empty list that every lab begins with."""

    @property
    def secure(self) -> LoopbackOrigin:
        """The same peer under https; memory needs no certificate."""
        if self._secure is None:
            beside = cast("MemoryOrigin", self.origin)
            self._secure = cast("LoopbackOrigin", MemoryOrigin(scheme="https", beside=beside))
        return self._secure

    def start(self, *, tls: ssl.SSLContext | None = None, port: int | None = None) -> LoopbackOrigin:  # noqa: ARG002
        """Not in memory."""
        raise NotApplicable("memory has no sockets to listen on, and no TLS")

    @cached_property
    def proxy(self) -> ForwardProxy:
        """Not in memory."""
        raise NotApplicable("the fake has no proxies")

    def url(self, path: str = "/", *, host: str | None = None, scheme: str = "http") -> str:
        """The URL of a path of the origin; the fake knows every name."""
        if host is None:
            return (self.secure if scheme == "https" else self.origin).url(path)
        if scheme == "https":
            self.secure  # noqa: B018  # starts it
        return f"{scheme}://{host}{path}"

    def open(self, **options: Any) -> Transport:
        """A fake that leads to the origin."""
        for name in options:
            if name not in ("resolver", "guard", "fallback"):
                raise NotApplicable(f"the fake takes no {name}")
        transport = self.target.open(**options)
        assert isinstance(transport, FakeTransport)
        cast("MemoryOrigin", self.origin).attach(transport)
        self._transports.append(transport)
        return transport
