"""CONNECT: a way through a proxy to an https origin (RFC 9110, 9.3.6)."""

from __future__ import annotations

from fluxhttp import CertificateError, ProxyError, __version__
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.proxies import not_tunnelled, proxied
from fluxhttp_conformance.lab import Lab, ok, raw

TUNNEL = raw("HTTP/1.1 200 Connection established")


@case("tunnels/connect", anchor="RFC 9110, 9.3.6", tags=("tls",))
def connect(lab: Lab) -> None:
    """For https the proxy is asked for a way to host and port, and sees nothing of what goes through it."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab)
    lab.origin.play(ok(b"inside"))

    response = client.post("https://origin.test/p?s3cr3t", headers={"X-A": "s3cr3t"}, body=b"s3cr3t")

    assert response.body == b"inside"
    [asked] = lab.proxy.requests
    assert asked.request_line == "CONNECT origin.test:443 HTTP/1.1"
    assert asked.pairs == [("Host", "origin.test:443"), ("User-Agent", f"fluxhttp/{__version__}")]
    assert lab.requests[0].request_line == "POST /p?s3cr3t HTTP/1.1"
    assert lab.requests[0].values("Host") == ["origin.test"]
    assert lab.handshakes[0].server_name == "origin.test"
    assert b"s3cr3t" not in asked.raw


@case("tunnels/addresses-and-ports", anchor="RFC 9112, 3.2.3", tags=("tls",))
def connect_to_addresses_and_ports(lab: Lab) -> None:
    """The authority-form has a port always, and IPv6 in brackets without its zone."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab)
    for host, asked in (
        ("origin.test:8443", "origin.test:8443"),
        ("ORIGIN.test:80", "origin.test:80"),
        ("[::1]", "[::1]:443"),
        ("[fe80::1%25eth0]:444", "[fe80::1]:444"),
        ("bücher.test", "xn--bcher-kva.test:443"),
    ):
        lab.proxy.play(raw("HTTP/1.1 403 Forbidden", "Content-Length: 0"))

        lab.fails(ProxyError, client.get, f"https://{host}/")

        assert lab.proxy.requests[-1].target == asked
        assert lab.proxy.requests[-1].values("Host") == [asked]
    lab.still_works()


@case("tunnels/one-an-origin", anchor="RFC 9110, 9.3.6", tags=("tls", "security"))
def tunnels_apart(lab: Lab) -> None:
    """A tunnel leads to one origin: used again for it, and for no other."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab)
    for host in ("origin.test", "other.test", "origin.test", "other.test"):
        lab.origin.play(ok())
        client.get(f"https://{host}/")

    assert lab.proxy.tunnels == ["origin.test:443", "other.test:443"]
    assert [seen.values("Host") for seen in lab.requests] == [["origin.test"], ["other.test"]] * 2


@case("tunnels/certificate-inside", anchor="RFC 9110, 4.3.4", tags=("tls", "security"))
def certificate_inside_the_tunnel(lab: Lab) -> None:
    """Through a tunnel the origin proves itself as it does without: a proxy is no reason to believe anybody."""
    lab.url("/", host="origin.test", scheme="https")
    client = proxied(lab)

    error = lab.fails(CertificateError, client.get, "https://evil.test/")

    assert (error.phase, error.maybe_sent) == ("tls", False)
    assert lab.requests == []
    lab.still_works()


@case("tunnels/refused", anchor="RFC 9110, 9.3.6", tags=("tls", "security"))
def refused_tunnels(lab: Lab) -> None:
    """A proxy's answer to CONNECT is not the origin's: whatever it says, and wherever it points, it is a failure."""
    client = proxied(lab)
    for line in ("301 Moved", "302 Found", "400 Bad Request", "403 Forbidden", "502 Bad Gateway", "503 Busy"):
        script = raw(
            f"HTTP/1.1 {line}", "Location: http://evil.test/", "Set-Cookie: a=1", "Content-Length: 4", body=b"evil"
        )
        error = not_tunnelled(lab, client, script)

        assert line[:3] in str(error)
        assert "evil" not in str(error)
    lab.still_works()


@case("tunnels/broken-connect", anchor="RFC 9110, 9.3.6", tags=("tls", "security"))
def broken_connect(lab: Lab) -> None:
    """A proxy that goes away, or speaks no HTTP, while the tunnel is made is a failure of the proxy."""
    client = proxied(lab)
    for script in (
        Script().close(),
        Script().reset(),
        Script().send(b"HTTP/1.1 200 Conn").close(),
        Script().send(b"HTTP/1.1 200 OK\r\nX: 1\r\n").close(),
        Script().send(b"HTTP/1.1 200 OK\r\nX: 1\r\n").reset(),
        Script().send(b"\x05\x00\x00\x01").close(),
        Script().send(b"220 smtp.test ESMTP\r\n").close(),
        raw("HTTP/1.1 2000 OK"),
        raw("HTTP/1.1 200 OK", "no field"),
        raw("HTTP/1.1 101 Switching Protocols"),
    ):
        error = not_tunnelled(lab, client, script)

        assert error.__cause__ is not None
    lab.still_works()


@case("tunnels/bytes-in-front", anchor="RFC 9110, 9.3.6", tags=("tls", "security"))
def bytes_before_the_tunnel(lab: Lab) -> None:
    """What follows the head of the answer to CONNECT would be taken for the origin's, which has not spoken yet."""
    client = proxied(lab)
    for surplus in (b"X", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\x16\x03\x03\x00\x01\x00"):
        not_tunnelled(lab, client, raw("HTTP/1.1 200 OK", "Content-Length: 4", body=surplus))
    lab.still_works()


@case("tunnels/endless-head", kind="pinned", anchor="D10", tags=("tls", "security"))
def endless_head(lab: Lab) -> None:
    """The proxy's head is held to the limits as well: a line that never ends, fields for ever, interim answers."""
    client = proxied(lab)
    for start, more in (
        (b"HTTP/1.1 200 ", b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n" * 100),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    ):
        not_tunnelled(lab, client, Script().send(start).send(more, times=None))
    lab.still_works()


@case("tunnels/time", kind="pinned", anchor="D11", tags=("tls",))
def time_through_a_proxy(lab: Lab) -> None:
    """The deadline covers the tunnel: a proxy that stalls or drips ends the call in time."""
    client = proxied(lab)
    for script in (Script().stall(), TUNNEL.dribbled(pause=0.02)):
        lab.proxy.play(script)

        error = lab.times_out(0.15, "proxy", client.get, "https://origin.test/")

        assert (error.maybe_sent, error.retryable) == (False, True)
    lab.still_works()
