"""From an operating system's or TLS library's error to one of ours, at one place.

Most specific first. ``ssl`` is not imported here: it is loaded only once a
connection uses TLS, and until then no error can be one of its classes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fluxhttp.errors import ReceiveError, SendError, TLSError

if TYPE_CHECKING:
    from fluxhttp.errors import Phase, TransportError


#: What a socket's methods may raise, closed or not, TLS or in memory: OSError; ValueError
#: for a descriptor that is gone; OverflowError for a number the system cannot take.
SOCKET_ERRORS = (OSError, ValueError, OverflowError)


def describe_os_error(error: BaseException) -> str:
    """What happened, in the system's words, without addresses or file names."""
    text = (isinstance(error, OSError) and error.strerror) or str(error)
    return text[:1].lower() + text[1:] if text else type(error).__name__


def is_socket_timeout(error: BaseException) -> bool:
    """Whether a socket's own time-out passed; ETIMEDOUT, the system's for a dead peer, has a number."""
    return isinstance(error, TimeoutError) and error.errno is None


def is_unexpected_end(error: BaseException) -> bool:
    """Whether TLS ended without close_notify (RFC 8446, 6.1)."""
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLEOFError)


def is_tls_failure(error: BaseException) -> bool:
    """Whether it is TLS's own failure, an alert for instance."""
    ssl = sys.modules.get("ssl")
    return ssl is not None and isinstance(error, ssl.SSLError)


def receive_failure(error: BaseException, phase: Phase, *, maybe_sent: bool) -> TransportError:
    """The error for a read that failed."""
    if is_unexpected_end(error):
        return ReceiveError("the peer closed the TLS connection without saying so", phase=phase, maybe_sent=maybe_sent)
    if is_tls_failure(error):
        return TLSError(f"TLS failed: {tls_reason(error)}", phase=phase, maybe_sent=maybe_sent)
    return ReceiveError(f"the connection broke: {describe_os_error(error)}", phase=phase, maybe_sent=maybe_sent)


def send_failure(error: BaseException, *, maybe_sent: bool) -> TransportError:
    """The error for a write that failed."""
    if is_unexpected_end(error):
        return SendError("the peer closed the TLS connection without saying so", maybe_sent=maybe_sent)
    if is_tls_failure(error):
        return TLSError(f"TLS failed: {tls_reason(error)}", phase="send", maybe_sent=maybe_sent)
    return SendError(f"the connection broke: {describe_os_error(error)}", maybe_sent=maybe_sent)


def tls_reason(error: BaseException) -> str:
    """OpenSSL's reason in words: ``TLSV1_ALERT_PROTOCOL_VERSION`` without its capitals."""
    reason = getattr(error, "reason", None)
    return reason.replace("_", " ").lower() if isinstance(reason, str) else describe_os_error(error)
