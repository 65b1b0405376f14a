"""Resolve, guard, connect."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import tempfile
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import ConnectError, Deadline, Dialer, InvalidConfigError, InvalidTypeError, NameResolutionError
from fluxhttp._core.deadline import EndableDeadline
from fluxhttp._wire.dialer import _interleaved
from fluxhttp.errors import ClosedError, RequestTimeoutError
from fluxhttp_conformance.machine import Stopwatch
from tests.peers import (
    PATIENCE,
    SECONDS,
    Background,
    ManualClock,
    Peer,
    deadline,
    fails,
    full_listener,
    silent,
    times_out,
    unused_port,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp._wire.lookup import Resolver


class Permitting:
    """A guard that permits some addresses, and remembers what it was asked."""

    def __init__(self, *permitted: str) -> None:
        self._permitted = permitted
        self.asked: list[str] = []

    def permits(self, address: str, /) -> bool:
        self.asked.append(address)
        return address in self._permitted


def resolving(*addresses: object) -> Resolver:
    """A resolver that gives these addresses for every name."""
    return lambda host: list(addresses)  # type: ignore[arg-type]  # rubbish, too


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(silent) as made:
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    # A Unix socket's path may have 107 bytes: pytest's own folders can be longer.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def dial(dialer: Dialer, port: int, host: str = "a.test", seconds: float | None = PATIENCE) -> tuple[str, int]:
    """Where a dialled socket leads; it is closed again."""
    with dialer.dial(host, port, deadline=deadline(seconds)) as sock:
        assert sock.gettimeout() is None
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        return sock.getpeername()[:2]  # type: ignore[no-any-return]


# The way


def test_an_address_is_connected_without_asking_anybody(peer: Peer) -> None:
    assert dial(Dialer(resolver=resolving()), peer.port, "127.0.0.1") == ("127.0.0.1", peer.port)


def test_a_name_is_resolved_by_the_system(peer: Peer) -> None:
    assert dial(Dialer(), peer.port, "localhost")[1] == peer.port


def test_a_resolver_is_asked_without_the_trailing_dot(peer: Peer) -> None:
    asked = []

    def resolver(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    dial(Dialer(resolver=resolver), peer.port, "a.test.")

    assert asked == ["a.test"]


def test_ipv6_is_connected_with_and_without_zone() -> None:
    with Peer(silent, family=socket.AF_INET6) as peer:
        assert dial(Dialer(), peer.port, "::1") == ("::1", peer.port)
        assert dial(Dialer(), peer.port, "::1%lo") == ("::1", peer.port)
        assert dial(Dialer(resolver=resolving("::1%1")), peer.port) == ("::1", peer.port)


@pytest.mark.parametrize("zone", ["no-such-interface", "a\0b", "\ud800"])
def test_a_zone_that_does_not_exist_is_a_connect_error(zone: str) -> None:
    error = fails(ConnectError, Dialer(resolver=resolving(f"fe80::1%{zone}")).dial, "a.test", 80, deadline=deadline())

    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_zone_that_does_not_exist_leaves_the_other_addresses(peer: Peer) -> None:
    dialer = Dialer(resolver=resolving("fe80::1%no-such-interface", "127.0.0.1"))

    assert dial(dialer, peer.port) == ("127.0.0.1", peer.port)


def test_nobody_listening_is_a_connect_error() -> None:
    error = fails(ConnectError, Dialer().dial, "127.0.0.1", unused_port(), deadline=deadline(PATIENCE))

    assert str(error) == "cannot connect: connection refused"
    assert (error.phase, error.maybe_sent) == ("connect", False)
    assert isinstance(error.__cause__, OSError)


def test_a_port_out_of_range_is_a_connect_error() -> None:
    error = fails(ConnectError, Dialer().dial, "127.0.0.1", 70_000, deadline=deadline(PATIENCE))

    assert isinstance(error.__cause__, OverflowError)


def test_a_descriptor_too_many_is_a_connect_error(peer: Peer) -> None:
    import resource

    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as fill:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
        fill.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (least, most))
        with contextlib.suppress(OSError):
            while True:
                fill.enter_context(socket.socket())

        error = fails(ConnectError, Dialer().dial, "127.0.0.1", peer.port, deadline=deadline(PATIENCE))

    assert str(error) == "cannot connect: too many open files"
    assert dial(Dialer(), peer.port, "127.0.0.1") == ("127.0.0.1", peer.port)


# Names that are none


def test_a_name_without_address_shows_no_resolver_in_a_rendered_traceback() -> None:
    def resolver(host: str) -> list[str]:
        raise socket.gaierror(-2, f"secret resolver says {host} is unknown")

    error = fails(NameResolutionError, Dialer(resolver=resolver).dial, "a.test", 80, deadline=deadline())

    assert str(error) == "no such host"
    assert "secret" not in "".join(traceback.format_exception(error))
    assert "gaierror" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "a.test",
        "127.1",
        "0x7f000001",
        "127.0.0.1:80",
        "[::1]",
        "::1::",
        "127.0.0.1\0",
        "\uff11\uff12\uff17.0.0.1",
        b"127.0.0.1",
        5,
        None,
    ],
)
def test_what_a_resolver_gives_must_be_addresses(rubbish: object) -> None:
    guard = Permitting("127.0.0.1")

    error = fails(
        InvalidConfigError,
        Dialer(resolver=resolving("127.0.0.1", rubbish), guard=guard).dial,
        "a.test",
        80,
        deadline=deadline(),
    )

    assert str(error).startswith("resolver must give addresses as text, not ")
    assert guard.asked == []


@pytest.mark.parametrize("rubbish", [None, 5, b"127.0.0.1"])
def test_what_a_resolver_gives_must_be_a_list(rubbish: object) -> None:
    dialer = Dialer(resolver=lambda host: rubbish)  # type: ignore[arg-type, return-value]  # as a caller might

    fails(InvalidConfigError, dialer.dial, "a.test", 80, deadline=deadline())


# Guard


def test_a_guard_judges_the_very_address_that_is_connected(peer: Peer) -> None:
    guard = Permitting("127.0.0.2", "127.0.0.1")
    refused = "192.0.2.1"

    where = dial(Dialer(resolver=resolving(refused, "127.0.0.1"), guard=guard), peer.port)

    assert where == ("127.0.0.1", peer.port)
    assert guard.asked == [refused, "127.0.0.1"]


@pytest.mark.parametrize("host", ["a.test", "127.0.0.1"])
def test_a_guard_s_refusal_cannot_be_told_from_a_missing_name(host: str, peer: Peer) -> None:
    dialer = Dialer(resolver=resolving("127.0.0.1", "::1"), guard=Permitting())

    refused = fails(NameResolutionError, dialer.dial, host, peer.port, deadline=deadline())
    missing = fails(NameResolutionError, Dialer(resolver=resolving()).dial, "a.test", 80, deadline=deadline())

    for error in (refused, missing):
        assert (str(error), error.phase, error.maybe_sent) == ("no such host", "dns", False)
        assert (error.__cause__, error.__context__) == (None, None)
    assert peer.connections == 0


# Several addresses


def test_an_address_that_refuses_adds_no_delay(peer: Peer) -> None:
    dialer = Dialer(resolver=resolving("127.0.0.9", "127.0.0.8", "::1", "127.0.0.1"))
    watch = Stopwatch()

    where = dial(dialer, peer.port)

    assert where == ("127.0.0.1", peer.port)
    assert watch.own_seconds() < 0.2


def test_an_address_that_hangs_is_overtaken_after_a_quarter_of_a_second() -> None:
    with full_listener() as port, socket.create_server(("127.0.0.2", port)):
        dialer = Dialer(resolver=resolving("127.0.0.1", "127.0.0.2"))
        watch = Stopwatch()

        where = dial(dialer, port)

        took, own = watch.seconds(), watch.own_seconds()
    assert where == ("127.0.0.2", port)
    assert took >= 0.25
    assert own < 0.5


def test_what_refuses_beside_one_that_hangs_adds_no_delay() -> None:
    with full_listener() as port, socket.create_server(("127.0.0.2", port)):
        dialer = Dialer(resolver=resolving("127.0.0.1", "127.0.0.3", "127.0.0.4", "127.0.0.2"))
        watch = Stopwatch()

        where = dial(dialer, port)

        own = watch.own_seconds()
    assert where == ("127.0.0.2", port)
    assert own < 0.5


def test_attempts_that_lose_are_closed() -> None:
    with full_listener() as port, socket.create_server(("127.0.0.2", port)):
        before = set(Path("/proc/self/fd").iterdir())

        dial(Dialer(resolver=resolving("127.0.0.1", "127.0.0.2")), port)

        assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(
    ("given", "tried"),
    [
        ("4a 4b 4c 6a 6b", "4a 6a 4b 6b 4c"),
        ("6a 6b 4a 4b 4c", "6a 4a 6b 4b 4c"),
        ("4a 6a", "4a 6a"),
        ("6a 6b", "6a 6b"),
        ("4a", "4a"),
    ],
)
def test_families_take_turns_beginning_with_the_first(given: str, tried: str) -> None:
    addresses = {"4a": "127.0.0.1", "4b": "127.0.0.2", "4c": "127.0.0.3", "6a": "::1", "6b": "::2"}

    order = _interleaved([addresses[name] for name in given.split()])

    assert order == [addresses[name] for name in tried.split()]


def test_when_all_fail_the_text_is_that_of_the_first_failure() -> None:
    broadcast, port = "255.255.255.255", unused_port()
    dialers = [Dialer(resolver=resolving(*order)) for order in ((broadcast, "127.0.0.1"), ("127.0.0.1", broadcast))]

    texts = [str(fails(ConnectError, it.dial, "a.test", port, deadline=deadline(PATIENCE))) for it in dialers]

    assert texts[0].startswith("cannot connect: ")
    assert texts[0] != texts[1] == "cannot connect: connection refused"


# Time


def test_a_connect_that_hangs_ends_with_the_deadline() -> None:
    with full_listener() as port:
        error = times_out(lambda **_: Dialer().dial("127.0.0.1", port, deadline=deadline(SECONDS)))

    assert (error.phase, error.maybe_sent) == ("connect", False)


def test_a_resolver_that_hangs_ends_with_the_deadline() -> None:
    release = threading.Event()

    def resolver(host: str) -> list[str]:
        release.wait(PATIENCE)
        return []

    error = times_out(lambda **_: Dialer(resolver=resolver).dial("a.test", 80, deadline=deadline(SECONDS)))
    release.set()

    assert (error.phase, error.maybe_sent) == ("dns", False)


def test_a_deadline_that_has_passed_connects_nothing(peer: Peer) -> None:
    clock = ManualClock()
    passed = Deadline.after(1.0, clock)
    clock.now += 1

    error = fails(RequestTimeoutError, Dialer().dial, "127.0.0.1", peer.port, deadline=passed)

    assert error.phase == "connect"
    assert peer.connections == 0


def test_a_connect_that_hangs_can_be_ended() -> None:
    ended = EndableDeadline(deadline())
    with full_listener() as port:
        call = Background(Dialer().dial, "127.0.0.1", port, deadline=ended)

        ended.end()

        assert type(call.wait(0.5).error) is ClosedError


# Unix sockets


def test_a_unix_socket_is_connected_whatever_the_host(folder: Path) -> None:
    path = folder / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        with Dialer(unix_socket=path).dial("a.test", 80, deadline=deadline(PATIENCE)) as sock:
            assert sock.family == socket.AF_UNIX
            assert sock.gettimeout() is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("nobody", errno.ENOENT), ("x" * 200, None), ("\ud800", None)],
    ids=["missing", "long", "surrogate"],
)
def test_a_unix_socket_that_cannot_be_connected_is_a_connect_error(name: str, code: int | None, folder: Path) -> None:
    dialer = Dialer(unix_socket=str(folder / name))

    error = fails(ConnectError, dialer.dial, "a.test", 80, deadline=deadline(PATIENCE))

    if code is not None:
        assert str(error) == f"cannot connect: {os.strerror(code).lower()}"


def test_a_unix_socket_whose_queue_is_full_is_waited_for(folder: Path) -> None:
    path = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(path)
        listener.listen(0)
        first.connect(path)
        error = times_out(lambda **_: Dialer(unix_socket=path).dial("a.test", 80, deadline=deadline(SECONDS)))
        call = Background(Dialer(unix_socket=path).dial, "a.test", 80, deadline=deadline(PATIENCE))

        listener.accept()[0].close()

        sock = call.wait().result
        assert isinstance(sock, socket.socket)
        with sock:
            listener.accept()[0].close()
            assert sock.recv(1) == b""
    assert error.phase == "connect"


# Options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"resolver": "127.0.0.1"}, "resolver must be a callable, not str"),
        ({"guard": object()}, "guard must have a method permits, but object has none"),
        ({"allow_proxy": 1}, "allow_proxy must be a bool, not int"),
        ({"unix_socket": 5}, "unix_socket must be a str or a path, not int"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused(options: dict[str, object], text: str) -> None:
    assert str(fails(InvalidTypeError, Dialer, **options)) == text


def test_a_dialer_shows_its_options() -> None:
    assert repr(Dialer(unix_socket=Path("/a"))) == (
        "Dialer(resolver=None, guard=None, allow_proxy=False, unix_socket='/a')"
    )
