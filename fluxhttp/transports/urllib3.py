"""Urllib3Transport: urllib3's pools and connections, our bytes out, our judgement in.

urllib3 rewrites request targets, regroups fields, retries, and judges answers
more leniently than RFC 9112. So it is given the target "/" and no fields; a
connection class of ours sends the request as it stands and reads the answer
with our reader. urllib3 keeps what it is good at: pools of connections.
"""

from __future__ import annotations

import os
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, cast

from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import pool_classes_by_scheme

from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.network import Network
from fluxhttp._wire.options import IDLE_SECONDS, MAX_IDLE_PER_ORIGIN, check_pool_options
from fluxhttp._wire.waiting import SECONDS_MAX
from fluxhttp.errors import (
    ClosedError,
    InvalidConfigError,
    InvalidTypeError,
)
from fluxhttp.transports.urllib3_errors import translated
from fluxhttp.transports.urllib3_pools import Call, Carried, Carries, HTTPPool, HTTPSPool, Pools

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Clock, Deadline
    from fluxhttp._core.proxies import Proxy
    from fluxhttp._core.request import Request
    from fluxhttp._wire.dialer import Dials
    from fluxhttp._wire.reader import StrictResponse

#: Pools of different origins that are kept; urllib3's own default is 10.
_POOLS_MAX = 100
#: Pools found again without urllib3's normalisation of their key.
_RECENT_MAX = 100
_NO_RETRIES = Retry.from_int(False, redirect=False)
_NO_TIMEOUT = Timeout(None)
#: Options of a caller's PoolManager that would have no effect, since TLS is ours.
_TLS_OPTIONS = ("ssl_", "ca_cert", "cert_", "key_", "assert_", "server_hostname")


