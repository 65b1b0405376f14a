"""One deadline for the whole call (decision D11): what is silent, and where, when it passes."""

from __future__ import annotations

import contextlib
import socket
import time
from datetime import timedelta
from functools import partial

from fluxhttp import Config, Dialer, InvalidConfigError, InvalidTypeError, RequestTimeoutError, TransportError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import coded, gzipped
from fluxhttp_conformance.lab import Lab, chunked, ok, raw
from fluxhttp_conformance.target import NotApplicable

_SECONDS = 0.15


@case("time/silent-head", kind="pinned", anchor="D11")
def silent_head(lab: Lab) -> None:
    """A peer that does not answer, or stops within its head, ends the call on time, though it may have acted."""
    starts = (
        b"",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
    )

    lab.all_time_out(_SECONDS, "head", *(Script().send(start).stall() for start in starts))

    assert len(lab.requests) == len(starts)
    lab.still_works()


@case("time/silent-body", kind="pinned", anchor="D11")
def silent_body(lab: Lab) -> None:
    """A body that stops coming ends the call on time, whatever it waits for: data, a chunk, a trailer or the end."""
    scripts = (
        raw("HTTP/1.1 200 OK", "Content-Length: 5"),
        raw("HTTP/1.1 200 OK", "Content-Length: 5", body=b"hell"),
        raw("HTTP/1.1 200 OK", "Content-Length: 9000000", body=bytes(3_000_000)),
        raw("HTTP/1.1 200 OK", body=b"hello"),
        *(
            raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=body)
            for body in (
                b"",
                b"5",
                b"5\r\nhel",
                b"5\r\nhello",
                b"5\r\nhello\r\n",
                chunked(b"hello", last=b"0\r\nX: y\r\n"),
            )
        ),
    )

    lab.all_time_out(_SECONDS, "body", *(script.stall() for script in scripts))

    assert len(lab.requests) == len(scripts)
    lab.still_works()


@case("time/peer-stops-reading", kind="pinned", anchor="D11")
def peer_stops_reading(lab: Lab) -> None:
    """An upload that the peer no longer takes ends on time, too; some of it has left."""
    lab.origin.play(Script(begins="head").pause(3.0))

    error = lab.times_out(_SECONDS, "send", lab.post, body=bytes(33_554_432))

    assert error.maybe_sent
    assert not error.retryable
    lab.still_works()


@case("time/name-look-up", kind="pinned", anchor="D11")
def name_look_up(lab: Lab) -> None:
    """A name that is looked up for too long ends the call on time, though nothing can end the look-up itself."""

    def resolve(name: str) -> list[str]:
        time.sleep(0.3 if name == "slow.test" else 0.0)
        return [lab.origin.address[0]]

    client = lab.new_client(lab.open(dialer=Dialer(resolver=resolve)))
    slow, quick = (f"http://{name}.test:{lab.origin.address[1]}/" for name in ("slow", "quick"))

    error = lab.times_out(_SECONDS, "dns", client.get, slow)

    assert not error.maybe_sent
    assert error.retryable
    lab.origin.play(ok())
    assert client.get(quick).body == b"ok"


