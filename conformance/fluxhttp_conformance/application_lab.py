"""ApplicationLab: the lab of a transport that calls a WSGI application; the origin is one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

from fluxhttp_conformance.dialer import LabDialer
from fluxhttp_conformance.lab import Lab
from fluxhttp_conformance.origins.application import ApplicationOrigin
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    import ssl
    from typing import Any

    from fluxhttp import Transport
    from fluxhttp_conformance.certificates import Handshake
    from fluxhttp_conformance.origins.loopback import LoopbackOrigin
    from fluxhttp_conformance.origins.proxy import ForwardProxy
    from fluxhttp_conformance.target import Target


class _NoDialer(LabDialer):
    """Says that there are no connections to tell of."""

    def __init__(self) -> None:
        self.routes = {}

    @property
    def dialled(self) -> list[tuple[str, int]]:  # type: ignore[override]  # what others note, nobody does here
        """Not here."""
        raise NotApplicable("to an application there is no connection")


class ApplicationLab(Lab):
    """What a case works with if the transport under test leads to an application."""

    def _prepare(self, target: Target) -> None:
        self.target: Target = target
        self._application = ApplicationOrigin()
        # It has all of a LoopbackOrigin that a case may use, or says that it has not.
        self.origin: LoopbackOrigin = cast("LoopbackOrigin", self._application)
        self.dialer: LabDialer = _NoDialer()

    @property
    def handshakes(self) -> list[Handshake]:
        """Not here."""
        raise NotApplicable("an application has no TLS")

    @handshakes.setter
    def handshakes(  # pyright: ignore[reportIncompatibleVariableOverride]  # none is ever made
        self, handshakes: list[Handshake]
    ) -> None:
        """Takes the empty list that every lab begins with."""

    @property
    def secure(self) -> LoopbackOrigin:
        """Not here: there is no TLS, though there are https URLs."""
        raise NotApplicable("an application has no TLS")

    def start(self, *, tls: ssl.SSLContext | None = None, port: int | None = None) -> LoopbackOrigin:  # noqa: ARG002
        """Not here."""
        raise NotApplicable("a transport to an application leads to that one alone")

    @cached_property
    def proxy(self) -> ForwardProxy:
        """Not here."""
        raise NotApplicable("there is no proxy before an application")

    def url(self, path: str = "/", *, host: str | None = None, scheme: str = "http") -> str:
        """The URL of a path; every name leads to the application."""
        return f"{scheme}://{host or '127.0.0.1'}{path}"

    def open(self, **options: Any) -> Transport:
        """A transport that leads to the origin."""
        if options:
            raise NotApplicable(f"a transport to an application takes no {', '.join(sorted(options))}")
        transport = self.target.open(application=self._application)
        self._transports.append(transport)
        return transport

    def saw_nothing(self) -> None:
        """Nothing of the calls before reached the application, and the next call works.

        Raises:
            AssertionError: something did, or it does not.
        """
        self.still_works()
        assert len(self.requests) == 1, f"a refused call sent {self.requests[0]!r}"

    @property
    def was_touched(self) -> bool:
        """Whether the application was called at all."""
        return bool(self._application.requests)

    def close(self) -> None:
        """Ends everything.

        Raises:
            NotApplicable: the application could not do what the case wanted of it.
        """
        super().close()
        if self._application.not_applicable is not None:
            raise self._application.not_applicable
