"""Every row of ``tests/data/doubles.json`` is asked once: here, by a case of the suite, or there is a reason."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import InvalidRequestError, InvalidTypeError, open_transport
from fluxhttp_conformance import HarnessError, Ledger, Target, catalogue, ok, run_case
from tests.doubles import rows
from tests.doubles.asking import ORIGIN, TRANSPORTS, ask
from tests.doubles.elsewhere import BY_A_CASE, NOT_ASKABLE

if TYPE_CHECKING:
    from fluxhttp_conformance import Lab

CASES = {case.id: case for case in catalogue()}
USED_CASES = sorted(set(BY_A_CASE.values()))


def asked_here() -> list[str]:
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(f"tests.doubles.{path.stem}")
    return rows.asked


def test_the_table_is_whole() -> None:
    ids = [f"{half}{number:02}" for half in "RH" for number in range(1, 59)]

    assert list(rows.ROWS) == ids
    for row in rows.ROWS.values():
        assert row["question"]
        assert set(row["doubles"].values()) != {"="}, f"{row['id']}: no double differs"


def test_every_row_is_in_one_place() -> None:
    places = Counter([*asked_here(), *BY_A_CASE, *NOT_ASKABLE])

    assert sorted(places) == sorted(rows.ROWS)
    assert [id for id, count in places.items() if count > 1] == []


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("id", USED_CASES)
def test_the_case_that_asks_a_row_is_passed_by_every_transport(id: str, transport: str) -> None:
    result = run_case(CASES[id], Target.named(transport))

    assert id not in Ledger.shipped(transport).deviations
    assert result.outcome == "pass", result.message


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("ca_file", "/nowhere/ca.pem", "ca_file cannot be read: no such file or directory"),
        ("ssl_context", "/nowhere/client.pem", "ssl_context must be an ssl.SSLContext, not str"),
        ("proxies", "http://", "proxies: the proxy's host is missing, or neither a name nor an address"),
    ],
)
def test_what_a_fake_cannot_be_told_it_does_not_overlook(option: str, value: str, text: str) -> None:
    # The rows that are not askable of a fake alone: a real transport judges the value, the fake has no such option.
    for name in ("stdlib", "urllib3"):
        with pytest.raises(InvalidRequestError) as caught:
            open_transport(name, **{option: value})
        assert str(caught.value) == text

    with pytest.raises(InvalidTypeError, match=f"unexpected keyword argument '{option}'"):
        open_transport("fake", **{option: value})


def test_a_row_that_cannot_be_asked_has_its_reason() -> None:
    assert all(reason.endswith(".") for reason in NOT_ASKABLE.values())


def test_three_that_differ_do_not_agree() -> None:
    with pytest.raises(AssertionError):
        ask(lambda lab: lab.target.name == "fake")
    with pytest.raises(AssertionError):
        ask(lambda lab: received_by_one(lab, "urllib3"))


def received_by_one(lab: Lab, name: str) -> bytes:
    """The same answer for each, but one sends another request for it."""
    lab.origin.play(ok())
    return lab.client.get(ORIGIN, headers={"X-A": "1"} if lab.target.name == name else None).body


def test_a_question_that_was_not_asked_has_no_answer() -> None:
    with pytest.raises(HarnessError, match="1 scripts were not played"):
        ask(lambda lab: lab.origin.play(ok()))
