"""Route: what a request must look like, and what it is answered with."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from fluxhttp._core.hosts import is_address
from fluxhttp._core.request import UNSET
from fluxhttp._core.response import Response
from fluxhttp.errors import InvalidConfigError, InvalidTypeError
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.errors import ImpossibleReplyError, impossible
from fluxhttp.testing.faults import Fault
from fluxhttp.testing.places import defined_at, registered_at
from fluxhttp.testing.reply import Reply, bodiless
from fluxhttp.testing.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxhttp._core.headers import HeaderSource
    from fluxhttp.testing.matching import Pattern

    Handler = Callable[[Call], Reply | Response | Script | Fault | None]
    Action = Reply | Script | Fault | Handler

__tracebackhide__ = True  # pytest shows the line of the test instead

#: Replies that a message names.
_SHOWN_MAX = 8


class Route:
    """One expectation. Its methods return it, so that they can be chained.

    A route with one reply gives it to any number of requests; with several, one
    to each, and then it is used up. ``times`` and ``repeat_last`` say otherwise.

    Attributes:
        pattern: what it expects.
        name: what messages call it.
        number: its place among the routes of its fake, from 0.
        place: file and line where it was registered.
        calls: the calls it took, in order.
    """

    __slots__ = (
        "_actions",
        "_given_back",
        "_is_optional",
        "_next",
        "_repeats",
        "_times",
        "calls",
        "name",
        "number",
        "pattern",
        "place",
    )

    def __init__(self, pattern: Pattern, *, name: str | None = None, number: int = 0, base_url: str = "") -> None:
        if name is not None and not isinstance(name, str):
            raise InvalidTypeError(f"name must be a str, not {type(name).__name__}")
        self.pattern: Pattern = pattern
        self.name: str | None = name
        self.number: int = number
        self.place: str = registered_at()
        self.calls: Calls = Calls(base_url=base_url)
        self._actions: list[Action] = []
        #: Which action comes next, and those before it that are to come again.
        self._next = 0
        self._given_back: list[int] = []
        self._times: int | None = None
        self._repeats = False
        self._is_optional = False

    def respond(
        self,
        status: int = 200,
        *,
        headers: HeaderSource = (),
        body: bytes | bytearray | memoryview = b"",
        text: str | None = None,
        json: object = UNSET,
        chunks: Iterable[bytes | float] | None = None,
        reason: str | None = None,
        after: float = 0.0,
    ) -> Route:
        """Answers; see ``Reply`` for the arguments and what is refused."""
        reply = Reply(
            status, headers=headers, body=body, text=text, json=json, chunks=chunks, reason=reason, after=after
        )
        if self.pattern.method == "HEAD" and reply.body:
            raise bodiless("HEAD", reply.body)
        # Judged now, where the test's own line is in the traceback.
        reply.ready(self.pattern.method or "GET")
        return self._then(reply)

    def fail(self, fault: Fault) -> Route:
        """Fails in one of the ways of ``fluxhttp.testing.faults``.

        Raises:
            InvalidTypeError: it is none of them.
            ImpossibleReplyError: what is requested cannot fail that way.
        """
        if not isinstance(fault, Fault):
            raise InvalidTypeError(f"fault must be one of fluxhttp.testing.faults, not {type(fault).__name__}")
        url = self.pattern.url
        if url is not None and fault.stage == "tls" and url.scheme == "http":
            raise impossible("a fault of TLS for a URL with http", "There is no TLS in it. Register https.")
        if url is not None and fault.stage == "dns" and is_address(url.host):
            raise impossible("a failing look-up for a numeric address", "No name is looked up. Register a host name.")
        return self._then(fault)

    def play(self, script: Script) -> Route:
        """Plays a script.

        Raises:
            InvalidTypeError: it is not a Script.
        """
        if not isinstance(script, Script):
            raise InvalidTypeError(f"script must be a Script, not {type(script).__name__}")
        return self._then(script)

    def handle(self, function: Handler) -> Route:
        """Answers with what a function of the call returns.

        It may return a Reply, a Response, a Script or a fault; None lets the next
        route try. What it raises comes out of the client as it is. It runs
        without a lock, in the thread of the call, which is in ``calls`` by then.

        Raises:
            InvalidTypeError: it cannot be called.
        """
        if not callable(function):
            raise InvalidTypeError(f"function must be callable, not {type(function).__name__}")
        return self._then(function)

    def _then(self, action: Action) -> Route:
        self._actions.append(action)
        return self

    def times(self, count: int) -> Route:
        """Expects just so many requests; more are unexpected, fewer an error at exit.

        Raises:
            InvalidTypeError: it is not an int.
            InvalidConfigError: it is below 1.
        """
        if isinstance(count, bool) or not isinstance(count, int):
            raise InvalidTypeError(f"count must be an int, not {type(count).__name__}")
        if count < 1:
            raise InvalidConfigError(f"count must be at least 1, not {count}")
        self._times = count
        return self

    def optional(self) -> Route:
        """May stay unused."""
        self._is_optional = True
        return self

    def repeat_last(self) -> Route:
        """Goes on with the last reply after the others."""
        self._repeats = True
        return self

    # What came

    @property
    def called(self) -> bool:
        """Whether it took a call."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """How many calls it took."""
        return len(self.calls)

    @property
    def taken(self) -> int:
        """How many requests it took."""
        return self._next - len(self._given_back)

    @property
    def capacity(self) -> int | None:
        """How many requests it takes in all; None for any number."""
        if self._times is not None:
            return self._times
        return None if self._repeats or len(self._actions) == 1 else len(self._actions)

    @property
    def is_used_up(self) -> bool:
        """Whether it takes no more."""
        capacity = self.capacity
        return capacity is not None and self.taken >= capacity

    @property
    def takes_all(self) -> bool:
        """Whether it leaves no request that it matches to a later route."""
        return bool(self._actions) and self.capacity is None and not any(map(_may_pass, self._actions))

    @property
    def missing(self) -> int:
        """How many requests should still have come by the end."""
        if self._is_optional:
            return 0
        return max(0, (self._times or max(1, len(self._actions))) - self.taken)

    # In messages

    @property
    def actions(self) -> tuple[Action, ...]:
        """What it does, in order."""
        return tuple(self._actions)

    @property
    def is_counted(self) -> bool:
        """Whether ``times`` was said."""
        return self._times is not None

    @property
    def summary(self) -> str:
        """Its replies in words."""
        names = [_named(action) for action in self._actions[:_SHOWN_MAX]]
        more = ["…"] if len(self._actions) > _SHOWN_MAX else []
        times = f" (.times({self._times}))" if self._times is not None else ""
        return ", ".join(names + more) + times

    @property
    def progress(self) -> str:
        """How far it has come, of what it waits for."""
        if not self._actions:
            return "it has no reply"
        taken = self.taken
        if not taken:
            return "never"
        if self._times is not None:
            return f"{taken} of {self._times} calls came"
        left = ", ".join([_named(action) for action in self._actions[taken : taken + _SHOWN_MAX]])
        return f"{taken} of {len(self._actions)} replies used; left: {left}"

    # For the fake, under its lock

    def take(self, *, meets_tls: bool) -> tuple[int, Action] | None:
        """Which action serves the next request, and the action; None if there is none left.

        Args:
            meets_tls: whether such a request meets faults of TLS; one that does
                not goes on to what follows them.
        """
        while self._actions and not self.is_used_up:
            if self._given_back:
                number = heappop(self._given_back)
            else:
                number = self._next
                self._next += 1
            last = len(self._actions) - 1
            action = self._actions[min(number, last)]
            if meets_tls or not (isinstance(action, Fault) and action.stage == "tls"):
                return number, action
            if number >= last:
                self.give_back(number)
                break
        return None

    def give_back(self, number: int) -> None:
        """Undoes a ``take`` that let the next route try."""
        heappush(self._given_back, number)

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<Route{name} {self.pattern}, {self.place}>"


def as_action(function: Handler, made: object) -> Reply | Script | Fault | None:
    """What a function of a test returned, as something to play.

    Raises:
        ImpossibleReplyError: it cannot be played.
    """
    if made is None or isinstance(made, Reply | Script | Fault):
        return made
    if isinstance(made, Response):
        # Of the answer that it once was; the framing is made anew.
        framing = ("content-length", "transfer-encoding")
        pairs = [pair for pair in made.headers.multi_items() if pair[0].lower() not in framing]
        return Reply(made.status_code, headers=pairs, body=made.body, reason=made.reason or None)
    raise ImpossibleReplyError(
        f"{_named(function)} returned {type(made).__name__} ({defined_at(function)})\n"
        "  What answers must be a Reply, a Response, a Script or a fault; None lets the next route try."
    )


def _may_pass(action: Action) -> bool:
    """Whether it may let the next route try."""
    return not isinstance(action, Reply | Script) and not (isinstance(action, Fault) and action.stage != "tls")


def _named(action: Action) -> str:
    if isinstance(action, Reply):
        return str(action.status)
    if isinstance(action, Fault):
        return action.name
    if isinstance(action, Script):
        return "script"
    return getattr(action, "__name__", type(action).__name__)
