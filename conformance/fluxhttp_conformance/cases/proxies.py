"""Going through a proxy, or not (RFC 9110, 7.6; RFC 9112, 3.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import (
    Dialer,
    InvalidConfigError,
    InvalidURLError,
    PrivateAddressGuard,
    ProxyError,
    basic_auth,
)
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.credentials import SECRETS
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.environment import environment
from fluxhttp_conformance.lab import Lab, ok, raw
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Client
    from fluxhttp.testing import Script


def proxied(lab: Lab, userinfo: str = "", **options: Any) -> Client:
    """A client that goes through the proxy of the case."""
    host, port = lab.proxy.address
    proxy = f"http://{userinfo}{host}:{port}"
    options.setdefault("proxies", {"http": proxy, "https": proxy})
    return lab.new_client(lab.open(**options))


def not_tunnelled(lab: Lab, client: Client, script: Script, **options: Any) -> ProxyError:
    """The proxy answers CONNECT with this; the call ends there."""
    before = len(lab.proxy.requests)
    lab.proxy.play(script)
    error = lab.fails(ProxyError, client.post, "https://origin.test/p", body=b"body", **options)
    assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
    assert len(lab.proxy.requests) == before + 1
    assert lab.requests == []
    return error


@case("proxies/absolute-form", anchor="RFC 9112, 3.2.2")
def absolute_form(lab: Lab) -> None:
    """A forwarding proxy is asked for the whole URL, without userinfo and fragment; Host is the origin's."""
    client = proxied(lab)
    for url, target in (
        ("http://origin.test/p%c3%a9?b=2&a=/../x#part", "http://origin.test/p%c3%a9?b=2&a=/../x"),
        ("HTTP://User:Pass@ORIGIN.test:80", "http://origin.test/"),
        ("http://origin.test?q", "http://origin.test/?q"),
    ):
        lab.origin.play(ok(b"through"))

        response = client.get(url)

        seen = lab.proxy.requests[-1]
        assert response.body == b"through"
        assert seen.request_line == f"GET {target} HTTP/1.1"
        assert seen.values("Host") == ["origin.test"]
        assert lab.requests[-1].target == target.removeprefix("http://origin.test")
    assert lab.proxy.requests[1].values("Authorization") == [basic_auth("User", "Pass")]


@case("proxies/forwarded-as-built", anchor="seam")
def forwarded_as_built(lab: Lab) -> None:
    """But for the target, and its own credentials at the end, the proxy gets what the origin would have got."""
    client = proxied(lab, "user:pass@")
    request = client.build_request(
        "POST", "http://origin.test/p", headers=[("X-a", "1"), ("x-A", "ä")], body=b"\r\n\xff"
    )
    lab.origin.play(ok())

    client.send(request)

    head, _, body = request.to_bytes().replace(b" /p ", b" http://origin.test/p ").partition(b"\r\n\r\n")
    credentials = f"Proxy-Authorization: {basic_auth('user', 'pass')}".encode()
    assert lab.proxy.requests[0].raw == head + b"\r\n" + credentials + b"\r\n\r\n" + body


@case("proxies/credentials", anchor="RFC 9110, 11.7.2", tags=("tls", "security"))
def credentials(lab: Lab) -> None:
    """The proxy's credentials are for the proxy: no origin sees them, inside a tunnel or behind it (CVE-2024-37891)."""
    lab.url("/", host="origin.test", scheme="https")
    for userinfo, value in (
        ("user:pass@", basic_auth("user", "pass")),
        ("us%40er:p%3Aw@", basic_auth("us@er", "p:w")),
        ("user@", basic_auth("user", "")),
    ):
        client = proxied(lab, userinfo)
        for scheme in ("http", "https"):
            lab.origin.play(ok(), ok())
            client.get(f"{scheme}://origin.test/")
            client.get(f"{scheme}://origin.test/")

            assert lab.proxy.requests[-1].values("Proxy-Authorization") == [value]
    assert [seen.values("Proxy-Authorization") for seen in lab.requests] == [[]] * 12


@case("proxies/credentials-stay-with-the-proxy", anchor="RFC 9110, 11.7.2", tags=("security",))
def credentials_stay_with_the_proxy(lab: Lab) -> None:
    """A redirect to a host that is reached directly takes no Proxy-Authorization there (CVE-2023-32681)."""
    host, port = lab.proxy.address
    lab.url("/", host="origin.test")
    client = proxied(lab, proxies={"http": f"http://user:pass@{host}:{port}", "no": "other.test"})
    lab.origin.play(redirect("http://other.test/direct"), ok(b"direct"))

    response = client.get("http://origin.test/")

    assert response.body == b"direct"
    assert len(lab.proxy.requests) == 1
    assert [seen.values("Proxy-Authorization") for seen in lab.requests] == [[], []]


