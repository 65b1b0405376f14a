"""Which URL a resource is found under: at a server that has one, and at a fake that has one route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import InvalidURLError
from fluxhttp.testing import FakeTransport, UnexpectedRequestError
from fluxhttp_conformance import MemoryLab, ok, raw
from tests.doubles.asking import ORIGIN, ask, refused, told
from tests.doubles.rows import row

if TYPE_CHECKING:
    from fluxhttp_conformance import Lab


def found(requested: str, *targets: str, route: str) -> tuple[bool, str, str]:
    """Whether a URL leads to a resource, the target in the request, and the Host.

    Args:
        requested: the URL.
        targets: under which the server has it, byte for byte.
        route: the URL of the fake's route for it.
    """

    def question(lab: Lab) -> bool:
        if isinstance(lab, MemoryLab):
            told(lab, lambda fake: fake.get(route).respond())
        lab.origin.answer(lambda seen: ok() if seen.target in targets else raw("HTTP/1.1 404 No", "Content-Length: 0"))
        try:
            return lab.client.get(requested).ok
        except UnexpectedRequestError:
            return False  # a route has no other answer

    seen = ask(question)
    [head] = seen.sent
    line, host, *_ = head.decode().split("\r\n")
    return seen.answer, line.split(" ")[1], host


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        row("R09", path="/a/%2e%2e/b", resource="/b"),
        row("R10", path="/foo", resource="/Foo"),
        row("H15", path="/a%2Fb", resource="/a/b"),
    ],
)
def test_another_path_is_another_resource(path: str, resource: str) -> None:
    # Dot segments go out as written, escaped or not (D7).
    assert found(ORIGIN + path, resource, route=ORIGIN + resource) == (False, path, "Host: origin.test")


@pytest.mark.parametrize(
    ("path", "resource"),
    [row("H13", path="/%c3%a9", resource="/%C3%A9"), row("H14", path="/%7Eu", resource="/~u")],
)
def test_an_escape_is_sent_as_written_and_its_other_spelling_means_the_same(path: str, resource: str) -> None:
    # Two spellings of one path (RFC 3986, 6.2.2): a server may have one or both, a route has both.
    assert found(ORIGIN + path, path, resource, route=ORIGIN + resource) == (True, path, "Host: origin.test")


@pytest.mark.parametrize((), [row("R11")])
def test_the_case_of_path_and_query_is_kept() -> None:
    url = f"{ORIGIN}/Foo?Q=V"

    assert found(url, "/Foo?Q=V", route=url) == (True, "/Foo?Q=V", "Host: origin.test")


@pytest.mark.parametrize((), [row("H16")])
def test_a_fragment_stays_here() -> None:
    assert found(f"{ORIGIN}/x#frag", "/x", route=f"{ORIGIN}/x") == (True, "/x", "Host: origin.test")


@pytest.mark.parametrize(
    ("host", "ascii_host"),
    [
        row("R12", host="bücher.example", ascii_host="xn--bcher-kva.example"),
        row("R13", host="faß.example", ascii_host="xn--fa-hia.example"),
    ],
)
def test_an_international_host_has_one_form_in_request_and_route(host: str, ascii_host: str) -> None:
    for registered in (host, ascii_host):
        assert found(f"http://{host}/", "/", route=f"http://{registered}/") == (True, "/", f"Host: {ascii_host}")


@pytest.mark.parametrize((), [row("R14", "H18")])
def test_userinfo_becomes_authorization_and_is_no_part_of_the_url() -> None:
    def question(lab: Lab) -> Any:
        told(lab, lambda fake: fake.get(f"{ORIGIN}/").respond(), raw("HTTP/1.1 200 OK", "Content-Length: 0"))
        return lab.client.get("http://u:p@origin.test/")

    seen = ask(question)

    assert (seen.answer["status_code"], seen.answer["url"]) == (200, f"{ORIGIN}/")
    [head] = seen.sent
    assert head.startswith(b"GET / HTTP/1.1\r\nHost: origin.test\r\n")
    assert b"\r\nAuthorization: Basic dTpw\r\n" in head


@pytest.mark.parametrize(
    ("url", "text"),
    [
        row("R15", "H19", url="ftp://origin.test/", text="url: the scheme must be http or https, not 'ftp'"),
        row("R16", "H20", url="foo://origin.test/", text="url: the scheme must be http or https, not 'foo'"),
        row("H21", url="/relative", text="url must start with http:// or https://"),
        row("H17", url=f"{ORIGIN}/100%", text="url: the path has an invalid escape '%'"),
    ],
)
def test_what_names_nothing_to_request_is_neither_requested_nor_routed(url: str, text: str) -> None:
    failure = ask(lambda lab: refused(lab, lambda: lab.client.get(url))).answer

    assert failure.kind is InvalidURLError
    assert failure.text == text
    with pytest.raises(InvalidURLError) as caught:
        FakeTransport().get(url)
    assert str(caught.value) == failure.text


def test_the_question_tells_found_from_not_found() -> None:
    assert found(f"{ORIGIN}/a", "/a", route=f"{ORIGIN}/a")[0]
    assert not found(f"{ORIGIN}/a", "/b", route=f"{ORIGIN}/b")[0]
