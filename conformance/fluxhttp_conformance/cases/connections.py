"""Using connections again, and when not to (RFC 9112, 9)."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from fluxhttp import (
    BodyTooLargeError,
    Config,
    ConnectError,
    DecodingError,
    HeadTooLargeError,
    IncompleteBodyError,
    Limits,
    ProtocolError,
    Request,
    RequestTimeoutError,
)
from fluxhttp.testing import Script
from fluxhttp_conformance.case import SURPLUS, case
from fluxhttp_conformance.environment import caught_warnings
from fluxhttp_conformance.lab import CALL_SECONDS, OK, Lab, chunked, ok, raw
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from fluxhttp import FluxHTTPError
    from fluxhttp_conformance.origins.seen import SeenRequest

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"


def _used(lab: Lab) -> list[int]:
    """The connections that the requests came on, in order."""
    return [seen.connection for seen in lab.requests]


def _has_sent(lab: Lab, size: int) -> None:
    """Waits until the origin has sent that many bytes in all, so that the other side can know."""
    lab.until(lambda: lab.origin.bytes_sent >= size, "the origin sent")


@case("connections/used-again", anchor="RFC 9112, 9.3", level="semantic")
def used_again(lab: Lab) -> None:
    """One connection serves one request after the other, whatever the method and whatever the answer's framing."""
    answers = (
        ok(b"a"),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"b")),
        raw("HTTP/1.1 204 No Content"),
        raw("HTTP/1.1 304 Not Modified", "Content-Length: 5"),
        raw("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: keep-alive"),
    )
    for answer in answers:
        for method in ("GET", "POST", "DELETE"):
            lab.origin.play(answer)
            lab.do(method, body=b"abc" if method == "POST" else b"")
    lab.still_works()

    assert lab.origin.connections == 1


@case("connections/many-in-a-row", anchor="RFC 9112, 9.3", level="semantic")
def many_in_a_row(lab: Lab) -> None:
    """A hundred exchanges in a row, empty and not, leave neither connections nor bytes behind."""
    for number in range(100):
        body = b"%d" % number * (number % 3 * 1000)
        lab.origin.play(ok(body))

        assert lab.get(f"/{number}").body == body
    assert lab.origin.connections == 1
    assert [seen.target for seen in lab.requests] == [f"/{number}" for number in range(100)]


@case("connections/used-after-errors-of-the-server", kind="informational", anchor="RFC 9112, 9.3", level="semantic")
def used_after_errors_of_the_server(lab: Lab) -> None:
    """A 5xx says nothing about the connection; some clients give it up all the same."""
    for code in (500, 502, 503, 504):
        lab.origin.play(raw(f"HTTP/1.1 {code} Failure", "Content-Length: 2", body=b"no"))
        assert lab.get().status_code == code
    lab.still_works()

    assert lab.origin.connections == 1


@case("connections/closed-by-the-answer", anchor="RFC 9112, 9.6")
def closed_by_the_answer(lab: Lab) -> None:
    """After "close" the peer reads nothing more, even where it is slow to hang up."""
    for fields in (
        ("Connection: close",),
        ("connection: CLOSE",),
        ("Connection: keep-alive, close",),
        ("Connection: x", "Connection: close ,y"),
        ("Connection:close\t",),
    ):
        before = lab.origin.connections
        lab.origin.play(raw("HTTP/1.1 200 OK", *fields, "Content-Length: 2", body=b"ok"))

        assert lab.get().body == b"ok"
        lab.still_works()
        assert lab.origin.connections == before + (1 if before else 2), fields
        before = lab.origin.connections


@case("connections/http-1-0", anchor="RFC 9112, 9.3")
def http_1_0(lab: Lab) -> None:
    """HTTP/1.0 ends a connection with the answer, unless it says keep-alive."""
    lab.origin.play(raw("HTTP/1.0 200 OK", "Content-Length: 2", body=b"ok"))
    lab.get()
    lab.origin.play(raw("HTTP/1.0 200 OK", "Connection: Keep-Alive", "Content-Length: 2", body=b"ok"))
    lab.get()
    lab.still_works()

    assert _used(lab) == [0, 1, 1]


