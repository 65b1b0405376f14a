"""Suite: how long the conformance suite takes, each transport by itself and all of them."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from tests.benchmarks import machine
from tests.benchmarks.figures import Table, interleaved, rows

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample

WALL = "s"
CPU = "CPU s"
_TRANSPORTS = ("stdlib", "urllib3", "fake")
#: The profiles, and how often each is measured: the full one takes minutes.
_PROFILES = {"quick": 3, "full": 1}


def run(options: Namespace) -> list[Table]:
    """A table a profile."""
    targets = {name: [name.removeprefix("fluxhttp ")] for name in (f"fluxhttp {each}" for each in _TRANSPORTS)}
    targets["fluxhttp, all three"] = list(_TRANSPORTS)
    if options.contenders is not None:
        targets = {name: each for name, each in targets.items() if name in options.contenders}
    tables = []
    for profile, usual in _PROFILES.items():
        rounds = options.rounds or usual
        samples = interleaved(
            {name: _sampler(each, profile, options.cases) for name, each in targets.items()},
            rounds=rounds,
        )
        count = int(next(iter(samples.values()))[0]["cases"])
        notes = [f"rounds: {rounds}; {count} cases, as many processes as the runner takes by itself"]
        tables.append(Table(f"The conformance suite, profile {profile}", rows(samples, (WALL, CPU), []), notes))
    return tables


def _sampler(targets: list[str], profile: str, prefix: str) -> Callable[[], Sample]:
    command = [sys.executable, "-m", "fluxhttp_conformance", "run", *targets, "--profile", profile, "--only", prefix]

    def take() -> Sample:
        cpu = machine.children_seconds()
        wall = perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        wall = perf_counter() - wall
        if done.returncode:
            raise SystemExit(
                f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}"
            )
        cases = next(line for line in done.stdout.splitlines() if " cases, " in line)
        return {WALL: wall, CPU: machine.children_seconds() - cpu, "cases": float(cases.split()[0])}

    return take
