"""Carrying: one exchange over a connection of ``http.client`` or urllib3, done once for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._wire.network import Opening
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import ClosedError, FluxHTTPError, ReceiveError, SendError, TLSError, TransportError

if TYPE_CHECKING:
    from http.client import HTTPConnection

    from fluxhttp._core.config import Config, Limits
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.request import Request
    from fluxhttp._wire.network import Network
    from fluxhttp._wire.reader import Owner
    from fluxhttp._wire.stream import Stream

    _Base = HTTPConnection
else:
    _Base = object

#: Head and body up to this size go out in one piece: one packet less, and no
#: wait for the first to be acknowledged. Copying a larger body would cost more.
_ONE_PIECE_BYTES = 65_536
#: May be sent again on their own (decision D12).
_REPEATABLE = frozenset({"GET", "HEAD"})


def is_repeatable(request: Request) -> bool:
    """Whether a request may be sent again after a used connection died without a byte (D12)."""
    return request.method in _REPEATABLE or "idempotency-key" in request.headers


class Carrying(_Base):
    """What a connection class of ``http.client`` gets from us; it comes first among the bases."""

    response_class: type[StrictResponse] = StrictResponse  # pyright: ignore[reportIncompatibleVariableOverride]  # narrower
    sock: Stream | None  # does all that http.client asks of a socket
    _opening: Opening | None = None
    _proxy: Proxy | None = None
    _is_aborted = False

    def exchange_again(
        self, request: Request, limits: Limits, deadline: Deadline, owner: Owner
    ) -> StrictResponse | None:
        """The exchange on a connection that was used before.

        None if the peer has closed it meanwhile, and the request may go out once more, on another (decision D12).
        """
        stream = self.sock
        assert stream is not None  # it was used before
        stream.begin(deadline)
        try:
            return self.exchange(request, limits, owner)
        except (SendError, ReceiveError, TLSError):
            if stream.received or not is_repeatable(request):
                raise
            return None

    def open_and_exchange(
        self,
        network: Network,
        request: Request,
        proxy: Proxy | None,
        config: Config,
        deadline: Deadline,
        owner: Owner,
        *,
        was_sent: bool = False,
    ) -> StrictResponse:
        """The exchange on a new connection; ``was_sent`` says that the request went out on another before."""
        try:
            self.open(network, request, proxy, config, deadline)
            return self.exchange(request, config.limits, owner)
        except TransportError as error:
            error.maybe_sent = error.maybe_sent or was_sent
            raise

    def open(self, network: Network, request: Request, proxy: Proxy | None, config: Config, deadline: Deadline) -> None:
        """Makes the connection: name look-up, guard, connect, tunnel, TLS.

        Raises:
            TransportError: it was not made.
            ClosedError: ``abort`` was called before or meanwhile.
        """
        opening = self._opening = Opening(deadline)
        if self._is_aborted:
            raise ClosedError("the transport was closed during the call")
        # https goes through a tunnel, in which the proxy is not to be seen.
        self._proxy = proxy if request.url.scheme == "http" else None
        stream = network.open(request.url, proxy, config, opening)
        stream.begin(deadline)
        self.sock = stream
        self._opening = None
        if self._is_aborted:
            stream.abort()

    def exchange(self, request: Request, limits: Limits, owner: Owner) -> StrictResponse:
        """Sends a request and reads the head of its final answer.

        Raises:
            TransportError, HeadTooLargeError: the connection is good for nothing more.
        """
        stream = self.sock
        assert stream is not None  # opened before
        answer = self.response_class(stream, method=request.method, limits=limits)
        try:
            sent_whole = self._send_request(stream, request)
        except SendError as error:
            # It may have answered before it hung up: 413, or a TLS alert.
            if not _reads_after(stream, answer, error):
                raise
            sent_whole = False
        else:
            answer.begin()
        if not sent_whole or request.closes:
            # Whoever sends "close" must not go on (RFC 9112, 9.6).
            answer.give_up_connection()
        # Not before: one that failed has nothing to give back, not even when it is finalized.
        answer.owner = owner
        return answer

    def _send_request(self, stream: Stream, request: Request) -> bool:
        """Whether all of it went; False if the peer answered meanwhile."""
        proxy = self._proxy
        if proxy is None:
            head = request.head_bytes()
        else:
            extra = () if proxy.authorization is None else (("Proxy-Authorization", proxy.authorization),)
            # Not the origin, which has the zone of an IPv6 address: that is for this machine alone.
            url = request.url
            head = request.head_bytes(f"{url.scheme}://{url.authority}{url.target}", extra)
        body = request.body
        if len(body) <= _ONE_PIECE_BYTES:
            stream.sendall(head + body if body else head)
            return True
        stream.sendall(head)
        return stream.send_body(body)

    def abort(self) -> None:
        """Ends the call in flight, from another thread, with ClosedError."""
        self._is_aborted = True
        opening, stream = self._opening, self.sock
        if opening is not None:
            opening.end()
        if stream is not None:
            stream.abort()


def _reads_after(stream: Stream, answer: StrictResponse, error: SendError) -> bool:
    try:
        with stream.in_a_hurry():
            answer.begin()
    except TLSError as alert:
        raise alert from error
    except FluxHTTPError:
        return False
    return True
