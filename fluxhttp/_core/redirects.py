"""From a request and the head of its answer to the next request, or none (RFC 9110, 15.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fluxhttp._core.headers import Headers
from fluxhttp._core.request import Request
from fluxhttp.errors import InvalidRedirectError, InvalidURLError

if TYPE_CHECKING:
    from fluxhttp._core.url import URL

FOLLOWED = frozenset({301, 302, 303, 307, 308})
#: These ask for the answer, not for the request again (decision D3).
_BECOMES_GET = frozenset({301, 302, 303})
#: Never sent to another origin (decision D4); the last three only because Go drops them (rule 46).
_CREDENTIALS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "cookie2", "proxy-authenticate", "www-authenticate"}
)

_obs_text = re.compile(r"[\x80-\xff]+")


def next_request(request: Request, status_code: int, headers: Headers) -> Request | None:
    """The request a redirect asks for; None if the answer is no redirect to follow.

    Args:
        request: the one that was answered.
        status_code: of the answer.
        headers: of the answer; of several Location lines the first counts.

    Raises:
        InvalidRedirectError: Location is not a URL that can be requested.
    """
    if status_code not in FOLLOWED:
        return None
    location = headers.first("location")
    if not location:
        return None
    url = _resolve(request.url, location)
    method, body = request.method, request.body
    drops_content = status_code in _BECOMES_GET
    if drops_content:
        method = method if method in ("GET", "HEAD") else "GET"
        body = b""
    same = is_same_place(request.url, url)
    pairs: list[tuple[str, str]] = []
    for name, value in request.headers.multi_items():
        lower = name.lower()
        if lower == "host":
            # A caller's Host goes where the caller sent it, and nowhere else.
            value = value if same and value != request.url.authority else url.authority
        elif (drops_content and lower.startswith("content-")) or (not same and lower in _CREDENTIALS):
            continue
        pairs.append((name, value))
    return Request.trusted(method, url, Headers.trusted(pairs), body, decodes=request.decodes, closes=request.closes)


def is_same_place(old: URL, new: URL) -> bool:
    """Whether credentials may go along: the same origin, or its upgrade to https.

    The upgrade is from http to https of the same host, both on default ports.
    """
    if old.origin == new.origin:
        return True
    return (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443) and old.host == new.host


def _resolve(base: URL, location: str) -> URL:
    """The URL of a Location, whose text is latin-1 for the bytes on the wire."""
    try:
        text = location.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        text = _obs_text.sub(lambda found: "%" + found[0].encode("latin-1").hex("%").upper(), location)
    except UnicodeEncodeError:
        # A transport that decoded the field as UTF-8 itself.
        text = location
    try:
        return base.join(text).without_userinfo()
    except InvalidURLError as error:
        detail = str(error).removeprefix("url")
        raise InvalidRedirectError(f"the redirect cannot be followed: location{detail}") from None
