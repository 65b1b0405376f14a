"""A WSGI server's half of an exchange (PEP 3333): from request to environ, from what is given to bytes."""

from __future__ import annotations

import re
import sys
import traceback
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes
from wsgiref.util import is_hop_by_hop

from fluxhttp._core.framing import BODYLESS
from fluxhttp._core.headers import Headers
from fluxhttp.errors import InvalidRequestError
from fluxhttp.testing.errors import ImpossibleReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import TracebackType
    from typing import Any, TypeAlias
    from wsgiref.types import WSGIApplication

    from fluxhttp._core.request import Request

    ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

__tracebackhide__ = True  # pytest shows the line of the application instead

#: More digits than this are no length of anything, and Python takes none of over 4,300.
_LENGTH_DIGITS = 20
# "a string of the form "999 Message here""  (PEP 3333); an interim answer cannot be given.
_is_status = re.compile(r"[2-9][0-9]{2} [\t -~\x80-\xff]*").fullmatch
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\n\r\n"
_FAILED_BODY = b"Internal Server Error"


def environ_of(request: Request, extra: dict[str, Any]) -> dict[str, Any]:
    """The environ of a request, made of its bytes as they would stand on the wire.

    Args:
        request: what is sent.
        extra: what is laid over it.
    """
    # "native strings" hold bytes, one a character (PEP 3333, "Unicode Issues").
    request_line, *lines = request.head_bytes().decode("latin-1").split("\r\n")[:-2]
    method, target, version = request_line.split(" ")
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port),
        "SERVER_PROTOCOL": version,
        "SERVER_SOFTWARE": "fluxhttp",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(":")
        if "_" in name:
            # Servers drop it: the application could not tell it from one with a hyphen.
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        value = value.strip(" \t")
        if key in environ:
            # RFC 9110, 5.3; of a Cookie the lines can only be joined so (RFC 6265, 4.2.1).
            value = environ[key] + ("; " if key == "HTTP_COOKIE" else ", ") + value
        environ[key] = value
    return environ | extra


class Gateway:
    """One request of an application: runs it, and writes what it gives as a server does.

    Args:
        application: the application.
        environ: of the request.
        raises: whether its exceptions go on to the caller. If not they are
            printed to ``wsgi.errors``, and the answer is a 500, or ends too early.
    """

    def __init__(self, application: WSGIApplication, environ: dict[str, Any], *, raises: bool) -> None:
        self._application = application
        self._environ = environ
        self._raises = raises
        self._status: str | None = None
        self._headers: list[tuple[str, str]] = []
        self._declared: int | None = None
        self._is_begun = False
        self._is_chunked = False
        self._given = 0
        #: What came by write() and is not sent yet.
        self._written: list[bytes] = []

    def answer(self) -> Generator[bytes]:
        """The bytes of the answer, each piece when the application gives it."""
        try:
            yield from self._run()
        except Exception:
            if self._raises:
                raise
            traceback.print_exc(file=self._environ["wsgi.errors"])
            if self._is_begun:
                # What it gave to write() before it failed was given.
                yield from self._take_written()
            else:
                yield _FAILED if self._is_head else _FAILED + _FAILED_BODY

    def _run(self) -> Generator[bytes]:
        result: Any = self._application(self._environ, self._start_response)
        try:
            yield from self._take_written()
            for chunk in self._chunks(result):
                piece = self._piece(chunk, is_alone=type(result) in (list, tuple) and len(result) == 1)
                yield from self._take_written()
                if piece:
                    yield piece
                if self._is_over:
                    break
            if not self._is_begun:
                yield self._begin(0)
            elif self._is_chunked:
                yield b"0\r\n\r\n"
        finally:
            close: Callable[[], object] | None = getattr(result, "close", None)
            if close is not None:
                close()

    def _take_written(self) -> Iterator[bytes]:
        while self._written:
            yield self._written.pop(0)

    @staticmethod
    def _chunks(result: Any) -> Iterator[Any]:
        try:
            chunks: Iterator[Any] = iter(result)
        except TypeError:
            raise _wrong(f"returned {type(result).__name__}, which is no iterable of bytes") from None
        return chunks

    # What the application calls

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], None]:
        if exc_info is not None and exc_info[1] is not None:
            if self._is_begun:
                raise exc_info[1].with_traceback(exc_info[2])
        elif self._status is not None:
            raise _wrong("called start_response twice without exc_info")
        if not isinstance(status, str) or not _is_status(status):
            raise _wrong(f"gave the status {status!r}, which is not of the form '200 OK'")
        self._headers = _checked(headers)
        self._status = status
        return self._write

    def _write(self, data: bytes) -> None:
        piece = self._piece(data, is_alone=False)
        if piece:
            self._written.append(piece)

    # The bytes of the answer

    @property
    def _is_head(self) -> bool:
        return bool(self._environ["REQUEST_METHOD"] == "HEAD")

    @property
    def _is_bodyless(self) -> bool:
        return self._is_head or (self._status is not None and int(self._status[:3]) in BODYLESS)

    @property
    def _is_over(self) -> bool:
        # Of an answer to HEAD nobody wants the rest, which may be endless.
        return self._is_begun and self._is_head

    def _begin(self, whole: int | None) -> bytes:
        """The head; ``whole`` is the length of the body, if it is known."""
        if self._status is None:
            raise _wrong("did not call start_response")
        self._is_begun = True
        headers = list(self._headers)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        # What is no length is sent as it stands, for the reader to refuse.
        if len(lengths) == 1 and len(lengths[0]) < _LENGTH_DIGITS and lengths[0].isascii() and lengths[0].isdecimal():
            self._declared = int(lengths[0])
        if not lengths and not self._is_bodyless and whole is None:
            self._is_chunked = True
            headers.append(("Transfer-Encoding", "chunked"))
        elif not lengths and (whole if self._is_head else whole is not None and not self._is_bodyless):
            # That an application gives nothing to HEAD says nothing of what it gives to GET.
            headers.append(("Content-Length", str(whole)))
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def _piece(self, data: Any, *, is_alone: bool) -> bytes:
        """What is sent for a chunk of the application, with the head before the first."""
        if not isinstance(data, bytes):
            raise _wrong(f"gave a chunk of {type(data).__name__}, not bytes")
        if not data:
            # "the first non-empty bytestring" sends the head (PEP 3333).
            return b""
        head = b"" if self._is_begun else self._begin(len(data) if is_alone else None)
        if self._is_bodyless:
            if not self._is_head and self._raises:
                raise _wrong(f"gave a body of {len(data)} bytes or more with {self._status}, which has none")
            return head
        room = None if self._declared is None else self._declared - self._given
        self._given += len(data)
        if room is not None and len(data) > room:
            if self._raises:
                raise _wrong(f"gave {self._given} bytes or more of a body, and declared {self._declared}")
            data = data[:room]
        return head + (b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)


def _checked(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if type(headers) is not list:
        raise _wrong(f"gave its headers as {type(headers).__name__}, not list")
    try:
        pairs = list(Headers(headers).multi_items())
    except InvalidRequestError as error:
        raise _wrong(f"gave headers that cannot be sent: {error}") from None
    for name, value in pairs:
        if is_hop_by_hop(name):
            raise _wrong(f"gave the hop-by-hop header {name}, which is the server's")
        if not value.isascii() and max(value) > "\xff":
            raise _wrong(f"gave header {name!r} a value with {max(value)!r}, and native strings end at U+00FF")
    return pairs


def _wrong(what: str) -> ImpossibleReplyError:
    return ImpossibleReplyError(f"the application {what} (PEP 3333)")
