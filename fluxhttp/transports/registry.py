"""From a name to a transport, through the entry points group ``fluxhttp.transports``.

The three names of our own come from a table: reading the metadata of every
installed distribution costs ten milliseconds and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fluxhttp.errors import InvalidConfigError, InvalidTypeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp._core.transport import Transport

GROUP = "fluxhttp.transports"
_OURS = {
    "stdlib": ("fluxhttp.transports.stdlib", "StdlibTransport"),
    "fake": ("fluxhttp.testing.fake", "FakeTransport"),
    "urllib3": ("fluxhttp.transports.urllib3", "Urllib3Transport"),
}


def open_transport(name: str, /, **options: Any) -> Transport:
    """A new transport of a registered kind.

    Args:
        name: as registered in the entry points group ``fluxhttp.transports``.
        options: passed on to the transport.

    Raises:
        InvalidTypeError: the name is not a str, or an option is unknown.
        InvalidConfigError: no transport has that name, or it cannot be loaded, for
            what it needs is not installed.
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"a transport's name must be a str, not {type(name).__name__}")
    factory = _find(name)
    try:
        return factory(**options)
    except TypeError as error:
        if isinstance(error, InvalidTypeError):
            raise
        raise InvalidTypeError(f"transport {name!r}: {error}") from error


def _find(name: str) -> Callable[..., Transport]:
    """What is registered under a name: a class, or a function that returns a transport.

    Raises:
        InvalidConfigError: as ``open_transport``.
    """
    from importlib import import_module

    ours = _OURS.get(name)
    try:
        if ours is not None:
            return cast("Callable[..., Transport]", getattr(import_module(ours[0]), ours[1]))
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP, name=name):
            return cast("Callable[..., Transport]", entry.load())
    except ModuleNotFoundError as error:
        raise InvalidConfigError(f"transport {name!r} needs a package that is not installed: {error.name}") from error
    except (ImportError, AttributeError) as error:
        raise InvalidConfigError(f"transport {name!r} cannot be loaded: {error}") from error
    raise InvalidConfigError(f"no transport is registered as {name[:64]!r}; there are {', '.join(registered_names())}")


def registered_names() -> list[str]:
    """The names of all transports registered in this environment, sorted."""
    from importlib.metadata import entry_points

    return sorted({*_OURS, *(entry.name for entry in entry_points(group=GROUP))})
