"""StdlibTransport: the default, on ``http.client``, without a dependency."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.network import Network, Opening
from fluxhttp._wire.pool import Pool
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import FluxHTTPError, InvalidConfigError, InvalidTypeError, ReceiveError, SendError, TLSError

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Hashable, Mapping

    from fluxhttp._core.config import Config, Limits
    from fluxhttp._core.deadline import Clock, Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.request import Request
    from fluxhttp._wire.dialer import Dials
    from fluxhttp._wire.stream import Stream

#: Head and body up to this size go out in one piece: one packet less, and no
#: wait for the first to be acknowledged. Copying a larger body would cost more.
_ONE_PIECE_BYTES = 65_536
#: May be sent again on their own (decision D12).
_REPEATABLE = frozenset({"GET", "HEAD"})


class _Connection(http.client.HTTPConnection):
    """One connection of ours, dialled and read our way."""

    response_class = StrictResponse
    sock: Stream  # does all that http.client asks of a socket

    def __init__(self, pool: Pool[_Connection], key: Hashable, host: str, port: int, opening: Opening) -> None:
        super().__init__(host, port)
        self.idle_since = 0.0
        self._pool = pool
        self._key = key
        self._opening: Opening | None = opening
        self._proxy: Proxy | None = None

    def open(self, network: Network, request: Request, proxy: Proxy | None, config: Config, deadline: Deadline) -> None:
        """Makes the connection; closes it again if that fails."""
        opening = self._opening
        assert opening is not None  # only opened once
        # https goes through a tunnel, in which the proxy is not to be seen.
        self._proxy = proxy if request.url.scheme == "http" else None
        try:
            self.sock = network.open(request.url, proxy, config, opening)
            self.sock.begin(deadline)
        except BaseException:
            self._pool.drop(self)
            raise
        self._opening = None
        if opening.is_ended:
            self.sock.abort()

    def exchange(self, request: Request, limits: Limits) -> StrictResponse:
        """Sends a request and reads the head of its answer; drops the connection on failure."""
        try:
            answer = StrictResponse(self.sock, method=request.method, limits=limits, owner=self)
            try:
                sent_whole = self._send_request(request)
            except SendError as error:
                # It may have answered before it hung up: 413, or a TLS alert.
                if not self._reads_after(answer, error):
                    raise
                sent_whole = False
            else:
                answer.begin()
            if not sent_whole:
                answer.give_up_connection()
            return answer
        except BaseException:
            self._pool.drop(self)
            raise

    def _send_request(self, request: Request) -> bool:
        """Whether all of it went; False if the peer answered meanwhile."""
        proxy = self._proxy
        if proxy is None:
            head = request.head_bytes()
        else:
            extra = () if proxy.authorization is None else (("Proxy-Authorization", proxy.authorization),)
            head = request.head_bytes(request.url.origin + request.url.target, extra)
        body = request.body
        if len(body) <= _ONE_PIECE_BYTES:
            self.send(head + body if body else head)
            return True
        self.send(head)
        return self.sock.send_body(body)

    @staticmethod
    def _reads_after(answer: StrictResponse, error: SendError) -> bool:
        try:
            answer.begin()
        except TLSError as alert:
            raise alert from error
        except FluxHTTPError:
            return False
        return True

    def answer_closed(self, *, reusable: bool) -> None:
        """Called by the answer when the caller is done with it."""
        if reusable:
            self._pool.give_back(self._key, self)
        else:
            self._pool.drop(self)

    def is_idle(self) -> bool:
        """Whether nothing came since the last answer was read."""
        return self.sock.is_idle()

    def abort(self) -> None:
        """Ends the call in flight, from another thread, with ClosedError."""
        opening = self._opening
        if opening is not None:
            opening.end()
        else:
            self.sock.abort()

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
        max_idle_per_origin: int = 10,
        idle_seconds: float = 10.0,
    ) -> None:
        for name, value, kinds in (
            ("max_idle_per_origin", max_idle_per_origin, int),
            ("idle_seconds", idle_seconds, int | float),
        ):
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise InvalidTypeError(f"{name} must be a number, not {type(value).__name__}")
        if max_idle_per_origin < 0:
            raise InvalidConfigError(f"max_idle_per_origin must be 0 or more, not {max_idle_per_origin}")
        if not idle_seconds > 0:
            raise InvalidConfigError(f"idle_seconds must be more than 0, not {idle_seconds:g}")
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
        if connection is not None:
            connection.sock.begin(deadline)
            try:
                return connection.exchange(request, config.limits)
            except (SendError, ReceiveError, TLSError):
                if connection.sock.received or not _is_repeatable(request):
                    raise
        self._network.check(url, config)
        connection = _Connection(self._pool, key, url.host, url.port, Opening(deadline))
        self._pool.add(connection)
        connection.open(self._network, request, proxy, config, deadline)
        return connection.exchange(request, config.limits)

    def close(self) -> None:
        """Closes every connection; calls in flight end with ClosedError. Twice is fine."""
        self._pool.close()


def _is_repeatable(request: Request) -> bool:
    return request.method in _REPEATABLE or "idempotency-key" in request.headers
