"""The host and port of a URL, in Host and for the dialer (RFC 3986, 3.2; RFC 9112, 3.2)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fluxhttp import InvalidURLError
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import Lab, ok

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Far more than linear work on these names takes, far less than quadratic work does.
_QUICK_SECONDS = 1.0


def _hosts(lab: Lab, urls: Iterable[str]) -> list[list[str]]:
    """The Host lines that the origin sees for these URLs."""
    for url in urls:
        lab.origin.play(ok())
        lab.client.get(url)
    return [seen.values("Host") for seen in lab.requests]


@case("hosts/ambiguous", anchor="RFC 3986, 3.2.2", level="core", tags=("security",))
def ambiguous_hosts(lab: Lab) -> None:
    """Where two parsers could see two different hosts, a guard judges one and the connection goes to the other."""
    for authority in (
        "10.0.0.1\\@origin.test",
        "origin.test\\.evil.test",
        "origin.test\\",
        "[v1.a]",
        "[origin.test]",
        "[1.2.3.4]",
        "[]",
        "[::1",
        "::1",
        "::1]:80",
        "[::1]x",
        "[::1].evil.test",
        "x.[::1]",
        "[::1]@",
        "[::1%25]",
        "[::1%25a]b]",
        "[::1%eth0]",
        "[1:2:3:4:5:6:7]",
        "[::12345]",
        "[::1.2.3.256]",
        "a.test:80:80",
        "a%2etest",
        "a%00.test",
        "a b.test",
        "a..test",
        ".a.test",
        "a.test..",
        ".",
        "a,b.test",
        "a|b.test",
        "<a>.test",
        "a.test;x",
        "a*.test",
        "\uff0f.test",
        "a\uff0fb.test",
        "a\uff03b.test",
        "a\u2100.test",
        "a\u2488.test",
    ):
        lab.fails(InvalidURLError, lab.client.get, f"http://{authority}/")
    lab.saw_nothing()


@case("hosts/ports", kind="pinned", anchor="D7; RFC 3986, 3.2.3", level="core")
def ports(lab: Lab) -> None:
    """A port is a number from 1 to 65535 in ASCII digits; an empty one is the default."""
    for port in (
        "0",
        "65536",
        "99999999",
        "-1",
        "+80",
        "8_0",
        "8.0",
        "0x50",
        " 80",
        "80 ",
        "http",
        "\uff18\uff10",
        "\u0668",
    ):
        lab.fails(InvalidURLError, lab.client.get, f"http://origin.test:{port}/")

    assert _hosts(lab, [lab.url(host="origin.test:"), lab.url(host="origin.test:80")]) == [["origin.test"]] * 2


@case("hosts/one-form", kind="pinned", anchor="D7; RFC 3986, 6.2.2", level="core")
def one_form_of_a_host(lab: Lab) -> None:
    """Case and a default port make no difference, so they make none in Host either."""
    lab.dialer.routes[8080] = lab.origin.address
    urls = ["HTTP://ORIGIN.test/", "http://Origin.Test:80/", "http://origin.test.:80/", "http://ORIGIN.test:8080/"]
    lab.url(host="origin.test")

    assert _hosts(lab, urls) == [["origin.test"], ["origin.test"], ["origin.test."], ["origin.test:8080"]]


@case("hosts/international", kind="pinned", anchor="D7", level="core")
def international_hosts(lab: Lab) -> None:
    """A name outside ASCII has one ASCII form (UTS 46), which is dialled and which Host shows."""
    urls = [lab.url(host=host) for host in ("bücher.test", "BÜCHER。test", "faß.test", "xn--bcher-kva.test", "_a.test")]

    names = ["xn--bcher-kva.test", "xn--bcher-kva.test", "xn--fa-hia.test", "xn--bcher-kva.test", "_a.test"]
    assert _hosts(lab, urls) == [[name] for name in names]
    assert {host for host, _ in lab.dialer.dialled} == set(names)


@case("hosts/length", kind="pinned", anchor="D7", level="core", tags=("security",))
def length_of_hosts(lab: Lab) -> None:
    """A label has 63 characters at most and a name 253; that is checked before IDNA, whose cost may be quadratic."""
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    started = time.thread_time()
    for host in (
        "a" * 64 + ".test",
        "a" + longest,
        longest + "x",
        "ü" * 64 + ".test",
        "\u0660" * 100_000,
        "a." * 100_000,
        "xn--" + "a" * 100_000,
    ):
        lab.fails(InvalidURLError, lab.client.get, f"http://{host}/")
    assert time.thread_time() - started < _QUICK_SECONDS

    assert _hosts(lab, [lab.url(host=longest), lab.url(host=longest + ".")]) == [[longest], [longest + "."]]


@case("hosts/ipv6", anchor="RFC 3986, 3.2.2", level="semantic")
def ipv6(lab: Lab) -> None:
    """An IPv6 address stands in brackets in Host, in its one form; it is dialled without them."""
    lab.dialer.routes[8080] = lab.origin.address
    urls = [lab.url(host=host) for host in ("[::1]", "[0:0:0:0:0:0:0:1]:8080", "[2001:DB8::A]", "[::ffff:127.0.0.1]")]

    assert _hosts(lab, urls) == [["[::1]"], ["[::1]:8080"], ["[2001:db8::a]"], ["[::ffff:127.0.0.1]"]]
    assert lab.dialer.dialled == [("::1", 80), ("::1", 8080), ("2001:db8::a", 80), ("::ffff:127.0.0.1", 80)]


@case("hosts/ipv6-zone", anchor="RFC 9110, 4.2.3", level="semantic", kind="pinned")
def ipv6_zone(lab: Lab) -> None:
    """The zone of an address is this machine's own affair: it is dialled, and never sent."""
    assert _hosts(lab, [lab.url(host="[fe80::1%25eth0]")]) == [["[fe80::1]"]]
    assert lab.dialer.dialled == [("fe80::1%eth0", 80)]
    assert "eth0" not in lab.requests[0].raw.decode()
