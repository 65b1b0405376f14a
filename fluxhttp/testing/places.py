"""Where in somebody's code something was said, raised or caught: file and line."""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

_PACKAGE_FOLDER = f"{Path(__file__).parent.parent}{os.sep}"
_UNKNOWN = object()


def registered_at() -> str:
    """The file, by its name, and the line outside fluxhttp that are being executed."""
    frame = _first_outside(sys._getframe(1))
    return f"{_name(frame.f_code.co_filename)}:{frame.f_lineno}"


def raised_at() -> str:
    """The file, from the current directory on, and the line outside fluxhttp that are being executed."""
    frame = _first_outside(sys._getframe(1))
    return f"{_shown(frame.f_code.co_filename)}:{frame.f_lineno}"


def defined_at(function: object) -> str:
    """The file, by its name, and the line of a function; its module, if it is not written in Python."""
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", None) or type(function).__module__)
    return f"{_name(code.co_filename)}:{code.co_firstlineno}"


def _first_outside(frame: FrameType) -> FrameType:
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE_FOLDER):
        frame = frame.f_back
    return frame


def _shown(filename: str) -> str:
    try:
        relative = os.path.relpath(filename)
    except (OSError, ValueError):  # the current directory is gone, or on another drive
        relative = os.pardir
    return _name(filename) if relative.startswith(os.pardir) else relative.replace(os.sep, "/")


def _name(filename: str) -> str:
    # Not a Path's: this runs for every route.
    return filename.rpartition(os.sep)[2]


def caught_at(error: BaseException) -> str | None:
    """Where an error was caught, as far as it can be told: file, line, and what caught it.

    An error's traceback begins in the frame that caught it; what in its source
    encloses the line, and takes such an error, is looked for.
    """
    traceback = error.__traceback__
    if traceback is None:
        return None
    filename = traceback.tb_frame.f_code.co_filename
    try:
        tree = ast.parse("".join(linecache.getlines(filename, traceback.tb_frame.f_globals)))
    except (SyntaxError, ValueError):  # ValueError: a null byte
        return None
    found = _catcher(tree, traceback, type(error))
    return None if found is None else f"{_shown(filename)}:{found[0]} ({found[1]})"


def _catcher(tree: ast.Module, traceback: TracebackType, kind: type[BaseException]) -> tuple[int, str] | None:
    """The innermost clause around the line that takes an error of that class: its line and its words."""
    frame, line = traceback.tb_frame, traceback.tb_lineno
    # What begins before the function does encloses its definition, not its calls.
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Try | ast.TryStar | ast.With)
        and node.lineno >= frame.f_code.co_firstlineno
        and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
    ]
    clauses = [_clause(node, frame, kind) for node in sorted(around, key=lambda node: -node.lineno)]
    return next((clause for clause in clauses if clause is not None), None)


def _clause(
    node: ast.Try | ast.TryStar | ast.With, frame: FrameType, kind: type[BaseException]
) -> tuple[int, str] | None:
    if not isinstance(node, ast.With):
        for handler in node.handlers:
            if handler.type is None:
                return handler.lineno, "except"
            if _takes(handler.type, frame, kind):
                return handler.lineno, f"except {ast.unparse(handler.type)}"
        return None
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and any(_takes(argument, frame, kind) for argument in call.args):
            return node.lineno, f"with {ast.unparse(call)}"
    return None


def _takes(expression: ast.expr, frame: FrameType, kind: type[BaseException]) -> bool:
    parts = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    values = [_value(part, frame) for part in parts]
    return any(isinstance(value, type) and issubclass(kind, value) for value in values)


def _value(expression: ast.expr, frame: FrameType) -> object:
    """What a name stands for in a frame; nothing is evaluated."""
    if isinstance(expression, ast.Attribute):
        return getattr(_value(expression.value, frame), expression.attr, _UNKNOWN)
    if isinstance(expression, ast.Name):
        name = expression.id
        for names in (frame.f_locals, frame.f_globals, vars(builtins)):
            if name in names:
                return names[name]
    return _UNKNOWN
