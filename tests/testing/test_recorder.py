"""Recorder: what goes by is kept in a HAR file, and comes out of it again."""

from __future__ import annotations

import gzip
import json
import logging
import pickle
import threading
import traceback
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fluxhttp import Client, Config, Deadline, Headers, Limits, Request, StdlibTransport
from fluxhttp.errors import (
    BodyTooLargeError,
    ClosedError,
    ConnectError,
    DecodingError,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidTypeError,
    NameResolutionError,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
    TransportError,
)
from fluxhttp.testing import (
    FakeTransport,
    Recorder,
    RecordingError,
    Redaction,
    Replay,
    Script,
    UnexpectedRequestError,
    UnusedRouteError,
    VirtualClock,
    faults,
    strategies,
)

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parent.parent / "data" / "har-1.2.schema.json").read_text(encoding="utf-8"))
)
ROOT = "https://api.test"
DEFAULT = Redaction.default()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.har"


@pytest.fixture
def fake():
    return FakeTransport(base_url=ROOT)


def recorded(path) -> list[dict]:
    """The entries of a file, which is a HAR as it should be."""
    har = json.loads(path.read_text(encoding="utf-8"))
    SCHEMA.validate(har)
    return har["log"]["entries"]


def client_of(transport, **options) -> Client:
    return Client(transport, base_url=ROOT, **options)


# Modes


def test_it_records_once_and_replays_from_then_on(path, fake):
    fake.get("/users/7").respond(json={"name": "Ada"})

    with Recorder(fake, path) as recorder:
        first = client_of(recorder).get("/users/7")
        assert not recorder.is_replaying
    with Recorder(FakeTransport(), path) as recorder:
        second = client_of(recorder).get("/users/7")
        assert recorder.is_replaying

    assert first == second
    assert first.json() == {"name": "Ada"}


def test_once_refuses_what_is_not_there(path, fake):
    fake.get("/a").respond()
    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")
    before = path.read_bytes()

    with pytest.raises(UnexpectedRequestError), Recorder(fake, path) as recorder:
        client_of(recorder).get("/b")

    assert path.read_bytes() == before


def test_what_the_code_under_test_swallows_is_told_at_the_end(path, fake):
    fake.get("/a").respond()
    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")

    recorder = Recorder(fake, path)
    client_of(recorder).get("/a")
    with pytest.raises(UnexpectedRequestError):
        client_of(recorder).get("/b")

    with pytest.raises(UnexpectedRequestError), recorder:
        pass
    with pytest.raises(UnusedRouteError), Recorder(fake, path) as recorder:
        pass
    with pytest.raises(UnusedRouteError):
        Recorder(fake, path).verify()


def test_none_needs_a_file(path, fake):
    with pytest.raises(RecordingError, match="there is no such file, and mode 'none' records nothing"):
        Recorder(fake, path, mode="none")


def test_none_only_replays(path, fake):
    fake.get("/a").respond(text="a")
    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")

    with Recorder(fake, path, mode="none") as recorder:
        text = client_of(recorder).get("/a").text

    assert text == "a"
    assert len(fake.calls) == 1


def test_new_replays_what_is_there_and_records_the_rest(path, fake):
    fake.get("/a").respond(text="a")
    with Recorder(fake, path, mode="new") as recorder:
        client_of(recorder).get("/a")
    old = recorded(path)
    fake = FakeTransport(base_url=ROOT)
    fake.get("/b").respond(text="b").respond(text="c")

    with Recorder(fake, path, mode="new") as recorder:
        client = client_of(recorder)
        texts = [client.get(f"/{name}").text for name in "abb"]

    assert texts == ["a", "b", "c"]
    assert len(fake.calls) == 2
    assert recorded(path)[:1] == old
    assert [entry["request"]["url"] for entry in recorded(path)] == [f"{ROOT}/{name}" for name in "abb"]


def test_new_does_not_mind_what_is_not_asked_for(path, fake):
    fake.get("/a").respond()
    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")
    before = path.read_bytes()

    with Recorder(fake, path, mode="new") as recorder:
        recorder.verify()

    assert path.read_bytes() == before


