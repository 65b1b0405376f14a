"""Response: its text, its JSON, its errors, and the one row that shows it."""

from __future__ import annotations

import copy
import json
import pickle
import time
from datetime import timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.headers import Headers
from fluxhttp._core.request import Request
from fluxhttp._core.response import Response, peek
from fluxhttp._core.url import URL
from fluxhttp.errors import DecodingError, InvalidHeaderError, InvalidTypeError, StatusError, TruncatedBodyError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
REQUEST = Request.build("GET", "http://u:hunter2@a.test/p?token=hunter2")


def with_charset(charset: str, body: bytes) -> Response:
    return Response(200, {"Content-Type": f"text/plain; charset={charset}"}, body)


def test_a_response_has_what_it_was_made_of() -> None:
    hop = Response(302, request=REQUEST)
    response = Response(
        201,
        {"A": "b"},
        b"c",
        duration=timedelta(milliseconds=5),
        request=REQUEST,
        reason="Created",
        http_version="HTTP/1.0",
        history=(hop,),
        truncated=True,
    )

    assert (response.status_code, response.headers, response.body) == (201, {"a": "b"}, b"c")
    assert (response.request, response.url, response.history) == (REQUEST, REQUEST.url, (hop,))
    assert (response.reason, response.http_version, response.truncated) == ("Created", "HTTP/1.0", True)
    assert (response.duration, response.duration_ns) == (timedelta(milliseconds=5), 5_000_000)


def test_a_response_needs_no_more_than_a_status() -> None:
    response = Response(HTTPStatus.NO_CONTENT)

    assert (response.status_code, response.headers, response.body) == (204, {}, b"")
    assert (response.request, response.url, response.history) == (None, None, ())
    assert (response.reason, response.http_version, response.truncated) == ("", "HTTP/1.1", False)
    assert response.duration == timedelta(0)


def test_a_url_given_is_kept() -> None:
    url = URL.parse("http://b.test/")

    assert Response(200, request=REQUEST, url=url).url == Response(200, url=url).url == url


def test_headers_made_before_are_kept_and_others_judged() -> None:
    headers = Headers.trusted([("A", "\xe9")])

    assert Response(200, headers).headers is headers
    with pytest.raises(InvalidHeaderError, match=r"^headers: a name must be a token"):
        Response(200, {"a b": "c"})


class Answer:
    status_code = 200
    reason = "OK"
    http_version = "HTTP/1.0"
    headers = Headers({"a": "b"})

    def read(self, size: int, /) -> bytes:
        return b""

    def close(self) -> None:
        pass


def test_a_response_is_made_of_an_answer_that_was_read() -> None:
    hop = Response(302)

    response = Response.trusted(Answer(), Headers({"c": "d"}), b"body", REQUEST, (hop,), truncated=True)

    assert response == Response(
        200,
        {"c": "d"},
        b"body",
        request=REQUEST,
        reason="OK",
        http_version="HTTP/1.0",
        history=(hop,),
        truncated=True,
    )
    assert (type(response), response.url, response.duration_ns) == (Response, REQUEST.url, 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"status_code": "200"}, "status_code must be an int, not str"),
        ({"status_code": None}, "status_code must be an int, not NoneType"),
        ({"body": "text"}, "body must be bytes, not str"),
        ({"body": bytearray(b"x")}, "body must be bytes, not bytearray"),
        ({"body": None}, "body must be bytes, not NoneType"),
        ({"request": "GET /"}, "request must be a Request, not str"),
        ({"reason": None}, "reason must be a str, not NoneType"),
        ({"reason": b"OK"}, "reason must be a str, not bytes"),
        ({"duration": 5}, "duration must be a timedelta, not int"),
        ({"headers": 7}, "headers must be a mapping or pairs of str, not int"),
        ({"headers": {"a": 7}}, "headers: the value of 'a' must be a str, not int"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        Response(**{"status_code": 200, **arguments})  # type: ignore[arg-type]

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("status_code", "ok"), [(200, True), (304, True), (399, True), (400, False), (500, False), (999, False)]
)
def test_below_400_is_ok(status_code: int, ok: bool) -> None:
    assert Response(status_code).ok is ok


