"""Redaction: what of a message may be shown or stored."""

from __future__ import annotations

import json
import pickle
import re
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp import Headers, Request, Response
from fluxhttp.errors import InvalidTypeError
from fluxhttp.testing import Redaction
from fluxhttp.testing.masking import mask_json, mask_multipart
from fluxhttp.testing.redact import MASKED, MASKED_ESCAPED

REDACT = Redaction.default()
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

# Headers


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("Authorization", "Bearer s3cret", "Bearer ‹masked›"),
        ("authorization", "Basic dTpw", "Basic ‹masked›"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AK, Signature=fe", "AWS4-HMAC-SHA256 ‹masked›"),
        ("Authorization", "s3cret", "‹masked›"),
        ("Authorization", "s3cret and more", "‹masked›"),
        ("Proxy-Authorization", "Basic dTpw", "Basic ‹masked›"),
        ("Cookie", "a=1; b=two; c=", "a=‹masked›; b=‹masked›; c="),
        ("Cookie", "a=1;; lone", "a=‹masked›; ; ‹masked›"),
        ("Set-Cookie", "sid=s3cret; Path=/; HttpOnly", "sid=‹masked›; Path=/; HttpOnly"),
        ("Set-Cookie", "sid=a=b; Max-Age=3; other=1", "sid=‹masked›; Max-Age=3; other=‹masked›"),
        ("X-Api-Key", "s3cret", "‹masked›"),
        ("X-Vault-Token", "s3cret", "‹masked›"),
        ("X-Amz-Security-Token", "s3cret", "‹masked›"),
        ("X-Hub-Signature-256", "sha256=fe", "‹masked›"),
        ("Ocp-Apim-Subscription-Key", "s3cret", "‹masked›"),
        ("X-Api-Key", "", ""),
    ],
)
def test_a_field_that_holds_a_secret_is_masked(name, value, masked):
    assert REDACT.header(name, value) == masked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "7"),
        ("X-RateLimit-Remaining-Tokens", "4000"),
        ("X-Token-Type", "Bearer"),
        ("Access-Control-Allow-Credentials", "true"),
        ("WWW-Authenticate", 'Basic realm="x"'),
        ("From", "ada@example.com"),
        ("X-Note", "really?"),
    ],
)
def test_other_fields_stay_as_they_are(name, value):
    assert REDACT.header(name, value) == value


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("Location", "/back?token=s3cret&page=2", "/back?token=‹masked›&page=2"),
        ("Location", "https://u:p@api.test/", "https://‹masked›@api.test/"),
        ("Location", "https://app.test/#access_token=s3cret&x=1", "https://app.test/#access_token=‹masked›&x=1"),
        ("Location", "https://app.test/#part", "https://app.test/#part"),
        ("Referer", "https://api.test/?api_key=s3cret", "https://api.test/?api_key=‹masked›"),
        (
            "Link",
            "<https://api.test/?page=2&token=s3cret>; rel=next, </?sig=s3cret>; rel=first",
            "<https://api.test/?page=2&token=‹masked›>; rel=next, </?sig=‹masked›>; rel=first",
        ),
        ("X-Next", "see https://u:p@api.test/", "see https://‹masked›@api.test/"),
    ],
)
def test_urls_in_fields_are_masked(name, value, masked):
    assert REDACT.header(name, value) == masked


def test_lines_keep_their_order_and_their_names():
    pairs = [("B", "1"), ("set-cookie", "a=1"), ("Set-Cookie", "b=2")]

    assert REDACT.headers(pairs) == [("B", "1"), ("set-cookie", "a=‹masked›"), ("Set-Cookie", "b=‹masked›")]


def test_a_head_is_masked_line_by_line():
    head = "GET /x?token=s3cret HTTP/1.1\r\nHost: api.test\r\nX-Api-Key:  s3cret\r\n\r\n"

    assert REDACT.head(head) == "GET /x?token=‹masked› HTTP/1.1\r\nHost: api.test\r\nX-Api-Key:  ‹masked›\r\n\r\n"
    assert REDACT.head("Authorization: Bearer s3cret\nX: 1") == "Authorization: Bearer ‹masked›\nX: 1"


# URLs and queries


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://api.test/a?page=1", "https://api.test/a?page=1"),
        ("https://api.test/a?Token=s&PASSWORD=t&x=1", "https://api.test/a?Token=‹masked›&PASSWORD=‹masked›&x=1"),
        ("https://api.test/a?key=s3cret&sid=4", "https://api.test/a?key=‹masked›&sid=‹masked›"),
        ("https://api.test/a?token=", "https://api.test/a?token="),
        ("https://api.test/a?tok%65n=s", "https://api.test/a?tok%65n=‹masked›"),
        ("https://api.test/a?token&secret", "https://api.test/a?token&secret"),
        ("https://u:p@api.test/a", "https://‹masked›@api.test/a"),
        ("u:p@api.test", "‹masked›@api.test"),
        ("/a?max_tokens=5", "/a?max_tokens=‹masked›"),
    ],
)
def test_a_url_keeps_all_but_userinfo_and_secret_values(url, masked):
    assert REDACT.url(url) == masked


