"""Content codings: what is undone, what is refused, and what a hostile body costs."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fluxhttp._core.codings import PIECE_BYTES, Decoder, parse_codings
from fluxhttp.errors import DecodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MIB = 1024 * 1024
#: Long enough for a dynamic block, whose table is longer than the trial for a zlib wrapper.
PROSE = b" ".join(b"%d bottles of %x standing on the wall" % (n, n * n) for n in range(400))


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def raw_deflated(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-15)


ENCODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzipped, "deflate": zlib.compress, "raw": raw_deflated}


def decoded(codings: Sequence[str], parts: Iterable[bytes]) -> bytes:
    decoder = Decoder(codings)
    body = b"".join([piece for part in parts for piece in decoder.decode(part)])
    decoder.finish()
    return body


def cut_at(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    ends = [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


bodies = st.one_of(
    st.binary(max_size=600),
    st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=5), st.integers(0, 60_000)),
    st.integers(0, len(PROSE)).map(lambda end: PROSE[:end]),
)
cuts = st.lists(st.integers(min_value=0), max_size=8)


@pytest.mark.parametrize(
    ("values", "codings"),
    [
        ([], ()),
        ([""], ()),
        ([" , ,\t"], ()),
        (["identity"], ()),
        (["gzip"], ("gzip",)),
        (["GZIP"], ("gzip",)),
        (["x-gzip"], ("gzip",)),
        (["\tX-GZip ,, Identity"], ("gzip",)),
        (["deflate, gzip"], ("deflate", "gzip")),
        (["gzip", "deflate,x-gzip"], ("gzip", "deflate", "gzip")),
        (["gzip, " * 5], ("gzip",) * 5),
        (["identity, " * 50], ()),
        (["br"], None),
        (["gzip, br"], None),
        (["gzip;q=1"], None),
        (["gzip deflate"], None),
        (["\xa0gzip"], None),
        (["x-deflate"], None),
        (["gzip, " * 50 + "zstd"], None),
    ],
)
def test_the_codings_of_a_body(values: list[str], codings: tuple[str, ...] | None) -> None:
    assert parse_codings(values) == codings


@pytest.mark.parametrize("values", [["gzip"] * 6, ["gzip, x-gzip, deflate, gzip, gzip, deflate"], ["gzip," * 50]])
def test_more_than_five_codings_are_refused(values: list[str]) -> None:
    with pytest.raises(DecodingError, match=r"^the body has \d+ codings; at most 5 are undone$"):
        parse_codings(values)


@settings(deadline=None)  # bodies of very different sizes
@given(bodies, st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=5), cuts)
@example(PROSE, ["raw"], [])
@example(bytes(3 * PIECE_BYTES), ["gzip"], [])
def test_any_body_reads_back_through_any_chain_however_it_is_split(
    body: bytes, encoders: list[str], cuts: list[int]
) -> None:
    data = body
    for name in encoders:
        data = ENCODERS[name](data)
    codings = ["gzip" if name == "gzip" else "deflate" for name in encoders]

    assert decoded(codings, cut_at(data, cuts)) == body


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_a_body_may_arrive_byte_by_byte(encode: Callable[[bytes], bytes]) -> None:
    coding = "gzip" if encode is gzipped else "deflate"

    assert decoded([coding], [bytes([byte]) for byte in encode(PROSE)]) == PROSE


@settings(deadline=None)  # bodies of very different sizes
@given(st.sampled_from(sorted(ENCODERS)), st.lists(st.sampled_from(["gzip", "deflate"]), max_size=2), bodies, st.data())
def test_a_body_cut_anywhere_is_refused(name: str, outer: list[str], body: bytes, data: st.DataObject) -> None:
    coded = ENCODERS[name](body)
    for coding in outer:
        coded = ENCODERS[coding](coded)
    codings = ["gzip" if name == "gzip" else "deflate", *outer]
    end = data.draw(st.integers(1, len(coded) - 1))

    with pytest.raises(DecodingError, match=r"ends before its (gzip|deflate) coding does$"):
        decoded(codings, [coded[:end]])


@settings(deadline=None)  # bodies of very different sizes
@given(st.sampled_from(["gzip", "deflate"]), bodies, st.integers(min_value=0), st.integers(1, 255), cuts)
def test_a_changed_byte_is_noticed_or_harmless(coding: str, body: bytes, at: int, change: int, cuts: list[int]) -> None:
    data = bytearray(ENCODERS[coding](body))
    data[at % len(data)] ^= change

    try:
        found = decoded([coding], cut_at(bytes(data), cuts))
    except DecodingError:
        return

    assert found == body


@pytest.mark.parametrize(("at", "detail"), [(0, "incorrect header check"), (-5, "data check"), (-1, "length check")])
def test_damage_is_told_in_the_words_of_zlib(at: int, detail: str) -> None:
    data = bytearray(gzipped(b"hello"))
    data[at] ^= 1

    with pytest.raises(DecodingError, match=f"^the gzip coding of the body is damaged: .*{detail}$") as caught:
        decoded(["gzip"], [bytes(data)])

    assert isinstance(caught.value.__cause__, zlib.error)


def test_no_byte_at_all_is_an_empty_body() -> None:
    for codings in (["gzip"], ["deflate"], ["gzip", "deflate"]):
        assert decoded(codings, []) == b""
        assert decoded(codings, [b"", b""]) == b""


def test_an_inner_coding_without_a_byte_is_cut_short() -> None:
    with pytest.raises(DecodingError, match="ends before its deflate coding does"):
        decoded(["deflate", "gzip"], [gzipped(b"")])


def test_all_members_of_a_gzip_body_are_decoded() -> None:
    data = gzipped(b"one ") + gzipped(b"") + gzipped(b"two")

    assert decoded(["gzip"], [data]) == b"one two"
    assert decoded(["gzip"], [bytes([byte]) for byte in data]) == b"one two"


@pytest.mark.parametrize("tail", [b"\0", b"junk", bytes(512), b"\x1e"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_follows_the_end_is_refused_at_once(coding: str, tail: bytes) -> None:
    decoder = Decoder([coding])
    pieces = decoder.decode(ENCODERS[coding](b"body") + tail)

    assert next(filter(None, pieces)) in {b"body", b"b"}
    with pytest.raises(DecodingError, match=f"^the body goes on after the end of its {coding} coding$"):
        list(pieces)


@pytest.mark.parametrize("tail", [b"\x1f", b"\x1f\x8b", b"\x1f\x8c", b"\x1f\x1f"])
def test_what_only_begins_like_a_member_is_refused(tail: bytes) -> None:
    with pytest.raises(DecodingError):
        decoded(["gzip"], [gzipped(b"body") + tail])


def test_deflate_data_is_not_repeated_as_gzip_members_are() -> None:
    with pytest.raises(DecodingError, match="goes on after the end of its deflate coding"):
        decoded(["deflate"], [zlib.compress(b"") * 2])


def test_optional_fields_of_a_gzip_header_are_skipped() -> None:
    # FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT (RFC 1952, 2.3.1)
    header = b"\x1f\x8b\x08\x1f\0\0\0\0\0\xff" + b"\x04\0abcd" + b"name\0" + b"comment\0"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")

    assert decoded(["gzip"], [header + gzipped(b"body")[10:]]) == b"body"
    with pytest.raises(DecodingError, match="header crc mismatch"):
        decoded(["gzip"], [header[:-1] + b"\xaa" + gzipped(b"body")[10:]])


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("window_bits", [9, 12, 15, -9, -12, -15])
def test_deflate_is_understood_with_and_without_a_wrapper(level: int, window_bits: int) -> None:
    for body in (b"", b"x", PROSE, bytes(300_000)):
        assert decoded(["deflate"], [zlib.compress(body, level, wbits=window_bits)]) == body


def test_what_zlib_holds_back_at_the_end_of_a_piece_is_fetched() -> None:
    # All input is taken, the piece is full, and a part of the last match is still to come.
    for surplus in range(1, 64):
        body = bytes(PIECE_BYTES + surplus)

        assert decoded(["deflate"], [raw_deflated(body)]) == body


@settings(deadline=None)  # bodies of very different sizes
@given(bodies, cuts)
def test_bare_data_that_looks_like_a_wrapper_is_understood(tail: bytes, cuts: list[int]) -> None:
    # A stored block whose padding makes the first byte 0x78 and whose length,
    # 0x0601, completes a zlib header; taken for one, its third byte starts no block.
    body = bytes(range(256)) * 6 + b"!"
    data = b"\x78\x01\x06\xfe\xf9" + body + raw_deflated(tail)

    assert (0x7801 % 31, len(body)) == (0, 0x0601)
    assert decoded(["deflate"], cut_at(data, cuts)) == body + tail


def test_deflate_with_a_preset_dictionary_is_refused() -> None:
    encoder = zlib.compressobj(zdict=b"hello")

    with pytest.raises(DecodingError, match=r"^the deflate coding of the body is damaged: "):
        decoded(["deflate"], [encoder.compress(b"hello") + encoder.flush()])


def outcome(codings: Sequence[str], parts: Iterable[bytes], limit: int) -> tuple[str, bytes]:
    """What a caller sees who stops at the first byte beyond the limit."""
    decoder, body = Decoder(codings, limit_bytes=limit), b""
    try:
        for part in parts:
            for piece in decoder.decode(part):
                body += piece
                if len(body) > limit:
                    return "longer", body[:limit]
        decoder.finish()
    except DecodingError as error:
        return str(error), b""
    return "whole", body


@settings(deadline=None)  # bodies of very different sizes
@given(
    st.sampled_from(["gzip", "deflate"]),
    bodies,
    st.integers(0, 900),
    st.integers(0, 255),
    st.integers(min_value=0),
    cuts,
)
def test_what_is_seen_at_the_limit_does_not_depend_on_how_the_bytes_arrive(
    coding: str, body: bytes, limit: int, change: int, at: int, cuts: list[int]
) -> None:
    data = bytearray(ENCODERS[coding](body))
    data[at % len(data)] ^= change
    whole = outcome([coding], [bytes(data)], limit)

    assert outcome([coding], cut_at(bytes(data), cuts), limit) == whole
    if not change:
        assert whole == (("longer", body[:limit]) if len(body) > limit else ("whole", body))


def test_damage_at_the_limit_is_seen_and_damage_beyond_is_not() -> None:
    data = bytearray(gzipped(PROSE))
    data[-8] ^= 1

    assert outcome(["gzip"], [bytes(data)], len(PROSE) - 1) == ("longer", PROSE[:-1])
    assert "data check" in outcome(["gzip"], [bytes(data)], len(PROSE))[0]


def test_pieces_end_at_the_limit_and_then_are_single_bytes() -> None:
    sizes = [len(piece) for piece in Decoder(["gzip"], limit_bytes=200_000).decode(gzipped(bytes(200_003))) if piece]

    assert max(sizes) <= PIECE_BYTES
    assert sizes[-3:] == [1, 1, 1]
    assert sum(sizes[:-3]) == 200_000


def test_input_without_output_still_gives_the_caller_a_turn() -> None:
    pieces = list(Decoder(["gzip"]).decode(gzipped(b"") * 20_000))

    assert set(pieces) == {b""}
    assert len(pieces) == -(-20_000 * len(gzipped(b"")) // 32_768)


def zeros(mebibytes: int) -> bytes:
    """So many MiB of zeros as gzip, 1 KiB for each, made without holding them."""
    encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = encoder.compress(bytes(MIB)) + encoder.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(mebibytes):
        crc = zlib.crc32(bytes(MIB), crc)
    trailer = crc.to_bytes(4, "little") + (mebibytes * MIB).to_bytes(4, "little")
    return gzipped(b"")[:10] + block * mebibytes + raw_deflated(b"") + trailer


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_a_bomb_is_decoded_in_little_memory(layers: int) -> None:
    data = zeros(64)
    for _ in range(layers - 1):
        data = gzipped(data)
    tracemalloc.start()
    try:
        decoder = Decoder(["gzip"] * layers)
        total = sum(map(len, decoder.decode(data)))
        decoder.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert total == 64 * MIB
    assert peak < 2 * MIB


@pytest.mark.cost
def test_a_caller_who_stops_at_the_limit_pays_for_no_more() -> None:
    data = gzipped(zeros(1024))
    started = time.process_time()

    assert outcome(["gzip", "gzip"], [data], 100_000) == ("longer", bytes(100_000))
    assert time.process_time() - started < 0.3


def test_a_chain_that_unpacks_to_nothing_is_given_up() -> None:
    data = gzipped(gzipped(gzipped(b"") * 200_000))

    with pytest.raises(DecodingError, match=r"^the body's gzip coding unpacks to far more than the body$"):
        decoded(["gzip", "gzip", "gzip"], [data])


def test_a_chain_with_a_member_for_each_byte_is_not() -> None:
    data = gzipped(b"".join([gzipped(b"x")] * 60_000))

    assert decoded(["gzip", "gzip"], [data]) == b"x" * 60_000


@pytest.mark.cost
@pytest.mark.parametrize("body", [b"", b"hello"])
def test_many_tiny_members_take_linear_time(body: bytes) -> None:
    def seconds(members: int) -> float:
        data = gzipped(body) * members
        started = time.process_time()
        assert decoded(["gzip"], [data]) == body * members
        return time.process_time() - started

    short, long = min(seconds(25_000) for _ in range(3)), seconds(100_000)

    assert long < 10 * short  # 4 if linear, 16 if quadratic


def test_importing_does_not_load_zlib() -> None:
    code = "import sys, fluxhttp._core.codings; print('zlib' in sys.modules)"

    found = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert found.stdout.strip() == "False"
