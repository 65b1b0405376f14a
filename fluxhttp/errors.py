"""Every error a call can raise, as one tree.

::

    FluxHTTPError
    ├── InvalidRequestError (ValueError)      refused before anything was sent
    │   ├── InvalidURLError
    │   ├── InvalidMethodError
    │   ├── InvalidHeaderError
    │   ├── InvalidParamsError
    │   ├── InvalidConfigError
    │   └── InvalidTypeError (TypeError)      an argument of the wrong type
    ├── TransportError                        .phase  .maybe_sent  .retryable
    │   ├── ConnectError                      no connection was made
    │   │   └── NameResolutionError           text ends in "no such host"
    │   ├── TLSError
    │   │   └── CertificateError
    │   ├── ProxyError                        until the tunnel stands
    │   ├── RequestTimeoutError (TimeoutError)
    │   ├── SendError
    │   ├── ReceiveError                      the peer went away
    │   │   └── IncompleteBodyError           .received  .expected
    │   └── ProtocolError                     the answer is malformed
    ├── ResponseError
    │   ├── LimitError                        .limit  .allowed
    │   │   ├── BodyTooLargeError
    │   │   └── HeadTooLargeError
    │   ├── DecodingError
    │   ├── TooManyRedirectsError
    │   ├── InvalidRedirectError
    │   ├── StatusError                       .status_code  .response
    │   └── TruncatedBodyError
    └── ClosedError (RuntimeError)            used after close

Each error pickles and copies. ``method`` and ``url`` say which call failed; the
URL is redacted, as is every text (decision D19). This module imports nothing
of ours, so that every layer may raise from it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Literal

    from fluxhttp._core.response import Response

    Phase = Literal["dns", "connect", "proxy", "tls", "send", "head", "body"]

#: Methods that may be sent twice without harm (RFC 9110, 9.2.2).
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


def _rebuild(cls: type[FluxHTTPError], args: tuple[object, ...], state: dict[str, object]) -> FluxHTTPError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class FluxHTTPError(Exception):
    """The base of every error that fluxhttp raises on purpose.

    Attributes:
        method: the method of the failed call, None where no request was built.
        url: its URL with userinfo and query values masked, None likewise.
    """

    def __init__(self, message: str = "", *, method: str | None = None, url: str | None = None) -> None:
        super().__init__(message)
        self.method = method
        self.url = url

    def __reduce__(self) -> tuple[object, ...]:
        # Exception's own form passes no keywords, and OSError's swallows args.
        return _rebuild, (type(self), self.args, self.__dict__.copy())


class InvalidRequestError(FluxHTTPError, ValueError):
    """The request was refused before any byte of it was sent."""


class InvalidURLError(InvalidRequestError):
    """The URL cannot be parsed, or names something that is never requested."""


class InvalidMethodError(InvalidRequestError):
    """The method is not one of DELETE, GET, HEAD, PATCH, POST, PUT."""


class InvalidHeaderError(InvalidRequestError):
    """A header name or value cannot be sent, or belongs to the framing."""


class InvalidParamsError(InvalidRequestError):
    """A query parameter cannot be encoded."""


class InvalidConfigError(InvalidRequestError):
    """A setting is out of its range, or two settings exclude each other."""


class InvalidTypeError(InvalidRequestError, TypeError):
    """An argument has the wrong type."""


class TransportError(FluxHTTPError):
    """The exchange failed on the way.

    Attributes:
        phase: where: dns, connect, proxy, tls, send, head or body.
        maybe_sent: False only where no byte of the call left this machine. The
            request that was redirected is of the call, and so is one that is
            sent again (decision D12): even if the next connection is never made.
    """

    default_phase: ClassVar[Phase] = "head"
    #: Of the request that the call began with, where a redirect led to another.
    _first_method: str | None = None

    def __init__(
        self,
        message: str = "",
        *,
        phase: Phase | None = None,
        maybe_sent: bool = True,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, method=method, url=url)
        self.phase: Phase = phase or self.default_phase
        self.maybe_sent = maybe_sent

    @property
    def retryable(self) -> bool:
        """Whether sending again cannot make anything happen twice.

        True if nothing was sent, or the call's method is GET, HEAD, PUT or
        DELETE; the one it was made with, whatever a redirect made of it.
        """
        return not self.maybe_sent or (self._first_method or self.method) in _IDEMPOTENT


class ConnectError(TransportError):
    """No connection was made; unless others were before, ``maybe_sent`` is False."""

    default_phase: ClassVar[Phase] = "connect"

    def __init__(
        self, message: str = "", *, phase: Phase | None = None, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(message, phase=phase, maybe_sent=False, method=method, url=url)


class NameResolutionError(ConnectError):
    """The name has no address, or a guard refused every one (decision D13).

    The two cannot be told apart: same class, same text.
    """

    default_phase: ClassVar[Phase] = "dns"


class TLSError(TransportError):
    """The handshake failed, or the peer sent a TLS alert."""

    default_phase: ClassVar[Phase] = "tls"


class CertificateError(TLSError):
    """The peer's certificate was not accepted."""


