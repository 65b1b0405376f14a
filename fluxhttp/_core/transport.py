"""Transport and TransportResponse: the one seam between the client and the network.

One call of ``send`` is one exchange of final bytes on one hop. Redirects,
decoding and limits of the body are done once, above; how the origin is reached
(dialer, proxy, TLS, pool) is the transport's own affair. It adds nothing to the
request and hides nothing of the answer.

To write one, write ``send`` and ``close``, then run the conformance suite on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.headers import Headers
    from fluxhttp._core.request import Request


class TransportResponse(Protocol):
    """The head of a final answer, and its body to be read."""

    @property
    def status_code(self) -> int:
        """200 to 999; interim answers (1xx) were skipped."""
        ...

    @property
    def reason(self) -> str:
        """The reason phrase, latin-1; may be empty."""
        ...

    @property
    def http_version(self) -> str:
        """As received, for instance "HTTP/1.1"."""
        ...

    @property
    def headers(self) -> Headers:
        """The fields as received, latin-1, in order."""
        ...

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body, framing taken off, content coding not; b"" at its end.

        Raises:
            IncompleteBodyError: the body ended before its framing says it does.
            TransportError: any other failure; never a shortened body.
            ClosedError: it was closed before its body was read whole.
        """
        ...

    def close(self) -> None:
        """Gives the connection back if the body was read whole, drops it otherwise.

        May be called more than once.
        """
        ...


class Transport(Protocol):
    """Carries requests. ``send`` may be called from several threads at once."""

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Sends the request once and returns as soon as the head of the final answer is there.

        Args:
            request: goes out as it stands: ``request.to_bytes()``, framing included.
            config: ``insecure_skip_verify`` and the limits of the head are the transport's to hold.
            deadline: ends every wait, those in ``read`` of the answer too.

        Raises:
            TransportError: the exchange failed; ``phase`` and ``maybe_sent`` say where.
            HeadTooLargeError: the head is over the limits.
            ClosedError: the transport was closed, before or meanwhile.
        """
        ...

    def close(self) -> None:
        """Drops every connection and ends the calls in flight with ClosedError. May be called twice."""
        ...
