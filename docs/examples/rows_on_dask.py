"""The same ten thousand rows on dask.distributed: requests, responses and errors cross processes by pickle.

python rows_on_dask.py http://localhost:8080/rows
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from distributed import Client as Cluster
from distributed import LocalCluster, WorkerPlugin, as_completed, get_worker
from rich.progress import Progress

import fluxhttp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from distributed import Worker

    Outcome = fluxhttp.Response | fluxhttp.FluxHTTPError

BATCH = 500


class HTTPPlugin(WorkerPlugin):
    """Gives each worker a client: it holds sockets and never crosses processes. The worker's threads share it."""

    def setup(self, worker: Worker) -> None:
        """Runs when the worker starts."""
        worker.http = fluxhttp.Client(config=fluxhttp.Config(timeout=30))

    def teardown(self, worker: Worker) -> None:
        """Runs when it ends."""
        worker.http.close()


def send_batch(requests: list[fluxhttp.Request]) -> list[Outcome]:
    """Runs in a worker: sends requests that were built elsewhere."""
    client = get_worker().http
    return [send(client, request) for request in requests]


def send(client: fluxhttp.Client, request: fluxhttp.Request) -> Outcome:
    """The answer, or the error: either is a value that can be sent back."""
    try:
        return client.send(request)
    except fluxhttp.FluxHTTPError as error:
        return error


def post_rows(cluster: Cluster, url: str, rows: Iterable[object], *, progress: Progress) -> list[Outcome]:
    """Posts all rows, and returns what became of them, in the order they ended."""
    cluster.register_plugin(HTTPPlugin(), name="http")
    # Built here, once: what cannot be sent is refused before a worker sees it.
    requests = [fluxhttp.Request.build("POST", url, json=row) for row in rows]
    task = progress.add_task("posting", total=len(requests))
    # pure=False: two equal batches are two batches.
    futures = cluster.map(send_batch, list(batches(requests)), pure=False)
    outcomes: list[Outcome] = []
    for _, done in as_completed(futures, with_results=True):
        outcomes += done
        progress.update(task, completed=len(outcomes))
    return outcomes


def batches(requests: Iterable[fluxhttp.Request]) -> Iterator[list[fluxhttp.Request]]:
    """The same in lists."""
    source = iter(requests)
    while batch := list(islice(source, BATCH)):
        yield batch


def named(outcome: Outcome) -> str:
    """In a word."""
    return str(outcome.status_code) if isinstance(outcome, fluxhttp.Response) else type(outcome).__name__


if __name__ == "__main__":
    with LocalCluster(n_workers=2) as local, Cluster(local) as cluster, Progress() as progress:
        outcomes = post_rows(cluster, sys.argv[1], ({"n": number} for number in range(10_000)), progress=progress)
    for outcome, count in Counter(map(named, outcomes)).most_common():
        print(f"{count:6,}  {outcome}")
