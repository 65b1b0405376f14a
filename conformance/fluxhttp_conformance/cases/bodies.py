"""The content of a request, and its framing (RFC 9110, 6.4; RFC 9112, 6)."""

from __future__ import annotations

import io
import math
from array import array
from typing import TYPE_CHECKING

from fluxhttp import Config, InvalidParamsError, InvalidRequestError, InvalidTypeError, SendError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import CALL_SECONDS, Lab, ok, raw

if TYPE_CHECKING:
    from typing import Any

#: More than the buffers of both sides of a loopback connection hold.
_LARGE = b"0123456789abcdef" * 524_288


class _Tagged(bytes):
    """A subclass of bytes that would send something else if its methods were asked."""

    __slots__ = ()

    def __bytes__(self) -> bytes:
        return b"other"

    def __len__(self) -> int:
        return 1


@case("bodies/any-bytes", anchor="RFC 9110, 6.4", level="semantic")
def any_bytes(lab: Lab) -> None:
    """A body is bytes: none of them is translated, cut at, or taken for the end."""
    for body in (bytes(range(256)) * 3, b"\r\n\r\n", b"0\r\n\r\n", b"\x1a\x04", "é😀".encode(), b"\xff\xfe\x00"):
        lab.origin.play(ok())

        lab.post(body=body)

        assert lab.requests[-1].body == body
    assert lab.origin.connections == 1


@case("bodies/sizes", anchor="RFC 9112, 6.2", level="semantic")
def sizes(lab: Lab) -> None:
    """Sizes around every buffer that is likely to be there arrive whole, and so does the next request."""
    edges = [size + step for size in (4096, 8192, 16_384, 65_536, 131_072, 1_048_576) for step in (-1, 0, 1)]
    for size in (1, 2, 10, 127, 1024, 1181, 8195, 40_960, 41_280, *edges, len(_LARGE)):
        body = _LARGE[:size] if size <= len(_LARGE) else _LARGE * 2
        lab.origin.play(ok())

        lab.post(body=body)

        seen = lab.requests[-1]
        assert seen.body == body
        assert seen.values("Content-Length") == [str(len(body))]
    lab.still_works()
    assert lab.origin.connections == 1


@case("bodies/length-of-an-empty-one", kind="pinned", anchor="D8; RFC 9110, 8.6", level="semantic")
def length_of_an_empty_one(lab: Lab) -> None:
    """No body is announced as such where the method has one, and not at all where it has none."""
    for method, lengths in (
        ("POST", ["0"]),
        ("PUT", ["0"]),
        ("PATCH", ["0"]),
        ("GET", []),
        ("HEAD", []),
        ("DELETE", []),
    ):
        lab.origin.play(raw("HTTP/1.1 204 No Content"))

        lab.do(method)

        assert lab.requests[-1].values("Content-Length") == lengths
        assert lab.requests[-1].body == b""
    assert lab.origin.connections == 1


@case("bodies/known-length", anchor="RFC 9112, 6.2", level="semantic")
def known_length(lab: Lab) -> None:
    """A length that is known is sent, once, and nothing is chunked: some peers refuse chunks."""
    contents: tuple[dict[str, Any], ...] = (
        {"body": b"abc"},
        {"body": bytearray(b"abc")},
        {"json": "é"},
        {"form": {"a": ["é", "b"]}},
    )
    for options in contents:
        lab.origin.play(ok())

        lab.post(**options)

        seen = lab.requests[-1]
        assert seen.values("Content-Length") == [str(len(seen.body))]
        assert seen.values("Transfer-Encoding") == []
        assert len(seen.body) >= 3
    lab.still_works()