def test_all_records_anew(path):
    for text in ("old", "new"):
        fake = FakeTransport(base_url=ROOT)
        fake.get("/a").respond(text=text)
        with Recorder(fake, path, mode="all") as recorder:
            client_of(recorder).get("/a")

    assert [entry["response"]["content"]["text"] for entry in recorded(path)] == ["new"]


@pytest.mark.parametrize("mode", ["once", "new", "all"])
def test_nothing_is_written_if_nothing_was_recorded(path, fake, mode):
    with Recorder(fake, path, mode=mode):
        pass

    assert not path.exists()


def test_all_keeps_the_file_if_nothing_was_recorded(path, fake):
    path.write_text("mine")

    with Recorder(fake, path, mode="all"):
        pass

    assert path.read_text() == "mine"


def test_what_was_recorded_is_written_when_the_block_fails(path, fake):
    fake.get("/a").respond(text="/b")

    fake.get("/b").handle(lambda call: 1 / 0)

    with pytest.raises(ZeroDivisionError), Recorder(fake, path) as recorder:
        client_of(recorder).get(client_of(recorder).get("/a").text)

    assert len(recorded(path)) == 1


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "text"),
    [
        (
            (FakeTransport(),),
            {"mode": "never"},
            InvalidConfigError,
            "mode must be 'once', 'none', 'new' or 'all', not 'never'",
        ),
        ((object(),), {}, InvalidTypeError, "transport must have a method send, but object has none"),
        ((FakeTransport(),), {"redact": None}, InvalidTypeError, "redact must be a Redaction, not NoneType"),
    ],
)
def test_wrong_arguments_are_refused(path, arguments, options, kind, text):
    with pytest.raises(kind, match=text):
        Recorder(*arguments, path, **options)


def test_a_broken_file_is_refused_before_anything_is_sent(path, fake):
    path.write_text("{")

    for mode in ("once", "none", "new"):
        with pytest.raises(RecordingError, match=r"x\.har: is no HAR"):
            Recorder(fake, path, mode=mode)


# A transport


def test_it_closes_what_it_wraps_and_itself(path, fake):
    recorder = Recorder(fake, path)

    recorder.close()
    recorder.close()

    with pytest.raises(ClosedError, match="the recorder is closed"):
        client_of(recorder).get("/")
    with pytest.raises(ClosedError, match="the transport is closed"):
        client_of(fake).get("/")


def test_it_forwards_the_clock(path, fake):
    fake.get("/a").respond(after=2.5)

    with Recorder(fake, path) as recorder:
        assert recorder.clock is fake.clock
        first = client_of(recorder).get("/a")
    with Recorder(fake, path) as recorder:
        assert isinstance(recorder.clock, VirtualClock)
        assert recorder.clock is not fake.clock
        second = client_of(recorder).get("/a")

    assert first.duration == second.duration == timedelta(seconds=2.5)


def test_it_has_no_clock_if_the_transport_has_none(path):
    class Plain:
        def send(self, request, /, *, config, deadline):
            raise ConnectError(f"{deadline.remaining():.0f} s left")

        def close(self):
            pass

    recorder = Recorder(Plain(), path)

    assert not hasattr(recorder, "clock")
    with FakeTransport(fallback=recorder) as fake, pytest.raises(ConnectError, match="5 s left"):
        Client(fake, config=Config(timeout=5)).get("http://api.test/")


def test_it_says_what_it_does(path, fake):
    fake.get("/a").respond()

    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")
        assert repr(recorder) == f"<Recorder in mode once, recorded 1 exchanges for {path}>"
    with Recorder(fake, path, mode="none") as recorder:
        client_of(recorder).get("/a")
        assert repr(recorder) == f"<Recorder in mode none, replays {path}>"


def test_the_moment_is_that_of_the_wall_clock(path, fake):
    fake.get("/a").respond()
    moments = iter([datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=timezone(timedelta(hours=2)))])

    with Recorder(fake, path, now=lambda: next(moments)) as recorder:
        client_of(recorder).get("/a")

    assert recorded(path)[0]["startedDateTime"] == "2026-01-02T01:04:05.678Z"


