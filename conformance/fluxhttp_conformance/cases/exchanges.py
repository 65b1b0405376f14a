"""Whole exchanges in plain HTTP, which any server can have a part in.

Each is asked twice of a transport with sockets: of a scripted origin, and of a
server that is not ours.
"""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING

from fluxhttp import Config, Limits
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import TEXT, coded, gzipped
from fluxhttp_conformance.cases.redirects import FOLLOWED, redirect
from fluxhttp_conformance.lab import Lab, ok, raw

if TYPE_CHECKING:
    from fluxhttp.testing import Script
    from fluxhttp_conformance.origins.seen import SeenRequest

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_EVERY_BYTE = bytes(range(256))
_MEBIBYTE = _EVERY_BYTE * 4096


def _ok(method: str, body: bytes = b"ok") -> Script:
    """A 200 with that body, or as HEAD has it."""
    return raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=b"" if method == "HEAD" else body)


def _ask(lab: Lab, method: str, body: bytes) -> None:
    lab.origin.play(_ok(method))

    response = lab.do(method, f"/{method.lower()}", body=body)

    seen = lab.requests[-1]
    assert (seen.method, seen.target, seen.body) == (method, f"/{method.lower()}", body)
    assert (response.status_code, response.body) == (200, b"" if method == "HEAD" else b"ok")


@case("exchanges/methods", anchor="RFC 9110, 9.1", level="semantic")
def methods(lab: Lab) -> None:
    """A server is asked by the method, the target and the content that the caller gave, whichever method it is."""
    for method in _METHODS:
        # What content with DELETE, GET and HEAD means nobody has said (9.3.1, 9.3.2 and 9.3.5).
        for body in (b"", b"content") if method in ("PATCH", "POST", "PUT") else (b"",):
            _ask(lab, method, body)
    assert len(lab.requests) == 9


@case("exchanges/content-with-any-method", kind="pinned", anchor="seam", level="semantic")
def content_with_any_method(lab: Lab) -> None:
    """The caller's content goes out with DELETE, GET and HEAD, too: a transport sends what it is given."""
    for method in ("DELETE", "GET", "HEAD"):
        _ask(lab, method, b"content")
    assert len(lab.requests) == 3


@case("exchanges/queries", anchor="RFC 3986, 3.4", level="semantic")
def queries(lab: Lab) -> None:
    """What parameters become is what the server finds in the query: keys more than once, and characters of any kind."""
    for params, query in (
        ({"a": ["1", "2"], "b": ""}, "a=1&a=2&b="),
        ({"q": "a b&c=d+e#f?"}, "q=a+b%26c%3Dd%2Be%23f%3F"),
        ({"\xe9": "\u20ac"}, "%C3%A9=%E2%82%AC"),
    ):
        lab.origin.play(ok())

        lab.get("/search", params=params)

        assert lab.requests[-1].target == f"/search?{query}"


@case("exchanges/fields-sent", anchor="RFC 9110, 5.1", level="semantic")
def fields_sent(lab: Lab) -> None:
    """A server finds each field with its value, and those of the client beside them."""
    lab.origin.play(ok())

    lab.post(headers={"X-One": "1", "Accept": "text/html;q=0.8, */*", "X-Long": "x" * 2000}, body=b"12345")

    seen = lab.requests[-1]
    assert seen.values("x-one") == ["1"]
    assert seen.values("accept") == ["text/html;q=0.8, */*"]
    assert seen.values("x-long") == ["x" * 2000]
    assert seen.values("content-length") == ["5"]
    assert len(seen.values("host")) == 1


@case("exchanges/repeated-fields-sent", anchor="RFC 9110, 5.3", level="semantic")
def repeated_fields_sent(lab: Lab) -> None:
    """Lines of one name arrive with all their values in order, as lines or as one list."""
    lab.origin.play(ok())

    lab.get(headers=[("X-Tag", "one"), ("Accept", "a/b"), ("X-Tag", "two"), ("X-Tag", "three")])

    values = ",".join(lab.requests[-1].values("X-Tag"))
    assert [value.strip() for value in values.split(",")] == ["one", "two", "three"]


