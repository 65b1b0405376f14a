"""Call and Calls: what the fake was asked, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from fluxhttp._core.headers import Headers
from fluxhttp._core.request import Request
from fluxhttp._core.response import Response
from fluxhttp.testing.differences import differing, shown_request
from fluxhttp.testing.errors import UnexpectedRequestError
from fluxhttp.testing.matching import Pattern
from fluxhttp.testing.reply import Head, Ready

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex, Unpack

    from fluxhttp._core.deadline import Clock
    from fluxhttp._core.url import URL
    from fluxhttp.testing.matching import Matchers
    from fluxhttp.testing.routes import Route

__tracebackhide__ = True  # pytest shows the line of the test instead
#: Calls that a message shows.
_SHOWN_MAX = 5


class Call:
    """One request that came, and what became of it.

    Attributes:
        request: as it went over the wire, every field.
        route: the route that took it; None if none did, but the fallback maybe.
        error: the error it ended with, None if it had an answer.
        started: when, in seconds of the transport's clock.
        elapsed: how many seconds of that clock it took, the reading of the body included.
    """

    __slots__ = ("_answer", "_fault", "elapsed", "error", "request", "route", "started")

    def __init__(self, request: Request, route: Route | None, started: float) -> None:
        self.request: Request = request
        self.route: Route | None = route
        self.started: float = started
        self.elapsed: float = 0.0
        self.error: BaseException | None = None
        #: What the reader made of the reply, or of what was read so far.
        self._answer: Ready | Head | None = None
        #: The name of the fault that was played.
        self._fault: str | None = None

    @property
    def response(self) -> Response | None:
        """The answer as it was sent, codings and all, as far as it was read; None if there is an error instead."""
        answer = self._answer
        if answer is None or self.error is not None:
            return None
        return Response(
            answer.status_code,
            answer.headers,
            answer.body if isinstance(answer, Ready) else b"".join(answer.pieces),
            request=self.request,
            reason=answer.reason,
            http_version=answer.http_version,
        )

    def note(self, error: BaseException | None, clock: Clock) -> None:
        """Takes down what became of it, for the fake."""
        self.error = error
        self.elapsed = clock.monotonic() - self.started

    def lighten(self) -> None:
        """Keeps the request without the index of its fields, which is larger than all the rest."""
        sent = self.request
        headers = Headers.trusted(sent.headers.multi_items())
        self.request = Request.trusted(
            sent.method, sent.url, headers, sent.body, decodes=sent.decodes, closes=sent.closes
        )

    @property
    def outcome(self) -> str:
        """The status, the fault or the error's class, or "unexpected", in a word."""
        if isinstance(self.error, UnexpectedRequestError):
            return "unexpected"
        if self.error is not None:
            return self._fault or type(self.error).__name__
        return "under way" if self._answer is None else str(self._answer.status_code)

    def __repr__(self) -> str:
        return f"<Call {self.request!r} -> {self.outcome}>"


class Calls(list[Call]):
    """A list of calls, which can be asked with the matchers of a route.

    Args:
        calls: the first ones.
        base_url: what relative URLs of matchers are appended to.
    """

    __slots__ = ("_base",)

    def __init__(self, calls: Iterable[Call] = (), *, base_url: str = "") -> None:
        super().__init__(calls)
        self._base = base_url

    @property
    def last(self) -> Call:
        """The latest call.

        Raises:
            AssertionError: there is none.
        """
        if not self:
            raise AssertionError("there was no call")
        return self[-1]

    def matching(self, method: str | None = None, url: str | URL | None = None, **options: Unpack[Matchers]) -> Calls:
        """The calls that a route with these matchers would have taken."""
        pattern = Pattern(method, url, base_url=self._base, **options)
        return Calls((call for call in self if pattern.matches(call.request)), base_url=self._base)

    def only(self, method: str | None = None, url: str | URL | None = None, **options: Unpack[Matchers]) -> Call:
        """The one call that matches.

        Raises:
            AssertionError: there is none, or more than one; the text says what differs.
        """
        pattern = Pattern(method, url, base_url=self._base, **options)
        found = [call for call in self if pattern.matches(call.request)]
        if len(found) == 1:
            return found[0]
        shown = [
            f"\n  {shown_request(call.request)}   {differing(pattern, call.request)}"
            for call in (found or self)[:_SHOWN_MAX]
        ]
        raise AssertionError(f"expected one call that matches, found {len(found)} of {len(self)}{''.join(shown)}")

    @overload
    def __getitem__(self, index: SupportsIndex) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> Calls: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Call | Calls:
        """One call, or several as Calls."""
        found = super().__getitem__(index)
        return found if isinstance(found, Call) else Calls(found, base_url=self._base)
