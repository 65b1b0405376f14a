"""Following redirects, or not (RFC 9110, 15.4)."""

from __future__ import annotations

from fluxhttp import Config, Limits, TooManyRedirectsError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import CALL_SECONDS, Lab, chunked, ok, raw

FOLLOWED = (301, 302, 303, 307, 308)


def redirect(location: str, code: int = 302, *fields: str, body: bytes = b"moved") -> Script:
    """A redirect to there, with a body."""
    return raw(f"HTTP/1.1 {code} Moved", f"Location: {location}", *fields, f"Content-Length: {len(body)}", body=body)


def _targets(lab: Lab) -> list[str]:
    return [seen.target for seen in lab.requests]


@case("redirects/followed", anchor="RFC 9110, 15.4", level="core")
def followed(lab: Lab) -> None:
    """The five statuses that name another place are followed, over one connection where it is the same origin."""
    for code in FOLLOWED:
        lab.origin.play(redirect("/there", code), ok(b"found"))

        response = lab.get("/here")

        assert (response.status_code, response.body) == (200, b"found")
        assert _targets(lab)[-2:] == ["/here", "/there"]
    lab.still_works()
    assert lab.origin.connections == 1


@case("redirects/not-followed", anchor="RFC 9110, 15.4", level="core")
def not_followed(lab: Lab) -> None:
    """A Location means something else, or nothing, beside other statuses: the answer is the caller's."""
    for code in (200, 201, 202, 300, 305, 306, 399, 400, 503):
        lab.origin.play(redirect("/there", code))

        response = lab.get("/here")

        assert (response.status_code, response.body, response.history) == (code, b"moved", ())
        assert response.headers.get_all("Location") == ("/there",)
    lab.origin.play(raw("HTTP/1.1 304 Not Modified", "Location: /there"))
    assert lab.get("/here").status_code == 304
    lab.still_works()
    assert "/there" not in _targets(lab)


@case("redirects/methods-and-bodies", kind="pinned", anchor="D3; RFC 9110, 15.4", level="core")
def methods_and_bodies(lab: Lab) -> None:
    """After 301, 302 and 303 the answer is fetched, with GET and without a body; 307 and 308 ask the same again."""
    for code in FOLLOWED:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            for body in (b"", b"body"):
                moved = redirect("/there", code, body=b"" if method == "HEAD" else b"moved")
                lab.origin.play(moved, raw("HTTP/1.1 204 No Content"))

                response = lab.do(method, "/here", body=body)

                seen = lab.requests[-1]
                same = code in (307, 308)
                assert seen.method == (method if same or method == "HEAD" else "GET"), (code, method)
                assert seen.body == (body if same else b""), (code, method)
                if same:
                    assert seen.values("Content-Length") == lab.requests[-2].values("Content-Length"), (code, method)
                else:
                    assert seen.values("Content-Length") == [], (code, method)
                assert response.request is not None
                assert response.request.method == seen.method
    assert lab.origin.connections == 1


@case("redirects/content-fields", kind="pinned", anchor="D3", level="core")
def content_fields(lab: Lab) -> None:
    """Fields that describe a body go with it; all others stay."""
    headers = [
        ("X-A", "1"),
        ("content-type", "text/plain"),
        ("Content-Language", "en"),
        ("CONTENT-ENCODING", "x"),
        ("Content-MD5", "y"),
        ("Accept", "a"),
        ("Contents", "2"),
        ("x-a", "3"),
    ]
    for code, kept in ((303, [headers[0], *headers[5:]]), (307, headers)):
        lab.origin.play(redirect("/there", code), ok())

        lab.post("/here", body=b"body", headers=headers)

        names = {name.lower() for name, _ in headers}
        assert [pair for pair in lab.requests[-1].pairs if pair[0].lower() in names] == kept
    lab.still_works()


@case("redirects/a-dropped-body-stays-dropped", kind="pinned", anchor="D3", level="core")
def a_dropped_body_stays_dropped(lab: Lab) -> None:
    """What became a GET is asked again as a GET: a later 307 brings neither method nor body back."""
    lab.origin.play(redirect("/b", 303), redirect("/c", 307), ok(b"done"))

    response = lab.post("/a", body=b"body", headers={"Content-Type": "text/plain"})

    assert response.body == b"done"
    assert [(seen.method, seen.body) for seen in lab.requests] == [("POST", b"body"), ("GET", b""), ("GET", b"")]
    assert lab.requests[2].values("Content-Type") == []


@case("redirects/large-body-again", anchor="RFC 9110, 15.4.8", level="core")
def large_body_again(lab: Lab) -> None:
    """After a 308 the whole body is sent again, not what was left of it."""
    body = bytes(range(256)) * 1024
    lab.origin.play(redirect("/there", 308), ok())

    lab.post("/here", body=body)

    assert [seen.body == body for seen in lab.requests] == [True, True]


