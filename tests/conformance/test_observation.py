"""What both ends saw: the same text for the same behaviour, another for another; and how reports compare it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp import Config, Headers
from fluxhttp.testing import FakeTransport, Script
from fluxhttp_conformance import Case, Lab, Ledger, Target, catalogue, run_case, run_suite
from fluxhttp_conformance.fidelity import fidelity, fidelity_lines
from fluxhttp_conformance.html import as_html
from fluxhttp_conformance.lab import ok, raw
from fluxhttp_conformance.labs import lab_for
from fluxhttp_conformance.observation import Observation
from fluxhttp_conformance.report import Entry, Report, as_json, read_reports, reports_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fluxhttp_conformance.run import Outcome

REAL = ("stdlib", "urllib3")
CASES = catalogue("framing/")[:4]


def observed(target: str | Target, act: Callable[[Lab], object]) -> Observation:
    lab = lab_for(target if isinstance(target, Target) else Target.named(target))
    try:
        act(lab)
    finally:
        lab.close()
    return Observation.of(lab)


def redirected(lab: Lab) -> None:
    lab.origin.play(raw("HTTP/1.1 302 Found", f"Location: {lab.url('/b')}", "Content-Length: 0"), ok(b"x" * 100))
    lab.post("/a", headers={"X-A": "1"}, body=b"body")


def failing(lab: Lab) -> None:
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 9", body=b"hi").close())
    lab.fails(fluxhttp.IncompleteBodyError, lab.get)
    lab.fails(fluxhttp.InvalidURLError, lab.get, "http://[/")


def at_once(lab: Lab) -> None:
    lab.origin.answer(lambda seen: ok(seen.target.encode()))
    client, base = lab.client, lab.url("")
    lab.together(*[lambda path=path: client.get(base + path) for path in ("/a", "/b", "/c", "/d")])


def read_by_hand(lab: Lab) -> None:
    lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 9", body=b"hi").close())
    answer = lab.send(fluxhttp.Request.build("GET", lab.url()))
    lab.fails(fluxhttp.IncompleteBodyError, lambda: [answer.read(1) for _ in range(9)])
    answer.close()


def moving(lab: Lab) -> None:
    for body in (b"before", b"after", b"later"):
        lab.origin.play(ok(body))
        lab.get()
        lab.move()


@pytest.mark.parametrize("act", [redirected, failing, at_once, read_by_hand, moving])
@pytest.mark.parametrize("target", ["stdlib", "urllib3", "fake"])
def test_the_same_is_observed_each_time_and_over_each_transport(act: Callable[[Lab], object], target: str) -> None:
    first, again = observed("stdlib", act), observed(target, act)

    assert again.text == first.text
    assert again.digest == first.digest != ""


def test_an_observation_has_both_ends_and_the_connections() -> None:
    lines = observed("stdlib", redirected).text.splitlines()

    assert lines[0].startswith(
        "answer 200 'OK' HTTP/1.1 ['Content-Length: 100'] 100 bytes b'xxxxxxxxxxxxxxxx'... sha256 "
    )
    assert lines[0].endswith(" from http://127.0.0.1/b, after 302 from http://127.0.0.1/a")
    assert lines[1].startswith("request on connection 0 b'POST /a HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n")
    assert "\\r\\nX-A: 1\\r\\n" in lines[1]
    assert lines[1].endswith("\\r\\n\\r\\n' b'body'")
    assert lines[2].startswith("request on connection 0 b'GET /b HTTP/1.1")
    assert lines[3:] == ["connections: 1"]


def test_an_error_is_observed_with_its_attributes() -> None:
    lines = observed("fake", failing).text.splitlines()

    assert lines[0].startswith("error IncompleteBodyError expected=9 maybe_sent=True phase='body' received=2: ")
    assert lines[1].startswith("error InvalidURLError: url: only a port may follow")


def test_what_is_read_of_the_transport_itself_is_observed() -> None:
    line = observed("stdlib", read_by_hand).text.splitlines()[0]

    assert line.startswith("answer 200 'OK' HTTP/1.1 ['Content-Length: 9'] b'hi', then error IncompleteBodyError")


def test_calls_at_once_have_no_order_and_no_connections() -> None:
    lines = observed("stdlib", at_once).text.splitlines()

    assert lines == sorted(lines)
    assert not any("connection" in line for line in lines)


@pytest.mark.parametrize(
    "act",
    [
        lambda lab: lab.receive(ok(b"other")),
        lambda lab: lab.receive(raw("HTTP/1.1 200 OK", "content-length: 2", body=b"ok")),
        lambda lab: lab.receive(ok(), headers={"X": "y"}),
        lambda lab: [lab.receive(ok().close()), lab.receive(ok())],
        lambda lab: lab.refuse(fluxhttp.ReceiveError, Script().close()),
        lambda lab: lab.refuse(fluxhttp.BodyTooLargeError, ok(), config=Config(limits=fluxhttp.Limits(body=1))),
        lambda lab: lab.refuse(fluxhttp.BodyTooLargeError, ok(), config=Config(limits=fluxhttp.Limits(body=0))),
    ],
)
def test_what_differs_is_observed_otherwise(act: Callable[[Lab], object]) -> None:
    assert observed("fake", act).digest != observed("fake", lambda lab: lab.receive(ok())).digest
    assert observed("fake", act).digest == observed("stdlib", act).digest


class QuietlyWrongFake(FakeTransport):
    """Leaves out the last field of each answer, which few cases would notice."""

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        return WithoutLastField(super().send(request, config=config, deadline=deadline))


class WithoutLastField:
    def __init__(self, answer: fluxhttp.TransportResponse) -> None:
        self.status_code, self.reason, self.http_version = answer.status_code, answer.reason, answer.http_version
        self.headers = Headers(answer.headers.multi_items()[:-1])
        self.read, self.close = answer.read, answer.close


def test_a_fake_that_passes_but_shows_something_else_is_not_faithful() -> None:
    def answers(lab: Lab) -> None:
        """It only wants a status."""
        assert lab.receive(raw("HTTP/1.1 200 OK", "Content-Length: 2", "X-Last: 1", body=b"ok")).status_code == 200

    case = Case(answers, id="made/up", kind="required", level="core", anchor="seam", tags=frozenset())
    results = [run_case(case, Target.named("stdlib")), run_case(case, Target("fake", QuietlyWrongFake))]

    assert [result.outcome for result in results] == ["pass", "pass"]
    reports = reports_of(results)
    found = fidelity(reports)
    assert found is not None
    assert (found.alike, found.unlike) == ((), ("made/up",))
    lines = list(fidelity_lines(reports))
    assert lines[0] == "fidelity: 0 of 1 cases observed alike; 0 of the other 1 for reasons that its ledger gives"
    assert lines[1:4] == ["  made/up: observed otherwise", "    --- stdlib", "    +++ fake"]
    assert any(line.startswith("    -answer 200 'OK'") and "X-Last" in line for line in lines)
    page = as_html(reports)
    assert "observed otherwise: nothing explains it" in page
    assert 'id="show-unlike"' in page


def test_the_fake_is_observed_as_the_real_transports_but_where_its_ledger_says_why() -> None:
    reports = reports_of(run_suite([*REAL, "fake"], jobs=4))

    found = fidelity(reports)

    assert found is not None
    ledger = Ledger.shipped("fake")
    assert set(found.unlike) == {*ledger.deviations, *ledger.differences}
    assert len(found.alike) > 340
    assert next(fidelity_lines(reports)).endswith(f"; the other {len(found.unlike)} for reasons that its ledger gives")


# Comparing


def entry(id: str, outcome: Outcome = "pass", *, digest: str = "d", seen: str = "") -> Entry:
    case = next(case for case in CASES if case.id == id)
    result = run_case(Case(lambda _: None, id=id, kind="required", level="core", anchor="seam", tags=frozenset()), FAKE)
    return replace(Entry.of(result), reason=case.reason, outcome=outcome, message="", digest=digest, observed=seen)


FAKE = Target.named("fake")
IDS = [case.id for case in CASES]


def test_fidelity_is_of_a_fake_beside_real_transports() -> None:
    fake = Report(target="fake", results=(entry(IDS[0]),))
    real = Report(target="stdlib", results=(entry(IDS[0]),))

    assert fidelity([fake]) is None
    assert fidelity([real]) is None
    assert list(fidelity_lines([real])) == []
    assert str(fidelity([real, fake])) == "1 of 1 cases observed alike"


def test_a_case_counts_where_all_were_judged_and_the_real_transports_agree() -> None:
    fake = Report(target="fake", results=tuple(entry(id) for id in IDS))
    one = Report(target="one", results=(entry(IDS[0]), entry(IDS[1]), entry(IDS[2], digest=""), entry(IDS[3])))
    two = Report(target="two", results=(entry(IDS[0]), entry(IDS[1], digest="e"), entry(IDS[2]), entry(IDS[3], "fail")))

    found = fidelity([one, fake, two])

    assert found is not None
    assert (found.alike, found.unlike) == ((IDS[0],), (IDS[1],))


def test_reports_without_observations_have_no_fidelity() -> None:
    assert fidelity([Report(target=name, results=(entry(IDS[0], digest=""),)) for name in ("one", "fake")]) is None


def test_json_keeps_the_digest_and_leaves_out_what_is_long(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    long = Report(target="one", results=(entry(IDS[0], digest="d", seen="x" * 5000), entry(IDS[1], seen="short")))
    fake = Report(target="fake", results=(entry(IDS[0], digest="e", seen="y"), entry(IDS[1], digest="e", seen="other")))
    path.write_text(as_json([long, fake]), encoding="utf-8")

    reports = read_reports(path)

    assert [each.observed for each in reports[0].results] == ["", "short"]
    assert [each.digest for each in reports[0].results] == ["d", "d"]
    lines = list(fidelity_lines(reports))
    assert "    a report without its observation: sit this case over one and fake in one run" in lines
    assert lines[-2:] == ["    -short", "    +other"]


def test_reports_from_before_there_were_observations_are_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    loaded = json.loads(as_json([Report(target="one", results=(entry(IDS[0]),))]))
    for name in ("ways", "digest", "observed"):
        del loaded["results"][0][name]
    path.write_text(json.dumps(loaded))

    assert read_reports(path)[0].results[0].ways == ("script",)
