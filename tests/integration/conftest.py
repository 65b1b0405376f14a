"""Servers that others wrote, and clients over both real transports."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import Client, Config, Dialer, open_transport
from tests.integration.programs import open_folder
from tests.integration.servers import CALL_SECONDS, running, servers
from tests.integration.site import make_site

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from fluxhttp import Deadline
    from tests.integration.server import Server
    from tests.integration.site import Site

    #: Opens a client over a transport with these options, closed when the test is over.
    OpenClient = Callable[..., Client]


class CountingDialer:
    """Dials as usual and counts.

    Attributes:
        connections: how many were made.
        may_dial: cleared while a server restarts: what is dialled meanwhile waits.
    """

    def __init__(self) -> None:
        self._dialer = Dialer()
        self._lock = threading.Lock()
        self.connections = 0
        self.may_dial = threading.Event()
        self.may_dial.set()

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        self.may_dial.wait(deadline.remaining())
        sock = self._dialer.dial(host, port, deadline=deadline)
        with self._lock:
            self.connections += 1
        return sock


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """What all servers serve."""
    with open_folder("site") as folder:
        yield make_site(folder)


@pytest.fixture(scope="session", params=servers())
def server(request: pytest.FixtureRequest, site: Site) -> Iterator[Server]:
    """A server that tests share; each has paths of its own, where that matters."""
    with running(request.param, site) as started:
        yield started


@pytest.fixture(scope="module", params=servers())
def mortal(request: pytest.FixtureRequest, site: Site) -> Iterator[Server]:
    with running(request.param, site) as started:
        yield started


@pytest.fixture
def mortal_server(mortal: Server) -> Server:
    """A server that a test may end; the next one finds it running."""
    if not mortal.program.is_running:
        mortal.start()
    return mortal


@pytest.fixture
def mark() -> str:
    """What tells the requests of this test from all others in a log."""
    return secrets.token_hex(8)


@pytest.fixture(scope="session", params=servers("nginx"))
def nginx(request: pytest.FixtureRequest, site: Site) -> Iterator[Server]:
    """nginx alone."""
    with running(request.param, site) as started:
        yield started


@pytest.fixture(params=["stdlib", "urllib3"])
def transport_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["plain", "secure"])
def port(request: pytest.FixtureRequest) -> str:
    """The name of one of a server's ports, without and with TLS."""
    return str(request.param)


@pytest.fixture
def dialer() -> CountingDialer:
    """The dialer of the test's clients."""
    return CountingDialer()


@pytest.fixture
def open_client(transport_name: str, dialer: CountingDialer) -> Iterator[OpenClient]:
    """Opens clients over the transport under test, which the environment's proxies do not touch."""
    with contextlib.ExitStack() as opened:

        def open_one(*, seconds: float = CALL_SECONDS, **options: Any) -> Client:
            options = {"trust_env": False, "dialer": dialer, **options}
            transport = opened.enter_context(contextlib.closing(open_transport(transport_name, **options)))
            return opened.enter_context(Client(transport, config=Config(timeout=seconds)))

        yield open_one


@pytest.fixture
def client(open_client: OpenClient, site: Site) -> Client:
    """A client that trusts the servers' authority."""
    return open_client(ca_file=site.ca_file)
