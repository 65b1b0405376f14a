"""HAR files: reading, writing, and how bytes stand in their texts."""

from __future__ import annotations

import gzip
import json
import pickle
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp.testing import RecordingError
from fluxhttp.testing.har import (
    body_of_post,
    body_of_text,
    field_of_text,
    new_log,
    read_log,
    text_of_body,
    without_codings,
    write_log,
)

# The file


def test_a_log_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "down" / "x.har"
    log = {**new_log(), "comment": "Grüße ‹masked›"}

    write_log(path, log)

    assert read_log(path).value == log
    assert "Grüße ‹masked›".encode() in path.read_bytes()
    assert path.read_bytes().endswith(b"}\n")


def test_a_byte_order_mark_is_let_through(tmp_path):
    path = tmp_path / "x.har"
    path.write_text(json.dumps({"log": new_log()}), encoding="utf-8-sig")

    assert read_log(path).value == new_log()


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path):
    path = tmp_path / "x.har"

    write_log(path, {**new_log(), "comment": "\udc80"})

    assert read_log(path).value["comment"] == "\udc80"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "is no HAR: expecting property name enclosed in double quotes (line 1, column 2)"),
        (b'{"log":\n{"a": 1,}}', "(line 2, column"),
        (b"\xff", "is no HAR: byte 0 is no UTF-8"),
        (b"[]", "is no HAR: it has no object 'log'"),
        (b'{"log": []}', "is no HAR: it has no object 'log'"),
        (b"cassette: yaml", "is no HAR: expecting value (line 1, column 1)"),
        (b"[" * 100_000, "is no HAR: RecursionError"),
        (b'{"log": ' + b"1" * 5000 + b"}", "is no HAR: ValueError"),
        (b'{"log": {"version": 1.2}}', "log.version must be a text, not a number"),
        (b'{"log": {"version": "2.0"}}', "log.version must be 1.2, not '2.0'"),
    ],
)
def test_a_broken_file_is_an_error_that_names_file_and_place(tmp_path, content, text):
    path = tmp_path / "x.har"
    path.write_bytes(content)

    with pytest.raises(RecordingError, match=re.escape(text)) as caught:
        read_log(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(RecordingError, match="there is no such file"):
        read_log(tmp_path / "x.har")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read: "):
        read_log(tmp_path)


@pytest.mark.parametrize("version", ["", "1.1", "1.2", None])
def test_older_versions_are_read(tmp_path, version):
    path = tmp_path / "x.har"
    path.write_text(json.dumps({"log": {"version": version, "entries": []}}))

    assert read_log(path).nodes("entries") == []


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.har"
    write_log(path, new_log())
    before = path.read_bytes()

    with pytest.raises(TypeError):
        write_log(path, {**new_log(), "comment": object()})
    path.chmod(0o444)
    write_log(path, {**new_log(), "comment": "new"})

    assert read_log(path).value["comment"] == "new"
    assert before != path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["x.har"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.har"
    path.mkdir()

    with pytest.raises(OSError, match=r"x\.har"):
        write_log(path, new_log())

    assert [file.name for file in tmp_path.iterdir()] == ["x.har"]


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target.har", tmp_path / "x.har"
    link.symlink_to(target)

    write_log(link, new_log())

    assert link.is_symlink()
    assert read_log(target).value == new_log()


# Bodies


@pytest.mark.parametrize(
    ("body", "content_type", "text", "is_base64"),
    [
        (b"plain", "", "plain", False),
        ("Grüße".encode(), "text/plain", "Grüße", False),
        ("Grüße".encode("latin-1"), "text/plain; charset=ISO-8859-1", "Grüße", False),
        ("Grüße".encode("latin-1"), "text/plain", "R3L832U=", True),
        ("日本".encode("iso-2022-jp"), 'text/plain; charset="iso-2022-jp"', "日本", False),
        ("Grüße".encode(), "text/plain; charset=nonsense", "Grüße", False),
        ("Grüße".encode(), "text/plain; charset=hex", "Grüße", False),
        ("Grüße".encode(), "text/plain; charset=undefined", "Grüße", False),
        (b"a\x00b", "text/plain", "YQBi", True),
        (b"\xef\xbb\xbfa", "", "\ufeffa", False),
        (b"a\tb\r\nc", "", "a\tb\r\nc", False),
        (b"+AGE-", "text/plain; charset=utf-7", "K0FHRS0=", True),
    ],
)
def test_a_body_is_text_where_it_comes_back_byte_for_byte(body, content_type, text, is_base64):
    assert text_of_body(body, content_type) == (text, is_base64)


@given(st.binary(max_size=50), st.sampled_from(["", "text/html; charset=latin-1", "application/json; charset=utf-16"]))
def test_every_body_comes_back(body, content_type):
    text, is_base64 = text_of_body(body, content_type)

    assert is_base64 or body_of_text(text, content_type) == body


def test_a_request_with_control_characters_was_no_text():
    assert body_of_post("\x00\x01ÿþ", "") == b"\x00\x01\xff\xfe"
    assert body_of_post("\x00日", "") == b"\x00\xe6\x97\xa5"
    assert body_of_post("ÿ\n", "") == "ÿ\n".encode()


def test_a_text_that_the_charset_lacks_is_utf_8():
    assert body_of_text("日", "text/plain; charset=latin-1") == "日".encode()
    assert body_of_text("\ud800", "") == b"?"


# Fields


@pytest.mark.parametrize("raw", [b"plain", "é‹".encode(), b"\xe9", b"\xff\x80"])
def test_a_field_is_latin_1_as_headers_and_browsers_have_it(raw):
    assert field_of_text(raw.decode("latin-1")) == raw


def test_what_stands_for_a_secret_is_utf_8():
    assert field_of_text("a=‹masked›; b=é‹masked›") == "a=‹masked›; b=".encode() + b"\xe9" + "‹masked›".encode()


def test_a_field_that_a_transport_decoded_itself_is_utf_8():
    assert field_of_text("日é") == "日é".encode()
    assert field_of_text("\ud800") == b"?"


# Codings


def test_codings_are_undone():
    assert without_codings(gzip.compress(b"hello"), ["gzip"]) == (b"hello", True)
    assert without_codings(zlib.compress(gzip.compress(b"hello")), ["gzip, deflate"]) == (b"hello", True)


def test_codings_are_undone_as_far_as_it_goes():
    whole = gzip.compress(b"hello" * 1000)

    body, is_sound = without_codings(whole[:-9], ["gzip"])

    assert (b"hello" * 1000).startswith(body)
    assert len(body) > 900
    assert not is_sound
    assert without_codings(b"no gzip", ["gzip"]) == (b"", False)


def test_what_is_not_known_is_not_undone():
    assert without_codings(b"x", ["br"]) is None
    assert without_codings(b"x", ["identity"]) is None
    assert without_codings(b"x", ["gzip"] * 6) is None


def test_no_more_is_unpacked_than_allowed():
    assert without_codings(gzip.compress(bytes(100_000)), ["gzip"], limit_bytes=1000) == (bytes(1000), False)
