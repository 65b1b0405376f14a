"""Certificates, made at run time with trustme: none is checked in, none expires."""

from __future__ import annotations

import atexit
import ssl
import tempfile
from functools import cache
from pathlib import Path

import trustme

#: The names that cases use.
NAMES = ("127.0.0.1", "localhost", "origin.test", "other.test", "*.origin.test")


class Authority:
    """A certificate authority, and one server certificate of it.

    Attributes:
        ca_file: path of its certificate in PEM form.
    """

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._server = self._authority.issue_cert(*NAMES)
        self._folder = tempfile.TemporaryDirectory(prefix="fluxhttp-ca-")
        atexit.register(self._folder.cleanup)
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        self._authority.cert_pem.write_to_path(self.ca_file)

    def server_context(self) -> ssl.SSLContext:
        """The context of a server with that certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """The one authority of this process."""
    return Authority()
