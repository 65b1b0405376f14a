"""Response, and ``peek``, its one-row form."""

from __future__ import annotations

import re
from codecs import lookup
from typing import TYPE_CHECKING

from fluxhttp._core.headers import Headers
from fluxhttp._core.redaction import describe
from fluxhttp._core.request import Request
from fluxhttp._core.value import Value, draft_of, set_field
from fluxhttp.errors import DecodingError, InvalidTypeError, ResponseError, StatusError, TruncatedBodyError

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any, Self

    from fluxhttp._core.headers import HeaderSource
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp._core.url import URL

# parameter = parameter-name "=" parameter-value                (RFC 9110, 5.6.6)
# A charset's name has 40 characters at most (RFC 2978, 2.3).
_find_charset = re.compile(r";[ \t]*charset=[ \t]*\"?([A-Za-z0-9!#$%&'*+\-.^_`|~]{1,40})", re.IGNORECASE).search
#: Python's own text codecs, which are no charsets. The first takes quadratic
#: time, the last warns of what it does not understand.
_NO_CHARSETS = frozenset({"punycode", "idna", "undefined", "raw-unicode-escape", "unicode-escape"})


class Response(Value):
    """An answer, whole. Every status is one, 500 too (decision D17).

    Attributes:
        status_code: 200 to 999.
        headers: the fields as received; Content-Encoding and Content-Length are
            gone if the body was decoded (decision D9).
        body: the content, decoded.
        duration: from just before the request to the last decoded byte, all
            redirects included. Not part of equality.
        request: the request that was answered: after redirects, the last one.
        url: where that went.
        reason: the reason phrase; may be empty.
        http_version: "HTTP/1.1" or "HTTP/1.0".
        history: the redirects that led here, oldest first, with empty bodies.
        truncated: whether the body was cut at ``Limits.body`` (decision D2).
    """

    __slots__ = (
        "_duration_ns",
        "body",
        "headers",
        "history",
        "http_version",
        "reason",
        "request",
        "status_code",
        "truncated",
        "url",
    )
    _fields = (
        "status_code",
        "headers",
        "body",
        "_duration_ns",
        "request",
        "url",
        "reason",
        "http_version",
        "history",
        "truncated",
    )
    _uncompared = frozenset({"_duration_ns"})

    status_code: int
    headers: Headers
    body: bytes
    request: Request | None
    url: URL | None
    reason: str
    http_version: str
    history: tuple[Response, ...]
    truncated: bool
    _duration_ns: int

    def __init__(
        self,
        status_code: int,
        headers: HeaderSource = None,
        body: bytes = b"",
        *,
        duration: timedelta | None = None,
        request: Request | None = None,
        url: URL | None = None,
        reason: str = "",
        http_version: str = "HTTP/1.1",
        history: tuple[Response, ...] = (),
        truncated: bool = False,
    ) -> None:
        if not isinstance(status_code, int):
            raise _wrong_type("status_code", "an int", status_code)
        if not isinstance(body, bytes):
            raise _wrong_type("body", "bytes", body)
        if not (request is None or isinstance(request, Request)):
            raise _wrong_type("request", "a Request", request)
        if not isinstance(reason, str):
            raise _wrong_type("reason", "a str", reason)
        if url is None and request is not None:
            url = request.url
        set_field(self, "status_code", status_code)
        set_field(self, "headers", headers if isinstance(headers, Headers) else Headers(headers))
        set_field(self, "body", body)
        set_field(self, "_duration_ns", 0 if duration is None else _nanoseconds(duration))
        set_field(self, "request", request)
        set_field(self, "url", url)
        set_field(self, "reason", reason)
        set_field(self, "http_version", http_version)
        set_field(self, "history", history)
        set_field(self, "truncated", truncated)

    @classmethod
    def trusted(
        cls,
        answer: TransportResponse,
        headers: Headers,
        body: bytes,
        request: Request,
        history: tuple[Response, ...],
        *,
        truncated: bool,
    ) -> Response:
        """The response of a transport's answer whose body was read; its duration is to follow."""
        response = _Draft()
        response.status_code = answer.status_code
        response.headers = headers
        response.body = body
        response._duration_ns = 0
        response.request = request
        response.url = request.url
        response.reason = answer.reason
        response.http_version = answer.http_version
        response.history = history
        response.truncated = truncated
        response.__class__ = Response
        return response

    def timed(self, nanoseconds: int) -> Self:
        """This very response with its duration filled in; for the client that made it."""
        set_field(self, "_duration_ns", nanoseconds)
        return self

    @property
    def duration(self) -> timedelta:
        """How long the whole call took, to the microsecond."""
        from datetime import timedelta

        # A call that took any time at all took a microsecond, the least that can be said here.
        return timedelta(microseconds=max(1.0, self._duration_ns / 1000) if self._duration_ns else 0)

    @property
    def duration_ns(self) -> int:
        """The same in nanoseconds."""
        return self._duration_ns

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def text(self) -> str:
        """The body as text, in the charset of Content-Type, else UTF-8; errors are replaced.

        Raises:
            TruncatedBodyError: the body was cut at the limit.
        """
        self._refuse_truncated("text")
        found = _find_charset(self.headers.first("content-type") or "")
        if found is not None:
            try:
                if lookup(found[1]).name not in _NO_CHARSETS:
                    return self.body.decode(found[1], "replace")
            except (LookupError, UnicodeError):
                # An unknown charset, or one of Python's codecs that is not for text.
                pass
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON (RFC 8259): UTF-8, or UTF-16 or 32 as its first bytes show.

        Raises:
            TruncatedBodyError: the body was cut at the limit.
            DecodingError: it is not JSON; the text gives the position.
        """
        import json

        self._refuse_truncated("json()")
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            message = f"the body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (position {error.pos})"
        except (UnicodeDecodeError, RecursionError, ValueError) as error:
            message = f"the body is not JSON: {type(error).__name__}"
        raise self._error(DecodingError(message))

    def raise_for_status(self) -> Self:
        """This response, if its status is below 400.

        Raises:
            StatusError: the status is 400 or above.
        """
        if self.status_code < 400:
            return self
        reason = f" {self.reason}" if self.reason.isascii() and self.reason.isprintable() and self.reason else ""
        raise self._error(
            StatusError(f"the status is {self.status_code}{reason}", status_code=self.status_code, response=self)
        )

    def _refuse_truncated(self, what: str) -> None:
        if self.truncated:
            raise self._error(TruncatedBodyError(f"{what} of a body that was cut at {len(self.body)} bytes"))

    def _error(self, error: ResponseError) -> ResponseError:
        return error if self.request is None else describe(error, self.request.method, str(self.request.url))

    def __repr__(self) -> str:
        cut = ", truncated" if self.truncated else ""
        return f"<Response {self.status_code}, {len(self.body)} bytes{cut}>"


_Draft = draft_of(Response)


def _refuse_constant(name: str) -> Any:
    # Python reads NaN and Infinity; RFC 8259, 6 has neither.
    raise ValueError(name)


def _nanoseconds(duration: object) -> int:
    from datetime import timedelta

    if not isinstance(duration, timedelta):
        raise _wrong_type("duration", "a timedelta", duration)
    return round(duration.total_seconds() * 1e9)


def _wrong_type(argument: str, wanted: str, value: object) -> InvalidTypeError:
    return InvalidTypeError(f"{argument} must be {wanted}, not {type(value).__name__}")


def peek(response: Response) -> dict[str, str | int]:
    """One row that shows a response, as Flux's ``requests.peek``.

    Returns:
        ``status_code`` int, ``body`` decoded as UTF-8 with replacement,
        ``headers`` one ``Name: value`` line a field, ``duration`` int nanoseconds.

    Raises:
        InvalidTypeError: it is not a Response.
    """
    if not isinstance(response, Response):
        raise _wrong_type("response", "a Response", response)
    return {
        "status_code": response.status_code,
        "body": response.body.decode("utf-8", "replace"),
        "headers": "".join([f"{name}: {value}\n" for name, value in response.headers.multi_items()]),
        "duration": response.duration_ns,
    }
