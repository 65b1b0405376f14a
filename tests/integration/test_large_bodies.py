"""Large bodies to and from servers that others wrote: whole, in bounded memory, or refused while they are sent."""

from __future__ import annotations

import filecmp
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import BodyTooLargeError, Config, Limits
from fluxhttp_conformance.machine import Stopwatch
from tests.integration.server import SMALL_BYTES
from tests.integration.servers import CALL_SECONDS
from tests.integration.site import LARGE_BYTES, PAGE

if TYPE_CHECKING:
    from fluxhttp import Client
    from tests.integration.conftest import CountingDialer
    from tests.integration.server import Server
    from tests.integration.site import Site

ROOT = Path(__file__).parents[2]
#: What a process may grow beside the body that it holds: pieces, and what the allocator keeps.
FREE_BYTES = 8_388_608


def test_a_hundred_megabytes_come_and_go_in_bounded_memory(
    transport_name: str, server: Server, site: Site, mark: str
) -> None:
    # Every second server over TLS: it is not the servers that are tried out.
    port = "secure" if server.name in ("nginx", "lighttpd") else "plain"
    command = [sys.executable, "-m", "tests.integration.transfer", transport_name, str(site.ca_file)]
    command += [server.url("/large.bin", port), server.url(f"/dav/{mark}", port), str(site.large)]

    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, timeout=60)

    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["streamed_is_file"]
    assert found["streamed_growth"] < FREE_BYTES
    assert (found["down_status"], found["down_is_file"]) == (200, True)
    assert found["down_growth"] < LARGE_BYTES + FREE_BYTES
    assert found["up_status"] in (200, 201, 204)
    assert found["up_growth"] < FREE_BYTES
    stored = server.put_file(mark)
    assert filecmp.cmp(stored, site.large, shallow=False)
    stored.unlink()


def test_a_body_over_the_limit_is_refused_by_its_head(client: Client, server: Server, dialer: CountingDialer) -> None:
    limits = Limits(body=LARGE_BYTES - 1)
    with pytest.raises(BodyTooLargeError) as caught:
        client.get(server.url("/large.bin"), config=Config(timeout=CALL_SECONDS, limits=limits))

    assert caught.value.allowed == LARGE_BYTES - 1
    assert client.get(server.url("/folder/")).body == PAGE
    assert dialer.connections == 2


@pytest.mark.parametrize("size", [SMALL_BYTES + 1, 48 * 1_048_576])
def test_a_server_that_refuses_a_body_is_heard_while_it_is_sent(
    client: Client, server: Server, port: str, size: int
) -> None:
    url = server.url("/small", port)
    for method in ("POST", "PUT"):
        watch = Stopwatch()
        response = client.do(method, url, body=bytes(size))

        assert response.status_code == 413
        assert "413" in response.text
        assert watch.own_seconds() < CALL_SECONDS / 2
    assert client.post(url, body=b"small enough").body == b"POST small enough"
