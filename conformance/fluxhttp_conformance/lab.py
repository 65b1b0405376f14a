"""Lab: what a case works with. An origin on one side, the transport under test on the other."""

from __future__ import annotations

import socket
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import fluxhttp
from fluxhttp import Client, Config
from fluxhttp.testing import Script
from fluxhttp_conformance.origins.loopback import LoopbackOrigin
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import Deadline, Response, Transport
    from fluxhttp_conformance.target import Target

_E = TypeVar("_E", bound=BaseException)

#: The time-out of every call that sets none: a case must not hang.
CALL_SECONDS = 5.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class HarnessError(Exception):
    """The case itself went wrong: it proves nothing about the transport."""


def raw(*lines: str, body: bytes = b"") -> Script:
    """A script that sends a head of these lines, latin-1, CR LF after each, and a body."""
    return Script().send("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body)


def ok(body: bytes = b"ok") -> Script:
    """A script that sends a plain 200 with this body."""
    return raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body)


def chunked(*chunks: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks (RFC 9112, 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + last


class LabDialer:
    """Sends the default ports of every host to the origins of the case.

    Attributes:
        dialled: the hosts and ports that were asked for, in order.
    """

    def __init__(self) -> None:
        self.routes: dict[int, tuple[str, int]] = {}
        self.dialled: list[tuple[str, int]] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        """A connection to the origin that stands for host and port."""
        self.dialled.append((host, port))
        try:
            return socket.create_connection(self.routes.get(port, (host, port)), deadline.remaining())
        except OSError as error:
            raise fluxhttp.ConnectError(f"cannot connect: {error.strerror}") from error


class Lab:
    """One case's origins, transport and client; made anew for each run of a case.

    Attributes:
        target: the transport under test.
        origin: a plain origin.
        dialer: knows where connections went; in use if the transport takes one.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.origin = LoopbackOrigin()
        self.dialer = LabDialer()
        self.dialer.routes[80] = self.origin.address
        self._secure: LoopbackOrigin | None = None
        self._ca_file: str | None = None
        self._clients: list[Client] = []
        self._transports: list[Transport] = []

    # The origin's side

    @property
    def secure(self) -> LoopbackOrigin:
        """The same peer over TLS: it plays the next script of ``origin``, and adds to its requests."""
        if self._secure is None:
            if "ca_file" not in self.target.keywords:
                raise NotApplicable(f"{self.target.name} takes no ca_file")
            from fluxhttp_conformance.certificates import authority

            self._ca_file = authority().ca_file
            self._secure = LoopbackOrigin(tls=authority().server_context(), beside=self.origin)
            self.dialer.routes[443] = self._secure.address
        return self._secure

    def url(self, path: str = "/", *, host: str | None = None, scheme: str = "http") -> str:
        """The URL of a path of the origin: by address, or under a name of your choice.

        Raises:
            NotApplicable: a name is wanted, and the transport takes no dialer.
        """
        if host is None:
            return (self.secure if scheme == "https" else self.origin).url(path)
        if "dialer" not in self.target.keywords:
            raise NotApplicable(f"{self.target.name} takes no dialer")
        if scheme == "https":
            self.secure  # noqa: B018  # starts it
        return f"{scheme}://{host}{path}"

    @property
    def requests(self) -> list[Any]:
        """The requests that the origins read, in order."""
        return self.origin.requests

    # The client's side

    def open(self, **options: Any) -> Transport:
        """A transport of the kind under test."""
        if "dialer" in self.target.keywords:
            options.setdefault("dialer", self.dialer)
        if self._ca_file is not None:
            options.setdefault("ca_file", self._ca_file)
        transport = self.target.open(**options)
        self._transports.append(transport)
        return transport

    @cached_property
    def transport(self) -> Transport:
        """The transport of this case."""
        return self.open()

    @cached_property
    def client(self) -> Client:
        """A client over it, with a time-out of five seconds a call."""
        return self.new_client(self.transport)

    def new_client(self, transport: Transport, **options: Any) -> Client:
        """Another client, with the same time-out unless ``config`` is given."""
        options.setdefault("config", Config(timeout=CALL_SECONDS))
        client = Client(transport, **options)
        self._clients.append(client)
        return client

    def do(self, method: str, path: str = "/", **options: Any) -> Response:
        """A call of the plain origin; ``path`` may also be a whole URL."""
        config = options.get("config")
        if config is not None and config.timeout is None:
            options["config"] = config.replace(timeout=CALL_SECONDS)
        return self.client.do(method, path if "://" in path else self.url(path), **options)

    def get(self, path: str = "/", **options: Any) -> Response:
        """``do("GET", …)``."""
        return self.do("GET", path, **options)

    def post(self, path: str = "/", **options: Any) -> Response:
        """``do("POST", …)``."""
        return self.do("POST", path, **options)

    def fails(self, kind: type[_E], call: Callable[..., Any], *arguments: Any, **options: Any) -> _E:
        """The error that a call ends with, which must be of just that class.

        Raises:
            AssertionError: it returned, or raised another class.
        """
        try:
            result = call(*arguments, **options)
        except Exception as error:
            if type(error) is kind:
                return error
            raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
        raise AssertionError(f"expected {kind.__name__}, got {result!r}")

    def still_works(self) -> None:
        """The next call on the same client is answered as if nothing had been before.

        Raises:
            AssertionError: it was not.
        """
        before = len(self.origin.requests)
        self.origin.play(ok(b"control"))
        response = self.get("/control")
        assert response.status_code == 200 and response.body == b"control", f"the next call got {response!r}"
        assert len(self.origin.requests) == before + 1, "the next call sent more than one request"
        assert self.origin.requests[-1].target == "/control"

    def transcript(self) -> str:
        """What the origins saw and did."""
        return "\n".join(self.origin.transcript) or "(no origin was touched)"

    @property
    def was_touched(self) -> bool:
        """Whether an origin saw anything at all."""
        return bool(self.origin.connections or (self._secure is not None and self._secure.connections))

    def close(self) -> None:
        """Ends everything."""
        for client in self._clients:
            client.close()
        for transport in self._transports:
            transport.close()
        self.origin.close()
        if self._secure is not None:
            self._secure.close()
