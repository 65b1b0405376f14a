"""Puts the catalogue of the conformance suite, and its zoo, into their page."""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent / "conformance"))

PLACE = "<!-- the list of cases is put here when the page is built -->"
ZOO_PLACE = "<!-- the list of creatures is put here when the page is built -->"
_find_section = re.compile(r"RFC (\d+), ([\d.]+)")


def cases_table() -> str:
    """The catalogue as Markdown: a heading and a table for each group."""
    from fluxhttp_conformance import catalogue  # noqa: PLC0415  # the path above comes first

    cases = catalogue()
    security = "Those marked *security* guard against a published attack, or keep a secret."
    lines = [f"{len(cases)} cases. {security} Those marked *slow* are in the full profile alone."]
    for group, members in groupby(cases, key=lambda case: case.id.partition("/")[0]):
        lines += ["", f"### {group}", "", "| case | what it asks for | kind | anchor |", "|---|---|---|---|"]
        for case in members:
            anchor = _find_section.sub(r"[\g<0>](https://www.rfc-editor.org/rfc/rfc\1#section-\2)", case.anchor)
            reason = " ".join(case.reason.split()).replace("``", "`").replace("|", r"\|").replace("<", r"\<")
            kind = ", ".join([case.kind, *(f"*{tag}*" for tag in ("security", "slow") if tag in case.tags)])
            lines.append(f"| `{case.id}` | {reason} | {kind} | {anchor} |")
    return "\n".join(lines)


def zoo_table() -> str:
    """The creatures of the zoo as a Markdown table."""
    from fluxhttp_conformance.zoo import creatures  # noqa: PLC0415  # the path above comes first

    zoo = creatures().values()
    lines = [f"{len(zoo)} creatures:", "", "| creature | what it does | like | caught by |", "|---|---|---|---|"]
    for creature in zoo:
        like = creature.like.replace("|", r"\|")
        caught_by = ", ".join(f"`{id}`" for id in creature.caught_by)
        lines.append(f"| `{creature.name}` | {creature.description} | {like} | {caught_by} |")
    return "\n".join(lines)


def _put_table(app: Sphinx, page: str, source: list[str]) -> None:
    if page == "conformance":
        source[0] = source[0].replace(PLACE, cases_table()).replace(ZOO_PLACE, zoo_table())


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the hook."""
    app.connect("source-read", _put_table)
    return {"parallel_read_safe": True}
