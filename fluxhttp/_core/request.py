"""Request: how it is built and validated; its bytes.

A Request holds what goes on the wire, to the last field: Host, User-Agent,
Content-Length and Accept-Encoding stand in ``headers`` before a transport sees
it, and a transport adds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.headers import Headers, judged_fields
from fluxhttp._core.hosts import canonical_host
from fluxhttp._core.query import FORM, basic_auth_bytes, encode_form, encode_params
from fluxhttp._core.redaction import redact_url
from fluxhttp._core.url import URL, split_port
from fluxhttp._core.value import Value, draft_of, plain_str, set_field
from fluxhttp._version import __version__
from fluxhttp.errors import (
    InvalidHeaderError,
    InvalidMethodError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from fluxhttp._core.headers import HeaderSource

    Params: TypeAlias = "Mapping[str, str | Sequence[str]] | None"
    Body: TypeAlias = "bytes | bytearray | memoryview"

#: Flux's six (rule 7), upper case.
METHODS = frozenset({"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"})
#: An empty body is announced only where the method expects one (RFC 9110, 8.6; D8).
_EXPECT_BODY = frozenset({"PATCH", "POST", "PUT"})
#: Fields that belong to the framing or to the hop, never to the caller (decision D5).
_REFUSED = frozenset(
    {
        "expect",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_PLACED = frozenset({"host", "user-agent", "content-length", "connection", *_REFUSED})
ACCEPTED_CODINGS = "gzip, deflate"
USER_AGENT = f"fluxhttp/{__version__}"
# One pair for all requests: a recorded one costs that much less.
_AGENT = ("User-Agent", USER_AGENT)
_CODINGS = ("Accept-Encoding", ACCEPTED_CODINGS)


class Unset:
    """The type of UNSET, which says that an argument was not given (None is valid JSON)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class Request(Value):
    """One request, complete and judged. Made by ``Request.build``.

    Attributes:
        method: one of DELETE, GET, HEAD, PATCH, POST, PUT.
        url: where it goes; without userinfo and fragment.
        headers: every field that is sent, in order.
        body: the content, b"" for none.
    """

    __slots__ = ("body", "closes", "decodes", "headers", "method", "url")
    _fields = ("method", "url", "headers", "body", "decodes", "closes")

    method: str
    url: URL
    headers: Headers
    body: bytes
    #: Whether Accept-Encoding is ours, so that the answer is to be decoded (decision D9).
    decodes: bool
    #: Whether it says ``Connection: close``, so that the connection carries nothing after it.
    closes: bool

    def __init__(self, method: str, url: URL, headers: Headers, body: bytes, *, decodes: bool) -> None:
        set_field(self, "method", method)
        set_field(self, "url", url)
        set_field(self, "headers", headers)
        set_field(self, "body", body)
        set_field(self, "decodes", decodes)
        set_field(self, "closes", "connection" in headers)

    @classmethod
    def trusted(cls, method: str, url: URL, headers: Headers, body: bytes, *, decodes: bool, closes: bool) -> Request:
        """A request of parts that were judged already."""
        request = _Draft()
        request.method = method
        request.url = url
        request.headers = headers
        request.body = body
        request.decodes = decodes
        request.closes = closes
        request.__class__ = Request
        return request

    @classmethod
    def build(
        cls,
        method: str,
        url: str | URL,
        *,
        params: Params = None,
        headers: HeaderSource = None,
        body: Body = b"",
        json: object = UNSET,
        form: Params = None,
    ) -> Request:
        """The request that these arguments ask for.

        Args:
            method: one of the six, upper case.
            url: absolute, http or https. Userinfo becomes Authorization.
            params: query parameters; if any key has a value, they replace the
                query of the URL (decision D1).
            headers: a mapping of str to str, or pairs of str.
            body: the content.
            json: a value to send as JSON.
            form: a mapping to send urlencoded.

        Raises:
            InvalidRequestError: an argument cannot be sent; its subclasses say
                which. Nothing of the request was sent.
        """
        if type(method) is not str:
            if not isinstance(method, str):
                raise InvalidTypeError(f"method must be a str, not {type(method).__name__}")
            method = plain_str(method)
        if method not in METHODS:
            raise InvalidMethodError(f"method must be one of {', '.join(sorted(METHODS))}, not {method[:32]!r}")
        target = url if isinstance(url, URL) else URL.parse(url)
        if params:
            query = encode_params(params)
            if query:
                target = target.with_query(query)
        elif params is not None:
            encode_params(params)
        if json is UNSET and form is None and type(body) is bytes:
            return _assemble(method, target, headers, body, None)
        content, content_type = _content(body, json, form)
        return _assemble(method, target, headers, content, content_type)

    def head_bytes(self, target: str | None = None, extra: Sequence[tuple[str, str]] = ()) -> bytes:
        """The request line and the fields, up to the empty line (RFC 9112, 2.1).

        Args:
            target: another form of the request-target, for a proxy; None for origin-form.
            extra: fields of this hop alone, sent after the others.
        """
        pairs = self.headers.multi_items()
        if extra:
            pairs = (*pairs, *extra)
        fields = "".join([f"{name}: {value}\r\n" for name, value in pairs])
        return f"{self.method} {self.url.target if target is None else target} HTTP/1.1\r\n{fields}\r\n".encode()

    def to_bytes(self) -> bytes:
        """The whole message as it goes to the origin."""
        return self.head_bytes() + self.body

    def __repr__(self) -> str:
        return f"<Request {self.method} {redact_url(str(self.url))}, {len(self.body)} bytes>"