def test_a_query_is_masked_alone():
    assert REDACT.query("token=a&b=c") == "token=‹masked›&b=c"


# Bodies


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"token": "s3cret"}', '{"token": "‹masked›"}'),
        ('{"a": {"b": [{"client_secret": "s"}]}}', '{"a": {"b": [{"client_secret": "‹masked›"}]}}'),
        ('{"passw\\u006frd":"s"}', '{"passw\\u006frd":"‹masked›"}'),
        (
            '{"credentials": {"user": "u", "n": 7}, "z": 1.50}',
            '{"credentials": {"user": "‹masked›", "n": "‹masked›"}, "z": 1.50}',
        ),
        (
            '{"pin": 1234, "password": 1234, "secret": -1e3}',
            '{"pin": 1234, "password": "‹masked›", "secret": "‹masked›"}',
        ),
        ('{"tokens": ["a", 1], "max_tokens": 5}', '{"tokens": ["‹masked›", 1], "max_tokens": 5}'),
        ('{"usage": {"completionTokensDetails": {"n": 3}}}', '{"usage": {"completionTokensDetails": {"n": 3}}}'),
        ('{"pass": 3, "fail": 1}', '{"pass": 3, "fail": 1}'),
        ('{"token": "", "secret": null, "password": true}', '{"token": "", "secret": null, "password": true}'),
        (
            '{"token_type": "Bearer", "tokenizer": "x", "secretary": "y"}',
            '{"token_type": "Bearer", "tokenizer": "x", "secretary": "y"}',
        ),
        ('{"author": "a", "key": "k", "sid": "s"}', '{"author": "a", "key": "k", "sid": "s"}'),
        ('["token", "s"]', '["token", "s"]'),
        ('{"a": "token", "b": ":"}', '{"a": "token", "b": ":"}'),
        ('{"token": ["a"], "b": "c"}', '{"token": ["‹masked›"], "b": "c"}'),
        ('{"next": "https://x.test/?token=s&p=2"}', '{"next": "https://x.test/?token=‹masked›&p=2"}'),
        ('{"next": "https:\\/\\/x.test\\/?token=s"}', '{"next": "https://x.test/?token=‹masked›"}'),
        ('{"text": "go to http://u:p@x.test/ now"}', '{"text": "go to http://‹masked›@x.test/ now"}'),
        ('{"text": "http://x.test/", "i": "{a}"}', '{"text": "http://x.test/", "i": "{a}"}'),
        ('{"body": "{\\"token\\": \\"s\\"}"}', '{"body": "{\\"token\\": \\"‹masked›\\"}"}'),
        ('{"token": "s"}\n{"token": "t"}\n', '{"token": "‹masked›"}\n{"token": "‹masked›"}\n'),
        ('{"token": "cut of', '{"token": "‹masked›"'),
        ('{"token": "cut \\', '{"token": "‹masked›"'),
        ('{"\\ud8": "x", "tok\\x": "y", ]} "token": "z"', '{"\\ud8": "x", "tok\\x": "y", ]} "token": "‹masked›"'),
    ],
)
def test_json_is_masked_where_it_stands(text, masked):
    assert REDACT.body(text.encode(), JSON).decode() == masked


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/problem+json", "application/x-ndjson"])
def test_json_is_known_by_its_look_too(content_type):
    assert REDACT.body(b'  {"token": "s"}', content_type) == '  {"token": "‹masked›"}'.encode()


def test_events_are_masked():
    assert REDACT.body(b'data: {"token": "s"}\n\n', "text/event-stream") == 'data: {"token": "‹masked›"}\n\n'.encode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_in_another_encoding_stays_in_it(encoding):
    body = '{"token": "s"}'.encode(encoding)

    assert json.loads(REDACT.body(body, JSON)) == {"token": MASKED}


def test_json_that_is_no_utf_8_is_masked_as_well():
    assert REDACT.body(b'{"token": "\xff", "b": "\xfe"}', JSON) == '{"token": "‹masked›", "b": "'.encode() + b'\xfe"}'


def test_what_cannot_be_decoded_stays():
    body = '{"token": "s"}'.encode("utf-16") + b"\x00"

    assert REDACT.body(body, JSON) == body


