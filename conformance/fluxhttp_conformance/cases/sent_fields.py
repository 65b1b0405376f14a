"""The fields of a request (RFC 9110, 5; RFC 9112, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import Headers, InvalidHeaderError, InvalidTypeError, __version__
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, ok, raw

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp_conformance.origins.seen import SeenRequest


def _sent(lab: Lab, method: str = "GET", **options: Any) -> SeenRequest:
    """What the origin sees of a call with these options."""
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 0"))
    lab.do(method, **options)
    seen: SeenRequest = lab.requests[-1]
    return seen


def _lines(seen: SeenRequest, *names: str) -> list[tuple[str, str]]:
    """The lines of these fields, in order."""
    return [(name, value) for name, value in seen.pairs if name.lower() in names]


@case("sent-fields/nothing-else", kind="pinned", anchor="seam; D8; D9; D16", level="semantic")
def nothing_else(lab: Lab) -> None:
    """A bare request has these fields, in this order: libraries add Accept, Connection or a type by themselves."""
    host = lab.origin.url("").partition("//")[2]
    host_and_agent = [("Host", host), ("User-Agent", f"fluxhttp/{__version__}")]
    codings = [("Accept-Encoding", "gzip, deflate")]

    assert _sent(lab, "GET").pairs == host_and_agent + codings
    assert _sent(lab, "DELETE").pairs == host_and_agent + codings
    assert _sent(lab, "HEAD").pairs == host_and_agent
    for method in ("POST", "PUT", "PATCH"):
        assert _sent(lab, method).pairs == [*host_and_agent, ("Content-Length", "0"), *codings]
        assert _sent(lab, method, body=b"abc").pairs == [*host_and_agent, ("Content-Length", "3"), *codings]


@case("sent-fields/as-given", kind="pinned", anchor="D6", level="semantic")
def as_given(lab: Lab) -> None:
    """Names keep their case, values theirs, and lines their order, though names are compared without case."""
    given = [
        ("X-Zulu", "Value"),
        ("x-alpha", "VALUE"),
        ("X-UPPER", "value"),
        ("Accept", "text/html, */*;q=0.1"),
        ("x_underscore.and!#$%&'*+-^`|~", "token"),
        ("1", "digit"),
        ("X-Inner", "a\tb  c"),
        ("X-Quoted", '"a, b"; c="\\"d"'),
    ]

    assert _sent(lab, headers=given).pairs[2:-1] == given
    assert _sent(lab, headers=dict(given)).pairs[2:-1] == given
    assert _sent(lab, headers=Headers(given)).pairs[2:-1] == given


@case("sent-fields/repeated-names", kind="pinned", anchor="D6; RFC 9110, 5.3", level="semantic")
def repeated_names(lab: Lab) -> None:
    """A name given twice is two lines, in order and spelling: joined, some fields would mean something else."""
    given = [("X-A", "1"), ("Accept", "a"), ("x-a", "2"), ("X-A", "1"), ("Accept", "b")]

    assert _sent(lab, headers=given).pairs[2:-1] == given
    assert _sent(lab, headers={"X-A": "1", "x-a": "2"}).pairs[2:-1] == [("X-A", "1"), ("x-a", "2")]


@case("sent-fields/empty-values", anchor="RFC 9110, 5.5", level="semantic")
def empty_values(lab: Lab) -> None:
    """An empty value is a value: the line is sent."""
    seen = _sent(lab, headers={"X-Empty": "", "Accept": "", "X-After": "1"})

    assert seen.pairs[2:-1] == [("X-Empty", ""), ("Accept", ""), ("X-After", "1")]


@case("sent-fields/blanks-around-values", kind="pinned", anchor="D6; RFC 9110, 5.5", level="core")
def blanks_around_values(lab: Lab) -> None:
    """Blanks around a value are no part of it, so they are not sent; what only looks blank stays."""
    seen = _sent(lab, headers={"X-A": " \t a \t ", "X-B": "\t", "X-C": "\xa0c\xa0"})

    assert b"\r\nX-A: a\r\nX-B: \r\nX-C: \xc2\xa0c\xc2\xa0\r\n" in seen.head


@case("sent-fields/text-outside-ascii", kind="pinned", anchor="D6")
def text_outside_ascii(lab: Lab) -> None:
    """Text goes out as UTF-8, for every alphabet alike; it does not fail with a UnicodeEncodeError."""
    seen = _sent(lab, headers={"X-A": "na\xefve", "X-B": "☃ \U0001f600"})

    assert b"\r\nX-A: na\xc3\xafve\r\nX-B: \xe2\x98\x83 \xf0\x9f\x98\x80\r\n" in seen.head


@case("sent-fields/control-characters", anchor="RFC 9110, 5.5", level="core", tags=("security",))
def control_characters(lab: Lab) -> None:
    """A line end in a value begins another field or request, and a fold or NUL does for some peers."""
    for code in (*range(9), *range(10, 32), 127):
        for value in ("a{}b", "{}b", "a{}", "{}"):
            error = lab.fails(InvalidHeaderError, lab.get, headers={"X-A": value.format(chr(code))})
            assert len(str(error).splitlines()) == 1
    for value in ("a\r\nX-Injected: 1", "a\r\n folded", "a\r\n\r\nGET / HTTP/1.1\r\n\r\n", "s3cr3t\x00"):
        error = lab.fails(InvalidHeaderError, lab.get, headers=[("X-A", value)])
        assert "Injected" not in str(error)
        assert "s3cr3t" not in str(error)
    lab.fails(InvalidHeaderError, lab.get, headers={"X-A": "\ud800"})
    lab.saw_nothing()


@case("sent-fields/names-are-tokens", anchor="RFC 9110, 5.1", level="core", tags=("security",))
def names_are_tokens(lab: Lab) -> None:
    """A name with a blank, a colon or a line end is read as another name, or as two fields."""
    for char in (*map(chr, range(33)), *'"(),/:;<=>?@[\\]{}', "\x7f", "\x80", "\xa0", "é", "\u212a", "\ud800"):
        for name in ("X{}A", "{}A", "X{}"):
            error = lab.fails(InvalidHeaderError, lab.get, headers={name.format(char): "1"})
            assert len(str(error).splitlines()) == 1
    for name in ("", "X-A: 1\r\nX-Injected", "X-A:"):
        lab.fails(InvalidHeaderError, lab.get, headers=[(name, "1")])
    lab.saw_nothing()


@case("sent-fields/wrong-types", anchor="seam", kind="pinned", level="core")
def wrong_types(lab: Lab) -> None:
    """Names and values are text; ``str`` of None, a number or bytes would send "None" or "b'x'"."""
    wrong: tuple[Any, ...] = (
        {"X-A": 1},
        {"X-A": None},
        {"X-A": b"x"},
        {"X-A": ["1", "2"]},
        {b"X-A": "1"},
        {1: "1"},
        {None: "1"},
        [("X-A", "1", "2")],
        [("X-A",)],
        ["ab"],
        "X-A: 1",
        b"X-A: 1",
        1,
    )
    for headers in wrong:
        lab.fails(InvalidTypeError, lab.get, headers=headers)
    lab.saw_nothing()


@case("sent-fields/user-agent", kind="pinned", anchor="D16", level="semantic")
def user_agent(lab: Lab) -> None:
    """There is one User-Agent: ours, the caller's in its place, or none for an empty one."""
    assert _sent(lab).values("User-Agent") == [f"fluxhttp/{__version__}"]
    assert _lines(_sent(lab, headers={"user-AGENT": "mine/1"}), "user-agent") == [("user-AGENT", "mine/1")]
    assert _sent(lab, headers={"User-Agent": ""}).values("User-Agent") == []
    assert _sent(lab, headers={"User-Agent": " "}).values("User-Agent") == []
    lab.still_works()


