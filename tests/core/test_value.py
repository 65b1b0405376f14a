"""Values: frozen, compared and pickled by their fields."""

from __future__ import annotations

import copy
import enum
import pickle
import sys

import pytest

from fluxhttp import URL, Config, Headers, Limits, ProtocolError, Request, Response
from fluxhttp._core.value import Value, draft_of, plain_str, restore, set_field
from fluxhttp.testing import Script

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Point(Value):
    __slots__ = ("_label", "x", "y")
    _fields = ("x", "y", "_label")
    _uncompared = frozenset({"_label"})

    def __init__(self, x: int, y: int, *, label: str = "") -> None:
        set_field(self, "x", x)
        set_field(self, "y", y)
        set_field(self, "_label", label)


class Corner(Point):
    __slots__ = ()


class Method(str, enum.Enum):  # noqa: UP042  # a StrEnum formats as its value, this does not
    GET = "GET"


def test_values_of_the_same_fields_are_equal_and_hash_alike() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(2, 1)


def test_a_field_left_out_of_comparison_does_not_count() -> None:
    assert Point(1, 2, label="a") == Point(1, 2, label="b")
    assert hash(Point(1, 2, label="a")) == hash(Point(1, 2, label="b"))


def test_a_value_of_another_class_is_not_equal() -> None:
    assert Point(1, 2) != Corner(1, 2)
    assert Point(1, 2) != (1, 2)
    assert Point(1, 2).__eq__(3) is NotImplemented


def test_a_value_cannot_be_changed() -> None:
    point = Point(1, 2)

    with pytest.raises(AttributeError, match=r"^Point is frozen; 'x' cannot be set$"):
        point.x = 3
    with pytest.raises(AttributeError, match=r"^Point is frozen; 'x' cannot be deleted$"):
        del point.x
    with pytest.raises(AttributeError, match=r"^Point is frozen; 'z' cannot be set$"):
        point.z = 3
    assert point == Point(1, 2)


def test_a_representation_shows_the_public_fields() -> None:
    assert repr(Point(1, 2, label="a")) == "Point(x=1, y=2)"
    assert repr(Corner(1, 2)) == "Corner(x=1, y=2)"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_value_is_the_same_after_pickling(protocol: int) -> None:
    restored = pickle.loads(pickle.dumps(Corner(1, 2, label="a"), protocol))

    assert type(restored) is Corner
    assert restored == Corner(1, 2)
    assert restored._label == "a"


def test_a_copy_is_the_value_itself() -> None:
    point = Point(1, 2)

    assert copy.copy(point) is point
    assert copy.deepcopy(point) is point


def test_a_pickle_with_other_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        restore(Point, (1, 2))


def test_a_draft_is_filled_by_assignment_and_becomes_the_value() -> None:
    draft = draft_of(Point)()
    draft.x, draft.y, draft._label = 1, 2, "a"
    draft.__class__ = Point

    assert type(draft) is Point
    assert draft == Point(1, 2)
    with pytest.raises(AttributeError, match="frozen"):
        draft.x = 3


def test_text_becomes_an_exact_str() -> None:
    text = plain_str(Method.GET)

    assert type(text) is str
    assert f"{text}" == "GET"
    assert plain_str(text) is text


@pytest.mark.parametrize(
    "value",
    [
        Config(),
        Headers([("X-A", "1")]),
        Limits(),
        Request.build("GET", "http://api.test/"),
        Response(200),
        Script().close(),
        URL.parse("http://api.test/"),
        ProtocolError("no"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_rebuilds_a_value_is_found_under_its_name(value: object) -> None:
    """A bound method is not: cloudpickle, which dask and others use, would send its code and all that it names."""
    rebuild, *_ = value.__reduce__()
    assert callable(rebuild)

    assert getattr(sys.modules[rebuild.__module__], rebuild.__qualname__, None) is rebuild
