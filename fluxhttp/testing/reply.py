"""Reply: a plain answer, judged when it is declared.

Its bytes go through the real reader once; what the reader made of them is then
given to every call that asks for it. A reply in chunks, or one that a call's
limits may refuse, goes through the reader each time.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from fluxhttp._core.codings import Decoder, parse_codings
from fluxhttp._core.config import DEFAULT_LIMITS
from fluxhttp._core.deadline import Deadline
from fluxhttp._core.framing import BODYLESS
from fluxhttp._core.headers import Headers
from fluxhttp._core.request import UNSET
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import DecodingError, FluxHTTPError, InvalidHeaderError, InvalidTypeError
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.comparing import bytes_of
from fluxhttp.testing.errors import impossible
from fluxhttp.testing.memory import MemorySocket, MemoryStream
from fluxhttp.testing.script import Pause, Script, Send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.config import Limits
    from fluxhttp._core.headers import HeaderSource
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp.testing.script import Step

__tracebackhide__ = True  # pytest shows the line of the test instead

_FRAMING = frozenset({"transfer-encoding", "trailer"})
_RAW = 'send raw bytes: .fail(faults.raw(b"…")).'
#: Read with these when it is declared; a call's own are held when it is given.
_NO_LIMITS = DEFAULT_LIMITS.replace(head=2**40, fields=2**40)


class Ready:
    """What the reader makes of a reply's bytes."""

    __slots__ = (
        "_field_count",
        "_head_bytes",
        "body",
        "headers",
        "http_version",
        "keeps_alive",
        "reason",
        "status_code",
    )

    def __init__(self, answer: StrictResponse, body: bytes, head_bytes: int) -> None:
        self.status_code: int = answer.status_code
        self.reason: str = answer.reason
        self.http_version: str = answer.http_version
        self.headers: Headers = answer.headers
        self.body: bytes = body
        self.keeps_alive: bool = answer.is_reusable
        self._head_bytes = head_bytes
        self._field_count = len(answer.headers.multi_items())

    def is_within(self, limits: Limits) -> bool:
        """Whether its head is within a call's limits."""
        return self._head_bytes <= limits.head and self._field_count <= limits.fields


class Head:
    """What the reader makes of an answer while it is read: its head, and the pieces of its body so far."""

    __slots__ = ("headers", "http_version", "pieces", "reason", "status_code")

    def __init__(self, answer: TransportResponse) -> None:
        self.status_code: int = answer.status_code
        self.reason: str = answer.reason
        self.http_version: str = answer.http_version
        # Without their index, which is larger than all the rest.
        self.headers: Headers = Headers.trusted(answer.headers.multi_items())
        self.pieces: list[bytes] = []


