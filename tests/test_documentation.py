"""The documentation has a place for every public name, error and setting."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fluxhttp
import fluxhttp.errors
import fluxhttp.testing
import fluxhttp_conformance
from fluxhttp.testing import FakeTransport
from fluxhttp_conformance import Target, catalogue, run_case
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wrapper import Answer

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

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
    unlisted = {"Urllib3Transport", "strategies"}  # they need an extra, and are imported by name alone

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


def test_readme_s_snippets_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    application, unit_test, transport = re.findall(r"```python\n(.*?)```", text, re.DOTALL)

    with FakeTransport(base_url="https://api.example.org") as fake:
        fake.get("/notes?tag=red&tag=blue").respond(json=["A note"])
        names: dict[str, Any] = {"fake": fake}
        exec(application.replace("Client(base_url", "Client(fake, base_url"), names)
        assert names["notes"] == ["A note"]

    exec(unit_test, {})
    assert capsys.readouterr().out == (
        "RequestTimeoutError the deadline of 1 s passed while waiting for the answer's head\n"
        "IncompleteBodyError the peer closed the connection in the middle of the body, after 4 of 5 bytes\n"
    )

    names = {}
    exec(transport, names)
    names["client"].transport.inner.close()
    with FakeTransport() as fake:
        fake.get("https://api.test/").respond()
        fluxhttp.Client(names["TimedTransport"](fake)).get("https://api.test/")
    assert re.fullmatch(r"GET took 0\.\d{3} s\n", capsys.readouterr().out)


def plain_snippets(page: str) -> list[str]:
    """The snippets of a page that Sphinx does not run, but for those that say why nobody does."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"(?<!-->\n)^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_every_snippet_is_run_by_sphinx_or_below() -> None:
    found = {path.name for path in DOCS.glob("*.md") if plain_snippets(path.name)}

    assert found == {"conformance.md", "contributing.md"}


def test_the_snippet_for_pytest_makes_tests(tmp_path: Path) -> None:
    [snippet] = plain_snippets("conformance.md")
    (tmp_path / "known.toml").write_text("")
    names: dict[str, Any] = {"__file__": str(tmp_path / "test_conformance.py")}

    exec(snippet.replace("mypkg:MyTransport", "stdlib"), names)

    cases = names["test_conformance"].pytestmark[0].args[1]
    assert [case.values[0].id for case in cases] == [case.id for case in catalogue() if "slow" not in case.tags]


def test_the_snippets_of_a_case_and_its_creature_pass_and_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    case, its_creature = plain_snippets("contributing.md")
    # The package has a function of the module's name.
    monkeypatch.setattr(sys.modules["fluxhttp_conformance.case"], "_catalogue", made := {})
    monkeypatch.setattr("fluxhttp_conformance.zoo.creature._zoo", caught := {})

    exec(case, {"case": fluxhttp_conformance.case, "raw": fluxhttp_conformance.raw, "Lab": fluxhttp_conformance.Lab})
    exec(its_creature, {"creature": creature, "Answer": Answer, "__name__": "zoo"})

    [teapot] = made.values()
    for name in ("stdlib", "urllib3", "fake"):
        assert run_case(teapot, Target.named(name)).outcome == "pass"
    assert caught["takes-teapots-for-servers"].caught_by == (teapot.id,)
    assert run_case(teapot, caught["takes-teapots-for-servers"].target).outcome == "fail"
