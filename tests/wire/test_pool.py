"""Idle connections: which one is taken, which are closed, and what a fork or a finalizer does."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fluxhttp import ClosedError
from fluxhttp._wire.pool import Pool, _drop_idle, _forget_all
from tests.peers import PATIENCE, Background, ManualClock, fails, in_child

if TYPE_CHECKING:
    from collections.abc import Hashable


class Connection:
    """One that remembers what was done to it."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.idle_since = 0.0
        self.is_quiet = True
        self.is_closed = False
        self.is_aborted = False

    def is_idle(self) -> bool:
        return self.is_quiet

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self.is_closed = True

    def __repr__(self) -> str:
        return f"<Connection {self.name}>"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def pool(clock: ManualClock) -> Pool[Connection]:
    return Pool(max_idle_per_origin=2, idle_seconds=10.0, clock=clock)


def used(pool: Pool[Connection], key: Hashable = "a", *, name: str = "") -> Connection:
    """A new connection that was used and given back."""
    connection = Connection(name)
    pool.add(connection)
    pool.give_back(key, connection)
    return connection


def test_an_empty_pool_has_nothing(pool: Pool[Connection]) -> None:
    assert pool.take("a") is None


def test_the_connection_used_last_is_taken_first(pool: Pool[Connection]) -> None:
    first, second = Connection(), Connection()
    for connection in (first, second):
        pool.add(connection)
    for connection in (first, second):
        pool.give_back("a", connection)

    assert pool.take("a") is second
    assert pool.take("a") is first
    assert pool.take("a") is None


def test_a_connection_is_taken_for_its_own_key_alone(pool: Pool[Connection]) -> None:
    connection = used(pool, ("http://a.test", False))

    assert pool.take(("http://a.test", True)) is None

    assert pool.take(("http://a.test", False)) is connection


def test_a_connection_on_which_something_came_is_closed_and_not_taken(pool: Pool[Connection]) -> None:
    good, bad = Connection(), Connection()
    for connection in (good, bad):
        pool.add(connection)
        pool.give_back("a", connection)
    bad.is_quiet = False

    assert pool.take("a") is good

    assert (bad.is_closed, good.is_closed) == (True, False)


@pytest.mark.parametrize(("seconds", "is_kept"), [(0.0, True), (9.99, True), (10.0, False), (1e9, False)])
def test_a_connection_that_waited_too_long_is_closed_and_not_taken(
    seconds: float, is_kept: bool, pool: Pool[Connection], clock: ManualClock
) -> None:
    connection = used(pool)
    clock.now += seconds

    taken = pool.take("a")

    assert (taken is connection, connection.is_closed) == (is_kept, not is_kept)


def test_a_connection_too_many_closes_the_oldest(pool: Pool[Connection]) -> None:
    connections = [Connection(str(number)) for number in range(3)]
    for connection in connections:
        pool.add(connection)
    for connection in connections:
        pool.give_back("a", connection)

    assert [connection.is_closed for connection in connections] == [True, False, False]


def test_a_pool_of_none_closes_what_is_given_back(clock: ManualClock) -> None:
    pool: Pool[Connection] = Pool(max_idle_per_origin=0, idle_seconds=10.0, clock=clock)

    connection = used(pool)

    assert connection.is_closed
    assert pool.take("a") is None


def test_what_no_request_asks_for_any_more_is_closed_with_the_next_one_given_back(
    pool: Pool[Connection], clock: ManualClock
) -> None:
    old = [used(pool, f"old {number}") for number in range(5)]
    clock.now += 9
    younger = used(pool, "younger")
    clock.now += 1

    used(pool, "new")

    assert [connection.is_closed for connection in old] == [True] * 5
    assert pool.take("younger") is younger


def test_everything_may_have_waited_too_long(pool: Pool[Connection], clock: ManualClock) -> None:
    old = [used(pool, "a"), used(pool, "b")]
    clock.now += 10

    new = used(pool, "c")

    assert [connection.is_closed for connection in (*old, new)] == [True, True, False]


def test_a_connection_used_again_keeps_its_place_among_the_young(pool: Pool[Connection], clock: ManualClock) -> None:
    first, other = Connection(), Connection()
    for connection in (first, other):
        pool.add(connection)
        pool.give_back("a", connection)
    stale = used(pool, "b")
    clock.now += 9
    pool.give_back("a", taken(pool, "a"))
    clock.now += 1

    used(pool, "c")

    assert [connection.is_closed for connection in (first, other, stale)] == [True, False, True]
    assert pool.take("a") is other


def taken(pool: Pool[Connection], key: Hashable) -> Connection:
    connection = pool.take(key)
    assert connection is not None
    return connection


def test_a_connection_that_is_dropped_is_closed(pool: Pool[Connection]) -> None:
    connection = Connection()
    pool.add(connection)

    pool.drop(connection)
    pool.drop(connection)

    assert connection.is_closed
    assert pool.take("a") is None


# Close


def test_closing_ends_what_waits_and_what_is_in_use(pool: Pool[Connection]) -> None:
    waiting = used(pool)
    busy = Connection()
    pool.add(busy)

    pool.close()
    pool.close()

    assert (waiting.is_closed, waiting.is_aborted) == (True, False)
    assert (busy.is_closed, busy.is_aborted) == (False, True)


def test_a_closed_pool_takes_and_gives_nothing(pool: Pool[Connection]) -> None:
    busy = Connection()
    pool.add(busy)
    pool.close()

    pool.give_back("a", busy)

    assert busy.is_closed
    assert str(fails(ClosedError, pool.take, "a")) == "the transport is closed"
    assert str(fails(ClosedError, pool.add, Connection())) == "the transport is closed"


