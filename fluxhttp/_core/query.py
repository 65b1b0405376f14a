"""The query string, path segments, forms and basic credentials (rules 1 to 6).

One call of ``str.translate`` encodes one text. Its tables fill themselves as
characters turn up, and stop growing at a bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fluxhttp.errors import InvalidHeaderError, InvalidParamsError, InvalidTypeError, InvalidURLError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from fluxhttp.errors import InvalidRequestError

    Fields: TypeAlias = "Mapping[str, str | Sequence[str]]"

#: The media type of a form.
FORM = "application/x-www-form-urlencoded"

# unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"            (RFC 3986, 2.3)
_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#: Code points a table remembers beyond ASCII: enough for the texts of one
#: language, under 1 MiB. Whoever feeds us texts must not make it hold all of Unicode.
_REMEMBERED_MAX = 4096
#: How much of a key an error shows.
_SHOWN_MAX = 40
_VALUES = "a str or a sequence of str"
_find_surrogate = re.compile("[\ud800-\udfff]").search


class _Escapes(dict[int, str]):
    """What to write for a code point: itself, or its UTF-8 bytes as %XX."""

    __slots__ = ()

    def __missing__(self, code: int) -> str:
        # A lone surrogate has no UTF-8 form: UnicodeEncodeError.
        text = "".join([f"%{byte:02X}" for byte in chr(code).encode()])
        if code < 0x80 or len(self) < _REMEMBERED_MAX:
            self[code] = text
        return text


_QUERY = _Escapes({ord(char): char for char in _UNRESERVED} | {0x20: "+"})
#: The same for ASCII, of which each has its entry: a plain dict is looked up in half the time.
_QUERY_ASCII = {code: _QUERY[code] for code in range(0x80)}
# As Go's url.PathEscape: what may stand in a segment as it is (rule 5).
_SEGMENT = _Escapes({ord(char): char for char in _UNRESERVED + "$&+=:@"})


def encode_params(params: Fields) -> str:
    """The query string of ``params``, without a question mark (rules 1 to 4).

    Keys are sorted by code point, which is the order of their UTF-8 bytes; the
    values of a key keep their order. A space becomes ``+``; letters, digits and
    ``- . _ ~`` stay; each other byte of the UTF-8 form becomes ``%XX``. A key
    without values adds nothing.

    Args:
        params: a mapping of str to a sequence of str; a bare str is one value.

    Raises:
        InvalidTypeError: it is no mapping, or a key or value is not a str.
            Numbers and None are not converted: there is no one text for them.
        InvalidParamsError: a key or value has a lone surrogate, which has no
            UTF-8 form. The text never shows a value (decision D19).
    """
    return _encode(params, "params", keep_order=False)


def encode_form(form: Fields) -> bytes:
    """``form`` as application/x-www-form-urlencoded.

    As ``encode_params``, but the keys stay in the order of the mapping.

    Raises:
        InvalidTypeError: as for ``encode_params``.
        InvalidParamsError: as for ``encode_params``.
    """
    return _encode(form, "form", keep_order=True).encode("ascii")


def path_escape(text: str) -> str:
    """``text`` as one segment of a path (RFC 3986, 3.3; rule 5).

    Letters, digits and ``- . _ ~ $ & + = : @`` stay; each other byte of the
    UTF-8 form becomes ``%XX``, that of the slash too. ``.`` and ``..`` have no
    escaped form and come back unchanged: they still climb.

    Raises:
        InvalidTypeError: ``text`` is not a str.
        InvalidURLError: it has a lone surrogate.
    """
    _check_text(text, "text", InvalidURLError)
    return text.translate(_SEGMENT)


def basic_auth(username: str, password: str) -> str:
    """The value of Authorization for basic credentials (RFC 7617, 2; rule 6).

    Both are sent as UTF-8. A colon in ``username`` is let through, as in Flux,
    though the peer takes what follows it for the password.

    Raises:
        InvalidTypeError: one of them is not a str.
        InvalidHeaderError: one of them has a lone surrogate. The text shows
            neither (decision D19).
    """
    _check_text(username, "username", InvalidHeaderError)
    _check_text(password, "password", InvalidHeaderError)
    return basic_auth_bytes(username.encode(), password.encode())


def basic_auth_bytes(username: bytes, password: bytes) -> str:
    """As ``basic_auth``, for credentials that need not be text, as in a URL's userinfo."""
    # Local: most calls send no credentials, and importing stays cheap.
    from binascii import b2a_base64

    return "Basic " + b2a_base64(b"%b:%b" % (username, password), newline=False).decode("ascii")