@case("time/connecting", kind="pinned", anchor="D11")
def connecting(lab: Lab) -> None:
    """A peer that does not even accept ends the call on time; nothing was sent."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        url = "http://{}:{}/".format(*listener.getsockname())
        _fill_backlog(listener, stack)
        client = lab.new_client(lab.open(dialer=Dialer()))

        error = lab.times_out(_SECONDS, "connect", client.post, url)

    assert not error.maybe_sent
    assert error.retryable
    lab.still_works()


def _fill_backlog(listener: socket.socket, stack: contextlib.ExitStack) -> None:
    """Connects until the listener, which accepts nobody, leaves a connection waiting."""
    for _ in range(64):
        waiting = stack.enter_context(socket.socket())
        waiting.settimeout(0.05)
        try:
            waiting.connect(listener.getsockname())
        except TimeoutError:
            return
    raise NotApplicable("this system lets nobody wait on loopback")


@case("time/decoding", kind="pinned", anchor="D11", level="core", tags=("security",))
def decoding(lab: Lab) -> None:
    """What came in time, but takes long to unpack, ends on time, too."""
    before = lab.clock.monotonic()
    time.sleep(0.005)
    if lab.clock.monotonic() == before:
        raise NotApplicable("work takes no time on its clock")
    body = gzipped(gzipped(b"x") * 400_000)
    lab.origin.play(coded("gzip, gzip", body))

    lab.times_out(_SECONDS, "body", lab.get)

    lab.still_works()


@case("time/silent-to-every-method", kind="pinned", anchor="D11", level="core")
def silent_to_every_method(lab: Lab) -> None:
    """No method is sent again after a time-out, and the error tells which may be (RFC 9110, 9.2.2)."""
    methods = {"HEAD": True, "PUT": True, "DELETE": True, "POST": False, "PATCH": False}
    client = lab.client
    lab.origin.play(*[Script().stall()] * len(methods))

    errors = lab.together(
        *(partial(lab.times_out, _SECONDS, "head", client.do, method, lab.url()) for method in methods)
    )

    assert {error.method: error.retryable for error in errors} == methods
    assert sorted(seen.method for seen in lab.requests) == sorted(methods)
    lab.still_works()


@case("time/is-a-timeout-error", kind="pinned", anchor="D11", level="core")
def is_a_timeout_error(lab: Lab) -> None:
    """Whoever catches TimeoutError or TransportError catches it, and its fields say what failed, without a secret."""
    lab.origin.answer(lambda _: Script().stall())

    error = lab.fails(RequestTimeoutError, lab.get, "/path?secret=1", config=Config(timeout=0.05))

    assert isinstance(error, TransportError)
    assert isinstance(error, TimeoutError)
    assert error.method == "GET"
    assert error.url == lab.url("/path?secret=***")
    assert "secret=1" not in str(error)
    lab.still_works()


@case("time/enough", kind="pinned", anchor="D11", level="core")
def enough(lab: Lab) -> None:
    """An answer within the deadline is one, however near; time that was allowed but not needed is not waited for."""
    watch = lab.stopwatch()
    for timeout in (5, 5.0, 1e9, 1e300, timedelta(seconds=5), float("inf")):
        assert lab.receive(Script().pause(0.01).then(*ok().steps), config=Config(timeout=timeout)).body == b"ok"
    assert watch.own_seconds() < 1.0


@case("time/none", kind="pinned", anchor="D11", level="core")
def none(lab: Lab) -> None:
    """None and 0 set no limit: no cap of a library below may come through."""
    for timeout in (None, 0, 0.0, timedelta()):
        lab.origin.play(Script().pause(0.03).then(*ok().steps))

        assert lab.client.get(lab.url(), config=Config(timeout=timeout)).body == b"ok"


@case("time/settings-are-judged", kind="pinned", anchor="D11", level="core")
def settings_are_judged(lab: Lab) -> None:
    """A time-out that is none is refused where it is set; to send it to a socket would mean different things."""
    for wrong in (-1, -0.001, float("nan"), float("-inf"), timedelta(seconds=-1), 10**400):
        lab.fails(InvalidConfigError, Config, timeout=wrong)
    for mistyped in (True, False, "5", b"5", [5], 1j):
        lab.fails(InvalidTypeError, Config, timeout=mistyped)
    lab.still_works()


@case("time/tiny", kind="pinned", anchor="D11", level="core")
def tiny(lab: Lab) -> None:
    """A nanosecond is over at once, which is a time-out as any other; it is not rounded to none."""
    lab.origin.answer(lambda _: Script().stall())
    for seconds in (1e-9, 1e-6, timedelta(microseconds=1)):
        watch = lab.stopwatch()

        error = lab.fails(RequestTimeoutError, lab.get, config=Config(timeout=seconds))

        assert error.maybe_sent is (error.phase in ("send", "head"))
        assert watch.own_seconds() < 1.0
    lab.still_works()


@case("time/each-call-has-its-own", kind="pinned", anchor="D11", level="core")
def each_call_has_its_own(lab: Lab) -> None:
    """A call's time-out replaces the client's, in both directions, and is over with the call."""
    impatient = lab.new_client(lab.transport, config=Config(timeout=_SECONDS))
    slow = Script().pause(0.18).then(*ok().steps)
    lab.origin.play(slow)
    assert impatient.get(lab.url(), config=Config(timeout=5.0)).body == b"ok"

    # On the same connection: what is left of the first deadline is none of the second's.
    lab.origin.play(slow)
    assert impatient.get(lab.url(), config=Config(timeout=None)).body == b"ok"
    assert lab.origin.connections == 1

    lab.origin.play(Script().stall())
    watch = lab.stopwatch()
    lab.fails(RequestTimeoutError, impatient.get, lab.url())
    assert watch.seconds() >= _SECONDS
    assert watch.own_seconds() < 1.0
    lab.still_works()


@case("time/late-rest-is-nobodys", kind="pinned", anchor="D11", tags=("security",))
def late_rest_is_nobodys(lab: Lab) -> None:
    """The rest of a body that comes after its call has ended is nobody's, least of all the next call's."""
    assert lab.receive(ok()).body == b"ok"
    late = raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").pause(0.3)
    lab.origin.play(late.send(b"worldHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"))
    lab.times_out(_SECONDS, "body", lab.get)

    lab.still_works()
    lab.clock.sleep(0.2)
    lab.still_works()
    assert lab.origin.connections == 2


@case("time/retry-after-is-not-slept-on", kind="pinned", anchor="D18", level="semantic")
def retry_after_is_not_slept_on(lab: Lab) -> None:
    """A 503 that asks to come back later is handed out now: whether to wait is the caller's affair."""
    watch = lab.stopwatch()
    for line in ("Retry-After: 1", "Retry-After: Fri, 31 Dec 2099 23:59:59 GMT"):
        for status in ("503 Later", "429 Slow Down", "413 Too Large"):
            response = lab.receive(raw(f"HTTP/1.1 {status}", line, "Content-Length: 2", body=b"no"))

            assert (response.status_code, response.body) == (int(status[:3]), b"no")
    assert watch.own_seconds() < 0.9
    assert len(lab.requests) == 6


@case("time/duration", kind="pinned", anchor="seam", level="core")
def duration(lab: Lab) -> None:
    """The duration runs from the request to the last byte of the body, redirects included, on a clock without jumps."""
    slow = Script().pause(0.05)
    lab.origin.play(slow.then(*raw("HTTP/1.1 302 Found", "Location: /next", "Content-Length: 0").steps))
    started = lab.clock.monotonic()

    response = lab.receive(
        slow.then(*raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"o").steps).pause(0.05).send(b"k")
    )

    took = lab.clock.monotonic() - started
    assert 0.149 <= response.duration.total_seconds() <= took + 0.000_001
    assert response.duration_ns >= 149_000_000
    assert lab.receive(ok()).duration.total_seconds() > 0
