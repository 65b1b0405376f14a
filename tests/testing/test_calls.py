"""The history of a fake, and what it can be asked."""

from __future__ import annotations

import pytest

from fluxhttp import Client, InvalidTypeError, Request
from fluxhttp.testing import Call, Calls, FakeTransport, Script, UnexpectedRequestError

API = "https://api.test"


@pytest.fixture
def fake() -> FakeTransport:
    fake = FakeTransport(base_url=API)
    fake.route(url="/me").respond(text="it is me")
    fake.post("/orders").respond(201)
    client = Client(fake, base_url=API)
    client.get("/me")
    client.post("/orders", form={"user": "ada"})
    client.post("/orders", form={"user": "bob"})
    return fake


def test_calls_are_asked_with_the_matchers_of_a_route(fake: FakeTransport) -> None:
    assert len(fake.calls) == 3
    assert len(fake.calls.matching("POST")) == 2
    assert fake.calls.only("POST", "/orders", form={"user": "ada"}) is fake.calls[1]
    assert fake.calls.only(url=f"{API}/me") is fake.calls[0]
    assert fake.calls.last is fake.calls[2]
    assert fake.routes[1].calls.only(form={"user": "bob"}) is fake.calls[2]
    assert fake.calls[1:].only("POST", "/orders", form={"user": "ada"}) is fake.calls[1]
    assert isinstance(fake.calls[1:], Calls)
    assert fake.calls.matching("POST").matching(url="/orders").only(form={"user": "ada"}) is fake.calls[1]


def test_the_one_call_that_is_not_the_only_one(fake: FakeTransport) -> None:
    with pytest.raises(AssertionError) as caught:
        fake.calls.only("POST", "/orders")

    assert str(caught.value) == (
        "expected one call that matches, found 2 of 3\n"
        "  POST https://api.test/orders   agrees\n"
        "  POST https://api.test/orders   agrees"
    )


def test_the_one_call_that_never_came(fake: FakeTransport) -> None:
    with pytest.raises(AssertionError) as caught:
        fake.calls[:1].only("GET", "https://www.test/me")
    assert str(caught.value) == (
        "expected one call that matches, found 0 of 1\n"
        "  GET https://api.test/me   url: https://api.test/me instead of https://www.test/me"
    )
    with pytest.raises(AssertionError) as caught:
        fake.calls.only("GET", "/you")

    assert str(caught.value) == (
        "expected one call that matches, found 0 of 3\n"
        "  GET https://api.test/me   url: /me instead of /you\n"
        "  POST https://api.test/orders   method: POST instead of GET; url: /orders instead of /you\n"
        "  POST https://api.test/orders   method: POST instead of GET; url: /orders instead of /you"
    )


def test_the_last_of_no_calls() -> None:
    with pytest.raises(AssertionError, match=r"^there was no call$"):
        _ = Calls().last
    with pytest.raises(AssertionError, match=r"^expected one call that matches, found 0 of 0$"):
        Calls().only()


def test_a_matcher_that_cannot_be(fake: FakeTransport) -> None:
    with pytest.raises(InvalidTypeError):
        fake.calls.matching(1)  # type: ignore[arg-type]


def test_a_call_holds_the_wire_form_and_the_answer_as_it_was_sent(fake: FakeTransport) -> None:
    call = fake.calls[1]

    assert [name for name, _ in call.request.headers.multi_items()] == [
        "Host",
        "User-Agent",
        "Content-Length",
        "Content-Type",
        "Accept-Encoding",
    ]
    assert call.request.body == b"user=ada"
    response = call.response
    assert response is not None
    assert (response.status_code, response.reason, response.http_version) == (201, "Created", "HTTP/1.1")
    assert response.request is call.request
    assert repr(call) == "<Call <Request POST https://api.test/orders, 8 bytes> -> 201>"
    first = fake.calls[0].response
    assert first is not None
    assert first.body == b"it is me"


def test_a_call_under_way_has_neither_answer_nor_error() -> None:
    call = Call(Request.build("GET", API), None, 0.0)

    assert (call.response, call.error, call.outcome) == (None, None, "under way")


def test_a_call_that_no_route_took() -> None:
    fake = FakeTransport()
    with pytest.raises(UnexpectedRequestError) as caught:
        Client(fake).get(API)

    call = fake.unexpected.last
    assert (call.response, call.error, call.outcome) == (None, caught.value, "unexpected")


def test_the_answer_to_a_script_is_what_was_read_of_it() -> None:
    fake = FakeTransport()
    fake.get(API).play(Script().send(b"HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\nab").pause(1).send(b"cd"))

    Client(fake).get(API)

    call = fake.calls.last
    assert call.response is not None
    assert (call.response.body, call.response.reason, call.elapsed) == (b"abcd", "Fine", 1)
