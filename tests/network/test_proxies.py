"""Proxies (rules 34 to 37, decision D14): what they are told, and what becomes of a call when they fail."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import (
    Config,
    Dialer,
    InvalidConfigError,
    InvalidURLError,
    ProxyError,
    RequestTimeoutError,
    TLSError,
    __version__,
)
from fluxhttp_conformance.environment import environment
from tests.network.origins import CLOSE, Asked, Origin, answer, redirect
from tests.peers import Peer, fails, read_head, unused_port

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from fluxhttp import Deadline
    from tests.network.conftest import OpenClient

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "data/proxy_wire.json").read_text())["vectors"]

#: What is not Go's in every row: our name (D16) and our codings (D9).
OWN_FIELDS = {
    "User-Agent: Go-http-client/1.1": f"User-Agent: fluxhttp/{__version__}",
    "Accept-Encoding: gzip": "Accept-Encoding: gzip, deflate",
}


#: No name has an address.
NOBODY: dict[str, list[str]] = {}


class To:
    """A dialer that leads everything to one port of loopback, and notes where it was to go."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.dialled: list[str] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        self.dialled.append(f"{host}:{port}")
        return Dialer().dial("127.0.0.1", self._port, deadline=deadline)


def row_id(row: dict[str, Any]) -> str:
    return f"{row['url']} by {row['proxy']}".replace("/", "|")


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_a_proxy_is_told_what_go_tells_it(row: dict[str, Any], open_client: OpenClient) -> None:
    # No row differs but for OWN_FIELDS. Go takes only a 200 for a tunnel, RFC 9110, 9.3.6 any 2xx: the
    # 204 of the rows stands for a tunnel here, in which the proxy then hangs up.
    raw = []

    def serve(sock: socket.socket, _: threading.Event) -> None:
        raw.append(read_head(sock))
        sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with Peer(serve) as proxy:
        to = To(proxy.port)
        client = open_client(dialer=to, proxies=row["proxy"])
        if row["url"].startswith("https:"):
            fails(TLSError, client.do, row["method"], row["url"], headers=row["headers"])
        else:
            client.do(row["method"], row["url"], headers=row["headers"])

    expected = row["expect"]["raw"]
    for theirs, ours in OWN_FIELDS.items():
        expected = expected.replace(theirs + "\r\n", ours + "\r\n")
    assert raw == [expected.encode()]
    assert to.dialled == [row["expect"]["dialed"]]


def test_a_request_through_a_proxy_is_whole(open_client: OpenClient) -> None:
    with Origin() as proxy:
        client = open_client(proxies=proxy.url())

        client.post("http://u:p@origin.test:8080/a;b/%c3%a9?q=%zz#part", headers={"X-A": "1"}, body=b"body")

        [asked] = proxy.asked
        assert asked.head.split(b"\r\n")[0] == b"POST http://origin.test:8080/a;b/%c3%a9?q=%zz HTTP/1.1"
        assert asked.body == b"body"
        assert asked.fields["host"] == "origin.test:8080"
        assert asked.fields["authorization"] == "Basic dTpw"
        assert "proxy-authorization" not in asked.fields


def test_a_connection_to_a_proxy_serves_every_plain_origin(open_client: OpenClient) -> None:
    with Origin() as proxy:
        client = open_client(proxies=proxy.url())
        for host in ("a.test", "b.test", "a.test:8080", "c.test"):
            client.get(f"http://{host}/")

        assert proxy.connections == 1
        assert [asked.target for asked in proxy.asked] == [
            "http://a.test/",
            "http://b.test/",
            "http://a.test:8080/",
            "http://c.test/",
        ]


# Credentials