@case("sent-fields/host", anchor="RFC 9112, 3.2", level="semantic", tags=("security",))
def host(lab: Lab) -> None:
    """There is exactly one Host: the URL's authority, or the caller's, which must be a host and port."""
    authority = lab.origin.url("").partition("//")[2]
    assert _lines(_sent(lab), "host") == [("Host", authority)]
    assert _lines(_sent(lab, headers={"host": "Other.TEST:8080"}), "host") == [("host", "other.test:8080")]
    assert _sent(lab, headers={"Host": "[::1]"}).pairs[0] == ("Host", "[::1]")


@case("sent-fields/bad-hosts", kind="pinned", anchor="D5; RFC 9112, 3.2", level="core", tags=("security",))
def bad_hosts(lab: Lab) -> None:
    """A Host that is no host and port, or a second one, sends a request elsewhere than was meant (CVE-2023-29406)."""
    bad = ("", "a b.test", "a.test/", "user@a.test", "a.test:x", "a.test:0", "http://a.test", "a.test, b.test", "127.1")
    for value in (*bad, "a.test?", "a.test#", "a\\b", "[::1"):
        lab.fails(InvalidHeaderError, lab.get, headers={"Host": value})
    for second in ("Host", "host", "HOST"):
        lab.fails(InvalidHeaderError, lab.get, headers=[("Host", "a.test"), (second, "a.test")])
    lab.saw_nothing()