class Urllib3Transport:
    """Carries requests over urllib3, with the same bytes and outcomes as every other transport.

    Thread-safe. Safe after fork: a child leaves the parent's connections alone.

    Args:
        dialer: how a host is connected; None for ``Dialer()``.
        ca_file: path of a PEM file with the certificates to trust, and no others;
            None trusts what the system trusts.
        ssl_context: a context of yours, used as it is; excludes ``ca_file`` and
            calls with ``insecure_skip_verify``.
        trust_env: whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY count (decision
            D14). They are read now, not at each call.
        proxies: proxies by scheme, or one URL for both; they replace the environment's.
        max_idle_per_origin: connections kept for one origin, 0 or more.
        idle_seconds: how long a connection is kept without use, more than 0.
        pool_manager: a ``urllib3.PoolManager`` of yours, still without pools, for
            this transport alone. Its ``num_pools``, ``maxsize`` and ``block`` count
            then, not ``max_idle_per_origin``; nothing else of it does. What goes
            over the wire is the same as ever.

    Raises:
        InvalidConfigError: an option is out of its range, or two exclude each
            other; the pool manager has pools, pool classes of its own, a proxy or
            TLS options already.
        InvalidTypeError: an option has the wrong type.
    """

    def __init__(
        self,
        *,
        dialer: Dials | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        trust_env: bool = True,
        proxies: Mapping[str, str] | str | None = None,
        max_idle_per_origin: int = MAX_IDLE_PER_ORIGIN,
        idle_seconds: float = IDLE_SECONDS,
        pool_manager: PoolManager | None = None,
    ) -> None:
        check_pool_options(max_idle_per_origin, idle_seconds)
        self._network = Network(
            dialer=dialer, ca_file=ca_file, ssl_context=ssl_context, trust_env=trust_env, proxies=proxies
        )
        self._idle_seconds = idle_seconds
        self._keeps = pool_manager is not None or max_idle_per_origin > 0
        # A queue of size 0 would be one without bounds.
        manager = _adopted(pool_manager) or PoolManager(_POOLS_MAX, maxsize=max(1, max_idle_per_origin))
        self._manager = manager
        # No more than the manager keeps, or pools that it has let go would live on here.
        self._recent_max = min(_RECENT_MAX, manager.pools._maxsize)
        this: weakref.ref[Urllib3Transport] = weakref.ref(self)
        self._manager.pool_classes_by_scheme = {
            "http": cast("type[HTTPConnectionPool]", partial(HTTPPool, transport=this)),
            "https": cast("type[HTTPSConnectionPool]", partial(HTTPSPool, transport=this)),
        }
        # A finalizer may give an abandoned answer's connection back while this thread holds it.
        self._lock = threading.RLock()
        self._is_closed = False
        self._used: set[Carries] = set()
        self._connections: weakref.WeakSet[Carries] = weakref.WeakSet()
        self._pools: weakref.WeakSet[Pools] = weakref.WeakSet()
        self._recent: dict[tuple[str | None, bool], HTTPConnectionPool] = {}
        _transports.add(self)

    @property
    def clock(self) -> Clock:
        """The system's clock."""
        return SYSTEM_CLOCK

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> StrictResponse:
        """Sends the request once, and returns when the head of the final answer is there.

        A connection that was used before and dies before the first byte of an
        answer is replaced once for GET, HEAD and requests with Idempotency-Key
        (decision D12).

        Raises:
            TransportError: the exchange failed.
            HeadTooLargeError: the head is over the limits.
            InvalidConfigError: ``insecure_skip_verify`` with an ``ssl_context``.
            ClosedError: the transport was closed, before or meanwhile.
        """
        proxy = self._network.proxy_for(request.url)
        call = Call(self, request, proxy, config, deadline)
        left = deadline.remaining()
        try:
            answer = self._pool(request, proxy, insecure=config.insecure_skip_verify).urlopen(
                request.method,
                "/",
                headers=call,
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=_NO_TIMEOUT,
                pool_timeout=None if left is None else min(left, SECONDS_MAX),  # type: ignore[arg-type]  # a queue takes fractions, too
                preload_content=False,
                decode_content=False,
            )
        except Carried as carried:
            raise carried.error from carried.error.__cause__
        except (HTTPError, OSError, ValueError, OverflowError) as error:
            raise translated(error, deadline) from error
        return cast("StrictResponse", answer)

    def _pool(self, request: Request, proxy: Proxy | None, *, insecure: bool) -> HTTPConnectionPool:
        url = request.url
        # Through a proxy that forwards, one pool leads to every http origin.
        key = (None if proxy is not None and url.scheme == "http" else url.origin, insecure)
        pool = self._recent.get(key)
        if pool is not None and pool.pool is not None:
            return pool
        if self._is_closed:
            raise ClosedError("the transport is closed")
        if key[0] is None and proxy is not None:
            pool = HTTPPool(proxy.host, proxy.port, transport=weakref.ref(self), **self._manager.connection_pool_kw)
        else:
            host = f"[{url.host}]" if ":" in url.host else url.host
            pool = self._manager.connection_from_host(
                host, url.port, url.scheme, {"cert_reqs": "CERT_NONE"} if insecure else None
            )
        if len(self._recent) >= self._recent_max:
            self._recent.clear()
        self._recent[key] = pool
        return pool

    def _begin(self, connection: Carries) -> None:
        with self._lock:
            if self._is_closed:
                raise ClosedError("the transport is closed")
            self._used.add(connection)

    def _end(self, connection: Carries) -> None:
        with self._lock:
            self._used.discard(connection)

    def close(self) -> None:
        """Closes every connection; calls in flight end with ClosedError. Twice is fine."""
        with self._lock:
            self._is_closed = True
            used, pools = list(self._used), list(self._pools)
            self._used.clear()
        for connection in used:
            connection.abort()
        self._manager.clear()
        for pool in pools:
            pool.close()

    def _forget(self) -> None:
        """In a child process: closes its copies of the parent's sockets; see ``Pool.forget``."""
        self._lock = threading.RLock()
        self._used = set()
        self._manager.pools.lock = threading.RLock()
        for connection in list(self._connections):
            connection.close()
        for pool in list(self._pools):
            waiting = pool.pool
            if waiting is not None:
                # Anew, with its locks; urllib3 expects one None for each free place.
                size = waiting.maxsize
                waiting.__init__(size)  # type: ignore[misc]  # urllib3 holds on to this very queue
                for _ in range(size):
                    waiting.put(None)


def _adopted(manager: PoolManager | None) -> PoolManager | None:
    if manager is None:
        return None
    if not isinstance(manager, PoolManager):
        raise InvalidTypeError(f"pool_manager must be a urllib3.PoolManager, not {type(manager).__name__}")
    if len(manager.pools):
        raise InvalidConfigError("pool_manager has pools already; its connections are not ours to use")
    if manager.pool_classes_by_scheme != pool_classes_by_scheme:
        raise InvalidConfigError("pool_manager has pool classes of its own, or belongs to another transport")
    if getattr(manager, "proxy", None) is not None:
        raise InvalidConfigError("pool_manager has a proxy; give it as proxies=")
    for name in manager.connection_pool_kw:
        if name.startswith(_TLS_OPTIONS):
            raise InvalidConfigError(f"pool_manager has the TLS option {name!r}; give ca_file= or ssl_context=")
    return manager


_transports: weakref.WeakSet[Urllib3Transport] = weakref.WeakSet()


def _forget_all() -> None:
    for transport in list(_transports):
        transport._forget()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)
