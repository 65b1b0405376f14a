"""What the pages say that requests and httpx do, asked of both."""

from __future__ import annotations

import os
import pickle
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import requests

import fluxhttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def origin(answer: bytes | Callable[[bytes], bytes], *, pause: float = 0) -> Iterator[tuple[str, list[bytes]]]:
    """Answers each connection once, byte by byte if there is a pause; and the requests that came."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests_seen: list[bytes] = []

    def serve(sock: socket.socket) -> None:
        with sock:
            data = sock.recv(65536)
            requests_seen.append(data)
            content = answer if isinstance(answer, bytes) else answer(data)
            for piece in [content[i : i + 1] for i in range(len(content))] if pause else [content]:
                try:
                    sock.sendall(piece)
                except OSError:
                    return
                time.sleep(pause)

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests_seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_time_out_of_peers_does_not_end_a_drip() -> None:
    with origin(OK, pause=0.02) as (url, _):
        for get in (requests.get, httpx.get):
            began = time.monotonic()
            assert get(url, timeout=0.5).status_code == 200
            assert time.monotonic() - began > 1
        with pytest.raises(fluxhttp.RequestTimeoutError):
            fluxhttp.get(url, config=fluxhttp.Config(timeout=0.5))


def test_params_beside_a_query() -> None:
    with origin(OK) as (url, _):
        assert requests.get(f"{url}/?a=1", params={"b": "2"}).url.endswith("/?a=1&b=2")
        assert str(httpx.get(f"{url}/?a=1", params={"b": "2"}).url).endswith("/?b=2")
        assert str(httpx.get(f"{url}/?a=1", params={}).url).endswith("/")
        assert fluxhttp.get(f"{url}/?a=1", params={"b": "2"}).url.target == "/?b=2"
        assert fluxhttp.get(f"{url}/?a=1", params={}).url.target == "/?a=1"


def test_values_that_are_no_text() -> None:
    with origin(OK) as (url, _):
        assert requests.get(url, params={"a": 1, "b": None}).url.endswith("?a=1")
        assert str(httpx.get(url, params={"a": 1, "b": None}).url).endswith("?a=1&b=")
    for value in (1, None):
        with pytest.raises(fluxhttp.InvalidTypeError):
            fluxhttp.get(url, params={"a": value})  # type: ignore[dict-item]  # it is refused


def test_a_str_body() -> None:
    with origin(OK) as (url, _):
        assert requests.post(url, data="é").ok
        assert httpx.post(url, content="é").is_success
    with pytest.raises(fluxhttp.InvalidTypeError):
        fluxhttp.post(url, body="é")  # type: ignore[arg-type]  # it is refused


def test_nan_is_no_json_anywhere() -> None:
    for call, error in (
        (requests.post, requests.exceptions.InvalidJSONError),
        (httpx.post, ValueError),
        (fluxhttp.post, fluxhttp.InvalidRequestError),
    ):
        with pytest.raises(error):
            call("http://127.0.0.1:1/", json={"a": float("nan")})


@pytest.mark.parametrize(
    ("method", "theirs", "ours"), [("POST", "GET", "GET"), ("PUT", "PUT", "GET"), ("DELETE", "DELETE", "GET")]
)
def test_a_301(method: str, theirs: str, ours: str) -> None:
    def redirect(request: bytes) -> bytes:
        if b" /x " not in request:
            return b"HTTP/1.1 301 Moved\r\nConnection: close\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
        method = request.split()[0]
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(method), method)

    with origin(redirect) as (url, _):
        assert requests.request(method, url).text == theirs
        assert httpx.request(method, url, follow_redirects=True).text == theirs
        assert httpx.request(method, url).status_code == 301
        assert fluxhttp.do(method, url).text == ours
        assert requests.head(url).status_code == 301


def test_how_many_redirects() -> None:
    with origin(b"HTTP/1.1 302 R\r\nConnection: close\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") as (url, seen):
        for call, error, count in (
            (requests.get, requests.TooManyRedirects, 30),
            (httpx.Client(follow_redirects=True).get, httpx.TooManyRedirects, 20),
            (fluxhttp.get, fluxhttp.TooManyRedirectsError, 10),
        ):
            seen.clear()
            with pytest.raises(error):
                call(url)
            assert len(seen) == count + 1


def test_a_body_that_is_cut() -> None:
    with origin(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") as (url, _):
        for call, error in (
            (requests.get, requests.exceptions.ChunkedEncodingError),
            (httpx.get, httpx.RemoteProtocolError),
            (fluxhttp.get, fluxhttp.IncompleteBodyError),
        ):
            with pytest.raises(error):
                call(url)


def test_a_head_that_is_cut() -> None:
    with origin(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B") as (url, _):
        assert dict(requests.get(url).headers) == {"X-A": "1"}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url)
        with pytest.raises(fluxhttp.ReceiveError):
            fluxhttp.get(url)


def test_a_line_without_a_colon() -> None:
    with origin(b"HTTP/1.1 200 OK\r\nno colon\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok") as (url, _):
        assert dict(requests.get(url).headers) == {}
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url)
        with pytest.raises(fluxhttp.ProtocolError):
            fluxhttp.get(url)


def test_text_without_a_charset() -> None:
    body = "é".encode()
    with origin(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n" + body) as (url, _):
        assert requests.get(url).text == "Ã©"
        assert httpx.get(url).text == "é"
        assert fluxhttp.get(url).text == "é"


def test_basic_credentials_beyond_ascii() -> None:
    with origin(OK) as (url, seen):
        requests.get(url, auth=("ü", "p"))
        fluxhttp.get(url, headers={"Authorization": fluxhttp.basic_auth("ü", "p")})

        assert b"Authorization: Basic /Dpw\r\n" in seen[0]
        assert b"Authorization: Basic w7w6cA==\r\n" in seen[1]


def test_a_secret_in_the_text_of_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for call, error, is_shown in (
        (requests.get, requests.ConnectionError, True),
        (httpx.get, httpx.ConnectError, False),
        (fluxhttp.get, fluxhttp.ConnectError, False),
    ):
        with pytest.raises(error) as caught:
            call(f"http://127.0.0.1:{port}/?token=s3cret")
        assert ("s3cret" in str(caught.value)) == is_shown


def test_the_status_error_of_httpx_does_not_unpickle() -> None:
    with origin(b"HTTP/1.1 404 N\r\nContent-Length: 0\r\n\r\n") as (url, _):
        with pytest.raises(httpx.HTTPStatusError) as theirs:
            httpx.get(url).raise_for_status()
        with pytest.raises(fluxhttp.StatusError) as ours:
            fluxhttp.get(url).raise_for_status()
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(theirs.value))
    assert pickle.loads(pickle.dumps(ours.value)).status_code == 404


def test_use_after_close() -> None:
    session, theirs, ours = requests.Session(), httpx.Client(), fluxhttp.Client()
    for client in (session, theirs, ours):
        client.close()
    with origin(OK) as (url, _):
        assert session.get(url).ok
        session.close()
        with pytest.raises(RuntimeError):
            theirs.get(url)
        with pytest.raises(fluxhttp.ClosedError):
            ours.get(url)
