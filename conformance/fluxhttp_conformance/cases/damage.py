"""Coded bodies that are damaged, or made to do damage (decision D9)."""

from __future__ import annotations

import zlib

from fluxhttp import BodyTooLargeError, Config, DecodingError, Limits
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.codings import TEXT, coded, gzipped, raw_deflated
from fluxhttp_conformance.lab import Lab, chunked, raw
from fluxhttp_conformance.memory import memory_below


def _bomb(mebibytes: int) -> bytes:
    """Zeros as gzip: a thousandth of their size. Made from one piece, which is packed once."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(1_048_576)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(_MEBIBYTE, checksum)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    tail = checksum.to_bytes(4, "little") + (mebibytes * 1_048_576).to_bytes(4, "little")
    return head + piece * mebibytes + b"\x03\x00" + tail


_MEBIBYTE = bytes(1_048_576)


@case("codings/cut-stream", kind="pinned", anchor="RFC 9110, 8.4.1.3; D9", level="core", tags=("security",))
def cut_stream(lab: Lab) -> None:
    """A coded body that stops before its own end is damaged, though its length agrees: never a shorter success."""
    for coding, body in (("gzip", gzipped(TEXT)), ("deflate", zlib.compress(TEXT)), ("deflate", raw_deflated(TEXT))):
        for size in sorted({1, 2, 9, 10, 11, 18, len(body) // 2, len(body) - 9, len(body) - 5, len(body) - 1}):
            lab.refuse(DecodingError, coded(coding, body[:size]))
    lab.refuse(DecodingError, coded("gzip", gzipped(b"one") + gzipped(b"two")[:12]))
    lab.refuse(DecodingError, coded("deflate, gzip", gzipped(zlib.compress(TEXT)[:-1])))
    lab.refuse(
        DecodingError,
        raw(
            "HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked(gzipped(TEXT)[:-1])
        ),
    )
    lab.refuse(DecodingError, raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", body=gzipped(TEXT)[:-1]).close())
    lab.still_works()


@case("codings/wrong-checksum", kind="pinned", anchor="RFC 9110, 8.4.1.3; D9", level="core", tags=("security",))
def wrong_checksum(lab: Lab) -> None:
    """Checksum and length at the end of a stream are there to be compared."""
    body = gzipped(TEXT)
    for place in range(1, 9):
        wrong = bytearray(body)
        wrong[-place] ^= 0x10

        lab.refuse(DecodingError, coded("gzip", bytes(wrong)))
    lab.refuse(DecodingError, coded("deflate", zlib.compress(TEXT)[:-1] + b"\0"))
    lab.still_works()


@case("codings/damaged-stream", kind="pinned", anchor="RFC 9110, 8.4; D9", level="core")
def damaged_stream(lab: Lab) -> None:
    """What is not the coding it is said to be is an error of its own kind, and the text shows none of the body."""
    body = gzipped(TEXT)
    for coding, wrong in (
        ("gzip", b"s3cret, plain text"),
        ("gzip", b"\0"),
        ("gzip", zlib.compress(TEXT)),
        ("gzip", body[:12] + b"\xff\xff\xff" + body[15:]),
        ("gzip", body[:2] + b"\x07" + body[3:]),
        ("gzip", b" " + body),
        ("deflate", b"s3cret, plain text"),
        ("deflate", body),
        ("gzip, deflate", body),
        ("deflate, gzip", body),
    ):
        error = lab.refuse(DecodingError, coded(coding, wrong))

        assert "s3cret" not in str(error)
        assert str(error).isprintable()
    lab.still_works()


@case("codings/bytes-after-the-end", kind="pinned", anchor="D9", level="core", tags=("security",))
def bytes_after_the_end(lab: Lab) -> None:
    """What follows the end of a coded stream is dropped by some and kept by others: it is refused, be it only zeros."""
    for rest in (b"\0", b"\0" * 512, b"junk", b"\r\n", b"\x1f", b"\x1f\x8b"):
        lab.refuse(DecodingError, coded("gzip", gzipped(TEXT) + rest))
        lab.refuse(DecodingError, coded("deflate", zlib.compress(TEXT) + rest))
        lab.refuse(DecodingError, coded("deflate", raw_deflated(TEXT) + rest))
    for body in (zlib.compress(TEXT), raw_deflated(TEXT)):
        lab.refuse(DecodingError, coded("deflate", body * 2))
        lab.refuse(DecodingError, coded("deflate", body + gzipped(TEXT)))
    lab.refuse(DecodingError, coded("gzip", gzipped(TEXT) + zlib.compress(TEXT)))
    lab.still_works()


@case("codings/too-many", kind="pinned", anchor="D9", level="core", tags=("security",))
def too_many(lab: Lab) -> None:
    """Each coding multiplies what a bomb unpacks to; nobody needs more than five (CVE-2025-66471 and its like)."""
    body = TEXT
    for _ in range(6):
        body = gzipped(body)
    for count in (6, 50, 200):
        lab.refuse(DecodingError, coded(", ".join(["gzip"] * count), body))
        lines = ["Content-Encoding: gzip"] * count
        lab.refuse(DecodingError, raw("HTTP/1.1 200 OK", *lines, f"Content-Length: {len(body)}", body=body))
    lab.still_works()


@case("codings/bomb", kind="pinned", anchor="D2; D9", level="core", tags=("security",))
def bomb(lab: Lab) -> None:
    """The limit is on decoded bytes, and ends the decoding: a small answer must not unpack to gigabytes first."""
    limits = Limits(body=1_000_000)
    packed = _bomb(64)
    for script in (
        coded("gzip", packed),
        raw("HTTP/1.1 200 OK", "Content-Encoding: gzip", "Transfer-Encoding: chunked", body=chunked(packed)),
        coded("gzip, gzip", gzipped(packed)),
        coded("deflate", packed[10:-8]),
    ):
        with memory_below(3_000_000):
            error = lab.refuse(BodyTooLargeError, script, config=Config(limits=limits))

        assert (error.limit, error.allowed) == ("body", 1_000_000)
        with memory_below(4_000_000):
            response = lab.receive(script, config=Config(limits=limits.replace(overflow="truncate")))
        assert response.truncated
        assert len(response.body) == 1_000_000
        assert not any(response.body)
    lab.still_works()


@case("codings/bomb-within-a-chain", kind="pinned", anchor="D9", level="core", tags=("security",))
def bomb_within_a_chain(lab: Lab) -> None:
    """A chain may unpack to gigabytes in the middle and to nothing at the end; that too is ended, not worked off."""
    members = gzipped(b"") * 200_000
    hollow, full = gzipped(gzipped(members)), gzipped(_bomb(64))

    lab.refuse(DecodingError, coded("gzip, gzip, gzip", hollow), config=Config(timeout=4.0))
    with memory_below(4_194_304):
        lab.refuse(BodyTooLargeError, coded("gzip, gzip", full), config=Config(limits=Limits(body=1000)))
    lab.still_works()


@case("codings/many-members", anchor="RFC 9110, 8.4.1.3", level="core", tags=("security",))
def many_members(lab: Lab) -> None:
    """Thirty thousand tiny members take time that grows with their number, not with its square, and no recursion."""
    response = lab.receive(coded("gzip", gzipped(b"x") * 15_000 + gzipped(b"") * 15_000), config=Config(timeout=4.0))

    assert response.body == b"x" * 15_000
    lab.still_works()
