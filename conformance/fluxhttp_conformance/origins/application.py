"""ApplicationOrigin: a WSGI application that gives the plain replies among the scripts of a case."""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote_to_bytes
from wsgiref.util import is_hop_by_hop
from wsgiref.validate import check_environ  # type: ignore[attr-defined]  # typeshed lacks it

from fluxhttp.testing import Close, Script, Send
from fluxhttp_conformance.origins.seen import SeenRequest
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse

# A head that a server writes for an application: no other spaces, no other line ends.
_find_status = re.compile(r"HTTP/1\.1 ([2-9]\d\d [\t -~\x80-\xff]*)").fullmatch
_find_field = re.compile(
    r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)"
).fullmatch
_find_chunk = re.compile(rb"([1-9a-f][0-9a-f]*)\r\n")
_BODYLESS = frozenset({"204", "304"})


class PlainReply:
    """What an application gives so that a server sends the bytes of a script.

    Args:
        script: the script.

    Raises:
        NotApplicable: no application can make a server do that.
    """

    status: str
    headers: list[tuple[str, str]]

    def __init__(self, script: Script) -> None:
        if script.begins != "request":
            raise NotApplicable("an application answers when the whole request is there")
        steps = list(script.steps)
        #: Whether the script says that nothing more comes.
        self.ends: bool = bool(steps) and isinstance(steps[-1], Close)
        if self.ends:
            steps.pop()
        data = b""
        for step in steps:
            if not isinstance(step, Send):
                raise NotApplicable(f"an application has no {type(step).__name__.lower()} among its means")
            if step.times is None:
                raise NotApplicable("a reply is plain if it has an end")
            data += step.data * step.times
        head, is_whole, rest = data.partition(b"\r\n\r\n")
        if not is_whole:
            raise NotApplicable("an application sends no part of a head")
        self.status, self.headers = _parse(head.decode("latin-1"))
        self.chunks: Iterable[bytes] = self._body(rest)

    def _body(self, rest: bytes) -> Iterable[bytes]:
        lower = [(name.lower(), value) for name, value in self.headers]
        lengths = [value for name, value in lower if name == "content-length"]
        #: How long the body should be; None if that is not said, or not in numbers.
        self.declared: int | None = None
        if len(lengths) == 1 and len(lengths[0]) < 20 and lengths[0].isdecimal():
            self.declared = int(lengths[0])
        if ("transfer-encoding", "chunked") in lower:
            if lengths or [name for name, _ in lower].count("transfer-encoding") > 1:
                raise NotApplicable("a server says once how long a body is")
            self.headers = [pair for pair in self.headers if pair[0].lower() != "transfer-encoding"]
            # Not a list, whose length a server could tell.
            return iter(_chunks(rest))
        if self.declared is not None and len(rest) > self.declared:
            raise NotApplicable("a server sends no more than is declared")
        if rest and (self.status[:3] in _BODYLESS or not lengths):
            raise NotApplicable("a server sends no body under that status, or none that only the connection ends")
        return [rest]

    def check(self, method: str) -> None:
        """Judges what depends on the method.

        Raises:
            NotApplicable: a server would go on differently.
        """
        if method == "HEAD" or self.status[:3] in _BODYLESS or not isinstance(self.chunks, list):
            return
        sent = sum(map(len, self.chunks))
        if not any(name.lower() == "content-length" for name, _ in self.headers):
            raise NotApplicable("a server that keeps the connection says how long a body is")
        if self.declared is not None and sent < self.declared and not self.ends:
            raise NotApplicable("an application that has ended cannot keep a client waiting")


def _parse(head: str) -> tuple[str, list[tuple[str, str]]]:
    first, *lines = head.split("\r\n")
    status = _find_status(first)
    if status is None:
        raise NotApplicable("no server sends that status line for an application")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        field = _find_field(line)
        if field is None:
            raise NotApplicable("no server sends that field line for an application")
        name, value = field.groups()
        if is_hop_by_hop(name) and (name.lower(), value) != ("transfer-encoding", "chunked"):
            raise NotApplicable(f"{name} is the server's affair, not the application's")
        pairs.append((name, value))
    return status[1], pairs


