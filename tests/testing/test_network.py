"""Name look-up, guard and connecting, as a real dialer has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    Client,
    Config,
    ConnectError,
    FluxHTTPError,
    InvalidConfigError,
    InvalidTypeError,
    NameResolutionError,
    PrivateAddressGuard,
    RequestTimeoutError,
)
from fluxhttp.testing import FakeTransport, faults

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://api.test/"


def refused(fake: FakeTransport, url: str = URL) -> FluxHTTPError:
    with pytest.raises(FluxHTTPError) as caught:
        Client(fake).get(url)
    return caught.value


def raising(error: BaseException) -> Callable[[str], list[str]]:
    def resolve(host: str) -> list[str]:
        raise error

    return resolve


def test_a_name_nobody_knows_a_refusal_and_a_fault_are_told_alike() -> None:
    unknown = FakeTransport(resolver={}.__getitem__)
    forbidden = FakeTransport(resolver=lambda host: ["10.0.0.1"], guard=PrivateAddressGuard())
    failing = FakeTransport()
    failing.get(URL).fail(faults.dns_failure())

    errors = [refused(fake) for fake in (unknown, forbidden, failing)]

    seen = {
        (type(error), str(error), repr(error), error.phase, error.maybe_sent, error.__cause__, error.__context__)  # type: ignore[attr-defined]
        for error in errors
    }
    assert seen == {
        (NameResolutionError, "no such host", "NameResolutionError('no such host')", "dns", False, None, None)
    }
    lines = [error.__traceback__ for error in errors]
    last = []
    for traceback in lines:
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        last.append(traceback and traceback.tb_lineno)
    assert len(set(last)) == 1


def test_a_host_that_is_refused_takes_no_route() -> None:
    fake = FakeTransport(guard=PrivateAddressGuard())
    route = fake.get("http://127.0.0.1/admin").respond().optional()

    assert isinstance(refused(fake, "http://127.0.0.1/admin"), NameResolutionError)
    assert isinstance(refused(fake, "http://10.0.0.1/not-registered"), NameResolutionError)

    assert (route.called, route.taken, fake.calls, fake.unexpected, fake.connections) == (False, 0, [], [], [])


def test_a_redirect_to_a_host_that_is_refused() -> None:
    fake = FakeTransport(guard=PrivateAddressGuard())
    fake.get(URL).respond(302, headers={"location": "http://169.254.169.254/"})
    metadata = fake.get("http://169.254.169.254/").respond().optional()

    assert isinstance(refused(fake), NameResolutionError)
    assert not metadata.called


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "LOCALHOST.", "127.0.0.1", "[::1]"])
def test_without_a_resolver_localhost_is_what_it_is_everywhere(host: str) -> None:
    assert isinstance(refused(FakeTransport(guard=PrivateAddressGuard()), f"http://{host}/"), NameResolutionError)


def test_without_a_resolver_every_other_name_is_somewhere_public() -> None:
    fake = FakeTransport(guard=PrivateAddressGuard())
    fake.get(URL).respond(text="ok")

    assert Client(fake).get(URL).text == "ok"


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1", "192.0.43.10"], "192.0.43.10", ("192.0.43.10",), iter(["192.0.43.10"])]
)
def test_one_address_that_is_permitted_is_enough(addresses: Any) -> None:
    fake = FakeTransport(resolver=lambda host: addresses, guard=PrivateAddressGuard())
    fake.get(URL).respond(text="ok")

    assert Client(fake).get(URL).text == "ok"


@pytest.mark.parametrize(
    "resolver",
    [
        raising(OSError("no")),
        raising(KeyError("no")),
        raising(UnicodeError("no")),
        raising(ConnectError("no")),
        lambda host: [],
    ],
)
def test_what_a_resolver_says_of_no_such_host(resolver: Any) -> None:
    assert type(refused(FakeTransport(resolver=resolver))) is NameResolutionError


def test_a_resolver_that_fails_otherwise() -> None:
    error = refused(FakeTransport(resolver=raising(ZeroDivisionError("secret"))))

    assert (type(error), str(error)) == (ConnectError, "the resolver failed: ZeroDivisionError")
    assert isinstance(error.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("found", [["api.test"], [1], None, 1])
def test_a_resolver_that_gives_no_addresses(found: Any) -> None:
    error = refused(FakeTransport(resolver=lambda host: found))

    assert type(error) is InvalidConfigError
    assert str(error).startswith("resolver must give addresses as text, not ")


def test_a_resolver_is_asked_once_a_connection_for_the_name_without_its_dot() -> None:
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["192.0.43.10"]

    fake = FakeTransport(resolver=resolve)
    fake.get("http://api.test./").respond()
    fake.get("http://192.0.43.10/").respond()
    for _ in range(3):
        Client(fake).get("http://api.test./")
    Client(fake).get("http://192.0.43.10/")

    assert asked == ["api.test"]


def test_a_resolver_that_takes_its_time() -> None:
    def resolve(host: str) -> list[str]:
        fake.clock.advance(3)
        return ["192.0.43.10"]

    fake = FakeTransport(resolver=resolve)
    fake.get(URL).respond()

    with pytest.raises(RequestTimeoutError) as caught:
        Client(fake).get(URL, config=Config(timeout=2))

    assert (caught.value.phase, caught.value.maybe_sent) == ("dns", False)
    assert Client(fake).get(URL, config=Config(timeout=4)).duration.total_seconds() == 3


def test_with_a_fallback_only_hosts_of_routes_are_looked_up() -> None:
    other = FakeTransport()
    other.get("http://10.0.0.1/").respond(text="other")
    fake = FakeTransport(resolver=lambda host: ["10.0.0.1"], guard=PrivateAddressGuard(), fallback=other)
    fake.get(URL).respond()

    assert Client(fake).get("http://10.0.0.1/").text == "other"
    assert isinstance(refused(fake), NameResolutionError)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"resolver": 1}, "resolver must be a callable, not int"),
        ({"guard": 1}, "guard must have a method permits, but int has none"),
    ],
)
def test_arguments_of_the_wrong_type(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidTypeError) as caught:
        FakeTransport(**options)

    assert str(caught.value) == text
