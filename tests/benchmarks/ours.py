"""fluxhttp over its real transports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fluxhttp
from tests.benchmarks.workload import GET_HEADERS, PARAMS, POST_BODY, POST_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from tests.benchmarks.workload import Place


class _FakeDialer:
    """Connects to the fake, whatever the host."""

    def __init__(self, dial: Callable[[], socket]) -> None:
        self._dial = dial

    def dial(self, host: str, port: int, /, *, deadline: fluxhttp.Deadline) -> socket:
        return self._dial()


class Flux:
    """A client over a registered transport, with or without a time-out for each call."""

    def __init__(self, place: Place, *, transport: str, timeout: float | None = None) -> None:
        options = {} if place.dial is None else {"dialer": _FakeDialer(place.dial)}
        self._transport = fluxhttp.open_transport(transport, **options)
        self._client = fluxhttp.Client(self._transport, config=fluxhttp.Config(timeout=timeout))
        self._url = place.url
        self._origin = f"http://{place.authority}"

    def get(self) -> bytes:
        return self._client.get(self._url, params=PARAMS, headers=GET_HEADERS).body

    def post(self) -> bytes:
        return self._client.post(self._url, body=POST_BODY, headers=POST_HEADERS).body

    def fetch(self, target: str) -> bytes:
        return self._client.get(self._origin + target).body

    def upload(self, target: str, body: bytes) -> bytes:
        return self._client.post(self._origin + target, body=body).body

    def close(self) -> None:
        self._client.close()
        self._transport.close()
