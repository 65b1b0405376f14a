"""Config and Limits: what each setting takes, and what it refuses."""

from __future__ import annotations

import copy
import enum
import math
import pickle
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.config import DEFAULT_CONFIG, DEFAULT_LIMITS, Config, Limits, checked_config
from fluxhttp.errors import InvalidConfigError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def test_the_defaults() -> None:
    config = Config()

    assert (config.timeout, config.insecure_skip_verify, config.max_redirects) == (None, False, 10)
    assert config.limits == Limits(body=104_857_600, overflow="error", head=262_144, fields=1024)
    assert config == DEFAULT_CONFIG
    assert config.limits == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (None, None),
        (0, None),
        (0.0, None),
        (-0.0, None),
        (timedelta(0), None),
        (math.inf, None),
        (10, 10.0),
        (0.25, 0.25),
        (5e-324, 5e-324),
        (10**300, 1e300),
        (timedelta(minutes=1, milliseconds=5), 60.005),
        (timedelta.max, timedelta.max.total_seconds()),
    ],
)
def test_a_timeout_is_seconds_or_none(timeout: float | timedelta | None, seconds: float | None) -> None:
    found = Config(timeout=timeout).timeout

    assert found == seconds
    assert found is None or type(found) is float


@pytest.mark.parametrize(
    ("timeout", "text"),
    [
        (math.nan, "timeout must be zero or more seconds, not nan"),
        (-1, "timeout must be zero or more seconds, not -1"),
        (-0.5, "timeout must be zero or more seconds, not -0.5"),
        (-math.inf, "timeout must be zero or more seconds, not -inf"),
        (timedelta(seconds=-1), "timeout must be zero or more seconds, not -1"),
        (10**400, "timeout is too large"),
        (-(10**400), "timeout is too large"),
    ],
    ids=repr,
)
def test_a_timeout_out_of_range_is_refused(timeout: float, text: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        Config(timeout=timeout)

    assert str(caught.value) == text


class Lookalike:
    total_seconds = 5


class Wrong:
    def total_seconds(self) -> str:
        return "5"


@pytest.mark.parametrize(
    "timeout", [True, False, "5", b"5", 5j, Decimal(5), Fraction(5), [5], Lookalike(), Wrong(), object()]
)
def test_a_timeout_of_the_wrong_type_is_refused(timeout: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^timeout must be seconds or a timedelta, not \w+$"):
        Config(timeout=timeout)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, 1, None, "yes", b"", []])
def test_verification_is_switched_by_a_bool_alone(value: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^insecure_skip_verify must be a bool, not \w+$"):
        Config(insecure_skip_verify=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 10, {"body": 10}, Config()])
def test_limits_are_limits(value: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^limits must be a Limits, not \w+$"):
        Config(limits=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (lambda value: Limits(body=value), "limits.body"),
        (lambda value: Limits(head=value), "limits.head"),
        (lambda value: Limits(fields=value), "limits.fields"),
        (lambda value: Config(max_redirects=value), "max_redirects"),
    ],
    ids=["body", "head", "fields", "max_redirects"],
)
@pytest.mark.parametrize("value", [True, False, 1.0, math.nan, "1", b"1", [1], Decimal(1)])
def test_a_count_of_the_wrong_type_is_refused(settings: Callable[[object], object], name: str, value: object) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        settings(value)

    assert str(caught.value) == f"{name} must be an int, not {type(value).__name__}"


@pytest.mark.parametrize("name", ["head", "fields"])
def test_a_head_always_has_a_limit(name: str) -> None:
    with pytest.raises(InvalidTypeError, match=rf"^limits\.{name} must be an int, not NoneType$"):
        Limits(**{name: None})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (lambda: Limits(body=-1), "limits.body must be at least 0"),
        (lambda: Limits(body=-(10**5000)), "limits.body must be at least 0"),
        (lambda: Limits(head=0), "limits.head must be at least 1"),
        (lambda: Limits(fields=0), "limits.fields must be at least 1"),
        (lambda: Config(max_redirects=-1), "max_redirects must be at least 0"),
        (lambda: Limits(overflow="cut"), "limits.overflow must be 'error' or 'truncate', not 'cut'"),
        (lambda: Limits(overflow="x" * 99), f"limits.overflow must be 'error' or 'truncate', not '{'x' * 32}'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: Callable[[], object], text: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        settings()

    assert str(caught.value) == text


@pytest.mark.parametrize("value", [None, True, 1, b"error"])
def test_an_overflow_is_a_word(value: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^limits\.overflow must be a str, not \w+$"):
        Limits(overflow=value)  # type: ignore[arg-type]


class Size(enum.IntEnum):
    SMALL = 10


def test_the_least_and_the_largest_are_taken() -> None:
    assert Limits(body=0, head=1, fields=1) == Limits(body=0, head=1, fields=1)
    assert Limits(body=None).body is None
    assert Limits(body=10**20).body == 10**20
    assert Limits(body=Size.SMALL).body == 10
    assert Config(max_redirects=0).max_redirects == 0


def test_a_setting_is_replaced_and_the_others_are_kept() -> None:
    config = Config(timeout=5, limits=Limits(body=7), max_redirects=3)

    changed = config.replace(timeout=None, insecure_skip_verify=True)

    assert changed == Config(insecure_skip_verify=True, limits=Limits(body=7), max_redirects=3)
    assert config.timeout == 5.0
    assert config.limits.replace(overflow="truncate") == Limits(body=7, overflow="truncate")
    assert config.replace() == config


def test_a_replacement_is_judged() -> None:
    with pytest.raises(InvalidTypeError, match=r"^Config has no setting 'time_out'$"):
        Config().replace(time_out=5)
    with pytest.raises(InvalidTypeError, match=r"^Limits has no setting 'bodies'$"):
        Limits().replace(bodies=5)
    with pytest.raises(InvalidConfigError, match=r"^max_redirects must be at least 0$"):
        Config().replace(max_redirects=-1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("settings", [Config(timeout=5, limits=Limits(body=None)), Limits(overflow="truncate")])
def test_settings_are_the_same_after_pickling(settings: object, protocol: int) -> None:
    restored = pickle.loads(pickle.dumps(settings, protocol))

    assert restored == settings
    assert hash(restored) == hash(settings)
    assert copy.copy(settings) == copy.deepcopy(settings) == settings


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        Config().timeout = 5
    with pytest.raises(AttributeError, match="frozen"):
        Limits().body = 5


def test_a_representation_can_be_read_back() -> None:
    config = Config(timeout=1.5, limits=Limits(body=3))

    assert repr(config) == (
        "Config(timeout=1.5, insecure_skip_verify=False, "
        "limits=Limits(body=3, overflow='error', head=262144, fields=1024), max_redirects=10)"
    )
    assert eval(repr(config)) == config


@pytest.mark.parametrize("wrong", [None, 5, {"timeout": 5}, Limits()])
def test_a_config_is_a_config(wrong: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"^config must be a Config, not \w+$"):
        checked_config(wrong)


def test_a_config_is_handed_on() -> None:
    config = Config(timeout=1)

    assert checked_config(config) is config


@given(st.one_of(st.integers(), st.floats(), st.timedeltas()))
def test_any_number_is_taken_or_refused(timeout: float | timedelta) -> None:
    try:
        seconds = Config(timeout=timeout).timeout
    except InvalidConfigError:
        return

    assert seconds is None or 0 < seconds < math.inf
