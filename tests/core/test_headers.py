"""Headers: a mapping over lines, and what may be sent as one."""

from __future__ import annotations

import contextlib
import copy
import enum
import json
import pickle
import time
from collections import UserDict, UserString
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core import headers as headers_module
from fluxhttp._core.config import Limits
from fluxhttp._core.head import parse_fields
from fluxhttp._core.headers import Headers, checked_name, checked_value, header_pairs, lower_name
from fluxhttp._core.request import Request
from fluxhttp.errors import FluxHTTPError, InvalidHeaderError, InvalidRequestError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent.parent / "data"
NAME_ROWS = json.loads((DATA / "header_names.json").read_text("utf-8"))["vectors"]

TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F) if code != 0x09]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

# A name that Request refuses although it is a token, for the framing is not the
# caller's (decision D5). Go sends it.
REFUSED_BY_D5 = {29: "proxy-authorization"}

names = st.text(TOKEN_CHARS, min_size=1, max_size=12)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
lines = st.lists(st.tuples(names, values), max_size=8)


def name_of(row: dict[str, str]) -> str:
    return bytes.fromhex(row["name_hex"]).decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("index", range(len(NAME_ROWS)))
def test_a_name_row(index: int) -> None:
    row = NAME_ROWS[index]

    if row["sendable"]:
        assert Headers({name_of(row): "v"}).multi_items() == ((name_of(row), "v"),)
    else:
        with pytest.raises(InvalidHeaderError, match=r"^headers: a name must (be a token, but has|not be empty)"):
            Headers({name_of(row): "v"})


@pytest.mark.parametrize("index", range(len(NAME_ROWS)))
def test_a_name_row_in_a_request(index: int) -> None:
    row = NAME_ROWS[index]

    try:
        request = Request.build("GET", "http://a.test/", headers={name_of(row): "close"})
    except InvalidHeaderError:
        is_sent = False
    else:
        is_sent = f"\r\n{name_of(row)}: close\r\n".encode() in request.to_bytes()

    assert is_sent is (row["sendable"] and index not in REFUSED_BY_D5)
    if index in REFUSED_BY_D5:
        assert row["sendable"]
        assert name_of(row).lower() == REFUSED_BY_D5[index]


def test_a_name_is_found_in_any_case() -> None:
    headers = Headers({"Content-Type": "text/plain"})

    assert headers["content-type"] == headers["CONTENT-TYPE"] == headers.get("Content-type") == "text/plain"
    assert "cOnTeNt-TyPe" in headers
    assert "Accept" not in headers
    assert 7 not in headers


def test_lines_keep_their_order_and_spelling() -> None:
    lines = (("b", "1"), ("A", "2"), ("B", "3"))

    assert Headers(lines).multi_items() == lines
    assert list(Headers(lines)) == ["b", "A"]
    assert len(Headers(lines)) == 2
    assert dict(Headers(lines)) == {"b": "1, 3", "A": "2"}


def test_the_values_of_a_name_are_joined_and_shown_one_by_one() -> None:
    headers = Headers([("Via", "a"), ("via", "b, c")])

    assert headers["VIA"] == "a, b, c"
    assert headers.get_all("via") == ("a", "b, c")
    assert headers.first("via") == "a"


def test_the_last_set_cookie_counts_for_they_cannot_be_joined() -> None:
    headers = Headers([("Set-Cookie", "a=1; expires=Wed, 09 Jun 2021"), ("SET-COOKIE", "b=2")])

    assert headers["set-cookie"] == headers["Set-Cookie"] == "b=2"
    assert headers.get_all("Set-Cookie") == ("a=1; expires=Wed, 09 Jun 2021", "b=2")


def test_an_absent_name_has_no_values() -> None:
    headers = Headers()

    assert headers.get_all("a") == ()
    assert headers.first("a") is None
    assert headers.get("a") is None
    assert headers.get("a", "b") == "b"
    with pytest.raises(KeyError, match="'a'"):
        headers["a"]


