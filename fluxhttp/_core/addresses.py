"""Which addresses a guard refuses (rules 28 to 31, decision D13).

One line of integers holds every address: IPv6 as it is, IPv4 as its
IPv4-mapped form ``::ffff:a.b.c.d`` (RFC 4291, 2.5.5.2). The two spellings of an
IPv4 address are thus one number, and a list of networks is one list of ranges.

``ipaddress`` would be 2.5 ms of every start, and its ``is_private`` is wrong
for addresses that Flux refuses; the networks are therefore written out.
"""

from __future__ import annotations

from bisect import bisect_right

from fluxhttp._core.hosts import parse_ipv6
from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidConfigError, InvalidTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Range: TypeAlias = tuple[int, int]

#: The 27 networks that Flux refuses (rule 30), its IPv4 ones in their
#: IPv4-mapped form too. Neither multicast nor NAT64 is among them.
FLUX_BLOCKS: tuple[str, ...] = (
    "0.0.0.0/8",  # this network (RFC 791)
    "10.0.0.0/8",  # private use (RFC 1918)
    "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
    "127.0.0.0/8",  # loopback (RFC 1122)
    "169.254.0.0/16",  # link local, cloud metadata (RFC 3927)
    "172.16.0.0/12",  # private use (RFC 1918)
    "192.0.0.0/24",  # protocol assignments (RFC 6890)
    "192.0.2.0/24",  # documentation (RFC 5737)
    "192.88.99.2/32",  # 6a44 relay (RFC 6751)
    "192.168.0.0/16",  # private use (RFC 1918)
    "198.18.0.0/15",  # benchmarks (RFC 2544)
    "198.51.100.0/24",  # documentation (RFC 5737)
    "203.0.113.0/24",  # documentation (RFC 5737)
    "240.0.0.0/4",  # reserved (RFC 1112)
    "255.255.255.255/32",  # limited broadcast (RFC 919)
    "::1/128",  # loopback (RFC 4291)
    "::/128",  # unspecified: this machine (RFC 4291)
    "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
    "100::/64",  # discard only (RFC 6666)
    "100:0:0:1::/64",  # dummy prefix (RFC 9780)
    "2001::/23",  # protocol assignments, Teredo (RFC 2928)
    "2001:db8::/32",  # documentation (RFC 3849)
    "2002::/16",  # 6to4 (RFC 3056)
    "3fff::/20",  # documentation (RFC 9637)
    "5f00::/16",  # segment routing (RFC 9602)
    "fc00::/7",  # unique local (RFC 4193)
    "fe80::/10",  # link local (RFC 4291)
)

#: Those of Flux, multicast and site-local addresses. A guard of this list, as
#: of any other but ``FLUX_BLOCKS``, looks at the IPv4 address inside too.
STRICT_BLOCKS: tuple[str, ...] = (
    *FLUX_BLOCKS,
    "224.0.0.0/4",  # multicast (RFC 5771)
    "fec0::/10",  # site local, deprecated (RFC 3879)
    "ff00::/8",  # multicast (RFC 4291)
)

# Where an IPv4 address stands inside an IPv6 one: the prefix, and by how many
# bits the address is shifted to the left within it.
_MAPPED = 0xFFFF << 32  #                 ::ffff:0:0/96  IPv4-mapped (RFC 4291, 2.5.5.2)
_MAPPED_LAST = _MAPPED + 0xFFFF_FFFF
_EMBEDDINGS = (
    (0, 0),  #                            ::/96          IPv4-compatible (RFC 4291, 2.5.5.1)
    (0x64_FF9B << 96, 0),  #              64:ff9b::/96   NAT64 (RFC 6052, 2.1)
    (0x2002 << 112, 80),  #               2002::/16      6to4 (RFC 3056, 2)
)

# dec-octet without leading zeros (RFC 3986, 3.2.2): "010" is 8 to some readers.
_OCTETS = {str(octet): octet for octet in range(256)}


def _ipv4_value(text: str) -> int | None:
    try:
        first, second, third, fourth = text.split(".")
        return _OCTETS[first] << 24 | _OCTETS[second] << 16 | _OCTETS[third] << 8 | _OCTETS[fourth]
    except (KeyError, ValueError):
        return None


def address_value(text: str) -> int | None:
    """The number of an address, None where the text is none.

    IPv4 is four decimal octets without leading zeros, IPv6 is as RFC 3986,
    3.2.2 has it, without brackets and zone. ``127.1`` and the like are names,
    not addresses (rule 31).
    """
    if ":" in text:
        return parse_ipv6(text.lower())
    value = _ipv4_value(text)
    return None if value is None else _MAPPED + value


def network_range(text: str) -> Range | None:
    """The first and last address of ``address`` or ``address/prefix``, None where the text is neither.

    Bits after the prefix are cleared. A network inside ``::ffff:0:0/96`` is the
    IPv4 one it stands for.
    """
    address, slash, prefix = text.partition("/")
    value = address_value(address)
    if value is None:
        return None
    if not slash:
        return value, value
    width = 128 if ":" in address else 32
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3 and int(prefix) <= width):
        return None
    size = 1 << (width - int(prefix))
    first = value & -size
    return first, first + size - 1


def range_holds(network: Range, value: int) -> bool:
    """Whether an address lies in a network; ``::/0`` holds no IPv4 address."""
    first, last = network
    if not first <= value <= last:
        return False
    return not _MAPPED <= value <= _MAPPED_LAST or last - first <= 0xFFFF_FFFF


