"""The command line: ``fluxhttp-conformance``, or ``python -m fluxhttp_conformance``."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
import time
from collections import Counter
from concurrent.futures.process import BrokenProcessPool
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import fluxhttp
from fluxhttp_conformance.arguments import parser
from fluxhttp_conformance.case import catalogue
from fluxhttp_conformance.fidelity import fidelity_lines
from fluxhttp_conformance.html import as_html
from fluxhttp_conformance.junit import as_junit
from fluxhttp_conformance.ledger import Ledger, LedgerError
from fluxhttp_conformance.progress import counts, finding_progress, progress, say
from fluxhttp_conformance.report import agreement, as_json, read_reports, reports_of
from fluxhttp_conformance.schema import ReportError
from fluxhttp_conformance.selftest import run_selftest
from fluxhttp_conformance.serve import serve
from fluxhttp_conformance.suite import KINDS, run_suite, select
from fluxhttp_conformance.target import Target
from fluxhttp_conformance.zoo import creatures

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from fluxhttp_conformance.case import Case
    from fluxhttp_conformance.report import Report

#: How many cases that differ between targets are named.
_MOST_DIFFERENCES = 40


class UsageError(Exception):
    """What was typed cannot be done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the arguments after the program's name; None for those of the process.

    Returns:
        0 all as it should be, 1 deviations, 2 usage, 3 a case that proved nothing.
    """
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as error:
        return 2 if error.code else 0
    try:
        return _COMMANDS[arguments.command](arguments)
    except (UsageError, LedgerError, ReportError, OSError) as error:
        say(f"fluxhttp-conformance: {error}", to=sys.stderr)
        return 2
    except BrokenProcessPool:
        say("fluxhttp-conformance: a process ended in the middle of a case; --jobs 1 shows which", to=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def _list(arguments: Namespace) -> int:
    cases = _chosen(catalogue(arguments.prefix), arguments.prefix)
    if arguments.as_json:
        told = [
            {
                "id": case.id,
                "kind": case.kind,
                "level": case.level,
                "anchor": case.anchor,
                "tags": sorted(case.tags),
                "reason": case.reason,
            }
            for case in cases
        ]
        say(json.dumps(told, indent=2))
        return 0
    width = max(len(case.id) for case in cases)
    for case in cases:
        say(f"{case.id:<{width}}  {case.kind:<13}  {case.anchor}")
    return 0


def _explain(arguments: Namespace) -> int:
    case = _one_case(arguments.id)
    say(f"{case.id}: {case.kind}, {case.level}, {case.anchor}")
    if case.tags:
        say(f"tags: {', '.join(sorted(case.tags))}")
    say(f"\n{case.reason}\n\n{inspect.getsource(case.function).rstrip()}")
    return 0


def _run(arguments: Namespace) -> int:
    kinds = arguments.kind or KINDS
    cases = _chosen(select(arguments.only, kinds=kinds, profile=arguments.profile), arguments.only)
    if len(set(arguments.targets)) < len(arguments.targets):
        raise UsageError("a target is named twice")
    for name in arguments.targets:
        _check_target(name)
    ledger = _ledgers(arguments.ledger, arguments.targets)
    started = time.monotonic()
    with progress(len(cases) * len(arguments.targets)) as shown:
        results = run_suite(
            arguments.targets,
            prefix=arguments.only,
            kinds=kinds,
            profile=arguments.profile,
            ledger=ledger,
            on_result=shown,
            jobs=arguments.jobs,
        )
    took = time.monotonic() - started
    reports = reports_of(results)
    for path, make in ((arguments.json, as_json), (arguments.junit, as_junit), (arguments.html, as_html)):
        if path is not None:
            path.write_text(make(reports), encoding="utf-8")
    return _conclude(reports, took, arguments)


def _conclude(reports: Sequence[Report], took: float, arguments: Namespace) -> int:
    say("")
    for report in reports:
        seconds = sum(entry.seconds for entry in report.results)
        # What is not applicable is no pass, so it has a place of its own.
        counted = Counter(entry.outcome for entry in report.results)
        skipped = counted.pop("not-applicable", 0)
        apart = f"; {skipped} not applicable" if skipped else ""
        say(f"{report.target}: {counts(Counter(counted)) or 'nothing judged'}{apart} ({seconds:.1f} s)")
    if len(reports) > 1:
        _compare(reports)
    say(f"{len(reports[0].results)} cases, {took:.1f} s")
    for report in reports:
        for entry in report.results:
            if entry.is_deviation or entry.outcome == "harness-error":
                say(f"\n{entry.message}")
                say(f"\n{_command(report.target, entry.id, arguments)}")
                return max(each.exit_code for each in reports)
    return 0


def _command(target: str, case: str, arguments: Namespace) -> str:
    """What runs one case on one target again, under the same ledgers."""
    others = tuple(f"{name}=" for name in arguments.targets if name != target)
    words = ["fluxhttp-conformance", "run", target, "--only", case]
    if arguments.profile != "quick":
        words += ["--profile", arguments.profile]
    for ledger in arguments.ledger:
        if not ledger.startswith(others):
            words += ["--ledger", ledger]
    return shlex.join(words)


def _compare(reports: Sequence[Report]) -> None:
    compared = agreement(reports)
    total = len(compared.same) + len(compared.different)
    apart = f"; {len(compared.partial)} not applicable to one of them" if compared.partial else ""
    say(f"agreement: the same outcome in {len(compared.same)} of {total} cases{apart}")
    for id, outcomes in list(compared.different.items())[:_MOST_DIFFERENCES]:
        told = ", ".join(f"{report.target} {outcome}" for report, outcome in zip(reports, outcomes, strict=True))
        say(f"  {id}: {told}")
    if len(compared.different) > _MOST_DIFFERENCES:
        say(f"  and {len(compared.different) - _MOST_DIFFERENCES} more")
    for line in fidelity_lines(reports):
        say(line)


def _selftest(arguments: Namespace) -> int:
    known = creatures()
    for name in arguments.creatures:
        if name not in known:
            near = get_close_matches(name, list(known))
            raise UsageError(f"there is no creature {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    started = time.monotonic()
    with finding_progress(len(arguments.creatures or known)) as shown:
        found = run_selftest(arguments.creatures, profile=arguments.profile, jobs=arguments.jobs, on_finding=shown)
    if arguments.json is not None:
        arguments.json.write_text(found.to_json(), encoding="utf-8")
    say("")
    caught = sum(not finding.faults for finding in found.findings)
    say(f"{caught} of {len(found.findings)} creatures caught as they must be ({time.monotonic() - started:.1f} s)")
    if found.idle is not None:
        say(f"{found.cases - len(found.idle)} of {found.cases} required cases caught one at least")
    for fault in found.faults:
        say(f"FAULT {fault}")
    return found.exit_code


def _serve(arguments: Namespace) -> int:
    return serve(_one_case(arguments.id))


def _matrix(arguments: Namespace) -> int:
    reports = [report for path in arguments.reports for report in read_reports(path)]
    if not reports:
        raise UsageError("there is no report in these files")
    arguments.html.write_text(as_html(reports), encoding="utf-8")
    if len(reports) > 1:
        _compare(reports)
    say(f"wrote {arguments.html}")
    return 0


def _init(arguments: Namespace) -> int:
    templates = files("fluxhttp_conformance") / "templates"
    written = {"test_conformance.py": "test_conformance.py.txt", "known.toml": "known.toml"}
    for name in written:
        if (arguments.directory / name).exists():
            raise UsageError(f"{arguments.directory / name} is already there")
    for name, template in written.items():
        text = (templates / template).read_text(encoding="utf-8")
        (arguments.directory / name).write_text(text.replace("TARGET", arguments.target), encoding="utf-8")
        say(f"wrote {arguments.directory / name}")
    return 0


def _check_target(name: str) -> None:
    # A factory of the project one stands in is found, as with python -m.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        Target.named(name)
    except (fluxhttp.InvalidConfigError, ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"no transport {name!r}: {error}") from error


def _ledgers(given: Sequence[str], targets: Sequence[str]) -> dict[str, Ledger]:
    ledgers: dict[str, Ledger] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals:
            ledgers.update(dict.fromkeys(targets, Ledger.read(Path(text))))
        elif name in targets:
            ledgers[name] = Ledger.read(Path(path))
        else:
            raise UsageError(f"--ledger {text}: {name!r} is none of the targets")
    return ledgers


def _chosen(cases: list[Case], prefix: str) -> list[Case]:
    if not cases:
        raise UsageError(f"no case of that kind begins with {prefix!r}")
    return cases


def _one_case(id: str) -> Case:
    for case in catalogue(id):
        if case.id == id:
            return case
    near = [case.id for case in catalogue() if id.rpartition("/")[2] in case.id][:5]
    raise UsageError(f"there is no case {id!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))


_COMMANDS = {
    "explain": _explain,
    "init": _init,
    "list": _list,
    "matrix": _matrix,
    "run": _run,
    "selftest": _selftest,
    "serve": _serve,
}
