"""Connections to servers that others wrote: kept, counted, shared by threads, refused when there are too many."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Config, Deadline, RequestTimeoutError
from fluxhttp._wire.clock import SYSTEM_CLOCK
from tests.integration.programs import eventually
from tests.integration.server import REQUESTS_MAX
from tests.integration.servers import CALL_SECONDS, running, servers
from tests.integration.site import PAGE, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp import Client
    from tests.integration.conftest import CountingDialer
    from tests.integration.server import Server
    from tests.integration.site import Site

THREADS = 16
CALLS = 5
#: The time-out of a call that is not answered.
SHORT_SECONDS = 0.3


@contextlib.contextmanager
def held(client: Client, url: str) -> Iterator[None]:
    """An answer of which only the head is read until the end of the block: its server stays busy with it."""
    request = client.build_request("GET", url)
    config = Config(timeout=CALL_SECONDS)

    def is_accepted() -> bool:
        answer = client.transport.send(request, config=config, deadline=Deadline.after(CALL_SECONDS, SYSTEM_CLOCK))
        stack.callback(answer.close)
        return answer.status_code == 200

    with contextlib.ExitStack() as stack:
        # That the client before is gone a server may notice a moment later.
        eventually(is_accepted)
        yield


def test_one_connection_carries_all_kinds_of_requests(
    client: Client, server: Server, dialer: CountingDialer, port: str
) -> None:
    def url(path: str) -> str:
        return server.url(path, port)

    first = client.get(url("/who")).body
    client.get(url("/text.txt"))
    client.get(url("/text.txt"), headers={"Range": "bytes=0-99"})
    client.get(url("/chunked"))
    client.head(url("/large.bin"))
    client.post(url("/echo"), body=b"x" * 1000)
    client.get(url("/move/303"))
    client.put(url("/dav/kept"), body=b"x" * 300_000)
    client.get(url("/missing"))

    assert client.get(url("/who")).body == first, "the server saw one port all the time"
    assert dialer.connections == 1


def test_threads_get_their_own_answers(client: Client, server: Server, dialer: CountingDialer, mark: str) -> None:
    def work(thread: int) -> list[bytes]:
        url = server.url(f"/echo?{mark}-{thread}", "secure")
        return [client.post(url, body=b"%d of %d" % (call, thread)).body for call in range(CALLS)]

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(work, range(THREADS)))

    assert answers == [[b"POST %d of %d" % (call, thread) for call in range(CALLS)] for thread in range(THREADS)]
    assert dialer.connections <= THREADS
    for thread in range(THREADS):
        assert len(server.wait_for(f"/echo?{mark}-{thread}", CALLS)) == CALLS


@pytest.mark.parametrize("server", servers("nginx", "apache", "lighttpd"), indirect=True)
def test_a_server_that_counts_requests_gets_new_connections(
    client: Client, server: Server, dialer: CountingDialer
) -> None:
    for _ in range(3):
        ports = {client.get(server.url("/who", "limited")).body for _ in range(REQUESTS_MAX - 1)}
        assert client.post(server.url("/echo", "limited"), body=b"x").body == b"POST x"
        assert len(ports) == 1
    assert dialer.connections == 3


@pytest.mark.parametrize("server", servers("nginx", "haproxy"), indirect=True)
def test_one_too_many_is_refused_with_an_answer(client: Client, server: Server, dialer: CountingDialer) -> None:
    url = server.url("/one/large.bin")
    with held(client, url):
        refused = client.get(url)

        assert refused.status_code == 503
        assert refused.body
    eventually(lambda: client.head(url).status_code == 200)


@pytest.mark.parametrize("name", servers("apache", "lighttpd", "haproxy"))
def test_one_too_many_waits_for_a_place(name: str, site: Site, client: Client, dialer: CountingDialer) -> None:
    with running(name, site, crowded=True) as server:
        with held(client, server.url("/large.bin")):
            with pytest.raises(RequestTimeoutError) as caught:
                client.get(server.url("/folder/"), config=Config(timeout=SHORT_SECONDS))

            assert (caught.value.phase, caught.value.maybe_sent) == ("head", True)
        assert client.get(server.url("/folder/")).body == PAGE
        assert client.get(server.url("/folder/")).body == PAGE
        assert dialer.connections == 3


def test_a_client_that_says_close_gets_a_connection_for_each_call(
    client: Client, server: Server, dialer: CountingDialer, port: str
) -> None:
    for _ in range(3):
        response = client.get(server.url("/text.txt", port), headers={"Connection": "close"})

        assert response.body == TEXT
        assert response.headers["Connection"].lower() == "close"
    assert dialer.connections == 3
