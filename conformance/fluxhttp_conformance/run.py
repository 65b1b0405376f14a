"""Runs one case against one transport, and says how it went."""

from __future__ import annotations

import threading
import time
import traceback
from typing import TYPE_CHECKING, Literal

from fluxhttp_conformance.lab import HarnessError, Lab
from fluxhttp_conformance.target import NotApplicable, Target

if TYPE_CHECKING:
    from fluxhttp_conformance.case import Case

Outcome = Literal["pass", "fail", "not-applicable", "harness-error"]

#: A case that takes longer hangs.
CASE_SECONDS = 20.0


class Result:
    """How a case went.

    Attributes:
        case: which.
        target: the transport's name.
        outcome: pass, fail, not-applicable or harness-error.
        message: why, with the wire transcript; empty for a pass.
        seconds: how long it took.
    """

    __slots__ = ("case", "message", "outcome", "seconds", "target")

    def __init__(self, case: Case, target: str, outcome: Outcome, message: str, seconds: float) -> None:
        self.case = case
        self.target = target
        self.outcome = outcome
        self.message = message
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"<{self.case.id} on {self.target}: {self.outcome}>"


def run_case(case: Case, target: Target) -> Result:
    """Runs a case in a thread of its own, with a limit on its time."""
    started = time.monotonic()
    verdict: list[tuple[Outcome, str]] = []
    thread = threading.Thread(target=lambda: verdict.append(_judge(case, target)), daemon=True, name=case.id)
    thread.start()
    thread.join(CASE_SECONDS)
    outcome, message = verdict[0] if verdict else ("fail", f"it took more than {CASE_SECONDS:g} s")
    return Result(case, target.name, outcome, message, time.monotonic() - started)


def _judge(case: Case, target: Target) -> tuple[Outcome, str]:
    lab = Lab(target)
    try:
        try:
            case.function(lab)
        finally:
            lab.close()
        if not lab.was_touched:
            raise HarnessError("the case touched no origin, so it shows nothing")
        if lab.origin.unplayed:
            raise HarnessError(f"{lab.origin.unplayed} scripts of the case were not played")
    except NotApplicable as error:
        return "not-applicable", str(error)
    except HarnessError as error:
        return "harness-error", _report(case, target, str(error), lab)
    except Exception as error:
        return "fail", _report(case, target, _told(error), lab)
    return "pass", ""


def _told(error: Exception) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def _report(case: Case, target: Target, what: str, lab: Lab) -> str:
    return (
        f"{case.id} on {target.name} ({case.kind}, {case.anchor})\n\n"
        f"requirement: {case.reason}\n\n{what}\n\non the wire:\n{lab.transcript()}"
    )


def check(case: Case, target: Target | str) -> Result:
    """Runs a case, and raises unless it passed or does not apply.

    Raises:
        AssertionError: it failed, or proved nothing.
    """
    result = run_case(case, target if isinstance(target, Target) else Target.named(target))
    if result.outcome in ("fail", "harness-error"):
        __tracebackhide__ = True
        raise AssertionError(result.message)
    return result
