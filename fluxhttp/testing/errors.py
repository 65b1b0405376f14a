"""What the fake tells the author of a test. None of it is in the tree of ``fluxhttp.errors``.

The first two are AssertionErrors, so that no handler and no retry of the code
under test takes them for a failure of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal

    from fluxhttp._core.request import Request
    from fluxhttp.testing.routes import Route

    Reason = Literal["no_route", "no_match", "used_up"]


class UnexpectedRequestError(AssertionError):
    """A request came that no route expects.

    Attributes:
        request: as it would have been sent; None when it is told at exit of several.
        reason: ``no_route``: none names its host; ``no_match``: none agrees in
            all parts; ``used_up``: one does, but its replies are gone.
        nearest: the route that agrees in most parts, if there is one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        request: Request | None = None,
        reason: Reason = "no_match",
        nearest: Route | None = None,
    ) -> None:
        super().__init__(message)
        self.request = request
        self.reason: Reason = reason
        self.nearest = nearest


class UnusedRouteError(AssertionError):
    """At exit, a route that is not optional was not asked for, or not as often as it says.

    Attributes:
        routes: those routes.
    """

    def __init__(self, message: str = "", *, routes: tuple[Route, ...] = ()) -> None:
        super().__init__(message)
        self.routes = routes


class ImpossibleReplyError(ValueError):
    """What was registered can never be answered by any server, or never be reached."""


class StalledError(AssertionError):
    """The peer says nothing more and the call has no time-out: a real one would hang for ever."""
