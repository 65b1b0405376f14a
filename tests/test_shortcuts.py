"""The functions of the package, and the process-wide client behind them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import fluxhttp
from fluxhttp import (
    Client,
    Config,
    Deadline,
    FluxHTTPError,
    Headers,
    InvalidConfigError,
    InvalidTypeError,
    Request,
    StdlibTransport,
    _shortcuts,
)
from tests.peers import PATIENCE, Background, fails, in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = ["delete", "get", "head", "patch", "post", "put"]


class Answer:
    status_code = 200
    reason = "OK"
    http_version = "HTTP/1.1"
    headers = Headers()

    def read(self, size: int, /) -> bytes:
        return b""

    def close(self) -> None:
        pass


class Transport:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Request, Config]] = []
        self.is_closed = False

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> Answer:
        self.calls.append((request, config))
        return Answer()

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def _default_client() -> Iterator[None]:
    """Each test begins without a process-wide client, and leaves none."""
    before, _shortcuts._client = _shortcuts._client, None
    yield
    _shortcuts._client = before


def current() -> Client:
    return _shortcuts._default_client()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_do_with_its_name(name: str) -> None:
    transport = Transport()
    with fluxhttp.override(transport=transport):
        getattr(fluxhttp, name)("http://a.test/", params={"a": "b"}, body=b"x")
        fluxhttp.do(name.upper(), "http://a.test/", params={"a": "b"}, body=b"x")

    assert transport.calls[0] == transport.calls[1]
    assert transport.calls[0][0].method == name.upper()


def test_the_default_is_the_stdlib_transport_opened_on_first_use() -> None:
    assert _shortcuts._client is None

    client = current()

    assert type(client.transport) is StdlibTransport
    assert client.config == Config()
    assert current() is client


def test_threads_that_come_first_together_share_one_client() -> None:
    barrier = threading.Barrier(8)

    def first() -> Client:
        barrier.wait(PATIENCE)
        return current()

    calls = [Background(first) for _ in range(8)]

    assert len({id(call.wait().result) for call in calls}) == 1


def test_a_thread_that_comes_while_another_makes_the_client_gets_that_one() -> None:
    with _shortcuts._lock:
        call = Background(current)
        _shortcuts._client = made = Client(Transport())

    assert call.wait().result is made


# configure


def test_configure_sets_what_is_given_and_keeps_the_rest() -> None:
    transport, config = Transport(), Config(timeout=5)

    fluxhttp.configure(transport=transport, config=config)
    fluxhttp.get("http://a.test/")
    fluxhttp.configure(config=Config(timeout=6))
    fluxhttp.get("http://a.test/")
    fluxhttp.configure(transport=Transport())
    kept = current().config

    assert [config.timeout for _, config in transport.calls] == [5, 6]
    assert kept == Config(timeout=6)


def test_configure_takes_a_registered_name() -> None:
    fluxhttp.configure(transport="stdlib")

    assert type(current().transport) is StdlibTransport


def test_a_transport_is_not_opened_only_to_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # A broken proxy in the environment is none of a fake's business.
    monkeypatch.setenv("HTTP_PROXY", "http://[")
    monkeypatch.setattr(_shortcuts, "_client", None)

    fluxhttp.configure(transport=Transport())

    assert current().config == Config()


def test_configure_with_a_config_alone_keeps_the_default_transport() -> None:
    before = current().transport

    fluxhttp.configure(config=Config(timeout=5))

    assert current().transport is before


@pytest.mark.parametrize("call", [fluxhttp.configure, lambda **options: fluxhttp.override(**options).__enter__()])
@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, InvalidTypeError),
        ({"transport": None, "config": None}, InvalidTypeError),
        ({"transport": object()}, InvalidTypeError),
        ({"transport": 5}, InvalidTypeError),
        ({"config": 5}, InvalidTypeError),
        ({"config": {"timeout": 5}}, InvalidTypeError),
        ({"transport": "no-such"}, InvalidConfigError),
    ],
)
def test_what_cannot_be_set_changes_nothing(
    call: object, options: dict[str, object], kind: type[FluxHTTPError]
) -> None:
    before = current()

    fails(kind, call, **options)  # type: ignore[arg-type]  # both are callables

    assert current() is before


# override


def test_override_is_undone_at_its_end() -> None:
    outer, inner = Transport(), Transport()
    fluxhttp.configure(transport=outer)
    with fluxhttp.override(transport=inner):
        fluxhttp.get("http://a.test/inner")
    fluxhttp.get("http://a.test/outer")

    assert [request.url.path for request, _ in inner.calls] == ["/inner"]
    assert [request.url.path for request, _ in outer.calls] == ["/outer"]
    assert not inner.is_closed


def test_override_is_undone_after_an_error_too() -> None:
    before = current()

    with pytest.raises(ZeroDivisionError), fluxhttp.override(transport=Transport()):
        raise ZeroDivisionError

    assert current() is before


def test_overrides_nest() -> None:
    transport = Transport()
    with fluxhttp.override(transport=transport):
        with fluxhttp.override(config=Config(timeout=1)):
            with fluxhttp.override(config=Config(timeout=2)):
                fluxhttp.get("http://a.test/")
            fluxhttp.get("http://a.test/")
        fluxhttp.get("http://a.test/")

    assert [config.timeout for _, config in transport.calls] == [2, 1, None]


def test_override_before_any_call_leaves_no_default_behind() -> None:
    with fluxhttp.override(transport=Transport(), config=Config()):
        pass

    assert _shortcuts._client is None


def test_override_counts_in_other_threads_too() -> None:
    transport = Transport()
    with fluxhttp.override(transport=transport):
        Background(fluxhttp.get, "http://a.test/").wait()

    assert len(transport.calls) == 1


def test_override_may_decorate_a_function() -> None:
    transport = Transport()

    @fluxhttp.override(transport=transport)
    def function() -> None:
        fluxhttp.get("http://a.test/")

    function()
    function()

    assert len(transport.calls) == 2


def test_a_transport_opened_by_name_is_closed_at_the_end() -> None:
    with fluxhttp.override(transport="stdlib"):
        transport = current().transport

    fails(fluxhttp.ClosedError, Client(transport).get, "http://127.0.0.1:9/")


# Fork


def test_a_child_does_not_wait_for_a_thread_that_makes_the_client() -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with _shortcuts._lock:
            held.set()
            release.wait(PATIENCE)

    holder = Background(hold)
    assert held.wait(PATIENCE)

    assert in_child(lambda: current() is not None)

    release.set()
    holder.wait()


def test_starting_anew_leaves_the_lock_free() -> None:
    with _shortcuts._lock:
        _shortcuts._start_anew()

        assert _shortcuts._lock.acquire(blocking=False)
    _shortcuts._lock = threading.Lock()
