"""Both real transports make the same of every answer: valid, mutated, cut, in fragments, late.

Two origins, one a transport, play the same exchanges; what the callers got and
what the origins saw must agree: class, status, fields, body, phase, maybe_sent
and text; requests, byte by byte, and the number of connections.

How many examples there are depends on hypothesis's profile::

    pytest tests/transports/test_differential.py    # 200 examples
    HYPOTHESIS_PROFILE=ci pytest ...                # 2,000, always the same
    HYPOTHESIS_PROFILE=long pytest ...              # 50,000, half an hour or more; add -o faulthandler_timeout=0

What it finds becomes a test with a name at the end of this file, or of the reader's.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from fluxhttp import Client, Config, FluxHTTPError, Limits, Request, open_transport
from fluxhttp._core.request import METHODS
from fluxhttp.testing import Close, Pause, Reset, Script, Send
from fluxhttp.testing.strategies import answers, headers, pieces
from fluxhttp_conformance.machine import uncollected
from tests.peers import PATIENCE, Background, Peer, reset
from tests.transports.test_same_bytes import read_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from hypothesis.strategies import DrawFn

    from fluxhttp import Deadline

NAMES = ("stdlib", "urllib3")
#: Examples in each profile but the default's 200: of the answers that end, and of those that do not.
MANY = {"ci": (1_950, 50), "long": (49_000, 1_000)}
ENDING, STALLING = next(
    (counts for name, counts in MANY.items() if settings.default is settings.get_profile(name)), (190, 10)
)
#: The deadline of a call whose answer never ends: long enough for what does come to be read.
STALLED_SECONDS = 0.25
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Exchange(NamedTuple):
    """A request, and what its origin does."""

    request: Request
    script: Script


# What is played

#: What an attacker, or a bad day, puts into an answer.
_SPLICES = st.sampled_from(
    (
        *(
            b"\r",
            b"\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\0",
            b" ",
            b"\t",
            b":",
            b";",
            b",",
            b"-1",
            b"+5",
            b"0x5",
            b"_",
            b"\xff",
        ),
        *(b"0\r\n\r\n", b"ffffffffffffffff", b"99999999999999999999", b"00000005", b"\xc2\xb2"),
        *(
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n",
            b"HTTP/2 200\r\n",
        ),
        *(b"Content-Length: 5\r\n", b"Content-Length: 5, 6\r\n", b"Content-Length:\r\n", b"content-length: +5\r\n"),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"transfer-encoding : chunked\r\n",
        ),
        *(
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Location: /next\r\n",
        ),
        *(b" folded\r\n", b"no colon\r\n", b": no name\r\n", b"X: " + b"x" * 9_000 + b"\r\n"),
    )
)


@st.composite
def mutated(draw: DrawFn, raw: bytes) -> bytes:
    """The bytes with up to four of them changed, taken out, doubled, or something put between them."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        end = min(len(data), place + draw(st.integers(1, 12)))
        match draw(st.sampled_from(("splice", "splice", "line", "replace", "remove", "double"))):
            case "splice":
                data[place:place] = draw(_SPLICES)
            case "line":
                place = data.find(b"\n", place) + 1
                data[place:place] = draw(_SPLICES)
            case "replace":
                data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "remove":
                del data[place:end]
            case _:
                data[place:place] = data[place:end]
    return bytes(data)


@st.composite
def fragmented(draw: DrawFn, raw: bytes) -> Script:
    """A script that sends the bytes in pieces, some of them a few milliseconds late."""
    script = Script()
    for piece in draw(pieces(raw)):
        pause = draw(st.sampled_from((0, 0, 0, 0, 0.001, 0.003)))
        script = (script.pause(pause) if pause else script).send(piece)
    return script


# Made once: hypothesis takes longer to make a strategy than to draw from it.
_ANSWERS = {method: answers(method=method) for method in sorted(METHODS)}
_REQUESTS = st.builds(
    Request.build,
    st.sampled_from(("GET", "GET", "POST", *_ANSWERS)),
    st.sampled_from(("http://a.test/", "http://a.test/%c3%a9|?a=b&c")),
    headers=headers(),
    body=st.sampled_from((b"", b"", b"x", bytes(100_000))),
)


#: What is done to an answer, each as often as it stands here.
KINDS = ("valid", "valid", "mutated", "mutated", "mutated", "mutated", "cut", "surplus", "late", "none", "other")


@st.composite
def exchange(draw: DrawFn) -> Exchange:
    """A request, and an answer that is whole or whose connection ends, so that no call waits for ever."""
    request = draw(_REQUESTS)
    answer = draw(_ANSWERS[request.method])
    raw = answer.raw
    kind = draw(st.sampled_from(KINDS))
    if kind == "mutated":
        raw = draw(mutated(raw))
        if draw(st.integers(0, 3)) == 3:
            raw = raw[: draw(st.integers(0, len(raw)))]
    elif kind == "cut":
        raw = raw[: draw(st.integers(0, len(raw)))]
    elif kind == "surplus":
        raw += draw(_SPLICES)
    elif kind == "other":
        raw = draw(st.binary(max_size=40))
    elif kind == "none":
        raw = b""
    script = draw(fragmented(raw))
    if kind == "late":
        script = script.pause(0.002).send(draw(_SPLICES))
    if answer.framing == "close" or kind in ("mutated", "cut", "other", "none") or draw(st.integers(0, 7)) == 7:
        script = draw(st.sampled_from((script.close(), script.close(), script.reset())))
    return Exchange(request, script)