@case("connections/origins-apart", anchor="RFC 9110, 4.3.3", level="semantic", tags=("security",))
def origins_apart(lab: Lab) -> None:
    """Each origin has connections of its own, whatever address it shares with another."""
    lab.dialer.routes[8080] = lab.origin.address
    hosts = ("origin.test", "other.test", "origin.test:8080", "origin.test.", "127.0.0.1")
    for host in (*hosts, *hosts):
        lab.origin.play(ok())
        lab.client.get(lab.url("/", host=host))

    assert lab.origin.connections == len(hosts)
    assert _used(lab)[: len(hosts)] == _used(lab)[len(hosts) :]


@case("connections/refused", anchor="seam")
def refused(lab: Lab) -> None:
    """Where nobody listens there is no connection: nothing was sent, and any method may be tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for method in ("GET", "POST"):
        error = lab.fails(ConnectError, lab.do, method, f"http://127.0.0.1:{port}/p?q=s3cr3t")

        assert (error.phase, error.maybe_sent, error.retryable, error.method) == ("connect", False, True, method)
        assert error.url == f"http://127.0.0.1:{port}/p?q=***"
    lab.saw_nothing()


@case(
    "connections/surplus-with-the-answer",
    anchor="RFC 9112, 9.2",
    tags=("security",),
    sent_whole=SURPLUS,
)
def surplus_with_the_answer(lab: Lab) -> None:
    """Bytes after an answer belong to no request: taken for the next answer, they poison it."""
    for answer in (
        raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok" + POISON),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"ok") + POISON),
        raw("HTTP/1.1 200 OK", "Content-Length: 0", body=POISON),
        raw("HTTP/1.1 204 No Content", body=POISON),
        raw("HTTP/1.1 304 Not Modified", body=POISON),
        raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok\r\n"),
        raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"okX"),
    ):
        before = lab.origin.connections
        lab.origin.play(answer)

        assert lab.get().body in (b"ok", b"")
        lab.still_works()
        assert lab.origin.connections == before + (1 if before else 2)


@case("connections/surplus-after-a-while", anchor="RFC 9112, 9.2", tags=("security",))
def surplus_after_a_while(lab: Lab) -> None:
    """What comes on an idle connection, a second answer or a 408, is not the answer to the next request."""
    timed_out = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    sent = 0
    for number, surplus in enumerate((POISON, timed_out, b"\r\n", b"H")):
        lab.origin.play(Script().send(OK).pause(0.02).send(surplus))
        lab.get()
        sent += len(OK) + len(surplus)
        _has_sent(lab, sent)

        lab.still_works()
        sent += len(OK) - len(b"ok") + len(b"control")
        assert lab.origin.connections == number + 2


@case("connections/not-used-after-a-failure", anchor="RFC 9112, 9.3", tags=("security",), sent_whole=SURPLUS)
def not_used_after_a_failure(lab: Lab) -> None:
    """A connection whose answer was not read to its end is closed: what is left of it would be the next answer."""
    rest = b"x" * 200 + POISON
    gzipped = raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 213", body=b"no gzip at all" + rest)
    small = Config(limits=Limits(body=10, head=200, fields=20))
    cut = Config(limits=Limits(body=10, overflow="truncate"))
    kinds: tuple[tuple[type[FluxHTTPError] | None, Script, Config], ...] = (
        (BodyTooLargeError, raw("HTTP/1.1 200 OK", "Content-Length: 240", body=rest), small),
        (BodyTooLargeError, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(rest, POISON)), small),
        (None, raw("HTTP/1.1 200 OK", "Content-Length: 240", body=rest), cut),
        (DecodingError, gzipped, Config()),
        (HeadTooLargeError, raw("HTTP/1.1 200 OK", f"X: {'x' * 200}", "Content-Length: 45", body=POISON), small),
        (ProtocolError, raw("HTTP/1.1 200 OK", "no field", "Content-Length: 45", body=POISON), small),
        (ProtocolError, raw("HTTP/1.1 200 OK", "Content-Length: x", body=POISON), small),
        (ProtocolError, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"x\r\n" + POISON), small),
        (RequestTimeoutError, raw("HTTP/1.1 200 OK", "Content-Length: 50", body=POISON), Config(timeout=0.2)),
    )
    for kind, script, config in kinds:
        lab.origin.play(script)
        if kind is None:
            assert lab.get(config=config).truncated
        else:
            lab.fails(kind, lab.get, config=config)
        used = lab.requests[-1].connection

        lab.still_works()
        assert lab.requests[-1].connection == used + 1
        lab.origin.play(raw("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"))
        lab.get()


@case("connections/late-answer", anchor="RFC 9112, 9.2", tags=("security",))
def late_answer(lab: Lab) -> None:
    """An answer that comes after its call gave up is nobody's."""
    lab.origin.play(Script().pause(0.25).then(*ok(b"late").steps))
    lab.fails(RequestTimeoutError, lab.get, "/slow", config=Config(timeout=0.1))

    lab.still_works()
    lab.clock.sleep(0.2)
    lab.still_works()
    assert _used(lab) == [0, 1, 1]


