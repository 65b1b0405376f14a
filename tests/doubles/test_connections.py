"""Time, failures and attempts: what a network does to a call, and what a fake that was told of it does."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import CertificateError, Config, ConnectError, Dialer, ReceiveError, RequestTimeoutError, TransportError
from fluxhttp.testing import FakeTransport, Script, faults
from fluxhttp_conformance import MemoryLab, ok, raw
from tests.doubles.asking import ORIGIN, Failure, ask, received, shown, told
from tests.doubles.rows import row

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp import Deadline, Request, Transport, TransportResponse
    from fluxhttp_conformance import Lab

PAUSES = (0.05, 0.1)


@pytest.mark.parametrize((), [row("R43", "H44")])
def test_a_slow_server_is_timed_out() -> None:
    slow = Script().pause(1.0).then(*ok().steps)

    seen = received({"after": 1.0, "body": b"ok"}, slow, config=Config(timeout=0.3))

    assert isinstance(seen.answer, Failure)
    assert (seen.answer.kind, seen.answer.text) == (
        RequestTimeoutError,
        "the deadline of 0.3 s passed while waiting for the answer's head",
    )
    assert (seen.answer.fields["phase"], seen.answer.fields["maybe_sent"]) == ("head", True)


@pytest.mark.parametrize(
    ("after", "least"), [row("R54", "H52", after=0.2, least=0.19), row("H53", after=0.0, least=0.0)]
)
def test_a_duration_is_told_and_is_the_time_it_took(after: float, least: float) -> None:
    def question(lab: Lab) -> bool:
        redirect = raw("HTTP/1.1 302 Found", "Location: /next", "Content-Length: 0")

        def tell(fake: FakeTransport) -> None:
            fake.get(f"{ORIGIN}/").respond(302, headers={"Location": "/next"})
            fake.get(f"{ORIGIN}/next").respond(body=b"ok", after=after)

        told(lab, tell, redirect, Script().pause(after).then(*ok().steps))
        started = lab.clock.monotonic()
        response = lab.client.get(ORIGIN)
        took = lab.clock.monotonic() - started
        # It is never none, and no more than the caller has waited.
        return response.duration_ns > 0 and least <= response.duration.total_seconds() <= took + 0.000_001

    assert ask(question).answer is True


@pytest.mark.parametrize((), [row("R58", "H58")])
def test_a_peer_that_closes_without_a_word_has_not_answered() -> None:
    def question(lab: Lab) -> Any:
        told(lab, lambda fake: fake.get(ORIGIN).fail(faults.closed()), Script().close())
        return lab.client.get(ORIGIN)

    seen = ask(question)

    assert (seen.answer.kind, seen.answer.text) == (
        ReceiveError,
        "the peer closed the connection before it answered",
    )
    assert seen.answer.fields["maybe_sent"]
    assert len(seen.sent) == 1


@pytest.mark.parametrize((), [row("R47", "H48")])
def test_a_certificate_for_another_host_is_not_accepted() -> None:
    # The authority is trusted, so that it is the name alone; one that is not has its case, tls/untrusted.
    url = "https://wrong.example/"

    def question(lab: Lab) -> Any:
        if isinstance(lab, MemoryLab):
            told(lab, lambda fake: fake.get(url).fail(faults.tls_failure("it is not for the host wrong.example")))
        else:
            lab.url("/", host="wrong.example", scheme="https")  # starts the peer
        return lab.client.get(url)

    seen = ask(question)

    assert (seen.answer.kind, seen.answer.text) == (
        CertificateError,
        "the certificate was not accepted: it is not for the host wrong.example",
    )
    assert (seen.answer.fields["phase"], seen.answer.fields["maybe_sent"]) == ("tls", False)
    assert seen.sent == ()


class Retrying:
    """A transport around another: what fails, or is answered with a 503, is sent again after a pause, twice at most."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.clock = getattr(inner, "clock", time)
        self.attempts = 0

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        for pause in PAUSES:
            self.attempts += 1
            try:
                answer = self.inner.send(request, config=config, deadline=deadline)
            except TransportError as error:
                error.method = request.method
                if not error.retryable:
                    raise
            else:
                if answer.status_code != 503:
                    return answer
                answer.close()
            self.clock.sleep(pause)
        self.attempts += 1
        return self.inner.send(request, config=config, deadline=deadline)

    def close(self) -> None:
        self.inner.close()


def retried(tell: Callable[[FakeTransport], object], *scripts: Script) -> Any:
    """How a call with retries ends, how often it was tried, and whether the pauses were waited for."""

    def question(lab: Lab) -> Any:
        told(lab, tell, *scripts)
        transport = Retrying(lab.transport)
        started = lab.clock.monotonic()
        try:
            ended: Any = lab.new_client(transport).get(ORIGIN).status_code
        except TransportError as error:
            ended = shown(error)
        return ended, transport.attempts, lab.clock.monotonic() - started >= sum(PAUSES)

    return ask(question)


@pytest.mark.parametrize((), [row("R51", "R52")])
def test_a_status_that_is_tried_again_is_asked_for_again_and_the_pauses_are_waited_for() -> None:
    busy = raw("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")

    seen = retried(lambda fake: fake.get(ORIGIN).respond(503), busy, busy, busy)

    assert seen.answer == (503, 3, True)
    assert len(seen.sent) == 3


@pytest.mark.parametrize((), [row("R53")])
def test_a_dropped_connection_that_is_tried_again_is_made_again() -> None:
    seen = retried(lambda fake: fake.get(ORIGIN).fail(faults.closed()), *[Script().close()] * 3)

    failure, attempts, has_waited = seen.answer
    assert (failure.kind, attempts, has_waited) == (ReceiveError, 3, True)
    assert len(seen.sent) == 3


@pytest.mark.parametrize((), [row("H50")])
def test_a_refused_connection_that_is_tried_again_is_refused_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://origin.test:{taken.getsockname()[1]}/"

        def question(lab: Lab) -> Any:
            if isinstance(lab, MemoryLab):
                told(lab, lambda fake: fake.get(url).fail(faults.connect_refused()))
            else:
                lab.transport = lab.open(dialer=Dialer(resolver=lambda name: ["127.0.0.1"]))
            transport = Retrying(lab.transport)
            with pytest.raises(ConnectError) as caught:
                lab.new_client(transport).get(url)
            return shown(caught.value), transport.attempts

        seen = ask(question)

    failure, attempts = seen.answer
    assert (failure.text, failure.fields["maybe_sent"], attempts) == ("cannot connect: connection refused", False, 3)
    assert seen.sent == ()
