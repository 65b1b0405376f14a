"""TLS over a connected socket, one way for every transport (rule 38; RFC 9110, 4.2.2).

TLS 1.2 at least, no ALPN (HTTP/1.1 is all we speak), server name without its
trailing dot, and an end of the stream without close_notify is an error: without
it a body that ends with the connection may have been cut by anyone.
"""

from __future__ import annotations

import errno
import ssl
from typing import TYPE_CHECKING

from fluxhttp._core.hosts import is_address
from fluxhttp._wire.failures import SOCKET_ERRORS, describe_os_error, is_socket_timeout, tls_reason
from fluxhttp._wire.waiting import SECONDS_MAX
from fluxhttp.errors import CertificateError, InvalidConfigError, InvalidTypeError, TLSError

if TYPE_CHECKING:
    import socket

    from fluxhttp._core.deadline import Deadline
    from fluxhttp.errors import TransportError


class TLSSettings:
    """Whom a transport trusts.

    Args:
        ca_file: path of a PEM file with the certificates to trust, and no others;
            None trusts what the system trusts.
        context: a context of the caller's, used as it is; excludes ``ca_file``
            and calls with ``insecure_skip_verify``.

    Raises:
        InvalidConfigError: both were given, or the file cannot be used.
        InvalidTypeError: the context is none.
    """

    def __init__(self, *, ca_file: str | None = None, context: ssl.SSLContext | None = None) -> None:
        if context is not None and not isinstance(context, ssl.SSLContext):
            raise InvalidTypeError(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")
        if context is not None and ca_file is not None:
            raise InvalidConfigError("only one of ca_file and ssl_context may be given")
        self._given = context
        self._ca_file = ca_file
        self._verifying = None if ca_file is None else _context(ca_file)

    def context(self, *, insecure: bool) -> ssl.SSLContext:
        """The context of a call.

        Raises:
            InvalidConfigError: ``insecure_skip_verify`` with a context of the caller's.
        """
        if self._given is not None:
            if insecure:
                raise InvalidConfigError("insecure_skip_verify cannot go together with an ssl_context")
            return self._given
        if insecure:
            return _shared.insecure()
        return self._verifying or _shared.verifying()


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise InvalidConfigError("ca_file holds no certificate in PEM form") from None
    except OSError as error:
        raise InvalidConfigError(f"ca_file cannot be read: {describe_os_error(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A name in the certificate's subject counts no more (RFC 6125, 6.4.4; RFC 9110, 4.3.4).
    context.hostname_checks_common_name = False
    return context


class _Shared:
    """The process's contexts, made on first use: each costs tens of milliseconds.

    Without a lock, which a fork could leave held: two threads may both make one,
    and one of the two is kept.
    """

    def __init__(self) -> None:
        self._verifying: ssl.SSLContext | None = None
        self._insecure: ssl.SSLContext | None = None

    def verifying(self) -> ssl.SSLContext:
        context = self._verifying
        if context is None:
            context = self._verifying = _context(None)
        return context

    def insecure(self) -> ssl.SSLContext:
        context = self._insecure
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._insecure = context
        return context


_shared = _Shared()


def wrap(sock: socket.socket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A TLS socket over a connected one, which it takes over, before its handshake.

    The two are apart so that another thread can end the handshake.

    Args:
        sock: plain and connected.
        host: as in the URL; it is checked against the certificate, and sent as
            the server name unless it is an address (RFC 6066, 3).
        context: the settings.

    Raises:
        TLSError: the context cannot be used, or the connection is gone.
    """
    name = _name(host)
    try:
        # Where the peer is gone, wrap_socket would tell less.
        sock.getpeername()
        return context.wrap_socket(
            sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except SOCKET_ERRORS as error:
        _close_left_behind(error)
        raise _failure(error, name) from error


def _close_left_behind(error: Exception) -> None:
    """Closes the TLS socket that wrap_socket made and forgot: it does where it finds the peer gone meanwhile."""
    trace = error.__traceback__
    while trace is not None:
        made = trace.tb_frame.f_locals.get("self")
        if isinstance(made, ssl.SSLSocket):
            made.close()
        trace = trace.tb_next


def handshake(sock: ssl.SSLSocket, host: str, deadline: Deadline) -> None:
    """The handshake of a TLS socket.

    Args:
        sock: from ``wrap``.
        host: as in the URL.
        deadline: one operation's time-out bounds the whole handshake.

    Raises:
        CertificateError: the certificate is not accepted; the text says why.
        TLSError: the handshake failed otherwise.
        RequestTimeoutError: the deadline passed.
    """
    deadline.check("tls", maybe_sent=False)
    left = deadline.remaining()
    try:
        sock.settimeout(None if left is None else min(max(left, 0.001), SECONDS_MAX))
        sock.do_handshake()
    except SOCKET_ERRORS as error:
        if is_socket_timeout(error):
            raise deadline.timeout_error("tls", maybe_sent=False) from error
        raise _failure(error, _name(host)) from error


def _name(host: str) -> str:
    return host.partition("%")[0].removesuffix(".")


def _failure(error: Exception, name: str) -> TransportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateError(f"the certificate was not accepted: {_reason(error, name)}", maybe_sent=False)
    if isinstance(error, ssl.SSLEOFError | ConnectionError) or getattr(error, "errno", None) == errno.ENOTCONN:
        return TLSError("the peer closed the connection during the handshake", maybe_sent=False)
    reason = tls_reason(error)
    if reason in ("wrong version number", "record layer failure", "packet length too long"):
        reason += ", which is what a peer without TLS looks like"
    return TLSError(f"the handshake failed: {reason}", maybe_sent=False)


def _reason(error: ssl.SSLCertVerificationError, name: str) -> str:
    # 62 and 64 are OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
    if error.verify_code in (62, 64):
        return f"it is not for the {'address' if is_address(name) else 'host'} {name}"
    return str(error.verify_message or tls_reason(error))