class ProxyError(TransportError):
    """The proxy refused, or failed before the way through it stood."""

    default_phase: ClassVar[Phase] = "proxy"


class RequestTimeoutError(TransportError, TimeoutError):
    """The deadline of the whole call passed (decision D11); ``phase`` says where."""


class SendError(TransportError):
    """The connection broke while the request was written."""

    default_phase: ClassVar[Phase] = "send"


class ReceiveError(TransportError):
    """The peer went away before its answer was complete."""


class IncompleteBodyError(ReceiveError):
    """The body ended early (RFC 9112, 8).

    Attributes:
        received: body bytes that arrived, after the framing was taken off.
        expected: body bytes that were declared, None if no length was.
    """

    default_phase: ClassVar[Phase] = "body"

    def __init__(
        self,
        message: str = "",
        *,
        received: int = 0,
        expected: int | None = None,
        phase: Phase | None = None,
        maybe_sent: bool = True,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, phase=phase, maybe_sent=maybe_sent, method=method, url=url)
        self.received = received
        self.expected = expected


class ProtocolError(TransportError):
    """The answer is not HTTP/1.1 as RFC 9112 has it (decision D10)."""


class ResponseError(FluxHTTPError):
    """The answer arrived, but cannot be given to the caller as asked."""


class LimitError(ResponseError):
    """A limit of ``Limits`` was passed.

    Attributes:
        limit: which one: body, head or fields.
        allowed: its value, in bytes or in fields.
    """

    def __init__(
        self,
        message: str = "",
        *,
        limit: str = "body",
        allowed: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, method=method, url=url)
        self.limit = limit
        self.allowed = allowed


class BodyTooLargeError(LimitError):
    """The decoded body is larger than ``Limits.body`` bytes (decision D2)."""


class HeadTooLargeError(LimitError):
    """The head is over ``Limits.head`` bytes or ``Limits.fields`` fields."""


class DecodingError(ResponseError):
    """The body is not what its Content-Encoding says (decision D9)."""


class TooManyRedirectsError(ResponseError):
    """More than ``Config.max_redirects`` redirects (decision D3)."""


class InvalidRedirectError(ResponseError):
    """The Location of a redirect cannot be followed."""


class StatusError(ResponseError):
    """``raise_for_status()`` on a status of 400 or above (decision D17).

    Attributes:
        status_code: the status.
        response: the whole answer.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        response: Response | None = None,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message, method=method, url=url)
        self.status_code = status_code
        self.response = response


class TruncatedBodyError(ResponseError):
    """``text`` or ``json()`` of a body that was cut at the limit (decision D2)."""


class ClosedError(FluxHTTPError, RuntimeError):
    """The client or transport was closed."""
