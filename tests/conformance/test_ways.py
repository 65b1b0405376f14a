"""The other ways to ask a case: byte by byte, and of a server that is not ours."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp.testing import Pause, Script, Send
from fluxhttp_conformance import Case, Lab, Target, catalogue, run_case
from fluxhttp_conformance.lab import ok, raw
from fluxhttp_conformance.origins.served import NotPlainError, ServedOrigin, plain_reply
from fluxhttp_conformance.ways import ServedLab, is_shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp_conformance.case import Level

STDLIB, FAKE = Target.named("stdlib"), Target.named("fake")


def made_up(function: Callable[[Lab], object], level: Level, id: str = "made/up", sent_whole: str = "") -> Case:
    def judged(lab: Lab) -> None:
        function(lab)

    return Case(judged, id=id, kind="required", level=level, anchor="seam", tags=frozenset(), sent_whole=sent_whole)


# A server that is not ours


def test_the_plain_cases_are_asked_of_a_server_that_is_not_ours() -> None:
    cases = [case for case in catalogue() if case.level == "semantic" and "tls" not in case.tags]

    ways = {case.id: run_case(case, STDLIB).ways for case in cases}

    served = [id for id, way in ways.items() if way == ("script", "pytest-httpserver")]
    assert set(served) >= {case.id for case in catalogue("exchanges/")}
    assert len(served) >= 28
    assert all(run_case(case, FAKE).ways == ("script",) for case in catalogue("exchanges/"))


class BoundToOurs(fluxhttp.StdlibTransport):
    """Understands no server but the suite's own: it stumbles over a Server field."""

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        answer = super().send(request, config=config, deadline=deadline)
        if "server" in answer.headers:
            answer.close()
            raise fluxhttp.ProtocolError("what is this?", phase="head", maybe_sent=True)
        return answer


def test_what_only_our_origin_can_be_asked_fails_of_the_other() -> None:
    result = run_case(catalogue("exchanges/methods")[0], Target("bound", BoundToOurs))

    assert result.outcome == "fail"
    assert result.message.startswith("asked of pytest-httpserver: exchanges/methods on bound")
    assert "< <'DELETE /delete HTTP/1.1', 0 bytes>" in result.message
    assert result.ways == ("script", "pytest-httpserver")


@pytest.mark.parametrize(
    "wants",
    [
        lambda lab: lab.receive(ok()) and lab.origin.connections,
        lambda lab: lab.receive(ok()) and lab.origin.open_connections,
        lambda lab: lab.receive(ok()) and lab.origin.bytes_sent,
        lambda lab: lab.receive(ok()) and lab.origin.transcript,
        lambda lab: lab.receive(ok()) and lab.requests[0].raw,
        lambda lab: lab.receive(ok()) and lab.requests[0].pairs,
        lambda lab: lab.receive(ok()) and lab.requests[0].connection,
        lambda lab: lab.receive(raw("HTTP/1.0 200 OK", body=b"ok").close()),
        lambda lab: lab.receive(ok()) and lab.start().url(),
        lambda lab: lab.receive(ok()) and lab.proxy.url(),
        lambda lab: lab.secure and lab.receive(ok()),
    ],
)
def test_a_case_that_wants_more_than_a_server_can_show_is_not_asked_of_it(wants: Callable[[Lab], object]) -> None:
    result = run_case(made_up(wants, "semantic"), STDLIB)

    assert (result.outcome, result.ways) == ("pass", ("script",))


def test_what_is_declined_counts_even_if_the_case_swallows_the_error() -> None:
    def swallows(lab: Lab) -> None:
        lab.receive(ok())
        if isinstance(lab, ServedLab):
            with pytest.raises(NotPlainError):
                lab.origin.connections  # noqa: B018  # that it is looked at is the point
            pytest.fail("a verdict that says nothing", pytrace=False)

    assert run_case(made_up(swallows, "semantic"), STDLIB).outcome == "pass"


def test_a_request_is_seen_as_an_application_sees_it() -> None:
    lab = ServedLab(STDLIB)
    lab.receive(ok(), "PUT", headers=[("X-A", "1"), ("x-a", "2")], body=b"body")
    lab.close()

    seen = lab.requests[0]
    assert (seen.method, seen.target, seen.request_line) == ("PUT", "/", "PUT / HTTP/1.1")
    assert (seen.body, seen.values("x-A"), seen.values("X-B")) == (b"body", ["1,2"], [])
    assert repr(seen) == "<'PUT / HTTP/1.1', 4 bytes>"


