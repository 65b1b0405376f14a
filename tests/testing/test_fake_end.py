"""How a fake ends: verify, reset, close, and what it keeps of what came."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    Client,
    ClosedError,
    ReceiveError,
)
from fluxhttp.testing import (
    FakeTransport,
    UnexpectedRequestError,
    UnusedRouteError,
    faults,
)

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.test"
URL = f"{API}/x"


def test_a_closed_transport_answers_nothing() -> None:
    fake = FakeTransport()
    fake.get(URL).respond()
    client = Client(fake)
    client.get(URL)

    fake.close()
    fake.close()

    with pytest.raises(ClosedError, match="the transport is closed"):
        client.get(URL)
    fake.reset()
    with pytest.raises(ClosedError):
        client.get(URL)
    assert fake.unexpected == []


def test_closing_while_a_function_runs() -> None:
    fake = FakeTransport()
    fake.get(URL).respond()
    fake.get(f"{API}/closes").handle(lambda call: fake.close() or fake.routes[0].actions[0])  # type: ignore[func-returns-value]
    client = Client(fake)

    with pytest.raises(ClosedError):
        client.get(f"{API}/closes")

    fake = FakeTransport()
    fake.get(URL).respond()
    fake.get(f"{API}/closes").handle(lambda call: fake.close() or fake.routes[0].actions[0])  # type: ignore[func-returns-value]
    client = Client(fake)
    client.get(URL)
    with pytest.raises(ClosedError, match="closed during the call"):
        client.get(f"{API}/closes")


def test_reset_forgets_everything_but_the_time() -> None:
    fake = FakeTransport(base_url=API)
    fake.get("/x").respond(after=2)
    fake.get("/unused").respond()
    client = Client(fake)
    client.get(URL)
    with contextlib.suppress(UnexpectedRequestError):
        client.get(f"{API}/y")

    fake.reset()

    assert (fake.routes, fake.calls, fake.unexpected, fake.connections) == ([], [], [], [])
    assert fake.clock.monotonic() == 2
    fake.verify()
    fake.get("/x").respond(text="anew")
    assert client.get(URL).text == "anew"
    assert fake.calls.only("GET", "/x").response is not None


def use(*bodies: Callable[[FakeTransport], object]) -> None:
    """Runs the bodies of a block."""
    with FakeTransport() as fake:
        for body in bodies:
            body(fake)


def register(fake: FakeTransport) -> None:
    fake.get(URL, name="mine").respond()


def ask(fake: FakeTransport) -> None:
    Client(fake).get(f"{API}/y")


def ask_and_swallow(fake: FakeTransport) -> None:
    with contextlib.suppress(Exception):
        ask(fake)


def ask_and_wrap(fake: FakeTransport) -> None:
    try:
        ask(fake)
    except UnexpectedRequestError as error:
        raise RuntimeError from error


def break_off(fake: FakeTransport) -> None:
    fake.get(f"{API}/y").fail(faults.closed())
    ask(fake)


def fail(fake: FakeTransport) -> None:
    raise ZeroDivisionError


def test_verify_runs_at_exit() -> None:
    use()
    use(lambda fake: fake.get(URL).respond().optional())
    use(register, lambda fake: setattr(fake, "allows_unused_routes", True))
    with pytest.raises(UnusedRouteError, match="1 of 1 route was not asked for"):
        use(register)


def test_a_request_that_was_swallowed_is_told_at_exit_before_unused_routes() -> None:
    with pytest.raises(UnexpectedRequestError, match="1 request had no route"):
        use(register, ask_and_swallow)


def test_an_error_of_the_body_gets_a_note() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        use(register, fail)

    (note,) = caught.value.__notes__
    assert note.startswith("the fake says, too:\n1 of 1 route was not asked for\n")
    assert "mine" in note


@pytest.mark.parametrize(("body", "kind"), [(ask, UnexpectedRequestError), (ask_and_wrap, RuntimeError)])
def test_an_error_of_the_fake_is_not_told_twice(body: Callable[[FakeTransport], object], kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        use(body)

    assert not hasattr(caught.value, "__notes__")


def test_causes_that_run_in_a_circle_are_an_error_of_the_test_like_any_other() -> None:
    def fail_in_a_circle() -> None:
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first

    with pytest.raises(ValueError, match="first") as caught:
        use(register, lambda fake: fail_in_a_circle())

    assert "1 of 1 route was not asked for" in caught.value.__notes__[0]


def test_an_error_without_anything_to_say_is_left_alone() -> None:
    with pytest.raises(ReceiveError) as caught:
        use(break_off)

    assert not hasattr(caught.value, "__notes__")


def test_an_error_of_the_network_does_not_hide_the_note() -> None:
    with pytest.raises(ReceiveError) as caught:
        use(register, break_off)

    assert len(caught.value.__notes__) == 1


def test_errors_of_the_fake_are_pickled_without_routes() -> None:
    fake = FakeTransport()
    fake.get(URL).handle(lambda call: None)
    with pytest.raises(UnexpectedRequestError) as unexpected:
        Client(fake).get(URL)
    fake.unexpected.clear()
    with pytest.raises(UnusedRouteError) as unused:
        fake.verify()

    first, second = pickle.loads(pickle.dumps((unexpected.value, unused.value)))

    assert (str(first), first.reason, first.nearest, first.site) == (
        str(unexpected.value),
        "no_match",
        None,
        unexpected.value.site,
    )
    assert first.request == unexpected.value.request
    assert (str(second), second.routes) == (str(unused.value), ())


def test_history_holds_the_wire_form() -> None:
    fake = FakeTransport()
    fake.post(URL).respond(302, headers={"location": "/y"})
    fake.get(f"{API}/y").respond(text="there")

    Client(fake, headers={"x-a": "1"}).post("https://user:secret@api.test/x#frag", form={"a": "é"})

    first, second = fake.calls
    assert first.request.to_bytes() == (
        b"POST /x HTTP/1.1\r\nHost: api.test\r\n"
        + f"User-Agent: {first.request.headers['user-agent']}\r\n".encode()
        + b"Content-Length: 8\r\nContent-Type: application/x-www-form-urlencoded\r\nx-a: 1\r\n"
        b"Authorization: Basic dXNlcjpzZWNyZXQ=\r\nAccept-Encoding: gzip, deflate\r\n\r\na=%C3%A9"
    )
    assert second.request.method == "GET"
    assert first.response is not None
    assert first.response.status_code == 302
    assert "secret" not in repr(fake.calls)
