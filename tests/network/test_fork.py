"""Fork: a child process leaves its parent's connections alone, be they idle or in use."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
import warnings
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fluxhttp import Config, Dialer
from fluxhttp_conformance.certificates import authority
from tests.network.origins import Asked, Origin, answer
from tests.peers import PATIENCE, Background, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fluxhttp import Client
    from tests.network.conftest import OpenClient

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def in_child(call: Callable[[], str]) -> str:
    """What a call returns in a child process, which ends with it."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of what is tested here: a fork while there are threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        text = ""
        try:
            signal.alarm(int(2 * PATIENCE))  # it must not outlive the test
            text = call()
        except BaseException:  # noqa: BLE001  # it is shown by the parent
            text = traceback.format_exc()
        finally:
            os.write(write_end, text.encode()[:60_000])
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


def text_of(client: Client, url: str) -> str:
    return client.get(url).text


def echo(asked: Asked) -> bytes:
    if asked.target.startswith("/slow"):
        time.sleep(0.3)
    return answer(asked.target.encode())


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def origin(request: pytest.FixtureRequest) -> Iterator[Origin]:
    with Origin(echo, tls=authority().server_context() if request.param else None) as made:
        yield made


@pytest.fixture
def client(open_client: OpenClient) -> Client:
    return open_client(ca_file=authority().ca_file, dialer=Dialer(resolver=lambda _: ["127.0.0.1"]))


def test_a_child_does_not_use_connections_that_were_idle(origin: Origin, client: Client) -> None:
    for host in ("origin.test", "other.test"):
        client.get(origin.url("/parent", host=host))
    assert origin.connections == 2

    def in_the_child() -> str:
        return " ".join(client.get(origin.url(f"/child-{number}", host="origin.test")).text for number in range(3))

    assert in_child(in_the_child) == "/child-0 /child-1 /child-2"
    assert origin.connections == 3, "the child made one connection of its own"

    # The parent's are as good as before: the child did not end them, nor TLS on them.
    for host in ("origin.test", "other.test"):
        assert client.get(origin.url("/parent-again", host=host)).text == "/parent-again"
    assert origin.connections == 3


def test_a_child_may_close_what_it_inherited(origin: Origin, client: Client) -> None:
    client.get(origin.url("/parent"))

    def in_the_child() -> str:
        client.transport.close()
        client.close()
        return "closed"

    assert in_child(in_the_child) == "closed"
    assert client.get(origin.url("/parent-again")).text == "/parent-again"
    assert origin.connections == 1


@pytest.mark.parametrize("calls", [1, 8])
def test_a_fork_in_the_middle_of_calls_disturbs_neither_side(calls: int, origin: Origin, client: Client) -> None:
    busy = [Background(client.get, origin.url(f"/slow-{number}")) for number in range(calls)]
    eventually(lambda: sum(asked.target.startswith("/slow") for asked in origin.asked) == calls)

    def in_the_child() -> str:
        return " ".join(client.post(origin.url(f"/child-{number}"), body=b"x").text for number in range(3))

    assert in_child(in_the_child) == "/child-0 /child-1 /child-2"
    for number, call in enumerate(busy):
        assert call.wait().error is None
        assert call.result.text == f"/slow-{number}"  # type: ignore[attr-defined]
    assert client.get(origin.url("/after")).text == "/after"
    assert origin.connections == calls + 1


@pytest.mark.parametrize("origin", [False], ids=["plain"], indirect=True)
def test_forks_at_any_moment_of_a_busy_transport_leave_the_child_able_to_call(origin: Origin, client: Client) -> None:
    # Whatever lock of ours another thread may hold: the child must not wait for it. Those of OpenSSL are another
    # matter: a fork in the middle of a handshake leaves them locked for good in the child.
    stop = threading.Event()

    def keep_busy() -> int:
        count = 0
        while not stop.is_set():
            assert client.get(origin.url("/busy")).text == "/busy"
            count += 1
        return count

    busy = [Background(keep_busy) for _ in range(4)]
    try:
        for number in range(15):
            assert in_child(partial(text_of, client, origin.url(f"/{number}"))) == f"/{number}"
    finally:
        stop.set()
    for call in busy:
        assert call.wait().error is None
        assert call.result


def test_a_transport_made_in_a_child_works_there(origin: Origin, transport_name: str) -> None:
    from fluxhttp import Client, open_transport

    def in_the_child() -> str:
        transport = open_transport(transport_name, trust_env=False, ca_file=authority().ca_file)
        return Client(transport, config=Config(timeout=PATIENCE)).get(origin.url("/new")).text

    assert in_child(in_the_child) == "/new"
