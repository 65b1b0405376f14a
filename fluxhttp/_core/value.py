"""The base of every value: frozen, slotted, compared and pickled by its fields.

A frozen dataclass would say the same, but ``dataclasses`` imports ``inspect``
and with it a third of the whole start-up budget (docs/adr/0004).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, NoReturn, Self, TypeVar

    _V = TypeVar("_V", bound="Value")

#: Sets a field from within a constructor: ``set_field(self, "name", value)``.
set_field: Callable[[object, str, object], None] = object.__setattr__


def draft_of(cls: type[_V]) -> Callable[[], _V]:
    """A mutable twin of a value class, for values made on the path of every call.

    ``set_field`` costs six times a plain assignment. A draft is filled by
    assignments and then becomes the value, for the two have the same layout::

        draft = _Draft()
        draft.scheme = "http"
        draft.__class__ = URL
    """
    # Both methods, for they share one slot of the type: with one of ours left, each assignment would go through it.
    plain = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    twin: Any = type(f"{cls.__name__}Draft", (Value,), {"__slots__": cls.__slots__, **plain})
    return twin  # type: ignore[no-any-return]  # to a type checker its instances are of the value class


def plain_str(text: str) -> str:
    """The text as an exact str: what a subclass, such as an Enum, formats to may be another text."""
    return text if type(text) is str else str.__str__(text)


def restore(cls: type[Value], values: tuple[Any, ...]) -> Value:
    """Rebuilds a value from its fields, for pickle; nothing is validated again."""
    value = cls.__new__(cls)
    for name, field in zip(cls._fields, values, strict=True):
        set_field(value, name, field)
    return value


class Value:
    """A frozen value.

    ``_fields`` are pickled and shown, and those not in ``_uncompared`` are
    compared. A subclass names each field in ``__slots__`` and sets it with
    ``set_field`` in its constructor.
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()
    _uncompared: ClassVar[frozenset[str]] = frozenset()

    def _key(self) -> tuple[Any, ...]:
        skip = self._uncompared
        return tuple([getattr(self, name) for name in self._fields if name not in skip])

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        same: Any = other
        return self is other or bool(self._key() == same._key())

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields if not name.startswith("_"))
        return f"{type(self).__name__}({fields})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; {name!r} cannot be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), tuple([getattr(self, name) for name in self._fields]))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self
