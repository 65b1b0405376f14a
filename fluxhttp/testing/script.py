r"""Script: what a peer does for one request, as a value.

::

    Script().send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel").pause(0.1).send(b"lo")

A script says nothing about where it is played: a loopback origin plays it with
sockets and real time, an origin in memory with a virtual clock. When it has
ended without ``close`` or ``reset``, the connection stays open for another request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidConfigError, InvalidTypeError

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Begins: TypeAlias = Literal["accept", "head", "request"]


class Send(Value):
    """Send bytes, as one segment where the network lets it be one.

    Args:
        data: what is sent.
        times: how often, one after the other; None goes on until the other side is gone.
    """

    __slots__ = ("data", "times")
    _fields = ("data", "times")

    data: bytes
    times: int | None

    def __init__(self, data: bytes, *, times: int | None = 1) -> None:
        if not isinstance(data, bytes):
            raise InvalidTypeError(f"data must be bytes, not {type(data).__name__}")
        if times is not None and times < 0:
            raise InvalidConfigError(f"times must be 0 or more, not {times}")
        set_field(self, "data", data)
        set_field(self, "times", times)


class Pause(Value):
    """Do nothing for some seconds."""

    __slots__ = ("seconds",)
    _fields = ("seconds",)

    seconds: float

    def __init__(self, seconds: float) -> None:
        if not seconds >= 0:
            raise InvalidConfigError(f"seconds must be 0 or more, not {seconds}")
        set_field(self, "seconds", seconds)


class Receive(Value):
    """Read what is still to come of the request; for a script that begins before its end."""

    __slots__ = ()


class Close(Value):
    """Close the connection in good order.

    Args:
        notify: over TLS, whether to say so first (close_notify; RFC 8446, 6.1).
    """

    __slots__ = ("notify",)
    _fields = ("notify",)

    notify: bool

    def __init__(self, *, notify: bool = True) -> None:
        set_field(self, "notify", notify)


class Reset(Value):
    """Reset the connection (RST)."""

    __slots__ = ()


class Stall(Value):
    """Say nothing more, and wait until the other side gives up."""

    __slots__ = ()


#: What a script is made of.
Step = Send | Pause | Receive | Close | Reset | Stall


class Script(Value):
    """The steps of a peer, in order. Each method returns a longer script.

    Args:
        steps: the first steps.
        begins: when: after the whole "request" was read, after its "head", or
            on "accept", before anything was read.
    """

    __slots__ = ("begins", "steps")
    _fields = ("steps", "begins")

    steps: tuple[Step, ...]
    begins: Begins

    def __init__(self, *steps: Step, begins: Begins = "request") -> None:
        if begins not in ("accept", "head", "request"):
            raise InvalidConfigError(f"begins must be 'accept', 'head' or 'request', not {begins!r}")
        for step in steps:
            if not isinstance(step, Step):
                raise InvalidTypeError(f"a step must be one of fluxhttp.testing's, not {type(step).__name__}")
        set_field(self, "steps", steps)
        set_field(self, "begins", begins)

    def __reduce__(self) -> tuple[object, ...]:
        return _script, (self.steps, self.begins)

    def then(self, *steps: Step) -> Script:
        """With more steps at the end."""
        return Script(*self.steps, *steps, begins=self.begins)

    def send(self, data: bytes, *, times: int | None = 1) -> Script:
        """Then sends bytes; see ``Send``."""
        return self.then(Send(data, times=times))

    def pause(self, seconds: float) -> Script:
        """Then does nothing for some seconds."""
        return self.then(Pause(seconds))

    def receive(self) -> Script:
        """Then reads what is still to come of the request."""
        return self.then(Receive())

    def close(self, *, notify: bool = True) -> Script:
        """Then closes; see ``Close``."""
        return self.then(Close(notify=notify))

    def reset(self) -> Script:
        """Then resets the connection."""
        return self.then(Reset())

    def stall(self) -> Script:
        """Then says nothing more."""
        return self.then(Stall())

    def dribbled(self, *, pause: float = 0.0) -> Script:
        """The same with each byte sent apart, and maybe a pause before each but the first."""
        steps: list[Step] = []
        for step in self.steps:
            if not isinstance(step, Send) or step.times is None:
                steps.append(step)
                continue
            for byte in step.data * step.times:
                if pause and steps:
                    steps.append(Pause(pause))
                steps.append(Send(bytes([byte])))
        return Script(*steps, begins=self.begins)

    def cut(self, size: int) -> Script:
        """Only the first ``size`` bytes of what is sent, and nothing after them."""
        steps: list[Step] = []
        for step in self.steps:
            if isinstance(step, Send) and step.times is not None:
                data = (step.data * step.times)[:size]
                steps.append(Send(data))
                size -= len(data)
                if size == 0:
                    break
            else:
                steps.append(step)
        return Script(*steps, begins=self.begins)

    @property
    def ends(self) -> bool:
        """Whether the connection is over after it."""
        return bool(self.steps) and isinstance(self.steps[-1], Close | Reset | Stall)


def _script(steps: tuple[Step, ...], begins: Begins) -> Script:
    return Script(*steps, begins=begins)
