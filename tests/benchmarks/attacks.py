"""What a hostile caller or peer may send, at any size: done or refused at a linear cost.

Shared by the command ``hostile`` and tests/test_hostile.py, over every transport:
the real ones get a socket in memory, the fake a fault of the same bytes.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import fluxhttp
from fluxhttp import URL, Client, Config, FluxHTTPError, Limits, Request
from fluxhttp.testing import FakeTransport, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ORIGIN = "http://a.test/"
_OK = b"HTTP/1.1 200 OK\r\n"
#: Wide enough that the attack is read and not refused for its size.
_WIDE = Config(limits=Limits(head=16 * 2**20, fields=100_000))


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to make a client work.

    Attributes:
        name: what it is, with its full size.
        size: of the largest of the three that are tried.
        make: from a size to the arguments of ``run``.
        run: does it; an error of fluxhttp's counts as refused.
    """

    name: str
    size: int
    make: Callable[[int], object]
    run: Callable[[str, object], object]


def _parse_url(_: str, text: object) -> object:
    return Request.build("GET", str(URL.parse(cast("str", text)))).to_bytes()


def _build_fields(_: str, fields: object) -> object:
    return Request.build("GET", ORIGIN, headers=cast("list[tuple[str, str]]", fields)).to_bytes()


def _read(transport: str, data: object) -> object:
    return fetch(transport, [cast("bytes", data)], Config())


def _read_wide(transport: str, data: object) -> object:
    return fetch(transport, [cast("bytes", data)], _WIDE)


def _fields(count: int) -> bytes:
    return _OK + b"".join([b"X-%d: v\r\n" % number for number in range(count)]) + b"Content-Length: 0\r\n\r\n"


def _chunks(count: int) -> bytes:
    return _OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * count + b"0\r\n\r\n"


def _coded(body: bytes, codings: str = "gzip") -> bytes:
    return _OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (codings.encode(), len(body)) + body


def _coded_often(count: int) -> bytes:
    body = b"x"
    for _ in range(min(count, 5)):
        body = gzip.compress(body, mtime=0)
    return _coded(body, ", ".join(["gzip"] * count))


#: All at sizes that a client has to expect.
ATTACKS = (
    Attack("a URL of 1 MB, all escapes", 1_000_000, lambda n: ORIGIN + "%41" * (n // 3), _parse_url),
    Attack("a URL of 1 MB, all to be encoded", 1_000_000, lambda n: ORIGIN + "é" * n, _parse_url),
    Attack("a URL of 1 MB, all dots and slashes", 1_000_000, lambda n: ORIGIN + "../" * (n // 3), _parse_url),
    Attack("a request of 10,000 header lines", 10_000, lambda n: [(f"x-{i}", "v") for i in range(n)], _build_fields),
    Attack("an answer of 10,000 header lines", 10_000, _fields, _read),
    Attack("the same where limits allow it", 10_000, _fields, _read_wide),
    Attack("40,000 chunks of one byte", 40_000, _chunks, _read),
    Attack("100,000 gzip members of one byte", 100_000, lambda n: _coded(gzip.compress(b"x", mtime=0) * n), _read),
    Attack("100,000 empty gzip members", 100_000, lambda n: _coded(gzip.compress(b"", mtime=0) * n), _read),
    Attack("200 codings", 200, _coded_often, _read),
)


def cost(attack: Attack, transport: str, prepared: object) -> tuple[float, bool]:
    """Seconds of processor time, and whether it was refused. Nothing that was seen before is remembered."""
    started = time.process_time()
    refused = True
    with contextlib.suppress(FluxHTTPError):
        attack.run(transport, prepared)
        refused = False
    return time.process_time() - started, refused


def fetch(transport: str, pieces: Iterable[bytes], config: Config) -> fluxhttp.Response:
    """One GET that is answered with those bytes."""
    if transport != "fake":
        return fetch_from(transport, Feeder(pieces), config)
    fake = FakeTransport()
    fake.get(ORIGIN).fail(faults.raw(b"".join(pieces)))
    with Client(fake, config=config) as client:
        return client.get(ORIGIN)


def fetch_from(transport: str, feeder: Feeder, config: Config) -> fluxhttp.Response:
    """One GET over a feeder, whose count can be looked at afterwards."""
    carrier = fluxhttp.open_transport(transport, dialer=feeder)
    try:
        with Client(carrier, config=config) as client:
            return client.get(ORIGIN)
    finally:
        carrier.close()


def endless_chunks(size: int = 16_384) -> Iterator[bytes]:
    """An answer that never ends, in chunks."""
    yield _OK + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"%x\r\n%s\r\n" % (size, b"x" * size))


class Feeder:
    """A dialer whose only connection hands out bytes, as many at a time as are asked for.

    Attributes:
        given: how many were.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""
        self.given = 0

    def dial(self, host: str, port: int, /, *, deadline: fluxhttp.Deadline) -> socket.socket:
        """The connection."""
        return cast("socket.socket", _FedSocket(self))

    def take(self, size: int) -> bytes:
        """The next bytes; b"" at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        self.given += len(data)
        return data


class _FedSocket:
    """What a stream asks of a socket."""

    def __init__(self, feeder: Feeder) -> None:
        self._feeder = feeder
        # A descriptor that is never readable, for whoever looks whether the peer said something.
        self._idle, self._other = socket.socketpair()

    def recv(self, size: int, /) -> bytes:
        return self._feeder.take(size)

    def recv_into(self, buffer: memoryview, /) -> int:
        data = self._feeder.take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: bytes, /) -> int:
        return len(data)

    def sendall(self, data: bytes, /) -> None:
        pass

    def settimeout(self, seconds: float | None, /) -> None:
        pass

    def setsockopt(self, *_: object) -> None:
        pass

    def fileno(self) -> int:
        return self._idle.fileno()

    def shutdown(self, how: int, /) -> None:
        pass

    def close(self) -> None:
        self._idle.close()
        self._other.close()
