"""The fake does what real transports do against a server: any programme, run on all three, and compared.

A programme registers routes, makes requests, and closes idle connections from the
server's side, clients or transports. Over the fake it is played in memory; over the
real transports by an origin on loopback, which finds its routes the naive way and
makes its bytes by itself. What callers get must agree, and what origins see: requests
byte by byte, the connection of each, and how often each route served.

How many there are depends on hypothesis's profile, as in test_differential.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from fluxhttp import Client, Config, FluxHTTPError, StdlibTransport, Urllib3Transport
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, Script, UnexpectedRequestError, faults, subset
from fluxhttp_conformance.machine import uncollected
from tests.peers import PATIENCE, Background
from tests.testing.programmes import FAILING, LANDING, STALLING, TAKING, some_routes, steps
from tests.testing.routed import MISSING, REFUSED, NaiveRoute, RoutedOrigin

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp import Transport
    from tests.testing.routed import Action

#: Programmes in each profile, and steps of each.
COUNTS = {"ci": (150, 25), "long": (3_000, 40)}
EXAMPLES, STEPS = next(
    (counts for name, counts in COUNTS.items() if settings.default is settings.get_profile(name)), (40, 20)
)
#: The deadline of what stalls, long enough to connect and send within it on a busy machine, and how often that may
#: be waited for in one programme.
STALLED_SECONDS = 0.5
STALLS_MAX = 1
#: Requests that were made in all programmes, and those that came to a response.
counts: Counter[str] = Counter()


def told(error: FluxHTTPError) -> tuple[object, ...]:
    return (type(error).__name__, str(error), sorted((name, repr(value)) for name, value in vars(error).items()))


def outcome(call: Callable[[], Any]) -> tuple[object, ...]:
    """What a call comes to."""
    try:
        response = call()
    except FluxHTTPError as error:
        return told(error)
    return (
        *(response.status_code, response.reason, response.http_version, str(response.url)),
        *(response.headers.multi_items(), response.body, response.truncated, response.request.to_bytes()),
        [(hop.status_code, hop.reason, str(hop.url), hop.headers.multi_items(), hop.body) for hop in response.history],
    )


class InMemory:
    """The fake, asked as the origins are."""

    def __init__(self) -> None:
        self.transport: FakeTransport = FakeTransport()
        self.client = Client(self.transport)
        self.transport.route(None, f"http://{REFUSED}/", params=subset({})).fail(faults.connect_refused())
        self.transport.route(None, f"http://{MISSING}/", params=subset({})).fail(faults.dns_failure())
        self.calls = self.connections = 0

    def register(self, spec: dict[str, Any]) -> Any:
        return self.transport.route(
            spec["method"],
            spec["url"],
            params=subset(spec["params"] or {}) if spec["is_open"] else spec["params"],
            headers=spec["headers"],
            **({} if spec["content"] is None else dict([spec["content"]])),
        )

    def seen(self) -> list[tuple[int, bytes]]:
        """The requests since the last time, each with the number of its connection."""
        numbers = {id(call): each.number for each in self.transport.connections for call in each.calls}
        calls = self.transport.calls[self.calls :]
        self.calls += len(calls)
        return [
            (numbers[id(call)] - self.connections, call.request.to_bytes()) for call in calls if id(call) in numbers
        ]

    def close_idle(self) -> None:
        for connection in self.transport.connections:
            connection.peer.play(Script(begins="accept").close())

    def forget_connections(self) -> None:
        self.close_idle()
        self.connections = len(self.transport.connections)


class OnLoopback:
    """A real transport, and the origin that it leads to."""

    def __init__(self, make: Callable[..., Transport]) -> None:
        self.origin = RoutedOrigin()
        self.transport: Transport = make(dialer=self.origin, trust_env=False)
        self.client = Client(self.transport)
        self.calls = self.connections = 0

    def seen(self) -> list[tuple[int, bytes]]:
        requests = self.origin.requests[self.calls :]
        self.calls += len(requests)
        return [(each.connection - self.connections, each.raw) for each in requests]

    def forget_connections(self) -> None:
        self.origin.close_idle()
        self.connections = self.origin.connections
        self.origin.has_unmatched = False

    def close(self) -> None:
        self.transport.close()
        self.origin.close()


class Programme(RuleBasedStateMachine):
    """One programme, run on the fake and on both real transports."""

    def __init__(self) -> None:
        super().__init__()
        self.real: list[OnLoopback] = []

    @initialize(routes=st.lists(some_routes, min_size=2, max_size=5))
    def start(self, routes: list[Any]) -> None:
        self.begin()
        for route in routes:
            self.register(route)

    @rule(step=steps)
    def step(self, step: tuple[Any, ...]) -> None:
        getattr(self, step[0])(*step[1:])

    def begin(self) -> None:
        self.fake = InMemory()
        self.real = [OnLoopback(StdlibTransport), OnLoopback(Urllib3Transport)]
        #: What was registered with the fake, and with the origins.
        self.routes: list[tuple[Any, list[NaiveRoute]]] = []
        for host in TAKING:
            spec = dict.fromkeys(("method", "params", "headers", "content")) | {
                "url": f"http://{host}{LANDING}",
                "is_open": True,
            }
            landed: Action = ("respond", {"status": 200, "headers": [("Set-Cookie", "c=3")], "body": b"landed"})
            self.register(((spec, [landed]), None, False))
        self.routes.clear()
        self.stalls = 0

    def teardown(self) -> None:
        for side in self.real:
            side.close()

    # Routes

    def register(self, route: tuple[tuple[dict[str, Any], list[Action]], int | None, bool]) -> None:
        (spec, actions), times, repeats = route
        try:
            registered = self.fake.register(spec)
        except ImpossibleReplyError:
            # Never reached; whether that is so is asked elsewhere.
            return
        naive = [NaiveRoute(spec, times, repeats) for _ in self.real]
        for side, each in zip(self.real, naive, strict=True):
            side.origin.routes.append(each)
        self.routes.append((registered, naive))
        if times is not None:
            registered.times(times)
        if repeats:
            registered.repeat_last()
        for action in actions:
            self.add(registered, naive, action)

    def add(self, route: Any, naive: list[NaiveRoute], action: Action) -> None:
        name, given = action
        # A body in a route for HEAD is refused.
        with contextlib.suppress(ImpossibleReplyError):
            if name in ("respond", "play", "handle"):
                getattr(route, name)(**given)
            else:
                route.fail(faults.raw(given["data"]) if name == "raw" else getattr(faults, name)(**given))
            for each in naive:
                each.actions.append(action)

    def add_a_reply(self, number: int, reply: Action) -> None:
        route, naive = self.routes[number % len(self.routes)]
        if FAILING not in naive[0].spec["url"]:
            self.add(route, naive, reply)

    # Requests

    def ask_for_a_route(self, number: int, method: str, different: dict[str, Any], config: Config, times: int) -> None:
        spec = self.routes[number % len(self.routes)][1][0].spec
        url, _, query = spec["url"].replace("{id}", "7").partition("?")
        params = dict(spec["params"] or {})
        if spec["is_open"]:
            # In a call, params would replace the query of the URL (decision D1), beside which a subset stands.
            query = "&".join(part for part in (query, urlencode(params, doseq=True)) if part)
            params = {}
        given = {"params": params, "content": spec["content"], **different}
        wanted = [(name, value) for name, values in (spec["headers"] or {}).items() for value in values]
        others = [pair for pair in different.get("headers", []) if pair[0].lower() not in (spec["headers"] or {})]
        given["headers"] = wanted + others
        for _ in range(times):
            self.ask(url if params else f"{url}?{query}", spec["method"] or method, given, config)

    def ask(self, url: str, method: str, given: dict[str, Any], config: Config) -> None:
        if (FAILING in url or STALLING in url) and self.stalls >= STALLS_MAX:
            return
        if method == "HEAD" and FAILING in url:
            # Of an answer that stalls in its body, the head is all, and the connection is kept.
            method = "GET"
        content = given.get("content")
        options = {
            "params": given.get("params"),
            "headers": given.get("headers"),
            **({} if content is None else dict([content])),
        }
        # First the fake, which waits in no time: only where it says so is a real deadline short.
        brief = config.replace(timeout=STALLED_SECONDS)
        expected: tuple[object, ...] | None = None
        with contextlib.suppress(UnexpectedRequestError):
            expected = outcome(lambda: self.fake.client.do(method, url, **options, config=brief))
        has_stalled = expected is not None and expected[0] == "RequestTimeoutError"
        self.stalls += has_stalled
        patient = brief if has_stalled else config.replace(timeout=PATIENCE)
        with uncollected():
            calls = [
                Background(outcome, lambda side=side: side.client.do(method, url, **options, config=patient))  # type: ignore[misc]
                for side in self.real
            ]
            ended = [call.wait(2 * PATIENCE) for call in calls]
        for call, side in zip(ended, self.real, strict=True):
            if call.error is not None:
                raise call.error
            side.origin.settle()
            assert side.origin.has_unmatched == (expected is None), call.result
            if expected is not None:
                assert call.result == expected
        self.compare_origins(is_unmatched=expected is None)
        counts.update(["asked"] if expected is None or not isinstance(expected[0], int) else ["asked", "answered"])

    def compare_origins(self, *, is_unmatched: bool) -> None:
        seen = self.fake.seen()
        for side in self.real:
            found = side.seen()
            # The one that no route takes is not sent by the fake.
            assert (found[:-1] if is_unmatched else found) == seen
            assert is_unmatched or side.origin.connections - side.connections == (
                len(self.fake.transport.connections) - self.fake.connections
            )
        for route, naive in self.routes:
            assert [each.taken for each in naive] == [route.taken] * len(naive)
        if is_unmatched:
            for each in (self.fake, *self.real):
                each.forget_connections()

    # Connections and clients

    def close(self, what: str) -> None:
        sides = (self.fake, *self.real)
        if what == "idle connections":
            for each in (self.fake, *[side.origin for side in self.real]):
                each.close_idle()
            return
        for side in sides:
            (side.client if what == "client" else side.transport).close()
        found = [outcome(lambda side=side: side.client.get(f"http://{REFUSED}/")) for side in sides]  # type: ignore[misc]
        assert found[0][0] == "ClosedError"
        assert found[1:] == found[:1] * len(self.real)
        if what == "client":
            for side in sides:
                side.client = Client(side.transport)
        else:
            self.teardown()
            routes = self.routes
            self.begin()
            for _, (naive, *_) in routes:
                self.register(((naive.spec, naive.actions), naive.times, naive.repeats))


def test_any_programme_has_the_same_outcome_in_memory_and_on_loopback() -> None:
    run_state_machine_as_test(
        Programme,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
    # Programmes in which hardly a request is answered would tell little.
    assert counts["answered"] > counts["asked"] / 10
