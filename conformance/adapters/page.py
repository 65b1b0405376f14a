"""docs/scoreboard.md and README's table, from what ``scoreboard.json`` says."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

_find_section = re.compile(r"RFC (\d+), ([\d.]+)")
_OURS = ("stdlib", "urllib3", "fake")
_MARKS = {"pass": "✓", "fail": "**✗**", "known-failure": "**✗**", "not-applicable": "–", "not asked": "·"}

_HEAD = """\
# Scoreboard

How other clients sit [the suite](conformance.md) beside ours. It was written by the authors of fluxhttp, and fluxhttp
was written to pass it; so read what a case asks for before you count. Other clients do much that none of these cases
looks at: HTTP/2, cookies, `async`.

What counts here:

- Only cases that a current RFC alone demands. [Our own decisions](decisions.md), and what our seam asks of a transport,
  stand apart below.
- Only what a transport does. Redirects, content codings, limits of the body and credentials are done by our client
  above each of them, and show nothing.
- Where an error is due, any error will do, whatever its class and text. A time-out will not: who waits until the time
  is over has not refused.
- Clients but ours are given no dialer and no proxy. What needs one does not apply to them (–), and is not counted.
- What a case asks for beyond its RFC is not counted against a client that does otherwise (·); the reasons are
  [listed below](#not-counted).
- A case that another client fails is played to it twice more, and counts as passed if it passes once; the matrix shows
  that as (✓). Ours have one try.
- Each client is used through its public interface, by an adapter of less than 60 lines of code; they are in
  `conformance/adapters/`.
"""

_DISPUTED = """\
## What may be disputed

- `bodies/answered-early` and `bodies/answered-early-and-kept-open` rest on a SHOULD: a client is to watch for an answer
  while it sends (RFC 9112, 9.5).
- `tls/close-notify-missing` is what a body without a length meets when TLS is cut off. Python's `ssl` hides it unless
  told otherwise.
- `lines/malformed`, `interim/malformed` and `trailers/malformed` want an answer refused that the grammar does not
  allow. Not every such line has a MUST of its own, and a client may be lenient by intent.
- `targets/empty-path` wants the empty query of `/?` sent. By RFC 3986, 6.2.3 that is another URL than `/`; many servers
  make no difference.
- A case fails as a whole: a client that handles nine of its ten answers rightly gets the same mark as one that
  handles none.
- With pycurl the whole body is read before the first byte of it is handed over, so cases on what is left unread show
  less of it.

Where we lose: our two real transports pass every case that counts, which says little, for the suite is what we test by.
The fake has no sockets; what it cannot do therefore is in its [ledger](conformance.md#the-ledger), or does not apply.
The speed of each is [another page](performance.md).
"""


def outcome(data: dict[str, Any], client: str, id: str) -> str:
    """How a client did in a case: pass, fail, known-failure, not-applicable, or not asked."""
    told = data["not_passed"][client].get(id)
    if told is None:
        return "pass"
    return "not asked" if told["why"].startswith("not asked: ") else str(told["outcome"])


def score(data: dict[str, Any], client: str, cases: str = "counted") -> tuple[int, int]:
    """In how many cases a client passed, and of how many that it was asked."""
    told = [outcome(data, client, id) for id in data[cases]]
    passed = told.count("pass")
    return passed, passed + sum(told.count(each) for each in ("fail", "known-failure"))


def _ranked(data: dict[str, Any]) -> list[str]:
    peers = [client for client in data["versions"] if client not in _OURS]
    return [*_OURS, *sorted(peers, key=lambda client: -score(data, client)[0] / score(data, client)[1])]


def _label(client: str) -> str:
    return f"fluxhttp, {client}" if client in _OURS else client


def _totals(data: dict[str, Any]) -> list[str]:
    lines = ["| client | version | passes | of those asked | not asked | not applicable |", "|---|---|--:|--:|--:|--:|"]
    for client in _ranked(data):
        passed, asked = score(data, client)
        told = [outcome(data, client, id) for id in data["counted"]]
        lines.append(
            f"| {_label(client)} | {data['versions'][client]} | {passed} | {asked} "
            f"| {told.count('not asked')} | {told.count('not-applicable')} |"
        )
    return lines


def top_lines(data: dict[str, Any]) -> str:
    """The table for README."""
    lines = [
        f"| {data['date']}, {len(data['counted'])} cases that an RFC demands | passes | of those asked |",
        "|---|--:|--:|",
    ]
    for client in _ranked(data):
        passed, asked = score(data, client)
        lines.append(f"| {_label(client)} {data['versions'][client]} | {passed} | {asked} |")
    return "\n".join(lines) + "\n"


def _matrix(data: dict[str, Any]) -> list[str]:
    clients = _ranked(data)
    lines: list[str] = []
    for group, ids in groupby(data["counted"], key=lambda id: id.partition("/")[0]):
        lines += ["", f"### {group}", ""]
        lines += [f"| case | {' | '.join(clients)} |", f"|---|{':-:|' * len(clients)}"]
        for id in ids:
            marks = " | ".join(_mark(data, client, id) for client in clients)
            lines.append(f"| `{id.partition('/')[2]}` {_linked(data['counted'][id])} | {marks} |")
    return lines


def _mark(data: dict[str, Any], client: str, id: str) -> str:
    return "(✓)" if id in data["passed_later"][client] else _MARKS[outcome(data, client, id)]


def _linked(anchor: str) -> str:
    return _find_section.sub(r"[\g<0>](https://www.rfc-editor.org/rfc/rfc\1#section-\2)", anchor)


def _not_counted(data: dict[str, Any]) -> list[str]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for client, cases in data["not_passed"].items():
        for id, told in cases.items():
            if told["why"].startswith("not asked: "):
                reasons.setdefault((id, told["why"].removeprefix("not asked: ")), []).append(client)
    lines = ["| case | client | why |", "|---|---|---|"]
    return lines + [f"| `{id}` | {', '.join(clients)} | {why} |" for (id, why), clients in sorted(reasons.items())]


def _apart(data: dict[str, Any]) -> list[str]:
    lines = ["| client | passes | of those that apply |", "|---|--:|--:|"]
    for client in _ranked(data):
        passed, asked = score(data, client, "apart")
        lines.append(f"| {_label(client)} | {passed} | {asked} |")
    return lines


def page(data: dict[str, Any]) -> str:
    """The page as Markdown."""
    return "\n".join(
        [
            "<!-- Written by conformance/adapters/scoreboard.py from scoreboard.json beside it; change those. -->",
            "",
            _HEAD,
            f"Run on {data['date']} with Python {data['python']} and {data['openssl']}, suite {data['suite']}, by",
            "`python -m adapters.scoreboard run` in `conformance/`; `--html FILE` also writes what went over the wire.",
            "",
            *_totals(data),
            "",
            _DISPUTED,
            "## Case by case",
            "",
            "✓ passes, (✓) passes at times, **✗** fails, · not asked, – does not apply.",
            "`fluxhttp-conformance explain ID` tells what a case asks for, and",
            "`fluxhttp-conformance serve ID` plays it to any client.",
            *_matrix(data),
            "",
            "## Not counted",
            "",
            *_not_counted(data),
            "",
            "## Our own decisions",
            "",
            f"{len(data['apart'])} cases rest on a decision of ours or on the seam of our transports. No client but",
            "ours promises any of that, so these figures are no score.",
            "",
            *_apart(data),
            "",
        ]
    )
