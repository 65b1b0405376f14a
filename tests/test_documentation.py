"""The documentation has a place for every public name, error and setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fluxhttp
import fluxhttp.errors
import fluxhttp.testing
import fluxhttp_conformance

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def documented() -> dict[str, set[str]]:
    """Package -> the names that the reference has a directive for."""
    found: dict[str, set[str]] = {}
    package = ""
    for line in (DOCS / "api.md").read_text(encoding="utf-8").splitlines():
        if current := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            package = current[1]
        elif module := re.fullmatch(r"\.\. automodule:: (\S+)\.(\w+)", line):
            found.setdefault(module[1], set()).add(module[2])
        elif name := re.match(r"\.\. (?:auto\w+|py:data):: (\w+)", line):
            found.setdefault(package, set()).add(name[1])
    return found


@pytest.mark.parametrize(
    "package", [fluxhttp, fluxhttp.testing, fluxhttp_conformance], ids=lambda package: package.__name__
)
def test_the_reference_has_every_public_name_and_no_other(package: ModuleType) -> None:
    on_its_own_page = set(dir(fluxhttp.errors)) if package is fluxhttp else set()
    unlisted = {"strategies"}  # imported by its own name

    assert documented()[package.__name__] - unlisted == set(package.__all__) - on_its_own_page


def test_the_page_of_errors_has_a_row_for_every_error() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    groups = {"FluxHTTPError", "InvalidRequestError", "TransportError", "ResponseError", "LimitError"}
    errors = {name for name in dir(fluxhttp.errors) if name.endswith("Error") and name in fluxhttp.__all__}

    for name in errors - groups:
        assert re.search(rf"^\| .*\.{name}`", page, re.MULTILINE), name


def test_every_setting_stands_on_the_page_of_settings() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")

    for value in (fluxhttp.Config(), fluxhttp.Limits()):
        for name in value._fields:
            assert f"| `{name}` | " in page


def test_the_files_that_readme_links_to_are_there() -> None:
    """Sphinx sees to the pages' own links."""
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target
