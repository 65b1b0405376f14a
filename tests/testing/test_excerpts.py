"""The body of a request, as a message shows it."""

from __future__ import annotations

from typing import Any

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, UnexpectedRequestError

API = "https://api.test"
SECRET = "hunter2"


def said(fake: FakeTransport, method: str, url: str, **options: Any) -> str:
    with pytest.raises(UnexpectedRequestError) as caught:
        Client(fake).do(method, url, **options)
    return str(caught.value)


def sent(fake: FakeTransport, **options: Any) -> list[str]:
    lines = said(fake, "POST", f"{API}/x", **options).splitlines()
    return [line[12:] for line in lines[3 : lines.index("", 2)]]


@pytest.fixture
def other() -> FakeTransport:
    fake = FakeTransport()
    fake.get(f"{API}/x").respond()
    return fake


def test_the_fields_that_every_request_has_are_left_out(other: FakeTransport) -> None:
    other.post(f"{API}/x", headers={"user-agent": "me"}).respond()

    assert sent(other) == ["user-agent: fluxhttp/" + sent(other)[0].partition("/")[2]]


def test_a_text_is_shown_in_one_line(other: FakeTransport) -> None:
    assert sent(other, body=b"a\r\nb\x00 \xc3\xa9") == [r"a\r\nb\x00 é"]


def test_bytes_that_are_no_text(other: FakeTransport) -> None:
    assert sent(other, body=b"\xff\x00") == ["2 bytes that are no text: ff 00"]
    assert sent(other, body=b"\xff" * 2000) == [f"2,000 bytes that are no text: {' '.join(['ff'] * 16)} …"]


def test_a_long_text_is_cut_at_its_end(other: FakeTransport) -> None:
    assert sent(other, body=b"a" * 300) == ["a" * 300]
    assert sent(other, body=b"a" * 301) == [f"{'a' * 300}… (301 characters)"]


def test_a_long_text_is_cut_at_the_difference() -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", body=b"a" * 1000).respond()

    assert sent(fake, body=b"a" * 500 + b"b" + b"a" * 499) == [
        f"…{'a' * 100}b{'a' * 199}… (1,000 characters)",
    ]
    assert sent(fake, body=b"a" * 999 + b"b") == [f"…{'a' * 299}b (1,000 characters)"]


@pytest.mark.parametrize(
    ("value", "shown", "end"),
    [({"n": "50"}, '{"n": "50"}', "… (1,103 characters)"), ({}, "{}", "… (1,094 characters)")],
)
def test_long_json_is_cut_at_the_difference(value: dict[str, str], shown: str, end: str) -> None:
    wanted = {"items": [{"n": number} for number in range(100)]}
    got: dict[str, Any] = {"items": [{"n": number} for number in range(100)]}
    got["items"][50] = value
    fake = FakeTransport()
    fake.post(f"{API}/x", json=wanted).respond()

    text = sent(fake, json=got)[1]

    assert text.startswith("…")
    assert 90 < text.index(shown) < 110
    assert text.endswith(end)


def test_json_that_differs_as_a_whole_is_cut_at_its_end() -> None:
    fake = FakeTransport()
    fake.post(f"{API}/x", json="a text").respond()

    assert sent(fake, json=[0] * 200)[1] == f"{str([0] * 200)[:300]}… (600 characters)"
