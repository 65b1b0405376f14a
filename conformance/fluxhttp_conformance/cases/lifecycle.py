"""Opening, closing, forgetting (the seam; DESIGN's contract of Client)."""

from __future__ import annotations

import gc
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from fluxhttp import (
    BodyTooLargeError,
    Client,
    ClosedError,
    Config,
    DecodingError,
    Dialer,
    IncompleteBodyError,
    InvalidRedirectError,
    Limits,
    ProtocolError,
    ReceiveError,
    Request,
    RequestTimeoutError,
)
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.environment import caught_warnings, environment
from fluxhttp_conformance.lab import CALL_SECONDS, Lab, ok, raw
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp import FluxHTTPError, Transport

#: How soon a call must end once its transport was closed.
_PROMPTLY_SECONDS = 1.0


def _all_closed(lab: Lab) -> None:
    lab.until(lambda: lab.origin.open_connections == 0, "every connection was closed")
    # In memory waiting ends without a word.
    assert lab.origin.open_connections == 0


@case("lifecycle/close", anchor="seam", level="semantic")
def close(lab: Lab) -> None:
    """Closing twice is fine, closing what was never used is fine; what was used is closed at the other end, too."""
    unused, used = lab.open(), lab.open()
    unused.close()
    unused.close()
    client = lab.new_client(used)
    lab.origin.play(ok(), raw("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"), ok())
    for _ in range(3):
        client.get(lab.url("/"))

    client.close()
    client.close()
    used.close()
    used.close()

    _all_closed(lab)
    lab.still_works()


@case("lifecycle/used-after-close", anchor="seam", level="semantic")
def used_after_close(lab: Lab) -> None:
    """What was closed is not used again: no client, none over a closed transport, and not the transport itself."""
    lab.still_works()
    transport = lab.open()
    over_closed, closed = lab.new_client(transport), lab.new_client(lab.open())
    closed.close()
    transport.close()
    request = Request.build("GET", lab.url("/"))
    sends: tuple[Callable[[], object], ...] = (
        partial(closed.get, lab.url("/")),
        partial(closed.send, request),
        partial(over_closed.get, lab.url("/")),
        partial(over_closed.send, request),
    )
    for send in sends:
        error = lab.fails(ClosedError, send)
        assert (error.method, error.url) == ("GET", lab.url("/"))

    assert len(lab.requests) == 1
    lab.still_works()


@case("lifecycle/transport-of-the-caller", anchor="seam", level="core")
def transport_of_the_caller(lab: Lab) -> None:
    """A client closes no transport that it was given: others may be using it."""
    with lab.new_client(lab.transport) as first:
        lab.origin.play(ok())
        first.get(lab.url("/"))
    lab.fails(ClosedError, first.get, lab.url("/"))

    lab.still_works()
    assert lab.origin.connections == 1


@case("lifecycle/close-ends-calls", anchor="seam")
def close_ends_calls(lab: Lab) -> None:
    """Calls in flight end with ClosedError as soon as their transport is closed, wherever they are."""
    for script in (
        Script().stall(),
        Script().send(b"HTTP/1.1 200 OK\r\nX: ").stall(),
        raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").stall(),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"5\r\nhel").stall(),
        raw("HTTP/1.1 200 OK", body=b"hello").stall(),
    ):
        _ends_when_closed(lab, script, lab.url("/"))
    _all_closed(lab)
    lab.still_works()


