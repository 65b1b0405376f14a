"""A peer in memory: it plays scripts on a virtual clock behind the interface of a socket."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from fluxhttp import (
    Client,
    ClosedError,
    Config,
    Deadline,
    IncompleteBodyError,
    ReceiveError,
    RequestTimeoutError,
    SendError,
)
from fluxhttp.testing import FakeTransport, Script, StalledError, VirtualClock
from fluxhttp.testing.memory import MemorySocket, MemoryStream

URL = "https://api.test/x"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def playing(script: Script, *, is_secure: bool = False) -> tuple[MemorySocket, VirtualClock, list[str]]:
    clock = VirtualClock()
    notes: list[str] = []
    sock = MemorySocket(clock, notes.append, is_secure=is_secure)
    sock.play(script)
    return sock, clock, notes


def test_a_peer_answers_when_the_request_is_whole() -> None:
    sock, clock, notes = playing(Script().pause(0.5).send(OK))
    sock.settimeout(0.0)

    sock.sendall(b"POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r")
    with pytest.raises(BlockingIOError):
        sock.recv(9)
    sock.sendall(b"\nab")
    with pytest.raises(BlockingIOError):
        sock.recv(9)
    assert sock.send(memoryview(b"c")) == 1
    with pytest.raises(BlockingIOError) as caught:
        sock.recv(9)
    sock.settimeout(None)

    assert caught.value.errno == errno.EAGAIN
    assert (sock.recv(9), clock.monotonic(), sock.sent) == (b"HTTP/1.1 ", 0.5, 9)
    assert sock.received == b"POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabc"
    assert notes == [
        "< b'POST / HTTP/1.1\\r\\ncontent-LENGTH: 3\\r\\n\\r\\n'",
        f"> {OK!r}",
    ]


def test_a_peer_may_begin_after_the_head_and_read_the_rest_later() -> None:
    sock, _, _ = playing(Script(begins="head").send(b"a").receive().send(b"b"))
    sock.settimeout(0.0)
    sock.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n")

    assert sock.recv(9) == b"a"
    with pytest.raises(BlockingIOError):
        sock.recv(9)
    sock.sendall(b"x")
    assert sock.recv(9) == b"b"


def test_a_peer_may_begin_before_anything_came() -> None:
    sock, _, _ = playing(Script(begins="accept").send(b"ab"))
    buffer = bytearray(9)

    assert sock.recv_into(memoryview(buffer)) == 2
    assert buffer[:2] == b"ab"


def test_a_read_waits_no_longer_than_its_time_out() -> None:
    sock, clock, _ = playing(Script(begins="accept").pause(2).send(b"a"))
    sock.settimeout(0.5)

    with pytest.raises(TimeoutError):
        sock.recv(9)
    assert clock.monotonic() == 0.5
    sock.settimeout(1.5)
    assert (sock.recv(9), clock.monotonic()) == (b"a", 2)


@pytest.mark.parametrize(
    "script", [Script(begins="accept").stall(), Script(begins="accept").pause(float("inf")).send(b"a")]
)
def test_a_peer_that_says_nothing_more(script: Script) -> None:
    sock, clock, notes = playing(script)
    sock.settimeout(0.5)

    with pytest.raises(TimeoutError):
        sock.recv(9)
    assert (clock.monotonic(), notes) == (0.5, ["stalls"])
    sock.settimeout(None)
    with pytest.raises(StalledError):
        sock.recv(9)


def test_a_peer_that_repeats_itself() -> None:
    sock, _, notes = playing(
        Script(begins="accept").send(b"a", times=2).send(b"never", times=0).send(b"x" * 500, times=None)
    )

    assert [sock.recv(1000)[:1] for _ in range(5)] == [b"a", b"a", b"x", b"x", b"x"]
    assert notes[0] == "> b'a', 2 times"
    assert notes[-1] == f"> {b'x' * 400 + b'...'!r}, for ever"


def test_a_peer_that_closes() -> None:
    sock, _, notes = playing(Script(begins="accept").close())

    assert sock.recv(9) == b""
    assert notes == ["closes"]


def test_over_tls_a_close_without_notice_is_an_error() -> None:
    sock, _, _ = playing(Script(begins="accept").close(notify=False), is_secure=True)

    with pytest.raises(ssl.SSLEOFError):
        sock.recv(9)
    assert playing(Script(begins="accept").close(notify=False))[0].recv(9) == b""
    assert playing(Script(begins="accept").close(), is_secure=True)[0].recv(9) == b""


def test_a_peer_that_resets() -> None:
    sock, _, notes = playing(Script(begins="accept").pause(0).reset())

    with pytest.raises(ConnectionResetError):
        sock.recv(9)
    with pytest.raises(ConnectionResetError):
        sock.sendall(b"a")
    assert notes == ["reset", "reset"]


def test_this_side_may_end_it() -> None:
    sock, _, _ = playing(Script(begins="accept").send(b"a"))

    sock.close()
    sock.shutdown(socket.SHUT_RDWR)

    assert (sock.is_shut, sock.fileno(), sock.recv(9)) == (True, -1, b"")
    with pytest.raises(BrokenPipeError):
        sock.sendall(b"a")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (Script(), False),
        (Script().send(b"a"), True),
        (Script().send(b"ab"), True),
        (Script().pause(1).send(b"a"), False),
        (Script().pause(0).close(), True),
        (Script().reset(), True),
        (Script().stall(), False),
        (Script().receive(), False),
    ],
)
def test_what_came_unasked(script: Script, expected: bool) -> None:
    sock, clock, _ = playing(Script(*Script(begins="accept").send(b"xy").steps, *script.steps, begins="accept"))
    stream = MemoryStream(sock)
    stream.begin(Deadline.after(None, clock))
    assert sock.recv(1) == b"x"
    assert sock.has_input()
    assert sock.recv(1) == b"y"

    assert stream.is_idle() is not expected


def test_what_is_left_of_one_answer_comes_before_the_next() -> None:
    sock, clock, _ = playing(Script().send(b"1").pause(1).send(b"late"))
    sock.sendall(GET)
    assert sock.recv(9) == b"1"

    sock.play(Script().pause(2).send(b"2"))
    sock.settimeout(0.0)
    sock.sendall(GET)
    with pytest.raises(BlockingIOError):
        sock.recv(9)
    sock.settimeout(None)

    assert (sock.recv(9), clock.monotonic()) == (b"late", 1)
    assert (sock.recv(9), clock.monotonic()) == (b"2", 3)


def test_a_rest_that_says_nothing_is_forgotten() -> None:
    sock, clock, _ = playing(Script(begins="head").send(b"1").receive().pause(1))
    sock.sendall(GET)
    assert sock.recv(9) == b"1"
    clock.advance(10)

    sock.play(Script().pause(2).send(b"2"))
    sock.sendall(GET)

    assert (sock.recv(9), clock.monotonic()) == (b"2", 12)


# Through a client


def test_a_peer_that_stalled_once_stalls_for_the_next_request() -> None:
    fake = FakeTransport()
    fake.get(URL).play(Script().send(OK).stall()).respond(after=0.1)

    Client(fake).get(URL)

    with pytest.raises(RequestTimeoutError):
        Client(fake).get(URL, config=Config(timeout=1))


def test_a_large_body_stops_where_the_peer_answers_early() -> None:
    fake = FakeTransport()
    fake.post(URL).play(Script(begins="head").send(b"HTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n").stall())

    response = Client(fake).post(URL, body=bytes(5_000_000))

    assert response.status_code == 413
    assert len(fake.connections[0].peer.received) < 1000


def test_a_large_body_arrives_whole() -> None:
    fake = FakeTransport()
    fake.post(URL).respond(after=0.1)

    Client(fake).post(URL, body=bytes(3_000_000))

    assert fake.connections[0].peer.received.endswith(bytes(3_000_000))


def test_a_connection_tells_where_it_leads() -> None:
    fake = FakeTransport()
    fake.get("http://api.test:8080/").respond()

    Client(fake).get("http://api.test:8080/")

    connection = fake.connections[0]
    assert (connection.host, connection.port, connection.number) == ("api.test", 8080, 0)
    assert connection.calls == fake.calls


def test_closing_the_transport_ends_a_call_that_is_under_way() -> None:
    fake = FakeTransport()
    fake.get(URL).respond(chunks=[b"a", 1.0, b"b"])
    request = Client(fake).build_request("GET", URL)
    answer = fake.send(request, config=Config(), deadline=Deadline.after(None, fake.clock))

    fake.close()

    with pytest.raises(ClosedError):
        list(iter(lambda: answer.read(9), b""))
    answer.close()
    assert isinstance(fake.calls.last.error, ClosedError)


def test_the_bytes_go_through_the_real_reader() -> None:
    fake = FakeTransport()
    fake.get(URL).play(Script().send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").close())
    fake.post(URL).play(Script(begins="head").reset())

    with pytest.raises(IncompleteBodyError):
        Client(fake).get(URL)
    with pytest.raises((SendError, ReceiveError)):
        Client(fake).post(URL, body=bytes(100_000))


def test_a_transcript_tells_what_happened_on_each_connection() -> None:
    fake = FakeTransport()
    fake.transcript = []
    fake.get(URL).respond(after=0.1, body=b"ok")

    Client(fake).get(URL, headers={"User-Agent": "", "Accept-Encoding": "x"})

    assert fake.transcript == [
        "[0] < b'GET /x HTTP/1.1\\r\\nHost: api.test\\r\\nAccept-Encoding: x\\r\\n\\r\\n'",
        "[0] > b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'",
    ]
