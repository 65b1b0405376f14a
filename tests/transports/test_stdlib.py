"""StdlibTransport over loopback: its options, one exchange, what it holds in memory, a socket's errors."""

from __future__ import annotations

import contextlib
import errno
import socket
import tempfile
import threading
import tracemalloc

import pytest

from fluxhttp import (
    BodyTooLargeError,
    Config,
    Deadline,
    Dialer,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidConfigError,
    InvalidTypeError,
    Limits,
    Request,
    StdlibTransport,
)
from fluxhttp._wire.clock import SYSTEM_CLOCK
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    MemorySocket,
    Peer,
    SocketDialer,
    answering,
    deadline,
    direct,
    fails,
    nothing_leaks,
    opened,
    read_head,
)

GIB = 2**30
MIB = 2**20


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
