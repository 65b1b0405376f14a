"""WSGITransport: calls a WSGI application of the same process in place of a network."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.reader import StrictResponse
from fluxhttp._wire.stream import Stream
from fluxhttp.errors import ClosedError, InvalidTypeError
from fluxhttp.testing.answer import ObservedAnswer
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.gateway import Gateway, environ_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any
    from wsgiref.types import WSGIApplication

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Clock, Deadline
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp.errors import Phase

_R = TypeVar("_R")

__tracebackhide__ = True  # pytest shows the line of the application instead


class WSGITransport:
    """A transport whose every origin is one WSGI application, in the calling thread.

    The application gets what a server would make of the request's bytes, and its
    answer goes through the same reader as one from the network. Thread-safe as
    far as the application is.

    Time is real. A call whose deadline passes in the application ends with
    RequestTimeoutError, but no earlier than the application gives something or returns.

    Args:
        application: a callable as PEP 3333 has it, of Flask or Django for instance.
        raises_application_errors: whether an exception of the application goes on
            to the caller as it is, with its traceback (but for StopIteration, which
            comes as the cause of a RuntimeError). False answers as a server
            does: it prints the traceback to ``wsgi.errors``, and sends a 500, or
            breaks off an answer that it has begun.
        environ: laid over each request's environ: ``{"REMOTE_USER": "ada"}``; None for nothing.

    Attributes:
        calls: what the application was asked, in order.

    Raises:
        InvalidTypeError: the application is not callable, or environ no mapping.
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        raises_application_errors: bool = True,
        environ: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(application):
            raise InvalidTypeError(f"application must be callable, but {type(application).__name__} is not")
        if environ is not None and not isinstance(environ, Mapping):
            raise InvalidTypeError(f"environ must be a mapping, not {type(environ).__name__}")
        self._application = application
        self._raises = raises_application_errors
        self._environ = dict(environ or {})
        self._lock = threading.Lock()
        self._under_way: set[_GatewayStream] = set()
        self._is_closed = False
        self.calls: Calls = Calls()

    @property
    def clock(self) -> Clock:
        """The system's clock."""
        return SYSTEM_CLOCK

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Calls the application, and returns when it has given the head of its answer.

        Raises:
            Exception: the application raised it.
            ImpossibleReplyError: it does what PEP 3333 forbids; not an error of the network.
            RequestTimeoutError: the deadline passed.
            HeadTooLargeError: the head is over the limits.
            ProtocolError, ReceiveError: a client could not read that answer from a server either.
            ClosedError: the transport was closed, before or meanwhile.
        """
        gateway = Gateway(self._application, environ_of(request, self._environ), raises=self._raises)
        stream = _GatewayStream(gateway.answer(), self._forget)
        with self._lock:
            if self._is_closed:
                raise ClosedError("the transport is closed")
            self._under_way.add(stream)
        call = Call(request, None, SYSTEM_CLOCK.monotonic())
        try:
            deadline.check("connect", maybe_sent=False)
            self.calls.append(call)
            stream.begin(deadline)
            answer = StrictResponse(stream, method=request.method, limits=config.limits)
            stream.guarded(answer.begin)
            answer.owner = stream
        except BaseException as error:
            call.note(error, SYSTEM_CLOCK)
            stream.close()
            raise
        return _Answer(answer, call, stream)

    def _forget(self, stream: _GatewayStream) -> None:
        with self._lock:
            self._under_way.discard(stream)

    def close(self) -> None:
        """Refuses further calls; those in flight end with ClosedError. Twice is fine. The application stays."""
        with self._lock:
            self._is_closed = True
            under_way = list(self._under_way)
        for stream in under_way:
            stream.abort()

    def __repr__(self) -> str:
        return f"<WSGITransport, {len(self.calls)} calls>"


class _Answer(ObservedAnswer):
    """An answer whose bytes the application gives now."""

    __slots__ = ("_stream",)

    def __init__(self, answer: TransportResponse, call: Call, stream: _GatewayStream) -> None:
        super().__init__(answer, call, SYSTEM_CLOCK)
        self._stream = stream

    def _read(self, size: int) -> bytes:
        return self._stream.guarded(self._answer.read, size)


class _GatewayStream(Stream):
    """What the application gives, as the bytes of a connection that carries one exchange."""

    __slots__ = ("__weakref__", "_forget", "_pieces", "_raised")

    def __init__(self, pieces: Generator[bytes], forget: Callable[[_GatewayStream], None]) -> None:
        # There is no socket, and all that would use it is below.
        self._pieces = pieces
        self._forget = forget
        self._raised: BaseException | None = None
        self._deadline = None
        self._aborted = False
        self.buffer = b""
        self.position = 0

    def begin(self, deadline: Deadline) -> None:
        """Starts the call; the request is with the application at once."""
        self._deadline = deadline
        self.sent = True
        self.received = False

    def guarded(self, function: Callable[..., _R], *arguments: object) -> _R:
        """What a function of the reader returns or raises.

        An exception of the application is raised as it is, even if the reader
        took it for one of a network: an application may use this client itself.
        """
        try:
            return function(*arguments)
        except BaseException as error:
            if self._raised is None or self._raised is error:
                raise
        # Not in the clause above: it would become the cause of itself.
        raise self._raised

    def receive(self, phase: Phase) -> bytes:
        """The next piece that the application gives; b"" at the end."""
        self._check(phase)
        try:
            piece = next(self._pieces, b"")
        except BaseException as error:
            self._raised = error
            raise
        # What came too late did not come.
        self._check(phase)
        self.received = True
        return piece

    def receive_into(self, view: memoryview, phase: Phase) -> int:
        """The same, into the caller's memory; what has no room there waits."""
        if self.position >= len(self.buffer):
            self.fill(phase)
        piece = self.take(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def _check(self, phase: Phase) -> None:
        if self._aborted:
            raise ClosedError("the transport was closed during the call")
        assert self._deadline is not None  # a call is under way
        self._deadline.check(phase)

    def answer_closed(self, *, reusable: bool) -> None:
        """Called by the answer when the caller is done with it."""
        try:
            if reusable:
                # A server runs the application to its end; there is nothing more to send.
                next(self._pieces, None)
        finally:
            self.close()

    def abort(self) -> None:
        """Ends the call in flight, from another thread, with ClosedError."""
        self._aborted = True

    def close(self) -> None:
        """Ends the application, if it has not ended yet."""
        self._forget(self)
        self._pieces.close()
