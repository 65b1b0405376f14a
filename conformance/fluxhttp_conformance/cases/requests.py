"""What goes out, and how often (RFC 9112, 3)."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from fluxhttp import InvalidMethodError, InvalidTypeError, Request
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, ok, raw

if TYPE_CHECKING:
    from typing import Any

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


@case("requests/bytes-as-built", anchor="seam")
def bytes_as_built(lab: Lab) -> None:
    """A request goes out as ``to_bytes`` has it, to the last byte: what libraries add by themselves is what breaks."""
    url = lab.url("/p%c3%a9/../x//y;z?b=2&a=1&b=%zz&c")
    requests = [
        Request.build("GET", url),
        Request.build("GET", url, headers=[("x-lower", "1"), ("X-Mixed-CASE", "ä"), ("x-lower", "2"), ("X-Empty", "")]),
        Request.build("HEAD", url, headers={"Accept-Encoding": "br", "Connection": "close"}),
        Request.build("POST", url, headers={"User-Agent": ""}, json={"a": [1, None, "é"]}),
        Request.build("PUT", url, body=b"\x00\r\n\r\n\xff"),
        Request.build("DELETE", url, headers={"Host": "other.test", "Content-Type": "text/plain"}),
    ]
    for request in requests:
        lab.origin.play(ok())

        answer = lab.send(request)
        answer.read(10)
        answer.close()

        assert lab.requests[-1].raw == request.to_bytes()
    lab.still_works()


@case("requests/request-line", anchor="RFC 9112, 3", level="semantic")
def request_line(lab: Lab) -> None:
    """Method, target and version are parted by single spaces; the version is HTTP/1.1."""
    lab.origin.play(ok())

    lab.get("/a/b?x=1")

    assert lab.requests[0].request_line == "GET /a/b?x=1 HTTP/1.1"


@case("requests/methods", anchor="RFC 9110, 9.1", level="semantic")
def methods(lab: Lab) -> None:
    """Each of the six methods arrives as it was given; none is turned into another."""
    for method in METHODS:
        lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"" if method == "HEAD" else b"ok"))

        response = lab.do(method)

        assert response.status_code == 200
        assert lab.requests[-1].method == method
    assert lab.origin.connections == 1


@case("requests/other-methods-are-refused", kind="pinned", anchor="RFC 9110, 9.1", level="core", tags=("security",))
def other_methods_are_refused(lab: Lab) -> None:
    """Methods are case-sensitive, and six are served: any other text could hold a line end (CVE-2020-26116)."""
    for method in (
        "get",
        "Get",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "QUERY",
        "",
        " GET",
        "GET ",
        "G T",
        "GET\t",
        "GET\n",
        "GET /admin HTTP/1.1\r\nX: 1\r\n\r\nGET",
        "GET\x00",
        "G\xc9T",
        "\uff27ET",
        "GET\ud800",
    ):
        error = lab.fails(InvalidMethodError, lab.do, method)

        assert len(str(error).splitlines()) == 1
    for wrong in (None, b"GET", 1, ["GET"]):
        lab.fails(InvalidTypeError, lab.do, wrong)
    lab.saw_nothing()


@case("requests/no-version-to-choose", anchor="RFC 9112, 2.3", level="core", tags=("security",))
def no_version_to_choose(lab: Lab) -> None:
    """Nobody can choose the version, so none can be smuggled in through it (CVE-2023-49081)."""
    for keyword in ("version", "http_version"):
        lab.fails(TypeError, lab.get, **{keyword: "HTTP/1.1\r\nX: 1"})
    lab.saw_nothing()


@case("requests/twice-the-same", anchor="seam", level="semantic")
def twice_the_same(lab: Lab) -> None:
    """A request can be sent again: no field was added to it, or taken off, by the first time."""
    request = lab.client.build_request("POST", lab.url("/again"), headers={"X-A": "1"}, body=b"body")
    lab.origin.play(ok(b"1"), ok(b"2"))

    answers = [lab.client.send(request).body, lab.client.send(request).body]

    assert answers == [b"1", b"2"]
    first, second = lab.requests
    assert first.raw == second.raw == request.to_bytes()


@case("requests/arguments-are-left-alone", anchor="seam", level="core")
def arguments_are_left_alone(lab: Lab) -> None:
    """What the caller passed is neither changed nor kept: changing it later does not change the request."""
    params = {"b": ["2", "1"], "a": ["x"]}
    headers = {"X-A": "1"}
    body = bytearray(b"body")
    request = lab.client.build_request("POST", lab.url(), params=params, headers=headers, body=body)
    before = request.to_bytes()

    assert (params, headers, body) == ({"b": ["2", "1"], "a": ["x"]}, {"X-A": "1"}, bytearray(b"body"))
    params["b"].append("9")
    headers["X-A"] = "9"
    body[:] = b"9999"
    lab.origin.play(ok())
    lab.client.send(request)

    assert lab.requests[0].raw == before


@case("requests/cannot-be-changed", anchor="seam", level="core")
def cannot_be_changed(lab: Lab) -> None:
    """A request that was judged cannot become another one, neither before it is sent nor after."""
    request = lab.client.build_request("POST", lab.url("/p"), headers={"X-A": "1"}, body=b"body")
    before = request.to_bytes()
    lab.origin.play(ok())
    lab.client.send(request)

    for name, value in (("method", "GET"), ("url", request.url), ("headers", request.headers), ("body", b"")):
        lab.fails(AttributeError, setattr, request, name, value)
        lab.fails(AttributeError, delattr, request, name)
    lab.fails(AttributeError, setattr, request.url, "host", "evil.test")
    lab.fails(TypeError, operator.setitem, request.headers, "X-A", "2")
    lab.fails(TypeError, operator.delitem, request.headers, "X-A")
    assert request.to_bytes() == before == lab.requests[0].raw


@case("requests/one-framing-field", anchor="RFC 9112, 6.1", level="semantic", tags=("security",))
def one_framing_field(lab: Lab) -> None:
    """With both Content-Length and Transfer-Encoding, or two lengths, two servers may see two different requests."""
    for method in METHODS:
        contents: list[dict[str, Any]] = [{}, {"body": b"abc"}, {"json": {}}, {"form": {"a": "b"}}]
        contents.append({"headers": {"Content-Length": "0"}})
        for options in contents:
            lab.origin.play(raw("HTTP/1.1 204 No Content"))

            lab.do(method, **options)

            seen = lab.requests[-1]
            assert len(seen.values("Content-Length")) <= 1
            assert seen.values("Transfer-Encoding") == []
            assert seen.values("Content-Length") == [str(len(seen.body))] or not seen.body
    lab.still_works()


@case("requests/sent-once-whatever-the-status", kind="pinned", anchor="D18", level="semantic")
def sent_once_whatever_the_status(lab: Lab) -> None:
    """A status that invites to try again is an answer; whether to do so is not the transport's to decide."""
    for code in (408, 421, 425, 429, 500, 502, 503, 504):
        before = len(lab.requests)
        lab.origin.play(raw(f"HTTP/1.1 {code} Later", "Retry-After: 0", "Content-Length: 5", body=b"later"))

        response = lab.get("/busy")

        assert (response.status_code, response.body) == (code, b"later")
        assert response.headers.get_all("Retry-After") == ("0",)
        assert len(lab.requests) == before + 1
    lab.still_works()


@case("requests/no-redirects-of-its-own", anchor="seam", level="semantic", tags=("security",))
def no_redirects_of_its_own(lab: Lab) -> None:
    """A transport that follows redirects does it without the client's limits and checks (CVE-2025-50181)."""
    for code in (301, 302, 303, 307, 308):
        before = len(lab.requests)
        lab.origin.play(raw(f"HTTP/1.1 {code} Go", "Location: /elsewhere", "Content-Length: 2", body=b"go"))

        answer = lab.send(Request.build("GET", lab.url("/here")))
        body = answer.read(10)
        answer.close()

        assert (answer.status_code, body, answer.headers.get_all("location")) == (code, b"go", ("/elsewhere",))
        assert len(lab.requests) == before + 1
    lab.still_works()
