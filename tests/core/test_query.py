"""The query string, path segments, forms and basic credentials, row by row against Go's."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from collections import UserDict, UserString, defaultdict, deque
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core import query
from fluxhttp._core.query import basic_auth, basic_auth_bytes, encode_form, encode_params, path_escape
from fluxhttp.errors import (
    FluxHTTPError,
    InvalidHeaderError,
    InvalidParamsError,
    InvalidTypeError,
    InvalidURLError,
)

DATA = Path(__file__).parent.parent / "data"
QUERY_ROWS = json.loads((DATA / "query.json").read_text("utf-8"))["vectors"]
ESCAPE_ROWS = json.loads((DATA / "path_escape.json").read_text("utf-8"))["vectors"]

# What our API cannot express, by index. Go's strings hold any bytes, ours hold
# text: section 3 of the design has a mapping of str to a sequence of str.
QUERY_NOT_TEXT = {*range(83, 149), *range(213, 291)}
ESCAPE_NOT_TEXT = {*range(61, 126), 144, 145, 146}
# The vectors list pairs; a key can be in a mapping only once (section 3). Such
# rows are tested with the values of equal keys put together, in their order.
QUERY_REPEATED_KEY = {12, 304, 323, 324, 325, 331, 340, 344, 350, 351, 352, 357, 361, 362, 368}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
mappings = st.dictionaries(texts, st.one_of(texts, st.lists(texts, max_size=4)), max_size=8)


def as_lists(params: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {key: [values] if isinstance(values, str) else values for key, values in params.items()}


def with_surrogates(part: str) -> str:
    return bytes.fromhex(part).decode("utf-8", "surrogateescape")


def test_the_rows_left_out_are_those_that_cannot_be_said() -> None:
    not_text = {index for index, row in enumerate(QUERY_ROWS) if row["params"] is None}
    repeated = {
        index
        for index, row in enumerate(QUERY_ROWS)
        if row["params"] is not None and len({key for key, _ in row["params"]}) < len(row["params"])
    }

    assert not_text == QUERY_NOT_TEXT
    assert repeated == QUERY_REPEATED_KEY
    assert {index for index, row in enumerate(ESCAPE_ROWS) if row["input"] is None} == ESCAPE_NOT_TEXT


@pytest.mark.parametrize("index", sorted(set(range(len(QUERY_ROWS))) - QUERY_NOT_TEXT))
def test_a_query_row(index: int) -> None:
    row = QUERY_ROWS[index]
    params: dict[str, list[str]] = {}
    for key, values in row["params"]:
        params.setdefault(key, []).extend(values)

    encoded = encode_params(params)

    assert encoded == row["encoded"]
    assert bool(encoded) is row["sets_query"]


@pytest.mark.parametrize("index", sorted(QUERY_NOT_TEXT))
def test_a_query_row_that_is_no_text_is_refused(index: int) -> None:
    params = {
        with_surrogates(key): [with_surrogates(value) for value in values]
        for key, values in QUERY_ROWS[index]["params_hex"]
    }

    with pytest.raises(InvalidParamsError, match="lone surrogate"):
        encode_params(params)


@pytest.mark.parametrize("index", sorted(set(range(len(ESCAPE_ROWS))) - ESCAPE_NOT_TEXT))
def test_an_escape_row(index: int) -> None:
    row = ESCAPE_ROWS[index]

    assert path_escape(row["input"]) == row["path_escape"]
    assert encode_params({"": row["input"]}) == "=" + row["query_escape"]


@pytest.mark.parametrize("index", sorted(ESCAPE_NOT_TEXT))
def test_an_escape_row_that_is_no_text_is_refused(index: int) -> None:
    with pytest.raises(InvalidURLError, match="lone surrogate"):
        path_escape(with_surrogates(ESCAPE_ROWS[index]["input_hex"]))


def test_keys_are_sorted_and_values_keep_their_order() -> None:
    assert encode_params({"b": ["2", "1"], "a": ["3"], "B": "4"}) == "B=4&a=3&b=2&b=1"


def test_keys_are_sorted_by_code_point_where_utf_16_would_differ() -> None:
    assert encode_params({"\U00010000": "2", "\uffff": "1"}) == "%EF%BF%BF=1&%F0%90%80%80=2"


def test_a_form_keeps_the_order_of_the_mapping() -> None:
    assert encode_form({"b": ["2", "1"], "a b": "é"}) == b"b=2&b=1&a+b=%C3%A9"


@pytest.mark.parametrize("params", [{}, {"k": []}, {"k": (), "j": []}, MappingProxyType({})])
def test_without_any_value_nothing_is_written(params: dict[str, list[str]]) -> None:
    assert encode_params(params) == ""
    assert encode_form(params) == b""


def test_a_bare_text_is_one_value() -> None:
    assert encode_params({"k": "abc", "e": ""}) == "e=&k=abc"


class Text(str):
    __slots__ = ()


def test_any_mapping_and_any_sequence_of_text_will_do() -> None:
    params = UserDict({"a": deque(["1", "2"]), "b": ("3",), Text("c"): Text("4"), "d": [Text("5")]})

    encoded = encode_params(MappingProxyType(params))

    assert encoded == "a=1&a=2&b=3&c=4&d=5"
    assert type(encoded) is str


def test_the_arguments_are_left_as_they_were() -> None:
    values = ["2", "1"]
    params = defaultdict(list, {"b": values, "a": ["é"]})

    encode_params(params)
    encode_form(params)

    assert list(params.items()) == [("b", ["2", "1"]), ("a", ["é"])]
    assert params["b"] is values


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (None, "params must be a mapping of str to a sequence of str, not None"),
        ([("k", "v")], "params must be a mapping of str to a sequence of str, not list"),
        ("k=v", "params must be a mapping of str to a sequence of str, not str"),
        ({"a": "1", 7: "v"}, "params: the key at position 1 must be a str, not int; convert it with str()"),
        ({b"k": "v"}, "params: the key at position 0 must be a str, not bytes; decode it"),
        ({None: "v"}, "params: the key at position 0 must be a str, not None; leave it out or pass ''"),
        ({"k": ["v", 7]}, "params: value 1 of 'k' must be a str, not int; convert it with str()"),
        ({"k": ["v", None]}, "params: value 1 of 'k' must be a str, not None; leave it out or pass ''"),
        ({"k": ("v", b"w")}, "params: value 1 of 'k' must be a str, not bytes; decode it"),
        ({"k": [["v"]]}, "params: value 0 of 'k' must be a str, not list; convert it with str()"),
        ({"k": range(2)}, "params: value 0 of 'k' must be a str, not int; convert it with str()"),
        ({"k": [UserString("v")]}, "params: value 0 of 'k' must be a str, not UserString; convert it with str()"),
        ({"k" * 50: [7]}, f"params: value 0 of '{'k' * 40}...' must be a str, not int; convert it with str()"),
    ],
)
def test_what_is_no_text_is_refused_by_argument_and_place(params: object, text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        encode_params(params)  # type: ignore[arg-type]

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        (7, "not int; convert it with str()"),
        (True, "not bool; convert it with str()"),
        (None, "not None; leave it out or pass ''"),
        (b"v", "not bytes; decode it"),
        (b"", "not bytes; decode it"),
        (bytearray(), "not bytearray; decode it"),
        (memoryview(b""), "not memoryview; decode it"),
        ({"v"}, "not set; pass a list"),
        ({"v": "w"}, "not dict; pass a list"),
        (iter(["v"]), "not list_iterator; pass a list"),
    ],
)
def test_what_is_neither_text_nor_a_sequence_is_refused(value: object, rest: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        encode_params({"k": value})  # type: ignore[dict-item]

    assert str(caught.value) == f"params: the value of 'k' must be a str or a sequence of str, {rest}"


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"a": "1", "k\ud800": "v"}, "params: the key at position 1 must not contain a lone surrogate (position 1)"),
        ({"k": "secret\udfff"}, "params: the value of 'k' must not contain a lone surrogate (position 6)"),
        ({"k": ["a", "b", "\ud834\udd1e"]}, "params: value 2 of 'k' must not contain a lone surrogate (position 0)"),
        ({"k": Text("\ud800")}, "params: the value of 'k' must not contain a lone surrogate (position 0)"),
    ],
)
def test_a_lone_surrogate_is_refused_with_its_position(params: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        encode_params(params)

    assert str(caught.value) == text
    assert caught.value.__suppress_context__
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_a_form_names_itself() -> None:
    with pytest.raises(InvalidTypeError, match=r"^form must be a mapping of str to a sequence of str, not bytes$"):
        encode_form(b"k=v")  # type: ignore[arg-type]
    with pytest.raises(
        InvalidTypeError, match=r"^form: value 0 of 'k' must be a str, not int; convert it with str\(\)$"
    ):
        encode_form({"k": [1]})  # type: ignore[list-item]
    with pytest.raises(InvalidParamsError, match=r"^form: the value of 'k' must not contain a lone surrogate"):
        encode_form({"k": "\ud800"})


class Fickle(UserDict[str, str]):
    """Changes between the first look and the second."""

    def __getitem__(self, key: str) -> str:
        self.data[key], value = "text", self.data[key]
        return value


def test_a_mapping_that_heals_itself_still_raises() -> None:
    with pytest.raises(TypeError):
        encode_params(Fickle({"k": 7}))  # type: ignore[dict-item]


@given(st.dictionaries(st.one_of(texts, st.integers(), st.none()), st.lists(st.one_of(texts, st.binary(), st.none()))))
def test_only_errors_of_the_tree_leave(params: dict[str, list[str]]) -> None:
    try:
        encode_params(params)
    except FluxHTTPError as error:
        text = str(error)
        assert text[0].islower()
        assert not text.endswith(".")


@given(st.text(st.characters(), min_size=1), st.sampled_from("\ud800\udbff\udc00\udfff"))
def test_no_refusal_shows_a_value(text: str, bad: str) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        encode_params({"": "secret" + text + bad})

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value.__context__)


@given(mappings)
def test_a_parser_reads_back_what_was_written(params: dict[str, str | list[str]]) -> None:
    expected = [(key, value) for key, values in sorted(as_lists(params).items()) for value in values]

    assert parse_qsl(encode_params(params), keep_blank_values=True, strict_parsing=bool(expected)) == expected


@given(mappings)
def test_a_form_reads_back_in_the_order_of_the_mapping(params: dict[str, str | list[str]]) -> None:
    expected = [(key, value) for key, values in as_lists(params).items() for value in values]

    assert parse_qsl(encode_form(params).decode("ascii"), keep_blank_values=True) == expected


@given(texts, texts)
def test_a_pair_is_encoded_as_the_standard_library_does(key: str, value: str) -> None:
    assert encode_params({key: value}) == f"{quote_plus(key)}={quote_plus(value)}"


@given(texts)
def test_a_segment_is_escaped_as_the_standard_library_does(text: str) -> None:
    assert path_escape(text) == quote(text, safe="$&+=:@")


def test_code_points_of_all_planes_are_encoded_and_the_tables_stay_small() -> None:
    # More than a table remembers; surrogates are no text.
    codes = [code for code in (*range(0x1000), *range(0x1000, 0x110000, 97)) if not 0xD800 <= code < 0xE000]
    text = "".join(map(chr, codes))

    assert encode_params({"": text}) == "=" + quote_plus(text)
    assert path_escape(text) == quote(text, safe="$&+=:@")
    assert len(query._QUERY) <= query._REMEMBERED_MAX
    assert len(query._SEGMENT) <= query._REMEMBERED_MAX


def test_ascii_is_remembered_even_when_the_table_is_full() -> None:
    table = query._Escapes(dict.fromkeys(range(0x4E00, 0x4E00 + query._REMEMBERED_MAX), ""))

    assert "/é".translate(table) == "%2F%C3%A9"
    assert ord("/") in table
    assert ord("é") not in table


def test_a_segment_keeps_dots_and_escapes_slashes() -> None:
    escaped = [path_escape(text) for text in (".", "..", "../a", "/#$name#$", "")]

    assert escaped == [".", "..", "..%2Fa", "%2F%23$name%23$", ""]


def test_a_segment_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"^text must be a str, not bytes; decode it$"):
        path_escape(b"a")  # type: ignore[arg-type]
    with pytest.raises(InvalidURLError, match=r"^text must not contain a lone surrogate \(position 2\)$"):
        path_escape("ab\ud800")


@pytest.mark.parametrize(
    ("username", "password", "value"),
    [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617, 2
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),  # RFC 7617, 2.1
        ("", "", "Basic Og=="),
        ("a:b", "c", "Basic YTpiOmM="),
    ],
)
def test_credentials_are_one_line_of_base64(username: str, password: str, value: str) -> None:
    assert basic_auth(username, password) == value


@given(texts, texts)
def test_credentials_read_back(username: str, password: str) -> None:
    scheme, _, token = basic_auth(username, password).partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(token, validate=True) == f"{username}:{password}".encode()


def test_long_credentials_are_not_broken_into_lines() -> None:
    assert "\n" not in basic_auth("u" * 1000, "p" * 1000)


def test_credentials_may_be_bytes_where_a_url_held_them() -> None:
    assert basic_auth_bytes(b"\xff", b"\x00") == "Basic " + base64.b64encode(b"\xff:\x00").decode()


def test_credentials_that_are_no_text_are_refused_and_not_shown() -> None:
    with pytest.raises(InvalidTypeError, match=r"^username must be a str, not bytes; decode it$"):
        basic_auth(b"u", "p")  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match=r"^password must be a str, not int; convert it with str\(\)$"):
        basic_auth("u", 1234)  # type: ignore[arg-type]
    with pytest.raises(InvalidHeaderError) as caught:
        basic_auth("u", "hunter2\ud800")

    assert str(caught.value) == "password must not contain a lone surrogate (position 7)"
    assert caught.value.__context__ is None


def test_importing_brings_in_no_parser_and_no_codec() -> None:
    code = (
        "import sys, fluxhttp._core.query\n"
        "print([name for name in ('urllib.parse', 'binascii', 'base64')"
        " if name in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=DATA.parent.parent
    )

    assert found.stdout.strip() == "[]"
