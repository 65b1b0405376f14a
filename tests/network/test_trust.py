"""Whom to trust (rules 38 and 39): verified and insecure calls, authorities and contexts, and what they share."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import CertificateError, Config, InvalidConfigError
from fluxhttp_conformance.certificates import authority, stranger
from tests.network.origins import Origin, answer
from tests.network.processes import run
from tests.peers import PATIENCE, fails

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.network.conftest import OpenClient

INSECURE = Config(timeout=PATIENCE, insecure_skip_verify=True)
SECURE = Config(timeout=PATIENCE)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(tls=authority().server_context()) as made:
        yield made


@pytest.fixture
def client(open_client: OpenClient) -> Any:
    return open_client(ca_file=authority().ca_file)


@pytest.mark.parametrize("first", ["insecure", "verified"])
def test_verified_and_insecure_calls_never_share_a_connection(first: str, origin: Origin, client: Any) -> None:
    order = [INSECURE, SECURE, INSECURE, SECURE]
    for config in order if first == "insecure" else order[::-1]:
        client.get(origin.url(), config=config)

    assert origin.connections == 2


@pytest.mark.parametrize("first", ["insecure", "verified"])
def test_an_insecure_call_does_not_make_a_bad_certificate_good(first: str, client: Any) -> None:
    # CVE-2024-35195, in both orders.
    with Origin(tls=stranger().server_context()) as origin:
        for config in (INSECURE, SECURE) if first == "insecure" else (SECURE, INSECURE):
            if config is INSECURE:
                assert client.get(origin.url(), config=config).body == b"ok"
            else:
                fails(CertificateError, client.get, origin.url(), config=config)
        fails(CertificateError, client.get, origin.url(), config=SECURE)
        assert len(origin.asked) == 1


def test_a_redirect_is_as_secure_as_its_call(origin: Origin, client: Any) -> None:
    with Origin(
        lambda _: answer(b"", "302 Found", f"Location: {origin.url()}"), tls=stranger().server_context()
    ) as bad:
        assert client.get(bad.url(), config=INSECURE).body == b"ok"
        fails(CertificateError, client.get, bad.url(), config=SECURE)
    with Origin(tls=stranger().server_context()) as bad:
        origin._make = lambda _: answer(b"", "302 Found", f"Location: {bad.url()}")
        fails(CertificateError, client.get, origin.url(), config=SECURE)
        assert bad.asked == []


def test_clients_that_trust_others_share_nothing(origin: Origin, client: Any, open_client: OpenClient) -> None:
    # CVE-2026-54275: a pool key without a TLS setting.
    client.get(origin.url())

    fails(CertificateError, open_client(ca_file=stranger().ca_file).get, origin.url())


def test_a_context_of_ones_own_excludes_insecure_calls(origin: Origin, open_client: OpenClient) -> None:
    context = ssl.create_default_context(cafile=authority().ca_file)
    client = open_client(ssl_context=context)
    assert client.get(origin.url()).body == b"ok"

    error = fails(InvalidConfigError, client.get, origin.url("/second"), config=INSECURE)

    assert str(error) == "insecure_skip_verify cannot go together with an ssl_context"
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert (origin.connections, len(origin.asked)) == (1, 1)


def test_an_authority_of_ones_own_goes_together_with_insecure_calls(open_client: OpenClient) -> None:
    with Origin(tls=stranger().server_context()) as origin:
        client = open_client(ca_file=authority().ca_file)

        assert client.get(origin.url(), config=INSECURE).body == b"ok"


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "rubbish", "key"])
def test_a_file_without_certificates_is_refused_at_once(kind: str, tmp_path: Path, open_client: OpenClient) -> None:
    path = tmp_path / "ca.pem"
    contents = {"empty": b"", "rubbish": b"\x00\xff" * 100, "key": b"-----BEGIN PRIVATE KEY-----\n"}
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(contents[kind])

    error = fails(InvalidConfigError, open_client, ca_file=path)

    assert str(error).startswith("ca_file ")
    assert str(tmp_path) not in str(error)


# In processes of their own, for the default context is made but once.
ONE_CONTEXT = """
import ssl, sys
made, create = [], ssl.create_default_context
def counting(*arguments, **options):
    made.append(create(*arguments, **options))
    return made[-1]
ssl.create_default_context = counting

import fluxhttp
clients = [
    fluxhttp.Client(fluxhttp.open_transport(sys.argv[1], trust_env=False), config=fluxhttp.Config(timeout=5))
    for _ in range(3)
]
assert made == [], "made before it was needed"
for client in clients:
    for _ in range(2):
        try:
            print(client.get(sys.argv[2]).text)
        except fluxhttp.CertificateError as error:
            print(error)
print(len(made))
"""


def test_all_transports_of_a_process_share_one_context_made_on_first_use(
    transport_name: str, origin: Origin, tmp_path: Path
) -> None:
    # SSL_CERT_FILE is OpenSSL's own variable for the system's trust; this is how it gets an authority here.
    believed = run(ONE_CONTEXT, transport_name, origin.url(), SSL_CERT_FILE=authority().ca_file)
    doubted = run(ONE_CONTEXT, transport_name, origin.url(), SSL_CERT_FILE=stranger().ca_file)

    assert believed == ["ok"] * 6 + ["1"]
    assert len(doubted) == 7
    assert doubted[0].startswith("the certificate was not accepted: ")
    assert doubted[-1] == "1"


OWN_AUTHORITY = """
import sys, fluxhttp
transport = fluxhttp.open_transport(sys.argv[1], ca_file=sys.argv[3])
try:
    print(fluxhttp.Client(transport, config=fluxhttp.Config(timeout=5)).get(sys.argv[2]).text)
except fluxhttp.CertificateError as error:
    print(error)
"""


def test_an_authority_of_ones_own_is_not_joined_by_the_systems_nor_the_environments(
    transport_name: str, origin: Origin
) -> None:
    # CVE-2019-11324; and what other clients look for has no effect at all (case G87).
    trusting = dict.fromkeys(
        ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPX_CA_FILE"), authority().ca_file
    )
    [refused] = run(OWN_AUTHORITY, transport_name, origin.url(), stranger().ca_file, **trusting)
    doubting = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), stranger().ca_file)
    [believed] = run(OWN_AUTHORITY, transport_name, origin.url(), authority().ca_file, **doubting)

    assert refused.startswith("the certificate was not accepted: ")
    assert believed == "ok"


def test_keys_are_logged_for_verified_calls_if_the_environment_says_so(
    transport_name: str, origin: Origin, tmp_path: Path
) -> None:
    # What ssl.create_default_context makes of SSLKEYLOGFILE, and nothing beside it (case G87).
    log = tmp_path / "keys"

    assert run(OWN_AUTHORITY, transport_name, origin.url(), authority().ca_file, SSLKEYLOGFILE=str(log)) == ["ok"]

    assert "CLIENT_TRAFFIC_SECRET_0 " in log.read_text()
