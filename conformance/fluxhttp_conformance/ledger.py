"""Ledger: the deviations of one transport that are known, each with its reason.

A TOML file, kept beside the transport::

    [[deviation]]
    case = "framing/short-body"
    reason = "the library below hides the end of the connection"
    link = "https://example.org/issues/1"

It is strict both ways: a failure that is not listed fails the run, and so does
a listed case that passes. A ``[[difference]]`` has the same keys: it says why a
fake passes a case and yet shows something else than the real transports do.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fluxhttp_conformance.case import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self


class LedgerError(ValueError):
    """The ledger cannot be read, or says what it may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One entry.

    Args:
        case: the id of the case that is known to fail.
        reason: why it does.
        link: where that is discussed; None if nowhere.
    """

    case: str
    reason: str
    link: str | None = None

    def __str__(self) -> str:
        return self.reason if self.link is None else f"{self.reason} ({self.link})"


def _no_deviations() -> Mapping[str, Deviation]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What is known of one transport, by case id.

    Args:
        deviations: the cases that fail.
        differences: the cases that a fake passes, showing something else than the real transports do.
    """

    deviations: Mapping[str, Deviation] = field(default_factory=_no_deviations)
    differences: Mapping[str, Deviation] = field(default_factory=_no_deviations)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The ledger of a file.

        Raises:
            LedgerError: it cannot be read, is no TOML, lists a case that does
                not exist or one twice, or an entry has no reason.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LedgerError(f"{path}: cannot be read: {error}") from error
        return cls.parse(text, name=str(path))

    @classmethod
    def shipped(cls, target: str) -> Self:
        """The ledger that comes with the suite for a transport of that name; empty if there is none."""
        name = f"{target}.toml"
        found = files("fluxhttp_conformance") / "ledgers" / name
        return cls.parse(found.read_text(encoding="utf-8"), name=name) if found.is_file() else cls()

    @classmethod
    def parse(cls, text: str, *, name: str = "ledger") -> Self:
        """The ledger of a text.

        Args:
            text: the TOML.
            name: what messages call it.

        Raises:
            LedgerError: as for ``read``.
        """
        try:
            tables: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise LedgerError(f"{name}: {error}") from error
        entries: dict[str, Any] = {kind: tables.pop(kind, []) for kind in ("deviation", "difference")}
        if tables or not all(_is(list, found) for found in entries.values()):
            wrong = ", ".join(tables or (kind for kind, found in entries.items() if not _is(list, found)))
            raise LedgerError(f"{name}: expected [[deviation]] and [[difference]] tables alone, got {wrong}")
        deviations = _read_entries(entries["deviation"], f"{name}: deviation")
        differences = _read_entries(entries["difference"], f"{name}: difference")
        if both := sorted(set(deviations) & set(differences)):
            raise LedgerError(f"{name}: {both[0]} is listed as a deviation and as a difference")
        return cls(deviations=deviations, differences=differences)


def _read_entries(entries: list[Any], where: str) -> dict[str, Deviation]:
    known = {case.id for case in catalogue()}
    found: dict[str, Deviation] = {}
    for number, entry in enumerate(entries, 1):
        deviation = _read_entry(entry, f"{where} {number}")
        if deviation.case not in known:
            raise LedgerError(f"{where} {number}: there is no case {deviation.case!r}")
        if deviation.case in found:
            raise LedgerError(f"{where} {number}: {deviation.case} is listed twice")
        found[deviation.case] = deviation
    return found


def _is(kind: type, value: Any) -> bool:
    # Unlike isinstance this narrows nothing: what TOML holds stays Any for the type checkers.
    return isinstance(value, kind)


def _read_entry(table: Any, where: str) -> Deviation:
    if not _is(dict, table):
        raise LedgerError(f"{where}: expected a table")
    entry: dict[str, Any] = table
    if unknown := sorted(set(entry) - {"case", "reason", "link"}):
        raise LedgerError(f"{where}: unknown key {unknown[0]!r}")
    for key in ("case", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise LedgerError(f"{where}: {key} must be a text that is not empty")
    if not isinstance(entry.get("link", ""), str):
        raise LedgerError(f"{where}: link must be a text")
    return Deviation(**entry)
