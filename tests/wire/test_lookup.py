"""Name look-up in helper threads that are left behind when the time is over."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fluxhttp import ConnectError, Deadline, NameResolutionError, RequestTimeoutError
from fluxhttp._core.deadline import EndableDeadline
from fluxhttp._wire.lookup import THREADS_MAX, Lookups, _start_anew, lookups, system_resolver
from fluxhttp.errors import ClosedError, ReceiveError
from tests.peers import PATIENCE, SECONDS, Background, deadline, eventually, fails, in_child, times_out

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hanging:
    """A resolver that hangs until it is released; an address is answered at once.

    Attributes:
        asked: the names it was asked for.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.release = threading.Event()

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        if host.startswith("quick"):
            return ["127.0.0.2"]
        assert self.release.wait(PATIENCE * 4)
        return ["127.0.0.1"]


class WatchedClock:
    """Real time.

    Attributes:
        threads: those that looked at it.
    """

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def monotonic(self) -> float:
        self.threads.add(threading.get_ident())
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        time.sleep(seconds)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    resolver = Hanging()
    yield resolver
    resolver.release.set()
    eventually(lambda: not helpers())


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fluxhttp look-up"]


def test_the_addresses_of_a_name_come_in_the_resolver_s_order() -> None:
    found = Lookups().resolve(lambda host: iter([f"{host}-b", f"{host}-a"]), "x", deadline(PATIENCE))

    assert found == ("x-b", "x-a")


def test_a_resolver_may_give_one_address() -> None:
    assert Lookups().resolve({"a.test": "127.0.0.1"}.__getitem__, "a.test", deadline()) == ("127.0.0.1",)