@case(
    "connections/each-answer-to-its-request",
    anchor="RFC 9112, 9.2",
    tags=("security",),
    sent_whole=SURPLUS,
)
def each_answer_to_its_request(lab: Lab) -> None:
    """Through a mixed row of answers, failures and abandoned calls each answer is the one to its own request."""

    def answer(seen: SeenRequest) -> Script:
        body = seen.target.encode()
        scripts = {
            "/surplus": raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body + POISON),
            "/late": Script().pause(0.2).then(*ok(body).steps),
            "/large": ok(body * 1000),
            "/short": raw("HTTP/1.1 200 OK", "Content-Length: 100", body=body).close(),
        }
        return scripts.get(seen.target.partition("?")[0], ok(body))

    failures: dict[str, tuple[type[FluxHTTPError], Config]] = {
        "/late": (RequestTimeoutError, Config(timeout=0.04)),
        "/large": (BodyTooLargeError, Config(limits=Limits(body=1000))),
        "/short": (IncompleteBodyError, Config()),
    }
    lab.origin.answer(answer)
    for number in range(10):
        for kind in ("/surplus", "/late", "/ok", "/large", "/plain", "/short"):
            target = f"{kind}?{number}"
            if kind in failures:
                error, config = failures[kind]
                lab.fails(error, lab.get, target, config=config)
            else:
                assert lab.get(target).body == target.encode()


@case("connections/unread-body", anchor="seam")
def unread_body(lab: Lab) -> None:
    """An answer that is closed before its end takes its connection along; one that was read gives it back."""
    request = Request.build("GET", lab.url("/"))
    for size, reads, reused in ((5, 5, True), (5, 0, False), (5, 3, False), (0, 0, True), (100_000, 99_999, False)):
        lab.origin.play(ok(b"x" * size))
        answer = lab.send(request)
        got = 0
        while got < reads:
            piece = answer.read(reads - got)
            assert piece, "the body ended before it was read whole"
            got += len(piece)
        answer.close()
        answer.close()
        used = lab.requests[-1].connection

        lab.still_works()
        assert (lab.requests[-1].connection == used) is reused, (size, reads)


@case("connections/two-answers-at-once", anchor="RFC 9112, 9.3", tags=("security",))
def two_answers_at_once(lab: Lab) -> None:
    """While one answer is read its connection serves no other request."""
    lab.origin.play(ok(b"first"), ok(b"second"))
    first = lab.send(Request.build("GET", lab.url("/1")))
    second = lab.send(Request.build("GET", lab.url("/2")))

    bodies = [answer.read(10) for answer in (second, first)]
    for answer in (first, second):
        answer.close()

    assert bodies == [b"second", b"first"]
    assert _used(lab) == [0, 1]
    lab.still_works()
    assert lab.origin.connections == 2


@case("connections/fork", anchor="seam", tags=("security",))
def fork(lab: Lab) -> None:
    """A child process must not write on connections of its parent: their answers would be mixed up."""
    if not hasattr(os, "fork"):
        raise NotApplicable("there is no fork on this system")
    lab.still_works()
    lab.origin.play(ok(b"child"))
    with caught_warnings():
        # Newer Pythons warn of a fork in a process with threads. The child makes this one call.
        child = os.fork()
    if not child:
        try:
            is_right = lab.get("/child", config=Config(timeout=CALL_SECONDS)).body == b"child"
            os._exit(0 if is_right else 1)
        except BaseException:  # noqa: BLE001  # whatever it is, the parent must not go on here
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    lab.still_works()
    assert [(seen.target, seen.connection) for seen in lab.requests] == [
        ("/control", 0),
        ("/child", 1),
        ("/control", 0),
    ]
