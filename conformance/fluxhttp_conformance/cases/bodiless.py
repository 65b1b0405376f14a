"""Answers that have no body, whatever their fields say (RFC 9112, 6.3), and some that have one all the same."""

from __future__ import annotations

from fluxhttp_conformance.case import SURPLUS, case
from fluxhttp_conformance.lab import Lab, chunked, raw

#: Fields that would announce a body.
_ANNOUNCEMENTS = (
    (),
    ("Content-Length: 5",),
    ("Content-Length: 4294967296",),
    ("Transfer-Encoding: chunked",),
    ("Content-Length: 5", "Content-Encoding: gzip"),
    ("Content-Type: text/plain", "Connection: keep-alive"),
)


@case("framing/head-has-no-body", anchor="RFC 9110, 9.3.2")
def head_has_no_body(lab: Lab) -> None:
    """HEAD is answered with the fields of a body that never comes: whoever waits for it waits for ever."""
    for lines in _ANNOUNCEMENTS:
        for start in ("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 500 Oh"):
            response = lab.receive(raw(start, *lines), "HEAD")

            assert response.body == b""
            assert response.headers.multi_items() == tuple(tuple(line.split(": ")) for line in lines)
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/no-content-has-no-body", anchor="RFC 9110, 15.3.5")
def no_content_has_no_body(lab: Lab) -> None:
    """A 204 ends with its head, even if a length or a coding is announced."""
    for lines in _ANNOUNCEMENTS:
        response = lab.receive(raw("HTTP/1.1 204 No Content", *lines))

        assert (response.status_code, response.body) == (204, b"")
        assert response.headers.multi_items() == tuple(tuple(line.split(": ")) for line in lines)
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/not-modified-has-no-body", anchor="RFC 9110, 15.4.5")
def not_modified_has_no_body(lab: Lab) -> None:
    """A 304 tells the length of what was not sent again."""
    for lines in _ANNOUNCEMENTS:
        response = lab.receive(raw("HTTP/1.1 304 Not Modified", *lines))

        assert (response.status_code, response.body) == (304, b"")
        assert response.headers.multi_items() == tuple(tuple(line.split(": ")) for line in lines)
    lab.still_works()
    assert lab.origin.connections == 1


@case(
    "framing/bytes-where-no-body-is",
    anchor="RFC 9112, 6.3",
    tags=("security",),
    sent_whole=SURPLUS,
)
def bytes_where_no_body_is(lab: Lab) -> None:
    """A body that came against the rules is nobody's: its bytes must not be read as the next answer."""
    for method, start in (
        ("HEAD", "HTTP/1.1 200 OK"),
        ("GET", "HTTP/1.1 204 No Content"),
        ("GET", "HTTP/1.1 304 Same"),
    ):
        for body in (b"hello", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"):
            before = lab.origin.connections

            response = lab.receive(raw(start, f"Content-Length: {len(body)}", body=body), method)

            assert response.body == b""
            lab.still_works()
            assert lab.origin.connections > before


@case("framing/reset-content-is-framed", kind="pinned", anchor="RFC 9112, 6.3; D10")
def reset_content_is_framed(lab: Lab) -> None:
    """A 205 should have no content, but is framed like any other: to ignore its body would leave it in the way."""
    for script in (
        raw("HTTP/1.1 205 Reset Content", "Content-Length: 5", body=b"hello"),
        raw("HTTP/1.1 205 Reset Content", "Transfer-Encoding: chunked", body=chunked(b"hello")),
    ):
        response = lab.receive(script)

        assert (response.status_code, response.body) == (205, b"hello")
    assert lab.receive(raw("HTTP/1.1 205 Reset Content", "Content-Length: 0")).body == b""
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/upgrade-offered", anchor="RFC 9110, 7.8")
def upgrade_offered(lab: Lab) -> None:
    """Upgrade in a final answer only says what the server could speak: the answer is an ordinary one."""
    for start in ("HTTP/1.1 200 OK", "HTTP/1.1 426 Upgrade Required"):
        response = lab.receive(
            raw(start, "Upgrade: h2c, websocket", "Connection: Upgrade", "Content-Length: 2", body=b"ok")
        )

        assert response.body == b"ok"
        assert response.headers["upgrade"] == "h2c, websocket"
    lab.still_works()
    assert lab.origin.connections == 1