def test_a_duration_is_filled_in_to_the_nanosecond() -> None:
    response = Response(200)

    assert response.timed(1_234_567_890) is response
    assert response.duration_ns == 1_234_567_890
    assert response.duration == timedelta(seconds=1, microseconds=234_568)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (None, "é€".encode(), "é€"),
        (None, b"a\xff", "a\ufffd"),
        ("text/plain", "é".encode(), "é"),
        ("text/plain; charset=utf-8", "é".encode(), "é"),
        ("text/plain;charset=ISO-8859-1", b"\xe9", "é"),
        ('text/plain; charset="iso-8859-1"', b"\xe9", "é"),
        ("text/plain; CHARSET=Latin1", b"\xe9", "é"),
        ("text/plain; format=flowed;\tcharset=latin1; x=y", b"\xe9", "é"),
        ("text/plain; charset=us-ascii", b"a\xff", "a\ufffd"),
        ("text/plain; charset=utf-16", "é".encode("utf-16"), "é"),
        ("text/plain; charset=shift_jis", "日本".encode("shift_jis"), "日本"),
        ("text/plain; charset=", "é".encode(), "é"),
        ("text/plain; charset=klingon", "é".encode(), "é"),
        ("text/plain; charset='utf-8'", "é".encode(), "é"),
        ("text/plain; charset=latin1, utf-8", b"\xe9", "é"),
        ("; charset=é", "é".encode(), "é"),
    ],
)
def test_text_is_read_in_its_charset(content_type: str | None, body: bytes, text: str) -> None:
    headers = {} if content_type is None else {"content-type": content_type}

    assert Response(200, headers, body).text == text


def test_the_first_of_several_content_types_decides() -> None:
    headers = [("Content-Type", "text/plain; charset=latin1"), ("content-type", "text/plain; charset=utf-8")]

    assert Response(200, headers, b"\xe9").text == "é"


@pytest.mark.parametrize(
    "charset",
    [
        "punycode",
        "idna",
        "undefined",
        "unicode_escape",
        "unicode-escape",
        "Raw_Unicode_Escape",
        "base64",
        "hex",
        "rot13",
        "zlib",
        "bz2",
        "uu",
        "quopri",
        "mbcs",
        "aliases",
        "__init__",
        "../aliases",
        "..",
        "a" * 2**20,
    ],
    ids=lambda charset: charset[:20],
)
def test_a_codec_of_pythons_own_is_no_charset(charset: str) -> None:
    assert with_charset(charset, b"a-\\z-\xc3\xa9").text == "a-\\z-é"


@pytest.mark.cost
def test_no_charset_makes_the_text_costly() -> None:
    for charset in ("punycode", "idna", "utf-7", "utf-16", "unicode_escape", "a" * 2**20):
        response = with_charset(charset, b"a-" + b"z" * 300_000)

        started = time.process_time()
        text = response.text

        assert len(text) >= 150_000
        assert time.process_time() - started < 0.25


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), st.binary(max_size=40))
def test_any_body_in_any_charset_has_a_text(charset: str, body: bytes) -> None:
    assert isinstance(with_charset(charset, body).text, str)
    assert isinstance(Response(200, {"Content-Type": charset}, body).text, str)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, null, "\\u00e9"]}', {"a": [1, None, "é"]}),
        ('"é"'.encode(), "é"),
        ('"é"'.encode("utf-8-sig"), "é"),
        ('"é"'.encode("utf-16"), "é"),
        ('"é"'.encode("utf-16-be"), "é"),
        ('"é"'.encode("utf-32"), "é"),
        (b" 1 ", 1),
    ],
)
def test_json_is_read_in_the_encoding_it_shows(body: bytes, value: object) -> None:
    assert Response(200, {"content-type": "application/json; charset=latin1"}, body).json() == value


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the body is not JSON: expecting value (position 0)"),
        (b"[1, hunter2]", "the body is not JSON: expecting value (position 4)"),
        (b'{"hunter2" 1}', "the body is not JSON: expecting ':' delimiter (position 11)"),
        (b'"hunter2', "the body is not JSON: unterminated string starting at (position 0)"),
        (b"1 2", "the body is not JSON: extra data (position 2)"),
        (b'"hunter2\xff"', "the body is not JSON: UnicodeDecodeError"),
        (b"[" * 200_000, "the body is not JSON: RecursionError"),
        (b"1" * 5000, "the body is not JSON: ValueError"),
    ],
    ids=["empty", "word", "colon", "string", "extra", "bytes", "depth", "digits"],
)
def test_what_is_no_json_is_refused_and_not_shown(body: bytes, text: str) -> None:
    with pytest.raises(DecodingError) as caught:
        Response(200, body=body).json()

    assert str(caught.value) == text
    assert caught.value.__context__ is None
    assert (caught.value.method, caught.value.url) == (None, None)


