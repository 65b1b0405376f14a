"""Every public name is where it is promised, and nothing heavy is loaded for it."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import fluxhttp
import fluxhttp.errors
import fluxhttp.testing
from fluxhttp import Client, FluxHTTPError, StdlibTransport
from fluxhttp._core.transport import Transport, TransportResponse

#: Loaded by a first call at the earliest.
HEAVY = {
    "ssl",
    "http.client",
    "email",
    "logging",
    "json",
    "idna",
    "importlib.metadata",
    "dataclasses",
    "urllib3",
    "select",
}


def in_a_new_process(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("package", [fluxhttp, fluxhttp.testing], ids=lambda package: package.__name__)
def test_the_public_names_are_sorted_and_there(package: typing.Any) -> None:
    names = package.__all__

    assert len(set(names)) == len(names)
    assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert set(names) <= set(dir(package))
    for name in names:
        assert getattr(package, name) is not None


def test_every_error_is_exported() -> None:
    errors = {
        name
        for name, value in vars(fluxhttp.errors).items()
        if inspect.isclass(value) and issubclass(value, FluxHTTPError)
    }

    assert errors <= set(fluxhttp.__all__)
    for name in errors:
        assert getattr(fluxhttp, name) is getattr(fluxhttp.errors, name)


@pytest.mark.parametrize("name", fluxhttp.__all__)
def test_every_public_class_and_function_says_what_it_is(name: str) -> None:
    value = getattr(fluxhttp, name)

    if inspect.isclass(value) or inspect.isfunction(value):
        assert (value.__doc__ or "").strip()


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'fluxhttp' has no attribute 'Session'"):
        fluxhttp.Session  # noqa: B018  # it is asked for


def test_a_name_that_needs_another_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fluxhttp._LATER, "OddTransport", "no_such_package.odd")

    with pytest.raises(
        ImportError, match=r"OddTransport needs no_such_package: pip install 'fluxhttp\[no_such_package\]'"
    ):
        fluxhttp.OddTransport  # noqa: B018  # it is asked for


def test_urllib3_s_transport_without_urllib3_says_what_it_needs() -> None:
    program = """
import sys
sys.modules["urllib3"] = None
import fluxhttp
try:
    fluxhttp.Urllib3Transport
except ImportError as error:
    print(error)
try:
    fluxhttp.open_transport("urllib3")
except fluxhttp.InvalidConfigError as error:
    print(error)
"""
    lines = in_a_new_process(program).splitlines()

    assert all("urllib3" in line for line in lines)
    assert len(lines) == 2


def test_everything_can_be_imported_without_urllib3() -> None:
    program = """
import sys
sys.modules["urllib3"] = None
from fluxhttp import *
print(StdlibTransport.__name__)
"""
    assert in_a_new_process(program) == "StdlibTransport\n"


def test_a_name_is_loaded_on_first_use_and_kept() -> None:
    program = """
import sys
import fluxhttp
print("StdlibTransport" in vars(fluxhttp), "http.client" in sys.modules)
first = fluxhttp.StdlibTransport
print("StdlibTransport" in vars(fluxhttp), first is fluxhttp.StdlibTransport)
"""
    assert in_a_new_process(program) == "False False\nTrue True\n"


def test_the_import_loads_nothing_heavy() -> None:
    program = "import sys; before = set(sys.modules); import fluxhttp; print(*sorted(set(sys.modules) - before))"

    loaded = set(in_a_new_process(program).split())

    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("fluxhttp.transports")} == set()


def test_a_plain_call_does_without_what_it_does_not_need() -> None:
    program = """
import socket, sys, threading
import fluxhttp
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    sock, _ = listener.accept()
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
threading.Thread(target=serve, daemon=True).start()
client = fluxhttp.Client(fluxhttp.StdlibTransport(trust_env=False))
client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
names = {"dataclasses", "fluxhttp._wire.tls", "idna", "importlib.metadata", "json", "logging", "urllib3"}
print(*sorted(names & set(sys.modules)))
"""
    assert in_a_new_process(program) == "\n"


def test_the_interfaces_are_met() -> None:
    for name in ("send", "close"):
        assert callable(getattr(StdlibTransport, name))
        assert name in vars(Transport)
    assert {"status_code", "reason", "http_version", "headers", "read", "close"} <= set(vars(TransportResponse))


def test_a_client_has_a_method_for_each_function() -> None:
    for name in ("do", "delete", "get", "head", "patch", "post", "put"):
        assert next(iter(inspect.signature(getattr(fluxhttp, name)).parameters)) in ("method", "url")
        assert callable(getattr(Client, name))


def test_the_version_is_one() -> None:
    text = (Path(fluxhttp.__file__).parent / "_version.py").read_text()

    assert repr(fluxhttp.__version__) in text.replace('"', "'")


def test_the_package_is_typed() -> None:
    assert (Path(fluxhttp.__file__).parent / "py.typed").exists()
