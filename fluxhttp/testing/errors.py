"""What the fake tells the author of a test. None of it is in the tree of ``fluxhttp.errors``.

Most are AssertionErrors, so that no handler and no retry of the code under test
takes them for a failure of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.testing.places import registered_at

if TYPE_CHECKING:
    from typing import Any, Literal

    from fluxhttp._core.request import Request
    from fluxhttp.testing.routes import Route

    Reason = Literal["no_route", "no_match", "no_reply", "used_up"]

#: Where they are imported from, which is what a traceback calls them.
_PACKAGE = "fluxhttp.testing"


class UnexpectedRequestError(AssertionError):
    """A request came that no route expects.

    Attributes:
        request: as it would have been sent; None when it is told at exit of several.
        reason: ``no_route``: none names its origin; ``no_match``: none agrees in
            all parts; ``used_up``: one does, but its replies are gone;
            ``no_reply``: one does, but has none for such a call.
        nearest: the route that agrees in most parts, if there is one. It is not
            pickled.
        site: the file and line of the code under test that made the request.
    """

    __module__ = _PACKAGE

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
        self.site = ""

    def __reduce__(self) -> tuple[Any, ...]:
        # A route holds the functions of a test, which cannot be pickled.
        return _rebuilt, (type(self), self.args, {**self.__dict__, "nearest": None})


class UnusedRouteError(AssertionError):
    """At exit, a route that is not optional was not asked for, or not as often as it says.

    Attributes:
        routes: those routes. They are not pickled.
    """

    __module__ = _PACKAGE

    def __init__(self, message: str = "", *, routes: tuple[Route, ...] = ()) -> None:
        super().__init__(message)
        self.routes = routes

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, {**self.__dict__, "routes": ()})


class ImpossibleReplyError(ValueError):
    """What was registered, or given by an application, can be answered by no server, or never be reached."""

    __module__ = _PACKAGE


class StalledError(AssertionError):
    """The peer says nothing more and the call has no time-out: a real one would hang for ever."""

    __module__ = _PACKAGE


#: What says that a test is wrong, or the code under test; never a failure of the network.
OF_THE_TEST = (UnexpectedRequestError, UnusedRouteError, ImpossibleReplyError, StalledError)


def impossible(what: str, hint: str = "") -> ImpossibleReplyError:
    """The error for a registration, with the line that made it; a hint, in sentences, stands below."""
    return ImpossibleReplyError(f"{what} ({registered_at()})" + (f"\n  {hint}" if hint else ""))


def _rebuilt(kind: type[AssertionError], args: tuple[object, ...], state: dict[str, object]) -> AssertionError:
    error = kind(*args)
    error.__dict__.update(state)
    return error
