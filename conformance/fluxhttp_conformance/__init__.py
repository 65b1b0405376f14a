"""The conformance suite: one set of behaviours that every transport must show.

A whole test file for a transport of your own::

    import pytest
    from fluxhttp_conformance import catalogue, check

    @pytest.mark.parametrize("case", catalogue(), ids=str)
    def test_my_transport(case):
        check(case, "mypkg:MyTransport")
"""

from fluxhttp_conformance.case import Case, case, catalogue
from fluxhttp_conformance.lab import HarnessError, Lab, chunked, ok, raw
from fluxhttp_conformance.run import Result, check, run_case
from fluxhttp_conformance.target import NotApplicable, Target

__all__ = [
    "Case",
    "HarnessError",
    "Lab",
    "NotApplicable",
    "Result",
    "Target",
    "case",
    "catalogue",
    "check",
    "chunked",
    "ok",
    "raw",
    "run_case",
]
