"""A matcher without an index, a cache or a shortcut: from the bytes of the request alone."""

from __future__ import annotations

import json
import re
import string
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from fluxhttp import Request

UNRESERVED = string.ascii_letters + string.digits + "-._~"


def path_of(text: str) -> list[tuple[str, ...]]:
    """The segments of a path, each as the characters and bytes it stands for."""
    segments = []
    for segment in text.split("/"):
        found = []
        for escape, char in re.findall(r"%([0-9A-Fa-f]{2})|(.)", segment, re.DOTALL):
            plain = chr(int(escape, 16)) if escape else char
            if plain in UNRESERVED or (char and char in "!$&'()*+,;=:@"):
                found.append(plain)
            else:
                found += [f"%{byte:02X}" for byte in ([int(escape, 16)] if escape else char.encode())]
        segments.append(tuple(found))
    return segments


def query_of(text: str) -> dict[bytes, list[bytes | None]]:
    found: dict[bytes, list[bytes | None]] = {}
    for part in text.split("&"):
        if part:
            key, equals, value = part.replace("+", " ").partition("=")
            found.setdefault(unquote_to_bytes(key), []).append(unquote_to_bytes(value) if equals else None)
    return found


def tagged(value: Any) -> Any:
    """A JSON value whose equality is by type, too."""
    if isinstance(value, dict):
        return "object", {key: tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return "array", [tagged(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", Fraction(value)
    return type(value), value


def params_of(given: dict[str, list[str]]) -> dict[bytes, list[bytes | None]]:
    return {key.encode(): [value.encode() for value in values] for key, values in given.items() if values}


def naively_matches(route: dict[str, Any], request: Request) -> bool:
    return naively_takes(route, request.url.origin, request.to_bytes())


def naively_takes(route: dict[str, Any], origin: str, raw: bytes) -> bool:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    fields = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    return (
        route["method"] in (None, method)
        and naively_leads_to(route["url"], origin, path)
        and naively_asks(route, query_of(query))
        and all(
            [value for key, value in fields if key == name.lower()] == values
            for name, values in (route["headers"] or {}).items()
        )
        and naively_has(route["content"], body)
    )


def naively_leads_to(url: str | None, origin: str, path: str) -> bool:
    if url is None:
        return True
    found = re.match(r"(https?://[^/?]*)([^?]*)", url)
    assert found is not None
    wanted = found[2] or "/"
    segments = list(zip(wanted.split("/"), path_of(wanted), path_of(path), strict=False))
    return (
        origin == found[1]
        and wanted.count("/") == path.count("/")
        and all(bool(got) if text == "{id}" else segment == got for text, segment, got in segments)
    )


def naively_asks(route: dict[str, Any], asked: dict[bytes, list[bytes | None]]) -> bool:
    url, params = route["url"], route["params"]
    of_url = query_of((url or "").partition("?")[2])
    given = params_of(params or {})
    if route["is_open"]:
        return all(asked.get(key) == values for key, values in {**of_url, **given}.items())
    if url is None and params is None:
        return True
    return asked == (given or of_url)


def naively_has(content: tuple[str, Any] | None, body: bytes) -> bool:
    if content is None:
        return True
    kind, wanted = content
    if kind == "body":
        return bool(wanted == body)
    if kind == "form":
        return params_of(wanted) == query_of(body.decode("latin-1"))
    try:
        return bool(tagged(json.loads(body)) == tagged(wanted))
    except ValueError:
        return False
