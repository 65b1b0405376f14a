"""Reply: a plain answer, judged when it is declared.

Its bytes go through the real reader once; what the reader made of them is then
given to every call that asks for it. A reply with pauses, or one that a call's
limits may refuse, goes through the reader each time.
"""

from __future__ import annotations

import json as json_module
from http import HTTPStatus
from typing import TYPE_CHECKING

from fluxhttp._core.codings import Decoder, parse_codings
from fluxhttp._core.config import DEFAULT_LIMITS
from fluxhttp._core.deadline import Deadline
from fluxhttp._core.headers import Headers
from fluxhttp._core.request import UNSET
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import DecodingError, FluxHTTPError, InvalidHeaderError, InvalidTypeError
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.errors import ImpossibleReplyError
from fluxhttp.testing.memory import MemorySocket, MemoryStream
from fluxhttp.testing.script import Pause, Script, Send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.headers import HeaderSource
    from fluxhttp.testing.script import Step

#: Answers that never have a body (RFC 9110, 6.4.1).
_BODYLESS = frozenset({204, 304})
_FRAMING = frozenset({"transfer-encoding", "trailer"})


class Ready:
    """What the reader makes of a reply's bytes."""

    __slots__ = ("body", "field_count", "head_bytes", "headers", "http_version", "keeps_alive", "reason", "status_code")

    def __init__(self, answer: StrictResponse, body: bytes, head_bytes: int) -> None:
        self.status_code = answer.status_code
        self.reason = answer.reason
        self.http_version = answer.http_version
        self.headers = answer.headers
        self.body = body
        self.keeps_alive = answer.is_reusable
        self.head_bytes = head_bytes
        self.field_count = len(answer.headers.multi_items())


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

    __slots__ = ("_pairs", "_ready", "after", "body", "chunks", "headers", "reason", "status")

    def __init__(
        self,
        status: int = 200,
        *,
        headers: HeaderSource = (),
        body: bytes = b"",
        text: str | None = None,
        json: object = UNSET,
        chunks: Sequence[bytes | float] | None = None,
        reason: str | None = None,
        after: float = 0.0,
    ) -> None:
        self.status = _checked_status(status)
        self.after = _checked_seconds("after", after)
        content, content_type = _content(body, text, json, chunks)
        self.chunks = None if chunks is None else tuple(_checked_chunk(chunk) for chunk in chunks)
        self.body = b"".join([chunk for chunk in self.chunks if isinstance(chunk, bytes)]) if self.chunks else content
        self.reason = _checked_reason(self.status, reason)
        try:
            self.headers = Headers(headers)
        except InvalidHeaderError as error:
            raise ImpossibleReplyError(str(error)) from None
        self._pairs = self._framed(content_type)
        self._ready: dict[bool, Ready] = {}

    def _framed(self, content_type: str | None) -> tuple[tuple[str, str], ...]:
        """The fields with those that a server adds."""
        index = self.headers.index
        for name in _FRAMING & index.keys():
            raise ImpossibleReplyError(f"{name.title()} by hand: give chunks=, or bytes with faults.raw")
        if self.body and self.status in _BODYLESS:
            raise ImpossibleReplyError(
                f"{self.status} with a body of {len(self.body)} bytes: every transport drops it; "
                "leave it out, or send raw bytes with faults.raw"
            )
        self._check_coding(index.get("content-encoding"))
        pairs = list(self.headers.multi_items())
        if content_type is not None and "content-type" not in index:
            pairs.insert(0, ("Content-Type", content_type))
        lengths = index.get("content-length")
        if self.chunks is not None:
            if lengths is not None:
                raise ImpossibleReplyError("Content-Length beside chunks: a server sends one or the other")
            pairs.append(("Transfer-Encoding", "chunked"))
        elif lengths is None:
            if self.status not in _BODYLESS:
                pairs.append(("Content-Length", str(len(self.body))))
        elif (lengths != [str(len(self.body))] and self.status != 304) and (self.body or len(lengths) > 1):
            raise ImpossibleReplyError(
                f"Content-Length {', '.join(lengths)} for a body of {len(self.body)} bytes: use faults.truncated"
            )
        return tuple(pairs)

    def _check_coding(self, values: list[str] | None) -> None:
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
            raise ImpossibleReplyError(f"Content-Encoding {', '.join(values)}, but {error}") from None

    @property
    def is_immediate(self) -> bool:
        """Whether no time passes while it is sent."""
        return not self.after and (self.chunks is None or all(isinstance(chunk, bytes) for chunk in self.chunks))

    def script(self, method: str) -> Script:
        """What a server does to send it; to HEAD it sends the head alone."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self._pairs]
        head = "\r\n".join([*lines, "", ""]).encode("utf-8")
        steps: list[Step] = [Pause(self.after)] if self.after else []
        if method == "HEAD" or self.status in _BODYLESS:
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
        """The answer as the reader judges it, read once for HEAD and once for the other methods."""
        is_head = method == "HEAD"
        ready = self._ready.get(is_head)
        if ready is None:
            ready = self._ready[is_head] = self._read(method)
        return ready

    def _read(self, method: str) -> Ready:
        clock = VirtualClock()
        sock = MemorySocket(clock)
        script = self.script(method)
        sock.play(Script(*script.steps, begins="accept"))
        stream = MemoryStream(sock)
        stream.begin(Deadline.after(None, clock))
        answer = StrictResponse(stream, method=method, limits=DEFAULT_LIMITS.replace(head=2**40, fields=2**40))
        try:
            answer.begin()
            body = answer.read()
        except FluxHTTPError as error:
            raise ImpossibleReplyError(f"the reply cannot be read: {error}") from error
        head = next(step.data for step in script.steps if isinstance(step, Send))
        return Ready(answer, body, head.find(b"\r\n\r\n") + 4)

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.body)} bytes>"


def _checked_status(status: object) -> int:
    if isinstance(status, bool) or not isinstance(status, int):
        raise InvalidTypeError(f"status must be an int, not {type(status).__name__}")
    if not 200 <= status <= 999:
        raise ImpossibleReplyError(f"status {status}: a final answer has 200 to 999; send others with faults.raw")
    return status


def _checked_seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTypeError(f"{name} must be seconds, not {type(value).__name__}")
    if not 0 <= value < float("inf"):
        raise ImpossibleReplyError(f"{name} must be zero or more seconds, not {value:g}")
    return float(value)


def _checked_chunk(chunk: object) -> bytes | float:
    return chunk if isinstance(chunk, bytes) else _checked_seconds("a pause among chunks", chunk)


def _checked_reason(status: int, reason: object) -> str:
    if reason is None:
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return ""
    if not isinstance(reason, str):
        raise InvalidTypeError(f"reason must be a str, not {type(reason).__name__}")
    if not all(char == "\t" or (char >= " " and char != "\x7f") for char in reason):
        raise ImpossibleReplyError("reason has a control character, which no reader lets through")
    return reason


def _content(body: object, text: object, json: object, chunks: object) -> tuple[bytes, str | None]:
    """The content, and the Content-Type it implies."""
    given = [
        name
        for name, is_given in (
            ("body", body != b""),
            ("text", text is not None),
            ("json", json is not UNSET),
            ("chunks", chunks is not None),
        )
        if is_given
    ]
    if len(given) > 1:
        raise InvalidTypeError(f"only one of body, text, json and chunks may be given, not {' and '.join(given)}")
    if json is not UNSET:
        return json_module.dumps(json, ensure_ascii=False).encode("utf-8"), "application/json"
    if text is not None:
        if not isinstance(text, str):
            raise InvalidTypeError(f"text must be a str, not {type(text).__name__}")
        return text.encode("utf-8"), "text/plain; charset=utf-8"
    if not isinstance(body, bytes | bytearray | memoryview):
        hint = "; say text=" if isinstance(body, str) else ""
        raise InvalidTypeError(f"body must be bytes, not {type(body).__name__}{hint}")
    return bytes(body), None
