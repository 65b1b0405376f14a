"""Framing: where a body ends, and whether its connection may be used again (RFC 9112, 6, 7, 9)."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.framing import ChunkCounter, Framing, body_framing
from fluxhttp._core.head import Head
from fluxhttp._core.headers import Headers
from fluxhttp.errors import ProtocolError

CHUNKED = ("Transfer-Encoding", "chunked")


def framing(
    *fields: tuple[str, str], method: str = "GET", status_code: int = 200, version: str = "HTTP/1.1"
) -> Framing:
    return body_framing(method, Head(version, status_code, "", Headers.trusted(fields)))


def length(text: str) -> tuple[str, str]:
    return "Content-Length", text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([length("0")], (0, False, True)),
        ([length("5")], (5, False, True)),
        ([length("0005")], (5, False, True)),
        ([length("5"), length("5")], (5, False, True)),
        ([length(str(2**63 - 1))], (2**63 - 1, False, True)),
        ([CHUNKED], (None, True, True)),
        ([("transfer-encoding", "ChUnKeD")], (None, True, True)),
        ([CHUNKED, length("5")], (None, True, False)),
        ([CHUNKED, ("Trailer", "X-Sum, Expires")], (None, True, True)),
        ([], (None, False, False)),
        ([("Trailer", "Content-Length")], (None, False, False)),
    ],
)
def test_a_body_ends_where_its_framing_says(
    fields: list[tuple[str, str]], expected: tuple[int | None, bool, bool]
) -> None:
    found = framing(*fields)

    assert (found.length, found.is_chunked, found.keeps_alive) == expected


@pytest.mark.parametrize("fields", [[length("5")], [length("x"), CHUNKED, CHUNKED], [("Connection", "close")]])
def test_a_tunnel_begins_with_the_end_of_the_head_whatever_is_in_it(fields: list[tuple[str, str]]) -> None:
    found = framing(*fields, method="CONNECT")

    assert (found.length, found.is_chunked, found.keeps_alive) == (0, False, True)


def test_what_a_proxy_says_instead_of_a_tunnel_is_an_answer_like_any_other() -> None:
    assert framing(length("5"), method="CONNECT", status_code=403).length == 5


@pytest.mark.parametrize(
    ("method", "status_code"), [("HEAD", 200), ("HEAD", 404), ("GET", 100), ("GET", 103), ("GET", 204), ("POST", 304)]
)
@pytest.mark.parametrize("fields", [[], [length("5")], [CHUNKED], [CHUNKED, length("5")]])
def test_an_answer_without_a_body_ends_with_its_head(
    method: str, status_code: int, fields: list[tuple[str, str]]
) -> None:
    found = framing(*fields, method=method, status_code=status_code)

    assert (found.length, found.is_chunked, found.keeps_alive) == (0, False, True)


def test_a_205_may_have_a_body() -> None:
    assert framing(length("5"), status_code=205).length == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-0",
        "-1",
        "+5",
        "5, 5",
        "5,5",
        "5 5",
        "0x5",
        "1_0",
        "5.0",
        "5e3",
        "\xb2",
        "\xa05",
        str(2**63),
        "9" * 19,
        "0" * 20,
    ],
)
@pytest.mark.parametrize("extra", [[], [CHUNKED]])
def test_a_length_that_is_no_number_is_malformed(text: str, extra: list[tuple[str, str]]) -> None:
    with pytest.raises(ProtocolError, match=r"Content-Length is not a decimal number below 2\*\*63$") as caught:
        framing(length(text), *extra)

    assert caught.value.phase == "head"


@given(st.text(st.sampled_from("0123456789\u0663\xb2+- x"), max_size=22) | st.integers(0, 2**66).map(str))
def test_a_length_is_taken_as_the_grammar_has_it(text: str) -> None:
    is_length = re.fullmatch("[0-9]{1,19}", text) is not None and int(text) < 2**63

    if is_length:
        assert framing(length(text)).length == int(text)
    else:
        with pytest.raises(ProtocolError):
            framing(length(text))


@pytest.mark.parametrize(("first", "second"), [("5", "6"), ("5", "05"), ("5", ""), ("", "5")])
@pytest.mark.parametrize("extra", [[], [CHUNKED]])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_lengths_that_differ_are_malformed(first: str, second: str, extra: list[tuple[str, str]], method: str) -> None:
    with pytest.raises(ProtocolError, match=r"^the answer has Content-Length lines that differ$"):
        framing(length(first), length(second), *extra, method=method)


@pytest.mark.parametrize(
    "fields",
    [
        [("Transfer-Encoding", "")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "chunked, chunked")],
        [("Transfer-Encoding", "chunked;q=1")],
        [("Transfer-Encoding", "xchunked")],
        [("Transfer-Encoding", "\xa0chunked")],
        [("Transfer-Encoding", '"chunked"')],
        [CHUNKED, CHUNKED],
        [CHUNKED, ("transfer-encoding", "identity")],
    ],
)
def test_any_other_transfer_encoding_is_malformed(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(ProtocolError, match=r"^the answer's Transfer-Encoding is not one 'chunked'$"):
        framing(*fields)


def test_http_1_0_knows_no_transfer_encoding() -> None:
    with pytest.raises(ProtocolError, match=r"^an HTTP/1\.0 answer must not have Transfer-Encoding$"):
        framing(CHUNKED, version="HTTP/1.0")


@pytest.mark.parametrize("trailer", ["Content-Length", "X-Sum,\tTRANSFER-ENCODING", "trailer"])
def test_a_trailer_that_would_change_the_framing_is_malformed(trailer: str) -> None:
    with pytest.raises(ProtocolError, match=r"^the answer announces a trailer that must not be one$"):
        framing(CHUNKED, ("Trailer", "X-A"), ("Trailer", trailer))


@pytest.mark.parametrize(
    ("version", "connection", "keeps_alive"),
    [
        ("HTTP/1.1", [], True),
        ("HTTP/1.1", ["close"], False),
        ("HTTP/1.1", ["CLOSE"], False),
        ("HTTP/1.1", ["x, Close\t,y"], False),
        ("HTTP/1.1", ["keep-alive", "close"], False),
        ("HTTP/1.1", ["keep-alive"], True),
        ("HTTP/1.1", ["closed"], True),
        ("HTTP/1.1", [""], True),
        ("HTTP/1.2", [], True),
        ("HTTP/1.0", [], False),
        ("HTTP/1.0", ["x"], False),
        ("HTTP/1.0", ["Keep-Alive"], True),
        ("HTTP/1.0", ["keep-alive, close"], False),
    ],
)
def test_a_connection_is_kept_as_the_peer_says(version: str, connection: list[str], keeps_alive: bool) -> None:
    fields = [("Connection", option) for option in connection]

    assert framing(*fields, length("5"), version=version).keeps_alive is keeps_alive


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"0\r\n", 0),
        (b"5\r\n", 5),
        (b"aF\r\n", 0xAF),
        (b"000000000000000a\r\n", 10),
        (b"ffffffffffffffff\r\n", 2**64 - 1),
        (b"5 \t\r\n", 5),
        (b"5;\r\n", 5),
        (b'5 ; a=b;c="d\xe9"\t\r\n', 5),
        (b"5;;\r\n", 5),
    ],
)
def test_a_chunk_line_has_a_size(line: bytes, size: int) -> None:
    assert ChunkCounter().size(line) == size


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\r\n",
        b"5",
        b"5\n",
        b"5\r",
        b"5\r\r\n",
        b" 5\r\n",
        b"0x5\r\n",
        b"+5\r\n",
        b"-5\r\n",
        b"5_0\r\n",
        b"g\r\n",
        b"5 5\r\n",
        b"5,\r\n",
        b"5\x0b\r\n",
        b";a\r\n",
        b"5;a\nb\r\n",
        b"5;a\rb\r\n",
        b"5;\x00\r\n",
        b"5;\x7f\r\n",
        b"5\r\n\r\n",
        b"00000000000000005\r\n",
        "\uff15\r\n".encode(),
        "\u0665\r\n".encode(),
    ],
)
def test_what_is_no_chunk_line_is_malformed(line: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^the answer has a malformed chunk line$") as caught:
        ChunkCounter().size(line)

    assert caught.value.phase == "body"


def test_chunk_lines_that_outweigh_their_data_are_refused() -> None:
    counter = ChunkCounter()
    line = b"1;" + b"x" * 100 + b"\r\n"

    # 104 bytes a line, less 18 that are free, may come to 16 KiB.
    sizes = [counter.size(line) for _ in range(190)]

    assert sizes == [1] * 190
    with pytest.raises(ProtocolError, match=r"^the answer's chunk lines outweigh its data$") as caught:
        counter.size(line)
    assert caught.value.phase == "body"


@pytest.mark.cost
def test_plain_chunks_are_never_too_many() -> None:
    counter = ChunkCounter()

    started = time.process_time()
    for _ in range(40_000):
        counter.size(b"1\r\n")

    assert time.process_time() - started < 0.25


def test_large_chunks_make_up_for_long_lines() -> None:
    counter = ChunkCounter()
    line = b"1000;" + b"x" * 4000 + b"\r\n"

    sizes = {counter.size(line) for _ in range(1000)}

    assert sizes == {0x1000}


@given(st.integers(0, 2**64 - 1), st.text(" \t", max_size=3), st.binary(max_size=20))
def test_any_size_is_read_back(size: int, blanks: str, extension: bytes) -> None:
    extension = bytes(byte for byte in extension if byte == 9 or 32 <= byte != 127)

    assert ChunkCounter().size(b"%x%b;%b\r\n" % (size, blanks.encode(), extension)) == size


@given(st.binary(max_size=20))
def test_any_line_is_a_size_or_malformed(line: bytes) -> None:
    try:
        size = ChunkCounter().size(line + b"\r\n")
    except ProtocolError:
        return

    assert line.lstrip(b"0123456789abcdefABCDEF")[:1] in {b"", b" ", b"\t", b";"}
    assert 0 <= size < 2**64


latin1 = st.text(st.characters(max_codepoint=0xFF), max_size=12)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Content-Length", "Transfer-Encoding", "Connection", "Trailer"]),
            st.one_of(latin1, st.sampled_from(["5", "chunked", "close", "keep-alive", "x, close"])),
        ),
        max_size=4,
    ),
    st.sampled_from(["GET", "HEAD"]),
    st.integers(100, 999),
    st.sampled_from(["HTTP/1.0", "HTTP/1.1"]),
)
def test_any_head_has_a_framing_or_is_malformed(
    fields: list[tuple[str, str]], method: str, status_code: int, version: str
) -> None:
    try:
        found = framing(*fields, method=method, status_code=status_code, version=version)
    except ProtocolError:
        return

    assert found.length is None or 0 <= found.length < 2**63
    assert not (found.is_chunked and found.length is not None)
    assert not (found.length is None and not found.is_chunked and found.keeps_alive)


@pytest.mark.cost
def test_a_megabyte_of_digits_costs_little() -> None:
    started = time.process_time()
    with pytest.raises(ProtocolError):
        framing(length("1" * 2**20))
    with pytest.raises(ProtocolError):
        ChunkCounter().size(b"1" * 2**20 + b"\r\n")
    with pytest.raises(ProtocolError):
        ChunkCounter().size(b"1" + b" " * 2**20 + b"x\r\n")

    assert time.process_time() - started < 0.25
