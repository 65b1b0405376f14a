"""Whatever is registered and asked: a reply or a clear error, and the route that a naive matcher takes, too."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhttp import Client, Config, FluxHTTPError, Limits, Request
from fluxhttp.testing import (
    FakeTransport,
    ImpossibleReplyError,
    Reply,
    Script,
    StalledError,
    UnexpectedRequestError,
    UnusedRouteError,
    faults,
    subset,
)
from tests.testing.naive import naively_matches

if TYPE_CHECKING:
    from collections.abc import Callable

UNRESERVED = string.ascii_letters + string.digits + "-._~"
SECRET = "hunter2"

#: What may come out of a call, and out of a registration.
CLEAR = (FluxHTTPError, UnexpectedRequestError, UnusedRouteError, StalledError, ImpossibleReplyError)


def outcome(function: Callable[[], Any]) -> Any:
    """What a function returns, or the clear error that it raises."""
    try:
        return function()
    except CLEAR as error:
        return error


def is_clear(error: BaseException) -> bool:
    """Whether its first line tells something."""
    return bool(str(error).partition("\n")[0].strip())


# What is registered and asked: from few pieces, so that much agrees.

pieces = st.sampled_from(
    ["a", "A", "b", "a b", "é", "~", "%7E", "%7e", "a%2Fb", "%2f", "", "..", "!", "%21", "x.y", "{id}", "%C3%A9"]
)
paths = st.lists(pieces, max_size=3).map(lambda found: "".join(f"/{piece}" for piece in found))
pairs = st.sampled_from(["a=1", "a=2", "a", "a=", "b=1", "b=x+y", "b=x%20y", "%61=1", "c=%FF", "c=%fe", "", "é=ü"])
queries = st.lists(pairs, max_size=3).map(lambda found: "?" + "&".join(found) if found else "")
values = st.sampled_from([[], ["1"], ["2"], ["1", "2"], ["2", "1"], [""], ["x y"], ["ü"]])
mappings = st.dictionaries(st.sampled_from(["a", "b", "é"]), values, max_size=2)
documents = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 2, "1", "é", ""]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), below, max_size=2),
    max_leaves=4,
)
methods = st.sampled_from(["GET", "POST", "PUT"])
fields = st.dictionaries(
    st.sampled_from(["x-a", "X-A", "x-b"]), st.sampled_from([[], ["1"], ["2"], ["1", "2"]]), max_size=1
)
contents = st.one_of(
    st.tuples(st.just("body"), st.sampled_from([b"", b"a=1", b"1", b'{"a":1}', b"\xff"])),
    st.tuples(st.just("form"), mappings),
    st.tuples(st.just("json"), documents),
)
routes = st.fixed_dictionaries(
    {
        "method": st.none() | methods,
        "url": st.none() | st.builds("https://api.test{}{}".format, paths, queries),
        "params": st.none() | mappings,
        "is_open": st.booleans(),
        "headers": st.none() | fields,
        "content": st.none() | contents,
        "times": st.sampled_from([None, None, 1, 2]),
    }
)
requests = st.fixed_dictionaries(
    {
        "method": methods,
        "url": st.builds(
            "https://{}{}{}".format, st.sampled_from(["api.test", "API.test:443", "www.test"]), paths, queries
        ),
        "headers": st.lists(st.tuples(st.sampled_from(["x-a", "X-B"]), st.sampled_from(["1", "2"])), max_size=2),
        "content": st.none() | contents,
    }
)


def built(asked: dict[str, Any]) -> Request:
    content = {} if asked["content"] is None else dict([asked["content"]])
    return Request.build(asked["method"], asked["url"], headers=asked["headers"], **content)


@settings(max_examples=200, deadline=None)
@given(st.lists(routes, max_size=6), st.lists(requests, min_size=1, max_size=6))
def test_the_route_that_takes_a_request_is_the_one_a_naive_matcher_finds(
    specs: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    fake = FakeTransport()
    live: list[tuple[int, dict[str, Any]]] = []
    refused: list[tuple[int, dict[str, Any]]] = []
    for number, spec in enumerate(specs):
        params = subset(spec["params"] or {}) if spec["is_open"] else spec["params"]
        content: dict[str, Any] = {} if spec["content"] is None else dict([spec["content"]])
        try:
            route = fake.route(spec["method"], spec["url"], params=params, headers=spec["headers"], **content)
        except ImpossibleReplyError:
            refused.append((number, spec))
            continue
        route.respond(text=str(number))
        if spec["times"]:
            route.times(spec["times"])
        live.append((number, spec))
    left = {number: spec["times"] or 10**9 for number, spec in live}

    for request in map(built, asked):
        matching = [number for number, spec in live if naively_matches(spec, request)]
        expected = next((number for number in matching if left[number]), None)
        got = outcome(lambda request=request: Client(fake).send(request))
        if isinstance(got, UnexpectedRequestError):
            assert expected is None
            assert (got.reason == "used_up") == bool(matching)
        else:
            assert got.text == str(expected)
            left[int(got.text)] -= 1
        for number, spec in refused:
            # What was refused as never reached is never the first to match.
            if naively_matches(
                {**spec, "params": (spec["params"] or {}) if spec["is_open"] else spec["params"]}, request
            ):
                assert any(earlier < number and left[earlier] > 10**6 for earlier in matching)


# Anything at all

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 1100),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.just(float("inf")),
    st.lists(st.text(max_size=3) | st.binary(max_size=3) | st.floats(-1, 2), max_size=3),
    st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(), max_size=2),
)


def some(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), anything, max_size=3)


urls = st.sampled_from(["https://api.test/a", "https://api.test/{id}", "http://10.0.0.1/", "/a", "https://ü.test/?a=1"])
faulty = st.sampled_from(
    [
        faults.connect_refused(),
        faults.dns_failure(),
        faults.tls_failure(),
        faults.connect_timeout(),
        faults.read_timeout(),
        faults.reset(),
        faults.closed(),
        faults.truncated(after=1),
        faults.stall(after=1),
        faults.raw(b"HTTP/1.1 999 \r\nx: y\r\n\r\nrest"),
        faults.raw(b"\x00"),
    ]
)
scripts = st.builds(Script().send, st.binary(max_size=20) | st.just(b"HTTP/1.1 200 OK\r\n\r\nx")).flatmap(
    lambda script: st.sampled_from([script, script.close(), script.reset(), script.stall(), script.pause(1).close()])
)
handlers = st.sampled_from([lambda call: None, lambda call: Reply(), lambda call: "text", lambda call: faults.reset()])
programmes = st.lists(
    st.tuples(
        st.none() | methods | st.text(max_size=3),
        st.none() | urls | st.text(max_size=8),
        some("params", "headers", "body", "json", "form", "name", "where"),
        st.one_of(
            st.tuples(
                st.just("respond"), some("status", "headers", "body", "text", "json", "chunks", "reason", "after")
            ),
            st.tuples(st.just("fail"), faulty | anything),
            st.tuples(st.just("play"), scripts | anything),
            st.tuples(st.just("handle"), handlers | anything),
            st.tuples(st.just("times"), anything),
            st.tuples(st.sampled_from(["optional", "repeat_last"]), st.none()),
        ),
    ),
    max_size=4,
)


def register(fake: FakeTransport, method: Any, url: Any, options: Any, verb: str, argument: Any) -> Any:
    route = fake.route(method, url, **options)
    if verb == "respond":
        return route.respond(**argument)
    return getattr(route, verb)() if verb in ("optional", "repeat_last") else getattr(route, verb)(argument)


@settings(max_examples=200, deadline=None)
@given(
    programmes, st.lists(requests, min_size=1, max_size=4), st.sampled_from([None, 1.5]), st.sampled_from([10, 10**6])
)
def test_whatever_is_registered_and_asked_is_answered_or_clearly_refused(
    programme: list[Any], asked: list[dict[str, Any]], timeout: float | None, most: int
) -> None:
    fake = FakeTransport(base_url="https://api.test")
    client = Client(fake, config=Config(timeout=timeout, limits=Limits(head=most, body=most), max_redirects=2))
    made = [
        outcome(
            lambda step=step: register(fake, *step[:3], *step[3])
        )  # its method, URL and options; a verb and its argument
        for step in programme
    ]
    for request in map(built, asked):
        started = fake.clock.monotonic()
        made.append(outcome(lambda request=request: client.send(request)))
        assert timeout is None or fake.clock.monotonic() - started <= timeout + 1e-9
    made.append(outcome(fake.verify))

    assert all(is_clear(error) for error in made if isinstance(error, BaseException))
    assert len(fake.calls) + len(fake.unexpected) >= len(asked)
    assert all(call.error is not None or call.response is not None for call in (*fake.calls, *fake.unexpected))
    assert sum(route.call_count for route in fake.routes) == len(fake.calls)


secrets = st.sampled_from(["password", "api_key", "X-Api-Key", "token", "client_secret", "apikey"])
texts = st.text(alphabet=string.ascii_letters + "é &=%/", max_size=6)
hidden = st.builds("{}{}{}".format, texts, st.just(SECRET), texts)


@settings(max_examples=200, deadline=None)
@given(secrets, st.lists(hidden, min_size=4, max_size=4), st.sampled_from(["json", "form", "body"]), st.booleans())
def test_no_secret_is_told_whatever_it_looks_like(name: str, values: list[str], kind: str, is_same_url: bool) -> None:
    fake = FakeTransport()
    wanted, sent = [
        {kind: {name: value} if kind != "body" else json.dumps({name: value}).encode()} for value in values[:2]
    ]
    fake.post(
        "https://api.test/a",
        params={name: values[2]},
        headers={"authorization": values[2], "cookie": f"sid={values[3]}"},
        **wanted,
    ).respond()
    url = f"https://user:{SECRET}@api.test/{'a' if is_same_url else 'b'}"
    client = Client(fake)
    told = [
        outcome(lambda headers=headers: client.post(url, params={name: values[3]}, headers=headers, **sent))
        for headers in ({"Authorization": values[3], "X-Api-Key": values[2], "Cookie": f"sid={values[3]}"}, {})
    ]
    told.append(outcome(fake.verify))

    shown = [str(error) for error in told if isinstance(error, AssertionError)]
    shown += [repr(fake.unexpected), repr(fake.routes)]
    assert len(shown) >= 4
    assert not [text for text in shown if SECRET in text]
