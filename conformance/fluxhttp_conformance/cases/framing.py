"""Where a body ends (RFC 9112, 6 and 8); chunks have a module of their own."""

from __future__ import annotations

from fluxhttp import Config, IncompleteBodyError, Limits, ProtocolError
from fluxhttp_conformance.case import SURPLUS, case
from fluxhttp_conformance.lab import OK, Lab, chunked, raw
from fluxhttp_conformance.memory import memory_below

_POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"


@case("framing/content-length", anchor="RFC 9112, 6.3")
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


@case("framing/no-body-where-one-was-declared", anchor="RFC 9112, 8")
def no_body_where_one_was_declared(lab: Lab) -> None:
    """A peer that goes away right after the head has not sent the body it declared, not even an empty one."""
    error = lab.refuse(IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: 1").close(), phase="body")

    assert (error.received, error.expected) == (0, 1)
    lab.still_works()


@case("framing/short-large-body", anchor="RFC 9112, 8")
def short_large_body(lab: Lab) -> None:
    """A download that broke off is an error that counts each byte of it, however it is read."""
    for received, expected in ((65_536, 65_537), (300_001, 1_000_000), (3_999_999, 4_000_000), (1, 50_000_000)):
        script = raw("HTTP/1.1 200 OK", f"Content-Length: {expected}", body=bytes(received)).close()

        error = lab.refuse(IncompleteBodyError, script, phase="body")

        assert (error.received, error.expected) == (received, expected)
    lab.still_works()


@case("framing/empty-body", anchor="RFC 9112, 6.3", level="semantic")
def empty_body(lab: Lab) -> None:
    """No content is empty bytes, however its end is told."""
    for script in (
        raw("HTTP/1.1 200 OK", "Content-Length: 0"),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked()),
        raw("HTTP/1.1 200 OK", "Connection: close").close(),
    ):
        response = lab.receive(script)

        assert response.body == b""
        assert response.text == ""
    lab.still_works()


@case("framing/body-sizes", anchor="RFC 9112, 6.3", level="semantic")
def body_sizes(lab: Lab) -> None:
    """Bodies below, at and above the sizes of buffers come out byte for byte, in each of the three framings."""
    pattern = bytes(range(251)) * 17_000
    for size in (1, 4095, 4096, 8192, 65_535, 65_537, 262_144, 262_145, 300_000, 4_194_304):
        body = pattern[:size]
        pieces = [body[start : start + 70_000] for start in range(0, size, 70_000)]
        for script in (
            raw("HTTP/1.1 200 OK", f"Content-Length: {size}", body=body),
            raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(*pieces)),
            raw("HTTP/1.1 200 OK", "Connection: close", body=body).close(),
        ):
            response = lab.receive(script)

            assert len(response.body) == size
            is_same = response.body == body
            assert is_same, f"a body of {size} bytes came out otherwise"
    lab.still_works()


@case(
    "framing/surplus-bytes",
    anchor="RFC 9112, 6.3",
    tags=("security",),
    sent_whole=SURPLUS,
)
def surplus_bytes(lab: Lab) -> None:
    """What follows a complete answer belongs to no request: it is neither body nor the next answer."""
    for script in (
        raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok" + _POISON),
        raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok, and more"),
        raw("HTTP/1.1 200 OK", "Content-Length: 0", body=_POISON),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"ok") + _POISON),
        raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"ok") + b"\r\n"),
        raw("HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close", body=b"ok" + _POISON),
    ):
        before = lab.origin.connections

        response = lab.receive(script)

        assert response.body == (b"" if response.headers.get("content-length") == "0" else b"ok")
        lab.still_works()
        assert lab.origin.connections > before


@case("framing/reset-in-body", anchor="RFC 9112, 8")
def reset_in_body(lab: Lab) -> None:
    """A reset within a body is an incomplete body, too, and tells what came before it."""
    for received, expected in ((5, 10), (3_000_000, 4_000_000)):
        script = raw("HTTP/1.1 200 OK", f"Content-Length: {expected}", body=bytes(received)).pause(0.1).reset()

        error = lab.refuse(IncompleteBodyError, script, phase="body")

        assert (error.received, error.expected) == (received, expected)
    lab.still_works()


@case("framing/length-is-digits-only", anchor="RFC 9110, 8.6", tags=("security",))
def length_is_digits_only(lab: Lab) -> None:
    """``int(value)`` takes +5, 0_5 and digits of other alphabets; a length is ASCII digits, at least one."""
    for value in (
        *("", "cat", "-5", "+5", "-0", "0x5", "5.0", "5e0", "0_5", "5 5", "5;", "5;q=1", "5,", ",5", "5,6", '"5"'),
        *("\xb2", "\xd9\xa5", "\xef\xbc\x95", "\xa05", "5\x85", "5L", "0b1", "inf", "NaN", "5\tx"),
    ):
        lab.refuse(
            ProtocolError, raw("HTTP/1.1 200 OK", f"Content-Length: {value}", body=b"hello").close(), phase="head"
        )
        # A length that is not to be trusted is no better beside chunks, or where no body is.
        lab.refuse(
            ProtocolError,
            raw("HTTP/1.1 200 OK", f"Content-Length: {value}", "Transfer-Encoding: chunked", body=chunked(b"hello")),
            phase="head",
        )
    lab.still_works()


