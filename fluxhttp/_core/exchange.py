"""The state machine of one call: head in, bytes in, next request or Response out.

It holds the limits of the body and does the decoding, and it never waits::

    exchange = Exchange(request, config)
    while True:
        answer = transport.send(exchange.request, ...)
        size = exchange.receive_head(answer)
        while size:
            size = exchange.receive_data(answer.read(size))
        answer.close()
        if exchange.response is not None:
            break
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from fluxhttp._core.codings import Decoder, parse_codings
from fluxhttp._core.framing import BODYLESS
from fluxhttp._core.headers import Headers
from fluxhttp._core.redirects import FOLLOWED, next_request
from fluxhttp._core.response import Response
from fluxhttp.errors import BodyTooLargeError, IncompleteBodyError, ProtocolError, TooManyRedirectsError

if TYPE_CHECKING:
    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import TransportResponse

#: Bytes asked for at a time where the length is not known. Larger pieces spare
#: calls, smaller ones stay in the processor's cache until they are copied on.
_PIECE_BYTES = 131_072
#: Read of a redirect's own body, so that its connection can be used again (D3).
REDIRECT_BODY_BYTES = 65_536


class Exchange:
    """One call, from its first request to its Response.

    Args:
        request: the first.
        config: its limits and redirects.
        deadline: checked while decoding; waiting is the transport's affair.

    Attributes:
        request: what is to be sent now.
        answered: the request that the answer read last belongs to.
        received: body bytes read of that answer, undecoded.
        response: the result, None until it is there.
    """

    __slots__ = (
        "_answer",
        "_config",
        "_deadline",
        "_declared",
        "_decoder",
        "_history",
        "_next",
        "_parts",
        "_wanted",
        "answered",
        "received",
        "request",
        "response",
    )

    def __init__(self, request: Request, config: Config, deadline: Deadline | None = None) -> None:
        self.request = self.answered = request
        self.response: Response | None = None
        self._config = config
        self._deadline = deadline
        self._history: tuple[Response, ...] = ()
        self._next: Request | None = None
        self._answer: TransportResponse | None = None
        self._declared: int | None = None
        #: Bytes of a body that is whole if it comes in one piece; -1 for none such.
        self._wanted = -1
        self.received = 0
        self._decoder: Decoder | None = None
        self._parts: BytesIO | None = None

    @property
    def is_redirecting(self) -> bool:
        """Whether the answer now read is a redirect that will be followed.

        Its body matters for the connection alone: a failure in it is none of the call.
        """
        return self._next is not None

    def receive_head(self, answer: TransportResponse) -> int:
        """Judges the head of an answer.

        Returns:
            How many bytes to read next; 0 if there is nothing (more) to read.

        Raises:
            TooManyRedirectsError, InvalidRedirectError: the redirect is not followed.
            BodyTooLargeError: the declared length is over the limit.
            DecodingError: more codings than are allowed.
        """
        self._answer = answer
        self.answered = self.request
        self.received = 0
        self._wanted = -1
        status_code, headers = answer.status_code, answer.headers
        has_no_body = status_code in BODYLESS or self.request.method == "HEAD"
        if status_code in FOLLOWED and self._redirect(answer):
            if not has_no_body:
                return REDIRECT_BODY_BYTES
            self.follow()
            return 0
        if has_no_body:
            return self._finish(b"")
        index = headers._index or headers.index
        length = index.get("content-length")
        self._declared = None
        if length is not None and "transfer-encoding" not in index:
            text = length[0]
            # What is no number was the transport's to refuse; here it is no length.
            self._declared = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
        if "content-encoding" in index and self.request.decodes and self._declared != 0:
            codings = parse_codings(index["content-encoding"])
            if codings:
                self._decoder = Decoder(codings, limit_bytes=self._config.limits.body)
                self._parts = BytesIO()
                return _PIECE_BYTES
        return self._first_size()

    def _redirect(self, answer: TransportResponse) -> bool:
        """Takes up a redirect; False if the answer itself is the result."""
        most = self._config.max_redirects
        if most == 0:
            return False
        following = next_request(self.request, answer.status_code, answer.headers)
        if following is None:
            return False
        if len(self._history) >= most:
            raise TooManyRedirectsError(f"more than {most} redirects; the last answer asks for another")
        self._history += (Response.trusted(answer, answer.headers, b"", self.request, self._history, truncated=False),)
        self._next = following
        return True

    def _first_size(self) -> int:
        declared, most = self._declared, self._config.limits.body
        if declared is None:
            self._parts = BytesIO()
            return self._next_size()
        if most is not None and declared > most:
            if self._config.limits.overflow == "error":
                raise self._too_large(f"the body has {declared} bytes")
            return most or self._finish(b"", truncated=True)
        self._wanted = declared
        return declared or self._finish(b"")

    def receive_data(self, data: bytes) -> int:
        """Takes what was read; b"" is the end of the body.

        Returns:
            How many bytes to read next; 0 if the answer is done.

        Raises:
            BodyTooLargeError: the body is over the limit.
            DecodingError: the body is not what its Content-Encoding says.
            IncompleteBodyError: fewer bytes than declared, and the transport did not say so.
            ProtocolError: more bytes than declared, likewise.
            RequestTimeoutError: the deadline passed while the body was decoded.
        """
        self.received += len(data)
        if self.received == self._wanted == len(data):
            # The whole body in one piece: nothing is copied.
            return self._finish(data if type(data) is bytes else bytes(data))
        if self._next is not None:
            left = REDIRECT_BODY_BYTES - self.received
            if data and left > 0:
                return left
            self.follow()
            return 0
        if self._declared is not None:
            self._check_declared(self._declared, is_end=not data)
        if self._decoder is not None:
            return self._decode(self._decoder, data)
        if self._declared is not None:
            return self._receive_declared(data, self._declared)
        return self._receive_undeclared(data)

    def follow(self) -> None:
        """Moves on to the redirect's request; what is left of the old answer is given up."""
        if self._next is not None:
            self.request, self._next = self._next, None

    def _check_declared(self, declared: int, *, is_end: bool) -> None:
        """Holds a transport to the length that the answer declares."""
        if self.received > declared:
            raise ProtocolError(f"the body goes on after the {declared} bytes declared", phase="body")
        if is_end and self.received < declared:
            raise IncompleteBodyError(
                f"the body ended after {self.received} of {declared} bytes", received=self.received, expected=declared
            )

    def _receive_declared(self, data: bytes, declared: int) -> int:
        most = self._config.limits.body
        cut = most is not None and declared > most
        wanted = most if cut and most is not None else declared
        if self.received == len(data) == wanted:
            return self._finish(bytes(data), truncated=cut)
        if self._parts is None:
            self._parts = BytesIO()
        self._parts.write(data)
        if self.received < wanted:
            return wanted - self.received
        return self._finish(self._parts.getvalue()[:wanted], truncated=cut)

    def _receive_undeclared(self, data: bytes) -> int:
        parts = self._parts
        assert parts is not None  # made by _first_size
        if not data:
            return self._finish(parts.getvalue())
        most = self._config.limits.body
        if most is not None and self.received > most:
            parts.write(memoryview(data)[: most - parts.tell()])
            return self._overflow(parts)
        parts.write(data)
        return self._next_size()

    def _next_size(self) -> int:
        # One byte over the limit tells a body that ends there from one that goes on.
        most = self._config.limits.body
        return _PIECE_BYTES if most is None else min(_PIECE_BYTES, most + 1 - self.received)

    def _decode(self, decoder: Decoder, data: bytes) -> int:
        parts = self._parts
        assert parts is not None  # made by receive_head
        most = self._config.limits.body
        for piece in decoder.decode(data) if data else ():
            if most is not None and parts.tell() + len(piece) > most:
                parts.write(memoryview(piece)[: most - parts.tell()])
                return self._overflow(parts)
            parts.write(piece)
            if self._deadline is not None:
                # A small answer may unpack to a lot: decoding takes its time, too (decision D11).
                self._deadline.check("body")
        if data:
            return _PIECE_BYTES
        decoder.finish()
        return self._finish(parts.getvalue())

    def _overflow(self, parts: BytesIO) -> int:
        if self._config.limits.overflow == "error":
            raise self._too_large("the body is longer")
        return self._finish(parts.getvalue(), truncated=True)

    def _too_large(self, what: str) -> BodyTooLargeError:
        most = self._config.limits.body or 0
        return BodyTooLargeError(f"{what}, but limits.body allows {most}", limit="body", allowed=most)

    def _finish(self, body: bytes, *, truncated: bool = False) -> int:
        answer = self._answer
        assert answer is not None  # set by receive_head
        headers = answer.headers if self._decoder is None else _decoded(answer.headers)
        self.response = Response.trusted(answer, headers, body, self.request, self._history, truncated=truncated)
        return 0


def _decoded(headers: Headers) -> Headers:
    """Without the fields that a body has lost with its codings (decision D9)."""
    gone = ("content-encoding", "content-length")
    return Headers.trusted([pair for pair in headers.multi_items() if pair[0].lower() not in gone])
