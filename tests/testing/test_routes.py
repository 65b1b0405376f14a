"""Routes: how often they take a request, and what they answer."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import Client, Config, InvalidConfigError, InvalidTypeError, RequestTimeoutError, Response
from fluxhttp.testing import (
    Call,
    FakeTransport,
    ImpossibleReplyError,
    Reply,
    Script,
    UnexpectedRequestError,
    faults,
)
from tests.testing.answers import API, URL, answers

if TYPE_CHECKING:
    from fluxhttp import Request


def test_one_reply_serves_any_number_several_serve_one_each() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/one").respond(text="1")
    fake.get(f"{API}/two").respond(text="1").respond(text="2")
    fake.get(f"{API}/last").respond(text="1").respond(text="2").repeat_last()
    fake.get(f"{API}/times").respond(text="1").respond(text="2").times(3)
    fake.get(f"{API}/once").respond(text="1").respond(text="2").times(1)

    no = "UnexpectedRequestError"
    assert answers(fake, 3, f"{API}/one") == ["1", "1", "1"]
    assert answers(fake, 4, f"{API}/two") == ["1", "2", no, no]
    assert answers(fake, 4, f"{API}/last") == ["1", "2", "2", "2"]
    assert answers(fake, 4, f"{API}/times") == ["1", "2", "2", no]
    assert answers(fake, 2, f"{API}/once") == ["1", no]


def test_what_is_still_to_come() -> None:
    fake = FakeTransport()
    routes = [
        fake.get(f"{API}/0").respond(),
        fake.get(f"{API}/1").respond().respond().fail(faults.reset()),
        fake.get(f"{API}/2").respond().times(2),
        fake.get(f"{API}/3").respond().respond().optional(),
        fake.get(f"{API}/4").respond().respond().repeat_last(),
        fake.get(f"{API}/5"),
    ]

    assert [route.missing for route in routes] == [1, 3, 2, 0, 2, 1]
    for number in range(5):
        answers(fake, 3, f"{API}/{number}")
    assert [route.missing for route in routes] == [0, 0, 0, 0, 0, 1]
    assert [route.call_count for route in routes] == [3, 3, 2, 2, 3, 0]
    assert [route.called for route in routes] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda route: route.times("2"), InvalidTypeError, "count must be an int, not str"),
        (lambda route: route.times(True), InvalidTypeError, "count must be an int, not bool"),
        (lambda route: route.times(0), InvalidConfigError, "count must be at least 1, not 0"),
        (lambda route: route.fail(ConnectionError()), InvalidTypeError, "fault must be one of fluxhttp.testing.faults"),
        (lambda route: route.play(b""), InvalidTypeError, "script must be a Script, not bytes"),
        (lambda route: route.handle(Reply()), InvalidTypeError, "function must be callable, not Reply"),
    ],
)
def test_arguments_that_make_no_reply(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make(FakeTransport().get(URL))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"name": 1}, "name must be a str, not int"),
        ({"body": 1}, "body must be bytes, not int"),
        ({"content": b""}, "route: got an unexpected keyword argument 'content'"),
    ],
)
def test_options_of_a_route(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        FakeTransport().get(URL, **options)

    assert str(caught.value) == text


def test_a_route_in_words() -> None:
    fake = FakeTransport()
    route = fake.get(URL, name="x").respond().fail(faults.closed()).play(Script()).handle(len)  # type: ignore[arg-type]
    for _ in range(6):
        route.respond(404)

    line = sys._getframe().f_lineno - 4
    assert route.summary == "200, closed, script, len, 404, 404, 404, 404, …"
    assert repr(route) == f"<Route x GET {URL}, test_routes.py:{line}>"
    assert repr(fake.put(URL)).startswith(f"<Route PUT {URL}, test_routes.py:")


# Functions


def test_a_function_may_answer_in_every_way() -> None:
    fake = FakeTransport()
    made: list[Any] = [
        Reply(text="reply"),
        Response(200, {"Content-Length": "99", "Transfer-Encoding": "gzip", "x-a": "1"}, b"response", reason="Fine"),
        Response(299),
        Script().send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nscript"),
        faults.reset(),
    ]
    fake.get(URL).handle(lambda call: made.pop(0))
    client = Client(fake)

    assert client.get(URL).text == "reply"
    response = client.get(URL)
    assert (response.text, response.reason, dict(response.headers)) == (
        "response",
        "Fine",
        {"x-a": "1", "Content-Length": "8"},
    )
    assert client.get(URL).reason == ""
    assert answers(fake, 2) == ["script", "ReceiveError"]


def test_a_function_gets_the_request_as_sent() -> None:
    fake = FakeTransport()
    fake.route("POST", f"{API}/echo").handle(lambda call: Reply(body=call.request.body))

    assert Client(fake).post(f"{API}/echo", json=[1]).body == b"[1]"


def test_a_function_sees_its_call_among_the_others() -> None:
    fake = FakeTransport()
    route = fake.get(URL)
    route.handle(lambda call: Reply(503) if route.call_count < 3 else Reply(text=str(call is fake.calls.last)))

    assert [Client(fake).get(URL).status_code for _ in range(3)] == [503, 503, 200]
    assert answers(fake, 1) == ["True"]


def test_a_function_may_let_the_next_route_try() -> None:
    fake = FakeTransport()
    first = fake.get(URL).handle(lambda call: None).respond(text="first")
    second = fake.get(URL).handle(lambda call: None)
    third = fake.get(URL).respond(text="third").times(2)

    assert answers(fake, 2) == ["third", "third"]
    assert (first.taken, second.taken, third.taken) == (0, 0, 2)
    assert [call.route for call in fake.calls] == [third, third]
    assert (first.calls, second.calls) == ([], [])
    assert answers(fake, 1) == ["UnexpectedRequestError"]
    assert len(fake.calls) == 2
    assert fake.unexpected.last.route is None


def test_a_function_may_ask_for_more_before_it_lets_the_next_route_try() -> None:
    fake = FakeTransport()
    client = Client(fake)
    inner = fake.get(f"{API}/inner").respond(text="inner")
    fake.get(URL).handle(lambda call: client.get(f"{API}/inner") and None)
    outer = fake.get(URL).respond(text="outer")

    assert client.get(URL).text == "outer"
    assert [call.route for call in fake.calls] == [outer, inner]


def test_a_function_may_ask_for_more_before_nobody_takes_its_call() -> None:
    fake = FakeTransport()
    client = Client(fake)
    inner = fake.get(f"{API}/inner").respond(text="inner")
    fake.get(URL).handle(lambda call: client.get(f"{API}/inner") and None)

    assert answers(fake, 1) == ["UnexpectedRequestError"]
    assert [call.route for call in fake.calls] == [inner]


def test_a_function_may_forget_its_own_call() -> None:
    fake = FakeTransport()
    fake.get(URL).handle(lambda call: fake.reset())

    assert answers(fake, 1) == ["UnexpectedRequestError"]
    assert fake.calls == []


def test_a_reply_that_was_given_back_comes_again() -> None:
    fake = FakeTransport()
    refuses = [True, False]
    route = fake.get(URL).handle(lambda call: None if refuses.pop(0) else Reply(text="1")).respond(text="2")
    fake.get(URL).respond(text="other")

    assert answers(fake, 4) == ["other", "1", "2", "other"]
    assert route.call_count == 2


def test_what_a_function_raises_is_noted() -> None:
    fake = FakeTransport()
    error = ZeroDivisionError("made up")

    def fail(call: Call) -> None:
        fake.clock.advance(2)
        raise error

    fake.get(URL).handle(fail)

    with pytest.raises(ZeroDivisionError) as caught:
        Client(fake).get(URL)
    assert caught.value is error
    assert (fake.calls.last.error, fake.calls.last.elapsed) == (error, 2)
    fake.verify()


def test_an_assertion_in_a_function_is_raised_again_at_exit() -> None:
    fake = FakeTransport()

    def check(call: Call) -> Reply:
        assert call.request.body == b"expected"
        return Reply()

    fake.post(URL).handle(check)
    with pytest.raises(AssertionError):
        Client(fake).post(URL)

    with pytest.raises(AssertionError) as caught:
        fake.verify()
    assert caught.value is fake.calls.last.error


def test_a_function_that_returns_nonsense() -> None:
    fake = FakeTransport()
    fake.get(URL).handle(lambda call: "text")  # type: ignore[arg-type, return-value]

    with pytest.raises(ImpossibleReplyError) as caught:
        Client(fake).get(URL)

    line = test_a_function_that_returns_nonsense.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        f"<lambda> returned str (test_routes.py:{line})\n"
        "  What answers must be a Reply, a Response, a Script or a fault; None lets the next route try."
    )
    with pytest.raises(ImpossibleReplyError):
        fake.verify()


def test_the_time_a_function_takes_is_the_peers() -> None:
    fake = FakeTransport()

    def slow(call: Call) -> Reply:
        fake.clock.advance(2)
        return Reply(text="late")

    fake.get(URL).handle(slow)
    client = Client(fake)

    response = client.get(URL, config=Config(timeout=3))
    assert (response.text, response.duration.total_seconds()) == ("late", 2)
    with pytest.raises(RequestTimeoutError) as caught:
        client.get(URL, config=Config(timeout=1))
    assert caught.value.phase == "head"


def test_a_function_may_make_requests_itself() -> None:
    fake = FakeTransport()
    client = Client(fake)
    fake.get(f"{API}/inner").respond(text="inner")
    fake.get(URL).handle(lambda call: Reply(text=client.get(f"{API}/inner").text + " and outer"))

    assert client.get(URL).text == "inner and outer"
    assert [call.request.url.path for call in fake.calls] == ["/x", "/inner"]


def test_no_lock_is_held_while_a_function_runs() -> None:
    fake = FakeTransport()
    barrier = threading.Barrier(4, timeout=10)

    def wait(call: Call) -> Reply:
        barrier.wait()
        return Reply(text="all here")

    fake.get(URL).handle(wait)
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.extend(answers(fake, 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert texts == ["all here"] * 4


def test_the_request_of_a_function_is_never_sent_twice_for_what_it_raises() -> None:
    from fluxhttp import ReceiveError

    fake = FakeTransport()
    fake.get(URL).respond(text="first").handle(lambda call: (_ for _ in ()).throw(ReceiveError("made up")))
    client = Client(fake)
    client.get(URL)

    with pytest.raises(ReceiveError, match="made up"):
        client.get(URL)
    assert len(fake.calls) == 2


def is_request(request: Request) -> bool:
    return True


def test_an_error_that_was_used_up_names_the_route() -> None:
    fake = FakeTransport()
    route = fake.get(URL, where=is_request).respond().times(1)

    assert answers(fake, 2)[1] == "UnexpectedRequestError"
    error = fake.unexpected.last.error
    assert isinstance(error, UnexpectedRequestError)
    assert (error.reason, error.nearest) == ("used_up", route)
