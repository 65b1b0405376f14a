"""Which requests a route matches: rule by rule, in the form they have on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import (
    URL,
    Headers,
    InvalidURLError,
    Request,
)
from fluxhttp.testing import subset
from fluxhttp.testing.comparing import MISSING, value_at
from fluxhttp.testing.matching import Pattern

API = "https://api.test"


def matches(url: str | None, asked: str, *, method: str = "GET", base_url: str = "", **matchers: Any) -> bool:
    """Whether a route for that URL takes a GET of this one."""
    return Pattern(method, url, base_url=base_url, **matchers).matches(Request.build("GET", asked))


def takes(matchers: dict[str, Any], **options: Any) -> bool:
    """Whether a route with these matchers takes such a POST."""
    return Pattern("POST", f"{API}/x", **matchers).matches(Request.build("POST", f"{API}/x", **options))


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("HTTPS://API.test/a", "https://api.TEST/a"),
        ("https://api.test:443/a", "https://api.test/a"),
        ("http://api.test/a", "http://api.test:80/a"),
        ("https://api.test", "https://api.test/"),
        ("https://api.test/a#one", "https://api.test/a#two"),
        ("https://user:secret@api.test/a", "https://api.test/a"),
        ("https://api.test/a", "https://user:secret@api.test/a"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://[::1]/", "https://[0:0:0:0:0:0:0:1]/"),
        ("https://api.test/é", "https://api.test/%C3%A9"),
        ("https://api.test/%c3%a9", "https://api.test/%C3%A9"),
        ("https://api.test/%7Eu", "https://api.test/~u"),
        ("https://api.test/a b", "https://api.test/a%20b"),
        ("https://api.test/a/../b", "https://api.test/a/../b"),
        ("https://api.test/a%2fb", "https://api.test/a%2Fb"),
    ],
)
def test_urls_that_are_the_same_on_the_wire(registered: str, asked: str) -> None:
    assert matches(registered, asked)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("https://api.test/a", "http://api.test/a"),
        ("https://api.test/a", "https://api.test:8443/a"),
        ("https://api.test/a", "https://api.test./a"),
        ("https://api.test/foo", "https://api.test/Foo"),
        ("https://api.test/foo", "https://api.test/foo/"),
        ("https://api.test/x", "https://api.test//x"),
        ("https://api.test/a/b", "https://api.test/a%2Fb"),
        ("https://api.test/b", "https://api.test/a/../b"),
        ("https://api.test/a!", "https://api.test/a%21"),
    ],
)
def test_urls_that_differ(registered: str, asked: str) -> None:
    assert not matches(registered, asked)


@pytest.mark.parametrize(
    ("registered", "asked", "expected"),
    [
        ("/users/{id}", "/users/7", True),
        ("/users/{id}", "/users/a%2Fb", True),
        ("/users/{id}", "/users/", False),
        ("/users/{id}", "/users", False),
        ("/users/{id}", "/users/7/", False),
        ("/users/{id}/{what}", "/users/7/orders", True),
        ("/users/{id}/x", "/users/7/y", False),
        ("/{a}", "/x", True),
        ("/{a}?q=1", "/x?q=1", True),
        ("/{a}?q=1", "/x", False),
        ("/{a}#there", "/x", True),
        ("/{id}.json", "/7.json", False),
        ("/{id}.json", "/{id}.json", True),
        ("/a{id}", "/a{id}", True),
        ("/x?{id}", "/x?{id}", True),
        ("/%7Bid%7D", "/7", False),
        ("/%7Bid%7D", "/{id}", True),
        ("/{1}", "/x", False),
    ],
)
def test_a_segment_in_braces_is_any_one_that_is_not_empty(registered: str, asked: str, expected: bool) -> None:
    assert matches(API + registered, API + asked) is expected


def test_a_url_that_was_parsed_has_no_templates() -> None:
    pattern = Pattern("GET", URL.parse(f"{API}/{{id}}"))

    assert not pattern.is_template
    assert pattern.matches(Request.build("GET", f"{API}/{{id}}"))


def test_a_template_stands_in_a_path_alone() -> None:
    with pytest.raises(InvalidURLError):
        Pattern("GET", "https://{host}/x")


@pytest.mark.parametrize(
    ("url", "asked"), [("/a", "/v1/a"), ("a", "/v1/a"), ("?q=1", "/v1?q=1"), ("", "/v1"), ("/{id}", "/v1/7")]
)
def test_a_relative_url_is_appended_to_the_base_as_by_a_client(url: str, asked: str) -> None:
    assert matches(url, API + asked, base_url=f"{API}/v1")
    assert matches("https://other.test/", "https://other.test/", base_url=f"{API}/v1")


def test_without_a_base_a_url_is_absolute() -> None:
    with pytest.raises(InvalidURLError, match="must start with http"):
        Pattern("GET", "/users")
    with pytest.raises(InvalidURLError, match="must start with http"):
        Pattern("GET", "users")


# The query


@pytest.mark.parametrize(
    ("registered", "asked", "expected"),
    [
        ("?a=1&b=2", "?b=2&a=1", True),
        ("?a=1&a=2", "?a=2&a=1", False),
        ("?a=1&b=2&a=3", "?a=1&a=3&b=2", True),
        ("?a", "?a=", False),
        ("?a", "?a", True),
        ("", "?", True),
        ("?a=1", "?a=1&", True),
        ("?a=1", "?a=1&b=2", False),
        ("?a=B", "?a=b", False),
        ("?A=1", "?a=1", False),
        ("?a=x+y", "?a=x%20y", True),
        ("?a=%C3%A9", "?a=é", True),
        ("?a=%FF", "?a=%FE", False),
        ("?a=%FF", "?a=%EF%BF%BD", False),
        ("?a=%ff", "?a=%FF", True),
        ("?a=100%", "?a=100%25", True),
        ("?a[]=1", "?a%5B%5D=1", True),
    ],
)
def test_queries_are_compared_as_keys_with_lists_of_values(registered: str, asked: str, expected: bool) -> None:
    assert matches(f"{API}/x{registered}", f"{API}/x{asked}") is expected


@pytest.mark.parametrize(
    ("params", "asked", "expected"),
    [
        ({"a": ["1"]}, "?a=1", True),
        ({"a": "1"}, "?a=1", True),
        ({"a": ("1", "2")}, "?a=1&a=2", True),
        ({"a": ["1"]}, "?a=1&b=2", False),
        ({"a": [""]}, "?a=", True),
        ({"a": [""]}, "?a", False),
        ({"a b": ["ü&"]}, "?a+b=%C3%BC%26", True),
        ({"a": []}, "", True),
        ({}, "?a=1", False),
        (None, "?a=1", False),
        (subset({"a": ["1"]}), "?a=1&b=2", True),
        (subset({"a": ["1"]}), "?a=1&a=2", False),
        (subset({"a": ["1"]}), "?b=2", False),
        (subset({}), "?a=1", True),
        (subset({}), "", True),
    ],
)
def test_params(params: Any, asked: str, expected: bool) -> None:
    assert matches(f"{API}/x", f"{API}/x{asked}", params=params) is expected


def test_params_and_a_query_in_the_url() -> None:
    url = f"{API}/x?a=1"

    # As in a call: they replace it, if any key has a value (D1).
    assert matches(url, f"{API}/x?b=2", params={"b": ["2"]})
    assert matches(url, f"{API}/x?a=1", params={"b": []})
    assert matches(url, f"{API}/x?c=3&b=2&a=1", params=subset({"b": ["2"]}))
    assert not matches(url, f"{API}/x?b=2", params=subset({"b": ["2"]}))


def test_without_a_url_any_query_matches_unless_params_are_given() -> None:
    assert matches(None, f"{API}/x?a=1")
    assert matches(None, f"{API}/x?a=1", params={"a": ["1"]})
    assert not matches(None, f"{API}/x?a=1", params={"a": ["2"]})
    assert not matches(None, f"{API}/x?a=1", params={})


def test_a_subset_names_its_params_without_their_values() -> None:
    assert repr(subset({"a": ["1"], "token": "s3cret"})) == "<subset of params: 'a', 'token'>"
    assert repr(subset([("a", "1")])) == "<subset of params: list>"


# Fields


@pytest.mark.parametrize(
    ("wanted", "sent", "expected"),
    [
        ({"x-token": "1"}, {"X-Token": "1"}, True),
        ({"X-TOKEN": " 1 "}, {"x-token": "1"}, True),
        ({"x-token": "a"}, {"x-token": "A"}, False),
        ({"x-token": "1"}, {}, False),
        ({"x-token": "1"}, [("x-token", "1"), ("X-Token", "2")], False),
        ({"x-token": ["1", "2"]}, [("x-token", "1"), ("X-Token", "2")], True),
        ({"x-token": "1", "X-Token": "2"}, [("x-token", "1"), ("X-Token", "2")], True),
        ([("x-token", "1"), ("x-token", "2")], [("x-token", "1"), ("X-Token", "2")], True),
        (Headers([("x-token", "1"), ("x-token", "2")]), [("x-token", "1"), ("X-Token", "2")], True),
        ({"x-token": []}, {}, True),
        ({"x-token": []}, {"x-token": "1"}, False),
        ({"host": "api.test", "content-length": "0"}, {}, True),
        ({"x-token": "ü"}, {"x-token": "ü"}, True),
        ({}, {"x-token": "1"}, True),
    ],
)
def test_fields_match_in_any_case_by_all_their_lines(wanted: Any, sent: Any, expected: bool) -> None:
    assert takes({"headers": wanted}, headers=sent) is expected


# Contents


@pytest.mark.parametrize(
    ("wanted", "sent", "expected"),
    [
        ({"a": 1, "b": [True, None, "x"]}, {"b": [True, None, "x"], "a": 1}, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        (None, 0, False),
        ("1", 1, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, [], False),
        ((1, 2), [1, 2], True),
        ({1: "a"}, {"1": "a"}, True),
        (10**30, 10**30, True),
        (10**30, 10**30 + 1, False),
        ("é\u2028", "é\u2028", True),
    ],
)
def test_json_is_compared_by_type_too(wanted: Any, sent: Any, expected: bool) -> None:
    assert takes({"json": wanted}, json=sent) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b' {"b": 2.0,\n"a":"\\u00e9"} ', True),
        ('{"a":"é","b":2}'.encode("utf-16"), True),
        (b'{"a":"\xc3\xa9","b":2,"b":3}', False),
        (b"", False),
        (b"{", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_json_is_what_the_bytes_mean(body: bytes, expected: bool) -> None:
    assert takes({"json": {"a": "é", "b": 2}}, body=body) is expected


@pytest.mark.parametrize(
    ("wanted", "body", "expected"),
    [
        ({"a": "1", "b": ["2", "3"]}, b"b=2&a=1&b=3", True),
        ({"a": "1"}, b"a=1&b=2", False),
        ({"a": "é ü"}, b"a=%C3%A9+%c3%bc", True),
        ({"a": "é"}, b"a=\xc3\xa9", True),
        ({"a": ""}, b"a", False),
        ({"a": []}, b"", True),
    ],
)
def test_forms_are_compared_as_queries(wanted: Any, body: bytes, expected: bool) -> None:
    assert takes({"form": wanted}, body=body) is expected


def test_bytes_are_compared_as_they_are() -> None:
    assert takes({"body": b"\xff\x00"}, body=b"\xff\x00")
    assert takes({"body": bytearray(b"ab")}, body=b"ab")
    assert takes({"body": b""})
    assert not takes({"body": b"ab"}, body=b"ab ")


def test_a_function_is_asked_last_and_may_return_anything() -> None:
    asked: list[str] = []

    def where(request: Request) -> object:
        asked.append(request.url.path)
        return ["yes"]

    assert takes({"where": where, "body": b"a"}, body=b"a")
    assert not takes({"where": where, "body": b"a"}, body=b"b")
    assert asked == ["/x"]
    assert not takes({"where": lambda request: 0})


def test_any_method() -> None:
    assert Pattern(None, f"{API}/x").matches(Request.build("PATCH", f"{API}/x"))
    assert not Pattern("PUT", f"{API}/x").matches(Request.build("PATCH", f"{API}/x"))


# One that covers another


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ({}, {"method": "GET", "url": API}, True),
        ({"url": f"{API}/a"}, {"method": "GET", "url": f"{API}/a"}, True),
        ({"method": "GET", "url": f"{API}/a"}, {"url": f"{API}/a"}, False),
        ({"url": f"{API}/a"}, {}, False),
        ({"url": f"{API}/{{id}}"}, {"url": f"{API}/a"}, True),
        ({"url": f"{API}/{{id}}"}, {"url": f"{API}/{{other}}"}, True),
        ({"url": f"{API}/{{id}}"}, {"url": f"{API}/"}, False),
        ({"url": f"{API}/a"}, {"url": f"{API}/{{id}}"}, False),
        ({"url": f"{API}/a?b"}, {"url": f"{API}/a"}, False),
        ({"params": {"a": "1"}}, {"params": {"a": "1"}}, True),
        ({"params": {"a": "1"}}, {"params": subset({"a": "1"})}, False),
        ({"params": subset({"a": "1"})}, {"params": {"a": "1", "b": "2"}}, True),
        ({"params": subset({"a": "1"})}, {"params": {"b": "2"}}, False),
        ({"params": subset({"a": "1"})}, {}, False),
        ({"headers": {"a": "1"}}, {"headers": {"b": "2", "A": "1"}}, True),
        ({"headers": {"a": "1"}}, {"headers": {"b": "2"}}, False),
        ({"headers": {"a": "1"}}, {}, False),
        ({"body": b"a"}, {"body": b"a"}, True),
        ({"body": b"a"}, {"body": b"b"}, False),
        ({"json": 1}, {"json": 1}, True),
        ({"json": 1}, {"json": 2}, False),
        ({"form": {"a": "1"}}, {"form": {"a": "1"}}, True),
        ({"form": {"a": "1"}}, {}, False),
        ({"where": bool}, {"where": bool}, False),
        ({"body": b"a"}, {"body": b"a", "where": bool}, True),
    ],
)
def test_which_patterns_take_all_that_another_matches(
    earlier: dict[str, Any], later: dict[str, Any], expected: bool
) -> None:
    assert Pattern(**earlier).covers(Pattern(**later)) is expected


def test_what_is_not_there() -> None:
    assert repr(MISSING) == "MISSING"
    assert value_at({"a": [1]}, ("a", 0)) == 1
    assert [value_at({"a": [1]}, path) for path in (("b",), ("a", 1), ("a", 0, "c"))] == [MISSING] * 3


def test_a_pattern_in_words() -> None:
    assert str(Pattern()) == "any method any URL"
    assert str(Pattern("GET", f"{API}/é/{{id}}?token=hunter2")) == "GET https://api.test/%C3%A9/{id}"
