"""How a request differs from a route, part by part, and no secret of it."""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, UnexpectedRequestError, subset

API = "https://api.test"
SECRET = "hunter2"


def said(fake: FakeTransport, method: str, url: str, **options: Any) -> str:
    with pytest.raises(UnexpectedRequestError) as caught:
        Client(fake).do(method, url, **options)
    return str(caught.value)


def part(fake: FakeTransport, name: str, method: str, url: str, **options: Any) -> list[str]:
    """What is said of one part of the nearest route."""
    lines = said(fake, method, url, **options).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"            {name:<9}"))
    rest = [line[24:] for line in lines[start + 1 :]]
    end = next((at for at, line in enumerate(lines[start + 1 :]) if not line.startswith(" " * 24)), len(rest))
    return [lines[start][22:], *rest[:end]]


def test_method_and_url() -> None:
    fake = FakeTransport()
    fake.put(f"{API}/a/{{id}}").respond()

    assert part(fake, "method", "GET", f"{API}/a/1") == ["✗ expected PUT, got GET"]
    assert part(fake, "url", "PUT", f"{API}/a/1/b") == ["✗ expected /a/{id}, got /a/1/b"]


def test_the_url_of_another_origin() -> None:
    fake = FakeTransport()
    fake.route(where=lambda request: False).respond()
    fake.get(f"{API}/a", name="a").respond()

    text = said(fake, "GET", "https://www.test/a")

    # Not compared part by part: it can never take it.
    assert "also      and 1 more: url differs" in text


@pytest.mark.parametrize(
    ("params", "query", "expected"),
    [
        ({"a": ["1"]}, "", ["✗ missing: a=1"]),
        ({"a": ["1"]}, "?a=2", ["✗ expected a=1, got a=2"]),
        ({"a": ["1", "2"]}, "?a=2&a=1", ["✗ expected a=1&a=2, got a=2&a=1"]),
        ({"a": [""]}, "?a", ["✗ expected a=, got a"]),
        ({}, "?a=%20%C3%A9%0A", [r"✗ not expected: a= é\n"]),
        (subset({"a": ["1"]}), "?b=2", ["✗ missing: a=1"]),
        ({"a": ["1"], "b": ["2"], "c": ["3"], "d": ["4"]}, "", ["✗ missing: a=1", "missing: b=2", "and more"]),
        ({"a": ["1"], "b": ["2"], "c": ["3"]}, "", ["✗ missing: a=1", "missing: b=2", "missing: c=3"]),
        ({"token": [SECRET]}, "?token=other", ["✗ expected token=‹masked›, got token=‹masked›"]),
        ({"token": [""]}, "?token=other", ["✗ expected token=, got token=‹masked›"]),
        ({"a": ["x" * 100]}, "", [f"✗ missing: a={'x' * 57}…"]),
    ],
)
def test_params(params: Any, query: str, expected: list[str]) -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x", params=params).respond()

    assert part(fake, "params", "GET", f"{API}/x{query}") == expected


@pytest.mark.parametrize(
    ("wanted", "sent", "expected"),
    [
        ({"x-a": "1"}, {}, '✗ x-a: missing, expected "1"'),
        ({"x-a": "1"}, {"X-A": "2"}, '✗ x-a: expected "1", got "2"'),
        ({"x-a": ["1", "2"]}, [("X-A", "1")], '✗ x-a: expected "1" and "2", got "1"'),
        ({"x-a": []}, {"X-A": "2"}, '✗ x-a: not expected, got "2"'),
        ({"x-api-key": SECRET}, {"X-Api-Key": "x"}, '✗ x-api-key: expected "‹masked›", got "‹masked›"'),
        ({"authorization": f"Bearer {SECRET}"}, {}, '✗ authorization: missing, expected "Bearer ‹masked›"'),
        ({"cookie": f"sid={SECRET}"}, {}, '✗ cookie: missing, expected "sid=‹masked›"'),
    ],
)
def test_headers(wanted: Any, sent: Any, expected: str) -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x", headers=wanted).respond()

    assert part(fake, "headers", "GET", f"{API}/x", headers=sent) == [expected]


@pytest.mark.parametrize(
    ("wanted", "sent", "expected"),
    [
        ({"n": 1}, {"n": True}, ["✗ $.n   expected 1 (number), got true"]),
        ({"n": None}, {}, ["✗ $.n   missing, expected null"]),
        ([1, 2], [1], ["✗ $[1]   missing, expected 2 (number)"]),
        ([1], [1, {"a": 2}], ['✗ $[1]   not expected: {"a": 2} (object)']),
        ({"a b": ["x"]}, {"a b": "x"}, ['✗ $["a b"]   expected ["x"] (array), got "x" (string)']),
        (
            {"a": 1, "b": 1, "c": 1, "d": 1},
            {},
            ["✗ $.a   missing, expected 1 (number)", "$.b   missing, expected 1 (number)", "and more"],
        ),
        (
            {"user": {"password": SECRET}},
            {"user": {"password": "other"}},
            ["✗ $.user.password   expected ‹masked› (string), got ‹masked› (string)"],
        ),
        ({"api_key": 1234}, {"api_key": 4321}, ["✗ $.api_key   expected ‹masked› (number), got ‹masked› (number)"]),
    ],
)
def test_json(wanted: Any, sent: Any, expected: list[str]) -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", json=wanted).respond()

    assert part(fake, "json", "POST", f"{API}/x", json=sent) == expected


