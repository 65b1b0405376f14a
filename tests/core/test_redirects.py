"""Redirects: the next request, and what it must not carry along (RFC 9110, 15.4; D3, D4)."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhttp._core.headers import Headers
from fluxhttp._core.redirects import is_same_place, next_request
from fluxhttp._core.request import METHODS, Request
from fluxhttp._core.url import URL
from fluxhttp.errors import FluxHTTPError, InvalidRedirectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = "http://a.test/p/q?r"
#: Every spelling of a credential field, some of them twice.
CREDENTIALS = [
    ("Authorization", "Bearer hunter2"),
    ("authorization", "hunter2"),
    ("AUTHORIZATION", "hunter2"),
    ("Cookie", "a=hunter2"),
    ("cookie", "b=hunter2"),
    ("Cookie2", "hunter2"),
    ("WWW-Authenticate", "hunter2"),
    ("Proxy-Authenticate", "hunter2"),
]


def follow(
    location: str, status_code: int = 302, *, method: str = "GET", url: str = ORIGIN, **arguments: object
) -> Request:
    request = Request.build(method, url, **arguments)  # type: ignore[arg-type]
    following = next_request(request, status_code, Headers.trusted([("Location", location)]))
    assert following is not None
    return following


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
def test_the_method_and_the_body_depend_on_the_status(status_code: int, method: str) -> None:
    following = follow("/n", status_code, method=method, body=b"body", headers={"Content-Type": "x/y", "X-A": "b"})

    if status_code in {307, 308}:
        assert (following.method, following.body) == (method, b"body")
        assert (following.headers["content-length"], following.headers["content-type"]) == ("4", "x/y")
    else:
        assert (following.method, following.body) == ("HEAD" if method == "HEAD" else "GET", b"")
        assert not [name for name in following.headers if name.lower().startswith("content-")]
    assert following.headers["x-a"] == "b"
    assert following.url.target == "/n"


def test_every_content_field_goes_with_the_body() -> None:
    fields = {"content-length": "1", "CONTENT-ENCODING": "gzip", "Content-Md5": "x", "X-Content": "kept"}

    following = follow("/n", 303, method="POST", body=b"b", headers=fields)

    assert [name for name in following.headers if "content" in name.lower()] == ["X-Content"]


@pytest.mark.parametrize("status_code", [200, 201, 204, 300, 304, 305, 306, 309, 310, 399, 400, 999])
def test_no_other_status_is_followed(status_code: int) -> None:
    request = Request.build("GET", ORIGIN)

    assert next_request(request, status_code, Headers({"Location": "/n"})) is None


@pytest.mark.parametrize("headers", [{}, {"Location": ""}, [("Location", ""), ("Location", "/n")]])
def test_without_a_location_nothing_is_followed(headers: object) -> None:
    assert next_request(Request.build("GET", ORIGIN), 302, Headers(headers)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/n", "http://a.test/n"),
        ("n", "http://a.test/p/n"),
        ("../n", "http://a.test/n"),
        ("/a/./b/../c", "http://a.test/a/c"),
        ("?n", "http://a.test/p/q?n"),
        ("#f", "http://a.test/p/q?r"),
        ("/n#f", "http://a.test/n"),
        ("//b.test", "http://b.test/"),
        ("https://b.test:81/n", "https://b.test:81/n"),
        ("HTTP://B.test:80/", "http://b.test/"),
        ("http://u:hunter2@b.test/", "http://b.test/"),
        ("/a b", "http://a.test/a%20b"),
        ("/?a b", "http://a.test/?a%20b"),
        ("/%c3%A9%2e%2e/x", "http://a.test/%c3%A9%2e%2e/x"),
        ("/\\b.test", "http://a.test/%5Cb.test"),
        # The text of a field is latin-1: UTF-8, bytes that are none, and both together.
        ("/\xc3\xa9", "http://a.test/%C3%A9"),
        ("/\xe9", "http://a.test/%E9"),
        ("/\xc3\xa9\xff?\x80", "http://a.test/%C3%A9%FF?%80"),
        # From a transport that read the field as UTF-8 itself.
        ("/\u20ac", "http://a.test/%E2%82%AC"),
        ("//b\xc3\xbccher.test/", "http://xn--bcher-kva.test/"),
    ],
)
def test_a_location_is_resolved(location: str, url: str) -> None:
    following = follow(location)

    assert str(following.url) == url
    assert following.url.userinfo is None
    assert b"hunter2" not in following.to_bytes()


def test_the_first_of_several_locations_counts() -> None:
    headers = Headers([("Location", "/first"), ("location", "/second")])

    following = next_request(Request.build("GET", ORIGIN), 301, headers)

    assert following is not None
    assert following.url.path == "/first"


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("/%zz", "location: the path has an invalid escape '%zz'"),
        ("ftp://a.test/hunter2", "location: the scheme must be http or https, not 'ftp'"),
        ("file:///etc/passwd", "location: the scheme must be http or https, not 'file'"),
        ("mailto:hunter2@a.test", "location must start with http:// or https://"),
        ("javascript:hunter2", "location must start with http:// or https://"),
        ("//", "location has no host"),
        ("//?foo=hunter2", "location has no host"),
        ("http:", "location has no host"),
        ("http://hunter2:x/", "location: the port must be a number from 1 to 65535"),
        ("http://b.test:99999/", "location: the port must be a number from 1 to 65535"),
        ("http://127.1/", "location: a numeric host must be an IPv4 address written as four decimal numbers, 0 to 255"),
        ("http://[::1", "location: only a port may follow the ']' of an IPv6 address"),
        ("http://a.test\\@b.test/", "location: the userinfo before '@' has a character that must be percent-encoded"),
        ("/a\tb", "location must not contain '\\t' (position 2)"),
        ("/a\r\nX: hunter2", "location must not contain '\\r' (position 2)"),
        ("/\x00", "location must not contain '\\x00' (position 1)"),
        ("/\ud800", "location must not contain the lone surrogate '\\ud800' (position 1)"),
        ("//\xff.test/", "location: the host must not contain '%' (position 0)"),
    ],
)
def test_a_location_that_cannot_be_requested_is_refused(location: str, text: str) -> None:
    request = Request.build("GET", ORIGIN)

    with pytest.raises(InvalidRedirectError) as caught:
        next_request(request, 302, Headers.trusted([("Location", location)]))

    assert str(caught.value) == f"the redirect cannot be followed: {text}"
    assert caught.value.__suppress_context__


SAME = [
    ("http://a.test/", "/n"),
    ("http://a.test/", "http://a.test/n"),
    ("http://a.test/", "HTTP://A.TEST:80/"),
    ("http://a.test/", "http://a.test:/"),
    ("https://a.test/", "https://a.test:443/n"),
    ("http://a.test:8080/", "http://a.test:8080/n"),
    ("http://[::1]/", "http://[0:0::1]/"),
    ("http://xn--bcher-kva.test/", "http://b\xc3\xbccher.test/"),
    # The upgrade.
    ("http://a.test/", "https://a.test/"),
    ("http://a.test:80/", "https://a.test:443/"),
    ("http://[::1]/", "https://[::1]/"),
]
ANOTHER = [
    ("http://a.test/", "http://b.test/"),
    ("http://a.test/", "//b.test/"),
    ("http://a.test/", "http://sub.a.test/"),
    ("http://sub.a.test/", "http://a.test/"),
    ("http://a.test/", "http://a.test./"),
    ("http://a.test/", "http://aa.test/"),
    ("http://a.test/", "http://a.test.evil/"),
    ("http://a.test/", "http://a.test:81/"),
    ("http://a.test:81/", "http://a.test/"),
    ("https://a.test/", "http://a.test/"),
    ("https://a.test/", "http://a.test:443/"),
    ("http://a.test:443/", "https://a.test/"),
    ("http://a.test/", "https://a.test:8443/"),
    ("http://a.test:8080/", "https://a.test/"),
    ("http://a.test/", "https://b.test/"),
    ("http://1.2.3.4/", "http://9.1.2.3.4.test/"),
    ("http://127.0.0.1/", "http://[::ffff:127.0.0.1]/"),
    ("http://origin.test/", "http://[::1%25.origin.test]/"),
    ("http://[fe80::1%25a]/", "http://[fe80::1%25b]/"),
    ("http://[fe80::1%25a]/", "https://[fe80::1%25b]/"),
    ("http://a.test/", "http://u:p@b.test/"),
]


@pytest.mark.parametrize(("url", "location"), SAME)
def test_credentials_stay_with_the_same_place(url: str, location: str) -> None:
    following = follow(location, url=url, headers=[*CREDENTIALS, ("Host", "other.test"), ("X-Key", "kept")])

    kept = [field for field in following.headers.multi_items() if field in CREDENTIALS]
    assert kept == CREDENTIALS
    assert following.headers["host"] == "other.test"
    assert following.headers["x-key"] == "kept"


@pytest.mark.parametrize(("url", "location"), ANOTHER)
def test_credentials_do_not_go_to_another_place(url: str, location: str) -> None:
    following = follow(location, url=url, headers=[*CREDENTIALS, ("Host", "other.test"), ("X-Key", "kept")])

    assert b"hunter2" not in following.to_bytes()
    assert following.headers.get_all("host") == (following.url.authority,)
    assert following.headers["x-key"] == "kept"


@pytest.mark.parametrize(("url", "location"), ANOTHER)
def test_userinfo_of_the_first_url_does_not_go_to_another_place(url: str, location: str) -> None:
    with_userinfo = url.replace("://", "://hunter1:hunter2@")

    assert "authorization" in follow("/n", url=with_userinfo).headers
    assert "authorization" not in follow(location, url=with_userinfo).headers


def test_what_was_dropped_does_not_come_back() -> None:
    request = Request.build("GET", "http://a.test/", headers=[*CREDENTIALS, ("Host", "other.test")])

    for location in ("http://b.test/", "/n", "http://a.test/"):
        following = next_request(request, 302, Headers({"Location": location}))
        assert following is not None
        request = following

    assert str(request.url) == "http://a.test/"
    assert b"hunter2" not in request.to_bytes()
    assert request.headers["host"] == "a.test"


def test_a_body_once_dropped_stays_dropped() -> None:
    first = follow("/n", 302, method="POST", body=b"body")

    second = next_request(first, 307, Headers({"Location": "/m"}))

    assert second is not None
    assert (second.method, second.body) == ("GET", b"")


def test_the_host_field_names_the_new_place() -> None:
    assert follow("http://b.test:81/").headers["host"] == "b.test:81"
    assert follow("https://a.test/").headers["host"] == "a.test"
    assert follow("http://[fe80::1%25eth0]/").headers["host"] == "[fe80::1]"
    assert follow("/n", headers={"host": "A.TEST"}).headers.multi_items()[0] == ("host", "a.test")


def test_no_field_is_added_and_the_order_is_kept() -> None:
    request = Request.build("GET", ORIGIN, headers=[("X-B", "1"), ("x-a", "2"), ("X-B", "3")])

    following = next_request(request, 302, Headers({"Location": "http://b.test/"}))

    assert following is not None
    assert [name for name, _ in following.headers.multi_items()] == [name for name, _ in request.headers.multi_items()]
    assert "referer" not in following.headers


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}])
def test_whether_the_answer_is_decoded_does_not_change(headers: dict[str, str]) -> None:
    request = Request.build("POST", ORIGIN, headers=headers)

    following = next_request(request, 303, Headers({"Location": "/n"}))

    assert following is not None
    assert following.decodes is request.decodes
    assert following.headers.get_all("accept-encoding") == request.headers.get_all("accept-encoding")


def test_a_wish_to_close_the_connection_stays() -> None:
    assert follow("http://b.test/", headers={"Connection": "close"}).closes
    assert not follow("http://b.test/").closes


def test_the_query_of_the_first_request_is_not_inherited() -> None:
    assert follow("/n", params={"a": "b"}).url.target == "/n"
    assert follow("#f", params={"a": "b"}).url.target == "/p/q?a=b"


origins = st.builds(
    lambda scheme, host, port: f"{scheme}://{host}{port}/",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.test", "A.test", "a.test.", "b.test", "sub.a.test", "[::1]"]),
    st.sampled_from(["", ":80", ":443", ":8080"]),
)


@given(origins, origins)
def test_the_same_place_is_the_same_origin_or_its_upgrade(old: str, new: str) -> None:
    left, right = URL.parse(old), URL.parse(new)

    is_upgrade = left.origin == f"http://{right.host}" and right.origin == f"https://{right.host}"
    if ":" in left.host + right.host:
        is_upgrade = (left.origin, right.origin) == ("http://[::1]", "https://[::1]")

    assert is_same_place(left, right) is (left.origin == right.origin or is_upgrade)


@settings(deadline=None)  # the first example may load idna
@given(st.text(st.characters(), max_size=30))
def test_any_location_is_followed_or_refused(location: str) -> None:
    request = Request.build("POST", "http://a.test/", headers=CREDENTIALS, body=b"b")

    try:
        following = next_request(request, 307, Headers.trusted([("Location", location)]))
    except InvalidRedirectError as error:
        reason = str(error)
        assert reason.startswith("the redirect cannot be followed: location")
        return

    if following is None:
        assert location == ""
    else:
        assert following.to_bytes().count(b"\r\n\r\n") == 1
        if not is_same_place(request.url, following.url):
            assert b"hunter2" not in following.to_bytes()


def cost(call: Callable[[], object]) -> float:
    """The seconds of processor time that a call takes, refused or not."""
    started = time.process_time()
    with contextlib.suppress(FluxHTTPError):
        call()
    return time.process_time() - started


@pytest.mark.cost
@pytest.mark.parametrize("piece", ["%41", "@", "../", "\xc3\xa9", "\xff", "//", "\u20ac"])
@pytest.mark.parametrize("start", ["", "/", "//", "http://", "?", "#"])
def test_a_location_of_a_megabyte_costs_little(piece: str, start: str) -> None:
    request = Request.build("GET", ORIGIN)
    headers = Headers.trusted([("Location", start + piece * (2**20 // len(piece)))])

    assert cost(lambda: next_request(request, 302, headers)) < 0.25
