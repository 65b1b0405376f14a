"""Ten thousand rows, one POST each: a thread pool, one client, and a bar that shows how far it is.

python post_rows.py http://localhost:8080/rows
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from rich.progress import track

import fluxhttp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

THREADS = 8


def post_row(client: fluxhttp.Client, url: str, row: object) -> str:
    """Posts one row, and says in a word what became of it."""
    try:
        response = client.post(url, json=row)
    except fluxhttp.TransportError as error:
        # One row that is lost must not take the others with it. Whether it
        # arrived nobody knows, so it is told and not sent again.
        return f"{type(error).__name__}, {'maybe' if error.maybe_sent else 'never'} sent"
    return str(response.status_code)


def post_rows(
    url: str, rows: Iterable[object], *, transport: fluxhttp.Transport | None = None, console: Console | None = None
) -> Counter[str]:
    """Posts all rows over one client, and counts what became of them.

    A thread takes a connection that is idle, so that there are never more than
    there are threads, and each is used again and again.
    """
    todo = list(rows)
    inner = transport or fluxhttp.StdlibTransport(max_idle_per_origin=THREADS)
    with fluxhttp.Client(inner, config=fluxhttp.Config(timeout=30)) as client, ThreadPoolExecutor(THREADS) as pool:
        try:
            outcomes = pool.map(partial(post_row, client, url), todo)
            return Counter(track(outcomes, "posting", total=len(todo), console=console))
        finally:
            if transport is None:
                inner.close()


if __name__ == "__main__":
    for outcome, count in post_rows(sys.argv[1], ({"n": number} for number in range(10_000))).most_common():
        print(f"{count:6,}  {outcome}")
