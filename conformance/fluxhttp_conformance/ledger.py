"""Ledger: the deviations of one transport that are known, each with its reason.

A TOML file, kept beside the transport::

    [[deviation]]
    case = "framing/short-body"
    reason = "the library below hides the end of the connection"
    link = "https://example.org/issues/1"

It is strict both ways: a failure that is not listed fails the run, and so does
a listed case that passes.
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
    """The deviations of one transport, by case id."""

    deviations: Mapping[str, Deviation] = field(default_factory=_no_deviations)

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
        found: Any = tables.pop("deviation", [])
        if tables or not _is(list, found):
            raise LedgerError(f"{name}: expected [[deviation]] tables alone, got {', '.join(tables) or 'deviation'}")
        known = {case.id for case in catalogue()}
        deviations: dict[str, Deviation] = {}
        entries: list[Any] = found
        for number, entry in enumerate(entries, 1):
            deviation = _read_entry(entry, f"{name}: deviation {number}")
            if deviation.case not in known:
                raise LedgerError(f"{name}: deviation {number}: there is no case {deviation.case!r}")
            if deviation.case in deviations:
                raise LedgerError(f"{name}: deviation {number}: {deviation.case} is listed twice")
            deviations[deviation.case] = deviation
        return cls(deviations=deviations)


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
