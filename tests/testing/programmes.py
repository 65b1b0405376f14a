"""Programmes: routes, requests and closing, drawn at random, as values that anything can play.

Faults and what stalls have hosts of their own. A fault of the fake meets a fresh
connection, so no other may lead there; and what waits for its time-out takes real time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fluxhttp import Config, Limits
from fluxhttp.testing import Script
from fluxhttp.testing.strategies import answers
from tests.testing.routed import MISSING, REFUSED
from tests.transports.test_differential import fragmented, mutated

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from tests.testing.routed import Action

TAKING = ("a.test", "b.test")
FAILING, STALLING = "fault.test", "stall.test"

# What is registered


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of these, each as often as its number says; ``one_of`` takes no strategy twice."""
    ladder = [strategy for weight, strategy in choices for _ in range(weight)]
    return st.integers(0, len(ladder) - 1).flatmap(ladder.__getitem__)


paths = st.sampled_from(["", "/", *["/x"] * 4, *["/{id}"] * 2, "/x/{id}", "/x/", "/%7Ex", "/é"])
queries = st.sampled_from(["", "", "", "", "?a=1", "?a=1&b=x+y", "?a"])
mappings = st.dictionaries(
    st.sampled_from(["a", "b"]), st.sampled_from([["1"], ["2"], ["1", "2"], ["x y"]]), max_size=2
)
contents = st.one_of(
    st.tuples(st.just("body"), st.sampled_from([b"", b"a=1", b'{"a":1}', b"\xff" * 9])),
    # More than goes out in one piece with the head.
    st.tuples(st.just("body"), st.just(70_000).map(bytes)),
    st.tuples(st.just("form"), mappings),
    st.tuples(st.just("json"), st.sampled_from([{"a": 1}, {"a": 1.0}, [True], None, "é"])),
)
fields = st.sampled_from([None, None, None, {"x-a": ["1"]}, {"x-a": ["1", "2"]}, {"cookie": []}])
methods = st.sampled_from(["GET", "GET", "POST", "HEAD", "PUT", "DELETE"])


