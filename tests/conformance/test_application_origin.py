"""How a transport to a WSGI application sits the suite: which scripts an application can play, and what it sees."""

from __future__ import annotations

import pytest

from fluxhttp import Client
from fluxhttp.testing import Script, WSGITransport
from fluxhttp_conformance import NotApplicable, Target, catalogue, lab_for, ok, raw, run_case
from fluxhttp_conformance.origins.application import PlainReply


def receive(script: Script, method: str = "GET") -> object:
    lab = lab_for(Target.named("wsgi"))
    try:
        return lab.receive(script, method)
    finally:
        lab.close()


@pytest.mark.parametrize(
    ("script", "method", "body"),
    [
        (ok(b"abc"), "GET", b"abc"),
        (ok(b"abc").close(), "GET", b"abc"),
        (raw("HTTP/1.1 404 Gone Fishing", "Content-Length: 0", "X-A: 1", "x-a: 2"), "GET", b""),
        (raw("HTTP/1.1 204 No Content"), "GET", b""),
        (raw("HTTP/1.1 200 OK", "Content-Length: 9"), "HEAD", b""),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), "GET", b"abcd"),
        (Script().send(b"HTTP/1.1 200 OK\r\nContent-").send(b"Length: 4\r\n\r\na").send(b"b", times=3), "GET", b"abbb"),
    ],
)
def test_a_plain_reply_arrives_as_its_bytes_would(script: Script, method: str, body: bytes) -> None:
    response = receive(script, method)

    assert response.body == body
    head = script.steps[0].data.decode().partition("\r\n\r\n")[0].split("\r\n")
    if len(script.steps) < 3:
        assert f"HTTP/1.1 {response.status_code} {response.reason}" == head[0]
        assert [f"{name}: {value}" for name, value in response.headers.multi_items()] == head[1:]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (ok().pause(1), "no pause among its means"),
        (ok().stall(), "no stall among its means"),
        (Script().reset(), "no reset among its means"),
        (Script(*ok().steps, begins="head"), "when the whole request is there"),
        (Script().send(b"HTTP/1.1 200 OK\r\n"), "no part of a head"),
        (ok().send(b"x", times=None), "if it has an end"),
        (raw("HTTP/1.0 200 OK", "Content-Length: 0"), "that status line"),
        (raw("HTTP/1.1 103 Early Hints"), "that status line"),
        (raw("HTTP/1.1 200 OK", "X-A:  1"), "that field line"),
        (raw("HTTP/1.1 200 OK", "X A: 1"), "that field line"),
        (raw("HTTP/1.1 200 OK", "Connection: close"), "Connection is the server's affair"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: gzip"), "Transfer-Encoding is the server's affair"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 1", body=b"ab"), "no more than is declared"),
        (raw("HTTP/1.1 200 OK", body=b"ab").close(), "that only the connection ends"),
        (raw("HTTP/1.1 304 Not Modified", body=b"ab"), "no body under that status"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 0", body=b"0\r\n\r\n"), "says once"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "those chunks"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"1;x\r\na\r\n0\r\n\r\n"), "those chunks"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"1\r\naXX0\r\n\r\n"), "those chunks"),
    ],
)
def test_what_no_application_can_do_is_said(script: Script, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        PlainReply(script)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"ab"), "cannot keep a client waiting"),
        (raw("HTTP/1.1 200 OK"), "says how long a body is"),
    ],
)
def test_what_depends_on_the_method_is_said_when_the_request_comes(script: Script, reason: str) -> None:
    with pytest.raises(NotApplicable, match=reason):
        receive(script)

    assert receive(script, "HEAD").status_code == 200


def test_an_application_does_not_see_the_bytes_of_a_request() -> None:
    lab = lab_for(Target.named("wsgi"))
    lab.origin.play(ok())

    lab.post("/a%20b?x=1", body=b"abc", headers={"X-A": "1", "Content-Type": "text/x"})

    seen = lab.requests[0]
    assert (seen.method, seen.target, seen.body) == ("POST", "/a%20b?x=1", b"abc")
    assert (seen.values("x-a"), seen.values("content-type"), seen.values("x-b")) == (["1"], ["text/x"], [])
    for hidden in ("raw", "head", "pairs", "connection"):
        with pytest.raises(NotApplicable, match="neither the bytes"):
            getattr(seen, hidden)
    with pytest.raises(NotApplicable, match="no connections"):
        lab.origin.connections  # noqa: B018  # it is asked for
    lab.close()


def test_a_request_without_a_script_makes_the_case_not_applicable() -> None:
    lab = lab_for(Target.named("wsgi"))

    # A case that takes whatever comes must not pass for it.
    with pytest.raises(NotApplicable):
        lab.get()
    with pytest.raises(NotApplicable):
        lab.close()


class Forgetful(WSGITransport):
    """Leaves out the last header of every answer: what the suite must see."""

    def send(self, request, /, *, config, deadline):
        answer = super().send(request, config=config, deadline=deadline)
        object.__setattr__(answer._answer.headers, "_pairs", answer._answer.headers.multi_items()[:-1])
        return answer


def test_a_broken_transport_to_an_application_fails() -> None:
    outcomes = {case.id: run_case(case, Target("forgetful", Forgetful)).outcome for case in catalogue("fields/")}

    assert "fail" in outcomes.values()


def test_what_is_judged_is_a_good_part_of_the_suite() -> None:
    """So that a reason for "not applicable" cannot swallow the cases unseen."""
    outcomes = [run_case(case, Target.named("wsgi")).outcome for case in catalogue() if case.level != "wire"]

    assert outcomes.count("pass") >= 60
    assert set(outcomes) == {"pass", "not-applicable"}


def test_the_target_is_opened_with_the_application_of_the_case() -> None:
    with pytest.raises(NotApplicable, match="application of the case"):
        Target.named("wsgi").open()

    with Client(Target.named("wsgi").open(application=lambda environ, start: start("204 No Content", []) and [])) as it:
        assert it.get("http://any.test/").status_code == 204
