"""Instructions: how many the processor is given for a call. Noise cannot touch them, so that they can be held to.

A work is done under ``valgrind --tool=callgrind`` with and without 200 more
calls; the difference is theirs alone. tests/data/instructions.json keeps
what was counted. A count that is more than 5 % off fails, in either direction,
until ``--update`` has written the new one there, with a line in
docs/changelog.md that tells why.

Counts differ from one interpreter to another. A reference, which is nothing of
fluxhttp's, is counted along: where it is not what it was, nothing is compared.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.counted import CALLS, REFERENCE, WORKS
from tests.benchmarks.figures import Row, Spread, Table

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping
    from typing import Self

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "data" / "instructions.json"
CHANGELOG = ROOT / "docs" / "changelog.md"
#: What a count may move without a word.
TOLERANCE = 0.05
#: What the reference may move and still be the same interpreter; between runs it moves by less than 0.01 %.
_SAME = 0.01
_HEADING = "### Instructions a call"
_COUNTED = re.compile(r"==(\d+)== Collected : (\d+)")
NOT_CHECKED = 3


class NotCheckedError(Exception):
    """The counts cannot be compared here."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Instructions a call, and of which interpreter."""

    interpreter: str
    reference: int
    instructions: dict[str, int]

    @classmethod
    def read(cls) -> Self:
        """Those that are kept."""
        kept = json.loads(FILE.read_text(encoding="utf-8"))
        return cls(kept["interpreter"], kept["reference"], kept["instructions"])

    def write(self) -> None:
        """Keeps them."""
        kept = {
            "interpreter": self.interpreter,
            "reference": self.reference,
            "instructions": self.instructions,
        }
        FILE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def interpreter() -> str:
    """What the counts depend on most."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def count(works: Iterable[str] = WORKS) -> Counts:
    """Counts instructions a call.

    Raises:
        NotCheckedError: valgrind is not there.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NotCheckedError("valgrind is not installed")
    command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={os.devnull}", sys.executable]
    command += ["-m", "tests.benchmarks.counted", *works]
    # Hashes that are the same each time.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    totals = {int(pid): int(number) for pid, number in _COUNTED.findall(done.stderr)}
    of_work: dict[str, int] = {}
    for line in done.stdout.splitlines():
        pid, work, calls = json.loads(line)
        of_work[work] = of_work.get(work, 0) + (totals[pid] if calls else -totals[pid])
    found = {work: round(number / CALLS) for work, number in of_work.items()}
    return Counts(interpreter(), found.pop(REFERENCE), found)


def same_interpreter(kept: Counts, found: Counts) -> None:
    """Makes sure that two counts can be compared.

    Raises:
        NotCheckedError: they are of two interpreters, or of two builds of one.
    """
    if kept.interpreter != found.interpreter:
        raise NotCheckedError(f"the counts kept are of {kept.interpreter}, and this is {found.interpreter}")
    change = found.reference / kept.reference - 1
    if abs(change) > _SAME:
        raise NotCheckedError(
            f"this {found.interpreter} is built in another way: it needs {change:+.1%} instructions for the reference"
        )


def changed(kept: Counts, found: Counts) -> dict[str, float]:
    """Works whose counts moved too far, or that were never counted, and by how much.

    Both are taken relative to the reference, of which a little may change with a library or a processor.
    """
    scale = kept.reference / found.reference
    moved = {
        work: number * scale / kept.instructions[work] - 1 if work in kept.instructions else float("inf")
        for work, number in found.instructions.items()
    }
    return {work: change for work, change in moved.items() if abs(change) > TOLERANCE}


def line_of(work: str, number: int) -> str:
    """How the changelog names a count."""
    return f"- {work}: {number:,} instructions"


def untold(kept: Mapping[str, int], changelog: str) -> list[str]:
    """Works whose count the changelog does not tell."""
    lines = changelog.splitlines()
    # With something behind it: the reason.
    return [
        work
        for work, number in kept.items()
        if not any(re.match(re.escape(line_of(work, number)) + r"\W+\w", line) for line in lines)
    ]


