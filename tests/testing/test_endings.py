"""What the fake says at the end, to the letter: routes that were not asked for, requests that were swallowed."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, UnexpectedRequestError, UnusedRouteError, faults

API = "https://api.test"


def unused(fake: FakeTransport) -> UnusedRouteError:
    with pytest.raises(UnusedRouteError) as caught:
        fake.verify()
    return caught.value


def ask(fake: FakeTransport, method: str, url: str, **options: Any) -> None:
    with contextlib.suppress(Exception):
        Client(fake).do(method, url, **options)


def test_routes_that_were_not_asked_for() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/me").respond()
    cancel = fake.delete(f"{API}/orders/9", name="cancel").respond()
    flaky = fake.get(f"{API}/flaky", name="flaky").respond(503).fail(faults.reset()).respond(200)
    fake.get(f"{API}/flags").respond().optional()
    fake.delete(f"{API}/orders/{{id}}").respond()
    for path in ("/me", "/flaky", "/flaky"):
        ask(fake, "GET", API + path)
    ask(fake, "DELETE", f"{API}/orders/09")

    error = unused(fake)

    assert str(error) == (
        "2 of 5 routes were not asked for\n"
        "\n"
        f"  DELETE https://api.test/orders/9   cancel, {cancel.place}   never\n"
        f"  GET    https://api.test/flaky      flaky,  {flaky.place}   2 of 3 replies used; left: 200\n"
        "\n"
        "  nearest call to cancel: DELETE https://api.test/orders/09     url: /orders/09 instead of /orders/9\n"
        "  If a route may stay unused, say .optional()."
    )
    assert error.routes == (cancel, flaky)


def test_one_route_that_was_not_asked_for() -> None:
    fake = FakeTransport()
    route = fake.route().respond()

    assert str(unused(fake)) == (
        "1 of 1 route was not asked for\n"
        "\n"
        f"  any    any URL   {route.place}   never\n"
        "\n"
        "  If a route may stay unused, say .optional()."
    )


def test_a_route_that_was_not_asked_for_often_enough() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/x").respond().times(3)
    ask(fake, "GET", f"{API}/x")

    assert str(unused(fake)).splitlines()[:3] == [
        "1 of 1 route was not asked for often enough",
        "",
        f"  GET    https://api.test/x   {route.place}   1 of 3 calls came",
    ]


def test_a_route_without_a_reply() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/x")

    assert f"  GET    https://api.test/x   {route.place}   it has no reply\n" in str(unused(fake))


def test_an_earlier_route_that_took_the_call() -> None:
    fake = FakeTransport()
    first = fake.get(f"{API}/x").handle(lambda call: faults.closed()).optional()
    fake.get(f"{API}/x", headers={"x-a": "1"}, name="second").respond()
    ask(fake, "GET", f"{API}/x", headers={"x-a": "1"})

    assert (
        "  nearest call to second: GET https://api.test/x     "
        f"GET https://api.test/x, {first.place} took it\n" in str(unused(fake))
    )


def test_a_call_that_the_fallback_took() -> None:
    other = FakeTransport()
    other.get(f"{API}/x").respond()
    fake = FakeTransport(fallback=other)
    ask(fake, "GET", f"{API}/x")
    fake.get(f"{API}/x", name="late").respond()

    assert "  nearest call to late: GET https://api.test/x     nothing differs\n" in str(unused(fake))


def test_a_call_that_is_quite_another_is_not_told() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/orders/9").respond()
    fake.get(f"{API}/me").respond()
    fake.get("https://www.test/orders/9").respond()
    ask(fake, "GET", f"{API}/me")
    ask(fake, "GET", "https://www.test/orders/9")

    assert "nearest" not in str(unused(fake))


def test_of_many_routes_the_first_are_told() -> None:
    fake = FakeTransport()
    for number in range(12):
        fake.get(f"{API}/orders/{number:02}").respond()
    fake.get(f"{API}/orders/x").respond()
    ask(fake, "GET", f"{API}/orders/x")

    lines = str(unused(fake)).splitlines()

    assert lines[0] == "12 of 13 routes were not asked for"
    assert lines[11:14] == [f"  GET    https://api.test/orders/09   {fake.routes[9].place}   never", "  and 2 more", ""]
    assert len([line for line in lines if line.startswith("  nearest call")]) == 3


# Swallowed


def test_a_swallowed_request() -> None:
    fake = FakeTransport()
    route = fake.get(f"{API}/a").respond().optional()
    try:
        Client(fake).get(f"{API}/b")
    except Exception as error:  # noqa: BLE001  # as code under test does it
        swallowed = error

    with pytest.raises(UnexpectedRequestError) as caught:
        fake.verify()

    assert caught.value is not swallowed
    here = __file__.rpartition("/")[2]
    line = test_a_swallowed_request.__code__.co_firstlineno
    assert str(caught.value) == (
        "1 request had no route, and the code under test went on\n"
        "\n"
        f"  GET https://api.test/b   raised at tests/testing/{here}:{line + 4}, "
        f"caught at tests/testing/{here}:{line + 5} (except Exception)\n"
        "\n"
        "  sent      GET https://api.test/b\n"
        "\n"
        f"  nearest   {f'GET https://api.test/a, {route.place}':<49}   1 of 2 parts agrees\n"
        "            method    ✓ GET\n"
        "            url       ✗ expected /a, got /b\n"
        "\n"
        "  1 route, 0 calls so far."
    )
    error = caught.value
    assert error.request is not None
    assert (error.reason, error.nearest, error.request.url.path) == ("no_match", route, "/b")


def test_several_swallowed_requests() -> None:
    fake = FakeTransport()
    for number in range(7):
        ask(fake, "GET", f"{API}/{number}")

    with pytest.raises(UnexpectedRequestError) as caught:
        fake.verify()

    lines = str(caught.value).splitlines()
    assert lines[0] == "7 requests had no route, and the code under test went on"
    assert [line.partition("   raised at ")[0] for line in lines[2:7]] == [
        f"  GET {API}/{number}" for number in range(5)
    ]
    assert all("(with contextlib.suppress(Exception))" in line for line in lines[2:7])
    assert lines[7:] == [
        "  and 2 more",
        "",
        "  the first: no route for GET https://api.test/0",
        "",
        "  no route was registered",
    ]
    assert caught.value.request is None


def test_where_it_was_caught_is_left_out_if_it_cannot_be_told() -> None:
    fake = FakeTransport()
    namespace: dict[str, Any] = {"ask": lambda: Client(fake).get(API)}
    exec("try:\n    ask()\nexcept Exception:\n    pass\n", namespace)

    with pytest.raises(UnexpectedRequestError) as caught:
        fake.verify()

    assert "caught" not in str(caught.value)


def test_unexpected_requests_that_were_looked_at_can_be_forgiven() -> None:
    fake = FakeTransport()
    ask(fake, "GET", API)
    assert len(fake.unexpected) == 1

    fake.unexpected.clear()

    fake.verify()
