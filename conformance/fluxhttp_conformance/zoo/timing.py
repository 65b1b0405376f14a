"""Faults in keeping time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import Deadline
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from fluxhttp import Config, Request, TransportResponse


#: How much more time than the call has: so much that a case on a busy machine, which allows for that, sees it.
_TIMES = 15


class _Renewed(Deadline):
    """A deadline that each look at it puts off."""

    def remaining(self) -> float | None:
        return None if self.seconds is None else self.seconds * _TIMES


@creature("time/head-drip", like="the time-outs of requests, httpx and urllib3, which are of one read")
class ResetsTheTimerOnEachRead(Wrapper):
    """Gives each read a time of its own, which a drip never uses up."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """With a deadline that never comes nearer."""
        return super().carry(request, config, _Renewed.after(deadline.seconds, deadline.clock))


@creature("time/body-drip")
class StopsTheTimerAfterTheHead(Wrapper):
    """Gives the body a time of its own, much longer than the head's."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Much more than the head may take."""
        seconds = deadline.seconds
        later = Deadline.after(None if seconds is None else _TIMES * seconds, deadline.clock)
        later.seconds = seconds
        answer = super().carry(request, config, later)
        deadline.check("head")
        return answer
