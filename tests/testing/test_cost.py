"""What a recorded call costs, in time and in memory."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Client
from fluxhttp.testing import FakeTransport, subset
from fluxhttp.testing.matching import Subset

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

API = "https://api.test"
#: Growth from one route to ten thousand that is allowed; of one URL, where a look-up comes on top.
GROWTH_MAX = 1.2
GROWTH_OF_ONE_URL_MAX = 1.6
BYTES_MAX = 1000


def filled(count: int, url: Callable[[int], str]) -> FakeTransport:
    fake = FakeTransport()
    for number in range(count):
        fake.get(url(number)).respond(json={"n": number})
    return fake


def growth(one: Callable[[], object], many: Callable[[], object], rounds: int) -> float:
    """How much longer the second takes; measured in turns, so that both meet the same machine."""

    def seconds(make: Callable[[], object]) -> float:
        started = time.process_time()
        for _ in range(200):
            make()
        return time.process_time() - started

    pairs = [(seconds(one), seconds(many)) for _ in range(rounds)]
    return min(
        min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs), statistics.median(b / a for a, b in pairs)
    )


def least_growth(one: Callable[[], object], many: Callable[[], object], bound: float, rounds: int = 40) -> float:
    """The growth, measured up to three times: until it is within the bound."""
    gc.collect()
    gc.disable()
    try:
        ratios = []
        for _ in range(3):
            ratios.append(growth(one, many, rounds))
            if ratios[-1] <= bound:
                break
    finally:
        gc.enable()
    return min(ratios)


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

    assert least_growth(lambda: one.get(first), lambda: other.get(middle), GROWTH_MAX) <= GROWTH_MAX


@pytest.mark.cost
@pytest.mark.parametrize(
    ("url", "content"),
    [
        (f"{API}/x", lambda number: {"body": b"order %d" % number}),
        (f"{API}/{{id}}", lambda number: {"body": b"order %d" % number}),
        (None, lambda number: {"body": b"order %d" % number}),
        (f"{API}/x", lambda number: {"json": {"id": number, "items": [1, 2]}}),
        (f"{API}/x", lambda number: {"params": {"id": str(number)}}),
        (f"{API}/x", lambda number: {"params": subset({"id": str(number)})}),
        (f"{API}/x", lambda number: {"headers": {"x-id": str(number)}}),
        (f"{API}/x", lambda number: {"headers": {"x-key": "k"}, "form": {"id": str(number)}}),
    ],
    ids=["bodies", "bodies of a template", "bodies of any URL", "json", "params", "subsets", "headers", "forms"],
)
def test_ten_thousand_routes_of_one_place_cost_nearly_what_one_costs(
    url: str | None, content: Callable[[int], dict[str, Any]]
) -> None:
    few, many = FakeTransport(), FakeTransport()
    few.route("POST", url, **content(5000)).respond(json={"n": 5000})
    for number in range(10_000):
        many.route("POST", url, **content(number)).respond(json={"n": number})
    one, other = Client(few), Client(many)
    options = content(5000)
    if isinstance(options.get("params"), Subset):
        options = {"params": options["params"].params}
    asked = f"{API}/x"
    assert other.post(asked, **options).json() == {"n": 5000}

    bound = GROWTH_OF_ONE_URL_MAX
    assert least_growth(lambda: one.post(asked, **options), lambda: other.post(asked, **options), bound, 15) <= bound


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
