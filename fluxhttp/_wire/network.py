"""Network: how an origin is reached. Dialer, proxies and TLS, the same for both real transports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fluxhttp._core.deadline import EndableDeadline
from fluxhttp._core.proxies import ProxyRules
from fluxhttp._wire.dialer import Dialer
from fluxhttp._wire.failures import SOCKET_ERRORS, describe_os_error
from fluxhttp._wire.stream import Stream, shut_down
from fluxhttp._wire.tunnel import open_tunnel
from fluxhttp.errors import (
    ClosedError,
    ConnectError,
    FluxHTTPError,
    InvalidConfigError,
    InvalidTypeError,
    ProxyError,
)

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Mapping

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.url import URL
    from fluxhttp._wire.dialer import Dials
    from fluxhttp._wire.tls import TLSSettings


class Opening:
    """A connection while it is made, so that another thread can end that."""

    __slots__ = ("_is_ended", "deadline", "sock")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline: EndableDeadline = EndableDeadline(deadline)
        self.sock: socket.socket | None = None
        self._is_ended = False

    def end(self) -> None:
        """Makes ``Network.open`` raise ClosedError soon."""
        self._is_ended = True
        self.deadline.end()
        sock = self.sock
        if sock is not None:
            shut_down(sock)

    @property
    def is_ended(self) -> bool:
        """Whether ``end`` was called."""
        return self._is_ended


class Network:
    """Makes connections.

    Args:
        dialer: None for ``Dialer()``.
        ca_file: PEM file with the certificates to trust, and no others.
        ssl_context: a context of the caller's; excludes ``ca_file``.
        trust_env: whether the environment's proxies count; it is read here and now.
        proxies: proxies by scheme, or one URL for both; they replace the environment's.

    Raises:
        InvalidConfigError, InvalidTypeError: an option is not usable, or two exclude
            each other: a proxy has no place on the way to a Unix socket.
    """

    __slots__ = ("_dialer", "_is_direct", "_rules", "_tls", "_tls_options")

    def __init__(
        self,
        *,
        dialer: Dials | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        proxies: Mapping[str, str] | str | None = None,
    ) -> None:
        if dialer is not None and not callable(getattr(dialer, "dial", None)):
            raise InvalidTypeError(f"dialer must have a method dial, but {type(dialer).__name__} has none")
        if not isinstance(trust_env, bool):
            raise InvalidTypeError(f"trust_env must be a bool, not {type(trust_env).__name__}")
        self._dialer: Dials = Dialer() if dialer is None else dialer
        is_local = getattr(self._dialer, "unix_socket", None) is not None
        if proxies is not None:
            # Who names a proxy for 127.0.0.1 means it; only the environment leaves loopback out.
            self._rules = ProxyRules.explicit(proxies, loopback=True)
        else:
            # The environment's proxies lead to other machines, and their credentials are not for the socket's peer.
            is_asked = trust_env and not is_local
            self._rules = ProxyRules.from_environment(os.environ) if is_asked else ProxyRules.direct()
        self._is_direct = self._rules.is_direct
        if is_local and not self._is_direct:
            raise InvalidConfigError("proxies cannot go together with Dialer(unix_socket=...)")
        self._tls: TLSSettings | None = None
        if ca_file is not None and not isinstance(ca_file, str | os.PathLike):
            raise InvalidTypeError(f"ca_file must be a str or a path, not {type(ca_file).__name__}")
        self._tls_options = (None if ca_file is None else os.fspath(ca_file), ssl_context)
        if self._tls_options != (None, None):
            self.tls()

    def tls(self) -> TLSSettings:
        """The TLS settings. ``ssl`` is loaded here, with the first https call."""
        if self._tls is None:
            from fluxhttp._wire.tls import TLSSettings

            ca_file, context = self._tls_options
            self._tls = TLSSettings(ca_file=ca_file, context=context)
        return self._tls

    def proxy_for(self, url: URL) -> Proxy | None:
        """The proxy for a URL, None for the direct way.

        Raises:
            ProxyError: it cannot be used, or a guard forbids proxies.
        """
        if self._is_direct:
            return None
        proxy = self._rules.select(url.scheme, url.host, url.port)
        guards = getattr(self._dialer, "guard", None) is not None and not getattr(self._dialer, "allow_proxy", False)
        if proxy is not None and guards:
            raise ProxyError(
                "a proxy would go past the address guard; Dialer(allow_proxy=True) allows it", maybe_sent=False
            )
        return proxy

    def check(self, url: URL, config: Config) -> None:
        """Refuses settings that exclude each other, before anything is dialled.

        Raises:
            InvalidConfigError: ``insecure_skip_verify`` with an ``ssl_context`` of the caller's.
        """
        if url.scheme == "https" and config.insecure_skip_verify and self._tls_options[1] is not None:
            raise InvalidConfigError("insecure_skip_verify cannot go together with an ssl_context")

    def open(self, url: URL, proxy: Proxy | None, config: Config, opening: Opening) -> Stream:
        """A stream to the URL's origin, or to the proxy that forwards to it.

        Raises:
            ConnectError, ProxyError, TLSError, RequestTimeoutError: there is none.
            ClosedError: ``opening`` was ended meanwhile.
        """
        try:
            return self._open(url, proxy, config, opening)
        except FluxHTTPError as error:
            if opening.is_ended and not isinstance(error, ClosedError):
                raise ClosedError("the transport was closed during the call") from error
            raise

    def _open(self, url: URL, proxy: Proxy | None, config: Config, opening: Opening) -> Stream:
        deadline = opening.deadline
        sock = self._dial(url, proxy, deadline)
        opening.sock = sock
        try:
            deadline.check("connect", maybe_sent=False)
            if url.scheme == "https":
                context = self.tls().context(insecure=config.insecure_skip_verify)
                if proxy is not None:
                    open_tunnel(Stream(sock), url, proxy, config.limits, deadline)
                from fluxhttp._wire.tls import handshake, wrap

                sock = opening.sock = wrapped = wrap(sock, url.host, context)
                handshake(wrapped, url.host, deadline)
        except BaseException:
            sock.close()
            raise
        return Stream(sock)

    def _dial(self, url: URL, proxy: Proxy | None, deadline: Deadline) -> socket.socket:
        if proxy is None:
            return self._connect(url.host, url.port, deadline)
        try:
            return self._connect(proxy.host, proxy.port, deadline)
        except ConnectError as error:
            raise ProxyError(f"the proxy cannot be reached: {error}", maybe_sent=False) from error.__cause__

    def _connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """The dialer's socket. One that is not ours may let the system's errors through."""
        try:
            return self._dialer.dial(host, port, deadline=deadline)
        except FluxHTTPError:
            raise
        except SOCKET_ERRORS as error:
            deadline.check("connect", maybe_sent=False)
            raise ConnectError(f"cannot connect: {describe_os_error(error)}") from error
