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
from fluxhttp_conformance.lab import HarnessError
from fluxhttp_conformance.labs import lab_for
from fluxhttp_conformance.observation import Observation
from fluxhttp_conformance.target import NotApplicable, Target
from fluxhttp_conformance.ways import declined, further_ways

if TYPE_CHECKING:
    from fluxhttp_conformance.case import Case, Kind
    from fluxhttp_conformance.lab import Lab
    from fluxhttp_conformance.ledger import Ledger
    from fluxhttp_conformance.ways import Way

#: known-failure: it failed, as the ledger says. unexpected-pass: it passed, and the ledger says it does not.
Outcome = Literal["pass", "fail", "known-failure", "unexpected-pass", "not-applicable", "harness-error"]

#: quick: what a change is checked by. full: the cases tagged slow as well, and the whole of every family.
Profile = Literal["quick", "full"]

_WAYS: dict[Way, str] = {
    "byte by byte": "with its answers sent byte by byte",
    "pytest-httpserver": "of pytest-httpserver",
}

#: Groups of cases about what is not there without a network, and why.
_NOT_IN_MEMORY: dict[str, str] = dict.fromkeys(("proxies", "tls", "tunnels"), "memory has no TLS and no proxies")
_NOT_IN_AN_APPLICATION: dict[str, str] = {
    **dict.fromkeys(("proxies", "tls", "tunnels"), "before an application there is no TLS and no proxy"),
    **dict.fromkeys(("addresses", "connections", "resending"), "to an application there is no connection"),
}


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
        ways: in which ways it was asked.
        observation: what both ends saw, asked as it is written.
    """

    __slots__ = ("case", "message", "observation", "outcome", "seconds", "target", "ways")

    def __init__(
        self,
        case: Case,
        target: str,
        outcome: Outcome,
        message: str,
        seconds: float,
        *,
        ways: tuple[Way, ...] = ("script",),
        observation: Observation | None = None,
    ) -> None:
        self.case: Case = case
        self.target: str = target
        self.outcome: Outcome = outcome
        self.message: str = message
        self.seconds: float = seconds
        self.ways: tuple[Way, ...] = ways
        self.observation: Observation = observation or Observation()

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
            return self._as("known-failure", f"known: {deviation}\n\n{self.message}")
        return self._as("unexpected-pass", f"it passes, and the ledger says that it fails: {deviation}")

    def _as(self, outcome: Outcome, message: str) -> Result:
        return Result(
            self.case, self.target, outcome, message, self.seconds, ways=self.ways, observation=self.observation
        )

    def __repr__(self) -> str:
        return f"<{self.case.id} on {self.target}: {self.outcome}>"


class _Verdict:
    """How a case went so far; another thread reads it if that hangs."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.message = ""
        self.ways: list[Way] = []
        self.observation = Observation()


def run_case(case: Case, target: Target, *, profile: Profile = "quick", most_seconds: float | None = None) -> Result:
    """Runs a case in a thread of its own, with a limit on its time. It is asked once in each way, whatever comes.

    Args:
        case: which.
        target: the transport under test.
        profile: ``quick`` takes a share of the families, ``full`` the whole of them.
        most_seconds: a case that takes longer has failed; None for the case's own limit.
    """
    started = time.monotonic()
    verdict = _Verdict()
    arguments = (case, target, verdict, profile == "full")
    thread = threading.Thread(target=_judge, args=arguments, daemon=True, name=case.id)
    thread.start()
    limit = case.seconds if most_seconds is None else most_seconds
    thread.join(limit)
    outcome, message = verdict.outcome, verdict.message
    if outcome is None:
        outcome, message = "fail", f"it took more than {limit:g} s"
    seconds = time.monotonic() - started
    ways = tuple(verdict.ways) or ("script",)
    return Result(case, target.name, outcome, message, seconds, ways=ways, observation=verdict.observation)


def _judge(case: Case, target: Target, verdict: _Verdict, is_full: bool) -> None:  # noqa: FBT001  # a thread's argument
    lacks = _NOT_IN_MEMORY if target.is_fake else _NOT_IN_AN_APPLICATION if target.is_application else {}
    if (reason := lacks.get(case.id.partition("/")[0])) is not None:
        verdict.message, verdict.outcome = reason, "not-applicable"
        return
    try:
        verdict.outcome = _ask_in_each_way(case, target, verdict, is_full=is_full)
    except Exception as error:  # noqa: BLE001  # around the case: no descriptors are left, for instance
        verdict.message = f"the suite could not ask {case.id} of {target.name}\n\n{_told(error)}"
        verdict.outcome = "harness-error"


def _ask_in_each_way(case: Case, target: Target, verdict: _Verdict, *, is_full: bool) -> Outcome:
    lab = lab_for(target)
    lab.is_full = is_full
    outcome, verdict.message = _ask(case, lab)
    verdict.ways.append("script")
    if outcome in ("pass", "fail") and not target.is_application:
        # An application sees neither the bytes nor the connections.
        verdict.observation = Observation.of(lab)
    if outcome == "pass":
        for way, again in further_ways(case, lab, is_full=is_full):
            outcome, message = _ask(case, again)
            if declined(again):
                outcome = "pass"
                continue
            verdict.ways.append(way)
            if outcome != "pass":
                verdict.message = f"asked {_WAYS[way]}: {message}"
                break
    return outcome


def _ask(case: Case, lab: Lab) -> tuple[Outcome, str]:
    """How a case goes in one lab, which is over then."""
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
        return "harness-error", _report(case, str(error), lab)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is how the case went; the thread ends here
        return "fail", _report(case, _told(error), lab)
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


def _report(case: Case, what: str, lab: Lab) -> str:
    return (
        f"{case.id} on {lab.target.name} ({case.kind}, {case.anchor})\n\n"
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
