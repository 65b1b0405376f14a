"""Entry: one exchange of a HAR file, ours or a browser's, ready to be replayed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fluxhttp._core.framing import BODYLESS
from fluxhttp._core.headers import Headers, lower_name
from fluxhttp._core.query import FORM, encode_form
from fluxhttp._core.request import METHODS, Request
from fluxhttp._core.url import URL
from fluxhttp.errors import InvalidURLError
from fluxhttp.testing.failures import Failure
from fluxhttp.testing.faults import Fault
from fluxhttp.testing.har import body_of_base64, body_of_post, body_of_text, field_of_text
from fluxhttp.testing.script import Script

if TYPE_CHECKING:
    from fluxhttp.testing.har import Node

    #: A field of an answer: its name, and its value in the bytes of the wire.
    Fields = list[tuple[str, bytes]]

_find_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


class SkippedEntry(Exception):  # noqa: N818  # no failure: says why an entry cannot be asked for
    """Why an entry is left out."""

    def __init__(self, why: str, *, method: str, url: str) -> None:
        super().__init__(why)
        self.method = method
        self.url = url


class Entry:
    """One exchange.

    Attributes:
        number: its place in the file, from 1.
        request: as it was sent, as far as the file tells.
        has_content: False where the request had a content that the file does not tell.
        failure: how it failed, None if it did not.
        rest: the part of the body that came, where it did not come whole; None if it did.
        receive_seconds: how long the reading of the body took.
        action: what a peer does, as the fake plays it.

    Raises:
        RecordingError: the file is broken here; the text names the place.
        SkippedEntry: it cannot be replayed, which is nobody's fault.
    """

    __slots__ = ("action", "failure", "has_content", "number", "outcome", "receive_seconds", "request", "rest")

    request: Request
    has_content: bool

    def __init__(self, number: int, node: Node) -> None:
        self.number: int = number
        told, response = node.child("request"), node.child("response")
        method, url = told.text("method"), told.text("url")
        if method not in METHODS:
            raise SkippedEntry(f"the method {method[:16]!r} is never sent", method=method, url=url)
        try:
            parsed = URL.parse(url).without_userinfo()
        except InvalidURLError:
            raise SkippedEntry("its URL is never requested", method=method, url=url) from None
        self.failure: Failure | None = Failure(node.child("_error")) if node.has("_error") else None
        self.request, self.has_content = _request(method, parsed, told)
        self.receive_seconds: float = node.child("timings").number("receive") / 1000 if node.has("timings") else 0.0
        wait = Script()
        if (seconds := node.number("time") / 1000 - self.receive_seconds) > 0:
            wait = wait.pause(seconds)
        self.rest: bytes | None = None
        status = _status(response)
        self.outcome: str = str(status) if self.failure is None else self.failure.name
        if status == 0 and self.failure is not None:
            self.action: Script | Fault = Fault(self.outcome, script=wait.close())
            return
        if not 200 <= status <= 999:
            why = "it had no answer" if status == 0 else f"{status} is no final answer"
            raise SkippedEntry(why, method=method, url=url)
        answer = _Answer(response, status, is_head=method == "HEAD", is_cut=self.failure is not None)
        if answer.has_lost_body:
            raise SkippedEntry("the body of its answer was not saved", method=method, url=url)
        if answer.is_cut:
            self.rest = answer.body
            self.action = wait.send(answer.head()).close()
        else:
            self.action = answer.play(wait, self.receive_seconds)


def _request(method: str, url: URL, told: Node) -> tuple[Request, bool]:
    """The request, and whether its content is known."""
    pairs = [(name, value.decode("utf-8", "replace")) for name, value in _fields(told)]
    body, is_known = b"", True
    if told.has("postData"):
        post = told.child("postData")
        content_type = post.text("mimeType", "")
        if post.has("text"):
            encodings = {post.text("encoding", ""), post.text("_encoding", "")}
            body = (
                body_of_base64(post, "text") if "base64" in encodings else body_of_post(post.text("text"), content_type)
            )
        else:
            body, is_known = _body_of_params(post, content_type)
    else:
        # A GET with a content is nothing that a browser sends.
        is_known = method in ("GET", "HEAD") or (told.number("bodySize") == 0 and not _declares_content(pairs))
    return Request(method, url, Headers.trusted(pairs), body, decodes=False), is_known


def _declares_content(pairs: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" and value != "0" for name, value in pairs)


def _body_of_params(post: Node, content_type: str) -> tuple[bytes, bool]:
    """A form that is told by its parameters alone; a file's content is not among them."""
    params = [(param.text("name"), param.text("value", "")) for param in post.nodes("params", optional=True)]
    if not params or content_type.partition(";")[0].strip().lower() != FORM:
        return b"", not post.has("params")
    return b"&".join([encode_form({name: value}) for name, value in params]), True


