"""Reports: JSON as its schema says, JUnit as tools read it, one page that needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest

import fluxhttp
from fluxhttp_conformance import Target, catalogue, run_case
from fluxhttp_conformance.html import as_html
from fluxhttp_conformance.junit import as_junit
from fluxhttp_conformance.report import OUTCOMES, Entry, Report, agreement, as_json, read_reports, reports_of
from fluxhttp_conformance.run import Result
from fluxhttp_conformance.schema import ReportError, schema

if TYPE_CHECKING:
    from pathlib import Path

    from fluxhttp_conformance.run import Outcome

CASES = catalogue("framing/")
HOSTILE = "expected a\n\n<script>alert(1)</script> & \x00\x1b[31m \ud800\n\non the wire:\n[0] < b'GET'"


def report(target: str, *outcomes: Outcome, message: str = HOSTILE) -> Report:
    results = [
        Result(case, target, outcome, "" if outcome == "pass" else message, 0.25)
        for case, outcome in zip(CASES, outcomes, strict=False)
    ]
    return reports_of(results)[0]


EVERY_OUTCOME = report("mine", *OUTCOMES)
OTHER = report("pkg.module:factory", "pass", "pass", "fail", "not-applicable", "not-applicable", "pass")


def test_results_are_parted_by_target() -> None:
    results = [Result(CASES[0], target, "pass", "", 0.1) for target in ("one", "two", "one")]

    assert [(each.target, len(each.results)) for each in reports_of(results)] == [("one", 2), ("two", 1)]


def test_every_outcome_is_counted() -> None:
    assert EVERY_OUTCOME.summary == dict.fromkeys(OUTCOMES, 1)
    assert report("mine", "pass").summary["fail"] == 0


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (("pass", "known-failure", "not-applicable"), 0),
        (("pass", "fail"), 1),
        (("unexpected-pass",), 1),
        (("fail", "harness-error"), 3),
    ],
)
def test_the_exit_code_is_what_the_outcomes_make_it(outcomes: tuple[Outcome, ...], code: int) -> None:
    assert report("mine", *outcomes).exit_code == code


def test_an_informational_case_never_makes_a_run_fail() -> None:
    informational = next(case for case in catalogue() if case.kind == "informational")
    result = Result(informational, "mine", "fail", "it does otherwise", 0.1)

    assert not result.is_deviation
    assert reports_of([result])[0].exit_code == 0


# JSON


@pytest.mark.parametrize("reports", [[EVERY_OUTCOME], [EVERY_OUTCOME, OTHER], []], ids=["one", "two", "none"])
def test_json_is_as_the_schema_says(reports: list[Report]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    jsonschema.validate(json.loads(as_json(reports)), schema())


def test_json_holds_what_was_found() -> None:
    loaded = json.loads(as_json([EVERY_OUTCOME]))

    assert (loaded["suite_version"], loaded["target"]) == (fluxhttp.__version__, "mine")
    first = loaded["results"][1]
    assert (first["id"], first["kind"], first["level"]) == (CASES[1].id, CASES[1].kind, CASES[1].level)
    assert (first["outcome"], first["message"], first["seconds"]) == ("fail", HOSTILE, 0.25)


def test_json_comes_back_as_it_went(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(as_json([EVERY_OUTCOME, OTHER]), encoding="utf-8")

    assert read_reports(path) == [EVERY_OUTCOME, OTHER]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda loaded: loaded.pop("target"), "target is missing"),
        (lambda loaded: loaded.update(extra=1), "unknown property 'extra'"),
        (lambda loaded: loaded.update(target=1), "target: expected string, got int"),
        (lambda loaded: loaded["results"][0].update(outcome="passed"), "results 0: outcome: 'passed' is none of pass"),
        (lambda loaded: loaded["results"][0].update(seconds=True), "expected number, got bool"),
        (lambda loaded: loaded["results"][0].update(tags="tls"), "tags: expected array, got str"),
        (lambda loaded: loaded["summary"].pop("fail"), "summary: fail is missing"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, change: object, message: str) -> None:
    loaded = json.loads(as_json([EVERY_OUTCOME]))
    change(loaded)  # type: ignore[operator]
    path = tmp_path / "report.json"
    path.write_text(json.dumps(loaded))

    with pytest.raises(ReportError, match=re.escape(message)):
        read_reports(path)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(loaded, schema())


@pytest.mark.parametrize("text", ["", "[", "3", "null", '"text"'])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)

    with pytest.raises(ReportError):
        read_reports(path)


# JUnit


def test_junit_counts_as_the_summary_does() -> None:
    suite = ET.fromstring(as_junit([EVERY_OUTCOME]).encode("utf-8"))[0]

    counted = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")}
    assert counted == {
        "name": "mine",
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
        "time": "1.500",
    }
    assert [node[0].tag if len(node) else "" for node in suite.iter("testcase")] == [
        "",
        "failure",
        "skipped",
        "failure",
        "skipped",
        "error",
    ]


def test_junit_names_case_and_message() -> None:
    case = ET.fromstring(as_junit([EVERY_OUTCOME]).encode("utf-8")).findall("*/testcase")[1]

    assert f"{case.get('classname')}/{case.get('name')}" == f"mine.{CASES[1].id}"
    assert case[0].text == HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")


# HTML


class Page(HTMLParser):
    """What a page is made of."""

    VOID = ("meta", "input", "br", "link", "img", "wbr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags for key, value in attrs.items() if key == name and value]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(as_html([EVERY_OUTCOME, OTHER]))


def test_a_page_is_well_formed(page: Page) -> None:
    ids = page.values("id")

    assert page.open == []
    assert len(ids) == len(set(ids))
    assert set(page.values("for")) <= set(ids)
    assert {href[1:] for href in page.values("href") if href.startswith("#")} <= set(ids)


def test_a_page_needs_nothing_else(page: Page) -> None:
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe"}
    assert "src" not in {key for _, attrs in page.tags for key in attrs}
    assert "url(" not in as_html([OTHER])
    assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on")]


def test_a_page_leads_to_the_rfc(page: Page) -> None:
    links = {href for href in page.values("href") if not href.startswith("#")}

    assert all(re.fullmatch(r"https://www\.rfc-editor\.org/rfc/rfc\d+#section-[\d.]*\d", link) for link in links)
    assert links


def test_a_page_can_be_written_whatever_a_peer_sent() -> None:
    text = as_html([EVERY_OUTCOME])

    text.encode("utf-8")
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f]", text)


def test_a_page_marks_what_a_filter_shows(page: Page) -> None:
    rows = {
        attrs["id"]: before["class"] or ""
        for (_, before), (tag, attrs) in zip(page.tags, page.tags[1:], strict=False)
        if tag == "tr" and attrs.get("id")
    }
    classes = [rows[case.id.replace("/", "--")].split() for case in CASES[:6]]

    assert [("is-open" in each, "is-different" in each) for each in classes] == [
        (False, False),
        (True, True),
        (True, True),
        (True, False),
        (False, False),
        (True, True),
    ]


def test_a_page_without_a_result_can_be_made() -> None:
    assert "no case" in as_html([Report(target="mine", results=())])


# Agreement


def test_agreement_leaves_out_what_was_not_judged() -> None:
    compared = agreement([EVERY_OUTCOME, OTHER])
    ids = [case.id for case in CASES]

    assert compared.same == (ids[0],)
    assert compared.partial == (ids[3], ids[4])
    assert compared.different == {
        ids[1]: ("fail", "pass"),
        ids[2]: ("known-failure", "fail"),
        ids[5]: ("harness-error", "pass"),
    }


# The gist


def test_the_gist_of_a_failure_is_its_error() -> None:
    class Refusing(fluxhttp.StdlibTransport):
        def send(self, *_: object, **__: object) -> fluxhttp.TransportResponse:
            raise fluxhttp.ConnectError("there is no way")

    entry = Entry.of(run_case(catalogue("framing/content-length")[0], Target("refusing", Refusing)))

    assert entry.outcome == "fail"
    assert entry.gist.endswith("ConnectError: there is no way")
    assert "requirement: A body of declared length arrives whole" in entry.message


def test_the_gist_of_a_bare_assert_is_its_source() -> None:
    message = (
        "x/y on z\n\nTraceback (most recent call last):\n  File\n    assert 1 == 2\nAssertionError\nwith:\n    a = 1"
    )

    assert report("mine", "fail", message=message).results[0].gist == "assert 1 == 2"


def test_the_gist_of_a_known_failure_is_its_reason() -> None:
    known = report("mine", "known-failure", message="known: so it is\n\nValueError: no")

    assert known.results[0].gist == "known: so it is"


def test_without_a_message_there_is_no_gist() -> None:
    assert report("mine", "fail", message="").results[0].gist == ""
