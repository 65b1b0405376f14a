"""Several calls at once (the seam: ``send`` may be called from several threads)."""

from __future__ import annotations

import random
import threading
from functools import partial
from typing import TYPE_CHECKING

from fluxhttp import (
    BodyTooLargeError,
    Config,
    IncompleteBodyError,
    Limits,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
    Response,
    TooManyRedirectsError,
)
from fluxhttp.testing import Script
from fluxhttp_conformance.case import SURPLUS, case
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.lab import CALL_SECONDS, Lab, chunked, ok, raw

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Client
    from fluxhttp_conformance.origins.seen import SeenRequest


def _mirror(seen: SeenRequest) -> Script:
    """An answer that only this request can have."""
    body = f"{seen.method} {seen.target} {seen.values('X-Id')}".encode() + seen.body
    if seen.target.endswith("1"):
        return raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(body[:5], body[5:]))
    return ok(body)


def _ask(client: Client, base: str, number: int) -> None:
    """A request of its own, whose answer must be its own."""
    method, body = ("POST", b"%d" % number * 100) if number % 3 == 0 else ("GET", b"")
    response = client.do(method, f"{base}/{number}", headers={"X-Id": str(number)}, body=body)
    assert response.body == f"{method} /{number} {[str(number)]}".encode() + body, number


def _all_right(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, BaseException):
            raise result


@case("concurrency/one-client", anchor="seam", level="semantic", tags=("security",))
def one_client(lab: Lab) -> None:
    """Eighty calls in eight threads on one client: each answer belongs to its request, each request goes out once."""
    lab.origin.answer(_mirror)
    client, base = lab.client, lab.url("")

    def ask_ten(thread: int) -> None:
        for number in range(10):
            _ask(client, base, thread * 100 + number)

    _all_right(lab.together(*[partial(ask_ten, thread) for thread in range(8)]))

    targets = sorted(int(seen.target[1:]) for seen in lab.requests)
    assert targets == [thread * 100 + number for thread in range(8) for number in range(10)]
    assert lab.origin.connections <= 8
    lab.still_works()


@case("concurrency/several-clients", anchor="seam", level="semantic")
def several_clients(lab: Lab) -> None:
    """Clients over one transport, and clients over their own, get their own answers at once."""
    lab.origin.answer(_mirror)
    base = lab.url("")
    clients = [lab.new_client(lab.transport) for _ in range(3)] + [lab.new_client(lab.open()) for _ in range(3)]

    _all_right(lab.together(*[partial(_ask, client, base, number) for number, client in enumerate(clients)]))

    assert len(lab.requests) == 6
    lab.still_works()


@case("concurrency/truly-at-once", anchor="seam")
def truly_at_once(lab: Lab) -> None:
    """No call waits for another: six answers that come only when all six requests are there do come."""
    gate = threading.Barrier(6)

    def answer_together(seen: SeenRequest) -> Script:
        try:
            gate.wait(CALL_SECONDS)
        except threading.BrokenBarrierError:
            return Script().reset()
        return _mirror(seen)

    lab.origin.answer(answer_together)
    client, base = lab.client, lab.url("")

    _all_right(lab.together(*[partial(_ask, client, base, number) for number in range(6)]))

    assert lab.origin.connections == 6
    lab.origin.answer(_mirror)
    lab.still_works()


@case("concurrency/slow-and-fast", anchor="seam", level="semantic")
def slow_and_fast(lab: Lab) -> None:
    """A call that times out neither ends nor delays the others."""

    def answer(seen: SeenRequest) -> Script:
        return Script().stall() if seen.target == "/slow" else _mirror(seen)

    lab.origin.answer(answer)
    client, base = lab.client, lab.url("")

    ended: dict[int, float] = {}

    def ask(number: int) -> None:
        try:
            if number < 2:
                client.get(f"{base}/slow", config=Config(timeout=0.3))
            else:
                _ask(client, base, number)
        finally:
            ended[number] = lab.clock.monotonic()

    results = lab.together(*[partial(ask, number) for number in range(8)])

    assert [type(result) for result in results[:2]] == [RequestTimeoutError] * 2
    _all_right(results[2:])
    assert max(ended[number] for number in range(2, 8)) < min(ended[0], ended[1]), "a call waited for a slow one"
    lab.still_works()


