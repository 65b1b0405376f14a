"""Ten thousand rows to an origin on loopback, and the accidents with the fake."""

from __future__ import annotations

import io

import pytest
from notes_origin import serve_notes
from post_rows import THREADS, post_rows
from rich.console import Console

from fluxhttp.testing import FakeTransport, faults


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True)


def test_ten_thousand_rows_arrive_over_few_connections(console: Console) -> None:
    with serve_notes() as server:
        outcomes = post_rows(f"{server.url}/rows", ({"n": number} for number in range(10_000)), console=console)

        assert outcomes == {"201": 10_000}
        assert sorted(row["n"] for row in server.rows) == list(range(10_000))
        assert server.connections <= THREADS
    assert isinstance(console.file, io.StringIO)
    assert "100%" in console.file.getvalue()


def test_a_row_that_fails_does_not_stop_the_others(console: Console) -> None:
    with FakeTransport() as fake:
        fake.post("https://api.test/rows", json={"n": 3}).fail(faults.reset())
        fake.post("https://api.test/rows", json={"n": 4}).fail(faults.connect_refused())
        fake.post("https://api.test/rows").respond(201)

        outcomes = post_rows(
            "https://api.test/rows", ({"n": number} for number in range(10)), transport=fake, console=console
        )

    assert outcomes == {"201": 8, "ReceiveError, maybe sent": 1, "ConnectError, never sent": 1}