def test_without_a_virtual_clock_it_is_the_systems(path, fake):
    class Plain:
        def send(self, request, /, *, config, deadline):
            return fake.send(request, config=config, deadline=deadline)

        close = fake.close

    fake.get("/a").respond()
    before = datetime.now(UTC)

    with Recorder(Plain(), path) as recorder:
        client_of(recorder).get("/a")

    entry = recorded(path)[0]
    assert before - timedelta(seconds=1) < datetime.fromisoformat(entry["startedDateTime"]) <= datetime.now(UTC)
    assert entry["timings"]["wait"] >= 0


def test_eight_requests_on_four_threads_are_eight_entries(tmp_path):
    for run in range(100):
        fake = FakeTransport(base_url=ROOT)
        fake.get("/{n}").respond(chunks=[b"a", 0.1, b"b"])
        path = tmp_path / f"{run}.har"

        with Recorder(fake, path) as recorder:
            client = client_of(recorder)
            start = threading.Barrier(4)

            def work(first: int, client=client, start=start) -> None:
                start.wait(5)
                for number in (first, first + 4):
                    assert client.get(f"/{number}").body == b"ab"

            threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        entries = recorded(path)
        assert sorted(entry["request"]["url"][-1] for entry in entries) == list("01234567")
        assert all(entry["response"]["content"]["text"] == "ab" for entry in entries)


def test_what_is_in_flight_at_the_end_is_no_entry(path, fake):
    fake.get("/a").respond()
    recorder = Recorder(fake, path)
    fake.route("GET", "/b").handle(lambda call: recorder.close())

    with pytest.raises(UnexpectedRequestError):
        client_of(recorder).get("/b")

    assert not path.exists()


def test_what_a_transport_may_not_raise_is_no_entry(path, fake):
    with pytest.raises(UnexpectedRequestError), Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")

    assert not path.exists()


def test_it_records_a_real_transport(path, httpserver):
    body = gzip.compress("Grüße".encode() * 1000)
    httpserver.expect_request("/old").respond_with_data(status=302, headers={"Location": "/a?token=s3cret"})
    httpserver.expect_request("/a").respond_with_data(body, headers={"Content-Encoding": "gzip"})

    with Recorder(StdlibTransport(), path) as recorder:
        first = Client(recorder).get(httpserver.url_for("/old"))
    with Recorder(StdlibTransport(), path) as recorder:
        second = Client(recorder).get(httpserver.url_for("/old"))

    assert first.text == second.text == "Grüße" * 1000
    assert first.headers == second.headers
    assert len(recorded(path)) == len(httpserver.log) == 2
    assert "s3cret" not in path.read_text()


# The file


def test_an_entry_has_what_browsers_write(path, fake):
    fake.post("/form?page=1").respond(
        201,
        headers=[
            (
                "Set-Cookie",
                "a=1; Path=/; Domain=api.test; Secure; HttpOnly; SameSite=lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
            ),
            ("Set-Cookie", "b=2; Expires=never; SameSite=odd"),
            ("Location", "/form/7"),
        ],
        json={"id": 7},
        after=0.25,
    )

    with Recorder(fake, path, redact=Redaction.none()) as recorder:
        client_of(recorder).post("/form?page=1", form={"user": "Ada L", "note": "é"}, headers={"Cookie": "c=3; d=4"})

    [entry] = recorded(path)
    assert list(entry) == ["startedDateTime", "time", "request", "response", "cache", "timings"]
    assert entry["startedDateTime"] == "2000-01-01T00:00:00.000Z"
    assert entry["time"] == 250
    assert entry["timings"] == {"send": 0, "wait": 250, "receive": 0}
    request = entry["request"]
    assert request["url"] == f"{ROOT}/form?page=1"
    assert request["queryString"] == [{"name": "page", "value": "1"}]
    assert request["cookies"] == [{"name": "c", "value": "3"}, {"name": "d", "value": "4"}]
    assert request["postData"] == {
        "mimeType": "application/x-www-form-urlencoded",
        "text": "user=Ada+L&note=%C3%A9",
        "params": [{"name": "user", "value": "Ada L"}, {"name": "note", "value": "é"}],
    }
    assert request["bodySize"] == 22
    assert request["headersSize"] == len(fake.calls.last.request.head_bytes())
    response = entry["response"]
    assert (response["status"], response["statusText"], response["redirectURL"]) == (201, "Created", "/form/7")
    assert response["content"] == {"size": 9, "mimeType": "application/json", "text": '{"id": 7}'}
    assert response["cookies"][0] == {
        "name": "a",
        "value": "1",
        "path": "/",
        "domain": "api.test",
        "sameSite": "Lax",
        "expires": "2026-10-21T07:28:00+00:00",
        "httpOnly": True,
        "secure": True,
    }
    assert response["cookies"][1] == {"name": "b", "value": "2", "httpOnly": False, "secure": False}
    assert response["bodySize"] == 9


