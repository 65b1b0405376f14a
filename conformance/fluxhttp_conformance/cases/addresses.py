"""From a name to an address that may be connected (RFC 3986, 3.2.2; RFC 8305)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fluxhttp import (
    ConnectError,
    Dialer,
    InvalidRedirectError,
    InvalidURLError,
    NameResolutionError,
    PrivateAddressGuard,
)
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.lab import Lab, ok
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxhttp import Client

#: Stands for a public address: the guards of these cases permit it.
PUBLIC = "127.0.0.1"
#: What has an address in it for ``inet_aton`` and getaddrinfo, and is none in a URL.
NUMERIC = (
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7F.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.01",
    "127.000.000.001",
    "010.0.0.1",
    "127.0.0.1.",
    "127.0.0.256",
    "127.0.0.1.1",
    "1.2.3.4.5",
    "0",
    "0x",
    "00.0.0.0",
    "0x7f.1.",
    "a.127",
    "a.0x7f",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1",
    "127.0.0.\u0661",
)


def authority(lab: Lab, host: str) -> str:
    """A name and the origin's own port, as it stands in a canonical URL."""
    port = lab.origin.address[1]
    return host if port == 80 else f"{host}:{port}"


def resolving(lab: Lab, resolve: Callable[[str], Iterable[str]], guard: PrivateAddressGuard | None = None) -> Client:
    """A client that looks names up so; a guard may judge the addresses."""
    if lab.target.is_fake:
        return lab.new_client(lab.open(resolver=resolve, guard=guard))
    if "dialer" not in lab.target.keywords:
        raise NotApplicable(f"{lab.target.name} takes no dialer")
    return lab.new_client(lab.open(dialer=Dialer(resolver=resolve, guard=guard)))


def _guarded(lab: Lab, names: dict[str, list[str]]) -> Client:
    """A client with these names, and a guard that permits the origin's address alone of the private ones."""
    return resolving(lab, names.__getitem__, PrivateAddressGuard(allow=[f"{PUBLIC}/32"]))


def _at(lab: Lab, host: str, path: str = "/") -> str:
    """The URL of a path under a name, at the origin's own port."""
    return f"http://{authority(lab, host)}{path}"


def _no_such_host(lab: Lab, client: Client, url: str) -> NameResolutionError:
    error = lab.fails(NameResolutionError, client.post, url, body=b"body")
    assert str(error) == "no such host"
    assert (error.phase, error.maybe_sent, error.retryable) == ("dns", False, True)
    return error


@case("addresses/numeric-spellings", kind="pinned", anchor="D7; RFC 3986, 3.2.2", level="core", tags=("security",))
def numeric_spellings(lab: Lab) -> None:
    """A number that some resolver takes for an address goes past every list of forbidden ones: it is no host."""
    for host in NUMERIC:
        lab.fails(InvalidURLError, lab.client.get, f"http://{host}/")
        lab.fails(InvalidURLError, lab.client.get, f"https://user@{host}:443/")
    lab.saw_nothing()

    for host in NUMERIC[:4]:
        lab.origin.play(redirect(f"http://{host}/"))
        lab.fails(InvalidRedirectError, lab.get)


@case("addresses/names-that-look-numeric", kind="pinned", anchor="D7", level="core")
def names_that_look_numeric(lab: Lab) -> None:
    """A name with digits is a name, as long as its last label is no number."""
    hosts = ["127.0.0.1.test", "1.2.3.4a", "0x7f000001.test", "1e100.test", "127-0-0-1.test", "3com", "0xg"]
    for host in hosts:
        lab.origin.play(ok())
        lab.client.get(lab.url("/", host=host))

    assert [host for host, _ in lab.dialer.dialled] == hosts


@case("addresses/no-such-host", anchor="seam")
def no_such_host(lab: Lab) -> None:
    """A name without an address is an error of its own, which says which call it ended and names no resolver."""

    def resolve(host: str) -> list[str]:
        if host == "empty.test":
            return []
        raise OSError(-2, "Name or service not known by 10.0.0.53")

    client = resolving(lab, resolve)
    for host in ("missing.test", "empty.test"):
        error = _no_such_host(lab, client, _at(lab, host, "/p?q=s3cr3t"))

        assert (error.method, error.url) == ("POST", _at(lab, host, "/p?q=***"))
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
    lab.saw_nothing()


@case("addresses/pinned-names", anchor="RFC 9110, 4.3.2")
def pinned_names(lab: Lab) -> None:
    """A name may be led elsewhere; Host keeps the name, a trailing dot is not looked up, and addresses never are."""
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    client = resolving(lab, resolve)
    for host in ("origin.test", "ORIGIN.test", "other.test.", PUBLIC):
        lab.origin.play(ok())
        client.get(_at(lab, host))

    hosts = [seen.values("Host")[0] for seen in lab.requests]
    assert hosts == [authority(lab, host) for host in ("origin.test", "origin.test", "other.test.", PUBLIC)]
    assert asked == ["origin.test", "other.test"]


@case("addresses/next-address", anchor="RFC 8305, 5")
def next_address(lab: Lab) -> None:
    """Of several addresses the first that connects is taken: one that refuses does not end the call."""
    if lab.target.is_fake:
        raise NotApplicable("memory has no address at which nobody listens")
    client = resolving(lab, {"both.test": ["::1", PUBLIC], "none.test": ["::1"]}.__getitem__)
    lab.origin.play(ok(b"second"))

    assert client.get(_at(lab, "both.test")).body == b"second"
    error = lab.fails(ConnectError, client.get, _at(lab, "none.test"))
    assert (error.phase, error.maybe_sent) == ("connect", False)


