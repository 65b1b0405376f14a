"""Every transport we ship sits the conformance suite: one node for each case.

A behaviour that is true of every transport is written once, as a case in
``conformance/fluxhttp_conformance/cases``. What a transport is, one page:
``fluxhttp/_core/transport.py``. What the fake cannot have, since it is in memory,
is in ``conformance/fluxhttp_conformance/ledgers/fake.toml``; the real transports
have no such list. ``wsgi`` is the transport to an application of the same process:
it sits the cases that an application can answer.
"""

from fluxhttp_conformance import conformance_tests

test_stdlib = conformance_tests("stdlib")
test_urllib3 = conformance_tests("urllib3")
test_fake = conformance_tests("fake")
test_wsgi = conformance_tests("wsgi")
