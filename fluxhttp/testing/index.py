"""RouteIndex: finds the routes that may take a request without looking at the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.testing.comparing import normal_path, query_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fluxhttp._core.request import Request
    from fluxhttp._core.url import URL
    from fluxhttp.testing.comparing import QueryKey
    from fluxhttp.testing.matching import Pattern
    from fluxhttp.testing.routes import Route

    #: Method, origin and path.
    Place = tuple[str | None, str, str]

_NO_QUERY: QueryKey = frozenset()


class _Node:
    """One segment of the paths of templates; below it, the segments that follow. None is any."""

    __slots__ = ("below", "routes")

    def __init__(self) -> None:
        self.below: dict[str | None, _Node] = {}
        self.routes: list[Route] = []

    def find(self, segments: Sequence[str | None]) -> list[Route]:
        """The routes whose templates a path fits; None among its segments is any."""
        level = [self]
        for segment in segments:
            keys = () if segment == "" else (None,)
            level = [node.below[key] for node in level for key in {segment, *keys} if key in node.below]
        return [route for node in level for route in node.routes]


class RouteIndex:
    """Routes by method and URL.

    A route that names both is found by a dictionary; one with ``{name}``
    segments by walking down its path; only those that name no URL are looked
    at for every request.
    """

    def __init__(self) -> None:
        #: With a method and just one query; the query is part of the key.
        self._exact: dict[tuple[str, str, str, QueryKey], list[Route]] = {}
        #: With any method, or several queries.
        self._open: dict[Place, list[Route]] = {}
        self._templates: dict[str, _Node] = {}
        self._general: list[Route] = []
        #: Whether the first dictionary is all there is to ask.
        self._is_simple = True

    def add(self, route: Route) -> None:
        """Takes up a route; routes are numbered in the order they come."""
        pattern = route.pattern
        url, method, key = pattern.url, pattern.method, pattern.query_key
        if url is not None and method is not None and key is not None and not pattern.is_template:
            self._exact.setdefault((method, url.origin, pattern.path, key), []).append(route)
            return
        self._is_simple = False
        if url is None:
            self._general.append(route)
        elif pattern.is_template:
            node = self._templates.setdefault(url.origin, _Node())
            for segment in pattern.segments:
                node = node.below.setdefault(segment, _Node())
            node.routes.append(route)
        else:
            self._open.setdefault((method, url.origin, pattern.path), []).append(route)

    def candidates(self, request: Request) -> Iterable[Route]:
        """The routes whose method, URL and query agree, in the order they were registered."""
        url = request.url
        path = url.path if "%" not in url.path else normal_path(url.path)
        key = _NO_QUERY if not url.query else query_key(url.query)
        found = self._exact.get((request.method, url.origin, path, key), ())
        if self._is_simple:
            return found
        others = [
            route
            for route in self._others(request.method, url, path)
            if route.pattern.matches_method(request) and route.pattern.matches_params(request)
        ]
        return sorted([*found, *others], key=_number) if others else found

    def _others(self, method: str | None, url: URL, path: str) -> list[Route]:
        found = [*self._open.get((method, url.origin, path), ()), *self._general]
        if method is not None:
            found += self._open.get((None, url.origin, path), ())
        top = self._templates.get(url.origin)
        return found if top is None else found + top.find(path.split("/"))

    def related(self, pattern: Pattern) -> list[Route]:
        """The routes that may take all the requests that a new one would: some that cannot are among them."""
        url, method, key = pattern.url, pattern.method, pattern.query_key
        if url is None:
            return self._general
        if pattern.is_template:
            top = self._templates.get(url.origin)
            return self._general + ([] if top is None else top.find(pattern.segments))
        found: list[Route] = []
        if method is not None and key is not None:
            found += self._exact.get((method, url.origin, pattern.path, key), ())
        return found if self._is_simple else found + self._others(method, url, pattern.path)


def _number(route: Route) -> int:
    return route.number
