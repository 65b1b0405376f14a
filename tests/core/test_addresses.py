"""Which addresses a guard refuses: rules 28 to 31, decision D13."""

from __future__ import annotations

import copy
import ipaddress
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxhttp._core.addresses import (
    FLUX_BLOCKS,
    STRICT_BLOCKS,
    PrivateAddressGuard,
    address_value,
    is_loopback,
    network_range,
    range_holds,
)
from fluxhttp.errors import InvalidConfigError, InvalidTypeError

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "address_guard.json").read_text("utf-8"))
ROWS = VECTORS["vectors"]
row = pytest.mark.parametrize("row", ROWS, ids=[repr(entry["input"]) for entry in ROWS])

FLUX = PrivateAddressGuard(blocks=FLUX_BLOCKS)
STRICT = PrivateAddressGuard()


# The vectors


def test_the_blocks_are_those_of_the_vectors():
    assert list(FLUX_BLOCKS) == VECTORS["cidrs"]
    assert len(FLUX_BLOCKS) == 27
    assert len(ROWS) == VECTORS["count"]


@row
def test_a_guard_of_flux_blocks_refuses_what_flux_refuses(row):
    assert FLUX.permits(row["input"]) is not row["blocked"]


@row
def test_the_strict_guard_refuses_all_that_flux_refuses(row):
    if row["blocked"]:
        assert not STRICT.permits(row["input"])


# What the strict list adds


@pytest.mark.parametrize(
    "address",
    [
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "ff0e::1",
        "fec0::1",
        "feff::1",
        "::ffff:224.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::e000:1",
        "::127.0.0.1",
        "::a00:1",
        "2002:7f00:1::",
        "2002:808:808::1",
    ],
)
def test_the_strict_guard_refuses(address):
    assert not STRICT.permits(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::808:808", "223.255.255.255"],
)
def test_the_strict_guard_permits_public_addresses_also_behind_nat64(address):
    assert STRICT.permits(address)


@pytest.mark.parametrize("address", ["64:ff9b::909:909", "::9.9.9.9", "2002:909:909::1", "::ffff:9.9.9.9", "9.9.9.9"])
def test_a_block_of_ones_own_holds_inside_ipv6_too(address):
    guard = PrivateAddressGuard(blocks=["9.9.9.0/24"])

    assert not guard.permits(address)


def test_an_embedded_address_is_refused_up_to_the_edge_of_the_block_and_not_beyond():
    guard = PrivateAddressGuard(blocks=["10.0.0.0/8"])

    assert guard.permits("2002:9ff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert not guard.permits("2002:a00::")
    assert not guard.permits("2002:aff:ffff:ffff:ffff:ffff:ffff:ffff")
    assert guard.permits("2002:b00::")
    assert guard.permits("64:ff9b::9.255.255.255")
    assert not guard.permits("64:ff9b::10.255.255.255")
    assert guard.permits("64:ff9b::11.0.0.0")


# allow


def test_an_allowed_network_is_permitted_although_a_block_holds_it():
    guard = PrivateAddressGuard(allow=["10.1.0.0/16", "fd00::5", "127.0.0.1"])

    assert guard.permits("10.1.2.3")
    assert guard.permits("::ffff:10.1.2.3")
    assert guard.permits("fd00::5")
    assert guard.permits("127.0.0.1")
    assert not guard.permits("10.0.255.255")
    assert not guard.permits("10.2.0.0")
    assert not guard.permits("fd00::4")
    assert not guard.permits("fd00::6")
    assert not guard.permits("127.0.0.2")
    assert not guard.permits("::1")


def test_an_allowed_ipv4_address_is_permitted_behind_nat64_but_6to4_stays_refused():
    guard = PrivateAddressGuard(allow=["10.0.0.5"])

    assert guard.permits("64:ff9b::10.0.0.5")
    assert not guard.permits("64:ff9b::10.0.0.6")
    assert not guard.permits("2002:a00:5::")


def test_an_allowed_ipv6_network_may_lie_in_nat64():
    guard = PrivateAddressGuard(allow=["64:ff9b::10.0.0.0/104"])

    assert guard.permits("64:ff9b::10.0.0.5")
    assert not guard.permits("10.0.0.5")


def test_an_ipv6_network_around_the_mapped_addresses_says_nothing_of_ipv4():
    closed = PrivateAddressGuard(blocks=["::/0"])
    opened = PrivateAddressGuard(allow=["::/0"])

    assert closed.permits("8.8.8.8")
    assert closed.permits("::ffff:8.8.8.8")
    assert not closed.permits("2606:4700::1111")
    assert not opened.permits("127.0.0.1")
    assert not opened.permits("::ffff:127.0.0.1")
    assert opened.permits("::1")


def test_a_mapped_network_is_the_ipv4_one():
    guard = PrivateAddressGuard(blocks=["::ffff:10.0.0.0/104"], allow=["::ffff:10.1.1.1"])

    assert not guard.permits("10.1.2.3")
    assert guard.permits("10.1.1.1")
    assert guard.permits("11.0.0.0")


def test_a_guard_without_blocks_permits_every_address_but_no_name():
    guard = PrivateAddressGuard(blocks=())

    assert guard.permits("127.0.0.1")
    assert guard.permits("::1")
    assert not guard.permits("localhost")


# Text


@pytest.mark.parametrize(
    "address", ["8.8.8.8%lo", "2606:4700::1111%eth0", "2606:4700::1111%25eth0", "2606:4700::1111%"]
)
def test_a_zone_is_cut(address):
    assert STRICT.permits(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost",
        "8.8.8",
        "8.8.8.8.8",
        "8.8.8.08",
        "8.8.8.+8",
        "8.8.8.8\n",
        " 8.8.8.8",
        "8.8.8.8 ",
        "8.8.8.8/32",
        "٨.8.8.8",  # an Arabic eight, which int() would read
        "134744072",
        "0x08080808",
        "[2606:4700::1111]",
        "2606:4700::1111::",
        "2606:4700:::1111",
        "2606:4700::11111",
        "2606:4700::+111",
        "2606:4700::1_1",
        "2606:4700::8.8.8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4::5:6:7:8",
        ":1:2:3:4:5:6:7",
        "%eth0",
    ],
)
def test_what_is_no_address_is_not_permitted(address):
    assert not PrivateAddressGuard(blocks=()).permits(address)


