"""The fields of an answer as a caller gets them (RFC 9110, 5)."""

from __future__ import annotations

from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw

_LENGTH = ("Content-Length", "2")


@case("fields/names-in-any-case", anchor="RFC 9110, 5.1")
def names_in_any_case(lab: Lab) -> None:
    """A field is found under its name in any case; its lines keep the case they came in."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "x-LOUD: Value", "content-length: 2", body=b"ok"))

    headers = response.headers
    assert headers.multi_items() == (("x-LOUD", "Value"), ("content-length", "2"))
    for name in ("X-Loud", "x-loud", "X-LOUD"):
        assert headers[name] == headers.get(name) == "Value"
        assert headers.get_all(name) == ("Value",)
        assert name in headers
    lab.still_works()
    assert lab.origin.connections == 1


@case("fields/absent", anchor="RFC 9110, 5.1")
def absent(lab: Lab) -> None:
    """A field that did not come is absent: it is no empty one, and none is invented."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok"))

    headers = response.headers
    assert headers.multi_items() == (_LENGTH,)
    assert headers.get("Content-Type") is None
    assert headers.get_all("Set-Cookie") == ()
    assert "Date" not in headers


@case("fields/lines-keep-their-order", anchor="RFC 9110, 5.3; D21", level="wire")
def lines_keep_their_order(lab: Lab) -> None:
    """Lines of one name keep their order, and stay where they were among other names."""
    lines = ("B: 1", "A: 1", "B: 2", "Content-Length: 2", "A: 2", "B: 1")

    response = lab.receive(raw("HTTP/1.1 200 OK", *lines, body=b"ok"))

    assert response.headers.multi_items() == tuple(tuple(line.split(": ")) for line in lines)
    assert response.headers.get_all("a") == ("1", "2")
    assert response.headers["b"] == "1, 2, 1"


@case("fields/one-name-in-several-cases", anchor="RFC 9110, 5.1")
def one_name_in_several_cases(lab: Lab) -> None:
    """X-Tag and x-tag are one field; which of them came first makes no difference."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "X-Tag: a", "x-tag: b", "Content-Length: 2", "X-TAG: c", body=b"ok"))

    assert response.headers.get_all("x-Tag") == ("a", "b", "c")
    assert response.headers.multi_items() == (("X-Tag", "a"), ("x-tag", "b"), _LENGTH, ("X-TAG", "c"))


@case("fields/set-cookie-is-never-joined", anchor="RFC 9110, 5.3")
def set_cookie_is_never_joined(lab: Lab) -> None:
    """Set-Cookie has commas of its own, so joining its lines would make other cookies of them."""
    cookies = ("a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT", "b=2, c=3", "", "a=4")

    response = lab.receive(
        raw("HTTP/1.1 200 OK", *(f"Set-Cookie: {cookie}" for cookie in cookies), "Content-Length: 2", body=b"ok")
    )

    assert response.headers.get_all("set-cookie") == cookies
    assert response.headers["set-cookie"] == "a=4"


@case("fields/blanks-around-a-value", anchor="RFC 9110, 5.5")
def blanks_around_a_value(lab: Lab) -> None:
    """Spaces and tabs around a value are no part of it; those inside are."""
    response = lab.receive(
        raw("HTTP/1.1 200 OK", "A: \t one  \t two \t", "B:three", "Content-Length:\t 2 ", "C:   ", body=b"ok")
    )

    assert response.headers.multi_items() == (("A", "one  \t two"), ("B", "three"), _LENGTH, ("C", ""))
    assert response.body == b"ok"


@case("fields/empty-value", anchor="RFC 9110, 5.5")
def empty_value(lab: Lab) -> None:
    """An empty value is a value, and does not swallow the next line."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "Empty:", "Blank: ", "Content-Length: 2", "Last:", body=b"ok"))

    assert response.headers.multi_items() == (("Empty", ""), ("Blank", ""), _LENGTH, ("Last", ""))
    assert response.headers["empty"] == ""


@case("fields/values-are-not-rewritten", anchor="RFC 9110, 5.6.4")
def values_are_not_rewritten(lab: Lab) -> None:
    """Quotes, escapes, commas and comments are the caller's to understand."""
    values = (
        '"a, b", "c\\"d", plain',
        'W/"67ab43", "54ed21"',
        "text/html;q=0.5 ,  */* (really; yes)",
        "=?utf-8?q?no_mail?=",
        "%41%zz",
        "a: b: c",
        "'{}[]|<>@",
    )

    response = lab.receive(
        raw("HTTP/1.1 200 OK", *(f"V: {value}" for value in values), "Content-Length: 2", body=b"ok")
    )

    assert response.headers.get_all("v") == values


@case("fields/eight-bit-values", kind="pinned", anchor="RFC 9110, 5.5; D10")
def eight_bit_values(lab: Lab) -> None:
    """Every byte above 127 is kept, at the ends too, so that the caller can get the bytes back."""
    every = "".join(map(chr, range(0x80, 0x100)))
    values = (every, every[::-1], "\xa0padded\xa0", "\x85next\x85", "na\xc3\xafve", "\x80")

    response = lab.receive(
        raw("HTTP/1.1 200 OK", *(f"V: {value}" for value in values), "Content-Length: 2", body=b"ok")
    )

    assert response.headers.get_all("v") == values
    assert response.headers.get_all("v")[4].encode("latin-1").decode() == "na\xefve"


