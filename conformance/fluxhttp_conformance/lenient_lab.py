"""LenientLab: asks whether a failure is seen, and not how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import ANY

from fluxhttp import FluxHTTPError, RequestTimeoutError
from fluxhttp_conformance.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp.testing import Script

_E = TypeVar("_E", bound=BaseException)

#: What our errors tell beside their class.
_DETAILS = ("allowed", "expected", "limit", "maybe_sent", "phase", "received")


class LenientLab(Lab):
    """For a transport on a client whose errors are not as ours.

    Where a case asks for an error of some class with some fields, any error of
    our tree will do, but for time-outs: whoever waits until the time is over has
    not refused. The fields of that error equal whatever they are compared with.
    """

    def fails(self, kind: type[_E], call: Callable[..., Any], *arguments: Any, **options: Any) -> _E:
        """The error that a call ends with, as if it were of just that class.

        Raises:
            AssertionError: it returned, or raised what is no error of our tree, or timed out where it should not.
        """
        try:
            result = call(*arguments, **options)
        except Exception as error:
            is_late = isinstance(error, RequestTimeoutError)
            if not isinstance(error, FluxHTTPError) or is_late is not issubclass(kind, RequestTimeoutError):
                raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
            # A class of its own: one of the details is a property.
            likeness: Any = type(kind.__name__, (kind,), {"retryable": ANY})
            told: _E = likeness(str(error))
            vars(told).update(dict.fromkeys(_DETAILS, ANY))
            return told
        raise AssertionError(f"expected {kind.__name__}, got {result!r}")

    def refuse(
        self,
        kind: type[_E],
        script: Script,
        method: str = "GET",
        *,
        phase: str | None = None,  # noqa: ARG002  # not compared
        **options: Any,
    ) -> _E:
        """Plays one answer, and returns the error that a call must end with."""
        return super().refuse(kind, script, method, **options)
