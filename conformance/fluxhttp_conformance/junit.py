"""Reports as JUnit XML, for the tools that show test results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp_conformance.report import Entry, Report

# XML 1.0 has no other characters, not even escaped (Char, section 2.2).
_find_impossible = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(reports: Sequence[Report]) -> str:
    """One ``testsuite`` for each target, one ``testcase`` for each case.

    Known failures and informational ones are skipped, like what is not
    applicable: no tool should count them as failures.
    """
    root = Element("testsuites", name="fluxhttp conformance")
    for report in reports:
        summary = report.summary
        failures = sum(entry.is_deviation for entry in report.results)
        informational = sum(entry.outcome == "fail" and not entry.is_deviation for entry in report.results)
        suite = SubElement(
            root,
            "testsuite",
            name=report.target,
            tests=str(len(report.results)),
            failures=str(failures),
            errors=str(summary["harness-error"]),
            skipped=str(summary["not-applicable"] + summary["known-failure"] + informational),
            time=f"{sum(entry.seconds for entry in report.results):.3f}",
        )
        properties = SubElement(suite, "properties")
        SubElement(properties, "property", name="suite_version", value=report.suite_version)
        for entry in report.results:
            _add(suite, entry, report.target)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add(suite: Element, entry: Entry, target: str) -> None:
    group, _, name = entry.id.partition("/")
    node = SubElement(suite, "testcase", classname=f"{target}.{group}", name=name, time=f"{entry.seconds:.3f}")
    if entry.outcome == "pass":
        return
    kind = "error" if entry.outcome == "harness-error" else "failure" if entry.is_deviation else "skipped"
    message = _find_impossible.sub("\ufffd", entry.message)
    gist = _find_impossible.sub("\ufffd", entry.gist)
    told = SubElement(node, kind, message=f"{entry.outcome}: {gist}")
    if kind != "skipped":
        told.set("type", entry.outcome)
    told.text = message
