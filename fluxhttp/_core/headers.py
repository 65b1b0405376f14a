"""Headers: ordered, case-insensitive, multi-valued (RFC 9110, 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxhttp._core.redaction import redact_headers
from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidHeaderError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    HeaderSource: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]] | None"

# token = 1*tchar                                             (RFC 9110, 5.6.2)
# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
#         "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch

# field-value   = *field-content                              (RFC 9110, 5.5)
# field-vchar   = VCHAR / obs-text, so no control byte but HTAB may stand in one.
# Surrogates are no text and cannot go out as UTF-8.
_find_unsendable = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]").search

#: Names already judged, with their lower-case form. Bounded: a peer, or a
#: caller who puts data in names, must not grow it for ever.
_known_names: dict[str, str] = {}
_KNOWN_NAMES_MAX = 1024
_KNOWN_NAME_LENGTH_MAX = 64


def lower_name(name: str) -> str | None:
    """The lower-case form of a field name, or None where it is no token."""
    lower = _known_names.get(name)
    if lower is None and _is_token(name):
        lower = name.lower()
        if len(_known_names) < _KNOWN_NAMES_MAX and len(name) <= _KNOWN_NAME_LENGTH_MAX:
            _known_names[name] = lower
    return lower


def checked_value(name: str, value: str) -> str:
    """The value of a field to be sent, without the blanks around it.

    Raises:
        InvalidTypeError: it is not a str.
        InvalidHeaderError: it holds a control character other than TAB, or a
            lone surrogate (decision D6). The text never shows the value.
    """
    try:
        if value.isprintable() and value.isascii():
            return value.strip(" ")
    except AttributeError:
        raise InvalidTypeError(f"headers: the value of {name!r} must be a str, not {_type_name(value)}") from None
    if not isinstance(value, str):
        raise InvalidTypeError(f"headers: the value of {name!r} must be a str, not {_type_name(value)}; decode it")
    if found := _find_unsendable(value):
        raise InvalidHeaderError(
            f"headers: the value of {name!r} must not contain {found[0]!r} (position {found.start()})"
        )
    return value.strip(" \t")


def checked_name(name: object) -> str:
    """The lower-case form of the name of a field to be sent.

    Raises:
        InvalidTypeError: it is not a str.
        InvalidHeaderError: it is empty or not a token (RFC 9110, 5.1).
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"headers: a name must be a str, not {_type_name(name)}")
    lower = lower_name(name)
    if lower is not None:
        return lower
    if not name:
        raise InvalidHeaderError("headers: a name must not be empty")
    place, char = next((i, c) for i, c in enumerate(name) if not _is_token(c))
    raise InvalidHeaderError(f"headers: a name must be a token, but {name[:64]!r} has {char!r} (position {place})")


def header_pairs(source: HeaderSource, *, argument: str = "headers") -> Iterable[tuple[str, str]]:
    """The (name, value) pairs of whatever a caller may give as headers, unjudged.

    Raises:
        InvalidTypeError: it is neither a mapping nor an iterable of pairs.
    """
    if source is None:
        return ()
    if isinstance(source, Headers):
        return source.multi_items()
    if isinstance(source, Mapping):
        return source.items()
    if isinstance(source, str | bytes):
        raise InvalidTypeError(f"{argument} must be a mapping or pairs of str, not {_type_name(source)}")
    pairs = []
    try:
        for pair in source:
            if isinstance(pair, str | bytes):
                raise TypeError
            name, value = pair
            pairs.append((name, value))
    except (TypeError, ValueError):
        raise InvalidTypeError(f"{argument} must be a mapping or pairs of str, not {_type_name(source)}") from None
    return pairs


def _type_name(value: object) -> str:
    return type(value).__name__


class Headers(Value, Mapping[str, str]):
    """The fields of a message, in order, under names in any case.

    As a mapping it has one entry a distinct name, in the order and spelling
    first met. ``h["name"]`` joins the values of that name with ``", "``
    (RFC 9110, 5.3), except for Set-Cookie, which cannot be joined: its last
    line counts. ``get_all`` and ``multi_items`` show every line.

    Two Headers are equal if each name has the same values in the same order;
    the order of different names and the case of names do not count
    (RFC 9110, 5.3). A Headers also compares with a plain mapping.

    Args:
        source: a mapping of str to str, or pairs of str.

    Raises:
        InvalidTypeError: a name or value is not a str.
        InvalidHeaderError: a name is not a token, or a value holds a control
            character other than TAB.
    """

    __slots__ = ("_index", "_pairs")
    _fields = ("_pairs",)

    _pairs: tuple[tuple[str, str], ...]
    _index: dict[str, list[str]] | None

    def __init__(self, source: HeaderSource = None) -> None:
        pairs = []
        for name, value in header_pairs(source):
            checked_name(name)
            pairs.append((name, checked_value(name, value)))
        set_field(self, "_pairs", tuple(pairs))
        set_field(self, "_index", None)

    @classmethod
    def trusted(cls, pairs: Iterable[tuple[str, str]], index: dict[str, list[str]] | None = None) -> Headers:
        """Headers from pairs that were judged already; ``index`` by lower-case name."""
        headers = cls.__new__(cls)
        set_field(headers, "_pairs", tuple(pairs))
        set_field(headers, "_index", index)
        return headers

    @property
    def index(self) -> dict[str, list[str]]:
        """The values by lower-case name. Not to be changed."""
        index = self._index
        if index is None:
            index = {}
            for name, value in self._pairs:
                index.setdefault(name.lower(), []).append(value)
            set_field(self, "_index", index)
        return index

    def multi_items(self) -> tuple[tuple[str, str], ...]:
        """Every line as a (name, value) pair, in the order of the wire."""
        return self._pairs

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of a name, in order; empty if it is absent."""
        return tuple(self.index.get(name.lower(), ()))

    def first(self, name: str) -> str | None:
        """The first value of a name, for fields where one value decides (D21)."""
        values = self.index.get(name.lower())
        return values[0] if values else None

    def __getitem__(self, name: str) -> str:
        try:
            lower = name.lower()
            values = self.index[lower]
        except (KeyError, AttributeError):
            raise KeyError(name) from None
        if len(values) == 1:
            return values[0]
        return values[-1] if lower == "set-cookie" else ", ".join(values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.index

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for name, _ in self._pairs:
            lower = name.lower()
            if lower not in seen:
                seen.add(lower)
                yield name

    def __len__(self) -> int:
        return len(self.index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            if not isinstance(other, Mapping):
                return NotImplemented
            try:
                other = Headers(other)
            except (InvalidHeaderError, InvalidTypeError):
                return False
        return self.index == other.index

    def __hash__(self) -> int:
        return hash(frozenset((name, tuple(values)) for name, values in self.index.items()))

    def __repr__(self) -> str:
        return f"Headers({redact_headers(self._pairs)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Headers.trusted, (self._pairs,)