@pytest.mark.parametrize(
    "raised",
    [
        socket.gaierror(-2, "Name or service not known"),
        OSError("secret"),
        KeyError("secret"),
        UnicodeError("secret"),
        TimeoutError(),
        ReceiveError("secret"),
        None,
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_name_without_address_is_told_without_the_reason(raised: Exception | None) -> None:
    def resolver(host: str) -> list[str]:
        if raised is not None:
            raise raised
        return []

    error = fails(NameResolutionError, Lookups().resolve, resolver, "a.test", deadline())

    assert str(error) == "no such host"
    assert (error.phase, error.maybe_sent) == ("dns", False)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_resolver_that_fails_by_itself_is_a_connect_error() -> None:
    error = fails(ConnectError, Lookups().resolve, lambda host: 1 // 0, "a.test", deadline())  # type: ignore[arg-type, return-value]  # as a caller might

    assert str(error) == "the resolver failed: ZeroDivisionError"
    assert (error.phase, error.maybe_sent) == ("dns", False)
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_what_ends_a_program_ends_the_call_too() -> None:
    def resolver(host: str) -> list[str]:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        Lookups().resolve(resolver, "a.test", deadline())


def test_a_resolver_that_hangs_ends_with_the_deadline_and_is_left_behind(hanging: Hanging) -> None:
    error = times_out(lambda **_: Lookups().resolve(hanging, "a.test", deadline(SECONDS)))

    assert (error.phase, error.maybe_sent) == ("dns", False)
    assert [thread.daemon for thread in helpers()] == [True]


def test_calls_for_one_host_share_one_thread_and_its_answer(hanging: Hanging) -> None:
    looking = Lookups()
    clock = WatchedClock()
    calls = [Background(looking.resolve, hanging, "a.test", Deadline.after(PATIENCE, clock)) for _ in range(8)]
    # A call looks at the clock once it waits for its look-up.
    eventually(lambda: len(clock.threads - {threading.get_ident()}) == 8)

    assert len(helpers()) == 1
    hanging.release.set()

    assert {call.wait().result for call in calls} == {("127.0.0.1",)}
    assert hanging.asked == ["a.test"]


def test_another_host_is_looked_up_while_one_hangs(hanging: Hanging) -> None:
    looking = Lookups()
    call = Background(looking.resolve, hanging, "a.test", deadline(PATIENCE))
    eventually(lambda: hanging.asked)

    assert looking.resolve(hanging, "quick.test", deadline(PATIENCE)) == ("127.0.0.2",)

    assert not call.is_over
    hanging.release.set()
    call.wait()


def test_another_resolver_is_asked_for_the_same_host(hanging: Hanging) -> None:
    looking = Lookups()
    call = Background(looking.resolve, hanging, "a.test", deadline(PATIENCE))
    eventually(lambda: hanging.asked)

    assert looking.resolve(lambda host: ["127.0.0.3"], "a.test", deadline(PATIENCE)) == ("127.0.0.3",)

    hanging.release.set()
    call.wait()


def test_at_most_sixteen_threads_hang_and_then_calls_end_cleanly_until_there_is_room(hanging: Hanging) -> None:
    looking = Lookups()
    for number in range(THREADS_MAX):
        fails(RequestTimeoutError, looking.resolve, hanging, f"{number}.test", deadline(0.001))
    assert len(helpers()) == THREADS_MAX == 16

    error = times_out(lambda **_: looking.resolve(hanging, "quick.test", deadline(SECONDS)))
    waiting = Background(looking.resolve, hanging, "quick-too.test", deadline(PATIENCE))

    assert (error.phase, error.maybe_sent) == ("dns", False)
    assert len(helpers()) == 16
    hanging.release.set()
    assert waiting.wait().result == ("127.0.0.2",)
    assert looking.resolve(hanging, "quick.test", deadline(PATIENCE)) == ("127.0.0.2",)


def test_a_name_is_asked_for_anew_each_time() -> None:
    looking = Lookups()
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    def resolver(host: str) -> list[str]:
        return next(answers)

    assert looking.resolve(resolver, "a.test", deadline()) == ("127.0.0.1",)
    assert looking.resolve(resolver, "a.test", deadline()) == ("127.0.0.2",)


@pytest.mark.parametrize("is_full", [False, True])
def test_a_waiting_call_can_be_ended(hanging: Hanging, is_full: bool) -> None:
    looking = Lookups()
    for number in range(THREADS_MAX if is_full else 0):
        fails(RequestTimeoutError, looking.resolve, hanging, f"{number}.test", deadline(0.001))
    ended = EndableDeadline(deadline())
    call = Background(looking.resolve, hanging, "a.test", ended)
    eventually(lambda: len(helpers()) == (THREADS_MAX if is_full else 1))

    ended.end()

    assert type(call.wait(0.5).error) is ClosedError


def test_no_thread_for_a_look_up_is_an_error_that_leaves_room() -> None:
    looking = Lookups()
    before = threading.stack_size(1 << 46)  # more than any system gives
    try:
        errors = [
            fails(ConnectError, looking.resolve, lambda host: ["127.0.0.1"], "a.test", deadline())
            for _ in range(THREADS_MAX + 1)
        ]
    finally:
        threading.stack_size(before)

    assert {(str(error), error.phase) for error in errors} == {("no thread can be started for the name look-up", "dns")}
    assert looking.resolve(lambda host: ["127.0.0.1"], "a.test", deadline(PATIENCE)) == ("127.0.0.1",)


def test_the_system_knows_localhost_and_gives_each_address_once() -> None:
    found = system_resolver("localhost")

    assert set(found) <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found)) > 0


def test_the_zone_of_an_address_is_kept() -> None:
    assert system_resolver("fe80::1%1")[0].startswith("fe80::1%")


def test_a_child_process_starts_with_no_look_up_of_its_parent_s(hanging: Hanging) -> None:
    for number in range(THREADS_MAX):
        fails(RequestTimeoutError, lookups.resolve, hanging, f"{number}.test", deadline(0.001))
    held = threading.Event()
    release = threading.Event()

    def hold() -> None:
        with lookups._lock:
            held.set()
            release.wait(PATIENCE)

    holder = Background(hold)
    assert held.wait(PATIENCE)

    assert in_child(lambda: lookups.resolve(lambda host: ["127.0.0.9"], "0.test", deadline(PATIENCE)) == ("127.0.0.9",))

    release.set()
    holder.wait()


def test_starting_anew_forgets_what_hangs(hanging: Hanging) -> None:
    fails(RequestTimeoutError, lookups.resolve, hanging, "a.test", deadline(0.001))
    job = lookups._jobs[id(hanging), "a.test"]

    _start_anew()

    assert lookups._jobs == {}
    hanging.release.set()
    assert job.done.wait(PATIENCE)


def test_a_look_up_that_hangs_does_not_hold_the_process_up() -> None:
    program = """
import threading
from fluxhttp import Client, Config, Dialer, RequestTimeoutError, StdlibTransport
client = Client(StdlibTransport(trust_env=False, dialer=Dialer(resolver=lambda host: threading.Event().wait())))
try:
    client.get("http://a.test/", config=Config(timeout=0.05))
except RequestTimeoutError as error:
    print(error.phase)
"""
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=False, capture_output=True, text=True, timeout=PATIENCE
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "dns\n", "")
    assert time.monotonic() - started < PATIENCE
