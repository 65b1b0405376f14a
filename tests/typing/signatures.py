"""The public signatures, pinned. Nothing here runs: mypy and pyright judge it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, assert_type

import fluxhttp
from fluxhttp import (
    FLUX_BLOCKS,
    STRICT_BLOCKS,
    URL,
    Client,
    Clock,
    Config,
    Deadline,
    Dialer,
    FluxHTTPError,
    Headers,
    IncompleteBodyError,
    LimitError,
    Limits,
    PrivateAddressGuard,
    Request,
    RequestTimeoutError,
    Response,
    StatusError,
    StdlibTransport,
    Transport,
    TransportError,
    TransportResponse,
    basic_auth,
    configure,
    encode_params,
    open_transport,
    override,
    path_escape,
    peek,
)
from fluxhttp.testing import Close, Pause, Receive, Reset, Script, Send, Stall

if TYPE_CHECKING:
    import socket
    from contextlib import AbstractContextManager


# The functions


def functions(body: bytearray, view: memoryview, config: Config) -> None:
    assert_type(fluxhttp.do("GET", "http://a.test/"), Response)
    assert_type(fluxhttp.get(URL("http://a.test/"), params={"a": "b", "c": ["d"], "e": ()}), Response)
    assert_type(fluxhttp.head("http://a.test/", headers={"A": "b"}), Response)
    assert_type(fluxhttp.post("http://a.test/", headers=[("A", "b")], body=body), Response)
    assert_type(fluxhttp.put("http://a.test/", headers=Headers(), body=view), Response)
    assert_type(fluxhttp.patch("http://a.test/", json=None, config=None), Response)
    assert_type(fluxhttp.delete("http://a.test/", form={"a": "b"}, config=config), Response)
    assert_type(basic_auth("user", "password"), str)
    assert_type(path_escape("a b"), str)
    assert_type(encode_params({"a": ["b"]}), str)
    assert_type(fluxhttp.__version__, str)


def wrong_functions() -> None:
    fluxhttp.get("http://a.test/", timeout=5)  # type: ignore[call-arg]  # it stands in config
    fluxhttp.get("http://a.test/", body="text")  # type: ignore[arg-type]  # to be encoded
    fluxhttp.get("http://a.test/", params={"a": 1})  # type: ignore[dict-item]  # no number
    fluxhttp.get("http://a.test/", params={"a": None})  # type: ignore[dict-item]  # no None
    fluxhttp.get("http://a.test/", headers={"A": 1})  # type: ignore[arg-type]  # no number
    fluxhttp.get(b"http://a.test/")  # type: ignore[arg-type]  # no bytes
    configure(StdlibTransport())  # type: ignore[call-arg]  # by keyword alone


def process_wide(transport: Transport, config: Config) -> None:
    configure(transport=transport)
    configure(transport="stdlib", config=config)
    overriding: AbstractContextManager[None] = override(transport=transport)
    with overriding:
        pass
    with override(config=config) as nothing:
        assert_type(nothing, None)


# Client


def client(transport: Transport, clock: Clock) -> None:
    Client()
    Client("stdlib")
    Client(None, base_url="http://a.test", config=Config(), headers={"A": "b"}, clock=clock)
    with Client(transport) as it:
        assert_type(it, Client)
        assert_type(it.do("GET", "/"), Response)
        assert_type(it.get("/"), Response)
        assert_type(it.head("/"), Response)
        assert_type(it.post("/", json={}), Response)
        assert_type(it.put("/"), Response)
        assert_type(it.patch("/"), Response)
        assert_type(it.delete("/"), Response)
        request = it.build_request("GET", "/")
        assert_type(request, Request)
        assert_type(it.send(request, config=Config()), Response)
        assert_type(it.transport, Transport)
        assert_type(it.config, Config)
        it.get("/", verify=False)  # type: ignore[call-arg]  # it stands in config
        it.send("/")  # type: ignore[arg-type]  # a Request


# Values


def values(request: Request, response: Response, headers: Headers, url: URL) -> None:
    assert_type(Request.build("GET", "http://a.test/"), Request)
    assert_type(request.method, str)
    assert_type(request.url, URL)
    assert_type(request.headers, Headers)
    assert_type(request.body, bytes)
    assert_type(request.to_bytes(), bytes)

    assert_type(response.status_code, int)
    assert_type(response.headers, Headers)
    assert_type(response.body, bytes)
    assert_type(response.duration, timedelta)
    assert_type(response.request, Request | None)
    assert_type(response.url, URL | None)
    assert_type(response.reason, str)
    assert_type(response.http_version, str)
    assert_type(response.history, tuple[Response, ...])
    assert_type(response.truncated, bool)
    assert_type(response.text, str)
    assert_type(response.json(), Any)
    assert_type(response.ok, bool)
    response.raise_for_status()
    peek(response)

    assert_type(headers["a"], str)
    assert_type(headers.get("a"), str | None)
    assert_type(headers.get_all("a"), tuple[str, ...])
    assert_type(headers.multi_items(), tuple[tuple[str, str], ...])

    assert_type(URL.parse("http://a.test/"), URL)
    assert_type(url.join("/b"), URL)
    assert_type((url.scheme, url.host, url.port), tuple[str, str, int])
    assert_type((url.path, url.query, url.target), tuple[str, str | None, str])
    assert_type((url.authority, url.origin), tuple[str, str])


def settings() -> None:
    config = Config(timeout=5, insecure_skip_verify=False, limits=Limits(), max_redirects=10)
    Config(timeout=timedelta(seconds=5))
    assert_type(config.timeout, float | None)
    assert_type(config.insecure_skip_verify, bool)
    assert_type(config.limits, Limits)
    assert_type(config.max_redirects, int)
    assert_type(config.replace(timeout=1), Config)

    limits = Limits(body=None, overflow="truncate", head=1, fields=1)
    assert_type(limits.body, int | None)
    assert_type(limits.overflow, Literal["error", "truncate"])
    assert_type((limits.head, limits.fields), tuple[int, int])
    assert_type(limits.replace(body=1), Limits)
    Limits(overflow="cut")  # type: ignore[arg-type]  # one of two
    Config(5)  # type: ignore[call-arg]  # by keyword alone


# The seams


class MyResponse:
    """A frozen answer of a transport author's."""

    @property
    def status_code(self) -> int:
        return 200

    @property
    def reason(self) -> str:
        return ""

    @property
    def http_version(self) -> str:
        return "HTTP/1.1"

    @property
    def headers(self) -> Headers:
        return Headers()

    def read(self, size: int, /) -> bytes:
        return b""

    def close(self) -> None:
        pass


