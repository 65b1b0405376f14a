"""What a call takes, returns and raises is plain data: it pickles and copies (process pools depend on it)."""

from __future__ import annotations

import copy
import io
import pickle
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from fluxhttp import (
    URL,
    BodyTooLargeError,
    CertificateError,
    ClosedError,
    Config,
    ConnectError,
    DecodingError,
    FluxHTTPError,
    Headers,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidHeaderError,
    InvalidMethodError,
    InvalidParamsError,
    InvalidRedirectError,
    InvalidTypeError,
    InvalidURLError,
    LimitError,
    Limits,
    ProtocolError,
    ReceiveError,
    Request,
    RequestTimeoutError,
    StatusError,
    TooManyRedirectsError,
    TransportError,
    TruncatedBodyError,
)
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.certificates import stranger
from fluxhttp_conformance.lab import CALL_SECONDS, Lab, ok, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_T = TypeVar("_T")

#: Where the parts of a value may come from: no library below, no transport. Old protocols have old names.
PLAIN = frozenset({"__builtin__", "_codecs", "builtins", "copy_reg", "copyreg", "datetime"})


class _PlainUnpickler(pickle.Unpickler):
    """Takes plain values and our own alone."""

    def find_class(self, module: str, name: str) -> Any:
        is_ours = module.startswith("fluxhttp.") and not module.startswith("fluxhttp.transports")
        assert is_ours or module in PLAIN, f"the pickle holds a {module}.{name}"
        return super().find_class(module, name)


