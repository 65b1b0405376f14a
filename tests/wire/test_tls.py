"""TLS: whom a transport trusts, and the handshake."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from fluxhttp import (
    CertificateError,
    Config,
    InvalidConfigError,
    InvalidTypeError,
    ProtocolError,
    ReceiveError,
    TLSError,
)
from fluxhttp._wire.tls import TLSSettings, handshake, wrap
from tests.peers import (
    OK,
    PATIENCE,
    Background,
    Peer,
    answering,
    deadline,
    direct,
    eventually,
    fails,
    opened,
    reset,
    silent,
)
from tests.secure import authority, ca_file, client_context, https, server_context, trusting

if TYPE_CHECKING:
    import threading
    from pathlib import Path

MIB = 1_048_576
INSECURE = Config(timeout=PATIENCE, insecure_skip_verify=True)


# Settings


def test_a_context_verifies_and_speaks_tls_1_2_at_least_and_takes_no_name_from_the_subject() -> None:
    for settings in (TLSSettings(), TLSSettings(ca_file=ca_file())):
        context = settings.context(insecure=False)

        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert not context.hostname_checks_common_name


def test_a_ca_file_is_trusted_alone() -> None:
    context = TLSSettings(ca_file=ca_file()).context(insecure=False)

    assert context.cert_store_stats()["x509_ca"] == 1


def test_an_insecure_context_is_another_one() -> None:
    settings = TLSSettings(ca_file=ca_file())

    context = settings.context(insecure=True)

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context is settings.context(insecure=True) is not settings.context(insecure=False)


def test_contexts_are_made_once_for_the_process() -> None:
    assert TLSSettings().context(insecure=False) is TLSSettings().context(insecure=False)
    assert TLSSettings().context(insecure=True) is TLSSettings().context(insecure=True)


def test_a_caller_s_context_is_used_as_it_is() -> None:
    context = client_context()

    settings = TLSSettings(context=context)

    assert settings.context(insecure=False) is context
    assert "cannot go together with an ssl_context" in str(fails(InvalidConfigError, settings.context, insecure=True))


@pytest.mark.parametrize(
    "content", [None, "", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_file_that_cannot_be_used_is_refused_without_its_name(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "secret.pem"
    if content is not None:
        path.write_text(content)

    error = fails(InvalidConfigError, direct, ca_file=path)

    assert str(error) == (
        "ca_file cannot be read: no such file or directory"
        if content is None
        else "ca_file holds no certificate in PEM form"
    )


def test_options_that_exclude_each_other_are_refused() -> None:
    error = fails(InvalidConfigError, direct, ca_file=ca_file(), ssl_context=client_context())

    assert str(error) == "only one of ca_file and ssl_context may be given"


def test_options_of_the_wrong_type_are_refused() -> None:
    assert "ssl_context must be an ssl.SSLContext, not str" in str(fails(InvalidTypeError, direct, ssl_context="x"))
    assert "ca_file must be a str or a path, not int" in str(fails(InvalidTypeError, direct, ca_file=5))


# Trust


@pytest.mark.parametrize("host", ["127.0.0.1", "a.test", "a.test.", "b.wild.test"])
@pytest.mark.parametrize("options", ["ca_file", "ssl_context"])
def test_a_certificate_for_the_host_is_accepted(host: str, options: str) -> None:
    given = {"ca_file": ca_file()} if options == "ca_file" else {"ca_file": None, "ssl_context": client_context()}
    with Peer(answering(OK), tls=server_context()) as peer, trusting(peer, **given) as client:
        assert client.get(https(peer, host)).body == b"ok"


def test_a_certificate_for_an_ipv6_address_is_accepted() -> None:
    with (
        Peer(answering(OK), tls=server_context(), family=socket.AF_INET6) as peer,
        opened(ca_file=ca_file()) as client,
    ):
        assert client.get(f"https://[::1%25lo]:{peer.port}/").body == b"ok"


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("b.test", "the certificate was not accepted: it is not for the host b.test"),
        ("a.wild.test.", "the certificate was not accepted: it is not for the host a.wild.test"),
        ("127.0.0.1", "the certificate was not accepted: it is not for the address 127.0.0.1"),
    ],
)
def test_a_certificate_for_another_host_is_refused(host: str, text: str) -> None:
    with Peer(answering(OK), tls=server_context("c.test")) as peer, trusting(peer) as client:
        error = fails(CertificateError, client.get, https(peer, host))

    assert str(error) == text
    assert (error.phase, error.maybe_sent, error.retryable) == ("tls", False, True)
    assert (error.method, error.url) == ("GET", https(peer, host.lower()))


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    with Peer(answering(OK), tls=server_context(ca=trustme.CA())) as peer, trusting(peer) as client:
        error = fails(CertificateError, client.get, https(peer))

    assert "unable to get local issuer certificate" in str(error)
    assert not error.maybe_sent


def test_the_system_s_authorities_do_not_know_ours() -> None:
    with Peer(answering(OK), tls=server_context()) as peer, opened() as client:
        fails(CertificateError, client.get, https(peer))


def test_an_expired_certificate_is_refused() -> None:
    now = dt.datetime.now(dt.UTC)
    expired = server_context(not_before=now - dt.timedelta(days=9), not_after=now - dt.timedelta(days=1))
    with Peer(answering(OK), tls=expired) as peer, trusting(peer) as client:
        error = fails(CertificateError, client.get, https(peer))

    assert str(error) == "the certificate was not accepted: certificate has expired"


def test_an_insecure_call_accepts_any_certificate_and_shares_nothing_with_a_verified_one() -> None:
    with Peer(answering(OK, OK, OK), tls=server_context("c.test", ca=trustme.CA())) as peer, trusting(peer) as client:
        assert client.get(https(peer), config=INSECURE).body == b"ok"
        fails(CertificateError, client.get, https(peer))
        assert client.get(https(peer), config=INSECURE).body == b"ok"

        assert peer.connections == 2


def test_a_verified_connection_is_not_used_by_an_insecure_call() -> None:
    with Peer(answering(OK, OK), tls=server_context()) as peer, trusting(peer) as client:
        for config in (None, INSECURE, None, INSECURE):
            assert client.get(https(peer), config=config).body == b"ok"

        assert peer.connections == 2


def test_an_insecure_call_with_a_caller_s_context_is_refused_before_anything_is_dialled() -> None:
    with (
        Peer(answering(OK), tls=server_context()) as peer,
        trusting(peer, ca_file=None, ssl_context=client_context()) as client,
    ):
        error = fails(InvalidConfigError, client.get, https(peer), config=INSECURE)

        assert str(error) == "insecure_skip_verify cannot go together with an ssl_context"
        assert peer.connections == 0


def test_insecure_counts_for_https_alone() -> None:
    with Peer(answering(OK)) as peer, trusting(peer, ca_file=None, ssl_context=client_context()) as client:
        assert client.get(peer.url(), config=INSECURE).body == b"ok"


# What is said in the handshake


@pytest.mark.parametrize(
    ("host", "named"), [("a.test", "a.test"), ("a.test.", "a.test"), ("A.TEST", "a.test"), ("127.0.0.1", None)]
)
def test_the_server_name_is_the_host_without_its_trailing_dot_and_never_an_address(
    host: str, named: str | None
) -> None:
    names: list[str | None] = []
    context = server_context()
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    context.set_alpn_protocols(["h2", "http/1.1"])
    protocols = []

    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        assert isinstance(sock, ssl.SSLSocket)
        protocols.append(sock.selected_alpn_protocol())
        answering(OK)(sock, stopping)

    with Peer(serve, tls=context) as peer, trusting(peer) as client:
        client.get(https(peer, host))

    assert names == [named]
    assert protocols == [None]


# A handshake that fails


def test_a_peer_without_tls_is_told_from_a_bad_one() -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(100)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        stopping.wait(PATIENCE)

    with Peer(serve) as peer, opened(ca_file=ca_file()) as client:
        error = fails(TLSError, client.get, https(peer))

    assert str(error).endswith(", which is what a peer without TLS looks like")
    assert (error.phase, error.maybe_sent) == ("tls", False)


def test_plain_http_to_a_tls_port_is_no_http_answer() -> None:
    with Peer(answering(OK), tls=server_context()) as peer, opened() as client:
        call = Background(client.get, f"http://127.0.0.1:{peer.port}/").wait()

    # The alert is no HTTP, and a peer that does not send one is gone.
    assert type(call.error) in (ProtocolError, ReceiveError)
    assert call.error.phase == "head"  # type: ignore[union-attr]  # it is one of the two


@pytest.mark.parametrize(("ends_by", "reads"), [("close", False), ("close", True), ("reset", True)])
def test_a_peer_that_goes_away_during_the_handshake(ends_by: str, reads: bool) -> None:
    def serve(sock: socket.socket, stopping: threading.Event) -> None:
        if reads:
            sock.recv(10_000)
        (reset if ends_by == "reset" else socket.socket.close)(sock)

    with Peer(serve) as peer, opened(ca_file=ca_file()) as client:
        error = fails(TLSError, client.get, https(peer))

    assert str(error) == "the peer closed the connection during the handshake"
    assert (error.phase, error.maybe_sent) == ("tls", False)


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_peer_that_is_gone_before_the_handshake_gets_nothing_in_plain_text(is_wrapped: bool) -> None:
    context = TLSSettings(ca_file=ca_file()).context(insecure=False)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sock = stack.enter_context(socket.create_connection(listener.getsockname()))
        theirs = listener.accept()[0]
        if is_wrapped:
            sock = wrapped = stack.enter_context(wrap(sock, "127.0.0.1", context))
        reset(theirs)
        eventually(lambda: is_gone(sock))

        if is_wrapped:
            error = fails(TLSError, handshake, wrapped, "127.0.0.1", deadline())
        else:
            error = fails(TLSError, wrap, sock, "127.0.0.1", context)

    assert str(error) == "the peer closed the connection during the handshake"
    assert not error.maybe_sent


def is_gone(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return True
    return False


def test_a_peer_that_goes_while_its_socket_is_wrapped_leaves_none_behind() -> None:
    class Late:
        def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:
            reset(theirs)
            eventually(lambda: is_gone(sock))
            return client_context().wrap_socket(sock, **options)

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as sock:
        theirs, number = listener.accept()[0], sock.fileno()

        # The error keeps alive what wrap_socket made: nobody closes it but who means to.
        error = fails(TLSError, wrap, sock, "127.0.0.1", Late())

        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)
    assert str(error) == "the peer closed the connection during the handshake"


def test_a_handshake_of_versions_that_do_not_meet_is_told_in_openssl_s_words() -> None:
    server, client = server_context(), client_context()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    with Peer(answering(OK), tls=server) as peer, trusting(peer, ca_file=None, ssl_context=client) as it:
        error = fails(TLSError, it.get, https(peer))

    assert str(error) == "the handshake failed: tlsv1 alert protocol version"


def test_a_context_of_a_server_is_a_tls_error() -> None:
    with Peer(silent) as peer, trusting(peer, ca_file=None, ssl_context=server_context()) as client:
        error = fails(TLSError, client.get, https(peer))

    assert "server" in str(error).lower()
    assert not error.maybe_sent


def test_a_refused_client_certificate_is_a_tls_error_that_may_have_been_sent() -> None:
    server = server_context()
    server.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(server)
    with Peer(answering(OK), tls=server) as peer, trusting(peer) as client:
        small = fails(TLSError, client.get, https(peer))
        large = fails(TLSError, client.post, https(peer), body=bytes(8 * MIB))

    assert "certificate required" in str(small)
    assert "certificate required" in str(large)
    assert small.maybe_sent
    assert large.maybe_sent