@case("sent-fields/framing-is-not-the-callers", kind="pinned", anchor="D5", level="core", tags=("security",))
def framing_is_not_the_callers(lab: Lab) -> None:
    """Fields that delimit the message, or belong to the connection, are ours: a caller's would smuggle requests."""
    for name, value in (
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("TRANSFER-ENCODING", "gzip"),
        ("Trailer", "X-A"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic dTpw"),
        ("Expect", "100-continue"),
        ("Connection", "keep-alive"),
        ("Connection", "upgrade"),
        ("Connection", "close, X-A"),
        ("connection", ""),
    ):
        error = lab.fails(InvalidHeaderError, lab.post, body=b"abc", headers={name: value})
        assert name in str(error)
    lab.fails(InvalidHeaderError, lab.get, headers=[("Connection", "close"), ("connection", "close")])
    lab.saw_nothing()


@case("sent-fields/content-length", kind="pinned", anchor="D5; RFC 9112, 6.2", level="core", tags=("security",))
def content_length(lab: Lab) -> None:
    """A length that is not the body's makes a peer read too little, or into the next request; two lengths do both."""
    for value in ("2", "4", "03", "+3", "3.0", "3, 3", "", "-3", "0x3", "\uff13"):
        lab.fails(InvalidHeaderError, lab.post, body=b"abc", headers={"Content-Length": value})
    lab.fails(InvalidHeaderError, lab.get, headers={"Content-Length": "1"})
    lab.fails(InvalidHeaderError, lab.post, body=b"abc", headers=[("Content-Length", "3"), ("content-length", "3")])
    lab.saw_nothing()

    seen = _sent(lab, "POST", body=b"abc", headers={"content-length": "3"})
    assert (_lines(seen, "content-length"), seen.body) == ([("content-length", "3")], b"abc")
    assert _sent(lab, "GET", headers={"Content-Length": "0"}).values("Content-Length") == ["0"]


@case("sent-fields/connection-close", anchor="RFC 9112, 9.6")
def connection_close(lab: Lab) -> None:
    """Who says close closes: the next request goes out on a new connection, whatever the origin does."""
    seen = _sent(lab, headers={"connection": "Close"})

    assert _lines(seen, "connection") == [("connection", "Close")]
    lab.still_works()
    assert [request.connection for request in lab.requests] == [0, 1]


@case("sent-fields/content-type", kind="pinned", anchor="RFC 9110, 8.3", level="semantic")
def content_type(lab: Lab) -> None:
    """Bytes have no type but the caller's; JSON and forms have theirs, unless the caller says otherwise."""
    assert _sent(lab, "POST", body=b"abc").values("Content-Type") == []
    assert _sent(lab, "POST", json={}).values("Content-Type") == ["application/json"]
    assert _sent(lab, "POST", form={"a": "b"}).values("Content-Type") == ["application/x-www-form-urlencoded"]
    own = {"content-TYPE": 'text/x; charset="UTF-8"'}
    contents: tuple[dict[str, Any], ...] = ({"body": b"abc"}, {"json": {}}, {"form": {"a": "b"}}, {})
    for content in contents:
        seen = _sent(lab, "DELETE", headers=own, **content)
        assert _lines(seen, "content-type") == list(own.items())


@case("sent-fields/accept-encoding", kind="pinned", anchor="D9; RFC 9110, 12.5.3", level="semantic")
def accept_encoding(lab: Lab) -> None:
    """Codings are offered once, by us or by the caller; not for a part or a head, which nobody decodes."""
    assert _sent(lab).values("Accept-Encoding") == ["gzip, deflate"]
    for value in ("br", "", "identity", "gzip"):
        assert _sent(lab, headers={"accept-encoding": value}).values("Accept-Encoding") == [value]
    assert _sent(lab, headers={"Range": "bytes=0-1"}).values("Accept-Encoding") == []
    assert _sent(lab, "HEAD").values("Accept-Encoding") == []


@case("sent-fields/defaults-of-a-client", anchor="seam", kind="pinned", level="core")
def defaults_of_a_client(lab: Lab) -> None:
    """A client's fields go out with each call; a call's field replaces every line of that name, in any case."""
    defaults = [("X-A", "1"), ("X-B", "2"), ("x-a", "3"), ("User-Agent", "mine/1")]
    client = lab.new_client(lab.transport, headers=defaults)
    own: tuple[Any, ...] = (None, {"X-a": "9"}, [("X-B", "8"), ("x-b", "7")], {"X-A": ""})
    for headers in own:
        lab.origin.play(ok())
        client.get(lab.url(), headers=headers)

    assert [_lines(seen, "x-a", "x-b") for seen in lab.requests] == [
        [("X-A", "1"), ("X-B", "2"), ("x-a", "3")],
        [("X-B", "2"), ("X-a", "9")],
        [("X-A", "1"), ("x-a", "3"), ("X-B", "8"), ("x-b", "7")],
        [("X-B", "2"), ("X-A", "")],
    ]
    assert all(seen.values("User-Agent") == ["mine/1"] for seen in lab.requests)


@case("sent-fields/cookies-as-given", anchor="RFC 9110, 5.3", level="semantic")
def cookies_as_given(lab: Lab) -> None:
    """A Cookie of the caller's is sent as it is; there is no jar that could change it."""
    for value in ("a=1", "a=1; b=2", 'a="1, 2"; $b'):
        assert _lines(_sent(lab, headers={"Cookie": value}), "cookie") == [("Cookie", value)]


@case("sent-fields/no-cookies-are-kept", kind="pinned", anchor="D18", level="core", tags=("security",))
def no_cookies_are_kept(lab: Lab) -> None:
    """What one answer sets, another call does not send: without a jar nothing leaks from one caller to the next."""
    lab.origin.play(raw("HTTP/1.1 200 OK", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2", "Content-Length: 0"), ok())

    first = lab.get()
    lab.get()

    assert first.headers.get_all("Set-Cookie") == ("a=1; Path=/", "b=2")
    assert lab.requests[1].values("Cookie") == []


@case("sent-fields/head-too-large-for-the-origin", anchor="RFC 9112, 9.5")
def head_too_large_for_the_origin(lab: Lab) -> None:
    """An origin that has read enough answers 431 and closes: the answer counts, not the connection that broke."""
    answer = raw("HTTP/1.1 431 Request Header Fields Too Large", "Content-Length: 3", "Connection: close", body=b"431")
    lab.origin.play(Script(*answer.steps, begins="accept").close())

    response = lab.get(headers={f"X-{number}": "v" * 1000 for number in range(200)})

    assert (response.status_code, response.body) == (431, b"431")
    lab.still_works()
    assert lab.origin.connections == 2
