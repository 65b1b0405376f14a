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
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fluxhttp._core.request import UNSET, _json_bytes
from fluxhttp._core.url import URL
from fluxhttp.errors import InvalidTypeError
from fluxhttp.testing.arguments import checked_body, checked_headers, checked_method, listed
from fluxhttp.testing.comparing import form_of, json_of, key_of, lines_of, normal_path, parse_query, same_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypedDict

    from fluxhttp._core.request import Request
    from fluxhttp.testing.arguments import Fields
    from fluxhttp.testing.comparing import Query, QueryKey

    Check = Callable[[Request], bool]

    class Matchers(TypedDict, total=False):
        """What a request is asked for, beside method and URL."""

        params: Fields | Subset | None
        headers: Fields | Iterable[tuple[str, str]] | None
        body: bytes | bytearray | memoryview | None
        json: object
        form: Fields | None
        where: Callable[[Request], object] | None

    class RouteOptions(TypedDict, total=False):
        """The same, and what messages call a route."""

        params: Fields | Subset | None
        headers: Fields | Iterable[tuple[str, str]] | None
        body: bytes | bytearray | memoryview | None
        json: object
        form: Fields | None
        where: Callable[[Request], object] | None
        name: str | None


__tracebackhide__ = True  # pytest shows the line of the test instead

# scheme "://" authority, then path, then the rest              (RFC 3986, 3)
_split = re.compile(r"([^:/?#]*://[^/?#]*|)([^?#]*)(.*)", re.DOTALL).fullmatch
_is_template = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}").fullmatch
# scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )           (RFC 3986, 3.1)
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://").match


class Subset:
    """Params of which others may be there, too; made by ``subset``."""

    __slots__ = ("params",)

    def __init__(self, params: Fields) -> None:
        self.params: Fields = params

    def __repr__(self) -> str:
        # Not the values: there may be secrets among them.
        named = ", ".join(map(repr, self.params)) if isinstance(self.params, Mapping) else type(self.params).__name__
        return f"<subset of params: {named}>"


def subset(params: Fields) -> Subset:
    """For ``params=`` of a route: these must be there, and so must a query in the URL; others may."""
    return Subset(params)


