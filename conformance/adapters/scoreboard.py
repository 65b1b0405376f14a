"""Lets other clients sit the suite beside ours, and writes what came of it.

::

    pip install '.[conformance,urllib3]' aiohttp httpx pycurl requests
    cd conformance
    python -m adapters.scoreboard run --html /tmp/matrix.html
    python -m adapters.scoreboard page

``run`` writes ``scoreboard.json`` beside this file; ``page`` makes docs/scoreboard.md of it, and README's table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import ssl
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from adapters.page import page, top_lines
from fluxhttp import __version__
from fluxhttp_conformance import Case, Target, catalogue, run_case
from fluxhttp_conformance.html import as_html
from fluxhttp_conformance.ledger import Ledger
from fluxhttp_conformance.report import Entry, Report, as_json, read_reports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DATA = HERE / "scoreboard.json"
PAGE = ROOT / "docs" / "scoreboard.md"
README = ROOT / "README.md"
_README_TABLE = re.compile(r"(?<=<!-- scoreboard: begin -->\n).*?(?=<!-- scoreboard: end -->)", re.DOTALL)

OURS = ("stdlib", "urllib3", "fake")
#: The other clients, and what is behind the transport.
PEERS = {
    "aiohttp": "aiohttp_transport:AiohttpTransport",
    "httpx": "httpx_transport:HttpxTransport",
    "pycurl": "pycurl_transport:PycurlTransport",
    "requests": "requests_transport:RequestsTransport",
}

#: How often a case that counts is played to one of them until it passes: what comes and goes is not held against it.
TRIES = 3
#: So begins what an entry says that did not pass at once.
LATER = "passed in try"

#: What these cases ask of a server's end is done by our client above every transport alike.
_OF_THE_CLIENT = frozenset({"exchanges/forms-and-json", "exchanges/queries", "exchanges/redirects"})


def counts(case: Case) -> bool:
    """Whether a case is one for the score: an RFC alone demands it, of what a transport does."""
    if case.id in _OF_THE_CLIENT:
        return False
    return case.kind == "required" and all(anchor.startswith("RFC ") for anchor in case.anchor.split("; "))


def not_asked() -> dict[tuple[str, str], str]:
    """Why a case is not counted against a client, by client and case."""
    entries: list[dict[str, Any]] = tomllib.loads((HERE / "not_asked.toml").read_text(encoding="utf-8"))["not-asked"]
    return {(client, entry["case"]): entry["reason"] for entry in entries for client in entry["clients"]}


def target(name: str) -> Target:
    """One of the clients."""
    if name in OURS:
        return Target.named(name)
    module, _, factory = PEERS[name].partition(":")
    # Their errors are not ours: that there is one is all that is asked.
    return Target(name, getattr(import_module(f"adapters.{module}"), factory), is_lenient=True)


def best_of(tries: int, play: Callable[[], Entry]) -> Entry:
    """The first entry that is no failure, or the last; one that took more than one try says so."""
    entry = play()
    for number in range(2, tries + 1):
        if entry.outcome != "fail":
            break
        entry = play()
        if entry.outcome == "pass":
            entry = replace(entry, message=f"{LATER} {number} of {tries}")
    return entry


def sit(name: str) -> Report:
    """How a client sits the suite, but for what the code above every transport does alike."""
    forgiven, under_test = not_asked(), target(name)
    ledger = Ledger.shipped(name)
    entries: list[Entry] = []
    for case in catalogue():
        if case.level == "core":
            continue
        tries = TRIES if name in PEERS and counts(case) and (name, case.id) not in forgiven else 1
        entry = best_of(tries, partial(_play, case, under_test, ledger))
        if (reason := forgiven.get((name, case.id))) is not None:
            if entry.outcome != "fail":
                raise SystemExit(f"{name} no longer fails {case.id}: take it out of not_asked.toml")
            entry = replace(entry, outcome="not-applicable", message=f"not asked: {reason}")
        entries.append(entry)
    return Report(target=name, results=tuple(entries))


def _play(case: Case, under_test: Target, ledger: Ledger) -> Entry:
    return Entry.of(run_case(case, under_test).under(ledger))


def sit_apart(name: str) -> Report:
    """The same in a process of its own: what one client leaves behind is none of the next one's."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "report.json"
        command = [sys.executable, "-W", "ignore", "-m", "adapters.scoreboard", "sit", name, path]
        subprocess.run(command, check=True)  # noqa: S603  # a name of the tables above
        return read_reports(path)[0]


def versions() -> dict[str, str]:
    """The version of each client and of what it stands on."""
    import pycurl  # noqa: PLC0415  # present where the clients are

    found = {name: version(name) for name in PEERS}
    found["requests"] += f" on urllib3 {version('urllib3')}"
    found["httpx"] += f" on httpcore {version('httpcore')}, h11 {version('h11')}"
    found["pycurl"] += f" on {pycurl.version.split('libcurl/')[1].split()[0].join(('libcurl ', ''))}"
    return {**dict.fromkeys(OURS, __version__), "urllib3": f"{__version__} on urllib3 {version('urllib3')}", **found}


def extract(reports: Sequence[Report]) -> dict[str, Any]:
    """What the page needs of the reports, and is kept."""
    by_id = {case.id: case for case in catalogue()}
    ran = [entry.id for entry in reports[0].results]
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "suite": __version__,
        "versions": versions(),
        "counted": {id: by_id[id].anchor for id in ran if counts(by_id[id])},
        "apart": {id: by_id[id].anchor for id in ran if not counts(by_id[id])},
        "not_passed": {
            report.target: {
                entry.id: {"outcome": entry.outcome, "why": _why(entry)}
                for entry in report.results
                if entry.outcome != "pass"
            }
            for report in reports
        },
        "passed_later": {
            report.target: [entry.id for entry in report.results if entry.message.startswith(LATER)]
            for report in reports
        },
    }


def _why(entry: Entry) -> str:
    # Ports differ from run to run.
    return re.sub(r"127\.0\.0\.1:\d+|port=\d+", "127.0.0.1", entry.gist)[:200]


def write_page(data: dict[str, Any]) -> None:
    """Writes the page, and the table in README."""
    PAGE.write_text(page(data), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    README.write_text(_README_TABLE.sub(lambda _: top_lines(data), text), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m adapters.scoreboard")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="let every client sit the suite; takes some minutes")
    running.add_argument("--html", type=Path, help="write the matrix, with what went over the wire")
    running.add_argument("--json", type=Path, help="write the reports")
    sitting = commands.add_parser("sit", help="let one client sit the suite, and write its report")
    sitting.add_argument("client", choices=(*OURS, *PEERS))
    sitting.add_argument("json", type=Path)
    commands.add_parser("page", help="write docs/scoreboard.md and README's table from scoreboard.json")
    arguments = parser.parse_args(argv)
    if arguments.command == "sit":
        arguments.json.write_text(as_json([sit(arguments.client)]), encoding="utf-8")
        # Threads of a client that hangs would hold up the end.
        os._exit(0)
    if arguments.command == "run":
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(sit_apart, (*OURS, *PEERS)))
        DATA.write_text(json.dumps(extract(reports), indent=1) + "\n", encoding="utf-8")
        for path, make in ((arguments.html, as_html), (arguments.json, as_json)):
            if path is not None:
                path.write_text(make(reports), encoding="utf-8")
    write_page(json.loads(DATA.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
