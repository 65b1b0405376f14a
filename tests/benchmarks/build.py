"""Build: what is made before anything is sent: query strings, requests, clients, URLs."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import fluxhttp
from fluxhttp import URL, Client, Request
from tests.benchmarks import machine
from tests.benchmarks.calls import CPU, WALL, steady_memory, timed
from tests.benchmarks.figures import Table, interleaved, rows
from tests.benchmarks.workload import GET_HEADERS, PARAMS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from tests.benchmarks.figures import Sample

    Work = dict[str, Callable[[], object]]

_BASE = "urlencode(doseq=True)"
_URL = "http://a.test/points"
#: As people write them: words, numbers, a date, something to be escaped.
_FIVE = {
    "db": ["metrics"],
    "tag": ["eu west/1", "eu north/2"],
    "since": ["2024-03-05T09:30:00+01:00"],
    "limit": ["1000"],
    "name": ["Ådne"],
}
_THOUSAND = {f"key{number}": [f"value {number}"] for number in range(1000)}
#: More than any cache holds.
_URLS = 5_000


def run(options: Namespace) -> list[Table]:
    """The tables of query strings, requests, clients and URLs."""
    rounds = options.rounds or 25
    calls = options.calls or 200
    machine.pin(machine.cores()[0])
    tables = []
    for title, works, base, cost in (
        ("A query string of 5 params", _query(_FIVE), _BASE, 1),
        ("A query string of 1,000 params", _query(_THOUSAND), _BASE, 100),
        ("A request of 2 params and 3 headers", _requests(), "requests.Request().prepare()", 5),
        ("A client, made and closed", _clients(), "httpx.Client()", 20),
        ("A URL never seen before", _urls(), "urlsplit", 2),
    ):
        chosen = _chosen(works, options.contenders, base)
        few = max(1, calls // cost)
        for work in chosen.values():
            work()
        with steady_memory():
            samples = interleaved({name: _sampler(work, few) for name, work in chosen.items()}, rounds=rounds)
        notes = [f"{rounds} rounds of {few} calls; median (least-greatest)"]
        tables.append(Table(title, rows(samples, (CPU, WALL), [(base, CPU)]), notes))
    return tables


def _sampler(work: Callable[[], object], calls: int) -> Callable[[], Sample]:
    def take() -> Sample:
        # Whoever comes after a large one would otherwise pay for the caches that it emptied.
        for _ in range(calls // 10 + 3):
            work()
        return timed(work, calls)

    return take


def _chosen(works: Work, wanted: list[str] | None, base: str) -> Work:
    """Those whose names hold one of the wanted; the one that others are compared with stays."""
    if wanted is None:
        return works
    return {name: work for name, work in works.items() if name == base or any(text in name for text in wanted)}


def _query(params: dict[str, list[str]]) -> Work:
    works: Work = {
        _BASE: lambda: urlencode(params, doseq=True),
        "fluxhttp.encode_params": lambda: fluxhttp.encode_params(params),
    }
    if find_spec("httpx"):
        encode = import_module("httpx").QueryParams
        works["httpx.QueryParams"] = lambda: str(encode(params))
    # What is compared encodes the same things, each in its order and way.
    wanted = {(key, value) for key, values in params.items() for value in values}
    for name, work in works.items():
        assert set(import_module("urllib.parse").parse_qsl(str(work()))) == wanted, name
    return works


def _requests() -> Work:
    works: Work = {"fluxhttp.Request.build": lambda: Request.build("GET", _URL, params=PARAMS, headers=GET_HEADERS)}
    client = Client()
    works["fluxhttp Client.build_request"] = lambda: client.build_request(
        "GET", _URL, params=PARAMS, headers=GET_HEADERS
    )
    if find_spec("requests"):
        requests: Any = import_module("requests")
        session = requests.Session()
        works["requests.Request().prepare()"] = lambda: requests.Request(
            "GET", _URL, params=PARAMS, headers=GET_HEADERS
        ).prepare()
        works["requests Session.prepare_request"] = lambda: session.prepare_request(
            requests.Request("GET", _URL, params=PARAMS, headers=GET_HEADERS)
        )
    if find_spec("httpx"):
        httpx: Any = import_module("httpx")
        http = httpx.Client()
        works["httpx.Request"] = lambda: httpx.Request("GET", _URL, params=PARAMS, headers=GET_HEADERS)
        works["httpx Client.build_request"] = lambda: http.build_request(
            "GET", _URL, params=PARAMS, headers=GET_HEADERS
        )
    return works


def _clients() -> Work:
    works: Work = {"fluxhttp.Client()": lambda: Client().close(), 'fluxhttp.Client("stdlib")': _stdlib_client}
    if find_spec("urllib3"):
        works["urllib3.PoolManager()"] = lambda: import_module("urllib3").PoolManager().clear()
    if find_spec("requests"):
        works["requests.Session()"] = lambda: import_module("requests").Session().close()
    if find_spec("httpx"):
        works["httpx.Client()"] = lambda: import_module("httpx").Client().close()
    return works


def _stdlib_client() -> None:
    Client("stdlib").close()


def _urls() -> Work:
    urls = cycle([f"http://a.test/items/{number}?page={number}" for number in range(_URLS)])
    works: Work = {"urlsplit": lambda: urlsplit(next(urls)), "fluxhttp.URL.parse": lambda: URL.parse(next(urls))}
    if find_spec("httpx"):
        httpx: Any = import_module("httpx")
        works["httpx.URL"] = lambda: httpx.URL(next(urls))
    return works
