"""The address guard (rules 28 to 33, D13): what is judged is what is connected, on every hop, and nothing is told."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    FLUX_BLOCKS,
    URL,
    Dialer,
    InvalidURLError,
    NameResolutionError,
    PrivateAddressGuard,
    ProxyError,
)
from fluxhttp_conformance.machine import Stopwatch
from tests.network.origins import Asked, Origin, answer, redirect, same_port
from tests.peers import fails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp import Client
    from tests.network.conftest import OpenClient

VECTORS = json.loads((Path(__file__).parent.parent / "data/dial_guard.json").read_text())
ROWS: dict[str, dict[str, Any]] = {row["url"]: row for row in VECTORS["direct"]}

#: Rows that a decision makes different, by URL. They fail if they do not differ.
NUMERIC = (InvalidURLError, "D7: a numeric spelling of an address is none")
NO_HOST = (InvalidURLError, "D7: a host has labels of 1 to 63 characters")
DIFFERENT = {
    "http://127.1/": NUMERIC,
    "http://2130706433/": NUMERIC,
    "http://0x7f000001/": NUMERIC,
    "http://0177.0.0.1/": NUMERIC,
    "http://127.0.0.01/": NUMERIC,
    "http://１２７.0.0.1/": NUMERIC,  # noqa: RUF001  # full-width digits are the point
    "http://127。0。0。1/": NUMERIC,
    "http://:80/": NO_HOST,
    "http://a..b/": NO_HOST,
    "http://*/": NO_HOST,
    "http://127.0.0.1:99999/": (InvalidURLError, "D7: a port is 1 to 65535"),
}
#: Rows that the strict list refuses and Flux's does not (D13).
STRICTER = {"http://[64:ff9b::7f00:1]/", "http://224.0.0.1/"}
#: What an address is in Go's log, where it is another text in ours.
SHOWN_OTHERWISE = {
    "http://[::ffff:127.0.0.1]/": ["::ffff:127.0.0.1"],
    "http://[::ffff:7f00:1]/": ["::ffff:127.0.0.1"],
    "http://[::]/": ["::"],  # Go tries 0.0.0.0 as well
}
#: The look-ups of the rows, as this machine's own would be anybody's guess.
NAMES = {"localhost": ["127.0.0.1"]}


#: No name has an address.
NOBODY: dict[str, list[str]] = {}


class Noting:
    """Asks a guard, notes its judgement, and lets nothing pass, so that no row leaves this machine."""

    def __init__(self, guard: PrivateAddressGuard) -> None:
        self._guard = guard
        self.judged: list[tuple[str, bool]] = []

    def permits(self, address: str, /) -> bool:
        self.judged.append((address, self._guard.permits(address)))
        return False


def seen_by_go(row: dict[str, Any]) -> list[str]:
    """The addresses that Go's hook was shown: ``tcp6 [fe80::1%lo]:80``."""
    texts = [shown.split(" ")[1].rpartition(":")[0].strip("[]") for shown in row["seen"] or ()]
    return SHOWN_OTHERWISE.get(row["url"], texts)


@pytest.mark.parametrize("is_strict", [False, True], ids=["flux", "strict"])
@pytest.mark.parametrize("url", list(ROWS))
def test_a_row_is_judged_as_in_flux(url: str, is_strict: bool, open_client: OpenClient) -> None:
    row = ROWS[url]
    guard = Noting(PrivateAddressGuard() if is_strict else PrivateAddressGuard(blocks=FLUX_BLOCKS))
    client = open_client(dialer=Dialer(resolver=NAMES.__getitem__, guard=guard))

    if url in DIFFERENT:
        fails(DIFFERENT[url][0], client.get, url)
        assert guard.judged == []
        return
    error = fails(NameResolutionError, client.get, url)

    # "localhost." was a missing name where Go ran; here it is this machine.
    seen = ["127.0.0.1"] if url == "http://localhost./" else seen_by_go(row)
    permitted = not row["vague"] and not (is_strict and url in STRICTER)
    assert guard.judged == [(address, permitted) for address in seen]
    assert str(error) == "no such host"


def test_every_row_that_differs_is_one() -> None:
    assert DIFFERENT.keys() | STRICTER | SHOWN_OTHERWISE.keys() <= ROWS.keys()
    for url in DIFFERENT:
        fails(InvalidURLError, URL.parse, url)


# Proxies


