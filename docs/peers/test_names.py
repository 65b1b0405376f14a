"""The pages on coming from another library leave out none of its public names, and say its true version."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_httpx
import requests
import requests_mock
import responses
import respx
import vcr
from pytest_httpx._options import _HTTPXMockOptions
from pytest_httpx._request_matcher import _RequestMatcher
from responses import _recorder, matchers, registries
from respx.patterns import Pattern
from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCS = Path(__file__).parents[1]
#: What respx.CallList and respx.Call have from list, tuple and Mock.
INHERITED = {*dir(list), *dir(tuple), *dir(requests_mock.mock)}


def section(page: str, title: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    return text if not title else text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def missing(text: str, names: Iterable[str]) -> list[str]:
    words = set(re.findall(r"\w+", text))
    return sorted(name for name in names if name.rstrip("_") not in words)


def public(value: object, *, but: Iterable[str] = ()) -> set[str]:
    """Names without modules and without what a module imports for itself."""
    names = {name for name in dir(value) if not name.startswith("_")} - set(but)
    if not inspect.ismodule(value):
        return names
    own = value.__name__.partition(".")[0]
    found = {name: getattr(value, name) for name in names}
    return {
        name
        for name, one in found.items()
        if not inspect.ismodule(one) and (getattr(one, "__module__", own) or own).partition(".")[0] == own
    }


def parameters(function: object) -> set[str]:
    assert callable(function)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name for name, one in inspect.signature(function).parameters.items() if one.kind not in kinds} - {"self"}


@pytest.mark.parametrize(
    ("page", "package"),
    [
        ("coming-from-requests.md", "requests"),
        ("coming-from-httpx.md", "httpx"),
        *[
            ("coming-from-test-doubles.md", name)
            for name in ("responses", "requests-mock", "respx", "pytest-httpx", "vcrpy")
        ],
    ],
)
def test_a_page_names_the_version_that_is_installed(page: str, package: str) -> None:
    assert f"{package} {version(package)}" in section(page, "")


def test_responses() -> None:
    names = {name.removeprefix("_deprecated_") for name in responses.__all__}
    names |= public(responses.RequestsMock) | parameters(responses.RequestsMock)
    names |= public(responses.Response, but=["content_type"]) | parameters(responses.Response)
    names |= parameters(responses.BaseResponse) | {"CallList", "Call"} | public(responses.CallList, but=INHERITED)
    names |= {name for name in public(matchers) if name.endswith("_matcher")}
    names |= {name for name in public(registries) if name.endswith("Registry")}
    names |= {"_recorder", "Recorder", "dump_to_file"} | parameters(_recorder.Recorder.record)

    assert missing(section("coming-from-test-doubles.md", "responses"), names) == []


def test_requests_mock() -> None:
    names = public(requests_mock, but=["DEFAULT"]) | public(requests_mock.Mocker) | public(requests_mock.Adapter)
    names |= {"session", "json_encoder", "real_http", "contrib", "exc", "raw", "body", "content", "text", "json"}
    names |= {"status_code", "reason", "headers", "cookies", "context", "request_history"}
    names |= parameters(requests_mock.Adapter.register_uri) | parameters(requests_mock.adapter._Matcher) - {"responses"}
    names |= public(requests_mock.adapter._Matcher) | public(requests_mock.request._RequestObjectProxy)
    names |= {name for name in dir(requests_mock.exceptions) if name[0].isupper()} | {"requests_mock_case_sensitive"}

    assert missing(section("coming-from-test-doubles.md", "requests-mock"), names) == []


def test_respx() -> None:
    names = public(respx) | public(respx.MockRouter) | parameters(respx.MockRouter) | public(respx.Route)
    names |= parameters(respx.Route.respond) | parameters(respx.Route.mock) | {"respx_mock"}
    names |= {"has_response", "optional_response", "last", "M", "ANY", "AllMockedAssertionError", "PassThrough"}
    names |= {pattern.key for pattern in Pattern.__subclasses__() if hasattr(pattern, "key")}
    names |= {name for name in public(respx.mocks) if name.endswith(("Mocker", "Transport"))} - {
        "AbstractRequestMocker"
    }

    assert missing(section("coming-from-test-doubles.md", "respx").replace("__", " "), names) == []


def test_pytest_httpx() -> None:
    names = set(pytest_httpx.__all__) - {"__version__"} | public(pytest_httpx.HTTPXMock)
    names |= parameters(pytest_httpx.HTTPXMock.add_response) | parameters(_HTTPXMockOptions)
    names |= parameters(_RequestMatcher) - {"options"} | {"httpx_mock"}

    assert missing(section("coming-from-test-doubles.md", "pytest-httpx"), names) == []


def test_vcrpy() -> None:
    names = public(vcr)
    names |= public(vcr.VCR) | parameters(vcr.VCR) | public(Cassette) | {mode.name for mode in RecordMode}
    names |= {"allow_playback_repeats", "additional_matchers", "persister", "VCRTestCase", "VCRMixin"}
    names |= {name for name in dir(vcr.errors) if name.endswith(("Error", "Exception"))}

    assert missing(section("coming-from-test-doubles.md", "vcrpy"), names) == []


def test_requests() -> None:
    session = requests.Session()
    names = public(session) | parameters(requests.Session.request) | public(requests.Response())
    names |= {"Session", "Request", "PreparedRequest", "codes"}
    names |= {
        name
        for name, value in vars(requests.exceptions).items()
        if getattr(value, "__module__", "") == "requests.exceptions"
    }

    assert missing(section("coming-from-requests.md", ""), names) == []


def test_httpx() -> None:
    text = section("coming-from-httpx.md", "")
    names = {name for name in httpx.__all__ if not name.startswith("__")}
    names |= parameters(httpx.Client.__init__) | parameters(httpx.Client.request) | public(httpx.Client)
    names |= {
        name for name in public(httpx.Response) if not (name.startswith("a") and name[1:] in public(httpx.Response))
    }
    names |= parameters(httpx.HTTPTransport.__init__)

    assert missing(text, names) == []
