"""Client: one loop around one transport."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    URL,
    BodyTooLargeError,
    Client,
    Clock,
    ClosedError,
    Config,
    ConnectError,
    Deadline,
    FluxHTTPError,
    Headers,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidHeaderError,
    InvalidMethodError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
    Limits,
    ReceiveError,
    Request,
    RequestTimeoutError,
    Response,
)
from fluxhttp._wire.clock import SYSTEM_CLOCK
from tests.peers import Background, ManualClock, fails

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]


class Answer:
    """An answer in memory; an exception among its pieces is raised."""

    def __init__(
        self, status_code: int = 200, headers: dict[str, str] | None = None, pieces: Iterable[bytes | Exception] = ()
    ) -> None:
        self.status_code = status_code
        self.reason = "OK"
        self.http_version = "HTTP/1.1"
        self.headers = Headers(headers)
        self._pieces = deque(pieces)
        self.is_closed = False

    def read(self, size: int, /) -> bytes:
        piece = self._pieces.popleft() if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.is_closed = True


class Transport:
    """Gives its answers one after the other; an exception among them is raised.

    Attributes:
        calls: what it was asked: request, config, deadline.
    """

    def __init__(self, *answers: Answer | Exception, clock: Clock | None = None) -> None:
        self._answers = deque(answers)
        self.calls: list[tuple[Request, Config, Deadline]] = []
        self.is_closed = False
        if clock is not None:
            self.clock = clock

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> Answer:
        self.calls.append((request, config, deadline))
        answer = self._answers.popleft() if self._answers else Answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.is_closed = True


def redirect(location: str, *pieces: bytes | Exception) -> Answer:
    return Answer(302, {"Location": location}, pieces)


def sent(transport: Transport) -> Request:
    """The last request."""
    return transport.calls[-1][0]


# Calls


@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_the_client_is_do_with_its_name(method: str) -> None:
    transport = Transport()
    client = Client(transport)
    options: dict[str, Any] = {
        "params": {"a": "b"},
        "headers": {"X-A": "1"},
        "body": b"body",
        "config": Config(timeout=5),
    }

    response = getattr(client, method.lower())("http://a.test/", **options)
    client.do(method, "http://a.test/", **options)

    assert type(response) is Response
    assert transport.calls[0][:2] == transport.calls[1][:2]
    assert (sent(transport).method, str(sent(transport).url)) == (method, "http://a.test/?a=b")


def test_json_and_form_are_sent_as_what_they_are() -> None:
    transport = Transport()
    client = Client(transport)

    client.post("http://a.test/", json=None)
    client.post("http://a.test/", form={"a": ["1", "2"]})

    bodies = [request.body for request, _, _ in transport.calls]
    assert bodies == [b"null", b"a=1&a=2"]


def test_a_request_that_is_built_is_what_would_be_sent() -> None:
    transport = Transport()
    client = Client(transport, base_url="http://a.test/v1", headers={"X-A": "1"})

    request = client.build_request("POST", "things", params={"q": "x"}, json={})
    client.post("things", params={"q": "x"}, json={})
    client.send(request)

    assert transport.calls[0][0] == transport.calls[1][0] == request


def test_a_call_s_config_replaces_the_client_s_whole() -> None:
    transport = Transport()
    client = Client(transport, config=Config(timeout=5, max_redirects=1))

    client.get("http://a.test/")
    client.get("http://a.test/", config=Config(max_redirects=2))

    assert [config for _, config, _ in transport.calls] == [client.config, Config(max_redirects=2)]
    assert [deadline.seconds for _, _, deadline in transport.calls] == [5, None]


def test_the_client_s_config_is_the_default_one_unless_it_is_given() -> None:
    assert Client(Transport()).config == Config()


def test_redirects_go_through_the_same_transport_within_one_deadline() -> None:
    transport = Transport(redirect("/b", b"body"), redirect("http://b.test/c"), Answer(200, None, [b"ok"]))

    response = Client(transport).get("http://a.test/a", config=Config(timeout=5))

    assert [str(request.url) for request, _, _ in transport.calls] == [
        "http://a.test/a",
        "http://a.test/b",
        "http://b.test/c",
    ]
    assert len({id(deadline) for _, _, deadline in transport.calls}) == 1
    assert response.body == b"ok"
    assert [hop.status_code for hop in response.history] == [302, 302]


# What comes back


def test_a_body_is_read_in_pieces() -> None:
    transport = Transport(Answer(200, None, [b"a", b"b", b"c"]), Answer(200, {"Content-Length": "2"}, [b"a", b"b"]))
    client = Client(transport)

    assert client.get("http://a.test/").body == b"abc"
    assert client.get("http://a.test/").body == b"ab"


def test_the_duration_is_measured_on_the_transport_s_clock() -> None:
    clock = ManualClock()

    class Slow(Answer):
        def read(self, size: int, /) -> bytes:
            clock.now += 1.5
            return super().read(size)

    transport = Transport(Slow(200, None, [b"a"]), clock=clock)

    response = Client(transport).get("http://a.test/")

    assert response.duration.total_seconds() == 3.0
    assert response.duration_ns == 3_000_000_000


def test_a_duration_is_never_zero() -> None:
    assert Client(Transport(clock=ManualClock())).get("http://a.test/").duration_ns == 1


def test_an_answer_is_closed_whatever_happens() -> None:
    answers = [
        Answer(),
        redirect("/b"),
        Answer(200, None, [ReceiveError("gone")]),
        Answer(200, {"Content-Length": "9"}),
        Answer(200, None, [ZeroDivisionError()]),
        redirect("ftp://a.test/"),
    ]
    transport = Transport(*answers)
    client = Client(transport)

    client.get("http://a.test/")
    with pytest.raises(ReceiveError):
        client.get("http://a.test/")
    with pytest.raises(BodyTooLargeError):
        client.get("http://a.test/", config=Config(limits=Limits(body=1)))
    with pytest.raises(ZeroDivisionError):
        client.get("http://a.test/")
    with pytest.raises(FluxHTTPError):
        client.get("http://a.test/")

    assert [answer.is_closed for answer in answers] == [True] * 6


def test_a_transport_that_shortens_a_body_is_found_out() -> None:
    transport = Transport(Answer(200, {"Content-Length": "9"}, [b"hello"]))

    error = fails(IncompleteBodyError, Client(transport).get, "http://a.test/")

    assert (error.received, error.expected) == (5, 9)


def test_a_failure_in_the_body_of_a_redirect_is_none_of_the_call() -> None:
    transport = Transport(redirect("/b", b"x", ReceiveError("gone", phase="body")), Answer(200, None, [b"ok"]))

    assert Client(transport).get("http://a.test/").body == b"ok"


def test_a_time_out_in_the_body_of_a_redirect_is_one_of_the_call() -> None:
    transport = Transport(redirect("/b", RequestTimeoutError("over", phase="body")))

    error = fails(RequestTimeoutError, Client(transport).get, "http://a.test/a")

    assert error.phase == "body"
    assert len(transport.calls) == 1


# Errors


def test_an_error_says_which_call_it_ended_without_secrets() -> None:
    transport = Transport(ConnectError("cannot connect"))

    error = fails(
        ConnectError, Client(transport).post, "http://user:secret@a.test/x?token=secret#secret", body=b"secret"
    )

    assert (error.method, error.url) == ("POST", "http://a.test/x?token=***")


def test_an_error_after_a_redirect_says_which_hop_failed() -> None:
    transport = Transport(redirect("http://b.test/?next=secret"), ConnectError("cannot connect"))

    error = fails(ConnectError, Client(transport).post, "http://a.test/")

    assert (error.method, error.url) == ("GET", "http://b.test/?next=***")


def test_what_an_error_says_already_is_kept() -> None:
    raised = ConnectError("cannot connect", method="HEAD", url="http://proxy.test/")

    error = fails(ConnectError, Client(Transport(raised)).get, "http://a.test/")

    assert (error.method, error.url) == ("HEAD", "http://proxy.test/")


@pytest.mark.parametrize(
    ("kind", "arguments", "options"),
    [
        (InvalidMethodError, ("BREW", "http://a.test/?a=secret"), {}),
        (InvalidURLError, ("GET", "ftp://a.test/?a=secret"), {}),
        (InvalidHeaderError, ("GET", "http://a.test/?a=secret"), {"headers": {"a b": "secret"}}),
        (InvalidHeaderError, ("GET", "http://a.test/?a=secret"), {"headers": {"A": "secret\n"}}),
        (InvalidTypeError, ("GET", "http://a.test/?a=secret"), {"headers": 5}),
        (InvalidTypeError, ("GET", "http://a.test/?a=secret"), {"body": "secret"}),
        (InvalidTypeError, ("GET", "http://a.test/?a=secret"), {"params": {"a": 5}}),
        (InvalidTypeError, ("GET", "http://a.test/?a=secret"), {"body": b"secret", "json": 1}),
        (InvalidRequestError, ("GET", "http://a.test/?a=secret"), {"json": float("nan")}),
    ],
)
@pytest.mark.parametrize("headers", [None, {"X-A": "1"}])
def test_what_cannot_be_sent_is_refused_before_the_transport_is_asked(
    kind: type[FluxHTTPError], arguments: tuple[str, str], options: dict[str, Any], headers: dict[str, str] | None
) -> None:
    transport = Transport()

    error = fails(kind, Client(transport, headers=headers).do, *arguments, **options)

    assert transport.calls == []
    assert (error.method, error.url) == (arguments[0], arguments[1].replace("secret", "***"))
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("method", "url"), [(5, "http://a.test/"), ("GET", 5), ("GET", None), ("GET", b"http://a.test/")]
)
def test_arguments_of_the_wrong_type_are_refused(method: Any, url: Any) -> None:
    transport = Transport()

    error = fails(InvalidTypeError, Client(transport).do, method, url)

    assert transport.calls == []
    assert (error.method, error.url) == (None, None)


def test_a_url_may_be_given_as_one() -> None:
    transport = Transport()

    Client(transport, base_url="http://b.test").get(URL.parse("http://a.test/x"))

    assert str(sent(transport).url) == "http://a.test/x"
    assert fails(InvalidMethodError, Client(transport).do, "BREW", URL.parse("http://a.test/?a=secret")).url == (
        "http://a.test/?a=***"
    )


def test_a_config_of_the_wrong_type_is_refused() -> None:
    client = Client(Transport())

    assert str(fails(InvalidTypeError, client.get, "http://a.test/", config=5)) == "config must be a Config, not int"
    assert str(fails(InvalidTypeError, Client, Transport(), config=5)) == "config must be a Config, not int"


def test_what_is_sent_must_be_a_request() -> None:
    assert str(fails(InvalidTypeError, Client(Transport()).send, "GET /")) == "request must be a Request, not str"


# Base URL


@pytest.mark.parametrize(
    ("base", "url", "result"),
    [
        ("http://a.test", "", "http://a.test/"),
        ("http://a.test", "/", "http://a.test/"),
        ("http://a.test/", "x", "http://a.test/x"),
        ("http://a.test/v1", "x", "http://a.test/v1/x"),
        ("http://a.test/v1", "/x", "http://a.test/v1/x"),
        ("http://a.test/v1/", "/x", "http://a.test/v1/x"),
        ("http://a.test/v1//", "x", "http://a.test/v1/x"),
        ("http://a.test/v1", "", "http://a.test/v1"),
        ("http://a.test/v1", "?q=1", "http://a.test/v1?q=1"),
        ("http://a.test/v1", "x?u=http://b.test/", "http://a.test/v1/x?u=http://b.test/"),
        ("http://a.test/v1", "proxy/http://b.test/", "http://a.test/v1/proxy/http://b.test/"),
        ("http://a.test/v1", "/http://b.test/", "http://a.test/v1/http://b.test/"),
        ("http://a.test/v1", "//b.test/x", "http://a.test/v1//b.test/x"),
        ("http://a.test/v1", "../x", "http://a.test/v1/../x"),
        ("http://a.test/v1", "a:b", "http://a.test/v1/a:b"),
        ("http://a.test/v1", "http://b.test/x", "http://b.test/x"),
        ("http://a.test/v1", "HTTPS://b.test/x", "https://b.test/x"),
    ],
)
def test_a_relative_url_is_appended_to_the_base(base: str, url: str, result: str) -> None:
    transport = Transport()

    Client(transport, base_url=base).get(url)

    assert str(sent(transport).url) == result


def test_another_scheme_is_refused_and_not_appended_to_the_base() -> None:
    fails(InvalidURLError, Client(Transport(), base_url="http://a.test").get, "ftp://b.test/")


def test_the_userinfo_of_a_base_counts_and_is_not_shown() -> None:
    transport = Transport()
    client = Client(transport, base_url="http://user:secret@a.test/v1")

    client.get("x")

    assert sent(transport).headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert repr(client) == "<Client over Transport, base_url='http://a.test/v1'>"


def test_without_base_a_relative_url_is_refused() -> None:
    fails(InvalidURLError, Client(Transport()).get, "/x")


@pytest.mark.parametrize(
    ("base", "kind", "text"),
    [
        (None, InvalidTypeError, "base_url must be a str, not NoneType"),
        ("a.test", InvalidURLError, "base_url must start with http:// or https://"),
        ("ftp://a.test", InvalidURLError, "base_url: the scheme must be http or https, not 'ftp'"),
        ("http://", InvalidURLError, "base_url has no host"),
        ("http://a.test/?a=b", InvalidConfigError, "base_url must not have a query or fragment"),
        ("http://a.test/?", InvalidConfigError, "base_url must not have a query or fragment"),
        ("http://a.test/#a", InvalidConfigError, "base_url must not have a query or fragment"),
        ("http://a b/", InvalidURLError, "base_url: the host must not contain ' ' (position 1)"),
    ],
)
def test_a_base_that_cannot_be_one_is_refused(base: Any, kind: type[FluxHTTPError], text: str) -> None:
    assert str(fails(kind, Client, Transport(), base_url=base)) == text


# Headers


def test_a_call_s_header_replaces_every_line_of_that_name() -> None:
    transport = Transport()
    client = Client(transport, headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])

    client.get("http://a.test/", headers=[("x-A", "4"), ("X-C", "5")])
    client.get("http://a.test/")

    pairs = [
        [pair for pair in request.headers.multi_items() if pair[0][0] in "xX"] for request, _, _ in transport.calls
    ]
    assert pairs == [[("X-B", "3"), ("x-A", "4"), ("X-C", "5")], [("X-A", "1"), ("x-a", "2"), ("X-B", "3")]]


def test_headers_of_the_client_are_judged_when_it_is_made() -> None:
    fails(InvalidHeaderError, Client, Transport(), headers={"a b": "1"})
    fails(InvalidTypeError, Client, Transport(), headers=5)
    fails(InvalidHeaderError, Client(Transport(), headers={"Transfer-Encoding": "chunked"}).get, "http://a.test/")


@pytest.mark.parametrize("pairs", [[(5, "x")], [("a",)], "ab", [("X", 5)]])
def test_headers_of_a_call_that_are_none_are_refused_beside_the_client_s(pairs: Any) -> None:
    error = fails(InvalidTypeError, Client(Transport(), headers={"X-A": "1"}).get, "http://a.test/", headers=pairs)

    assert (error.method, error.url) == ("GET", "http://a.test/")


# Transports and clocks


def test_a_transport_that_was_given_stays_open() -> None:
    transport = Transport()
    with Client(transport) as client:
        assert client.transport is transport

    assert not transport.is_closed


def test_a_transport_that_the_client_opened_is_closed_with_it() -> None:
    with Client() as client, Client(client.transport) as other:
        client.close()
        client.close()

        assert type(fails(ClosedError, other.get, "http://127.0.0.1:9/")) is ClosedError


def test_a_closed_client_refuses_calls() -> None:
    transport = Transport()
    client = Client(transport)
    client.close()

    error = fails(ClosedError, client.get, "http://a.test/?a=secret")

    assert str(error) == "the client is closed"
    assert (error.method, error.url) == ("GET", "http://a.test/?a=***")
    assert transport.calls == []


@pytest.mark.parametrize("missing", ["send", "close"])
def test_what_lacks_a_method_is_no_transport(missing: str) -> None:
    class Half:
        pass

    setattr(Half, {"send": "close", "close": "send"}[missing], lambda self: None)

    error = fails(InvalidTypeError, Client, Half())

    assert str(error) == f"transport must have a method {missing}, but Half has none"


def test_a_transport_without_clock_is_measured_on_the_system_s() -> None:
    transport = Transport()

    Client(transport).get("http://a.test/", config=Config(timeout=5))

    assert transport.calls[0][2].clock is SYSTEM_CLOCK


def test_a_clock_of_one_s_own_is_used_where_the_transport_has_none() -> None:
    clock = ManualClock()
    transport = Transport()

    Client(transport, clock=clock).get("http://a.test/", config=Config(timeout=5))

    assert transport.calls[0][2].clock is clock


def test_clocks_that_disagree_are_refused() -> None:
    clock = ManualClock()

    Client(Transport(clock=clock), clock=clock)
    error = fails(InvalidConfigError, Client, Transport(clock=clock), clock=ManualClock())

    assert str(error) == "clock is not the transport's own clock; leave it out"


@pytest.mark.parametrize("missing", ["monotonic", "sleep"])
def test_what_lacks_a_method_is_no_clock(missing: str) -> None:
    class Half(ManualClock):
        pass

    setattr(Half, missing, None)

    error = fails(InvalidTypeError, Client, Transport(), clock=Half())

    assert str(error) == f"clock must have a method {missing}, but Half has none"


def test_a_client_shows_its_transport() -> None:
    assert repr(Client(Transport())) == "<Client over Transport>"


def test_a_client_may_be_used_by_threads_at_once() -> None:
    class Echo(Transport):
        def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> Answer:
            barrier.wait(5.0)
            return Answer(200, None, [request.url.path.encode()])

    barrier = threading.Barrier(8)
    client = Client(Echo())

    calls = [Background(client.get, f"http://a.test/{number}") for number in range(8)]

    bodies = [call.wait().result.body for call in calls]  # type: ignore[attr-defined]
    assert bodies == [b"/%d" % number for number in range(8)]


# Logging (D20)


def test_each_exchange_is_one_debug_record_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    transport = Transport(redirect("/b?t=secret", b"body"), Answer(200, {"Set-Cookie": "secret"}, [b"secret"]))

    with caplog.at_level(logging.DEBUG, "fluxhttp"):
        Client(transport).post(
            "http://user:secret@a.test/a?t=secret", headers={"Authorization": "secret"}, body=b"secret"
        )

    records = [(record.name, record.levelname, record.getMessage().rpartition(",")[0]) for record in caplog.records]
    assert records == [
        ("fluxhttp", "DEBUG", "POST http://a.test/a?t=*** -> 302, 4 bytes"),
        ("fluxhttp", "DEBUG", "GET http://a.test/b?t=*** -> 200, 6 bytes"),
    ]
    assert all(record.getMessage().endswith(" ms") for record in caplog.records)


def test_nothing_is_logged_unless_somebody_asks(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(Transport(Answer(500), ConnectError("cannot connect")))

    with caplog.at_level(logging.INFO, "fluxhttp"):
        client.get("http://a.test/")
        with pytest.raises(ConnectError):
            client.get("http://a.test/")

    assert caplog.records == []


def test_a_call_neither_loads_logging_nor_writes_anything() -> None:
    program = """
import sys
from fluxhttp import Client, Headers

class Answer:
    status_code, reason, http_version, headers = 500, "", "HTTP/1.1", Headers()
    def read(self, size): return b""
    def close(self): pass

class Transport:
    def send(self, request, /, *, config, deadline): return Answer()
    def close(self): pass

Client(Transport()).get("http://a.test/")
print("logging" in sys.modules)
import logging
Client(Transport()).get("http://a.test/")
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert (ended.stdout, ended.stderr) == ("False\n", "")
