"""Request: what goes on the wire, row by row against Go's, and what is refused."""

from __future__ import annotations

import array
import contextlib
import copy
import enum
import json
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhttp._core.headers import Headers
from fluxhttp._core.request import METHODS, UNSET, USER_AGENT, Request
from fluxhttp._core.url import URL
from fluxhttp.errors import (
    FluxHTTPError,
    InvalidHeaderError,
    InvalidMethodError,
    InvalidParamsError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = Path(__file__).parent.parent / "data"
ROWS = json.loads((DATA / "url_to_wire.json").read_text("utf-8"))["vectors"]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

# Rows of url_to_wire.json that come out differently, by index, with the reason.
HOST_IN_LOWER_CASE = "D7: the host goes out in lower case"
NO_DEFAULT_PORT = "D7: the default port is left out of Host"
ONE_FORM = "D7: what RFC 3986 has no place for is percent-encoded in path and query, and valid escapes are kept"
PORT_RANGE = "D7: a port is one number from 1 to 65535"
HOST_CHARACTERS = "D7: a host is made of letters, digits, hyphens and underscores, in labels of 1 to 63, 253 in all"
NUMERIC_HOST = "D7: numeric spellings of addresses are refused"
IDNA = "D7: UTS 46 and IDNA 2008 apply to the host on the wire too"
IPV6 = "D7: IPv6 only in brackets, with a zone of unreserved characters"
NO_MAPPING = "section 3: a mapping has a key once"
SIX_METHODS = "section 3: six methods, in upper case (rule 7)"
HOST_OVERRIDES = "D5: a caller's Host overrides"
LENGTH_MUST_FIT = "D5: Content-Length only if it is equal to the body's length"
FRAMING = "D5: a field of the framing or of the hop is refused"
CONNECTION = "D5: Connection only 'close'"
DIFFERENT = {
    **dict.fromkeys([2, 3, 4, 5], HOST_IN_LOWER_CASE),
    **dict.fromkeys([6, 7, 44], NO_DEFAULT_PORT),
    **dict.fromkeys([14, 16, 89, 90, 103, 104], ONE_FORM),
    **dict.fromkeys([25, 28], PORT_RANGE),
    **dict.fromkeys([29, 42, 43, 47, 53, 57, 58, 59, 60, 139], HOST_CHARACTERS),
    **dict.fromkeys([48, 50, 51, 52], NUMERIC_HOST),
    **dict.fromkeys([39, 45, 46], IDNA),
    **dict.fromkeys([66, 68], IPV6),
    **dict.fromkeys([154], NO_MAPPING),
    **dict.fromkeys([170, 171, 172, 173, 174, 175, 176], SIX_METHODS),
    **dict.fromkeys([180, 181, 182, 183, 184, 185], HOST_OVERRIDES),
    **dict.fromkeys([186, 187, 188], LENGTH_MUST_FIT),
    **dict.fromkeys([189, 190, 191], FRAMING),  # transfer-encoding
    **dict.fromkeys([210, 211, 212], CONNECTION),
    **dict.fromkeys([255, 256, 257], FRAMING),  # expect
    **dict.fromkeys([264, 265, 266], FRAMING),  # te
    **dict.fromkeys([267, 268, 269], FRAMING),  # trailer
    **dict.fromkeys([270, 271, 272], FRAMING),  # upgrade
    **dict.fromkeys([282, 283, 284], FRAMING),  # proxy-authorization
    **dict.fromkeys([285, 286, 287], FRAMING),  # proxy-connection
    **dict.fromkeys([288, 289, 290], FRAMING),  # keep-alive
}
# Rows whose other fields or body differ, though target, Host and Authorization do not.
DIFFERENT_FIELDS = {
    **dict.fromkeys([201, 202], "D9: an Accept-Encoding of the caller's is the only one"),
    **dict.fromkeys([216, 217, 218], "D6: duplicates become separate lines"),
    **dict.fromkeys([240, 241, 242], "D6: text goes out as UTF-8; a lone byte above 0x7F cannot be said"),
}


def as_text(latin1: str) -> str:
    """The text whose UTF-8 form the vectors show byte by byte, where there is one."""
    try:
        return latin1.encode("latin-1").decode()
    except UnicodeDecodeError:
        return latin1


def built(row: dict[str, object]) -> Request:
    params = row.get("params")
    headers = row.get("headers", [])
    return Request.build(
        row["method"],  # type: ignore[arg-type]
        row["url"],  # type: ignore[arg-type]
        params=None if params is None else dict(params),  # type: ignore[call-overload]
        headers=[(as_text(name), as_text(value)) for name, value in headers],  # type: ignore[attr-defined]
        body=row.get("body", "").encode("latin-1"),  # type: ignore[attr-defined]
    )


def wire_fields(head: str) -> list[tuple[str, str]]:
    fields = []
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        fields.append((name.lower(), value))
    return fields


def parts(raw: bytes) -> tuple[str, list[str], list[str]]:
    """Target, Host lines and Authorization lines."""
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    fields = wire_fields(head)
    return (
        head.split(" ")[1],
        [value for name, value in fields if name == "host"],
        [value for name, value in fields if name == "authorization"],
    )


def outcome(row: dict[str, object]) -> object:
    try:
        return parts(built(row).to_bytes())
    except FluxHTTPError:
        return "refused"


def go_outcome(row: dict[str, dict[str, str]]) -> object:
    return "refused" if "error" in row["expect"] else parts(row["expect"]["raw"].encode("latin-1"))


@pytest.mark.parametrize("index", range(len(ROWS)))
def test_a_wire_row(index: int) -> None:
    row = ROWS[index]

    if index in DIFFERENT:
        assert outcome(row) != go_outcome(row), f"listed, but agrees: {DIFFERENT[index]}"
    else:
        assert outcome(row) == go_outcome(row)


#: What each of the two says of itself.
OWN_WORDS = {"Go-http-client/1.1": "own", USER_AGENT: "own", "gzip": "own", "gzip, deflate": "own"}


def others(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """The other fields and the body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = [
        (name, OWN_WORDS.get(value, value))
        for name, value in sorted(wire_fields(head.decode("latin-1")))
        if name not in {"host", "authorization"}
    ]
    return fields, body


@pytest.mark.parametrize(
    "index", [index for index, row in enumerate(ROWS) if "raw" in row["expect"] and index not in DIFFERENT]
)
def test_the_other_fields_and_the_body_of_a_wire_row(index: int) -> None:
    row = ROWS[index]

    ours, go = others(built(row).to_bytes()), others(row["expect"]["raw"].encode("latin-1"))

    if index in DIFFERENT_FIELDS:
        assert ours != go, f"listed, but agrees: {DIFFERENT_FIELDS[index]}"
    else:
        assert ours == go


def test_a_row_with_a_repeated_key_agrees_once_its_values_are_put_together() -> None:
    request = Request.build("GET", ROWS[154]["url"], params={"z": ["1", "0"], "a": ["2"]})

    assert request.url.target == ROWS[154]["expect"]["target"]


def test_a_get_has_these_bytes() -> None:
    request = Request.build("GET", "http://A.test:8080/p q?x#f", params={"b": ["2", "1"]}, headers={"X-A": " é "})

    assert request.to_bytes() == (
        b"GET /p%20q?b=2&b=1 HTTP/1.1\r\n"
        b"Host: a.test:8080\r\n" + f"User-Agent: {USER_AGENT}\r\n".encode() + b"X-A: \xc3\xa9\r\n"
        b"Accept-Encoding: gzip, deflate\r\n"
        b"\r\n"
    )


def test_a_post_has_these_bytes() -> None:
    request = Request.build(
        "POST",
        "https://u:p@a.test/",
        json={"a": [1, None], "é": "\n"},
        headers=[("accept", "*/*"), ("connection", "Close"), ("user-agent", "mine/1"), ("ACCEPT", "x/y")],
    )

    assert request.to_bytes() == (
        b"POST / HTTP/1.1\r\n"
        b"Host: a.test\r\n"
        b"user-agent: mine/1\r\n"
        b"Content-Length: 24\r\n"
        b"connection: Close\r\n"
        b"Content-Type: application/json\r\n"
        b"accept: */*\r\n"
        b"ACCEPT: x/y\r\n"
        b"Authorization: Basic dTpw\r\n"
        b"Accept-Encoding: gzip, deflate\r\n"
        b"\r\n"
        b'{"a":[1,null],"\xc3\xa9":"\\n"}'
    )


def test_a_proxy_gets_another_target_and_fields_of_its_own() -> None:
    request = Request.build("GET", "http://a.test/p", headers={"User-Agent": ""})

    head = request.head_bytes("http://a.test/p", [("Proxy-Authorization", "Basic x")])

    assert head == (
        b"GET http://a.test/p HTTP/1.1\r\nHost: a.test\r\n"
        b"Accept-Encoding: gzip, deflate\r\nProxy-Authorization: Basic x\r\n\r\n"
    )
    assert request.head_bytes() == request.to_bytes()


def test_a_request_shows_what_is_sent() -> None:
    url = URL.parse("http://u:p@a.test/p?q")

    request = Request.build("PUT", url, body=b"x")

    assert (request.method, request.url, request.body, request.decodes) == ("PUT", url, b"x", True)
    assert request.url.userinfo is None
    assert request.headers["content-length"] == "1"
    assert request.headers["authorization"] == "Basic dTpw"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        *[(method, b"", "0") for method in ("PATCH", "POST", "PUT")],
        *[(method, b"", None) for method in ("DELETE", "GET", "HEAD")],
        *[(method, b"body", "4") for method in sorted(METHODS)],
    ],
)
def test_a_length_is_sent_for_a_body_and_where_one_is_expected(method: str, body: bytes, length: str | None) -> None:
    request = Request.build(method, "http://a.test/", body=body)

    assert request.headers.get("content-length") == length
    assert "transfer-encoding" not in request.headers


@pytest.mark.parametrize(
    ("params", "target"),
    [
        (None, "/p?x=1"),
        ({}, "/p?x=1"),
        ({"k": []}, "/p?x=1"),
        ({"k": [], "j": ()}, "/p?x=1"),
        ({"k": ""}, "/p?k="),
        ({"": ""}, "/p?="),
        ({"k": ["&", "é"], "j": "#"}, "/p?j=%23&k=%26&k=%C3%A9"),
    ],
)
def test_params_replace_the_query_if_any_key_has_a_value(params: Mapping[str, str], target: str) -> None:
    assert Request.build("GET", "http://a.test/p?x=1", params=params).url.target == target


def test_params_cannot_change_another_part_of_the_url() -> None:
    request = Request.build("GET", "http://a.test:81/p", params={"@b.test/#": "\r\n?"})

    assert request.url.origin == "http://a.test:81"
    assert request.url.target == "/p?%40b.test%2F%23=%0D%0A%3F"


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({}, "Basic dTpw"),
        ({"Authorization": "Bearer x"}, "Bearer x"),
        ({"AUTHORIZATION": "Bearer x"}, "Bearer x"),
        ({"authorization": ""}, ""),
    ],
)
def test_userinfo_becomes_authorization_unless_one_is_given(headers: dict[str, str], value: str) -> None:
    request = Request.build("GET", "http://u:p@a.test/", headers=headers)

    assert request.headers.get_all("authorization") == (value,)
    assert b"@" not in request.to_bytes()


def test_userinfo_is_sent_as_the_bytes_it_stands_for() -> None:
    request = Request.build("GET", "http://%C3%A9:%ff%0d%0a@a.test/")

    assert request.headers["authorization"] == "Basic w6k6/w0K"


@pytest.mark.parametrize(
    ("method", "headers", "decodes", "codings"),
    [
        ("GET", {}, True, ("gzip, deflate",)),
        ("POST", {}, True, ("gzip, deflate",)),
        ("HEAD", {}, False, ()),
        ("GET", {"accept-encoding": "gzip"}, False, ("gzip",)),
        ("GET", {"Accept-Encoding": ""}, False, ("",)),
        ("HEAD", {"Accept-Encoding": "br"}, False, ("br",)),
        ("GET", {"RANGE": "bytes=0-1"}, False, ()),
    ],
)
def test_codings_are_asked_for_unless_the_caller_has_a_say(
    method: str, headers: dict[str, str], decodes: bool, codings: tuple[str, ...]
) -> None:
    request = Request.build(method, "http://a.test/", headers=headers)

    assert request.decodes is decodes
    assert request.headers.get_all("accept-encoding") == codings


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("b.test", "b.test"),
        ("B.Test:", "b.test"),
        ("b.test:80", "b.test:80"),
        ("b.test:0081", "b.test:81"),
        ("bücher.example:81", "xn--bcher-kva.example:81"),
        ("[0::1]", "[::1]"),
        ("[0::1]:81", "[::1]:81"),
        ("[fe80::1%25eth0]:81", "[fe80::1]:81"),
        (" 127.0.0.1 ", "127.0.0.1"),
    ],
)
def test_a_host_of_the_callers_overrides_and_stays_in_its_place(value: str, sent: str) -> None:
    request = Request.build("GET", "http://a.test/", headers={"x": "y", "hOST": value})

    assert request.headers.multi_items()[0] == ("hOST", sent)
    assert request.headers.get_all("host") == (sent,)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "it has no host"),
        (":80", "it has no host"),
        ("a.test:x", "the port must be a number from 1 to 65535"),
        ("a.test:0", "the port must be a number from 1 to 65535"),
        ("a.test:80:80", "the port must be a number from 1 to 65535"),
        ("u@a.test", "the host must not contain '@' (position 1)"),
        ("a.test/p", "the host must not contain '/' (position 6)"),
        ("a.test, b.test", "the host must not contain ',' (position 6)"),
        ("a b", "the host must not contain ' ' (position 1)"),
        ("a\tb", "the host must not contain '\\t' (position 1)"),
        ("[::1]x", "only a port may follow the ']' of an IPv6 address"),
        ("a\uff0fb", None),
    ],
)
def test_a_host_of_the_callers_is_judged_as_a_urls_is(value: str, reason: str | None) -> None:
    with pytest.raises(InvalidHeaderError, match=r"^headers: 'Host' is not a host and port: ") as caught:
        Request.build("GET", "http://a.test/", headers={"Host": value})

    if reason is not None:
        assert str(caught.value).endswith(f": {reason}")


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        *[
            ({name: "x"}, f"headers: {name!r} belongs to the framing and cannot be set")
            for name in (
                "Transfer-Encoding",
                "TRAILER",
                "te",
                "Upgrade",
                "Keep-Alive",
                "Proxy-Connection",
                "Proxy-Authorization",
                "Expect",
            )
        ],
        ([("Host", "a"), ("host", "a")], "headers: 'host' may be given only once"),
        ([("Content-Length", "0"), ("content-length", "0")], "headers: 'content-length' may be given only once"),
        ([("User-Agent", "a"), ("user-agent", "a")], "headers: 'user-agent' may be given only once"),
        ({"Content-Length": "1"}, "headers: 'Content-Length' must equal the length of the body, 0"),
        ({"Content-Length": "00"}, "headers: 'Content-Length' must equal the length of the body, 0"),
        ({"Content-Length": "+0"}, "headers: 'Content-Length' must equal the length of the body, 0"),
        ({"Content-Length": "\uff10"}, "headers: 'Content-Length' must equal the length of the body, 0"),
        ({"Content-Length": ""}, "headers: 'Content-Length' must equal the length of the body, 0"),
        ({"Connection": "keep-alive"}, "headers: 'Connection' may only be 'close'"),
        ({"Connection": "close, x"}, "headers: 'Connection' may only be 'close'"),
        ({"Connection": ""}, "headers: 'Connection' may only be 'close'"),
    ],
)
def test_a_field_of_the_framing_is_refused(headers: object, text: str) -> None:
    with pytest.raises(InvalidHeaderError) as caught:
        Request.build("GET", "http://a.test/", headers=headers)  # type: ignore[arg-type]

    assert str(caught.value) == text


@pytest.mark.parametrize(("headers", "closes"), [({}, False), ({"Connection": "close"}, True), ({"x": "close"}, False)])
def test_a_request_knows_whether_it_is_the_last_on_its_connection(headers: dict[str, str], closes: bool) -> None:
    built = Request.build("GET", "http://a.test/", headers=headers)
    made = Request(built.method, built.url, built.headers, built.body, decodes=built.decodes)

    assert built.closes is made.closes is closes


def test_a_length_that_fits_is_sent_once() -> None:
    for method, body in (("GET", b""), ("POST", b"four")):
        request = Request.build(method, "http://a.test/", body=body, headers={"content-length": f" {len(body)}"})

        assert request.headers.get_all("content-length") == (str(len(body)),)


def test_an_empty_user_agent_removes_the_field() -> None:
    assert "user-agent" not in Request.build("GET", "http://a.test/", headers={"User-Agent": " "}).headers
    assert Request.build("GET", "http://a.test/").headers["user-agent"] == USER_AGENT
    assert Request.build("GET", "http://a.test/", headers={"user-agent": "x"}).headers["User-Agent"] == "x"


@pytest.mark.parametrize(
    "body",
    [
        b"abcd",
        bytearray(b"abcd"),
        memoryview(b"abcd"),
        memoryview(b"dcba")[::-1],
        memoryview(b"aXbXcXdX")[::2],
        memoryview(array.array("H", [0x6261, 0x6463])),
        type("Bytes", (bytes,), {})(b"abcd"),
    ],
    ids=["bytes", "bytearray", "memoryview", "backwards", "with steps", "of shorts", "subclass"],
)
def test_a_body_of_any_bytes_is_sent(body: bytes) -> None:
    request = Request.build("POST", "http://a.test/", body=body)

    assert type(request.body) is bytes
    assert request.body == b"abcd"
    assert request.to_bytes().endswith(b"\r\n\r\nabcd")


def test_a_body_that_changes_later_was_copied() -> None:
    body = bytearray(b"abcd")

    request = Request.build("POST", "http://a.test/", body=body)
    body[:] = b"x"

    assert request.body == b"abcd"


def test_the_arguments_are_neither_changed_nor_kept() -> None:
    params, headers, document = {"k": ["v"]}, {"a": " b "}, {"k": [1]}

    request = Request.build("POST", "http://a.test/", params=params, headers=headers, json=document)
    params["k"].append("w")
    headers["c"] = "d"
    document["k"].append(2)

    assert request.url.query == "k=v"
    assert "c" not in request.headers
    assert request.body == b'{"k":[1]}'
    assert headers == {"a": " b ", "c": "d"}


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (None, b"null"),
        ({}, b"{}"),
        ("", b'""'),
        (0, b"0"),
        (False, b"false"),
        ([1, "a", {"b": None}], b'[1,"a",{"b":null}]'),
        ("é\u2028\U0001f600", '"é\u2028\U0001f600"'.encode()),
    ],
)
def test_any_value_of_json_is_sent_compactly(value: object, body: bytes) -> None:
    request = Request.build("POST", "http://a.test/", json=value)

    assert request.body == body
    assert request.headers["content-type"] == "application/json"


def test_a_form_is_sent_urlencoded_in_its_order() -> None:
    request = Request.build("POST", "http://a.test/", form={"b": ["2", "1"], "a b": "é&="})

    assert request.body == b"b=2&b=1&a+b=%C3%A9%26%3D"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_content_type_of_the_callers_is_kept() -> None:
    headers = {"content-TYPE": "application/vnd.api+json"}

    for request in (
        Request.build("POST", "http://a.test/", json={}, headers=headers),
        Request.build("POST", "http://a.test/", form={}, headers=headers),
    ):
        assert request.headers.get_all("content-type") == ("application/vnd.api+json",)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"body": b"x", "json": None}, "body and json"),
        ({"body": bytearray(), "form": {}}, "body and form"),
        ({"json": {}, "form": {}}, "json and form"),
        ({"body": "x", "json": {}, "form": {}}, "body and json and form"),
    ],
)
def test_two_bodies_are_refused(arguments: dict[str, object], names: str) -> None:
    with pytest.raises(InvalidTypeError, match=rf"^only one of body, json and form may be given, not {names}$"):
        Request.build("POST", "http://a.test/", **arguments)  # type: ignore[arg-type]


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def cycle() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ({1, 2}, InvalidTypeError, "json: object of type set is not JSON serializable"),
        (b"x", InvalidTypeError, "json: object of type bytes is not JSON serializable"),
        ({(1,): 2}, InvalidTypeError, "json: keys must be str, int, float, bool or None, not tuple"),
        (float("nan"), InvalidRequestError, "json: out of range float values are not JSON compliant"),
        ([float("inf")], InvalidRequestError, "json: out of range float values are not JSON compliant"),
        (cycle(), InvalidRequestError, "json: circular reference detected"),
        ("hunter2\ud800", InvalidRequestError, "json: a str has a lone surrogate (position 8 of the document)"),
        ({"\udfff": "hunter2"}, InvalidRequestError, "json: a str has a lone surrogate (position 2 of the document)"),
        (nested(100_000), InvalidRequestError, "json: maximum recursion depth exceeded"),
        (10**5000, InvalidRequestError, "json: exceeds the limit (4300 digits) for integer string conversion"),
    ],
    ids=["set", "bytes", "key", "nan", "infinity", "cycle", "surrogate", "surrogate key", "depth", "digits"],
)
def test_what_is_no_json_is_refused_and_not_shown(value: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        Request.build("POST", "http://a.test/", json=value)

    assert str(caught.value).startswith(text)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "method", ["", "get", "Post", "OPTIONS", "TRACE", "CONNECT", "GE T", "GET\r\n", "G\x00T", "GET\ud800"]
)
def test_a_method_outside_the_six_is_refused(method: str) -> None:
    with pytest.raises(InvalidMethodError) as caught:
        Request.build(method, "http://a.test/")

    assert str(caught.value) == f"method must be one of DELETE, GET, HEAD, PATCH, POST, PUT, not {method!r}"


def test_a_long_method_is_shown_in_part() -> None:
    with pytest.raises(InvalidMethodError) as caught:
        Request.build("x" * 2**20, "http://a.test/")

    assert len(str(caught.value)) < 100


class Name(str, enum.Enum):  # noqa: UP042  # a StrEnum formats as its value, this does not
    POST = "POST"
    TRACE = "X-Trace"


def test_a_subclass_of_str_is_taken_as_the_text_it_is() -> None:
    request = Request.build(Name.POST, "http://a.test/", headers={Name.TRACE: Name.TRACE})

    assert type(request.method) is str
    assert request.to_bytes().startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nX-Trace: X-Trace\r\n" in request.to_bytes()


@pytest.mark.parametrize(
    "wrong", [7, 1.5, object(), b"x", ["x"], (x for x in "x")], ids=lambda wrong: type(wrong).__name__
)
@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ("method", r"^method must be a str, not \w+$"),
        ("url", r"^url must be a str, not \w+$"),
        ("params", r"^params must be a mapping of str to a sequence of str, not \w+$"),
        ("headers", r"^headers must be a mapping or pairs of str, not \w+$"),
        ("form", r"^form must be a mapping of str to a sequence of str, not \w+$"),
        ("body", r"^body must be bytes, bytearray or memoryview, not \w+$"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(argument: str, error: str, wrong: object) -> None:
    arguments = {"method": "GET", "url": "http://a.test/", argument: wrong}
    if argument == "body" and isinstance(wrong, bytes):
        arguments["body"] = None

    with pytest.raises(InvalidTypeError, match=error):
        Request.build(**arguments)  # type: ignore[arg-type]


def test_a_text_as_body_says_what_to_do() -> None:
    with pytest.raises(InvalidTypeError, match=r"^body must be bytes, bytearray or memoryview, not str; encode it$"):
        Request.build("POST", "http://a.test/", body="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match=r"^body must be bytes, bytearray or memoryview, not str; encode it$"):
        Request.build("POST", "http://a.test/", body="")  # type: ignore[arg-type]


@pytest.mark.parametrize("params", [0, "", [], (), False, "k=v"])
def test_params_that_are_empty_but_no_mapping_are_refused(params: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^params must be a mapping"):
        Request.build("GET", "http://a.test/", params=params)  # type: ignore[arg-type]


SURROGATE = "hunter2\ud800"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"url": f"http://a.test/{SURROGATE}"}, InvalidURLError, "url must not contain the lone surrogate '\\ud800'"),
        ({"params": {"k": SURROGATE}}, InvalidParamsError, "params: the value of 'k' must not contain a lone surr"),
        ({"params": {SURROGATE: "v"}}, InvalidParamsError, "params: the key at position 0 must not contain a lone"),
        ({"form": {"k": SURROGATE}}, InvalidParamsError, "form: the value of 'k' must not contain a lone surrogate"),
        ({"headers": {"k": SURROGATE}}, InvalidHeaderError, "headers: the value of 'k' must not contain '\\ud800'"),
        ({"headers": {"\ud800": "v"}}, InvalidHeaderError, "headers: a name must be a token, but has '\\ud800'"),
        ({"headers": {"Host": SURROGATE}}, InvalidHeaderError, "headers: the value of 'Host' must not contain "),
        ({"json": SURROGATE}, InvalidRequestError, "json: a str has a lone surrogate"),
    ],
)
def test_a_lone_surrogate_is_refused_wherever_it_stands(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        Request.build(**{"method": "POST", "url": "http://a.test/", **arguments})  # type: ignore[arg-type]

    assert str(caught.value).startswith(text)
    assert "hunter2" not in str(caught.value)


def sample() -> Request:
    return Request.build("POST", "http://u:p@a.test/?k=v", headers={"x": "é"}, body=b"b")


def test_a_request_can_be_made_of_its_parts() -> None:
    built = sample()

    made = Request(built.method, built.url, built.headers, built.body, decodes=built.decodes)

    assert made == built
    assert made.to_bytes() == built.to_bytes()
    assert made != Request(built.method, built.url, built.headers, built.body, decodes=False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_is_the_same_after_pickling(protocol: int) -> None:
    restored = pickle.loads(pickle.dumps(sample(), protocol))

    assert restored == sample()
    assert hash(restored) == hash(sample())
    assert restored.to_bytes() == sample().to_bytes()
    assert restored.decodes is True


def test_a_copy_is_the_same_request() -> None:
    assert copy.copy(sample()) == copy.deepcopy(sample()) == sample()


def test_requests_differ_in_any_field() -> None:
    other = [
        Request.build("PUT", "http://u:p@a.test/?k=v", headers={"x": "é"}, body=b"b"),
        Request.build("POST", "http://u:p@a.test/?k=w", headers={"x": "é"}, body=b"b"),
        Request.build("POST", "http://u:p@a.test/?k=v", headers={"x": "e"}, body=b"b"),
        Request.build("POST", "http://u:p@a.test/?k=v", headers={"x": "é"}, body=b"c"),
    ]

    assert sample() not in other


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        sample().body = b""


def test_a_representation_shows_no_secret() -> None:
    request = Request.build(
        "POST",
        "http://u:hunter2@a.test/p?token=hunter2#hunter2",
        headers={"Cookie": "hunter2"},
        body=b"hunter2",
    )

    assert repr(request) == "<Request POST http://a.test/p?token=***, 7 bytes>"
    assert repr(UNSET) == "UNSET"


any_text = st.text(st.characters(), max_size=12)
json_values = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), any_text), st.lists, max_leaves=4)


@settings(deadline=None)  # the first example may load idna
@given(
    st.one_of(st.sampled_from(sorted(METHODS)), any_text),
    st.one_of(any_text, any_text.map(lambda text: f"http://a.test/{text}")),
    st.one_of(st.none(), st.dictionaries(any_text, st.one_of(any_text, st.lists(any_text, max_size=2)), max_size=2)),
    st.one_of(st.none(), st.lists(st.tuples(any_text, any_text), max_size=2)),
    st.one_of(st.just(UNSET), json_values),
)
def test_any_arguments_make_one_message_or_are_refused(
    method: str,
    url: str,
    params: dict[str, str] | None,
    headers: list[tuple[str, str]] | None,
    document: object,
) -> None:
    try:
        request = Request.build(method, url, params=params, headers=headers, json=document)
    except InvalidRequestError as error:
        reason = str(error)
        assert reason[0].islower()
        return

    head, _, body = request.to_bytes().partition(b"\r\n\r\n")
    request_line, *lines = head.split(b"\r\n")
    assert len(request_line.split(b" ")) == 3
    assert request_line.isascii()
    assert len(lines) == len(request.headers.multi_items())
    assert body == request.body
    assert sum(line.lower().startswith(b"content-length:") for line in lines) <= 1


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.binary(max_size=4),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.integers(), st.none(), max_size=2),
)


@settings(deadline=None)  # the first example may load idna
@given(anything, anything, anything, anything, anything, anything)
def test_only_errors_of_the_tree_leave(
    method: object, url: object, params: object, headers: object, body: object, form: object
) -> None:
    for arguments in (
        {"method": method},
        {"url": url},
        {"params": params},
        {"headers": headers},
        {"body": body},
        {"form": form},
        {"method": method, "url": url, "params": params, "headers": headers, "body": body, "form": form},
    ):
        try:
            Request.build(**{"method": "GET", "url": "http://a.test/", **arguments})  # type: ignore[arg-type]
        except InvalidRequestError as error:
            reason = str(error)
            assert reason[0].islower()


def test_headers_made_before_are_taken_as_they_are() -> None:
    headers = Headers([("X-B", "1"), ("x-a", "2"), ("X-B", "3")])

    request = Request.build("GET", "http://a.test/", headers=headers)

    assert request.headers.multi_items()[2:5] == headers.multi_items()


def cost(call: Callable[[], object]) -> float:
    """The seconds of processor time that a call takes, refused or not."""
    started = time.process_time()
    with contextlib.suppress(FluxHTTPError):
        call()
    return time.process_time() - started


@pytest.mark.cost
@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"a": "b" * 2**20}},
        {"headers": [(f"x-{number}", "v") for number in range(10_000)]},
        {"headers": {"a" * 2**20: "b"}},
        {"params": {"k": "é" * 2**19}},
        {"params": {"k": ["v"] * 10_000}},
        {"json": "é" * 2**20},
        {"headers": {"Host": "a" * 2**20}},
        {"headers": {"Host": "\u0660" * 2**17}},
    ],
    ids=["value", "lines", "name", "param", "params", "json", "host", "idna"],
)
def test_a_megabyte_of_anything_costs_little(arguments: dict[str, object]) -> None:
    assert cost(lambda: Request.build("POST", "http://a.test/", **arguments).to_bytes()) < 0.25  # type: ignore[arg-type]


def test_a_released_view_is_no_body() -> None:
    view = memoryview(b"gone")
    view.release()

    with pytest.raises(InvalidTypeError, match="released"):
        Request.build("POST", "http://origin.test/", body=view)
