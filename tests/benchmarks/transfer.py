"""Download and upload: large bodies, whole in memory. Every sample is a process of its own."""

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
from tests.benchmarks.workload import ANSWER_BODY, SINK_TARGET, Place, gzip_target, large_target, lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample

SPEED = "MB/s"
CPU = "CPU ms"
PEAK = "peak MiB"
_MIB = 1_048_576
_TITLES = {
    "plain": "{} MiB with Content-Length into bytes",
    "gzip": "{} MiB of gzip decoded into bytes",
    "upload": "{} MiB from bytes",
}
#: A time-out is no part of this.
_LEFT_OUT = {contenders.TIMED}


def run_download(options: argparse.Namespace) -> list[Table]:
    """Throughput and peak memory of a large answer, and of one that is coded."""
    return [_measure(options, "plain"), _measure(options, "gzip")]


def run_upload(options: argparse.Namespace) -> list[Table]:
    """Throughput and peak memory of a large request."""
    return [_measure(options, "upload")]


def _measure(options: argparse.Namespace, work: str) -> Table:
    # A transfer takes 25 to 60 ms, and any one of them may take twice as long.
    rounds = options.rounds or 25
    size = (options.mib or 100) * _MIB
    names = [name for name in contenders.installed(options.contenders) if name not in _LEFT_OUT]
    with origin.serving() as place:
        if work == "gzip":
            contenders.installed([HTTP_CLIENT])[HTTP_CLIENT].factory(place).fetch(gzip_target(size))  # coded once

        def sampler(name: str) -> Callable[[], Sample]:
            command = [sys.executable, "-m", __name__, work, name, str(place.port), str(size)]
            return lambda: json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

        samples = interleaved({name: sampler(name) for name in names}, rounds=rounds)
    has_memory = all(PEAK in sample for name in names for sample in samples[name])
    bases = [(RAW, SPEED), (HTTP_CLIENT, SPEED), (URLOPEN, SPEED)]
    measures = (SPEED, PEAK, CPU) if has_memory else (SPEED, CPU)
    notes = [
        f"{rounds} rounds, each sample in a process of its own, warmed by a small request on the same connection",
        "MB is 10^6 bytes of the decoded body; peak is what was resident at most during the call, less what was before",
    ]
    if work == "gzip":
        notes.append("the raw socket's answer goes through zlib and nothing else, piece by piece")
    return Table(_TITLES[work].format(size // _MIB), rows(samples, measures, bases), notes)


def _sample(work: str, name: str, port: int, size: int) -> Sample:
    machine.pin(machine.cores()[0])
    machine.forget_proxies()
    contender = contenders.installed([name])[name].factory(Place("127.0.0.1", port))
    body = b"#" * size if work == "upload" else b""
    target = {"plain": large_target(size), "gzip": gzip_target(size), "upload": SINK_TARGET}[work]
    assert contender.get() == ANSWER_BODY
    has_memory = machine.forget_peak()
    before = machine.resident_bytes()
    cpu = process_time()
    wall = perf_counter()
    answer = contender.upload(target, body) if work == "upload" else contender.fetch(target)
    wall = perf_counter() - wall
    cpu = process_time() - cpu
    peak = machine.resident_bytes("VmHWM")
    _check(work, answer, size)
    contender.close()
    sample = {SPEED: size / wall / 1e6, CPU: cpu * 1000}
    if has_memory and before is not None and peak is not None:
        sample[PEAK] = (peak - before) / _MIB
    return sample


def _check(work: str, answer: bytes, size: int) -> None:
    """Makes sure that all of it came, or that the origin saw all of it."""
    assert type(answer) is bytes
    if work == "upload":
        assert int(answer) == size, f"the origin took {answer!r} bytes"
    else:
        assert len(answer) == size, f"{len(answer)} bytes came"
        if work == "gzip":
            assert answer[-4096:] == lines(size)[-4096:]


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=_TITLES)
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("size", type=int)
    options = parser.parse_args()
    print(json.dumps(_sample(options.work, options.name, options.port, options.size)))


if __name__ == "__main__":
    _main()
