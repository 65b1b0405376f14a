"""Urllib3Transport over loopback: a pool manager of one's own, the log, the pools, one request a call, the end."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import socket
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from fluxhttp import (
    CertificateError,
    Client,
    ClosedError,
    Config,
    FluxHTTPError,
    InvalidConfigError,
    InvalidTypeError,
    ProtocolError,
    Request,
    RequestTimeoutError,
    Urllib3Transport,
)
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp.transports.urllib3 import _forget_all
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    answering,
    deadline,
    eventually,
    fails,
    in_child,
    read_head,
    times_out,
)
from tests.secure import ca_file, client_context, server_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp import Deadline
    from tests.peers import Serve

IN_PART = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"


class ToPeer:
    """A dialer whose every host is one peer.

    Attributes:
        dialled: the hosts and ports that were asked for.
    """

    def __init__(self, peer: Peer) -> None:
        self._port = peer.port
        self.dialled: list[tuple[str, int]] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        self.dialled.append((host, port))
        return socket.create_connection(("127.0.0.1", self._port))


def direct(**options: Any) -> Urllib3Transport:
    """A transport that the environment's proxies do not touch."""
    return Urllib3Transport(trust_env=False, **options)


@contextlib.contextmanager
def opened(**options: Any) -> Iterator[Client]:
    """A client over a transport with these options, both closed at the end; calls have a time-out."""
    with contextlib.closing(direct(**options)) as transport, Client(transport, config=Config(timeout=PATIENCE)) as made:
        yield made


def own(client: Client) -> Urllib3Transport:
    """The transport of a client, as what it is."""
    assert isinstance(client.transport, Urllib3Transport)
    return client.transport


def serving(answer: bytes = OK, heads: list[bytes] | None = None) -> Serve:
    """Gives the same answer to every request; what was asked goes into ``heads``."""

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            head = read_head(sock)
            if heads is not None:
                heads.append(head)
            sock.sendall(answer)

    return serve


# Options


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"max_idle_per_origin": "1"}, InvalidTypeError, "max_idle_per_origin must be an int, not str"),
        ({"max_idle_per_origin": True}, InvalidTypeError, "max_idle_per_origin must be an int, not bool"),
        ({"max_idle_per_origin": -1}, InvalidConfigError, "max_idle_per_origin must be 0 or more, not -1"),
        ({"idle_seconds": "1"}, InvalidTypeError, "idle_seconds must be a number, not str"),
        ({"idle_seconds": 0}, InvalidConfigError, "idle_seconds must be more than 0, not 0"),
        ({"idle_seconds": float("nan")}, InvalidConfigError, "idle_seconds must be more than 0, not nan"),
        ({"dialer": 1}, InvalidTypeError, "dialer must have a method dial, but int has none"),
        ({"ca_file": 1}, InvalidTypeError, "ca_file must be a str or a path, not int"),
        ({"pool_manager": 1}, InvalidTypeError, "pool_manager must be a urllib3.PoolManager, not int"),
        (
            {"pool_manager": urllib3.HTTPConnectionPool("a.test")},
            InvalidTypeError,
            "pool_manager must be a urllib3.PoolManager, not HTTPConnectionPool",
        ),
        (
            {"pool_manager": urllib3.ProxyManager("http://proxy.test:3128/")},
            InvalidConfigError,
            "pool_manager has a proxy; give it as proxies=",
        ),
        *(
            (
                {"pool_manager": urllib3.PoolManager(**{name: value})},
                InvalidConfigError,
                f"pool_manager has the TLS option {name!r}; give ca_file= or ssl_context=",
            )
            for name, value in {
                "ca_certs": "ca.pem",
                "ca_cert_dir": "certificates",
                "ca_cert_data": "",
                "cert_file": "client.pem",
                "cert_reqs": "CERT_NONE",
                "key_file": "client.key",
                "key_password": "hunter2",
                "ssl_context": None,
                "ssl_version": None,
                "ssl_minimum_version": None,
                "assert_hostname": False,
                "assert_fingerprint": "00",
                "server_hostname": "a.test",
            }.items()
        ),
    ],
)
def test_options_are_judged_when_the_transport_is_made(options: dict[str, object], kind: type, text: str) -> None:
    error = fails(kind, Urllib3Transport, **options)

    assert str(error) == text
    assert "hunter2" not in repr(error)


def test_its_clock_is_the_system_s() -> None:
    assert direct().clock is SYSTEM_CLOCK


