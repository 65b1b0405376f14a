"""Client: one loop around one transport."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from fluxhttp._core.config import DEFAULT_CONFIG, checked_config
from fluxhttp._core.deadline import Deadline
from fluxhttp._core.exchange import Exchange
from fluxhttp._core.headers import Headers, header_pairs
from fluxhttp._core.redaction import describe, redact_url
from fluxhttp._core.request import UNSET, Request
from fluxhttp._core.url import URL
from fluxhttp._verbs import Verbs
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp.errors import (
    ClosedError,
    FluxHTTPError,
    HeadTooLargeError,
    InvalidConfigError,
    InvalidTypeError,
    InvalidURLError,
    RequestTimeoutError,
    TransportError,
)

if TYPE_CHECKING:
    from logging import Logger
    from types import TracebackType
    from typing import Self, TypedDict

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Clock
    from fluxhttp._core.headers import HeaderSource
    from fluxhttp._core.request import Body, Params
    from fluxhttp._core.response import Response
    from fluxhttp._core.transport import Transport, TransportResponse

    class CallOptions(TypedDict, total=False):
        """The keywords of a call."""

        params: Params
        headers: HeaderSource
        body: Body
        json: object
        form: Params
        config: Config | None


class Client(Verbs):
    """Makes requests through one transport. Thread-safe.

    Args:
        transport: an instance, which stays open when the client is closed; the
            name of a registered one, which the client opens and closes; None
            for "stdlib".
        base_url: what relative URLs of calls are appended to; "" for none. It
            may have a path, but no query.
        config: for calls that give none; a call's config replaces it whole.
        headers: sent with each call; a call's header replaces every line of that name.
        clock: what deadlines and durations are measured on; None for the
            transport's own, or the system's.

    Raises:
        InvalidConfigError: no transport has that name; ``base_url`` has a query;
            the transport has another clock.
        InvalidURLError, InvalidHeaderError, InvalidTypeError: an argument cannot be used.
    """

    __slots__ = ("_base", "_clock", "_config", "_endless", "_headers", "_is_closed", "_log", "_owned", "_transport")

    def __init__(
        self,
        transport: Transport | str | None = None,
        *,
        base_url: str = "",
        config: Config | None = None,
        headers: HeaderSource = None,
        clock: Clock | None = None,
    ) -> None:
        self._config = DEFAULT_CONFIG if config is None else checked_config(config)
        self._headers = Headers(headers) if headers is not None else None
        self._base = _checked_base(base_url)
        self._is_closed = False
        self._log: Logger | None = None
        if transport is None or isinstance(transport, str):
            from fluxhttp.transports.registry import open_transport  # noqa: PLC0415  # see banned-module-level-imports

            self._transport = open_transport("stdlib" if transport is None else transport)
            self._owned = True
        else:
            for method in ("send", "close"):
                if not callable(getattr(transport, method, None)):
                    raise InvalidTypeError(
                        f"transport must have a method {method}, but {type(transport).__name__} has none"
                    )
            self._transport = transport
            self._owned = False
        self._clock = _agreed_clock(self._transport, clock)
        self._endless = Deadline.after(None, self._clock)

    @property
    def transport(self) -> Transport:
        """The transport that carries its requests."""
        return self._transport

    @property
    def config(self) -> Config:
        """The config of calls that give none."""
        return self._config

    def do(
        self,
        method: str,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
        config: Config | None = None,
    ) -> Response:
        """Sends a request, follows redirects, and returns the whole answer.

        Args:
            method: one of DELETE, GET, HEAD, PATCH, POST, PUT.
            url: http or https; relative if the client has a ``base_url``.
            params: a mapping of str to str or a sequence of str; if any key has a
                value they replace the URL's query (decision D1).
            headers: a mapping of str to str, or pairs of str.
            body: the content.
            json: a value to send as JSON instead of ``body``.
            form: a mapping to send urlencoded instead of ``body``.
            config: instead of the client's; None for the client's.

        Raises:
            InvalidRequestError: an argument cannot be used; nothing was sent.
            TransportError: the exchange failed.
            ResponseError: the answer came, but is over a limit, does not decode,
                or redirects in a way that is not followed. A status of 400 or
                above is no error (decision D17).
            ClosedError: the client or its transport was closed.
        """
        request = self.build_request(method, url, params=params, headers=headers, body=body, json=json, form=form)
        return self.send(request, config=config)

    def build_request(
        self,
        method: str,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
    ) -> Request:
        """The request that ``do`` would send, with the client's base URL and headers.

        Raises:
            InvalidRequestError: an argument cannot be used.
        """
        try:
            if self._headers is not None:
                headers = _merged(self._headers, headers)
            target = self._resolve(url) if self._base is not None else url
            return Request.build(method, target, params=params, headers=headers, body=body, json=json, form=form)
        except FluxHTTPError as error:
            if isinstance(method, str) and isinstance(url, str | URL):
                describe(error, method[:32], str(url))
            raise

    def _resolve(self, url: str | URL) -> str | URL:
        base = self._base
        if base is None or not isinstance(url, str) or _has_scheme(url):
            return url
        return base + url if url[:1] in ("/", "?", "") else f"{base}/{url}"

    def send(self, request: Request, *, config: Config | None = None) -> Response:
        """Sends a request that is built already; for the rest see ``do``."""
        if not isinstance(request, Request):
            raise InvalidTypeError(f"request must be a Request, not {type(request).__name__}")
        settings = self._config if config is None else checked_config(config)
        clock = self._clock
        started = clock.monotonic()
        deadline = self._endless if settings.timeout is None else Deadline.after(settings.timeout, clock)
        exchange = Exchange(request, settings, deadline)
        try:
            if self._is_closed:
                raise ClosedError("the client is closed")
            while True:
                answer = self._transport.send(exchange.request, config=settings, deadline=deadline)
                try:
                    _read(exchange, answer)
                finally:
                    answer.close()
                seconds = clock.monotonic() - started
                # Without the module there is nobody to hear it, and it takes milliseconds to import.
                if "logging" in sys.modules and (self._log or self._make_log()).isEnabledFor(10):  # logging.DEBUG
                    self._log_exchange(exchange, answer, seconds)
                response = exchange.response
                if response is not None:
                    return response.timed(int(seconds * 1e9) or 1)
        except FluxHTTPError as error:
            describe(error, exchange.request.method, str(exchange.request.url))
            if exchange.request is not request and isinstance(error, TransportError):
                # What was redirected has gone out, and whether it may again is a matter of its own method.
                error.maybe_sent = True
                error._first_method = request.method
            raise

    def _log_exchange(self, exchange: Exchange, answer: TransportResponse, seconds: float) -> None:
        """One DEBUG record an exchange, without secrets (decision D20)."""
        request = exchange.answered
        self._make_log().debug(
            "%s %s -> %d, %d bytes, %.1f ms",
            request.method,
            redact_url(str(request.url)),
            answer.status_code,
            exchange.received,
            seconds * 1000,
        )

    def _make_log(self) -> Logger:
        if self._log is None:
            from logging import getLogger  # noqa: PLC0415  # see banned-module-level-imports

            self._log = getLogger("fluxhttp")
        return self._log

    def close(self) -> None:
        """Refuses further calls, and closes the transport if the client opened it. Twice is fine."""
        self._is_closed = True
        if self._owned:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        base = f", base_url={redact_url(self._base)!r}" if self._base is not None else ""
        return f"<Client over {type(self._transport).__name__}{base}>"


# scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )           (RFC 3986, 3.1)
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://").match


def _read(exchange: Exchange, answer: TransportResponse) -> None:
    """Feeds one answer to the exchange."""
    size = exchange.receive_head(answer)
    while size:
        try:
            data = answer.read(size)
        except (TransportError, HeadTooLargeError) as error:  # the latter from a trailer section
            if not exchange.is_redirecting or isinstance(error, RequestTimeoutError):
                raise
            # The body of a redirect is read for the connection's sake alone (decision D3).
            exchange.follow()
            return
        size = exchange.receive_data(data)


def _checked_base(base_url: object) -> str | None:
    if not isinstance(base_url, str):
        raise InvalidTypeError(f"base_url must be a str, not {type(base_url).__name__}")
    if not base_url:
        return None
    try:
        url = URL.parse(base_url)
    except InvalidURLError as error:
        raise InvalidURLError(f"base_{error}") from None
    if url.query is not None or "#" in base_url:
        raise InvalidConfigError("base_url must not have a query or fragment")
    return base_url.rstrip("/")


def _merged(defaults: Headers, headers: HeaderSource) -> list[tuple[str, str]]:
    """The client's headers without those that the call replaces, then the call's."""
    given = list(header_pairs(headers))
    names = {name.lower() for name, _ in given if isinstance(name, str)}
    return [pair for pair in defaults.multi_items() if pair[0].lower() not in names] + given


def _agreed_clock(transport: Transport, clock: Clock | None) -> Clock:
    own: Clock | None = getattr(transport, "clock", None)
    if clock is None:
        return SYSTEM_CLOCK if own is None else own
    for method in ("monotonic", "sleep"):
        if not callable(getattr(clock, method, None)):
            raise InvalidTypeError(f"clock must have a method {method}, but {type(clock).__name__} has none")
    if own is not None and own is not clock:
        raise InvalidConfigError("clock is not the transport's own clock; leave it out")
    return clock
