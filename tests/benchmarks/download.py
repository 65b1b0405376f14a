"""Download: a large answer with Content-Length into bytes. Every sample is a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from tests.benchmarks import contenders, machine, origin
from tests.benchmarks.contenders import HTTP_CLIENT, RAW, URLOPEN
from tests.benchmarks.figures import Table, interleaved, rows
from tests.benchmarks.workload import ANSWER_BODY, Place, large_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample

SPEED = "MB/s"
CPU = "CPU ms"
PEAK = "peak MiB"
_MIB = 1_048_576
#: A time-out is no part of this.
_LEFT_OUT = {contenders.TIMED}


def run(options: argparse.Namespace) -> list[Table]:
    """The table of throughput and peak memory."""
    rounds = options.rounds or 9
    size = (options.mib or 100) * _MIB
    names = [name for name in contenders.installed(options.contenders) if name not in _LEFT_OUT]
    with origin.serving() as place:

        def sampler(name: str) -> Callable[[], Sample]:
            command = [sys.executable, "-m", __name__, name, str(place.port), str(size)]
            return lambda: json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

        samples = interleaved({name: sampler(name) for name in names}, rounds=rounds)
    has_memory = all(PEAK in sample for name in names for sample in samples[name])
    bases = [(RAW, SPEED), (HTTP_CLIENT, SPEED), (URLOPEN, SPEED)]
    measures = (SPEED, PEAK, CPU) if has_memory else (SPEED, CPU)
    notes = [
        f"{rounds} rounds, each sample in a process of its own, warmed by a small request on the same connection",
        "MB is 10^6 bytes; peak is what was resident at most during the call, less what was before it",
    ]
    return [Table(f"{size // _MIB} MiB with Content-Length into bytes", rows(samples, measures, bases), notes)]


def _sample(name: str, port: int, size: int) -> Sample:
    machine.pin(machine.cores()[0])
    machine.forget_proxies()
    contender = contenders.installed([name])[name](Place("127.0.0.1", port))
    target = large_target(size)
    assert contender.get() == ANSWER_BODY
    has_memory = machine.forget_peak()
    before = machine.resident_bytes()
    cpu = process_time()
    wall = perf_counter()
    body = contender.fetch(target)
    wall = perf_counter() - wall
    cpu = process_time() - cpu
    peak = machine.resident_bytes("VmHWM")
    assert type(body) is bytes
    assert len(body) == size
    contender.close()
    sample = {SPEED: size / wall / 1e6, CPU: cpu * 1000}
    if has_memory and before is not None and peak is not None:
        sample[PEAK] = (peak - before) / _MIB
    return sample


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("size", type=int)
    options = parser.parse_args()
    print(json.dumps(_sample(options.name, options.port, options.size)))


if __name__ == "__main__":
    _main()