@case("redirects/limit", kind="pinned", anchor="D3", level="core")
def limit(lab: Lab) -> None:
    """As many redirects as allowed are followed; one more is an error, and is not sent."""
    config = Config(max_redirects=3)
    lab.origin.play(*[redirect(f"/{number}") for number in (1, 2, 3)], ok(b"found"))
    response = lab.get("/0", config=config)
    assert (response.body, len(response.history)) == (b"found", 3)

    lab.origin.play(*[redirect(f"/{number}") for number in (1, 2, 3, 4)])
    lab.fails(TooManyRedirectsError, lab.get, "/0", config=config)
    assert _targets(lab)[4:] == ["/0", "/1", "/2", "/3"]
    lab.still_works()


@case("redirects/loop", anchor="RFC 9110, 15.4", level="core", tags=("security",))
def loop(lab: Lab) -> None:
    """A redirect to itself ends after ten, unless the caller says otherwise."""
    lab.origin.play(*[redirect("/here")] * 11)

    error = lab.fails(TooManyRedirectsError, lab.get, "/here")

    assert "10" in str(error)
    assert _targets(lab) == ["/here"] * 11
    lab.still_works()


@case("redirects/none-wanted", kind="pinned", anchor="D3", level="core")
def none_wanted(lab: Lab) -> None:
    """With none allowed the redirect is an answer like any other, wherever it leads."""
    for location in ("/there", "ftp://origin.test/", "//", "/%zz"):
        lab.origin.play(redirect(location))

        response = lab.get("/here", config=Config(max_redirects=0))

        assert (response.status_code, response.body, response.history) == (302, b"moved", ())
        assert response.headers["location"] == location
    lab.still_works()


@case("redirects/history", anchor="seam", level="core")
def history(lab: Lab) -> None:
    """The way to the answer is told: each redirect with its head, the request that it answered, and no body."""
    lab.origin.play(redirect("/b", 301, "X-Step: 1"), redirect("/c?q=1", 307, "X-Step: 2"), ok(b"end"))

    response = lab.post("/a", body=b"body")

    first, second = response.history
    assert (first.status_code, first.reason, first.headers["x-step"], first.body) == (301, "Moved", "1", b"")
    assert (second.status_code, second.headers.get_all("Location"), second.body) == (307, ("/c?q=1",), b"")
    assert [str(hop.url) for hop in (first, second, response)] == [lab.url(path) for path in ("/a", "/b", "/c?q=1")]
    requests = [hop.request for hop in (first, second, response)]
    assert [request.method for request in requests if request is not None] == ["POST", "GET", "GET"]
    assert (first.history, second.history) == ((), (first,))
    assert response.duration.total_seconds() > 0


@case("redirects/body-is-not-looked-at", kind="pinned", anchor="D3", level="core", tags=("security",))
def body_is_not_looked_at(lab: Lab) -> None:
    """A redirect's own body is never decoded, and no limit is for it: it might be a bomb, or plain wrong."""
    for fields, body in (
        (("Content-Encoding: gzip",), b"this is not gzip"),
        (("Content-Encoding: " + ", ".join(["gzip"] * 50),), b"x"),
        ((), b"x" * 100),
    ):
        lab.origin.play(redirect("/there", 302, *fields, body=body), ok(b"found"))

        response = lab.get("/here", config=Config(limits=Limits(body=10)))

        assert (response.body, response.truncated) == (b"found", False)
        assert response.history[0].headers.get_all("Content-Encoding") == tuple(f.partition(": ")[2] for f in fields)
    lab.still_works()
    assert lab.origin.connections == 1


@case("redirects/large-body", kind="pinned", anchor="D3", level="core", tags=("security",))
def large_body(lab: Lab) -> None:
    """Up to 64 KiB of a redirect's body are read for the connection's sake; a longer one costs the connection alone."""
    moved = ("HTTP/1.1 302 Moved", "Location: /there")
    endless = raw(*moved, "Transfer-Encoding: chunked").send(chunked(b"x" * 4096, last=b""), times=None)
    for script, connections in (
        (raw(*moved, "Content-Length: 65535", body=b"x" * 65_535), 1),
        (raw(*moved, "Content-Length: 262144", body=b"x" * 262_144), 2),
        (raw(*moved, "Content-Length: 1000000000000", body=b"x" * 70_000).stall(), 3),
        (endless, 4),
        (raw(*moved).send(b"x" * 4096, times=None), 5),
    ):
        lab.origin.play(script, ok(b"found"))

        response = lab.get("/here", config=Config(timeout=2.0))

        assert response.body == b"found"
        assert lab.requests[-1].target == "/there"
        assert lab.origin.connections == connections
    lab.still_works()


