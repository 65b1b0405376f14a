"""Which certificates are believed (cases G83 and G84, rule 38): each fault has its reason, over both transports."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fluxhttp import (
    CertificateError,
    Config,
    Dialer,
    ReceiveError,
    RequestTimeoutError,
    TLSError,
)
from fluxhttp_conformance.machine import Stopwatch
from tests.network.certificates import (
    DAY,
    HOST,
    NOW,
    Issued,
    issue,
    only,
    pem_file,
    root,
    rsa_key,
    rsa_root,
    server_context,
    short_names,
    signed_with_sha1,
    trusted_file,
)
from tests.network.origins import Origin
from tests.peers import PATIENCE, Peer, fails, silent

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable

    from tests.network.conftest import OpenClient

INSECURE = Config(timeout=PATIENCE, insecure_skip_verify=True)
PAST, FUTURE = (NOW - 2 * DAY, NOW - DAY), (NOW + DAY, NOW + 2 * DAY)
Chain = tuple[Issued, ...]


def intermediate(**options: Any) -> Issued:
    return issue(by=root(), common_name="fluxhttp test intermediate", is_authority=True, **options)


def behind(authority: Issued, *names: str) -> Chain:
    """A certificate of an intermediate authority, and that authority's own."""
    return issue(*(names or (HOST,)), by=authority), authority


def constrained(*, permitted: str | None = None, excluded: str | None = None) -> Issued:
    return intermediate(
        constraints=x509.NameConstraints(
            None if permitted is None else [x509.DNSName(permitted)],
            None if excluded is None else [x509.DNSName(excluded)],
        )
    )


class Fault(NamedTuple):
    """A chain that is not believed.

    Attributes:
        make: makes it.
        reason: how the text of the error goes on; several where OpenSSL's releases differ.
        host: of the URL.
    """

    make: Callable[[], Chain]
    reason: str | tuple[str, ...]
    host: str = HOST


NOT_FOR_HOST = f"it is not for the host {HOST}"
FAULTS: dict[str, Fault] = {
    "expired": Fault(lambda: (issue(HOST, by=root(), valid=PAST),), "certificate has expired"),
    "not-yet-valid": Fault(lambda: (issue(HOST, by=root(), valid=FUTURE),), "certificate is not yet valid"),
    "self-signed": Fault(lambda: (issue(HOST),), "self-signed certificate"),
    "unknown-authority": Fault(
        lambda: behind(issue(common_name="somebody", is_authority=True)), "self-signed certificate in certificate chain"
    ),
    "missing-intermediate": Fault(lambda: behind(intermediate())[:1], "unable to get local issuer certificate"),
    "expired-intermediate": Fault(lambda: behind(intermediate(valid=PAST)), "certificate has expired"),
    "issued-by-a-server": Fault(
        lambda: behind(issue("leaf.test", by=root())), ("invalid CA certificate", "CA cert does not include key usage")
    ),
    "wrong-host": Fault(lambda: (issue("other.test", by=root()),), NOT_FOR_HOST),
    "subdomain": Fault(lambda: (issue(f"www.{HOST}", by=root()),), NOT_FOR_HOST),
    "parent-domain": Fault(lambda: (issue(HOST, by=root()),), f"it is not for the host www.{HOST}", f"www.{HOST}"),
    "wrong-address": Fault(
        lambda: (issue("127.0.0.2", HOST, by=root()),), "it is not for the address 127.0.0.1", "127.0.0.1"
    ),
    "address-as-a-name": Fault(
        lambda: (issue(x509.DNSName("127.0.0.1"), by=root()),), "it is not for the address 127.0.0.1", "127.0.0.1"
    ),
    "common-name-only": Fault(lambda: (issue(by=root(), common_name=HOST),), NOT_FOR_HOST),
    "common-name-beside-others": Fault(lambda: (issue("other.test", by=root(), common_name=HOST),), NOT_FOR_HOST),
    "common-name-is-the-address": Fault(
        lambda: (issue(by=root(), common_name="127.0.0.1"),), "it is not for the address 127.0.0.1", "127.0.0.1"
    ),
    "wildcard-of-two-labels": Fault(
        lambda: (issue(f"*.{HOST}", by=root()),), f"it is not for the host a.b.{HOST}", f"a.b.{HOST}"
    ),
    "wildcard-of-the-domain-itself": Fault(lambda: (issue(f"*.{HOST}", by=root()),), NOT_FOR_HOST),
    "partial-wildcard": Fault(
        lambda: (issue("ww*.origin.test", by=root()),), f"it is not for the host www.{HOST}", f"www.{HOST}"
    ),
    "wildcard-for-addresses": Fault(
        lambda: (issue(x509.DNSName("*.0.0.1"), by=root()),), "it is not for the address 127.0.0.1", "127.0.0.1"
    ),
    "name-not-permitted": Fault(lambda: behind(constrained(permitted="other.test")), "permitted subtree violation"),
    "name-excluded": Fault(lambda: behind(constrained(excluded="test")), "excluded subtree violation"),
    "weak-key": Fault(lambda: (issue(HOST, by=root(), key=rsa_key(1024)),), "EE certificate key too weak"),
    "weak-key-of-an-authority": Fault(lambda: behind(intermediate(key=rsa_key(1024))), "CA certificate key too weak"),
    "sha-1": Fault(
        lambda: (signed_with_sha1(issue(HOST, by=rsa_root(), key=rsa_key(2048)), rsa_key(2048)),),
        ("CA signature digest algorithm too weak", "CA md too weak"),
    ),
    "for-clients": Fault(
        lambda: (issue(HOST, by=root(), usage=ExtendedKeyUsageOID.CLIENT_AUTH),),
        ("unsuitable certificate purpose", "unsupported certificate purpose"),
    ),
}