def tell(changelog: str, counts: Mapping[str, int], before: Mapping[str, int], why: str) -> str:
    """The changelog with a line for each of some counts, first under their heading in the newest part."""
    lines = [
        line_of(work, number) + (f" (before: {before[work]:,})" if work in before else "") + f"; {why}"
        for work, number in counts.items()
    ]
    # A line there that tells of an older count of the same work has had its day.
    start = changelog.index("\n## ") + 1
    end = changelog.find("\n## ", start + 1) % (len(changelog) + 1)
    kept = [
        line
        for line in changelog[start:end].splitlines()
        if not line.startswith(tuple(f"- {work}: " for work in counts))
    ]
    if _HEADING not in kept:
        kept += ["", _HEADING, ""]
    at = kept.index(_HEADING) + 2
    return changelog[:start] + "\n".join([*kept[:at], *lines, *kept[at:]]) + "\n" + changelog[end:]


def run(options: Namespace) -> list[Table]:
    """The table of counts. Ends the program with 1 if some moved too far, with 3 if they cannot be compared."""
    if options.update is not None and not options.update.strip():
        raise SystemExit("--update wants the reason: it goes into the changelog")
    try:
        found = count()
        kept = Counts.read() if FILE.exists() else Counts(interpreter(), found.reference, {})
        if options.update is None:
            same_interpreter(kept, found)
        elif kept.interpreter != found.interpreter or abs(found.reference / kept.reference - 1) > _SAME:
            kept = Counts(found.interpreter, found.reference, {})  # nothing to compare with: all are new
    except NotCheckedError as reason:
        print(f"instructions: NOT CHECKED: {reason}", file=sys.stderr)
        raise SystemExit(NOT_CHECKED) from None
    moved = changed(kept, found)
    if options.update is not None:
        _update(kept, found, moved, options.update.strip())
    else:
        _judge(kept, moved)
    return [_table(kept, found)]


def _update(kept: Counts, found: Counts, moved: dict[str, float], why: str) -> None:
    """Keeps what moved too far; what moved a little stays, or many little steps would go unseen."""
    news = {work: found.instructions[work] for work in moved}
    old = {work: number for work, number in kept.instructions.items() if work in found.instructions}
    if not news:
        print(f"no count moved by more than {TOLERANCE:.0%}; nothing is written")
        return
    Counts(found.interpreter, kept.reference, old | news).write()
    changelog = CHANGELOG.read_text(encoding="utf-8")
    CHANGELOG.write_text(tell(changelog, news, kept.instructions, why), encoding="utf-8")


def _judge(kept: Counts, moved: dict[str, float]) -> None:
    complaints = [
        f"{work}: {'not kept yet' if change == float('inf') else f'{change:+.1%} instructions'}"
        for work, change in moved.items()
    ]
    complaints += [
        f"{work}: the changelog has no line {line_of(work, kept.instructions[work])!r} with a reason behind it"
        for work in untold(kept.instructions, CHANGELOG.read_text(encoding="utf-8"))
    ]
    if complaints:
        print("\n".join(["instructions:", *complaints]), file=sys.stderr)
        print("if it is meant: python -m tests.benchmarks instructions --update 'the reason'", file=sys.stderr)
        raise SystemExit(1)
    print(f"no count moved by more than {TOLERANCE:.0%}")


def _table(kept: Counts, found: Counts) -> Table:
    table = []
    for work, number in found.instructions.items():
        cells: dict[str, Spread | str] = {"instructions": Spread(number, number, number)}
        cells["to those kept"] = f"{number / kept.instructions[work]:.3f}" if work in kept.instructions else "new"
        table.append(Row(f"fluxhttp: {work}", cells))
    notes = [f"{found.interpreter}, callgrind, {CALLS} calls; the reference takes {found.reference:,}"]
    return Table("Instructions a call, no kernel", table, notes)