def test_sizes_of_heads_are_those_of_the_wire(path, fake):
    raw = b"HTTP/1.1 200 gr\xfc\xdf\r\nX-A: \xe9\r\nX-B: \xc3\xa9\r\nContent-Length: 2\r\n\r\n"
    fake.get("/a").play(Script().send(raw + b"ok"))

    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a")

    assert recorded(path)[0]["response"]["headersSize"] == len(raw)


def test_two_recordings_of_the_same_are_equal_byte_by_byte(tmp_path):
    paths = [tmp_path / "1.har", tmp_path / "2.har"]
    for path in paths:
        fake = FakeTransport(base_url=ROOT)
        fake.get("/a").respond(body=gzip.compress(b"a" * 100, mtime=0), headers={"Content-Encoding": "gzip"}, after=0.1)
        fake.get("/b").respond(chunks=[b"b", 0.123456, b"c"])
        with Recorder(fake, path) as recorder:
            client = client_of(recorder)
            client.get("/a")
            client.get("/b")

    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_repeated_lines_stay_in_order(path, fake):
    fake.get("/a").respond(headers=[("X-A", "1"), ("B", "2"), ("x-a", "3")])

    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a", headers=[("X-C", "1"), ("D", "2"), ("x-c", "3")])

    [entry] = recorded(path)
    lines = [(line["name"], line["value"]) for line in entry["request"]["headers"]]
    assert [line for line in lines if line[0] in ("X-C", "D", "x-c")] == [("X-C", "1"), ("D", "2"), ("x-c", "3")]
    lines = [(line["name"], line["value"]) for line in entry["response"]["headers"]]
    assert lines[:3] == [("X-A", "1"), ("B", "2"), ("x-a", "3")]


# Bodies and codings


def both(path, fake, method="GET", url="/a", *, config=None, redact=DEFAULT, **options):
    """The outcome of a call while it is recorded, and when it is replayed."""
    outcomes = []
    for transport in (Recorder(fake, path, redact=redact), Replay(path, redact=redact) if path.exists() else None):
        with transport or Replay(path, redact=redact) as used:
            try:
                outcomes.append(client_of(used).do(method, url, config=config, **options))
            except FluxHTTPError as error:
                outcomes.append((type(error), str(error), vars(error)))
    return outcomes


def test_binary_bodies_are_identical(path, fake):
    body = bytes(range(256))
    fake.post("/a", body=body).respond(body=body)

    first, second = both(path, fake, "POST", body=body)

    assert first == second
    assert second.body == body
    [entry] = recorded(path)
    assert entry["response"]["content"]["encoding"] == "base64"
    assert entry["request"]["postData"]["_encoding"] == "base64"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip"])
