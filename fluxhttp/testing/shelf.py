"""Shelf: the routes of one place, found by what they ask for exactly.

Routes that speak of the same parts have the same shape: all that name one body,
say, or one value of ``x-id`` and one query. Within a shape a dictionary finds
those whose values a request has, so that what a request costs grows with the
number of shapes, which are few, and not with that of routes.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from fluxhttp.testing.comparing import form_of, json_key, key_of, lines_of, query_key

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from fluxhttp._core.request import Request
    from fluxhttp.testing.matching import Pattern
    from fluxhttp.testing.routes import Route

    #: From the name of a part to the value it is to have.
    Asked = dict[str, Hashable]
    Read = Callable[[Request], Hashable]
    #: How the parts are read from a request, and the routes by the values of these parts.
    Shape = tuple[Read, dict[Hashable, list[Route]]]

#: Up to so many, to look at each is faster.
_SCANNED_MAX = 8


class Shelf(list["Route"]):
    """The routes of one place, in the order they were registered.

    Args:
        of_one_query: whether all have one method and one query, which need not be looked up again.
    """

    __slots__ = ("_json_keys", "_of_one_query", "_shapes")

    #: Of JSON that routes ask for, so that the usual bytes of it need not be read.
    _json_keys: dict[bytes, Hashable]

    def __init__(self, *, of_one_query: bool = False) -> None:
        super().__init__()
        self._of_one_query = of_one_query
        #: By the names of the parts; None while all routes are looked at.
        self._shapes: dict[tuple[str, ...], Shape] | None = None

    @property
    def is_sorted(self) -> bool:
        """Whether there are so many that not each is looked at."""
        return self._shapes is not None

    def add(self, route: Route) -> None:
        """Takes up a route, which comes after all others."""
        self.append(route)
        if self._shapes is not None:
            self._file(route, self._shapes)
        elif len(self) > _SCANNED_MAX:
            self._json_keys = {}
            shapes: dict[tuple[str, ...], Shape] = {}
            for each in self:
                self._file(each, shapes)
            self._shapes = shapes

    def _file(self, route: Route, shapes: dict[tuple[str, ...], Shape]) -> None:
        pattern = route.pattern
        asked = self._asked(pattern)
        if pattern.json_bytes is not None:
            self._json_keys[pattern.json_bytes] = asked.get(":json")
        names = tuple(asked)
        shape = shapes.get(names)
        if shape is None:
            shape = shapes[names] = (self._reader(names), {})
        shape[1].setdefault(_key(asked, names), []).append(route)

    def find(self, request: Request) -> Sequence[Route]:
        """The routes that may take a request, in order; all others cannot."""
        if self._shapes is None:
            return self
        found: list[list[Route]] = []
        # A copy, as the function of a route may register another in another thread.
        for read, by_values in list(self._shapes.values()):
            routes = by_values.get(read(request))
            if routes is not None:
                found.append(routes)
        return found[0] if len(found) == 1 else _merged(found)

    def related(self, pattern: Pattern) -> Sequence[Route]:
        """The routes that may take all the requests that one with this pattern would, in order."""
        if self._shapes is None:
            return self
        told = {f"?{key}": tuple(values) for key, values in (pattern.params or {}).items()} | self._asked(pattern)
        found: list[list[Route]] = []
        for names, (_, by_values) in self._shapes.items():
            if told.keys() >= set(names):
                found.append(by_values.get(_key(told, names), []))
        return _merged(found)

    def _asked(self, pattern: Pattern) -> Asked:
        """What a pattern asks for exactly.

        The names are those of fields; of parameters with "?" before them, of
        other parts with ":", neither of which a field has (RFC 9110, 5.1).
        """
        asked: Asked = {name: tuple(values) for name, values in sorted((pattern.headers or {}).items())}
        if pattern.is_open:
            asked |= {f"?{key}": tuple(values) for key, values in sorted((pattern.params or {}).items())}
        parts: dict[str, Hashable] = {
            ":json": None if pattern.json_bytes is None else json_key(pattern.json_bytes),
            ":method": None if self._of_one_query else pattern.method,
            ":query": None if self._of_one_query else pattern.query_key,
            ":body": pattern.body,
            ":form": None if pattern.form is None else key_of(pattern.form),
        }
        return asked | {name: value for name, value in parts.items() if value is not None}

    def _reader(self, names: tuple[str, ...]) -> Read:
        """What reads these parts of a request, as ``_key`` has them."""
        reads = [self._part_reader(name) for name in names]
        return reads[0] if len(reads) == 1 else lambda request: tuple([read(request) for read in reads])

    def _part_reader(self, name: str) -> Read:
        if name == ":json":
            return self._json_of
        if name in _READERS:
            return _READERS[name]
        if name[0] == "?":
            return lambda request: dict(query_key(request.url.query or "")).get(name[1:])
        return lambda request: tuple(lines_of(request, name))

    def _json_of(self, request: Request) -> Hashable:
        key = self._json_keys.get(request.body)
        return json_key(request.body) if key is None else key


_READERS: dict[str, Read] = {
    ":method": lambda request: request.method,
    ":query": lambda request: query_key(request.url.query or ""),
    ":body": lambda request: request.body,
    ":form": lambda request: key_of(form_of(request)),
}


def _key(asked: Asked, names: tuple[str, ...]) -> Hashable:
    return asked[names[0]] if len(names) == 1 else tuple([asked[name] for name in names])


def _merged(found: list[list[Route]]) -> list[Route]:
    return sorted(chain.from_iterable(found), key=number_of)


def number_of(route: Route) -> int:
    """Its place among the routes of its fake."""
    return route.number
