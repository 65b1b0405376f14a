"""Wrapper: the standard library's transport, with places where a fault can be put."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import Dialer, StdlibTransport
from fluxhttp.errors import FluxHTTPError
from fluxhttp_conformance.zoo.wire import WireDialer

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Clock, Config, Deadline, Headers, Request, TransportResponse
    from fluxhttp_conformance.zoo.wire import Wire


class Answer:
    """An answer as it came; a fault is a subclass.

    Attributes:
        inner: what it comes from.
        request: what it answers.
        owner: the transport.
    """

    def __init__(self, inner: TransportResponse, request: Request, owner: Wrapper) -> None:
        self.inner = inner
        self.request = request
        self.owner = owner

    @property
    def status_code(self) -> int:
        """The status."""
        return self.inner.status_code

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self.inner.reason

    @property
    def http_version(self) -> str:
        """The version."""
        return self.inner.http_version

    @property
    def headers(self) -> Headers:
        """The fields."""
        return self.inner.headers

    def read(self, size: int, /) -> bytes:
        """The next piece."""
        try:
            return self.inner.read(size)
        except FluxHTTPError as error:
            told = self.owner.failed(error)
            if told is error:
                raise
            raise told from error

    def close(self) -> None:
        """Ends it."""
        self.inner.close()


class Wrapper:
    """A sound transport; a fault overrides one of its methods or attributes.

    Attributes:
        wire: makes what each plain connection does to the bytes that go through it; None leaves them alone.
        answers: the class of its answers.
        options: what it was opened with.
        inner: the transport that does the work.
    """

    wire: type[Wire] | None = None
    answers: type[Answer] = Answer

    def __init__(
        self, *, dialer: Any = None, ca_file: str | None = None, proxies: Any = None, trust_env: bool = True
    ) -> None:
        self.dialer: Any = Dialer() if dialer is None else dialer
        self.options: dict[str, Any] = {"ca_file": ca_file, "proxies": proxies, "trust_env": trust_env}
        self.inner: StdlibTransport = self.open()

    def open(self, **changes: Any) -> StdlibTransport:
        """The transport below, with other options than this one was given."""
        return StdlibTransport(**{"dialer": self.dials(), **self.options, **changes})

    def dials(self) -> Any:
        """The dialer of the transport below."""
        return self.dialer if self.wire is None else WireDialer(self.dialer, self.wire)

    @property
    def clock(self) -> Clock:
        """Of the transport below."""
        return self.inner.clock

    def prepare(self, request: Request) -> Request:
        """What is sent for a request."""
        return request

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for faults
        """What counts for a request."""
        return config

    def failed(self, error: FluxHTTPError) -> Exception:
        """What is raised for an error."""
        return error

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """One exchange."""
        return self.inner.send(request, config=config, deadline=deadline)

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Sends a request."""
        try:
            sent = self.prepare(request)
            return self.answers(self.carry(sent, self.configure(request, config), deadline), request, self)
        except FluxHTTPError as error:
            told = self.failed(error)
            if told is error:
                raise
            raise told from error

    def close(self) -> None:
        """Closes the transport below."""
        self.inner.close()
