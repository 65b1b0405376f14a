"""Every transport we ship sits the conformance suite.

A behaviour that is true of every transport is written once, as a case in
``conformance/fluxhttp_conformance/cases``. What a transport is, one page:
``fluxhttp/_core/transport.py``.
"""

import pytest

from fluxhttp_conformance import Case, catalogue, check

TRANSPORTS = ["stdlib"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("case", catalogue(), ids=str)
def test_conformance(case: Case, transport: str) -> None:
    check(case, transport)
