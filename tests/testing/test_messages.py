"""What the fake says of a request that no route takes, to the letter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, UnexpectedRequestError, faults

if TYPE_CHECKING:
    from fluxhttp.testing import Route

API = "https://api.test"
#: Planted where secrets stand; none may be found in a text.
SECRET = "hunter2"


def refused(fake: FakeTransport, method: str, url: str, **options: Any) -> UnexpectedRequestError:
    """The error for a request."""
    with pytest.raises(UnexpectedRequestError) as caught:
        Client(fake).do(method, url, **options)
    return caught.value


def said(fake: FakeTransport, method: str, url: str, **options: Any) -> str:
    return str(refused(fake, method, url, **options))


@pytest.fixture
def shop() -> FakeTransport:
    fake = FakeTransport()
    fake.get(f"{API}/me").respond(json={})
    fake.get(f"{API}/orders/{{id}}").respond(json={})
    fake.post(f"{API}/orders", headers={"Content-Type": "application/json"}, json={"sku": "a1", "n": 2}, name="create")
    fake.routes[-1].respond(201)
    Client(fake).get(f"{API}/me")
    return fake


def test_an_unmatched_request_is_compared_with_the_nearest_route(shop: FakeTransport) -> None:
    me, order, create = shop.routes

    error = refused(
        shop,
        "POST",
        f"{API}/orders?dry_run=1",
        json={"sku": "a1", "n": "2"},
        headers={"Authorization": f"Bearer {SECRET}"},
    )

    title = f"create, {create.place}"
    assert str(error) == (
        "no route for POST https://api.test/orders?dry_run=1\n"
        "\n"
        "  sent      POST https://api.test/orders?dry_run=1\n"
        "            content-type: application/json\n"
        "            authorization: Bearer ‹masked›\n"
        '            {"sku": "a1", "n": "2"}\n'
        "\n"
        f"  nearest   {title:<49}   3 of 5 parts agree\n"
        "            method    ✓ POST\n"
        "            url       ✓ https://api.test/orders\n"
        "            headers   ✓ content-type\n"
        "            params    ✗ not expected: dry_run=1\n"
        '            json      ✗ $.n   expected 2 (number), got "2" (string)\n'
        "\n"
        f"  also      GET https://api.test/orders/{{id}}   {order.place}   method, url, params differ\n"
        f"            GET https://api.test/me   {me.place}   method, url, params differ\n"
        "\n"
        "  3 routes, 1 call so far. The last: GET https://api.test/me → 200."
    )
    assert (error.reason, error.nearest) == ("no_match", create)
    assert error.request is not None
    assert error.request.url.target == "/orders?dry_run=1"


def test_one_route_of_which_one_part_agrees() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/users").respond()

    text = said(fake, "GET", f"{API}/user")

    assert text == (
        "no route for GET https://api.test/user\n"
        "\n"
        "  sent      GET https://api.test/user\n"
        "\n"
        f"  nearest   {f'GET https://api.test/users, {route.place}':<49}   1 of 2 parts agrees\n"
        "            method    ✓ GET\n"
        "            url       ✗ expected /users, got /user\n"
        "\n"
        "  1 route, 0 calls so far."
    )


def test_a_route_that_is_used_up_tells_its_calls() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/flaky", name="flaky").respond(503).fail(faults.reset()).respond(200)
    client = Client(fake)
    client.get(f"{API}/flaky")
    fake.clock.advance(2)
    with pytest.raises(Exception, match="reset"):
        client.get(f"{API}/flaky")
    fake.clock.advance(0.5)
    client.get(f"{API}/flaky")
    fake.clock.advance(0.5)

    error = refused(fake, "GET", f"{API}/flaky")

    title = f"flaky, {route.place}"
    assert str(error) == (
        "GET https://api.test/flaky came 4 times, its route has 3 replies\n"
        "\n"
        f"  route     {title:<27} 503, reset, 200\n"
        "  calls     1  503          +0.0 s\n"
        "            2  reset        +2.0 s\n"
        "            3  200          +2.5 s\n"
        "            4  unexpected   +3.0 s\n"
        "  If it should go on with the last reply, say .repeat_last(); for an exact number, .times(4)."
    )
    assert (error.reason, error.nearest) == ("used_up", route)
    fake.clock.advance(0.125)
    again = said(fake, "GET", f"{API}/flaky").splitlines()
    assert again[0] == "GET https://api.test/flaky came 5 times, its route has 3 replies"
    assert again[6:8] == ["            4  unexpected   +3.0 s", "            5  unexpected   +3.125 s"]


def test_of_many_calls_the_last_are_told() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/x").respond().times(8)
    for _ in range(8):
        Client(fake).get(f"{API}/x")

    lines = said(fake, "GET", f"{API}/x").splitlines()

    assert lines == [
        "GET https://api.test/x came 9 times, its route has 8 replies",
        "",
        f"  route     GET https://api.test/x, {route.place} 200 (.times(8))",
        "  calls     …  3 before these",
        *[f"            {number}  200          +0.0 s" for number in range(4, 9)],
        "            9  unexpected   +0.0 s",
        "  If it should take more, say .times(9).",
    ]


def test_several_routes_that_are_used_up() -> None:
    fake = FakeTransport()
    first = fake.get(f"{API}/x").respond(201).times(1)
    second = fake.get(f"{API}/x").respond(202).fail(faults.closed()).times(1)
    Client(fake).get(f"{API}/x")
    Client(fake).get(f"{API}/x")

    lines = said(fake, "GET", f"{API}/x").splitlines()

    assert lines[0] == "GET https://api.test/x came 3 times, its 2 routes have 2 replies"
    assert lines[2:4] == [
        f"  routes    GET https://api.test/x, {first.place} 201 (.times(1))",
        f"            GET https://api.test/x, {second.place} 202, closed (.times(1))",
    ]
    assert [line.split()[-3:-1] for line in lines[4:7]] == [["201", "+0.0"], ["202", "+0.0"], ["unexpected", "+0.0"]]


def test_an_origin_that_no_route_names() -> None:
    fake = FakeTransport()
    for path in "abc":
        fake.get(f"{API}/{path}").respond()

    error = refused(fake, "GET", "http://localhost:8000/users")

    assert str(error) == (
        "no route for GET http://localhost:8000/users\n"
        "\n"
        "  no route names the host localhost:8000; routes are for: https://api.test (3)"
    )
    assert (error.reason, error.nearest) == ("no_route", None)
    assert said(fake, "GET", "http://api.test/a").endswith(
        "\n  no route names http://api.test; routes are for: https://api.test (3)"
    )


def test_of_many_origins_the_commonest_are_told() -> None:
    fake = FakeTransport()
    for number in range(5):
        for path in range(number + 1):
            fake.get(f"https://{'abcde'[number]}.test/{path}").respond()

    text = said(fake, "GET", f"{API}/x")

    assert text.endswith(": https://e.test (5), https://d.test (4), https://c.test (3) and 2 more")


def test_a_fake_without_a_route() -> None:
    error = refused(FakeTransport(), "GET", f"{API}/x")

    assert str(error) == "no route for GET https://api.test/x\n\n  no route was registered"
    assert error.reason == "no_route"


def test_a_route_without_a_reply() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/x")

    error = refused(fake, "GET", f"{API}/x")

    assert str(error).splitlines()[4:8] == [
        f"  nearest   {f'GET https://api.test/x, {route.place}':<49}   2 of 3 parts agree",
        "            method    ✓ GET",
        "            url       ✓ https://api.test/x",
        "            reply     ✗ none; say .respond(…), .fail(…), .play(…) or .handle(…)",
    ]
    assert (error.reason, error.nearest) == ("no_reply", route)


def test_a_function_that_let_the_next_route_try() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x").handle(lambda call: None)

    error = refused(fake, "GET", f"{API}/x")

    assert "reply     ✗ the function returned None, which lets the next route try" in str(error)
    assert error.reason == "no_match"


def test_a_fault_of_tls_that_is_not_met() -> None:
    from fluxhttp import Config

    fake = FakeTransport()
    fake.get(f"{API}/x").fail(faults.tls_failure())

    text = said(fake, "GET", f"{API}/x", config=Config(insecure_skip_verify=True))

    assert "reply     ✗ faults of TLS alone, which such a call does not meet" in text


# Which routes are told of


def test_the_rest_is_counted_by_what_differs() -> None:
    fake = FakeTransport()
    for path in "abcd":
        fake.get(f"{API}/x/{path}").respond()
    fake.put(f"{API}/x/e", json=1).respond()
    fake.get("https://other.test/").respond()

    lines = said(fake, "GET", f"{API}/x/z").splitlines()

    assert lines[-3] == ("            and 3 more: url differs in 2; method, url and json differ in 1")


def test_a_path_like_the_routes_is_nearer_than_another_method() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/orders/{{id}}").respond()
    cancel = fake.delete(f"{API}/orders/9").respond()

    assert refused(fake, "DELETE", f"{API}/orders/09").nearest is cancel


def test_a_general_route_is_compared_too() -> None:
    fake = FakeTransport()
    route = fake.route(json={"a": 1}).respond()

    error = refused(fake, "POST", "https://any.test/", json={"a": 2})

    assert error.nearest is route
    assert f"any method any URL, {route.place}" in str(error)


def test_ten_thousand_routes_are_not_slow() -> None:
    fake = FakeTransport()
    routes: list[Route] = [fake.get(f"{API}/items/{number}").respond() for number in range(10_000)]
    started = time.perf_counter()

    error = refused(fake, "GET", f"{API}/items/x77")

    assert time.perf_counter() - started < 5
    assert error.nearest in routes
    assert "and 9,997 more: url differs\n\n  10,000 routes, 0 calls so far." in str(error)


def test_of_very_many_requests_the_later_ones_are_told_in_a_line() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x").respond()

    errors = [refused(fake, "GET", f"{API}/y") for _ in range(22)]

    assert len({str(error) for error in errors[:20]}) == 1
    assert str(errors[20]) == (
        "no route for GET https://api.test/y, as for 20 requests before it, of which the first say more"
    )
    assert [error.__traceback__ is not None for error in errors] == [True] * 5 + [False] * 16 + [True]


def test_no_secret_is_told() -> None:
    fake = FakeTransport()
    for options in ({"form": {"password": SECRET}}, {"json": {"secret": SECRET}}, {"body": f'{{"token":"{SECRET}"}}'}):
        body = options.get("body")
        fake.post(
            f"https://user:{SECRET}@api.test/x",
            params={"token": [SECRET], "n": ["1"]},
            headers={"authorization": f"Basic {SECRET}", "x-api-key": SECRET},
            **({"body": body.encode()} if isinstance(body, str) else options),
        ).respond()

    texts = [
        said(
            fake,
            "POST",
            f"https://user:{SECRET}@api.test/x?api_key={SECRET}2&token={SECRET}3",
            headers={"Cookie": f"sid={SECRET}", "X-Api-Key": f"{SECRET}4"},
            **options,
        )
        for options in (
            {"form": {"password": f"{SECRET}5"}},
            {"json": {"secret": [f"{SECRET}6"], "deep": {"apiKey": SECRET}}},
            {"body": f'{{"token":"{SECRET}7"}}'.encode()},
        )
    ]

    assert [text for text in texts if SECRET in text] == []


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_no_secret_of_a_form_is_told_whatever_the_content_is_said_to_be(headers: dict[str, str]) -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", body=f"client_secret={SECRET}&n=1".encode()).respond()

    text = said(fake, "POST", f"{API}/x", headers=headers, body=f"client_secret={SECRET}9&n=2".encode())

    assert SECRET not in text
    assert "client_secret=" in text
