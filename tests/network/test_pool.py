"""Connections used again, by many threads: each answer to its own request, and nothing left behind."""

from __future__ import annotations

import collections
import gc
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    BodyTooLargeError,
    CertificateError,
    Client,
    Config,
    ConnectError,
    Deadline,
    Dialer,
    FluxHTTPError,
    IncompleteBodyError,
    Limits,
    NameResolutionError,
    ProtocolError,
    ReceiveError,
    Request,
    RequestTimeoutError,
    open_transport,
)
from fluxhttp_conformance.certificates import authority, stranger
from tests.network.origins import CLOSE, Asked, Origin, answer, redirect
from tests.peers import PATIENCE, eventually, fails, full_listener, unused_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from tests.network.conftest import OpenClient

THREADS, REQUESTS = 32, 1000
POISON = answer(b"POISON", "200 OK", "X-Id: POISON")
#: An answer that comes so late meets a call of so long.
LATE, SHORT = 0.4, 0.04


def echo(asked: Asked) -> Iterator[object]:  # noqa: C901, PLR0912  # one line for each kind
    """An answer that names the request's id, in the way the path asks for; some of them are faulty."""
    _, kind, id = asked.target.split("/")
    body = f"{kind} {id} ".encode() + asked.body
    field = f"X-Id: {id}"
    match kind:
        case "chunked":
            yield f"HTTP/1.1 200 OK\r\n{field}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            for place in range(0, len(body), 7):
                yield b"%x\r\n%b\r\n" % (len(body[place : place + 7]), body[place : place + 7])
            yield b"0\r\nX-Trailer: 1\r\n\r\n"
        case "until-the-end":
            yield f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode() + body
            yield CLOSE
        case "empty":
            yield f"HTTP/1.1 204 No Content\r\n{field}\r\n\r\n".encode()
        case "interim":
            yield b"HTTP/1.1 103 Early Hints\r\nX-Id: POISON\r\n\r\n"
            yield answer(body, "200 OK", field)
        case "redirect":
            yield redirect(f"/plain/{id}")
        case "surplus":
            yield answer(body, "200 OK", field) + POISON
        case "late":
            time.sleep(LATE)
            yield answer(body, "200 OK", field)
        case "late-body":
            whole = answer(body, "200 OK", field)
            yield whole[:-5]
            time.sleep(LATE)
            yield whole[-5:] + POISON
        case "cut":
            yield answer(body, "200 OK", field)[:-3]
            yield CLOSE
        case "malformed":
            yield b"HTTP/1.1 200 OK\r\nX y: 1\r\n\r\n" + POISON
        case "large":
            yield answer(body + b"x" * 100_000, "200 OK", field)
        case "hang-up":
            yield CLOSE
        case _:
            yield answer(b"" if asked.method == "HEAD" else body, "200 OK", field)


#: Kinds of requests: method, and what becomes of them.
KINDS: dict[str, tuple[str, type[FluxHTTPError] | None]] = {
    "plain": ("GET", None),
    "head": ("HEAD", None),
    "post": ("POST", None),
    "chunked": ("POST", None),
    "until-the-end": ("GET", None),
    "empty": ("DELETE", None),
    "interim": ("GET", None),
    "redirect": ("GET", None),
    "surplus": ("GET", None),
    "late": ("POST", RequestTimeoutError),
    "late-body": ("POST", RequestTimeoutError),
    "cut": ("GET", IncompleteBodyError),
    "malformed": ("POST", ProtocolError),
    "large": ("POST", BodyTooLargeError),
    "abandoned": ("POST", None),
    "hang-up": ("POST", ReceiveError),
}