def test_a_coded_text_is_stored_decoded(path, fake, coding):
    compress = zlib.compress if coding == "deflate" else gzip.compress
    body = compress("Grüße".encode() * 10)
    fake.get("/a").respond(body=body, headers=[("Content-Encoding", coding), ("Content-Type", "text/plain")])

    first, second = both(path, fake)

    assert first == second
    assert second.text == "Grüße" * 10
    [entry] = recorded(path)
    assert entry["response"]["content"]["text"] == "Grüße" * 10
    assert entry["response"]["content"]["_coding"] == coding
    assert entry["response"]["content"]["compression"] == 70 - len(body)
    assert entry["response"]["bodySize"] == len(body)
    assert [line["name"] for line in entry["response"]["headers"]] == ["Content-Type"]


def test_a_coded_body_that_the_caller_asked_for_is_stored_as_it_came(path, fake):
    body = gzip.compress(b"hello")
    fake.get("/a").respond(body=body, headers={"Content-Encoding": "gzip"})

    first, second = both(path, fake, headers={"Accept-Encoding": "gzip"})

    assert first == second
    assert second.body == body
    assert recorded(path)[0]["response"]["content"]["_isCoded"] is True


def test_unless_there_is_a_secret_in_it(path, fake):
    body = gzip.compress(b'{"token": "s3cret"}')
    fake.get("/a").respond(body=body, headers={"Content-Encoding": "gzip"})

    _, second = both(path, fake, headers={"Accept-Encoding": "gzip"})

    assert second.body == '{"token": "‹masked›"}'.encode()
    assert "content-encoding" not in second.headers


@pytest.mark.parametrize("coding", ["br", "gzip, br"])
def test_a_coding_that_is_not_known_stays(path, fake, coding):
    fake.get("/a").respond(body=b"\x0b\x02\x80hello\x03", headers={"Content-Encoding": coding})

    first, second = both(path, fake)

    assert first == second
    assert second.headers["content-encoding"] == coding


def test_a_body_that_is_not_what_its_coding_says_fails_again(path, fake):
    fake.get("/a").play(Script().send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"))

    first, second = both(path, fake)

    assert first == second
    assert first[0] is DecodingError


def test_a_redirect_keeps_its_coding(path, fake):
    fake.get("/a").respond(302, headers={"Location": "/b", "Content-Encoding": "gzip"}, body=gzip.compress(b"moved"))
    fake.get("/b").respond(text="here")

    first, second = both(path, fake)

    assert first == second
    assert first.history == second.history
    assert [entry["response"]["status"] for entry in recorded(path)] == [302, 200]


def test_redirects_are_recorded_hop_by_hop(path, fake):
    fake.post("/a").respond(307, headers={"Location": "/b?token=s3cret"}, body=b"moved")
    fake.post("/b?token=s3cret").respond(303, headers={"Location": "http://other.test/c"})
    fake.get("http://other.test/c").respond(text="here")

    first, second = both(path, fake, "POST", json={"a": 1})

    assert first.body == second.body == b"here"
    entries = recorded(path)
    assert [entry["request"]["method"] for entry in entries] == ["POST", "POST", "GET"]
    assert entries[0]["response"]["redirectURL"] == "/b?token=%E2%80%B9masked%E2%80%BA"
    assert "s3cret" not in path.read_text()


def test_a_request_content_that_is_coded_is_stored_decoded(path, fake):
    fake.post("/a").respond()

    with Recorder(fake, path) as recorder:
        client_of(recorder).post(
            "/a", body=gzip.compress(b'{"password": "s3cret"}'), headers={"Content-Encoding": "gzip"}
        )
    with Replay(path) as replay:
        # gzip writes the moment into what it makes: other bytes, the same content.
        body = gzip.compress(b'{"password": "other"}', mtime=7)
        client_of(replay).post("/a", body=body, headers={"Content-Encoding": "gzip"})

    post = recorded(path)[0]["request"]["postData"]
    assert post == {"mimeType": "", "text": '{"password": "‹masked›"}', "_coding": "gzip"}


def test_a_request_content_that_is_not_what_its_coding_says_stays(path, fake):
    fake.post("/a").respond()

    first, second = both(path, fake, "POST", body=b"hello", headers={"Content-Encoding": "gzip"})

    assert first == second


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", 200, {"Content-Length": "1234", "Content-Encoding": "gzip"}),
        ("POST", 204, {}),
        ("GET", 304, {"Content-Length": "1234", "ETag": '"a"'}),
    ],
)
def test_answers_without_a_body(path, fake, method, status, headers):
    fake.route(method, "/a").respond(status, headers=headers)

    first, second = both(path, fake, method)

    assert first == second
    assert dict(second.headers) == dict(Headers(headers))


