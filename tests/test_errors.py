"""The tree of errors: who is whose child, what each carries, and that all of it survives pickling."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from fluxhttp import errors
from fluxhttp._core.request import Request
from fluxhttp._core.response import Response
from fluxhttp.errors import (
    BodyTooLargeError,
    CertificateError,
    ClosedError,
    ConnectError,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidRequestError,
    InvalidTypeError,
    InvalidURLError,
    LimitError,
    NameResolutionError,
    ProtocolError,
    ProxyError,
    ReceiveError,
    RequestTimeoutError,
    SendError,
    StatusError,
    TLSError,
    TransportError,
)

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)]


def drawn_tree() -> dict[str, tuple[str, ...]]:
    """Each class of the tree in the docstring, with its parents."""
    parents: dict[str, tuple[str, ...]] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([ │├└─]*)(\w+Error)(?: \((\w+)\))?(?: |$)", line)
        if found is None:
            continue
        indent, name, builtin = len(found[1]), found[2], found[3]
        path = [(depth, parent) for depth, parent in path if depth < indent]
        parents[name] = tuple(filter(None, [path[-1][1] if path else "Exception", builtin]))
        path.append((indent, name))
    return parents


def test_the_tree_is_as_drawn() -> None:
    assert {cls.__name__: tuple(base.__name__ for base in cls.__bases__) for cls in ALL} == drawn_tree()
    assert len(ALL) == 29


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (InvalidURLError, ValueError),
        (InvalidTypeError, TypeError),
        (InvalidTypeError, ValueError),
        (RequestTimeoutError, TimeoutError),
        (RequestTimeoutError, OSError),
        (ClosedError, RuntimeError),
    ],
)
def test_a_handler_of_the_builtin_error_takes_ours(cls: type[FluxHTTPError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match=r"^text$"):
        raise cls("text")


@pytest.mark.parametrize("cls", ALL)
def test_an_error_has_a_text_and_tells_of_no_call_by_itself(cls: type[FluxHTTPError]) -> None:
    error = cls("text")

    assert str(error) == "text"
    assert repr(error) == f"{cls.__name__}('text')"
    assert error.args == ("text",)
    assert (error.method, error.url) == (None, None)
    assert str(cls()) == ""


def filled(cls: type[FluxHTTPError]) -> FluxHTTPError:
    """An error with something in each field it has."""
    fields: dict[str, object] = {
        "method": "PUT",
        "url": "http://a.test/?k=***",
        "phase": "body",
        "maybe_sent": False,
        "received": 3,
        "expected": 5,
        "limit": "fields",
        "allowed": 7,
        "status_code": 500,
        "response": Response(500, body=b"b", request=Request.build("GET", "http://a.test/")),
    }
    names = [name for name in inspect.signature(cls).parameters if name != "message"]
    return cls("text", **{name: fields[name] for name in names})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("cls", ALL)
def test_an_error_is_the_same_after_pickling(cls: type[FluxHTTPError], protocol: int) -> None:
    error = filled(cls)
    error.add_note("a note")

    restored = pickle.loads(pickle.dumps(error, protocol))

    assert type(restored) is cls
    assert (str(restored), repr(restored), restored.args) == (str(error), repr(error), error.args)
    assert restored.__dict__ == error.__dict__
    assert restored.__notes__ == ["a note"]


@pytest.mark.parametrize("cls", ALL)
def test_a_copy_is_the_same_error(cls: type[FluxHTTPError]) -> None:
    error = filled(cls)

    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert twin is not error
        assert type(twin) is cls
        assert str(twin) == str(error)
        assert twin.__dict__ == error.__dict__


def test_a_copy_leaves_the_original_alone() -> None:
    error = ProtocolError("text")

    twin = copy.copy(error)
    twin.method = "GET"

    assert error.method is None


@pytest.mark.parametrize(
    ("cls", "phase"),
    [
        (TransportError, "head"),
        (ConnectError, "connect"),
        (NameResolutionError, "dns"),
        (TLSError, "tls"),
        (CertificateError, "tls"),
        (ProxyError, "proxy"),
        (RequestTimeoutError, "head"),
        (SendError, "send"),
        (ReceiveError, "head"),
        (IncompleteBodyError, "body"),
        (ProtocolError, "head"),
    ],
)
def test_a_transport_error_says_where_it_happened(cls: type[TransportError], phase: str) -> None:
    assert cls("text").phase == phase
    assert cls("text", phase="proxy").phase == "proxy"


def test_nothing_is_sent_before_there_is_a_connection() -> None:
    assert TransportError("text").maybe_sent
    assert SendError("text", maybe_sent=False).maybe_sent is False
    assert ConnectError("text").maybe_sent is False
    assert NameResolutionError("text").maybe_sent is False


@pytest.mark.parametrize(
    ("method", "maybe_sent", "retryable"),
    [
        *[(method, True, True) for method in ("GET", "HEAD", "PUT", "DELETE")],
        *[(method, True, False) for method in ("POST", "PATCH", None)],
        *[(method, False, True) for method in ("GET", "POST", "PATCH", None)],
    ],
)
def test_what_may_be_sent_again(method: str | None, maybe_sent: bool, retryable: bool) -> None:
    assert ReceiveError("text", maybe_sent=maybe_sent, method=method).retryable is retryable


def test_an_incomplete_body_counts_its_bytes() -> None:
    error = IncompleteBodyError("text", received=3, expected=5)

    assert (error.received, error.expected) == (3, 5)
    assert (IncompleteBodyError("text").received, IncompleteBodyError("text").expected) == (0, None)


def test_a_limit_error_names_the_limit() -> None:
    for cls in (LimitError, BodyTooLargeError, HeadTooLargeError):
        error = cls("text", limit="head", allowed=5)

        assert (error.limit, error.allowed) == ("head", 5)


def test_a_status_error_brings_the_response() -> None:
    response = Response(404, body=b"hunter2")

    error = StatusError("text", status_code=404, response=response)

    assert (error.status_code, error.response) == (404, response)
    assert "hunter2" not in repr(error)


def test_every_error_about_an_argument_was_raised_before_anything_was_sent() -> None:
    refusals = [cls for cls in ALL if cls.__name__.startswith("Invalid") and cls.__name__ != "InvalidRedirectError"]

    assert len(refusals) == 7
    assert all(issubclass(cls, InvalidRequestError) for cls in refusals)