@pytest.mark.parametrize("address", [None, b"8.8.8.8", ipaddress.ip_address("8.8.8.8")])
def test_an_address_that_is_not_text_is_an_error(address):
    with pytest.raises(InvalidTypeError, match="address must be a str"):
        STRICT.permits(address)


@pytest.mark.parametrize("argument", ["blocks", "allow"])
@pytest.mark.parametrize(
    "entry",
    ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/²", "10.0.0.0/0008", "10/8", "::/129"],
)
def test_an_entry_that_is_no_network_is_named(argument, entry):
    with pytest.raises(InvalidConfigError) as caught:
        PrivateAddressGuard(**{argument: ["10.0.0.0/8", entry]})

    assert str(caught.value) == f"{argument}: {entry!r} is neither an address nor a network"


@pytest.mark.parametrize("argument", ["blocks", "allow"])
@pytest.mark.parametrize("entry", ["10.0.0.1/8", "fd00::1/8"])
def test_an_entry_with_bits_after_its_prefix_is_named(argument, entry):
    with pytest.raises(InvalidConfigError) as caught:
        PrivateAddressGuard(**{argument: [entry]})

    assert str(caught.value) == f"{argument}: {entry!r} has bits set after its prefix"


@pytest.mark.parametrize("argument", ["blocks", "allow"])
@pytest.mark.parametrize("value", [None, 8, "10.0.0.0/8"])
def test_networks_must_be_an_iterable_of_text(argument, value):
    with pytest.raises(InvalidTypeError, match=f"^{argument} must be an iterable of str, not {type(value).__name__}$"):
        PrivateAddressGuard(**{argument: value})


@pytest.mark.parametrize("argument", ["blocks", "allow"])
@pytest.mark.parametrize("value", [b"10.0.0.0/8", [ipaddress.ip_network("10.0.0.0/8")]])
def test_networks_must_be_text(argument, value):
    with pytest.raises(InvalidTypeError, match=f"^{argument} must hold str, not "):
        PrivateAddressGuard(**{argument: value})


# The value


def test_a_guard_pickles_and_compares_by_its_lists():
    guard = PrivateAddressGuard(blocks=iter(FLUX_BLOCKS), allow=["10.0.0.5"])

    again = pickle.loads(pickle.dumps(guard))

    assert again == guard == PrivateAddressGuard(blocks=FLUX_BLOCKS, allow=("10.0.0.5",))
    assert hash(again) == hash(guard)
    assert again != STRICT
    assert copy.deepcopy(guard) == guard
    assert again.permits("10.0.0.5")
    assert not again.permits("10.0.0.6")


def test_a_guard_is_frozen():
    with pytest.raises(AttributeError):
        STRICT.allow = ("127.0.0.1",)


def test_the_known_lists_are_shown_by_name():
    assert repr(STRICT) == "PrivateAddressGuard(blocks=STRICT_BLOCKS, allow=())"
    assert repr(FLUX) == "PrivateAddressGuard(blocks=FLUX_BLOCKS, allow=())"
    assert (
        repr(PrivateAddressGuard(blocks=["10.0.0.0/8"], allow=["10.0.0.5"]))
        == "PrivateAddressGuard(blocks=('10.0.0.0/8',), allow=('10.0.0.5',))"
    )


# Against the standard library's ipaddress

NAT64 = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE = ipaddress.ip_network("::/96")