class Pattern:
    """The matchers of a route.

    Args:
        method: one of the six, upper case; None for any.
        url: absolute; a path segment written ``{name}`` matches any one segment
            that is not empty; a query in it is the same as ``params``. None for any.
        params: the query, exactly; if any key has a value, it replaces that of the
            URL, as in a call (decision D1). ``subset(...)`` lets others in. None: as in the URL.
        headers: fields that must be there with these values; a sequence for
            several lines, an empty one for a field that must not be there.
        body: the content, exactly.
        json: the content as JSON.
        form: the content urlencoded, compared as ``params``.
        where: a function of the request that says whether it matches; it is asked last.
        base_url: what relative URLs are appended to.

    Raises:
        InvalidRequestError: an argument cannot be matched; its subclasses say which.
    """

    __slots__ = (
        "body",
        "checks",
        "form",
        "headers",
        "is_open",
        "json",
        "json_bytes",
        "method",
        "params",
        "path",
        "segments",
        "shown_path",
        "url",
        "where",
    )

    path: str
    shown_path: str

    def __init__(
        self,
        method: str | None = None,
        url: str | URL | None = None,
        *,
        params: Fields | Subset | None = None,
        headers: Fields | Iterable[tuple[str, str]] | None = None,
        body: bytes | bytearray | memoryview | None = None,
        json: object = UNSET,
        form: Fields | None = None,
        where: Callable[[Request], object] | None = None,
        base_url: str = "",
    ) -> None:
        if (body is not None) + (json is not UNSET) + (form is not None) > 1:
            raise InvalidTypeError("only one of body, json and form may be given")
        if where is not None and not callable(where):
            raise InvalidTypeError(f"where must be a function, not {type(where).__name__}")
        self.method: str | None = checked_method(method)
        self._take_url(url, base_url)
        self.is_open: bool = isinstance(params, Subset)
        self.params: Query | None = self._all_params(params)
        self.headers: dict[str, list[str]] | None = None if headers is None else checked_headers(headers)
        self.body: bytes | None = None if body is None else checked_body(body)
        self.json_bytes: bytes | None = None if json is UNSET else _json_bytes(json)
        # As it is after the way over the wire: a tuple is an array, a key is text.
        self.json: object = UNSET if self.json_bytes is None else json_module.loads(self.json_bytes)
        self.form: Query | None = None if form is None else listed("form", form)
        self.where: Callable[[Request], object] | None = where
        self.checks: tuple[Check, ...] = self._content_checks()

    def _take_url(self, url: str | URL | None, base_url: str) -> None:
        self.url: URL | None = None
        self.path = self.shown_path = ""
        #: Between the slashes of the path; None matches any that is not empty.
        self.segments: tuple[str | None, ...] = ()
        if url is None:
            return
        if not isinstance(url, str | URL):
            raise InvalidTypeError(f"url must be a str, not {type(url).__name__}")
        written: list[str] = []
        if isinstance(url, str):
            url, written = _parsed(url, base_url)
        self.url = url.without_userinfo()
        self.path = normal_path(url.path)
        segments = self.path.split("/")
        written = written if len(written) == len(segments) else segments
        templates = [_is_template(text) is not None for text in written]
        pairs = list(zip(segments, templates, strict=True))
        self.segments = tuple([None if is_template else segment for segment, is_template in pairs])
        shown = zip(pairs, url.path.split("/"), written, strict=True)
        self.shown_path = "/".join([text if is_template else sent for (_, is_template), sent, text in shown])

    def _all_params(self, params: Fields | Subset | None) -> Query | None:
        of_url = None if self.url is None else parse_query(self.url.query)
        if params is None:
            return of_url
        if isinstance(params, Subset):
            return {**(of_url or {}), **listed("params", params.params)}
        return listed("params", params) or of_url or {}

    def _content_checks(self) -> tuple[Check, ...]:
        return tuple(
            check
            for check, is_asked in (
                (self.matches_headers, self.headers is not None),
                (self.matches_body, self.body is not None),
                (self.matches_json, self.json_bytes is not None),
                (self.matches_form, self.form is not None),
                (self.matches_where, self.where is not None),
            )
            if is_asked
        )

    @property
    def is_template(self) -> bool:
        """Whether a path segment matches anything."""
        return None in self.segments

    @property
    def query_key(self) -> QueryKey | None:
        """The one query that matches, to look up; None if there are several."""
        return None if self.is_open or self.params is None else key_of(self.params)

    def matches(self, request: Request) -> bool:
        """Whether a request agrees in every part."""
        return (
            self.matches_method(request)
            and self.matches_url(request)
            and self.matches_params(request)
            and all(check(request) for check in self.checks)
        )

    def matches_method(self, request: Request) -> bool:
        """Whether the method agrees."""
        return self.method is None or self.method == request.method

    def matches_url(self, request: Request) -> bool:
        """Whether the URL, without its query, agrees."""
        return self.url is None or (
            self.url.origin == request.url.origin and self.matches_segments(normal_path(request.url.path).split("/"))
        )

    def matches_segments(self, segments: Sequence[str | None]) -> bool:
        """Whether a path agrees, given by what stands between its slashes; None in it is any."""
        return len(self.segments) == len(segments) and all(
            (segment != "" if want is None else want == segment)
            for want, segment in zip(self.segments, segments, strict=True)
        )

    def matches_params(self, request: Request) -> bool:
        """Whether the query agrees."""
        if self.params is None:
            return True
        query = parse_query(request.url.query)
        if self.is_open:
            return all(query.get(key) == values for key, values in self.params.items())
        return query == self.params

    def matches_headers(self, request: Request) -> bool:
        """Whether the named fields are there with these values."""
        return all(lines_of(request, name) == values for name, values in (self.headers or {}).items())

    def matches_body(self, request: Request) -> bool:
        """Whether the content is this one."""
        return self.body == request.body

    def matches_json(self, request: Request) -> bool:
        """Whether the content is this JSON value."""
        if request.body == self.json_bytes:
            return True
        value = json_of(request)
        return value is not UNSET and same_json(self.json, value)

    def matches_form(self, request: Request) -> bool:
        """Whether the content is this form."""
        return self.form == form_of(request)

    def matches_where(self, request: Request) -> bool:
        """Whether the function says so."""
        return self.where is None or bool(self.where(request))

    def covers(self, other: Pattern) -> bool:
        """Whether every request that the other matches is matched by this one, too, as far as that can be told."""
        return (
            self.where is None
            and self.method in (None, other.method)
            and self._covers_url(other)
            and self._covers_params(other)
            and all((other.headers or {}).get(name) == values for name, values in (self.headers or {}).items())
            and self.body in (None, other.body)
            and self.json_bytes in (None, other.json_bytes)
            and self.form in (None, other.form)
        )

    def _covers_url(self, other: Pattern) -> bool:
        return self.url is None or (
            other.url is not None and self.url.origin == other.url.origin and self.matches_segments(other.segments)
        )

    def _covers_params(self, other: Pattern) -> bool:
        if self.params is None:
            return True
        if self.is_open:
            return all((other.params or {}).get(key) == values for key, values in self.params.items())
        return self.params == other.params and not other.is_open

    def __str__(self) -> str:
        return f"{self.method or 'any method'} {self.shown_url}"

    @property
    def shown_url(self) -> str:
        """The URL, without query, as it was registered."""
        return "any URL" if self.url is None else self.url.origin + self.shown_path


def _parsed(text: str, base: str) -> tuple[URL, list[str]]:
    """The URL, and what was written between the slashes of its path."""
    if base and not _has_scheme(text):
        # As a client with the same base URL appends it.
        text = base + text if text[:1] in ("/", "?", "") else f"{base}/{text}"
    found = _split(text)
    assert found is not None  # every text has a match: each part takes anything
    front, path, rest = found.groups()
    written = path.split("/")
    if written[0]:
        written = []  # no URL at all, which is for the parser to say
    plain = ["x" if _is_template(segment) else segment for segment in written]
    return URL.parse(front + ("/".join(plain) if written else path) + rest), written
