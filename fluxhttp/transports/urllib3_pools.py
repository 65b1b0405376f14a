"""urllib3's connections and pools with our dialling, sending and reading in them.

Our errors pass through urllib3 inside ``Carried``: it takes any OSError, a
time-out of ours for one, for a failure of its own.
"""

from __future__ import annotations

import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from fluxhttp._wire.carrying import Carrying
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.reader import StrictResponse
from fluxhttp.errors import FluxHTTPError

if TYPE_CHECKING:
    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.request import Request
    from fluxhttp._wire.network import Network
    from fluxhttp.transports.urllib3 import Urllib3Transport


class Carried(Exception):  # noqa: N818  # it never reaches anybody
    """One of our errors on its way through urllib3, which takes any OSError for one of its own."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Call(dict[str, str]):
    """What a connection needs to know of a call; urllib3 passes it on in place of the headers."""

    __slots__ = ("config", "deadline", "network", "proxy", "request", "transport")

    def __init__(
        self, transport: Urllib3Transport, request: Request, proxy: Proxy | None, config: Config, deadline: Deadline
    ) -> None:
        self.transport: Urllib3Transport = transport
        self.network: Network = transport._network
        self.request: Request = request
        self.proxy: Proxy | None = proxy
        self.config: Config = config
        self.deadline: Deadline = deadline

    def copy(self) -> Call:
        """urllib3 copies the headers before it adds those of a proxy, of which there are none."""
        return self


class _Answer(StrictResponse):
    """What urllib3 looks at in an answer, for its log."""

    length_remaining = None
    #: urllib3 notes where the answer came from.
    retries: object
    _connection: object
    _pool: object

    @property
    def version_string(self) -> str:
        """``HTTP/1.1``."""
        return self.http_version


class Carries(Carrying):
    """What both connection classes have from us."""

    response_class: type[StrictResponse] = _Answer

    _answer: StrictResponse | None = None
    #: Weak, as urllib3 holds each pool's idle connections for as long as the pool lives.
    _pool: weakref.ref[Pools]
    _idle_since = 0.0
    _idle_seconds = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may use the connection again."""
        stream = self.sock
        if stream is None:
            return False
        return SYSTEM_CLOCK.monotonic() - self._idle_since < self._idle_seconds and stream.is_idle()

    def request(  # type: ignore[override]  # only urllib3 calls it, as is done here
        self,
        method: str,  # noqa: ARG002  # the signature is urllib3's
        url: str,  # noqa: ARG002
        body: object = None,  # noqa: ARG002
        headers: Call | None = None,
        **options: object,  # noqa: ARG002
    ) -> None:
        """Makes the call that stands in place of the headers, up to the head of the answer."""
        call = headers
        assert call is not None  # send() gave it
        try:
            call.transport._begin(self)
            self._answer = self._make(call)
        except BaseException as error:
            call.transport._end(self)
            if isinstance(error, FluxHTTPError):
                raise Carried(error) from None
            raise

    def _make(self, call: Call) -> StrictResponse:
        request, config, deadline = call.request, call.config, call.deadline
        stream = self.sock
        was_sent = False
        if stream is not None:
            answer = self.exchange_again(request, config.limits, deadline, self)
            if answer is not None:
                return answer
            was_sent = stream.sent
            self.close()
        call.network.check(request.url, config)
        return self.open_and_exchange(call.network, request, call.proxy, config, deadline, self, was_sent=was_sent)

    def getresponse(self) -> StrictResponse:
        """The answer whose head ``request`` has read."""
        answer, self._answer = self._answer, None
        assert answer is not None  # request() came before
        return answer

    def answer_closed(self, *, reusable: bool) -> None:
        """Called by the answer when the caller is done with it."""
        self._idle_since = SYSTEM_CLOCK.monotonic()
        pool = self._pool()
        if pool is not None:
            pool.take_back(self, reusable=reusable)
        else:
            self.close()


class _HTTPConnection(Carries, HTTPConnection):  # type: ignore[misc]  # sock is a Stream
    """urllib3's connection, dialled and read our way."""


class _HTTPSConnection(Carries, HTTPSConnection):  # type: ignore[misc]  # as above
    """The same for https."""


class _Queue(queue.LifoQueue[Any]):
    """A pool's connections, in a queue that a finalizer may enter while this thread is in it.

    An answer that nobody refers to any more gives its connection back wherever
    the garbage collector happens to run.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.mutex: threading.Lock = threading.RLock()  # type: ignore[assignment]  # a Condition takes either
        self.not_empty: threading.Condition = threading.Condition(self.mutex)
        self.not_full: threading.Condition = threading.Condition(self.mutex)
        self.all_tasks_done: threading.Condition = threading.Condition(self.mutex)


class Pools:
    """What both pool classes have from us."""

    QueueCls = _Queue
    pool: queue.LifoQueue[Any] | None
    #: The same, also once the pool is closed.
    _places: queue.LifoQueue[Any]

    def _note(self, this: weakref.ref[Urllib3Transport]) -> None:
        # Weakly: a transport that is dropped takes its pools along, and they their connections.
        self._transport = this
        assert self.pool is not None  # urllib3 has just made it
        self._places = self.pool
        transport = this()
        assert transport is not None  # it is making this pool
        self.idle_seconds: float = transport._idle_seconds
        self._keeps = transport._keeps
        with transport._lock:
            transport._pools.add(self)

    def _validate_conn(self, conn: object) -> None:
        """Nothing: urllib3 would connect here, before it is known what for."""

    def _new_conn(self) -> Any:
        beside: Any = super()
        connection: Any = beside._new_conn()
        connection._pool = weakref.ref(self)
        connection._idle_seconds = self.idle_seconds
        transport = self._transport()
        if transport is not None:
            transport._connections.add(connection)
        return connection

    def take_back(self, connection: Carries, *, reusable: bool) -> None:
        """Keeps a connection, or fills its place with none."""
        transport = self._transport()
        if transport is not None:
            transport._end(connection)
        if not (reusable and self._keeps):
            connection.close()
            self._put_conn(None)
        else:
            self._put_conn(connection)

    def close(self) -> None:
        """Closes what waits in it, and wakes the calls that wait for a place in it."""
        super().close()  # type: ignore[misc]  # of the pool class beside
        # One finds the transport closed, gives its place back, and so wakes the next.
        self._put_conn(None)

    def _put_conn(self, conn: object) -> None:
        # Without urllib3's warning that the pool is full: to keep ten and close the rest is what was asked for.
        try:
            self._places.put(conn, block=False)
        except queue.Full:
            is_kept = False
        else:
            # Looked at only now, as close() may be under way.
            is_kept = self.pool is not None
        if conn is not None and not is_kept:
            cast("Carries", conn).close()


class HTTPPool(Pools, HTTPConnectionPool):
    """The connections to one http origin, or to a proxy that forwards."""

    ConnectionCls = _HTTPConnection  # type: ignore[assignment]  # getresponse() is ours

    def __init__(self, host: str, port: int, *, transport: weakref.ref[Urllib3Transport], **options: Any) -> None:
        super().__init__(host, port, **options)
        self._note(transport)


class HTTPSPool(Pools, HTTPSConnectionPool):
    """The connections to one https origin."""

    ConnectionCls = _HTTPSConnection  # type: ignore[assignment]  # as above

    def __init__(self, host: str, port: int, *, transport: weakref.ref[Urllib3Transport], **options: Any) -> None:
        super().__init__(host, port, **options)
        self._note(transport)