class Reply:
    """A plain answer of a server.

    Args:
        status: 200 to 999.
        headers: a mapping of str to str, or pairs of str. Content-Length is added
            as a server would, or chunked framing for ``chunks``.
        body: the content.
        text: the content as text, UTF-8; sets Content-Type if absent.
        json: the content as JSON; sets Content-Type if absent.
        chunks: the content in chunks; a number among them is a pause in seconds.
        reason: the reason phrase; None for the standard one.
        after: seconds before the first byte.

    Raises:
        ImpossibleReplyError: no server can answer that; ``faults.raw`` sends bytes as they are.
        InvalidTypeError: an argument has the wrong type.
    """

    __slots__ = ("_pairs", "_ready", "after", "body", "chunks", "headers", "is_immediate", "reason", "status")

    def __init__(
        self,
        status: int = 200,
        *,
        headers: HeaderSource = (),
        body: bytes | bytearray | memoryview = b"",
        text: str | None = None,
        json: object = UNSET,
        chunks: Iterable[bytes | float] | None = None,
        reason: str | None = None,
        after: float = 0.0,
    ) -> None:
        self.status: int = _checked_status(status)
        self.after: float = _checked_seconds("after", after)
        content, content_type = _content(body, text, json, chunks)
        self.chunks: tuple[bytes | float, ...] | None = None if chunks is None else _checked_chunks(chunks)
        self.body: bytes = (
            b"".join([chunk for chunk in self.chunks if isinstance(chunk, bytes)]) if self.chunks else content
        )
        #: Whether it is there in one piece. Of chunks it matters how far they were read: the last one has no data.
        self.is_immediate: bool = not self.after and self.chunks is None
        self.reason: str = _checked_reason(self.status, reason)
        try:
            self.headers: Headers = Headers(headers)
        except InvalidHeaderError as error:
            raise impossible(str(error), f"No reader takes it. To see that, {_RAW}") from None
        self._pairs = self._framed(content_type)
        self._ready: dict[bool, Ready] = {}

    def _framed(self, content_type: str | None) -> tuple[tuple[str, str], ...]:
        """The fields with those that a server adds."""
        index = self.headers.index
        for name in sorted(_FRAMING & index.keys()):
            raise impossible(f"{name.title()} by hand", f"Give the body as chunks=[…], or {_RAW}")
        if self.body and self.status in BODYLESS:
            raise bodiless(str(self.status), self.body)
        self._check_coding(index.get("content-encoding"))
        pairs = list(self.headers.multi_items())
        if content_type is not None and "content-type" not in index:
            pairs.insert(0, ("Content-Type", content_type))
        lengths = index.get("content-length")
        if self.chunks is not None:
            if lengths is not None:
                raise impossible("Content-Length beside chunks", f"A server sends one or the other. For both, {_RAW}")
            pairs.append(("Transfer-Encoding", "chunked"))
        elif lengths is None:
            if self.status not in BODYLESS:
                pairs.append(("Content-Length", str(len(self.body))))
        elif tuple(lengths) != (str(len(self.body)),) and (self.body or len(lengths) > 1):
            raise self._wrong_length(lengths)
        return tuple(pairs)

    def _wrong_length(self, lengths: Sequence[str]) -> Exception:
        return impossible(
            f"Content-Length {', '.join(lengths)} for a body of {_count(self.body)}",
            "Leave it out, for it is added. A body that breaks off: .fail(faults.truncated(after=…)).",
        )

    def _check_coding(self, values: Sequence[str] | None) -> None:
        if values is None or not self.body:
            return
        try:
            codings = parse_codings(values)
            if codings:
                decoder = Decoder(codings)
                for _ in decoder.decode(self.body):
                    pass
                decoder.finish()
        except DecodingError as error:
            raise impossible(
                f"Content-Encoding {', '.join(values)}, but {error}", f"Give the encoded bytes as body=…, or {_RAW}"
            ) from None

    def script(self, method: str) -> Script:
        """What a server does to send it; to HEAD it sends the head alone."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self._pairs]
        head = "\r\n".join([*lines, "", ""]).encode("utf-8")
        steps: list[Step] = [Pause(self.after)] if self.after else []
        if method == "HEAD" or self.status in BODYLESS:
            return Script(*steps, Send(head))
        if self.chunks is None:
            return Script(*steps, Send(head + self.body))
        steps.append(Send(head))
        for chunk in self.chunks:
            if isinstance(chunk, bytes):
                steps += [Send(b"%x\r\n%b\r\n" % (len(chunk), chunk))] if chunk else []
            else:
                steps.append(Pause(chunk))
        return Script(*steps, Send(b"0\r\n\r\n"))

    def ready(self, method: str) -> Ready:
        """The answer as the reader judges it, read once for HEAD and once for the other methods.

        Raises:
            ImpossibleReplyError: the reader does not take it for such a request.
        """
        is_head = method == "HEAD"
        ready = self._ready.get(is_head)
        if ready is None:
            ready = self._ready[is_head] = self._read(method)
        return ready

    def _read(self, method: str) -> Ready:
        lengths = self.headers.index.get("content-length")
        is_right = lengths is None or tuple(lengths) == (str(len(self.body)),)
        if not is_right and method != "HEAD" and self.status not in BODYLESS:
            # The answer to HEAD, and a 304, tells the length of a body that is not there (RFC 9110, 8.6).
            raise self._wrong_length(lengths or [])
        clock = VirtualClock()
        sock = MemorySocket(clock)
        script = self.script(method)
        sock.play(Script(*script.steps, begins="accept"))
        stream = MemoryStream(sock)
        stream.begin(Deadline.after(None, clock))
        answer = StrictResponse(stream, method=method, limits=_NO_LIMITS)
        try:
            answer.begin()
            body = answer.read()
        except FluxHTTPError as error:
            raise impossible(f"no reader takes this reply: {error}", f"To see that, {_RAW}") from error
        head = next(step.data for step in script.steps if isinstance(step, Send))
        return Ready(answer, body, head.find(b"\r\n\r\n") + 4)

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {_count(self.body)}>"


def bodiless(what: str, body: bytes) -> Exception:
    """The error for a body where none is ever read."""
    return impossible(
        f"{what} with a body of {_count(body)}",
        f"Every transport drops a body under {what}. Leave it out, or {_RAW}",
    )


def _count(body: bytes) -> str:
    return f"{len(body)} byte{'' if len(body) == 1 else 's'}"


def _checked_status(status: object) -> int:
    if isinstance(status, bool) or not isinstance(status, int):
        raise InvalidTypeError(f"status must be an int, not {type(status).__name__}")
    if not 200 <= status <= 999:
        raise impossible(f"status {status}", f"The status of a final answer is from 200 to 999. For another, {_RAW}")
    return int(status)


def _checked_seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTypeError(f"{name} must be seconds, not {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise impossible(f"{name} is {value:g} seconds", "It must be zero or more. For ever: .fail(faults.stall()).")
    return float(value)


def _checked_chunks(chunks: Iterable[bytes | float]) -> tuple[bytes | float, ...]:
    if isinstance(chunks, str | bytes | bytearray | memoryview) or not isinstance(chunks, Iterable):
        raise InvalidTypeError(f"chunks must be several pieces of bytes, not {type(chunks).__name__}")
    return tuple([_checked_chunk(chunk) for chunk in chunks])


def _checked_chunk(chunk: object) -> bytes | float:
    content = bytes_of(chunk)
    return _checked_seconds("a pause among chunks", chunk) if content is None else content


def _checked_reason(status: int, reason: object) -> str:
    if reason is None:
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return ""
    if not isinstance(reason, str):
        raise InvalidTypeError(f"reason must be a str, not {type(reason).__name__}")
    for position, char in enumerate(reason):
        if (char < " " and char != "\t") or char == "\x7f" or "\ud800" <= char <= "\udfff":
            raise impossible(f"reason has {char!r} (position {position})", f"No reader takes it. To see that, {_RAW}")
    return reason


def _content(body: object, text: object, json: object, chunks: object) -> tuple[bytes, str | None]:
    """The content, and the Content-Type it implies."""
    given = [
        name
        for name, is_given in (
            ("body", not (isinstance(body, bytes) and not body)),
            ("text", text is not None),
            ("json", json is not UNSET),
            ("chunks", chunks is not None),
        )
        if is_given
    ]
    if len(given) > 1:
        raise InvalidTypeError(f"only one of body, text, json and chunks may be given, not {' and '.join(given)}")
    if json is not UNSET:
        return _encoded("json", _json_text(json)), "application/json"
    if text is not None:
        if not isinstance(text, str):
            raise InvalidTypeError(f"text must be a str, not {type(text).__name__}")
        return _encoded("text", text), "text/plain; charset=utf-8"
    content = bytes_of(body)
    if content is None:
        hint = "; say text=" if isinstance(body, str) else ""
        raise InvalidTypeError(f"body must be bytes, not {type(body).__name__}{hint}")
    return content, None


def _json_text(value: object) -> str:
    try:
        return json_module.dumps(value, ensure_ascii=False, allow_nan=False)
    except TypeError as error:
        raise InvalidTypeError(f"json: {str(error)[:1].lower()}{str(error)[1:]}") from None
    except (ValueError, RecursionError) as error:
        # "Out of range float values are not JSON compliant", "Circular reference detected", depth
        raise impossible(f"json: {str(error).partition(':')[0].lower()}", "Such a value cannot be JSON.") from None


def _encoded(argument: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise impossible(
            f"{argument} has a lone surrogate (position {error.start})", "It has no UTF-8 form. Give bytes as body=…."
        ) from None
