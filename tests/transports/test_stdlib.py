"""StdlibTransport over loopback: time, the pool, early answers, threads, fork, the end."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fluxhttp import (
    BodyTooLargeError,
    Client,
    ClosedError,
    Config,
    Deadline,
    Dialer,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidTypeError,
    Limits,
    ReceiveError,
    Request,
    RequestTimeoutError,
    SendError,
    StdlibTransport,
)
from fluxhttp._wire.clock import SYSTEM_CLOCK
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    FailingSocket,
    MemorySocket,
    Peer,
    answering,
    deadline,
    direct,
    dripping,
    each,
    eventually,
    fails,
    in_child,
    opened,
    read_head,
    reset,
    silent,
    times_out,
)
from tests.secure import ca_file, server_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.peers import Serve

GIB = 2**30
MIB = 2**20
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#: The header of a gzip member (RFC 1952, 2.3).
GZIP_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
INTERIM = b"HTTP/1.1 103 Early Hints\r\n\r\n"


class SocketDialer:
    """Gives its sockets one after the other, whatever the host.

    Attributes:
        left: those that are still to be given.
    """

    def __init__(self, *sockets: object) -> None:
        self.left = list(sockets)

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        return self.left.pop(0)  # type: ignore[return-value]  # as good as one


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextlib.contextmanager
def nothing_leaks() -> Iterator[None]:
    """Sees to it that no descriptor and no thread is left when the block has ended."""
    gc.collect()
    before = descriptors(), threading.active_count()
    yield
    gc.collect()
    eventually(lambda: (descriptors(), threading.active_count()) == before)


# Options


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"max_idle_per_origin": "1"}, InvalidTypeError, "max_idle_per_origin must be an int, not str"),
        ({"max_idle_per_origin": 1.0}, InvalidTypeError, "max_idle_per_origin must be an int, not float"),
        ({"max_idle_per_origin": True}, InvalidTypeError, "max_idle_per_origin must be an int, not bool"),
        ({"max_idle_per_origin": -1}, InvalidConfigError, "max_idle_per_origin must be 0 or more, not -1"),
        ({"idle_seconds": "1"}, InvalidTypeError, "idle_seconds must be a number, not str"),
        ({"idle_seconds": False}, InvalidTypeError, "idle_seconds must be a number, not bool"),
        ({"idle_seconds": 0}, InvalidConfigError, "idle_seconds must be more than 0, not 0"),
        ({"idle_seconds": float("nan")}, InvalidConfigError, "idle_seconds must be more than 0, not nan"),
    ],
)
def test_options_are_judged_when_the_transport_is_made(options: dict[str, object], kind: type, text: str) -> None:
    assert str(fails(kind, StdlibTransport, **options)) == text


def test_its_clock_is_the_system_s() -> None:
    assert direct().clock is SYSTEM_CLOCK


# One exchange


def test_an_answer_is_there_with_its_head_before_its_body_has_come() -> None:
    release = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        release.wait(PATIENCE)
        sock.sendall(b"ok")
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, contextlib.closing(direct()) as transport:
        request = Request.build("GET", peer.url())

        answer = transport.send(request, config=Config(), deadline=deadline(PATIENCE))

        assert answer.status_code == 200
        release.set()
        assert answer.read(10) == b"ok"
        answer.close()


def test_the_request_goes_out_as_it_stands() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        request = client.build_request(
            "POST", peer.url("/%c3%a9|?a=b"), headers=[("X-A", "1"), ("x-a", "é")], body=b"hi"
        )
        client.send(request)

    assert heads == [request.to_bytes()]


def test_a_unix_socket_carries_requests_too() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = f"{folder}/socket"
        listener.bind(path)
        listener.listen()
        stopping = threading.Event()

        def serve() -> None:
            with listener.accept()[0] as sock:
                answering(OK, OK)(sock, stopping)

        serving = Background(serve)
        with opened(dialer=Dialer(unix_socket=path)) as client:
            assert [client.get("http://a.test/").body, client.get("http://a.test/").body] == [b"ok", b"ok"]
        stopping.set()
        serving.wait()


# Time (D11)


DRIPS = {
    "status line": (b"", b"HTTP/1.1 200 OK" + b"x" * 500, "head"),
    "field": (b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 500, "head"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100, "head"),
    "interim answer": (b"", INTERIM * 20, "head"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 500, "body"),
    "large body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x" * 500, "body"),
    "body to the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 500, "body"),
    "chunk size": (CHUNKED, b"0" * 500, "body"),
    "chunk": (CHUNKED + b"fff\r\n", b"x" * 500, "body"),
    "chunk end": (CHUNKED + b"1\r\nx", b"\r", "body"),
    "chunks": (CHUNKED, b"1\r\nx\r\n" * 100, "body"),
    "trailer": (CHUNKED + b"0\r\n", b"X: " + b"x" * 500, "body"),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 100, "body"),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 999\r\n\r\n" + GZIP_START,
        b"\x00\x00\x00\xff\xff" * 100,
        "body",
    ),
}


@pytest.mark.parametrize("name", DRIPS)
def test_what_drips_ends_with_the_deadline(name: str) -> None:
    first, drip, phase = DRIPS[name]
    with Peer(dripping(first=first, drip=each(drip))) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert (error.phase, error.maybe_sent, error.retryable) == (phase, True, True)


def test_interim_answers_one_at_a_time_end_with_the_deadline() -> None:
    with Peer(dripping(drip=[INTERIM] * 50)) as peer, opened() as client:
        error = times_out(client.post, peer.url())

    assert (error.phase, error.maybe_sent, error.retryable) == ("head", True, False)


def test_redirects_share_one_deadline() -> None:
    hop = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            stopping.wait(0.06)
            sock.sendall(hop)

    with Peer(serve) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert error.url == peer.url("/next")


def test_the_body_of_a_redirect_that_drips_ends_with_the_deadline() -> None:
    first = b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1000\r\n\r\n"
    with Peer(dripping(first=first, drip=each(b"x" * 500))) as peer, opened() as client:
        error = times_out(client.get, peer.url())

    assert error.phase == "body"


@pytest.mark.parametrize("reads", [0, 1024])
def test_a_large_body_the_peer_hardly_reads_ends_with_the_deadline(reads: int) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while not stopping.wait(0.01):
            if reads:
                sock.recv(reads)

    body = bytes(20 * MIB)
    with Peer(serve) as peer, opened() as client:
        error = times_out(client.post, peer.url(), body=body)

    assert (error.phase, error.maybe_sent, error.retryable) == ("send", True, False)


def test_a_deadline_that_has_passed_sends_nothing() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))
        sock.sendall(OK)
        heads.append(sock.recv(100))

    with Peer(serve) as peer, contextlib.closing(direct()) as transport:
        request = Request.build("GET", peer.url())
        with contextlib.closing(transport.send(request, config=Config(), deadline=deadline())) as answer:
            answer.read(10)
        error = fails(RequestTimeoutError, transport.send, request, config=Config(), deadline=deadline(0.0))

    assert (error.phase, error.maybe_sent) == ("send", False)
    assert len(heads) == 1 or heads[1] == b""


def test_the_next_call_works_after_a_time_out() -> None:
    with Peer(answering(OK)) as peer, Peer(silent) as hanging, opened() as client:
        fails(RequestTimeoutError, client.get, hanging.url(), config=Config(timeout=0.05))

        assert client.get(peer.url()).body == b"ok"


# Memory


@pytest.mark.parametrize("limits", [Limits(body=None), Limits(body=8 * GIB)])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4294967296\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n100000000\r\nhello"]
)
def test_four_gigabytes_that_are_merely_declared_cost_nothing(framing: bytes, limits: Limits) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + framing)

    with Peer(serve) as peer, opened() as client:
        request = client.build_request("GET", peer.url())
        tracemalloc.start()
        try:
            error = fails(IncompleteBodyError, client.send, request, config=Config(timeout=PATIENCE, limits=limits))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert error.received == 5
    assert error.expected == (None if b"chunked" in framing else 4 * GIB)
    assert peak < MIB


def test_a_declared_length_over_the_limit_is_refused_before_it_is_read() -> None:
    with Peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n")) as peer, opened() as client:
        error = fails(BodyTooLargeError, client.get, peer.url())

    assert (error.limit, error.allowed) == ("body", 104_857_600)


def test_a_large_body_is_in_memory_once() -> None:
    size = 32 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(body)
        stopping.wait(PATIENCE)

    body = bytes(size)
    with Peer(serve) as peer, opened() as client:
        request = client.build_request("GET", peer.url())
        tracemalloc.start()
        try:
            response = client.send(request)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert response.body == body
    assert peak <= size + 2 * MIB


# Stale connections (D12)


class Stale:
    """Answers one request on the first connection, and ends it in some way when another comes.

    Args:
        ends: how.
        later: how many requests it answers on each connection after the first.

    Attributes:
        heads: every request.
    """

    def __init__(self, ends: Callable[[socket.socket], None], *, later: int = 10) -> None:
        self.heads: list[bytes] = []
        self._ends = ends
        self._answers = [1, later, later]

    def __call__(self, sock: socket.socket, stopping: threading.Event) -> None:
        for _ in range(self._answers.pop(0)):
            self.heads.append(read_head(sock))
            sock.sendall(OK)
        self.heads.append(read_head(sock))
        self._ends(sock)


def closes(sock: socket.socket) -> None:
    sock.close()


def half_answers(sock: socket.socket) -> None:
    sock.sendall(b"H")
    sock.close()


@pytest.mark.parametrize("ends", [closes, reset])
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("method", "headers", "body", "is_sent_again"),
    [
        ("GET", {}, b"", True),
        ("GET", {}, bytes(100_000), True),
        ("HEAD", {}, b"", True),
        ("POST", {"Idempotency-Key": "1"}, b"x", True),
        ("POST", {}, b"x", False),
        ("PUT", {}, b"x", False),
        ("DELETE", {}, b"", False),
    ],
)
def test_a_used_connection_that_dies_unanswered_is_replaced_for_what_may_be_sent_again(
    method: str,
    headers: dict[str, str],
    body: bytes,
    is_sent_again: bool,
    tls: bool,
    ends: Callable[[socket.socket], None],
) -> None:
    stale = Stale(ends)
    with Peer(stale, tls=server_context() if tls else None) as peer, opened(ca_file=ca_file()) as client:
        client.get(peer.url())
        if is_sent_again:
            assert client.do(method, peer.url(), headers=headers, body=body).status_code == 200
        else:
            with pytest.raises((SendError, ReceiveError)) as caught:
                client.do(method, peer.url(), headers=headers, body=body)
            assert caught.value.maybe_sent
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 2
    lines = [head.split(b" ")[0].decode() for head in stale.heads]
    assert lines == (["GET", method, method] if is_sent_again else ["GET", method, "GET"])


def test_a_connection_that_dies_in_the_middle_of_an_answer_is_not_replaced() -> None:
    with Peer(Stale(half_answers)) as peer, opened() as client:
        client.get(peer.url())

        error = fails(ReceiveError, client.get, peer.url())

        assert str(error) == "the peer closed the connection in the middle of the head"
        assert peer.connections == 1


def test_nothing_is_sent_more_than_twice() -> None:
    stale = Stale(closes, later=0)
    with Peer(stale) as peer, opened() as client:
        client.get(peer.url())

        fails(ReceiveError, client.get, peer.url())

    assert len(stale.heads) == 3


def test_a_new_connection_that_dies_is_not_replaced() -> None:
    heads = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))

    with Peer(serve) as peer, opened() as client:
        fails(ReceiveError, client.get, peer.url())

    assert len(heads) == 1


def test_a_time_out_on_a_used_connection_is_not_sent_again() -> None:
    with Peer(answering(OK)) as peer, opened() as client:
        client.get(peer.url())

        times_out(client.get, peer.url())

        assert peer.connections == 1


@pytest.mark.parametrize("says", [b"x", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate", b"", None])
def test_a_connection_on_which_something_came_unasked_is_not_used_again(says: bytes | None) -> None:
    said = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(OK)
        answered.wait(PATIENCE)
        if says:
            sock.sendall(says)
        elif says is None:
            reset(sock)
        else:
            sock.shutdown(socket.SHUT_WR)
        said.set()
        stopping.wait(PATIENCE)

    answered = threading.Event()
    with Peer(serve) as peer, opened() as client:
        client.get(peer.url())
        answered.set()
        assert said.wait(PATIENCE)
        said.clear()

        # Not even a POST meets the dead connection.
        assert client.post(peer.url()).body == b"ok"

        assert peer.connections == 2


def test_a_surplus_behind_an_answer_never_answers_the_next_request() -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with Peer(answering(OK + evil, OK)) as peer, opened() as client:
        for _ in range(3):
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 3


# The pool


def test_the_connection_used_last_is_used_first_and_a_surplus_is_closed() -> None:
    ports: list[int] = []
    gate = threading.Barrier(4)

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            head = read_head(sock)
            if b"/together" in head:
                gate.wait(PATIENCE)
            ports.append(sock.getpeername()[1])
            sock.sendall(OK)

    with Peer(serve) as peer, opened(max_idle_per_origin=2) as client:
        for call in [Background(client.get, peer.url("/together")) for _ in range(4)]:
            call.wait()
        del ports[:]
        for _ in range(5):
            client.get(peer.url())

        assert len(set(ports)) == 1
        eventually(lambda: len(client.transport._pool._idle[peer.url()[:-1], False, None]) == 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "connections"), [({"max_idle_per_origin": 0}, 2), ({"idle_seconds": 0.03}, 2), ({}, 1)]
)
def test_how_long_and_how_many_connections_are_kept(options: dict[str, float], connections: int) -> None:
    with Peer(answering(OK, OK)) as peer, opened(**options) as client:
        client.get(peer.url())
        time.sleep(0.05)
        client.get(peer.url())

        assert peer.connections == connections


@pytest.mark.parametrize(
    ("answer", "limits", "connections"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntoo large", Limits(body=5), 2),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntoo large", Limits(head=5), 2),
        (b"rubbish", Limits(), 2),
        # What was read whole leaves the connection good.
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", Limits(), 1),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://a.test/\r\nContent-Length: 0\r\n\r\n", Limits(), 1),
    ],
)
def test_whatever_goes_wrong_the_next_call_works(answer: bytes, limits: Limits, connections: int) -> None:
    answers = iter([answer, OK])

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            sock.sendall(next(answers))

    with Peer(serve) as peer, opened() as client:
        with pytest.raises(FluxHTTPError):
            client.get(peer.url(), config=Config(timeout=PATIENCE, limits=limits))

        assert client.get(peer.url()).body == b"ok"

        assert peer.connections == connections


# Errors of the socket


RAISED = [
    OSError(errno.EIO, "Input/output error"),
    ValueError("odd"),
    OverflowError("far"),
    UnicodeError("a text"),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", ["recv", "recv_into", "send", "sendall", "settimeout", "fileno", "shutdown", "close"])
@pytest.mark.parametrize(("size", "timeout"), [(10, PATIENCE), (400_000, None)])
def test_no_error_of_a_socket_escapes_the_tree(name: str, raised: Exception, size: int, timeout: float | None) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        data = read_head(sock)
        left = size - len(data.partition(b"\r\n\r\n")[2])
        while left > 0:
            piece = sock.recv(65_536)
            if not piece:
                return
            left -= len(piece)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall(bytes(size))
        stopping.wait(PATIENCE)

    with Peer(serve) as peer:
        sock = socket.create_connection(("127.0.0.1", peer.port))
        dialer = SocketDialer(FailingSocket(sock, **{name: raised}))
        with opened(dialer=dialer) as client, contextlib.suppress(FluxHTTPError):
            response = client.post("http://a.test/", body=bytes(size), config=Config(timeout=timeout))
            assert response.body == bytes(size)
        assert sock.fileno() == -1


@pytest.mark.parametrize("name", ["recv", "recv_into", "sendall", "send", "settimeout"])
def test_an_interrupted_call_drops_its_connection(name: str) -> None:
    size = 400_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    serve = silent if name == "send" else dripping(first=answer, drip=[bytes(size)])
    with Peer(serve) as peer, Peer(answering(OK)) as good:
        sock = socket.create_connection(("127.0.0.1", peer.port))
        other = socket.create_connection(("127.0.0.1", good.port))
        failing = FailingSocket(sock, **{name: KeyboardInterrupt()})
        with opened(dialer=SocketDialer(failing, other)) as client:
            with pytest.raises(KeyboardInterrupt):
                client.post("http://a.test/", body=bytes(100_000 if name == "send" else 10))

            assert sock.fileno() == -1
            assert client.transport._pool._used == set()  # type: ignore[attr-defined]
            assert client.get("http://a.test/").body == b"ok"


# Early answers


@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("then", ["nothing", "close", "reset"])
def test_an_answer_before_the_body_was_read_is_heard(then: str, timeout: float | None) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        if then == "close":
            sock.shutdown(socket.SHUT_WR)
        elif then == "reset":
            stopping.wait(0.1)
            reset(sock)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        for _ in range(2):
            response = client.post(peer.url(), body=bytes(20 * MIB), config=Config(timeout=timeout))
            assert (response.status_code, response.body) == (413, b"big")

        assert peer.connections == 2


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_an_interim_answer_does_not_stop_a_body(timeout: float | None) -> None:
    size = 20 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        left = size - len(read_head(sock).partition(b"\r\n\r\n")[2])
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left:
            left -= len(sock.recv(65_536))
        sock.sendall(INTERIM + OK)
        answering(OK)(sock, stopping)

    with Peer(serve) as peer, opened() as client:
        assert client.post(peer.url(), body=bytes(size), config=Config(timeout=timeout)).body == b"ok"

        assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 1


def test_a_large_body_on_a_used_connection_is_sent_whole() -> None:
    size = 5 * MIB

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(OK)
        left = size - len(read_head(sock).partition(b"\r\n\r\n")[2])
        while left:
            left -= len(sock.recv(65_536))
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        client.get(peer.url())

        assert client.post(peer.url(), body=bytes(size)).body == b"ok"


def test_a_reset_in_the_middle_of_a_body_is_a_send_error() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        reset(sock)

    with Peer(serve) as peer, opened() as client:
        error = fails(SendError, client.post, peer.url(), body=bytes(20 * MIB))

    assert (error.phase, error.maybe_sent, error.retryable) == ("send", True, False)


# The end from another thread


def reading_nothing(began: threading.Event) -> Serve:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(1)
        began.set()
        stopping.wait(PATIENCE)

    return serve


def answering_in_part(began: threading.Event) -> Serve:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello")
        began.set()
        stopping.wait(PATIENCE)

    return serve


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("phase", ["send", "head", "body"])
def test_closing_ends_a_call_in_every_phase(phase: str, timeout: float | None, tls: bool) -> None:
    began = threading.Event()
    serve = answering_in_part(began) if phase == "body" else reading_nothing(began)
    body = bytes(20 * MIB if phase == "send" else 10)
    with nothing_leaks(), Peer(serve, tls=server_context() if tls else None) as peer:
        with contextlib.closing(direct(ca_file=ca_file())) as transport:
            client = Client(transport, config=Config(timeout=timeout))
            call = Background(client.post, peer.url(), body=body)
            assert began.wait(PATIENCE)
            started = time.monotonic()

            transport.close()

            error = call.wait().error
            assert time.monotonic() - started < 0.3
        assert type(error) is ClosedError
        assert error.method == "POST"
        fails(ClosedError, client.get, peer.url())


def test_a_connection_that_waits_is_closed_too() -> None:
    ended = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        answering(OK)(sock, ended)
        assert sock.recv(10) == b""

    with nothing_leaks(), Peer(serve) as peer, contextlib.closing(direct()) as transport:
        Client(transport).get(peer.url())

        transport.close()
        transport.close()

        ended.set()


def test_an_answer_that_is_read_after_closing_is_closed() -> None:
    with Peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")) as peer:
        transport = direct()
        answer = transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        transport.close()

        fails(ClosedError, lambda: [answer.read(9), answer.read(9)])
        answer.close()


def test_a_client_that_is_forgotten_leaves_nothing_open() -> None:
    with nothing_leaks(), Peer(answering(OK)) as peer:
        client = Client(direct())
        assert client.get(peer.url()).body == b"ok"
        del client


def test_an_answer_that_is_forgotten_gives_its_connection_up() -> None:
    serve = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
    with nothing_leaks(), Peer(serve) as peer, contextlib.closing(direct()) as transport:
        transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert transport._pool._used == set()


def test_an_answer_may_outlive_its_transport() -> None:
    with nothing_leaks(), Peer(answering(OK)) as peer:
        request = Request.build("GET", peer.url())
        answer = direct().send(request, config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert answer.read(10) == b"ok"
        answer.close()


# Threads


def test_thirty_two_threads_each_get_their_own_answer_whatever_happens_to_the_others() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            path = read_head(sock).split(b" ")[1]
            kind = path.split(b"/")[1]
            if kind == b"reset":
                reset(sock)
                return
            if kind == b"hang":
                stopping.wait(PATIENCE)
                return
            if kind == b"late":
                stopping.wait(0.01)
            body = path * (200 if kind == b"large" else 1)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    kinds = ["ok", "late", "reset", "ok", "hang", "large", "ok"]
    expected = {
        "ok": None,
        "late": None,
        "reset": ReceiveError,
        "hang": RequestTimeoutError,
        "large": BodyTooLargeError,
    }
    configs = {"hang": Config(timeout=0.1), "large": Config(timeout=PATIENCE, limits=Limits(body=100))}
    wrong: list[object] = []

    def work(number: int, client: Client, peer: Peer) -> None:
        for step in range(14):
            kind = kinds[(number + step) % len(kinds)]
            path = f"/{kind}/{number}-{step}"
            try:
                response = client.get(peer.url(path), config=configs.get(kind))
                if response.body != path.encode() or expected[kind] is not None:
                    wrong.append((path, response))
            except FluxHTTPError as error:
                if type(error) is not expected[kind] or error.url != peer.url(path):
                    wrong.append((path, error))

    with nothing_leaks(), Peer(serve) as peer, opened() as client:
        for call in [Background(work, number, client, peer) for number in range(32)]:
            assert call.wait(20.0).error is None

        assert wrong == []
        assert client.get(peer.url("/ok/last")).body == b"/ok/last"


# Fork


@pytest.mark.parametrize("tls", [False, True])
def test_a_child_makes_connections_of_its_own_and_its_parent_s_goes_on(tls: bool) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            body = b"%d" % sock.getpeername()[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with Peer(serve, tls=server_context() if tls else None) as peer, opened(ca_file=ca_file()) as client:
        before = client.get(peer.url()).body

        assert in_child(lambda: client.get(peer.url()).body not in (before, b""))

        assert client.get(peer.url()).body == before
        assert peer.connections == 2


def test_a_child_forked_while_a_call_is_under_way_does_not_disturb_it() -> None:
    asked, release = threading.Event(), threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        read_head(sock)
        asked.set()
        release.wait(PATIENCE)
        sock.sendall(OK)
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened() as client:
        call = Background(client.get, peer.url())
        assert asked.wait(PATIENCE)

        assert in_child(lambda: client.transport.close() is None)

        release.set()
        response = call.wait().result
        assert response is not None
        assert client.transport._pool._idle  # type: ignore[attr-defined]


# A socket in memory


def test_head_and_small_body_take_one_write_and_the_answer_one_read() -> None:
    sock = MemorySocket(OK)
    with opened(dialer=SocketDialer(sock)) as client:
        response = client.post("http://a.test/", body=b"x", config=Config(timeout=None))

    assert response.body == b"ok"
    assert sock.timeouts == [None]
    assert sock.is_closed


def test_too_large_a_head_is_refused() -> None:
    with opened(dialer=SocketDialer(MemorySocket(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000))) as client:
        fails(HeadTooLargeError, client.get, "http://a.test/")


def test_a_forgotten_transport_closes_a_connection_that_was_never_made() -> None:
    class Refusing:
        def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    with nothing_leaks(), opened(dialer=Refusing()) as client:
        with pytest.raises(FluxHTTPError, match="network is unreachable"):
            client.get("http://a.test/")

        assert client.transport._pool._used == set()  # type: ignore[attr-defined]
