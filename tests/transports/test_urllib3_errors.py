"""The table from urllib3's errors to ours: whole for the installed release, and without a secret."""

from __future__ import annotations

import errno
import inspect
import pickle
import socket
from typing import Any

import pytest
import urllib3
import urllib3.exceptions

from fluxhttp import (
    ClosedError,
    ConnectError,
    DecodingError,
    FluxHTTPError,
    IncompleteBodyError,
    InvalidURLError,
    NameResolutionError,
    ProtocolError,
    ProxyError,
    ReceiveError,
    RequestTimeoutError,
    TLSError,
    TransportError,
)
from fluxhttp.transports.urllib3_errors import TABLE, ours_for, translated
from tests.peers import deadline

THEIRS: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(urllib3.exceptions).items()
    if inspect.isclass(kind)
    and issubclass(kind, Exception)
    and not issubclass(kind, Warning)
    and (kind.__module__, kind.__name__) == ("urllib3.exceptions", name)  # no import, no second name
}
#: Every class of urllib3 2.5 to 2.8, and ours for it.
EXPECTED: dict[str, type[FluxHTTPError]] = {
    "BodyNotHttplibCompatible": TransportError,
    "ClosedPoolError": ClosedError,
    "ConnectTimeoutError": RequestTimeoutError,
    "DecodeError": DecodingError,
    "EmptyPoolError": RequestTimeoutError,
    "FullPoolError": TransportError,
    "HTTPError": TransportError,
    "HeaderParsingError": ProtocolError,
    "HostChangedError": TransportError,
    "IncompleteRead": IncompleteBodyError,
    "InvalidChunkLength": ProtocolError,
    "InvalidHeader": ProtocolError,
    "LocationParseError": InvalidURLError,
    "LocationValueError": InvalidURLError,
    "MaxRetryError": TransportError,
    "NameResolutionError": NameResolutionError,
    "NewConnectionError": ConnectError,
    "PoolError": TransportError,
    "ProtocolError": ReceiveError,
    "ProxyError": ProxyError,
    "ProxySchemeUnknown": ProxyError,
    "ProxySchemeUnsupported": ProxyError,
    "ReadTimeoutError": RequestTimeoutError,
    "RequestError": TransportError,
    "ResponseError": TransportError,
    "ResponseNotChunked": ProtocolError,
    "SSLError": TLSError,
    "TimeoutError": RequestTimeoutError,
    "TimeoutStateError": TransportError,
    "URLSchemeUnknown": InvalidURLError,
    "UnrewindableBodyError": TransportError,
}
SECRET = "http://user:hunter2@secret.test/path?token=hunter2"


def made(kind: type[Exception]) -> Exception:
    """An error of a class, whose text would show a secret."""
    error = kind.__new__(kind)
    error.args = (SECRET,)
    if isinstance(error, urllib3.exceptions.IncompleteRead | urllib3.exceptions.InvalidChunkLength):
        error.partial, error.expected = 1, 2  # type: ignore[assignment]  # what their text is made of
    return error


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_every_class_of_the_installed_release_has_one_of_ours(name: str) -> None:
    assert name in EXPECTED, "a class that is new in urllib3: give it a line in the table"
    assert any(base in TABLE for base in THEIRS[name].__mro__)
    assert ours_for(THEIRS[name]) is EXPECTED[name]


def test_no_class_of_ours_stands_for_one_that_is_gone() -> None:
    assert set(TABLE) <= {*THEIRS.values(), OSError, ValueError, OverflowError}


def test_a_class_made_elsewhere_goes_with_its_nearest_base() -> None:
    class Stranger(urllib3.exceptions.ReadTimeoutError):
        pass

    assert ours_for(Stranger) is RequestTimeoutError
    assert ours_for(BaseException) is TransportError


def test_a_refused_connection_is_no_time_out_although_urllib3_says_so() -> None:
    assert issubclass(urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)

    assert ours_for(urllib3.exceptions.NewConnectionError) is ConnectError
    assert ours_for(urllib3.exceptions.NameResolutionError) is NameResolutionError
    kinds = list(TABLE)
    assert kinds.index(urllib3.exceptions.NewConnectionError) < kinds.index(urllib3.exceptions.ConnectTimeoutError)


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_no_text_shows_what_urllib3_s_shows(name: str) -> None:
    error = translated(made(THEIRS[name]), deadline(1.0))

    assert type(error) is EXPECTED[name]
    for shown in (str(error), repr(error), str(error.args)):
        assert shown
        assert not any(secret in shown for secret in ("hunter2", "secret.test", "/path", "token"))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError(SECRET), ProtocolError, "urllib3 failed: ValueError"),
        (UnicodeError(SECRET), ProtocolError, "urllib3 failed: UnicodeError"),
        (OverflowError(SECRET), ProtocolError, "urllib3 failed: OverflowError"),
        (OSError(SECRET), ReceiveError, "urllib3 failed: OSError"),
        (OSError(errno.EIO, "Input/output error", SECRET), ReceiveError, "urllib3 failed: input/output error"),
        (ConnectionResetError(errno.ECONNRESET, "Gone"), ReceiveError, "urllib3 failed: gone"),
        (socket.gaierror(socket.EAI_NONAME, "Unknown"), ReceiveError, "urllib3 failed: unknown"),
    ],
)
def test_what_is_not_urllib3_s_own_is_translated_too(error: Exception, kind: type[FluxHTTPError], text: str) -> None:
    ours = translated(error, deadline(1.0))

    assert (type(ours), str(ours)) == (kind, text)


@pytest.mark.parametrize(
    ("name", "phase", "maybe_sent"),
    [
        ("ConnectTimeoutError", "connect", False),
        ("EmptyPoolError", "connect", False),
        ("ReadTimeoutError", "head", True),
        ("TimeoutError", "head", True),
        ("NewConnectionError", "connect", False),
        ("NameResolutionError", "dns", False),
        ("ProtocolError", "head", True),
        ("IncompleteRead", "body", True),
    ],
)
def test_an_error_says_what_may_have_been_sent(name: str, phase: str, maybe_sent: bool) -> None:
    error: Any = translated(made(THEIRS[name]), deadline(1.0))

    assert (error.phase, error.maybe_sent) == (phase, maybe_sent)
