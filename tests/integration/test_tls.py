"""The certificates of servers that others wrote: whom a client believes, and whom it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from fluxhttp import CertificateError, Config
from tests.integration.servers import CALL_SECONDS
from tests.integration.site import PAGE

if TYPE_CHECKING:
    from pathlib import Path

    from fluxhttp import Client
    from tests.integration.conftest import CountingDialer, OpenClient
    from tests.integration.server import Server

INSECURE = Config(timeout=CALL_SECONDS, insecure_skip_verify=True)


def test_an_authority_of_ones_own_is_believed(client: Client, server: Server, dialer: CountingDialer) -> None:
    for _ in range(2):
        assert client.get(server.url("/folder/", "secure")).body == PAGE
    assert dialer.connections == 1


def test_without_it_nothing_is_sent(open_client: OpenClient, server: Server, tmp_path: Path, mark: str) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    target = f"/echo?{mark}"
    # One that trusts what the system trusts, and one that trusts somebody else.
    for client in (open_client(), open_client(ca_file=tmp_path / "other.pem")):
        with pytest.raises(CertificateError) as caught:
            client.post(server.url(target, "secure"), body=b"secret")

        assert (caught.value.phase, caught.value.maybe_sent) == ("tls", False)
        assert client.get(server.url("/folder/", "secure"), config=INSECURE).body == PAGE
        # And the connection of that call is no way around.
        with pytest.raises(CertificateError):
            client.get(server.url("/folder/", "secure"))
    assert server.count("POST")[target] == 0


def test_the_certificate_of_another_host_is_refused(client: Client, server: Server) -> None:
    url = server.url("/folder/", "stranger")
    with pytest.raises(CertificateError) as caught:
        client.get(url)

    assert (caught.value.phase, caught.value.maybe_sent, caught.value.retryable) == ("tls", False, True)
    assert client.get(url, config=INSECURE).body == PAGE
    with pytest.raises(CertificateError):
        client.get(url)
