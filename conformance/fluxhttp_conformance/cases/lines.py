"""The lines of a head: where they end, and which are malformed (RFC 9112, 2.2 and 5).

Where a peer and another one in front of it split a head differently, each sees
another answer; that is what response splitting and smuggling live on.
"""

from __future__ import annotations

import re

from fluxhttp import ProtocolError, ReceiveError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, raw

_LENGTH = ("Content-Length", "2")


def _among_good_ones(line: str) -> Script:
    """An answer that is complete and well-formed but for this line."""
    return raw("HTTP/1.1 200 OK", "X-Before: 1", line, "Content-Length: 2", "Set-Cookie: a=b", body=b"ok")


@case("lines/malformed", anchor="RFC 9112, 5", tags=("security",))
def malformed(lab: Lab) -> None:
    """A line that is no field refuses the head: to skip it, or what follows it, loses a Content-Length or a cookie."""
    for line in (
        "no colon",
        ":",
        ": v",
        "bad name: v",
        "X(Y): v",
        "X,Y: v",
        "X/Y: v",
        'X"Y: v',
        "X=Y: v",
        "{X}: v",
        "n\xe4me: v",
        "\xa0X: v",
        "n\x00me: v",
        "n\tme: v",
        "n\x7fme: v",
        "HTTP/1.1 200 OK",
    ):
        lab.refuse(ProtocolError, _among_good_ones(line), phase="head")
    lab.still_works()


@case("lines/blank-before-colon", kind="pinned", anchor="RFC 9112, 5.1; D10", tags=("security",))
def blank_before_colon(lab: Lab) -> None:
    """``Content-Length : 5`` is a length for some and no field for others; a blank before the colon is refused."""
    for line in (
        "X : v",
        "X\t: v",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\x0b: chunked",
    ):
        lab.refuse(ProtocolError, _among_good_ones(line), phase="head")
    lab.still_works()


@case("lines/control-bytes-in-values", kind="pinned", anchor="RFC 9110, 5.5; D10", tags=("security",))
def control_bytes_in_values(lab: Lab) -> None:
    """NUL, VT, FF, ESC and their like in a value are refused, and the error shows neither them nor the value."""
    for code in (*range(9), 11, 12, *range(14, 32), 127):
        error = lab.refuse(ProtocolError, _among_good_ones(f"X: s3cret{chr(code)}value"), phase="head")

        assert str(error).isprintable()
        assert "s3cret" not in str(error)
    for value in ("\x0bfirst", "last\x0c", "\x00", "2\x00"):
        lab.refuse(ProtocolError, _among_good_ones(f"X: {value}"), phase="head")
    lab.still_works()


@case("lines/bare-cr", kind="pinned", anchor="RFC 9112, 2.2; D10", tags=("security",))
def bare_cr(lab: Lab) -> None:
    """A CR without LF ends a line for some peers and none for others, so the head is invalid."""
    for line in ("X: a\rb", "X: a\rY: b", "X:\rv", "X\r: v", "\rX: v", "X: v\r", "X: v\r\r", "\r"):
        lab.refuse(ProtocolError, _among_good_ones(line), phase="head")
    lab.still_works()


@case("lines/cr-alone-throughout", anchor="RFC 9112, 2.2", tags=("security",))
def cr_alone_throughout(lab: Lab) -> None:
    """A head whose lines all end in CR alone never ends; it is no empty 200."""
    lab.refuse(ReceiveError, Script().send(b"HTTP/1.1 200 OK\rContent-Length: 2\r\rok").close(), phase="head")
    lab.still_works()


@case("lines/lf-alone", kind="pinned", anchor="RFC 9112, 2.2; D10")
def lf_alone(lab: Lab) -> None:
    """LF alone ends a line, throughout a head or in one line of it; a value does not go on behind it."""
    for head in (
        b"HTTP/1.1 200 Fine\nX: a\nY: b\nContent-Length: 2\n\n",
        b"HTTP/1.1 200 Fine\r\nX: a\nY: b\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 Fine\nX: a\r\nY: b\r\nContent-Length: 2\r\n\n",
        b"HTTP/1.1 200 Fine\r\nX: a\r\nY: b\nContent-Length: 2\n\r\n",
    ):
        response = lab.receive(Script().send(head + b"ok"))

        assert (response.status_code, response.reason, response.body) == (200, "Fine", b"ok")
        assert response.headers.multi_items() == (("X", "a"), ("Y", "b"), _LENGTH)
    lab.refuse(ProtocolError, _among_good_ones("X: a\nno field"), phase="head")
    lab.still_works()