@pytest.mark.parametrize("row", VECTORS["via_public_proxy"], ids=lambda row: row["url"])
def test_a_public_proxy_is_a_way_around_the_guard_and_must_be_allowed(
    row: dict[str, Any], open_client: OpenClient
) -> None:
    # D13: Go lets it pass unasked.
    guard = Noting(PrivateAddressGuard(blocks=FLUX_BLOCKS))
    refusing = open_client(dialer=Dialer(guard=guard), proxies="http://8.8.8.8:3128")
    allowing = open_client(dialer=Dialer(guard=guard, allow_proxy=True), proxies="http://8.8.8.8:3128")

    error = fails(ProxyError, refusing.get, row["url"])
    assert "address guard" in str(error)
    assert guard.judged == []

    fails(ProxyError, allowing.get, row["url"])
    assert guard.judged == [("8.8.8.8", True)]


@pytest.mark.parametrize("row", VECTORS["via_private_proxy"], ids=lambda row: row["url"])
def test_a_private_proxy_is_refused_even_if_proxies_are_allowed(row: dict[str, Any], open_client: OpenClient) -> None:
    guard = Noting(PrivateAddressGuard(blocks=FLUX_BLOCKS))
    client = open_client(dialer=Dialer(guard=guard, allow_proxy=True), proxies="http://10.0.0.5:3128")

    error = fails(ProxyError, client.get, row["url"])

    assert guard.judged == [("10.0.0.5", False)]
    assert str(error) == "the proxy cannot be reached: no such host"
    assert (error.phase, error.maybe_sent) == ("proxy", False)


def test_a_proxy_of_another_kind_is_refused_before_it_is_dialled(open_client: OpenClient) -> None:
    guard = Noting(PrivateAddressGuard())
    [row] = VECTORS["via_private_socks"]
    client = open_client(dialer=Dialer(guard=guard, allow_proxy=True), proxies="socks5://10.0.0.5:1080")

    error = fails(ProxyError, client.get, row["url"])

    assert str(error) == "unsupported proxy scheme 'socks5'"
    assert guard.judged == []


# The address connected is the one judged


@pytest.fixture
def hosts() -> Iterator[list[Origin]]:
    """127.0.0.1, which plays the public address, and 127.0.0.2, which is private; one port."""
    with same_port("127.0.0.1", "127.0.0.2", make=lambda asked: answer(asked.address.encode())) as made:
        yield made


def guarded(resolver: Any = None) -> Dialer:
    return Dialer(resolver=resolver, guard=PrivateAddressGuard(allow=["127.0.0.1"]))


