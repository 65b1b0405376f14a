"""Threads: eight of them on one core, which they keep busy. What a call costs, when nobody waits for a wake-up."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from itertools import repeat
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Self

from tests.benchmarks import contenders, origin
from tests.benchmarks.calls import steady_memory
from tests.benchmarks.checking import check
from tests.benchmarks.contenders import HTTP_CLIENT, RAW
from tests.benchmarks.figures import Table, interleaved, rows
from tests.benchmarks.peers_wire import AIOHTTP
from tests.benchmarks.workload import ANSWER_BODY, THREADS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tests.benchmarks.contenders import Entry
    from tests.benchmarks.figures import Sample
    from tests.benchmarks.workload import Place

SPEED = "calls/s"
CPU = "CPU µs"
_WORKS = {"get": "GET with 2 params and 3 headers", "post": "POST of 1 KB with 3 headers"}
_BASES = (HTTP_CLIENT, "requests", "httpx")


def run(options: Namespace) -> list[Table]:
    """The tables of GET and POST."""
    rounds, calls = options.rounds or 15, options.calls or 1600
    calls += -calls % THREADS
    chosen = contenders.installed(options.contenders)
    with ExitStack() as stack:
        place = stack.enter_context(origin.serving())
        for name, entry in chosen.items():
            check(name, entry, place)
        crews = {name: stack.enter_context(_Crew(entry, place)) for name, entry in chosen.items()}
        return [_measure(work, crews, rounds=rounds, calls=calls) for work in _WORKS]


def _measure(work: str, crews: dict[str, _Crew], *, rounds: int, calls: int) -> Table:
    def sampler(crew: _Crew) -> Callable[[], Sample]:
        def take() -> Sample:
            crew.work(work, THREADS)  # warm again, and every connection open
            cpu, wall = process_time(), perf_counter()
            crew.work(work, calls)
            cpu, wall = process_time() - cpu, perf_counter() - wall
            return {SPEED: calls / wall, CPU: cpu / calls * 1e6}

        return take

    for crew in crews.values():
        crew.work(work, calls)
    with steady_memory():
        samples = interleaved({name: sampler(crew) for name, crew in crews.items()}, rounds=rounds)
    bases = [(RAW, SPEED), (HTTP_CLIENT, SPEED)] + [(base, CPU) for base in _BASES]
    notes = [
        f"{rounds} rounds of {calls} calls; median (least-greatest)",
        "a raw socket waits for the origin; for the others the client's core is what is short",
    ]
    return Table(f"{_WORKS[work]}: {THREADS} threads on one core", rows(samples, (SPEED, CPU), bases), notes)


class _Crew:
    """Threads that make calls with one contender, or with one each where it is not made to be shared."""

    def __init__(self, entry: Entry, place: Place) -> None:
        self._clients = [entry.factory(place) for _ in range(1 if entry.is_shared else THREADS)]

    def work(self, work: str, calls: int) -> None:
        """Makes that many calls in all, and waits for the last."""
        first = self._clients[0]
        if isinstance(first, AIOHTTP):
            first.gather(work, calls)
            return
        failures: list[BaseException] = []
        crew = [
            threading.Thread(target=_calls, args=(getattr(client, work), calls // THREADS, failures))
            for client in self._clients * (THREADS // len(self._clients))
        ]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        if failures:
            raise failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()


def _calls(call: Callable[[], bytes], count: int, failures: list[BaseException]) -> None:
    try:
        assert call() == ANSWER_BODY
        for _ in repeat(None, count - 1):
            call()
    except BaseException as failure:  # noqa: BLE001 - told by the thread that waits
        failures.append(failure)
