"""What was set out to be reached, and where in the figures of ``all`` it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_STDLIB, _URLLIB3, _FAKE = "fluxhttp stdlib", "fluxhttp urllib3", "fluxhttp fake"
_AT_MOST, _AT_LEAST = "≤", "≥"


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal.

    Attributes:
        work: what is done.
        run: the command, as it stands in the report.
        table: which of its tables.
        row: the contender.
        column: of the table.
        sense: whether the figure is to be at most or at least the number.
        number: what is to be reached.
    """

    work: str
    run: str
    table: int
    row: str
    column: str
    sense: str
    number: float

    @property
    def bound(self) -> str:
        """The goal in print."""
        return f"{self.sense} {self.number:,g} {self.column}"

    def figure(self, runs: dict[str, Any]) -> float | None:
        """What was reached; None if that was not measured."""
        if self.run not in runs:
            return None
        row = next((row for row in runs[self.run]["tables"][self.table]["rows"] if row["name"] == self.row), None)
        cell = None if row is None else row.get(self.column)
        if cell is None:
            return None
        return float(cell["median"]) if isinstance(cell, dict) else float(cell)

    def is_reached(self, figure: float) -> bool:
        """Whether a figure is good enough."""
        return figure <= self.number if self.sense == _AT_MOST else figure >= self.number


GOALS = (
    Goal("GET over stdlib, no kernel", "calls --no-kernel", 0, _STDLIB, "CPU µs to http.client", _AT_MOST, 0.40),
    Goal(
        "POST of 1 KB over stdlib, no kernel", "calls --no-kernel", 1, _STDLIB, "CPU µs to http.client", _AT_MOST, 0.40
    ),
    Goal("GET over urllib3, no kernel", "calls --no-kernel", 0, _URLLIB3, "CPU µs to urllib3 urlopen", _AT_MOST, 0.85),
    Goal("a head of ten fields", "calls --no-kernel", 2, "fluxhttp, status line too", "CPU µs", _AT_MOST, 6),
    # Saturated: so many calls in the time that peers take for one, 1.8, 9 and 7.
    Goal("GET over stdlib, saturated", "threads", 0, _STDLIB, "CPU µs to http.client", _AT_MOST, 0.556),
    Goal("GET over stdlib, saturated", "threads", 0, _STDLIB, "CPU µs to requests", _AT_MOST, 0.111),
    Goal("GET over stdlib, saturated", "threads", 0, _STDLIB, "CPU µs to httpx", _AT_MOST, 0.143),
    Goal("POST over stdlib, saturated", "threads", 1, _STDLIB, "CPU µs to http.client", _AT_MOST, 0.556),
    Goal("POST over stdlib, saturated", "threads", 1, _STDLIB, "CPU µs to requests", _AT_MOST, 0.111),
    Goal("POST over stdlib, saturated", "threads", 1, _STDLIB, "CPU µs to httpx", _AT_MOST, 0.143),
    Goal("GET over stdlib, one connection", "calls", 0, _STDLIB, "µs to http.client", _AT_MOST, 0.80),
    Goal("GET over stdlib, one connection", "calls", 0, _STDLIB, "µs to requests", _AT_MOST, 0.25),
    Goal("100 MiB into bytes", "download", 0, _STDLIB, "MB/s to urllib3 urlopen", _AT_LEAST, 0.9),
    Goal("100 MiB into bytes", "download", 0, _STDLIB, "peak MiB", _AT_MOST, 101),
    Goal("100 MiB of gzip", "download", 1, _STDLIB, "MB/s to raw socket", _AT_LEAST, 0.95),
    Goal("100 MiB of gzip", "download", 1, _STDLIB, "peak MiB", _AT_MOST, 105),
    Goal("100 MiB from bytes", "upload", 0, _STDLIB, "MB/s to http.client", _AT_LEAST, 1.3),
    Goal("100 MiB from bytes", "upload", 0, _STDLIB, "peak MiB", _AT_MOST, 1),
    Goal("fake, GET", "fake", 0, _FAKE, "CPU µs to httpx.MockTransport", _AT_MOST, 0.20),
    Goal("fake, GET", "fake", 0, _FAKE, "CPU µs at 10,000 routes to httpx.MockTransport", _AT_MOST, 0.20),
    Goal("fake, GET", "fake", 0, _FAKE, "CPU µs to responses", _AT_MOST, 0.06),
    Goal("fake, GET", "fake", 0, _FAKE, "growth", _AT_MOST, 1.2),
    Goal("fake, GET", "fake", 0, _FAKE, "bytes kept", _AT_MOST, 1000),
    Goal("fake, POST all matched", "fake", 1, _FAKE, "CPU µs", _AT_MOST, 30),
    Goal("fake, POST all matched", "fake", 1, _FAKE, "growth", _AT_MOST, 1.2),
    Goal("5 params", "build", 0, "fluxhttp.encode_params", "CPU µs to urlencode(doseq=True)", _AT_MOST, 0.5),
    Goal("1,000 params", "build", 1, "fluxhttp.encode_params", "CPU µs to urlencode(doseq=True)", _AT_MOST, 0.5),
    Goal("Client()", "build", 3, "fluxhttp.Client()", "CPU µs", _AT_MOST, 15),
    Goal("import fluxhttp", "import", 0, "fluxhttp", "ms to http.client", _AT_MOST, 0.8),
    Goal("import fluxhttp", "import", 0, "fluxhttp", "RSS MiB", _AT_MOST, 5),
    Goal("an answer that never ends", "hostile", 1, "fluxhttp", "peak MiB beyond the limit", _AT_MOST, 1),
    Goal("40,000 chunks of one byte", "hostile", 0, "fluxhttp: 40,000 chunks of one byte", "CPU ms", _AT_MOST, 250),
    Goal("100,000 gzip members", "hostile", 0, "fluxhttp: 100,000 gzip members of one byte", "CPU ms", _AT_MOST, 250),
    *[Goal(f"the suite on {name}, quick", "suite", 0, name, "s", _AT_MOST, 10) for name in (_STDLIB, _URLLIB3, _FAKE)],
    *[Goal(f"the suite on {name}, full", "suite", 1, name, "s", _AT_MOST, 300) for name in (_STDLIB, _URLLIB3, _FAKE)],
    Goal("a URL of 1 MB", "hostile", 0, "fluxhttp: a URL of 1 MB, all to be encoded", "CPU ms", _AT_MOST, 250),
)