def test_a_proxys_credentials_stay_with_the_proxy(open_client: OpenClient) -> None:
    # Forwarded by one proxy, tunnelled by another, direct, and after redirects from one way to the next.
    def make(asked: Asked) -> bytes:
        return answer(b"", "302 Found", f"Location: {ways.pop(0)}") if ways else answer(asked.head)

    with Origin(make) as direct, Origin(make) as proxy:
        client = open_client(
            proxies={"http": f"http://user:s3cr3t@127.0.0.1:{proxy.port}", "no": "direct.test"},
            dialer=Dialer(resolver=lambda _: ["127.0.0.1"]),
        )
        to_direct, to_proxy = direct.url(host="direct.test"), "http://proxied.test/"
        for start in (to_direct, to_proxy):
            for way in ([], [to_direct], [to_proxy], [to_direct, to_proxy, to_direct]):
                ways = way.copy()
                client.get(start)
                assert ways == []

        assert direct.asked
        assert proxy.asked
        for asked in direct.asked:
            assert b"proxy-authorization" not in asked.head.lower()
            assert b"dXNlcjpzM2NyM3Q=" not in asked.head
        assert {asked.fields["proxy-authorization"] for asked in proxy.asked} == {"Basic dXNlcjpzM2NyM3Q="}


@pytest.mark.parametrize("userinfo", ["u%0d%0aX: 1", "u%0d%0aX:1", "u:p%0aX", "u:p%0d", "u%00:p"])
def test_a_line_end_in_a_proxys_credentials_is_refused(userinfo: str, open_client: OpenClient) -> None:
    # CVE-2026-1502: neither written nor dropped silently.
    with Peer(lambda sock, _: None) as proxy:
        url = f"http://{userinfo}@127.0.0.1:{proxy.port}"

        fails(InvalidConfigError, open_client, proxies=url)
        with environment(HTTPS_PROXY=url, HTTP_PROXY=url):
            client = open_client(trust_env=True)
        for scheme in ("http", "https"):
            if "X: 1" not in userinfo:  # with a blank it is no URL, and for Go no proxy then
                fails(ProxyError, client.get, f"{scheme}://origin.test/")
        assert proxy.connections == 0


@pytest.mark.parametrize("host", ["a.test\r\nX: 1", "a.test%0d%0aX", "a\n.test", "[::1%250d%0a]"])
def test_a_line_end_in_a_host_is_refused_before_a_proxy_sees_it(host: str, open_client: OpenClient) -> None:
    with Peer(lambda sock, _: None) as proxy:
        client = open_client(proxies=proxy.url())

        for scheme in ("http", "https"):
            fails(InvalidURLError, client.get, f"{scheme}://{host}/")
        assert proxy.connections == 0


# Refusals