@pytest.mark.parametrize("name", [None, 7, b"a", bytearray(b"a"), ["a"]])
def test_a_name_that_is_no_text_is_absent_or_refused(name: object) -> None:
    headers = Headers({"a": "b"})

    assert headers.get(name) is None  # type: ignore[call-overload]
    with pytest.raises(KeyError):
        headers[name]  # type: ignore[index]
    with pytest.raises(InvalidTypeError, match=r"^name must be a str, not "):
        headers.get_all(name)  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match=r"^name must be a str, not "):
        headers.first(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "source",
    [
        {"a": "1", "b": "2"},
        MappingProxyType({"a": "1", "b": "2"}),
        UserDict({"a": "1", "b": "2"}),
        [("a", "1"), ["b", "2"]],
        (pair for pair in (("a", "1"), ("b", "2"))),
        Headers({"a": "1", "b": "2"}),
        {"a": "1", "b": "2"}.items(),
    ],
    ids=lambda source: type(source).__name__,
)
def test_any_mapping_or_pairs_will_do(source: object) -> None:
    assert Headers(source).multi_items() == (("a", "1"), ("b", "2"))  # type: ignore[arg-type]


def test_no_source_is_no_field() -> None:
    assert Headers().multi_items() == Headers(None).multi_items() == Headers([]).multi_items() == ()


@pytest.mark.parametrize(
    "source", ["a: b", b"a: b", 7, 1.5, object(), ["ab"], [b"ab"], [("a",)], [("a", "b", "c")], [7]]
)
def test_what_is_neither_a_mapping_nor_pairs_is_refused(source: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^headers must be a mapping or pairs of str, not \w+$"):
        Headers(source)  # type: ignore[arg-type]


def test_another_argument_is_named_as_it_is_called() -> None:
    with pytest.raises(InvalidTypeError, match=r"^fields must be a mapping or pairs of str, not str$"):
        header_pairs("a: b", argument="fields")
    with pytest.raises(InvalidTypeError, match=r"^fields must be a mapping or pairs of str, not int$"):
        header_pairs(7, argument="fields")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({7: "v"}, "headers: a name must be a str, not int"),
        ({None: "v"}, "headers: a name must be a str, not NoneType"),
        ({b"k": "v"}, "headers: a name must be a str, not bytes"),
        ([(UserString("k"), "v")], "headers: a name must be a str, not UserString"),
        ({"k": 7}, "headers: the value of 'k' must be a str, not int"),
        ({"k": None}, "headers: the value of 'k' must be a str, not NoneType"),
        ({"k": b"v"}, "headers: the value of 'k' must be a str, not bytes; decode it"),
        ({"k": bytearray(b"v")}, "headers: the value of 'k' must be a str, not bytearray; decode it"),
        ({"k": ["v"]}, "headers: the value of 'k' must be a str, not list"),
        ({"k": UserString("v")}, "headers: the value of 'k' must be a str, not UserString"),
        ({"k" * 100: 7}, f"headers: the value of '{'k' * 64}...' must be a str, not int"),
    ],
)
def test_a_name_or_value_that_is_no_text_is_refused(source: object, text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        Headers(source)  # type: ignore[arg-type]

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "headers: a name must not be empty"),
        (" a", "headers: a name must be a token, but has ' ' (position 0)"),
        ("a b", "headers: a name must be a token, but has ' ' after 'a' (position 1)"),
        ("a:", "headers: a name must be a token, but has ':' after 'a' (position 1)"),
        ("a\r\nb", "headers: a name must be a token, but has '\\r' after 'a' (position 1)"),
        ("a\n", "headers: a name must be a token, but has '\\n' after 'a' (position 1)"),
        ("é", "headers: a name must be a token, but has 'é' (position 0)"),
        ("\u212aeep", "headers: a name must be a token, but has '\u212a' (position 0)"),
        ("a\ud800", "headers: a name must be a token, but has '\\ud800' after 'a' (position 1)"),
        ("k" * 100 + "/", f"headers: a name must be a token, but has '/' after '{'k' * 64}...' (position 100)"),
    ],
)
def test_a_name_that_is_no_token_is_refused_with_its_place(name: str, text: str) -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        checked_name(name)

    assert str(caught.value) == text


def test_a_whole_line_given_as_a_name_shows_no_secret() -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        Headers({"Authorization: Bearer hunter2": ""})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("control", CONTROLS)
def test_a_value_with_a_control_character_is_refused_and_not_shown(control: str) -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        Headers({"a": f"hunter2{control}b: c"})

    assert str(caught.value) == f"headers: the value of 'a' must not contain {control!r} (position 7)"