@st.composite
def stalled(draw: DrawFn) -> Exchange:
    """A request, and the beginning of an answer that does not go on."""
    request = draw(_REQUESTS)
    raw = draw(_ANSWERS[request.method]).raw
    if draw(st.booleans()):
        raw = draw(mutated(raw))
    return Exchange(request, Script().send(raw[: draw(st.integers(0, len(raw)))]))


# Where it is played


class Origin:
    """Plays the script that is set, to whoever asks.

    Attributes:
        scripts: what is still to be played.
        requests: what was read since this was cleared.
        played: counts the scripts that were played to their end.
    """

    def __init__(self) -> None:
        self.scripts: deque[Script] = deque()
        self.requests: list[bytes] = []
        self.played = threading.Semaphore(0)
        self.peer = Peer(self._serve)

    def _serve(self, sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            self.requests.append(read_request(sock))
            if not self.scripts:
                # Sent again, as it came on a connection that was used before (decision D12).
                return
            try:
                goes_on = all(self._take(step, sock, stopping) for step in self.scripts.popleft().steps)
            finally:
                self.played.release()
            if not goes_on:
                # Unread bytes would turn the close into a reset.
                while sock.recv(65_536):
                    pass
                return

    def _take(self, step: object, sock: socket.socket, stopping: threading.Event) -> bool:
        match step:
            case Send(data=data):
                sock.sendall(data)
            case Pause(seconds=seconds):
                stopping.wait(seconds)
            case Close():
                sock.shutdown(socket.SHUT_WR)
                return False
            case Reset():
                reset(sock)
                return False
        return True

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.peer.port))


@pytest.fixture(scope="module")
def origins() -> Iterator[list[Origin]]:
    """One a transport, for all examples."""
    found = [Origin() for _ in NAMES]
    yield found
    for origin in found:
        origin.peer.close()


def outcome(client: Client, request: Request, config: Config) -> tuple[object, ...]:
    """What a call comes to."""
    try:
        response = client.send(request, config=config)
    except FluxHTTPError as error:
        told: dict[str, Any] = vars(error)
        return (type(error).__name__, str(error), error.url, sorted((name, repr(told[name])) for name in told))
    head = (response.status_code, response.reason, response.http_version, response.headers.multi_items())
    return (*head, response.body, response.truncated)


def played(name: str, origin: Origin, exchanges: list[Exchange], config: Config) -> tuple[object, ...]:
    """Plays exchanges to one transport, one after the other: what came of them, and what its origin saw."""
    before = origin.peer.connections
    outcomes = []
    with contextlib.closing(open_transport(name, dialer=origin, trust_env=False)) as transport:
        client = Client(transport)
        for request, script in exchanges:
            origin.scripts.append(script)
            outcomes.append(outcome(client, request, config))
            # Whether a connection may be used again is judged by all that came on it.
            assert origin.played.acquire(timeout=PATIENCE), "the origin was not asked"
    requests = origin.requests[:]
    origin.requests.clear()
    assert not origin.scripts
    assert {request.to_bytes() for request, _ in exchanges} == set(requests)
    return outcomes, requests, origin.peer.connections - before


def agree(origins: list[Origin], exchanges: list[Exchange], config: Config) -> list[tuple[object, ...]]:
    """What both transports make of these exchanges, which must be the same."""
    # At the same time, so that what one waits for costs nothing.
    calls = [
        Background(played, name, origin, exchanges, config.replace(max_redirects=0))
        for name, origin in zip(NAMES, origins, strict=True)
    ]
    for call in calls:
        if (error := call.wait(4 * PATIENCE).error) is not None:
            raise error
    one, other = (call.result for call in calls)
    assert one == other
    return one[0]  # type: ignore[index,no-any-return]  # the outcomes


CONFIGS = st.sampled_from(
    (
        Config(timeout=PATIENCE),
        Config(timeout=PATIENCE),
        Config(timeout=PATIENCE, limits=Limits(body=100)),
        Config(timeout=PATIENCE, limits=Limits(body=100, overflow="truncate")),
        Config(timeout=PATIENCE, limits=Limits(body=None, head=200, fields=3)),
    )
)


@settings(unhurried, max_examples=ENDING)
@given(exchanges=st.lists(exchange(), min_size=1, max_size=2), config=CONFIGS)
def test_both_make_the_same_of_any_answers(origins: list[Origin], exchanges: list[Exchange], config: Config) -> None:
    for told in agree(origins, exchanges, config):
        # For --hypothesis-show-statistics: whether enough of each kind is tried.
        event(told[0] if isinstance(told[0], str) else "a response")


@settings(unhurried, max_examples=STALLING)
@given(exchange_=stalled())
def test_both_wait_alike_for_an_answer_that_does_not_go_on(origins: list[Origin], exchange_: Exchange) -> None:
    with uncollected():
        agree(origins, [exchange_], Config(timeout=STALLED_SECONDS))