class MyTransport:
    """The whole of what a transport author must write."""

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> MyResponse:
        return MyResponse()

    def close(self) -> None:
        pass


class HalfTransport:
    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> MyResponse:
        return MyResponse()


class MyDialer:
    """A dialer of somebody's own."""

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        return Dialer().dial(host, port, deadline=deadline)


class MyClock:
    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float, /) -> None:
        pass


def seams(transport: Transport, request: Request, config: Config, deadline: Deadline) -> None:
    mine: Transport = MyTransport()
    Client(mine, clock=MyClock())
    Client(HalfTransport())  # type: ignore[arg-type]  # it has no close
    answer = transport.send(request, config=config, deadline=deadline)
    assert_type(answer, TransportResponse)
    assert_type(answer.status_code, int)
    assert_type(answer.headers, Headers)
    assert_type(answer.read(1), bytes)

    StdlibTransport(
        dialer=MyDialer(),
        ca_file="ca.pem",
        ssl_context=None,
        trust_env=True,
        proxies={"http": "http://proxy.test:3128"},
        max_idle_per_origin=10,
        idle_seconds=10.0,
    )
    StdlibTransport(proxies="http://proxy.test:3128", idle_seconds=1)
    ours: Transport = StdlibTransport(dialer=Dialer())
    assert_type(open_transport("stdlib", trust_env=False), Transport)
    Client(ours)

    assert_type(Deadline.after(5, MyClock()), Deadline)
    assert_type(deadline.remaining(), float | None)
    assert_type(deadline.expired, bool)


def dialing(deadline: Deadline) -> None:
    guard = PrivateAddressGuard(blocks=STRICT_BLOCKS, allow=["10.0.0.1"])
    PrivateAddressGuard(blocks=FLUX_BLOCKS)
    assert_type(guard.permits("127.0.0.1"), bool)
    dialer = Dialer(
        resolver={"a.test": ["127.0.0.1"]}.__getitem__, guard=guard, allow_proxy=True, unix_socket="/run/socket"
    )
    Dialer(resolver=lambda host: ["127.0.0.1"])
    dialer.dial("a.test", 80, deadline=deadline).close()
    Dialer(guard=lambda address: True)  # type: ignore[arg-type]  # it has no permits


# Errors


def errors(
    error: FluxHTTPError, transport: TransportError, body: IncompleteBodyError, limit: LimitError, status: StatusError
) -> None:
    assert_type((error.method, error.url), tuple[str | None, str | None])
    assert_type(transport.phase, Literal["dns", "connect", "proxy", "tls", "send", "head", "body"])
    assert_type((transport.maybe_sent, transport.retryable), tuple[bool, bool])
    assert_type((body.received, body.expected), tuple[int, int | None])
    assert_type((limit.limit, limit.allowed), tuple[str, int])
    assert_type((status.status_code, status.response), tuple[int, Response | None])
    try:
        fluxhttp.get("http://a.test/")
    except TimeoutError as timeout:
        if isinstance(timeout, RequestTimeoutError):
            assert_type(timeout.retryable, bool)


# Scripts


def scripts() -> None:
    script = Script(Send(b"a"), begins="head").send(b"b", times=None).pause(1).receive().close(notify=False)
    assert_type(script, Script)
    assert_type(script.steps, tuple[Send | Pause | Receive | Close | Reset | Stall, ...])
    assert_type(script.begins, Literal["accept", "head", "request"])
    assert_type(script.dribbled(pause=0.1), Script)
    assert_type(script.cut(5), Script)
    assert_type(script.ends, bool)
    Script(b"a")  # type: ignore[arg-type]  # a step
    Script(begins="end")  # type: ignore[arg-type]  # one of three
