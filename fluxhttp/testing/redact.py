"""Redaction: what of a message may be shown or stored (decision D19).

It is on by default in the messages of the fake and in recordings. A secret is
replaced by ``‹masked›`` where it stands::

    Redaction()                                          # what is usually secret
    Redaction(headers=["X-Session"], keys=["pin"])       # these, too
    Redaction.none()                                     # nothing: everything is stored
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from fluxhttp._core.headers import Headers
from fluxhttp._core.query import FORM
from fluxhttp._core.redaction import SECRET_FIELDS, _without_userinfo
from fluxhttp._core.request import Request
from fluxhttp._core.response import Response
from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidTypeError
from fluxhttp.testing.masking import (
    EVERYTHING,
    MASKED,
    MASKED_ESCAPED,
    NOTHING,
    TEXTS,
    mask_cookies,
    mask_credentials,
    mask_json,
    mask_multipart,
    mask_query,
    mask_set_cookie,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeGuard

    BodyFunction = Callable[[bytes, str], bytes]

#: Names under which secrets stand, in headers, queries, forms and JSON alike.
_find_secret_name = re.compile(
    r"token(?!i[sz])|secret(?!ar)|passw(?:or)?d|passphrase|passcode|credential|signature|bearer|authori[sz]ation"
    r"|(?:api|access|account|auth|client|encryption|license|master|private|service|shared|signing|subscription)[_-]?key"
    r"|sess(?:ion)?[_-]?(?:id|key)|(?:^|[_-])(?:auth|csrf|jwt|otp|pass|pwd|sig|xsrf)(?:$|[_-])",
    re.IGNORECASE,
).search
#: What only speaks of a secret: ``token_type`` is "Bearer" in each answer of an OAuth server.
_only_describes = re.compile(
    r"[_-]?(?:alg(?:orithm)?|count|enabled|endpoint|expir[a-z_]*|length|lifetime|limit|methods?|policy|required"
    r"|supported|ttl|type|version)$",
    re.IGNORECASE,
).search
#: Numbers under these are counts, as in ``max_tokens``, ``completionTokensDetails``, and "pass" beside "fail".
_counts = re.compile(r"[Tt]okens(?![a-z])|TOKENS|^pass$").search
#: Secret in a query alone: elsewhere it is the usual name of a name.
_QUERY_NAMES = frozenset({"key", "sid"})

_CREDENTIALS = frozenset({"authorization", "proxy-authorization"})
_COOKIES = frozenset({"cookie", "cookie2"})
_SET_COOKIES = frozenset({"set-cookie", "set-cookie2"})
#: Fields whose value is a URL, which may be relative.
_URL_FIELDS = frozenset({"content-location", "location", "referer"})

_find_absolute = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
#: The same, and what stands in the brackets of a Link.
_find_urls = re.compile(r"https?://[^\s\"'<>]+|(?<=<)[^\s\"'<>]+(?=>)", re.IGNORECASE)
_find_boundary = re.compile(r";[ \t]*boundary=\"?([^\";]+)", re.IGNORECASE).search


class Redaction(Value):
    """What is masked: by default, what is usually secret.

    Of headers: Authorization and Proxy-Authorization but for the scheme, the
    values of Cookie and Set-Cookie, X-Api-Key and the like. Of a query, a form
    and JSON: the values under names like token, secret, password or api_key,
    however deep. Of a URL: userinfo. A name decides, never the look of a value.

    Args:
        headers: names of more header fields to mask, in any case.
        keys: more names in queries, forms and JSON, in any case; a pattern is searched for.
        keep: names that are never masked, in any case.
        body: gets each content with its Content-Type ("" for none) when all else
            is masked, and returns what may be stored. It must return the same
            when it is given its own result.
        defaults: False for nothing but what the other arguments say.

    Raises:
        InvalidTypeError: an argument has the wrong type.
    """

    __slots__ = ("_defaults", "_function", "_headers", "_keep", "_keys", "_patterns")
    _fields = ("_headers", "_keys", "_patterns", "_keep", "_function", "_defaults")

    _headers: frozenset[str]
    _keys: frozenset[str]
    _patterns: frozenset[re.Pattern[str]]
    _keep: frozenset[str]
    _function: BodyFunction | None
    _defaults: bool

    def __init__(
        self,
        *,
        headers: Iterable[str] = (),
        keys: Iterable[str | re.Pattern[str]] = (),
        keep: Iterable[str] = (),
        body: BodyFunction | None = None,
        defaults: bool = True,
    ) -> None:
        given = _several("keys", keys)
        patterns = frozenset([key for key in given if _is_pattern(key)])
        if body is not None and not callable(body):
            raise InvalidTypeError(f"body must be callable, not {type(body).__name__}")
        set_field(self, "_headers", _lower("headers", _several("headers", headers)))
        set_field(self, "_keys", _lower("keys", [key for key in given if not _is_pattern(key)]))
        set_field(self, "_patterns", patterns)
        set_field(self, "_keep", _lower("keep", _several("keep", keep)))
        set_field(self, "_function", body)
        set_field(self, "_defaults", bool(defaults))

    @classmethod
    def default(cls) -> Redaction:
        """Masks what is usually secret."""
        return DEFAULT

    @classmethod
    def none(cls) -> Redaction:
        """Masks nothing: recordings hold every secret."""
        return _NONE

    @property
    def masks_nothing(self) -> bool:
        """Whether it lets everything through."""
        return self._function is None and not (self._defaults or self._headers or self._keys or self._patterns)

    # Names

    def _judge(self, name: str) -> int:
        """What is secret of the value under a name in a form or in JSON."""
        lower = name.lower()
        if lower in self._keep:
            return NOTHING
        if lower in self._keys or any(pattern.search(name) for pattern in self._patterns):
            return EVERYTHING
        if not self._defaults or not _find_secret_name(name) or _only_describes(name):
            return NOTHING
        return TEXTS if _counts(name) else EVERYTHING

    def _judge_query(self, name: str) -> int:
        lower = name.lower()
        return EVERYTHING if self._defaults and lower in _QUERY_NAMES - self._keep else self._judge(name)

    def _is_secret_field(self, lower: str, value: str) -> bool:
        if lower in self._headers:
            return True
        if not self._defaults:
            return False
        if lower in SECRET_FIELDS:
            return True
        # Access-Control-Allow-Credentials and its like say what is allowed.
        return (
            not lower.startswith("access-control-")
            and bool(_find_secret_name(lower))
            and not (_only_describes(lower) or (_counts(lower) and value.isdecimal()))
        )

    # Parts of a message

    def url(self, text: str) -> str:
        """A URL, absolute or relative: userinfo and the values of secret names are masked."""
        if not self._defaults and not self._keys and not self._patterns:
            return text
        return self._url(text, MASKED)

    def _url(self, text: str, marker: str) -> str:
        if self._defaults:
            bare = _without_userinfo(text)
            if bare != text:
                scheme, slashes, rest = bare.partition("//")
                text = f"{scheme}//{marker}@{rest}" if slashes else f"{marker}@{scheme}"
        base, mark, fragment = text.partition("#")
        base, question, query = base.partition("?")
        if query:
            query = mask_query(query, self._judge_query, marker)
        if "=" in fragment:
            # As an OAuth server's redirect has it.
            fragment = mask_query(fragment, self._judge_query, marker)
        return base + question + query + mark + fragment

    def query(self, text: str) -> str:
        """A query, without its question mark."""
        return mask_query(text, self._judge_query)

    def header(self, name: str, value: str) -> str:
        """The value of a header field."""
        lower = name.lower()
        if not value or lower in self._keep:
            return value
        if self._is_secret_field(lower, value):
            if lower in _CREDENTIALS:
                return mask_credentials(value)
            if lower in _COOKIES:
                return mask_cookies(value)
            return mask_set_cookie(value) if lower in _SET_COOKIES else MASKED
        if lower in _URL_FIELDS:
            return self.url(value)
        if "?" in value or "@" in value:
            return _find_urls.sub(lambda found: self.url(found[0]), value)
        return value

    def headers(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The lines of a head."""
        return [(name, self.header(name, value)) for name, value in pairs]

    def head(self, text: str) -> str:
        """The text of a head, line by line: a request line, fields, or both."""
        return "\n".join([self._line(line) for line in text.split("\n")])

    def _line(self, line: str) -> str:
        name, colon, rest = line.partition(":")
        if colon and name.strip() and " " not in name.strip():
            blanks = rest[: len(rest) - len(rest.lstrip())]
            end = "\r" if rest.endswith("\r") else ""
            return f"{name}:{blanks}{self.header(name.strip(), rest.strip())}{end}"
        return " ".join([self.url(word) if "?" in word or "@" in word else word for word in line.split(" ")])

    def body(self, content: bytes, content_type: str = "") -> bytes:
        """A content, without codings: JSON, an urlencoded form, multipart/form-data; others as they are.

        Raises:
            InvalidTypeError: the function for bodies returned something else than bytes.
        """
        if content and (self._defaults or self._keys or self._patterns):
            content = self._mask_body(content, content_type)
        if self._function is None:
            return content
        made = self._function(content, content_type)
        if not isinstance(made, bytes):
            raise InvalidTypeError(f"body: the function must return bytes, not {type(made).__name__}")
        return made

    def _mask_body(self, content: bytes, content_type: str) -> bytes:
        kind = content_type.partition(";")[0].strip().lower()
        if kind == FORM:
            return mask_query(content.decode("latin-1"), self._judge, MASKED_ESCAPED).encode("latin-1")
        if kind.startswith("multipart/"):
            boundary = _find_boundary(content_type)
            if boundary is not None:
                return mask_multipart(content, boundary[1].encode("latin-1", "replace"), self._judge, self._mask_body)
        encoding = json.detect_encoding(content)
        if "json" not in kind and kind != "text/event-stream" and not _looks_like_json(content):
            return content
        try:
            text = content.decode(encoding, "surrogateescape")
            masked = mask_json(text, self._judge, self._mask_text_url)
            return content if masked is text else masked.encode(encoding, "surrogateescape")
        except UnicodeError:
            return content

    def _mask_text_url(self, text: str) -> str:
        """The URLs in a text among JSON."""
        return _find_absolute.sub(lambda found: self.url(found[0]), text)

    # Messages

    def request(self, request: Request) -> Request:
        """The request as it may be shown or stored; Content-Length follows the content."""
        if self.masks_nothing:
            return request
        url = request.url
        if url.query:
            url = url.with_query(mask_query(url.query, self._judge_query, MASKED_ESCAPED))
        body = self.body(request.body, request.headers.first("content-type") or "")
        pairs = _fitted(self.headers(request.headers.multi_items()), request.body, body)
        return Request(request.method, url, Headers.trusted(pairs), body, decodes=request.decodes)

    def response(self, response: Response) -> Response:
        """The response as it may be shown or stored, its history and its request likewise."""
        if self.masks_nothing:
            return response
        body = self.body(response.body, response.headers.first("content-type") or "")
        request = None if response.request is None else self.request(response.request)
        return Response(
            response.status_code,
            Headers.trusted(_fitted(self.headers(response.headers.multi_items()), response.body, body)),
            body,
            duration=response.duration,
            request=request,
            url=response.url if request is None else request.url,
            reason=response.reason,
            http_version=response.http_version,
            history=tuple([self.response(earlier) for earlier in response.history]),
            truncated=response.truncated,
        )

    def __repr__(self) -> str:
        if self.masks_nothing:
            return "Redaction.none()"
        shown = {"headers": self._headers, "keys": self._keys | self._patterns, "keep": self._keep}
        options = [f"{name}={sorted(map(_text, values))}" for name, values in shown.items() if values]
        options += [] if self._function is None else ["body=..."]
        options += [] if self._defaults else ["defaults=False"]
        return f"Redaction({', '.join(options)})"


