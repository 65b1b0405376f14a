"""Networks of one's own, where two hosts, public addresses or a link that breaks are wanted (Linux, root)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

#: CLONE_NEWNET of sched.h.
_NEW_NETWORK = 0x40000000
_CALL_SECONDS = 20.0


class Namespace:
    """A thread in a network namespace of its own. Sockets made there, and threads started there, belong to it.

    Raises:
        OSError: it is not permitted.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="namespace")
        self._thread.start()
        self.run(self._enter)
        self.ip("link set lo up")

    def _enter(self) -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self.thread_id = threading.get_native_id()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                self._ended.put((call(), None))
            except BaseException as error:  # noqa: BLE001  # it is raised where the call was asked for
                self._ended.put((None, error))

    def run(self, call: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
        """What a call returns that is made in this network."""
        self._calls.put(partial(call, *arguments, **options))
        result, error = self._ended.get(timeout=_CALL_SECONDS)
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # what was put there

    def ip(self, arguments: str) -> str:
        """What ``ip`` of iproute2 says in this network."""
        command = ["ip", *arguments.split()]
        done = self.run(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.returncode, f"{arguments}: {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        self._calls.put(None)
        self._thread.join(5)


@contextlib.contextmanager
def namespaces(count: int) -> Iterator[list[Namespace]]:
    """That many networks; the test is skipped where there can be none."""
    if not sys.platform.startswith("linux"):
        pytest.skip("network namespaces are Linux's")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed (package iproute2)")
    with contextlib.ExitStack() as stack:
        made = []
        try:
            for _ in range(count):
                made.append(Namespace())
                stack.callback(made[-1].close)
        except OSError as error:
            pytest.skip(f"network namespaces are not permitted: {error.strerror}")
        yield made


def join(here: Namespace, there: Namespace) -> None:
    """A cable between two networks: ``here0`` on one end, ``there0`` on the other.

    They are 192.0.2.1 and 192.0.2.2.
    """
    try:
        here.ip(f"link add here0 type veth peer name there0 netns {there.thread_id}")
    except OSError as error:
        pytest.skip(f"a pair of virtual links cannot be made: {error.strerror}")
    for space, name, number in ((here, "here0", 1), (there, "there0", 2)):
        space.ip(f"link set {name} addrgenmode none")
        space.ip(f"addr add 192.0.2.{number}/24 dev {name}")
        space.ip(f"link set {name} up")
    # The kernel takes up to a second to notice the other end.
    end = time.monotonic() + _CALL_SECONDS
    while not all("LOWER_UP" in space.ip(f"link show {name}") for space, name in ((here, "here0"), (there, "there0"))):
        assert time.monotonic() < end, "the cable does not carry anything"
        time.sleep(0.01)


def give_link_local_addresses(here: Namespace, there: Namespace) -> None:
    """fe80::1 and fe80::2 to the ends of a cable; the test is skipped where there is no IPv6."""
    try:
        # Without the second's wait for somebody else to claim the address.
        here.ip("-6 addr add fe80::1/64 dev here0 nodad")
        there.ip("-6 addr add fe80::2/64 dev there0 nodad")
    except OSError as error:
        pytest.skip(f"there is no IPv6: {error.strerror}")
