"""ServedOrigin: plain replies from a server that somebody else wrote, pytest-httpserver (which is Werkzeug's).

A raw origin shows what a transport makes of any bytes; a server that is neither
ours nor hostile shows that what it makes of ordinary ones is no private agreement
between the two. It cannot do all that a script may ask for, and adds fields of its
own. What it cannot do or show, it declines, and the case is then not asked this way.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from pytest_httpserver import HTTPServer
from werkzeug import Response

from fluxhttp.testing import Close, Script, Send
from fluxhttp_conformance.origins.seen import SeenRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from werkzeug import Request

# status-line = HTTP-version SP status-code SP [ reason-phrase ]          (RFC 9112, 4)
_match_status = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([\x20-\x7e]*)").fullmatch
# field-line = field-name ":" OWS field-value OWS                         (RFC 9112, 5)
_match_field = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[ \t\x21-\x7e]*[\x21-\x7e])?|)[ \t]*"
).fullmatch
#: Fields that the server decides about itself.
_OF_THE_SERVER = frozenset({"connection", "date", "server", "transfer-encoding"})
_MOST_BYTES = 16_777_216


class NotPlainError(Exception):
    """A case wants more than a server with plain replies can do or show."""


class ServedRequest(SeenRequest):
    """A request as an application behind a server sees it.

    Names of fields are in no particular case, and lines of one name are joined.
    """

    __slots__ = ("_fields", "_origin", "content", "line")

    def __init__(self, request: Request, origin: ServedOrigin) -> None:
        self._origin = origin
        self._fields = list(request.headers.items())
        environ = request.environ
        self.line: tuple[str, str, str] = (
            str(environ["REQUEST_METHOD"]),
            str(environ["RAW_URI"]),
            str(environ["SERVER_PROTOCOL"]),
        )
        self.content: bytes = request.get_data()

    @property
    def raw(self) -> bytes:  # type: ignore[override]  # an attribute elsewhere
        """Not to be seen behind a server."""
        self._origin.decline("the raw bytes of a request")

    @property
    def connection(self) -> int:  # type: ignore[override]  # likewise
        """Not to be seen behind a server."""
        self._origin.decline("the connection of a request")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Not to be seen behind a server: names are in another case, lines joined."""
        self._origin.decline("the field lines of a request")

    @property
    def request_line(self) -> str:
        """``GET / HTTP/1.1``."""
        return " ".join(self.line)

    @property
    def body(self) -> bytes:
        """The content."""
        return self.content

    def values(self, name: str) -> list[str]:
        """The value of a field; lines of one name are one value."""
        return [value for other, value in self._fields if other.lower() == name.lower()]

    def __repr__(self) -> str:
        return f"<{self.request_line!r}, {len(self.content)} bytes>"


class ServedOrigin:
    """What ``LoopbackOrigin`` is, as far as a server can be.

    Attributes:
        requests: the requests that were served, in order.
        log: what happened, line by line.
        declined: what the case wanted that a server cannot do or show; "" if nothing.
    """

    scheme = "http"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: deque[Script] = deque()
        self._make_script: Callable[[SeenRequest], Script] | None = None
        self.requests: list[ServedRequest] = []
        self.log: list[str] = []
        self.declined: str = ""
        self._server = _Server.lent_to(self)
        self.address: tuple[str, int] = self._server.address

    def url(self, path: str = "/") -> str:
        """The URL of a path of this origin, by address."""
        return f"http://{self.address[0]}:{self.address[1]}{path}"

    def play(self, *scripts: Script) -> None:
        """Adds scripts for the requests to come."""
        with self._lock:
            self._scripts.extend(scripts)

    def answer(self, make_script: Callable[[SeenRequest], Script]) -> None:
        """From now on, each request that finds no script gets the one that this makes of it."""
        self._make_script = make_script

    @property
    def unplayed(self) -> int:
        """How many scripts no request has taken."""
        return len(self._scripts)

    def serve(self, request: Request) -> Response:
        """The answer to a request; called in a thread of the server."""
        seen = ServedRequest(request, self)
        with self._lock:
            self.requests.append(seen)
            script = self._scripts.popleft() if self._scripts else None
        try:
            if script is None and self._make_script is not None:
                script = self._make_script(seen)
            response = self._reply(script, seen.method)
        except NotPlainError:
            response = Response(f"this needs {self.declined}", status=500)
        with self._lock:
            self.log.append(f"< {seen!r}")
            self.log.append(f"> {response.status} {list(response.headers)}")
        return response

    def _reply(self, script: Script | None, method: str) -> Response:
        if script is None or (reply := plain_reply(script, method)) is None:
            self.decline("an answer that a server does not give")
        return reply

    def decline(self, what: str) -> NoReturn:
        """Notes what the case cannot have here.

        Raises:
            NotPlainError: always.
        """
        self.declined = self.declined or what
        raise NotPlainError(what)

    @property
    def connections(self) -> int:
        """Not to be seen behind a server."""
        self.decline("the number of connections")

    @property
    def open_connections(self) -> int:
        """Not to be seen behind a server."""
        self.decline("the number of connections")

    @property
    def bytes_sent(self) -> int:
        """Not to be seen behind a server."""
        self.decline("the number of bytes sent")

    @property
    def transcript(self) -> list[str]:
        """Not for a case to see: how the server goes about it is its own affair."""
        self.decline("what a raw origin notes")

    def close(self) -> None:
        """Gives the server back."""
        self._server.take_back()