def _status(response: Node) -> int:
    status = response.child("status")
    if isinstance(status.value, bool) or not isinstance(status.value, int):
        raise status.wrong("must be a whole number")
    return status.value


def _fields(message: Node) -> Fields:
    """The fields of a request or an answer, without HTTP/2's own."""
    fields: Fields = []
    for node in message.nodes("headers", optional=True):
        name = node.text("name")
        if name.startswith(":"):
            # Pseudo-header fields (RFC 9113, 8.3).
            continue
        if lower_name(name) is None:
            raise node.child("name").wrong("is no name of a field")
        # Browsers have written several lines of one name as one, with line ends between them.
        for line in node.text("value").split("\n"):
            value = field_of_text(line).strip(b" \t\r")
            if _find_control(value):
                raise node.child("value").wrong("has a control character")
            fields.append((name, value))
    return fields


class _Answer:
    """An answer as a peer sends it."""

    def __init__(self, response: Node, status: int, *, is_head: bool, is_cut: bool) -> None:
        self._status = status
        self._is_bodyless = is_head or status in BODYLESS
        content = response.child("content") if response.has("content") else None
        reason = field_of_text(response.text("statusText", ""))
        self._reason = b"" if _find_control(reason) else reason
        self._version = "HTTP/1.0" if response.text("httpVersion", "").upper() == "HTTP/1.0" else "HTTP/1.1"
        #: Whether the body did not come whole.
        self.is_cut = is_cut or (content is not None and content.has("_isIncomplete"))
        fields = _fields(response)
        self.body = b"" if content is None else _content(content, fields)
        #: Whether the file has only the size of the body.
        self.has_lost_body = (
            content is not None
            and not content.has("text")
            and content.number("size") > 0
            and not self._is_bodyless
            and not 300 <= status <= 399
        )
        self._fields = self._framed(fields, is_coded=content is not None and content.has("_isCoded"))

    def _framed(self, fields: Fields, *, is_coded: bool) -> Fields:
        """The fields that fit the body as it is in the file."""
        dropped: set[str] = set()
        if self.body and not is_coded and any(name.lower() == "content-encoding" for name, _ in fields):
            # The text is decoded; so are the fields, as a client leaves them.
            dropped |= {"content-encoding", "content-length"}
        if self._version == "HTTP/1.0":
            dropped.add("transfer-encoding")
        kept = [(name, value) for name, value in fields if name.lower() not in dropped]
        self._is_chunked = any(name.lower() == "transfer-encoding" for name, _ in kept)
        lengths = [value for name, value in kept if name.lower() == "content-length"]
        self._has_length = bool(lengths)
        if self._is_chunked:
            return _with_one(kept, "transfer-encoding", b"chunked")
        if all(value.isdigit() and self._may_declare(int(value)) for value in lengths):
            return kept
        return _with_one(kept, "content-length", b"%d" % len(self.body))

    def _may_declare(self, length: int) -> bool:
        return self._is_bodyless or self.is_cut or length == len(self.body)

    def head(self) -> bytes:
        """Its head, up to the empty line."""
        lines = [f"{self._version} {self._status} ".encode() + self._reason]
        lines += [name.encode() + b": " + value for name, value in self._fields]
        return b"\r\n".join([*lines, b"", b""])

    def play(self, script: Script, seconds: float) -> Script:
        """Goes on with the whole answer; the body takes some seconds."""
        head, body = self.head(), self.body
        if self._is_bodyless:
            return script.send(head)
        if self._is_chunked:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        script = script.send(head).pause(seconds).send(body) if seconds else script.send(head + body)
        return script if self._is_chunked or self._has_length else script.close()


def _with_one(fields: Fields, lower: str, value: bytes) -> Fields:
    """The fields with one line of a name, which has that value; spelled as it is, where it says the same."""
    kept: Fields = []
    is_there = False
    for name, old in fields:
        if name.lower() != lower:
            kept.append((name, old))
        elif not is_there:
            is_there = True
            kept.append((name, old if old.lower() == value else value))
    return kept


def _content(content: Node, fields: Fields) -> bytes:
    if not content.has("text"):
        return b""
    if content.text("encoding", "").lower() == "base64":
        return body_of_base64(content, "text")
    kinds = [value.decode("latin-1") for name, value in fields if name.lower() == "content-type"]
    return body_of_text(content.text("text"), kinds[0] if kinds else content.text("mimeType", ""))
