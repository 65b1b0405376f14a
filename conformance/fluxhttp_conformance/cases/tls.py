"""TLS: whom to believe, and what to do when it breaks (RFC 9110, 4.2.2 and 4.3.4)."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING

from fluxhttp import CertificateError, Config, IncompleteBodyError, ProtocolError, ReceiveError, TLSError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.certificates import Authority, authority, stranger
from fluxhttp_conformance.environment import caught_warnings, environment
from fluxhttp_conformance.lab import Lab, chunked, ok, raw

if TYPE_CHECKING:
    from typing import Any

INSECURE = Config(timeout=5.0, insecure_skip_verify=True)
#: The alert handshake_failure, as a record (RFC 8446, 5.1 and 6).
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


def _tls_url(lab: Lab) -> str:
    """The plain origin's URL as an https one."""
    assert lab.secure.scheme == "https"
    return lab.origin.url("/").replace("http:", "https:")


def _not_believed(lab: Lab, url: str, client: Any = None, **options: Any) -> None:
    """The call ends because of the certificate, before a byte of the request was sent."""
    error = lab.fails(CertificateError, (client or lab.client).get, url, **options)
    assert (error.phase, error.maybe_sent, error.retryable) == ("tls", False, True)
    assert lab.requests == []


@case("tls/trusted", anchor="RFC 9110, 4.3.3", level="semantic", tags=("tls",))
def trusted(lab: Lab) -> None:
    """A certificate of an authority that is trusted, for the name or address asked for, is believed."""
    hosts = (None, "origin.test", "ORIGIN.test", "www.origin.test", "origin.test.")
    for url in [lab.url("/p", host=host, scheme="https") for host in hosts]:
        lab.origin.play(ok(b"secret"))

        response = lab.client.get(url)

        assert (response.status_code, response.body) == (200, b"secret")
    assert lab.secure.connections == 4


@case("tls/untrusted", anchor="RFC 9110, 4.3.4", level="semantic", tags=("tls", "security"))
def untrusted(lab: Lab) -> None:
    """A certificate of an authority that is not trusted could be anybody's."""
    client = lab.new_client(lab.open(ca_file=stranger().ca_file))

    _not_believed(lab, lab.secure.url("/"), client)
    lab.still_works()


@case("tls/wrong-host", anchor="RFC 9110, 4.3.4", level="semantic", tags=("tls", "security"))
def wrong_host(lab: Lab) -> None:
    """A certificate for another host proves who that host is, and nothing else; a wildcard stands for one label."""
    hosts = ("evil.test", "origin.test.evil.test", "a.b.origin.test", "xorigin.test", "test", "127.0.0.2", "[::1]")
    for url in [lab.url("/", host=host, scheme="https") for host in hosts]:
        _not_believed(lab, url)
    lab.still_works()


@case("tls/common-name-is-no-name", anchor="RFC 9110, 4.3.4", tags=("tls", "security"))
def common_name_is_no_name(lab: Lab) -> None:
    """What stands in a certificate's subject is a label for people: only its alternative names are names."""
    named_elsewhere = Authority("192.0.2.1", common_name="origin.test")
    url = lab.url("/", host="origin.test")
    lab.start(tls=named_elsewhere.server_context(), port=443)
    client = lab.new_client(lab.open(ca_file=named_elsewhere.ca_file))

    _not_believed(lab, url.replace("http:", "https:"), client)
    lab.still_works()


@case("tls/own-authorities-only", anchor="RFC 9110, 4.3.4", level="semantic", tags=("tls", "security"))
def own_authorities_only(lab: Lab) -> None:
    """Whoever names an authority trusts no other, neither the system's nor the environment's (CVE-2019-11324)."""
    url = lab.secure.url("/")
    trusted_by_others = authority().ca_file
    with environment(
        SSL_CERT_FILE=trusted_by_others, REQUESTS_CA_BUNDLE=trusted_by_others, CURL_CA_BUNDLE=trusted_by_others
    ):
        _not_believed(lab, url, lab.new_client(lab.open(ca_file=stranger().ca_file)))
    lab.still_works()


@case("tls/insecure", anchor="seam", level="semantic", tags=("tls",))
def insecure(lab: Lab) -> None:
    """``insecure_skip_verify`` believes any certificate for any name, for one call, and still says the name."""
    client = lab.new_client(lab.open(ca_file=stranger().ca_file))
    for url in (lab.secure.url("/"), lab.url("/", host="evil.test", scheme="https")):
        lab.origin.play(ok(b"anybody"))

        assert client.get(url, config=INSECURE).body == b"anybody"

    assert [shake.server_name for shake in lab.handshakes] == [None, "evil.test"]
    assert {shake.version for shake in lab.handshakes} <= {"TLSv1.2", "TLSv1.3"}


