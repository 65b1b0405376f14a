"""The works whose instructions are counted, and the process that does them under valgrind.

It forks for each work, once to do 200 calls more than the other time. Valgrind
tells at the end of each child how many instructions it and its parent before it
had taken; standard output says which child did what.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from functools import partial
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING

from tests.benchmarks.workload import GET_HEADERS, PARAMS, PATH, Place, answer_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Made before those that are counted: whatever is done only once is done then.
_WARM_UP = 50
CALLS = 200
_NOWHERE = "127.0.0.1"


def _reference() -> Callable[[], object]:
    """Nothing of fluxhttp's: how many instructions this interpreter needs for ordinary Python."""
    word = re.compile(r"([a-z]+)=(\d+)")
    text = "&".join(f"key{chr(97 + number)}={number * 37}" for number in range(24))

    class Node:
        __slots__ = ("name", "value")

        def __init__(self, name: str, value: str) -> None:
            self.name = name
            self.value = value

        def line(self) -> str:
            return f"{self.name}: {self.value}\r\n"

    def work() -> object:
        nodes = [Node(*pair) for pair in word.findall(text)]
        block = "".join([node.line() for node in nodes]).encode()
        fields = dict(line.split(": ", 1) for line in block.decode("latin-1").split("\r\n") if line)
        return json.dumps(sorted(fields.items())), {name.title(): int(value) for name, value in fields.items()}

    return work


def _over(transport: str, method: str) -> Callable[[], Callable[[], object]]:
    def make() -> Callable[[], object]:
        from tests.benchmarks.fake_socket import FakePeer
        from tests.benchmarks.ours import Flux

        client = Flux(Place(_NOWHERE, 1, FakePeer().dial), transport=transport)
        work: Callable[[], object] = getattr(client, method)
        return work

    return make


def _faked(method: str) -> Callable[[], Callable[[], object]]:
    def make() -> Callable[[], object]:
        from tests.benchmarks import doubles

        double = doubles.Fluxhttp(1, is_post=method == "post")
        call: Callable[[str], object] = getattr(double, method)
        return lambda: call(doubles.url_of(0))

    return make


def _head() -> Callable[[], object]:
    from fluxhttp._core.config import DEFAULT_LIMITS
    from fluxhttp._core.head import parse_head

    # As many different ones as calls, so that none is met twice.
    blocks = iter([answer_head(number).removesuffix(b"\r\n") for number in range(1000)])
    return lambda: parse_head(next(blocks), DEFAULT_LIMITS)


def _url() -> Callable[[], object]:
    from fluxhttp import URL

    urls = iter([f"http://a.test/items/{number}?page={number}&tag=%C3%A9" for number in range(1000)])
    return lambda: URL.parse(next(urls))


def _request() -> Callable[[], object]:
    from fluxhttp import Request

    return lambda: Request.build("GET", f"http://a.test{PATH}", params=PARAMS, headers=GET_HEADERS).to_bytes()


REFERENCE = "reference"
WORKS: dict[str, Callable[[], Callable[[], object]]] = {
    REFERENCE: _reference,
    "GET over stdlib": _over("stdlib", "get"),
    "POST over stdlib": _over("stdlib", "post"),
    "GET over urllib3": _over("urllib3", "get"),
    "GET over the fake": _faked("get"),
    "POST over the fake": _faked("post"),
    "a head of ten fields read": _head,
    "a request built": _request,
    "a URL read": _url,
}


def _slack() -> object:
    """Half-used memory of every size, to be held: or what a call takes depends on where memory happened to end."""
    return [[bytes(size) for _ in range(400)][::2] for size in range(0, 2048, 16)]


def _main(works: Sequence[str]) -> None:
    # What several works load is loaded once.
    for module in ("tests.benchmarks.doubles", "tests.benchmarks.ours", "fluxhttp.transports.urllib3"):
        import_module(module)
    # A collection that comes a call earlier or later would be counted here and not there.
    gc.disable()
    slack = _slack()
    for work in works:
        # A child each, or the works before would be part of what it finds.
        _in_a_child(partial(_count, work))
    del slack


def _count(work: str) -> None:
    call = WORKS[work]()
    for _ in repeat(None, _WARM_UP):
        call()
    for calls in (0, CALLS):
        child = _in_a_child(partial(_repeat, call, calls))
        print(json.dumps([child, work, calls]), flush=True)


def _repeat(call: Callable[[], object], calls: int) -> None:
    for _ in repeat(None, calls):
        call()


def _in_a_child(act: Callable[[], None]) -> int:
    """Does something in a copy of this process, and waits for its end."""
    child = os.fork()
    if not child:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("a child failed")
    return child


if __name__ == "__main__":
    _main(sys.argv[1:])
