"""From a URL and parameters to the target on the wire (RFC 3986; RFC 9112, 3.2)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fluxhttp import InvalidParamsError, InvalidTypeError, InvalidURLError, Request
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, ok

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Far more than linear work on a megabyte takes, far less than quadratic work does.
_QUICK_SECONDS = 1.0


def _targets(lab: Lab, paths: Iterable[str], **options: Any) -> list[str]:
    """The targets that the origin sees for these paths of it."""
    for path in paths:
        lab.origin.play(ok())
        lab.get(path, **options)
    return [seen.target for seen in lab.requests]


@case("targets/path-and-query", anchor="RFC 9112, 3.2.1", level="semantic")
def path_and_query(lab: Lab) -> None:
    """Path and query arrive as written, the parameters in their order."""
    paths = ["/path/to/x.html?b=2&a=1&b=1", "/UPPER/lower", "/a;v=1/b,c"]

    assert _targets(lab, paths) == paths


@case("targets/empty-path", anchor="RFC 9112, 3.2.1", level="semantic")
def empty_path(lab: Lab) -> None:
    """An empty path is sent as "/", a lone question mark stays."""
    assert _targets(lab, ["", "?q=1", "?", "/?", "/p?"]) == ["/", "/?q=1", "/?", "/?", "/p?"]


@case("targets/kept-as-written", kind="pinned", anchor="D7")
def kept_as_written(lab: Lab) -> None:
    """What is encoded already goes out byte for byte: a signature over the URL depends on it."""
    paths = [
        "/?&Expires=1",
        "/?a=%2F%2B%3F%26%3D%20&b=+",
        "/%2F%3F%23%25",
        "/%c3%a9/%C3%A9",
        "/%7euser/~user",
        "/a/../b/./c/",
        "/%2e%2e/%2E/",
        "//double//slash//",
        "/!$&'()*+,;=:@-._~",
        "/?/?:@!$'()*,;",
    ]

    assert _targets(lab, paths) == paths


@case("targets/percent-encoded", kind="pinned", anchor="D7; RFC 3986, 2.1")
def percent_encoded(lab: Lab) -> None:
    """What may not stand in a target is percent-encoded, one way over every transport: a raw space ends the target."""
    paths = ["/a b?c d", '/"<>\\^`{|}[]', '/?"<>\\^`{|}[]', "/é/☃?ü=😀", "/%41é"]

    assert _targets(lab, paths) == [
        "/a%20b?c%20d",
        "/%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D",
        "/?%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D",
        "/%C3%A9/%E2%98%83?%C3%BC=%F0%9F%98%80",
        "/%41%C3%A9",
    ]


@case("targets/bad-escapes", kind="pinned", anchor="D7", level="core")
def bad_escapes(lab: Lab) -> None:
    """A "%" without two hex digits is refused in the path and kept in the query, where it is common."""
    for path in ("/%", "/%4", "/%zz", "/a%%41", "/%4g", "/%u00e9", "/%é9"):
        lab.fails(InvalidURLError, lab.get, path)

    assert _targets(lab, ["/?%", "/?a=100%&b=%zz"]) == ["/?%", "/?a=100%&b=%zz"]


@case("targets/no-fragment", anchor="RFC 9110, 4.2.5", level="core")
def no_fragment(lab: Lab) -> None:
    """The fragment is for the client alone; it is never sent."""
    paths = ["/a#part", "/a?b#part", "#part", "/a#", "/a#b?c#d/e", "?#"]

    assert _targets(lab, paths) == ["/a", "/a?b", "/", "/a", "/a", "/?"]


@case("targets/control-characters", anchor="RFC 3986, 2", level="core", tags=("security",))
def control_characters(lab: Lab) -> None:
    """A line end in a URL would begin a field or a second request; dropping it silently makes another URL of it."""
    start = lab.url("")
    urls = [f"{start}/a{{}}b", f"{start}/?a{{}}b", f"{start}/#a{{}}b", "http://user{}@origin.test/"]
    # Here a space has no encoded form either.
    strict_urls = ["http://exa{}mple.test/", "{}http://origin.test/", "ht{}tp://origin.test/", "http:{}//origin.test/"]
    for char in [chr(code) for code in (*range(0x20), 0x7F)]:
        for url in urls + strict_urls:
            error = lab.fails(InvalidURLError, lab.client.get, url.format(char))
            assert len(str(error).splitlines()) == 1
    for url in strict_urls:
        lab.fails(InvalidURLError, lab.client.get, url.format(" "))
    lab.fails(InvalidURLError, lab.get, "/ HTTP/1.1\r\nX-Injected: 1\r\n\r\n")
    lab.saw_nothing()


@case("targets/lone-surrogates", kind="pinned", anchor="D7", level="core")
def lone_surrogates(lab: Lab) -> None:
    """Half a surrogate pair is no text and has no UTF-8 form: refused, and not by a UnicodeEncodeError."""
    for path in ("/\ud800", "/?\udfff", "/#\ud83d"):
        lab.fails(InvalidURLError, lab.get, path)
    lab.fails(InvalidURLError, lab.client.get, "http://\ud800.test/")
    lab.saw_nothing()


@case("targets/not-http", anchor="RFC 9110, 4.2", level="core")
def not_http(lab: Lab) -> None:
    """Only an absolute http or https URL with a host names something to request."""
    for url in (
        "",
        "/path",
        "//origin.test/",
        "origin.test",
        "origin.test/path",
        "origin.test:80/path",
        "?q",
        "ftp://origin.test/",
        "file:///etc/passwd",
        "ws://origin.test/",
        "httpx://origin.test/",
        "javascript:alert(1)",
        "http:",
        "http:/",
        "http://",
        "http:///path",
        "http:origin.test",
        "http:/origin.test",
        "http://?q",
        "http://#f",
        "http://:80/",
        "http://user@/",
        "http://user@:80/",
    ):
        lab.fails(InvalidURLError, lab.client.get, url)
    for wrong in (None, b"http://origin.test/", 1, ["http://origin.test/"]):
        lab.fails(InvalidTypeError, lab.client.get, wrong)
    lab.saw_nothing()


@case("targets/params", anchor="RFC 3986, 2.1", kind="pinned", level="core")
def params(lab: Lab) -> None:
    """Parameters have one encoding: keys sorted, values in their order, a space as "+", all else as UTF-8 escapes."""
    given = {
        "b": ["2", "1"],
        "a": "x y",
        "": ["", "v"],
        "reserved": [":/?#[]@!$&'()*+,;=%"],
        "kept": ["aZ09-._~"],
        "ü": ["😀", "\r\n\x00\x7f"],
        "none": [],
    }

    [target] = _targets(lab, ["/p"], params=given)
    assert target.partition("?")[2].split("&") == [
        "=",
        "=v",
        "a=x+y",
        "b=2",
        "b=1",
        "kept=aZ09-._~",
        "reserved=%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25",
        "%C3%BC=%F0%9F%98%80",
        "%C3%BC=%0D%0A%00%7F",
    ]


@case("targets/params-replace-the-query", kind="pinned", anchor="D1", level="core")
def params_replace_the_query(lab: Lab) -> None:
    """Parameters with a value replace the URL's query; without one they leave it alone."""
    choices: tuple[tuple[dict[str, list[str]] | None, str], ...] = (
        ({"new": ["2"]}, "/p?new=2"),
        ({"new": [""], "old": []}, "/p?new="),
        ({"new": [], "other": []}, "/p?old=1"),
        ({}, "/p?old=1"),
        (None, "/p?old=1"),
    )
    for given, target in choices:
        lab.origin.play(ok())

        lab.get("/p?old=1#fragment", params=given)

        assert lab.requests[-1].target == target


