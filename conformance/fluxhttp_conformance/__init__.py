"""The conformance suite: one set of behaviours that every transport must show.

A whole test file for a transport of your own::

    from fluxhttp_conformance import conformance_tests

    test_conformance = conformance_tests("mypkg:MyTransport", ledger="known.toml")
"""

from fluxhttp_conformance.case import Case, case, catalogue
from fluxhttp_conformance.lab import HarnessError, Lab, chunked, ok, raw
from fluxhttp_conformance.labs import lab_for
from fluxhttp_conformance.ledger import Deviation, Ledger, LedgerError
from fluxhttp_conformance.machine import Stopwatch
from fluxhttp_conformance.memory_lab import MemoryLab
from fluxhttp_conformance.parametrize import conformance_tests
from fluxhttp_conformance.run import Result, check, run_case
from fluxhttp_conformance.suite import run_suite
from fluxhttp_conformance.target import NotApplicable, Target

__all__ = [
    "Case",
    "Deviation",
    "HarnessError",
    "Lab",
    "Ledger",
    "LedgerError",
    "MemoryLab",
    "NotApplicable",
    "Result",
    "Stopwatch",
    "Target",
    "case",
    "catalogue",
    "check",
    "chunked",
    "conformance_tests",
    "lab_for",
    "ok",
    "raw",
    "run_case",
    "run_suite",
]
