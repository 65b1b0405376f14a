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

# A query value runs from "=" to the next "&" or to the end. A key without "="
# may be a bare token and is masked as well.
_query_part = re.compile(r"([^&=]*)(=?)([^&]*)(&|$)")
# userinfo = everything up to the last "@" of the authority (RFC 3986, 3.2.1);
# backslash ends no authority here, so that `http://a\@b` is masked too.
_userinfo = re.compile(r"^([^/?#]*//)?[^/?#]*@")
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def redact_query(query: str) -> str:
    """A query with every value masked, names kept."""

    def mask(part: re.Match[str]) -> str:
        name, equals, value, end = part.groups()
        if equals:
            return f"{name}={MASK if value else ''}{end}"
        return (MASK if name else "") + end

    return _query_part.sub(mask, query)


def redact_url(text: str) -> str:
    """A URL, well-formed or not, that may be shown.

    Userinfo is cut, query values are masked, the fragment is dropped, and
    control characters are escaped, so that the text is one line.
    """
    text = text.partition("#")[0]
    base, mark, query = text.partition("?")
    base = _userinfo.sub(lambda found: found[1] or "", base)
    shown = base + mark + redact_query(query)
    return _control.sub(lambda found: repr(found[0])[1:-1], shown)


def redact_headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines of a head with the values of secret fields masked."""
    return [(name, MASK if name.lower() in SECRET_FIELDS else value) for name, value in pairs]


def describe(error: _Error, method: str, url: str) -> _Error:
    """The error, saying which call it ended; what it says already is kept."""
    if error.method is None:
        error.method = method
    if error.url is None:
        error.url = redact_url(url)
    return error