def plain_reply(script: Script, method: str) -> Response | None:
    """What a script says, as a reply of an application; None if it says what no application can."""
    steps = script.steps[:-1] if script.ends else script.steps
    if script.begins != "request" or not isinstance(script.steps[-1] if script.ends else Close(), Close):
        return None
    pieces: list[bytes] = []
    for step in steps:
        if not isinstance(step, Send) or step.times is None or len(step.data) * step.times > _MOST_BYTES:
            return None
        pieces.append(step.data * step.times)
    head, is_whole, content = b"".join(pieces).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status, fields = _match_status(first), [_match_field(line) for line in lines]
    if status is None or not is_whole:
        return None
    pairs: list[tuple[str, str]] = []
    for field in fields:
        if field is None:
            return None
        pairs.append((field[1].decode("ascii"), field[2].decode("ascii")))
    code, has_content = int(status[1]), method != "HEAD" and int(status[1]) not in (204, 304)
    lengths = [value for name, value in pairs if name.lower() == "content-length"]
    if not _is_framed(lengths, content, has_content=has_content, ends=script.ends):
        return None
    own = {name.lower() for name, value in pairs if (name.lower(), value) != ("connection", "close")} & _OF_THE_SERVER
    if own or (lengths and not has_content and code in (204, 304)):
        return None
    response = Response(content, status=f"{code} {status[2].decode('ascii')}")
    response.headers.clear()
    response.headers.extend(pair for pair in pairs if pair[0].lower() != "connection")
    return response


def _is_framed(lengths: list[str], content: bytes, *, has_content: bool, ends: bool) -> bool:
    """Whether a server would frame this content so."""
    if not has_content:
        return not content and len(lengths) < 2
    return lengths == [str(len(content))] or (not lengths and ends)


class _Server:
    """A running server. It stays up for the next origin, and one more is started where two are in use at once."""

    _idle: ClassVar[list[_Server]] = []
    _guard = threading.Lock()
    #: How long what is left of a request may take once its answer was read.
    _settle_seconds = 5.0

    def __init__(self) -> None:
        log = logging.getLogger("werkzeug")
        if log.level == logging.NOTSET:  # else each request is a line on standard error
            log.setLevel(logging.CRITICAL)
        self._origin: ServedOrigin | None = None
        self._server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
        self._server.expect_request(re.compile(".*", re.DOTALL)).respond_with_handler(self._serve)
        self._server.start()
        self._handlers = _Handlers(self._server.server)
        self.address = ("127.0.0.1", self._server.port)

    @classmethod
    def lent_to(cls, origin: ServedOrigin) -> _Server:
        """A server for one origin."""
        with cls._guard:
            server = cls._idle.pop() if cls._idle else None
        if server is None:
            server = cls()
        server._origin = origin
        return server

    def take_back(self) -> None:
        """Ready for another origin."""
        if self._origin is not None:
            self._origin = None
            # After its answer a handler reads on for a while, 10 MB at a time: no case after this one is to count that.
            self._handlers.wait(self._settle_seconds)
            self._server.clear_log()
            with self._guard:
                self._idle.append(self)

    def _serve(self, request: Request) -> Response:
        origin = self._origin
        return Response(status=503) if origin is None else origin.serve(request)


class _Handlers:
    """The threads of a server, of which each handles one connection: whether any is still at work."""

    def __init__(self, server: object) -> None:
        assert isinstance(server, ThreadingMixIn)
        self._at_work = 0
        self._changed = threading.Condition()
        self._handle = server.process_request_thread
        server.process_request_thread = self._handled  # type: ignore[method-assign]

    def _handled(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        with self._changed:
            self._at_work += 1
        try:
            self._handle(request, client_address)
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Returns when none is, or that many seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: not self._at_work, seconds)
