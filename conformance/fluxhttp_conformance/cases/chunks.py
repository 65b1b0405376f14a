"""Bodies in chunks (RFC 9112, 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import IncompleteBodyError, ProtocolError
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, chunked, raw
from fluxhttp_conformance.memory import memory_below

if TYPE_CHECKING:
    from fluxhttp.testing import Script


def _in_chunks(body: bytes) -> Script:
    """A chunked answer whose body is these very bytes."""
    return raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=body)


@case("framing/chunked", anchor="RFC 9112, 7.1")
def chunked_body(lab: Lab) -> None:
    """Chunks are put together; their sizes and extensions are no part of the body."""
    response = lab.receive(_in_chunks(b"5;a=b\r\nhello\r\n" + chunked(b" world")))

    assert response.body == b"hello world"
    assert response.headers.multi_items() == (("Transfer-Encoding", "chunked"),)
    lab.still_works()
    assert lab.origin.connections == 1


@case("chunks/of-any-size", anchor="RFC 9112, 7.1")
def of_any_size(lab: Lab) -> None:
    """Chunks of 1 to 10,000 bytes, in whatever order, make the same body; line ends inside are data."""
    pattern = b"0\r\n\r\n5\r\nab;c\n" * 800
    sizes = (1, 2, 3, 15, 16, 17, 255, 256, 1000, 4095, 4096, 4097, 10_000)
    for size in sizes:
        pieces = [pattern[start : start + size] for start in range(0, len(pattern), size)]

        assert lab.receive(_in_chunks(chunked(*pieces))).body == pattern
    mixed = [pattern[:size] for size in (*sizes, *reversed(sizes))]
    assert lab.receive(_in_chunks(chunked(*mixed))).body == b"".join(mixed)
    lab.still_works()
    assert lab.origin.connections == 1


@case("chunks/hex-digits", anchor="RFC 9112, 7.1")
def hex_digits(lab: Lab) -> None:
    """A size is hexadecimal, in either case, and may begin with zeros."""
    for size, length in ((b"a", 10), (b"A", 10), (b"1F", 31), (b"1f", 31), (b"0005", 5), (b"0000000000000010", 16)):
        for last in (b"0\r\n\r\n", b"000\r\n\r\n"):
            response = lab.receive(_in_chunks(size + b"\r\n" + b"x" * length + b"\r\n" + last))

            assert response.body == b"x" * length
    lab.still_works()
    assert lab.origin.connections == 1


@case("framing/chunk-size-is-hex-digits-only", anchor="RFC 9112, 7.1", tags=("security",))
def chunk_size_is_hex_digits_only(lab: Lab) -> None:
    """``int(size, 16)`` takes 0x5, +5, 5_0, blanks in front and digits of other alphabets; HTTP does not."""
    for size in (
        *("", " ", " 5", "\t5", "0x5", "+5", "-5", "-0", "0_5", "5h", "g", "h5", "5.", "5,", "5 5", "5 a", '"5"', "5="),
        *("\x0b5", "5\x0c", "5\x00", "\xb2", "\xef\xbc\x95", "5\xa0", "\x85"),
    ):
        lab.refuse(ProtocolError, _in_chunks(size.encode("latin-1") + b"\r\nhello\r\n0\r\n\r\n"), phase="body")
        lab.refuse(
            ProtocolError, _in_chunks(chunked(b"hello", last=size.encode("latin-1") + b"\r\n\r\n")), phase="body"
        )
    lab.still_works()


@case("chunks/size-has-a-bound", anchor="RFC 9112, 7.1", tags=("security",))
def size_has_a_bound(lab: Lab) -> None:
    """A size of more than 16 digits overflows somewhere: 2**64 + 5 must not be 5."""
    for size in ("1" + "0" * 15 + "05", "f" * 17, "f" * 300):
        lab.refuse(ProtocolError, _in_chunks(size.encode() + b"\r\nhello\r\n0\r\n\r\n"), phase="body")
    lab.still_works()


@case("chunks/huge-size-costs-nothing", anchor="RFC 9112, 7.1", tags=("security",))
def huge_size_costs_nothing(lab: Lab) -> None:
    """A chunk of gigabytes is only a number until the bytes come: no memory is set aside for it."""
    for size in (b"10000000", b"100000000", b"7fffffffffffffff", b"ffffffffffffffff"):
        with memory_below(4_194_304):
            error = lab.refuse(IncompleteBodyError, _in_chunks(size + b"\r\nhello").close(), phase="body")

        assert (error.received, error.expected) == (5, None)
    lab.still_works()


@case("chunks/extensions", anchor="RFC 9112, 7.1.1")
def extensions(lab: Lab) -> None:
    """An extension that is not understood is skipped: bare, with a value, or quoted with a semicolon in it."""
    for extension in (
        *(b";a", b";a=b", b";a=b;c", b';a="b;c"', b';a="b\\"c"', b" ;a", b"\t; a = b", b";a=" + b"x" * 2000),
        *(b";\xe4=\xff", b";a=\t b"),
    ):
        body = b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n"

        assert lab.receive(_in_chunks(body)).body == b"hello"
    lab.still_works()
    assert lab.origin.connections == 1


@case("chunks/odd-extensions", kind="pinned", anchor="RFC 9112, 7.1.1; D10")
def odd_extensions(lab: Lab) -> None:
    """An empty or unbalanced extension ends with its line all the same, and is skipped as any other."""
    for extension in (b";", b";;", b"; ", b';a="b', b";=b", b";a=b=c"):
        assert lab.receive(_in_chunks(b"5" + extension + b"\r\nhello\r\n0\r\n\r\n")).body == b"hello"
    lab.still_works()
    assert lab.origin.connections == 1


@case("chunks/control-bytes-in-extensions", kind="pinned", anchor="RFC 9112, 7.1.1; D10", tags=("security",))
def control_bytes_in_extensions(lab: Lab) -> None:
    """A CR, LF or NUL within an extension ends the line for some peers: they see another chunk (CVE-2025-22871)."""
    for byte in (b"\0", b"\n", b"\r", b"\x0b", b"\x1b", b"\x7f"):
        lab.refuse(ProtocolError, _in_chunks(b"5;a" + byte + b"b\r\nhello\r\n0\r\n\r\n"), phase="body")
    lab.still_works()


@case("chunks/blanks-after-the-size", kind="pinned", anchor="RFC 9112, 7.1; D10")
def blanks_after_the_size(lab: Lab) -> None:
    """Some servers fill the size up with blanks to a fixed width; nothing is read differently for it."""
    for blanks in (b" ", b"\t", b"    "):
        body = b"5" + blanks + b"\r\nhello\r\n0" + blanks + b"\r\n\r\n"

        assert lab.receive(_in_chunks(body)).body == b"hello"
    lab.still_works()
    assert lab.origin.connections == 1


@case("chunks/lf-alone", kind="pinned", anchor="RFC 9112, 7.1; D10", tags=("security",))
def lf_alone(lab: Lab) -> None:
    """Chunks are lines of machines: LF without CR in them is smuggling, not an old habit."""
    for body in (
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r\n0\n\r\n",
        b"5;a\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\rhello\r\n0\r\n\r\n",
        b"5\r\r\nhello\r\n0\r\n\r\n",
    ):
        lab.refuse(ProtocolError, _in_chunks(body), phase="body")
    lab.still_works()


@case("chunks/data-longer-than-its-size", anchor="RFC 9112, 7.1", tags=("security",))
def data_longer_than_its_size(lab: Lab) -> None:
    """The two bytes after the data are CR LF, and looked at: a size that is wrong shows there or nowhere."""
    for body in (
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhello\n\r0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"0\r\nhello\r\n0\r\n\r\n",
    ):
        lab.refuse(ProtocolError, _in_chunks(body), phase="body")
    lab.still_works()


@case("chunks/cut", anchor="RFC 9112, 8", tags=("security",))
def cut(lab: Lab) -> None:
    """Only the last chunk with the empty line behind it is the end; a peer that goes away before it cut the body."""
    for body, received in (
        (b"", 0),
        (b"5", 0),
        (b"5\r", 0),
        (b"5\r\n", 0),
        (b"5\r\nhel", 3),
        (b"5\r\nhello", 5),
        (b"5\r\nhello\r", 5),
        (b"5\r\nhello\r\n", 5),
        (b"5\r\nhello\r\n3\r\nab", 7),
        (b"5\r\nhello\r\n0", 5),
        (b"5\r\nhello\r\n0\r\n", 5),
        (b"5\r\nhello\r\n0\r\n\r", 5),
        (b"5\r\nhello\r\n0\r\nX: v", 5),
        (b"5\r\nhello\r\n0\r\nX: v\r\n", 5),
    ):
        error = lab.refuse(IncompleteBodyError, _in_chunks(body).close(), phase="body")

        assert (error.received, error.expected) == (received, None)
    lab.still_works()


@case("chunks/reset", anchor="RFC 9112, 8")
def reset(lab: Lab) -> None:
    """A reset between two chunks is an incomplete body, and tells what came before it."""
    error = lab.refuse(IncompleteBodyError, _in_chunks(b"5\r\nhello\r\n").pause(0.05).reset(), phase="body")

    assert (error.received, error.expected) == (5, None)
    lab.still_works()


@case("chunks/endless-line", anchor="RFC 9112, 7.1.1", tags=("security",))
def endless_line(lab: Lab) -> None:
    """A chunk line that never ends must not be gathered for ever, be it digits, blanks or an extension."""
    for start, more in ((b"", b"0"), (b"5", b" "), (b"5;a=", b"x"), (b"5\r\nhello\r\n0;", b"x")):
        script = _in_chunks(start).send(more * 16_384, times=None)

        with memory_below(4_194_304):
            lab.refuse(ProtocolError, script, phase="body")
    lab.still_works()


@case("chunks/mostly-overhead", kind="pinned", anchor="RFC 9112, 7.1.1; D10", tags=("security",))
def mostly_overhead(lab: Lab) -> None:
    """Chunks of one byte with long extensions cost a hundred times what they carry (CVE-2023-39326)."""
    chunk = b"1;" + b"x" * 100 + b"\r\na\r\n"

    lab.refuse(ProtocolError, _in_chunks(b"").send(chunk * 100, times=None), phase="body")

    lab.still_works()


@case("chunks/tiny", anchor="RFC 9112, 7.1")
def tiny(lab: Lab) -> None:
    """Forty thousand chunks of one byte are a clumsy answer, but an honest one."""
    response = lab.receive(_in_chunks(b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n"))

    assert response.body == b"x" * 40_000
    lab.still_works()
    assert lab.origin.connections == 1