@case("targets/params-that-are-no-text", kind="pinned", anchor="D7", level="core")
def params_that_are_no_text(lab: Lab) -> None:
    """A parameter is text: what ``str`` would make of None, a number or bytes is nobody's intention."""
    wrong: Iterable[Any] = (
        {"a": None},
        {"a": 1},
        {"a": b"x"},
        {"a": ["x", None]},
        {"a": [1]},
        {"a": {"b": "c"}},
        {"a": {"x"}},
        {1: "x"},
        {b"a": "x"},
        [("a", "x")],
        "a=x",
    )
    for given in wrong:
        lab.fails(InvalidTypeError, lab.get, params=given)
    for given in ({"a": "\ud800"}, {"\udc00": "x"}, {"a": ["x", "\ud800x"]}):
        lab.fails(InvalidParamsError, lab.get, params=given)
    lab.saw_nothing()


@case("targets/long-urls", anchor="RFC 3986, 3", level="core", tags=("security",))
def long_urls(lab: Lab) -> None:
    """Half a megabyte of escapes, at signs or dot segments takes linear time (CVE-2021-33503)."""
    many = 500_000
    base = lab.url("")
    url = Request.build("GET", base).url
    # Of this thread alone: another's work is no sign of anything.
    started = time.thread_time()
    for piece in ("%41", "@", "../", "/", "é", ";="):
        text = piece * (many // len(piece))
        Request.build("GET", f"{base}/{text}")
        Request.build("GET", f"{base}/?{text}")
        url.join(f"/x/{text}")
    for piece in ("@", ":", "[", "a@", "%41"):
        lab.fails(InvalidURLError, lab.client.get, f"http://{piece * (many // len(piece))}/")

    # Twenty-three texts were read.
    assert time.thread_time() - started < 5 * _QUICK_SECONDS
    lab.saw_nothing()


@case("targets/base-url", anchor="seam", kind="pinned", level="core")
def base_url(lab: Lab) -> None:
    """A client's base URL stands in front of a path; a whole URL replaces it."""
    client = lab.new_client(lab.transport, base_url=lab.url("/v1/"))
    for url in ("a/b", "/a/b", "", "?q=1", "a?u=http://x.test/", lab.url("/other")):
        lab.origin.play(ok())
        client.get(url)

    targets = [seen.target for seen in lab.requests]
    assert targets == ["/v1/a/b", "/v1/a/b", "/v1", "/v1?q=1", "/v1/a?u=http://x.test/", "/other"]
