"""Errors: one tree, plain fields, no secrets (decision D19)."""

from __future__ import annotations

import pickle
import socket
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from fluxhttp import (
    BodyTooLargeError,
    Config,
    DecodingError,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidRedirectError,
    Limits,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
    ResponseError,
    StatusError,
    TooManyRedirectsError,
    TransportError,
    TruncatedBodyError,
)
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, ok, raw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fluxhttp import Deadline

_CONFIG = Config(timeout=2.0, limits=Limits(body=10, head=400), max_redirects=1)
_MOVED = ("HTTP/1.1 302 Found", "Content-Length: 0")
#: A script for each way an exchange can fail, with the class and phase of its error.
_FAILURES: tuple[tuple[type[FluxHTTPError], str | None, tuple[Script, ...]], ...] = (
    (ReceiveError, "head", (Script().close(),)),
    (ReceiveError, "head", (Script().reset(),)),
    (ProtocolError, "head", (raw("HTTP/1.1 200 OK", "no colon"),)),
    (ProtocolError, "body", (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"x\r\n"),)),
    (IncompleteBodyError, "body", (raw("HTTP/1.1 200 OK", "Content-Length: 9", body=b"x").close(),)),
    (BodyTooLargeError, None, (raw("HTTP/1.1 200 OK", "Content-Length: 11"),)),
    (HeadTooLargeError, None, (raw("HTTP/1.1 200 OK", "X: " + "x" * 500),)),
    (DecodingError, None, (raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 1", body=b"x"),)),
    (TooManyRedirectsError, None, (raw(*_MOVED, "Location: /1"), raw(*_MOVED, "Location: /2"))),
    (InvalidRedirectError, None, (raw(*_MOVED, "Location: ftp://origin.test/"),)),
)


def _failed(lab: Lab, method: str = "GET", path: str = "/", **options: Any) -> Iterator[FluxHTTPError]:
    """The error of each failure, in turn, and at last of a time-out."""
    options.setdefault("config", _CONFIG)
    for kind, phase, scripts in _FAILURES:
        lab.origin.play(*scripts)
        error = lab.fails(kind, lab.do, method, path, **options)
        assert getattr(error, "phase", None) == phase
        yield error
    lab.origin.play(Script().stall())
    yield lab.fails(RequestTimeoutError, lab.do, method, path, **options | {"config": Config(timeout=0.1)})


def _told(error: BaseException) -> str:
    """Everything that a report of it shows but source lines: texts, reprs and fields, causes included."""
    parts: list[str] = []
    following: BaseException | None = error
    while following is not None:
        parts += [str(following), repr(following), repr(following.args), repr(vars(following))]
        parts += traceback.format_exception_only(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return "\n".join(parts)


@case("errors/one-tree", anchor="seam", level="core")
def one_tree(lab: Lab) -> None:
    """One class catches whatever ends a call, and two halves say whether the answer came; no other kind escapes."""
    for error in _failed(lab):
        assert isinstance(error, FluxHTTPError)
        assert isinstance(error, TransportError) is not isinstance(error, ResponseError)
        assert isinstance(error, OSError) is isinstance(error, RequestTimeoutError)
        assert str(error)
        assert str(error).isprintable()
    lab.still_works()


@case("errors/name-the-call", anchor="seam", level="core")
def name_the_call(lab: Lab) -> None:
    """Each error says which call it ended: the method, and the URL without what is secret in it."""
    for error in _failed(lab, "PUT", "/there?a=b", body=b"x"):
        if isinstance(error, TooManyRedirectsError):
            # The call had become another request by then.
            assert (error.method, error.url) == ("GET", lab.url("/1"))
        else:
            assert (error.method, error.url) == ("PUT", lab.url("/there?a=***"))
    lab.still_works()


@case("errors/may-it-be-sent-again", anchor="RFC 9110, 9.2.2; seam", level="core")
def may_it_be_sent_again(lab: Lab) -> None:
    """What was sent may have been done, even if no answer came: only methods that are idempotent may be sent again."""
    for method, retryable in (("GET", True), ("HEAD", True), ("PUT", True), ("DELETE", True), ("POST", False)):
        error = lab.refuse(ReceiveError, Script().close(), method, phase="head")

        assert error.retryable is retryable
        assert lab.requests[-1].method == method
    lab.still_works()


@case("errors/show-no-secrets", kind="pinned", anchor="D19", level="core", tags=("security",))
def show_no_secrets(lab: Lab) -> None:
    """Errors end up in logs: no password, query value, credential, cookie or content in them, nor in their causes."""
    secrets = [f"{name}-s3cret" for name in ("user", "password", "query", "token", "cookie", "content")]
    user, password, query, token, cookie, content = secrets
    url = lab.url(f"/path?key={query}").replace("http://", f"http://{user}:{password}@")

    for headers in ({"Cookie": cookie}, {"Authorization": f"Bearer {token}", "X-Api-Key": token, "Cookie": cookie}):
        for error in _failed(lab, "POST", url, headers=headers, body=content.encode()):
            told = _told(error)
            assert not [secret for secret in secrets if secret in told], told
            assert not [secret for secret in secrets if secret.encode() in pickle.dumps(error)]
    lab.still_works()


@case("errors/show-nothing-of-the-answer", kind="pinned", anchor="D19", level="core", tags=("security",))
def show_nothing_of_the_answer(lab: Lab) -> None:
    """A malformed answer is named by its line and by the one character at fault; what it says stays out of the text."""
    hidden = "answers-s3cret"
    length = "Content-Length: 9"
    for kind, script in (
        (ProtocolError, raw(f"HTTP/1.1 200{hidden}", length)),
        (ProtocolError, raw("HTTP/1.1 200 OK", f"Set-Cookie {hidden}", length)),
        (ProtocolError, raw("HTTP/1.1 200 OK", f"X: {hidden}\0", length)),
        (ProtocolError, raw("HTTP/1.1 200 OK", f"Content-Length: {hidden}")),
        (ProtocolError, raw("HTTP/1.1 200 OK", f"Transfer-Encoding: {hidden}")),
        (ProtocolError, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=f"{hidden}\r\n".encode())),
        (DecodingError, raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", body=hidden.encode()).close()),
        (IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: 99", body=hidden.encode()).close()),
        (InvalidRedirectError, raw("HTTP/1.1 302 Found", f"Location: http://u:{hidden}@a.test:x/?k={hidden}", length)),
    ):
        error = lab.refuse(kind, script)

        assert hidden not in _told(error)
        assert str(error).isprintable()
    lab.still_works()


@case("errors/status-is-one-on-request", kind="pinned", anchor="D17", level="core")
def status_is_one_on_request(lab: Lab) -> None:
    """``raise_for_status`` makes an error of 400 and up, which holds the answer; its text is fit to be shown."""
    for code in (200, 304, 399):
        response = lab.receive(raw(f"HTTP/1.1 {code} OK", "Content-Length: 0"))
        assert response.raise_for_status() is response
    for code, reason in ((400, "Bad"), (404, "\xc3\x84\x9b[2J"), (500, ""), (999, "x")):
        response = lab.receive(
            raw(f"HTTP/1.1 {code} {reason}", "Content-Length: 2", body=b"\x1b\0"), path="/?key=value"
        )
        error = lab.fails(StatusError, response.raise_for_status)

        assert (error.status_code, error.response) == (code, response)
        assert (error.method, error.url) == ("GET", lab.url("/?key=***"))
        assert str(code) in str(error)
        assert str(error).isprintable()
    lab.still_works()


@case("errors/cut-text-is-no-text", kind="pinned", anchor="D2", level="core")
def cut_text_is_no_text(lab: Lab) -> None:
    """A body that was cut has bytes, but neither text nor JSON; the error of that names the call, too."""
    config = Config(limits=Limits(body=4, overflow="truncate"))

    response = lab.receive(ok(b"12345"), config=config)

    assert response.body == b"1234"
    for error in (
        lab.fails(TruncatedBodyError, getattr, response, "text"),
        lab.fails(TruncatedBodyError, response.json),
    ):
        assert (error.method, error.url) == ("GET", lab.url())


class _Interrupted(socket.socket):
    """A socket whose reads are interrupted once the first one was done."""

    reads = 0

    def recv(self, *arguments: Any) -> bytes:
        self._count()
        return super().recv(*arguments)

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self._count()
        return super().recv_into(*arguments, **options)

    def _count(self) -> None:
        self.reads += 1
        if self.reads == 2:
            raise KeyboardInterrupt


class _InterruptingDialer:
    """Raises what is no error of ours at its first dial, and interrupts the reads of its second connection."""

    def __init__(self, first: BaseException) -> None:
        self.first: BaseException | None = first
        self.interrupts = True

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        first, self.first = self.first, None
        if first is not None:
            raise first
        sock = socket.create_connection((host, port), deadline.remaining())
        if self.interrupts:
            self.interrupts = False
            return _Interrupted(fileno=sock.detach())
        return sock


@case("errors/interrupts-pass-through", anchor="seam", level="wire")
def interrupts_pass_through(lab: Lab) -> None:
    """Ctrl-C is no failure of the exchange: it goes through as it is, and takes the half-read connection along."""
    for first in (KeyboardInterrupt(), SystemExit(3), MemoryError()):
        client = lab.new_client(lab.open(dialer=_InterruptingDialer(first)))
        with suppress(type(first)):
            client.get(lab.url())
            raise AssertionError("the dialer was interrupted, but the call returned")

        before = len(lab.requests)
        lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 9", body=b"half").pause(0.02).send(b"-read").stall())
        with suppress(KeyboardInterrupt):
            client.get(lab.url())
            raise AssertionError("a read was interrupted, but the call returned")
        assert len(lab.requests) == before + 1

        lab.origin.play(ok(b"next"))
        assert client.get(lab.url()).body == b"next"
        client.close()