def test_chunked_answers(path, fake):
    fake.get("/a").respond(chunks=[b"abc", b"def"])

    first, second = both(path, fake)

    assert first == second
    assert second.headers["transfer-encoding"] == "chunked"


def test_an_empty_chunked_answer_with_a_coding(path, fake):
    fake.get("/a").play(
        Script().send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    )

    first, second = both(path, fake)

    assert first == second
    assert second.body == b""


@pytest.mark.parametrize("value", [b"\xc3\xa9", b"\xe9", b"\xe2\x80\xb9x", b"\x80\xff"])
def test_fields_outside_ascii(path, fake, value):
    fake.get("/a").play(
        Script().send(b"HTTP/1.1 200 " + value + b"\r\nX-A: " + value + b"\r\nContent-Length: 0\r\n\r\n")
    )

    first, second = both(path, fake, headers={"X-B": "日é"})

    assert first == second
    assert second.headers["x-a"] == second.reason == value.decode("latin-1")


def test_a_masked_field_outside_ascii(path, fake):
    fake.get("/a").play(
        Script().send(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xe9; Path=/\xe9\r\nContent-Length: 0\r\n\r\n")
    )

    _, second = both(path, fake)

    assert second.headers["set-cookie"].encode("latin-1") == "a=‹masked›; Path=/".encode() + b"\xe9"


# Bodies that were not read to the end


def test_a_body_that_is_too_large_is_too_large_again(path, fake):
    fake.get("/a").respond(body=b"x" * 1000)
    config = Config(limits=Limits(body=10))

    first, second = both(path, fake, config=config)

    assert first == second
    assert first[0] is BodyTooLargeError


def test_a_body_of_unknown_length_that_is_too_large_is_so_again(path, fake):
    fake.get("/a").respond(chunks=[b"x" * 8, b"x" * 1000])
    config = Config(limits=Limits(body=10))

    first, second = both(path, fake, config=config)

    assert first == second
    assert first[0] is BodyTooLargeError


def test_a_body_that_was_cut_at_the_limit_is_cut_there_again(path, fake):
    fake.get("/a").respond(text="0123456789")
    config = Config(limits=Limits(body=4, overflow="truncate"))

    first, second = both(path, fake, config=config)

    assert first == second
    assert second.body == b"0123"
    assert recorded(path)[0]["response"]["content"]["_isIncomplete"] is True


def test_no_more_comes_than_was_read(path, fake):
    fake.get("/a").respond(body=b"0123456789")
    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a", config=Config(limits=Limits(body=4, overflow="truncate")))

    with Replay(path) as replay, pytest.raises(IncompleteBodyError) as caught:
        client_of(replay).get("/a")

    assert str(caught.value) == "the recording ends here: its client read no more of the body than 4 bytes"
    assert caught.value.received == 4


def test_secrets_in_a_body_that_was_cut_are_masked(path, fake):
    fake.get("/a").respond(body=b'{"token": "s3cret-and-more"}')

    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a", config=Config(limits=Limits(body=18, overflow="truncate")))

    [entry] = recorded(path)
    assert entry["response"]["content"]["text"] == '{"token": "‹masked›"'
    assert {"name": "Content-Length", "value": "34"} in entry["response"]["headers"]


def test_secrets_in_a_coded_body_that_was_cut_are_masked(path, fake):
    body = gzip.compress(b'{"token": "s3cret-and-more", "noise": "' + Random(7).randbytes(200_000).hex().encode())
    fake.get("/a").respond(body=body, headers={"Content-Encoding": "gzip"})

    with Recorder(fake, path) as recorder:
        client_of(recorder).get("/a", config=Config(limits=Limits(body=18, overflow="truncate")))

    text = path.read_text()
    assert "s3cret" not in text
    assert "‹masked›" in text


# Failures


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.connect_refused(), ConnectError),
        (faults.dns_failure(), NameResolutionError),
        (faults.tls_failure(), TransportError),
        (faults.connect_timeout(), RequestTimeoutError),
        (faults.read_timeout(), RequestTimeoutError),
        (faults.reset(), ReceiveError),
        (faults.closed(), ReceiveError),
        (faults.truncated(after=3, body=b"0123456789"), IncompleteBodyError),
        (faults.stall(after=3), RequestTimeoutError),
        (faults.raw(b"HTTP/1.1 99 \r\n\r\n"), ProtocolError),
        (faults.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n"), ProtocolError),
        (faults.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), IncompleteBodyError),
        (faults.raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000), HeadTooLargeError),
    ],
)
def test_failures_fail_again(path, fake, fault, kind):
    fake.get("/a").fail(fault)

    first, second = both(path, fake, config=Config(timeout=1.5))

    assert first == second
    assert issubclass(first[0], kind)
    [entry] = recorded(path)
    assert entry["_error"]["type"] == first[0].__name__
    assert entry["response"]["_error"] == first[0].__name__