def _folded(address):
    """The IPv4 address of an IPv4-mapped one, else the address itself."""
    return getattr(address, "ipv4_mapped", None) or address


def _folded_network(network):
    """The IPv4 network of one inside ``::ffff:0:0/96``, else the network itself."""
    if network.version == 6 and network.prefixlen >= 96 and network[0].ipv4_mapped:
        return ipaddress.ip_network((network[0].ipv4_mapped, network.prefixlen - 96))
    return network


def _inside(address):
    if address in NAT64 or address in COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour


def _expected(address, blocks, allow, *, inside):
    if any(address in network for network in allow):
        return True
    if any(address in network for network in blocks):
        return False
    within = _inside(address) if inside and address.version == 6 else None
    return within is None or _expected(within, blocks, allow, inside=inside)


def _network(address, prefix):
    return ipaddress.ip_network((address, min(prefix, address.max_prefixlen)), strict=False)


def test_the_oracle_folds_mapped_networks():
    assert str(_folded_network(ipaddress.ip_network("::ffff:10.0.0.0/104"))) == "10.0.0.0/8"


# Addresses that lie close to one another, so that random networks hold some.
near = st.integers(0, 3).map(lambda low: 0x0A00_0000 + low)
ipv4_addresses = st.one_of(near.map(ipaddress.IPv4Address), st.ip_addresses(v=4))
ipv6_addresses = st.one_of(
    near.map(lambda low: ipaddress.IPv6Address((0x64_FF9B << 96) + low)),
    near.map(lambda low: ipaddress.IPv6Address((0x2002 << 112) + (low << 80) + low)),
    near.map(lambda low: ipaddress.IPv6Address((0xFFFF << 32) + low)),
    near.map(ipaddress.IPv6Address),
    st.sampled_from(STRICT_BLOCKS).map(lambda text: ipaddress.ip_network(text)[0]),
    st.ip_addresses(v=6),
)
addresses = st.one_of(ipv4_addresses, ipv6_addresses)
networks = st.builds(_network, addresses, st.integers(0, 128))


@given(addresses)
def test_a_guard_of_flux_blocks_agrees_with_membership_in_its_networks(address):
    blocks = [ipaddress.ip_network(text) for text in FLUX_BLOCKS]

    assert FLUX.permits(str(address)) is _expected(_folded(address), blocks, [], inside=False)


@given(addresses)
def test_the_strict_guard_agrees_with_membership_and_the_address_inside(address):
    blocks = [ipaddress.ip_network(text) for text in STRICT_BLOCKS]

    assert STRICT.permits(str(address)) is _expected(_folded(address), blocks, [], inside=True)


@given(addresses)
def test_what_flux_refuses_the_strict_guard_refuses(address):
    assert FLUX.permits(str(address)) or not STRICT.permits(str(address))


@given(st.lists(networks, max_size=4), st.lists(networks, max_size=3), addresses)
def test_any_guard_agrees_with_membership(blocks, allow, address):
    guard = PrivateAddressGuard(blocks=map(str, blocks), allow=map(str, allow))

    blocks, allow = [[_folded_network(network) for network in entries] for entries in (blocks, allow)]
    assert guard.permits(str(address)) is _expected(_folded(address), blocks, allow, inside=True)


@given(st.text("0123456789abcdefF:.", max_size=24))
@example("::")
@example("1:2:3:4:5:6:7::")
@example("::2:3:4:5:6:7:8")
@example("::ffff:255.255.255.255")
@example("1:2:3:4:5:6:1.2.3.4")
@example("1:2:3:4:5:6:7:1.2.3.4")
@example("::1.2.3.4:5")
def test_text_is_an_address_where_ipaddress_says_so(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        expected = None
    else:
        expected = int(address) + ((0xFFFF << 32) if address.version == 4 else 0)

    assert address_value(text) == expected


@given(networks, addresses)
def test_a_range_holds_the_addresses_of_its_network(network, address):
    bounds = network_range(str(network))

    assert bounds is not None
    assert range_holds(bounds, address_value(str(address))) is (_folded(address) in _folded_network(network))


def test_bits_after_the_prefix_of_a_range_are_cleared():
    assert network_range("10.1.2.3/8") == network_range("10.0.0.0/8")
    assert network_range("fd00::1/8") == network_range("fd00::/8")
    assert network_range("nonsense/8") is None


@given(addresses)
@example(ipaddress.ip_address("::1"))
@example(ipaddress.ip_address("::2"))
@example(ipaddress.ip_address("126.255.255.255"))
@example(ipaddress.ip_address("127.0.0.0"))
@example(ipaddress.ip_address("127.255.255.255"))
@example(ipaddress.ip_address("128.0.0.0"))
def test_loopback_is_what_ipaddress_says(address):
    assert is_loopback(address_value(str(address))) is _folded(address).is_loopback
