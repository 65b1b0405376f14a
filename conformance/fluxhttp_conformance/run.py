"""Runs one case against one transport, and says how it went."""

from __future__ import annotations

import os
import reprlib
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import fluxhttp
from fluxhttp_conformance.application_lab import ApplicationLab
from fluxhttp_conformance.lab import HarnessError, Lab
from fluxhttp_conformance.lenient_lab import LenientLab
from fluxhttp_conformance.memory_lab import MemoryLab
from fluxhttp_conformance.target import NotApplicable, Target

if TYPE_CHECKING:
    from fluxhttp_conformance.case import Case, Kind
    from fluxhttp_conformance.ledger import Ledger

#: known-failure: it failed, as the ledger says. unexpected-pass: it passed, and the ledger says it does not.
Outcome = Literal["pass", "fail", "known-failure", "unexpected-pass", "not-applicable", "harness-error"]

#: Groups of cases about what is not there without a network, and why.
_NOT_IN_MEMORY: dict[str, str] = dict.fromkeys(("proxies", "tls", "tunnels"), "memory has no TLS and no proxies")
_NOT_IN_AN_APPLICATION: dict[str, str] = {
    **dict.fromkeys(("proxies", "tls", "tunnels"), "before an application there is no TLS and no proxy"),
    **dict.fromkeys(("addresses", "connections", "resending"), "to an application there is no connection"),
}
#: A case that takes longer hangs.
CASE_SECONDS = 20.0


def deviates(outcome: Outcome, kind: Kind) -> bool:
    """Whether it makes a run fail. An informational case never does, unless the ledger is wrong about it."""
    return outcome == "unexpected-pass" or (outcome == "fail" and kind != "informational")


class Result:
    """How a case went.

    Attributes:
        case: which.
        target: the transport's name.
        outcome: pass, fail, known-failure, unexpected-pass, not-applicable or
            harness-error.
        message: why, with the wire transcript; empty for a pass.
        seconds: how long it took.
    """

    __slots__ = ("case", "message", "outcome", "seconds", "target")

    def __init__(self, case: Case, target: str, outcome: Outcome, message: str, seconds: float) -> None:
        self.case: Case = case
        self.target: str = target
        self.outcome: Outcome = outcome
        self.message: str = message
        self.seconds: float = seconds

    @property
    def is_deviation(self) -> bool:
        """Whether it makes a run fail."""
        return deviates(self.outcome, self.case.kind)

    def under(self, ledger: Ledger) -> Result:
        """This result in the light of what is known."""
        deviation = ledger.deviations.get(self.case.id)
        if deviation is None or self.outcome not in ("pass", "fail"):
            return self
        if self.outcome == "fail":
            return Result(
                self.case, self.target, "known-failure", f"known: {deviation}\n\n{self.message}", self.seconds
            )
        message = f"it passes, and the ledger says that it fails: {deviation}"
        return Result(self.case, self.target, "unexpected-pass", message, self.seconds)

    def __repr__(self) -> str:
        return f"<{self.case.id} on {self.target}: {self.outcome}>"


def lab_for(target: Target) -> Lab:
    """The lab for a target: for a fake in memory, for what leads to an application with one, else on loopback."""
    if target.is_fake:
        return MemoryLab(target)
    if target.is_application:
        return ApplicationLab(target)
    return LenientLab(target) if target.is_lenient else Lab(target)


def run_case(case: Case, target: Target, *, most_seconds: float = CASE_SECONDS) -> Result:
    """Runs a case in a thread of its own, with a limit on its time.

    Args:
        case: which.
        target: on what.
        most_seconds: a case that takes longer has failed.
    """
    started = time.monotonic()
    verdict: list[tuple[Outcome, str]] = []
    thread = threading.Thread(target=lambda: verdict.append(_judge(case, target)), daemon=True, name=case.id)
    thread.start()
    thread.join(most_seconds)
    outcome, message = verdict[0] if verdict else ("fail", f"it took more than {most_seconds:g} s")
    return Result(case, target.name, outcome, message, time.monotonic() - started)


def _judge(case: Case, target: Target) -> tuple[Outcome, str]:
    lacks = _NOT_IN_MEMORY if target.is_fake else _NOT_IN_AN_APPLICATION if target.is_application else {}
    if (reason := lacks.get(case.id.partition("/")[0])) is not None:
        return "not-applicable", reason
    try:
        lab = lab_for(target)
    except Exception as error:  # noqa: BLE001  # no descriptors are left, for instance
        return "harness-error", f"there is no lab for {case.id} on {target.name}\n\n{_told(error)}"
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
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is how the case went
        return "fail", _report(case, target, _told(error), lab)
    return "pass", ""


def _told(error: BaseException) -> str:
    # Without our own frame, and without where the packages are installed: reports are for others to read.
    trace = error.__traceback__ and error.__traceback__.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    for module in (fluxhttp.__file__, __file__):
        text = text.replace(f"{Path(module).parent.parent}{os.sep}", "")
    if not isinstance(error, AssertionError) or str(error):
        return text
    # A bare assert of a case says what it wanted; what it got is among the names beside it.
    frame = list(traceback.walk_tb(error.__traceback__))[-1][0]
    values = [f"    {name} = {reprlib.repr(value)}" for name, value in frame.f_locals.items()]
    return "\n".join([text, "with:", *values]) if values else text


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