def pinned() -> Dialer:
    return Dialer(resolver=lambda _: ["127.0.0.1"])


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_certificate_with_a_fault_is_not_believed(fault: str, open_client: OpenClient) -> None:
    make, reason, host = FAULTS[fault]
    with Origin(tls=server_context(*make())) as origin:
        client = open_client(ca_file=trusted_file(), dialer=pinned())
        url = origin.url("/p?secret", host=host)

        error = fails(CertificateError, client.post, url, body=b"x")

        reasons = (reason,) if isinstance(reason, str) else reason
        assert str(error) in [f"the certificate was not accepted: {one}" for one in reasons]
        assert (error.phase, error.maybe_sent, error.retryable) == ("tls", False, True)
        assert isinstance(error, TLSError)
        assert origin.asked == []

        # Without verification it is as good as any, for that call alone (G84).
        assert client.get(url, config=INSECURE).body == b"ok"
        fails(CertificateError, client.get, url)


SOUND: dict[str, tuple[Callable[[], Chain], str]] = {
    "name": (lambda: (issue(HOST, by=root()),), HOST),
    "one-of-several": (lambda: (issue("a.test", "b.test", HOST, by=root()),), HOST),
    "with-intermediate": (lambda: behind(intermediate()), HOST),
    "with-more-than-is-needed": (lambda: (issue(HOST, by=root()), root(), intermediate()), HOST),
    "permitted-by-a-constraint": (lambda: behind(constrained(permitted="test", excluded="other.test")), HOST),
    "wildcard": (lambda: (issue(f"*.{HOST}", by=root()),), f"www.{HOST}"),
    "upper-case": (lambda: (issue(HOST.upper(), by=root()),), HOST),
    "trailing-dot-in-the-url": (lambda: (issue(HOST, by=root()),), f"{HOST}."),
    "address": (lambda: (issue("127.0.0.1", by=root()),), "127.0.0.1"),
    "rsa": (lambda: (issue(HOST, by=rsa_root(), key=rsa_key(2048)),), HOST),
}


@pytest.mark.parametrize("which", list(SOUND))
def test_a_sound_certificate_is_believed(which: str, open_client: OpenClient) -> None:
    make, host = SOUND[which]
    with Origin(tls=server_context(*make())) as origin:
        assert open_client(ca_file=trusted_file(), dialer=pinned()).get(origin.url(host=host)).body == b"ok"


def test_an_ipv6_address_is_compared_as_one(open_client: OpenClient) -> None:
    with Origin(host="::1", tls=server_context(issue("::1", by=root()))) as origin:
        client = open_client(ca_file=trusted_file())

        assert client.get(origin.url(host="[0:0::0:1]")).body == b"ok"
        assert client.get(origin.url(host="[::1%25lo]")).body == b"ok"
    with Origin(host="::1", tls=server_context(issue("::2", by=root()))) as origin:
        error = fails(CertificateError, open_client(ca_file=trusted_file()).get, origin.url())
        assert str(error) == "the certificate was not accepted: it is not for the address ::1"


def test_an_international_name_is_compared_in_its_ascii_form(open_client: OpenClient) -> None:
    with Origin(tls=server_context(issue("xn--bcher-kva.test", by=root()))) as origin:
        client = open_client(ca_file=trusted_file(), dialer=pinned())

        assert client.get(origin.url(host="bücher.test")).body == b"ok"


