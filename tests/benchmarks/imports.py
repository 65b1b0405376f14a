"""Import: what a fresh interpreter pays for ``import fluxhttp``, beside others."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import fluxhttp
from tests.benchmarks import machine
from tests.benchmarks.figures import Row, Spread, Table, interleaved, ratios

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample, Samples

WALL = "ms"
CPU = "CPU ms"
NOTHING = "pass"
BASE = "http.client"
_NAMES = (BASE, "fluxhttp", "urllib3", "requests", "httpx")
#: Too heavy to be loaded before they are needed.
_WATCHED = (
    "asyncio",
    "dataclasses",
    "email",
    "http.client",
    "importlib.metadata",
    "inspect",
    "logging",
    "ssl",
    "typing",
    "urllib3",
)
#: Without site, whose .pth files of one environment import things of their own; with what it always imports.
_SET_UP = "import os, sys; sys.path += {paths!r}; {statement}"
_PROBE = (
    "status = lambda: next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmRSS'));"
    "modules = set(sys.modules); before = status(); import {name}; after = status(); new = set(sys.modules) - modules;"
    "print(repr([(after - before) / 1024, len(new), sorted(new & set({watched!r}))]).replace(\"'\", '\"'))"
)


def run(options: Namespace) -> list[Table]:
    """The table of time, memory and what was loaded."""
    rounds = options.rounds or 41
    machine.pin(machine.cores()[0])
    names = [name for name in _NAMES if find_spec(name) is not None]
    if options.contenders is not None:
        names = [name for name in names if name == BASE or name in options.contenders]
    statements = {NOTHING: "pass"} | {name: f"import {name}" for name in names}
    for statement in statements.values():
        _spawn(statement)  # which writes the byte code, if need be
    samples = interleaved({name: _sampler(statement) for name, statement in statements.items()}, rounds=rounds)
    notes = [f"{rounds} rounds of fresh interpreters without site; times and ratios are less those of an empty one"]
    table = [_row(name, samples) for name in names]
    return [Table("Import in a fresh interpreter", table, notes)]


def _row(name: str, samples: Samples) -> Row:
    cells: dict[str, Spread | str] = {}
    for measure in (WALL, CPU):
        pairs = zip(samples[name], samples[NOTHING], strict=True)
        cells[measure] = Spread.of([sample[measure] - nothing[measure] for sample, nothing in pairs])
    for measure in (WALL, CPU):
        cells[f"{measure} to {BASE}"] = ratios(samples, name, BASE, measure, less=NOTHING)
    if machine.resident_bytes() is not None:
        probes = [json.loads(_spawn(_PROBE.format(name=name, watched=_WATCHED))) for _ in range(3)]
        cells["RSS MiB"] = f"{median([probe[0] for probe in probes]):.1f}"
        cells["new modules"] = str(probes[0][1])
        cells["of these"] = ", ".join(probes[0][2]) or "none of those watched"
    return Row(name, cells)


def _sampler(statement: str) -> Callable[[], Sample]:
    command = _command(statement)

    def take() -> Sample:
        cpu = machine.children_seconds()
        wall = perf_counter()
        subprocess.run(command, check=True)
        wall = perf_counter() - wall
        cpu = machine.children_seconds() - cpu
        return {WALL: wall * 1000, CPU: cpu * 1000}

    return take


def _spawn(statement: str) -> str:
    return subprocess.run(_command(statement), check=True, stdout=subprocess.PIPE, text=True).stdout


def _command(statement: str) -> list[str]:
    roots = [Path(fluxhttp.__file__).parent.parent]
    roots += [Path(spec.origin).parent.parent for name in _NAMES[2:] if (spec := find_spec(name)) and spec.origin]
    paths = list(dict.fromkeys(map(str, roots)))
    return [sys.executable, "-I", "-S", "-c", _SET_UP.format(paths=paths, statement=statement)]
