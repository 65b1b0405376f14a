"""``python -m tests.benchmarks COMMAND``: measures, prints the tables, and writes them where asked."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import (
    build,
    calls,
    chart,
    fake,
    hostile,
    imports,
    instructions,
    machine,
    suite,
    threads,
    transfer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.figures import Table

_COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], list[Table]], str]] = {
    "calls": (calls.run, "one GET and one POST on a connection that is kept"),
    "threads": (threads.run, "the same from eight threads that keep one core busy"),
    "download": (transfer.run_download, "a large answer into bytes, plain and coded: throughput and peak memory"),
    "upload": (transfer.run_upload, "a large request from bytes: throughput and peak memory"),
    "fake": (fake.run, "a call answered by the fake, beside other test doubles"),
    "build": (build.run, "query strings, requests, clients, URLs"),
    "import": (imports.run, "what a fresh interpreter pays"),
    "suite": (suite.run, "the conformance suite, quick and full, each transport and all"),
    "hostile": (hostile.run, "megabytes of nothing but trouble: what it costs, and how that grows"),
    "instructions": (instructions.run, "instructions a call, under valgrind, held to those that are kept"),
}
_ALL = "all"
#: What ``all`` runs, each in a process of its own: one may pin it, another fill its memory.
_RUNS = ("calls --no-kernel", *[name for name in _COMMANDS if name != "instructions"])


def _parser() -> argparse.ArgumentParser:
    told = {name: text for name, (_, text) in _COMMANDS.items()} | {_ALL: "each of them but instructions, one by one"}
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="fluxhttp and its peers on the same work, interleaved in one run.",
        epilog="\n".join(f"  {name:12} {text}" for name, text in told.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=told)
    parser.add_argument("--no-kernel", dest="kernel", action="store_false", help="calls: over a fake socket")
    parser.add_argument("--rounds", type=_count, help="how often each contender is measured")
    parser.add_argument("--calls", type=_count, help="how many make one sample")
    parser.add_argument("--mib", type=_count, help="download, upload, hostile: size of the body")
    parser.add_argument("--only", dest="contenders", type=lambda text: text.split(","), metavar="NAME,…")
    parser.add_argument(
        "--update", metavar="REASON", help="instructions: keep what changed, and tell the changelog why"
    )
    parser.add_argument("--cases", default="", metavar="PREFIX", help="suite: those whose ids begin so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the first column of each table")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command, or all."""
    options = _parser().parse_args(arguments)
    machine.forget_proxies()
    started = datetime.now(UTC)
    report: dict[str, object] = {
        "command": options.command,
        "date": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "versions": machine.versions(),
        "machine": machine.description(),
    }
    for part in ("versions", "machine"):
        print(", ".join(f"{name} {text}" for name, text in report[part].items()))  # type: ignore[attr-defined]
    sys.stdout.flush()
    if options.command == _ALL:
        if options.plot is not None or options.contenders is not None:
            raise SystemExit("all takes neither --plot nor --only: their names differ from one command to the next")
        report["runs"] = {run: found for run in _RUNS if (found := _in_a_process(run, options)) is not None}
    else:
        run, _ = _COMMANDS[options.command]
        tables = run(options)
        for table in tables:
            print(f"\n{table.as_markdown()}")
        report["tables"] = [table.as_json() for table in tables]
        if options.plot is not None:
            options.plot.write_text(chart.svg(tables), encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if len(report.get("runs", _RUNS)) < len(_RUNS):  # type: ignore[arg-type]
        raise SystemExit(1)


def _in_a_process(run: str, options: argparse.Namespace) -> object:
    """The report of one command, which prints as it goes."""
    print(f"\n## {run}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "report.json")
        command = [sys.executable, "-m", "tests.benchmarks", *run.split(), "--json", str(file)]
        for name in ("rounds", "calls", "mib"):
            if (value := getattr(options, name)) is not None:
                command += [f"--{name}", str(value)]
        # What one of them could not measure is no reason to lose what the others did.
        if subprocess.run(command, check=False).returncode:
            print(f"{run}: FAILED, and is left out", file=sys.stderr)
            return None
        return json.loads(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