# CVE-2025-61729: an error text whose cost grows with the square of the names.


def test_ten_thousand_names_cost_little(open_client: OpenClient) -> None:
    with Origin(tls=server_context(issue(*short_names(10_000), by=root()))) as origin:
        client = open_client(ca_file=trusted_file(), dialer=pinned())
        watch = Stopwatch()

        error = fails(CertificateError, client.get, origin.url(host=HOST))

        assert watch.own_seconds() < 1.0
        assert str(error) == f"the certificate was not accepted: {NOT_FOR_HOST}", "the names are not listed"
        assert client.get(origin.url(host="aaa.t")).body == b"ok"


def test_a_chain_of_hundreds_of_kilobytes_is_refused_unread(open_client: OpenClient) -> None:
    names = (f"host-{number}.example.test" for number in range(10_000))
    with Origin(tls=server_context(issue(*names, by=root()))) as origin:
        client = open_client(ca_file=trusted_file(), dialer=pinned())
        watch = Stopwatch()

        error = fails(TLSError, client.get, origin.url(host=HOST))

        assert watch.own_seconds() < 1.0
        assert str(error) == "the handshake failed: excessive message size"


# What Go's client did

ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((Path(__file__).parent.parent / "data/tls.json").read_text())["results"]
}
#: From Go's outermost class that says something to ours.
CLASSES = {
    "*tls.CertificateVerificationError": CertificateError,
    "*tls.permanentError": TLSError,
    "*http.timeoutError": RequestTimeoutError,
    "*errors.errorString": TLSError,
}
#: A peer that hangs up instead of answering a plain request is no failure of TLS.
DIFFERENT = {"http_url_tls_server": ReceiveError}


def hangs_up(sock: socket.socket, _: threading.Event) -> None:
    sock.recv(65_536)


def plain(sock: socket.socket, _: threading.Event) -> None:
    sock.recv(65_536)
    sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")


def context_of(id: str) -> ssl.SSLContext:
    name = "127.0.0.1"
    if id.startswith("expired"):
        return server_context(issue(name, by=root(), valid=PAST))
    if id.startswith("hostname_mismatch"):
        return server_context(issue(HOST, by=root()))
    if id.startswith("self_signed"):
        return server_context(issue(name))
    return server_context(issue(name, by=root()))


@pytest.mark.parametrize("id", list(ROWS))
def test_a_row_ends_as_in_go(id: str, open_client: OpenClient) -> None:
    row = ROWS[id]
    config = Config(timeout=0.2 if "timeout" in id else PATIENCE, insecure_skip_verify=id.endswith("insecure"))
    client = open_client(ca_file=trusted_file())
    peers = {
        "https_url_plain_server": plain,
        "http_url_tls_server": hangs_up,
        "handshake_closed": hangs_up,
        "handshake_silent_timeout": silent,
    }
    with Peer(peers.get(id, silent)) as peer:
        if id in peers:
            scheme = row["error"]["url"].partition("//")[0]
            url = peer.url().replace("http:", scheme)
            error = fails(DIFFERENT.get(id, CLASSES[row["error"]["chain"][1]]), client.get, url, config=config)
            assert isinstance(error, TimeoutError) == row["error"]["timeout"]
            return
    context = context_of(id)
    if id == "server_tls11_only":
        only(context, ssl.TLSVersion.TLSv1_1)
    if id == "server_tls12_only":
        only(context, ssl.TLSVersion.TLSv1_2)
    with Origin(tls=context) as origin:
        if "ok" in row:
            response = client.get(origin.url(), config=config)
            assert response.status_code == row["ok"]["status"]
            assert response.text == row["ok"]["body"]
            assert response.http_version == row["ok"]["proto"]
        else:
            fails(CLASSES[row["error"]["chain"][1]], client.get, origin.url(), config=config)


def test_every_row_has_an_end_of_its_own() -> None:
    assert {row["client_alpn"] for row in ROWS.values()} == {None}
    assert DIFFERENT.keys() <= ROWS.keys()


def test_a_file_of_several_authorities_trusts_them_all_and_nobody_else(open_client: OpenClient) -> None:
    first, second, third = (issue(common_name=f"root {number}", is_authority=True) for number in range(3))
    client = open_client(ca_file=pem_file(first.pem, second.pem), dialer=pinned())
    for authority in (first, second):
        with Origin(tls=server_context(issue(HOST, by=authority))) as origin:
            assert client.get(origin.url(host=HOST)).body == b"ok"
    with Origin(tls=server_context(issue(HOST, by=third))) as origin:
        fails(CertificateError, client.get, origin.url(host=HOST))
