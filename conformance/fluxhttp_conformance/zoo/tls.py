"""Faults in TLS: whom it believes, and what it takes for an end."""

from __future__ import annotations

import os
import re
import ssl
import warnings
from typing import TYPE_CHECKING

from fluxhttp import URL, Config, IncompleteBodyError, StdlibTransport, TLSError
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.requests import rebuilt
from fluxhttp_conformance.zoo.wire import HeadWire, Wire
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Deadline, Request, TransportResponse


class WithContext(Wrapper):
    """Brings a context of its own for calls that verify."""

    def context(self, ca_file: str) -> ssl.SSLContext:
        """A sound one."""
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.hostname_checks_common_name = False
        return context

    def open(self, **changes: Any) -> StdlibTransport:
        """With the context, if there is somebody to believe."""
        self.insecure: StdlibTransport = super().open(**changes)
        ca_file = self.options["ca_file"]
        if ca_file is None:
            return self.insecure
        return super().open(**changes, ca_file=None, ssl_context=self.context(ca_file))

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """An insecure call goes another way."""
        inner = self.insecure if config.insecure_skip_verify else self.inner
        return inner.send(request, config=config, deadline=deadline)

    def close(self) -> None:
        """Both."""
        self.insecure.close()
        super().close()


@creature("tls/common-name-is-no-name")
class BelievesCommonNames(WithContext):
    """Takes a name in the certificate's subject for a host's."""

    def context(self, ca_file: str) -> ssl.SSLContext:
        """Looks at the subject."""
        context = super().context(ca_file)
        context.hostname_checks_common_name = True
        return context


@creature("tls/wrong-host", "tls/name-of-the-url", "tunnels/certificate-inside", like="check_hostname = False")
class BelievesAnyName(WithContext):
    """Does not look whose certificate it is."""

    def context(self, ca_file: str) -> ssl.SSLContext:
        """Any host's."""
        context = super().context(ca_file)
        context.check_hostname = False
        return context


@creature(
    "tls/own-authorities-only", like="CVE-2019-11324 of urllib3: the authorities that were given, and the system's"
)
class BelievesTheEnvironmentToo(WithContext):
    """Trusts the authorities of SSL_CERT_FILE beside those it was given."""

    def context(self, ca_file: str) -> ssl.SSLContext:
        """And those."""
        context = super().context(ca_file)
        if path := os.environ.get("SSL_CERT_FILE"):
            context.load_verify_locations(path)
        return context