@case("lifecycle/close-ends-handshakes", anchor="seam", tags=("tls",))
def close_ends_handshakes(lab: Lab) -> None:
    """So does a call that is still shaking hands, or that reads over TLS."""
    secure = lab.secure.url("/")
    plain = lab.origin.url("/").replace("http:", "https:")
    for script, url in (
        (Script(begins="accept").stall(), plain),
        (Script().stall(), secure),
        (raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").stall(), secure),
    ):
        _ends_when_closed(lab, script, url)
    lab.still_works()


@case("lifecycle/close-ends-look-ups", anchor="seam")
def close_ends_look_ups(lab: Lab) -> None:
    """So does one whose name is still looked up, which cannot be stopped: it is left behind."""
    if "dialer" not in lab.target.keywords:
        raise NotApplicable(f"{lab.target.name} takes no dialer")
    is_asked, is_over = threading.Event(), threading.Event()

    def resolve(_: str) -> list[str]:
        is_asked.set()
        is_over.wait(2 * _PROMPTLY_SECONDS)
        return ["127.0.0.1"]

    transport = lab.open(dialer=Dialer(resolver=resolve))
    url = f"http://slow.test:{lab.origin.address[1]}/"
    try:
        _close_meanwhile(lab, transport, url, is_asked.is_set)
    finally:
        is_over.set()
    lab.saw_nothing()


def _ends_when_closed(lab: Lab, script: Script, url: str) -> None:
    before = len(lab.origin.transcript)
    lab.origin.play(script)
    _close_meanwhile(lab, lab.open(), url, lambda: any("stalls" in line for line in lab.origin.transcript[before:]))


def _close_meanwhile(lab: Lab, transport: Transport, url: str, is_waiting: Callable[[], bool]) -> None:
    client = lab.new_client(transport)

    def close_in_time() -> float:
        lab.until(is_waiting, "the call was waiting")
        time.sleep(0.02)
        transport.close()
        return time.monotonic()

    def call() -> float:
        lab.fails(ClosedError, client.get, url)
        return time.monotonic()

    closed, ended = lab.together(close_in_time, call)
    for result in (closed, ended):
        if isinstance(result, BaseException):
            raise result
    assert ended - closed < _PROMPTLY_SECONDS, "the call went on after its transport was closed"
    lab.fails(ClosedError, client.get, url)


@case("lifecycle/failures-leave-nothing-open", anchor="seam", tags=("security",))
def failures_leave_nothing_open(lab: Lab) -> None:
    """A call that failed has closed its connection, though the caller keeps the error and the client stays open."""
    small = Config(timeout=CALL_SECONDS, limits=Limits(body=3))
    kinds: tuple[tuple[type[FluxHTTPError], Script, Config], ...] = (
        (ReceiveError, Script().close(), small),
        (ReceiveError, Script().send(b"HTTP/1.1 2").reset(), small),
        (IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"he").close(), small),
        (ProtocolError, raw("HTTP/1.1 200 OK", "Content-Length: -1"), small),
        (ProtocolError, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"x\r\n"), small),
        (BodyTooLargeError, raw("HTTP/1.1 200 OK", "Content-Length: 4", body=b"four"), small),
        (DecodingError, raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 1", body=b"x"), small),
        (InvalidRedirectError, redirect("ftp://a.test/"), small),
        (RequestTimeoutError, Script().stall(), small.replace(timeout=0.12)),
        (RequestTimeoutError, raw("HTTP/1.1 200 OK", "Content-Length: 3").stall(), small.replace(timeout=0.12)),
    )
    errors: list[FluxHTTPError] = []
    for kind, script, config in kinds * 2:
        lab.origin.play(script)
        errors.append(lab.fails(kind, lab.get, config=config))

    _all_closed(lab)
    lab.still_works()
    assert len(errors) == 20


@case("lifecycle/forgotten", anchor="seam")
def forgotten(lab: Lab) -> None:
    """A client that nobody closed closes its idle connections when it is collected, without a warning."""
    with caught_warnings() as caught:
        client = Client(lab.target.open(), config=Config(timeout=CALL_SECONDS))
        lab.origin.play(ok())
        client.get(lab.url("/"))
        assert lab.origin.open_connections == 1

        del client
        gc.collect()
        _all_closed(lab)

    assert [warning for warning in caught if issubclass(warning.category, ResourceWarning)] == []
    lab.still_works()


@case("lifecycle/hostile-environment", kind="pinned", anchor="D14; D18", level="core", tags=("security",))
def hostile_environment(lab: Lab) -> None:
    """Without ``trust_env`` the environment has no say: no proxy, no credentials, no certificates."""
    if "trust_env" not in lab.target.keywords:
        raise NotApplicable(f"{lab.target.name} takes no trust_env")
    nowhere = "http://127.0.0.1:9"
    with environment(
        HTTP_PROXY=nowhere,
        http_proxy=nowhere,
        ALL_PROXY=nowhere,
        all_proxy=nowhere,
        HTTPS_PROXY="\x01",
        NO_PROXY="[",
        REQUEST_METHOD="GET",
        SSL_CERT_FILE="/nowhere",
        REQUESTS_CA_BUNDLE="/nowhere",
        NETRC="/nowhere",
    ):
        lab.still_works()

    assert lab.requests[0].request_line == "GET /control HTTP/1.1"
    assert [name for name, _ in lab.requests[0].pairs] == ["Host", "User-Agent", "Accept-Encoding"]
