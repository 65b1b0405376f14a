"""Replay: answers from HAR files, those that browsers save among them."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode

import pytest

from fluxhttp import Client, Config, Deadline, Limits, Request
from fluxhttp.errors import (
    ClosedError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidTypeError,
    ReceiveError,
    RequestTimeoutError,
)
from fluxhttp.testing import (
    FakeTransport,
    Recorder,
    RecordingError,
    Redaction,
    Replay,
    UnexpectedRequestError,
    UnusedRouteError,
)

ROOT = "https://api.test"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.har"


def entry(
    method="GET", url="/a", *, post=None, body=None, status=200, headers=(), content=None, sent=(), **rest
) -> dict:
    """An entry with the least that is needed."""
    request = {"method": method, "url": ROOT + url if url.startswith("/") else url, "headers": fields(sent)}
    if post is not None:
        request["postData"] = post
    response = {
        "status": status,
        "headers": fields(headers),
        "content": content or {"size": 0, "mimeType": "x-unknown"},
    }
    if body is not None:
        response["content"] = {"size": len(body), "mimeType": "text/plain", "text": body}
    return {"request": request, "response": response, **rest}


def fields(pairs) -> list[dict]:
    return [{"name": name, "value": value} for name, value in pairs]


def write(path, *entries, **log) -> None:
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries, **log}}), encoding="utf-8")


def client_of(transport, **options) -> Client:
    return Client(transport, base_url=ROOT, **options)


# Which entry


def test_entries_of_the_same_request_come_in_order_each_once(path):
    write(path, entry(body="1"), entry(url="/b", body="b"), entry(body="2"))

    with Replay(path) as replay:
        client = client_of(replay)
        texts = [client.get("/a").text, client.get("/a").text, client.get("/b").text]

        with pytest.raises(UnexpectedRequestError, match=re.escape("came 3 times, its route has 2 replies")) as caught:
            client.get("/a")
        replay.unexpected.clear()

    assert texts == ["1", "2", "b"]
    assert caught.value.reason == "used_up"
    assert caught.value.nearest.name == "entries 1, 3 of x.har"
    assert [call.outcome for call in replay.calls] == ["200", "200", "200"]


@pytest.mark.parametrize(
    ("stored", "method", "url", "options"),
    [
        (entry(url="/a?x=1&y=2"), "GET", "/a?y=2&x=1", {}),
        (entry(url="/%7Ea"), "GET", "/~a", {}),
        (entry(url="HTTPS://API.test:443/a#part"), "GET", "/a", {}),
        (entry(url="https://user:pw@api.test/a"), "GET", "/a", {}),
        (
            entry("POST", post={"mimeType": "application/json", "text": '{"a":1, "b":[2]}'}),
            "POST",
            "/a",
            {"json": {"b": [2], "a": 1.0}},
        ),
        (
            entry("POST", post={"mimeType": "application/x-www-form-urlencoded", "text": "a=1&b=2"}),
            "POST",
            "/a",
            {"form": {"b": "2", "a": "1"}},
        ),
        (
            entry(
                "POST",
                post={
                    "mimeType": "application/x-www-form-urlencoded",
                    "params": [{"name": "a", "value": "é"}, {"name": "b"}],
                },
            ),
            "POST",
            "/a",
            {"form": {"a": "é", "b": ""}},
        ),
        (
            entry("POST", post={"mimeType": "application/x-www-form-urlencoded", "text": "lone"}),
            "POST",
            "/a",
            {"body": b"lone"},
        ),
        (entry("POST", post={"mimeType": "text/plain", "text": "é"}), "POST", "/a", {"body": "é".encode()}),
        (entry("POST", post={"mimeType": "text/plain; charset=latin-1", "text": "é"}), "POST", "/a", {"body": b"\xe9"}),
        (
            entry("POST", post={"mimeType": "", "text": "AAE=", "encoding": "base64"}),
            "POST",
            "/a",
            {"body": b"\x00\x01"},
        ),
        (entry("POST", post={"mimeType": "application/json", "text": "{no json"}), "POST", "/a", {"body": b"{no json"}),
        (entry("POST", post={"mimeType": "application/json", "text": "[NaN]"}), "POST", "/a", {"body": b"[NaN]"}),
        (
            entry("POST", post={"mimeType": "application/json", "text": '"\\ud800"'}),
            "POST",
            "/a",
            {"body": b'"\\ud800"'},
        ),
        (
            entry("POST", post={"mimeType": "text/plain", "params": []}),
            "POST",
            "/a",
            {"body": b"whatever, for nobody knows"},
        ),
        (entry("POST", post={"mimeType": "text/plain"}), "POST", "/a", {}),
        (entry("POST"), "POST", "/a", {}),
        (entry("POST", sent=[("content-length", "7")]), "POST", "/a", {"body": b"unknown"}),
    ],
)
def test_requests_are_compared_as_routes_are(path, stored, method, url, options):
    if "postData" in stored["request"] and options.get("body", b"")[:1] in (b"l", b"{", b"[", b'"'):
        options = {**options, "headers": {"Content-Type": stored["request"]["postData"]["mimeType"]}}
    stored["request"]["headers"] += fields(
        [("Content-Type", stored["request"].get("postData", {}).get("mimeType", ""))]
    )
    write(path, stored)

    with Replay(path) as replay:
        assert client_of(replay).do(method, url, **options).status_code == 200


@pytest.mark.parametrize(
    ("stored", "method", "url", "options"),
    [
        (entry(), "HEAD", "/a", {}),
        (entry(), "GET", "/A", {}),
        (entry(), "GET", "/a?x=1", {}),
        (entry(), "GET", "http://api.test/a", {}),
        (entry("POST"), "POST", "/a", {"body": b"x"}),
        (
            entry(
                "POST",
                post={"mimeType": "application/json", "text": "[1]"},
                sent=[("Content-Type", "application/json")],
            ),
            "POST",
            "/a",
            {"json": [True]},
        ),
        (entry("POST", post={"mimeType": "text/plain", "text": "a"}), "POST", "/a", {"body": b"b"}),
    ],
)
def test_another_request_is_not_there(path, stored, method, url, options):
    write(path, stored)
    replay = Replay(path)

    with pytest.raises(UnexpectedRequestError) as caught:
        client_of(replay).do(method, url, **options)

    assert caught.value.__notes__ == [
        f"replayed from {path}, 1 entry; a Recorder in mode 'new' records what is missing"
    ]
    with pytest.raises(UnexpectedRequestError):
        replay.verify()


def test_the_nearest_entry_is_named(path):
    write(
        path,
        entry(url="/users/7"),
        entry(
            "POST",
            "/orders",
            post={"mimeType": "application/json", "text": '{"n": 2}'},
            sent=[("content-type", "application/json")],
        ),
    )

    with pytest.raises(UnexpectedRequestError) as caught:
        client_of(Replay(path)).post("/orders", json={"n": "2"})

    assert "entry 2 of x.har, test_replay.py:" in str(caught.value)
    assert '$.n   expected 2 (number), got "2" (string)' in str(caught.value)
    assert caught.value.nearest.name == "entry 2 of x.har"
    assert "2 entries" in caught.value.__notes__[0]


def test_masked_values_are_compared_with_masked_values(path):
    fake = FakeTransport(base_url=ROOT)
    fake.post("/a?token=1").respond()
    with Recorder(fake, path) as recorder:
        client_of(recorder).post("/a?token=1", json={"password": "old", "n": 1})

    with Replay(path) as replay:
        client_of(replay).post("/a?token=2", json={"password": "new", "n": 1})


def test_secrets_in_the_file_are_masked_before_they_are_compared(path):
    write(path, entry(url="/a?api_key=theirs", body='{"token": "theirs"}'))

    with Replay(path) as replay:
        response = client_of(replay).get("/a?api_key=mine")

    assert response.json() == {"token": "theirs"}
    assert "mine" not in repr(replay.calls[0].request.to_bytes())


def test_without_masks_secrets_are_compared(path):
    write(path, entry(url="/a?token=1"))
    replay = Replay(path, redact=Redaction.none())

    with pytest.raises(UnexpectedRequestError):
        client_of(replay).get("/a?token=2")


def test_redact_must_be_a_redaction(path):
    with pytest.raises(InvalidTypeError, match="redact must be a Redaction, not str"):
        Replay(path, redact="token")


# Time


@pytest.mark.parametrize("failure", [{}, {"_error": {"type": "ReceiveError", "text": "the peer reset the connection"}}])
def test_a_body_that_never_came_whole_takes_no_longer_than_the_call_has(path, failure):
    half = {"size": 10, "mimeType": "text/plain", "text": "half", "_isIncomplete": True}
    write(path, entry(content=half, time=3000, timings={"send": 0, "wait": 0, "receive": 3000}, **failure))

    with Replay(path) as replay:
        with pytest.raises(RequestTimeoutError) as caught:
            client_of(replay).get("/a", config=Config(timeout=1))

        assert caught.value.phase == "body"
        assert replay.clock.monotonic() == 1.0
        assert replay.calls[0].error is caught.value


def test_a_body_that_never_came_whole_is_not_given_once_it_is_closed(path):
    half = {"size": 10, "mimeType": "text/plain", "text": "half", "_isIncomplete": True}
    write(path, entry(content=half))

    with Replay(path) as replay:
        answer = replay.send(
            Request.build("GET", f"{ROOT}/a"), config=Config(), deadline=Deadline.after(None, replay.clock)
        )
        answer.close()

        assert answer.read(0) == b""
        with pytest.raises(ClosedError, match="the answer is closed"):
            answer.read(10)


def test_a_body_that_came_just_in_time_is_told_as_it_was(path):
    half = {"size": 10, "mimeType": "text/plain", "text": "half", "_isIncomplete": True}
    write(path, entry(content=half, time=900, timings={"send": 0, "wait": 0, "receive": 900}))

    with Replay(path) as replay, pytest.raises(IncompleteBodyError) as caught:
        client_of(replay).get("/a", config=Config(timeout=1))

    assert caught.value.received == 4


# The end


def test_an_entry_that_was_not_asked_for_is_an_error_at_the_end(path):
    write(path, entry(), entry(url="/b"))

    with pytest.raises(UnusedRouteError, match=r"entry 2 of x\.har") as caught, Replay(path) as replay:
        client_of(replay).get("/a")

    assert caught.value.__notes__ == [f"replayed from {path}; a Recorder in mode 'all' records it anew"]


def test_it_does_not_hide_an_error_of_the_test(path):
    write(path, entry())

    with pytest.raises(KeyError) as caught, Replay(path):
        raise KeyError("mine")

    assert "1 of 1 route was not asked for" in caught.value.__notes__[0]


def test_it_is_closed_at_the_end(path):
    write(path, entry())
    with Replay(path) as replay:
        client_of(replay).get("/a")

    with pytest.raises(ClosedError):
        client_of(replay).get("/a")


def test_it_says_what_it_is(path):
    write(path, entry(), entry())

    assert repr(Replay(path)) == f"<Replay of {path}, 2 entries>"


def test_threads_share_it(path):
    write(path, *[entry(url=f"/{number}", body=str(number)) for number in range(8)])
    found = []

    with Replay(path) as replay:
        client = client_of(replay)
        threads = [
            threading.Thread(target=lambda n=n: found.append(client.get(f"/{n}").text == str(n))) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [True] * 8


# What a browser saves


def test_a_file_that_chromium_saved(path):
    write(
        path,
        {
            "_connectionId": "78",
            "_initiator": {"type": "script"},
            "_resourceType": "fetch",
            "cache": {},
            "connection": "443",
            "pageref": "page_1",
            "request": {
                "method": "POST",
                "url": "https://api.test/search?q=caf%C3%A9",
                "httpVersion": "http/2.0",
                "headers": fields(
                    [
                        (":authority", "api.test"),
                        (":method", "POST"),
                        (":path", "/search?q=caf%C3%A9"),
                        (":scheme", "https"),
                        ("content-length", "7"),
                        ("content-type", "application/json"),
                        ("sec-ch-ua", '"Chromium";v="140"'),
                    ]
                ),
                "queryString": fields([("q", "caf%C3%A9")]),
                "cookies": [],
                "headersSize": -1,
                "bodySize": 7,
                "postData": {"mimeType": "application/json", "text": '{"a":1}'},
            },
            "response": {
                "status": 200,
                "statusText": "",
                "httpVersion": "http/2.0",
                "headers": fields(
                    [
                        (":status", "200"),
                        ("content-encoding", "br"),
                        ("content-length", "12"),
                        ("content-type", "application/json; charset=utf-8"),
                        ("set-cookie", "a=1; path=/\nb=2"),
                        ("x-note", "Ã©"),
                    ]
                ),
                "cookies": [],
                "content": {"size": 15, "mimeType": "application/json", "text": '{"name":"Zoë"}'},
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": -1,
                "_transferSize": 420,
                "_error": None,
            },
            "serverIPAddress": "203.0.113.7",
            "startedDateTime": "2026-01-02T03:04:05.678Z",
            "time": 41.5,
            "timings": {
                "blocked": 1.5,
                "dns": -1,
                "ssl": -1,
                "connect": -1,
                "send": 0.5,
                "wait": 37,
                "receive": 2.5,
                "_blocked_queueing": 1,
            },
        },
        creator={"name": "WebInspector", "version": "537.36"},
        pages=[],
    )

    with Replay(path) as replay:
        response = client_of(replay).post("/search?q=café", json={"a": 1})

    assert response.json() == {"name": "Zoë"}
    assert response.http_version == "HTTP/1.1"
    assert response.headers.get_all("set-cookie") == ("a=1; path=/", "b=2")
    assert response.headers["x-note"].encode("latin-1").decode() == "é"
    assert "content-encoding" not in response.headers
    assert response.duration.total_seconds() == pytest.approx(0.0415)


def test_what_chromium_writes_oddly(path):
    form = {"mimeType": "application/x-www-form-urlencoded;charset=UTF-8", "text": "a=%C3%A9"}
    aborted = entry("HEAD", "/head", headers=[("Content-Length", "36"), ("Content-Encoding", "gzip")])
    aborted["response"] |= {"_error": "net::ERR_ABORTED", "_fetchedViaServiceWorker": False}
    write(
        path,
        entry("PUT", post={"mimeType": "", "text": "\x00\x01ÿþ"}),
        entry(
            "POST",
            post=form | {"params": [{"name": "a", "value": "%C3%A9"}]},
            sent=[("Content-Type", form["mimeType"])],
        ),
        aborted,
    )

    with Replay(path) as replay:
        client = client_of(replay)
        client.put("/a", body=b"\x00\x01\xff\xfe")
        client.post("/a", form={"a": "é"})
        response = client.head("/head")

    assert response.headers == {"Content-Length": "36", "Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (entry("OPTIONS"), "the method 'OPTIONS' is never sent"),
        (entry(url="wss://api.test/socket"), "its URL is never requested"),
        (entry(url="data:image/png;base64,AAAA"), "its URL is never requested"),
        (entry(status=0), "it had no answer"),
        (entry(status=101), "101 is no final answer"),
        (entry(content={"size": 7, "mimeType": "image/png"}), "the body of its answer was not saved"),
    ],
)
def test_what_cannot_be_replayed_is_left_out(path, stored, why):
    write(path, entry(url="/b"), stored)

    replay = Replay(path)

    assert replay.skipped == (f"entry 2: {why}",)


def test_an_entry_that_was_left_out_is_told_of_when_it_is_asked_for(path):
    write(path, entry(content={"size": 7, "mimeType": "image/png"}), entry("POST", content={"size": 7, "mimeType": ""}))

    with pytest.raises(UnexpectedRequestError) as caught:
        client_of(Replay(path)).get("/a")

    assert caught.value.__notes__[0].splitlines()[1:] == ["entry 1 is left out: the body of its answer was not saved"]


@pytest.mark.parametrize(
    ("stored", "status", "body"),
    [
        (entry(status=304, content={"size": 7, "mimeType": "image/png"}), 304, b""),
        (entry(status=302, content={"size": 7, "mimeType": ""}), 302, b""),
        (entry(content={"size": -1, "mimeType": ""}), 200, b""),
        (
            entry(
                content={
                    "size": 2,
                    "mimeType": "image/png",
                    "text": b64encode(b"\x00\xff").decode(),
                    "encoding": "base64",
                }
            ),
            200,
            b"\x00\xff",
        ),
        (entry(content={"size": 1, "mimeType": "text/plain; charset=latin-1", "text": "é"}), 200, b"\xe9"),
        (
            entry(
                content={"size": 1, "mimeType": "text/plain", "text": "é"},
                headers=[("Content-Type", "text/plain;charset=latin-1")],
            ),
            200,
            b"\xe9",
        ),
        (entry(body="abc", headers=[("Content-Length", "99")]), 200, b"abc"),
        (entry(body="abc", headers=[("Content-Length", "x"), ("content-length", "y")]), 200, b"abc"),
        (
            entry(body="abc", headers=[("Transfer-Encoding", "gzip, chunked"), ("transfer-encoding", "chunked")]),
            200,
            b"abc",
        ),
        (entry(body="abc", headers=[("Content-Encoding", "gzip"), ("Content-Length", "99")]), 200, b"abc"),
        (entry(body="abc"), 200, b"abc"),
    ],
)
def test_answers_fit_the_body_that_is_in_the_file(path, stored, status, body):
    write(path, stored)

    with Replay(path) as replay:
        response = client_of(replay).get("/a", config=Config(max_redirects=0))

    assert (response.status_code, response.body) == (status, body)


def test_an_old_answer(path):
    stored = entry(body="abc", headers=[("Transfer-Encoding", "chunked")])
    stored["response"] |= {"httpVersion": "http/1.0", "statusText": "OK\x00"}
    write(path, stored)

    with Replay(path) as replay:
        response = client_of(replay).get("/a")

    assert (response.http_version, response.reason, response.body) == ("HTTP/1.0", "", b"abc")


def test_an_entry_without_content(path):
    stored = entry()
    del stored["response"]["content"], stored["response"]["headers"]
    write(path, stored)

    with Replay(path) as replay:
        assert client_of(replay).get("/a").body == b""


# Time and failures


def test_it_takes_the_time_that_was_recorded(path):
    write(
        path, entry(body="abc", time=1500, timings={"send": 0, "wait": 1000, "receive": 500}), entry(url="/b", time=250)
    )
    replay = Replay(path)
    client = client_of(replay, config=Config(timeout=2))

    assert client.get("/a").duration.total_seconds() == 1.5
    assert client.get("/b").duration.total_seconds() == 0.25
    assert replay.clock.monotonic() == 1.75


@pytest.mark.parametrize(("seconds", "phase"), [(0.5, "head"), (1.25, "body")])
def test_a_call_that_allows_less_time_ends(path, seconds, phase):
    write(path, entry(body="abc", time=1500, timings={"receive": 500}))

    with pytest.raises(RequestTimeoutError) as caught:
        client_of(Replay(path), config=Config(timeout=seconds)).get("/a")

    assert caught.value.phase == phase


def test_the_limits_of_the_call_hold(path):
    write(path, entry(headers=[("X-A", "x" * 100)]))

    with pytest.raises(HeadTooLargeError):
        client_of(Replay(path)).get("/a", config=Config(limits=Limits(head=50)))


def failure(**fields) -> dict:
    return {"type": "ReceiveError", "text": "gone", "phase": "head", "maybeSent": True} | fields


def test_a_recorded_failure_fails(path):
    write(path, entry(status=0, _error=failure(phase="body"), time=250))
    replay = Replay(path)

    with pytest.raises(ReceiveError, match="gone") as caught:
        client_of(replay).get("/a")

    assert (caught.value.phase, caught.value.maybe_sent, caught.value.method) == ("body", True, "GET")
    assert caught.value.__cause__ is None
    assert replay.clock.monotonic() == 0.25
    assert replay.calls.last.error is caught.value


def test_a_failure_in_the_body_fails_after_what_came(path):
    failed = failure(type="IncompleteBodyError", received=3, expected=None)
    write(path, entry(body="abc", _error=failed, time=300, timings={"receive": 200}))
    replay = Replay(path)

    with pytest.raises(IncompleteBodyError) as caught:
        client_of(replay).get("/a")

    assert (caught.value.received, caught.value.expected) == (3, None)
    assert replay.clock.monotonic() == pytest.approx(0.3)
    assert replay.calls.last.error is caught.value


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"type": "ValueError"}, "log.entries[0]._error.type must be an error of the network, not 'ValueError'"),
        ({"type": "ClosedError"}, "must be an error of the network, not 'ClosedError'"),
        ({"type": 1}, "log.entries[0]._error.type must be a text, not a number"),
        ({"text": None}, "log.entries[0]._error.text must be a text, not null"),
        ({"phase": "lunch"}, "log.entries[0]._error.phase is none that the error can have"),
        ({"maybeSent": 1}, "log.entries[0]._error.maybeSent is none that the error can have"),
        (
            {"type": "IncompleteBodyError", "received": True},
            "log.entries[0]._error.received is none that the error can have",
        ),
    ],
)
def test_a_failure_that_is_none_is_refused(path, fields, text):
    write(path, entry(status=0, _error=failure(**fields)))

    with pytest.raises(RecordingError, match=re.escape(text)):
        Replay(path)


# Broken files


def broken(**changes) -> dict:
    stored = entry("POST", post={"mimeType": "", "text": "a"}, headers=[("X", "1")], body="x")
    for name, value in changes.items():
        *parents, last = [int(step) if step.isdigit() else step for step in name.split("__")]
        node = stored
        for parent in parents:
            node = node[parent]
        if value is KeyError:
            del node[last]
        else:
            node[last] = value
    return stored


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (broken(request=KeyError), "log.entries[0] has no 'request'"),
        (broken(response=[]), "log.entries[0].response must be an object, not a list"),
        (broken(request__method=KeyError), "log.entries[0].request has no 'method'"),
        (broken(request__url=7), "log.entries[0].request.url must be a text, not a number"),
        (broken(request__headers={}), "log.entries[0].request.headers must be a list, not an object"),
        (broken(response__status="200"), "log.entries[0].response.status must be a whole number"),
        (broken(response__status=True), "log.entries[0].response.status must be a whole number"),
        (broken(response__headers__0={"name": "X"}), "log.entries[0].response.headers[0] has no 'value'"),
        (broken(response__headers__0="X"), "log.entries[0].response.headers[0] must be an object, not a text"),
        (broken(response__headers__0__name="X Y"), "log.entries[0].response.headers[0].name is no name of a field"),
        (
            broken(response__headers__0__value="a\x00b"),
            "log.entries[0].response.headers[0].value has a control character",
        ),
        (
            broken(response__content__text=False),
            "log.entries[0].response.content.text must be a text, not true or false",
        ),
        (broken(response__content__encoding="base64"), "log.entries[0].response.content.text is no base64"),
        (broken(request__postData__encoding="base64"), "log.entries[0].request.postData.text is no base64"),
        (None, "log.entries[0] must be an object, not null"),
    ],
)
def test_a_broken_entry_is_refused_with_its_place(path, stored, text):
    write(path, stored)

    with pytest.raises(RecordingError, match=re.escape(f"{path}: {text}")):
        Replay(path)


def test_entries_must_be_a_list(path):
    write(path)
    path.write_text('{"log": {"version": "1.2"}}')

    with pytest.raises(RecordingError, match=re.escape("log has no 'entries'")):
        Replay(path)
