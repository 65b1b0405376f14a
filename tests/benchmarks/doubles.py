"""Test doubles, each set up once and used as its documentation shows it, with one route or with many.

A route answers ``GET /items/N`` with ``{"n": N}``. With ``POST`` the route also
matches two params, three headers and 1 KB of JSON. Every double keeps what it
was asked; ``httpx.MockTransport`` does neither by itself, so that its handler
looks the route up in a dictionary and appends to a list: the least that there is.
"""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from fluxhttp import Client
from fluxhttp.testing import FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.test"
PARAMS = {"db": "metrics", "tag": "eu west/1"}
HEADERS = {"Accept": "application/json", "Authorization": "Bearer 0123456789abcdef", "X-Request-Id": "7f3a9c"}
JSON = {
    "id": 4711,
    "title": "What a double may be believed",
    "author": {"id": 7, "name": "Ada", "is_editor": True},
    "tags": ["testing", "http"],
    "score": 0.875,
    "reviewed": None,
    "text": "A test that is green against the double is to be green against the network. ".ljust(852, "x"),
}
assert 1000 < len(json.dumps(JSON, separators=(",", ":"))) < 1100


def url_of(number: int) -> str:
    """What a route's requests ask for."""
    return f"{API}/items/{number}"


class Double(Protocol):
    """A client and the double in its place. Every call returns the answer's body."""

    def __init__(self, routes: int, *, is_post: bool) -> None: ...
    def get(self, url: str) -> bytes: ...
    def post(self, url: str) -> bytes: ...
    def recorded(self) -> int: ...
    def forget(self) -> None: ...
    def close(self) -> None: ...


class Fluxhttp:
    """``fluxhttp.testing.FakeTransport`` below a Client."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        self._fake = FakeTransport()
        for number in range(routes):
            if is_post:
                self._fake.post(url_of(number), params=PARAMS, headers=HEADERS, json=JSON).respond(json={"n": number})
            else:
                self._fake.get(url_of(number)).respond(json={"n": number})
        self._client = Client(self._fake)

    def get(self, url: str) -> bytes:
        return self._client.get(url).body

    def post(self, url: str) -> bytes:
        return self._client.post(url, params=PARAMS, headers=HEADERS, json=JSON).body

    def recorded(self) -> int:
        return len(self._fake.calls)

    def forget(self) -> None:
        self._fake.calls.clear()

    def close(self) -> None:
        self._client.close()


class _OverRequests:
    """A call with ``requests.Session``."""

    def __init__(self) -> None:
        self._session: Any = import_module("requests").Session()

    def get(self, url: str) -> bytes:
        content: bytes = self._session.get(url).content
        return content

    def post(self, url: str) -> bytes:
        content: bytes = self._session.post(url, params=PARAMS, headers=HEADERS, json=JSON).content
        return content


class Responses(_OverRequests):
    """``responses.RequestsMock``."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        super().__init__()
        responses: Any = import_module("responses")
        self._mock = responses.RequestsMock(assert_all_requests_are_fired=False)
        matchers = responses.matchers
        match = [
            matchers.query_param_matcher(PARAMS),
            matchers.header_matcher(HEADERS),
            matchers.json_params_matcher(JSON),
        ]
        for number in range(routes):
            if is_post:
                self._mock.post(url_of(number), json={"n": number}, match=match)
            else:
                self._mock.get(url_of(number), json={"n": number})
        self._running = False

    def _start(self) -> None:
        # It patches requests' own adapter: only while it is the one that is measured.
        if not self._running:
            self._mock.start()
            self._running = True

    def get(self, url: str) -> bytes:
        self._start()
        return super().get(url)

    def post(self, url: str) -> bytes:
        self._start()
        return super().post(url)

    def recorded(self) -> int:
        return len(self._mock.calls)

    def forget(self) -> None:
        self._mock.calls.reset()
        if self._running:
            self._mock.stop(allow_assert=False)
            self._running = False

    def close(self) -> None:
        self.forget()
        self._session.close()