def test_a_407_to_a_forwarded_request_is_an_answer(open_client: OpenClient) -> None:
    with Origin(
        lambda _: answer(b"who?", "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="x"')
    ) as p:
        client = open_client(proxies=p.url())

        response = client.get("http://origin.test/")

        assert (response.status_code, response.body) == (407, b"who?")
        assert response.headers["Proxy-Authenticate"] == 'Basic realm="x"'
        assert len(p.asked) == 1, "a challenge is not answered"


def test_a_proxy_that_cannot_be_reached_is_a_proxy_error(open_client: OpenClient) -> None:
    client = open_client(proxies=f"http://u:s3cr3t@127.0.0.1:{unused_port()}")

    for url in ("http://origin.test/", "https://origin.test/"):
        error = fails(ProxyError, client.get, url)

        assert str(error) == "the proxy cannot be reached: cannot connect: connection refused"
        assert (error.phase, error.maybe_sent) == ("proxy", False)


def test_a_proxy_without_address_is_a_proxy_error(open_client: OpenClient) -> None:
    client = open_client(proxies="http://proxy.test:3128", dialer=Dialer(resolver=NOBODY.__getitem__))

    assert str(fails(ProxyError, client.get, "https://a.test/")) == "the proxy cannot be reached: no such host"


# The choice


def test_explicit_proxies_replace_the_environments(open_client: OpenClient) -> None:
    with Origin() as theirs, Origin() as ours, environment(HTTP_PROXY=theirs.url(), NO_PROXY="origin.test"):
        open_client(trust_env=True, proxies=ours.url()).get("http://origin.test/")
        open_client(trust_env=True).get("http://another.test/")
        pinned = Dialer(resolver=lambda _: ["127.0.0.1"])
        open_client(trust_env=True, proxies={}, dialer=pinned).get(ours.url(host="direct.test"))
        open_client(trust_env=True, dialer=pinned).get(ours.url(host="origin.test"))
        open_client(dialer=pinned).get(ours.url(host="untrusting.test"))

        assert [asked.target for asked in theirs.asked] == ["http://another.test/"]
        assert [asked.target for asked in ours.asked] == ["http://origin.test/", "/", "/", "/"]


def test_the_environment_is_read_when_the_transport_is_made(open_client: OpenClient) -> None:
    with Origin() as proxy, Origin() as origin:
        with environment(HTTP_PROXY=proxy.url()):
            before = open_client(trust_env=True)
        after = open_client(trust_env=True, dialer=Dialer(resolver=lambda _: ["127.0.0.1"]))
        with environment(HTTP_PROXY="http://127.0.0.1:1"):
            before.get("http://origin.test/")
            after.get(origin.url(host="origin.test"))

        assert (len(proxy.asked), len(origin.asked)) == (1, 1)


def test_a_proxy_for_this_machine_comes_only_by_name(open_client: OpenClient) -> None:
    # Rule 35: the environment never sends loopback through a proxy; who names one for it means it.
    with Origin(lambda _: answer(b"proxy")) as proxy, Origin(lambda _: answer(b"origin")) as origin:
        with environment(HTTP_PROXY=proxy.url()):
            assert open_client(trust_env=True).get(origin.url()).body == b"origin"
        assert open_client(proxies=proxy.url()).get(origin.url()).body == b"proxy"
        assert open_client(proxies={"http": proxy.url(), "no": "127.0.0.0/8"}).get(origin.url()).body == b"origin"


def test_a_variable_of_a_cgi_request_is_no_proxy(open_client: OpenClient) -> None:
    # httpoxy, CVE-2016-1000110
    with Origin() as proxy, environment(HTTP_PROXY=proxy.url(), REQUEST_METHOD="GET"):
        error = fails(ProxyError, open_client(trust_env=True).get, "http://origin.test/")

        assert "CGI" in str(error)
        assert proxy.connections == 0


def test_redirects_choose_their_proxy_hop_by_hop(open_client: OpenClient) -> None:
    with Origin() as direct, Origin(lambda _: redirect(direct.url("/end", host="direct.test"))) as proxy:
        client = open_client(
            proxies={"http": proxy.url(), "no": "direct.test"}, dialer=Dialer(resolver=lambda _: ["127.0.0.1"])
        )

        assert client.get("http://origin.test/").body == b"ok"
        assert [asked.target for asked in proxy.asked] == ["http://origin.test/"]
        assert [asked.target for asked in direct.asked] == ["/end"]


def test_a_kept_connection_to_a_proxy_is_replaced_once_for_a_get(open_client: OpenClient) -> None:
    def make(asked: Asked) -> Iterator[object]:
        if len(proxy.asked) == 2:
            yield CLOSE
        yield answer()

    with Origin(make) as proxy:
        client = open_client(proxies=proxy.url())
        for number in range(3):
            assert client.get(f"http://host{number}.test/").body == b"ok"

        assert proxy.connections == 2
        assert [asked.target for asked in proxy.asked] == [f"http://host{number}.test/" for number in (0, 1, 1, 2)]


def test_a_time_out_while_a_proxy_is_connected_is_one_of_connecting(open_client: OpenClient) -> None:
    # Nothing of it says which address, and it is no ProxyError: the time was the caller's.
    client = open_client(proxies="http://proxy.test:3128", dialer=Dialer(resolver=lambda _: hang()))

    error = fails(RequestTimeoutError, client.get, "https://a.test/", config=Config(timeout=0.1))

    assert error.maybe_sent is False


def hang() -> list[str]:
    threading.Event().wait(0.5)
    return ["127.0.0.1"]
