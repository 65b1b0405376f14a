"""What takes two hosts, public addresses or a broken link: each test in networks of its own."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Config,
    ConnectError,
    Dialer,
    InvalidURLError,
    NameResolutionError,
    PrivateAddressGuard,
    RequestTimeoutError,
)
from fluxhttp_conformance.machine import Stopwatch
from tests.network.namespaces import give_link_local_addresses, join, namespaces
from tests.network.origins import Asked, Origin, answer, redirect
from tests.peers import LATE_SECONDS, SECONDS, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.network.conftest import OpenClient
    from tests.network.namespaces import Namespace
    from tests.network.origins import Make

#: Addresses that a guard permits; in a namespace they lead to nobody but us.
PUBLIC, OTHER_PUBLIC, PUBLIC_6 = "93.184.215.14", "8.8.8.8", "2606:4700::1111"
PRIVATE = "10.20.30.40"
#: More than the buffers of both ends of a connection hold.
LARGE = b"x" * 20_000_000


@pytest.fixture
def alone() -> Iterator[Namespace]:
    """A network of one host, which has public and private addresses."""
    with namespaces(1) as [space]:
        for address in (PUBLIC, OTHER_PUBLIC, PRIVATE, "169.254.169.254"):
            space.ip(f"addr add {address}/32 dev lo")
        yield space


@pytest.fixture
def two() -> Iterator[tuple[Namespace, Namespace]]:
    """Two hosts, 192.0.2.1 and 192.0.2.2, and a cable."""
    with namespaces(2) as [here, there]:
        join(here, there)
        yield here, there


def telling(asked: Asked) -> bytes:
    """An answer that tells the address at which the request arrived."""
    return answer(asked.address.encode())


def listening(space: Namespace, host: str, make: Make = telling, port: int = 0) -> Origin:
    return space.run(Origin, make, host=host, port=port)


def redirecting(location: str, _: Asked) -> bytes:
    return redirect(location)


# The guard, with addresses that are what they are


def test_the_default_guard_lets_public_addresses_be_and_no_other(alone: Namespace, open_client: OpenClient) -> None:
    names = {"public.test": [PUBLIC], "mixed.test": [PRIVATE, "169.254.169.254", PUBLIC], "private.test": [PRIVATE]}
    client = open_client(dialer=Dialer(resolver=names.__getitem__, guard=PrivateAddressGuard()))
    with listening(alone, PUBLIC) as public, listening(alone, PRIVATE, port=public.port) as private:
        for host in ("public.test", "mixed.test", PUBLIC):
            assert alone.run(client.get, public.url(host=host)).body == PUBLIC.encode()
        for host in ("private.test", PRIVATE, "127.0.0.1", "169.254.169.254"):
            alone.run(fails, NameResolutionError, client.get, public.url(host=host))

        assert private.connections == 0


def test_a_name_that_is_public_once_and_private_then_never_leads_inside(
    alone: Namespace, open_client: OpenClient
) -> None:
    answers = [[PUBLIC], [PRIVATE], [OTHER_PUBLIC, PRIVATE], [PRIVATE, PRIVATE]] * 2

    def make(asked: Asked) -> bytes:
        return redirect("/again") if asked.target == "/" else answer(asked.address.encode())

    client = open_client(
        dialer=Dialer(resolver=lambda _: answers.pop(0), guard=PrivateAddressGuard()), max_idle_per_origin=0
    )
    with (
        listening(alone, PUBLIC, make) as public,
        listening(alone, OTHER_PUBLIC, make, public.port) as other,
        listening(alone, PRIVATE, make, public.port) as private,
    ):
        url = public.url(host="rebind.test")
        for _ in range(2):
            # The first hop is public and the second, with a look-up of its own, is private.
            alone.run(fails, NameResolutionError, client.get, url)
            assert alone.run(client.get, url + "again").body == OTHER_PUBLIC.encode()
            alone.run(fails, NameResolutionError, client.get, url)

        assert (public.connections, other.connections, private.connections) == (2, 2, 0)


def test_a_redirect_to_the_metadata_service_is_refused(alone: Namespace, open_client: OpenClient) -> None:
    spellings = ("169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]")
    client = open_client(dialer=Dialer(guard=PrivateAddressGuard()))
    with listening(alone, "169.254.169.254") as metadata:
        for host in spellings:
            location = metadata.url("/latest/meta-data/", host=host)
            with listening(alone, PUBLIC, partial(redirecting, location)) as public:
                alone.run(fails, NameResolutionError, client.get, public.url())

        assert metadata.connections == 0


# Addresses that lead nowhere


def test_a_black_hole_costs_a_quarter_of_a_second(two: tuple[Namespace, Namespace], open_client: OpenClient) -> None:
    here, there = two
    # Packets to these are sent, and nobody answers, not even that there is nobody.
    for number in (66, 67):
        here.ip(f"neigh add 192.0.2.{number} lladdr 02:00:00:00:00:{number} dev here0")
    with listening(there, "192.0.2.2") as origin:
        for holes in (1, 2):
            addresses = [*[f"192.0.2.{66 + number}" for number in range(holes)], "192.0.2.2"]
            client = open_client(dialer=Dialer(resolver={"a.test": addresses}.__getitem__))
            watch = Stopwatch()

            assert here.run(client.get, origin.url(host="a.test")).body == b"192.0.2.2"

            took, own = watch.seconds(), watch.own_seconds()
            assert took >= 0.25 * holes
            assert own < 0.25 * holes + 0.6

        nowhere = open_client(dialer=Dialer(resolver=lambda _: ["192.0.2.66", "192.0.2.67"]))
        watch = Stopwatch()
        error = here.run(
            fails, RequestTimeoutError, nowhere.post, origin.url(host="a.test"), config=Config(timeout=SECONDS)
        )
        assert watch.seconds() >= SECONDS
        assert watch.own_seconds() <= SECONDS + 3 * LATE_SECONDS
        assert (error.phase, error.maybe_sent) == ("connect", False)


@pytest.mark.parametrize("kind", ["unreachable", "prohibit", "blackhole"])
def test_a_route_that_refuses_costs_nothing(
    kind: str, two: tuple[Namespace, Namespace], open_client: OpenClient
) -> None:
    here, there = two
    here.ip(f"route add {kind} 198.51.100.0/24")
    client = open_client(
        dialer=Dialer(resolver=lambda _: [*[f"198.51.100.{number}" for number in range(1, 9)], "192.0.2.2"])
    )
    with listening(there, "192.0.2.2") as origin:
        watch = Stopwatch()

        assert here.run(client.get, origin.url(host="a.test")).body == b"192.0.2.2"

        assert watch.own_seconds() < 1.0
        alone = open_client(dialer=Dialer(resolver=lambda _: ["198.51.100.1"]))
        error = here.run(fails, ConnectError, alone.get, origin.url(host="a.test"))
        assert "198.51" not in str(error)


# IPv6 zones


def test_a_link_local_address_takes_its_zone_to_the_interface_and_no_further(
    two: tuple[Namespace, Namespace], open_client: OpenClient
) -> None:
    here, there = two
    give_link_local_addresses(here, there)
    with listening(there, "::", lambda asked: answer(asked.head)) as origin:
        number = here.run(socket.if_nametoindex, "here0")
        pinned = open_client(dialer=Dialer(resolver=lambda _: [f"fe80::2%{number}"]))
        plain = open_client()
        for client, host in ((plain, "[fe80::2%25here0]"), (pinned, "a.test")):
            seen = here.run(client.get, origin.url(host=host)).text

            assert "here0" not in seen
            assert "%" not in seen
        assert f"Host: [fe80::2]:{origin.port}\r\n" in here.run(plain.get, origin.url(host="[fe80::2%25here0]")).text

        # Without its zone it leads nowhere, and a zone that is not there is an error.
        for host in ("[fe80::2]", "[fe80::2%25there0]", "[fe80::2%25lo]"):
            here.run(fails, ConnectError, plain.get, origin.url(host=host))
        fails(InvalidURLError, plain.get, origin.url(host="[fe80::2%here0]"))
        guarded = open_client(dialer=Dialer(guard=PrivateAddressGuard()))
        here.run(fails, NameResolutionError, guarded.get, origin.url(host="[fe80::2%25here0]"))


# Hosts that vanish


@pytest.mark.parametrize("while_", ["waiting", "reading", "sending"])
def test_a_host_that_vanishes_ends_the_call_with_its_deadline(
    while_: str, two: tuple[Namespace, Namespace], open_client: OpenClient
) -> None:
    here, there = two
    client = open_client()
    reached = threading.Event()

    def make(_: Asked) -> Iterator[object]:
        if while_ == "reading":
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
        reached.set()
        threading.Event().wait(2 * SECONDS)
        yield b"late"

    with ExitStack() as stack:
        if while_ == "sending":
            # It accepts and never reads, so that the buffers between fill up.
            listener = stack.enter_context(there.run(socket.create_server, ("192.0.2.2", 0)))
            url = f"http://192.0.2.2:{listener.getsockname()[1]}/"
        else:
            url = stack.enter_context(listening(there, "192.0.2.2", make)).url()

        def call() -> RequestTimeoutError:
            body = LARGE if while_ == "sending" else b"x"
            return fails(RequestTimeoutError, client.post, url, body=body, config=Config(timeout=SECONDS))

        def unplug() -> None:
            if while_ == "sending":
                stack.enter_context(listener.accept()[0])
            else:
                reached.wait(2)
            there.ip("link set there0 down")

        unplugging = threading.Thread(target=unplug)
        unplugging.start()
        watch = Stopwatch()
        error = here.run(call)
        took, own = watch.seconds(), watch.own_seconds()
        unplugging.join()

        assert took >= SECONDS
        assert own <= SECONDS + 3 * LATE_SECONDS
        assert error.phase == {"waiting": "head", "reading": "body", "sending": "send"}[while_]
        assert error.maybe_sent


def test_a_kept_connection_to_a_host_that_vanished_and_came_back_is_replaced_for_a_get(
    two: tuple[Namespace, Namespace], open_client: OpenClient
) -> None:
    # The host restarts: it knows nothing of the connection, and answers what comes on it with a reset.
    here, there = two
    client = open_client()
    with listening(there, "192.0.2.2") as origin:
        assert here.run(client.get, origin.url()).body == b"192.0.2.2"
        there.ip("link set there0 down")
        port = origin.port
    # Closed without a word to the other side, for the cable was out.
    there.ip("link set there0 up")
    with listening(there, "192.0.2.2", port=port) as origin:
        assert here.run(client.get, origin.url()).body == b"192.0.2.2"
