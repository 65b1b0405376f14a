"""Keeps the hostile origin of a case up, for any client: curl, a browser, a debugger."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from fluxhttp_conformance.certificates import authority
from fluxhttp_conformance.lab import Lab
from fluxhttp_conformance.origins.loopback import LoopbackOrigin
from fluxhttp_conformance.progress import say
from fluxhttp_conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp.testing import Script
    from fluxhttp_conformance.case import Case
    from fluxhttp_conformance.origins.seen import SeenRequest


class RecordingOrigin(LoopbackOrigin):
    """Keeps what it is told to play.

    Attributes:
        recorded: the scripts, in order.
        makes_scripts: what makes a script of a request that finds none; None if nothing does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[Script] = []
        self.makes_scripts: Callable[[SeenRequest], Script] | None = None

    def play(self, *scripts: Script) -> None:
        """Adds scripts for the requests to come."""
        self.recorded.extend(scripts)
        super().play(*scripts)

    def answer(self, make_script: Callable[[SeenRequest], Script]) -> None:
        """From now on, each request that finds no script gets the one that this makes of it."""
        self.makes_scripts = make_script
        super().answer(make_script)


class RecordingLab(Lab):
    """A lab whose origin keeps what it is told to play."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.origin.close()
        self.recording: RecordingOrigin = RecordingOrigin()
        self.origin: LoopbackOrigin = self.recording
        self.dialer.routes[80] = self.origin.address

    def still_works(self) -> None:
        """As in any lab; its control request is no part of what the case plays."""
        before = len(self.recording.recorded)
        super().still_works()
        del self.recording.recorded[before:]

    @property
    def is_secure(self) -> bool:
        """Whether the case speaks TLS with its origin."""
        return self._secure is not None


class RepeatingOrigin(LoopbackOrigin):
    """Plays the scripts of a case again and again, each to one request.

    Args:
        lab: a lab that the case ran in.
    """

    def __init__(self, lab: RecordingLab) -> None:
        super().__init__(tls=authority().server_context([]) if lab.is_secure else None)
        self._again = itertools.cycle(lab.recording.recorded)
        self._upcoming = next(self._again, None)
        if lab.recording.makes_scripts is not None:
            self.answer(lab.recording.makes_scripts)

    def _next_script(self) -> Script | None:
        with self._lock:
            script, self._upcoming = self._upcoming, next(self._again, None)
        return script

    def _peek_begins(self) -> str:
        with self._lock:
            return "request" if self._upcoming is None else self._upcoming.begins

    def _note(self, number: int, text: str) -> None:
        say(f"[{number}] {text}")


def record(case: Case) -> RecordingLab:
    """Runs a case over stdlib, for the scripts that it plays; how it went is no matter."""
    lab = RecordingLab(Target.named("stdlib"))

    def play() -> None:
        try:
            case.function(lab)
        except Exception as error:  # noqa: BLE001  # the scripts are wanted, not the verdict
            say(f"(over stdlib the case itself ends with {type(error).__name__})")
        finally:
            lab.close()

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    thread.join(20.0)
    return lab


def serve(case: Case, *, until: threading.Event | None = None) -> int:
    """Serves the scripts of a case on loopback until Ctrl-C, or until an event is set.

    Returns:
        The exit code: 0, or 2 if the case plays nothing.
    """
    lab = record(case)
    if not lab.recording.recorded and lab.recording.makes_scripts is None:
        say(f"{case.id} plays nothing that could be served")
        return 2
    say(f"{case.id}: {case.reason}")
    with RepeatingOrigin(lab) as origin:
        trust = f"--cacert {authority().ca_file} " if lab.is_secure else ""
        say(f"scripts: {len(lab.recording.recorded)}, one a request, again and again. Ctrl-C ends it.")
        say(f"curl -v {trust}{origin.url()}")
        try:
            (until or threading.Event()).wait()
        except KeyboardInterrupt:
            say("")
    return 0