def test_what_came_before_the_failure_comes_again(path, fake):
    fake.get("/a").play(
        Script()
        .send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        .pause(1)
        .send(b"x\r\n")
        .close()
    )
    config = Config(timeout=9)
    outcomes = []

    for transport in (Recorder(fake, path), None):
        with transport or Replay(path) as used:
            request = client_of(used).build_request("GET", "/a")
            started = used.clock.monotonic()
            answer = used.send(request, config=config, deadline=Deadline.after(9, used.clock))
            pieces = [
                answer.status_code,
                answer.reason,
                answer.http_version,
                answer.headers,
                answer.read(2),
                answer.read(2),
            ]
            with pytest.raises(ProtocolError) as caught:
                answer.read(2)
            answer.close()
            outcomes.append((pieces, str(caught.value), used.clock.monotonic() - started))

    assert outcomes[0] == outcomes[1]
    assert outcomes[1][2] == 1.0


def test_a_failure_that_took_longer_than_this_call_allows(path, fake):
    fake.get("/a").play(Script().pause(3).reset())
    with Recorder(fake, path) as recorder, pytest.raises(ReceiveError):
        client_of(recorder).get("/a")

    with Replay(path) as replay, pytest.raises(RequestTimeoutError):
        client_of(replay).get("/a", config=Config(timeout=1))


def test_an_error_of_a_transports_own_is_the_nearest_of_ours(path):
    class OddError(ReceiveError):
        """Of somebody else's."""

    class Odd:
        clock = VirtualClock()

        def send(self, request, /, *, config, deadline):
            raise OddError("odd", phase="send")

        def close(self):
            pass

    with Recorder(Odd(), path) as recorder, pytest.raises(OddError):
        client_of(recorder).get("/a")

    with Replay(path) as replay, pytest.raises(ReceiveError, match="odd") as caught:
        client_of(replay).get("/a")

    assert type(caught.value) is ReceiveError
    assert caught.value.phase == "send"


# Secrets


