"""StdlibTransport: the default, on ``http.client``, without a dependency."""

from __future__ import annotations

import http.client
import weakref
from typing import TYPE_CHECKING

from fluxhttp._wire.carrying import Carrying
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.network import Network
from fluxhttp._wire.options import IDLE_SECONDS, MAX_IDLE_PER_ORIGIN, check_pool_options
from fluxhttp._wire.pool import Pool

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Hashable, Mapping

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Clock, Deadline
    from fluxhttp._core.request import Request
    from fluxhttp._wire.dialer import Dials
    from fluxhttp._wire.reader import StrictResponse


class _Connection(Carrying, http.client.HTTPConnection):  # pyright: ignore[reportIncompatibleVariableOverride]  # reader
    """One connection, dialled and read our way."""

    def __init__(self, pool: Pool[_Connection], key: Hashable, host: str, port: int) -> None:
        super().__init__(host, port)
        self.idle_since = 0.0
        # Weakly: a connection that waits in the pool must not keep it from being dropped.
        self._pool = weakref.ref(pool)
        self._key = key

    def answer_closed(self, *, reusable: bool) -> None:
        """Called by the answer when the caller is done with it."""
        pool = self._pool()
        if pool is None:
            self.close()
        elif reusable:
            pool.give_back(self._key, self)
        else:
            pool.drop(self)

    def is_idle(self) -> bool:
        """Whether nothing came since the last answer was read."""
        return self.sock is not None and self.sock.is_idle()

    def close(self) -> None:
        """Closes the socket, if there is one yet."""
        if self.sock is not None:
            self.sock.close()


class StdlibTransport:
    """Carries requests over ``http.client``, with connections that are kept and used again.

    Thread-safe. Safe after fork: a child leaves the parent's connections alone.

    Args:
        dialer: how a host is connected; None for ``Dialer()``.
        ca_file: path of a PEM file with the certificates to trust, and no others;
            None trusts what the system trusts.
        ssl_context: a context of yours, used as it is; excludes ``ca_file`` and
            calls with ``insecure_skip_verify``.
        trust_env: whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY count (decision
            D14). They are read now, not at each call.
        proxies: proxies by scheme, ``{"http": "http://proxy:3128", "https": ...,
            "no": "example.com"}``, or one URL for both. They replace the
            environment's; ``{}`` is none.
        max_idle_per_origin: connections kept for one origin, 0 or more.
        idle_seconds: how long a connection is kept without use, more than 0.

    Raises:
        InvalidConfigError: an option is out of its range, or two exclude each other.
        InvalidTypeError: an option has the wrong type.
    """

    def __init__(
        self,
        *,
        dialer: Dials | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        proxies: Mapping[str, str] | str | None = None,
        max_idle_per_origin: int = MAX_IDLE_PER_ORIGIN,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        check_pool_options(max_idle_per_origin, idle_seconds)
        self._network = Network(
            dialer=dialer, ca_file=ca_file, ssl_context=ssl_context, trust_env=trust_env, proxies=proxies
        )
        self._pool: Pool[_Connection] = Pool(
            max_idle_per_origin=max_idle_per_origin, idle_seconds=idle_seconds, clock=SYSTEM_CLOCK
        )

    @property
    def clock(self) -> Clock:
        """The system's clock."""
        return SYSTEM_CLOCK

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> StrictResponse:
        """Sends the request once, and returns when the head of the final answer is there.

        A connection that was used before and dies before the first byte of an
        answer is replaced once for GET, HEAD and requests with Idempotency-Key
        (decision D12).

        Raises:
            TransportError: the exchange failed.
            HeadTooLargeError: the head is over the limits.
            InvalidConfigError: ``insecure_skip_verify`` with an ``ssl_context``.
            ClosedError: the transport was closed, before or meanwhile.
        """
        url = request.url
        proxy = self._network.proxy_for(url)
        # Through a proxy that forwards, one connection leads to every http origin.
        key = (None if proxy is not None and url.scheme == "http" else url.origin, config.insecure_skip_verify, proxy)
        connection = self._pool.take(key)
        was_sent = False
        if connection is not None and connection.sock is not None:
            try:
                answer = connection.exchange_again(request, config.limits, deadline, connection)
            except BaseException:
                self._pool.drop(connection)
                raise
            if answer is not None:
                return answer
            was_sent = connection.sock.sent
            self._pool.drop(connection)
        self._network.check(url, config)
        connection = _Connection(self._pool, key, url.host, url.port)
        self._pool.add(connection)
        try:
            return connection.open_and_exchange(
                self._network, request, proxy, config, deadline, connection, was_sent=was_sent
            )
        except BaseException:
            self._pool.drop(connection)
            raise

    def close(self) -> None:
        """Closes every connection; calls in flight end with ClosedError. Twice is fine."""
        self._pool.close()
