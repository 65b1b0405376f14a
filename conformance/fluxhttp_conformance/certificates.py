"""Certificates, made at run time with trustme: none is checked in, none expires."""

from __future__ import annotations

import atexit
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from typing import Any

#: The names that cases use.
NAMES = ("127.0.0.1", "localhost", "origin.test", "other.test", "*.origin.test")


class Handshake(NamedTuple):
    """What a client asked for in a handshake that succeeded.

    Attributes:
        server_name: the name it sent (RFC 6066, 3), None for none.
        protocol: the one it agreed to of ``h2`` and ``http/1.1`` (RFC 7301), None for none.
        version: of TLS, for instance "TLSv1.3".
    """

    server_name: str | None
    protocol: str | None
    version: str | None


class Authority:
    """A certificate authority, and one server certificate of it.

    Args:
        names: what the certificate is for.
        common_name: a name in the certificate's subject.

    Attributes:
        ca_file: path of its certificate in PEM form.
    """

    def __init__(self, *names: str, common_name: str | None = None) -> None:
        import trustme  # noqa: PLC0415  # for cases about TLS alone, so that the others run without it

        self._authority = trustme.CA()
        self._server = self._authority.issue_cert(*names, common_name=common_name)
        self._folder = tempfile.TemporaryDirectory(prefix="fluxhttp-ca-")
        atexit.register(self._folder.cleanup)
        self.ca_file: str = str(Path(self._folder.name) / "ca.pem")
        self._authority.cert_pem.write_to_path(self.ca_file)

    def server_context(self, handshakes: list[Handshake] | None = None) -> ssl.SSLContext:
        """The context of a server with that certificate; it adds what clients ask for to a list."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # it takes PyOpenSSL's, too
        if handshakes is not None:
            _note_handshakes(context, handshakes)
        return context


def serve_tls(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The server's side of a handshake; the socket is closed if it fails.

    Raises:
        OSError: it failed.
    """
    try:
        return context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
    except OSError as error:
        # Where the client is gone by then, wrap_socket forgets what it made.
        trace = error.__traceback__
        while trace is not None:
            made = trace.tb_frame.f_locals.get("self")
            if isinstance(made, ssl.SSLSocket):
                made.close()
            trace = trace.tb_next
        raise


def _note_handshakes(context: ssl.SSLContext, handshakes: list[Handshake]) -> None:
    class NotingSocket(ssl.SSLSocket):
        server_name: str | None = None

        def do_handshake(self, *arguments: Any, **options: Any) -> None:
            super().do_handshake(*arguments, **options)
            handshakes.append(Handshake(self.server_name, self.selected_alpn_protocol(), self.version()))

    def note_name(sock: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        assert isinstance(sock, NotingSocket)
        sock.server_name = name

    context.sslsocket_class = NotingSocket
    context.sni_callback = note_name
    # Whoever offers a protocol agrees to one of these.
    context.set_alpn_protocols(["h2", "http/1.1"])


@cache
def authority() -> Authority:
    """The one authority of this process that transports under test are told to trust."""
    return Authority(*NAMES)


@cache
def stranger() -> Authority:
    """Another one, for the same names, that they are not."""
    return Authority(*NAMES)