@case("exchanges/fields-received", anchor="RFC 9110, 5.3", level="semantic")
def fields_received(lab: Lab) -> None:
    """The caller finds every field line of an answer, lines of one name in their order and none merged."""
    lab.origin.play(
        raw(
            "HTTP/1.1 200 OK",
            "X-One: 1",
            "Set-Cookie: a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "X-Tag: one, two",
            "Set-Cookie: b=2",
            "X-Tag: three",
            "X-Empty:",
            "Content-Length: 0",
        )
    )

    headers = lab.get().headers

    assert headers.get_all("set-cookie") == ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2")
    assert headers.get_all("x-tag") == ("one, two", "three")
    assert (headers["x-one"], headers.get_all("x-empty")) == ("1", ("",))


@case("exchanges/bodies", anchor="RFC 9110, 6.4", level="semantic")
def bodies(lab: Lab) -> None:
    """A body is bytes both ways: every byte there is, line ends and zeros, none of it translated."""
    for body in (_EVERY_BYTE * 5, b"\r\n\r\n", b"0\r\n\r\n", b"\0", "\u20ac".encode()):
        lab.origin.play(ok(body[::-1]))

        response = lab.post(body=body)

        assert lab.requests[-1].body == body
        assert response.body == body[::-1]


@case("exchanges/large-bodies", anchor="RFC 9110, 6.4", level="semantic")
def large_bodies(lab: Lab) -> None:
    """Two megabytes there and three back arrive whole, more than any buffer on the way holds."""
    lab.origin.play(ok(_MEBIBYTE * 3))

    response = lab.do("PUT", body=_MEBIBYTE * 2)

    assert lab.requests[-1].body == _MEBIBYTE * 2
    assert response.body == _MEBIBYTE * 3


@case("exchanges/statuses", anchor="RFC 9110, 15", level="semantic")
def statuses(lab: Lab) -> None:
    """A status is what the server said, with its reason and its body, and none of them is an exception."""
    for code, reason in (
        (200, "OK"),
        (201, "Created"),
        (299, "Odd"),
        (404, "Not Found"),
        (418, "Short"),
        (503, "Busy"),
    ):
        lab.origin.play(raw(f"HTTP/1.1 {code} {reason}", "Content-Length: 4", body=b"body"))

        response = lab.get()

        assert (response.status_code, response.reason, response.body) == (code, reason, b"body")
        assert response.ok is (code < 400)


@case("exchanges/without-content", anchor="RFC 9112, 6.3", level="semantic")
def without_content(lab: Lab) -> None:
    """Answers that never have content end with their head: to HEAD, 204 and 304; the next call finds its own."""
    for method, script in (
        ("HEAD", raw("HTTP/1.1 200 OK", "Content-Length: 5000")),
        ("HEAD", raw("HTTP/1.1 404 Not Found", "Content-Length: 9")),
        ("GET", raw("HTTP/1.1 204 No Content", "X-A: b")),
        ("GET", raw("HTTP/1.1 304 Not Modified", "ETag: a")),
        ("DELETE", raw("HTTP/1.1 204 No Content")),
    ):
        response = lab.receive(script, method)

        assert response.body == b""
        lab.still_works()


@case("exchanges/redirects", anchor="RFC 9110, 15.4", level="semantic")
def redirects(lab: Lab) -> None:
    """A redirect leads on, by path or by whole URL; one of 303 is fetched by GET, one of 307 asks the same again."""
    for code in FOLLOWED:
        for location in ("/there?x=1", lab.url("/there?x=1")):
            lab.origin.play(redirect(location, code), ok(b"found"))

            response = lab.do("PUT", "/here", body=b"content")

            method, body = ("PUT", b"content") if code in (307, 308) else ("GET", b"")
            first, second = lab.requests[-2:]
            assert (first.method, first.target, first.body) == ("PUT", "/here", b"content")
            assert (second.method, second.target, second.body) == (method, "/there?x=1", body)
            assert (response.status_code, response.body) == (200, b"found")
            assert [hop.status_code for hop in response.history] == [code]