def test_a_name_that_changes_its_address_is_connected_where_it_was_judged(
    hosts: list[Origin], open_client: OpenClient
) -> None:
    public, private = hosts
    answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2"]])
    asked: list[str] = []

    def rebinding(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    client = open_client(dialer=guarded(rebinding), max_idle_per_origin=0)
    url = public.url(host="rebind.test")

    for _ in range(2):
        assert client.get(url).body == b"127.0.0.1"
        error = fails(NameResolutionError, client.get, url)
        assert str(error) == "no such host"
    assert asked == ["rebind.test"] * 4, "each connection takes one look-up, and no second"
    assert (public.connections, private.connections) == (2, 0)


def test_of_mixed_addresses_only_those_permitted_are_tried(hosts: list[Origin], open_client: OpenClient) -> None:
    public, private = hosts
    refused = ["127.0.0.2", "10.0.0.1", "fe80::1", "169.254.169.254", "::1", "192.168.0.1", "fd00::1", "0.0.0.0"]
    for addresses in ([*refused, "127.0.0.1"], ["127.0.0.1", *refused], [*refused[:3], "127.0.0.1", *refused[3:]]):
        client = open_client(dialer=guarded({"mixed.test": addresses}.__getitem__))
        watch = Stopwatch()

        assert client.get(public.url(host="mixed.test")).body == b"127.0.0.1"

        assert watch.own_seconds() < 1.0, "refused addresses took the time of attempts"
    assert private.connections == 0


def test_an_address_permitted_but_silent_does_not_open_the_way_to_the_others(
    hosts: list[Origin], open_client: OpenClient
) -> None:
    public, private = hosts
    port = public.port
    public.close()
    client = open_client(dialer=guarded({"mixed.test": ["127.0.0.1", "127.0.0.2"]}.__getitem__))

    with pytest.raises(Exception, match="connection refused"):
        client.get(f"http://mixed.test:{port}/")

    assert private.connections == 0


@pytest.mark.parametrize("hops", [1, 2, 5])
@pytest.mark.parametrize("way", ["http://127.0.0.2:{port}/x", "//127.0.0.2:{port}/x", "http://inside.test:{port}/x"])
def test_every_redirect_hop_is_judged(way: str, hops: int, open_client: OpenClient) -> None:
    def make(asked: Asked) -> bytes:
        number = int(asked.target.strip("/"))
        port = asked.fields["host"].rpartition(":")[2]
        return redirect(way.format(port=port) if number == hops else f"/{number + 1}")

    names = {"outside.test": ["127.0.0.1"], "inside.test": ["127.0.0.2"]}
    with same_port("127.0.0.1", "127.0.0.2", make=make) as (public, private):
        client = open_client(dialer=guarded(names.__getitem__))

        error = fails(NameResolutionError, client.get, public.url("/1", host="outside.test"))

        assert str(error) == "no such host"
        assert len(public.asked) == hops
        assert private.connections == 0


def test_a_kept_connection_to_a_permitted_address_serves_that_origin_alone(
    hosts: list[Origin], open_client: OpenClient
) -> None:
    public, private = hosts
    names = {"a.test": ["127.0.0.1"], "b.test": ["127.0.0.2"]}
    client = open_client(dialer=guarded(names.__getitem__))
    client.get(public.url(host="a.test"))

    fails(NameResolutionError, client.get, public.url(host="b.test"), headers={"Host": f"a.test:{public.port}"})

    assert (public.connections, private.connections) == (1, 0)


# Nothing is told


def rendered(client: Client, url: str) -> str:
    """The whole traceback of a call that fails, with its causes."""
    return "".join(traceback.format_exception(fails(NameResolutionError, client.get, url)))


def test_a_refusal_cannot_be_told_from_a_missing_name(open_client: OpenClient) -> None:
    def resolver(host: str) -> list[str]:
        if host == "inside.test":
            return ["10.20.30.40", "fd00::1"]
        raise OSError(-2, "Name or service not known on 10.255.255.53:53")

    with Origin() as control:
        client = open_client(dialer=Dialer(resolver=resolver, guard=PrivateAddressGuard()))

        refused = rendered(client, f"http://inside.test:{control.port}/")
        missing = rendered(client, f"http://absent.test:{control.port}/")

        assert refused == missing
        assert "exception" not in refused, "it has a cause"
        assert refused.rstrip().endswith("NameResolutionError: no such host")
        for secret in ("10.20.30.40", "fd00", "10.255", "127.0.0.1", "guard.permits", "Name or service"):
            assert secret not in refused


def test_a_refusal_of_a_numeric_host_reads_like_a_missing_name(open_client: OpenClient) -> None:
    with Origin() as control:
        client = open_client(dialer=Dialer(resolver=NOBODY.__getitem__, guard=PrivateAddressGuard()))

        assert rendered(client, control.url()) == rendered(client, control.url(host="absent.test"))
        assert control.connections == 0


def test_a_refusal_has_the_fields_of_a_missing_name(open_client: OpenClient) -> None:
    client = open_client(dialer=Dialer(resolver={"inside.test": ["10.0.0.1"]}.__getitem__, guard=PrivateAddressGuard()))

    refused = fails(NameResolutionError, client.post, "http://inside.test/", body=b"x")
    missing = fails(NameResolutionError, client.post, "http://absent.test/", body=b"x")

    assert vars(refused) | {"url": None} == vars(missing) | {"url": None}
    assert (refused.phase, refused.maybe_sent, refused.retryable) == ("dns", False, True)
    assert str(refused) == str(missing)
    assert repr(refused) == repr(missing)


def test_a_refusal_takes_no_time_and_no_connection(hosts: list[Origin], open_client: OpenClient) -> None:
    _, private = hosts
    many = [f"10.0.0.{number}" for number in range(1, 200)]
    client = open_client(dialer=guarded({"inside.test": ["127.0.0.2", *many]}.__getitem__))
    watch = Stopwatch()

    for _ in range(50):
        fails(NameResolutionError, client.get, private.url(host="inside.test"))
        fails(NameResolutionError, client.get, private.url())

    assert watch.own_seconds() < 1.0, "a hundred refusals took longer than a staggered attempt each would"
    assert private.connections == 0
