"""FakeTransport: what a real transport does, and what only a fake can."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    BodyTooLargeError,
    Client,
    Config,
    Deadline,
    HeadTooLargeError,
    InvalidRedirectError,
    Limits,
    ReceiveError,
    Request,
    RequestTimeoutError,
)
from fluxhttp.testing import (
    FakeTransport,
    Script,
    UnexpectedRequestError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.test"
URL = f"{API}/x"


def test_a_test_in_one_line() -> None:
    with FakeTransport(base_url=API) as fake:
        fake.post("/orders", json={"sku": "a1", "n": 2}).respond(201, headers=[("location", "/orders/9")])

        response = Client(fake, base_url=API).post("/orders", json={"sku": "a1", "n": 2})

    assert (response.status_code, response.headers["location"], response.reason) == (201, "/orders/9", "Created")
    assert response.duration_ns == 1  # no time passed, but a duration is never nothing
    assert fake.connections[0].calls == fake.calls
    assert repr(fake) == "<FakeTransport, 1 routes, 1 calls>"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_there_is_a_short_form_for_each_method(method: str) -> None:
    fake = FakeTransport()

    route = getattr(fake, method.lower())(URL, name="x").respond()

    assert (route.pattern.method, route.name) == (method, "x")
    Client(fake).do(method, URL)


# Time


def test_a_time_out_comes_at_the_exact_moment_and_nothing_sleeps() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(text="late", after=10_000)
    started = time.perf_counter()

    with pytest.raises(RequestTimeoutError) as caught:
        Client(fake).get(URL, config=Config(timeout=0.5))

    assert (fake.calls.last.elapsed, fake.clock.monotonic(), caught.value.phase) == (0.5, 0.5, "head")
    assert Client(fake).get(URL).duration.total_seconds() == 10_000
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(("timeout", "phase"), [(0.5, "head"), (1.5, "body"), (3.5, "body"), (6.5, None)])
def test_one_deadline_over_head_and_body(timeout: float, phase: str | None) -> None:
    fake = FakeTransport()
    fake.get(URL).respond(chunks=[b"a", 2.0, b"b", 3.0], after=1)
    client = Client(fake)

    if phase is None:
        assert client.get(URL, config=Config(timeout=timeout)).body == b"ab"
        assert (fake.calls.last.elapsed, fake.calls.last.error) == (6, None)
        return
    with pytest.raises(RequestTimeoutError) as caught:
        client.get(URL, config=Config(timeout=timeout))
    call = fake.calls.last
    assert (caught.value.phase, call.elapsed, call.error, call.response) == (phase, timeout, caught.value, None)


def test_one_deadline_over_all_hops() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(302, headers={"location": "/x"}, after=1)

    with pytest.raises(RequestTimeoutError):
        Client(fake).get(URL, config=Config(timeout=3.5))

    assert [call.elapsed for call in fake.calls] == [1, 1, 1, 0.5]


def test_a_deadline_that_passed_between_two_hops() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(302, headers={"location": "/x"})
    request = Request.build("GET", URL)
    deadline = Deadline.after(1, fake.clock)
    fake.send(request, config=Config(), deadline=deadline).close()
    fake.clock.advance(1)

    with pytest.raises(RequestTimeoutError) as used:
        fake.send(request, config=Config(), deadline=deadline)
    with pytest.raises(RequestTimeoutError) as fresh:
        fake.send(request, config=Config(insecure_skip_verify=True), deadline=deadline)

    assert (used.value.phase, used.value.maybe_sent) == ("send", False)
    assert (fresh.value.phase, fresh.value.maybe_sent) == ("connect", False)


def test_a_deadline_on_another_clock_is_held_too() -> None:
    class Wrapper:
        def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> Any:
            return fake.send(request, config=config, deadline=deadline)

        def close(self) -> None: ...

    fake = FakeTransport()
    fake.get(URL).respond(after=60)
    started = time.perf_counter()

    with pytest.raises(RequestTimeoutError):
        Client(Wrapper()).get(URL, config=Config(timeout=30))
    assert time.perf_counter() - started < 5


# Limits


def test_the_limits_of_a_call_are_held() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(headers=[(f"x-{number}", "v" * 100) for number in range(20)], body=b"x" * 100)
    client = Client(fake)

    assert client.get(URL).body == b"x" * 100
    with pytest.raises(HeadTooLargeError):
        client.get(URL, config=Config(limits=Limits(head=1000)))
    with pytest.raises(HeadTooLargeError):
        client.get(URL, config=Config(limits=Limits(fields=20)))
    with pytest.raises(BodyTooLargeError):
        client.get(URL, config=Config(limits=Limits(body=99)))
    cut = client.get(URL, config=Config(limits=Limits(body=99, overflow="truncate")))
    assert (len(cut.body), cut.truncated) == (99, True)
    assert client.get(URL, config=Config(limits=Limits(fields=21))).body == b"x" * 100


# Connections


def test_a_connection_is_used_again_as_by_a_real_transport() -> None:
    fake = FakeTransport()
    fake.route(url=URL).respond(body=b"ok")
    fake.get(f"{API}/close").respond(headers={"connection": "close"})
    fake.get("https://other.test/").respond()
    client = Client(fake)

    def connections(make: Callable[[], object]) -> int:
        before = len(fake.connections)
        make()
        return len(fake.connections) - before

    assert connections(lambda: client.get(URL)) == 1
    assert connections(lambda: client.get(URL)) == 0
    assert connections(lambda: client.head(URL)) == 0
    assert connections(lambda: client.get(URL, config=Config(insecure_skip_verify=True))) == 1
    assert connections(lambda: client.get("https://other.test/")) == 1
    assert connections(lambda: client.get(URL, headers={"Connection": "close"})) == 0
    assert connections(lambda: client.get(URL)) == 1
    assert connections(lambda: client.get(f"{API}/close")) == 0
    assert connections(lambda: client.get(URL)) == 1
    fake.clock.advance(9.5)
    assert connections(lambda: client.get(URL)) == 0
    fake.clock.advance(10)
    assert connections(lambda: client.get(URL)) == 1


@pytest.mark.parametrize(("body", "count"), [({"body": b""}, 1), ({"chunks": []}, 2), ({"chunks": [b"x"]}, 2)])
def test_a_chunked_body_that_was_not_read_to_its_end_costs_the_connection(body: dict[str, Any], count: int) -> None:
    fake = FakeTransport()
    fake.get(URL).respond(302, headers={"Location": "http://["}, **body)
    for _ in range(2):
        with pytest.raises(InvalidRedirectError):
            Client(fake).get(URL)

    assert len(fake.connections) == count


def test_a_body_that_was_not_read_ends_the_connection() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(body=b"abc")
    request = Request.build("GET", URL)

    for size, count in ((3, 1), (3, 1), (2, 1), (3, 2), (0, 2), (-1, 3)):
        answer = fake.send(request, config=Config(), deadline=Deadline.after(None, fake.clock))
        assert answer.read(size) == b"abc"[: max(0, size)]
        answer.close()
        answer.close()
        assert len(fake.connections) == count


def test_a_get_over_a_used_connection_that_died_is_seen_as_two_calls() -> None:
    fake = FakeTransport()
    fake.route("GET", URL).respond(text="1").play(Script().close()).respond(text="3")
    client = Client(fake)

    assert [client.get(URL).text for _ in range(2)] == ["1", "3"]

    assert [call.outcome for call in fake.calls] == ["200", "ReceiveError", "200"]
    assert [[call.outcome for call in connection.calls] for connection in fake.connections] == [
        ["200", "ReceiveError"],
        ["200"],
    ]


def test_a_post_is_never_sent_twice_unless_it_says_that_it_may_be() -> None:
    fake = FakeTransport()
    fake.post(URL).respond().play(Script().close()).respond().play(Script().close()).respond(text="again")
    client = Client(fake)
    client.post(URL)

    with pytest.raises(ReceiveError):
        client.post(URL)
    client.post(URL)

    assert client.post(URL, headers={"Idempotency-Key": "1"}).text == "again"


def test_an_answer_that_began_is_not_asked_for_again() -> None:
    fake = FakeTransport()
    fake.get(URL).respond().play(Script().send(b"HTTP/1.1 2").close()).respond()
    client = Client(fake)
    client.get(URL)

    with pytest.raises(ReceiveError):
        client.get(URL)
    assert len(fake.calls) == 2


def test_a_request_that_is_sent_again_may_find_no_reply() -> None:
    fake = FakeTransport()
    fake.get(URL).respond().play(Script().close())
    client = Client(fake)
    client.get(URL)

    with pytest.raises(UnexpectedRequestError, match="came 3 times, its route has 2 replies"):
        client.get(URL)