# The end without close


def test_a_forgotten_pool_closes_what_waits(clock: ManualClock) -> None:
    pool: Pool[Connection] = Pool(max_idle_per_origin=2, idle_seconds=10.0, clock=clock)
    connection = used(pool)
    gone = weakref.ref(pool)

    del pool
    gc.collect()

    assert gone() is None
    assert connection.is_closed


def test_what_waits_is_closed_at_the_end_of_the_process(pool: Pool[Connection]) -> None:
    connection = used(pool)

    _drop_idle()

    assert connection.is_closed


def test_a_finalizer_may_give_a_connection_back_at_any_moment(pool: Pool[Connection]) -> None:
    connection = Connection()
    pool.add(connection)

    class Abandoned:
        def __del__(self) -> None:
            pool.give_back("a", connection)

    abandoned = Abandoned()

    def meddle() -> None:
        nonlocal abandoned
        with pool._lock:
            del abandoned

    Background(meddle).wait(1.0)

    assert pool.take("a") is connection


# Fork


def test_a_child_closes_its_copies_and_nothing_of_its_parent_s_comes_back(pool: Pool[Connection]) -> None:
    waiting = used(pool)
    busy = Connection()
    pool.add(busy)

    _forget_all()

    assert (waiting.is_closed, busy.is_closed, busy.is_aborted) == (True, True, False)
    assert pool.take("a") is None
    pool.give_back("a", busy)
    assert pool.take("a") is None


def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_its_parent_held(pool: Pool[Connection]) -> None:
    used(pool)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with pool._lock:
            held.set()
            release.wait(PATIENCE)

    holder = Background(hold)
    assert held.wait(PATIENCE)

    assert in_child(lambda: pool.take("a") is None and used(pool) is pool.take("a"))

    release.set()
    holder.wait()
    assert pool.take("a") is not None


@pytest.mark.cost
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers that interrupt on this system")
def test_an_interrupt_leaves_no_lock_behind(pool: Pool[Connection]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def use() -> None:
        # Not before: on a busy machine it may go off between any two lines.
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        while True:
            connection = pool.take("a")
            if connection is None:
                connection = Connection()
                pool.add(connection)
            pool.give_back("a", connection)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(300):
            with pytest.raises(KeyboardInterrupt):
                use()
            assert not pool._lock._is_owned()  # type: ignore[attr-defined]  # of each RLock
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_process_may_end_without_closing_anything() -> None:
    program = """
import socket, threading
from fluxhttp import Client, get

listener = socket.create_server(("127.0.0.1", 0))

def serve():
    for _ in range(2):
        sock, _ = listener.accept()
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        kept.append(sock)

kept = []
serving = threading.Thread(target=serve)
serving.start()
url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
client = Client()
print(client.get(url).body, get(url).body)
# No thread is left to speak while the interpreter ends.
serving.join()
listener.close()
for sock in kept:
    sock.close()
"""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        env=environment,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "b'ok' b'ok'\n", "")


# Any order of events


class Pooling(RuleBasedStateMachine):
    """Whatever happens in whatever order, a connection is used by one at a time, and closed once it is not kept."""

    keys = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.pool: Pool[Connection] = Pool(max_idle_per_origin=2, idle_seconds=10.0, clock=self.clock)
        self.busy: list[tuple[str, Connection]] = []
        self.waiting: dict[str, list[Connection]] = {}
        self.all: list[Connection] = []

    @rule(key=keys)
    def make(self, key: str) -> None:
        connection = Connection(str(len(self.all)))
        self.all.append(connection)
        self.pool.add(connection)
        self.busy.append((key, connection))

    @rule(key=keys)
    def take(self, key: str) -> None:
        connection = self.pool.take(key)
        usable = [
            it
            for it in self.waiting.get(key, [])
            if it.is_quiet and self.clock.now - it.idle_since < 10.0 and not it.is_closed
        ]
        assert connection is (usable[-1] if usable else None)
        if connection is not None:
            self.waiting[key].remove(connection)
            self.busy.append((key, connection))

    @precondition(lambda self: self.busy)
    @rule(place=st.integers(0, 99))
    def give_back(self, place: int) -> None:
        key, connection = self.busy.pop(place % len(self.busy))
        self.pool.give_back(key, connection)
        self.waiting.setdefault(key, []).append(connection)
        young = [it for it in self.waiting[key] if not it.is_closed]
        assert young[-1] is connection

    @precondition(lambda self: self.busy)
    @rule(place=st.integers(0, 99))
    def drop(self, place: int) -> None:
        connection = self.busy.pop(place % len(self.busy))[1]
        self.pool.drop(connection)
        assert connection.is_closed

    @rule(seconds=st.sampled_from([0.5, 5.0, 20.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(place=st.integers(0, 99))
    def speak_out_of_turn(self, place: int) -> None:
        if self.all:
            self.all[place % len(self.all)].is_quiet = False

    @invariant()
    def nothing_in_use_is_closed_and_at_most_two_wait_for_a_key(self) -> None:
        assert not any(connection.is_closed for _, connection in self.busy)
        for key in "abc":
            assert sum(not connection.is_closed for connection in self.waiting.get(key, [])) <= 2


class TestPooling(Pooling.TestCase):  # type: ignore[name-defined, misc]  # made at run time
    settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
