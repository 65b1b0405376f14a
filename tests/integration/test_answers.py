"""What servers that others wrote answer to, over both transports: codings, framing, conditions, ranges, redirects."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from fluxhttp import BodyTooLargeError, Config, Deadline, Limits, Request, StatusError, TooManyRedirectsError
from fluxhttp._wire.clock import SYSTEM_CLOCK
from tests.integration.servers import CALL_SECONDS, servers
from tests.integration.site import CODED, LARGE_BYTES, PAGE, TEXT

if TYPE_CHECKING:
    from fluxhttp import Client, Headers
    from tests.integration.conftest import CountingDialer
    from tests.integration.server import Server


def received(client: Client, url: str) -> tuple[Headers, bytes]:
    """The answer to a GET as the transport gives it to the client, undecoded."""
    config = Config(timeout=CALL_SECONDS)
    request = client.build_request("GET", url)
    answer = client.transport.send(request, config=config, deadline=Deadline.after(CALL_SECONDS, SYSTEM_CLOCK))
    try:
        return answer.headers, b"".join(iter(lambda: answer.read(65_536), b""))
    finally:
        answer.close()


def raw_answer(server: Server, path: str) -> bytes:
    """The bytes of an answer, as nobody has judged them."""
    with socket.create_connection(("127.0.0.1", server.ports.plain), CALL_SECONDS) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: sock.recv(65_536), b""))


def test_what_the_server_compresses_is_decoded(client: Client, server: Server, port: str) -> None:
    url = server.url("/text.txt", port)
    headers, raw = received(client, url)
    assert headers["Content-Encoding"] == "gzip"
    assert len(raw) < len(TEXT) // 2
    assert gzip.decompress(raw) == TEXT

    response = client.get(url)

    assert response.body == TEXT
    assert response.text == TEXT.decode()
    assert "Content-Encoding" not in response.headers
    assert "Content-Length" not in response.headers


def test_a_coding_that_the_caller_asked_for_is_the_callers_affair(client: Client, server: Server) -> None:
    coded = client.get(server.url("/text.txt"), headers={"Accept-Encoding": "gzip"})
    plain = client.get(server.url("/text.txt"), headers={"Accept-Encoding": "identity"})

    assert coded.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(coded.body) == TEXT
    assert plain.body == TEXT
    assert plain.headers["Content-Length"] == str(len(TEXT))


def test_the_limit_of_a_body_counts_what_is_unpacked(client: Client, server: Server) -> None:
    limits = Limits(body=len(CODED) * 2)
    with pytest.raises(BodyTooLargeError) as caught:
        client.get(server.url("/text.txt"), config=Config(timeout=CALL_SECONDS, limits=limits))
    assert caught.value.allowed == len(CODED) * 2

    limits = Limits(body=1000, overflow="truncate")
    response = client.get(server.url("/text.txt"), config=Config(timeout=CALL_SECONDS, limits=limits))
    assert response.truncated
    assert response.body == TEXT[:1000]


def test_chunks_are_put_together(client: Client, server: Server, dialer: CountingDialer, port: str) -> None:
    for _ in range(3):
        response = client.get(server.url("/chunked", port))

        assert response.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in response.headers
        assert response.body == TEXT
    assert dialer.connections == 1


@pytest.mark.parametrize("server", servers("nginx", "haproxy"), indirect=True)
def test_fields_after_the_last_chunk_are_dropped(client: Client, server: Server, dialer: CountingDialer) -> None:
    assert raw_answer(server, "/chunked").lower().endswith(b"\r\n0\r\nx-trailer: after the last chunk\r\n\r\n")
    for _ in range(2):
        response = client.get(server.url("/chunked"))

        assert response.body == TEXT
        assert "X-Trailer" not in response.headers
    assert dialer.connections == 1


@pytest.mark.parametrize("server", servers("haproxy"), indirect=True)
def test_an_interim_answer_is_not_the_answer(client: Client, server: Server, dialer: CountingDialer) -> None:
    assert raw_answer(server, "/hinted").startswith(b"HTTP/1.1 103 Early Hints\r\nlink: ")
    for method, body in (("GET", PAGE), ("HEAD", b"")):
        response = client.do(method, server.url("/hinted"))

        assert (response.status_code, response.body) == (200, body)
        assert "Link" not in response.headers
    assert dialer.connections == 1


@pytest.mark.parametrize("server", servers("nginx", "apache", "haproxy"), indirect=True)
def test_a_body_may_end_with_its_connection(client: Client, server: Server, dialer: CountingDialer, port: str) -> None:
    for _ in range(2):
        # Over TLS only a close_notify says that this is the end.
        response = client.get(server.url("/until-close", port))

        assert "Transfer-Encoding" not in response.headers
        assert "Content-Length" not in response.headers
        assert response.body == TEXT
    assert dialer.connections == 2


def test_head_has_the_fields_of_get_and_no_body(
    client: Client, server: Server, dialer: CountingDialer, port: str
) -> None:
    for path, length in (("/large.bin", LARGE_BYTES), ("/text.txt", len(TEXT))):
        response = client.head(server.url(path, port))

        assert (response.status_code, response.body) == (200, b"")
        assert response.headers["Content-Length"] == str(length)
    assert client.head(server.url("/missing", port)).status_code == 404
    assert client.get(server.url("/folder/", port)).body == PAGE
    assert dialer.connections == 1


def test_an_answer_that_nothing_changed_has_no_body(
    client: Client, server: Server, dialer: CountingDialer, port: str
) -> None:
    url = server.url("/large.bin", port)
    known = client.head(url).headers
    for condition in (
        {"If-None-Match": known["ETag"]},
        {"If-Modified-Since": known["Last-Modified"]},
        {"If-None-Match": f'"other", {known["ETag"]}', "If-Modified-Since": known["Last-Modified"]},
    ):
        response = client.get(url, headers=condition)

        assert (response.status_code, response.body) == (304, b"")
        assert response.headers["ETag"] == known["ETag"]
        assert response.ok
    changed = client.get(server.url("/folder/", port), headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.body) == (200, PAGE)
    assert dialer.connections == 1


def test_a_range_is_what_it_is(client: Client, server: Server, dialer: CountingDialer, port: str) -> None:
    url = server.url("/text.txt", port)
    size = len(TEXT)
    for asked, start, end in (("10-19", 10, 20), (f"{size - 5}-", size - 5, size), ("-7", size - 7, size)):
        response = client.get(url, headers={"Range": f"bytes={asked}"})

        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert "Content-Encoding" not in response.headers
        assert response.body == TEXT[start:end]
    beyond = client.get(url, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    # Which may, but need not say how much there is (RFC 9110, 15.5.17).
    assert beyond.headers.get("Content-Range", f"bytes */{size}") == f"bytes */{size}"
    assert dialer.connections == 1


def test_several_ranges_are_left_as_they_came(client: Client, server: Server) -> None:
    response = client.get(server.url("/text.txt"), headers={"Range": "bytes=0-4,100-104"})

    assert response.status_code == 206
    kind, _, boundary = response.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    assert response.body.count(b"--" + boundary.encode()) == 3
    assert TEXT[:5] in response.body
    assert TEXT[100:105] in response.body


def test_a_range_of_something_coded_is_not_decoded(client: Client, server: Server) -> None:
    url = server.url("/text.txt.gz")
    assert client.get(url).body == TEXT

    response = client.get(url, headers={"Range": "bytes=10-99"})

    assert response.headers["Content-Encoding"] == "gzip"
    # A server may leave the Range unheeded, as lighttpd does where it was told of a coding.
    assert (response.status_code, response.body) in ((206, CODED[10:100]), (200, CODED))
    assert (response.status_code == 200) == (server.name == "lighttpd")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_keep_the_method_or_make_it_get(
    client: Client, server: Server, dialer: CountingDialer, port: str, status: int
) -> None:
    url = server.url(f"/move/{status}", port)

    response = client.post(url, body=b"content", headers={"Content-Type": "text/plain"})
    # One that has not read the content may close the connection.
    closed = response.history[0].headers.get("Connection", "").lower() == "close"

    assert response.body == (b"POST content" if status in (307, 308) else b"GET ")
    assert [answer.status_code for answer in response.history] == [status]
    assert str(response.url) == server.url("/echo", port)
    assert client.get(url).body == b"GET "
    assert client.get(url, config=Config(timeout=CALL_SECONDS, max_redirects=0)).status_code == status
    assert dialer.connections == (2 if closed else 1)


def test_a_folder_leads_to_itself_with_a_slash(client: Client, server: Server) -> None:
    # Of the server's own making, and relative or absolute as it likes.
    response = client.get(server.url("/folder"))

    assert response.body == PAGE
    assert [answer.status_code for answer in response.history] == [301]
    assert str(response.url) == server.url("/folder/")


def test_a_redirect_leads_from_plain_to_secure(client: Client, server: Server, dialer: CountingDialer) -> None:
    response = client.get(server.url("/away"), headers={"Authorization": "Bearer of-the-plain-origin"})

    assert str(response.url) == server.url("/who", "secure")
    assert response.request is not None
    assert "Authorization" not in response.request.headers
    assert response.body.isdigit()
    assert dialer.connections == 2


def test_a_loop_of_redirects_ends(client: Client, server: Server, dialer: CountingDialer) -> None:
    with pytest.raises(TooManyRedirectsError):
        client.get(server.url("/loop"))

    assert client.get(server.url("/folder/")).body == PAGE
    assert dialer.connections <= 2


def test_the_body_of_an_error_is_there(client: Client, server: Server, dialer: CountingDialer, port: str) -> None:
    response = client.get(server.url("/missing?what=this", port))

    assert (response.status_code, response.reason, response.ok) == (404, "Not Found", False)
    assert "404" in response.text
    with pytest.raises(StatusError):
        response.raise_for_status()
    assert client.delete(server.url("/text.txt", port)).status_code in (403, 405, 501)
    assert client.get(server.url("/folder/", port)).body == PAGE


def test_targets_arrive_as_they_were_sent(client: Client, server: Server, mark: str) -> None:
    path = f"/missing/{mark}/a%20b/%C3%A9/%c3%a9/;p=1/(x)/~"

    client.get(server.url(path), params={"tag": ["red", "blue"], "é": ["ü&="], "empty": [""]})

    target = f"{path}?empty=&tag=red&tag=blue&%C3%A9=%C3%BC%26%3D"
    assert server.wait_for(target)[0].status == 404


def test_a_request_that_is_built_can_be_sent_often(client: Client, server: Server) -> None:
    request = Request.build("POST", server.url("/echo"), json={"a": [1, None]})

    assert {client.send(request).body for _ in range(3)} == {b'POST {"a":[1,null]}'}