class RequestsMock(_OverRequests):
    """``requests_mock.Adapter``, mounted on the session."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        super().__init__()
        self._adapter: Any = import_module("requests_mock").Adapter()
        self._session.mount("https://", self._adapter)
        query = "?db=metrics&tag=eu+west%2F1"
        for number in range(routes):
            if is_post:
                self._adapter.register_uri(
                    "POST",
                    url_of(number) + query,
                    request_headers=HEADERS,
                    additional_matcher=lambda request: request.json() == JSON,
                    json={"n": number},
                )
            else:
                self._adapter.register_uri("GET", url_of(number), json={"n": number})

    def recorded(self) -> int:
        return len(self._adapter.request_history)

    def forget(self) -> None:
        self._adapter.request_history.clear()

    def close(self) -> None:
        self._session.close()


class _OverHTTPX:
    """A call with ``httpx.Client``, over the transport that the double brings."""

    def __init__(self, transport: object) -> None:
        self._client: Any = import_module("httpx").Client(transport=transport)

    def get(self, url: str) -> bytes:
        content: bytes = self._client.get(url).content
        return content

    def post(self, url: str) -> bytes:
        content: bytes = self._client.post(url, params=PARAMS, headers=HEADERS, json=JSON).content
        return content

    def close(self) -> None:
        self._client.close()


class MockTransport(_OverHTTPX):
    """``httpx.MockTransport`` with a handler that matches and records by hand."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        httpx: Any = import_module("httpx")
        replies = {url_of(number): {"n": number} for number in range(routes)}
        self._calls: list[object] = []
        params = httpx.QueryParams(PARAMS)

        def get(request: Any) -> object:
            answer = httpx.Response(200, json=replies[str(request.url)])
            self._calls.append((request, answer))
            return answer

        def post(request: Any) -> object:
            assert request.url.params == params
            assert all(request.headers[name] == value for name, value in HEADERS.items())
            assert json.loads(request.content) == JSON
            answer = httpx.Response(200, json=replies[str(request.url.copy_with(query=None))])
            self._calls.append((request, answer))
            return answer

        super().__init__(httpx.MockTransport(post if is_post else get))

    def recorded(self) -> int:
        return len(self._calls)

    def forget(self) -> None:
        self._calls.clear()


class Respx(_OverHTTPX):
    """``respx.MockRouter``; its handler below the client, which is faster than letting it patch."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        respx: Any = import_module("respx")
        self._router = respx.MockRouter(assert_all_called=False)
        super().__init__(import_module("httpx").MockTransport(self._router.handler))
        more = {"params": PARAMS, "headers": HEADERS, "json": JSON} if is_post else {}
        for number in range(routes):
            route = respx.Route(method="POST" if is_post else "GET", url=url_of(number), **more)
            # As router.get() does, but for comparing it with each route before: with 10,000 that takes ten minutes.
            self._router.routes._routes.append(route.respond(json={"n": number}))

    def recorded(self) -> int:
        return len(self._router.calls)

    def forget(self) -> None:
        self._router.reset()


class PytestHTTPX(_OverHTTPX):
    """``pytest_httpx.HTTPXMock``, called as its fixture has httpx call it."""

    def __init__(self, routes: int, *, is_post: bool) -> None:
        package, httpx = import_module("pytest_httpx"), import_module("httpx")
        options = import_module("pytest_httpx._options")._HTTPXMockOptions(can_send_already_matched_responses=True)
        self._mock: Any = package.HTTPXMock(options)
        transport = httpx.HTTPTransport()
        super().__init__(httpx.MockTransport(lambda request: self._mock._handle_request(transport, request)))
        for number in range(routes):
            if is_post:
                url = httpx.URL(url_of(number), params=PARAMS)
                self._mock.add_response(
                    method="POST", url=url, match_headers=HEADERS, match_json=JSON, json={"n": number}
                )
            else:
                self._mock.add_response(method="GET", url=url_of(number), json={"n": number})

    def recorded(self) -> int:
        return len(self._mock.get_requests())

    def forget(self) -> None:
        # reset() would forget the routes, too.
        self._mock._requests.clear()


FLUX = "fluxhttp fake"
MOCK_TRANSPORT = "httpx.MockTransport"
RESPONSES = "responses"
_ALL: dict[str, tuple[str, Callable[..., Double]]] = {
    FLUX: ("fluxhttp", Fluxhttp),
    MOCK_TRANSPORT: ("httpx", MockTransport),
    "respx": ("respx", Respx),
    "pytest-httpx": ("pytest_httpx", PytestHTTPX),
    "requests-mock": ("requests_mock", RequestsMock),
    RESPONSES: ("responses", Responses),
}


def installed(wanted: list[str] | None) -> dict[str, Callable[..., Double]]:
    """The doubles that can run here; ``wanted`` chooses from them by name, None for all."""
    found = {name: make for name, (module, make) in _ALL.items() if find_spec(module) is not None}
    if wanted is None:
        return found
    chosen = {name.strip().lower() for name in wanted}
    unknown = chosen - {name.lower() for name in found}
    if unknown:
        raise SystemExit(f"not installed or unknown: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    return {name: make for name, make in found.items() if name.lower() in chosen}