@case("proxies/credentials-are-not-told", kind="pinned", anchor="D19", tags=("security",))
def credentials_are_not_told(lab: Lab) -> None:
    """No error and no repr shows a proxy's credentials, nor what a bad proxy URL holds."""
    client = proxied(lab, "user:s3cr3t@")
    error = not_tunnelled(lab, client, raw("HTTP/1.1 407 Proxy Authentication Required", "Content-Length: 0"))

    assert "s3cr3t" not in f"{error} {error!r} {error.__cause__!r} {client!r} {client.transport!r}"
    assert basic_auth("user", "s3cr3t").split()[1] not in f"{error} {error!r} {error.__cause__!r}"
    for bad in (
        "http://user:s3cr3t@",
        "http://user:s3cr3t@a b:1",
        "http://s3cr3t%0d%0a@a.test",
        "http://a.test:s3cr3t",
    ):
        bad_url = lab.fails(InvalidConfigError, proxied, lab, proxies={"http": bad})
        assert "s3cr3t" not in f"{bad_url} {bad_url!r}"
    lab.still_works()


@case("proxies/credentials-on-redirects", kind="pinned", anchor="D4", tags=("security",))
def credentials_on_redirects(lab: Lab) -> None:
    """That one proxy leads to both origins changes nothing about what may go to the second (CVE-2026-44431)."""
    lab.url("/", host="origin.test")
    client = proxied(lab)
    lab.origin.play(redirect("/b"), redirect("http://other.test/"), ok())

    client.get("http://origin.test/", headers=SECRETS)

    names = [[name for name, _ in seen.pairs if name.lower() in ("authorization", "cookie")] for seen in lab.requests]
    assert names == [[name for name, _ in SECRETS]] * 2 + [[]]


@case("proxies/each-hop", anchor="RFC 9110, 15.4", tags=("tls",))
def each_hop(lab: Lab) -> None:
    """Every hop of a redirect goes through the proxy, forwarded or in a tunnel as its scheme has it."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab)
    lab.origin.play(redirect("http://other.test/b"), redirect("https://origin.test/c"), redirect("/d"), ok(b"end"))

    assert client.get("http://origin.test/a").body == b"end"

    lines = [seen.request_line for seen in lab.proxy.requests]
    assert lines == [
        "GET http://origin.test/a HTTP/1.1",
        "GET http://other.test/b HTTP/1.1",
        "CONNECT origin.test:443 HTTP/1.1",
    ]
    assert [seen.target for seen in lab.requests] == ["/a", "/b", "/c", "/d"]


@case("proxies/credentials-wanted", kind="pinned", anchor="RFC 9110, 15.5.8", tags=("tls",))
def credentials_wanted(lab: Lab) -> None:
    """A 407 to CONNECT comes instead of a tunnel: an error. One to a forwarded request is an answer like any other."""
    client = proxied(lab)
    wanted = ("HTTP/1.1 407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="x"')
    error = not_tunnelled(lab, client, raw(*wanted, "Content-Length: 2", body=b"no"))
    assert "407" in str(error)

    lab.proxy.play(raw(*wanted, "Content-Length: 2", body=b"no"))
    response = client.get("http://origin.test/")
    assert (response.status_code, response.body) == (407, b"no")
    assert response.headers["Proxy-Authenticate"] == 'Basic realm="x"'
    assert len(lab.proxy.requests) == 2
    lab.still_works()


@case("proxies/unreachable", anchor="seam", tags=("tls",))
def unreachable(lab: Lab) -> None:
    """A proxy that cannot be reached is a failure of the proxy, whichever way it would have been used."""
    address = lab.proxy.url("")
    lab.proxy.close()
    client = lab.new_client(lab.open(proxies=address))
    for url in ("http://origin.test/", "https://origin.test/"):
        error = lab.fails(ProxyError, client.post, url, body=b"body")

        assert (error.phase, error.maybe_sent, error.retryable) == ("proxy", False, True)
    lab.still_works()


@case("proxies/other-schemes", anchor="seam", kind="pinned", tags=("security",))
def other_schemes(lab: Lab) -> None:
    """Proxies of other kinds are refused by name when they are needed: nothing goes direct instead, or in the clear."""
    for scheme in ("socks5", "socks5h", "https"):
        client = proxied(lab, proxies=f"{scheme}://user:pass@{lab.proxy.address[0]}:{lab.proxy.address[1]}")
        for url in (lab.url("/"), "https://origin.test/"):
            error = lab.fails(ProxyError, client.get, url)

            assert "unsupported proxy scheme" in str(error)
            assert error.maybe_sent is False
    lab.saw_nothing()


@case("proxies/nothing-is-injected", anchor="RFC 9110, 9.3.6", tags=("security",))
def nothing_is_injected(lab: Lab) -> None:
    """No line end gets into CONNECT or its credentials (CVE-2026-1502)."""
    client = proxied(lab)
    for host in ("origin.test\r\nX: 1", "origin.test%0d%0aX:1", "a\nb.test", "a b.test"):
        lab.fails(InvalidURLError, client.get, f"https://{host}/")
    for userinfo in ("us%0d%0aer@", "user:pass%0aX@", "a\r\nb:c@", "%00@"):
        lab.fails(InvalidConfigError, proxied, lab, userinfo)
    lab.saw_nothing()


@case("proxies/exceptions", kind="pinned", anchor="D14")
def exceptions(lab: Lab) -> None:
    """Hosts that are named go direct, with their subdomains, in any case; others that only look alike do not."""
    lab.dialer.routes[8080] = lab.origin.address
    lab.url("/", host="origin.test")
    no = "Direct.test, .sub.test,*.star.test,only.test:8080,10.0.0.0/8,2001:db8::1, 192.0.2.7:80"
    client = proxied(lab, proxies={"http": lab.proxy.url(""), "no": no})
    for host, is_direct in (
        ("direct.test", True),
        ("a.DIRECT.test", True),
        ("direct.test:8080", True),
        ("indirect.test", False),
        ("direct.test.evil.test", False),
        ("sub.test", False),
        ("a.sub.test", True),
        ("star.test", False),
        ("a.star.test", True),
        ("only.test:8080", True),
        ("only.test", False),
        ("10.9.8.7", True),
        ("11.0.0.1", False),
        ("[2001:db8::1]", True),
        ("[::1%25.star.test]", False),
        ("192.0.2.7", True),
        ("192.0.2.7:8080", False),
    ):
        before = len(lab.proxy.requests)
        lab.origin.play(ok())

        client.get(f"http://{host}/")

        assert (len(lab.proxy.requests) == before) is is_direct, host


@case("proxies/one-scheme-only", kind="pinned", anchor="D14", tags=("tls",))
def one_scheme_only(lab: Lab) -> None:
    """A proxy for one scheme is none for the other."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab, proxies={"https": lab.proxy.url("")})
    lab.origin.play(ok(), ok())

    client.get("http://origin.test/")
    assert lab.proxy.requests == []
    client.get("https://origin.test/")
    assert lab.proxy.tunnels == ["origin.test:443"]