@case("addresses/guarded-addresses", kind="pinned", anchor="D13", level="semantic", tags=("security",))
def guarded_addresses(lab: Lab) -> None:
    """Private addresses, in whatever form and by whatever name, do not exist for a guarded client."""
    private = (
        "127.0.0.2",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104  # an address to refuse, not to bind
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:a00:1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fe80::1%25eth0",
        "fec0::1",
        "ff02::1",
    )
    client = _guarded(lab, {f"n{number}.test": [text.replace("%25", "%")] for number, text in enumerate(private)})
    started = time.monotonic()
    for number, text in enumerate(private):
        _no_such_host(lab, client, f"http://[{text}]/" if ":" in text else f"http://{text}/")
        _no_such_host(lab, client, f"http://n{number}.test/")
    # A refusal adds no delay, which would tell what it refused.
    assert time.monotonic() - started < 2.0
    lab.saw_nothing()


@case("addresses/guarded-origin", kind="pinned", anchor="D13", level="semantic", tags=("security",))
def guarded_origin(lab: Lab) -> None:
    """The guard stands where the connection is made: it lets through what it permits, and nothing else."""
    client = _guarded(lab, {"public.test": [PUBLIC], "private.test": ["127.0.0.2"]})
    for host in ("public.test", PUBLIC):
        lab.origin.play(ok(b"public"))
        assert client.get(_at(lab, host)).body == b"public"

    strict = resolving(lab, {"public.test": [PUBLIC]}.__getitem__, PrivateAddressGuard())
    for host in ("public.test", PUBLIC, "[::ffff:127.0.0.1]"):
        _no_such_host(lab, strict, _at(lab, host))
    _no_such_host(lab, client, _at(lab, "private.test"))
    by_system = lab.new_client(lab.open(dialer=Dialer(guard=PrivateAddressGuard())))
    for host in ("localhost", "LOCALHOST."):
        _no_such_host(lab, by_system, _at(lab, host))
    assert lab.origin.connections == 2


@case("addresses/guarded-one-by-one", kind="pinned", anchor="D13", level="semantic", tags=("security",))
def guarded_one_by_one(lab: Lab) -> None:
    """Of a name's addresses the permitted ones are tried; those that are refused are not even touched."""
    client = _guarded(lab, {"mixed.test": ["10.0.0.1", "::1", PUBLIC, "fe80::1"], "private.test": ["10.0.0.1", "::1"]})
    lab.origin.play(ok(b"public"))
    started = time.monotonic()

    assert client.get(_at(lab, "mixed.test")).body == b"public"
    _no_such_host(lab, client, _at(lab, "private.test"))

    # The second of two addresses that are tried would wait for a quarter of a second.
    assert time.monotonic() - started < 0.25


@case("addresses/guarded-on-every-hop", kind="pinned", anchor="D13", level="core", tags=("security",))
def guarded_on_every_hop(lab: Lab) -> None:
    """A redirect to a private address is refused as the address itself is, and like one to no address at all."""
    client = _guarded(lab, {"public.test": [PUBLIC], "private.test": ["10.0.0.1"]})
    locations = ("http://private.test/", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "//169.254.169.254/latest")
    for location in (*locations, "http://missing.test/"):
        before = len(lab.requests)
        lab.origin.play(redirect(location))

        error = lab.fails(NameResolutionError, client.get, _at(lab, "public.test"))

        assert str(error) == "no such host"
        assert len(lab.requests) == before + 1
    lab.still_works()


@case("addresses/rebinding", kind="pinned", anchor="D13", level="semantic", tags=("security",))
def rebinding(lab: Lab) -> None:
    """The address that is connected is the one that was judged: a second look-up could give another."""
    answers = [PUBLIC, "10.0.0.1", PUBLIC]
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return [answers[len(asked) - 1]]

    client = resolving(lab, resolve, PrivateAddressGuard(allow=[f"{PUBLIC}/32"]))
    lab.origin.play(ok(b"first").close())
    assert client.get(_at(lab, "rebound.test")).body == b"first"
    assert len(asked) == 1

    lab.until(lambda: "closes" in lab.origin.transcript[-1], "the origin closed")
    _no_such_host(lab, client, _at(lab, "rebound.test"))
    assert len(asked) == 2
    lab.origin.play(ok(b"third"))
    assert client.get(_at(lab, "rebound.test")).body == b"third"


@case("addresses/refusal-tells-nothing", kind="pinned", anchor="D13", level="semantic", tags=("security",))
def refusal_tells_nothing(lab: Lab) -> None:
    """A refused address and a missing name look alike in every way, or the answer would map the inner network."""
    client = _guarded(lab, {"private.test": ["10.0.0.1"]})
    refused, missing = (_no_such_host(lab, client, _at(lab, host)) for host in ("private.test", "missing.test"))

    assert vars(refused) | {"url": None} == vars(missing) | {"url": None}
    assert (refused.args, refused.__cause__) == (missing.args, missing.__cause__)
    for error in (refused, missing):
        assert error.__suppress_context__ or error.__context__ is None
        assert "10.0.0.1" not in repr(error)
    lab.saw_nothing()
