"""Who takes part, in the order of a round."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import fluxhttp
from tests.benchmarks.baselines import HTTPClient, RawSocket
from tests.benchmarks.fake_socket import FakePeer, RecordingSocket
from tests.benchmarks.ours import Flux
from tests.benchmarks.peers import HTTPX, PoolManager, Requests, Urlopen
from tests.benchmarks.workload import ANSWER_BODY, GET_HEADERS, PATH, POST_BODY, POST_HEADERS, Place, target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.benchmarks.workload import Contender

    Factory = Callable[[Place], Contender]

RAW = "raw socket"
HTTP_CLIENT = "http.client"
#: The same once more: how far it is from the first says what a difference is worth.
CONTROL = "http.client again"
URLOPEN = "urllib3 urlopen"
FLUX = "fluxhttp stdlib"
TIMED = "fluxhttp stdlib with timeout"
#: Seconds no call here comes near; what they cost is setting them.
_TIMEOUT = 30.0

#: Name -> the module it needs, and how it is made.
_ALL: dict[str, tuple[str, Factory]] = {
    RAW: ("socket", RawSocket),
    HTTP_CLIENT: ("http.client", HTTPClient),
    CONTROL: ("http.client", HTTPClient),
    FLUX: ("fluxhttp", partial(Flux, transport="stdlib")),
    TIMED: ("fluxhttp", partial(Flux, transport="stdlib", timeout=_TIMEOUT)),
    "fluxhttp urllib3": ("urllib3", partial(Flux, transport="urllib3")),
    URLOPEN: ("urllib3", Urlopen),
    "urllib3 PoolManager": ("urllib3", PoolManager),
    "requests": ("requests", Requests),
    "httpx": ("httpx", HTTPX),
}


def installed(wanted: Iterable[str] | None = None) -> dict[str, Factory]:
    """The contenders that can run here.

    Args:
        wanted: names to choose from them, in any case; None for all.
    """
    found = {name: factory for name, (module, factory) in _ALL.items() if find_spec(module) and _is_registered(name)}
    if wanted is None:
        return found
    chosen = {name.strip().lower() for name in wanted}
    unknown = chosen - {name.lower() for name in found}
    if unknown:
        raise SystemExit(f"not installed or unknown: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    return {name: factory for name, factory in found.items() if name.lower() in chosen}


def _is_registered(name: str) -> bool:
    """Whether fluxhttp has the transport; peers always have what they need."""
    if name != "fluxhttp urllib3":
        return True
    try:
        fluxhttp.open_transport("urllib3").close()
    except fluxhttp.InvalidConfigError:
        return False
    return True


def check(name: str, factory: Factory, place: Place) -> None:
    """Makes sure that a contender sends the whole request, over the fake alone and on one connection."""
    peer = FakePeer(RecordingSocket)
    contender = factory(Place(place.host, place.port, peer.dial))
    try:
        for call, head, headers, body in (
            (contender.get, f"GET {target()} HTTP/1.1\r\n", GET_HEADERS, b""),
            (contender.post, f"POST {PATH} HTTP/1.1\r\n", POST_HEADERS, POST_BODY),
        ):
            for sock in peer.sockets:
                assert isinstance(sock, RecordingSocket)
                sock.sent.clear()
            expected = peer.answers + 1
            assert call() == ANSWER_BODY, f"{name}: another body"
            assert peer.answers == expected, f"{name}: {peer.answers} answers, not {expected}"
            sock = peer.sockets[0]
            assert isinstance(sock, RecordingSocket)
            sent = bytes(sock.sent)
            # httpx writes a space as %20.
            assert sent.replace(b"%20", b"+").startswith(head.encode()), f"{name}: {sent[:80]!r}"
            sent_head, _, sent_body = sent.partition(b"\r\n\r\n")
            lines = sent_head.lower().split(b"\r\n")
            for field, value in headers.items():
                assert f"{field}: {value}".lower().encode() in lines, f"{name}: no field {field}"
            assert sent_body == body, f"{name}: another body sent"
        assert len(peer.sockets) == 1, f"{name}: {len(peer.sockets)} connections"
    finally:
        contender.close()