@given(st.binary(max_size=40))
def test_any_body_is_json_or_refused(body: bytes) -> None:
    try:
        value = Response(200, body=body).json()
    except DecodingError:
        return

    assert value is None or isinstance(value, bool | int | float | str | list | dict)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text()), st.lists, max_leaves=5))
def test_what_a_request_sends_as_json_a_response_reads(value: object) -> None:
    request = Request.build("POST", "http://a.test/", json=value)

    assert Response(200, body=request.body).json() == json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("status_code", "reason", "text"),
    [
        (400, "", "the status is 400"),
        (404, "Not Found", "the status is 404 Not Found"),
        (500, "Na\xefve", "the status is 500"),
        (503, "\x00", "the status is 503"),
        (999, "x", "the status is 999 x"),
    ],
)
def test_a_status_of_400_and_up_can_be_raised(status_code: int, reason: str, text: str) -> None:
    response = Response(status_code, body=b"hunter2", request=REQUEST, reason=reason)

    with pytest.raises(StatusError) as caught:
        response.raise_for_status()

    assert str(caught.value) == text
    assert caught.value.status_code == status_code
    assert caught.value.response is response
    assert (caught.value.method, caught.value.url) == ("GET", "http://a.test/p?token=***")
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("status_code", [200, 204, 304, 399])
def test_a_status_below_400_is_handed_on(status_code: int) -> None:
    response = Response(status_code)

    assert response.raise_for_status() is response


def test_a_body_that_was_cut_has_bytes_but_no_text() -> None:
    response = Response(200, body=b"[1]", request=REQUEST, truncated=True)

    with pytest.raises(TruncatedBodyError, match=r"^text of a body that was cut at 3 bytes$") as caught:
        _ = response.text
    with pytest.raises(TruncatedBodyError, match=r"^json\(\) of a body that was cut at 3 bytes$"):
        response.json()
    assert response.body == b"[1]"
    assert (caught.value.method, caught.value.url) == ("GET", "http://a.test/p?token=***")


def sample(*, duration: timedelta = timedelta(0)) -> Response:
    hop = Response(302, {"Location": "/q"}, request=REQUEST)
    return Response(200, {"a": "é"}, b"b", duration=duration, request=REQUEST, reason="OK", history=(hop,))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_response_is_the_same_after_pickling(protocol: int) -> None:
    response = sample(duration=timedelta(seconds=3))

    restored = pickle.loads(pickle.dumps(response, protocol))

    assert restored == response
    assert hash(restored) == hash(response)
    assert restored.duration == timedelta(seconds=3)
    assert restored.history[0].request == REQUEST


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_status_error_brings_its_response_through_pickling(protocol: int) -> None:
    with pytest.raises(StatusError) as caught:
        Response(500, body=b"b", request=REQUEST).raise_for_status()
    error = caught.value

    restored = pickle.loads(pickle.dumps(error, protocol))

    assert str(restored) == str(error)
    assert restored.response == error.response
    assert copy.copy(error).response == copy.deepcopy(error).response == error.response


def test_a_copy_is_the_same_response() -> None:
    assert copy.copy(sample()) == copy.deepcopy(sample()) == sample()


def test_the_duration_is_no_part_of_equality() -> None:
    assert sample(duration=timedelta(seconds=1)) == sample(duration=timedelta(seconds=2))
    assert sample() != Response(200, {"a": "é"}, b"b", request=REQUEST, reason="OK")


def test_a_response_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        sample().body = b""


def test_a_representation_shows_neither_headers_nor_body() -> None:
    assert repr(sample()) == "<Response 200, 1 bytes>"
    assert repr(Response(500, body=b"hunter2", truncated=True)) == "<Response 500, 7 bytes, truncated>"


def test_peek_shows_a_response_as_one_row() -> None:
    headers = Headers.trusted([("Date", "x"), ("Set-Cookie", "a"), ("set-cookie", "b")])
    response = Response(200, headers, "é".encode() + b"\xff", duration=timedelta(microseconds=7))

    assert peek(response) == {
        "status_code": 200,
        "body": "é\ufffd",
        "headers": "Date: x\nSet-Cookie: a\nset-cookie: b\n",
        "duration": 7000,
    }


@pytest.mark.parametrize("wrong", [None, 200, "200", REQUEST])
def test_peek_shows_nothing_else(wrong: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^response must be a Response, not \w+$"):
        peek(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b"NaN", b'{"a": Infinity}', b"[-Infinity]"])
def test_numbers_that_json_does_not_have_are_refused(body: bytes) -> None:
    with pytest.raises(DecodingError, match="not JSON"):
        Response(200, body=body).json()
