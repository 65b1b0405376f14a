"""What the fake says at the end: of routes that were not asked for, and of requests that were swallowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp.testing.differences import differing, parts, shown_request, url_likeness
from fluxhttp.testing.errors import UnexpectedRequestError, UnusedRouteError
from fluxhttp.testing.messages import title
from fluxhttp.testing.places import caught_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp.testing.calls import Call
    from fluxhttp.testing.routes import Route

#: Unused routes that are listed, those whose nearest call is told, and the calls that are looked at for it.
_LISTED_MAX = 10
_DETAILED_MAX = 3
_CALLS_MAX = 1000
#: How much a path must be like that of a route to be told as near.
_LIKE_MIN = 0.6
#: Swallowed requests that are listed.
SWALLOWED_MAX = 5


def unused(missing: Sequence[Route], count: int, calls: Sequence[Call]) -> UnusedRouteError:
    """The error for routes that were not asked for, or not as often as they say.

    Args:
        missing: those routes.
        count: how many there are in all.
        calls: every request that came.
    """
    were = "was" if len(missing) == 1 else "were"
    enough = "" if any(not route.taken for route in missing) else " often enough"
    lines = [f"{len(missing):,} of {count:,} route{'' if count == 1 else 's'} {were} not asked for{enough}", ""]
    lines += _table(missing[:_LISTED_MAX])
    if len(missing) > _LISTED_MAX:
        lines.append(f"  and {len(missing) - _LISTED_MAX:,} more")
    lines.append("")
    never = [route for route in missing if not route.taken][:_DETAILED_MAX]
    lines += [line for route in never if (line := _nearest_call(route, calls)) is not None]
    lines.append("  If a route may stay unused, say .optional().")
    return UnusedRouteError("\n".join(lines), routes=tuple(missing))


def _table(routes: Sequence[Route]) -> list[str]:
    """Method, URL, name, place and progress, in columns."""
    names = [f"{route.name}," if route.name else "" for route in routes]
    width = max(map(len, names))
    places = [f"{name:<{width}}{' ' if width else ''}{route.place}" for name, route in zip(names, routes, strict=True)]
    firsts = [f"{route.pattern.method or 'any':<6} {route.pattern.shown_url}" for route in routes]
    first_width, place_width = max(map(len, firsts)), max(map(len, places))
    return [
        f"  {first:<{first_width}}   {place:<{place_width}}   {route.progress}"
        for route, first, place in zip(routes, firsts, places, strict=True)
    ]


def _nearest_call(route: Route, calls: Sequence[Call]) -> str | None:
    """The call that agrees with a route in most parts, and how it differs; none if its URL is quite another."""
    best: tuple[int, float] | None = None
    nearest: Call | None = None
    for call in calls[-_CALLS_MAX:]:
        differs = [part.name for part in parts(route.pattern, call.request) if not part.agrees]
        likeness = url_likeness(route.pattern, call.request) if "url" in differs else 1.0
        score = (len(differs), -likeness)
        if likeness >= _LIKE_MIN and (best is None or score < best):
            best, nearest = score, call
    if nearest is None:
        return None
    what = differing(route.pattern, nearest.request)
    if what == "agrees":
        what = "nothing differs" if nearest.route is None else f"{title(nearest.route)} took it"
    return f"  nearest call to {route.name or route.place}: {shown_request(nearest.request)}     {what}"


def swallowed(errors: Sequence[UnexpectedRequestError]) -> UnexpectedRequestError:
    """The error for requests that no route took, if the code under test went on.

    Args:
        errors: those that were raised; the first few have their traceback still.
    """
    first = errors[0]
    were = f"{len(errors):,} request{'' if len(errors) == 1 else 's'} had no route"
    lines = [f"{were}, and the code under test went on", ""]
    for error in errors[:SWALLOWED_MAX]:
        caught = caught_at(error)
        assert error.request is not None  # the fake gave it
        where = f"raised at {error.site}{f', caught at {caught}' if caught else ''}"
        lines.append(f"  {shown_request(error.request)}   {where}")
    if len(errors) > SWALLOWED_MAX:
        lines.append(f"  and {len(errors) - SWALLOWED_MAX:,} more")
    summary, _, details = str(first).partition("\n")
    lines += [details] if len(errors) == 1 else ["", f"  the first: {summary}", details]
    request = first.request if len(errors) == 1 else None
    return UnexpectedRequestError("\n".join(lines), request=request, reason=first.reason, nearest=first.nearest)
