"""The peers that bring a network of their own, so that they take part on the wire alone."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.benchmarks.peers import Requests
from tests.benchmarks.workload import GET_HEADERS, PARAMS, POST_BODY, POST_HEADERS, THREADS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.benchmarks.workload import Place


class Curl:
    """``pycurl.Curl``: libcurl, one handle."""

    def __init__(self, place: Place) -> None:
        self._pycurl: Any = import_module("pycurl")
        self._curl = self._pycurl.Curl()
        self._curl.setopt(self._pycurl.ACCEPT_ENCODING, "gzip")
        self._url = place.url
        self._origin = f"http://{place.authority}"

    def _perform(self, url: str, headers: dict[str, str]) -> bytes:
        buffer = BytesIO()
        self._curl.setopt(self._pycurl.URL, url)
        self._curl.setopt(self._pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
        self._curl.setopt(self._pycurl.WRITEDATA, buffer)
        self._curl.perform()
        return buffer.getvalue()

    def get(self) -> bytes:
        self._curl.setopt(self._pycurl.HTTPGET, 1)
        return self._perform(f"{self._url}?{urlencode(PARAMS)}", GET_HEADERS)

    def post(self) -> bytes:
        self._curl.setopt(self._pycurl.POSTFIELDS, POST_BODY)
        return self._perform(self._url, POST_HEADERS)

    def fetch(self, target: str) -> bytes:
        self._curl.setopt(self._pycurl.HTTPGET, 1)
        return self._perform(self._origin + target, {})

    def upload(self, target: str, body: bytes) -> bytes:
        self._curl.setopt(self._pycurl.POSTFIELDS, body)
        # Or it would wait a second for a 100 (Continue) that nobody sends.
        return self._perform(self._origin + target, {"Expect": ""})

    def close(self) -> None:
        self._curl.close()


class AIOHTTP:
    """``aiohttp.ClientSession``: one call at a time, but with ``gather`` as many tasks as others have threads."""

    def __init__(self, place: Place) -> None:
        self._loop = import_module("asyncio").new_event_loop()
        self._session = self._loop.run_until_complete(self._open())
        self._url = place.url
        self._origin = f"http://{place.authority}"

    @staticmethod
    async def _open() -> Any:
        return import_module("aiohttp").ClientSession()

    async def _call(self, method: str, url: str, **options: object) -> bytes:
        async with self._session.request(method, url, **options) as answer:
            content: bytes = await answer.read()
            return content

    def _run(self, call: Awaitable[bytes]) -> bytes:
        content: bytes = self._loop.run_until_complete(call)
        return content

    def _get(self) -> Awaitable[bytes]:
        return self._call("GET", self._url, params=PARAMS, headers=GET_HEADERS)

    def _post(self) -> Awaitable[bytes]:
        return self._call("POST", self._url, data=POST_BODY, headers=POST_HEADERS)

    def get(self) -> bytes:
        return self._run(self._get())

    def post(self) -> bytes:
        return self._run(self._post())

    def gather(self, work: str, calls: int) -> None:
        """That many calls, by tasks that share a loop."""
        call: Callable[[], Awaitable[bytes]] = {"get": self._get, "post": self._post}[work]

        async def worker() -> None:
            for _ in range(calls // THREADS):
                await call()

        async def all_of_them() -> None:
            await import_module("asyncio").gather(*(worker() for _ in range(THREADS)))

        self._loop.run_until_complete(all_of_them())

    def fetch(self, target: str) -> bytes:
        return self._run(self._call("GET", self._origin + target))

    def upload(self, target: str, body: bytes) -> bytes:
        # It warns that a body of bytes holds up the loop, which serves nobody else here.
        with import_module("warnings").catch_warnings(action="ignore"):
            return self._run(self._call("POST", self._origin + target, data=body))

    def close(self) -> None:
        self._loop.run_until_complete(self._session.close())
        self._loop.close()


class Niquests(Requests):
    """``niquests.Session``, in an environment of its own: it puts another package in urllib3's place."""

    def __init__(self, place: Place) -> None:
        self._session: Any = import_module("niquests").Session()
        self._url = place.url
        self._origin = f"http://{place.authority}"