@pytest.mark.parametrize(
    ("script", "method"),
    [
        (ok(), "GET"),
        (ok().close(), "GET"),
        (raw("HTTP/1.1 200 OK", body=b"to the end").close(), "GET"),
        (Script().send(b"HTTP/1.1 299 Odd one\r\nContent-Length: 4\r\n\r\n").send(b"ab", times=2), "GET"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 5"), "HEAD"),
        (raw("HTTP/1.1 204 No Content", "X-A:"), "GET"),
        (raw("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"), "GET"),
    ],
)
def test_these_are_plain_replies(script: Script, method: str) -> None:
    assert plain_reply(script, method) is not None


@pytest.mark.parametrize(
    ("script", "method"),
    [
        (Script(), "GET"),
        (Script().close(), "GET"),
        (Script().send(b"HTTP/1.1 200 OK\r\nX: y").close(), "GET"),
        (ok().reset(), "GET"),
        (ok().stall(), "GET"),
        (Script().pause(0.1).then(*ok().steps), "GET"),
        (Script(*ok().steps, begins="head"), "GET"),
        (Script().send(b"x", times=None), "GET"),
        (raw("HTTP/1.0 200 OK", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 100 Continue", ""), "GET"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"ok"), "GET"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok and more"), "GET"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 2", body=b"ok"), "GET"),
        (raw("HTTP/1.1 200 OK", body=b"kept open"), "GET"),
        (raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "GET"),
        (raw("HTTP/1.1 200 OK", "Server: mine", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 200 OK", "Connection: keep-alive", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 200 OK", "X : y", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 200 OK", "X: y", " folded", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 200 OK", "X: \xe9", "Content-Length: 0"), "GET"),
        (raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"ok"), "HEAD"),
        (raw("HTTP/1.1 304 Same", "Content-Length: 5"), "GET"),
    ],
)
def test_these_are_not(script: Script, method: str) -> None:
    assert plain_reply(script, method) is None


def test_a_server_is_used_again_and_shared_by_nobody() -> None:
    first = ServedOrigin()
    second = ServedOrigin()
    addresses = {first.address, second.address}
    first.close()
    first.close()
    third = ServedOrigin()

    assert len(addresses) == 2
    assert third.address == first.address
    second.close()
    third.close()


def test_a_server_that_was_given_back_is_at_rest() -> None:
    origin = ServedOrigin()
    origin.play(ok(b"x"))
    with socket.create_connection(origin.address, timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")

        # Its handler still waits for more, with 10 MB of memory for it; the case after this may measure memory.
        origin.close()

        assert origin._server._handlers._at_work == 0


def test_cases_in_many_threads_are_each_served_their_own() -> None:
    cases = catalogue("exchanges/")
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda: outcomes.extend(run_case(case, STDLIB).outcome for case in cases))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == ["pass"] * 4 * len(cases)


# Byte by byte


@pytest.mark.parametrize("target", [STDLIB, FAKE], ids=str)
def test_every_wire_case_is_asked_byte_by_byte_in_the_full_profile(target: Target) -> None:
    case = next(
        case for case in catalogue("framing/") if case.level == "wire" and not (case.sent_whole or is_shared(case.id))
    )

    assert run_case(case, target).ways == ("script",)
    assert run_case(case, target, profile="full").ways == ("script", "byte by byte")


def test_an_even_share_is_asked_byte_by_byte_in_the_quick_profile() -> None:
    wire = [case.id for case in catalogue() if case.level == "wire"]

    shared = [id for id in wire if is_shared(id)]

    assert 5 <= len(shared) <= 25
    assert len({id.partition("/")[0] for id in shared}) > 4


def test_a_script_comes_in_single_bytes() -> None:
    delivered: list[Script] = []

    def notes(lab: Lab) -> None:
        lab.receive(ok(b"x" * 600), headers={"X": "y"})
        if lab.origin.deliver is not None:
            delivered.append(lab.origin.deliver(ok(b"x" * 600).send(b"ab", times=2).close()))

    result = run_case(made_up(notes, "wire"), STDLIB, profile="full")

    assert result.ways == ("script", "byte by byte")
    sends = [step for step in delivered[0].steps if isinstance(step, Send)]
    assert [len(step.data) for step in sends[:400]] == [1] * 400
    assert b"".join(step.data * (step.times or 0) for step in sends) == ok(b"x" * 600).steps[0].data + b"abab"  # type: ignore[union-attr]
    assert len([step for step in delivered[0].steps if isinstance(step, Pause)]) == 400
    assert delivered[0].ends


def test_what_must_come_whole_is_sent_whole() -> None:
    case = made_up(lambda lab: lab.receive(ok()), "wire", sent_whole="for a reason")

    assert run_case(case, STDLIB, profile="full").ways == ("script",)


class ReadsOnce(fluxhttp.StdlibTransport):
    """Takes one read for the whole body."""

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        return _ReadOnce(super().send(request, config=config, deadline=deadline))


class _ReadOnce:
    def __init__(self, answer: fluxhttp.TransportResponse) -> None:
        self._answer = answer
        self._is_read = False
        self.status_code, self.reason = answer.status_code, answer.reason
        self.http_version, self.headers = answer.http_version, answer.headers

    def read(self, size: int, /) -> bytes:
        data = b"" if self._is_read else self._answer.read(size)
        self._is_read = True
        return data

    def close(self) -> None:
        self._answer.close()


def test_what_is_right_only_in_one_piece_fails_byte_by_byte() -> None:
    def whole(lab: Lab) -> None:
        """A body arrives whole."""
        assert lab.receive(raw("HTTP/1.1 200 OK", body=b"hello").close()).body == b"hello"

    case = Case(whole, id="made/up", kind="required", level="wire", anchor="seam", tags=frozenset())
    target = Target("reads once", ReadsOnce)

    assert run_case(case, target).outcome == "pass"
    result = run_case(case, target, profile="full")
    assert result.outcome == "fail"
    assert result.message.startswith("asked with its answers sent byte by byte: made/up on reads once")