def test_seven_secrets_are_planted_and_none_is_found(path, fake, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = [f"s3cret-{number}" for number in range(7)]
    fake.post(f"/login?api_key={secrets[3]}").respond(
        json={"token": secrets[6], "user": "ada"}, headers=[("Set-Cookie", f"sid={secrets[5]}; Path=/; HttpOnly")]
    )

    def login(transport, page="/login"):
        return client_of(transport).post(
            page,
            params={"api_key": secrets[3]},
            headers={"Authorization": f"Bearer {secrets[0]}", "X-Api-Key": secrets[1], "Cookie": f"sid={secrets[2]}"},
            json={"user": "ada", "password": secrets[4]},
        )

    with Recorder(fake, path) as recorder:
        answer = login(recorder)
        texts = [repr(recorder), repr(recorder._seen)]
    assert answer.json()["token"] == secrets[6]
    replay = Replay(path)
    assert login(replay).json() == {"token": "‹masked›", "user": "ada"}
    texts += [repr(replay), repr(replay.calls), repr(replay.calls.last.request.to_bytes())]
    for page in ("/login", "/logout"):
        with pytest.raises(UnexpectedRequestError) as caught:
            login(replay, page)
        texts += [str(caught.value), repr(caught.value), *caught.value.__notes__, repr(vars(caught.value))]
        texts += ["".join(traceback.format_exception(caught.value)), repr(pickle.dumps(caught.value))]
        texts += [caught.value.request.to_bytes().decode()]
    with pytest.raises(UnexpectedRequestError) as caught:
        replay.verify()
    texts += [str(caught.value)]

    everything = "\n".join([path.read_text(encoding="utf-8"), caplog.text, *texts])
    assert [secret for secret in secrets if secret in everything] == []
    assert everything.count("‹masked›") >= 7
    [entry] = recorded(path)
    assert entry["request"]["cookies"] == [{"name": "sid", "value": "‹masked›"}]
    assert entry["response"]["cookies"][0]["value"] == "‹masked›"


def test_recording_secrets_needs_a_word(path, fake):
    fake.get("/a").respond(json={"token": "s3cret"})

    first, second = both(path, fake, redact=Redaction.none(), headers={"Authorization": "Bearer s3cret"})

    assert first == second
    assert path.read_text().count("s3cret") == 2


def test_what_is_masked_by_a_function(path, fake):
    fake.post("/a").respond(text="your number is 4711")
    redact = Redaction(body=lambda content, kind: content.replace(b"4711", b"0000"))

    _, second = both(path, fake, "POST", body=b"for 4711", redact=redact)

    assert second.text == "your number is 0000"
    assert recorded(path)[0]["request"]["postData"]["text"] == "for 0000"


# Properties


@settings(max_examples=100, deadline=None)
@given(st.data(), strategies.requests())
def test_whatever_is_recorded_is_replayed(tmp_path_factory, data, request_sent):
    answer = data.draw(strategies.answers(method=request_sent.method))
    path = tmp_path_factory.getbasetemp() / "property.har"
    path.unlink(missing_ok=True)
    fake = FakeTransport()
    fake.route().play(answer.script)

    with Recorder(fake, path, redact=Redaction.none()) as recorder:
        first = Client(recorder).send(request_sent)
    with Replay(path, redact=Redaction.none()) as replay:
        second = Client(replay).send(request_sent)

    assert first == second
    assert first.reason == second.reason
    assert second.headers.multi_items() == first.headers.multi_items()
    assert second.body == answer.body
    recorded(path)


@settings(max_examples=50, deadline=None)
@given(strategies.requests(), st.binary(max_size=300))
def test_whatever_is_masked_is_found_again(tmp_path_factory, request_sent, body):
    path = tmp_path_factory.getbasetemp() / "masked.har"
    path.unlink(missing_ok=True)
    fake = FakeTransport()
    fake.route().respond(body=body)

    with Recorder(fake, path) as recorder:
        first = Client(recorder).send(request_sent)
    with Replay(path) as replay:
        second = Client(replay).send(request_sent)

    assert first.status_code == second.status_code
    recorded(path)


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "text/plain; charset=latin-1", "image/png"]))
@settings(deadline=None)
def test_any_body_is_replayed(tmp_path_factory, body, content_type):
    path = tmp_path_factory.getbasetemp() / "body.har"
    path.unlink(missing_ok=True)
    fake = FakeTransport()
    fake.post(ROOT).respond(
        body=gzip.compress(body), headers={"Content-Encoding": "gzip", "Content-Type": content_type}
    )

    first, second = both(path, fake, "POST", "/", body=body, headers={"Content-Type": content_type})

    assert first == second
    assert second.body == body
    assert isinstance(second.request, Request)