def _encode(fields: Fields, argument: str, *, keep_order: bool) -> str:
    given: object = fields
    if type(given) is not dict and not isinstance(given, Mapping):  # the first spares the second its look-up
        raise InvalidTypeError(f"{argument} must be a mapping of str to a sequence of str, not {_type_name(given)}")
    try:
        return _joined(fields, keep_order=keep_order)
    except (TypeError, UnicodeEncodeError):
        _check_fields(fields, argument)  # the fast path does not say which item it stumbled over
        raise


def _joined(fields: Fields, *, keep_order: bool) -> str:
    # Unbound: TypeError for what is not a str.
    translate, is_alphanumeric, is_ascii = str.translate, str.isalnum, str.isascii
    table, ascii_table = _QUERY, _QUERY_ASCII
    pairs: list[str] = []
    for key in fields if keep_order else sorted(fields):
        # ASCII letters and digits stay, which most keys and many values are made of.
        if is_ascii(key):
            name = key if is_alphanumeric(key) and type(key) is str else translate(key, ascii_table)
        else:
            name = translate(key, table)
        values = fields[key]
        # By exact type first: a third faster than isinstance alone.
        kind = type(values)
        if isinstance(values, str):
            values = (values,)
        elif kind is not list and kind is not tuple:
            values = _sequence(values)
        for value in values:
            if is_ascii(value):
                text = value if is_alphanumeric(value) and type(value) is str else translate(value, ascii_table)
            else:
                text = translate(value, table)
            pairs.append(f"{name}={text}")
    return "&".join(pairs)


def _sequence(values: Sequence[str]) -> Sequence[str]:
    if _is_sequence(values):
        return values
    raise TypeError


def _is_sequence(values: object) -> bool:
    """Whether the items of ``values`` have an order and may be texts."""
    return isinstance(values, Sequence) and not isinstance(values, bytes | bytearray | memoryview)


def _check_fields(fields: Fields, argument: str) -> None:
    """Raises for the first key or value that cannot be encoded."""
    for position, (key, values) in enumerate(fields.items()):
        _check_text(key, f"{argument}: the key at position {position}", InvalidParamsError)
        shown = repr(key if len(key) <= _SHOWN_MAX else f"{key[:_SHOWN_MAX]}...")
        if isinstance(values, str) or not _is_sequence(values):
            _check_text(values, f"{argument}: the value of {shown}", InvalidParamsError, _VALUES)
        else:
            for index, value in enumerate(values):
                _check_text(value, f"{argument}: value {index} of {shown}", InvalidParamsError)


def _check_text(text: object, name: str, error: type[InvalidRequestError], wanted: str = "a str") -> None:
    # From None: what stopped the fast path says less.
    if not isinstance(text, str):
        raise InvalidTypeError(f"{name} must be {wanted}, not {_type_name(text)}; {_remedy(text, wanted)}") from None
    if found := _find_surrogate(text):
        raise error(f"{name} must not contain a lone surrogate (position {found.start()})") from None


def _remedy(value: object, wanted: str) -> str:
    """What the caller can do about a value of the wrong type."""
    if value is None:
        return "leave it out or pass ''"
    if isinstance(value, bytes | bytearray | memoryview):
        return "decode it"
    if wanted is _VALUES and hasattr(value, "__iter__"):
        return "pass a list"
    return "convert it with str()"


def _type_name(value: object) -> str:
    return "None" if value is None else type(value).__name__
