"""What a recorded call costs, in time and in memory."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.test"
#: Growth from one route to ten thousand that is allowed.
GROWTH_MAX = 1.2
BYTES_MAX = 1000


def filled(count: int, url: Callable[[int], str]) -> FakeTransport:
    fake = FakeTransport()
    for number in range(count):
        fake.get(url(number)).respond(json={"n": number})
    return fake


def growth(one: Callable[[], object], many: Callable[[], object]) -> float:
    """How much longer the second takes; measured in turns, so that both meet the same machine."""

    def seconds(make: Callable[[], object]) -> float:
        started = time.process_time()
        for _ in range(200):
            make()
        return time.process_time() - started

    pairs = [(seconds(one), seconds(many)) for _ in range(40)]
    return min(
        min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs), statistics.median(b / a for a, b in pairs)
    )


@pytest.mark.cost
@pytest.mark.parametrize(
    "url",
    [
        lambda number: f"{API}/items/{number}",
        lambda number: f"{API}/items?id={number}",
        lambda number: f"https://{number}.test/items",
        lambda number: f"{API}/{number}/items/{{id}}",
    ],
    ids=["paths", "queries", "hosts", "templates"],
)
def test_ten_thousand_routes_cost_what_one_costs(url: Callable[[int], str]) -> None:
    few, many = filled(1, url), filled(10_000, url)
    first, middle = url(0).replace("{id}", "7"), url(5000).replace("{id}", "7")
    one, other = Client(few), Client(many)
    assert other.get(middle).json() == {"n": 5000}
    gc.collect()
    gc.disable()
    try:
        ratios = []
        for _ in range(3):
            ratios.append(growth(lambda: one.get(first), lambda: other.get(middle)))
            if ratios[-1] <= GROWTH_MAX:
                break
    finally:
        gc.enable()

    assert min(ratios) <= GROWTH_MAX


@pytest.mark.parametrize("kind", ["reply", "matched", "where", "chunks", "function"])
def test_a_recorded_call_is_small(kind: str) -> None:
    fake = FakeTransport()
    if kind == "reply":
        fake.get(f"{API}/x").respond(json={"name": "Ada"})
    elif kind == "matched":
        fake.get(f"{API}/x", headers={"x-a": "1", "accept": "*/*"}).respond(json={"name": "Ada"})
    elif kind == "where":
        fake.get(f"{API}/x", where=lambda request: request.headers["x-a"] == "1").respond(json={"name": "Ada"})
    elif kind == "chunks":
        fake.get(f"{API}/x").respond(chunks=[b"a", 0.5, b"b"])
    else:
        reply = fake.put(f"{API}/y").respond(json={"name": "Ada"}).optional().actions[0]
        fake.get(f"{API}/x").handle(lambda call: reply)  # type: ignore[arg-type, return-value]
    count = 10_000 if kind == "reply" else 2_000
    client = Client(fake)
    headers = {"x-a": "1", "accept": "*/*"}
    client.get(f"{API}/x", headers=headers)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            client.get(f"{API}/x", headers=headers)
        gc.collect()
        kept = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()

    assert len(fake.calls) == count + 1
    assert kept <= BYTES_MAX
