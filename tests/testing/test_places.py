"""Where something was said, raised or caught."""

from __future__ import annotations

import contextlib
import json
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp.testing import places

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).name


def fail() -> None:
    raise AssertionError("made up")


def caught_by(function: Callable[[list[BaseException]], None]) -> str | None:
    """What is told of the error that a function catches and keeps."""
    kept: list[BaseException] = []
    function(kept)
    found = places.caught_at(kept[0])
    return (
        None
        if found is None
        else found.replace(f"tests/testing/{HERE}:", "+").replace(f"+{function.__code__.co_firstlineno}", "+0")
    )


def line_after(function: Callable[..., Any], count: int) -> str:
    return f"+{function.__code__.co_firstlineno + count}"


def test_the_line_is_the_one_that_is_executed() -> None:
    assert places.registered_at() == f"{HERE}:{sys._getframe().f_lineno}"


def test_a_file_in_the_current_directory_is_shown_from_there_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app" / "metrics.py"
    path.parent.mkdir()
    path.write_text("\n\nfound = raised_at()\n")
    code = compile(path.read_text(), str(path), "exec")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"raised_at": places.raised_at}
    exec(code, names)
    assert names["found"] == "app/metrics.py:3"

    monkeypatch.chdir(tmp_path / "app")
    exec(code, names)
    assert names["found"] == "metrics.py:3"

    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    exec(code, names)
    assert names["found"] == "metrics.py:3"


def test_without_a_current_directory_the_name_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()

    assert places.raised_at().startswith(f"{HERE}:")


def test_where_a_function_is_defined() -> None:
    class Answers:
        def __call__(self) -> None: ...

    assert places.defined_at(fail) == f"{HERE}:{fail.__code__.co_firstlineno}"
    assert places.defined_at(Answers()) == __name__
    assert places.defined_at(len) == "builtins"
    assert places.defined_at(types.SimpleNamespace()) == "types"


def by_class(kept: list[BaseException]) -> None:
    try:
        fail()
    except ValueError:
        pass
    except AssertionError as error:
        kept.append(error)


def by_several(kept: list[BaseException]) -> None:
    try:
        fail()
    except (json.JSONDecodeError, AssertionError) as error:
        kept.append(error)


def by_anything(kept: list[BaseException]) -> None:
    try:
        fail()
    except:  # noqa: E722
        kept.append(sys.exc_info()[1])  # type: ignore[arg-type]


def by_the_outer(kept: list[BaseException]) -> None:
    try:
        try:
            fail()
        finally:
            with contextlib.suppress(BaseException):
                kept.clear()
    except builtins_of_mine.Wide as error:
        kept.append(error)


builtins_of_mine = types.SimpleNamespace(Wide=Exception)


def by_the_inner(kept: list[BaseException]) -> None:
    with contextlib.suppress(BaseException):
        try:
            fail()
        except Exception as error:  # noqa: BLE001  # as code under test does it
            kept.append(error)


def by_a_group(kept: list[BaseException]) -> None:
    try:
        fail()
    except* AssertionError as group:
        kept.extend(group.exceptions)


def by_a_context(kept: list[BaseException]) -> None:
    with Path(__file__).open() as _, pytest.raises(AssertionError) as caught:
        fail()
    kept.append(caught.value)


def by_a_context_that_says_nothing(kept: list[BaseException]) -> None:
    class Takes:
        def __enter__(self) -> None: ...

        def __exit__(self, kind: object, error: object, traceback: object) -> bool:
            assert isinstance(error, BaseException)
            kept.append(error)
            return True

    taker = Takes()
    with taker:
        fail()


def by_an_expression(kept: list[BaseException]) -> None:
    try:
        fail()
    except [AssertionError][0] as error:
        kept.append(error)


def by_a_variable_that_is_gone(kept: list[BaseException]) -> None:
    kind = AssertionError
    try:
        fail()
    except kind as error:
        kept.append(error)
    del kind


def by_a_name_that_is_gone(kept: list[BaseException]) -> None:
    kinds = types.SimpleNamespace(Mine=AssertionError)
    try:
        fail()
    except kinds.Mine as error:
        kept.append(error)
    del kinds.Mine


@pytest.mark.parametrize(
    ("function", "line", "what"),
    [
        (by_class, 5, "except AssertionError"),
        (by_several, 3, "except (json.JSONDecodeError, AssertionError)"),
        (by_anything, 3, "except"),
        (by_the_outer, 7, "except builtins_of_mine.Wide"),
        (by_the_inner, 4, "except Exception"),
        (by_a_group, 3, "except AssertionError"),
        (by_a_context, 1, "with pytest.raises(AssertionError)"),
    ],
)
def test_what_caught_an_error(function: Callable[[list[BaseException]], None], line: int, what: str) -> None:
    assert caught_by(function) == f"{line_after(function, line)} ({what})"


@pytest.mark.parametrize(
    "function", [by_a_context_that_says_nothing, by_an_expression, by_a_name_that_is_gone, by_a_variable_that_is_gone]
)
def test_what_cannot_be_told(function: Callable[[list[BaseException]], None]) -> None:
    assert caught_by(function) is None


def test_an_error_without_a_traceback_was_caught_nowhere() -> None:
    assert places.caught_at(AssertionError()) is None


@pytest.mark.parametrize("source", ["", "try\n", "\0"])
def test_a_source_that_is_gone_or_changed_tells_nothing(source: str, tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    names: dict[str, Any] = {"fail": fail}
    exec(compile("try:\n    fail()\nexcept Exception as error:\n    kept = error\n", str(path), "exec"), names)
    path.write_text(source)

    assert places.caught_at(names["kept"]) is None