@case("framing/length-has-a-bound", anchor="RFC 9110, 8.6", tags=("security",))
def length_has_a_bound(lab: Lab) -> None:
    """Lengths that no machine can hold are refused, not left to end in an OverflowError or in minutes of ``int``."""
    for value in (2**63, 2**64, 2**64 + 5, 10**30, 10**100):
        lab.refuse(
            ProtocolError, raw("HTTP/1.1 200 OK", f"Content-Length: {value}", body=b"hello").close(), phase="head"
        )
    lab.refuse(
        ProtocolError, raw("HTTP/1.1 200 OK", f"Content-Length: {'9' * 200_000}", body=b"x").close(), phase="head"
    )
    lab.still_works()


@case("framing/huge-length-costs-nothing", anchor="RFC 9112, 6.3", tags=("security",))
def huge_length_costs_nothing(lab: Lab) -> None:
    """A length of terabytes is only a number until the bytes come: no memory is set aside for it."""
    for length in (2**30, 2**32, 10**13, 2**63 - 1):
        script = raw("HTTP/1.1 200 OK", f"Content-Length: {length}", body=b"hello").close()

        with memory_below(4_194_304):
            error = lab.refuse(IncompleteBodyError, script, phase="body", config=Config(limits=Limits(body=None)))

        assert (error.received, error.expected) == (5, length)
    lab.still_works()


@case("framing/leading-zeros-in-a-length", anchor="RFC 9110, 8.6")
def leading_zeros_in_a_length(lab: Lab) -> None:
    """A length is decimal, whatever it begins with: 010 is ten."""
    for value, body in (("02", b"ok"), ("010", b"0123456789"), ("000", b"")):
        response = lab.receive(raw("HTTP/1.1 200 OK", f"Content-Length: {value}", body=body))

        assert response.body == body
        assert response.headers["content-length"] == value
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/lengths-that-differ", anchor="RFC 9112, 6.3; D21", tags=("security",))
def lengths_that_differ(lab: Lab) -> None:
    """Two lengths make two answers of one, by whichever a peer goes: such an answer is refused."""
    for values in (("2", "3"), ("3", "2"), ("2", ""), ("2", "02"), ("2", "2", "3"), ("2", "x")):
        lines = [f"Content-Length: {value}" for value in values]

        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", *lines, body=b"okk").close(), phase="head")
        lab.refuse(ProtocolError, raw("HTTP/1.1 304 Not Modified", *lines).close(), phase="head")
    lab.still_works()


@case("framing/lengths-in-one-line", kind="pinned", anchor="RFC 9110, 8.6; D10", tags=("security",))
def lengths_in_one_line(lab: Lab) -> None:
    """Lengths in one line were put there by somebody who merged lines blindly; even if they agree, they are refused."""
    for value in ("2, 2", "2,2", "2, 3"):
        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", f"Content-Length: {value}", body=b"ok").close(), phase="head")
    lab.still_works()


@case("framing/one-length-twice", kind="pinned", anchor="RFC 9110, 8.6; D10; D21")
def one_length_twice(lab: Lab) -> None:
    """Lines that say the same length are harmless; both are shown, as received."""
    response = lab.receive(raw("HTTP/1.1 200 OK", "Content-Length: 2", "content-length:\t2 ", body=b"ok"))

    assert response.body == b"ok"
    assert response.headers.get_all("content-length") == ("2", "2")
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/names-like-content-length", anchor="RFC 9112, 6.3")
def names_like_content_length(lab: Lab) -> None:
    """Only Content-Length is the length: a name that begins, ends or looks like it is not."""
    response = lab.receive(
        raw(
            "HTTP/1.1 200 OK",
            "Content-Length-X: 1",
            "X-Content-Length: 1",
            "Content_Length: 1",
            "ContentLength: 1",
            "Content-Lengt: 1",
            "X-Transfer-Encoding: chunked",
            "Transfer_Encoding: chunked",
            "Content-Length: 5",
            body=b"hello",
        )
    )

    assert response.body == b"hello"
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/until-the-connection-closes", anchor="RFC 9112, 6.3")
def until_the_connection_closes(lab: Lab) -> None:
    """Without length and chunks a body runs to the end of the connection, whatever it says of keeping that open."""
    for start in (
        ("HTTP/1.1 200 OK",),
        ("HTTP/1.1 200 OK", "Connection: keep-alive"),
        ("HTTP/1.0 200 OK",),
        ("HTTP/1.0 200 OK", "Connection: keep-alive"),
        ("HTTP/1.1 404 Not Found", "Content-Type: text/plain"),
    ):
        before = lab.origin.connections

        response = lab.receive(raw(*start, body=b"all of\r\n").pause(0.01).send(b"\r\nit" + OK).close())

        assert response.body == b"all of\r\n\r\nit" + OK
        lab.still_works()
        assert lab.origin.connections > before


@case("framing/reset-ends-no-body", anchor="RFC 9112, 8")
def reset_ends_no_body(lab: Lab) -> None:
    """A body that runs to the end of the connection ends with a close in good order; a reset cuts it off."""
    script = raw("HTTP/1.1 200 OK", body=b"hello").pause(0.05).reset()

    error = lab.refuse(IncompleteBodyError, script, phase="body")

    assert (error.received, error.expected) == (5, None)
    lab.still_works()
