"""What the fake says to the author of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.redaction import redact_url
from fluxhttp.testing.errors import UnexpectedRequestError

if TYPE_CHECKING:
    from fluxhttp._core.request import Request
    from fluxhttp.testing.fake import FakeTransport
    from fluxhttp.testing.routes import Route


def title(route: Route) -> str:
    """A route in a few words."""
    return f"{route.name + ', ' if route.name else ''}{route.pattern}, {route.place}"


def unexpected(fake: FakeTransport, request: Request) -> UnexpectedRequestError:
    """The error for a request that no route takes."""
    return UnexpectedRequestError(f"no route for {request.method} {redact_url(str(request.url))}", request=request)


def swallowed(fake: FakeTransport, errors: tuple[UnexpectedRequestError, ...]) -> UnexpectedRequestError:
    """The error at exit for requests that no route took."""
    return errors[0]


def unused(fake: FakeTransport, routes: tuple[Route, ...]) -> str:
    """The text for routes that were not asked for."""
    return f"{len(routes)} of {len(fake.routes)} routes were not asked for"
