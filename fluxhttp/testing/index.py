"""RouteIndex: finds the routes that may take a request without looking at the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.testing.comparing import normal_path, query_key
from fluxhttp.testing.shelf import Shelf, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.request import Request
    from fluxhttp._core.url import URL
    from fluxhttp.testing.comparing import QueryKey
    from fluxhttp.testing.matching import Pattern
    from fluxhttp.testing.routes import Route

    #: Method, origin and path.
    Place = tuple[str | None, str, str]

_NO_QUERY: QueryKey = frozenset()
_NO_ROUTES = Shelf()


class _Node:
    """One segment of the paths of templates; below it, the segments that follow. None is any."""

    __slots__ = ("below", "routes")

    def __init__(self) -> None:
        self.below: dict[str | None, _Node] = {}
        self.routes = Shelf()

    def find(self, segments: Sequence[str | None]) -> list[Shelf]:
        """Where the routes are whose templates a path fits; None among its segments is any."""
        level = [self]
        for segment in segments:
            keys = () if segment == "" else (None,)
            level = [node.below[key] for node in level for key in {segment, *keys} if key in node.below]
        return [node.routes for node in level]


class RouteIndex:
    """Routes by method and URL.

    A route that names both is found by a dictionary; one with ``{name}``
    segments by walking down its path. Of those that share a place, or name no
    URL, a shelf finds the ones that may take a request.
    """

    def __init__(self) -> None:
        #: With a method and just one query; the query is part of the key.
        self._exact: dict[tuple[str, str, str, QueryKey], Shelf] = {}
        #: With any method, or several queries.
        self._open: dict[Place, Shelf] = {}
        self._templates: dict[str, _Node] = {}
        self._general = Shelf()
        #: Whether the first dictionary is all there is to ask, and few routes share a place in it.
        self._is_simple = True

    def add(self, route: Route) -> None:
        """Takes up a route; routes are numbered in the order they come."""
        pattern = route.pattern
        url, method, key = pattern.url, pattern.method, pattern.query_key
        if url is not None and method is not None and key is not None and not pattern.is_template:
            shelf = self._exact.setdefault((method, url.origin, pattern.path, key), Shelf(of_one_query=True))
            shelf.add(route)
            self._is_simple = self._is_simple and not shelf.is_sorted
            return
        self._is_simple = False
        if url is None:
            self._general.add(route)
        elif pattern.is_template:
            node = self._templates.setdefault(url.origin, _Node())
            for segment in pattern.segments:
                node = node.below.setdefault(segment, _Node())
            node.routes.add(route)
        else:
            self._open.setdefault((method, url.origin, pattern.path), Shelf()).add(route)

    def candidates(self, request: Request) -> Sequence[Route]:
        """The routes whose method, URL and query agree, in the order they were registered."""
        url = request.url
        path = url.path if "%" not in url.path else normal_path(url.path)
        key = _NO_QUERY if not url.query else query_key(url.query)
        shelf = self._exact.get((request.method, url.origin, path, key), _NO_ROUTES)
        if self._is_simple:
            return shelf
        found = shelf.find(request)
        others = [
            route
            for other in self._others(request.method, url, path)
            if other
            for route in other.find(request)
            if route.pattern.matches_method(request) and route.pattern.matches_params(request)
        ]
        return sorted([*found, *others], key=number_of) if others else found

    def _others(self, method: str | None, url: URL, path: str) -> list[Shelf]:
        found = [self._open.get((method, url.origin, path), _NO_ROUTES), self._general]
        if method is not None:
            found.append(self._open.get((None, url.origin, path), _NO_ROUTES))
        top = self._templates.get(url.origin)
        return found if top is None else found + top.find(path.split("/"))

    def related(self, pattern: Pattern) -> list[Route]:
        """The routes that may take all the requests that a new one would: some that cannot are among them."""
        url, method, key = pattern.url, pattern.method, pattern.query_key
        shelves = [self._general]
        if url is not None and pattern.is_template:
            top = self._templates.get(url.origin)
            shelves += [] if top is None else top.find(pattern.segments)
        elif url is not None:
            shelves = [] if self._is_simple else self._others(method, url, pattern.path)
            if method is not None and key is not None:
                shelves.insert(0, self._exact.get((method, url.origin, pattern.path, key), _NO_ROUTES))
        return [route for shelf in shelves for route in shelf.related(pattern)]
