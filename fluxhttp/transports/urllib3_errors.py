"""From urllib3's errors to ours: one table, most specific first.

Hardly any is raised: connections, bytes and judgements are ours, and our errors
pass through urllib3 untouched. The table stands so that nothing else escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import urllib3.exceptions as urllib3_errors

from fluxhttp._wire.failures import describe_os_error
from fluxhttp.errors import (
    ClosedError,
    ConnectError,
    DecodingError,
    IncompleteBodyError,
    InvalidURLError,
    NameResolutionError,
    ProtocolError,
    ProxyError,
    ReceiveError,
    RequestTimeoutError,
    TLSError,
    TransportError,
)

if TYPE_CHECKING:
    from fluxhttp._core.deadline import Deadline
    from fluxhttp.errors import FluxHTTPError

#: urllib3's class -> ours. A class that is not named goes with its nearest base.
#: NewConnectionError stands before ConnectTimeoutError, a base of it in old releases.
TABLE: dict[type[Exception], type[FluxHTTPError]] = {
    urllib3_errors.NameResolutionError: NameResolutionError,
    urllib3_errors.NewConnectionError: ConnectError,
    urllib3_errors.ConnectTimeoutError: RequestTimeoutError,
    urllib3_errors.ReadTimeoutError: RequestTimeoutError,
    urllib3_errors.EmptyPoolError: RequestTimeoutError,
    urllib3_errors.TimeoutError: RequestTimeoutError,
    urllib3_errors.ClosedPoolError: ClosedError,
    urllib3_errors.SSLError: TLSError,
    urllib3_errors.ProxySchemeUnsupported: ProxyError,
    urllib3_errors.ProxySchemeUnknown: ProxyError,
    urllib3_errors.ProxyError: ProxyError,
    urllib3_errors.InvalidChunkLength: ProtocolError,
    urllib3_errors.IncompleteRead: IncompleteBodyError,
    urllib3_errors.InvalidHeader: ProtocolError,
    urllib3_errors.HeaderParsingError: ProtocolError,
    urllib3_errors.ResponseNotChunked: ProtocolError,
    urllib3_errors.DecodeError: DecodingError,
    urllib3_errors.LocationValueError: InvalidURLError,
    urllib3_errors.ProtocolError: ReceiveError,
    urllib3_errors.HTTPError: TransportError,
    OSError: ReceiveError,
    ValueError: ProtocolError,
    OverflowError: ProtocolError,
}
#: Raised before a connection is there, so that nothing can have been sent.
_BEFORE_SENDING = (urllib3_errors.ConnectTimeoutError, urllib3_errors.EmptyPoolError)


def ours_for(kind: type[BaseException]) -> type[FluxHTTPError]:
    """Our class for a class of urllib3's: that of its nearest base in the table."""
    for base in kind.__mro__:
        if base in TABLE:
            return TABLE[base]
    return TransportError


def translated(error: Exception, deadline: Deadline) -> FluxHTTPError:
    """Our error for one of urllib3's. Its text is ours, too: theirs may hold a URL."""
    kind = ours_for(type(error))
    if issubclass(kind, RequestTimeoutError):
        if isinstance(error, _BEFORE_SENDING):
            return deadline.timeout_error("connect", maybe_sent=False)
        return deadline.timeout_error("head")
    if kind is ClosedError:
        return ClosedError("the transport is closed")
    if kind is NameResolutionError:
        return NameResolutionError("no such host")
    what = describe_os_error(error) if isinstance(error, OSError) and error.strerror else type(error).__name__
    return kind(f"urllib3 failed: {what}")
