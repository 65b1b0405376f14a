"""A reply is judged when it is declared, and framed as a server would."""

from __future__ import annotations

import sys
import zlib
from typing import Any

import pytest

from fluxhttp import Client, Headers, InvalidTypeError, Request
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, Reply, Script
from fluxhttp.testing.reply import _content

API = "https://api.test"
RAW = 'send raw bytes: .fail(faults.raw(b"…")).'
HERE = __file__.rpartition("/")[2]


def wire(reply: Reply, method: str = "GET") -> bytes:
    """What a server sends."""
    return b"".join(step.data for step in reply.script(method).steps)  # type: ignore[union-attr]


def test_an_impossible_reply_names_the_line_of_the_test() -> None:
    fake = FakeTransport()

    with pytest.raises(ImpossibleReplyError) as caught:
        fake.get(f"{API}/x").respond(204, body=b"abc")

    line = test_an_impossible_reply_names_the_line_of_the_test.__code__.co_firstlineno + 4
    assert str(caught.value) == (
        f"204 with a body of 3 bytes ({HERE}:{line})\n  Every transport drops a body under 204. Leave it out, or {RAW}"
    )
    assert isinstance(caught.value, ValueError)
    assert type(caught.value).__module__ == "fluxhttp.testing"


@pytest.mark.parametrize(
    ("arguments", "first", "second"),
    [
        ({"status": 99}, "status 99", f"The status of a final answer is from 200 to 999. For another, {RAW}"),
        ({"status": 1000}, "status 1000", f"The status of a final answer is from 200 to 999. For another, {RAW}"),
        ({"status": -1}, "status -1", f"The status of a final answer is from 200 to 999. For another, {RAW}"),
        (
            {"status": 304, "body": b"a"},
            "304 with a body of 1 byte",
            f"Every transport drops a body under 304. Leave it out, or {RAW}",
        ),
        (
            {"status": 204, "text": "ab"},
            "204 with a body of 2 bytes",
            f"Every transport drops a body under 204. Leave it out, or {RAW}",
        ),
        (
            {"headers": {"x-a": "1\r\nX-B: 2"}},
            "headers: the value of 'x-a' must not contain '\\r' (position 1)",
            f"No reader takes it. To see that, {RAW}",
        ),
        (
            {"headers": {"x a": "1"}},
            "headers: a name must be a token, but has ' ' after 'x' (position 1)",
            f"No reader takes it. To see that, {RAW}",
        ),
        (
            {"headers": {"Transfer-Encoding": "chunked"}},
            "Transfer-Encoding by hand",
            f"Give the body as chunks=[…], or {RAW}",
        ),
        ({"headers": {"trailer": "x"}}, "Trailer by hand", f"Give the body as chunks=[…], or {RAW}"),
        (
            {"headers": {"content-length": "4"}, "body": b"abc"},
            "Content-Length 4 for a body of 3 bytes",
            "Leave it out, for it is added. A body that breaks off: .fail(faults.truncated(after=…)).",
        ),
        (
            {"headers": [("content-length", "3"), ("content-length", "3")], "body": b"abc"},
            "Content-Length 3, 3 for a body of 3 bytes",
            "Leave it out, for it is added. A body that breaks off: .fail(faults.truncated(after=…)).",
        ),
        (
            {"headers": {"content-length": "3"}, "chunks": [b"abc"]},
            "Content-Length beside chunks",
            f"A server sends one or the other. For both, {RAW}",
        ),
        (
            {"headers": {"content-encoding": "gzip"}, "body": b"plain"},
            "Content-Encoding gzip, but the gzip coding of the body is damaged: incorrect header check",
            f"Give the encoded bytes as body=…, or {RAW}",
        ),
        ({"after": -1}, "after is -1 seconds", "It must be zero or more. For ever: .fail(faults.stall())."),
        ({"after": float("inf")}, "after is inf seconds", "It must be zero or more. For ever: .fail(faults.stall())."),
        (
            {"chunks": [b"a", float("nan")]},
            "a pause among chunks is nan seconds",
            "It must be zero or more. For ever: .fail(faults.stall()).",
        ),
        ({"reason": "a\nb"}, "reason has '\\n' (position 1)", f"No reader takes it. To see that, {RAW}"),
        ({"reason": "\ud800"}, "reason has '\\ud800' (position 0)", f"No reader takes it. To see that, {RAW}"),
        (
            {"json": float("nan")},
            "json: out of range float values are not json compliant",
            "Such a value cannot be JSON.",
        ),
        ({"text": "a\ud800"}, "text has a lone surrogate (position 1)", "It has no UTF-8 form. Give bytes as body=…."),
    ],
)
def test_what_no_server_can_answer_is_refused(arguments: dict[str, Any], first: str, second: str) -> None:
    with pytest.raises(ImpossibleReplyError) as caught:
        Reply(**arguments)

    summary, hint = str(caught.value).split("\n")
    assert summary.rpartition(" (")[0].startswith(first)
    assert summary.rpartition(" (")[2].startswith(f"{HERE}:")
    assert hint == f"  {second}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"status": "200"}, "status must be an int, not str"),
        ({"status": True}, "status must be an int, not bool"),
        ({"after": "1"}, "after must be seconds, not str"),
        ({"reason": 1}, "reason must be a str, not int"),
        ({"body": "text"}, "body must be bytes, not str; say text="),
        ({"body": 1}, "body must be bytes, not int"),
        ({"text": b"bytes"}, "text must be a str, not bytes"),
        ({"json": {1, 2}}, "json: object of type set is not JSON serializable"),
        ({"json": 1, "text": "a"}, "only one of body, text, json and chunks may be given, not text and json"),
        ({"chunks": b"abc"}, "chunks must be several pieces of bytes, not bytes"),
        ({"chunks": "abc"}, "chunks must be several pieces of bytes, not str"),
        ({"chunks": 1}, "chunks must be several pieces of bytes, not int"),
        ({"chunks": ["a"]}, "a pause among chunks must be seconds, not str"),
        ({"chunks": [True]}, "a pause among chunks must be seconds, not bool"),
        ({"headers": 1}, "headers must be a mapping or pairs of str, not int"),
    ],
)
def test_arguments_of_the_wrong_type_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        Reply(**arguments)

    assert str(caught.value) == text


