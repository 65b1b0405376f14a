"""Advisories of other clients that no conformance case and no test of one module answers; see docs/security.md."""

from __future__ import annotations

import ast
import contextlib
import gc
import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp import (
    BodyTooLargeError,
    Config,
    Deadline,
    Dialer,
    InvalidHeaderError,
    InvalidRedirectError,
    InvalidURLError,
    Limits,
    NameResolutionError,
    PrivateAddressGuard,
    Request,
)
from fluxhttp_conformance.machine import Stopwatch
from tests.network.origins import Asked, Origin, answer, redirect, same_port
from tests.network.processes import run
from tests.peers import PATIENCE, fails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.network.conftest import OpenClient

MEGABYTE = 1_048_576


@pytest.mark.parametrize("host", ["xn--example-.test", "xn--a.test", "xn--.test", "a.xn--b.test"])
def test_a_label_that_only_looks_international_is_the_same_name_everywhere(host: str, open_client: OpenClient) -> None:
    # CVE-2026-39821: decoded by one party, it is another host than the one that was judged.
    dialled = []

    def resolver(name: str) -> list[str]:
        dialled.append(name)
        return ["127.0.0.1"]

    with Origin(lambda asked: answer(asked.fields["host"].encode())) as origin:
        assert open_client(dialer=Dialer(resolver=resolver)).get(origin.url(host=host)).text == f"{host}:{origin.port}"

    assert dialled == [host]


@pytest.mark.parametrize(
    "authority",
    ["127.0.0.2:{port}\\@127.0.0.1:{port}", "127.0.0.1:{port}\\@127.0.0.2:{port}", "127.0.0.1\\.a.test:{port}"],
)
def test_a_backslash_in_the_authority_leads_nowhere(authority: str, open_client: OpenClient) -> None:
    # CVE-2026-46526: urllib.parse and urllib3 see two different hosts.
    with same_port("127.0.0.1", "127.0.0.2") as hosts:
        client = open_client()
        url = f"http://{authority.format(port=hosts[0].port)}/"

        fails(InvalidURLError, client.get, url)
        fails(InvalidURLError, client.get, url.replace("/", "\\"))

        assert [origin.connections for origin in hosts] == [0, 0]


def test_what_stands_before_the_at_sign_is_not_what_the_guard_judges(open_client: OpenClient) -> None:
    with same_port("127.0.0.1", "127.0.0.2", make=lambda asked: answer(asked.address.encode())) as (one, other):
        client = open_client(dialer=Dialer(guard=PrivateAddressGuard(allow=["127.0.0.1"])))

        assert client.get(f"http://127.0.0.2:{one.port}@127.0.0.1:{one.port}/").body == b"127.0.0.1"
        fails(NameResolutionError, client.get, f"http://127.0.0.1:{one.port}@127.0.0.2:{one.port}/")
        assert other.connections == 0


def test_a_417_leaves_nothing_behind_for_nobody_can_ask_for_a_100(open_client: OpenClient) -> None:
    # CVE-2024-24791
    answers = iter([answer(b"", "417 Expectation Failed"), answer(b"next")])
    with Origin(lambda _: next(answers)) as origin:
        client = open_client()

        fails(InvalidHeaderError, client.post, origin.url(), headers={"Expect": "100-continue"}, body=b"x")
        assert client.post(origin.url(), body=b"x").status_code == 417
        assert client.get(origin.url()).body == b"next"
        assert origin.connections == 1


# CVE-2025-66471, CVE-2026-84382 and their like


def bomb() -> bytes:
    """A gzip body of a megabyte that unpacks to a gigabyte of zeros."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(MEGABYTE)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * 1024 + compressor.flush()


def peak_of(call: Callable[[], object]) -> int:
    """The most memory that a call held at once, beyond what was held before."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_bomb_costs_the_limit_and_little_more_wherever_it_is_put(open_client: OpenClient) -> None:
    coded = bomb()
    assert len(coded) < 1.2 * MEGABYTE
    whole = answer(coded, "200 OK", "Content-Encoding: gzip")

    def make(asked: Asked) -> bytes:
        if asked.target == "/redirect":
            return answer(coded, "302 Found", "Location: /end", "Content-Encoding: gzip")
        return whole if asked.target == "/bomb" else answer()

    with Origin(make) as origin:
        client = open_client()
        client.get(origin.url("/end"))
        limited = Config(timeout=PATIENCE, limits=Limits(body=MEGABYTE))
        cut = limited.replace(limits=Limits(body=MEGABYTE, overflow="truncate"))

        def abandoned() -> None:
            request = Request.build("GET", origin.url("/bomb"))
            deadline = Deadline.after(PATIENCE, client.transport.clock)  # type: ignore[attr-defined]
            answered = client.transport.send(request, config=limited, deadline=deadline)
            answered.read(10)
            answered.close()

        calls: list[Callable[[], object]] = [
            lambda: fails(BodyTooLargeError, client.get, origin.url("/bomb"), config=limited),
            lambda: client.get(origin.url("/bomb"), config=cut).body,
            lambda: client.get(origin.url("/redirect"), config=limited),
            abandoned,
        ]
        for call in calls:
            # The peer's thread is in this process, and holds the bomb itself: it was made before.
            assert peak_of(call) < MEGABYTE + 2 * MEGABYTE
            assert client.get(origin.url("/end")).body == b"ok"


# What is not there cannot break


def modules_imported() -> Iterator[tuple[str, str]]:
    """Each module of the package, with each name that it imports, at the top or anywhere."""
    for path in Path(fluxhttp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield path.name, node.module or ""


def test_nothing_is_unpickled_and_no_jar_netrc_or_bundle_is_looked_for() -> None:
    # CVE-2026-34993 (unpickling a jar), CVE-2024-47081 (netrc), CVE-2024-7592 (cookies), CVE-2023-37920 (certifi)
    unwanted = {"pickle", "marshal", "shelve", "netrc", "http.cookies", "http.cookiejar", "certifi", "email"}

    assert [pair for pair in modules_imported() if pair[1] in unwanted] == []


def test_a_call_over_the_standard_library_loads_none_of_them() -> None:
    names = ("pickle", "netrc", "http.cookies", "http.cookiejar", "certifi")
    program = (
        f"import sys, fluxhttp; fluxhttp.get(sys.argv[1]); print([name for name in {names} if name in sys.modules])"
    )
    with Origin() as origin:
        assert run(program, origin.url()) == ["[]"]


def test_there_is_no_multipart_and_no_digest_to_inject_into() -> None:
    # CVE-2026-34514, GHSA-h4x7-gw46-3wm6 (part headers), aiohttp #12825 (digest)
    names = {name.lower() for name in dir(fluxhttp)} | {name.lower() for name in dir(fluxhttp.Client)}

    assert not [name for name in names if "multipart" in name or "digest" in name or "cookie" in name]


def test_a_location_of_a_fifth_of_a_megabyte_costs_little(open_client: OpenClient) -> None:
    # CVE-2021-33503 and CVE-2026-56860, in what a peer sends. A larger one is over the limit of the head.
    pieces = ("%41", "@", "../", "/", "[")

    def make(asked: Asked) -> bytes:
        start, _, number = asked.target.partition("?")
        if start != "/start":
            return answer()
        piece = pieces[int(number)]
        return redirect("/" + piece * (200_000 // len(piece)))

    with Origin(make) as origin:
        client = open_client()
        for number in range(len(pieces)):
            watch = Stopwatch()

            with contextlib.suppress(InvalidRedirectError):
                client.get(origin.url(f"/start?{number}"))

            assert watch.own_seconds() < 0.5
