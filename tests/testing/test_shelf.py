"""Routes of one place: found by what they ask for, and the same ones that looking at each would find."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhttp import Client, InvalidRequestError
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, UnexpectedRequestError, subset
from fluxhttp.testing.comparing import json_key
from tests.testing.naive import naively_matches
from tests.testing.test_fuzz import built, contents, documents, mappings, methods

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.test"
URL = f"{API}/x"
#: So many share a place that not each is looked at.
MANY = 12

places = st.sampled_from([(method, url) for method in ("POST", None) for url in (URL, f"{API}/{{id}}", None)])
routes = st.fixed_dictionaries(
    {
        "params": st.none() | mappings,
        "is_open": st.booleans(),
        "headers": st.none()
        | st.dictionaries(st.sampled_from(["x-a", "x-b"]), st.sampled_from([[], ["1"], ["2", "1"]])),
        "content": st.none() | contents | st.tuples(st.just("json"), documents),
        "where": st.sampled_from([None, None, True, False]),
        "times": st.sampled_from([None, 1, 1, 2]),
    }
)
asked = st.fixed_dictionaries(
    {
        "method": methods,
        "url": st.sampled_from([URL, f"{URL}?a=1", f"{URL}?a=1&b=2", f"{URL}?b=%C3%BC&a=1&a=2", f"{API}/y"]),
        "headers": st.lists(st.tuples(st.sampled_from(["x-a", "X-B"]), st.sampled_from(["1", "2"])), max_size=2),
        "content": st.none() | contents | st.tuples(st.just("json"), documents),
    }
)


def options_of(spec: dict[str, Any]) -> dict[str, Any]:
    """The same as arguments of ``route``."""
    answer = spec["where"]
    return {
        "params": subset(spec["params"] or {}) if spec["is_open"] else spec["params"],
        "headers": spec["headers"],
        "where": None if answer is None else lambda request: answer,
        **({} if spec["content"] is None else dict([spec["content"]])),
    }


@settings(max_examples=200, deadline=None)
@given(places, st.lists(routes, min_size=MANY, max_size=20), st.lists(asked, min_size=1, max_size=8))
def test_of_many_routes_for_one_place_the_first_that_matches_takes_a_request(
    place: tuple[str | None, str | None], specs: list[dict[str, Any]], requests: list[dict[str, Any]]
) -> None:
    fake = FakeTransport()
    live: dict[int, dict[str, Any]] = {}
    left: dict[int, int] = {}
    for spec in specs:
        try:
            route = fake.route(*place, **options_of(spec))
        except ImpossibleReplyError:
            continue
        number = route.number
        route.respond(text=str(number))
        live[number] = {**spec, "method": place[0], "url": place[1]}
        left[number] = spec["times"] or 10**9
        if spec["times"]:
            route.times(spec["times"])

    for request in map(built, requests):
        expected = next(
            (
                number
                for number, spec in live.items()
                if left[number] and spec["where"] is not False and naively_matches(spec, request)
            ),
            None,
        )
        try:
            got: int | None = int(Client(fake).send(request).text)
        except UnexpectedRequestError:
            got = None
        assert got == expected
        if got is not None:
            left[got] -= 1


@settings(max_examples=200, deadline=None)
@given(places, st.lists(routes, min_size=MANY, max_size=20), routes)
def test_of_many_routes_for_one_place_the_first_that_covers_a_new_one_is_named(
    place: tuple[str | None, str | None], specs: list[dict[str, Any]], new: dict[str, Any]
) -> None:
    fake = FakeTransport()
    for spec in [*specs, new]:
        options = options_of(spec)
        # What the registration would say of a route that nothing stands in the way of.
        pattern = FakeTransport().route(*place, **options).pattern
        covering = next((route for route in fake.routes if route.takes_all and route.pattern.covers(pattern)), None)
        if covering is None:
            route = fake.route(*place, name=str(len(fake.routes)), **options).respond()
            if spec["times"]:
                route.times(spec["times"])
        else:
            with pytest.raises(ImpossibleReplyError, match=f"for {covering.name}, "):
                fake.route(*place, **options)


def many(register: Callable[[FakeTransport, int], Any]) -> FakeTransport:
    fake = FakeTransport()
    for number in range(MANY):
        register(fake, number).respond(text=str(number)).optional()
    return fake


@pytest.mark.parametrize(
    "body",
    [b'{"b":[1.0,2e0],"a":5}', b' {"a": 5, "b": [1, 2]}', b'\xef\xbb\xbf{"a":5,"b":[1,2]}', b'{"a":0,"a":5,"b":[1,2]}'],
)
def test_the_same_json_in_other_bytes_finds_its_route(body: bytes) -> None:
    fake = many(lambda fake, number: fake.post(URL, json={"a": number, "b": [1, 2]}))

    assert Client(fake).post(URL, body=body).text == "5"


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"a":true,"b":[1,2]}', b'{"a":"5","b":[1,2]}', b"NaN"])
def test_what_is_not_the_same_json_finds_none(body: bytes) -> None:
    fake = many(lambda fake, number: fake.post(URL, json={"a": number, "b": [1, 2]}))

    with pytest.raises(UnexpectedRequestError, match=r"^no route for POST https://api\.test/x\n"):
        Client(fake).post(URL, body=body)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (b"1", b"1.0", True),
        (b"0", b"-0.0", True),
        (b"[1e3]", b"[1000]", True),
        (b"1", b"true", False),
        (b"9007199254740993", b"9007199254740992.0", False),
        (b"1e400", b"-1e400", False),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', True),
        (b'"\\u00e9"', '"é"'.encode(), True),
        (b"[[]]", b"[{}]", False),
        (b"null", b'"null"', False),
    ],
)
def test_json_is_looked_up_by_value_and_type(one: bytes, other: bytes, is_same: bool) -> None:
    assert (json_key(one) == json_key(other)) is is_same


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_has_no_key(content: bytes) -> None:
    assert json_key(content) is None


def test_a_route_far_down_that_an_earlier_one_covers_is_refused() -> None:
    fake = FakeTransport()
    for number in range(1000):
        fake.post(URL, body=b"%d" % number).respond()

    with pytest.raises(ImpossibleReplyError, match=r"^this route is never reached, for POST https://api\.test/x, "):
        fake.post(URL, body=b"900", headers={"x-a": "1"})


def test_of_many_routes_one_that_lets_other_params_in_stands_before_the_one_for_just_these() -> None:
    fake = FakeTransport()
    for number in range(MANY):
        fake.post(URL, params=subset({"a": str(number)})).respond()

    with pytest.raises(ImpossibleReplyError, match=r"^this route is never reached"):
        fake.post(URL, params={"a": "7", "b": "1"})


def test_json_at_the_depth_where_no_more_can_be_read_is_found_or_refused() -> None:
    fake = FakeTransport()
    depths = []
    value: list[object] = []
    for depth in range(1, 1200):
        value = [value]
        if depth >= 600:
            with contextlib.suppress(InvalidRequestError):
                fake.post(URL, json=value).respond(text=str(depth))
                depths.append(depth)

    assert depths[0] == 600
    for depth in depths:
        assert Client(fake).post(URL, body=b"[" * (depth + 1) + b"]" * (depth + 1)).text == str(depth)


def test_each_of_many_routes_may_speak_of_something_else() -> None:
    fake = many(lambda fake, number: fake.post(URL, headers={f"x-{number}": "1"}, body=b"%d" % number))

    assert Client(fake).post(URL, headers={"x-7": "1"}, body=b"7").text == "7"
