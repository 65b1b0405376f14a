"""Router: the routes of a fake, and which of them takes a request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fluxhttp.errors import InvalidTypeError
from fluxhttp.testing.arguments import checked_base
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.errors import impossible
from fluxhttp.testing.index import RouteIndex
from fluxhttp.testing.matching import Pattern
from fluxhttp.testing.messages import title
from fluxhttp.testing.routes import Route, as_action

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from fluxhttp._core.request import Request
    from fluxhttp._core.url import URL
    from fluxhttp.testing.faults import Fault
    from fluxhttp.testing.matching import RouteOptions
    from fluxhttp.testing.reply import Reply
    from fluxhttp.testing.routes import Handler
    from fluxhttp.testing.script import Script

__tracebackhide__ = True  # pytest shows the line of the test instead

#: Routes for the same place that a new one is compared with.
_COMPARED_MAX = 200


class Router:
    """Routes, and the calls they took.

    Args:
        base_url: what relative URLs of routes are appended to.

    Attributes:
        calls: the requests that were taken, in order.
        routes: in the order they were registered.
    """

    def __init__(self, base_url: str) -> None:
        self._base = checked_base(base_url)
        self._clock = VirtualClock()
        #: Held while a reply is picked and noted, never while a function of the test runs.
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self.calls: Calls = Calls(base_url=self._base)
        self.routes: list[Route] = []
        self._index = RouteIndex()

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock; a client over this transport takes it for its own."""
        return self._clock

    # Routes

    def route(self, method: str | None = None, url: str | URL | None = None, **options: Unpack[RouteOptions]) -> Route:
        """Registers an expectation; the first that matches and has replies left takes a request.

        Args:
            method: one of the six; None for any.
            url: absolute, or relative to ``base_url``; a path segment written
                ``{name}`` matches any one segment that is not empty. None for any.
            options: ``params``, ``headers``, ``body``, ``json``, ``form`` and
                ``where`` as of ``Pattern``, and ``name`` for messages.

        Raises:
            InvalidRequestError: an argument cannot be matched.
            ImpossibleReplyError: an earlier route takes every such request.
        """
        name = options.pop("name", None)
        try:
            pattern = Pattern(method, url, base_url=self._base, **options)  # type: ignore[misc]  # without the name
        except TypeError as error:
            if isinstance(error, InvalidTypeError):
                raise
            raise InvalidTypeError(f"route: {str(error).removeprefix('Pattern.__init__() ')}") from None
        with self._lock:
            for earlier in self._index.related(pattern)[:_COMPARED_MAX]:
                if earlier.takes_all and earlier.pattern.covers(pattern):
                    raise impossible(
                        f"this route is never reached, for {title(earlier)} takes every such request",
                        "Put the special case first, or give the other .times(…) or a second reply.",
                    )
            route = Route(pattern, name=name, number=len(self.routes), base_url=self._base)
            self.routes.append(route)
            self._index.add(route)
        return route

    def get(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("GET", url, …)``."""
        return self.route("GET", url, **options)

    def head(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("HEAD", url, …)``."""
        return self.route("HEAD", url, **options)

    def post(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("POST", url, …)``."""
        return self.route("POST", url, **options)

    def put(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("PUT", url, …)``."""
        return self.route("PUT", url, **options)

    def patch(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("PATCH", url, …)``."""
        return self.route("PATCH", url, **options)

    def delete(self, url: str | URL, **options: Unpack[RouteOptions]) -> Route:
        """``route("DELETE", url, …)``."""
        return self.route("DELETE", url, **options)

    # Requests

    def _choose(
        self, request: Request, declined: dict[Route, str], *, meets_tls: bool, look_up: Callable[[], None] | None
    ) -> tuple[Call, Reply | Script | Fault] | None:
        """The call as a route took it, and what is to be done; None if no route takes it.

        Args:
            request: what came.
            declined: gets the routes that let the next one try, and why.
            meets_tls: whether such a request meets faults of TLS.
            look_up: called once, before a route takes the request.
        """
        call: Call | None = None
        for route in self._index.candidates(request):
            for check in route.pattern.checks:
                if not check(request):
                    break
            else:
                if look_up is not None:
                    look_up()
                    look_up = None
                with self._lock:
                    taken = route.take(meets_tls=meets_tls)
                    if taken is None:
                        if route.actions and not route.is_used_up:
                            declined[route] = "faults of TLS alone, which such a call does not meet"
                        continue
                    call = self._note(call, request, route)
                made = self._answer_of(taken[1], call) if callable(taken[1]) else taken[1]
                if made is not None:
                    return call, made
                declined[route] = "the function returned None, which lets the next route try"
                with self._lock:
                    route.give_back(taken[0])
                    _remove(route.calls, call)
        if call is not None:
            with self._lock:
                _remove(self.calls, call)
        return None

    def _note(self, call: Call | None, request: Request, route: Route) -> Call:
        """Takes down that a route takes a request, which others may have let through to it."""
        if call is None:
            call = Call(request, route, self._clock.monotonic())
            self.calls.append(call)
        else:
            call.route = route
        route.calls.append(call)
        return call

    def _answer_of(self, function: Handler, call: Call) -> Reply | Script | Fault | None:
        try:
            return as_action(function, function(call))
        except BaseException as error:
            call.note(error, self._clock)
            raise


def _remove(calls: Calls, call: Call) -> None:
    """Takes out a call, which is among the last."""
    for place in range(len(calls) - 1, -1, -1):
        if calls[place] is call:
            del calls[place]
            return
