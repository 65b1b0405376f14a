"""What the fake says of a request that no route takes.

The first line tells the request and the reason. Below it stand what was sent,
the route that agrees in most parts, and how they differ; of the other routes,
two in a line and the rest in numbers. Secrets are masked.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from fluxhttp.testing.differences import (
    REDACTION,
    Part,
    parts,
    shown_request,
    shown_text,
    url_likeness,
)
from fluxhttp.testing.errors import UnexpectedRequestError
from fluxhttp.testing.excerpts import body_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fluxhttp._core.request import Request
    from fluxhttp.testing.calls import Call
    from fluxhttp.testing.errors import Reason
    from fluxhttp.testing.matching import Pattern
    from fluxhttp.testing.routes import Route

#: Fields that every request has; they say nothing of this one.
_USUAL = frozenset({"accept-encoding", "content-length", "host", "user-agent"})
#: Routes that are compared part by part, and those told of in a line.
_COMPARED_MAX = 50
_ALSO_MAX = 2
_COUNTED_MAX = 4
_ORIGINS_MAX = 3
_CALLS_MAX = 6
_ROUTES_MAX = 3
#: Another method makes a route less near than a path that is nearly the same.
_METHOD_WEIGHT = 0.5


class History:
    """What the fake knows when a request comes that no route takes.

    Attributes:
        routes: in the order they were registered.
        calls: those that a route took.
        unexpected: those before that none took.
        declined: the routes that agree in every part but let the next one try, and why.
    """

    __slots__ = ("calls", "declined", "routes", "unexpected")

    def __init__(
        self, routes: Sequence[Route], calls: Sequence[Call], unexpected: Sequence[Call], declined: Mapping[Route, str]
    ) -> None:
        self.routes: Sequence[Route] = routes
        self.calls: Sequence[Call] = calls
        self.unexpected: Sequence[Call] = unexpected
        self.declined: Mapping[Route, str] = declined

    def parts(self, route: Route, request: Request) -> list[Part]:
        """How a request compares with a route; what it says of its reply is a part, if it has none."""
        compared = parts(route.pattern, request)
        if route in self.declined:
            compared.append(Part("reply", self.declined[route], agrees=False))
        elif not route.actions:
            compared.append(Part("reply", "none; say .respond(…), .fail(…), .play(…) or .handle(…)", agrees=False))
        return compared


def title(route: Route) -> str:
    """A route in a few words: its name, or method and URL, and where it was registered."""
    return f"{route.name or route.pattern}, {route.place}"


def unexpected(call: Call, history: History) -> UnexpectedRequestError:
    """The error for a request that no route takes."""
    request = call.request
    origin = request.url.origin
    known = [route for route in history.routes if route.pattern.url is None or route.pattern.url.origin == origin]
    if not known:
        text = _unknown_origin(request, history.routes)
        return UnexpectedRequestError(text, request=request, reason="no_route")
    near = _nearest(request, known, history)
    used_up = [route for route, compared in near if all(part.agrees for part in compared)]
    if used_up:
        text = _used_up(call, used_up, history)
        return UnexpectedRequestError(text, request=request, reason="used_up", nearest=used_up[0])
    nearest, compared = near[0]
    has_no_reply = not nearest.actions and [part.name for part in compared if not part.agrees] == ["reply"]
    text = _unmatched(request, near, history)
    reason: Reason = "no_reply" if has_no_reply else "no_match"
    return UnexpectedRequestError(text, request=request, reason=reason, nearest=nearest)


def brief(request: Request, count: int) -> str:
    """The text for one request of very many."""
    return f"{_no_route(request)}, as for {count:,} requests before it, of which the first say more"


def _no_route(request: Request) -> str:
    return f"no route for {shown_request(request)}"


# Nothing is registered for that origin


def _unknown_origin(request: Request, routes: Iterable[Route]) -> str:
    counts = Counter(route.pattern.url.origin for route in routes if route.pattern.url is not None)
    if not counts:
        return f"{_no_route(request)}\n\n  no route was registered"
    url = request.url
    is_known = any(origin.partition("://")[2] == url.authority for origin in counts)
    named = url.origin if is_known else f"the host {url.authority}"
    shown = [f"{origin} ({count})" for origin, count in counts.most_common(_ORIGINS_MAX)]
    more = len(counts) - len(shown)
    tail = f" and {more} more" if more else ""
    return f"{_no_route(request)}\n\n  no route names {named}; routes are for: {', '.join(shown)}{tail}"


# Which routes are near


def _nearest(request: Request, routes: Sequence[Route], history: History) -> list[tuple[Route, list[Part]]]:
    """The routes that agree in most parts, nearest first, and how they compare."""
    segments = request.url.path.split("/")

    def distance(route: Route) -> tuple[int, int, int]:
        pattern = route.pattern
        differs = (not pattern.matches_method(request)) + (not pattern.matches_url(request))
        same = sum(want is None or want == got for want, got in zip(pattern.segments, segments, strict=False))
        return differs, -same, abs(len(pattern.path) - len(request.url.path))

    rough = routes if len(routes) <= _COMPARED_MAX else heapq.nsmallest(_COMPARED_MAX, routes, key=distance)
    compared = [(route, history.parts(route, request)) for route in rough]
    return sorted(compared, key=lambda pair: _exact_distance(pair[0], pair[1], request))


def _exact_distance(route: Route, compared: list[Part], request: Request) -> tuple[int, float, int, int]:
    differs = [part.name for part in compared if not part.agrees]
    likeness = url_likeness(route.pattern, request) if "url" in differs else 1.0
    if "method" in differs:
        likeness -= _METHOD_WEIGHT
    return len(differs), -likeness, len(differs) - len(compared), route.number


# A request that differs from every route


def _unmatched(request: Request, near: list[tuple[Route, list[Part]]], history: History) -> str:
    nearest, compared = near[0]
    lines = [_no_route(request), "", *_sent(request, nearest.pattern), "", *_nearest_lines(nearest, compared)]
    also = [_also(route, compared) for route, compared in near[1 : 1 + _ALSO_MAX]]
    rest = len(history.routes) - 1 - len(also)
    if rest:
        also.append(f"and {rest:,} more{_what_differs(request, near, history.routes)}")
    lines += ["", *_labelled("also", also)] if also else []
    return "\n".join([*lines, "", f"  {_so_far(history)}"])


def _labelled(label: str, lines: Iterable[str]) -> list[str]:
    """Lines in the column of the second words, with a label before the first."""
    return [f"  {label if not number else '':<10}{line}".rstrip() for number, line in enumerate(lines)]


def _sent(request: Request, pattern: Pattern) -> list[str]:
    wanted = pattern.headers or {}
    pairs = [
        (name.lower(), value)
        for name, value in request.headers.multi_items()
        if name.lower() not in _USUAL or name.lower() in wanted
    ]
    fields = [shown_text(f"{name}: {value}") for name, value in REDACTION.headers(pairs)]
    return _labelled("sent", [shown_request(request), *fields, *body_lines(request, pattern)])


def _nearest_lines(route: Route, compared: list[Part]) -> list[str]:
    agreeing, count = sum(part.agrees for part in compared), len(compared)
    score = f"{agreeing} of {count} part{'' if count == 1 else 's'} agree{'s' if agreeing == 1 else ''}"
    lines = [f"{title(route):<49}   {score}"]
    for part in compared:
        first, *others = part.lines
        lines.append(f"{part.name:<9} {'✓' if part.agrees else '✗'} {first}")
        lines += [f"{'':<12}{line}" for line in others]
    return _labelled("nearest", lines)


def _also(route: Route, compared: list[Part]) -> str:
    names = [part.name for part in compared if not part.agrees]
    name = f"{route.name}, " if route.name else ""
    return f"{route.pattern}   {name}{route.place}   {', '.join(names)} {_differ(names)}"


def _differ(names: Sequence[str]) -> str:
    return "differs" if len(names) == 1 else "differ"


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _what_differs(request: Request, near: list[tuple[Route, list[Part]]], routes: Sequence[Route]) -> str:
    """Of the routes that are not shown, what differs, in numbers: the commonest first."""
    shown = {id(route) for route, _ in near[: 1 + _ALSO_MAX]}
    known = {id(route): compared for route, compared in near}
    counts: Counter[tuple[str, ...]] = Counter()
    for route in routes:
        if id(route) in shown:
            continue
        compared = known.get(id(route))
        if compared is not None:
            names = [part.name for part in compared if not part.agrees]
        else:
            pattern = route.pattern
            names = [] if pattern.matches_method(request) else ["method"]
            names += [] if pattern.matches_url(request) else ["url"]
        counts[tuple(names) or ("another part",)] += 1
    groups = counts.most_common(_COUNTED_MAX)
    if len(groups) == 1:
        return f": {_joined(groups[0][0])} {_differ(groups[0][0])}"
    return ": " + "; ".join([f"{_joined(names)} {_differ(names)} in {count:,}" for names, count in groups])


def _so_far(history: History) -> str:
    text = f"{_count(len(history.routes), 'route')}, {_count(len(history.calls), 'call')} so far."
    if not history.calls:
        return text
    last = history.calls[-1]
    return f"{text} The last: {shown_request(last.request)} → {last.outcome}."


# Replies that are gone, or were never there


def _used_up(call: Call, routes: Sequence[Route], history: History) -> str:
    request = call.request
    taken = [earlier for earlier in history.calls if earlier.route in routes]
    before = [earlier for earlier in history.unexpected if _is_used_up(earlier, routes[0])]
    calls = [*taken, *before, call]
    came = len(calls)
    replies = sum(route.capacity or 0 for route in routes)
    they_have = "its route has" if len(routes) == 1 else f"its {len(routes)} routes have"
    are_for = f"{they_have} {replies:,} {'reply' if replies == 1 else 'replies'}"
    first = f"{shown_request(request)} came {_count(came, 'time')}, {are_for}"
    titles = [f"{title(route):<27} {route.summary}" for route in routes[:_ROUTES_MAX]]
    lines = [first, "", *_labelled("route" if len(routes) == 1 else "routes", titles)]
    lines += _labelled("calls", _call_lines(calls))
    return "\n".join([*lines, f"  {_advice(routes[-1], came)}"])


def _is_used_up(call: Call, route: Route) -> bool:
    error = call.error
    return isinstance(error, UnexpectedRequestError) and error.reason == "used_up" and error.nearest is route


def _call_lines(calls: Sequence[Call]) -> list[str]:
    skipped = max(0, len(calls) - _CALLS_MAX)
    lines = [f"…  {skipped:,} before these"] if skipped else []
    for number, call in list(enumerate(calls, 1))[skipped:]:
        outcome = "unexpected" if call.route is None else call.outcome
        lines.append(f"{number}  {outcome:<12} +{_seconds(call.started - calls[0].started)} s")
    return lines


def _seconds(seconds: float) -> str:
    whole, _, rest = f"{seconds:.3f}".partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"


def _advice(route: Route, came: int) -> str:
    if route.is_counted:
        return f"If it should take more, say .times({came})."
    return f"If it should go on with the last reply, say .repeat_last(); for an exact number, .times({came})."


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
