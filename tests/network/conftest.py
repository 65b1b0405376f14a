"""Every test of the network runs over both real transports."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import Client, Config, open_transport
from tests.peers import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fluxhttp import Transport

    #: Opens a transport, or a client over one, with these options; closed when the test is over.
    OpenTransport = Callable[..., Transport]
    OpenClient = Callable[..., Client]


@pytest.fixture(params=["stdlib", "urllib3"])
def transport_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_real(transport_name: str) -> Iterator[OpenTransport]:
    """Opens transports of the kind under test, which the environment's proxies do not touch unless asked."""
    with contextlib.ExitStack() as opened:

        def open_one(**options: Any) -> Transport:
            options.setdefault("trust_env", False)
            return opened.enter_context(contextlib.closing(open_transport(transport_name, **options)))

        yield open_one


@pytest.fixture
def open_client(open_real: OpenTransport) -> Iterator[OpenClient]:
    """The same with a client, whose calls have a time-out."""
    with contextlib.ExitStack() as opened:

        def open_one(*, config: Config | None = None, **options: Any) -> Client:
            return opened.enter_context(Client(open_real(**options), config=config or Config(timeout=PATIENCE)))

        yield open_one


@pytest.fixture
def client(open_client: OpenClient) -> Client:
    """A client over a transport without options."""
    return open_client()