@case("tls/insecure-is-not-shared", anchor="seam", tags=("tls", "security"))
def insecure_is_not_shared(lab: Lab) -> None:
    """A connection that was not verified serves no call that wants it verified (CVE-2024-35195), nor the other way."""
    doubting = lab.new_client(lab.open(ca_file=stranger().ca_file))
    url = lab.secure.url("/")
    lab.origin.play(ok())
    doubting.get(url, config=INSECURE)
    lab.fails(CertificateError, doubting.get, url)

    lab.origin.play(ok(), ok(), ok(), ok())
    before = lab.secure.connections
    for config in (None, INSECURE, None, INSECURE):
        lab.client.get(url, config=config)
    assert lab.secure.connections == before + 2
    assert lab.requests[-1].connection == lab.requests[-3].connection != lab.requests[-2].connection


@case("tls/insecure-is-of-one-call", anchor="seam", level="semantic", tags=("tls", "security"))
def insecure_is_of_one_call(lab: Lab) -> None:
    """An insecure call changes nothing outside of it: no other client, no later call, no filter of warnings."""
    url = lab.secure.url("/")
    first, second = (lab.new_client(lab.open(ca_file=stranger().ca_file)) for _ in range(2))
    lab.origin.play(raw("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"))
    with caught_warnings() as caught:
        filters = list(warnings.filters)
        first.get(url, config=INSECURE)
        assert warnings.filters == filters

    for client in (first, second):
        lab.fails(CertificateError, client.get, url)
    assert not [warning for warning in caught if "verif" in str(warning.message).lower()]
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED
    lab.still_works()


@case("tls/used-again", anchor="RFC 9112, 9.3", level="semantic", tags=("tls",))
def used_again(lab: Lab) -> None:
    """A TLS connection serves one request after the other, with one handshake."""
    url = lab.secure.url("/")
    for body in (b"a", b"b" * 100_000, b"", b"c" * 16_384):
        lab.origin.play(ok(body))

        assert lab.client.post(url, body=body).body == body
    assert [seen.body for seen in lab.requests] == [b"a", b"b" * 100_000, b"", b"c" * 16_384]
    assert len(lab.handshakes) == 1


@case("tls/plain-and-secure-apart", anchor="RFC 9110, 4.3.3", tags=("tls", "security"))
def plain_and_secure_apart(lab: Lab) -> None:
    """What is meant for https never goes out on a plain connection, though host and port be the same."""
    url = _tls_url(lab)
    lab.still_works()

    lab.times_out(0.1, "tls", lab.client.get, url)

    assert len(lab.requests) == 1
    lab.still_works()


@case("tls/server-name", anchor="RFC 9110, 4.2.2", kind="pinned", tags=("tls",))
def server_name(lab: Lab) -> None:
    """The name goes out in lower case and without a trailing dot (RFC 6066, 3); an address is no name."""
    for url in [lab.url("/", host=host, scheme="https") for host in ("origin.test", "WWW.origin.test.", None)]:
        lab.origin.play(ok())
        lab.client.get(url)

    assert [shake.server_name for shake in lab.handshakes] == ["origin.test", "www.origin.test", None]
    assert [seen.values("Host")[0] for seen in lab.requests[:2]] == ["origin.test", "www.origin.test."]


@case("tls/name-of-the-url", anchor="RFC 9110, 4.3.4", tags=("tls", "security"))
def name_of_the_url(lab: Lab) -> None:
    """The certificate must be for the host of the URL; a Host of the caller's says nothing about whom to believe."""
    lab.origin.play(ok())
    url = lab.url("/", host="origin.test", scheme="https")

    lab.client.get(url, headers={"Host": "evil.test"})
    error = lab.fails(
        CertificateError, lab.client.get, url.replace("origin.test", "evil.test"), headers={"Host": "origin.test"}
    )

    assert (error.phase, error.maybe_sent) == ("tls", False)
    assert [shake.server_name for shake in lab.handshakes] == ["origin.test"]


@case("tls/no-other-protocol", anchor="RFC 9110, 4.2.2", kind="pinned", tags=("tls",))
def no_other_protocol(lab: Lab) -> None:
    """HTTP/1.1 is all that is spoken, so no ALPN is offered: an h2 answer would be garbage."""
    url = lab.secure.url("/")
    for config in (None, INSECURE):
        lab.origin.play(ok())
        lab.client.get(url, config=config)

    assert [shake.protocol for shake in lab.handshakes] == [None, None]


@case("tls/old-versions", anchor="RFC 8996, 5", tags=("tls", "security"))
def old_versions(lab: Lab) -> None:
    """TLS 1.1 is broken: it is refused, even where no certificate is looked at."""
    context = authority().server_context()
    with caught_warnings():
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    old = lab.start(tls=context)
    assert lab.secure.scheme == "https"

    for config in (None, INSECURE):
        error = lab.fails(TLSError, lab.client.get, old.url("/"), config=config)
        assert (error.phase, error.maybe_sent) == ("tls", False)
    assert lab.requests == []
    lab.still_works()


@case("tls/plain-answer", anchor="RFC 9110, 4.2.2", tags=("tls", "security"))
def plain_answer(lab: Lab) -> None:
    """What comes in plain text before the handshake is no answer, whatever it says (CVE-2023-40217)."""
    url = _tls_url(lab)
    bad_request = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"
    for text in (bad_request, bad_request * 1000, b"SSH-2.0-x\r\n"):
        lab.origin.play(Script(begins="accept").send(text).close())

        error = lab.fails(TLSError, lab.client.get, url)

        assert (error.phase, error.maybe_sent) == ("tls", False)
    lab.still_works()


