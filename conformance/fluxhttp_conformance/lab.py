"""Lab: what a case works with. An origin on one side, the transport under test on the other."""

from __future__ import annotations

import random
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from fluxhttp import Client, Config, Deadline, RequestTimeoutError
from fluxhttp.testing import Script
from fluxhttp_conformance.certificates import authority
from fluxhttp_conformance.dialer import LabDialer
from fluxhttp_conformance.machine import Stopwatch, uncollected
from fluxhttp_conformance.observation import ObservedAnswer, ObservedClient, Observer
from fluxhttp_conformance.origins.loopback import LoopbackOrigin
from fluxhttp_conformance.origins.proxy import ForwardProxy
from fluxhttp_conformance.target import NotApplicable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from typing import Any

    from fluxhttp import Clock, Request, Response, Transport, TransportResponse
    from fluxhttp_conformance.certificates import Handshake
    from fluxhttp_conformance.target import Target

_E = TypeVar("_E", bound=BaseException)
_T = TypeVar("_T")

#: The time-out of every call that sets none: a case must not hang.
CALL_SECONDS = 5.0
#: How much later than asked a call may end.
LATE_SECONDS = 0.25
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class HarnessError(Exception):
    """The case itself went wrong: it proves nothing about the transport."""


def raw(*lines: str, body: bytes = b"") -> Script:
    """A script that sends a head of these lines, latin-1, CR LF after each, and a body."""
    return Script().send("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body)


def ok(body: bytes = b"ok") -> Script:
    """A script that sends a plain 200 with this body."""
    return raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body)


