"""Both real transports put the same bytes on the wire, and both put those of ``Request.to_bytes``."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from fluxhttp import Config, FluxHTTPError, ProxyError, Request, open_transport
from fluxhttp.testing.strategies import requests
from tests.core.test_request import ROWS, built
from tests.peers import PATIENCE, MemorySocket, Peer, deadline
from tests.secure import server_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fluxhttp import Deadline, Transport

NAMES = ("stdlib", "urllib3")
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
INSECURE = Config(insecure_skip_verify=True)


class MemoryDialer:
    """Every host is a socket in memory that gives one answer, a refusal to CONNECT.

    Attributes:
        dialled: the hosts and ports that were asked for.
        sockets: the sockets they got.
    """

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []
        self.sockets: list[MemorySocket] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        sock = Answering()
        self.dialled.append((host, port))
        self.sockets.append(sock)
        return sock  # type: ignore[return-value]  # as good as one


class Answering(MemorySocket):
    """Answers once it was asked."""

    def recv(self, size: int, /) -> bytes:
        if self.is_closed:
            return b""
        self.is_closed = True
        return FORBIDDEN if self.sent.startswith(b"CONNECT ") else EMPTY


class TLSDialer:
    """Every host is one TLS peer.

    Attributes:
        dialled: the hosts and ports that were asked for.
        read: what the peer read, a piece for each request.
        served: counts them.
    """

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []
        self.read: list[bytes] = []
        self.served = threading.Semaphore(0)
        self.peer = Peer(self._serve, tls=server_context())

    def _serve(self, sock: socket.socket, stopping: threading.Event) -> None:
        request = read_request(sock)
        sock.sendall(EMPTY)
        with contextlib.suppress(OSError):  # the client has hung up
            request += sock.recv(65_536)  # a second request, or a byte too many
        self.read.append(request)
        self.served.release()

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        self.dialled.append((host, port))
        return socket.create_connection(("127.0.0.1", self.peer.port))


def read_request(sock: socket.socket) -> bytes:
    """A request, head and body."""
    data = bytearray()
    size = None
    while size is None or len(data) < size:
        piece = sock.recv(65_536)
        if not piece:
            raise ConnectionError("no more requests")
        data += piece
        head, end, _ = data.partition(b"\r\n\r\n")
        if size is None and end:
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            size = len(head) + 4 + (int(lengths[0].partition(b":")[2]) if lengths else 0)
    return bytes(data)


class Pair:
    """Both transports, each with a dialer of its own of the same kind.

    Args:
        kind: of the dialers.
        options: of the transports.
    """

    def __init__(self, kind: type[MemoryDialer | TLSDialer], **options: Any) -> None:
        self.dialers = [kind() for _ in NAMES]
        self.transports: list[Transport] = [
            open_transport(name, dialer=dialer, trust_env=False, max_idle_per_origin=0, **options)
            for name, dialer in zip(NAMES, self.dialers, strict=True)
        ]

    def send(self, request: Request, *, fails: bool = False) -> None:
        """The same request over each."""
        for transport in self.transports:
            with pytest.raises(ProxyError) if fails else contextlib.nullcontext():
                transport.send(request, config=INSECURE, deadline=deadline(PATIENCE)).close()

    def close(self) -> None:
        for transport in self.transports:
            transport.close()
        for dialer in self.dialers:
            if isinstance(dialer, TLSDialer):
                dialer.peer.close()


def agreed(pair: Pair) -> tuple[list[tuple[str, int]], list[bytes]]:
    """Where both dialled and what both sent, since this was asked last."""
    told = []
    for dialer in pair.dialers:
        if isinstance(dialer, TLSDialer):
            assert dialer.served.acquire(timeout=PATIENCE)
            told.append((dialer.dialled[:], dialer.read[:]))
            dialer.read.clear()
        else:
            told.append((dialer.dialled[:], [bytes(sock.sent) for sock in dialer.sockets]))
            dialer.sockets.clear()
        dialer.dialled.clear()
    assert told[0] == told[1]
    return told[0]


@pytest.fixture(scope="module")
def plain() -> Iterator[Pair]:
    with contextlib.closing(Pair(MemoryDialer)) as pair:
        yield pair


@pytest.fixture(scope="module")
def secure() -> Iterator[Pair]:
    with contextlib.closing(Pair(TLSDialer)) as pair:
        yield pair


@pytest.fixture(scope="module")
def proxied() -> Iterator[Pair]:
    with contextlib.closing(Pair(MemoryDialer, proxies="http://us%3aer:hunter2@proxy.test:3128")) as pair:
        yield pair


def accepted() -> list[Any]:
    """The rows that make a request: most of them; what is refused never reaches a transport."""
    rows = []
    for index, row in enumerate(ROWS):
        with contextlib.suppress(FluxHTTPError):
            rows.append(pytest.param(built(row), id=str(index)))
    return rows


def sent_directly(request: Request, plain: Pair, secure: Pair) -> None:
    pair = secure if request.url.scheme == "https" else plain

    pair.send(request)

    assert agreed(pair) == ([(request.url.host, request.url.port)], [request.to_bytes()])


def sent_through_the_proxy(request: Request, proxied: Pair) -> None:
    url = request.url
    proxied.send(request, fails=url.scheme == "https")

    dialled, (sent,) = agreed(proxied)
    assert dialled == [("proxy.test", 3128)]
    lines = sent.split(b"\r\n")
    assert b"Proxy-Authorization: Basic dXM6ZXI6aHVudGVyMg==" in lines
    if url.scheme == "https":
        # The zone of an address is for this machine alone (RFC 6874, 1).
        host = f"[{url.host.partition('%')[0]}]" if ":" in url.host else url.host
        assert lines[0] == f"CONNECT {host}:{url.port} HTTP/1.1".encode()
    else:
        whole = request.to_bytes().split(b"\r\n")
        assert lines[0] == f"{request.method} http://{url.authority}{url.target} HTTP/1.1".encode()
        assert [line for line in lines[1:] if not line.startswith(b"Proxy-Authorization: ")] == whole[1:]


def test_most_rows_make_a_request() -> None:
    assert len(accepted()) > len(ROWS) / 2


@pytest.mark.parametrize("request_", accepted())
def test_a_wire_row_is_the_same_over_both(request_: Request, plain: Pair, secure: Pair, proxied: Pair) -> None:
    sent_directly(request_, plain, secure)
    sent_through_the_proxy(request_, proxied)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # TLS, and idna in the first example
@given(request_=requests())
def test_any_request_is_the_same_over_both(request_: Request, plain: Pair, secure: Pair) -> None:
    sent_directly(request_, plain, secure)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request_=requests())
def test_any_request_through_a_proxy_is_the_same_over_both(request_: Request, proxied: Pair) -> None:
    sent_through_the_proxy(request_, proxied)


@pytest.mark.parametrize("size", [65_536, 65_537, 1_048_577])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_large_body_is_the_same_over_both(scheme: str, size: int) -> None:
    read: list[bytes] = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        for _ in range(2):  # on a new connection and on one that is used again
            read.append(read_request(sock))
            sock.sendall(EMPTY)

    with Peer(serve, tls=server_context() if scheme == "https" else None) as peer:
        request = Request.build("PUT", peer.url("/%c3%a9|?a=b"), headers=[("X-A", "1"), ("x-a", "é")], body=bytes(size))
        for name in NAMES:
            with contextlib.closing(open_transport(name, trust_env=False)) as transport:
                for _ in range(2):
                    transport.send(request, config=INSECURE, deadline=deadline(PATIENCE)).close()

    assert peer.connections == 2
    assert read == [request.to_bytes()] * 4
