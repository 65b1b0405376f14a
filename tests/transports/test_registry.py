"""From a name to a transport: our own, and those of other distributions."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp import Client, InvalidConfigError, InvalidTypeError, StdlibTransport, open_transport
from fluxhttp.transports.registry import registered_names
from fluxhttp_conformance import Target
from tests.peers import fails

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
class OddTransport:
    def __init__(self, *, size=1):
        if size < 0:
            raise TypeError("size must not be negative")
        self.size = size
        self.is_closed = False

    def send(self, request, /, *, config, deadline):
        raise NotImplementedError

    def close(self):
        self.is_closed = True


def odd_factory(**options):
    return OddTransport(**options)
"""
ENTRY_POINTS = """
[fluxhttp.transports]
odd = odd_transports:OddTransport
odd-function = odd_transports:odd_factory
needs-more = no_such_package.transports:Transport
misspelt = odd_transports:OddTransprot
half-written = odd_half:Transport
stdlib = odd_transports:OddTransport

[console_scripts]
odd-command = odd_transports:odd_factory
"""


@pytest.fixture
def _odd_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another distribution that registers transports."""
    (tmp_path / "odd_transports.py").write_text(MODULE)
    (tmp_path / "odd_half.py").write_text("from odd_transports import nothing_of_that_name\n")
    information = tmp_path / "odd_transports-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-transports\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_transports", raising=False)


odd_distribution = pytest.mark.usefixtures("_odd_distribution")


def test_a_name_of_ours_opens_our_transport_with_its_options() -> None:
    transport = open_transport("stdlib", trust_env=False, max_idle_per_origin=3)

    assert type(transport) is StdlibTransport
    transport.close()


@odd_distribution
@pytest.mark.parametrize("name", ["odd", "odd-function"])
def test_a_name_of_another_distribution_opens_its_transport(name: str) -> None:
    transport = open_transport(name, size=5)

    assert (type(transport).__name__, transport.size) == ("OddTransport", 5)  # type: ignore[attr-defined]


@odd_distribution
def test_the_suite_judges_what_a_registered_function_makes() -> None:
    import odd_transports  # type: ignore[import-not-found]

    assert Target.named("odd-function")._factory is odd_transports.odd_factory
    assert Target.named("odd")._factory is odd_transports.OddTransport
    assert Target.named("stdlib")._factory is StdlibTransport


@odd_distribution
def test_a_client_opens_and_closes_it_by_name() -> None:
    with Client("odd") as client:
        transport = client.transport
        assert not transport.is_closed  # type: ignore[attr-defined]

    assert transport.is_closed  # type: ignore[attr-defined]


@odd_distribution
def test_nobody_takes_a_name_of_ours() -> None:
    assert type(open_transport("stdlib")) is StdlibTransport


@odd_distribution
def test_all_names_are_known() -> None:
    names = registered_names()

    assert {"stdlib", "odd", "odd-function", "needs-more"} <= set(names)
    assert names == sorted(set(names))
    assert "odd-command" not in names


@odd_distribution
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("needs-more", "transport 'needs-more' needs a package that is not installed: no_such_package"),
        ("misspelt", "transport 'misspelt' cannot be loaded: module 'odd_transports' has no attribute 'OddTransprot'"),
        ("half-written", "transport 'half-written' cannot be loaded: cannot import name 'nothing_of_that_name'"),
    ],
)
def test_a_transport_that_cannot_be_loaded_is_told_from_one_that_does_not_exist(name: str, text: str) -> None:
    error = fails(InvalidConfigError, open_transport, name)

    assert str(error).startswith(text)
    assert error.__cause__ is not None


@pytest.mark.parametrize("name", ["", "no-such", "std lib", "x" * 1000])
def test_a_name_that_nobody_registered_is_refused_with_those_that_exist(name: str) -> None:
    for call in (open_transport, Client):
        error = fails(InvalidConfigError, call, name)

        assert str(error).startswith(f"no transport is registered as {name[:64]!r}; there are ")
        assert "stdlib" in str(error)


@pytest.mark.parametrize("name", [None, 5, b"stdlib", StdlibTransport])
def test_a_name_must_be_a_str(name: object) -> None:
    assert "must be a str" in str(fails(InvalidTypeError, open_transport, name))


@odd_distribution
def test_options_that_a_transport_does_not_take_are_refused() -> None:
    assert str(fails(InvalidTypeError, open_transport, "stdlib", size=1)).startswith("transport 'stdlib': ")
    assert str(fails(InvalidTypeError, open_transport, "stdlib", trust_env=1)) == "trust_env must be a bool, not int"
    assert str(fails(InvalidTypeError, open_transport, "odd", size=-1)) == "transport 'odd': size must not be negative"


def test_a_name_of_ours_reads_no_metadata() -> None:
    program = """
import sys
import fluxhttp
fluxhttp.open_transport("stdlib", trust_env=False)
print("importlib.metadata" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout == "False\n"


def test_it_is_loaded_on_first_use() -> None:
    assert fluxhttp.open_transport is open_transport
