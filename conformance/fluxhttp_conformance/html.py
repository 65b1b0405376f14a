"""Reports as one page: cases by targets, without a script, and without anything from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from fluxhttp_conformance.fidelity import differences, fidelity
from fluxhttp_conformance.report import OUTCOMES, agreement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fluxhttp_conformance.fidelity import Fidelity
    from fluxhttp_conformance.report import Entry, Report

_find_section = re.compile(r"RFC (\d+), ([\d.]+)")

#: What a mark in the matrix says: by its word as well as its colour.
_MARKS = {
    "pass": "✓ pass",
    "fail": "✗ fail",
    "known-failure": "✗ known",
    "unexpected-pass": "! passes",
    "not-applicable": "– n/a",
    "harness-error": "? harness",
}


def as_html(reports: Sequence[Report]) -> str:
    """One page, self-contained, for several targets or one."""
    groups: dict[str, dict[str, Entry]] = {}
    for report in reports:
        for entry in report.results:
            groups.setdefault(entry.group, {}).setdefault(entry.id, entry)
    ordered = {group: [entries[id] for id in sorted(entries)] for group, entries in sorted(groups.items())}
    found = fidelity(reports)
    filters = _filters(ordered, several=len(reports) > 1, is_unlike=found is not None and bool(found.unlike))
    style = (files("fluxhttp_conformance") / "report.css").read_text(encoding="utf-8")
    names = ", ".join(report.target for report in reports)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>HTTP conformance: {escape(names)}</title>",
            f"<style>\n{style}{_filter_rules(filters)}</style></head><body>",
            "<h1>HTTP conformance</h1>",
            f'<p class="soft">{_headline(reports, ordered, found)}</p>',
            _scores(reports),
            _inputs(filters),
            _labels(filters),
            "<main>",
            *(_section(group, entries, reports, found) for group, entries in ordered.items()),
            "</main></body></html>\n",
        ]
    )


def _headline(reports: Sequence[Report], groups: dict[str, list[Entry]], found: Fidelity | None) -> str:
    cases = sum(map(len, groups.values()))
    versions = " and ".join(sorted({report.suite_version for report in reports}))
    text = f"{cases} cases in {len(groups)} groups; suite {escape(versions)}."
    if len(reports) > 1:
        compared = agreement(reports)
        text += f" The targets agree in {len(compared.same)} of {len(compared.same) + len(compared.different)} cases"
        text += f"; {len(compared.partial)} more are not applicable to one of them."
    if found is not None:
        text += f" Fidelity of the fake: {escape(str(found))}."
    return text


def _scores(reports: Iterable[Report]) -> str:
    items: list[str] = []
    for report in reports:
        summary = {outcome: count for outcome, count in report.summary.items() if count}
        total = max(1, sum(summary.values()))
        bar = "".join(
            f'<i class="{outcome}" style="width:{100 * count / total:.2f}%"></i>' for outcome, count in summary.items()
        )
        told = ", ".join(f'<span class="{outcome}">{count} {outcome}</span>' for outcome, count in summary.items())
        items.append(f'<li><b>{_breakable(report.target)}</b><div class="bar">{bar}</div>{told or "no case"}</li>')
    return f'<ul class="scores">{"".join(items)}</ul>'


# Filters: a radio button for each choice, before the table in the document, so that a rule of CSS
# can hide what it leaves out. A choice is its label, its id, and what it shows.


def _filters(
    groups: dict[str, list[Entry]], *, several: bool, is_unlike: bool
) -> dict[str, list[tuple[str, str, str]]]:
    entries = [entry for group in groups.values() for entry in group]
    kinds = sorted({entry.kind for entry in entries}, reverse=True)
    tags = sorted({tag for entry in entries for tag in entry.tags})
    return {
        "show": [
            ("all cases", "show-all", ""),
            ("not passing", "show-open", ".is-open"),
            *([("where targets differ", "show-different", ".is-different")] if several else []),
            *([("observed otherwise", "show-unlike", ".is-unlike")] if is_unlike else []),
        ],
        "kind": [("any", "kind-all", ""), *((kind, f"kind-{kind}", f".is-{kind}") for kind in kinds)],
        "tag": [("any", "tag-all", ""), *((tag, f"tag-{tag}", f".is-{tag}") for tag in tags)],
        "group": [("all", "group-all", ""), *((group, f"group-{group}", f"#g-{group}") for group in groups)],
    }


def _filter_rules(filters: dict[str, list[tuple[str, str, str]]]) -> str:
    rules: list[str] = []
    for name, choices in filters.items():
        for _, id, shows in choices:
            rules.append(f"#{id}:checked ~ .filters label[for={id}] {{ background: var(--ink); color: var(--paper); }}")
            rules.append(f"#{id}:focus-visible ~ .filters label[for={id}] {{ outline: 3px solid var(--link); }}")
            if shows:
                # One rule each: a browser without :has leaves out only its own, and shows empty groups.
                hidden = ("section:not({})",) if name == "group" else ("tbody:not({})", "section:not(:has({}))")
                rules += [f"#{id}:checked ~ main {each.format(shows)} {{ display: none; }}" for each in hidden]
    return "\n".join(rules) + "\n"


def _inputs(filters: dict[str, list[tuple[str, str, str]]]) -> str:
    return "\n".join(
        f'<input type="radio" name="{name}" id="{id}" aria-label="{name}: {label}"{"" if shows else " checked"}>'
        for name, choices in filters.items()
        for label, id, shows in choices
    )


def _labels(filters: dict[str, list[tuple[str, str, str]]]) -> str:
    lines: list[str] = []
    for name, choices in filters.items():
        labels = "".join(f'<label for="{id}">{label}</label>' for label, id, _ in choices)
        lines.append(f"<div><span>{name}</span><p>{labels}</p></div>")
    return f'<div class="filters">{"".join(lines)}</div>'


# The matrix


def _section(group: str, entries: Sequence[Entry], reports: Sequence[Report], compared: Fidelity | None) -> str:
    heads = "".join(f'<th class="target" scope="col">{_breakable(report.target)}</th>' for report in reports)
    by_target = [{entry.id: entry for entry in report.results} for report in reports]
    rows = [_row(entry, [found.get(entry.id) for found in by_target], reports, compared) for entry in entries]
    counted = Counter(found[entry.id].outcome for found in by_target for entry in entries if entry.id in found)
    told = ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES if counted[outcome])
    times = f" × {len(reports)} targets" if len(reports) > 1 else ""
    return (
        f'<section id="g-{group}"><header><h2>{group}</h2>'
        f'<span class="soft">{len(entries)} cases{times}: {told}</span></header>'
        f'<table><thead><tr><th scope="col">case</th>{heads}</tr></thead>\n{"".join(rows)}</table></section>'
    )


def _row(case: Entry, told: Sequence[Entry | None], reports: Sequence[Report], compared: Fidelity | None) -> str:
    outcomes = {entry.outcome for entry in told if entry is not None}
    classes = [f"is-{case.kind}", *(f"is-{tag}" for tag in case.tags)]
    if outcomes - {"pass", "not-applicable"}:
        classes.append("is-open")
    if len(outcomes - {"not-applicable"}) > 1:
        classes.append("is-different")
    if compared is not None and case.id in compared.unlike:
        classes.append("is-unlike")
    id = escape(case.id.replace("/", "--"))
    marks: list[str] = []
    details: list[str] = []
    for entry, report in zip(told, reports, strict=True):
        outcome = "not-run" if entry is None else entry.outcome
        mark = _MARKS.get(outcome, "not run")
        marks.append(f'<td class="mark {outcome}" data-target="{escape(report.target)}">{mark}</td>')
        if entry is not None and entry.message:
            details.append(_details(entry, report.target))
    facts = [*case.tags, *sorted({f"also {way}" for entry in told if entry for way in entry.ways} - {"also script"})]
    tags = "".join(f" · {fact}" for fact in facts)
    row = (
        f'<tbody class="{" ".join(classes)}"><tr id="{id}"><th scope="row">'
        f'<a class="id" href="#{id}">{_breakable(case.id)}</a>'
        f'<div class="why">{_prose(case.reason)}</div>'
        f'<div class="facts"><b>{case.kind}</b> · {case.level}{tags} · {_anchors(case.anchor)}</div></th>'
        f"{''.join(marks)}</tr>"
    )
    if compared is not None and case.id in compared.unlike:
        details.append(_otherwise(case.id, reports, compared))
    if details:
        row += f'<tr class="more"><td colspan="{len(reports) + 1}">{"".join(details)}</td></tr>'
    return row + "</tbody>\n"


def _details(entry: Entry, target: str) -> str:
    if entry.outcome == "not-applicable":
        return f'<p class="facts">{escape(target)}: not applicable, {escape(_visible(entry.message))}</p>'
    return (
        f'<details class="{entry.outcome}"><summary>{escape(target)}: {escape(_visible(entry.gist))}</summary>'
        f"<pre>{escape(_visible(entry.message))}</pre></details>"
    )


def _otherwise(id: str, reports: Sequence[Report], compared: Fidelity) -> str:
    """What was observed of the fake beside what was observed of a real transport, and why if that is known."""
    known = compared.known.get(id)
    reason = "nothing explains it" if known is None else f"known: {known}"
    lines = "\n".join(differences(id, reports))
    return (
        f'<details class="{"fail" if known is None else "known-failure"}"><summary>observed otherwise: '
        f"{escape(reason)}</summary><pre>{escape(_visible(lines))}</pre></details>"
    )


def _breakable(name: str) -> str:
    """A name that a narrow column can break where it has parts."""
    return re.sub(r"([/.:])", r"\1<wbr>", escape(name))


def _visible(text: str) -> str:
    """Control characters and lone surrogates as their escapes: a page cannot hold them."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def _prose(text: str) -> str:
    return re.sub(r"``?([^`]+)``?", r"<code>\1</code>", escape(text))


def _anchors(anchor: str) -> str:
    return _find_section.sub(
        lambda match: f'<a href="https://www.rfc-editor.org/rfc/rfc{match[1]}#section-{match[2]}">{match[0]}</a>',
        escape(anchor),
    )
