"""What is released: the same bytes whoever builds it, with everything in it and nothing else."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fluxhttp

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
#: What a clone has at its top.
TOP = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "README.md",
    "conformance",
    "docs",
    "fluxhttp",
    "pyproject.toml",
    "setup.cfg",
    "tests",
}
PACKAGES = {"fluxhttp": ROOT / "fluxhttp", "fluxhttp_conformance": ROOT / "conformance" / "fluxhttp_conformance"}
#: Beside modules.
DATA = {
    "fluxhttp/py.typed",
    "fluxhttp_conformance/ledgers/fake.toml",
    "fluxhttp_conformance/py.typed",
    "fluxhttp_conformance/report.css",
    "fluxhttp_conformance/report.schema.json",
    "fluxhttp_conformance/templates/known.toml",
    "fluxhttp_conformance/templates/test_conformance.py.txt",
}


@dataclass(frozen=True, slots=True)
class Built:
    """An sdist and the wheel that was made of it."""

    sdist: Path
    wheel: Path

    @property
    def hashes(self) -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.sdist, self.wheel)]


def build(source: Path, out: Path) -> Built:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    [sdist], [wheel] = out.glob("*.tar.gz"), out.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git would clone."""
    source = tmp_path_factory.mktemp("source") / "clone"
    waste = shutil.ignore_patterns("__pycache__", "*.pyc", "_build", ".*_cache", ".hypothesis", "*.egg-info")
    source.mkdir()
    for name in TOP:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=waste)
        else:
            shutil.copy2(ROOT / name, source / name)
    return source


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """From that copy."""
    return build(source, tmp_path_factory.mktemp("first"))


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def information_of(built: Built, name: str) -> bytes:
    with zipfile.ZipFile(built.wheel) as archive:
        [path] = [each for each in archive.namelist() if each.endswith(f".dist-info/{name}")]
        return archive.read(path)


@pytest.fixture(scope="module")
def metadata(built: Built) -> Message:
    return BytesParser().parsebytes(information_of(built, "METADATA"))


def test_two_builds_are_the_same_bytes(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path / "elsewhere", filter="data")
    [unpacked] = (tmp_path / "elsewhere").iterdir()
    for path in unpacked.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))

    assert build(unpacked, tmp_path / "second").hashes == built.hashes


def test_the_wheel_has_both_packages_and_nothing_else(built: Built) -> None:
    modules = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*.py")
    }
    stem = f"fluxhttp-{fluxhttp.__version__}.dist-info"
    information = {f"{stem}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}

    assert names_of(built.wheel) == modules | DATA | information


def test_the_sdist_has_everything_that_a_clone_has(built: Built, source: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    clone = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert names == clone | {"PKG-INFO"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="what was unpacked from an sdist has no list of its files")
def test_git_tracks_nothing_else_at_the_top() -> None:
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert {line.partition("/")[0] for line in told.splitlines()} == TOP


def test_the_core_needs_idna_alone(metadata: Message) -> None:
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]

    assert needed == ["idna>=3.7"]


def test_it_says_what_it_is(metadata: Message) -> None:
    assert metadata["Name"] == "fluxhttp"
    assert metadata["Version"] == fluxhttp.__version__
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_commands_and_plug_ins_are_registered(built: Built) -> None:
    lines = information_of(built, "entry_points.txt").decode().splitlines()

    assert {line for line in lines if line} == {
        "[console_scripts]",
        "fluxhttp = fluxhttp._cli:main",
        "fluxhttp-conformance = fluxhttp_conformance._cli:main",
        "[fluxhttp.transports]",
        "fake = fluxhttp.testing.fake:FakeTransport",
        "stdlib = fluxhttp.transports.stdlib:StdlibTransport",
        "urllib3 = fluxhttp.transports.urllib3:Urllib3Transport",
        "[pytest11]",
        "fluxhttp = fluxhttp.pytest_plugin",
    }


def test_the_changelog_knows_the_version() -> None:
    headings = [
        line for line in (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "
    ]

    assert any(line.startswith(f"## {fluxhttp.__version__} (") for line in headings)
