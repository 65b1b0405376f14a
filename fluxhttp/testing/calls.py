"""Call and Calls: what the fake was asked, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from fluxhttp._core.response import Response
from fluxhttp.testing.matching import Pattern

if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from fluxhttp._core.request import Request
    from fluxhttp.testing.reply import Ready
    from fluxhttp.testing.routes import Route


class Call:
    """One request that came, and what became of it.

    Attributes:
        request: as it went over the wire, every field.
        route: the route that took it; None if none did.
        error: the error the call ended with, None if it had an answer.
        started: when, in seconds of the fake's clock.
        elapsed: how many seconds of that clock it took, the reading of the body included.
    """

    __slots__ = ("_answer", "_pieces", "elapsed", "error", "request", "route", "started")

    def __init__(self, request: Request, route: Route | None, started: float) -> None:
        self.request = request
        self.route = route
        self.started = started
        self.elapsed = 0.0
        self.error: BaseException | None = None
        #: The reply that stands for it, or the head of an answer whose body is in the pieces.
        self._answer: Any = None
        self._pieces: list[bytes] | None = None

    @property
    def response(self) -> Response | None:
        """The answer as it was sent, codings and all; None if there was none."""
        answer: Ready | None = self._answer
        if answer is None:
            return None
        return Response(
            answer.status_code,
            answer.headers,
            answer.body if self._pieces is None else b"".join(self._pieces),
            request=self.request,
            reason=answer.reason,
            http_version=answer.http_version,
        )

    @property
    def outcome(self) -> str:
        """In a word: the status, the error's class, or "unexpected"."""
        if self._answer is not None and self.error is None:
            return str(self._answer.status_code)
        if self.error is not None:
            return type(self.error).__name__
        return "unexpected"

    def __repr__(self) -> str:
        return f"<Call {self.request!r} -> {self.outcome}>"


class Calls(list[Call]):
    """A list of calls, which can be asked with the matchers of a route."""

    @property
    def last(self) -> Call:
        """The latest call.

        Raises:
            AssertionError: there is none.
        """
        if not self:
            raise AssertionError("there was no call")
        return self[-1]

    def matching(self, method: str | None = None, url: str | None = None, **matchers: Any) -> Calls:
        """The calls that a route with these matchers would have taken."""
        pattern = Pattern(method, url, **matchers)
        return Calls(call for call in self if pattern.matches(call.request))

    def only(self, method: str | None = None, url: str | None = None, **matchers: Any) -> Call:
        """The one call that matches.

        Raises:
            AssertionError: there is none, or more than one.
        """
        found = self.matching(method, url, **matchers)
        if len(found) != 1:
            raise AssertionError(f"expected one call that matches, found {len(found)} of {len(self)}")
        return found[0]

    @overload
    def __getitem__(self, index: SupportsIndex) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Call | Calls:
        """One call, or several as Calls."""
        found = super().__getitem__(index)
        return found if isinstance(found, Call) else Calls(found)
