"""What a whole process shares: its environment, and its filters of warnings. One case at a time has them."""

from __future__ import annotations

import os
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

#: What clients are known to look at.
_LOOKED_AT = (
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NETRC",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "REQUEST_METHOD",
    "SSLKEYLOGFILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)

_environment_lock = threading.Lock()
_warnings_lock = threading.Lock()


@contextmanager
def caught_warnings() -> Generator[list[warnings.WarningMessage]]:
    """Collects every warning given inside, in whatever thread, and shows none."""
    with _warnings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


@contextmanager
def environment(**variables: str) -> Generator[None]:
    """These variables and no others of those that clients look at, in upper or lower case."""
    with _environment_lock:
        names = {*_LOOKED_AT, *(name.lower() for name in _LOOKED_AT), *variables}
        before = {name: os.environ.pop(name, None) for name in names}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
