"""How thorough hypothesis is: HYPOTHESIS_PROFILE, or pytest's --hypothesis-profile, names one of these."""

from __future__ import annotations

import os

from hypothesis import settings

# As hypothesis's own, which it loads where the variable CI is set: the same examples each time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
# Other examples each time, and many of them: for a night, not for a change.
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "default"))
