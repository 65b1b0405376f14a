"""Masking of secrets in every text that leaves: errors, reprs, logs (decision D19).

A URL keeps scheme, host, port, path and the names in its query; userinfo goes,
and each query value becomes ``***``. Of a header, the values of fields that
carry credentials are masked.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from fluxhttp.errors import FluxHTTPError

    _Error = TypeVar("_Error", bound=FluxHTTPError)

MASK = "***"

#: Fields whose value is, or holds, a credential.
SECRET_FIELDS = frozenset(
    {
        "authorization",
        "cookie",
        "cookie2",
        "proxy-authorization",
        "set-cookie",
        "set-cookie2",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "api-key",
        "apikey",
        "private-token",
    }
)

#: Fields whose value is a URL, and fields that hold some among other text.
_URL_FIELDS = frozenset({"content-location", "location", "referer"})
_HOLDING_URLS = frozenset({"link", "refresh"})

# A query value runs from the first "=" of a part to its end. A part without "="
# may be a token and is masked as well.
_value = re.compile(r"=[^&]+")
_bare_token = re.compile(r"(?<![^&])[^&=]+(?![^&])")
# authority = [ userinfo "@" ] host [ ":" port ]                (RFC 3986, 3.2)
# userinfo = everything up to the last "@"; backslash ends no authority here, so
# that `http://a\@b` is masked too.
_find_authority = re.compile(r"((?:[^/?#@:]*:)?//)([^/?#]*)").match
_is_host_and_port = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]+)(?::[0-9]*)?").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def redact_query(query: str) -> str:
    """A query with every value masked, names kept."""
    return _value.sub(f"={MASK}", _bare_token.sub(MASK, query))


def redact_url(text: str) -> str:
    """A URL, well-formed or not, that may be shown.

    Userinfo is cut, query values are masked, the fragment is dropped, and
    control characters are escaped, so that the text is one line.
    """
    text = _without_userinfo(text).partition("#")[0]
    base, mark, query = text.partition("?")
    shown = base + mark + redact_query(query)
    return _control.sub(lambda found: repr(found[0])[1:-1], shown)


def _without_userinfo(text: str) -> str:
    if "@" not in text:
        return text
    found = _find_authority(text)
    if found is None:
        # A path, a query or a fragment alone has no userinfo.
        return text if text[0] in "/?#" else text.rpartition("@")[2]
    slashes, authority = found.groups()
    host = authority.rpartition("@")[2]
    if _is_host_and_port(host):
        return slashes + host + text[found.end() :]
    # A "/", "?" or "#" in a password ends the authority too early; only the last "@" is safe.
    return slashes + text.rpartition("@")[2]


def redact_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines of a head with the values of secret fields masked, and URLs redacted."""
    return [(name, _redact_value(name.lower(), value)) for name, value in pairs]


def _redact_value(name: str, value: str) -> str:
    if name in _URL_FIELDS:
        return redact_url(value)
    is_secret = name in SECRET_FIELDS or (name in _HOLDING_URLS and ("?" in value or "@" in value))
    return MASK if is_secret else value


def describe(error: _Error, method: str, url: str) -> _Error:
    """The error, saying which call it ended; what it says already is kept."""
    if error.method is None:
        error.method = method
    if error.url is None:
        error.url = redact_url(url)
    return error
