"""RouteIndex: finds the routes that may take a request without looking at the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.testing.matching import _ANY, normal_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fluxhttp._core.request import Request
    from fluxhttp.testing.routes import Route

    Place = tuple[str | None, str, str]


class _Node:
    """One segment of the paths of templates; below it, the segments that follow."""

    __slots__ = ("below", "routes")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        self.routes: list[Route] = []


class RouteIndex:
    """Routes by method and URL.

    A route that names both is found by a dictionary; one with ``{name}``
    segments by walking down its path; only those that name no URL are looked
    at for every request.
    """

    def __init__(self) -> None:
        self._exact: dict[Place, list[Route]] = {}
        self._templates: dict[str, _Node] = {}
        self._general: list[Route] = []
        #: Whether the dictionary with the method is all there is to ask.
        self._is_simple = True

    def add(self, route: Route) -> None:
        """Takes up a route; routes are numbered in the order they come."""
        pattern = route.pattern
        url = pattern.url
        if url is None:
            self._general.append(route)
            self._is_simple = False
        elif pattern.is_template:
            node = self._templates.setdefault(url.origin, _Node())
            for segment in pattern.segments or ():
                node = node.below.setdefault(segment, _Node())
            node.routes.append(route)
            self._is_simple = False
        else:
            self._exact.setdefault((pattern.method, url.origin, normal_path(url.path)), []).append(route)
            self._is_simple = self._is_simple and pattern.method is not None

    def candidates(self, request: Request) -> Iterable[Route]:
        """The routes whose method and URL agree, in the order they were registered."""
        url = request.url
        path = url.path if "%" not in url.path else normal_path(url.path)
        found = self._exact.get((request.method, url.origin, path), ())
        if self._is_simple:
            return found
        every = [*found, *self._exact.get((None, url.origin, path), ()), *self._general]
        top = self._templates.get(url.origin)
        if top is not None:
            every += _below(top, path.split("/"))
        return sorted(
            (route for route in every if route.pattern.method in (None, request.method)), key=lambda route: route.number
        )


def _below(node: _Node, segments: list[str]) -> list[Route]:
    level = [node]
    for segment in segments:
        level = [below for node in level for key in (segment, _ANY) if (below := node.below.get(key)) is not None]
    return [route for node in level for route in node.routes]
