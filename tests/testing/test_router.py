"""Which route takes a request: the first that matches and has replies left."""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, faults, subset
from tests.testing.answers import API, URL, answers


def test_the_first_that_matches_takes_a_request() -> None:
    fake = FakeTransport()
    fake.get(URL, headers={"x-a": "1"}).respond(text="special")
    fake.get(URL).respond(text="general")

    assert answers(fake, 2) == ["general"] * 2
    assert answers(fake, 2, headers={"X-A": "1"}) == ["special"] * 2


def test_one_that_is_used_up_leaves_it_to_the_next() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(text="1").times(1)
    fake.get(URL).respond(text="2").respond(text="3")
    fake.route().respond(text="rest")

    assert answers(fake, 5) == ["1", "2", "3", "rest", "rest"]


def test_the_order_of_registration_counts_whatever_a_route_names() -> None:
    fake = FakeTransport()
    fake.route(where=lambda request: request.url.path == "/1").respond(text="where")
    fake.get(f"{API}/{{any}}").respond(text="template").times(1)
    fake.route(url=f"{API}/1").respond(text="any method").times(1)
    fake.get(f"{API}/1", params=subset({"a": "1"})).respond(text="subset").times(1)
    fake.get(f"{API}/2").respond(text="exact").times(1)
    fake.route("GET", params=subset({"a": "1"})).respond(text="general").times(1)

    assert answers(fake, 1, f"{API}/1") == ["where"]
    assert answers(fake, 3, f"{API}/2") == ["template", "exact", "UnexpectedRequestError"]
    assert answers(fake, 1, f"{API}/3?a=1") == ["general"]


def test_routes_are_found_by_everything_they_name() -> None:
    fake = FakeTransport()
    urls = ["/a", "/a?x=1", "/a?x=2", "/b/{id}", "/b/{id}?x=1", "/b/{id}/c", "/{any}/c/d"]
    for url in urls:
        fake.get(API + url).respond(text=url)
    fake.route(None, f"{API}/a").respond(text="any method")
    fake.get(f"{API}/a", params=subset({"y": "1"})).respond(text="open")

    asked = ["/a", "/a?x=1", "/a?x=2", "/b/7", "/b/7?x=1", "/b/7/c", "/z/c/d"]
    assert [answers(fake, 1, API + url)[0] for url in asked] == urls
    assert answers(fake, 1, f"{API}/a?y=1&z=2") == ["open"]
    assert Client(fake).post(f"{API}/a").text == "any method"
    assert answers(fake, 1, "https://other.test/a") == ["UnexpectedRequestError"]


def test_a_function_that_decides() -> None:
    fake = FakeTransport()
    fake.route(where=lambda request: int(request.headers.get("x-page") or 0) > 3).respond(404)

    assert Client(fake).get(URL, headers={"x-page": "4"}).status_code == 404
    assert answers(fake, 1, headers={"x-page": "3"}) == ["UnexpectedRequestError"]


def test_what_a_function_raises_comes_out_as_it_is() -> None:
    fake = FakeTransport()
    fake.route(where=lambda request: bool(request.headers["x-page"])).respond()

    with pytest.raises(KeyError, match="x-page"):
        Client(fake).get(URL)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (("GET", URL), ("GET", URL)),
        ((None, URL), ("GET", URL)),
        (("GET", None), ("GET", URL)),
        ((None, None), (None, None)),
        (("GET", f"{API}/{{id}}"), ("GET", URL)),
        (("GET", f"{API}/{{id}}"), ("GET", f"{API}/{{other}}")),
        ((None, None), ("GET", f"{API}/{{other}}")),
    ],
)
def test_a_route_that_can_never_be_reached_is_refused(earlier: Any, later: Any) -> None:
    fake = FakeTransport()
    first = fake.route(*earlier).respond()

    with pytest.raises(ImpossibleReplyError) as caught:
        fake.route(*later)

    line = test_a_route_that_can_never_be_reached_is_refused.__code__.co_firstlineno + 17
    assert str(caught.value) == (
        f"this route is never reached, for {first.pattern}, {first.place} takes every such request"
        f" (test_router.py:{line})\n"
        "  Put the special case first, or give the other .times(…) or a second reply."
    )
    assert fake.routes == [first]


def test_a_special_case_after_a_general_one_is_refused() -> None:
    fake = FakeTransport()
    fake.get(URL).respond()

    with pytest.raises(ImpossibleReplyError, match="this route is never reached"):
        fake.get(URL, headers={"x-a": "1"})


def test_routes_that_can_be_reached_are_not_refused() -> None:
    fake = FakeTransport()
    fake.get(URL)
    fake.get(URL).respond().times(1)
    fake.get(URL).respond().respond()
    fake.get(URL).handle(lambda call: None)
    fake.get(URL).fail(faults.tls_failure())
    fake.get(URL, headers={"x-a": "1"}).respond()
    fake.get(URL, where=bool).respond()
    fake.get(URL).respond().fail(faults.reset()).repeat_last()

    assert len(fake.routes) == 8
    with pytest.raises(ImpossibleReplyError):
        fake.get(URL)
