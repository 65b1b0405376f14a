"""The options that all transports with a pool share."""

from __future__ import annotations

from fluxhttp.errors import InvalidConfigError, InvalidTypeError

MAX_IDLE_PER_ORIGIN = 10
IDLE_SECONDS = 10.0


def check_pool_options(max_idle_per_origin: object, idle_seconds: object) -> None:
    """Refuses what is no number, or out of range.

    Raises:
        InvalidTypeError: an option is no number; a bool is none.
        InvalidConfigError: ``max_idle_per_origin`` is below 0, or ``idle_seconds`` not above 0.
    """
    if isinstance(max_idle_per_origin, bool) or not isinstance(max_idle_per_origin, int):
        raise InvalidTypeError(f"max_idle_per_origin must be an int, not {type(max_idle_per_origin).__name__}")
    if isinstance(idle_seconds, bool) or not isinstance(idle_seconds, int | float):
        raise InvalidTypeError(f"idle_seconds must be a number, not {type(idle_seconds).__name__}")
    if max_idle_per_origin < 0:
        raise InvalidConfigError(f"max_idle_per_origin must be 0 or more, not {max_idle_per_origin}")
    if not idle_seconds > 0:
        raise InvalidConfigError(f"idle_seconds must be more than 0, not {idle_seconds:g}")
