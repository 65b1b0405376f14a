"""Reading an answer from the transport itself: what ``TransportResponse`` promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import ClosedError, Headers, IncompleteBodyError, ProtocolError, Request
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import TEXT, gzipped
from fluxhttp_conformance.lab import Lab, chunked, raw

if TYPE_CHECKING:
    from fluxhttp import TransportResponse


def _read(answer: TransportResponse, size: int) -> bytes:
    """So many bytes, in however many pieces they come; fewer at the end."""
    data = b""
    while len(data) < size and (piece := answer.read(size - len(data))):
        data += piece
    return data


def _request(lab: Lab, method: str = "GET") -> Request:
    return Request.build(method, lab.url())


@case("reading/pieces", anchor="seam", level="semantic")
def pieces(lab: Lab) -> None:
    """``read`` gives at least one byte and at most as many as were asked for; after the last, b"" however often."""
    body = bytes(range(256)) * 400
    for script in (
        raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(body[:3], body[3:50_000], body[50_000:])),
        raw("HTTP/1.1 200 OK", "Connection: close", body=body).close(),
    ):
        for size in (1000, 4096, 65_536, 10_000_000):
            lab.origin.play(script)
            answer = lab.send(_request(lab))
            read: list[bytes] = []
            while piece := answer.read(size):
                assert type(piece) is bytes
                assert len(piece) <= size
                read.append(piece)
            assert b"".join(read) == body
            assert [answer.read(size), answer.read(1)] == [b"", b""]
            answer.close()
    lab.still_works()


@case("reading/byte-by-byte", anchor="seam", level="semantic")
def byte_by_byte(lab: Lab) -> None:
    """A caller may read in pieces of one byte, across the borders of chunks."""
    for script in (
        raw("HTTP/1.1 200 OK", "Content-Length: 11", body=b"hello world"),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"he", b"llo wor", b"ld")),
    ):
        lab.origin.play(script)
        answer = lab.send(_request(lab))

        assert [answer.read(1) for _ in range(12)] == [bytes([byte]) for byte in b"hello world"] + [b""]
        answer.close()
    lab.still_works()
    assert lab.origin.connections == 1


@case("reading/head", anchor="seam", level="semantic")
def head(lab: Lab) -> None:
    """The head is there as soon as ``send`` returns, as it was received, whether or not a body follows."""
    lab.origin.play(raw("HTTP/1.0 299 Odd \xff", "X: \xe9", "set-cookie: a", "Set-Cookie: b").stall())

    answer = lab.send(_request(lab))

    assert (answer.status_code, answer.reason, answer.http_version) == (299, "Odd \xff", "HTTP/1.0")
    assert isinstance(answer.headers, Headers)
    assert answer.headers.multi_items() == (("X", "\xe9"), ("set-cookie", "a"), ("Set-Cookie", "b"))
    answer.close()
    lab.still_works()


@case("reading/codings-are-left-on", anchor="seam")
def codings_are_left_on(lab: Lab) -> None:
    """A transport gives the bytes that came, and the fields that describe them: decoding is done above it, once."""
    body = gzipped(TEXT)
    for coding in ("gzip", "deflate", "br"):
        lab.origin.play(
            raw("HTTP/1.1 200 OK", f"Content-Encoding: {coding}", f"Content-Length: {len(body)}", body=body)
        )
        answer = lab.send(_request(lab))

        assert _read(answer, 65_536) == body
        assert answer.headers.multi_items() == (("Content-Encoding", coding), ("Content-Length", str(len(body))))
        answer.close()
    lab.still_works()
    assert lab.origin.connections == 1


@case("reading/short-body-raises", anchor="seam; RFC 9112, 8")
def short_body_raises(lab: Lab) -> None:
    """What came may be read; then the missing rest is an error, and stays one: b"" would be a whole body."""
    for script, expected in (
        (raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").close(), 10),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"hello", last=b"")).close(), None),
    ):
        lab.origin.play(script)
        answer = lab.send(_request(lab))

        assert _read(answer, 2) == b"he"
        assert _read(answer, 3) == b"llo"
        for _ in range(2):
            error = lab.fails(IncompleteBodyError, answer.read, 5)
            assert (error.received, error.expected, error.phase) == (5, expected, "body")
        answer.close()
    lab.still_works()


@case("reading/malformed-chunk-raises", anchor="seam; RFC 9112, 7.1")
def malformed_chunk_raises(lab: Lab) -> None:
    """Data before a malformed chunk may be read, what follows it never: the framing is lost for good."""
    lab.origin.play(
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"hello", last=b"x\r\n" + chunked(b"y")))
    )
    answer = lab.send(_request(lab))
    assert _read(answer, 5) == b"hello"

    for _ in range(3):
        lab.fails(ProtocolError, answer.read, 65_536)
    answer.close()

    lab.still_works()


@case("reading/unread-rest-ends-the-connection", anchor="seam", tags=("security",))
def unread_rest_ends_the_connection(lab: Lab) -> None:
    """An answer that is closed before it was read whole takes its connection along, or its rest is the next answer."""
    for script in (
        raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"0123456789"),
        raw("HTTP/1.1 200 OK", "Content-Length: 1000000", body=b"01234").stall(),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"0123456789")),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"01234", last=b"")).stall(),
    ):
        for size in (0, 5):
            before = lab.origin.connections
            lab.origin.play(script)
            answer = lab.send(_request(lab))
            if size:
                assert _read(answer, size) == b"01234"
            answer.close()

            lab.still_works()
            assert lab.origin.connections > before


@case("reading/after-close", kind="pinned", anchor="seam", level="semantic")
def after_close(lab: Lab) -> None:
    """What was closed before it was read whole gives nothing more: what is left in a buffer is no part worth having."""
    for script, size in (
        (raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"abc"), 0),
        (raw("HTTP/1.1 200 OK", "Content-Length: 1000000", body=bytes(1_000_000)), 5),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"abc")), 3),
        (raw("HTTP/1.1 200 OK", "Connection: close", body=b"abc").close(), 3),
    ):
        lab.origin.play(script)
        answer = lab.send(_request(lab))
        assert len(_read(answer, size)) == size
        answer.close()

        for _ in range(2):
            lab.fails(ClosedError, answer.read, 10)
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"abc"))
    whole = lab.send(_request(lab))
    assert _read(whole, 10) == b"abc"
    whole.close()
    assert whole.read(10) == b""
    lab.still_works()


@case("reading/closed-twice", anchor="seam", level="semantic")
def closed_twice(lab: Lab) -> None:
    """``close`` may be called again, and late: it must not give back a connection that serves another call by then."""
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok"))
    first = lab.send(_request(lab))
    assert _read(first, 10) == b"ok"
    first.close()
    first.close()

    # Its end comes later: it cannot be there already when the first is closed once more.
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 4", body=b"ne").pause(0.02).send(b"xt"))
    second = lab.send(_request(lab))
    first.close()
    assert _read(second, 2) == b"ne"
    lab.still_works()
    assert _read(second, 10) == b"xt"
    second.close()

    lab.still_works()
    assert lab.origin.connections == 2


@case("reading/no-body-is-read-whole", anchor="seam", level="semantic")
def no_body_is_read_whole(lab: Lab) -> None:
    """Where there is no body, nothing has to be read before the connection goes back."""
    for method, start in (("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")):
        for is_read in (True, False):
            lab.origin.play(raw(f"HTTP/1.1 {start}", "Content-Length: 5" if start != "204 No Content" else "X: y"))
            answer = lab.send(_request(lab, method))
            if is_read:
                assert answer.read(10) == b""
            answer.close()
    lab.still_works()
    assert lab.origin.connections == 1
