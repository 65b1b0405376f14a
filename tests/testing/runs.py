"""Test runs within a test, with our plug-in and no other, whether it is installed or not."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from unittest import mock

from fluxhttp import pytest_plugin

if TYPE_CHECKING:
    import pytest


def result_of(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    """Runs a test file."""
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error")
    pytester.makepyfile(test_shop=source)
    with mock.patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"):
        return pytester.runpytest_inprocess(*arguments, plugins=[pytest_plugin])


def lines_of(pytester: pytest.Pytester, source: str, *arguments: str, **outcomes: int) -> list[str]:
    """Runs a test file, and returns what is printed.

    The first column says which lines are the error's; how far they are indented depends on the code shown.
    """
    result = result_of(pytester, source, *arguments)
    result.assert_outcomes(**outcomes)
    return [re.sub(r"^([E>]) +", r"\1 ", line.rstrip()) for line in result.outlines]