def chunked(*chunks: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A body in chunks (RFC 9112, 7.1)."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + last


class Lab:
    """One case's origins, transport and client; made anew for each run of a case.

    Attributes:
        target: the transport under test.
        is_full: whether families are asked for as a whole, as the full profile does.
        observer: notes what the calls come to.
        origin: a plain origin.
        dialer: knows where connections went; in use if the transport takes one.
        handshakes: those that ``secure`` completed, in order.
    """

    def __init__(self, target: Target) -> None:
        self.is_full = False
        self.observer: Observer = Observer()
        self._prepare(target)
        self._secure: LoopbackOrigin | None = None
        self._started: list[LoopbackOrigin] = []
        self.handshakes: list[Handshake] = []
        self._ca_file: str | None = None
        self._clients: list[Client] = []
        self._transports: list[Transport] = []

    def _prepare(self, target: Target) -> None:
        self.target: Target = target
        self.origin: LoopbackOrigin = LoopbackOrigin()
        self.dialer: LabDialer = LabDialer()
        self.dialer.routes[80] = self.origin.address

    # The origin's side

    @property
    def secure(self) -> LoopbackOrigin:
        """The same peer over TLS; it plays the next script of ``origin``, and adds to its requests."""
        if self._secure is None:
            if "ca_file" not in self.target.keywords:
                raise NotApplicable(f"{self.target.name} takes no ca_file")
            if "transport" in self.__dict__:
                raise HarnessError("the secure origin must be there before the transport that is to trust it")
            self._ca_file = authority().ca_file
            self._secure = LoopbackOrigin(tls=authority().server_context(self.handshakes), beside=self.origin)
            self.dialer.routes[443] = self._secure.address
        return self._secure

    def start(self, *, tls: ssl.SSLContext | None = None, port: int | None = None) -> LoopbackOrigin:
        """Another origin, with the scripts and requests of ``origin``.

        Args:
            tls: what it shows a client; None speaks plain HTTP.
            port: where every name leads to it; None for its address alone.
        """
        started = LoopbackOrigin(tls=tls, beside=self.origin)
        self._started.append(started)
        if port is not None:
            self.dialer.routes[port] = started.address
        return started

    @cached_property
    def proxy(self) -> ForwardProxy:
        """A proxy that knows the way to the origins.

        Raises:
            NotApplicable: the transport takes no proxies.
        """
        if "proxies" not in self.target.keywords:
            raise NotApplicable(f"{self.target.name} takes no proxies")
        proxy = ForwardProxy(self.dialer.routes)
        self._started.append(proxy)
        return proxy

    def url(self, path: str = "/", *, host: str | None = None, scheme: str = "http") -> str:
        """The URL of a path of the origin: by address, or under a name of your choice.

        Raises:
            NotApplicable: a name is wanted, and the transport takes no dialer.
        """
        if host is None:
            return (self.secure if scheme == "https" else self.origin).url(path)
        if "dialer" not in self.target.keywords:
            raise NotApplicable(f"{self.target.name} takes no dialer")
        if scheme == "https":
            self.secure  # noqa: B018  # starts it
        return f"{scheme}://{host}{path}"

    @property
    def requests(self) -> list[Any]:
        """The requests that the origins read, in order."""
        return self.origin.requests

    # The client's side

    def open(self, **options: Any) -> Transport:
        """A transport of the kind under test."""
        if "dialer" in self.target.keywords:
            options.setdefault("dialer", self.dialer)
        if self._ca_file is not None:
            options.setdefault("ca_file", self._ca_file)
        transport = self.target.open(**options)
        self._transports.append(transport)
        return transport

    @cached_property
    def transport(self) -> Transport:
        """The transport of this case."""
        return self.open()

    @cached_property
    def client(self) -> Client:
        """A client over it, with a time-out of five seconds a call."""
        return self.new_client(self.transport)

    def new_client(self, transport: Transport, **options: Any) -> Client:
        """Another client, with the same time-out unless ``config`` is given."""
        options.setdefault("config", Config(timeout=CALL_SECONDS))
        if self.target.client is Client:
            client: Client = ObservedClient(transport, observer=self.observer, **options)
        else:
            client = self.target.client(transport, **options)
        self._clients.append(client)
        return client

    def do(self, method: str, path: str = "/", **options: Any) -> Response:
        """A call of the plain origin; ``path`` may also be a whole URL."""
        config = options.get("config")
        if config is not None and config.timeout is None:
            options["config"] = config.replace(timeout=CALL_SECONDS)
        return self.client.do(method, path if "://" in path else self.url(path), **options)

    def get(self, path: str = "/", **options: Any) -> Response:
        """``do("GET", …)``."""
        return self.do("GET", path, **options)

    def post(self, path: str = "/", **options: Any) -> Response:
        """``do("POST", …)``."""
        return self.do("POST", path, **options)

    def fails(self, kind: type[_E], call: Callable[..., Any], *arguments: Any, **options: Any) -> _E:
        """The error that a call ends with, which must be of just that class.

        Raises:
            AssertionError: it returned, or raised another class.
        """
        try:
            result = call(*arguments, **options)
        except Exception as error:
            if type(error) is kind:
                return error
            raise AssertionError(f"expected {kind.__name__}, got {type(error).__name__}: {error}") from error
        raise AssertionError(f"expected {kind.__name__}, got {result!r}")

    def receive(self, script: Script, method: str = "GET", **options: Any) -> Response:
        """Plays one answer, and returns what a call makes of it."""
        self.origin.play(script)
        return self.do(method, **options)

    def refuse(
        self, kind: type[_E], script: Script, method: str = "GET", *, phase: str | None = None, **options: Any
    ) -> _E:
        """Plays one answer, and returns the error that a call must end with: of just that class, in that phase.

        Raises:
            AssertionError: it returned, or raised another class.
        """
        self.origin.play(script)
        error = self.fails(kind, self.do, method, **options)
        if phase is not None:
            told = getattr(error, "phase", None), getattr(error, "maybe_sent", None)
            assert told == (phase, True), f"expected the phase {phase} of a request that was sent, got {told}"
        return error

    @property
    def clock(self) -> Clock:
        """What the transport under test measures time on."""
        clock: Clock = getattr(self.transport, "clock", time)
        return clock

    def stopwatch(self) -> Stopwatch:
        """The time from now on, as the transport under test measures it."""
        return Stopwatch(self.clock)

    def times_out(self, seconds: float, phase: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """The RequestTimeoutError that a call with that time-out must end with, in that phase and on time.

        Raises:
            AssertionError: it ended otherwise, earlier than asked or more than 0.25 s later,
                not counting what the machine had no processor for.
        """
        config = options.pop("config", Config()).replace(timeout=seconds)
        watch = self.stopwatch()
        with uncollected():
            error = self.fails(RequestTimeoutError, call, *arguments, config=config, **options)
        took, own = watch.seconds(), watch.own_seconds()
        assert error.phase == phase, f"expected the phase {phase}, got {error.phase}"
        assert took >= seconds, f"a time-out of {seconds} s took {took:.3f} s"
        assert own <= seconds + LATE_SECONDS, f"a time-out of {seconds} s took {own:.3f} s"
        return error

    def all_time_out(self, seconds: float, phase: str, *scripts: Script) -> None:
        """Plays each script to a GET of its own, all at once: each call must time out, in that phase and on time.

        Raises:
            AssertionError: one did not.
        """
        client = self.client
        self.origin.play(*scripts)
        calls = [lambda: self.times_out(seconds, phase, client.get, self.url()) for _ in scripts]
        for ended in self.together(*calls):
            if not isinstance(ended, RequestTimeoutError):
                raise ended
            assert ended.maybe_sent, "a request that was sent is said not to be"

    def send(self, request: Request, *, config: Config | None = None) -> TransportResponse:
        """One exchange of the transport itself, without a client; close what it returns."""
        deadline = Deadline.after(CALL_SECONDS, self.clock)
        try:
            answer = self.transport.send(request, config=config or Config(), deadline=deadline)
        except Exception as error:
            self.observer.error(error)
            raise
        return ObservedAnswer(answer, self.observer)

    @staticmethod
    def together(*calls: Callable[[], Any]) -> list[Any]:
        """What these calls return or raise, each in a thread of its own, all at once.

        Raises:
            AssertionError: one has not ended after ten seconds.
        """
        ended: dict[int, Any] = {}

        def run(number: int, call: Callable[[], Any]) -> None:
            try:
                ended[number] = call()
            except Exception as error:  # noqa: BLE001  # the case judges it
                ended[number] = error

        threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 2 * CALL_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        assert len(ended) == len(calls), f"only {len(ended)} of {len(calls)} calls ended"
        return [ended[number] for number in range(len(calls))]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for what another thread, a peer's for instance, is about to do.

        Raises:
            AssertionError: it was not done within two seconds.
        """
        end = time.monotonic() + 2.0
        while not condition():
            assert time.monotonic() < end, f"within two seconds it did not happen that {what}"
            time.sleep(0.002)

    def saw_nothing(self) -> None:
        """Nothing of the calls before reached an origin, not even a connection, and the next call works.

        Raises:
            AssertionError: something did, or it does not.
        """
        seen = [origin.connections for origin in self.origins]
        # The control comes after whatever a refused call may have sent.
        self.still_works()
        assert sum(seen) == 0, "a refused call made a connection"
        assert self.origin.connections == 1, "a refused call made a connection"
        assert len(self.requests) == 1, f"a refused call sent {self.requests[0]!r}"

    def still_works(self) -> None:
        """The next call on the same client is answered as if nothing had been before.

        Raises:
            AssertionError: it was not.
        """
        before = len(self.origin.requests)
        self.origin.play(ok(b"control"))
        response = self.get("/control")
        assert (response.status_code, response.body) == (200, b"control"), f"the next call got {response!r}"
        assert len(self.origin.requests) == before + 1, "the next call sent more than one request"
        assert self.origin.requests[-1].target == "/control"

    def sample(self, members: Iterable[_T], quick: int) -> list[_T]:
        """The members of a family: all in the full profile; else ``quick`` of them, from all over, always the same."""
        everyone = list(members)
        if self.is_full or len(everyone) <= quick:
            return everyone
        chosen = random.Random(len(everyone)).sample(range(len(everyone)), quick)
        return [everyone[place] for place in sorted(chosen)]

    def move(self) -> None:
        """The plain origin is found at another port from now on; for families of thousands of connections."""
        self.origin.move()
        self.dialer.routes[80] = self.origin.address

    def transcript(self) -> str:
        """What the origins saw and did."""
        return "\n".join(self.origin.transcript) or "(no origin was touched)"

    @property
    def origins(self) -> list[LoopbackOrigin]:
        """Every origin of the case so far, proxies too."""
        return [origin for origin in (self.origin, self._secure, *self._started) if origin is not None]

    @property
    def was_touched(self) -> bool:
        """Whether an origin saw anything at all."""
        return bool(self.origin.connections or (self._secure is not None and self._secure.connections))

    def close(self) -> None:
        """Ends everything."""
        for client in self._clients:
            client.close()
        for transport in self._transports:
            transport.close()
        for started in self.origins:
            started.close()
