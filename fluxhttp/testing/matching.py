"""Pattern: what a route expects of a request, compared in the form it has on the wire.

Host and scheme are canonical on both sides; escapes of characters that need
none count as the characters, ``%2F`` is kept; header names match in any case;
a query is a mapping from key to the list of its values, in which the order of
keys is free, the order of values is not, and ``a`` is not ``a=``. What is not
named in a query does not match, unless ``subset`` says so. JSON is compared by
type, too: ``true`` is not ``1``, but ``1`` is ``1.0``.
"""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fluxhttp._core.query import encode_params
from fluxhttp._core.request import METHODS, UNSET
from fluxhttp._core.url import URL
from fluxhttp.errors import InvalidMethodError, InvalidTypeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp._core.request import Request

    Query = dict[str, list[str | None]]

#: Stands for a segment written ``{name}`` while the URL is parsed.
_ANY = "~any~segment~"
_find_templates = re.compile(r"(?<=/)\{[A-Za-z_][A-Za-z0-9_]*\}(?=[/?#]|$)")
_escape = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Subset:
    """Params of which others may be there, too; made by ``subset``."""

    __slots__ = ("params",)

    def __init__(self, params: Mapping[str, str | Sequence[str]]) -> None:
        self.params = params

    def __repr__(self) -> str:
        return f"subset({self.params!r})"


def subset(params: Mapping[str, str | Sequence[str]]) -> Subset:
    """For ``params=`` of a route: these must be there, others may."""
    return Subset(params)


class Pattern:
    """The matchers of a route.

    Args:
        method: one of the six, upper case; None for any.
        url: absolute; a path segment written ``{name}`` matches any one segment;
            a query in it is the same as ``params``. None for any.
        params: the query, exactly; ``subset(...)`` lets others in. None: as in the URL.
        headers: fields that must be there with these values; a sequence for several lines.
        body: the content, exactly.
        json: the content as JSON.
        form: the content urlencoded, compared as ``params``.
        where: a function of the request that says whether it matches.

    Raises:
        InvalidRequestError: an argument cannot be matched; its subclasses say which.
    """

    __slots__ = (
        "_json_bytes",
        "_query_text",
        "body",
        "form",
        "headers",
        "is_open",
        "json",
        "method",
        "params",
        "segments",
        "url",
        "where",
    )

    def __init__(
        self,
        method: str | None = None,
        url: str | URL | None = None,
        *,
        params: Mapping[str, str | Sequence[str]] | Subset | None = None,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        body: bytes | None = None,
        json: object = UNSET,
        form: Mapping[str, str | Sequence[str]] | None = None,
        where: Callable[[Request], object] | None = None,
    ) -> None:
        self.method = _checked_method(method)
        self.url = None if url is None else _parsed(url)
        self.segments = None if self.url is None else normal_path(self.url.path).split("/")
        self.is_open = isinstance(params, Subset)
        given = params.params if isinstance(params, Subset) else params
        self._query_text: str | None = None
        if given is not None:
            self.params: Query | None = _listed("params", given)
            self._query_text = None if self.is_open else encode_params(given) or None
        elif self.url is not None:
            self.params = parse_query(self.url.query)
            self._query_text = self.url.query or None
        else:
            self.params = None
        self.headers = None if headers is None else _checked_headers(headers)
        self.body = _checked_body(body)
        self.json = json
        self._json_bytes = None if json is UNSET else _compact(json)
        self.form = None if form is None else _listed("form", form)
        self.where = where
        if (body is not None) + (json is not UNSET) + (form is not None) > 1:
            raise InvalidTypeError("only one of body, json and form may be given")

    @property
    def is_template(self) -> bool:
        """Whether a path segment matches anything."""
        return self.segments is not None and _ANY in self.segments

    def matches(self, request: Request) -> bool:
        """Whether a request agrees in every part."""
        return self.matches_place(request) and self.matches_rest(request)

    def matches_place(self, request: Request) -> bool:
        """Whether method and URL, without its query, agree."""
        if self.method is not None and self.method != request.method:
            return False
        return self.url is None or (
            self.url.origin == request.url.origin and self._matches_path(normal_path(request.url.path))
        )

    def _matches_path(self, path: str) -> bool:
        wanted = self.segments or []
        segments = path.split("/")
        return len(wanted) == len(segments) and all(
            want in (_ANY, segment) for want, segment in zip(wanted, segments, strict=True)
        )

    def matches_rest(self, request: Request) -> bool:
        """Whether everything but method and URL agrees."""
        return (
            self.matches_params(request)
            and (self.headers is None or self.matches_headers(request))
            and (self.body is None or self.body == request.body)
            and (self._json_bytes is None or self.matches_json(request))
            and (self.form is None or self.matches_form(request))
            and (self.where is None or bool(self.where(request)))
        )

    def matches_params(self, request: Request) -> bool:
        """Whether the query agrees."""
        query = request.url.query
        if self.params is None or (query == self._query_text and not self.is_open):
            return True
        return _agree(self.params, parse_query(query), is_open=self.is_open)

    def matches_headers(self, request: Request) -> bool:
        """Whether the named fields are there with these values."""
        index = request.headers.index
        return all(index.get(name) == values for name, values in (self.headers or {}).items())

    def matches_json(self, request: Request) -> bool:
        """Whether the content is this JSON value."""
        if request.body == self._json_bytes:
            return True
        value = json_of(request)
        return value is not UNSET and same_json(self.json, value)

    def matches_form(self, request: Request) -> bool:
        """Whether the content is this form."""
        return self.form == form_of(request)

    def same_as(self, other: Pattern) -> bool:
        """Whether both match the same requests, as far as that can be told."""
        return self.where is None and other.where is None and self._key() == other._key()

    def _key(self) -> tuple[Any, ...]:
        place = None if self.url is None else self.url.origin
        return (
            self.method,
            place,
            self.segments,
            self.is_open,
            self.params,
            self.headers,
            self.body,
            self._json_bytes,
            self.form,
        )

    def __str__(self) -> str:
        url = "any URL" if self.url is None else self.shown_url
        return f"{self.method or 'any method'} {url}"

    @property
    def shown_url(self) -> str:
        """The URL, without query, ``{any}`` for the segments that match anything."""
        if self.url is None:
            return "any URL"
        return self.url.origin + self.url.path.replace(_ANY, "{any}")