def is_loopback(value: int) -> bool:
    """Whether an address is in 127.0.0.0/8, in either form, or ::1."""
    return value == 1 or value >> 24 == (_MAPPED >> 24) + 127


def _read_networks(argument: str, entries: Iterable[str]) -> tuple[tuple[str, ...], list[Range]]:
    try:
        texts = None if isinstance(entries, str) else tuple(entries)
    except TypeError:
        texts = None
    if texts is None:
        raise InvalidTypeError(f"{argument} must be an iterable of str, not {type(entries).__name__}")
    return texts, [_read_network(argument, text) for text in texts]


def _read_network(argument: str, text: str) -> Range:
    if not isinstance(text, str):
        raise InvalidTypeError(f"{argument} must hold str, not {type(text).__name__}")
    network = network_range(text)
    if network is None:
        raise InvalidConfigError(f"{argument}: {text!r} is neither an address nor a network")
    if "/" in text and network[0] != address_value(text.partition("/")[0]):
        raise InvalidConfigError(f"{argument}: {text!r} has bits set after its prefix")
    return network


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _without(ranges: list[Range], holes: Iterable[Range]) -> list[Range]:
    for start, end in holes:
        halves = [half for a, z in ranges for half in ((a, min(z, start - 1)), (max(a, end + 1), z))]
        ranges = [(a, z) for a, z in halves if a <= z]
    return ranges


def _by_version(ranges: list[Range]) -> tuple[list[Range], list[Range]]:
    ipv4 = [network for network in ranges if network[0] >= _MAPPED and network[1] <= _MAPPED_LAST]
    return ipv4, [network for network in ranges if network not in ipv4]


def _embedded(ranges: list[Range]) -> list[Range]:
    """The IPv6 addresses that hold an IPv4 address of these ranges."""
    return [
        (prefix | (first - _MAPPED) << shift, prefix | (last - _MAPPED + 1 << shift) - 1)
        for prefix, shift in _EMBEDDINGS
        for first, last in ranges
    ]


def _refused_bounds(blocks: list[Range], allow: list[Range], *, inside: bool) -> tuple[int, ...]:
    """Where refused and permitted addresses meet, from the lowest on: refused from the first, and so in turn."""
    blocks_v4, blocks_v6 = _by_version(blocks)
    allow_v4, allow_v6 = _by_version(allow)
    refused_v4 = _without(_merged(blocks_v4), allow_v4)
    if inside:
        blocks_v6 += _embedded(refused_v4)
    # An IPv6 network around the mapped addresses says nothing of IPv4.
    refused_v6 = _without(_merged(blocks_v6), [*allow_v6, (_MAPPED, _MAPPED_LAST)])
    return tuple([bound for first, last in _merged(refused_v4 + refused_v6) for bound in (first, last + 1)])


class PrivateAddressGuard(Value):
    """Refuses addresses that a request made for others must not reach (rule 28, decision D13).

    An IPv4-mapped address is the IPv4 address in it. An address of NAT64
    (``64:ff9b::/96``), an IPv4-compatible one (``::/96``) and a 6to4 one
    (``2002::/16``) is refused if a block names it, or if the IPv4 address
    inside is refused: a gateway would take the connection there. So
    ``64:ff9b::808:808`` is permitted and ``64:ff9b::7f00:1`` is not; 6to4 is
    refused whole by both lists. A guard of exactly ``FLUX_BLOCKS`` does not
    look inside, for Flux does not (rule 30).

    Attributes:
        blocks: the networks and addresses refused.
        allow: those permitted all the same. An IPv6 network here says nothing
            of IPv4 addresses, be they in mapped form.
    """

    __slots__ = ("_bounds", "allow", "blocks")
    _fields = ("blocks", "allow", "_bounds")
    _uncompared = frozenset({"_bounds"})

    blocks: tuple[str, ...]
    allow: tuple[str, ...]
    _bounds: tuple[int, ...]

    def __init__(self, *, blocks: Iterable[str] = STRICT_BLOCKS, allow: Iterable[str] = ()) -> None:
        """Makes a guard.

        Args:
            blocks: networks (``10.0.0.0/8``) and addresses to refuse.
            allow: networks and addresses permitted though a block holds them.

        Raises:
            InvalidTypeError: one of the two is not an iterable of str; a str is none.
            InvalidConfigError: an entry is neither an address nor a network, or
                has bits set after its prefix.
        """
        block_texts, block_ranges = _read_networks("blocks", blocks)
        allow_texts, allow_ranges = _read_networks("allow", allow)
        set_field(self, "blocks", block_texts)
        set_field(self, "allow", allow_texts)
        inside = block_texts != FLUX_BLOCKS
        set_field(self, "_bounds", _refused_bounds(block_ranges, allow_ranges, inside=inside))

    def permits(self, address: str) -> bool:
        """Whether a connection to this address may be made.

        Args:
            address: as ``getaddrinfo`` gives it: numeric, without brackets; a
                zone (``%eth0``) is cut. What cannot be read is not permitted.

        Raises:
            InvalidTypeError: it is not a str.
        """
        if not isinstance(address, str):
            raise InvalidTypeError(f"address must be a str, not {type(address).__name__}")
        value = address_value(address.partition("%")[0])
        return value is not None and bisect_right(self._bounds, value) % 2 == 0

    def __repr__(self) -> str:
        known = {STRICT_BLOCKS: "STRICT_BLOCKS", FLUX_BLOCKS: "FLUX_BLOCKS"}
        blocks = known.get(self.blocks) or repr(self.blocks)
        return f"{type(self).__name__}(blocks={blocks}, allow={self.allow!r})"