@pytest.mark.parametrize(
    "value", ["\r\n", "\n x", "x\r", "\x00", " \x0b ", "\ud800", "a\udfff", "\ud834\udd1e", "é\x7f"]
)
def test_no_control_character_or_surrogate_is_trimmed_away(value: str) -> None:
    with pytest.raises(InvalidHeaderError, match=r"^headers: the value of 'a' must not contain "):
        Headers({"a": value})


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("", ""),
        (" ", ""),
        ("\t \t", ""),
        (" a b ", "a b"),
        ("\ta\tb\t", "a\tb"),
        ("é", "é"),
        ("\té ", "é"),
        ("\xa0a\xa0", "\xa0a\xa0"),
        ("\u2028", "\u2028"),
        ("\x85", "\x85"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_blanks_around_a_value_are_trimmed_and_the_rest_is_kept(value: str, sent: str) -> None:
    assert Headers({"a": value})["a"] == sent


class Name(str, enum.Enum):  # noqa: UP042  # a StrEnum formats as its value, this does not
    TRACE = "X-Trace"


class Text(str):
    __slots__ = ()

    def strip(self, chars: str | None = None, /) -> Text:
        return self

    def __format__(self, spec: str) -> str:
        return "something else"


def test_a_subclass_of_str_is_taken_as_the_text_it_is() -> None:
    headers = Headers([(Name.TRACE, Name.TRACE), (Text("a"), Text(" b ")), (Text("c"), Text("\té"))])

    assert headers.multi_items() == (("X-Trace", "X-Trace"), ("a", "b"), ("c", "é"))
    assert {type(text) for pair in headers.multi_items() for text in pair} == {str}


def test_headers_are_equal_if_each_name_has_the_same_values() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])

    assert headers == Headers([("b", "2"), ("a", "1"), ("A", "3")])
    assert hash(headers) == hash(Headers([("b", "2"), ("a", "1"), ("A", "3")]))
    assert headers != Headers([("b", "2"), ("a", "3"), ("a", "1")])
    assert headers != Headers([("A", "1"), ("b", "2")])


