"""A server that goes away in mid-traffic, and comes back: what is sent again, and what never is (decision D12)."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fluxhttp import ReceiveError, Response, TransportError
from tests.integration.programs import eventually
from tests.integration.server import unread_bytes

if TYPE_CHECKING:
    from fluxhttp import Client
    from tests.integration.conftest import CountingDialer
    from tests.integration.server import Server

RELOADS = 3
#: Answers that each kind of traffic gets before and after a reload.
ANSWERS = 10


def die_with_a_request(
    client: Client,
    server: Server,
    dialer: CountingDialer,
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """Makes a call over a connection that was used before, and ends the server while the request waits in it."""
    port = client.build_request("GET", url).url.port
    assert client.get(url.partition("?")[0]).status_code == 200
    server.program.pause()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(client.do, method, url, headers=headers, body=b"" if method in ("GET", "HEAD") else b"x")
        try:
            eventually(lambda: unread_bytes(port) or call.done(), "the request has not arrived")
            assert not call.done()
        finally:
            # A worker may be gone before the listener is: who dials in between is reset once more.
            dialer.may_dial.clear()
            server.program.kill()
            server.start()
            dialer.may_dial.set()
        return call.result()


@pytest.mark.parametrize(("method", "port"), [("GET", "plain"), ("HEAD", "secure")])
def test_a_get_survives_the_end_of_its_server(
    client: Client, mortal_server: Server, dialer: CountingDialer, mark: str, method: str, port: str
) -> None:
    target = f"/echo?{mark}"

    response = die_with_a_request(client, mortal_server, dialer, method, mortal_server.url(target, port))

    assert response.status_code == 200
    assert dialer.connections == 2
    assert len(mortal_server.wait_for(target)) == 1


@pytest.mark.parametrize(("method", "port"), [("POST", "plain"), ("POST", "secure"), ("PUT", "plain")])
def test_nothing_else_is_sent_again(
    client: Client, mortal_server: Server, dialer: CountingDialer, mark: str, method: str, port: str
) -> None:
    with pytest.raises(ReceiveError) as caught:
        die_with_a_request(client, mortal_server, dialer, method, mortal_server.url(f"/echo?{mark}", port))

    assert type(caught.value) is ReceiveError
    assert (caught.value.phase, caught.value.maybe_sent) == ("head", True)
    assert caught.value.retryable == (method != "POST")
    assert client.post(mortal_server.url(f"/echo?after-{mark}", port), body=b"x").body == b"POST x"
    mortal_server.wait_for(f"/echo?after-{mark}")
    assert mortal_server.count(method)[f"/echo?{mark}"] == 0
    assert dialer.connections == 2


def test_an_idempotency_key_makes_a_post_one_that_may_be_sent_again(
    client: Client, mortal_server: Server, dialer: CountingDialer, mark: str
) -> None:
    target = f"/echo?{mark}"

    response = die_with_a_request(
        client, mortal_server, dialer, "POST", mortal_server.url(target), {"Idempotency-Key": mark}
    )

    assert response.body == b"POST x"
    assert len(mortal_server.wait_for(target)) == 1


def test_a_restart_between_two_calls_is_not_noticed(
    client: Client, mortal_server: Server, dialer: CountingDialer, mark: str, port: str
) -> None:
    with ThreadPoolExecutor(4) as threads:
        # Several connections that are kept, all of them dead afterwards.
        answers = threads.map(lambda _: client.get(mortal_server.url("/chunked", port)), range(8))
        assert {response.status_code for response in answers} == {200}
    before = dialer.connections

    mortal_server.stop()
    mortal_server.start()
    response = client.post(mortal_server.url(f"/echo?{mark}", port), body=b"x")

    assert response.body == b"POST x"
    assert dialer.connections == before + 1
    assert len(mortal_server.wait_for(f"/echo?{mark}")) == 1


class Traffic:
    """Calls of one kind, one after the other in a thread, until they are to stop.

    Attributes:
        answered: how many calls had an answer.
        results: what came of each target: its answer's status, or an error.
    """

    def __init__(self, client: Client, method: str, url: str) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="traffic")
        self.answered = 0
        self.results: dict[str, int | TransportError] = {}
        self._thread.start()

    def _work(self) -> None:
        body = b"x" if self._method == "POST" else b""
        for number in itertools.count():
            if self._stop.is_set():
                return
            request = self._client.build_request(self._method, f"{self._url}-{number}", body=body)
            try:
                self.results[request.url.target] = self._client.send(request).status_code
                self.answered += 1
            except TransportError as error:
                self.results[request.url.target] = error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive(), "a call hangs"


def test_traffic_goes_on_while_workers_are_replaced(
    client: Client, mortal_server: Server, dialer: CountingDialer, mark: str
) -> None:
    gets = [Traffic(client, "GET", mortal_server.url(f"/folder/?{mark}-{kind}", "secure")) for kind in "abcd"]
    posts = [Traffic(client, "POST", mortal_server.url(f"/echo?{mark}-{kind}")) for kind in "ef"]
    try:
        for _ in range(RELOADS):
            wait_for_answers(gets + posts)
            wanted = dialer.connections + 1
            mortal_server.reload()
            wait_for_connections(dialer, wanted)
        wait_for_answers(gets + posts)
    finally:
        for traffic in gets + posts:
            traffic.stop()

    for traffic in gets:
        # Those that a worker closed under were sent again.
        assert {str(result) for result in traffic.results.values()} == {"200"}
    for traffic in posts:
        check_posts(traffic, mortal_server)


def wait_for_answers(traffics: list[Traffic]) -> None:
    wanted = [traffic.answered + ANSWERS for traffic in traffics]
    eventually(lambda: all(traffic.answered >= most for traffic, most in zip(traffics, wanted, strict=True)))


def wait_for_connections(dialer: CountingDialer, wanted: int) -> None:
    eventually(lambda: dialer.connections >= wanted, "no connection was closed by an old worker")


def check_posts(traffic: Traffic, server: Server) -> None:
    """Each POST arrived once if it was answered, and at most once in any case."""
    answered = {target for target, result in traffic.results.items() if not isinstance(result, TransportError)}
    eventually(lambda: answered <= server.count("POST").keys(), "an answered POST is not in the log")
    count = server.count("POST")
    for target, result in traffic.results.items():
        assert count[target] <= 1
        if isinstance(result, TransportError):
            assert result.maybe_sent
        else:
            assert result == 200