@case("redirects/broken-body", kind="pinned", anchor="D3", level="core")
def broken_body(lab: Lab) -> None:
    """A redirect whose body breaks off has said where to go all the same."""
    moved = ("HTTP/1.1 302 Moved", "Location: /there")
    for script in (
        raw(*moved, "Content-Length: 10", body=b"short").close(),
        raw(*moved, "Transfer-Encoding: chunked", body=b"xyz\r\n").close(),
        raw(*moved, "Transfer-Encoding: chunked", body=b"5\r\nhel").reset(),
        raw(*moved, "Transfer-Encoding: chunked", body=chunked(last=b"0\r\n" + b"X: y\r\n" * 2000 + b"\r\n")),
        raw(*moved, "Transfer-Encoding: chunked", body=chunked(last=b"0\r\n" + b"X:\r\n" * 1020 + b"\r\n")),
    ):
        lab.origin.play(script, ok(b"found"))

        assert lab.get("/here").body == b"found"
    lab.still_works()


@case("redirects/head-without-a-body", anchor="RFC 9110, 9.3.2", level="core")
def head_without_a_body(lab: Lab) -> None:
    """A redirect of a HEAD has the length of a body that never comes: nobody waits for it."""
    moved = raw("HTTP/1.1 302 Moved", "Location: /there", "Content-Length: 1000")
    lab.origin.play(moved, raw("HTTP/1.1 200 OK", "Content-Length: 2000"))

    response = lab.do("HEAD", "/here")

    assert [seen.request_line for seen in lab.requests] == ["HEAD /here HTTP/1.1", "HEAD /there HTTP/1.1"]
    assert response.headers["Content-Length"] == "2000"
    lab.still_works()
    assert lab.origin.connections == 1


@case("redirects/time-spans-all-hops", kind="pinned", anchor="D11", level="core")
def time_spans_all_hops(lab: Lab) -> None:
    """The deadline is the call's, not a hop's: ten slow redirects do not make it ten times as long."""
    slow = Script().pause(0.09).then(*redirect("/next").steps)
    lab.origin.answer(lambda _: slow)

    lab.times_out(0.3, "head", lab.get, "/here")

    assert 2 <= len(lab.requests) <= 4
    lab.still_works()


@case("redirects/time-ends-in-a-body", kind="pinned", anchor="D3; D11", level="core")
def time_ends_in_a_body(lab: Lab) -> None:
    """A redirect's body that stalls ends the call when its time is over, not later and not never."""
    lab.origin.play(raw("HTTP/1.1 302 Moved", "Location: /there", "Content-Length: 10", body=b"short").stall())

    lab.times_out(0.2, "body", lab.get, "/here")

    assert _targets(lab) == ["/here"]
    lab.still_works()


@case("redirects/no-referer", kind="pinned", anchor="D22", level="core", tags=("security",))
def no_referer(lab: Lab) -> None:
    """Nobody is told where a redirect came from: the old URL may hold a secret. A caller's own Referer stays."""
    lab.origin.play(redirect("/b"), redirect("//other.test/"), ok(), redirect("/b"), ok())

    lab.client.get(lab.url("/a?token=s3cr3t", host="origin.test"))
    lab.client.get(lab.url("/a", host="origin.test"), headers={"Referer": "http://mine.test/"})

    referers = [seen.values("Referer") for seen in lab.requests]
    assert referers == [[], [], [], ["http://mine.test/"], ["http://mine.test/"]]


@case("redirects/no-cookies", kind="pinned", anchor="D18", level="core")
def no_cookies(lab: Lab) -> None:
    """A cookie that a redirect sets is not sent on: there is no jar, not even for one call."""
    lab.origin.play(redirect("/there", 302, "Set-Cookie: a=1; Path=/"), ok())

    response = lab.get("/here")

    assert lab.requests[1].values("Cookie") == []
    assert response.history[0].headers["set-cookie"] == "a=1; Path=/"


@case("redirects/other-limits-hold", kind="pinned", anchor="D2; D3", level="core")
def other_limits_hold(lab: Lab) -> None:
    """The limits of the call are for its last answer, as if there had been no redirect."""
    lab.origin.play(redirect("/there"), ok(b"0123456789"))

    config = Config(timeout=CALL_SECONDS, limits=Limits(body=4, overflow="truncate"))
    response = lab.get("/here", config=config)

    assert (response.body, response.truncated) == (b"0123", True)
    assert [hop.truncated for hop in response.history] == [False]
    lab.still_works()
