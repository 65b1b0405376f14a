"""Faults in keeping time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import Deadline
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from fluxhttp import Config, Request, TransportResponse


class _Renewed(Deadline):
    """A deadline that each look at it puts off."""

    def remaining(self) -> float | None:
        return self.seconds


@creature(
    "time/head-drip", "time/body-drip", like="the time-outs of requests, httpx and urllib3, which are of one read"
)
class ResetsTheTimerOnEachRead(Wrapper):
    """Gives each read the whole time of the call."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """With a deadline that never comes nearer."""
        return super().carry(request, config, _Renewed.after(deadline.seconds, deadline.clock))


@creature("time/body-drip", like="read time-outs that end with the head")
class StopsTheTimerAfterTheHead(Wrapper):
    """Gives the body ten times what the call may take."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Much more than the head may take."""
        seconds = deadline.seconds
        later = Deadline.after(None if seconds is None else 10 * seconds, deadline.clock)
        later.seconds = seconds
        answer = super().carry(request, config, later)
        deadline.check("head")
        return answer