def test_json_that_is_nested_too_deep_or_in_a_circle() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(sys.getrecursionlimit() * 100):
        deep = [deep]

    for value in (circle, deep):
        with pytest.raises(ImpossibleReplyError, match="Such a value cannot be JSON"):
            Reply(json=value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ({"status": 204}, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ({"status": 304}, b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        ({"status": 299, "reason": None}, b"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"),
        ({"status": 500, "reason": "Fine"}, b"HTTP/1.1 500 Fine\r\nContent-Length: 0\r\n\r\n"),
        ({"reason": "d\xe9j\xe0 \u2603"}, b"HTTP/1.1 200 d\xc3\xa9j\xc3\xa0 \xe2\x98\x83\r\nContent-Length: 0\r\n\r\n"),
        ({"body": b"abc"}, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        ({"body": memoryview(b"abc")}, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        (
            {"text": "é"},
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\n\xc3\xa9",
        ),
        (
            {"text": "a", "headers": {"content-type": "x/y"}},
            b"HTTP/1.1 200 OK\r\ncontent-type: x/y\r\nContent-Length: 1\r\n\r\na",
        ),
        (
            {"json": {"é": None}},
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"\xc3\xa9": null}',
        ),
        (
            {"chunks": [b"ab", b"", bytearray(b"c")]},
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        ),
        ({"chunks": []}, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ({"headers": {"content-length": "3"}, "body": b"abc"}, b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"),
    ],
)
def test_what_a_server_sends(arguments: dict[str, Any], expected: bytes) -> None:
    assert wire(Reply(**arguments)) == expected


def test_head_is_answered_with_the_head_alone() -> None:
    assert wire(Reply(body=b"abc"), "HEAD") == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    assert wire(Reply(chunks=[b"abc"]), "HEAD") == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_for_head_is_refused_where_only_head_can_come() -> None:
    fake = FakeTransport()

    with pytest.raises(ImpossibleReplyError, match=r"^HEAD with a body of 2 bytes \(test_reply.py:"):
        fake.head(f"{API}/x").respond(body=b"ab")

    fake.route(url=f"{API}/y").respond(body=b"ab")
    response = Client(fake).head(f"{API}/y")
    assert (response.body, response.headers["content-length"]) == (b"", "2")


def test_a_length_without_a_body_belongs_to_head_and_304() -> None:
    fake = FakeTransport()
    fake.head(f"{API}/x").respond(headers={"Content-Length": "5"})
    fake.get(f"{API}/x").respond(304, headers={"Content-Length": "5"})

    assert Client(fake).head(f"{API}/x").headers["content-length"] == "5"
    assert Client(fake).get(f"{API}/x").headers["content-length"] == "5"
    with pytest.raises(ImpossibleReplyError, match=r"^Content-Length 5 for a body of 0 bytes"):
        fake.get(f"{API}/y").respond(headers={"Content-Length": "5"})
    with pytest.raises(ImpossibleReplyError, match=r"^no reader takes this reply: .*\n  To see that, send raw bytes"):
        fake.head(f"{API}/y").respond(headers={"Content-Length": "x"})


def test_a_content_that_is_encoded_as_it_says() -> None:
    fake = FakeTransport()
    packed = zlib.compress(b"plain")
    fake.get(f"{API}/x").respond(headers={"content-encoding": "deflate"}, body=packed)
    fake.get(f"{API}/y").respond(headers={"content-encoding": "br"}, body=b"anything")
    fake.head(f"{API}/z").respond(headers={"content-encoding": "gzip"})

    assert Client(fake).get(f"{API}/x").body == b"plain"
    assert Client(fake).get(f"{API}/y").body == b"anything"
    assert Client(fake).head(f"{API}/z").headers["content-encoding"] == "gzip"


def test_a_field_that_is_not_latin_1_arrives_as_from_a_server() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x").respond(headers=[("x-a", "é☃"), ("X-B", " 1 "), ("x-b", "2")])

    headers = Client(fake).get(f"{API}/x").headers

    assert headers["x-a"] == "é☃".encode().decode("latin-1")
    assert headers.get_all("x-b") == ("1", "2")


def test_each_call_gets_an_answer_of_its_own() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/x").respond(chunks=iter([b"ab", b"c"]))

    assert [Client(fake).get(f"{API}/x").body for _ in range(2)] == [b"abc", b"abc"]


def test_a_reply_in_words_shows_no_content() -> None:
    assert repr(Reply(201, body=b"a")) == "<Reply 201, 1 byte>"
    assert Reply(headers={"a": "b"}).headers == Headers({"a": "b"})
    assert isinstance(Reply(after=1).script("GET"), Script)


def test_a_reply_as_the_reader_judges_it_is_made_once() -> None:
    reply = Reply(body=b"a")

    assert reply.ready("GET") is reply.ready("PUT")
    assert reply.ready("HEAD").body == b""
    assert reply.ready("GET").keeps_alive
    assert not Reply(headers={"connection": "close"}).ready("GET").keeps_alive
    assert _content(b"", None, None, None) == (b"null", "application/json")
    assert Request.build("GET", API).body == b""
