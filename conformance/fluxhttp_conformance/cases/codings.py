"""Content codings: gzip and deflate are asked for and undone, all else is passed on (RFC 9110, 8.4; decision D9).

A transport leaves them alone. One that decodes by itself hands the client a
body that its fields do not describe.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw

if TYPE_CHECKING:
    from fluxhttp.testing import Script

TEXT = b"The same text, the same text, the same text again. " * 20


def gzipped(data: bytes) -> bytes:
    """As gzip (RFC 1952), the same each time."""
    return gzip.compress(data, mtime=0)


def raw_deflated(data: bytes) -> bytes:
    """As bare deflate (RFC 1951)."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def coded(coding: str, body: bytes, *lines: str, status: str = "200 OK") -> Script:
    """An answer with that Content-Encoding and body, and a Content-Length."""
    return raw(f"HTTP/1.1 {status}", f"Content-Encoding: {coding}", f"Content-Length: {len(body)}", *lines, body=body)


@case("codings/gzip", anchor="RFC 9110, 8.4.1.3", level="core")
def gzip_is_undone(lab: Lab) -> None:
    """A gzip body comes out decoded, in each of the three framings, and the connection lives on where it can."""
    body = gzipped(TEXT)
    for script in (
        coded("gzip", body),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked(body)),
    ):
        response = lab.receive(script)

        assert response.body == TEXT
    lab.still_works()
    assert lab.origin.connections == 1
    assert lab.receive(raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", body=body).close()).body == TEXT


@case("codings/in-pieces", anchor="RFC 9110, 8.4.1.3", level="core")
def in_pieces(lab: Lab) -> None:
    """Where the pieces of a coded body end makes no difference, be it within its header or its checksum."""
    body = gzipped(TEXT)
    for size in (1, 2, 7, 11):
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        script = raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked(*pieces))

        assert lab.receive(script).body == TEXT
        assert lab.receive(script.dribbled()).body == TEXT
    lab.still_works()


@case("codings/deflate", anchor="RFC 9110, 8.4.1.2", level="core")
def deflate_is_undone(lab: Lab) -> None:
    """``deflate`` is a zlib stream; some servers send it without its wrapper, and both are read."""
    for body in (
        zlib.compress(TEXT),
        zlib.compress(TEXT, 0),
        raw_deflated(TEXT),
        raw_deflated(b"x"),
        zlib.compress(b""),
    ):
        response = lab.receive(coded("deflate", body))

        assert response.body in (TEXT, b"x", b"")
        assert (response.body == b"") is (body == zlib.compress(b""))
        assert (response.body == b"x") is (body == raw_deflated(b"x"))
    lab.still_works()


@case("codings/fields-of-a-decoded-body", kind="pinned", anchor="D9", level="core")
def fields_of_a_decoded_body(lab: Lab) -> None:
    """Content-Encoding and Content-Length told of the coded body, so they go; every other field stays as it came."""
    response = lab.receive(coded("gzip", gzipped(TEXT), "ETag: x", "Vary: Accept-Encoding"))

    assert response.headers.multi_items() == (("ETag", "x"), ("Vary", "Accept-Encoding"))
    assert response.body == TEXT


@case("codings/callers-own", kind="pinned", anchor="D9", level="core")
def callers_own(lab: Lab) -> None:
    """Who sets Accept-Encoding or Range gets the bytes as they came, with the fields that describe them."""
    body = gzipped(TEXT)
    for headers in (
        {"Accept-Encoding": "gzip"},
        {"accept-encoding": "identity"},
        {"Accept-Encoding": "br;q=1, gzip;q=0.5"},
        {"Range": "bytes=0-99"},
        {"RANGE": "bytes=0-99", "Accept-Encoding": "gzip"},
    ):
        response = lab.receive(coded("gzip", body), headers=headers)

        assert response.body == body
        assert response.headers.multi_items() == (("Content-Encoding", "gzip"), ("Content-Length", str(len(body))))
        wanted = [value for name, value in headers.items() if name.lower() == "accept-encoding"]
        assert lab.requests[-1].values("accept-encoding") == wanted
    lab.still_works()