@case("bodies/with-any-method", kind="pinned", anchor="D8; RFC 9110, 9.3.1", level="semantic")
def with_any_method(lab: Lab) -> None:
    """A body is sent with its length whatever the method: GET with one is what some search servers ask for."""
    for method in ("GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"):
        lab.origin.play(raw("HTTP/1.1 204 No Content"))

        lab.do(method, body=b"abc")

        seen = lab.requests[-1]
        assert (seen.method, seen.values("Content-Length"), seen.body) == (method, ["3"], b"abc")
    lab.still_works()
    assert lab.origin.connections == 1


@case("bodies/kinds-of-bytes", anchor="seam", level="core")
def kinds_of_bytes(lab: Lab) -> None:
    """Whatever holds bytes sends just them, be it a view with gaps or of wider items."""
    for body, content in (
        (bytearray(b"abc"), b"abc"),
        (memoryview(b"abc"), b"abc"),
        (memoryview(b"abcdef")[1:4], b"bcd"),
        (memoryview(b"abcdef")[::2], b"ace"),
        (memoryview(b"abc")[::-1], b"cba"),
        (memoryview(array("H", [0x6161, 0x6262])), b"aabb"),
        (_Tagged(b"abc"), b"abc"),
        (bytearray(), b""),
        (memoryview(b""), b""),
    ):
        lab.origin.play(ok())

        lab.post(body=body)

        seen = lab.requests[-1]
        assert (seen.body, seen.values("Content-Length")) == (content, [str(len(content))])
    lab.still_works()


@case("bodies/what-is-no-bytes", anchor="seam", kind="pinned", level="core")
def what_is_no_bytes(lab: Lab) -> None:
    """Text has no bytes until someone says which; what can be read but once cannot be sent again on a redirect."""
    wrong: tuple[Any, ...] = (
        "text",
        "",
        None,
        1,
        0,
        [b"x"],
        [],
        (),
        {},
        io.BytesIO(b"x"),
        iter([b"x"]),
        array("B", b"x"),
    )
    for body in wrong:
        lab.fails(InvalidTypeError, lab.post, body=body)
    lab.saw_nothing()


@case("bodies/json", anchor="seam", kind="pinned", level="core")
def json(lab: Lab) -> None:
    """JSON is compact UTF-8; null, false and empty values are values, and are sent."""
    values: tuple[tuple[Any, bytes], ...] = (
        ({"b": 1, "a": [True, None, 1.5]}, b'{"b":1,"a":[true,null,1.5]}'),
        ("é😀\u2028\x00", '"é😀\u2028\\u0000"'.encode()),
        (None, b"null"),
        (False, b"false"),
        (0, b"0"),
        ("", b'""'),
        ([], b"[]"),
        ({}, b"{}"),
    )
    for value, content in values:
        lab.origin.play(ok())

        lab.post(json=value)

        seen = lab.requests[-1]
        assert (seen.body, seen.values("Content-Type")) == (content, ["application/json"])
    lab.still_works()


@case("bodies/what-is-no-json", anchor="seam", kind="pinned", level="core")
def what_is_no_json(lab: Lab) -> None:
    """NaN and infinity are no JSON (RFC 8259, 6), nor is what has no form in it; the text shows none of it."""
    loop: list[Any] = []
    loop.append(loop)
    for value in (math.nan, math.inf, -math.inf, [1, {"a": math.nan}], loop):
        lab.fails(InvalidRequestError, lab.post, json=value)
    error = lab.fails(InvalidRequestError, lab.post, json={"key": "s3cr3t\ud800"})
    assert "s3cr3t" not in str(error)
    for wrong in (b"bytes", {1, 2}, object(), {"a": object()}, {("a",): 1}):
        lab.fails(InvalidTypeError, lab.post, json=wrong)
    lab.saw_nothing()


@case("bodies/form", anchor="seam", kind="pinned", level="core")
def form(lab: Lab) -> None:
    """A form keeps its order and loses nothing: what parts its pairs is escaped, an unreserved "~" is not."""
    given = {"z": "a=b&c", "a": ["1:/", "2 +%"], "~-._": "é", "": "", "none": []}
    lab.origin.play(ok())

    lab.post(form=given)

    seen = lab.requests[-1]
    assert seen.body == b"z=a%3Db%26c&a=1%3A%2F&a=2+%2B%25&~-._=%C3%A9&="
    assert seen.values("Content-Type") == ["application/x-www-form-urlencoded"]