@case("exchanges/cookies", kind="pinned", anchor="D18", level="semantic")
def cookies(lab: Lab) -> None:
    """Cookies are the caller's affair: one that a server sets is shown, and neither kept nor sent back."""
    lab.origin.play(raw("HTTP/1.1 302 Found", "Set-Cookie: a=1", "Location: /b", "Content-Length: 0"))
    lab.origin.play(raw("HTTP/1.1 200 OK", "Set-Cookie: b=2; Path=/", "Content-Length: 0"), ok())

    response = lab.get("/a")
    lab.get("/c")

    assert response.headers.get_all("Set-Cookie") == ("b=2; Path=/",)
    assert [seen.target for seen in lab.requests] == ["/a", "/b", "/c"]
    assert [seen.values("Cookie") for seen in lab.requests] == [[], [], []]


@case("exchanges/codings", kind="pinned", anchor="D9; RFC 9110, 8.4", level="semantic")
def codings(lab: Lab) -> None:
    """What a server packs, since the client offers to unpack it, arrives as it was before."""
    for coding, body, expected in (
        ("gzip", gzipped(TEXT), TEXT),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("gzip", gzipped(_MEBIBYTE), _MEBIBYTE),
    ):
        lab.origin.play(coded(coding, body, "Content-Type: text/plain"))

        response = lab.get()

        assert response.body == expected
        assert "content-encoding" not in response.headers
        assert response.headers["content-type"] == "text/plain"
        assert "gzip" in lab.requests[-1].values("Accept-Encoding")[0]


@case("exchanges/limits", kind="pinned", anchor="D2", level="semantic")
def limits(lab: Lab) -> None:
    """A body that is longer than the caller takes is cut for who asked for that, and the next call is as any other."""
    config = Config(limits=Limits(body=1000, overflow="truncate"))
    lab.origin.play(ok(_MEBIBYTE))

    response = lab.get(config=config)

    assert (response.body, response.truncated) == (_MEBIBYTE[:1000], True)
    lab.still_works()


@case("exchanges/forms-and-json", anchor="RFC 9110, 8.3", level="semantic")
def forms_and_json(lab: Lab) -> None:
    """A form or a JSON value arrives as the content that its Content-Type says."""
    lab.origin.play(ok(), ok())

    lab.post(form={"a": ["1", "2"], "b c": "\u20ac&"})
    lab.post(json={"a": [1, None, "\u20ac"]})

    form, value = lab.requests
    assert form.values("Content-Type") == ["application/x-www-form-urlencoded"]
    assert form.body == b"a=1&a=2&b+c=%E2%82%AC%26"
    assert value.values("Content-Type") == ["application/json"]
    assert value.body == '{"a":[1,null,"\u20ac"]}'.encode()


@case("exchanges/one-after-the-other", anchor="RFC 9112, 9.6", level="semantic")
def one_after_the_other(lab: Lab) -> None:
    """Thirty calls get thirty answers, whether a server keeps the connection or closes it after each."""

    def answer(seen: SeenRequest) -> Script:
        return ok(f"{seen.method} {seen.target}".encode() + seen.body)

    lab.origin.answer(answer)
    for number in range(30):
        method, body = ("POST", b"%d" % number) if number % 3 else ("GET", b"")

        response = lab.do(method, f"/{number}", body=body)

        assert response.body == f"{method} /{number}".encode() + body
    assert [seen.target for seen in lab.requests] == [f"/{number}" for number in range(30)]


@case("exchanges/at-once", anchor="seam", level="semantic")
def at_once(lab: Lab) -> None:
    """Eight calls at once each get their own answer."""

    def answer(seen: SeenRequest) -> Script:
        return ok(seen.target.encode() * 100)

    lab.origin.answer(answer)
    client, base = lab.client, lab.url("")

    responses = lab.together(*[partial(client.get, f"{base}/{number}") for number in range(8)])

    for number, response in enumerate(responses):
        if isinstance(response, BaseException):
            raise response
        assert response.body == f"/{number}".encode() * 100
    assert sorted(seen.target for seen in lab.requests) == [f"/{number}" for number in range(8)]
