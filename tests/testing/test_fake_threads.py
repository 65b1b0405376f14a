"""A fake under threads: counts are exact, the order is total, time lines are apart."""

from __future__ import annotations

import contextlib
import threading

import pytest

from fluxhttp import (
    Client,
    Config,
    Deadline,
    Request,
)
from fluxhttp.testing import (
    FakeTransport,
    UnexpectedRequestError,
)

API = "https://api.test"
URL = f"{API}/x"


def test_eight_threads_count_exactly() -> None:
    fake = FakeTransport()
    client = Client(fake)
    unlimited = fake.get(f"{API}/unlimited").respond(after=0.001)
    limited = fake.get(f"{API}/limited").respond(text="mine").times(100)
    sequence = fake.get(f"{API}/sequence")
    for number in range(200):
        sequence.respond(text=str(number))
    passing = fake.get(f"{API}/passing").handle(lambda call: None).optional()
    taking = fake.get(f"{API}/passing").respond()
    seen: list[list[str]] = []
    elapsed: list[float] = []

    def run() -> None:
        mine = []
        for _ in range(25):
            client.get(f"{API}/unlimited")
            client.get(f"{API}/passing")
            mine.append(client.get(f"{API}/sequence").text)
            with contextlib.suppress(UnexpectedRequestError):
                client.get(f"{API}/limited")
        seen.append(mine)
        elapsed.append(fake.clock.monotonic())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(int(text) for mine in seen for text in mine) == list(range(200))
    assert all(mine == sorted(mine, key=int) for mine in seen)
    assert [route.call_count for route in (unlimited, limited, sequence, passing, taking)] == [200, 100, 200, 0, 200]
    assert len(fake.unexpected) == 100
    assert len(fake.calls) == 700
    assert elapsed == [pytest.approx(0.025)] * 8
    # The order is total: each route's calls stand in it as they came.
    order = {id(call): place for place, call in enumerate(fake.calls)}
    for route in (unlimited, limited, sequence):
        places = [order[id(call)] for call in route.calls]
        assert places == sorted(places)
    assert [int(call.response.body) for call in sequence.calls if call.response] == list(range(200))


def test_one_threads_delay_does_not_expire_anothers_deadline() -> None:
    fake = FakeTransport()
    fake.get(f"{API}/slow").respond(after=100)
    fake.get(URL).respond(text="ok", after=1)
    begun, done = threading.Event(), threading.Event()
    texts: list[str] = []

    def fast() -> None:
        deadline = Deadline.after(2, fake.clock)
        begun.set()
        done.wait(10)
        answer = fake.send(Request.build("GET", URL), config=Config(), deadline=deadline)
        texts.append(answer.read(9).decode())

    thread = threading.Thread(target=fast)
    thread.start()
    begun.wait(10)
    Client(fake).get(f"{API}/slow")
    done.set()
    thread.join()

    assert texts == ["ok"]
    assert fake.clock.monotonic() == 100
