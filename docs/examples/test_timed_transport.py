"""The transport sits the suite: one test for each case."""

from __future__ import annotations

from fluxhttp_conformance import conformance_tests

test_conformance = conformance_tests("timed_transport:over_stdlib", profile="quick")
