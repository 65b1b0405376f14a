"""Fake: one call through a client and its double, matched and recorded, with one route and with many."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import ExitStack, closing
from itertools import cycle, islice
from time import process_time
from typing import TYPE_CHECKING

from tests.benchmarks import doubles, machine
from tests.benchmarks.calls import steady_memory
from tests.benchmarks.doubles import MOCK_TRANSPORT, RESPONSES, url_of
from tests.benchmarks.figures import Row, Spread, Table, interleaved, ratios

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tests.benchmarks.doubles import Double
    from tests.benchmarks.figures import Sample, Samples

_WORKS = {"get": "GET matched by its URL", "post": "POST with 2 params, 3 headers and 1 KB of JSON, all of it matched"}
_ROUTES = 10_000
ONE, MANY, GROWTH = "CPU µs", f"CPU µs at {_ROUTES:,} routes", "growth"
#: A sample of the slowest doubles with all routes ends after so many seconds, however few calls that makes.
_SAMPLE_SECONDS = 0.3
#: So many of the many routes are asked for, in turn: from all over the list, and in the middle on the average.
_ASKED = 7


def run(options: Namespace) -> list[Table]:
    """The tables of GET and POST."""
    machine.pin(machine.cores()[0])
    rounds, calls = options.rounds or 11, options.calls or 200
    chosen = doubles.installed(options.contenders)
    return [_measure(work, chosen, rounds=rounds, calls=calls) for work in _WORKS]


def _measure(work: str, chosen: dict[str, Callable[..., Double]], *, rounds: int, calls: int) -> Table:
    def sampler(name: str) -> Callable[[], Sample]:
        def take() -> Sample:
            one = _seconds(few[name], work, [url_of(0)], calls)
            many = _seconds(all_of_them[name], work, urls, calls)
            return {ONE: one * 1e6, MANY: many * 1e6, GROWTH: many / one}

        return take

    urls = [url_of(_ROUTES * number // (_ASKED + 1)) for number in range(1, _ASKED + 1)]
    is_post = work == "post"
    with ExitStack() as stack:
        few = {name: stack.enter_context(closing(make(1, is_post=is_post))) for name, make in chosen.items()}
        all_of_them = {
            name: stack.enter_context(closing(make(_ROUTES, is_post=is_post))) for name, make in chosen.items()
        }
        for name in chosen:
            _check(name, few[name], work, 0)
            _check(name, all_of_them[name], work, _ROUTES // 2)
        kept = {name: _kept_bytes(few[name], work, calls * 10) for name in chosen}
        with steady_memory():
            samples = interleaved({name: sampler(name) for name in chosen}, rounds=rounds)
    notes = [
        f"{rounds} rounds of {calls} calls, of fewer where those take long; median (least-greatest)",
        f"asked for at {_ROUTES:,} routes are {_ASKED} of them in turn, from all over the list",
        "bytes are what is held by objects of Python, for each call that was recorded",
    ]
    return Table(f"{_WORKS[work]}", [_row(name, samples, kept[name]) for name in chosen], notes)


def _row(name: str, samples: Samples, kept: float) -> Row:
    cells: dict[str, Spread | str] = {
        measure: Spread.of([sample[measure] for sample in samples[name]]) for measure in (ONE, MANY, GROWTH)
    }
    for base in (MOCK_TRANSPORT, RESPONSES):
        for measure in (ONE, MANY):
            if base in samples:
                cells[f"{measure} to {base}"] = ratios(samples, name, base, measure)
    cells["bytes kept"] = Spread(kept, kept, kept)
    return Row(name, cells)


def _check(name: str, double: Double, work: str, number: int) -> None:
    """Makes sure that a double answers from the right route, and keeps the call."""
    body = getattr(double, work)(url_of(number))
    assert body.replace(b" ", b"") == b'{"n":%d}' % number, f"{name}: {body[:80]!r}"
    assert double.recorded() == 1, f"{name}: {double.recorded()} calls recorded"
    double.forget()


def _seconds(double: Double, work: str, urls: list[str], calls: int) -> float:
    """Processor time of one call. What was recorded is dropped afterwards, or each sample would cost more."""
    call: Callable[[str], bytes] = getattr(double, work)
    endless = cycle(urls)
    started = process_time()
    call(next(endless))
    calls = max(1, min(calls, int(_SAMPLE_SECONDS / (process_time() - started))))
    for _ in range(calls // 10):
        call(next(endless))
    started = process_time()
    for url in islice(endless, calls):
        call(url)
    took = process_time() - started
    double.forget()
    return took / calls


def _kept_bytes(double: Double, work: str, calls: int) -> float:
    """What one recorded call holds."""
    call: Callable[[str], bytes] = getattr(double, work)
    url = url_of(0)
    call(url)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(calls):
            call(url)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert double.recorded() == calls + 1
    double.forget()
    return held / calls