@case("fields/names-are-tokens", anchor="RFC 9110, 5.6.2")
def names_are_tokens(lab: Lab) -> None:
    """Odd as they look, these names are tokens: a client that drops such a line may drop what was after it."""
    names = ("_", "$", ".", "!#$%&'*+-.^_`|~", "0", "x_y", "X.Y", "n" * 300)

    response = lab.receive(raw("HTTP/1.1 200 OK", *(f"{name}: v" for name in names), "Content-Length: 2", body=b"ok"))

    assert response.headers.multi_items() == (*((name, "v") for name in names), _LENGTH)


@case("fields/are-as-received", kind="pinned", anchor="D21")
def are_as_received(lab: Lab) -> None:
    """Nothing is added, removed or merged: fields of the connection and of the framing are there to be looked at."""
    lines = (
        ("Connection", "close, X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Trailer", "X-Sum"),
        ("Pragma", "no-cache"),
        ("Proxy-Authenticate", "Basic"),
        ("Upgrade", "h2c"),
    )

    response = lab.receive(
        raw("HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in lines), body=chunked(b"ok")).close()
    )

    assert response.headers.multi_items() == lines
    assert response.body == b"ok"


@case("fields/one-value-decides", kind="pinned", anchor="D21")
def one_value_decides(lab: Lab) -> None:
    """Of several Content-Type lines the first decides; joined they would be no media type at all."""
    response = lab.receive(
        raw(
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain; charset=latin-1",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Length: 1",
            body=b"\xe9",
        )
    )

    assert response.text == "\xe9"
    assert response.headers.get_all("content-type") == (
        "text/plain; charset=latin-1",
        "text/plain; charset=utf-8",
    )


#: What servers send, one line for each field.
_WELL_KNOWN = (
    ("Accept-CH", "Sec-CH-UA, Viewport-Width"),
    ("Accept-Patch", "application/json-patch+json"),
    ("Accept-Ranges", "bytes"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Allow-Headers", "Accept, X-Custom"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Content-Length"),
    ("Access-Control-Max-Age", "600"),
    ("Age", "12"),
    ("Allow", "GET, HEAD"),
    ("Alt-Svc", 'h3=":443"; ma=86400, h3-29=":443"'),
    ("Authentication-Info", 'nextnonce="47364c23432d2e131a5fb210812c"'),
    ("Cache-Control", 'private="X-Secret", max-age=0'),
    ("Content-Disposition", 'attachment; filename="a;b\\"c.txt"; filename*=UTF-8\'\'%e2%82%ac.txt'),
    ("Content-Language", "de, en"),
    ("Content-Location", "/documents/foo"),
    ("Content-Security-Policy", "default-src 'self'; img-src *"),
    ("Content-Type", 'text/plain; charset="utf-8"'),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
    ("ETag", '"xyz,zy"'),
    ("Expires", "0"),
    ("Last-Modified", "Tue, 15 Nov 1994 12:45:26 GMT"),
    ("Link", '<https://a.test/?p=2>; rel="next", <https://a.test/?p=9>; rel="last"'),
    ("NEL", '{"report_to":"a","max_age":1}'),
    ("P3P", 'CP="no policy"'),
    ("Permissions-Policy", "geolocation=()"),
    ("Pragma", "no-cache"),
    ("Preference-Applied", "return=minimal"),
    ("Proxy-Authenticate", 'Basic realm="proxy"'),
    ("Public-Key-Pins", 'max-age=1; pin-sha256="M8HztCzM3elUxkcjR2S5P4hhyBNf6lHkmjAHKhpGPWE="'),
    ("RateLimit-Limit", "100, 100;w=60"),
    ("Referrer-Policy", "no-referrer"),
    ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT"),
    ("Server", "Apache/2.4.1 (Unix) mod_x/1"),
    ("Server-Timing", 'db;dur=53, app;desc="a, b";dur=47.2'),
    ("Set-Cookie", "id=a3fWa; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Secure; HttpOnly"),
    ("Set-Cookie", "lang=de"),
    ("SourceMap", "/main.js.map"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("Timing-Allow-Origin", "*"),
    ("Tk", "N"),
    ("Vary", "Accept-Encoding, Origin"),
    ("Via", "1.0 fred, 1.1 p.example.net (Apache/1.1)"),
    ("WWW-Authenticate", 'Digest realm="a, b", qop="auth", nonce="x", Basic realm="c"'),
    ("Warning", '112 - "cache down" "Wed, 21 Oct 2015 07:28:00 GMT"'),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("X-Powered-By", "PHP/5.4.0"),
    ("X-XSS-Protection", "1; mode=block"),
)


@case("fields/well-known", anchor="RFC 9110, 5", level="wire")
def well_known(lab: Lab) -> None:
    """What servers really send comes out the same, however its lines end and whatever pieces they come in."""
    expected = (*_WELL_KNOWN, _LENGTH)
    for end in ("\r\n", "\n"):
        script = raw(f"HTTP/1.1 200 OK{end}" + end.join(f"{name}: {value}" for name, value in expected), body=b"ok")

        assert lab.receive(script).headers.multi_items() == expected
        assert lab.receive(script.dribbled()).headers.multi_items() == expected
    lab.still_works()
    assert lab.origin.connections == 1