def _copies(value: _T) -> Iterator[_T]:
    """The value through pickle, by every protocol, and through copy."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again: _T = _PlainUnpickler(io.BytesIO(pickle.dumps(value, protocol))).load()
        yield again
    yield copy.copy(value)
    yield copy.deepcopy(value)


@case("pickling/response", anchor="seam", level="semantic")
def response_pickles(lab: Lab) -> None:
    """A response survives whole: history, request, duration, and lines of one name in their order."""
    lines = ("Set-Cookie: a=1", "X-B: \xe9", "set-cookie: b=2")
    lab.origin.play(redirect("/b", 301), raw("HTTP/1.1 404 Gone Away", *lines, "Content-Length: 3", body=b"\x00\xff\n"))
    response = lab.post("/a", body=b"body", headers=[("X-A", "1"), ("x-a", "2")])

    for again in _copies(response):
        assert type(again) is type(response)
        assert again == response
        assert hash(again) == hash(response)
        assert (again.duration, again.reason, again.http_version) == (response.duration, "Gone Away", "HTTP/1.1")
        assert again.headers.multi_items() == response.headers.multi_items()
        assert again.request is not None
        assert again.request.to_bytes() == lab.requests[-1].raw
        assert [hop.status_code for hop in again.history] == [301]
        assert (str(again.url), again.body, again.truncated) == (lab.url("/b"), b"\x00\xff\n", False)


@case("pickling/request", anchor="seam", level="semantic")
def request_pickles(lab: Lab) -> None:
    """A request that was sent elsewhere and came back goes out with the same bytes."""
    request = Request.build("PUT", lab.url("/p?q"), headers=[("X-A", "ä"), ("x-a", "")], body=bytes(range(256)))

    for again in _copies(request):
        lab.origin.play(ok())
        lab.client.send(again)

        assert again == request
        assert hash(again) == hash(request)
        assert lab.requests[-1].raw == request.to_bytes()


@case("pickling/settings", anchor="seam", level="core")
def settings_pickle(lab: Lab) -> None:
    """So do the values that a call is made with; what is left over of them works as before."""
    limits = Limits(body=None, overflow="truncate", head=1000, fields=10)
    config = Config(timeout=timedelta(seconds=CALL_SECONDS), limits=limits, max_redirects=3)
    values: tuple[object, ...] = (
        config,
        limits,
        Headers([("X-A", "1"), ("x-a", "2"), ("Set-Cookie", "a=1; b")]),
        URL.parse("https://[fe80::1%25eth0]:8443/a?b=%zz"),
    )
    for value in values:
        for again in _copies(value):
            assert again == value
            assert repr(again) == repr(value)
            assert hash(again) == hash(value)
    for again_config in _copies(config):
        lab.origin.play(ok())
        assert lab.get(config=again_config).body == b"ok"


@case("pickling/url-without-userinfo", kind="pinned", anchor="D15", level="core", tags=("security",))
def url_without_userinfo(lab: Lab) -> None:
    """A password in a URL is no part of it once it became a field: not of its text, its equality or its pickle."""
    url = URL.parse("http://user:s3cr3t@origin.test/p")

    assert url == URL.parse("http://origin.test/p")
    for again in _copies(url):
        assert str(again) == "http://origin.test/p"
        assert "s3cr3t" not in repr(again)
    assert b"s3cr3t" not in pickle.dumps(url)
    lab.still_works()


@case("pickling/errors", anchor="seam", level="semantic")
def errors_pickle(lab: Lab) -> None:
    """Every error that a call ends with survives with all that it says, and without the objects that it came from."""
    small = Config(timeout=CALL_SECONDS, limits=Limits(body=3, fields=3))
    gzip = "Content-Encoding: gzip"
    by_answer: tuple[tuple[type[FluxHTTPError], list[Script], Config], ...] = (
        (ReceiveError, [Script().close()], small),
        (IncompleteBodyError, [raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"he").close()], small),
        (ProtocolError, [raw("HTTP/1.1 200 OK", "no field")], small),
        (BodyTooLargeError, [ok(b"four")], small),
        (HeadTooLargeError, [raw("HTTP/1.1 200 OK", *["X: 1"] * 4)], small),
        (DecodingError, [raw("HTTP/1.1 200 OK", gzip, "Content-Length: 1", body=b"x")], small),
        (TooManyRedirectsError, [redirect("/b"), redirect("/c")], small.replace(max_redirects=1)),
        (InvalidRedirectError, [redirect("ftp://a.test/")], small),
        (RequestTimeoutError, [Script().stall()], small.replace(timeout=0.15)),
    )
    for kind, scripts, config in by_answer:
        lab.origin.play(*scripts)
        error = lab.fails(kind, lab.get, "/a?q=1", config=config)
        assert error.method == "GET"
        assert error.url is not None
        _survives(error)

    calls: tuple[tuple[type[FluxHTTPError], Callable[[], object]], ...] = (
        (InvalidURLError, lambda: lab.client.get("ftp://a.test/")),
        (InvalidMethodError, lambda: lab.client.do("get", lab.url("/"))),
        (InvalidHeaderError, lambda: lab.get(headers={"a b": "1"})),
        (InvalidParamsError, lambda: lab.get(params={"a": "\ud800"})),
        (InvalidTypeError, lambda: lab.post(body="text")),
        (ClosedError, lambda: _closed(lab)),
    )
    for kind, call in calls:
        _survives(lab.fails(kind, call))

    lab.origin.play(raw("HTTP/1.1 500 No", "Content-Length: 0"), ok(b"four"))
    status = lab.fails(StatusError, lab.get().raise_for_status)
    cut = lab.get(config=Config(limits=Limits(body=3, overflow="truncate")))
    for late in (status, lab.fails(TruncatedBodyError, cut.json)):
        _survives(late)
    lab.still_works()


def _closed(lab: Lab) -> object:
    client = lab.new_client(lab.transport)
    client.close()
    return client.get(lab.url("/"))


@case("pickling/errors-of-connections", anchor="seam", level="semantic", tags=("tls",))
def errors_of_connections_pickle(lab: Lab) -> None:
    """So do those of connecting and of TLS, whose causes often do not pickle themselves."""
    url = lab.secure.url("/")
    unbelieving = lab.new_client(lab.open(ca_file=stranger().ca_file))
    _survives(lab.fails(CertificateError, unbelieving.get, url))
    lab.still_works()

    closed = lab.start()
    closed.close()
    _survives(lab.fails(ConnectError, lab.client.get, closed.url("/")))


def _survives(error: FluxHTTPError) -> None:
    for again in _copies(error):
        assert type(again) is type(error)
        assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
        assert vars(again) == vars(error)
        assert (again.method, again.url) == (error.method, error.url)
        if isinstance(error, TransportError):
            assert isinstance(again, TransportError)
            assert (again.phase, again.maybe_sent, again.retryable) == (error.phase, error.maybe_sent, error.retryable)
        if isinstance(error, IncompleteBodyError):
            assert isinstance(again, IncompleteBodyError)
            assert (again.received, again.expected) == (error.received, error.expected)
        if isinstance(error, LimitError):
            assert isinstance(again, LimitError)
            assert (again.limit, again.allowed) == (error.limit, error.allowed)
