"""How one call is carried: time-out, verification, limits, redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidConfigError, InvalidTypeError

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any, Literal, Self

#: Flux reads at most 100 MB of a body (rule 60): 100 * 2**20 bytes.
DEFAULT_BODY_BYTES = 104_857_600
#: Room for 1,024 fields of 256 bytes; servers send a few kilobytes.
DEFAULT_HEAD_BYTES = 262_144
DEFAULT_FIELDS = 1024


def _count(name: str, value: object, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < least:
        raise InvalidConfigError(f"{name} must be at least {least}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidTypeError(f"{name} must be a bool, not {type(value).__name__}")
    return value


def _seconds(value: object) -> float | None:
    """A time-out as seconds; None for none, which 0 and infinity mean too."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise InvalidTypeError("timeout must be seconds or a timedelta, not bool")
    if not isinstance(value, int | float):
        from datetime import timedelta

        if not isinstance(value, timedelta):
            raise InvalidTypeError(f"timeout must be seconds or a timedelta, not {type(value).__name__}")
        value = value.total_seconds()
    try:
        seconds = float(value)
    except OverflowError:
        raise InvalidConfigError("timeout is too large") from None
    if not seconds >= 0:  # NaN, too
        raise InvalidConfigError(f"timeout must be zero or more seconds, not {seconds:g}")
    return None if seconds in (0.0, float("inf")) else seconds


class _Settings(Value):
    __slots__ = ()

    def replace(self, **changes: Any) -> Self:
        """A copy with some settings changed; the others are kept.

        Raises:
            InvalidTypeError: there is no setting of that name, or its value has the wrong type.
            InvalidConfigError: a value is out of its range.
        """
        for name in changes:
            if name not in self._fields:
                raise InvalidTypeError(f"{type(self).__name__} has no setting {name!r}")
        return type(self)(**{name: getattr(self, name) for name in self._fields} | changes)


class Limits(_Settings):
    """What a peer may make a call hold in memory.

    Args:
        body: decoded body bytes at most, 0 or more; None for no limit.
        overflow: what to do with a larger body: "error" raises
            BodyTooLargeError, "truncate" keeps the first ``body`` bytes and
            sets ``Response.truncated`` (decision D2).
        head: bytes of one head (status line and fields; interim answers are
            counted the same way), 1 or more. A trailer section, which is
            dropped, may have 4,096 bytes (decision D10).
        fields: lines in one head or trailer section, 1 or more.

    Raises:
        InvalidTypeError: a value has the wrong type; a bool is no number.
        InvalidConfigError: a value is out of its range.
    """

    __slots__ = ("body", "fields", "head", "overflow")
    _fields = ("body", "overflow", "head", "fields")

    body: int | None
    overflow: Literal["error", "truncate"]
    head: int
    fields: int

    def __init__(
        self,
        *,
        body: int | None = DEFAULT_BODY_BYTES,
        overflow: Literal["error", "truncate"] = "error",
        head: int = DEFAULT_HEAD_BYTES,
        fields: int = DEFAULT_FIELDS,
    ) -> None:
        if not isinstance(overflow, str):
            raise InvalidTypeError(f"limits.overflow must be a str, not {type(overflow).__name__}")
        if overflow not in ("error", "truncate"):
            raise InvalidConfigError(f"limits.overflow must be 'error' or 'truncate', not {overflow[:32]!r}")
        set_field(self, "body", None if body is None else _count("limits.body", body, least=0))
        set_field(self, "overflow", overflow)
        set_field(self, "head", _count("limits.head", head, least=1))
        set_field(self, "fields", _count("limits.fields", fields, least=1))


DEFAULT_LIMITS = Limits()


class Config(_Settings):
    """The settings of a call.

    Args:
        timeout: seconds (int or float) or a timedelta for the whole call, from
            name look-up to the last decoded byte, all redirects included. None,
            0 and infinity mean no limit (decision D11).
        insecure_skip_verify: accept any TLS certificate for any name. Such a
            call never shares a connection with a verified one.
        limits: what the answer may cost in memory.
        max_redirects: redirects followed, 0 or more; one more raises
            TooManyRedirectsError, and 0 returns the 3xx itself (decision D3).

    Raises:
        InvalidTypeError: a value has the wrong type; a bool is no number.
        InvalidConfigError: a value is out of its range; a NaN or negative time-out.
    """

    __slots__ = ("insecure_skip_verify", "limits", "max_redirects", "timeout")
    _fields = ("timeout", "insecure_skip_verify", "limits", "max_redirects")

    timeout: float | None
    insecure_skip_verify: bool
    limits: Limits
    max_redirects: int

    def __init__(
        self,
        *,
        timeout: float | timedelta | None = None,
        insecure_skip_verify: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        max_redirects: int = 10,
    ) -> None:
        if not isinstance(limits, Limits):
            raise InvalidTypeError(f"limits must be a Limits, not {type(limits).__name__}")
        set_field(self, "timeout", _seconds(timeout))
        set_field(self, "insecure_skip_verify", _flag("insecure_skip_verify", insecure_skip_verify))
        set_field(self, "limits", limits)
        set_field(self, "max_redirects", _count("max_redirects", max_redirects, least=0))


DEFAULT_CONFIG = Config()


def checked_config(config: object) -> Config:
    """The argument ``config`` of a call.

    Raises:
        InvalidTypeError: it is not a Config.
    """
    if not isinstance(config, Config):
        raise InvalidTypeError(f"config must be a Config, not {type(config).__name__}")
    return config
