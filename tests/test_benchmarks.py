"""That the benchmarks run and say what they measured. The figures of so few calls say nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
#: The contenders that need nothing installed.
_ONLY = ("--only", "raw socket,http.client,fluxhttp stdlib")

_HAS_HTTP_CLIENT = {"calls", "threads", "download", "upload", "import"}


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks", *arguments]
    return subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.parametrize(
    ("arguments", "tables", "column"),
    [
        (("calls", "--calls", "3", *_ONLY), 2, "µs"),
        (("calls", "--calls", "3", "--no-kernel"), 3, "µs"),
        (("threads", "--calls", "16", *_ONLY), 2, "calls/s"),
        (("download", "--mib", "1", *_ONLY), 2, "MB/s"),
        (("upload", "--mib", "1", *_ONLY), 1, "MB/s"),
        (("fake", "--calls", "3", "--only", "fluxhttp fake"), 2, "CPU µs"),
        (("build", "--calls", "3", "--only", "fluxhttp"), 5, "CPU µs"),
        (("import", "--only", "fluxhttp"), 1, "ms"),
        (("hostile", "--mib", "1"), 2, None),
    ],
    ids=["calls", "calls without a kernel", "threads", "download", "upload", "fake", "build", "import", "hostile"],
)
def test_a_command_measures_fluxhttp_and_writes_all_figures(
    tmp_path: Path, arguments: tuple[str, ...], tables: int, column: str | None
) -> None:
    figures, plot = tmp_path / "figures.json", tmp_path / "figures.svg"

    printed = run(*arguments, "--rounds", "1", "--json", str(figures), "--plot", str(plot))

    report = json.loads(figures.read_text(encoding="utf-8"))
    assert report["command"] == arguments[0]
    assert {"python", "fluxhttp"} <= report["versions"].keys()
    assert len(report["tables"]) == tables
    for table in report["tables"]:
        assert table["title"] in printed
        names = [row["name"] for row in table["rows"]]
        assert any(name.startswith("http.client") for name in names) or arguments[0] not in _HAS_HTTP_CLIENT
        assert any(name.startswith("fluxhttp") for name in names)
        for row in table["rows"]:
            figure = row[column] if column is not None else list(row.values())[1]
            assert figure["least"] <= figure["median"] <= figure["greatest"]
    assert plot.read_text(encoding="utf-8").count("<rect") > tables


def test_a_contender_that_is_not_there_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("calls", "--only", "telnet")

    assert "not installed or unknown: telnet" in caught.value.stderr


def test_the_suite_is_timed_for_one_transport(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    run("suite", "--rounds", "1", "--cases", "framing/", "--only", "fluxhttp stdlib", "--json", str(figures))

    tables = json.loads(figures.read_text(encoding="utf-8"))["tables"]
    assert [table["title"].rpartition(" ")[2] for table in tables] == ["quick", "full"]
    assert all(table["rows"][0]["s"]["median"] > 0 for table in tables)