@pytest.mark.parametrize("body", [b"", b"token=1", b"\x00\x01{", b"<token>s</token>", b'{"a":1}'])
def test_a_body_without_a_name_that_is_known_stays(body):
    assert REDACT.body(body, "text/plain") is body


def test_a_form_is_masked():
    masked = REDACT.body(b"user=ada&password=s3cret&note=caf%C3%A9", f"{FORM}; charset=utf-8")

    assert masked == f"user=ada&password={MASKED_ESCAPED}&note=caf%C3%A9".encode()


def test_what_has_a_forms_type_and_is_none_is_looked_through_once():
    started = time.process_time()
    body = bytes(40_000)

    assert REDACT.body(body, FORM) == body
    assert REDACT.body(b"a&" * 20_000 + b"password=x", FORM).endswith(f"password={MASKED_ESCAPED}".encode())
    assert time.process_time() - started < 1  # from each byte on anew, it took 20 s


def test_a_multipart_form_is_masked():
    def part(head: str, value: str) -> str:
        return f"--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n"

    body = part('name="password"', "s") + part('name="note"', "n") + part("name=token", "")
    body += part('name="meta"\r\nContent-Type: application/json', '{"token": "s"}') + "--B--\r\n"
    expected = body.replace("\r\ns\r\n", f"\r\n{MASKED}\r\n").replace('"s"', f'"{MASKED}"')

    assert REDACT.body(body.encode(), 'multipart/form-data; boundary="B"').decode() == expected


def test_a_multipart_body_that_is_cut_or_has_no_boundary():
    assert (
        mask_multipart(b"--B\r\nX: 1\r\n\r\nab", b"B", lambda name: 2, lambda data, kind: data)
        == b"--B\r\nX: 1\r\n\r\nab"
    )
    assert REDACT.body(b"--B", "multipart/mixed") == b"--B"


# Options


def test_more_headers_and_keys_may_be_named():
    redact = Redaction(headers=["X-Session"], keys=["PIN", re.compile("^x_")])

    assert redact.header("x-session", "s") == MASKED
    assert (
        redact.body(b'{"pin": 1, "x_a": "s", "ax_": "t"}')
        == '{"pin": "‹masked›", "x_a": "‹masked›", "ax_": "t"}'.encode()
    )
    assert redact.url("/?pin=1&token=2") == "/?pin=‹masked›&token=‹masked›"


def test_names_may_be_kept():
    redact = Redaction(keep=["pageToken", "X-CSRF-Token", "key"])

    assert redact.url("/?pageToken=1&key=2&token=3") == "/?pageToken=1&key=2&token=‹masked›"
    assert redact.header("x-csrf-token", "s") == "s"


def test_a_function_sees_the_content_last():
    seen = []

    def function(content: bytes, content_type: str) -> bytes:
        seen.append((content, content_type))
        return content.replace(b"4711", b"0")

    redact = Redaction(body=function)

    assert redact.body(b'{"token": "s", "n": 4711}', JSON) == '{"token": "‹masked›", "n": 0}'.encode()
    assert seen == [('{"token": "‹masked›", "n": 4711}'.encode(), JSON)]


def test_without_defaults_only_what_is_named_is_masked():
    redact = Redaction(defaults=False, keys=["pin"], headers=["X-S"])

    assert redact.url("https://u:p@x.test/?pin=1&token=2") == "https://u:p@x.test/?pin=‹masked›&token=2"
    assert redact.header("Authorization", "Bearer x") == "Bearer x"
    assert redact.header("X-S", "x") == MASKED
    assert redact.body(b'{"pin": 1, "token": "s"}') == '{"pin": "‹masked›", "token": "s"}'.encode()


def test_none_lets_everything_through():
    redact = Redaction.none()
    request = Request.build("POST", "https://u:p@x.test/?token=1", json={"password": "s"})
    response = Response(200, [("Set-Cookie", "a=1")], b'{"token": "s"}', request=request)

    assert redact.masks_nothing
    assert redact.request(request) is request
    assert redact.response(response) is response
    assert redact.header("Location", "https://u:p@x.test/") == "https://u:p@x.test/"
    assert redact.body(b'{"token": "s"}') == b'{"token": "s"}'


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"headers": "X-A"}, "headers must be several names, not str"),
        ({"keys": "pin"}, "keys must be several names, not str"),
        ({"keep": 7}, "keep must be several names, not int"),
        ({"keys": [{}]}, "keys: a name must be a str, not dict"),
        ({"keys": [1]}, "keys: a name must be a str, not int"),
        ({"keys": [re.compile(b"x")]}, "keys: a name must be a str, not Pattern"),
        ({"keep": [None]}, "keep: a name must be a str, not NoneType"),
        ({"body": b"x"}, "body must be callable, not bytes"),
    ],
)
def test_options_of_the_wrong_type_are_refused(options, text):
    with pytest.raises(InvalidTypeError, match=re.escape(text)):
        Redaction(**options)


