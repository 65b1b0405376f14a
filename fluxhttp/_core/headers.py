"""Headers: ordered, case-insensitive, multi-valued (RFC 9110, 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxhttp._core.redaction import redact_headers
from fluxhttp._core.value import Value, draft_of, plain_str, set_field
from fluxhttp.errors import InvalidHeaderError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, TypeAlias

    HeaderSource: TypeAlias = "Mapping[str, str] | Iterable[tuple[str, str]] | None"
    #: Values by lower-case name: a tuple for a name's first line, a list from the second one on.
    Index: TypeAlias = "dict[str, Sequence[str]]"

# token = 1*tchar                                             (RFC 9110, 5.6.2)
# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." /
#         "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_is_token = _token.fullmatch
_begins_as_token = _token.match

# field-value   = *field-content                              (RFC 9110, 5.5)
# field-vchar   = VCHAR / obs-text, so no control byte but HTAB may stand in one.
# Surrogates are no text and cannot go out as UTF-8.
_find_unsendable = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]").search

#: Names already judged, with their lower-case form. Bounded: a peer, or a
#: caller who puts data in names, must not grow it for ever.
known_names: dict[str, str] = {}
_KNOWN_NAMES_MAX = 1024
_KNOWN_NAME_LENGTH_MAX = 64
#: How much of a name an error shows.
_SHOWN_MAX = 64


def lower_name(name: str) -> str | None:
    """The lower-case form of a field name, or None where it is no token."""
    lower = known_names.get(name)
    if lower is None and _is_token(name):
        lower = name.lower()
        if len(known_names) < _KNOWN_NAMES_MAX and len(name) <= _KNOWN_NAME_LENGTH_MAX:
            known_names[name] = lower
    return lower


def checked_value(name: str, value: str) -> str:
    """The value of a field to be sent, without the blanks around it.

    Raises:
        InvalidTypeError: it is not a str.
        InvalidHeaderError: it holds a control character other than TAB, or a
            lone surrogate (decision D6). The text never shows the value.
    """
    if not isinstance(value, str):
        hint = "; decode it" if isinstance(value, bytes | bytearray | memoryview) else ""
        raise InvalidTypeError(f"headers: the value of {_shown(name)} must be a str, not {_type_name(value)}{hint}")
    # Unbound, as a subclass may strip to itself.
    if value.isascii() and value.isprintable():
        return str.strip(value, " ")
    if found := _find_unsendable(value):
        raise InvalidHeaderError(
            f"headers: the value of {_shown(name)} must not contain {found[0]!r} (position {found.start()})"
        )
    return str.strip(value, " \t")


def checked_name(name: object) -> tuple[str, str]:
    """The name of a field to be sent, and its lower-case form.

    Raises:
        InvalidTypeError: it is not a str.
        InvalidHeaderError: it is empty or not a token (RFC 9110, 5.1). The text
            ends at the character at fault: a whole line may have been given as name.
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"headers: a name must be a str, not {_type_name(name)}")
    name = plain_str(name)
    lower = lower_name(name)
    if lower is not None:
        return name, lower
    if not name:
        raise InvalidHeaderError("headers: a name must not be empty")
    begun = _begins_as_token(name)
    place = begun.end() if begun else 0
    after = f" after {_shown(name[:place])}" if begun else ""
    raise InvalidHeaderError(f"headers: a name must be a token, but has {name[place]!r}{after} (position {place})")


def judged_fields(source: HeaderSource) -> list[tuple[tuple[str, str], str]]:
    """Each field to be sent: its pair, and the lower-case form of its name.

    Raises:
        InvalidTypeError, InvalidHeaderError: as of ``Headers``.
    """
    fields: list[tuple[tuple[str, str], str]] = []
    for name, value in header_pairs(source):
        lower = known_names.get(name) if type(name) is str and type(value) is str else None
        if lower is not None and value.isascii() and value.isprintable():
            # What nearly every field is: a name that was judged before, and plain text.
            fields.append(((name, value.strip(" ")), lower))
        else:
            plain, lower = checked_name(name)
            fields.append(((plain, checked_value(plain, value)), lower))
    return fields


