"""From a Location to the next URL (RFC 9110, 10.2.2; RFC 3986, 5)."""

from __future__ import annotations

from fluxhttp import InvalidRedirectError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.redirects import FOLLOWED, redirect
from fluxhttp_conformance.lab import Lab, ok, raw


def _targets(lab: Lab) -> list[str]:
    return [seen.target for seen in lab.requests]


@case("locations/resolved", anchor="RFC 9110, 10.2.2; RFC 3986, 5.2", level="core")
def location_is_resolved(lab: Lab) -> None:
    """Location is resolved against the URL of the request: dot segments go, what is encoded stays as it is."""
    lab.url(host="origin.test")
    for location, target in (
        ("d", "/a/b/d"),
        ("d/", "/a/b/d/"),
        ("./d", "/a/b/d"),
        ("../d", "/a/d"),
        ("../../../../d", "/d"),
        (".", "/a/b/"),
        ("..", "/a/"),
        ("/d", "/d"),
        ("/x/../d/./e", "/d/e"),
        ("/x/%2e%2e/d", "/x/%2e%2e/d"),
        ("?r", "/a/b/c?r"),
        ("?", "/a/b/c?"),
        ("#f", "/a/b/c?q=1"),
        ("d;p?x=/../y#f", "/a/b/d;p?x=/../y"),
        ("//origin.test/d", "/d"),
        ("//origin.test", "/"),
        ("http://origin.test", "/"),
        ("http://ORIGIN.TEST:80/d?", "/d?"),
        ("HTTP://origin.test/x/../d", "/d"),
        ("/%c3%a9?%2F+%20&=", "/%c3%a9?%2F+%20&="),
        ("/a b?c d", "/a%20b?c%20d"),
        ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"),
        ("a/http://x.test/", "/a/b/a/http://x.test/"),
    ):
        lab.origin.play(redirect(location), ok())

        response = lab.client.get("http://origin.test/a/b/c?q=1#first")

        assert lab.requests[-1].target == target, location
        assert lab.requests[-1].values("Host") == ["origin.test"]
        assert str(response.url) == f"http://origin.test{target}"
    lab.still_works()


@case("locations/outside-ascii", kind="pinned", anchor="D7; RFC 9110, 10.2.2", level="core")
def location_outside_ascii(lab: Lab) -> None:
    """Raw UTF-8 in Location is percent-encoded as such; other 8-bit bytes one by one, as nobody knows what they are."""
    for octets, target in (
        ("/é?ü=☃".encode(), "/%C3%A9?%C3%BC=%E2%98%83"),
        (b"/\xe9?\xff", "/%E9?%FF"),
        (b"/\xc3%a9\x80", "/%C3%a9%80"),
    ):
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + octets + b"\r\n\r\n"
        lab.origin.play(Script().send(head), ok())

        lab.get("/here")

        assert lab.requests[-1].target == target
    lab.still_works()


@case("locations/none", anchor="RFC 9110, 15.4", level="core")
def no_location(lab: Lab) -> None:
    """A redirect that does not say where is an answer, with its body."""
    for code in FOLLOWED:
        for fields in ((), ("Location:",), ("Location:  ",), ("Location:", "Location: /there")):
            lab.origin.play(raw(f"HTTP/1.1 {code} Moved", *fields, "Content-Length: 5", body=b"where"))

            response = lab.get("/here")

            assert (response.status_code, response.body, response.history) == (code, b"where", ())
    lab.still_works()
    assert lab.origin.connections == 1


@case("locations/bad", anchor="RFC 9110, 4.2", level="core", tags=("security",))
def bad_location(lab: Lab) -> None:
    """A Location that no caller could request is not requested either: no file is read, no other host is reached."""
    for location in (
        "ftp://origin.test/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:,x",
        "mailto:a@b.test",
        "localhost:80/",
        "//",
        "///there",
        "//?q",
        "http://",
        "http:///there",
        "http:there",
        "https:",
        "/%zz",
        "/%",
        "http://a b.test/",
        "http://10.0.0.1\\@origin.test/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::1/",
        "http://[1.2.3.4]/",
        "http://origin.test:99999/",
        "http://origin.test:0/",
        "//origin.test:x/",
        f"http://{'a' * 300}.test/",
    ):
        before = len(lab.requests)
        lab.origin.play(redirect(location))

        error = lab.fails(InvalidRedirectError, lab.get, "/here")

        assert len(lab.requests) == before + 1, location
        assert error.url == lab.url("/here")
    lab.still_works()


@case("locations/nothing-is-injected", anchor="RFC 9112, 3.2", level="core", tags=("security",))
def nothing_is_injected(lab: Lab) -> None:
    """What is escaped in Location stays so: decoded, it would be a line of the next request."""
    for location in (
        "/%0d%0aX-Injected:%201",
        "/?%0D%0AHost:%20evil.test",
        "/a%20HTTP/1.1%0d%0a%0d%0aGET%20/b",
        "/%00",
    ):
        lab.origin.play(redirect(location), ok())

        lab.get("/here")

        assert lab.requests[-1].target == location
        assert [name for name, _ in lab.requests[-1].pairs] == ["Host", "User-Agent", "Accept-Encoding"]
    lab.still_works()


@case("locations/two", kind="pinned", anchor="D21", level="core")
def two_locations(lab: Lab) -> None:
    """Of two Location lines the first counts; joined by a comma they would be a third place."""
    lab.origin.play(raw("HTTP/1.1 302 Found", "Location: /a", "Location: /b", "Content-Length: 0"), ok())

    response = lab.get("/here")

    assert _targets(lab) == ["/here", "/a"]
    assert response.history[0].headers.get_all("Location") == ("/a", "/b")


@case("locations/query-and-fragment", anchor="RFC 9110, 10.2.2", level="core")
def query_and_fragment(lab: Lab) -> None:
    """The parameters of the call belong to its first request; Location alone says what the next one asks for."""
    for location, target in (("/b", "/b"), ("/b?x=1", "/b?x=1"), ("b#new", "/b")):
        lab.origin.play(redirect(location), ok())

        lab.get("/a?old=1#fragment", params={"p": ["1"]})

        assert _targets(lab)[-2:] == ["/a?p=1", target]
    lab.still_works()


@case("locations/another-origin", anchor="RFC 9110, 15.4", level="core")
def to_another_origin(lab: Lab) -> None:
    """Another host or port is another connection, with its own Host."""
    lab.dialer.routes[8080] = lab.origin.address
    for location, host in (("http://other.test/", "other.test"), ("//origin.test:8080/", "origin.test:8080")):
        lab.origin.play(redirect(location), ok(b"found"))

        response = lab.client.get(lab.url("/here", host="origin.test"))

        assert (response.body, lab.requests[-1].values("Host")) == (b"found", [host])
    assert [port for _, port in lab.dialer.dialled] == [80, 80, 8080]


@case("locations/https", anchor="RFC 9110, 15.4", level="core", tags=("tls",))
def to_https(lab: Lab) -> None:
    """A redirect to https is followed with TLS, and one back without it."""
    plain, secure = (lab.url("/there", host="origin.test", scheme=scheme) for scheme in ("http", "https"))
    lab.origin.play(redirect(secure), redirect(plain), ok(b"found"))

    response = lab.client.get(lab.url("/here", host="origin.test"))

    assert response.body == b"found"
    assert [hop.url.scheme for hop in (*response.history, response) if hop.url] == ["http", "https", "http"]
    assert len(lab.handshakes) == 1