def test_an_ssl_context_excludes_insecure_calls() -> None:
    with Peer(answering(OK), tls=server_context()) as peer, opened(ssl_context=client_context()) as client:
        fails(InvalidConfigError, client.get, peer.url(), config=Config(insecure_skip_verify=True))

        assert client.get(peer.url()).body == b"ok"
        assert peer.connections == 1


# A pool manager of the caller's


def test_a_pool_manager_with_pools_is_refused() -> None:
    manager = urllib3.PoolManager()
    manager.connection_from_host("a.test")

    error = fails(InvalidConfigError, Urllib3Transport, pool_manager=manager)

    assert str(error) == "pool_manager has pools already; its connections are not ours to use"


def test_a_pool_manager_serves_one_transport() -> None:
    manager = urllib3.PoolManager()
    with contextlib.closing(direct(pool_manager=manager)):
        error = fails(InvalidConfigError, Urllib3Transport, pool_manager=manager)

    assert str(error) == "pool_manager has pool classes of its own, or belongs to another transport"


def test_nothing_of_a_pool_manager_but_its_pools_counts() -> None:
    heads: list[bytes] = []
    manager = urllib3.PoolManager(
        headers={"X-Manager": "1"}, timeout=urllib3.Timeout(0.001), retries=urllib3.Retry(5, status_forcelist=[503])
    )
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        heads.append(read_head(sock))
        stopping.wait(0.02)
        sock.sendall(answer)

    with Peer(serve) as peer, opened(pool_manager=manager) as client:
        assert client.get(peer.url()).status_code == 503

    assert len(heads) == 1
    assert b"Manager" not in heads[0]


def test_a_call_waits_for_a_place_in_the_pool_until_the_deadline_and_no_longer() -> None:
    manager = urllib3.PoolManager(maxsize=1, block=True)
    with Peer(answering(IN_PART, OK)) as peer, opened(pool_manager=manager) as client:
        request = Request.build("GET", peer.url())
        answer = client.transport.send(request, config=Config(), deadline=deadline(PATIENCE))

        error = times_out(client.get, peer.url())

        assert (error.phase, error.maybe_sent, error.retryable) == ("connect", False, True)
        assert peer.connections == 1
        answer.close()
        assert peer.connections == 1
        fails(RequestTimeoutError, client.post, peer.url(), config=Config(timeout=1e-9))


@pytest.mark.parametrize("timeout", [None, 1e12])
def test_a_call_that_waits_for_a_place_gets_the_next_one_however_far_its_deadline_is(timeout: float | None) -> None:
    manager = urllib3.PoolManager(maxsize=1, block=True)
    with Peer(serving()) as peer, opened(pool_manager=manager) as client:
        request = Request.build("GET", peer.url())
        answer = client.transport.send(request, config=Config(), deadline=deadline(PATIENCE))
        call = Background(client.get, peer.url(), config=Config(timeout=timeout))
        assert answer.read(10) == b"ok"
        time.sleep(0.02)
        assert not call.is_over

        answer.close()

        assert call.wait().error is None
        assert peer.connections == 1


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_closing_wakes_the_calls_that_wait_for_a_place(timeout: float | None) -> None:
    manager = urllib3.PoolManager(maxsize=1, block=True)
    with Peer(answering(IN_PART)) as peer, contextlib.closing(direct(pool_manager=manager)) as transport:
        client = Client(transport, config=Config(timeout=timeout))
        answer = transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        calls = [Background(client.get, peer.url()) for _ in range(3)]
        time.sleep(0.02)
        assert not any(call.is_over for call in calls)

        transport.close()

        for call in calls:
            assert type(call.wait(1.0).error) is ClosedError
        answer.close()
        assert peer.connections == 1


def test_a_failed_call_leaves_its_place_to_the_next() -> None:
    manager = urllib3.PoolManager(maxsize=1, block=True)
    with Peer(serving(b"rubbish\r\n\r\n")) as peer, opened(pool_manager=manager) as client:
        for _ in range(5):
            fails(ProtocolError, client.get, peer.url(), config=Config(timeout=0.5))

        assert peer.connections == 5
        assert own(client)._used == set()