def add_value(index: Index, lower: str, value: str) -> None:
    """Adds a line to an index. Lists, where there are many: to make a tuple anew for each takes quadratic time."""
    values = index.get(lower)
    if values is None:
        index[lower] = (value,)
    elif isinstance(values, list):
        values.append(value)
    else:
        index[lower] = [*values, value]


def _tuples(index: Index) -> dict[str, tuple[str, ...]]:
    return {lower: tuple(values) for lower, values in index.items()}


def _shown(name: str) -> str:
    return repr(name if len(name) <= _SHOWN_MAX else f"{name[:_SHOWN_MAX]}...")


def header_pairs(source: HeaderSource, *, argument: str = "headers") -> Iterable[tuple[str, str]]:
    """The (name, value) pairs of whatever a caller may give as headers, unjudged.

    Raises:
        InvalidTypeError: it is neither a mapping nor an iterable of pairs.
    """
    if source is None:
        return ()
    given: object = source
    mapping: Any = source
    if type(given) is dict:
        return mapping.items()  # type: ignore[no-any-return]  # judged field by field
    if isinstance(given, Headers):
        return given.multi_items()
    if isinstance(given, Mapping):
        return mapping.items()  # type: ignore[no-any-return]  # likewise
    if isinstance(source, str | bytes):
        raise InvalidTypeError(f"{argument} must be a mapping or pairs of str, not {_type_name(source)}")
    pairs: list[tuple[str, str]] = []
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
    _index: Index | None

    def __init__(self, source: HeaderSource = None) -> None:
        set_field(self, "_pairs", tuple([pair for pair, _ in judged_fields(source)]))
        set_field(self, "_index", None)

    @classmethod
    def trusted(cls, pairs: Iterable[tuple[str, str]], index: Index | None = None) -> Headers:
        """Headers from pairs that were judged already; ``index`` by lower-case name."""
        headers = _Draft()
        headers._pairs = tuple(pairs)
        headers._index = index
        headers.__class__ = Headers
        return headers

    @property
    def index(self) -> dict[str, Sequence[str]]:
        """The values by lower-case name. Not to be changed."""
        if self._index is not None:
            return self._index
        index: Index = {}
        for name, value in self._pairs:
            add_value(index, name.lower(), value)
        set_field(self, "_index", index)
        return index

    def multi_items(self) -> tuple[tuple[str, str], ...]:
        """Every line as a (name, value) pair, in the order of the wire."""
        return self._pairs

    def get_all(self, name: str) -> tuple[str, ...]:
        """The values of a name, in order; empty if it is absent.

        Raises:
            InvalidTypeError: the name is not a str.
        """
        return tuple(self._values(name))

    def first(self, name: str) -> str | None:
        """The first value of a name, for fields where one value decides (D21)."""
        values = self._values(name)
        return values[0] if values else None

    def _values(self, name: str) -> Sequence[str]:
        if not isinstance(name, str):
            raise InvalidTypeError(f"name must be a str, not {_type_name(name)}")
        return self.index.get(name.lower(), ())

    def __getitem__(self, name: str) -> str:
        values = self.index.get(name.lower()) if isinstance(name, str) else None
        if values is None:
            raise KeyError(name)
        if len(values) == 1:
            return values[0]
        return values[-1] if name.lower() == "set-cookie" else ", ".join(values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.index

    def __iter__(self) -> Iterator[str]:
        seen: set[str] = set()
        for name, _ in self._pairs:
            lower = name.lower()
            if lower not in seen:
                seen.add(lower)
                yield name

    def __len__(self) -> int:
        return len(self.index)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Headers):
            return _tuples(self.index) == _tuples(other.index)
        mapping: Any = other
        if not isinstance(other, Mapping):
            return NotImplemented
        try:
            return _tuples(self.index) == _tuples(Headers(mapping).index)
        except (InvalidHeaderError, InvalidTypeError):
            return False

    def __hash__(self) -> int:
        return hash(frozenset(_tuples(self.index).items()))

    def __repr__(self) -> str:
        return f"Headers({redact_headers(self._pairs)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._pairs,)


def _rebuild(pairs: tuple[tuple[str, str], ...]) -> Headers:
    # Pickle finds a function by its name; cloudpickle would send a bound method's code instead.
    return Headers.trusted(pairs)


_Draft = draft_of(Headers)
