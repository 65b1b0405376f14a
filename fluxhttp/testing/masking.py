"""How secrets are masked in the forms they come in: credentials, cookies, queries, JSON, multipart.

What is masked is replaced where it stands; all the rest, spaces, order and the
spelling of numbers, stays as it was. A text that is no JSON after all, or was
cut, is masked as far as it goes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

    #: What of the value under a name is secret: one of the three below.
    Judge = Callable[[str], int]

#: What stands in the place of a secret.
MASKED = "‹masked›"
#: The same in a query or a form.
MASKED_ESCAPED = quote(MASKED)

NOTHING = 0
#: Texts are secret, numbers are not: ``max_tokens`` is a count.
TEXTS = 1
EVERYTHING = 2

#: The words that may begin a value of Authorization and tell nothing of it
#: (the registry of RFC 9110, 16.4.1, and what large services use beside it).
_SCHEMES = frozenset(
    {
        "apikey",
        "aws4-ecdsa-p256-sha256",
        "aws4-hmac-sha256",
        "basic",
        "bearer",
        "concealed",
        "digest",
        "dpop",
        "gnap",
        "hawk",
        "hoba",
        "key",
        "mutual",
        "negotiate",
        "ntlm",
        "oauth",
        "privatetoken",
        "scram-sha-1",
        "scram-sha-256",
        "sharedkey",
        "sharedkeylite",
        "token",
        "vapid",
    }
)
#: The attributes of a cookie (RFC 6265, 4.1.1, and what browsers added).
_COOKIE_ATTRIBUTES = frozenset(
    {"domain", "expires", "httponly", "max-age", "partitioned", "path", "priority", "samesite", "secure"}
)

# A string, ended or not; one structural character; or a number or word (RFC 8259, 2).
_json_token = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_is_before_colon = re.compile(r"\s*:").match
# number = [ minus ] int [ frac ] [ exp ]                       (RFC 8259, 6)
_begins_as_number = re.compile(r"-?[0-9]").match

# part = [ "&" ] name [ "=" value ], of a query or a form. Only where a part begins:
# from each place of a long text without "=", to look for one takes quadratic time.
_query_part = re.compile(r"(?<![^&])([^&=]*)=([^&]+)")

# Content-Disposition: form-data; name="…"                      (RFC 7578, 4.2)
_find_part_name = re.compile(rb'content-disposition:[^\r\n]*?[;\s]name="?([^"\r\n;]*)', re.IGNORECASE).search
_find_part_type = re.compile(rb"content-type:[ \t]*([^\r\n]*)", re.IGNORECASE).search


def mask_credentials(value: str) -> str:
    """A value of Authorization; the word that names the scheme is kept."""
    scheme, _, rest = value.partition(" ")
    return f"{scheme} {MASKED}" if rest and scheme.lower() in _SCHEMES else MASKED


def mask_cookies(value: str) -> str:
    """A value of Cookie; the names are kept (RFC 6265, 4.2.1)."""
    return "; ".join([_mask_cookie(part) for part in value.split(";")])


def mask_set_cookie(value: str) -> str:
    """A value of Set-Cookie; the name and the attributes are kept."""
    cookie, *attributes = value.split(";")
    kept = [
        f" {part.strip()}" if part.partition("=")[0].strip().lower() in _COOKIE_ATTRIBUTES else f" {_mask_cookie(part)}"
        for part in attributes
    ]
    return ";".join([_mask_cookie(cookie), *kept])


def _mask_cookie(text: str) -> str:
    name, equals, value = text.strip().partition("=")
    if equals:
        return f"{name}={MASKED if value else ''}"
    return MASKED if name else ""


def mask_query(query: str, judge: Judge, marker: str = MASKED) -> str:
    """A query or an urlencoded form; an empty value is no secret."""

    def mask(part: re.Match[str]) -> str:
        name, _ = part.groups()
        return f"{name}={marker}" if judge(unquote_plus(name)) else part[0]

    return _query_part.sub(mask, query)


def mask_multipart(content: bytes, boundary: bytes, judge: Judge, mask_part: Callable[[bytes, str], bytes]) -> bytes:
    """A multipart/form-data body (RFC 7578).

    Args:
        content: the body.
        boundary: as its Content-Type has it.
        judge: of the fields' names.
        mask_part: of the content and Content-Type of a field that is no secret.
    """
    parts = content.split(b"--" + boundary)
    for number, part in enumerate(parts[1:], 1):
        head, gap, value = part.partition(b"\r\n\r\n")
        if not gap:
            continue
        value, end = (value[:-2], b"\r\n") if value.endswith(b"\r\n") else (value, b"")
        name = _find_part_name(head)
        if name is not None and value and judge(name[1].decode("utf-8", "replace")):
            value = MASKED.encode()
        else:
            kind = _find_part_type(head)
            value = mask_part(value, "" if kind is None else kind[1].decode("latin-1"))
        parts[number] = head + gap + value + end
    return (b"--" + boundary).join(parts)


def mask_json(text: str, judge: Judge, mask_url: Callable[[str], str]) -> str:
    """A JSON text, or several.

    A name decides on all that stands below it, and names within do so for
    themselves. Null, true, false and empty texts are no secrets. Of a text that
    is JSON or a URL itself, what is secret in it is masked.
    """
    return _JSONMask(judge, mask_url).mask(text)


class _JSONMask:
    def __init__(self, judge: Judge, mask_url: Callable[[str], str]) -> None:
        self._judge = judge
        self._mask_url = mask_url
        #: What is secret in each container that is open.
        self._open: list[int] = []
        #: What is secret in the value to come.
        self._level = NOTHING

    def mask(self, text: str) -> str:
        done: list[str] = []
        at = 0
        for found in _json_token.finditer(text):
            token = found[0]
            new = self._token(token, is_name=token[0] == '"' and _is_before_colon(text, found.end()) is not None)
            if new is not token:
                done += (text[at : found.start()], new)
                at = found.end()
        return text if not done else "".join([*done, text[at:]])

    def _token(self, token: str, *, is_name: bool) -> str:
        first = token[0]
        if is_name:
            self._level = max(self._around, self._judge(_string(token)))
        elif first in "{[":
            self._open.append(max(self._around, self._level))
            self._level = NOTHING
        elif first in "}]":
            if self._open:
                self._open.pop()
            self._level = NOTHING
        elif first == ",":
            self._level = NOTHING
        elif first != ":":
            return self._value(token)
        return token

    @property
    def _around(self) -> int:
        return self._open[-1] if self._open else NOTHING

    def _value(self, token: str) -> str:
        level = max(self._around, self._level)
        if token[0] != '"':
            return f'"{MASKED}"' if level == EVERYTHING and _begins_as_number(token) else token
        if len(token) <= 2:
            return token
        if level:
            return f'"{MASKED}"'
        if "://" not in token and token[1] not in "{[" and ":\\/\\/" not in token:
            return token
        plain = _string(token)
        masked = mask_json(plain, self._judge, self._mask_url) if plain[:1] in ("{", "[") else self._mask_url(plain)
        return token if masked == plain else json.dumps(masked, ensure_ascii=False)


def _string(token: str) -> str:
    """What a string stands for; as it is written, where it is none."""
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:]
