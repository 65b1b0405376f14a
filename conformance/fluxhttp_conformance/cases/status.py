"""The status line of an answer (RFC 9112, 4)."""

from __future__ import annotations

from fluxhttp import Config, ProtocolError, ReceiveError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, raw


def _line(status_line: str) -> Script:
    """An answer whose head is well-formed but for its status line."""
    return raw(status_line, "Content-Length: 2", body=b"ok")


@case("status/every-status-is-an-answer", kind="pinned", anchor="D17", level="semantic")
def every_status_is_an_answer(lab: Lab) -> None:
    """404 and 500 are answers with a body, not failures of the transport; the connection is as good as after a 200."""
    codes = (200, 201, 202, 203, 206, 300, 301, 302, 307, 400, 401, 403, 404, 405, 407, 418, 429, 500, 502, 503)
    for code in codes:
        body = b"body of %d" % code
        response = lab.receive(raw(f"HTTP/1.1 {code} Reason", f"Content-Length: {len(body)}", body=body))

        assert (response.status_code, response.reason, response.body) == (code, "Reason", body)
        assert response.ok is (code < 400)
        assert response.history == ()
    lab.still_works()
    assert lab.origin.connections == 1


@case("status/unregistered-codes", anchor="RFC 9110, 15")
def unregistered_codes(lab: Lab) -> None:
    """A client must understand a code that nobody registered as the first of its class, so it must hand it out."""
    for code in (299, 345, 499, 555, 599):
        response = lab.receive(_line(f"HTTP/1.1 {code} Own Invention"))

        assert (response.status_code, response.reason, response.body) == (code, "Own Invention", b"ok")
    lab.still_works()
    assert lab.origin.connections == 1


@case("status/codes-beyond-599", kind="pinned", anchor="D10")
def codes_beyond_599(lab: Lab) -> None:
    """Three digits are a status, even of no class: some servers send 999 to clients they dislike."""
    for code in (600, 700, 999):
        response = lab.receive(_line(f"HTTP/1.1 {code} "))

        assert (response.status_code, response.reason, response.body) == (code, "", b"ok")
    lab.still_works()
    assert lab.origin.connections == 1


@case("status/reason-phrase", anchor="RFC 9112, 4")
def reason_phrase(lab: Lab) -> None:
    """The reason phrase is text of the server's own, blanks and 8-bit bytes included; no byte of it is lost."""
    for reason in ("OK", "Not  Quite\tOK", "200 HTTP/1.1", "na\xefve? \xff\x80", "\xe2\x82\xac", ":", "x" * 1000):
        response = lab.receive(_line(f"HTTP/1.1 200 {reason}"))

        assert (response.status_code, response.reason, response.body) == (200, reason, b"ok")
    lab.still_works()


@case("status/no-reason-phrase", anchor="RFC 9112, 4")
def no_reason_phrase(lab: Lab) -> None:
    """The reason phrase may be empty; some servers leave out the space before it, too."""
    for line in ("HTTP/1.1 404 ", "HTTP/1.1 404"):
        response = lab.receive(_line(line))

        assert (response.status_code, response.reason, response.body) == (404, "", b"ok")
    lab.still_works()


@case("status/extra-spaces", kind="pinned", anchor="RFC 9112, 4; D10")
def extra_spaces(lab: Lab) -> None:
    """More than one space before the code is an old habit; a second one after it belongs to the reason."""
    for line, reason in (("HTTP/1.1   200 OK", "OK"), ("HTTP/1.1 200  OK", " OK")):
        response = lab.receive(_line(line))

        assert (response.status_code, response.reason, response.body) == (200, reason, b"ok")
    lab.still_works()


@case("status/minor-versions", anchor="RFC 9110, 6.2")
def minor_versions(lab: Lab) -> None:
    """A higher minor version is read as the highest one known; what was received is told."""
    for version in ("HTTP/1.0", "HTTP/1.1", "HTTP/1.2", "HTTP/1.7"):
        response = lab.receive(_line(f"{version} 200 OK"))

        assert (response.http_version, response.status_code, response.body) == (version, 200, b"ok")
    lab.still_works()


@case("status/malformed-versions", anchor="RFC 9112, 2.3")
def malformed_versions(lab: Lab) -> None:
    """A version is one digit, a dot and one digit: 1.12 is no minor version of 1.1."""
    for version in ("1", "1.", ".1", "1.12", "12.1", "1.1.1", "1.x", "A.1", "X.Y.Z", "1,1", "+1.1", " 1.1", "1.\xb9"):
        lab.refuse(ProtocolError, _line(f"HTTP/{version} 200 OK"), phase="head")
    lab.still_works()


@case("status/other-major-versions", kind="pinned", anchor="D10")
def other_major_versions(lab: Lab) -> None:
    """What HTTP/2.0 or HTTP/0.9 stands in front of is not HTTP/1: its framing cannot be trusted."""
    for version in ("0.0", "0.9", "2.0", "2.1", "3.0", "4.2"):
        lab.refuse(ProtocolError, _line(f"HTTP/{version} 200 OK"), phase="head")
    lab.still_works()