def _is_pattern(key: object) -> TypeGuard[re.Pattern[str]]:
    # One of bytes finds nothing in a name.
    pattern: object = getattr(key, "pattern", None)
    return isinstance(key, re.Pattern) and isinstance(pattern, str)


def _several(argument: str, names: object) -> tuple[Any, ...]:
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise InvalidTypeError(f"{argument} must be several names, not {type(names).__name__}")
    return tuple(cast("Iterable[object]", names))


def _lower(argument: str, names: Iterable[object]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise InvalidTypeError(f"{argument}: a name must be a str, not {type(name).__name__}")
        found.add(name.lower())
    return frozenset(found)


def _text(name: str | re.Pattern[str]) -> str:
    return name if isinstance(name, str) else name.pattern


def _looks_like_json(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf\xfe\xff\x00 \t\r\n")[:1] in (b"{", b"[")


def _fitted(pairs: list[tuple[str, str]], before: bytes, after: bytes) -> list[tuple[str, str]]:
    """The fields with the Content-Length of the content as it is now."""
    if len(before) == len(after):
        return pairs
    return [(name, str(len(after)) if name.lower() == "content-length" else value) for name, value in pairs]


#: Masks what is usually secret.
DEFAULT = Redaction()
_NONE = Redaction(defaults=False)
