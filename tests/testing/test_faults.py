"""Named faults: each gives the error that its cause gives in a real transport, at the same moment."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    CertificateError,
    Client,
    Config,
    ConnectError,
    FluxHTTPError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidTypeError,
    NameResolutionError,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
    TransportError,
)
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, Script, StalledError, UnexpectedRequestError, faults

if TYPE_CHECKING:
    from fluxhttp.testing.faults import Fault

URL = "https://api.test/x"


def failing(fault: Fault, *, timeout: float | None = None, url: str = URL) -> tuple[FakeTransport, FluxHTTPError]:
    fake = FakeTransport()
    fake.get(url).fail(fault)
    with pytest.raises(FluxHTTPError) as caught:
        Client(fake).get(url, config=Config(timeout=timeout))
    return fake, caught.value


@pytest.mark.parametrize(
    ("fault", "kind", "phase", "maybe_sent", "text"),
    [
        (faults.connect_refused(), ConnectError, "connect", False, "cannot connect: connection refused"),
        (faults.dns_failure(), NameResolutionError, "dns", False, "no such host"),
        (
            faults.tls_failure("self-signed certificate"),
            CertificateError,
            "tls",
            False,
            "the certificate was not accepted: self-signed certificate",
        ),
        (faults.reset(), ReceiveError, "head", True, "the connection broke: connection reset by peer"),
        (faults.closed(), ReceiveError, "head", True, "the peer closed the connection before it answered"),
        (
            faults.truncated(after=3),
            IncompleteBodyError,
            "body",
            True,
            "the peer closed the connection in the middle of the body, after 3 of 4 bytes",
        ),
        (
            faults.raw(b"HTTP/1.1 99 \r\n\r\n"),
            ProtocolError,
            "head",
            True,
            None,
        ),
        (faults.raw(b""), ReceiveError, "head", True, "the peer closed the connection before it answered"),
    ],
)
def test_each_fault_gives_the_error_of_its_cause(
    fault: Fault, kind: type[TransportError], phase: str, maybe_sent: bool, text: str | None
) -> None:
    fake, error = failing(fault)

    assert isinstance(error, TransportError)
    assert (type(error), error.phase, error.maybe_sent) == (kind, phase, maybe_sent)
    assert text in (str(error), None)
    call = fake.calls.last
    assert (call.error, call.response, call.outcome, call.elapsed) == (error, None, fault.name, 0)
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("fault", "phase"),
    [
        (faults.connect_timeout(), "connect"),
        (faults.read_timeout(), "head"),
        (faults.stall(), "body"),
        (faults.stall(after=3, body=b"12345"), "body"),
    ],
)
def test_what_waits_for_ever_ends_at_the_deadline(fault: Fault, phase: str) -> None:
    fake, error = failing(fault, timeout=0.5)

    assert isinstance(error, RequestTimeoutError)
    assert (error.phase, error.maybe_sent) == (phase, phase != "connect")
    assert str(error).startswith("the deadline of 0.5 s passed while ")
    assert fake.calls.last.elapsed == fake.clock.monotonic() == 0.5


@pytest.mark.parametrize("fault", [faults.connect_timeout(), faults.read_timeout(), faults.stall(after=1)])
def test_without_a_deadline_what_waits_for_ever_is_an_error_of_the_test(fault: Fault) -> None:
    fake = FakeTransport()
    fake.get(URL).fail(fault)

    with pytest.raises(StalledError, match="it would wait for ever") as caught:
        Client(fake).get(URL)

    assert fake.calls.last.error is caught.value
    with pytest.raises(StalledError):
        fake.verify()


def test_what_came_of_a_body_before_it_broke() -> None:
    _, error = failing(faults.truncated(after=3, status=206, body=b"12345678"))

    assert isinstance(error, IncompleteBodyError)
    assert (error.received, error.expected) == (3, 8)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: faults.truncated(after=-1), InvalidConfigError, "after must be from 0 to below the 0 bytes"),
        (lambda: faults.truncated(after=3, body=b"abc"), InvalidConfigError, "below the 3 bytes of the body, not 3"),
        (lambda: faults.truncated(after=True), InvalidTypeError, "after must be an int, not bool"),
        (lambda: faults.stall(after=1.5), InvalidTypeError, "after must be an int, not float"),
        (lambda: faults.stall(after=1, body="text"), InvalidTypeError, "body must be bytes, not str"),
        (lambda: faults.truncated(after=1, status="200"), InvalidTypeError, "status must be an int, not str"),
        (lambda: faults.raw("text"), InvalidTypeError, "data must be bytes, not str"),
        (lambda: faults.tls_failure(1), InvalidTypeError, "reason must be a str, not int"),
    ],
)
def test_arguments_that_make_no_fault(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


def test_a_fault_is_a_value() -> None:
    assert faults.reset() == faults.reset() != faults.closed()
    assert pickle.loads(pickle.dumps(faults.stall())) == faults.stall()
    assert repr(faults.connect_refused()) == (
        "Fault(name='connect_refused', stage='connect', script=Script(steps=(), begins='request'), detail='')"
    )


# TLS


def test_a_fault_of_tls_cannot_be_registered_for_http() -> None:
    fake = FakeTransport()

    with pytest.raises(ImpossibleReplyError, match=r"^a fault of TLS for a URL with http \(test_faults.py:"):
        fake.get("http://api.test/x").fail(faults.tls_failure())


def test_only_https_that_is_verified_meets_a_fault_of_tls() -> None:
    fake = FakeTransport()
    fake.route("GET").fail(faults.tls_failure())
    fake.route("GET").respond(text="ok")
    client = Client(fake)

    with pytest.raises(CertificateError):
        client.get("https://api.test/")
    assert client.get("http://api.test/").text == "ok"
    assert client.get("https://api.test/", config=Config(insecure_skip_verify=True)).text == "ok"
    assert [call.route for call in fake.calls] == [fake.routes[0], fake.routes[1], fake.routes[1]]


def test_a_call_that_does_not_meet_a_fault_of_tls_gets_the_reply_that_follows() -> None:
    fake = FakeTransport()
    route = fake.get(URL).fail(faults.tls_failure()).fail(faults.tls_failure()).respond(text="ok")
    insecure = Config(insecure_skip_verify=True)

    assert Client(fake).get(URL, config=insecure).text == "ok"

    assert route.is_used_up
    with pytest.raises(UnexpectedRequestError, match="came 2 times, its route has 3 replies"):
        Client(fake).get(URL, config=insecure)


def test_a_call_without_verification_finds_no_reply_where_there_are_faults_alone() -> None:
    fake = FakeTransport()
    route = fake.get(URL).fail(faults.tls_failure())

    with pytest.raises(UnexpectedRequestError) as caught:
        Client(fake).get(URL, config=Config(insecure_skip_verify=True))

    assert (caught.value.reason, route.taken) == ("no_match", 0)


def test_a_look_up_cannot_fail_for_an_address() -> None:
    fake = FakeTransport()

    with pytest.raises(ImpossibleReplyError, match=r"^a failing look-up for a numeric address \(test_faults.py:"):
        fake.get("http://[::1]/").fail(faults.dns_failure())


# The connection


def test_a_fault_meets_a_connection_of_its_own() -> None:
    fake = FakeTransport()
    fake.get(URL).respond().fail(faults.reset()).respond()
    client = Client(fake)
    client.get(URL)

    with pytest.raises(ReceiveError):
        client.get(URL)
    client.get(URL)

    assert [[call.outcome for call in connection.calls] for connection in fake.connections] == [
        ["200", "200"],
        ["reset"],
    ]


def test_the_script_of_a_fault_meets_a_used_connection_and_is_sent_again() -> None:
    fake = FakeTransport()
    fake.get(URL).respond().play(Script().reset()).respond(text="again")
    client = Client(fake)
    client.get(URL)

    assert client.get(URL).text == "again"
    assert [call.outcome for call in fake.calls] == ["200", "ReceiveError", "200"]
