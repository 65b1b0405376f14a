"""Deadline: what is left of a call's time, on a clock that stands still until told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.deadline import Deadline, EndableDeadline
from fluxhttp.errors import ClosedError, RequestTimeoutError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxhttp.errors import Phase


class HandClock:
    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


def test_time_runs_out() -> None:
    clock = HandClock()
    deadline = Deadline.after(5.0, clock)

    seen = []
    for _ in range(4):
        seen.append((deadline.remaining(), deadline.expired))
        clock.sleep(2.5)

    assert seen == [(5.0, False), (2.5, False), (0.0, True), (0.0, True)]


def test_none_never_runs_out() -> None:
    clock = HandClock()
    deadline = Deadline.after(None, clock)

    clock.sleep(1e9)

    assert deadline.remaining() is None
    assert not deadline.expired
    deadline.check("body")


def test_a_deadline_knows_its_clock_and_what_was_allowed() -> None:
    clock = HandClock()

    assert Deadline.after(5.0, clock).clock is clock
    assert Deadline.after(5.0, clock).seconds == 5.0
    assert Deadline.after(None, clock).seconds is None
    assert Deadline(103.0, clock).remaining() == 3.0


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        ("dns", "the deadline of 0.25 s passed while the host name was looked up"),
        ("connect", "the deadline of 0.25 s passed while connecting"),
        ("proxy", "the deadline of 0.25 s passed while the proxy was asked"),
        ("tls", "the deadline of 0.25 s passed during the TLS handshake"),
        ("send", "the deadline of 0.25 s passed while the request was sent"),
        ("head", "the deadline of 0.25 s passed while waiting for the answer's head"),
        ("body", "the deadline of 0.25 s passed while the body was read"),
    ],
)
def test_a_check_tells_where_it_passed(phase: Phase, text: str) -> None:
    clock = HandClock()
    deadline = Deadline.after(0.25, clock)

    deadline.check(phase)
    clock.sleep(0.25)
    with pytest.raises(RequestTimeoutError) as caught:
        deadline.check(phase, maybe_sent=False)

    assert str(caught.value) == text
    assert (caught.value.phase, caught.value.maybe_sent) == (phase, False)


def test_a_moment_given_as_such_has_no_seconds_to_tell() -> None:
    error = Deadline(0.0, HandClock()).timeout_error("head")

    assert str(error) == "the deadline passed while waiting for the answer's head"
    assert error.maybe_sent


def test_an_endable_deadline_runs_out_like_the_one_it_is_made_of() -> None:
    clock = HandClock()
    deadline = EndableDeadline(Deadline.after(5.0, clock))

    assert (deadline.remaining(), deadline.seconds, deadline.clock) == (5.0, 5.0, clock)
    deadline.check("dns")
    clock.sleep(5.0)
    assert deadline.expired
    with pytest.raises(RequestTimeoutError, match="of 5 s"):
        deadline.check("dns")


def test_an_endable_deadline_can_be_ended_before_its_time() -> None:
    deadline = EndableDeadline(Deadline.after(None, HandClock()))

    deadline.end()

    with pytest.raises(ClosedError, match=r"^the transport was closed during the call$"):
        deadline.remaining()
    with pytest.raises(ClosedError, match=r"^the transport was closed during the call$"):
        deadline.check("dns")


@given(st.floats(0, 1e12), st.lists(st.floats(0, 1e12), max_size=5))
def test_what_remains_is_never_negative_and_never_grows(seconds: float, steps: list[float]) -> None:
    clock = HandClock()
    deadline = Deadline.after(seconds, clock)

    last = deadline.remaining()
    for step in steps:
        clock.sleep(step)
        left = deadline.remaining()
        assert left is not None
        assert last is not None
        assert 0.0 <= left <= last
        assert deadline.expired is (left == 0.0)
        last = left
