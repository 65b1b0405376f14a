"""Who takes part, in the order of a round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import fluxhttp
from tests.benchmarks.baselines import HTTPClient, RawSocket
from tests.benchmarks.ours import Flux
from tests.benchmarks.peers import HTTPX, PoolManager, Requests, Urlopen
from tests.benchmarks.peers_wire import AIOHTTP, Curl, Niquests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.benchmarks.workload import Contender, Place

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A contender.

    Attributes:
        module: what it needs installed.
        factory: how it is made.
        is_shared: whether threads share it, as its documentation says; else each makes its own.
        over_fake: whether it can be given a socket without a kernel.
    """

    module: str
    factory: Factory
    is_shared: bool = True
    over_fake: bool = True


_ALL: dict[str, Entry] = {
    RAW: Entry(module="socket", factory=RawSocket, is_shared=False),
    HTTP_CLIENT: Entry(module="http.client", factory=HTTPClient, is_shared=False),
    CONTROL: Entry(module="http.client", factory=HTTPClient, is_shared=False),
    FLUX: Entry(module="fluxhttp", factory=partial(Flux, transport="stdlib")),
    TIMED: Entry(module="fluxhttp", factory=partial(Flux, transport="stdlib", timeout=_TIMEOUT)),
    "fluxhttp urllib3": Entry(module="urllib3", factory=partial(Flux, transport="urllib3")),
    URLOPEN: Entry(module="urllib3", factory=Urlopen),
    "urllib3 PoolManager": Entry(module="urllib3", factory=PoolManager),
    "requests": Entry(module="requests", factory=Requests),
    "httpx": Entry(module="httpx", factory=HTTPX),
    "aiohttp": Entry(module="aiohttp", factory=AIOHTTP, over_fake=False),
    "pycurl": Entry(module="pycurl", factory=Curl, is_shared=False, over_fake=False),
    "niquests": Entry(module="niquests", factory=Niquests, over_fake=False),
}


def installed(wanted: Iterable[str] | None = None, *, over_fake: bool = False) -> dict[str, Entry]:
    """The contenders that can run here.

    Args:
        wanted: names to choose from them, in any case; None for all.
        over_fake: whether only those are meant that can do without a kernel.
    """
    found = {
        name: entry for name, entry in _ALL.items() if _is_there(name, entry) and (entry.over_fake or not over_fake)
    }
    if wanted is None:
        return found
    chosen = {name.strip().lower() for name in wanted}
    unknown = chosen - {name.lower() for name in found}
    if unknown:
        raise SystemExit(f"not installed or unknown: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
    return {name: entry for name, entry in found.items() if name.lower() in chosen}


def _is_there(name: str, entry: Entry) -> bool:
    """Whether it is installed; where niquests is, what is called urllib3 is another package, and no measure for it."""
    if find_spec(entry.module) is None or (entry.module == "urllib3" and find_spec("niquests") is not None):
        return False
    if name != "fluxhttp urllib3":
        return True
    try:
        fluxhttp.open_transport("urllib3").close()
    except fluxhttp.InvalidConfigError:
        return False
    return True
