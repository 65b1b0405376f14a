"""The functions of the package: ``do``, ``get``, ``post`` … on one process-wide client."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fluxhttp._client import Client
from fluxhttp._core.config import checked_config
from fluxhttp.errors import InvalidTypeError

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Unpack

    from fluxhttp._client import CallOptions
    from fluxhttp._core.config import Config
    from fluxhttp._core.response import Response
    from fluxhttp._core.transport import Transport
    from fluxhttp._core.url import URL

_lock = threading.Lock()
_client: Client | None = None


def _default_client() -> Client:
    global _client  # noqa: PLW0603  # the one process-wide default
    client = _client
    if client is None:
        with _lock:
            if _client is None:
                _client = Client()
            client = _client
    return client


def _replacement(transport: Transport | str | None, config: Config | None) -> Client:
    """A client with what is given, and the current one's where nothing is."""
    if transport is None and config is None:
        raise InvalidTypeError("at least one of transport and config must be given")
    # A default client that nobody has used yet has nothing to keep but its transport.
    current = _default_client() if transport is None else _client
    settings = checked_config(config) if config is not None else current.config if current is not None else None
    return Client(current.transport if transport is None and current is not None else transport, config=settings)


def configure(*, transport: Transport | str | None = None, config: Config | None = None) -> None:
    """Sets what the functions of the package use, for the whole process.

    Args:
        transport: an instance, or the name of a registered one; None keeps the current one.
        config: for calls that give none; None keeps the current one.

    Raises:
        InvalidTypeError: neither is given, or one has the wrong type.
        InvalidConfigError: no transport has that name.
    """
    global _client  # noqa: PLW0603  # the one process-wide default
    replacement = _replacement(transport, config)
    with _lock:
        _client = replacement


@contextmanager
def override(*, transport: Transport | str | None = None, config: Config | None = None) -> Generator[None]:
    """The same as ``configure`` inside a ``with`` block, undone at its end.

    Process-wide like ``unittest.mock.patch``: other threads see it, too. A
    transport opened here by name is closed at the end.

    Raises:
        InvalidTypeError, InvalidConfigError: as ``configure``.
    """
    global _client  # noqa: PLW0603  # the one process-wide default
    replacement = _replacement(transport, config)
    with _lock:
        before, _client = _client, replacement
    try:
        yield
    finally:
        with _lock:
            _client = before
        replacement.close()


def _start_anew() -> None:
    # A thread that held the lock does not exist in a child.
    global _lock  # noqa: PLW0603  # the one lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_start_anew)


def do(method: str, url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """Makes a request with the process-wide client, and returns the whole answer.

    Args:
        method: one of DELETE, GET, HEAD, PATCH, POST, PUT.
        url: absolute, http or https.
        options: the keywords ``params``, ``headers``, ``body``, ``json``,
            ``form`` and ``config`` of ``Client.do``.

    Raises:
        InvalidRequestError: an argument cannot be used; nothing was sent.
        TransportError: the exchange failed.
        ResponseError: the answer came, but cannot be returned as asked.
    """
    return _default_client().do(method, url, **options)


def get(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("GET", url, …)``, with its keywords."""
    return _default_client().do("GET", url, **options)


def head(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("HEAD", url, …)``, with its keywords."""
    return _default_client().do("HEAD", url, **options)


def post(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("POST", url, …)``, with its keywords."""
    return _default_client().do("POST", url, **options)


def put(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("PUT", url, …)``, with its keywords."""
    return _default_client().do("PUT", url, **options)


def patch(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("PATCH", url, …)``, with its keywords."""
    return _default_client().do("PATCH", url, **options)


def delete(url: str | URL, **options: Unpack[CallOptions]) -> Response:
    """``do("DELETE", url, …)``, with its keywords."""
    return _default_client().do("DELETE", url, **options)