def _checked_method(method: object) -> str | None:
    if method is None or (isinstance(method, str) and method in METHODS):
        return method
    if not isinstance(method, str):
        raise InvalidTypeError(f"method must be a str, not {type(method).__name__}")
    raise InvalidMethodError(f"method must be one of {', '.join(sorted(METHODS))}, not {method[:32]!r}")


def _parsed(url: str | URL) -> URL:
    if isinstance(url, URL):
        return url
    if not isinstance(url, str):
        raise InvalidTypeError(f"url must be a str, not {type(url).__name__}")
    path, mark, query = url.partition("?")
    return URL.parse(_find_templates.sub(_ANY, path) + mark + query).without_userinfo()


def _checked_body(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    hint = "; encode it" if isinstance(body, str) else ""
    raise InvalidTypeError(f"body must be bytes, not {type(body).__name__}{hint}")


def _checked_headers(headers: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    if not isinstance(headers, Mapping):
        raise InvalidTypeError(f"headers must be a mapping, not {type(headers).__name__}")
    return {name.lower(): values for name, values in _texts("headers", headers).items()}


def _texts(argument: str, given: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    found = {}
    for name, values in given.items():
        listed = [values] if isinstance(values, str) else list(values)
        if not isinstance(name, str) or not all(isinstance(value, str) for value in listed):
            raise InvalidTypeError(f"{argument} must be a mapping of str to str or a sequence of str")
        found[name] = listed
    return found


def _listed(argument: str, given: Mapping[str, str | Sequence[str]]) -> Query:
    if not isinstance(given, Mapping):
        raise InvalidTypeError(f"{argument} must be a mapping, not {type(given).__name__}")
    return {name: list(values) for name, values in _texts(argument, given).items() if values}


def _compact(value: object) -> bytes:
    return json_module.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def normal_path(path: str) -> str:
    """A canonical path whose escapes of unreserved characters are undone, and the others in upper case."""
    return _escape.sub(_normal_escape, path) if "%" in path else path


def _normal_escape(found: re.Match[str]) -> str:
    char = chr(int(found[1], 16))
    return char if char in _UNRESERVED else found[0].upper()


def parse_query(query: str | None) -> Query:
    """A query, or an urlencoded form, as a mapping from key to values; None is for a key without "="."""
    found: Query = {}
    for part in (query or "").split("&"):
        if part:
            key, equals, value = part.partition("=")
            found.setdefault(_plain(key), []).append(_plain(value) if equals else None)
    return found


def _plain(text: str) -> str:
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    raw = _escape.sub(lambda found: chr(int(found[1], 16)), text.encode("utf-8").decode("latin-1"))
    return raw.encode("latin-1").decode("utf-8", "replace")


def _agree(wanted: Query, got: Query, *, is_open: bool) -> bool:
    if is_open:
        return all(got.get(key) == values for key, values in wanted.items())
    return wanted == got


def json_of(request: Request) -> object:
    """The content as JSON; UNSET if it is none."""
    try:
        return json_module.loads(request.body)
    except ValueError:
        return UNSET


def form_of(request: Request) -> Query:
    """The content as an urlencoded form."""
    return parse_query(request.body.decode("latin-1"))


def same_json(wanted: object, got: object) -> bool:
    """Whether two JSON values are equal, by type too; a tuple is an array, 1 is 1.0."""
    if isinstance(wanted, bool) or isinstance(got, bool) or wanted is None or got is None:
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return wanted == got
    if isinstance(wanted, Mapping) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(same_json(value, got[key]) for key, value in wanted.items())
    if isinstance(wanted, list | tuple) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(same_json, wanted, got))
    return isinstance(wanted, str) and isinstance(got, str) and wanted == got