_Draft = draft_of(Request)


def _content(body: Body, json: object, form: Params) -> tuple[bytes, str | None]:
    """The content and the Content-Type it implies."""
    given = [
        name
        for name, is_given in (
            ("body", not (isinstance(body, bytes) and not body)),
            ("json", json is not UNSET),
            ("form", form is not None),
        )
        if is_given
    ]
    if len(given) > 1:
        raise InvalidTypeError(f"only one of body, json and form may be given, not {' and '.join(given)}")
    if json is not UNSET:
        return _json_bytes(json), "application/json"
    if form is not None:
        return encode_form(form), FORM
    if isinstance(body, bytes | bytearray | memoryview):
        # Through a view, as a subclass of bytes may make other bytes of itself.
        try:
            return bytes(memoryview(body)), None
        except ValueError:
            raise InvalidTypeError("body is a memoryview that was released") from None
    hint = "; encode it" if isinstance(body, str) else ""
    raise InvalidTypeError(f"body must be bytes, bytearray or memoryview, not {type(body).__name__}{hint}")


def _json_bytes(value: object) -> bytes:
    from json import dumps

    kind: type[InvalidRequestError] = InvalidRequestError
    try:
        return dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode("utf-8")
    except TypeError as error:
        kind, text = InvalidTypeError, str(error)
    except UnicodeEncodeError as error:
        text = f"a str has a lone surrogate (position {error.start} of the document)"
    except (ValueError, RecursionError) as error:
        # "Out of range float values are not JSON compliant", "Circular reference detected", depth
        text = str(error).partition(":")[0]
    # Out here it has no context, which might hold the document.
    raise kind(f"json: {text[:1].lower()}{text[1:]}")


def _assemble(method: str, url: URL, headers: HeaderSource, body: bytes, content_type: str | None) -> Request:
    """Puts the caller's fields and ours in the order of the wire."""
    rest: list[tuple[str, str]] = []
    placed: dict[str, tuple[str, str]] = {}
    names: set[str] = set()
    for pair, lower in judged_fields(headers):
        names.add(lower)
        if lower in _PLACED:
            _place(placed, lower, *pair, body)
        else:
            rest.append(pair)
    pairs = [("Host", url.authority), _AGENT]
    length = connection = None
    if placed:
        host, agent = placed.get("host", pairs[0]), placed.get("user-agent", _AGENT)
        pairs = [host, agent] if agent[1] else [host]
        length, connection = placed.get("content-length"), placed.get("connection")
    if length is not None:
        pairs.append(length)
    elif body or method in _EXPECT_BODY:
        pairs.append(("Content-Length", str(len(body))))
    if connection is not None:
        pairs.append(connection)
    if content_type is not None and "content-type" not in names:
        pairs.append(("Content-Type", content_type))
    pairs += rest
    if url.userinfo is not None:
        if "authorization" not in names:
            pairs.append(("Authorization", basic_auth_bytes(*(part.encode("latin-1") for part in url.userinfo))))
        url = url.without_userinfo()
    decodes = method != "HEAD" and "accept-encoding" not in names and "range" not in names
    if decodes:
        pairs.append(_CODINGS)
    return Request.trusted(method, url, Headers.trusted(pairs), body, decodes=decodes, closes=connection is not None)


def _place(placed: dict[str, tuple[str, str]], lower: str, name: str, value: str, body: bytes) -> None:
    """Judges a field that has a place of its own, or none (decision D5)."""
    if lower in _REFUSED:
        raise InvalidHeaderError(f"headers: {name!r} belongs to the framing and cannot be set")
    if lower in placed:
        raise InvalidHeaderError(f"headers: {name!r} may be given only once")
    if lower == "host":
        value = _checked_host(value)
    elif lower == "content-length" and value != str(len(body)):
        raise InvalidHeaderError(f"headers: {name!r} must equal the length of the body, {len(body)}")
    elif lower == "connection" and value.lower() != "close":
        raise InvalidHeaderError(f"headers: {name!r} may only be 'close'")
    placed[lower] = (name, value)


def _checked_host(value: str) -> str:
    """A caller's Host (RFC 9110, 7.2), in the form a URL's host takes."""
    try:
        host, port = split_port(value, "http")
        name = canonical_host(host)
    except InvalidURLError as error:
        detail = str(error).removeprefix("url: ").replace("url has", "it has")
        raise InvalidHeaderError(f"headers: 'Host' is not a host and port: {detail}") from None
    if ":" in name:
        name = f"[{name.partition('%')[0]}]"
    # As the caller has it: the default port is left out only where it was.
    return f"{name}:{port}" if value[len(host) + 1 :] else name
