"""One question, asked of both real transports and of the fake: the three must give one answer.

A real transport meets a peer on loopback, the fake one in memory; both play the
same ``Script``. A question may instead tell the fake what to answer as a test
would, with routes: what a fake makes of that must be what the peer's bytes come to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import FluxHTTPError, InvalidTypeError, Response
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, Script
from fluxhttp_conformance import HarnessError, Lab, MemoryLab, Target, lab_for, ok

if TYPE_CHECKING:
    from collections.abc import Callable

TRANSPORTS = ("stdlib", "urllib3", "fake")
#: A name, so that the requests have the same bytes whatever the peer's port is.
ORIGIN = "http://origin.test"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, with all that it says."""

    kind: type[Exception]
    text: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """What there is to see of one question.

    Args:
        answer: what the question returned, or the error that ended it.
        sent: the requests that left, head and body, in order.
    """

    answer: Any
    sent: tuple[bytes, ...]


def ask(question: Callable[[Lab], Any]) -> Observation:
    """Asks each transport, and returns what all three agree on.

    Raises:
        AssertionError: they do not.
        HarnessError: a script was not played, so the question was not asked.
    """
    seen = {name: _observed(name, question) for name in TRANSPORTS}
    first = seen[TRANSPORTS[0]]
    assert seen == dict.fromkeys(TRANSPORTS, first)
    return first


def _observed(name: str, question: Callable[[Lab], Any]) -> Observation:
    lab = lab_for(Target.named(name))
    try:
        try:
            answer = shown(question(lab))
        except FluxHTTPError as error:
            answer = shown(error)
        if lab.origin.unplayed:
            raise HarnessError(f"{lab.origin.unplayed} scripts were not played")
        return Observation(answer, sent_by(lab))
    finally:
        lab.close()


def sent_by(lab: Lab) -> tuple[bytes, ...]:
    """The requests that left, be it that a route of the fake takes them or not."""
    if isinstance(lab.transport, FakeTransport):
        # That a connection was wanted is a call, too; here it counts once something left.
        calls = (*lab.transport.calls, *lab.transport.unexpected)
        return tuple(call.request.to_bytes() for call in calls if getattr(call.error, "maybe_sent", True))
    return tuple(request.raw for request in lab.requests)


def shown(value: Any) -> Any:
    """A value as what can be compared: an answer without its duration, an error with its fields."""
    if isinstance(value, Response):
        fields = ("status_code", "reason", "http_version", "body", "text", "truncated")
        return {
            **{name: getattr(value, name) for name in fields},
            "url": str(value.url),
            "headers": value.headers.multi_items(),
        }
    if isinstance(value, FluxHTTPError):
        return Failure(type(value), str(value), {**vars(value), "retryable": getattr(value, "retryable", None)})
    return value


def told(lab: Lab, tell: Callable[[FakeTransport], object], *scripts: Script) -> None:
    """Makes the fake answer from routes of its own, and any other transport's peer play the scripts."""
    if not isinstance(lab, MemoryLab):
        lab.origin.play(*scripts)
        return
    fake = FakeTransport()
    tell(fake)
    lab.transport = fake
    lab._transports.append(fake)


def received(tell: dict[str, Any] | None, script: Script, method: str = "GET", **options: Any) -> Observation:
    """What a call makes of a script; the fake is told ``respond(…)`` instead, or the script where that is None."""

    def question(lab: Lab) -> Any:
        def tell_fake(fake: FakeTransport) -> None:
            route = fake.route(method, ORIGIN)
            route.play(script) if tell is None else route.respond(**tell)

        told(lab, tell_fake, script)
        return lab.client.do(method, ORIGIN, **options)

    return ask(question)


def not_told(tell: dict[str, Any], method: str = "GET") -> str:
    """What a fake says as soon as it is told what no server can answer; the first line, without the place."""
    with pytest.raises((ImpossibleReplyError, InvalidTypeError)) as caught:
        FakeTransport().route(method, ORIGIN).respond(**tell)
    return re.sub(r" \([^()]*:\d+\)$", "", str(caught.value).partition("\n")[0])


def refused(lab: Lab, call: Callable[[], object]) -> Failure:
    """The error that a call ends with before anything is sent; the next call of the client works."""
    try:
        call()
    except FluxHTTPError as error:
        lab.origin.play(ok(b"control"))
        assert lab.client.get(f"{ORIGIN}/control").body == b"control"
        assert [raw.split(b" ")[1] for raw in sent_by(lab)] == [b"/control"]
        assert lab.origin.connections == 1
        failure = shown(error)
        assert isinstance(failure, Failure)
        return failure
    raise AssertionError("it was not refused")