def specs(hosts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What a route asks for, as ``naively_takes`` has it."""
    return st.fixed_dictionaries(
        {
            "method": st.none() | methods,
            "url": st.builds("http://{}{}{}".format, hosts, paths, queries),
            "params": weighted((3, st.none()), (1, mappings)),
            "is_open": st.booleans(),
            "headers": fields,
            "content": weighted((3, st.none()), (1, contents)),
        }
    )


lines = st.tuples(
    st.sampled_from(["Set-Cookie", "set-cookie", "X-A", "x-a", "Server", "Content-Type"]),
    st.sampled_from(["a=1; Path=/", "b=2", "x", "", "é"]),
)
#: Where most redirects lead: it answers whatever it is asked.
LANDING = "/next"
locations = st.sampled_from(
    [
        *[LANDING, f"http://b.test{LANDING}?b=1#part", f"http://a.test:80{LANDING}"] * 3,
        *["/x", "?a=1", "", f"http://{REFUSED}/", f"http://{MISSING}/", "http://["],
    ]
)
bodies = st.sampled_from([b"", b"ok", b"x" * 300, b"\x00\xff"])
seconds = st.sampled_from([0.0, 0.0, 0.0, 0.002])


@st.composite
def replies(draw: DrawFn) -> Action:
    given: dict[str, Any] = {
        "status": draw(st.sampled_from([200, 200, 201, 204, 304, 301, 302, 303, 307, 308, 404, 500])),
        "headers": draw(st.lists(lines, max_size=3)),
        "after": draw(seconds),
    }
    if given["status"] in (301, 302, 303, 307, 308) and draw(st.integers(0, 5)):
        given["headers"].append(("Location", draw(locations)))
    if not draw(st.integers(0, 4)):
        given["headers"].append(("Connection", draw(st.sampled_from(["close", "keep-alive"]))))
    kind = draw(st.sampled_from(["body", "text", "chunks"]))
    if given["status"] in (204, 304):
        pass
    elif kind == "body":
        given["body"] = draw(bodies)
    elif kind == "text":
        given["text"] = draw(st.sampled_from(["", "é"]))
    else:
        given["chunks"] = draw(st.lists(bodies | st.just(0.002), max_size=3))
    return "respond", given


# Made once: hypothesis takes longer to make a strategy than to draw from it.
_ANSWERS = answers(max_body_bytes=100)


@st.composite
def scripts(draw: DrawFn) -> Action:
    """Any bytes of which each call comes to an end."""
    answer = draw(_ANSWERS)
    kind = draw(st.sampled_from(["valid", "valid", "closed", "mutated", "cut", "cut", "cut", "none", "none", "none"]))
    raw = answer.raw
    if kind == "mutated":
        raw = draw(mutated(raw))
    elif kind in ("cut", "none"):
        raw = raw[: draw(st.integers(0, len(raw))) if kind == "cut" else 0]
    script = draw(fragmented(raw)) if draw(st.booleans()) else Script().send(raw)
    if kind != "valid" or answer.framing == "close":
        script = draw(st.sampled_from([script.close(), script.close(), script.reset()]))
    return "play", {"script": script}


@st.composite
def stalls(draw: DrawFn) -> Action:
    raw = draw(_ANSWERS).raw
    return "play", {"script": Script().send(raw[: draw(st.integers(0, len(raw) - 1))]).stall()}


@st.composite
def failures(draw: DrawFn) -> Action:
    name = draw(st.sampled_from(["reset", "closed", "truncated", "raw", "read_timeout", "stall"]))
    if name == "raw":
        answer = draw(_ANSWERS)
        return name, {
            "data": draw(st.sampled_from([answer.raw, answer.raw[: len(answer.raw) // 2], b"HTTP/9\r\n\r\n"]))
        }
    if name in ("truncated", "stall"):
        body = draw(st.sampled_from([b"x", b"0123456789"]))
        after = draw(st.integers(0, len(body) - 1))
        return name, {"after": after, "status": draw(st.sampled_from([200, 404, 302])), "body": body}
    return name, {}


passing = st.just(("handle", {"function": lambda call: None}))
taking = st.tuples(
    specs(st.sampled_from(TAKING)),
    st.lists(weighted((12, replies()), (8, scripts()), (1, passing)), min_size=1, max_size=4),
)
failing = st.tuples(specs(st.just(FAILING)), st.lists(failures(), min_size=1, max_size=2))
stalling = st.tuples(specs(st.just(STALLING)), st.lists(replies() | stalls(), min_size=1, max_size=3))
#: A route, and what ``times`` and ``repeat_last`` say.
some_routes = st.tuples(
    weighted((8, taking), (2, failing), (1, stalling)),
    st.sampled_from([None, None, None, None, None, 1, 5]),
    st.sampled_from([True, True, True, False]),
)

# What is asked

headers = st.lists(
    st.sampled_from(
        [
            ("x-a", "1"),
            ("X-A", "2"),
            ("Authorization", "Bearer s"),
            ("Cookie", "a=1"),
            ("Idempotency-Key", "k"),
            *[("Connection", "close")] * 3,
            ("Accept-Encoding", "identity"),
        ]
    ),
    max_size=2,
)
options = st.fixed_dictionaries({}, optional={"params": mappings, "headers": headers, "content": contents})
#: Whatever a route asks for, and now and then something else.
more = weighted((4, st.just({})), (3, st.fixed_dictionaries({"headers": headers})), (1, options))
numbers = st.integers(0, 9)
configs = st.sampled_from(
    [
        *[Config()] * 9,
        Config(max_redirects=0),
        Config(max_redirects=2),
        *[Config(limits=Limits(body=10))] * 2,
        Config(limits=Limits(body=10, overflow="truncate")),
        Config(limits=Limits(body=None, head=60, fields=2)),
    ]
)


urls = st.builds("http://{}{}{}".format, st.sampled_from(TAKING), paths, queries)
#: Names of methods of ``Programme``, and their arguments. All that happens is of one rule: of several,
#: hypothesis leaves some out for a whole programme, and most would have no routes or ask for none.
asking = st.tuples(st.just("ask_for_a_route"), numbers, methods, more, configs, st.integers(1, 3))
steps = weighted(
    (12, asking),
    (1, st.tuples(st.just("ask"), urls.map(lambda url: url.replace("{id}", "7")), methods, options, configs)),
    (
        2,
        st.tuples(
            st.just("ask"),
            st.sampled_from([f"http://{host}/" for host in (REFUSED, MISSING, FAILING, STALLING)]),
            *(methods, options, configs),
        ),
    ),
    (2, st.tuples(st.just("close"), st.sampled_from([*["idle connections"] * 3, "client", "transport"]))),
    (2, st.tuples(st.just("register"), some_routes)),
    (1, st.tuples(st.just("add_a_reply"), numbers, replies())),
)