def test_headers_compare_with_a_mapping() -> None:
    plain = {"a": "1"}

    assert Headers({"A": "1"}) == {"a": "1"}
    assert plain == Headers({"A": "1"})
    assert Headers({"A": "1"}) != {"a": "2"}
    assert Headers({"A": "1"}) != {"a": 1}
    assert Headers({"A": "1"}) != {"a b": "1"}
    assert Headers({"A": "1"}) != [("A", "1")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_headers_are_the_same_after_pickling(protocol: int) -> None:
    headers = Headers([("A", "1"), ("a", "é"), ("Authorization", "Bearer hunter2")])

    restored = pickle.loads(pickle.dumps(headers, protocol))

    assert restored == headers
    assert restored.multi_items() == headers.multi_items()


def test_a_copy_is_the_same_headers() -> None:
    headers = Headers({"a": "b"})

    assert copy.copy(headers) == copy.deepcopy(headers) == headers


def test_headers_cannot_be_changed() -> None:
    headers = Headers({"a": "b"})

    with pytest.raises(AttributeError):
        headers._pairs = ()
    with pytest.raises(TypeError):
        headers["a"] = "c"  # type: ignore[index]
    with pytest.raises(TypeError):
        del headers["a"]  # type: ignore[attr-defined]


def test_the_source_is_neither_changed_nor_kept() -> None:
    source = [("a", " 1 ")]

    headers = Headers(source)
    source.append(("b", "2"))

    assert source == [("a", " 1 "), ("b", "2")]
    assert headers.multi_items() == (("a", "1"),)


def test_a_representation_masks_credentials_and_what_urls_carry() -> None:
    headers = Headers(
        [
            ("Host", "a.test"),
            ("authorization", "Bearer hunter2"),
            ("Cookie", "hunter2"),
            ("SET-COOKIE", "hunter2"),
            ("Proxy-Authorization", "hunter2"),
            ("X-Api-Key", "hunter2"),
            ("Location", "http://u:hunter2@a.test/p?token=hunter2#hunter2"),
            ("Referer", "http://a.test/?hunter2"),
            ("Link", '<http://a.test/?t=hunter2>; rel="next", <http://u:hunter2@a.test/>'),
        ]
    )

    assert "hunter2" not in repr(headers)
    assert repr(headers).startswith("Headers([('Host', 'a.test'), ('authorization', '***'), ('Cookie', '***')")
    assert "('Location', 'http://a.test/p?token=***')" in repr(headers)


def test_trusted_lines_are_not_judged_again() -> None:
    index = {"a": ("\x00",)}

    assert Headers.trusted([("A", "\x00")]).index == index
    assert Headers.trusted([("A", "\x00")], index).index is index


def test_a_name_is_lowered_only_if_it_is_a_token() -> None:
    assert lower_name("X-A") == "x-a"
    assert lower_name("") is None
    assert lower_name("\u212a") is None
    assert lower_name("a\n") is None


def test_remembered_names_are_bounded_in_number_and_length() -> None:
    long_name = "Y" * (headers_module._KNOWN_NAME_LENGTH_MAX + 1)

    lowered = lower_name(long_name)
    Headers([(f"X-{number}", "v") for number in range(headers_module._KNOWN_NAMES_MAX + 10)])

    assert lowered == long_name.lower()
    assert long_name not in headers_module.known_names
    assert len(headers_module.known_names) == headers_module._KNOWN_NAMES_MAX


@given(lines)
def test_what_may_be_sent_reads_back_as_it_was(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    wire = "".join(f"{name}: {value}\r\n" for name, value in headers.multi_items()).encode()

    received = parse_fields(wire.decode("latin-1"), Limits())

    assert [name for name, _ in received.multi_items()] == [name for name, _ in pairs]
    assert [value.encode("latin-1").decode() for _, value in received.multi_items()] == [
        value.strip(" \t") for _, value in pairs
    ]


@given(st.text(), st.text(st.characters()))
def test_any_text_is_sent_as_one_line_or_refused(name: str, value: str) -> None:
    try:
        headers = Headers({name: value})
    except InvalidHeaderError:
        return

    line = "".join(f"{name}: {value}" for name, value in headers.multi_items()).encode()
    assert not {0, 10, 13, 127} & set(line)


anything = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(st.characters(), max_size=5), st.binary(max_size=5), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(), st.none()), inner, max_size=3),
    ),
    max_leaves=6,
)


@given(anything)
def test_only_errors_of_the_tree_leave(source: object) -> None:
    try:
        Headers(source)  # type: ignore[arg-type]
    except InvalidRequestError as error:
        reason = str(error)
        assert reason.startswith("headers")


@given(lines, lines)
def test_equality_and_hash_agree(left: list[tuple[str, str]], right: list[tuple[str, str]]) -> None:
    if Headers(left) == Headers(right):
        assert hash(Headers(left)) == hash(Headers(right))
    assert Headers(left) == Headers(left)
    assert Headers(dict(Headers(left))) == dict(Headers(left))


def cost(call: Callable[[], object]) -> float:
    """The seconds of processor time that a call takes, refused or not."""
    started = time.process_time()
    with contextlib.suppress(FluxHTTPError):
        call()
    return time.process_time() - started


@pytest.mark.cost
@pytest.mark.parametrize("value", ["b" * 2**20, "é" * 2**20, "\t" * 2**20, " " * 2**20 + "\x00"])
def test_a_value_of_a_megabyte_costs_little(value: str) -> None:
    assert cost(lambda: checked_value("a", value)) < 0.25


@pytest.mark.cost
def test_ten_thousand_lines_cost_little() -> None:
    assert cost(lambda: Headers([("a", "b")] * 10_000)["a"]) < 0.25


def test_a_refusal_is_short_however_long_the_text() -> None:
    for source in ({"a" * 2**20 + " ": "b"}, {"a" * 2**20: "\x00"}, {"a": "b" * 2**20 + "\x00"}, {"a" * 2**20: 7}):
        with pytest.raises(InvalidRequestError) as caught:
            Headers(source)  # type: ignore[arg-type]

        assert len(str(caught.value)) < 200