@case("concurrency/time-outs-at-once", kind="pinned", anchor="D11")
def time_outs_at_once(lab: Lab) -> None:
    """Ten calls that time out together take as long as one."""
    lab.origin.answer(lambda _: Script().stall())
    client, url = lab.client, lab.url("/")
    watch = lab.stopwatch()

    results = lab.together(*[partial(client.get, url, config=Config(timeout=0.15))] * 10)

    assert [type(result) for result in results] == [RequestTimeoutError] * 10
    assert watch.seconds() >= 0.15
    assert watch.own_seconds() < 0.75
    lab.still_works()


#: What the calls of ``concurrency/mixed`` end with, by their path; None: with an answer.
_MIXED: dict[str, type[Exception] | None] = {
    "ok": None,
    "large": BodyTooLargeError,
    "short": IncompleteBodyError,
    "reset": ReceiveError,
    "malformed": ProtocolError,
    "late": RequestTimeoutError,
    "moved": None,
    "loop": TooManyRedirectsError,
    "surplus": None,
    "silent": ReceiveError,
}


def _mixed_answer(seen: SeenRequest) -> Script:
    kind = seen.target.partition("?")[0]
    scripts = {
        "/ok": ok(seen.target.encode()),
        "/large": ok(b"x" * 1001),
        "/short": raw("HTTP/1.1 200 OK", "Content-Length: 50", body=b"short").close(),
        "/silent": Script().close(),
        "/reset": Script().send(b"HTTP/1.1 200 OK\r\n").reset(),
        "/malformed": raw("HTTP/1.1 200 OK", "Content-Length: x", body=b"POISON"),
        "/late": Script().pause(1.0).then(*ok(b"POISON").steps),
        "/moved": redirect(seen.target.replace("moved", "ok")),
        "/loop": redirect(seen.target),
        "/surplus": raw("HTTP/1.1 200 OK", "Content-Length: 2", body=b"okPOISON"),
    }
    return scripts[kind]


def _ask_mixed(client: Client, base: str, target: str, kind: str) -> None:
    config = Config(timeout=0.03 if kind == "late" else CALL_SECONDS, limits=Limits(body=1000))
    outcome: Response | Exception
    try:
        # POST, so that nothing is sent twice.
        outcome = client.post(base + target, config=config)
    except Exception as error:  # noqa: BLE001  # it is judged below
        outcome = error
    expected = _MIXED[kind]
    if expected is not None:
        assert type(outcome) is expected, (kind, outcome)
    else:
        assert isinstance(outcome, Response), (kind, outcome)
        assert outcome.body == (b"ok" if kind == "surplus" else target.replace("moved", "ok").encode())


@case(
    "concurrency/mixed",
    anchor="seam",
    tags=("security",),
    sent_whole=SURPLUS,
)
def mixed(lab: Lab) -> None:
    """Answers, failures of every kind and redirects, mixed in sixteen threads: each call ends as its own must."""
    lab.origin.answer(_mixed_answer)
    client, base = lab.client, lab.url("")

    def ask(thread: int) -> None:
        kinds = list(_MIXED)
        random.Random(thread).shuffle(kinds)
        for kind in kinds:
            _ask_mixed(client, base, f"/{kind}?{thread}", kind)

    _all_right(lab.together(*[partial(ask, thread) for thread in range(16)]))

    asked = [seen.target for seen in lab.requests if not seen.target.startswith(("/ok", "/loop"))]
    assert len(asked) == len(set(asked)), "a request was sent twice"
    # What is late may be so even before it is sent.
    assert sum(not target.startswith("/late") for target in asked) == 16 * 7
    lab.origin.answer(_mirror)
    lab.still_works()


@case("concurrency/nothing-shared", anchor="seam", level="core", tags=("security",))
def nothing_shared(lab: Lab) -> None:
    """What one client is told, its fields, its limits, its redirects, is no other's, over the same transport."""
    strict = lab.new_client(
        lab.transport,
        headers={"Authorization": "Bearer s3cr3t", "X-A": "1"},
        config=Config(timeout=CALL_SECONDS, max_redirects=0, limits=Limits(body=1)),
    )
    lab.origin.play(redirect("/b", body=b""), redirect("/b"), ok(b"long"))

    assert strict.get(lab.url("/a")).status_code == 302
    response = lab.get("/a")

    assert (response.body, len(response.history)) == (b"long", 1)
    assert [seen.values("Authorization") for seen in lab.requests] == [["Bearer s3cr3t"], [], []]
    assert [seen.values("X-A") for seen in lab.requests] == [["1"], [], []]