@case("codings/head", kind="pinned", anchor="RFC 9110, 9.3.2; D9", level="core")
def head(lab: Lab) -> None:
    """HEAD asks for no coding, has nothing to decode, and keeps the fields that it was sent for."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 77"), "HEAD")

    assert response.body == b""
    assert response.headers.multi_items() == (("Content-Encoding", "gzip"), ("Content-Length", "77"))
    assert lab.requests[-1].values("accept-encoding") == []
    lab.still_works()
    assert lab.origin.connections == 1


@case("codings/unknown", kind="pinned", anchor="RFC 9110, 8.4; D9", level="core")
def unknown(lab: Lab) -> None:
    """A body in a coding that is not known, alone or in a chain, is passed on whole, with its fields to say so."""
    body = gzipped(TEXT)
    for coding in (
        "br",
        "zstd",
        "compress",
        "aes128gcm",
        "gzip, br",
        "br, gzip",
        "gzip;q=1",
        "gzip deflate",
        "*",
        "gz\xefp",
    ):
        response = lab.receive(coded(coding, body))

        assert response.body == body
        assert response.headers.multi_items() == (("Content-Encoding", coding), ("Content-Length", str(len(body))))
    lab.still_works()
    assert lab.origin.connections == 1


@case("codings/identity", anchor="RFC 9110, 8.4", level="core")
def identity(lab: Lab) -> None:
    """No coding, ``identity`` or an empty value: the body is what it is, even if it happens to be a gzip file."""
    body = gzipped(TEXT)
    for lines in ((), ("Content-Encoding: identity",), ("Content-Encoding:",), ("Content-Encoding: , IDENTITY,",)):
        response = lab.receive(raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines, body=body))

        assert response.body == body
        assert len(response.headers.multi_items()) == 1 + len(lines)
    lab.still_works()


@case("codings/names", kind="pinned", anchor="RFC 9110, 8.4.1; D9", level="core")
def names(lab: Lab) -> None:
    """Names of codings have no case, ``x-gzip`` is gzip; blanks, empty members and ``identity`` count for nothing."""
    for coding in ("GZIP", "x-gzip", "X-GZip", "\tgzip ,", ", gzip", "gzip , identity", "identity,gzip"):
        response = lab.receive(coded(coding, gzipped(TEXT)))

        assert response.body == TEXT
        assert response.headers.multi_items() == ()
    lab.still_works()


@case("codings/chain", anchor="RFC 9110, 8.4", level="core")
def chain(lab: Lab) -> None:
    """Codings are listed in the order they were applied, in one line or several, and undone from the last."""
    twice = gzipped(zlib.compress(TEXT))
    for lines in (
        ("Content-Encoding: deflate, gzip",),
        ("Content-Encoding: deflate", "Content-Encoding: gzip"),
        ("Content-Encoding: deflate", "X: y", "content-encoding: identity, x-gzip"),
    ):
        response = lab.receive(raw("HTTP/1.1 200 OK", *lines, f"Content-Length: {len(twice)}", body=twice))

        assert response.body == TEXT
        assert "content-encoding" not in response.headers
    assert lab.receive(coded("gzip, gzip", gzipped(gzipped(TEXT)))).body == TEXT
    body = TEXT
    for _ in range(5):
        body = gzipped(body)
    assert lab.receive(coded("gzip, gzip, gzip, gzip, gzip", body)).body == TEXT
    lab.still_works()


@case("codings/every-status", anchor="RFC 9110, 8.4", level="core")
def every_status(lab: Lab) -> None:
    """An error's body is coded like any other, and is needed most."""
    for status in ("201 Made", "206 Partial", "404 Not Found", "500 Oh", "503 Later", "999 No"):
        response = lab.receive(coded("gzip", gzipped(TEXT), status=status))

        assert response.body == TEXT
    lab.still_works()


@case("codings/nothing-to-decode", kind="pinned", anchor="D9", level="core")
def nothing_to_decode(lab: Lab) -> None:
    """Servers label empty bodies gzip, too: no byte at all is no damaged stream, but an empty body."""
    for script in (
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Content-Length: 0"),
        raw("HTTP/1.1 202 Accepted", "Content-Encoding: deflate", "Content-Length: 0"),
        raw("HTTP/1.1 204 No Content", "Content-Encoding: gzip"),
        raw("HTTP/1.1 304 Not Modified", "Content-Encoding: gzip", "Content-Length: 99"),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked()),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip, deflate", "Transfer-Encoding: chunked", body=chunked()),
    ):
        assert lab.receive(script).body == b""
    assert lab.receive(coded("gzip", gzipped(b""))).body == b""
    lab.still_works()
    assert lab.origin.connections == 1
    assert lab.receive(raw("HTTP/1.1 200 OK", "Content-Encoding: gzip").close()).body == b""


@case("codings/several-members", anchor="RFC 9110, 8.4.1.3", level="core")
def several_members(lab: Lab) -> None:
    """A gzip body may have several members, some of them empty: a client that stops after the first cuts it."""
    body = b"".join(gzipped(part) for part in (b"one, ", b"", b"two, ", b"three", b""))
    for script in (
        coded("gzip", body),
        coded("gzip", body).dribbled(),
        raw(
            "HTTP/1.1 200 OK",
            "Content-Encoding: gzip",
            "Transfer-Encoding: chunked",
            body=chunked(body[:26], body[26:]),
        ),
    ):
        assert lab.receive(script).body == b"one, two, three"
    lab.still_works()
