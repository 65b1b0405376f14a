"""Transfer-Encoding and trailers: what makes a body chunked, and what may follow it (RFC 9112, 6.1 and 7.1.2)."""

from __future__ import annotations

from fluxhttp import ProtocolError
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw


@case("transfer/chunked-in-any-case", anchor="RFC 9112, 7")
def chunked_in_any_case(lab: Lab) -> None:
    """The names of transfer codings have no case."""
    for value in ("chunked", "CHUNKED", "Chunked", "\tchunked "):
        response = lab.receive(raw("HTTP/1.1 200 OK", f"Transfer-Encoding: {value}", body=chunked(b"hello")))

        assert response.body == b"hello"
    lab.still_works()
    assert lab.origin.connections == 1


@case("transfer/anything-but-chunked", kind="pinned", anchor="RFC 9112, 6.1; D10", tags=("security",))
def anything_but_chunked(lab: Lab) -> None:
    """Where a peer in between understands a coding otherwise, the body ends elsewhere: only ``chunked`` is trusted."""
    for value in (
        *("", "identity", "gzip", "xchunked", "chunkedchunked", "chunked-x", "x chunked", "chunked x", "chun ked"),
        *(
            "gzip, chunked",
            "chunked, gzip",
            "chunked, deflate",
            "chunked, chunked",
            "chunked, identity",
            "identity, chunked",
        ),
        *(
            "chunked,",
            ",chunked",
            ", chunked",
            "chunked;q=1",
            "chunked; ",
            '"chunked"',
            "'chunked'",
            "chunke\xf0",
            "\xa0chunked",
        ),
    ):
        for lines in ((), ("Content-Length: 2",)):
            script = raw("HTTP/1.1 200 OK", f"Transfer-Encoding: {value}", *lines, body=chunked(b"hello")).close()

            lab.refuse(ProtocolError, script, phase="head")
    lab.still_works()


@case("transfer/several-lines", kind="pinned", anchor="RFC 9112, 6.1; D10", tags=("security",))
def several_lines(lab: Lab) -> None:
    """Two Transfer-Encoding lines, or one that goes on in a folded line, are a list: not one ``chunked``."""
    for lines in (
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: identity", "transfer-encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding:"),
        ("Transfer-Encoding: chunked", " , identity"),
        ("Transfer-Encoding: x", " chunked"),
    ):
        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", *lines, body=chunked(b"hello")).close(), phase="head")
    lab.still_works()


@case("transfer/in-http-1-0", kind="pinned", anchor="RFC 9112, 6.1; D10", tags=("security",))
def in_http_1_0(lab: Lab) -> None:
    """HTTP/1.0 knows no chunks, so an answer of that version that has them is faulty, and refused."""
    for lines in ((), ("Connection: keep-alive",), ("Content-Length: 2",)):
        script = raw("HTTP/1.0 200 OK", "Transfer-Encoding: chunked", *lines, body=chunked(b"hello")).close()

        lab.refuse(ProtocolError, script, phase="head")
    lab.still_works()


@case("transfer/beside-a-length", kind="pinned", anchor="RFC 9112, 6.3; D10", tags=("security",))
def beside_a_length(lab: Lab) -> None:
    """Chunks outrank a length, but both together may be smuggling: the connection is not used again."""
    for length in (0, 2, 15, 1000):
        for lines in (
            (f"Content-Length: {length}", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: chunked", f"Content-Length: {length}"),
        ):
            before = lab.origin.connections

            response = lab.receive(raw("HTTP/1.1 200 OK", *lines, body=chunked(b"hello")))

            assert response.body == b"hello"
            lab.still_works()
            assert lab.origin.connections > before


@case("trailers/are-dropped", anchor="RFC 9110, 6.5.1", tags=("security",))
def are_dropped(lab: Lab) -> None:
    """Trailers are no part of the body, and never become fields: a late Set-Cookie or length was checked by nobody."""
    names = (
        "X-Sum",
        "Set-Cookie",
        "Authorization",
        "Content-Length",
        "Content-Encoding",
        "Transfer-Encoding",
        "Location",
    )
    trailers = "".join(f"{name}: 2\r\n" for name in names).encode()

    for last in (b"0\r\n" + trailers + b"\r\n", b"0;x=y\r\n" + trailers + b"\r\n"):
        response = lab.receive(
            raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum", body=chunked(b"hello", last=last))
        )

        assert response.body == b"hello"
        assert response.headers.multi_items() == (("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
    lab.still_works()
    assert lab.origin.connections == 1


@case("trailers/malformed", anchor="RFC 9112, 7.1.2", tags=("security",))
def malformed_trailers(lab: Lab) -> None:
    """Trailers are fields: what is none refuses the answer, for then the last chunk was not the last."""
    for line in (b"no colon", b": v", b"X : v", b"X Y: v", b"X: \x00", b"X: a\rb", b" X: v", b"5\r\nhello", b"\xe4: v"):
        body = chunked(b"hello", last=b"0\r\n" + line + b"\r\n\r\n")

        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=body), phase="body")
    lab.still_works()


@case("trailers/endless", anchor="RFC 9110, 6.5.1", tags=("security",))
def endless_trailers(lab: Lab) -> None:
    """Nobody asked for trailers, so nobody waits for the end of endless ones, or keeps them (CVE-2021-3737)."""
    for piece in (b"X: " + b"v" * 100 + b"\r\n", b"a:\r\n" * 1000, b"X" * 16_384):
        script = raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"hello", last=b"0\r\n"))

        lab.refuse(ProtocolError, script.send(piece, times=None), phase="body")
    lab.still_works()


@case("trailers/that-must-not-be-one", kind="pinned", anchor="RFC 9110, 6.5.1; D10", tags=("security",))
def that_must_not_be_one(lab: Lab) -> None:
    """An answer that announces its length, or the coding of its framing, for afterwards cannot be read safely."""
    for name in ("Content-Length", "transfer-encoding", "Trailer", "X-Sum, Content-Length", "X-Sum,\ttrailer , X"):
        script = raw(
            "HTTP/1.1 200 OK", "Transfer-Encoding: chunked", f"Trailer: {name}", body=chunked(b"hello")
        ).close()

        lab.refuse(ProtocolError, script, phase="head")
    lab.still_works()
