"""The form of the JSON reports: the published schema, and a check that needs no other package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class ReportError(ValueError):
    """A file is no report of this suite."""


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a report, or of an array of reports."""
    loaded: dict[str, Any] = json.loads((files("fluxhttp_conformance") / "report.schema.json").read_text("utf-8"))
    return loaded


def check_report(path: Path) -> list[dict[str, Any]]:
    """The reports of a file, as JSON has them.

    Raises:
        ReportError: it cannot be read, is no JSON, or does not fit the schema.
    """
    try:
        loaded: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"{path}: {error}") from error
    reports: list[Any] = loaded if _is("array", loaded) else [loaded]
    definitions = schema()["$defs"]
    for number, report in enumerate(reports):
        _check(report, definitions["report"], definitions, f"{path}: report {number}")
    return reports


_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
}


def _is(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and not isinstance(value, bool)


def _check(value: Any, rule: dict[str, Any], definitions: dict[str, Any], where: str) -> None:
    """As much of JSON schema as the schema of reports makes use of."""
    if "$ref" in rule:
        rule = definitions[rule["$ref"].rpartition("/")[2]]
    kind = rule.get("type")
    if kind is not None and not _is(kind, value):
        raise ReportError(f"{where}: expected {kind}, got {type(value).__name__}")
    if "enum" in rule and value not in rule["enum"]:
        raise ReportError(f"{where}: {value!r} is none of {', '.join(rule['enum'])}")
    if kind == "object":
        members: dict[str, Any] = value
        properties: dict[str, Any] = rule["properties"]
        if missing := [name for name in rule["required"] if name not in members]:
            raise ReportError(f"{where}: {missing[0]} is missing")
        if unknown := sorted(set(members) - set(properties)):
            raise ReportError(f"{where}: unknown property {unknown[0]!r}")
        for name, member in members.items():
            _check(member, properties[name], definitions, f"{where}: {name}")
    elif kind == "array":
        items: list[Any] = value
        for number, item in enumerate(items):
            _check(item, rule["items"], definitions, f"{where} {number}")