def test_a_pool_that_the_manager_lets_go_closes_its_connection() -> None:
    ended = threading.Semaphore(0)

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        with contextlib.suppress(ConnectionError):
            serving()(sock, stopping)
        ended.release()

    with Peer(serve) as peer:
        dialer = ToPeer(peer)
        with opened(dialer=dialer, pool_manager=urllib3.PoolManager(num_pools=2)) as client:
            for host in ("a.test", "b.test", "a.test", "c.test"):
                client.get(f"http://{host}/")
            assert [host for host, _ in dialer.dialled] == ["a.test", "b.test", "c.test"]
            assert ended.acquire(timeout=PATIENCE)

            client.get("http://c.test/")
            assert peer.connections == 3


def test_an_answer_keeps_a_pool_that_the_manager_lets_go() -> None:
    with Peer(answering(IN_PART)) as peer, opened(dialer=ToPeer(peer), pool_manager=urllib3.PoolManager(1)) as client:
        answers = [
            client.transport.send(
                Request.build("GET", f"http://{host}.test/"), config=Config(), deadline=deadline(PATIENCE)
            )
            for host in "abc"
        ]
        gc.collect()

        assert [answer.read(5) for answer in answers] == [b"hello"] * 3
        for answer in answers:
            answer.close()
        assert own(client)._used == set()


# One request a call


