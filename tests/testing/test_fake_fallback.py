"""What no route takes goes to another transport, on that one's clock."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fluxhttp import (
    Client,
    ClosedError,
    Config,
    Deadline,
    Headers,
    InvalidConfigError,
    InvalidTypeError,
    ReceiveError,
    Request,
)
from fluxhttp.testing import (
    FakeTransport,
    VirtualClock,
)

API = "https://api.test"
URL = f"{API}/x"


class ByHand:
    """A transport made by hand, on real time or a clock of its own."""

    def __init__(self, seconds: float = 0.0, clock: VirtualClock | None = None) -> None:
        if clock is not None:
            self.clock = clock
        self._seconds = seconds
        self.deadlines: list[Deadline] = []
        self.error: Exception | None = None

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> ByHand:
        self.deadlines.append(deadline)
        self._sleep()
        if self.error is not None:
            raise self.error
        self._left = b"by hand"
        return self

    def _sleep(self) -> None:
        if hasattr(self, "clock"):
            self.clock.advance(self._seconds)
        elif self._seconds:
            time.sleep(self._seconds)

    status_code = 299
    reason = "By Hand"
    http_version = "HTTP/1.1"
    headers = Headers({"x-a": "1"})

    def read(self, size: int, /) -> bytes:
        self._sleep()
        data, self._left = self._left[:size], self._left[size:]
        return data

    def close(self) -> None: ...


def test_what_no_route_takes_goes_to_the_fallback() -> None:
    other = ByHand()
    with FakeTransport(fallback=other) as fake:
        fake.get(URL).respond(text="fake")
        client = Client(fake)

        assert (client.get(URL).text, client.get(f"{API}/y").text) == ("fake", "by hand")

    call = fake.calls.last
    assert (call.route, call.outcome, fake.unexpected) == (None, "299", [])
    assert call.response is not None
    assert (call.response.body, call.response.headers["x-a"], call.response.reason) == (b"by hand", "1", "By Hand")


def test_the_fallback_has_a_deadline_on_its_own_clock() -> None:
    other = ByHand(0.01)
    fake = FakeTransport(fallback=other)
    fake.clock.advance(1000)

    response = Client(fake).get(URL, config=Config(timeout=50))

    (deadline,) = other.deadlines
    assert deadline.clock is not fake.clock
    assert deadline.seconds == 50
    assert 40 < (deadline.remaining() or 0) < 50
    # Real time passed there, and so it did here.
    assert 0.02 < response.duration.total_seconds() < 5
    assert fake.calls.last.elapsed == pytest.approx(response.duration.total_seconds(), abs=1e-4)
    assert Client(fake).get(URL).text == "by hand"
    assert other.deadlines[1].remaining() is None


def test_the_fallback_may_have_a_clock_of_its_own() -> None:
    other = ByHand(2, VirtualClock())
    fake = FakeTransport(fallback=other)

    response = Client(fake).get(URL, config=Config(timeout=100))

    # Once for the head, twice for the body and its end.
    assert response.duration.total_seconds() == fake.clock.monotonic() == 6
    assert other.deadlines[0].clock is other.clock


def test_the_fallback_may_share_the_clock() -> None:
    other = ByHand(2)
    fake = FakeTransport(fallback=other)
    other.clock = fake.clock

    assert Client(fake).get(URL).duration.total_seconds() == 6


def test_what_the_fallback_raises_is_noted() -> None:
    other = ByHand(3, VirtualClock())
    other.error = ReceiveError("made up")
    fake = FakeTransport(fallback=other)

    with pytest.raises(ReceiveError):
        Client(fake).get(URL)

    assert (fake.calls.last.error, fake.calls.last.elapsed) == (other.error, 3)


def test_the_fallback_stays_open() -> None:
    inner = FakeTransport()
    inner.get(URL).respond(text="open")
    fake = FakeTransport(fallback=inner)

    fake.close()

    assert Client(inner).get(URL).text == "open"
    with pytest.raises(ClosedError):
        Client(fake).get(URL)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"base_url": 1}, InvalidTypeError, "base_url must be a str, not int"),
        ({"base_url": "https://a.test/?q"}, InvalidConfigError, "base_url must not have a query or fragment"),
        ({"fallback": 1}, InvalidTypeError, "fallback must have a method send, but int has none"),
    ],
)
def test_arguments_that_make_no_fake(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        FakeTransport(**options)

    assert str(caught.value) == text
