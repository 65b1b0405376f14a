"""Ways: how else a case is asked once it has passed as it is written. No case knows which way it is asked.

A wire case is asked again with its answers sent byte by byte: every one in the
full profile, a family by its sample; in the quick one an even share of them,
always the same. A semantic case is asked again of pytest-httpserver, a server
that is not ours.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, cast

from fluxhttp.testing import Pause, Script, Send
from fluxhttp_conformance.lab import Lab
from fluxhttp_conformance.labs import lab_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from fluxhttp.testing import Step
    from fluxhttp_conformance.case import Case
    from fluxhttp_conformance.origins.loopback import LoopbackOrigin
    from fluxhttp_conformance.origins.proxy import ForwardProxy
    from fluxhttp_conformance.target import Target

#: script: as it is written. The others are asked once that has passed.
Way = Literal["script", "byte by byte", "pytest-httpserver"]

#: One in so many wire cases is asked byte by byte in the quick profile.
_SHARE = 16
#: What is longer begins with so many single bytes; the rest follows in one piece.
_MOST_SINGLE_BYTES = 400
# Long enough for the network to make a segment of each byte.
_PAUSE_SECONDS = 0.00005


def further_ways(case: Case, lab: Lab, *, is_full: bool) -> Iterator[tuple[Way, Lab]]:
    """The other ways to ask a case, each with a lab of its own.

    Args:
        case: which.
        lab: the lab that it has passed in.
        is_full: whether this is the full profile.
    """
    target = lab.target
    if target.is_application:
        return
    if case.level == "wire" and not case.sent_whole and (is_full or is_shared(case.id)):
        again = lab_for(target)
        again.origin.deliver = _dripped_in_memory if target.is_fake else _dripped_in_time
        yield "byte by byte", again
    if case.level == "semantic" and type(lab) is Lab and find_spec("pytest_httpserver") is not None:
        yield "pytest-httpserver", ServedLab(target)


def is_shared(id: str) -> bool:
    """Whether a case is in the share that the quick profile asks byte by byte."""
    # A family has hundreds of answers, which would take seconds.
    return not id.startswith("families/") and zlib.crc32(id.encode()) % _SHARE == 0


def _dripped(script: Script, *, pause: float = 0.0) -> Script:
    """The same bytes one by one, as far as they are not very many."""
    steps: list[Step] = []
    left = _MOST_SINGLE_BYTES
    for step in script.steps:
        if not isinstance(step, Send) or step.times is None or not left:
            steps.append(step)
            continue
        data = step.data * step.times if len(step.data) * step.times <= left else step.data
        for place in range(min(left, len(data))):
            steps += [Send(data[place : place + 1]), *([Pause(pause)] if pause else ())]
        if rest := data[left:]:
            steps.append(Send(rest))
        if data is step.data and step.times > 1:
            steps.append(Send(step.data, times=step.times - 1))
        left = max(0, left - len(data))
    return Script(*steps, begins=script.begins)


def _dripped_in_time(script: Script) -> Script:
    return _dripped(script, pause=_PAUSE_SECONDS)


def _dripped_in_memory(script: Script) -> Script:
    # Memory takes a whole request in a few steps, and gives one piece in each: too few to be heard in the midst of it.
    return _dripped(script) if script.begins == "request" else script


class ServedLab(Lab):
    """A lab whose origin is pytest-httpserver. What that cannot do, it declines."""

    def _prepare(self, target: Target) -> None:
        super()._prepare(target)
        self.origin.close()
        # The suite also runs without that package, and starts faster if nothing needs it.
        from fluxhttp_conformance.origins.served import ServedOrigin  # noqa: PLC0415

        self.served: ServedOrigin = ServedOrigin()
        # It has all of a LoopbackOrigin that a case may use, or declines.
        self.origin: LoopbackOrigin = cast("LoopbackOrigin", self.served)
        self.dialer.routes[80] = self.origin.address

    @property
    def secure(self) -> LoopbackOrigin:
        """Not served."""
        self.served.decline("TLS")

    def start(self, *, tls: ssl.SSLContext | None = None, port: int | None = None) -> LoopbackOrigin:  # noqa: ARG002
        """Not served."""
        self.served.decline("a second origin")

    @cached_property
    def proxy(self) -> ForwardProxy:
        """Not served."""
        self.served.decline("a proxy")

    def transcript(self) -> str:
        """What the server was asked and said."""
        return "\n".join(self.served.log) or "(the server was not touched)"

    @property
    def was_touched(self) -> bool:
        """Whether the server was asked anything at all."""
        return bool(self.served.requests)


def declined(lab: Lab) -> str:
    """What the case wanted that this way cannot give; "" if nothing."""
    return lab.served.declined if isinstance(lab, ServedLab) else ""
