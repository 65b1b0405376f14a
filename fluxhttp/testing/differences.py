"""How a request differs from a pattern, part by part, in words that hide secrets."""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from itertools import islice
from typing import TYPE_CHECKING

from fluxhttp._core.query import FORM
from fluxhttp._core.request import UNSET
from fluxhttp.testing.comparing import (
    MISSING,
    form_of,
    json_differences,
    json_of,
    lines_of,
    parse_query,
    path_text,
    value_at,
)
from fluxhttp.testing.masking import MASKED
from fluxhttp.testing.redact import Redaction

if TYPE_CHECKING:
    from fluxhttp._core.request import Request
    from fluxhttp.testing.comparing import JSONPath, Query
    from fluxhttp.testing.matching import Pattern

REDACTION = Redaction.default()
JSON = "application/json"
#: How much of one value is shown, and how many differences of one part.
_VALUE_MAX = 60
_DIFFERENCES_MAX = 3
#: How much of two paths is compared for their likeness, which takes quadratic time.
_PATH_MAX = 200
# What is left unescaped in application/x-www-form-urlencoded (WHATWG URL, 5.2), with its own signs.
_is_urlencoded = re.compile(rb"[A-Za-z0-9*\-._~+%=&]*").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Part:
    """One part of a comparison.

    Attributes:
        name: "method", "url", "headers", "params", "body", "json", "form" or "where".
        agrees: whether it matches.
        lines: what agrees, or what differs.
    """

    __slots__ = ("_brief", "agrees", "lines", "name")

    def __init__(self, name: str, *lines: str, agrees: bool, brief: str = "") -> None:
        self.name: str = name
        self.agrees: bool = agrees
        self.lines: tuple[str, ...] = lines or ("",)
        self._brief = brief

    @property
    def brief(self) -> str:
        """What differs, in one line."""
        return f"{self.name}: {self._brief or self.lines[0]}"


def parts(pattern: Pattern, request: Request) -> list[Part]:
    """The parts that a pattern speaks of, in the order they are compared."""
    found: list[Part] = []
    if pattern.method is not None:
        found.append(_method(pattern, request))
    if pattern.url is not None:
        found.append(_url(pattern, request))
    if pattern.headers is not None:
        found.append(_headers(pattern, request))
    if pattern.params is not None and (pattern.params or request.url.query):
        found.append(_params(pattern, request))
    if pattern.body is not None:
        found.append(_body(pattern.body, request))
    if pattern.json is not UNSET:
        found.append(_json(pattern, request))
    if pattern.form is not None:
        found.append(_form(pattern.form, request))
    if pattern.where is not None:
        found.append(_where(pattern, request))
    return found


def differing(pattern: Pattern, request: Request) -> str:
    """What differs, in one line; "agrees" if nothing does."""
    return "; ".join([part.brief for part in parts(pattern, request) if not part.agrees]) or "agrees"


def url_likeness(pattern: Pattern, request: Request) -> float:
    """How much the path of a request is like that of a pattern, from 0 to 1; 0 for another origin."""
    if pattern.url is None or pattern.url.origin != request.url.origin:
        return 0.0
    ours, theirs = pattern.path[:_PATH_MAX], request.url.path[:_PATH_MAX]
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def shown_request(request: Request) -> str:
    """Method and URL."""
    return f"{request.method} {shown_url(request)}"


def shown_url(request: Request) -> str:
    """The whole URL."""
    return REDACTION.url(str(request.url))


def shown_text(text: str) -> str:
    """A text in one line: control characters are escaped."""
    return _control.sub(lambda found: repr(found[0])[1:-1], text)


def short(text: str) -> str:
    """The beginning of a text that may be long."""
    text = shown_text(text)
    return text if len(text) <= _VALUE_MAX else f"{text[: _VALUE_MAX - 1]}…"


