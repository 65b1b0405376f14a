"""What holds for every test: how thorough hypothesis is, and when the garbage collector looks at everything.

HYPOTHESIS_PROFILE, or pytest's --hypothesis-profile, names one of the profiles below.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    import pytest

# As hypothesis's own, which it loads where the variable CI is set: the same examples each time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
# Other examples each time, and many of them: for a night, not for a change.
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "default"))

#: After so many tests what they left, reports above all, is set aside.
_TESTS = 500
_ended = 0


def _set_aside() -> None:
    """Keeps what lives now from the collector, which would look through it for half a second in the midst of a test."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish(session: pytest.Session) -> None:
    _set_aside()


def pytest_runtest_logfinish(nodeid: str, location: tuple[str, int | None, str]) -> None:
    global _ended  # noqa: PLW0603  # pytest's hooks are functions
    _ended += 1
    if not _ended % _TESTS:
        _set_aside()
