"""CONNECT: a way through an http proxy to an https origin (RFC 9110, 9.3.6; decision D14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.request import USER_AGENT
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import ProxyError, RequestTimeoutError, ResponseError, TransportError

if TYPE_CHECKING:
    from fluxhttp._core.config import Limits
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.url import URL
    from fluxhttp._wire.stream import Stream


def open_tunnel(stream: Stream, url: URL, proxy: Proxy, limits: Limits, deadline: Deadline) -> None:
    """Asks the proxy at the other end of a new stream for a connection to the URL's origin.

    The request has nothing of the caller's: neither headers nor credentials of
    the origin are the proxy's to see (rule 37).

    Raises:
        ProxyError: it refused, went away, or answered something that is no HTTP.
        RequestTimeoutError: the deadline passed.
    """
    # Host and port are canonical: nothing in them can end a line (CVE-2026-1502).
    host = f"[{url.host.partition('%')[0]}]" if ":" in url.host else url.host
    lines = [f"CONNECT {host}:{url.port} HTTP/1.1", f"Host: {host}:{url.port}", f"User-Agent: {USER_AGENT}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    stream.begin(deadline)
    try:
        stream.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        answer = StrictResponse(stream, method="CONNECT", limits=limits)
        answer.begin()
    except RequestTimeoutError as error:
        raise deadline.timeout_error("proxy", maybe_sent=False) from error.__cause__
    except (TransportError, ResponseError) as error:
        raise ProxyError(f"the proxy failed while the tunnel was made: {error}", maybe_sent=False) from error
    if not 200 <= answer.status_code < 300:
        wants = ": it wants credentials" if answer.status_code == 407 else ""
        raise ProxyError(f"the proxy refused the tunnel with status {answer.status_code}{wants}", maybe_sent=False)
    if stream.position < len(stream.buffer):
        # The origin cannot have spoken before our ClientHello.
        raise ProxyError("the proxy sent more than its answer before the tunnel was used", maybe_sent=False)
