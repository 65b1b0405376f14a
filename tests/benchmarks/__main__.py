"""``python -m tests.benchmarks COMMAND``: measures, prints the tables, and writes them where asked."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import calls, chart, fake, imports, machine, threads, transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.figures import Table

_COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], list[Table]], str]] = {
    "calls": (calls.run, "one GET and one POST on a connection that is kept"),
    "threads": (threads.run, "the same from eight threads that keep one core busy"),
    "download": (transfer.run_download, "a large answer into bytes, plain and coded: throughput and peak memory"),
    "upload": (transfer.run_upload, "a large request from bytes: throughput and peak memory"),
    "fake": (fake.run, "a call answered by the fake, beside other test doubles"),
    "import": (imports.run, "what a fresh interpreter pays"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="fluxhttp and its peers on the same work, interleaved in one run.",
        epilog="\n".join(f"  {name:10} {text}" for name, (_, text) in _COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--no-kernel", dest="kernel", action="store_false", help="calls: over a fake socket")
    parser.add_argument("--rounds", type=_count, help="how often each contender is measured")
    parser.add_argument("--calls", type=_count, help="calls: how many make one sample")
    parser.add_argument("--mib", type=_count, help="download: size of the body")
    parser.add_argument("--only", dest="contenders", type=lambda text: text.split(","), metavar="NAME,…")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the first column of each table")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command."""
    options = _parser().parse_args(arguments)
    machine.forget_proxies()
    started = datetime.now(UTC)
    versions, description = machine.versions(), machine.description()
    print(", ".join(f"{name} {text}" for name, text in versions.items()))
    print(", ".join(f"{name}: {text}" for name, text in description.items()), flush=True)
    run, _ = _COMMANDS[options.command]
    tables = run(options)
    for table in tables:
        print(f"\n{table.as_markdown()}")
    if options.json is not None:
        report = {
            "command": options.command,
            "date": f"{started:%Y-%m-%dT%H:%M:%SZ}",
            "versions": versions,
            "machine": description,
            "tables": [table.as_json() for table in tables],
        }
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.plot is not None:
        options.plot.write_text(chart.svg(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
