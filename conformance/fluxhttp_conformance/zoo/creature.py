"""Creature: a transport, or a client, with one fault on purpose."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, TypeVar

from fluxhttp_conformance.target import Target
from fluxhttp_conformance.zoo.wire import HeadWire, Wire
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fluxhttp import FluxHTTPError

    _Edit = Callable[[bytes], bytes]

_C = TypeVar("_C", bound="type[Any]")

_zoo: dict[str, Creature] = {}
_ends_word = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Creature:
    """One fault, and who must find it.

    Attributes:
        name: what it does, in words with hyphens.
        description: the same as a sentence.
        like: the library, advisory or line of code that is known for it, "" for none.
        caught_by: the ids of the cases that must fail on it.
        factory: the class that has the fault.
        target: how the suite opens it.
    """

    __slots__ = ("caught_by", "description", "factory", "like", "name", "target")

    def __init__(self, name: str, factory: type[Any], *, caught_by: tuple[str, ...], like: str) -> None:
        self.name: str = name
        self.description: str = inspect.cleandoc(factory.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        self.like: str = like
        self.caught_by: tuple[str, ...] = caught_by
        self.factory: type[Any] = factory
        self.target: Target = Target.of(f"fluxhttp_conformance.zoo:{name}", factory)

    def __repr__(self) -> str:
        return f"<Creature {self.name}>"


def creatures() -> dict[str, Creature]:
    """Every creature by its name, sorted."""
    package = import_module("fluxhttp_conformance.zoo")
    for module in iter_modules(package.__path__):
        import_module(f"fluxhttp_conformance.zoo.{module.name}")
    return {name: _zoo[name] for name in sorted(_zoo)}


def _keep(factory: type[Any], *, caught_by: tuple[str, ...], like: str) -> None:
    name = _ends_word.sub("-", factory.__name__).replace("_", "-").lower()
    if name in _zoo or not caught_by or not factory.__doc__:
        raise ValueError(f"the creature {name} is there already, is caught by nothing, or says not what it does")
    _zoo[name] = Creature(name, factory, caught_by=caught_by, like=like)


def creature(*caught_by: str, like: str = "") -> Callable[[_C], _C]:
    """Keeps a class: a ``Wrapper``, a ``Client``, or the wire or answer that is a wrapper's one fault."""

    def keep(cls: _C) -> _C:
        factory: type[Any] = cls
        if issubclass(cls, Wire):
            factory = type(cls.__name__, (Wrapper,), {"__doc__": cls.__doc__, "wire": cls})
        elif issubclass(cls, Answer):
            factory = type(cls.__name__, (Wrapper,), {"__doc__": cls.__doc__, "answers": cls})
        _keep(factory, caught_by=caught_by, like=like)
        return cls

    return keep


def _keeps_wire(base: type[Wire], method: str, caught_by: tuple[str, ...], like: str) -> Callable[[_Edit], _Edit]:
    def keep(function: _Edit) -> _Edit:
        creature(*caught_by, like=like)(
            type(function.__name__, (base,), {"__doc__": function.__doc__, method: staticmethod(function)})
        )
        return function

    return keep


def reads_heads(*caught_by: str, like: str = "") -> Callable[[_Edit], _Edit]:
    """Keeps a function as a fault: what it makes of each head is what the reader sees."""
    return _keeps_wire(HeadWire, "edit", caught_by, like)


def ends_heads(*caught_by: str, like: str = "") -> Callable[[_Edit], _Edit]:
    """Keeps a function as a fault: what it makes of a head that was cut is what the reader sees."""
    return _keeps_wire(HeadWire, "cut", caught_by, like)


def writes(*caught_by: str, like: str = "") -> Callable[[_Edit], _Edit]:
    """Keeps a function as a fault: what it makes of a request, head and small body, goes out."""
    return _keeps_wire(Wire, "sent", caught_by, like)


def fails_as(*caught_by: str, like: str = "") -> Callable[[Callable[[FluxHTTPError], Exception]], object]:
    """Keeps a function as a fault: what it makes of an error is raised."""

    def keep(function: Callable[[FluxHTTPError], Exception]) -> object:
        failed = staticmethod(function)
        factory = type(function.__name__, (Wrapper,), {"__doc__": function.__doc__, "failed": failed})
        _keep(factory, caught_by=caught_by, like=like)
        return function

    return keep
