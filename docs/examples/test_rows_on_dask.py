"""Ten thousand rows from two worker processes to an origin on loopback; three of them have accidents."""

from __future__ import annotations

import io
import os
import socket
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from distributed import Client as Cluster
from distributed import LocalCluster
from notes_origin import serve_notes
from rich.console import Console
from rich.progress import Progress
from rows_on_dask import HTTPPlugin, named, post_rows, send_batch

import fluxhttp

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    local = LocalCluster(n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address=None)
    with local, Cluster(local) as client:
        yield client


def test_ten_thousand_rows_cross_processes_and_arrive(cluster: Cluster) -> None:
    rows = [{"n": number} for number in range(9_997)]
    rows[5_000:5_000] = [{"n": -1, "fail": "reset"}, {"n": -2, "fail": "status"}, {"n": -3, "fail": "reset"}]
    with serve_notes() as server, Progress(console=Console(file=io.StringIO())) as progress:
        outcomes = post_rows(cluster, f"{server.url}/rows", rows, progress=progress)

        assert Counter(map(named, outcomes)) == {"201": 9_997, "503": 1, "ReceiveError": 2}
        assert sorted(row["n"] for row in server.rows) == [-3, -2, -1, *range(9_997)]
        assert server.connections <= 2 * 2 + 2  # a connection that was reset is not used again
    assert all(outcome.json()["n"] >= 0 for outcome in outcomes if named(outcome) == "201")
    for outcome in outcomes:
        if isinstance(outcome, fluxhttp.ReceiveError):
            assert (outcome.method, outcome.url, outcome.maybe_sent) == ("POST", f"{server.url}/rows", True)


def test_a_request_is_built_here_and_sent_there(cluster: Cluster) -> None:
    cluster.register_plugin(HTTPPlugin(), name="http")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/rows"
    request = fluxhttp.Request.build("POST", url, json={"n": 1})

    process, [outcome] = cluster.submit(lambda: (os.getpid(), send_batch([request])), pure=False).result()

    assert process != os.getpid()
    assert isinstance(outcome, fluxhttp.ConnectError)
    assert not outcome.maybe_sent
