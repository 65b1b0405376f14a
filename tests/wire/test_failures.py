"""From a system's error to one of ours."""

from __future__ import annotations

import errno
import ssl
import subprocess
import sys

import pytest

from fluxhttp import ReceiveError, SendError, TLSError
from fluxhttp._wire.failures import describe_os_error, is_socket_timeout, receive_failure, send_failure, tls_reason

ALERT = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)")
ALERT.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
ENDED = ssl.SSLEOFError(8, "EOF occurred in violation of protocol (_ssl.c:2427)")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "connection refused"),
        (OSError(errno.EIO, "Input/output error", "/secret/file"), "input/output error"),
        (OSError("a text alone"), "a text alone"),
        (ConnectionResetError(), "ConnectionResetError"),
        (ValueError("Bad file descriptor"), "bad file descriptor"),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_is_told_in_the_system_s_words_without_names_of_files(error: BaseException, text: str) -> None:
    assert describe_os_error(error) == text


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ConnectionResetError(errno.ECONNRESET, "Reset"), ReceiveError, "the connection broke: reset"),
        (ENDED, ReceiveError, "the peer closed the TLS connection without saying so"),
        (ALERT, TLSError, "TLS failed: tlsv13 alert certificate required"),
    ],
)
@pytest.mark.parametrize("maybe_sent", [True, False])
def test_a_failed_read(error: BaseException, kind: type, text: str, maybe_sent: bool) -> None:
    told = receive_failure(error, "body", maybe_sent=maybe_sent)

    assert (type(told), str(told), told.phase, told.maybe_sent) == (kind, text, "body", maybe_sent)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), SendError, "the connection broke: broken pipe"),
        (ENDED, SendError, "the peer closed the TLS connection without saying so"),
        (ALERT, TLSError, "TLS failed: tlsv13 alert certificate required"),
    ],
)
@pytest.mark.parametrize("maybe_sent", [True, False])
def test_a_failed_write(error: BaseException, kind: type, text: str, maybe_sent: bool) -> None:
    told = send_failure(error, maybe_sent=maybe_sent)

    assert (type(told), str(told), told.phase, told.maybe_sent) == (kind, text, "send", maybe_sent)


def test_a_tls_error_without_reason_is_told_in_its_own_words() -> None:
    assert tls_reason(ssl.SSLError(1, "Something odd")) == "something odd"


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (TimeoutError("timed out"), True),
        (TimeoutError(), True),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), False),
        (OSError(), False),
    ],
)
def test_a_socket_s_own_time_out_has_no_number(error: BaseException, is_one: bool) -> None:
    assert is_socket_timeout(error) is is_one


def test_errors_are_told_without_loading_ssl() -> None:
    program = """
import sys
from fluxhttp._wire.failures import receive_failure, send_failure
print(type(receive_failure(OSError(), "head", maybe_sent=True)).__name__)
print(type(send_failure(OSError(), maybe_sent=True)).__name__)
print("ssl" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ended.stdout.split() == ["ReceiveError", "SendError", "False"]
