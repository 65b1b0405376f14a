"""The peers, each set up once and used as its documentation shows it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.benchmarks.workload import GET_HEADERS, PARAMS, PATH, POST_BODY, POST_HEADERS, THREADS, target

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from tests.benchmarks.workload import Place


def _urllib3_pool(dial: Callable[[], socket] | None) -> Any:
    """urllib3's pool class, or one whose connections go to the fake."""
    from urllib3 import HTTPConnectionPool
    from urllib3.connection import HTTPConnection

    if dial is None:
        return HTTPConnectionPool
    connect = dial

    class FakeConnection(HTTPConnection):
        def _new_conn(self) -> socket:
            return connect()

    class FakePool(HTTPConnectionPool):
        ConnectionCls = FakeConnection

    return FakePool


class Urlopen:
    """``HTTPConnectionPool.urlopen``: what stands on urllib3 calls this."""

    def __init__(self, place: Place) -> None:
        self._pool = _urllib3_pool(place.dial)(place.host, place.port, maxsize=THREADS)

    def get(self) -> bytes:
        data: bytes = self._pool.urlopen("GET", target(), headers=GET_HEADERS).data
        return data

    def post(self) -> bytes:
        data: bytes = self._pool.urlopen("POST", PATH, body=POST_BODY, headers=POST_HEADERS).data
        return data

    def fetch(self, target: str) -> bytes:
        data: bytes = self._pool.urlopen("GET", target).data
        return data

    def upload(self, target: str, body: bytes) -> bytes:
        data: bytes = self._pool.urlopen("POST", target, body=body).data
        return data

    def close(self) -> None:
        self._pool.close()


class PoolManager:
    """``urllib3.PoolManager.request``."""

    def __init__(self, place: Place) -> None:
        from urllib3 import PoolManager as Manager

        self._manager = Manager(maxsize=THREADS)
        self._manager.pool_classes_by_scheme = {"http": _urllib3_pool(place.dial)}
        self._url = place.url
        self._origin = f"http://{place.authority}"

    def get(self) -> bytes:
        return self._manager.request("GET", self._url, fields=PARAMS, headers=GET_HEADERS).data

    def post(self) -> bytes:
        return self._manager.request("POST", self._url, body=POST_BODY, headers=POST_HEADERS).data

    def fetch(self, target: str) -> bytes:
        return self._manager.request("GET", self._origin + target).data

    def upload(self, target: str, body: bytes) -> bytes:
        return self._manager.request("POST", self._origin + target, body=body).data

    def close(self) -> None:
        self._manager.clear()


class Requests:
    """``requests.Session``."""

    def __init__(self, place: Place) -> None:
        requests: Any = import_module("requests")
        adapter = requests.adapters.HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = {"http": _urllib3_pool(place.dial)}
        self._session = requests.Session()
        self._session.mount("http://", adapter)
        self._url = place.url
        self._origin = f"http://{place.authority}"

    def get(self) -> bytes:
        content: bytes = self._session.get(self._url, params=PARAMS, headers=GET_HEADERS).content
        return content

    def post(self) -> bytes:
        content: bytes = self._session.post(self._url, data=POST_BODY, headers=POST_HEADERS).content
        return content

    def fetch(self, target: str) -> bytes:
        content: bytes = self._session.get(self._origin + target).content
        return content

    def upload(self, target: str, body: bytes) -> bytes:
        content: bytes = self._session.post(self._origin + target, data=body).content
        return content

    def close(self) -> None:
        self._session.close()


class HTTPX:
    """``httpx.Client``."""

    def __init__(self, place: Place) -> None:
        httpx: Any = import_module("httpx")
        transport = httpx.HTTPTransport()
        if place.dial is not None:
            transport._pool = import_module("httpcore").ConnectionPool(network_backend=_FakeBackend(place.dial))
        self._client = httpx.Client(transport=transport)
        self._url = place.url
        self._origin = f"http://{place.authority}"

    def get(self) -> bytes:
        content: bytes = self._client.get(self._url, params=PARAMS, headers=GET_HEADERS).content
        return content

    def post(self) -> bytes:
        content: bytes = self._client.post(self._url, content=POST_BODY, headers=POST_HEADERS).content
        return content

    def fetch(self, target: str) -> bytes:
        content: bytes = self._client.get(self._origin + target).content
        return content

    def upload(self, target: str, body: bytes) -> bytes:
        content: bytes = self._client.post(self._origin + target, content=body).content
        return content

    def close(self) -> None:
        self._client.close()


class _FakeBackend:
    """httpcore's own stream, over the fake."""

    def __init__(self, dial: Callable[[], socket]) -> None:
        self._dial = dial
        self._stream: Any = import_module("httpcore._backends.sync").SyncStream

    def connect_tcp(self, *_: object, **__: object) -> object:
        return self._stream(self._dial())