def _chunks(data: bytes) -> list[bytes]:
    """The chunks, if they stand as a server writes them."""
    chunks: list[bytes] = []
    position = 0
    while (size := _find_chunk.match(data, position)) is not None:
        start, end = size.end(), size.end() + int(size[1], 16)
        if data[end : end + 2] != b"\r\n":
            break
        chunks.append(data[start:end])
        position = end + 2
    if data[position:] != b"0\r\n\r\n" or not chunks:
        raise NotApplicable("no server sends those chunks for an application")
    return chunks


def _hidden(why: str) -> Any:
    """An attribute of whatever type, whose reading ends the case."""

    def tell(_: object) -> NoReturn:
        raise NotApplicable(why)

    return property(tell)


class SeenByApplication(SeenRequest):
    """A request as an application sees it: without its bytes.

    Args:
        environ: what it was called with.
    """

    __slots__ = ("_content", "environ")

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ: dict[str, Any] = environ
        self._content: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))

    raw: bytes = _hidden("an application sees neither the bytes of a request nor its connection")
    connection: int = _hidden("an application sees neither the bytes of a request nor its connection")

    @property
    def body(self) -> bytes:
        """What wsgi.input held."""
        return self._content

    @property
    def request_line(self) -> str:
        """Its three parts, as servers hand them over."""
        return f"{self.environ['REQUEST_METHOD']} {self.environ['REQUEST_URI']} {self.environ['SERVER_PROTOCOL']}"

    def values(self, name: str) -> list[str]:
        """The value of a field; its lines are joined."""
        key = name.upper().replace("-", "_")
        value = self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return [] if value is None else [value]


class ApplicationOrigin:
    """What ``LoopbackOrigin`` is to a real transport, as a WSGI application.

    Attributes:
        requests: what it was called with, in order.
        not_applicable: the first thing that it could not do, found while it was called.
    """

    def __init__(self) -> None:
        self.address: tuple[str, int] = ("127.0.0.1", 80)
        self.requests: list[SeenByApplication] = []
        self.transcript: list[str] = []
        self.not_applicable: NotApplicable | None = None
        self._lock = threading.Lock()
        self._replies: deque[PlainReply] = deque()
        self._make_script: Callable[[SeenRequest], Script] | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The application."""
        check_environ(environ)
        path, _, query = environ["REQUEST_URI"].partition("?")
        assert environ["PATH_INFO"].encode("latin-1") == unquote_to_bytes(path)
        assert environ["QUERY_STRING"] == query
        seen = SeenByApplication(environ)
        with self._lock:
            self.requests.append(seen)
            self.transcript.append(f"< {seen.request_line}, {len(seen.body)} bytes")
            reply = self._replies.popleft() if self._replies else None
        try:
            if reply is None:
                if self._make_script is None:
                    raise NotApplicable("an application does not close a connection without an answer")
                reply = PlainReply(self._make_script(seen))
            reply.check(seen.method)
        except NotApplicable as error:
            self.not_applicable = self.not_applicable or error
            raise
        self.transcript.append(f"> {reply.status} {reply.headers!r}")
        start_response(reply.status, reply.headers)
        return reply.chunks

    def play(self, *scripts: Script) -> None:
        """Adds replies for the requests to come.

        Raises:
            NotApplicable: a script is no plain reply.
        """
        replies = [PlainReply(script) for script in scripts]
        with self._lock:
            self._replies.extend(replies)

    def answer(self, make_script: Callable[[SeenRequest], Script]) -> None:
        """From now on, each request that finds no reply gets the one that this makes of it."""
        self._make_script = make_script

    @staticmethod
    def url(path: str = "/") -> str:
        """The URL of a path, by address."""
        return f"http://127.0.0.1{path}"

    connections: int = _hidden("an application has no connections")
    open_connections: int = _hidden("an application has no connections")
    bytes_sent: int = _hidden("an application has no connections")

    def move(self) -> None:
        """Nothing: it has no ports that could run short."""

    @property
    def unplayed(self) -> int:
        """How many replies no request has taken."""
        return len(self._replies)

    def close(self) -> None:
        """Nothing: it goes by itself."""