@case("status/other-protocol-names", anchor="RFC 9112, 2.3")
def other_protocol_names(lab: Lab) -> None:
    """The name is HTTP, in capitals and with a slash; RTSP and ICE answers only look alike."""
    for start in (
        "HTTPER/1.1",
        "ABCD/1.1",
        "NOTHTTP/1.1",
        "RTSP/1.1",
        "ICE/1.1",
        "HTTP1.1",
        "HTTP\\1.1",
        "HTTP /1.1",
        "http/1.1",
        "Http/1.1",
        " HTTP/1.1",
        "/1.1",
        "",
    ):
        lab.refuse(ProtocolError, _line(f"{start} 200 OK"), phase="head")
    lab.still_works()


@case("status/code-is-three-digits", anchor="RFC 9112, 4", tags=("security",))
def code_is_three_digits(lab: Lab) -> None:
    """``int(code)`` takes 2, +20, 2_0 and digits of other alphabets; HTTP takes three ASCII digits."""
    for code in (
        "0",
        "2",
        "20",
        "2000",
        "20000000000000000000",
        "20c",
        "c20",
        "200OK",
        "abc",
        "2.0",
        "-20",
        "+20",
        "2_0",
        "0x8",
        "2 0",
        "\xb2\xb9\xb9",
        "\xd9\xa2",
        "",
        "OK",
    ):
        lab.refuse(ProtocolError, _line(f"HTTP/1.1 {code}"), phase="head")
        lab.refuse(ProtocolError, _line(f"HTTP/1.1 {code} OK"), phase="head")
    lab.still_works()


@case("status/codes-below-100", kind="pinned", anchor="D10")
def codes_below_100(lab: Lab) -> None:
    """000 and 099 have three digits, but are of no class: neither interim nor final."""
    for code in ("000", "001", "099"):
        lab.refuse(ProtocolError, _line(f"HTTP/1.1 {code} OK"), phase="head")
    lab.still_works()


@case("status/separators", kind="pinned", anchor="RFC 9112, 4; D10", tags=("security",))
def separators(lab: Lab) -> None:
    """Only SP separates the parts of a status line: peers that split it elsewhere see another answer."""
    for line in (
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1\x0b200 OK",
        "HTTP/1.1 200\x0cOK",
        "HTTP/1.1\xa0200 OK",
        "HTTP/1.1 200\x85OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1",
        "HTTP/1.1 ",
    ):
        lab.refuse(ProtocolError, _line(line), phase="head")
    lab.still_works()


@case("status/bare-cr", kind="pinned", anchor="RFC 9112, 2.2; D10", tags=("security",))
def bare_cr(lab: Lab) -> None:
    """A CR without LF ends a line for some and none for others, so the answer is invalid."""
    for line in (
        "HTTP/1.1\r 200 OK",
        "HTTP/1.1 \r200 OK",
        "HTTP/1.1 200\rOK",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 OK\r",
    ):
        lab.refuse(ProtocolError, _line(line), phase="head")
    lab.still_works()


@case("status/control-bytes-in-reason", kind="pinned", anchor="RFC 9112, 4; D10", tags=("security",))
def control_bytes_in_reason(lab: Lab) -> None:
    """A NUL or an escape sequence in the reason phrase must not reach a log or a terminal, nor may an error show it."""
    for code in (*range(9), *range(11, 32), 127):
        error = lab.refuse(ProtocolError, _line(f"HTTP/1.1 200 Fi{chr(code)}ne"), phase="head")

        assert str(error).isprintable()
    lab.still_works()


@case("status/another-protocol", kind="pinned", anchor="RFC 9112, 4; D10")
def another_protocol(lab: Lab) -> None:
    """A peer that speaks first in another tongue, and then waits, is refused at once and not when time is over."""
    for banner in (
        b"220 mail.test ESMTP ready\r\n",
        b"SSH-2.0-OpenSSH_9.7\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"<html><body>HTTP/0.9</body></html>",
        b"+OK POP3\r\n",
        b"\x00",
    ):
        lab.refuse(ProtocolError, Script().send(banner).stall(), phase="head", config=Config(timeout=2.0))
    lab.still_works()


@case("status/end-in-status-line", anchor="RFC 9112, 8")
def end_in_status_line(lab: Lab) -> None:
    """A peer that goes away within the status line has not answered."""
    for start in ("", "H", "HTT", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r"):
        lab.refuse(ReceiveError, Script().send(start.encode()).close(), phase="head")
    lab.still_works()


@case("status/empty-line-in-front", kind="pinned", anchor="RFC 9112, 2.2; D10", tags=("security",))
def empty_line_in_front(lab: Lab) -> None:
    """Only servers may skip an empty line, before a request; before an answer it is the rest of something else."""
    for start in (b"\r\n", b"\n", b"\r\n\r\n", b" \r\n"):
        lab.refuse(
            ProtocolError,
            Script().send(start + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            phase="head",
        )
    lab.still_works()
