"""Calls: one GET and one POST on a connection that is kept, over the wire or without a kernel."""

from __future__ import annotations

import gc
import http.client
import socket
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import cycle, repeat
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING

from fluxhttp._core.config import DEFAULT_LIMITS
from fluxhttp._core.head import parse_head
from tests.benchmarks import contenders, machine, origin
from tests.benchmarks.checking import check
from tests.benchmarks.contenders import HTTP_CLIENT, RAW, URLOPEN
from tests.benchmarks.fake_socket import FakePeer
from tests.benchmarks.figures import Table, interleaved, rows
from tests.benchmarks.workload import ANSWER_BODY, Place, answer_head

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    from tests.benchmarks.figures import Sample
    from tests.benchmarks.workload import Contender

WALL = "µs"
CPU = "CPU µs"
_WORKS = {"get": "GET with 2 params and 3 headers", "post": "POST of 1 KB with 3 headers"}
_PARSE_HEADERS = "http.client.parse_headers"
#: More different heads than a client may well remember the lines of.
_HEADS = 4096
_WIRE = "one connection, origin in another process"
_FAKE = "over a fake socket, no kernel"


def run(options: Namespace) -> list[Table]:
    """The tables of GET and POST, and without a kernel that of a head."""
    rounds = options.rounds or 25
    calls = options.calls or (100 if options.kernel else 200)
    chosen = contenders.installed(options.contenders, over_fake=not options.kernel)
    with ExitStack() as stack:
        place = stack.enter_context(origin.serving() if options.kernel else _nowhere())
        peers = {name: FakePeer() for name in chosen}
        running: dict[str, Contender] = {}
        for name, entry in chosen.items():
            check(name, entry, place)
            dial = None if options.kernel else peers[name].dial
            running[name] = entry.factory(Place(place.host, place.port, dial))
            stack.callback(running[name].close)
        tables = [
            _measure(work, running, peers=None if options.kernel else peers, rounds=rounds, calls=calls)
            for work in _WORKS
        ]
        if options.kernel:
            tables[-1].notes.append(_connections(running, samples=rounds * len(_WORKS)))
    return tables if options.kernel else [*tables, _head_table(rounds=rounds, calls=calls)]


def _measure(
    work: str, running: dict[str, Contender], *, peers: dict[str, FakePeer] | None, rounds: int, calls: int
) -> Table:
    def sampler(name: str) -> Callable[[], Sample]:
        call: Callable[[], bytes] = getattr(running[name], work)
        peer = None if peers is None else peers[name]

        def take() -> Sample:
            before = 0 if peer is None else peer.answers
            for _ in range(warm_up):
                call()
            sample = timed(call, calls)
            if peer is not None:
                answers = peer.answers - before
                assert answers == warm_up + calls, f"{name}: {answers} answers over the fake, not {warm_up + calls}"
            return sample

        for _ in range(warm_up):
            assert call() == ANSWER_BODY, f"{name}: another body"
        return take

    # Whoever comes after a large client would otherwise pay for the caches that it emptied.
    warm_up = calls // 10 + 1

    samplers = {name: sampler(name) for name in running}
    with steady_memory():
        samples = interleaved(samplers, rounds=rounds)
    if peers is None:
        place, measures = _WIRE, (WALL, CPU)
        bases = [(RAW, WALL), (HTTP_CLIENT, WALL), (HTTP_CLIENT, CPU), ("requests", WALL)]
    else:
        # Nobody waits here, so that processor time is all there is, and other processes leave it alone.
        place, measures = _FAKE, (CPU, WALL)
        # The raw socket is the cost of the fake itself: no measure for anything.
        bases = [(HTTP_CLIENT, CPU), (URLOPEN, CPU)]
    notes = [f"{rounds} rounds of {calls} calls; median (least-greatest)"]
    return Table(f"{_WORKS[work]}: {place}", rows(samples, measures, bases), notes)


def timed(call: Callable[[], object], calls: int) -> Sample:
    """Wall and processor time of one call, in microseconds."""
    loop = repeat(None, calls)
    cpu = thread_time_ns()
    wall = perf_counter_ns()
    for _ in loop:
        call()
    wall = perf_counter_ns() - wall
    cpu = thread_time_ns() - cpu
    return {WALL: wall / calls / 1000, CPU: cpu / calls / 1000}


@contextmanager
def steady_memory() -> Iterator[None]:
    """Leaves what was imported out of the collector's rounds, but has it run: garbage is part of a call's cost."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _nowhere() -> Iterator[Place]:
    """A port that is taken and that nobody listens on, so that a call which misses the fake fails."""
    machine.pin(machine.cores()[0])
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield Place("127.0.0.1", sock.getsockname()[1])


def _connections(running: dict[str, Contender], *, samples: int) -> str:
    """Says how many connections were made, which only between samples may be more than one a contender.

    On a slow machine others take longer than a client keeps a connection that it does not use.
    """
    accepted = int(next(iter(running.values())).fetch("/connections"))
    assert accepted <= len(running) * (samples + 1), f"{len(running)} contenders made {accepted} connections"
    return f"{len(running)} contenders made {accepted} connections"


def _head_table(*, rounds: int, calls: int) -> Table:
    """A head of ten fields, from bytes to something that can be asked for a field."""
    heads = [answer_head(number) for number in range(_HEADS)]
    # http.client takes the status line before, and the empty line with the fields.
    fields = cycle([head.partition(b"\r\n")[2] for head in heads])
    blocks = cycle([head.removesuffix(b"\r\n") for head in heads])
    assert len(parse_head(next(blocks), DEFAULT_LIMITS).headers.multi_items()) == 10
    samples = interleaved(
        {
            _PARSE_HEADERS: lambda: timed(lambda: http.client.parse_headers(BytesIO(next(fields))), calls),
            "fluxhttp, status line too": lambda: timed(lambda: parse_head(next(blocks), DEFAULT_LIMITS), calls),
        },
        rounds=rounds,
    )
    return Table("A head of 10 fields parsed", rows(samples, (CPU, WALL), [(_PARSE_HEADERS, CPU)]))
