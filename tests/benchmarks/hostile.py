"""Hostile: what it costs to do or refuse what a hostile caller or peer sends, and how that grows with the size."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from fluxhttp import BodyTooLargeError, Config, Limits
from tests.benchmarks import machine
from tests.benchmarks.attacks import ATTACKS, Attack, Feeder, cost, endless_chunks, fetch_from
from tests.benchmarks.figures import Row, Spread, Table, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample

WHOLE = "CPU ms"
_PARTS = {"at a quarter": 4, "at a half": 2, WHOLE: 1}
_MIB = 1_048_576
_TRANSPORT = "stdlib"


def run(options: argparse.Namespace) -> list[Table]:
    """The table of costs, and that of an answer that never ends."""
    rounds = options.rounds or 7
    if options.contenders is not None and "fluxhttp" not in options.contenders:
        raise SystemExit(f"fluxhttp alone takes part, not {', '.join(options.contenders)}")
    machine.pin(machine.cores()[0])
    return [_costs(rounds), _endless((options.mib or 100) * _MIB, rounds)]


def _costs(rounds: int) -> Table:
    samples = interleaved({f"fluxhttp: {attack.name}": _sampler(attack) for attack in ATTACKS}, rounds=rounds)
    table = []
    for attack in ATTACKS:
        name = f"fluxhttp: {attack.name}"
        cells: dict[str, Spread | str] = {
            column: Spread.of([sample[column] for sample in samples[name]]) for column in (WHOLE, *list(_PARTS)[:2])
        }
        cells["whole to quarter"] = Spread.of([sample[WHOLE] / sample["at a quarter"] for sample in samples[name]])
        cells["outcome"] = "refused" if samples[name][0]["refused"] else "done"
        table.append(Row(name, cells))
    notes = [
        f"{rounds} rounds; median (least-greatest); over the transport {_TRANSPORT}, with a socket in memory",
        "a cost that is linear in the size has 4 under 'whole to quarter', one that grows with its square 16",
    ]
    return Table("Hostile input, done or refused", table, notes)


def _sampler(attack: Attack) -> Callable[[], Sample]:
    prepared = {column: attack.make(attack.size // part) for column, part in _PARTS.items()}

    def take() -> Sample:
        sample: Sample = {}
        for column, data in prepared.items():
            seconds, refused = cost(attack, _TRANSPORT, data)
            sample[column] = seconds * 1000
            sample["refused"] = float(refused)
        return sample

    return take


def _endless(limit: int, rounds: int) -> Table:
    command = [sys.executable, "-m", __name__, str(limit)]
    runs = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(rounds)]
    cells: dict[str, Spread | str] = {
        column: Spread.of([each[column] for each in runs]) for column in runs[0] if runs[0][column] is not None
    }
    notes = [
        f"limits.body is {limit // _MIB} MiB; {median([each['MB/s'] for each in runs]):,.0f} MB/s until it was refused"
    ]
    return Table("An answer that never ends, in chunks of 16 KiB", [Row("fluxhttp", cells)], notes)


def _sample(limit: int) -> dict[str, float | None]:
    """How far over the limit was read, and how much memory it took."""
    config = Config(limits=Limits(body=limit))
    with_little = Config(limits=Limits(body=65_536))
    for warm_up in (Feeder(endless_chunks()), None):
        feeder = warm_up or Feeder(endless_chunks())
        has_memory = machine.forget_peak()
        before = machine.resident_bytes()
        started = perf_counter()
        try:
            fetch_from(_TRANSPORT, feeder, with_little if warm_up else config)
        except BodyTooLargeError:
            took = perf_counter() - started
        peak = machine.resident_bytes("VmHWM")
    overrun = feeder.given - limit
    is_known = has_memory and before is not None and peak is not None
    return {
        "KiB read beyond the limit": overrun / 1024,
        "peak MiB beyond the limit": (peak - before - limit) / _MIB if is_known else None,
        "MB/s": limit / took / 1e6,
    }


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("limit", type=int)
    print(json.dumps(_sample(parser.parse_args().limit)))


if __name__ == "__main__":
    _main()
