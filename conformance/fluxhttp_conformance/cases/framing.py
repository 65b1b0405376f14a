"""Where a body ends (RFC 9112, 6 and 7)."""

from __future__ import annotations

from fluxhttp import IncompleteBodyError, ProtocolError
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw


@case("framing/content-length", anchor="RFC 9112, 6.3", level="semantic")
def content_length(lab: Lab) -> None:
    """A body of declared length arrives whole, and the connection serves the next request."""
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 5", body=b"hello"))

    response = lab.get()

    assert response.body == b"hello"
    assert response.headers.multi_items() == (("Content-Length", "5"),)
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/short-body", anchor="RFC 9112, 8")
def short_body(lab: Lab) -> None:
    """A body shorter than its Content-Length is an error, never a short success."""
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").close())

    error = lab.fails(IncompleteBodyError, lab.get)

    assert (error.received, error.expected, error.phase) == (5, 10, "body")
    lab.still_works()


@case("framing/chunked", anchor="RFC 9112, 7.1")
def chunked_body(lab: Lab) -> None:
    """Chunks are put together; their sizes and extensions are no part of the body."""
    lab.origin.play(
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"5;a=b\r\nhello\r\n" + chunked(b" world"))
    )

    response = lab.get()

    assert response.body == b"hello world"
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/chunk-size-is-hex-digits-only", anchor="RFC 9112, 7.1", tags=("security",))
def chunk_size_is_hex_digits_only(lab: Lab) -> None:
    """``int(size, 16)`` takes 0x5, +5, 5_0 and blanks in front; HTTP does not."""
    for size in ("0x5", "+5", "-5", "0_5", " 5", "", "5h"):
        lab.origin.play(raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=f"{size}\r\nhello\r\n0\r\n\r\n".encode()))

        lab.fails(ProtocolError, lab.get, f"/?size={size}")
    lab.still_works()