@case("lines/head-ends-at-the-first-empty-line", anchor="RFC 9112, 2.1", tags=("security",))
def head_ends_at_the_first_empty_line(lab: Lab) -> None:
    """What follows the first empty line is body, however much it looks like fields, and however both lines end."""
    for empty in (b"\r\n", b"\n"):
        for end in (b"\r\n", b"\n"):
            for rest in (b"Set-Cookie: a=b" + end + empty + b"x", b"\r\nx", b"\nx", b"\n\r\nx", b"\r\n\r\n"):
                head = b"HTTP/1.1 200 OK%bContent-Length: %d%b%b" % (end, len(rest), end, empty)

                response = lab.receive(Script().send(head + rest))

                assert response.headers.multi_items() == (("Content-Length", str(len(rest))),)
                assert response.body == rest
    lab.still_works()
    assert lab.origin.connections == 1


@case("lines/folded", kind="pinned", anchor="RFC 9112, 5.2; D10")
def folded(lab: Lab) -> None:
    """A line that begins with a blank goes on the one before it, joined by one space: never a field of its own."""
    for end in ("\r\n", "\n"):
        lines = (
            "A: one",
            " two",
            "B:",
            "\t \tthree",
            "C: four \t",
            "  five",
            "\tsix",
            "D: x",
            " Y: z",
            "Content-Length: 2",
        )

        response = lab.receive(Script().send(f"HTTP/1.1 200 OK{end}{end.join(lines)}{end}{end}ok".encode()))

        assert response.headers.multi_items() == (
            ("A", "one two"),
            ("B", "three"),
            ("C", "four five six"),
            ("D", "x Y: z"),
            _LENGTH,
        )
        assert response.body == b"ok"
    lab.still_works()


@case("lines/fold-of-nothing", anchor="RFC 9112, 2.2", tags=("security",))
def fold_of_nothing(lab: Lab) -> None:
    """A blank in front of the first field continues nothing: a head that begins so is refused."""
    for line in (" X: v", "\tX: v", " ", "\t", " Content-Length: 0"):
        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", line, "Content-Length: 2", body=b"ok"), phase="head")
    lab.still_works()


@case("lines/no-empty-line", anchor="RFC 9112, 8", tags=("security",))
def no_empty_line(lab: Lab) -> None:
    """Fields without the empty line that ends them are a cut head: the line that was lost may have been the length."""
    for head in (
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX: v",
        b"HTTP/1.1 200 OK\r\nX: v\r",
        b"HTTP/1.1 200 OK\r\nX: v\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n ",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n",
    ):
        lab.refuse(ReceiveError, Script().send(head).close(), phase="head")
    lab.still_works()


#: A head in parts; a byte goes between each two of them, and at both ends.
_PARTS = (
    *("HTTP", "/", "1.1", " ", "200", " ", "OK", "\r", "\n"),
    *("Na", "me", ":", " ", "va", "lue", "\r", "\n"),
)
_REST = "Content-Length: 2\r\n\r\nok"
#: Before which parts each byte is harmless: a blank or colon is text in a reason
#: and in a value, a blank begins a folded line, LF ends a line. All else is refused.
_HARMLESS = {
    "\0": (),
    "\r": (),
    "\n": (7, 8, 9, 12, 15, 16, 17),
    "\t": (6, 7, 12, 13, 14, 15, 17),
    " ": (3, 4, 5, 6, 7, 12, 13, 14, 15, 17),
    ":": (6, 7, 10, 11, 12, 13, 14, 15),
}


@case("lines/a-separator-more", kind="pinned", anchor="RFC 9112, 2.2; D10", tags=("security",))
def a_separator_more(lab: Lab) -> None:
    """LF, CR, TAB, SP, NUL and colon, each at 18 places: where it is not plainly text, the head is refused."""
    for byte, harmless in _HARMLESS.items():
        for place in range(len(_PARTS) + 1):
            head = "".join((*_PARTS[:place], byte, *_PARTS[place:]))
            script = Script().send((head + _REST).encode()).close()
            if place not in harmless:
                lab.refuse(ProtocolError, script, phase="head")
                continue

            response = lab.receive(script)

            rest = re.split(r"\n\r?\n", head + _REST, maxsplit=1)[1]
            assert response.status_code == 200
            assert response.body.decode() == (rest[:2] if "content-length" in response.headers else rest)
    lab.still_works()
