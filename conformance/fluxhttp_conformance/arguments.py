"""What may be typed after ``fluxhttp-conformance``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from fluxhttp import __version__
from fluxhttp_conformance.run import Profile
from fluxhttp_conformance.suite import KINDS

_EXITS = "exit code: 0 all as it should be, 1 deviations, 2 usage, 3 a case that proves nothing"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; its results carry ``command``."""
    root = argparse.ArgumentParser(
        prog="fluxhttp-conformance",
        description="One set of behaviours that every transport must show.",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"fluxhttp-conformance {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the cases, one a line")
    listing.add_argument("prefix", nargs="?", default="", metavar="PREFIX", help="what the ids begin with")
    listing.add_argument("--json", action="store_true", dest="as_json", help="as a JSON array")

    explaining = commands.add_parser("explain", help="what a case asks for, why, and how it is checked")
    explaining.add_argument("id", metavar="ID")

    _add_run(commands.add_parser("run", help="sit the suite", epilog=_EXITS))

    proving = commands.add_parser("selftest", help="try the suite on transports that are broken on purpose")
    proving.add_argument("creatures", nargs="*", metavar="CREATURE", help="which of them; all by default")
    proving.add_argument(
        "--profile",
        choices=get_args(Profile),
        default="quick",
        help="quick: the cases that must catch a creature, and a sample; full: all required ones",
    )
    _add_jobs(proving)
    proving.add_argument("--json", type=Path, metavar="FILE", help="write what was found")

    serving = commands.add_parser("serve", help="play the scripts of a case to any client, until Ctrl-C")
    serving.add_argument("id", metavar="ID")

    merging = commands.add_parser("matrix", help="one page from the JSON reports of several runs")
    merging.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    merging.add_argument("--html", required=True, type=Path, metavar="FILE")

    beginning = commands.add_parser("init", help="write a test file and an empty ledger")
    beginning.add_argument("target", nargs="?", default="mypkg:MyTransport", metavar="TARGET")
    beginning.add_argument("--directory", type=Path, default=Path(), metavar="DIRECTORY")
    return root


def _add_jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--jobs", type=int, default=4, metavar="N", help="processes that share the cases; 4 by default"
    )


def _add_run(running: argparse.ArgumentParser) -> None:
    running.add_argument("targets", nargs="+", metavar="TARGET", help="a registered name, or package.module:factory")
    running.add_argument("--only", default="", metavar="PREFIX", help="the cases whose ids begin so")
    running.add_argument("--kind", action="append", choices=KINDS, help="cases of this kind; may be repeated")
    running.add_argument("--profile", choices=get_args(Profile), default="quick")
    _add_jobs(running)
    running.add_argument(
        "--ledger",
        action="append",
        default=[],
        metavar="[TARGET=]FILE",
        help="the deviations that are known, of every target or of one; may be repeated",
    )
    running.add_argument("--json", type=Path, metavar="FILE", help="write a report, as report.schema.json says")
    running.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    running.add_argument("--html", type=Path, metavar="FILE", help="write a page to look at")
