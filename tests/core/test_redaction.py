"""Redaction: no secret in any text that leaves (decision D19)."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxhttp._core.redaction import MASK, SECRET_FIELDS, describe, redact_headers, redact_query, redact_url
from fluxhttp._core.url import URL
from fluxhttp.errors import ConnectError, InvalidURLError


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("a=hunter2", "a=***"),
        ("a=", "a="),
        ("=hunter2", "=***"),
        ("hunter2", "***"),
        ("a=hunter2&b=&hunter2&=", "a=***&b=&***&="),
        ("a=b=hunter2", "a=***"),
        ("a=1;hunter2", "a=***"),
        ("&&a=hunter2&", "&&a=***&"),
        ("a=hunter2\n", "a=***"),
        ("a=hunter2\n&b=hunter2", "a=***&b=***"),
        ("\nhunter2", "***"),
    ],
)
def test_the_names_of_a_query_are_kept_and_the_values_masked(query: str, shown: str) -> None:
    assert redact_query(query) == shown


@given(st.lists(st.tuples(st.text("ab\n", max_size=3), st.sampled_from(["=", ""]), st.text("=cd\n?", max_size=3))))
def test_any_query_is_masked_part_by_part(parts: list[tuple[str, str, str]]) -> None:
    query = "&".join(f"{name}{equals}{value if equals else ''}" for name, equals, value in parts)
    shown = "&".join(
        f"{name}={MASK if value else ''}" if equals else MASK if name else "" for name, equals, value in parts
    )

    assert redact_query(query) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("http://a.test/p", "http://a.test/p"),
        ("http://a.test:80/p?a=hunter2#hunter2", "http://a.test:80/p?a=***"),
        ("http://a.test/p#hunter2?a=hunter2", "http://a.test/p"),
        ("http://u:hunter2@a.test/p", "http://a.test/p"),
        ("http://hunter2@a.test", "http://a.test"),
        ("http://u:hunter2@hunter2@a.test:81/", "http://a.test:81/"),
        ("http://u:hunter2@[::1]:81/", "http://[::1]:81/"),
        ("http://a.test/@user/p", "http://a.test/@user/p"),
        ("http://[::1]/a@b", "http://[::1]/a@b"),
        ("http://a.test?x@hunter2", "http://a.test?***"),
        ("//u:hunter2@a.test/p", "//a.test/p"),
        ("/p@q?a=hunter2", "/p@q?a=***"),
        ("?a=hunter2@x", "?a=***"),
        ("#hunter2@x", ""),
        # What is no URL is cut up to its last "@".
        ("http://u:hunter2/x@a.test/", "http://a.test/"),
        ("http://u:hunter2?x@a.test/p", "http://a.test/p"),
        ("http://u:hunter2#x@a.test/", "http://a.test/"),
        ("http://u:hunter2/x?y#z@a.test/?a=hunter2", "http://a.test/?a=***"),
        ("http:///u:hunter2@a.test/", "http://a.test/"),
        ("http://u:hunter2\\@a.test/", "http://a.test/"),
        ("http:\\\\u:hunter2@a.test/", "a.test/"),
        ("http:u:hunter2@a.test/", "a.test/"),
        ("u:hunter2@a.test/p", "a.test/p"),
        ("http:u:hunter2//@a.test/", "a.test/"),
        ("u:hunter2://x@a.test/", "a.test/"),
        (" http://u:hunter2@a.test/", " http://a.test/"),
        ("http://[u:hunter2@a.test/", "http://a.test/"),
        # One line, whatever it was.
        ("http://a.test/\r\nX: 1\x00\x7f\x85", "http://a.test/\\r\\nX: 1\\x00\\x7f\\x85"),
        ("http://a.test/\ud800", "http://a.test/\\ud800"),
        ("http://a.test/é", "http://a.test/é"),
    ],
)
def test_a_url_is_shown_without_userinfo_values_and_fragment(text: str, shown: str) -> None:
    assert redact_url(text) == shown


secrets = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), min_size=1, max_size=12).map(
    lambda text: f"hunter2{text}"
)


@given(secrets, st.sampled_from(["http://", "https://", "//", "http:", ""]), st.sampled_from(["a.test", "[::1]", "é"]))
@example("hunter2//", "http:", "a.test")
def test_a_password_is_never_shown_whatever_is_in_it(secret: str, start: str, host: str) -> None:
    shown = redact_url(f"{start}user:{secret}@{host}/p?k={secret.replace('&', '')}")

    assert "hunter2" not in shown
    assert "user" not in shown


@given(st.text(st.characters(), max_size=30))
def test_any_text_becomes_one_line(text: str) -> None:
    for shown in (redact_url(text), redact_url(f"http://{text}")):
        assert not {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} & set(shown)
        assert shown == shown.encode("utf-8", "strict").decode()


@given(st.text(st.characters(), max_size=20))
def test_a_url_that_can_be_requested_keeps_its_place(path: str) -> None:
    try:
        url = URL.parse(f"http://u:hunter2@a.test/{path}")
    except InvalidURLError:
        return

    assert redact_url(str(url)).startswith(url.origin + url.path)
    assert redact_url(f"http://u:hunter2@a.test{url.target}") == redact_url(str(url))


def test_secret_fields_are_masked_in_any_case() -> None:
    pairs = [(name.upper(), "hunter2") for name in sorted(SECRET_FIELDS)]

    assert redact_headers(pairs) == [(name, MASK) for name, _ in pairs]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Accept", "text/html?a=b", "text/html?a=b"),
        ("Location", "http://u:hunter2@a.test/p?t=hunter2#hunter2", "http://a.test/p?t=***"),
        ("content-location", "/p?hunter2", "/p?***"),
        ("REFERER", "http://a.test/?t=hunter2", "http://a.test/?t=***"),
        ("Link", "</p>; rel=next", "</p>; rel=next"),
        ("Link", "</p?t=hunter2>; rel=next", "***"),
        ("Link", "<http://a.test/>, <http://u:hunter2@a.test/>", "***"),
        ("Refresh", "5; url=/?hunter2", "***"),
        ("Refresh", "5", "5"),
    ],
)
def test_what_urls_carry_in_a_field_is_masked(name: str, value: str, shown: str) -> None:
    assert redact_headers([(name, value)]) == [(name, shown)]


def test_an_error_is_told_which_call_it_ended() -> None:
    error = ConnectError("refused")

    assert describe(error, "GET", "http://u:hunter2@a.test/?t=hunter2") is error
    assert (error.method, error.url) == ("GET", "http://a.test/?t=***")


def test_what_an_error_says_already_is_kept() -> None:
    error = ConnectError("refused", method="PUT", url="http://b.test/")

    describe(error, "GET", "http://a.test/")

    assert (error.method, error.url) == ("PUT", "http://b.test/")


@pytest.mark.cost
@pytest.mark.parametrize("piece", ["@", "a=", "&=", "=", "&", "#", "?", "\x00", ":", "//", "[", "a:@"])
@pytest.mark.parametrize("start", ["http://", "http://a.test/?", ""])
def test_a_megabyte_of_anything_costs_little(piece: str, start: str) -> None:
    text = start + piece * (2**20 // len(piece))

    started = time.process_time()
    redact_url(text)

    assert time.process_time() - started < 0.25
