"""A certificate authority for the tests, and servers it vouches for. All made at run time."""

from __future__ import annotations

import atexit
import contextlib
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from fluxhttp import Dialer
from tests.peers import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from fluxhttp import Client
    from tests.peers import Peer

#: Sends every name to loopback.
LOOPBACK = Dialer(resolver=lambda host: ["127.0.0.1"])
NAMES = ("127.0.0.1", "::1", "a.test", "*.wild.test")


@cache
def authority() -> trustme.CA:
    """The one that ``ca_file`` holds."""
    return trustme.CA()


@cache
def ca_file() -> str:
    """Path of the authority's certificate in PEM form."""
    folder = tempfile.TemporaryDirectory(prefix="fluxhttp-ca-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def server_context(
    *names: str, ca: trustme.CA | None = None, not_after: datetime | None = None, not_before: datetime | None = None
) -> ssl.SSLContext:
    """The context of a server with a certificate for these names, or for ``NAMES``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = (ca or authority()).issue_cert(*(names or NAMES), not_after=not_after, not_before=not_before)
    certificate.configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    """A caller's own context that trusts the authority."""
    return ssl.create_default_context(cafile=ca_file())


@contextlib.contextmanager
def trusting(peer: Peer, **options: object) -> Iterator[Client]:
    """A client that trusts the authority and connects every host on loopback."""
    options.setdefault("ca_file", ca_file())
    with opened(dialer=LOOPBACK, **options) as client:
        yield client


def https(peer: Peer, host: str = "127.0.0.1") -> str:
    return f"https://{host}:{peer.port}/"
