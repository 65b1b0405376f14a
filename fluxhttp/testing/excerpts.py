"""The body of a request as a message shows it: masked, in one line, and if it is long, cut at the difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fluxhttp._core.request import UNSET
from fluxhttp.testing.comparing import MISSING, json_differences, json_of, value_at
from fluxhttp.testing.differences import first_difference, masked_body, shown_text
from fluxhttp.testing.masking import MASKED, MASKED_ESCAPED

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp._core.request import Request
    from fluxhttp.testing.comparing import JSONPath
    from fluxhttp.testing.matching import Pattern

#: Characters that are shown, and how many of them before the difference; bytes of what is no text.
_TEXT_MAX = 300
_BEFORE_MAX = 100
_BINARY_MAX = 16
#: Stands where two JSON texts differ; a private character, which no text has by accident.
_MARK = "\ue000"


def body_lines(request: Request, pattern: Pattern) -> list[str]:
    """The body, in one line; none if it is empty.

    Args:
        request: whose body it is.
        pattern: what it is compared with, to be cut where the two differ.
    """
    if not request.body:
        return []
    masked = masked_body(request.body, request.headers.first("content-type") or "")
    try:
        text, at = _as_json(masked, request, pattern) or _as_text(masked, pattern)
    except UnicodeDecodeError:
        more = " …" if len(masked) > _BINARY_MAX else ""
        return [f"{len(masked):,} bytes that are no text: {masked[:_BINARY_MAX].hex(' ')}{more}"]
    if len(text) <= _TEXT_MAX:
        return [shown_text(text)]
    start = max(0, min(at - _BEFORE_MAX, len(text) - _TEXT_MAX))
    end = start + _TEXT_MAX
    piece = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    return [f"{shown_text(piece)} ({len(text):,} characters)"]


def _as_text(masked: bytes, pattern: Pattern) -> tuple[str, int]:
    """The text, and where it differs."""
    text = masked.decode("utf-8").replace(MASKED_ESCAPED, MASKED)
    wanted = "" if pattern.body is None else pattern.body.decode("utf-8", "replace")
    return text, first_difference(wanted, text)


def _as_json(masked: bytes, request: Request, pattern: Pattern) -> tuple[str, int] | None:
    """The same of an object or array; None if it is none, or too deep."""
    try:
        value: Any = json.loads(masked)
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    if text[0] not in "{[":
        return None
    if pattern.json is UNSET:
        return text, 0
    path = next((path for path, _, _ in json_differences(pattern.json, json_of(request))), ())
    return text, _offset(value, path)


def _offset(value: Any, path: JSONPath) -> int:
    """Where in its text what stands at a path begins, or what encloses it if there is nothing."""
    while path and value_at(value, path) is MISSING:
        path = path[:-1]
    if not path:
        return 0
    around: Any = value_at(value, path[:-1])
    around[path[-1]] = _MARK
    return json.dumps(value, ensure_ascii=False).find(_MARK) - 1