@case("proxies/environment", kind="pinned", anchor="D14", tags=("security",))
def from_the_environment(lab: Lab) -> None:
    """The environment's proxies count when the transport is made, unless others are given or it is not trusted."""
    if "trust_env" not in lab.target.keywords:
        raise NotApplicable(f"{lab.target.name} takes no trust_env")
    lab.url("/", host="origin.test")
    proxy = lab.proxy.url("")
    with environment(HTTP_PROXY=proxy, NO_PROXY="direct.test"):
        trusting = lab.new_client(lab.open(trust_env=True))
        doubting = lab.new_client(lab.open(trust_env=False))
        with_own = lab.new_client(lab.open(trust_env=True, proxies={}))
        ways = [_is_proxied(lab, client, "http://origin.test/") for client in (trusting, doubting, with_own)]
        assert ways == [True, False, False]
        assert not _is_proxied(lab, trusting, "http://direct.test/")
        # Loopback is never meant (Go's rule), and by address it is the origin itself.
        assert not _is_proxied(lab, trusting, lab.url("/"))
        assert not _is_proxied(lab, trusting, "http://localhost/")
    assert _is_proxied(lab, trusting, "http://origin.test/")

    with environment(http_proxy=proxy.removeprefix("http://"), all_proxy=proxy):
        assert _is_proxied(lab, lab.new_client(lab.open(trust_env=True)), "http://origin.test/")
    with environment(ALL_PROXY=proxy, HTTPS_PROXY=proxy):
        assert not _is_proxied(lab, lab.new_client(lab.open(trust_env=True)), "http://origin.test/")


def _is_proxied(lab: Lab, client: Client, url: str) -> bool:
    before = len(lab.proxy.requests)
    lab.origin.play(ok())
    client.get(url)
    return len(lab.proxy.requests) > before


@case("proxies/cgi", kind="pinned", anchor="D14", tags=("security",))
def cgi(lab: Lab) -> None:
    """In a CGI program HTTP_PROXY is the header Proxy of whoever made the request (CVE-2016-1000110)."""
    if "trust_env" not in lab.target.keywords:
        raise NotApplicable(f"{lab.target.name} takes no trust_env")
    url = lab.url("/", host="origin.test")
    for name in ("HTTP_PROXY", "http_proxy"):
        with environment(**{name: lab.proxy.url(""), "REQUEST_METHOD": "GET"}):
            client = lab.new_client(lab.open(trust_env=True))
        error = lab.fails(ProxyError, client.get, url)
        assert error.maybe_sent is False
    lab.saw_nothing()


@case("proxies/guard", kind="pinned", anchor="D13", tags=("security",))
def guard(lab: Lab) -> None:
    """A proxy looks names up itself, past the guard: it is refused, unless the caller says that it guards, too."""
    address = lab.proxy.address[0]
    permitting = PrivateAddressGuard(allow=[f"{address}/32"])
    for dialer in (Dialer(guard=permitting), Dialer(guard=PrivateAddressGuard(), allow_proxy=True)):
        client = proxied(lab, dialer=dialer)
        for url in ("http://origin.test/", "https://origin.test/"):
            error = lab.fails(ProxyError, client.get, url)
            assert (error.phase, error.maybe_sent) == ("proxy", False)
    assert lab.proxy.connections == 0

    lab.origin.play(ok(b"through"))
    client = proxied(lab, dialer=Dialer(guard=permitting, allow_proxy=True))
    assert client.get("http://origin.test/").body == b"through"
    assert lab.proxy.connections == 1
