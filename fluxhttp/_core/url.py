"""URL: parse, one canonical form, join (RFC 3986; decision D7).

Whatever a caller writes has one form on the wire, the same for every
transport: lower-case scheme and host, no default port, no fragment, every byte
outside RFC 3986's sets percent-encoded, valid escapes and dot segments as
written. The host part lives in ``hosts``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from fluxhttp._core.hosts import canonical_host, is_numeric_label
from fluxhttp._core.redaction import redact_url
from fluxhttp._core.value import Value, draft_of, set_field
from fluxhttp.errors import InvalidTypeError, InvalidURLError

if TYPE_CHECKING:
    from typing import Any

DEFAULT_PORTS = {"http": 80, "https": 443}

# scheme     = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )      (RFC 3986, 3.1)
# URI        = scheme ":" hier-part [ "?" query ] [ "#" fragment ]     (3)
# hier-part  = "//" authority path-abempty / ...
# The split of RFC 3986, appendix B. A backslash ends no authority: it is refused.
_split = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(//([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL
).fullmatch

# The common case, which needs no encoding and no IDNA.
_plain = re.compile(
    r"(https?)://([a-z][a-z0-9\-]*(?:\.[a-z0-9\-]+)*\.?)(?::([1-9][0-9]{0,4}))?"
    r"(/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)?(?:\?([A-Za-z0-9\-._~!$&'()*+,;=:@/?]*))?"
).fullmatch

# pchar      = unreserved / pct-encoded / sub-delims / ":" / "@"       (3.3)
# query      = *( pchar / "/" / "?" )                                  (3.4)
_find_outside_path = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]").search
_find_outside_query = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]").search
#: How each byte of a path and of a query goes out. A look-up for each costs the
#: same whatever a text is made of; a function called for each run of bytes does not.
_PATH_FORMS, _QUERY_FORMS = (
    [f"%{byte:02X}" if find(chr(byte)) else chr(byte) for byte in range(256)]
    for find in (_find_outside_path, _find_outside_query)
)
_find_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_find_control = re.compile("[\x00-\x1f\x7f]").search
_find_surrogate = re.compile("[\ud800-\udfff]").search

# userinfo   = *( unreserved / pct-encoded / sub-delims / ":" )        (3.2.1)
# "@" is let through as well, as Go does: only the last one ends the userinfo.
_is_userinfo = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%]*").fullmatch
_escape = re.compile(rb"%([0-9A-Fa-f]{2})")


def canonical_path(path: str) -> str:
    """A path with every byte outside pchar and "/" percent-encoded.

    Raises:
        InvalidURLError: it has a "%" without two hex digits.
    """
    if found := _find_bad_escape(path):
        raise InvalidURLError(f"url: the path has an invalid escape {path[found.start() : found.start() + 3]!r}")
    if _find_outside_path(path):
        return "".join([_PATH_FORMS[byte] for byte in path.encode("utf-8")])
    return path


def canonical_query(query: str) -> str:
    """A query with every byte outside its set percent-encoded; a bad escape is kept."""
    if _find_outside_query(query):
        return "".join([_QUERY_FORMS[byte] for byte in query.encode("utf-8")])
    return query


def check_text(text: str) -> None:
    """Refuses what may stand in no part of a URL.

    Raises:
        InvalidURLError: a control character or a lone surrogate. Python's own
            parser drops TAB, CR and LF silently (CVE-2022-0391).
    """
    if found := _find_control(text):
        raise InvalidURLError(f"url must not contain {found[0]!r} (position {found.start()})")
    if found := _find_surrogate(text):
        raise InvalidURLError(f"url must not contain the lone surrogate {found[0]!r} (position {found.start()})")


def split_userinfo(authority: str) -> tuple[tuple[str, str] | None, str]:
    """The decoded (user, password) and the rest; None where there is no "@"."""
    userinfo, at, rest = authority.rpartition("@")
    if not at:
        return None, authority
    if not _is_userinfo(userinfo) or _find_bad_escape(userinfo):
        raise InvalidURLError("url: the userinfo before '@' has a character that must be percent-encoded")
    user, _, password = userinfo.partition(":")
    return (_percent_decode(user), _percent_decode(password)), rest


def _percent_decode(text: str) -> str:
    # latin-1 carries bytes that are no UTF-8 through unharmed; see basic_auth_bytes.
    return _escape.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode("ascii")).decode("latin-1")


def split_port(rest: str, scheme: str) -> tuple[str, int]:
    """Host text and port; an absent or empty port is the scheme's default.

    Raises:
        InvalidURLError: the port is not a decimal number from 1 to 65535. It is
            not shown: a password with a "/" in it would stand in its place.
    """
    if rest.startswith("["):
        host, bracket, port = rest.rpartition("]")
        host += bracket
        if port and not port.startswith(":"):
            raise InvalidURLError("url: only a port may follow the ']' of an IPv6 address")
        port = port[1:]
    else:
        host, _, port = rest.partition(":")
    if not port:
        return host, DEFAULT_PORTS[scheme]
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise InvalidURLError("url: the port must be a number from 1 to 65535")
    return host, int(port)


class URL(Value):
    """An absolute http or https URL in canonical form.

    ``str(url)`` is that form. Userinfo is taken off when parsing: it is not part
    of the text, equality, hash, repr or pickle (decision D15).

    Attributes:
        scheme: "http" or "https".
        host: lower-case ASCII name, IPv4 address, or IPv6 address without brackets
            (a zone follows as ``%zone``).
        port: 1 to 65535; the scheme's default where none was written.
        path: percent-encoded, starts with "/".
        query: percent-encoded, without the "?"; None if there is no "?".
        target: the request-target in origin-form (RFC 9112, 3.2.1).
        authority: host and port as in the Host field: IPv6 in brackets and without
            its zone, default port left out.
        origin: scheme and authority (RFC 6454, 4), zone included.
    """

    __slots__ = ("_userinfo", "authority", "host", "origin", "path", "port", "query", "scheme", "target")
    _fields = ("scheme", "host", "port", "path", "query")

    scheme: str
    host: str
    port: int
    path: str
    query: str | None
    target: str
    authority: str
    origin: str
    _userinfo: tuple[str, str] | None

    def __init__(self, text: str) -> None:
        parsed = URL.parse(text)
        for name in URL.__slots__:
            set_field(self, name, getattr(parsed, name))

    @classmethod
    def parse(cls, text: str) -> URL:
        """The URL that a text names.

        Raises:
            InvalidTypeError: it is not a str.
            InvalidURLError: it is not an absolute http or https URL that can be
                requested; the text says which part and which character.
        """
        if not isinstance(text, str):
            raise InvalidTypeError(f"url must be a str, not {type(text).__name__}")
        if len(text) <= _CACHED_LENGTH_MAX and "@" not in text:
            return _parse_cached(text)
        return _parse(text)

    @classmethod
    def _build(
        cls,
        scheme: str,
        host: str,
        port: int,
        path: str,
        query: str | None,
        userinfo: tuple[str, str] | None = None,
    ) -> URL:
        url = _Draft()
        url.scheme = scheme
        url.host = host
        url.port = port
        url.path = path
        url.query = query
        url.target = path if query is None else f"{path}?{query}"
        url._userinfo = userinfo
        suffix = "" if DEFAULT_PORTS[scheme] == port else f":{port}"
        if ":" in host:
            url.authority = f"[{host.partition('%')[0]}]{suffix}"
            url.origin = f"{scheme}://[{host.replace('%', '%25')}]{suffix}"
        else:
            url.authority = host + suffix
            url.origin = f"{scheme}://{url.authority}"
        url.__class__ = URL
        return url

    @property
    def userinfo(self) -> tuple[str, str] | None:
        """The decoded (user, password) of the parsed text; None if it had none.

        Each is latin-1 text whose bytes are what the escapes stood for.
        """
        return self._userinfo

    def with_query(self, query: str) -> URL:
        """The same URL with another query, which is canonical already."""
        url = _Draft()
        url.scheme = self.scheme
        url.host = self.host
        url.port = self.port
        url.path = self.path
        url.query = query
        url.target = f"{self.path}?{query}"
        url.authority = self.authority
        url.origin = self.origin
        url._userinfo = self._userinfo
        url.__class__ = URL
        return url

    def without_userinfo(self) -> URL:
        """The same URL without userinfo."""
        if self._userinfo is None:
            return self
        return URL._build(self.scheme, self.host, self.port, self.path, self.query)

    def join(self, reference: str) -> URL:
        """The URL a reference names, seen from this one (RFC 3986, 5.2).

        Dot segments of the reference are removed; its fragment is dropped.
        Userinfo of this URL stays only where the reference has no authority.

        Raises:
            InvalidTypeError: it is not a str.
            InvalidURLError: the result is not a URL that can be requested.
        """
        if not isinstance(reference, str):
            raise InvalidTypeError(f"reference must be a str, not {type(reference).__name__}")
        check_text(reference)
        scheme, slashes, authority, path, query = _split_text(reference)
        if scheme is not None or slashes is not None:
            base = _from_parts(scheme or self.scheme, slashes, authority, path, query)
            return URL._build(
                base.scheme, base.host, base.port, remove_dot_segments(base.path), base.query, base.userinfo
            )
        if not path:
            path, query = self.path, self.query if query is None else canonical_query(query)
        else:
            if not path.startswith("/"):
                path = self.path[: self.path.rindex("/") + 1] + path
            path = remove_dot_segments(canonical_path(path))
            query = None if query is None else canonical_query(query)
        return URL._build(self.scheme, self.host, self.port, path, query, self._userinfo)

    def __str__(self) -> str:
        return self.origin + self.target

    def __repr__(self) -> str:
        return f"URL({redact_url(str(self))!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.scheme, self.host, self.port, self.path, self.query)


def _rebuild(scheme: str, host: str, port: int, path: str, query: str | None) -> URL:
    # Pickle finds a function by its name; cloudpickle would send a bound method's code instead.
    return URL._build(scheme, host, port, path, query)


_Draft = draft_of(URL)
_CACHED_LENGTH_MAX = 2048


def _parse(text: str) -> URL:
    if found := _plain(text):
        scheme, host, digits, path, query = found.groups()
        port = int(digits) if digits else DEFAULT_PORTS[scheme]
        if not is_numeric_label(host.removesuffix(".").rpartition(".")[2]) and len(host) <= 63 and port <= 65535:
            return URL._build(scheme, host, port, path or "/", query)
    check_text(text)
    return _from_parts(*_split_text(text))


#: Only texts without "@" come here, so that no password is kept.
_parse_cached = lru_cache(maxsize=256)(_parse)


def _split_text(text: str) -> tuple[str | None, str | None, str | None, str, str | None]:
    found = _split(text)
    assert found is not None  # every text has a match: each part is optional or takes anything
    scheme, slashes, authority, path, query = found.groups()
    return scheme, slashes, authority, path, query


def _from_parts(scheme: str | None, slashes: str | None, authority: str | None, path: str, query: str | None) -> URL:
    scheme = scheme.lower() if scheme else ""
    if scheme not in DEFAULT_PORTS:
        if not scheme or slashes is None:
            # What stands before a colon alone may be a host, or a user's name.
            raise InvalidURLError("url must start with http:// or https://")
        raise InvalidURLError(f"url: the scheme must be http or https, not {scheme[:32]!r}")
    if slashes is None or not authority:
        raise InvalidURLError("url has no host")
    userinfo, rest = split_userinfo(authority)
    host_text, port = split_port(rest, scheme)
    host = canonical_host(host_text)
    return URL._build(
        scheme,
        host,
        port,
        canonical_path(path) or "/",
        None if query is None else canonical_query(query),
        userinfo,
    )


def remove_dot_segments(path: str) -> str:
    """A path without "." and ".." segments (RFC 3986, 5.2.4), in linear time."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
