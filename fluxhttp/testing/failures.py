"""How a failure stands in a recording, and comes out of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import errors
from fluxhttp.errors import ResponseError, TransportError

if TYPE_CHECKING:
    from fluxhttp.errors import FluxHTTPError
    from fluxhttp.testing.har import JSON, Node

#: What a failure has beside its text: the attribute, its name in the file, and the types it may have.
_FIELDS: tuple[tuple[str, str, tuple[type, ...]], ...] = (
    ("phase", "phase", (str,)),
    ("maybe_sent", "maybeSent", (bool,)),
    ("received", "received", (int,)),
    ("expected", "expected", (int, type(None))),
    ("limit", "limit", (str,)),
    ("allowed", "allowed", (int,)),
)
_PHASES = frozenset({"dns", "connect", "proxy", "tls", "send", "head", "body"})


def _classes(base: type[FluxHTTPError]) -> dict[str, type[FluxHTTPError]]:
    return {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, base)}


#: What a transport may raise for an exchange, by name.
_REPLAYED = _classes(TransportError) | _classes(ResponseError)


def failure_json(error: FluxHTTPError) -> JSON:
    """A failure as it is stored. Its text shows no secret (decision D19)."""
    kind = next(kind.__name__ for kind in type(error).__mro__ if _REPLAYED.get(kind.__name__) is kind)
    made: JSON = {"type": kind, "text": str(error)}
    for attribute, name, types in _FIELDS:
        value = getattr(error, attribute, None)
        if isinstance(value, types) and hasattr(error, attribute):
            made[name] = value
    return made


class Failure:
    """A failure that was recorded; ``error`` makes it anew."""

    __slots__ = ("_attributes", "_kind", "_text")

    def __init__(self, node: Node) -> None:
        name = node.text("type")
        if name not in _REPLAYED:
            raise node.child("type").wrong(f"must be an error of the network, not {name[:32]!r}")
        self._kind = _REPLAYED[name]
        self._text = node.text("text")
        self._attributes: dict[str, object] = {}
        blank = self._kind()
        for attribute, key, types in _FIELDS:
            if not hasattr(blank, attribute) or not node.has(key):
                continue
            found = node.child(key)
            is_right = isinstance(found.value, types) and isinstance(found.value, bool) == (bool in types)
            if not is_right or (attribute == "phase" and found.value not in _PHASES):
                raise found.wrong("is none that the error can have")
            self._attributes[attribute] = found.value

    @property
    def is_timeout(self) -> bool:
        """Whether the time was over."""
        return issubclass(self._kind, errors.RequestTimeoutError)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._kind.__name__

    def error(self) -> FluxHTTPError:
        """The error, as new."""
        error = self._kind(self._text)
        vars(error).update(self._attributes)
        return error