def _limited(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _DIFFERENCES_MAX else [*lines[: _DIFFERENCES_MAX - 1], "and more"]


# The parts


def _method(pattern: Pattern, request: Request) -> Part:
    if pattern.matches_method(request):
        return Part("method", request.method, agrees=True)
    wanted, got = pattern.method, request.method
    return Part("method", f"expected {wanted}, got {got}", agrees=False, brief=f"{got} instead of {wanted}")


def _url(pattern: Pattern, request: Request) -> Part:
    if pattern.url is None or pattern.matches_url(request):
        return Part("url", pattern.shown_url, agrees=True)
    wanted, got = pattern.shown_url, request.url.origin + request.url.path
    if pattern.url.origin == request.url.origin:
        wanted, got = pattern.shown_path, request.url.path
    return Part("url", f"expected {wanted}, got {got}", agrees=False, brief=f"{got} instead of {wanted}")


def _headers(pattern: Pattern, request: Request) -> Part:
    wanted = pattern.headers or {}
    lines = [
        f"{name}: {line}"
        for name, values in wanted.items()
        if (line := _unlike_lines(name, values, lines_of(request, name))) is not None
    ]
    if not lines:
        return Part("headers", ", ".join(wanted), agrees=True)
    return Part("headers", *_limited(lines), agrees=False)


def _unlike_lines(name: str, wanted: list[str], got: list[str]) -> str | None:
    if wanted == got:
        return None
    if not got:
        return f"missing, expected {_shown_values(name, wanted)}"
    if not wanted:
        return f"not expected, got {_shown_values(name, got)}"
    return f"expected {_shown_values(name, wanted)}, got {_shown_values(name, got)}"


def _shown_values(name: str, values: list[str]) -> str:
    return " and ".join([f'"{short(REDACTION.header(name, value))}"' for value in values])


def _params(pattern: Pattern, request: Request) -> Part:
    wanted, got = pattern.params or {}, parse_query(request.url.query)
    if pattern.is_open:
        got = {key: values for key, values in got.items() if key in wanted}
    return _pairs("params", wanted, got)


def _form(wanted: Query, request: Request) -> Part:
    if not _is_urlencoded(request.body):
        return Part("form", "the body is not a form", agrees=False)
    return _pairs("form", wanted, form_of(request))


def _pairs(name: str, wanted: Query, got: Query) -> Part:
    lines: list[str] = []
    for key in [*wanted, *(key for key in got if key not in wanted)]:
        expected, came = wanted.get(key, []), got.get(key, [])
        if expected == came:
            continue
        if not came:
            lines.append(f"missing: {_shown_pairs(name, key, expected)}")
        elif not expected:
            lines.append(f"not expected: {_shown_pairs(name, key, came)}")
        else:
            lines.append(f"expected {_shown_pairs(name, key, expected)}, got {_shown_pairs(name, key, came)}")
    if not lines:
        return Part(name, ", ".join(short(key) for key in wanted), agrees=True)
    return Part(name, *_limited(lines), agrees=False)


def _shown_pairs(name: str, key: str, values: list[str | None]) -> str:
    """``key=value``, as it is read, not as it is escaped."""
    return "&".join([short(key if value is None else f"{key}={_masked_value(name, key, value)}") for value in values])


def _masked_value(name: str, key: str, value: str) -> str:
    escaped = "".join([f"%{byte:02X}" for byte in key.encode("utf-8", "surrogateescape")])
    pair = f"{escaped}=x"
    masked = REDACTION.query(pair) if name == "params" else REDACTION.body(pair.encode(), FORM).decode()
    return value if masked == pair or not value else MASKED


def _body(wanted: bytes, request: Request) -> Part:
    got = request.body
    if wanted == got:
        return Part("body", _size(got), agrees=True)
    at = first_difference(wanted, got)
    kind = request.headers.first("content-type") or ""
    if any(masked_body(body, kind) != body for body in (wanted, got)):
        return Part("body", f"differs from byte {at} on: {_size(got)}, expected {_size(wanted)}", agrees=False)
    shown = f"expected {_shown_bytes(wanted, at)}, got {_shown_bytes(got, at)}"
    return Part("body", f"differs from byte {at} on: {shown}", agrees=False)


def masked_body(body: bytes, content_type: str) -> bytes:
    """A body as it may be shown: what is a secret in a form is one, whatever the content is said to be."""
    masked = REDACTION.body(body, content_type)
    return REDACTION.body(body, FORM) if masked == body else masked


def first_difference(wanted: bytes | str, got: bytes | str) -> int:
    """Where two texts begin to differ."""
    most = min(len(wanted), len(got))
    return next((at for at in range(most) if wanted[at] != got[at]), most)


def _size(body: bytes) -> str:
    return f"{len(body):,} byte{'' if len(body) == 1 else 's'}"


def _shown_bytes(body: bytes, at: int) -> str:
    start = max(0, at - 10)
    piece = body[start : start + 30]
    if not body[at:]:
        return f"the end after {_size(body)}"
    return f"{'…' if start else ''}{piece!r}{'…' if start + 30 < len(body) else ''}"


def _where(pattern: Pattern, request: Request) -> Part:
    name = getattr(pattern.where, "__name__", "") or type(pattern.where).__name__
    try:
        agrees = pattern.matches_where(request)
    except Exception as error:  # noqa: BLE001  # it is told, not handled
        return Part("where", f"{name} raised {type(error).__name__}", agrees=False)
    return Part("where", name if agrees else f"{name} says no", agrees=agrees)


# JSON


def _json(pattern: Pattern, request: Request) -> Part:
    got = json_of(request)
    if got is UNSET:
        return Part("json", "the body is not JSON" if request.body else "there is no body", agrees=False)
    differences = list(islice(json_differences(pattern.json, got), _DIFFERENCES_MAX + 1))
    if not differences:
        return Part("json", agrees=True)
    try:
        wanted, got = masked_json(pattern.json), masked_json(got)
        return Part("json", *_limited([_unlike_json(wanted, got, *found) for found in differences]), agrees=False)
    except RecursionError:
        return Part("json", "differs, too deep down to be shown", agrees=False)


def masked_json(value: object) -> object:
    """A JSON value of which what is secret is masked; the structure stays."""
    return json.loads(REDACTION.body(json.dumps(value).encode("ascii"), JSON))


def _unlike_json(wanted: object, got: object, path: JSONPath, unmasked: object, came: object) -> str:
    place = path_text(path)
    if came is MISSING:
        return f"{place}   missing, expected {_typed(value_at(wanted, path), unmasked)}"
    if unmasked is MISSING:
        return f"{place}   not expected: {_typed(value_at(got, path), came)}"
    return f"{place}   expected {_typed(value_at(wanted, path), unmasked)}, got {_typed(value_at(got, path), came)}"


def _typed(shown: object, value: object) -> str:
    """A value that may be shown, and the type of the value that it stands for."""
    text = MASKED if shown == MASKED else short(json.dumps(shown, ensure_ascii=False))
    return f"{text} ({_kind(value)})" if value is not None and not isinstance(value, bool) else text


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"
