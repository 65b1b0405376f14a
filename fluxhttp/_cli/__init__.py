"""The command line. Loaded by the command alone, never by ``import fluxhttp``.

Each module is one step: ``arguments`` reads what was typed, ``call`` makes the
request, ``output`` writes the answer, ``failures`` turns an error into a line
and an exit code. ``demo`` is a command of its own, over the origin of ``echo``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fluxhttp._cli.arguments import parse
from fluxhttp._cli.call import run_call
from fluxhttp._cli.failures import explain
from fluxhttp._cli.output import report

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: the arguments after the program's name; None for those of the process.

    Returns:
        The exit code. Nothing is raised: an error is one line on stderr.
    """
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whoever typed a command gets a line, not a traceback
        code, line = explain(error)
        if line:
            report(line)
        return code


def _run(argv: Sequence[str]) -> int:
    try:
        arguments = parse(argv)
    except SystemExit:
        return 0  # --help or --version
    if arguments.command == "demo":
        from fluxhttp._cli.demo import run_demo  # noqa: PLC0415 - its server would cost every other command 14 ms

        return run_demo()
    return run_call(arguments)