def one(client: Client, origin: Origin, kind: str, id: str) -> None:
    """A request, and whether it got what is its own."""
    method, kind_of_error = KINDS[kind]
    url = origin.url(f"/{kind}/{id}")
    body = f"body of {id}".encode() if method == "POST" else b""
    config = Config(timeout=SHORT if kind.startswith("late") else PATIENCE, limits=Limits(body=10_000))
    if kind == "abandoned":
        request = Request.build(method, url, body=body)
        deadline = Deadline.after(PATIENCE, client.transport.clock)  # type: ignore[attr-defined]
        given_up = client.transport.send(request, config=config, deadline=deadline)
        assert given_up.headers["X-Id"] == id
        given_up.close()
    elif kind_of_error is not None and kind_of_error is not RequestTimeoutError:
        fails(kind_of_error, client.do, method, url, body=body, config=config)
    else:
        try:
            response = client.do(method, url, body=body, config=config)
        except RequestTimeoutError:
            # Or not: a busy machine may look when the answer is there already, and then it must be the right one.
            assert kind_of_error is RequestTimeoutError
            return
        assert response.headers["X-Id"] == id
        expected = f"{'plain' if kind == 'redirect' else kind} {id} ".encode() + body
        assert response.body == (b"" if kind in ("head", "empty") else expected)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_thousand_mixed_requests_on_32_threads_get_their_own_answers(tls: bool, open_client: OpenClient) -> None:
    context: ssl.SSLContext | None = authority().server_context() if tls else None
    plan = [list(KINDS)[number % len(KINDS)] for number in range(REQUESTS)]
    random.Random(20).shuffle(plan)
    with Origin(echo, tls=context) as origin:
        client = open_client(ca_file=authority().ca_file)
        with ThreadPoolExecutor(THREADS) as threads:
            calls = [threads.submit(one, client, origin, kind, f"id-{number}") for number, kind in enumerate(plan)]
            for call in calls:
                call.result()
        assert len(calls) == REQUESTS

        posts = collections.Counter(asked.target for asked in origin.asked if asked.method == "POST")
        sent = sum(KINDS[kind][0] == "POST" for kind in plan)
        # A call that was out of time before its connection stood has sent nothing.
        assert set(posts.values()) == {1}, "a POST was sent twice"
        assert sent - sum(kind.startswith("late") for kind in plan) <= len(posts) <= sent
        # What could be used again was.
        assert origin.connections < REQUESTS * 3 // 4

        client.transport.close()
        eventually(lambda: not origin._open)


def test_a_post_is_sent_once_however_its_connection_ends(open_client: OpenClient) -> None:
    def make(asked: Asked) -> Iterator[object]:
        kind = asked.target.split("/")[1]
        if kind == "keep":
            yield answer()
            return
        if kind == "cut-head":
            yield b"HTTP/1.1 200 OK\r\nConte"
        elif kind == "cut-body":
            yield answer(b"hello")[:-1]
        yield CLOSE

    with Origin(make) as origin:
        client = open_client()
        for number in range(30):
            for kind in ("hang-up", "cut-head", "cut-body"):
                client.get(origin.url("/keep/x"))  # so that the next one goes over a used connection
                with pytest.raises(ReceiveError) as caught:
                    client.post(origin.url(f"/{kind}/{number}"), body=b"x")
                assert caught.value.maybe_sent
                assert not caught.value.retryable

        posts = collections.Counter(asked.target for asked in origin.asked if asked.method == "POST")
        assert len(posts) == 90
        assert set(posts.values()) == {1}


def test_more_origins_than_are_remembered_at_once(open_client: OpenClient) -> None:
    # urllib3 keeps a hundred pools and closes the one longest out of use, maybe while a call is about to use it.
    with Origin(lambda asked: answer(asked.fields["host"].encode())) as origin:
        client = open_client(dialer=Dialer(resolver=lambda _: ["127.0.0.1"]), max_idle_per_origin=1)

        def call(number: int) -> None:
            host = f"host-{number * 7 % 150}.test"
            assert client.get(origin.url(host=host)).text == f"{host}:{origin.port}"

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(call, range(900)))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("when", ["with-the-answer", "while-idle"])
def test_surplus_bytes_never_reach_the_next_request(when: str, tls: bool, open_client: OpenClient) -> None:
    told = threading.Event()

    def make(asked: Asked) -> Iterator[object]:
        own = answer(asked.target.encode())
        if when == "with-the-answer":
            yield own + POISON
        else:
            yield own
            time.sleep(0.02)
            yield POISON
        told.set()

    with Origin(make, tls=authority().server_context() if tls else None) as origin:
        client = open_client(ca_file=authority().ca_file)
        for number in range(3):
            told.clear()
            assert client.post(origin.url(f"/{number}"), body=b"x").text == f"/{number}"
            assert told.wait(PATIENCE)

        assert [asked.target for asked in origin.asked] == ["/0", "/1", "/2"]
        assert origin.connections == 3