@pytest.mark.parametrize(
    "head",
    [
        *(f"{code} X\r\nLocation: /next\r\nRetry-After: 0\r\n" for code in (301, 302, 303, 304, 307, 308)),
        *(f"{code} X\r\nRetry-After: 0\r\n" for code in (408, 413, 425, 429, 500, 502, 503, 504)),
        "200 X\r\nRefresh: 0; url=/next\r\nConnection: close\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_origin_sees_one_request_whatever_the_answer_asks_for(head: str, method: str) -> None:
    heads: list[bytes] = []
    answer = f"HTTP/1.1 {head}Content-Length: 0\r\n\r\n".encode()
    with Peer(serving(answer, heads)) as peer, contextlib.closing(direct()) as transport:
        request = Request.build(method, peer.url())
        with contextlib.closing(transport.send(request, config=Config(), deadline=deadline(PATIENCE))) as received:
            assert received.status_code == int(head[:3])
            assert received.read(10) == b""

    assert heads == [request.to_bytes()]


# The pools


@pytest.mark.parametrize(
    ("options", "connections"),
    [
        ({"max_idle_per_origin": 0}, 2),
        ({"idle_seconds": 0.03}, 2),
        ({"idle_seconds": 0.03, "pool_manager": urllib3.PoolManager()}, 2),
        ({"max_idle_per_origin": 0, "pool_manager": urllib3.PoolManager()}, 1),
        ({}, 1),
    ],
)
def test_how_long_and_how_many_connections_are_kept(options: dict[str, Any], connections: int) -> None:
    with Peer(answering(OK, OK)) as peer, opened(**options) as client:
        client.get(peer.url())
        time.sleep(0.05)
        client.get(peer.url())

        assert peer.connections == connections


def test_a_surplus_of_connections_is_closed_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Barrier(4)
    ended = threading.Semaphore(0)

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            try:
                head = read_head(sock)
            except ConnectionError:
                ended.release()
                return
            if b"/together" in head:
                gate.wait(PATIENCE)
            sock.sendall(OK)

    with Peer(serve) as peer, opened(max_idle_per_origin=2) as client:
        for call in [Background(client.get, peer.url("/together")) for _ in range(4)]:
            assert call.wait().error is None
        assert ended.acquire(timeout=PATIENCE)
        assert ended.acquire(timeout=PATIENCE)
        client.get(peer.url())

        assert peer.connections == 4
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.parametrize(
    "origin",
    [
        "http://[::1]",
        "http://[::1]:8080",
        "http://[2001:db8::ff]",
        "http://[::ffff:127.0.0.1]",
        "http://[fe80::1%25eth0]",
        "http://a.test.",
        "http://_under_score.a--b.test",
        "http://xn--bcher-kva.test",
        "http://bücher.test",
        "http://-a-.test",
        f"http://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 61}",
        "http://192.0.2.1:65535",
        "http://a.test:443",
    ],
)
def test_an_odd_host_is_a_pool_of_its_own_and_its_connection_is_used_again(origin: str) -> None:
    with Peer(serving()) as peer:
        dialer = ToPeer(peer)
        with opened(dialer=dialer) as client:
            request = client.build_request("GET", origin)
            for _ in range(2):
                assert client.send(request).body == b"ok"
            client.get("http://other.test/")

        assert dialer.dialled == [(request.url.host, request.url.port), ("other.test", 80)]


def test_a_loopback_address_of_ipv6_is_reached() -> None:
    with Peer(serving(), family=socket.AF_INET6) as peer, opened() as client:
        for _ in range(2):
            assert client.get(peer.url()).body == b"ok"

        assert peer.connections == 1


@pytest.mark.parametrize("proxy", ["http://[::1]:3128", "http://proxy_1.test.", "http://user:hunter2@192.0.2.1:1"])
def test_a_proxy_has_one_pool_for_all_plain_origins(proxy: str) -> None:
    heads: list[bytes] = []
    with Peer(serving(heads=heads)) as peer:
        dialer = ToPeer(peer)
        with opened(dialer=dialer, proxies={"http": proxy}) as client:
            for host in ("a.test", "b.test:81"):
                client.get(f"http://{host}/x?y=z")

        assert len(dialer.dialled) == peer.connections == 1
        targets = [head.split(b" ")[1] for head in heads]
        assert targets == [b"http://a.test/x?y=z", b"http://b.test:81/x?y=z"]


def test_a_connection_that_was_never_made_is_not_used() -> None:
    transport = direct()
    pool = transport._pool(Request.build("GET", "http://a.test/"), None, insecure=False)
    del transport

    connection: Any = pool._new_conn()

    assert not connection.is_connected


def test_more_pools_than_are_found_again_at_once() -> None:
    with Peer(serving()) as peer, opened(dialer=ToPeer(peer)) as client:
        for number in range(103):
            assert client.get(f"http://host{number}.test/").body == b"ok"

        assert len(own(client)._recent) <= 100
        eventually(lambda: gc.collect() is not None and len(own(client)._connections) <= 100)


def test_insecure_and_verified_calls_never_share_a_connection() -> None:
    insecure = Config(timeout=PATIENCE, insecure_skip_verify=True)
    with Peer(serving(), tls=server_context()) as peer:
        with opened() as client:
            assert client.get(peer.url(), config=insecure).body == b"ok"
            fails(CertificateError, client.get, peer.url())
            assert client.get(peer.url(), config=insecure).body == b"ok"
            assert peer.connections == 2
        with opened(ca_file=ca_file()) as client:
            for config in (None, insecure, None, insecure):
                assert client.get(peer.url(), config=config).body == b"ok"
            assert peer.connections == 4


def test_an_insecure_call_gives_no_warning(recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Peer(serving(), tls=server_context()) as peer, opened() as client:
        for _ in range(2):
            client.get(peer.url(), config=Config(insecure_skip_verify=True))

    assert list(recwarn) == []
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


# The log


def test_urllib3_s_log_shows_no_target_and_nothing_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Peer(answering(OK, OK, b"rubbish\r\n\r\n")) as peer, opened() as client:
        url = peer.url("/hidden?token=hunter2#hunter2").replace("://", "://user:hunter2@")
        client.get(url)
        client.get(url, headers={"X-Key": "hunter2"})
        with pytest.raises(FluxHTTPError):
            client.post(url, body=b"hunter2")
        with pytest.raises(FluxHTTPError):
            client.get(url, config=Config(timeout=1e-9))

    theirs = [record for record in caplog.records if record.name.startswith("urllib3")]
    assert any('"GET / HTTP/1.1" 200' in record.getMessage() for record in theirs)
    for record in caplog.records:
        assert record.levelno == logging.DEBUG
        assert "hunter2" not in record.getMessage()
    assert not any("hidden" in record.getMessage() for record in theirs)


# Errors of the socket


@pytest.mark.parametrize(
    "raised",
    [
        OSError(errno.EIO, "Input/output error"),
        ValueError("odd"),
        OverflowError("far"),
        UnicodeError("a text"),
        urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("a.test"), "/", "odd"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_of_a_dialer_escapes_the_tree(raised: Exception) -> None:
    class Raising:
        def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
            raise raised

    with opened(dialer=Raising()) as client:
        with pytest.raises(FluxHTTPError) as caught:
            client.get("http://a.test/")

        assert caught.value.method == "GET"
        assert own(client)._used == set()


# The end


@pytest.mark.parametrize("host", ["a.test", "b.test"])
def test_a_closed_transport_refuses_a_pool_it_knows_and_one_it_does_not(host: str) -> None:
    with Peer(serving()) as peer:
        dialer = ToPeer(peer)
        with opened(dialer=dialer) as client:
            client.get("http://a.test/")
            client.transport.close()
            client.transport.close()

            error = fails(ClosedError, client.get, f"http://{host}/")

            assert str(error) == "the transport is closed"
            assert len(dialer.dialled) == 1


def test_closing_between_the_choice_of_a_pool_and_of_a_connection_is_seen() -> None:
    with Peer(serving()) as peer, contextlib.closing(direct()) as transport:
        request = Request.build("GET", peer.url())
        pool = transport._pool(request, None, insecure=False)

        transport.close()

        pool.pool = pool.QueueCls(1)  # as if it had been made just after
        fails(ClosedError, transport.send, request, config=Config(), deadline=deadline(PATIENCE))
        assert peer.connections == 0


def test_a_transport_that_is_dropped_closes_what_is_idle_and_warns_of_nothing() -> None:
    ended = threading.Event()

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        with contextlib.suppress(ConnectionError):
            serving()(sock, stopping)
        ended.set()

    with Peer(serve) as peer:
        transport = direct()
        client = Client(transport)
        assert client.get(peer.url()).body == b"ok"
        gone = weakref.ref(transport)

        # Reference counting alone does it.
        del transport, client

        assert gone() is None
        assert ended.wait(PATIENCE)


def test_an_answer_outlives_its_transport_and_closes_its_connection() -> None:
    with Peer(serving()) as peer:
        request = Request.build("GET", peer.url())
        answer = direct().send(request, config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert answer.read(10) == b"ok"
        stream = answer._stream
        answer.close()
        del answer
        gc.collect()
        assert stream.fileno() == -1


def test_an_answer_that_is_closed_after_its_pool_is_gone_closes_its_connection() -> None:
    with Peer(serving()) as peer, contextlib.closing(direct()) as transport:
        answer: Any = transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        answer._pool = None  # what urllib3 has noted in it
        transport._recent.clear()
        transport._manager.clear()
        gc.collect()

        answer.close()

        assert answer._stream.fileno() == -1


def test_an_answer_that_is_forgotten_gives_its_connection_up() -> None:
    with Peer(answering(IN_PART)) as peer, contextlib.closing(direct()) as transport:
        transport.send(Request.build("GET", peer.url()), config=Config(), deadline=deadline(PATIENCE))
        gc.collect()

        assert transport._used == set()


def test_a_finalizer_may_give_a_connection_back_while_its_thread_holds_the_locks() -> None:
    with Peer(serving()) as peer, contextlib.closing(direct()) as transport:
        request = Request.build("GET", peer.url())
        answer = transport.send(request, config=Config(), deadline=deadline(PATIENCE))
        answer.read(10)
        waiting = transport._pool(request, None, insecure=False).pool
        assert waiting is not None

        def close() -> None:
            with transport._lock, waiting.mutex:
                answer.close()

        assert Background(close).wait(1.0).error is None
        transport.send(request, config=Config(), deadline=deadline(PATIENCE)).close()
        assert peer.connections == 1


# Fork


@pytest.mark.parametrize("options", [{}, {"pool_manager": urllib3.PoolManager(maxsize=1, block=True)}])
def test_a_child_makes_connections_of_its_own_and_its_parent_s_goes_on(options: dict[str, Any]) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        while True:
            read_head(sock)
            body = b"%d" % sock.getpeername()[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with Peer(serve) as peer, opened(**options) as client:
        before = client.get(peer.url()).body

        assert in_child(lambda: client.get(peer.url()).body not in (before, b""))
        assert in_child(lambda: client.transport.close() is None)

        assert client.get(peer.url()).body == before
        assert peer.connections == 2


def test_forgetting_closes_what_was_idle_and_leaves_every_place_free() -> None:
    # What a child does, done here: a child is not measured.
    manager = urllib3.PoolManager(maxsize=1, block=True)
    with Peer(serving()) as peer, opened(pool_manager=manager) as client:
        client.get(peer.url())
        transport = own(client)
        (connection,) = transport._connections
        pool = transport._pool(Request.build("GET", peer.url()), None, insecure=False)
        transport._pool(Request.build("GET", "http://closed.test/"), None, insecure=False).close()

        _forget_all()

        assert connection.sock is None
        assert pool.pool is not None
        assert pool.pool.qsize() == 1
        assert client.get(peer.url()).body == b"ok"
