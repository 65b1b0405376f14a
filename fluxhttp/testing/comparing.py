"""The forms in which the parts of a request are compared: paths, queries, forms, JSON."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, cast

from fluxhttp._core.request import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fluxhttp._core.request import Request

    Query = dict[str, list[str | None]]
    #: The same, which can be a key itself.
    QueryKey = frozenset[tuple[str, tuple[str | None, ...]]]
    #: From the root of a JSON value to one within it.
    JSONPath = tuple[str | int, ...]

_escape = re.compile(r"%([0-9A-Fa-f]{2})")
_byte_escape = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_is_plain_key = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
#: Queries whose key is remembered.
_QUERIES_MAX = 4096


class Missing:
    """The type of MISSING, which stands for a value that is not there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def bytes_of(value: object) -> bytes | None:
    """The bytes of what is bytes, bytearray or memoryview; None for anything else."""
    return bytes(cast("bytes", value)) if isinstance(value, bytes | bytearray | memoryview) else None


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
    # Bytes that are no UTF-8 stay apart from one another.
    raw = text.encode("utf-8", "surrogateescape")
    return _byte_escape.sub(lambda found: bytes([int(found[1], 16)]), raw).decode("utf-8", "surrogateescape")


def key_of(query: Query) -> QueryKey:
    """A query to look up: the order of its keys is free, that of the values of a key is not."""
    return frozenset((key, tuple(values)) for key, values in query.items())


@lru_cache(maxsize=_QUERIES_MAX)
def query_key(query: str) -> QueryKey:
    """The same, of its text."""
    return key_of(parse_query(query))


def lines_of(request: Request, name: str) -> list[str]:
    """The values of a field, by its lower-case name.

    Without the index of the fields: to make it costs more than to look at them.
    """
    return [value for key, value in request.headers.multi_items() if key.lower() == name]


def json_of(request: Request) -> object:
    """The content as JSON; UNSET if it is none."""
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return UNSET


def form_of(request: Request) -> Query:
    """The content as an urlencoded form."""
    return parse_query(request.body.decode("utf-8", "surrogateescape"))


def json_key(content: bytes) -> str | None:
    """JSON to look up: it is equal for values that are the same; None for what is none, or is nested too deep."""
    try:
        return _canonical(json.loads(content, parse_float=_number))
    except (ValueError, RecursionError):
        return None


_canonical = json.JSONEncoder(sort_keys=True).encode


def _number(text: str) -> float:
    """1.0 is 1."""
    value = float(text)
    return int(value) if value.is_integer() else value


def same_json(wanted: object, got: object) -> bool:
    """Whether two JSON values are equal, by type too; 1 is 1.0."""
    return next(json_differences(wanted, got), None) is None


def json_differences(wanted: object, got: object) -> Iterator[tuple[JSONPath, object, object]]:
    """Where two JSON values differ: the path, and what stands there in each; MISSING for nothing."""
    waiting: list[tuple[JSONPath, object, object]] = [((), wanted, got)]
    while waiting:
        path, wanted, got = waiting.pop()
        if isinstance(wanted, dict) and isinstance(got, dict):
            ours, theirs = cast("dict[str, object]", wanted), cast("dict[str, object]", got)
            keys = [*ours, *(key for key in theirs if key not in ours)]
            below = [((*path, key), ours.get(key, MISSING), theirs.get(key, MISSING)) for key in keys]
            waiting += below[::-1]
        elif isinstance(wanted, list) and isinstance(got, list):
            pairs = zip_longest(cast("list[object]", wanted), cast("list[object]", got), fillvalue=MISSING)
            waiting += [((*path, index), *pair) for index, pair in enumerate(pairs)][::-1]
        elif not _is_same(wanted, got):  # pyright: ignore[reportUnknownArgumentType]  # whatever json.loads made
            yield path, wanted, got


def _is_same(wanted: object, got: object) -> bool:
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return wanted == got
    return type(wanted) is type(got) and wanted == got


def path_text(path: JSONPath) -> str:
    """A path as it is written: ``$.items[2]["a b"]``."""
    parts = ["$"]
    for step in path:
        if isinstance(step, str) and _is_plain_key(step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return "".join(parts)


def value_at(value: object, path: JSONPath) -> object:
    """What stands at a path; MISSING for nothing."""
    found: Any = value
    for step in path:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return found