@creature("tls/old-versions")
class SpeaksOldTLS(WithContext):
    """Agrees to TLS 1.0 and 1.1."""

    def context(self, ca_file: str) -> ssl.SSLContext:
        """With ciphers for them."""
        context = super().context(ca_file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context


class _RaggedSocket(ssl.SSLSocket):
    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLEOFError:
            return b""

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        try:
            return super().recv_into(buffer, nbytes, flags)
        except ssl.SSLEOFError:
            return 0


class WithTLSSockets(WithContext):
    """Brings TLS sockets of its own, too."""

    tls_sockets: type[ssl.SSLSocket] = ssl.SSLSocket

    def context(self, ca_file: str) -> ssl.SSLContext:
        """Makes them."""
        context = super().context(ca_file)
        context.sslsocket_class = self.tls_sockets
        return context


@creature("tls/close-notify-missing", like="suppress_ragged_eofs, the default of Python's ssl")
class TakesARaggedEndForTheEnd(WithTLSSockets):
    """Takes a connection that ended without close_notify for one that ended in good order."""

    tls_sockets: type[ssl.SSLSocket] = _RaggedSocket


class WiredTLS(ssl.SSLSocket):
    """A TLS socket with a wire inside."""

    wire: Wire | None = None

    def make(self) -> Wire:
        """Its wire."""
        return Wire()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """What the wire makes of what came."""
        self.wire = self.wire or self.make()
        while True:
            data = super().recv(buflen, flags)
            shown = self.wire.received(data)
            if shown or not data:
                return shown

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """The same, into a buffer."""
        data = self.recv(nbytes or len(buffer), flags)
        buffer[: len(data)] = data
        return len(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """What the wire makes of a request."""
        self.wire = self.wire or self.make()
        super().sendall(self.wire.sent(bytes(data)), flags)


@creature("tls/length-needs-no-close-notify", "tls/cut-off")
class WaitsForCloseNotify(WithTLSSockets):
    """Believes a body over TLS only when the connection has ended as it should."""

    class _Waiting(WiredTLS):
        class _Endless(HeadWire):
            def edit(self, head: bytes) -> bytes:
                return re.sub(rb"\n(Content-Length|Transfer-Encoding):", rb"\nX-\1:", head)

        def make(self) -> Wire:
            return self._Endless()

    tls_sockets: type[ssl.SSLSocket] = _Waiting


@creature("tls/close-notify")
class TakesEveryEndForACut(Wrapper):
    """Takes the end of a TLS connection for a cut, close_notify or not."""

    class _Cut(Answer):
        def read(self, size: int, /) -> bytes:
            data = super().read(size)
            headers = self.inner.headers
            is_open = "content-length" not in headers and "transfer-encoding" not in headers
            if not data and is_open and self.request.url.scheme == "https":
                raise IncompleteBodyError("the connection ended")
            return data

    answers: type[Answer] = _Cut


# insecure_skip_verify


@creature("tls/insecure")
class VerifiesAlways(Wrapper):
    """Does not know insecure_skip_verify."""

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for every one
        """Without it."""
        return config.replace(insecure_skip_verify=False)


@creature(
    "tls/untrusted",
    "tls/wrong-host",
    "tls/common-name-is-no-name",
    "tls/own-authorities-only",
    "pickling/errors-of-connections",
    like="verify=False",
)
class BelievesAnybody(Wrapper):
    """Looks at no certificate."""

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for every one
        """As if it had been asked for."""
        return config.replace(insecure_skip_verify=True)


@creature("tls/insecure-is-not-shared", like="CVE-2024-35195 of requests: the first call decides for the connection")
class SharesUnverifiedConnections(Wrapper):
    """Uses a connection that was not verified for calls that want it verified."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._unverified: set[str] = set()

    def configure(self, request: Request, config: Config) -> Config:
        """Once insecure, an origin is so for good."""
        if config.insecure_skip_verify:
            self._unverified.add(request.url.authority)
        return config.replace(insecure_skip_verify=request.url.authority in self._unverified)


@creature("tls/insecure-is-of-one-call")
class SilencesTheProcess(Wrapper):
    """Changes the filter of warnings for an insecure call."""

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for every one
        """Silences them."""
        if config.insecure_skip_verify:
            warnings.simplefilter("ignore", ResourceWarning)
        return config


@creature("tunnels/certificate-inside")
class BelievesProxies(Wrapper):
    """Looks at no certificate where a proxy is in between."""

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for every one
        """Only directly."""
        return config.replace(insecure_skip_verify=True) if self.options["proxies"] else config


# Whom it asks, and how


@creature("tls/name-of-the-url")
class VerifiesTheHostField(Wrapper):
    """Wants the certificate of whom the Host field names."""

    def prepare(self, request: Request) -> Request:
        """Goes there."""
        url, host = request.url, request.headers["host"]
        if host == url.authority or url.scheme == "http":
            return request
        return rebuilt(request, url=URL.parse(f"{url.scheme}://{host}{url.target}"))


@creature("tls/plain-and-secure-apart")
class SharesPlainConnections(Wrapper):
    """Uses a plain connection for an https request to the same host and port."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._plain: set[tuple[str, int]] = set()

    def prepare(self, request: Request) -> Request:
        """By host and port."""
        url = request.url
        if url.scheme == "http":
            self._plain.add((url.host, url.port))
        elif (url.host, url.port) in self._plain:
            return rebuilt(request, url=URL.parse(f"http://{url.host}:{url.port}{url.target}"))
        return request


@creature("tls/plain-answer", "tls/broken-handshake")
class FallsBackToPlainText(Wrapper):
    """Sends a request in plain text where the handshake failed."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Without TLS, if need be."""
        try:
            return super().carry(request, config, deadline)
        except TLSError as error:
            url = request.url
            if type(error) is not TLSError:
                raise
            again = rebuilt(request, url=URL.parse(f"http://{url.host}:{url.port}{url.target}"))
            return super().carry(again, config, deadline)
