"""``fluxhttp demo``: Flux's three examples through every transport installed, compared.

Each example is a row of the transport's answer; the tables have one line a
transport. What differs by nature, Date and duration, is shown and not compared.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from fluxhttp import Client, Config, InvalidRequestError, __version__, open_transport, peek
from fluxhttp._cli.echo import EchoOrigin
from fluxhttp._cli.failures import explain
from fluxhttp._cli.output import printable, write_stdout
from fluxhttp.transports.registry import registered_names

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from fluxhttp import Response

    Row = dict[str, str]

TOKEN = "TOKEN"  # noqa: S105 - the name of the variable, as on Flux's page
_DATA = {"data": {"x": 1, "y": 2, "z": 3}}
#: Long for loopback; it keeps a transport that hangs from hanging the demo.
_SECONDS = 10
#: No network behind these.
_SKIPPED = frozenset({"fake"})


def _post_json(client: Client, url: str) -> Response:
    return client.post(url, json=_DATA)


def _post_with_token(client: Client, url: str) -> Response:
    return client.post(url, headers={"Authorization": f"Bearer {os.environ[TOKEN]}"}, json=_DATA)


def _peek_row(response: Response) -> Row:
    row = peek(response)
    return {
        "status_code": str(row["status_code"]),
        "body": str(row["body"]),
        "duration": f"{response.duration_ns / 1e6:.1f} ms",
    }


def _dated_row(response: Response) -> Row:
    return {
        "status_code": str(response.status_code),
        "date": response.headers.get("Date", ""),
        "body": response.text,
    }


class Example(NamedTuple):
    """One of Flux's examples."""

    title: str
    code: str
    call: Callable[[Client, str], Response]
    row: Callable[[Response], Row]


EXAMPLES = (
    Example("POST with a JSON body", 'r = post(url, json={"data": {"x": 1, "y": 2, "z": 3}})', _post_json, _peek_row),
    Example(
        f"POST with a bearer token from the environment variable {TOKEN}",
        'r = post(url, headers={"Authorization": f"Bearer {token}"}, json=...)',
        _post_with_token,
        _peek_row,
    ),
    Example(
        "The response in a table, its Date looked up with a default",
        '{"status_code": r.status_code, "date": r.headers.get("Date", ""), "body": r.text}',
        _post_json,
        _dated_row,
    ),
)


class Outcome(NamedTuple):
    """What one transport made of one example.

    Attributes:
        row: its line in the table.
        facts: by name, what the transports must agree on; empty if the call failed.
    """

    row: Row
    facts: dict[str, object]


def run_demo() -> int:
    """Runs and prints it; 0 if every example went well and all transports agree, else 1."""
    outcomes: dict[str, list[Outcome]] = {}
    absent: list[str] = []
    with _token() as token, EchoOrigin(token) as origin:
        for name in registered_names():
            if name in _SKIPPED:
                continue
            try:
                transport = open_transport(name)
            except InvalidRequestError as error:
                is_missing = isinstance(error.__cause__, ImportError)
                absent.append(f"{name} is not {'installed' if is_missing else 'run: ' + str(error)}")
                continue
            with closing(transport), Client(transport, config=Config(timeout=_SECONDS)) as client:
                outcomes[name] = [_run(example, client, origin) for example in EXAMPLES]
    disagreements = compare(outcomes)
    lines = [f"fluxhttp {__version__}: Flux's three examples, against an echo origin at {origin.url}"]
    for index, example in enumerate(EXAMPLES):
        rows = [{"transport": name, **results[index].row} for name, results in outcomes.items()]
        lines += ["", f"{index + 1}. {example.title}", f"   {example.code}", ""]
        lines += [f"   {line}" for line in table(rows)]
    lines += ["", *absent, *_verdict(list(outcomes), disagreements), ""]
    write_stdout("\n".join(lines).encode("utf-8", "backslashreplace"))
    return 1 if disagreements else 0


@contextmanager
def _token() -> Generator[str, None, None]:
    """The token of the environment, or for this once one of ours."""
    is_ours = TOKEN not in os.environ
    if is_ours:
        os.environ[TOKEN] = "a token for the demo"
    try:
        yield os.environ[TOKEN]
    finally:
        if is_ours:
            del os.environ[TOKEN]


def _run(example: Example, client: Client, origin: EchoOrigin) -> Outcome:
    seen = len(origin.received)
    try:
        response = example.call(client, origin.url)
    except Exception as error:  # noqa: BLE001 - a transport of somebody else's may raise anything, and the others go on
        return Outcome({"status_code": "-", "body": explain(error)[1]}, {})
    facts: dict[str, object] = {
        "status line": (response.http_version, response.status_code, response.reason),
        "headers": [pair for pair in response.headers.multi_items() if pair[0].lower() != "date"],
        "body": response.body,
        "the request as the origin saw it": origin.received[seen:],
    }
    return Outcome(example.row(response), facts if response.ok else {})


def compare(outcomes: dict[str, list[Outcome]]) -> list[str]:
    """What the transports do not agree on, a line each; a failed example is one, too."""
    found: list[str] = []
    for index in range(len(EXAMPLES)):
        place = f"example {index + 1}"
        results = {name: results[index].facts for name, results in outcomes.items()}
        found += [f"{place}: {name} failed" for name, facts in results.items() if not facts]
        passed = [(name, facts) for name, facts in results.items() if facts]
        for name, facts in passed[1:]:
            first, expected = passed[0]
            found += [f"{place}: {fact}: {name} and {first} differ" for fact in facts if facts[fact] != expected[fact]]
    return found


def _verdict(names: Sequence[str], disagreements: Sequence[str]) -> list[str]:
    if disagreements:
        return ["They do not agree:", *[f"  {line}" for line in disagreements]]
    if len(names) == 1:
        return [f"{names[0]} gave the answers asked for. There is no second transport to compare it with."]
    return [
        f"{', '.join(names[:-1])} and {names[-1]} agree on all three.",
        "Compared: status line, headers, body, the request as the origin saw it. Not compared: Date, duration.",
    ]


def table(rows: Sequence[Row]) -> list[str]:
    """The lines of a table: a head, a rule, and a line a row, in columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *[[printable(row.get(name, "")) for name in names] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