def test_a_body_that_is_no_json() -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", json={}).respond()

    assert part(fake, "json", "POST", f"{API}/x", body=b"{") == ["✗ the body is not JSON"]
    assert part(fake, "json", "POST", f"{API}/x") == ["✗ there is no body"]


def test_a_body_nested_as_deep_as_can_be_read_is_told_of_too() -> None:
    seen = set()

    for depth in range(880, 1000):
        fake = FakeTransport()
        fake.post(f"{API}/x", json=[]).respond()
        seen.add(part(fake, "json", "POST", f"{API}/x", body=b"[" * depth + b"]" * depth)[0][:12])

    assert seen <= {"✗ $[0]   not", "✗ differs, t", "✗ the body i"}
    assert "✗ $[0]   not" in seen


@pytest.mark.parametrize(
    ("wanted", "sent", "expected"),
    [
        (b"abcdef", b"abcxef", "✗ differs from byte 3 on: expected b'abcdef', got b'abcxef'"),
        (b"abc", b"", "✗ differs from byte 0 on: expected b'abc', got the end after 0 bytes"),
        (b"a", b"ab", "✗ differs from byte 1 on: expected the end after 1 byte, got b'ab'"),
        (
            b"x" * 50 + b"a" + b"y" * 50,
            b"x" * 50 + b"b" + b"y" * 50,
            f"✗ differs from byte 50 on: expected …b'{'x' * 10}a{'y' * 19}'…, got …b'{'x' * 10}b{'y' * 19}'…",
        ),
        (
            b'{"password": "hunter2"}',
            b'{"password": "other"}',
            "✗ differs from byte 14 on: 21 bytes, expected 23 bytes",
        ),
    ],
)
def test_bodies(wanted: bytes, sent: bytes, expected: str) -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", body=wanted).respond()

    assert part(fake, "body", "POST", f"{API}/x", body=sent) == [expected]


def test_forms() -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", form={"a": "1", "password": SECRET, "key": "k"}).respond()

    assert part(fake, "form", "POST", f"{API}/x", form={"a": "2", "password": "x", "key": "l"}) == [
        "✗ expected a=1, got a=2",
        "expected password=‹masked›, got password=‹masked›",
        "expected key=k, got key=l",
    ]
    assert part(fake, "form", "POST", f"{API}/x", json={"password": SECRET}) == ["✗ the body is not a form"]


def test_what_agrees_is_named_too() -> None:
    fake = FakeTransport()
    options: dict[str, Any] = {"params": {"a": ["1"], "b": ["2"]}, "headers": {"x-a": "1", "x-b": "2"}}
    fake.get(f"{API}/x", **options).respond()
    fake.post(f"{API}/x", json=[1]).respond()
    fake.put(f"{API}/x", body=b"12").respond()
    fake.patch(f"{API}/x", form={"a": "1", "b": "2"}).respond()

    def is_here(request: object) -> bool:
        return True

    fake.delete(f"{API}/x", where=is_here).respond()

    assert part(fake, "params", "GET", f"{API}/y", **options) == ["✓ a, b"]
    assert part(fake, "headers", "GET", f"{API}/y", **options) == ["✓ x-a, x-b"]
    assert part(fake, "json", "POST", f"{API}/y", json=[1]) == ["✓"]
    assert part(fake, "body", "PUT", f"{API}/y", body=b"12") == ["✓ 2 bytes"]
    assert part(fake, "form", "PATCH", f"{API}/y", form={"a": "1", "b": "2"}) == ["✓ a, b"]
    assert part(fake, "where", "DELETE", f"{API}/y") == ["✓ is_here"]


def test_a_function_that_says_no_or_fails() -> None:
    fake = FakeTransport()

    def is_odd(request: Any) -> bool:
        return bool(int(request.headers["x-page"]) % 2)

    fake.get(f"{API}/x", where=is_odd).respond()

    assert part(fake, "where", "GET", f"{API}/x", headers={"x-page": "2"}) == ["✗ is_odd says no"]
    assert part(fake, "where", "GET", f"{API}/y") == ["✗ is_odd raised KeyError"]


def test_a_callable_without_a_name() -> None:
    class Odd:
        def __call__(self, request: object) -> bool:
            return False

    fake = FakeTransport()
    fake.get(f"{API}/x", where=Odd()).respond()

    assert part(fake, "where", "GET", f"{API}/x") == ["✗ Odd says no"]
