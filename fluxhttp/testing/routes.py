"""Route: what a request must look like, and what it is answered with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._core.request import UNSET
from fluxhttp.errors import InvalidConfigError, InvalidTypeError
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.errors import ImpossibleReplyError
from fluxhttp.testing.faults import Fault
from fluxhttp.testing.reply import Reply
from fluxhttp.testing.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fluxhttp._core.headers import HeaderSource
    from fluxhttp._core.response import Response
    from fluxhttp.testing.matching import Pattern

    Handler = Callable[[Call], Reply | Response | Script | Fault | None]
    Action = Reply | Script | Fault | Handler

_OWN_FOLDER = str(Path(__file__).parent)


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
        "_is_optional",
        "_repeats",
        "_taken",
        "_times",
        "calls",
        "name",
        "number",
        "pattern",
        "place",
    )

    def __init__(self, pattern: Pattern, *, name: str | None = None, number: int = 0) -> None:
        self.pattern = pattern
        self.name = name
        self.number = number
        self.place = registered_at()
        self.calls = Calls()
        self._actions: list[Action] = []
        self._taken = 0
        self._times: int | None = None
        self._repeats = False
        self._is_optional = False

    def respond(
        self,
        status: int = 200,
        *,
        headers: HeaderSource = (),
        body: bytes = b"",
        text: str | None = None,
        json: object = UNSET,
        chunks: Sequence[bytes | float] | None = None,
        reason: str | None = None,
        after: float = 0.0,
    ) -> Route:
        """Answers; see ``Reply`` for the arguments and what is refused."""
        reply = Reply(
            status, headers=headers, body=body, text=text, json=json, chunks=chunks, reason=reason, after=after
        )
        if self.pattern.method == "HEAD" and reply.body:
            raise ImpossibleReplyError(
                f"HEAD with a body of {len(reply.body)} bytes: every transport drops it; "
                "leave it out, or send raw bytes with faults.raw"
            )
        # Judged now, where the test's own line is in the traceback.
        reply.ready(self.pattern.method or "GET")
        return self._then(reply)

    def fail(self, fault: Fault) -> Route:
        """Fails in one of the ways of ``fluxhttp.testing.faults``.

        Raises:
            InvalidTypeError: it is none of them.
        """
        if not isinstance(fault, Fault):
            raise InvalidTypeError(f"fault must be one of fluxhttp.testing.faults, not {type(fault).__name__}")
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
        route try. It runs without a lock, in the thread of the call.

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

    @property
    def called(self) -> bool:
        """Whether it took a call."""
        return bool(self.calls)

    @property
    def call_count(self) -> int:
        """How many calls it took."""
        return len(self.calls)

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
        return capacity is not None and self._taken >= capacity

    @property
    def missing(self) -> int:
        """How many requests should still have come by the end."""
        if self._is_optional:
            return 0
        wanted = self._times or max(1, len(self._actions))
        return max(0, wanted - self._taken)

    @property
    def actions(self) -> tuple[Action, ...]:
        """What it does, in order."""
        return tuple(self._actions)

    def take(self) -> Action:
        """The action for the next request; under the fake's lock."""
        actions = self._actions
        action = actions[self._taken] if self._taken < len(actions) else actions[-1]
        self._taken += 1
        return action

    def give_back(self) -> None:
        """Undoes a ``take`` whose handler let the next route try."""
        self._taken -= 1

    def forget(self) -> None:
        """As if no request had come."""
        self._taken = 0
        self.calls = Calls()

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<Route{name} {self.pattern}, {self.place}>"


def registered_at() -> str:
    """The file and line outside this package that is being executed."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_FOLDER):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