def test_a_function_must_return_bytes():
    with pytest.raises(InvalidTypeError, match="the function must return bytes, not str"):
        Redaction(body=lambda content, kind: "x").body(b"x")


def test_it_is_a_value():
    redact = Redaction(keys=["pin"], headers=["a"])

    assert redact == Redaction(keys=["PIN"], headers=["A"])
    assert redact != Redaction.default()
    assert pickle.loads(pickle.dumps(redact)) == redact
    with pytest.raises(AttributeError):
        redact.keys = ()


def test_its_repr_names_what_is_masked():
    assert repr(Redaction.default()) == "Redaction()"
    assert repr(Redaction.none()) == "Redaction.none()"
    redact = Redaction(headers=["B"], keys=[re.compile("^x"), "a"], keep=["k"], body=lambda content, kind: content)
    assert repr(redact) == "Redaction(headers=['b'], keys=['^x', 'a'], keep=['k'], body=...)"
    assert repr(Redaction(defaults=False, keys=["a"])) == "Redaction(keys=['a'], defaults=False)"


# Messages


def test_a_request_is_masked_whole():
    request = Request.build(
        "POST",
        "https://u:p@api.test/a?token=s&b=1",
        headers={"X-Api-Key": "s"},
        json={"password": "s3cret-s3cret-s3cret"},
    )

    masked = REDACT.request(request)

    assert str(masked.url) == f"https://api.test/a?token={MASKED_ESCAPED}&b=1"
    assert masked.headers["authorization"] == "Basic ‹masked›"
    assert masked.headers["x-api-key"] == MASKED
    assert masked.body == '{"password":"‹masked›"}'.encode()
    assert masked.headers["content-length"] == str(len(masked.body))
    assert masked.decodes == request.decodes


def test_a_response_is_masked_whole():
    request = Request.build("GET", "https://api.test/?token=s")
    earlier = Response(302, [("Location", "/?secret=s")], request=request)
    response = Response(
        200,
        [("Set-Cookie", "a=s; Path=/"), ("Content-Length", "14"), ("Content-Type", JSON)],
        b'{"token": "s"}',
        request=request,
        reason="OK",
        history=(earlier,),
        duration=timedelta(seconds=2),
    )

    masked = REDACT.response(response)

    assert masked.json() == {"token": MASKED}
    assert masked.headers["set-cookie"] == "a=‹masked›; Path=/"
    assert masked.headers["content-length"] == str(len(masked.body))
    assert masked.history[0].headers["location"] == "/?secret=‹masked›"
    assert str(masked.url) == f"https://api.test/?token={MASKED_ESCAPED}"
    assert masked.duration == timedelta(seconds=2)


def test_a_response_without_a_request_is_masked_as_well():
    masked = REDACT.response(Response(200, Headers({"X-Api-Key": "s"}), b"x"))

    assert masked.headers["x-api-key"] == MASKED
    assert masked.request is None


# Properties

_names = st.sampled_from(["a", "token", "api-key", "Password", "items", "max_tokens"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_names, values, max_size=3),
    max_leaves=12,
)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    return [_shape(item) for item in value] if isinstance(value, list) else None


@given(_json, st.sampled_from([None, 1]), st.booleans())
def test_masked_json_is_json_of_the_same_shape(value, indent, is_ascii):
    body = json.dumps(value, indent=indent, ensure_ascii=is_ascii).encode()

    masked = REDACT.body(body, JSON)

    assert _shape(json.loads(masked)) == _shape(value)
    assert REDACT.body(masked, JSON) == masked


@given(st.text(alphabet='"\\{}[],: \n1nulltokensecrt', max_size=40))
def test_any_text_is_masked_without_failing(text):
    once = mask_json(text, lambda name: 2 if name == "token" else 0, lambda url: url)

    assert mask_json(once, lambda name: 2 if name == "token" else 0, lambda url: url) == once


@given(st.text(max_size=30))
def test_no_secret_is_left_in_json(secret):
    body = json.dumps({"a": [{"password": f"<{secret}>"}]}).encode()

    assert json.loads(REDACT.body(body, JSON)) == {"a": [{"password": MASKED}]}


@given(st.dictionaries(_names, st.text(max_size=5), max_size=4))
def test_no_secret_is_left_in_a_url(params):
    request = Request.build("GET", "https://api.test/", params=params)
    shown = REDACT.url(str(request.url))

    assert REDACT.url(shown) == shown
    assert all(f"{name}=" in shown for name, value in params.items())
    masked = REDACT.request(request)
    assert REDACT.request(masked) == masked
