"""Faults in using proxies."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fluxhttp import Config, Headers, ProxyError
from fluxhttp_conformance.zoo.creature import creature, writes
from fluxhttp_conformance.zoo.wire import HeadWire, Wire, WireDialer
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import Deadline, Request, TransportResponse


@writes("proxies/absolute-form", "proxies/forwarded-as-built", "proxies/each-hop")
def sends_origin_form_to_proxies(message: bytes) -> bytes:
    """Sends a proxy the path alone."""
    return re.sub(rb"\A([A-Z]+) http://[^/ ]*", rb"\1 ", message)


@writes("proxies/forwarded-as-built", like="curl and browsers")
def adds_proxy_connection(message: bytes) -> bytes:
    """Sends Proxy-Connection to a proxy that forwards."""
    return re.sub(rb"\A([A-Z]+ http://[^\r\n]*\r\n)", rb"\1Proxy-Connection: keep-alive\r\n", message)


@writes("tunnels/connect", like="http.client before 3.12")
def connects_with_http_1_0(message: bytes) -> bytes:
    """Asks for a tunnel with HTTP/1.0."""
    return re.sub(rb"\A(CONNECT [^ ]*) HTTP/1\.1", rb"\1 HTTP/1.0", message)


@writes("tunnels/addresses-and-ports", "tunnels/connect")
def connects_without_a_port(message: bytes) -> bytes:
    """Asks for a tunnel without the default port."""
    return re.sub(rb"\A(CONNECT [^ ]*):443 ", rb"\1 ", message)


def _each(proxies: Any, change: Callable[[str], str]) -> Any:
    """The proxies with other URLs."""
    if proxies is None or isinstance(proxies, str):
        return proxies and change(proxies)
    return {scheme: change(url) for scheme, url in dict(proxies).items()}


@creature("proxies/credentials", like="urlsplit().username")
class DoesNotDecodeItsCredentials(Wrapper):
    """Sends the credentials of a proxy as they stand in its URL."""

    def __init__(self, *, proxies: Any = None, **options: Any) -> None:
        super().__init__(proxies=_each(proxies, lambda url: url.replace("%", "%25")), **options)


def _credentials(proxies: Any) -> bytes | None:
    """What a proxy's URL says of the user, as a field's value."""
    url: str = (proxies or "") if proxies is None or isinstance(proxies, str) else proxies.get("http", "")
    if "@" not in url:
        return None
    parts = urlsplit(url)
    return b"Basic " + b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode())


@creature(
    "proxies/credentials-stay-with-the-proxy",
    "proxies/credentials",
    like="CVE-2023-32681 of requests: Proxy-Authorization on a redirect",
)
class SendsProxyCredentialsEverywhere(Wrapper):
    """Sends Proxy-Authorization with every request, whoever gets it."""

    def dials(self) -> WireDialer:
        """On every plain connection."""
        credentials = _credentials(self.options["proxies"])

        class Telling(Wire):
            def sent(self, message: bytes) -> bytes:
                if credentials is None:
                    return message
                return message.replace(b"\r\n", b"\r\nProxy-Authorization: " + credentials + b"\r\n", 1)

        return WireDialer(self.dialer, Telling)


@creature("proxies/nothing-is-injected", like="urllib.parse, which drops line ends")
class CleansTheProxyURL(Wrapper):
    """Drops control characters from a proxy's URL instead of refusing it."""

    def __init__(self, *, proxies: Any = None, **options: Any) -> None:
        clean = re.compile(r"(?i)%0[0ad]|[\r\n\0]").sub
        super().__init__(proxies=_each(proxies, lambda url: clean("", url)), **options)


@creature("proxies/unreachable", "tunnels/refused")
class GoesDirectInstead(Wrapper):
    """Goes to the origin directly where the proxy fails."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._direct = self.open(proxies={})

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Past the proxy, if need be."""
        try:
            return super().carry(request, config, deadline)
        except ProxyError:
            return self._direct.send(request, config=config, deadline=deadline)

    def close(self) -> None:
        """Both ways."""
        self._direct.close()
        super().close()


@creature("proxies/each-hop")
class ProxiesTheFirstHostOnly(Wrapper):
    """Goes through the proxy to the first host it is asked for, and directly to others."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._first: str | None = None
        self._direct = self.open(proxies={})

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """By host."""
        self._first = self._first or request.url.host
        inner = self.inner if request.url.host == self._first else self._direct
        return inner.send(request, config=config, deadline=deadline)

    def close(self) -> None:
        """Both ways."""
        self._direct.close()
        super().close()


class _Refusal:
    """The answer of a proxy, taken for the origin's."""

    reason = ""
    http_version = "HTTP/1.1"
    headers = Headers()

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code

    def read(self, size: int, /) -> bytes:  # noqa: ARG002  # there is none
        return b""

    def close(self) -> None:
        """Nothing to give back."""


@creature("tunnels/refused", "tunnels/addresses-and-ports")
class TakesARefusalForTheAnswer(Wrapper):
    """Takes a proxy's answer to CONNECT for the origin's to the request."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """If it has a status."""
        try:
            return super().carry(request, config, deadline)
        except ProxyError as error:
            status = re.search(r"\b[2-9]\d\d\b", str(error))
            if status is None:
                raise
            return _Refusal(int(status[0]))


@creature("tunnels/bytes-in-front")
class DropsBytesBeforeTheTunnel(Wrapper):
    """Skips what a proxy sends between its answer to CONNECT and the tunnel."""

    class _Skipping(HeadWire):
        _is_tunnel = False

        def sent(self, message: bytes) -> bytes:
            self._is_tunnel = message.startswith(b"CONNECT ")
            return super().sent(message)

        def body(self, data: bytes) -> bytes:
            return b"" if self._is_tunnel else data

    wire: type[Wire] | None = _Skipping