# Nothing is left behind


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_five_hundred_failing_requests_leave_descriptors_and_threads_where_they_were(
    open_client: OpenClient,
) -> None:
    with (
        Origin(echo) as origin,
        Origin(echo, tls=stranger().server_context()) as untrusted,
        full_listener() as full,
    ):
        client = open_client(
            ca_file=authority().ca_file,
            dialer=Dialer(resolver={"many.test": ["127.0.0.1", "::1", "127.0.0.3"]}.__getitem__),
        )
        closed = unused_port()
        short = Config(timeout=0.01)
        failing: list[tuple[Callable[[], object], type[FluxHTTPError]]] = [
            (lambda: client.get(f"http://127.0.0.1:{closed}/"), ConnectError),
            (lambda: client.get(f"http://many.test:{closed}/"), ConnectError),
            (lambda: client.get("http://missing.test/"), NameResolutionError),
            (lambda: client.get(f"http://127.0.0.1:{full}/", config=short), RequestTimeoutError),
            (lambda: client.get(untrusted.url("/plain/1")), CertificateError),
            (lambda: client.get(origin.url("/plain/1").replace("http:", "https:"), config=short), FluxHTTPError),
            (lambda: client.get(untrusted.url("/plain/1").replace("https:", "http:")), FluxHTTPError),
            (lambda: client.post(origin.url("/hang-up/1"), body=b"x" * 100_000), ReceiveError),
            (lambda: client.get(origin.url("/cut/1")), IncompleteBodyError),
            (lambda: client.get(origin.url("/malformed/1")), ProtocolError),
            (lambda: client.get(origin.url("/large/1"), config=Config(limits=Limits(body=5))), BodyTooLargeError),
            (lambda: client.get(origin.url("/late-body/1"), config=short), RequestTimeoutError),
        ]

        def round_of(times: int) -> list[BaseException]:
            caught: list[BaseException] = []
            for number in range(times):
                call, kind = failing[number % len(failing)]
                with pytest.raises(kind) as error:
                    call()
                caught.append(error.value)
            return caught

        round_of(len(failing))  # what is made once is made now
        eventually(lambda: not origin._open and not untrusted._open)
        gc.collect()
        gc.disable()
        try:
            before = descriptors(), threading.active_count()
            kept = round_of(500)
            eventually(lambda: not origin._open and not untrusted._open)
            # With the errors still alive, and no help of the garbage collector.
            eventually(lambda: descriptors() <= before[0] and threading.active_count() <= before[1])
        finally:
            gc.enable()
        assert len(kept) == 500
        assert len({type(error) for error in kept}) >= 7


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_client_that_is_dropped_closes_its_connections_at_once(transport_name: str) -> None:
    with Origin(echo) as origin:
        for _ in range(20):
            transport = open_transport(transport_name, trust_env=False)
            Client(transport, config=Config(timeout=PATIENCE)).get(origin.url("/plain/1"))
            del transport

        eventually(lambda: not origin._open)
        assert origin.connections == 20


@pytest.mark.usefixtures("no_garbage_collection")
def test_an_answer_outlives_its_transport_and_takes_the_connection_along(transport_name: str) -> None:
    with Origin(echo) as origin:
        for is_read_whole in (True, False):
            transport = open_transport(transport_name, trust_env=False)
            request = Request.build("GET", origin.url("/large/1"))
            deadline = Deadline.after(PATIENCE, transport.clock)  # type: ignore[attr-defined]
            given = transport.send(request, config=Config(), deadline=deadline)
            del transport

            assert given.read(8) == b"large 1 "
            if is_read_whole:
                while given.read(65_536):
                    pass
            given.close()
            del given
            eventually(lambda: not origin._open)