@case("tls/plain-request", anchor="RFC 9110, 4.2.1", tags=("tls",))
def plain_request(lab: Lab) -> None:
    """A peer that answers a plain request with a TLS alert, or hangs up, has not answered."""
    lab.origin.play(Script().send(ALERT).close())
    lab.fails(ProtocolError, lab.get)

    lab.origin.play(Script().close())
    lab.fails(ReceiveError, lab.get)
    lab.still_works()


@case("tls/broken-handshake", anchor="seam", tags=("tls",))
def broken_handshake(lab: Lab) -> None:
    """A handshake that the peer ends, however and wherever, is a failure of TLS; nothing of the request was sent."""
    url = _tls_url(lab)
    hello = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + b"\x00" * 32
    for script in (
        Script().close(),
        # Not so soon that it is the connect that fails.
        Script().pause(0.05).reset(),
        Script().send(ALERT).close(),
        Script().send(b"\x16").close(),
        Script().send(hello).close(),
        Script().pause(0.05).send(hello).reset(),
        Script().send(b"\x16\x03\x03\x40\x01" + b"\x00" * 20_000).close(),
        Script().send(b"\x17\x03\x03\x00\x05hello").close(),
    ):
        for method in ("GET", "POST"):
            lab.origin.play(Script(*script.steps, begins="accept"))

            error = lab.fails(TLSError, lab.client.do, method, url, body=b"body")

            assert (error.phase, error.maybe_sent, error.retryable) == ("tls", False, True)
    assert lab.requests == []
    lab.still_works()


@case("tls/stalled-handshake", kind="pinned", anchor="D11", tags=("tls",))
def stalled_handshake(lab: Lab) -> None:
    """The deadline covers the handshake, with a peer that says nothing."""
    url = _tls_url(lab)
    lab.origin.play(Script(begins="accept").stall())

    error = lab.times_out(0.15, "tls", lab.client.get, url)

    assert (error.maybe_sent, error.retryable) == (False, True)
    lab.still_works()


@case("tls/dripping-handshake", kind="pinned", anchor="D11", tags=("tls", "security"))
def dripping_handshake(lab: Lab) -> None:
    """A peer that sends a byte now and then outlives every time-out of one read, but not the deadline."""
    url = _tls_url(lab)
    start = b"\x16\x03\x03\x40\x00\x0b\x00\x3f\xfc" + b"\x00" * 200
    lab.origin.play(Script(begins="accept").send(start).dribbled(pause=0.02))

    error = lab.times_out(0.15, "tls", lab.client.get, url)

    assert error.maybe_sent is False
    lab.still_works()


@case("tls/close-notify-missing", anchor="RFC 9112, 9.8", tags=("tls", "security"))
def close_notify_missing(lab: Lab) -> None:
    """Anyone can end a TCP connection: a body that runs to its end is whole only if TLS says so."""
    url = lab.secure.url("/")
    lab.origin.play(raw("HTTP/1.1 200 OK", body=b"hello").close(notify=False))

    error = lab.fails(IncompleteBodyError, lab.client.get, url)

    assert (error.received, error.expected, error.phase) == (5, None, "body")
    lab.still_works()


@case("tls/close-notify", anchor="RFC 9112, 9.8", tags=("tls",))
def close_notify(lab: Lab) -> None:
    """With close_notify the end of the connection is the end of the body."""
    url = lab.secure.url("/")
    lab.origin.play(raw("HTTP/1.1 200 OK", body=b"hello").close())

    assert lab.client.get(url).body == b"hello"


@case("tls/length-needs-no-close-notify", anchor="RFC 9112, 9.8", tags=("tls",))
def length_needs_no_close_notify(lab: Lab) -> None:
    """A body that says itself where it ends is whole, however the connection ends after it."""
    url = lab.secure.url("/")
    for fields, body in (
        (["Content-Length: 5"], b"hello"),
        (["Transfer-Encoding: chunked"], chunked(b"hello")),
    ):
        lab.origin.play(raw("HTTP/1.1 200 OK", *fields, body=body).close(notify=False), ok(b"next"))

        assert lab.client.get(url).body == b"hello"
        assert lab.client.get(url).body == b"next"


@case("tls/cut-off", anchor="RFC 9112, 9.8", tags=("tls", "security"))
def cut_off(lab: Lab) -> None:
    """A head or a body cut off inside TLS is an error as it is without."""
    url = lab.secure.url("/")
    for notify in (True, False):
        lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").close(notify=notify))
        error = lab.fails(IncompleteBodyError, lab.client.get, url)
        assert (error.received, error.expected) == (5, 10)

        lab.origin.play(Script().send(b"HTTP/1.1 200 OK\r\nContent-").close(notify=notify))
        assert lab.fails(ReceiveError, lab.client.get, url).phase == "head"

        lab.origin.play(Script().close(notify=notify))
        assert lab.fails(ReceiveError, lab.client.get, url).phase == "head"
    lab.still_works()