@case("bodies/form-that-is-no-text", anchor="seam", kind="pinned", level="core")
def form_that_is_no_text(lab: Lab) -> None:
    """A form is text by name; what is none is refused as it is among the parameters."""
    wrong: tuple[Any, ...] = ({"a": None}, {"a": 1}, {"a": b"x"}, {1: "x"}, [("a", "x")], "a=x", b"a=x")
    for given in wrong:
        lab.fails(InvalidTypeError, lab.post, form=given)
    lab.fails(InvalidParamsError, lab.post, form={"a": "\ud800"})
    lab.saw_nothing()


@case("bodies/one-content", anchor="seam", kind="pinned", level="core")
def one_content(lab: Lab) -> None:
    """Of two contents one would be dropped silently, so two are refused, even if one is empty or null."""
    contents: tuple[dict[str, Any], ...] = (
        {"body": b"abc", "json": 1},
        {"body": b"abc", "form": {"a": "b"}},
        {"json": None, "form": {}},
        {"json": 1, "form": {"a": "b"}, "body": b"abc"},
    )
    for options in contents:
        lab.fails(InvalidTypeError, lab.post, **options)
    lab.saw_nothing()


@case("bodies/answered-early", anchor="RFC 9112, 9.5")
def answered_early(lab: Lab) -> None:
    """An origin may refuse a large body, and not read it: its answer counts at once, and nothing is sent twice."""
    answer = raw("HTTP/1.1 413 Content Too Large", "Content-Length: 3", "Connection: close", body=b"413")
    lab.origin.play(Script(*answer.steps, begins="head").pause(2 * CALL_SECONDS).close())

    response = lab.post(body=_LARGE, config=Config(timeout=1.0))

    assert (response.status_code, response.body) == (413, b"413")
    assert [seen.method for seen in lab.requests] == ["POST"]
    lab.still_works()
    assert lab.origin.connections == 2


@case("bodies/answered-early-and-kept-open", anchor="RFC 9112, 9.5; RFC 9112, 9.3", tags=("security",))
def answered_early_and_kept_open(lab: Lab) -> None:
    """Where a body was not sent whole the connection cannot be used again: its rest would be the next request."""
    answer = raw("HTTP/1.1 403 Forbidden", "Content-Length: 3", body=b"403")
    lab.origin.play(Script(*answer.steps, begins="head").stall())

    response = lab.post(body=_LARGE)

    assert (response.status_code, response.body) == (403, b"403")
    lab.still_works()
    assert [seen.connection for seen in lab.requests] == [0, 1]


@case("bodies/interim-answer-while-sending", anchor="RFC 9110, 15.2")
def interim_answer_while_sending(lab: Lab) -> None:
    """A 100 or 102 during the upload is no reason to stop it."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    for body in (b"small", _LARGE):
        lab.origin.play(Script(begins="head").send(interim).receive().then(*ok(b"whole").steps))

        response = lab.post(body=body)

        assert (response.status_code, response.body) == (200, b"whole")
        assert lab.requests[-1].body == body
    lab.still_works()
    assert lab.origin.connections == 1


@case("bodies/reset-while-sending", anchor="seam")
def reset_while_sending(lab: Lab) -> None:
    """A connection that breaks during the upload is a failure to send, which may have had its effect."""
    for method in ("POST", "PUT", "GET"):
        before = len(lab.requests)
        lab.origin.play(Script(begins="head").reset())

        error = lab.fails(SendError, lab.do, method, body=_LARGE)

        assert (error.phase, error.maybe_sent, error.retryable) == ("send", True, method != "POST")
        assert len(lab.requests) == before + 1
    lab.still_works()
