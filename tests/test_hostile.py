"""What hostile callers and peers send is done or refused at once, at a cost that is linear in its size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import BodyTooLargeError, Config, Limits
from tests.benchmarks.attacks import ATTACKS, Feeder, cost, endless_chunks, fetch_from

if TYPE_CHECKING:
    from tests.benchmarks.attacks import Attack

_ROOT = Path(__file__).parent.parent
_MIB = 1_048_576
#: What any of them may take, of processor time.
_SECONDS_MAX = 0.25
#: How a doubled size may multiply the cost: by 2 if it is linear, by 4 if it is quadratic.
_GROWTH_MAX = 3.0
#: Below this a cost is no more than a call's own.
_SECONDS_NOTED = 0.005
#: One read of a stream.
_BUFFER_BYTES = 65_536


@pytest.mark.cost
@pytest.mark.parametrize("transport", ["stdlib", "urllib3", "fake"])
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name.replace(" ", "-") for attack in ATTACKS])
def test_an_attack_is_done_or_refused_at_a_cost_linear_in_its_size(attack: Attack, transport: str) -> None:
    prepared = [attack.make(attack.size // part) for part in (4, 2, 1)]

    # The least of some turns: other processes only ever add to it.
    turns = [[cost(attack, transport, data)[0] for data in prepared]]
    while len(turns) < 7 and not _is_well(_least(turns)):
        turns.append([cost(attack, transport, data)[0] for data in prepared])

    quarter, half, whole = _least(turns)
    assert whole < _SECONDS_MAX
    assert half < max(_GROWTH_MAX * quarter, _SECONDS_NOTED)
    assert whole < max(_GROWTH_MAX * half, _SECONDS_NOTED)


def _least(turns: list[list[float]]) -> list[float]:
    return [min(each) for each in zip(*turns, strict=True)]


def _is_well(seconds: list[float]) -> bool:
    quarter, half, whole = seconds
    return whole < _SECONDS_MAX and half < 2.5 * quarter and whole < 2.5 * half


@pytest.mark.parametrize("overflow", ["error", "truncate"])
@pytest.mark.parametrize("transport", ["stdlib", "urllib3"])
@pytest.mark.parametrize("limit", [0, 1, 100_000, 8 * _MIB])
@pytest.mark.parametrize("chunk", [1, 16_384])
def test_an_endless_answer_is_read_to_one_buffer_beyond_the_limit(
    transport: str, overflow: str, limit: int, chunk: int
) -> None:
    if chunk == 1:
        limit = min(limit, 10_000)
    feeder = Feeder(endless_chunks(chunk))
    config = Config(limits=Limits(body=limit, overflow=overflow))  # type: ignore[arg-type]

    if overflow == "error":
        with pytest.raises(BodyTooLargeError):
            fetch_from(transport, feeder, config)
    else:
        response = fetch_from(transport, feeder, config)
        assert response.truncated
        assert response.body == b"x" * limit

    framing = (limit // chunk + 1) * len(b"%x\r\n\r\n" % chunk)
    assert feeder.given <= limit + framing + _BUFFER_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_an_endless_answer_takes_no_more_memory_than_the_limit_and_a_megabyte() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.hostile", str(32 * _MIB)]

    found = json.loads(subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, timeout=60).stdout)

    assert found["KiB read beyond the limit"] <= 2 * _BUFFER_BYTES / 1024
    assert found["peak MiB beyond the limit"] <= 1.0
