"""What a route may be asked with: judged, and in the form in which it is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from fluxhttp._core.headers import Headers, checked_name, checked_value, header_pairs
from fluxhttp._core.query import encode_form, encode_params
from fluxhttp._core.request import METHODS
from fluxhttp._core.url import URL
from fluxhttp.errors import InvalidConfigError, InvalidMethodError, InvalidTypeError
from fluxhttp.testing.comparing import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeGuard

    from fluxhttp._core.headers import HeaderSource
    from fluxhttp.testing.comparing import Query

    Fields = Mapping[str, str | Sequence[str]]

__tracebackhide__ = True  # pytest shows the line of the test instead


def checked_method(method: object) -> str | None:
    """One of the six, or None."""
    if method is None or (isinstance(method, str) and method in METHODS):
        return method
    if not isinstance(method, str):
        raise InvalidTypeError(f"method must be a str, not {type(method).__name__}")
    raise InvalidMethodError(f"method must be one of {', '.join(sorted(METHODS))}, not {method[:32]!r}")


def checked_base(base_url: object) -> str:
    """A base URL without the slash at its end; "" for none.

    Raises:
        InvalidTypeError, InvalidURLError: it is no URL.
        InvalidConfigError: it has a query or a fragment.
    """
    if not isinstance(base_url, str):
        raise InvalidTypeError(f"base_url must be a str, not {type(base_url).__name__}")
    if base_url and (URL.parse(base_url).query is not None or "#" in base_url):
        raise InvalidConfigError("base_url must not have a query or fragment")
    return base_url.rstrip("/")


def checked_body(body: object) -> bytes:
    """The bytes."""
    content = bytes_of(body)
    if content is not None:
        return content
    hint = "; encode it" if isinstance(body, str) else ""
    raise InvalidTypeError(f"body must be bytes, not {type(body).__name__}{hint}")


def checked_headers(headers: Fields | Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values by lower-case name."""
    found: dict[str, list[str]] = {}
    pairs: object = headers.items() if _is_plain(headers) else header_pairs(cast("HeaderSource", headers))
    for given, values in cast("Iterable[tuple[Any, Any]]", pairs):
        name, lower = checked_name(given)
        found.setdefault(lower, []).extend([checked_value(name, value) for value in _lines(values)])
    return found


def _is_plain(headers: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(headers, Mapping) and not isinstance(headers, Headers)


def _lines(values: object) -> Iterable[Any]:
    is_one = isinstance(values, str) or not isinstance(values, Sequence)
    return [values] if is_one else cast("Sequence[Any]", values)


def listed(argument: str, given: Fields) -> Query:
    """The values of params or a form by key; a key without values is left out."""
    (encode_params if argument == "params" else encode_form)(given)  # which refuses what cannot be sent
    found: Query = {name: [values] if isinstance(values, str) else list(values) for name, values in given.items()}
    return {name: values for name, values in found.items() if values}
