"""Recorder: a transport around another one, which keeps what goes by in a HAR file."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._core.deadline import Deadline
from fluxhttp.errors import ClosedError, InvalidConfigError, InvalidTypeError, ResponseError, TransportError
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.errors import UnexpectedRequestError
from fluxhttp.testing.har import RecordingError, new_log, write_log
from fluxhttp.testing.redact import DEFAULT, Redaction
from fluxhttp.testing.replay import Replay
from fluxhttp.testing.seen import Seen, entry_of
from fluxhttp.testing.within import Within

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Literal, Self

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Clock
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import Transport, TransportResponse

    Mode = Literal["once", "none", "new", "all"]

__tracebackhide__ = True  # pytest shows the line of the test instead

#: When a virtual clock shows 0.
_VIRTUAL_START = datetime(2000, 1, 1, tzinfo=UTC)


class Recorder:
    """A transport that records exchanges once and replays them from then on.

    The file is written when it is closed, whole or not at all, and only if
    something was recorded; so it is at the exit of its block, also by an
    exception. Where it only replays, the exit checks as that of ``Replay`` does.

    Args:
        transport: carries what is recorded; closed together with the recorder.
        path: of the HAR file.
        mode: "once" records if there is no file, and only replays if there is
            one. "none" only replays. "new" replays what is there and records
            the rest. "all" records everything anew.
        redact: what is stored in place of secrets; ``Redaction.none()`` stores them.
        now: tells the moment an exchange begins; None for the system's time, or
            a fixed one plus that of the transport's virtual clock.

    Attributes:
        path: of the file.
        mode: as given.
        is_replaying: whether it only replays.

    Raises:
        InvalidConfigError: there is no such mode.
        InvalidTypeError: the transport is none, or ``redact`` is no Redaction.
        RecordingError: the file is broken, or mode "none" finds none.
    """

    def __init__(
        self,
        transport: Transport,
        path: str | os.PathLike[str],
        *,
        mode: Mode = "once",
        redact: Redaction = DEFAULT,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        if mode not in ("once", "none", "new", "all"):
            raise InvalidConfigError(f"mode must be 'once', 'none', 'new' or 'all', not {mode!r}")
        for method in ("send", "close"):
            if not callable(getattr(transport, method, None)):
                raise InvalidTypeError(
                    f"transport must have a method {method}, but {type(transport).__name__} has none"
                )
        if not isinstance(redact, Redaction):
            raise InvalidTypeError(f"redact must be a Redaction, not {type(redact).__name__}")
        self.path: Path = Path(path)
        self.mode: Mode = mode
        self._inner = transport
        self._redact = redact
        self._now = now or self._own_time
        self._lock = threading.Lock()
        self._is_closed = False
        self._seen: list[Seen] = []
        self._replay: Replay | None = None
        is_there = mode != "all" and self.path.exists()
        if is_there:
            self._replay = Replay(self.path, redact=redact)
        elif mode == "none":
            raise RecordingError(f"{self.path}: there is no such file, and mode 'none' records nothing")
        self.is_replaying: bool = is_there and mode != "new"

    def _own_time(self) -> datetime:
        clock = getattr(self._inner, "clock", None)
        if isinstance(clock, VirtualClock):
            return _VIRTUAL_START + timedelta(seconds=clock.monotonic())
        return datetime.now(UTC)

    @property
    def clock(self) -> Clock:
        """The clock of the transport inside, if it has one; a virtual one where it only replays."""
        if self.is_replaying and self._replay is not None:
            return self._replay.clock
        inner: Any = self._inner
        # An optional member: AttributeError says that there is none.
        clock: Clock = inner.clock
        return clock

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Answers from the file, or sends the request and records what comes of it.

        Raises:
            UnexpectedRequestError: it only replays, and the request is not there.
            TransportError, ResponseError: the exchange failed, now or when it was recorded.
            ClosedError: it was closed.
        """
        if self._is_closed:
            raise ClosedError("the recorder is closed")
        replay = self._replay
        if replay is not None:
            if self.is_replaying:
                return replay.send(request, config=config, deadline=deadline)
            try:
                return replay.send(request, config=config, deadline=Deadline.after(deadline.remaining(), replay.clock))
            except UnexpectedRequestError:
                pass
        return self._record(request, config, deadline)

    def _record(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        seen = Seen(request, self._now(), deadline.clock)
        with self._lock:
            self._seen.append(seen)
        try:
            answer = self._inner.send(request, config=config, deadline=deadline)
        except (TransportError, ResponseError) as error:
            seen.fail(error)
            raise
        seen.take_head(answer)
        return _SeenAnswer(answer, seen)

    def verify(self) -> None:
        """Where it only replays: checks that every request was there, and every entry asked for.

        Raises:
            UnexpectedRequestError: a request was not, even if the code under test took no notice.
            UnusedRouteError: an entry was not.
        """
        if self.is_replaying and self._replay is not None:
            self._replay.verify()

    def close(self) -> None:
        """Writes the file if something was recorded, and closes the transport inside; twice is fine.

        Raises:
            OSError: the file cannot be written.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        try:
            self._write()
        finally:
            self._inner.close()
            if self._replay is not None:
                self._replay.close()

    def _write(self) -> None:
        # What is in flight has nothing to store yet; so had what was refused.
        entries = [entry_of(seen, self._redact) for seen in self._seen if seen.is_over]
        if entries:
            log = new_log() if self._replay is None else self._replay._log
            write_log(self.path, {**log, "entries": [*log["entries"], *entries]})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        if self.is_replaying and self._replay is not None:
            self._replay.__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        count = sum(seen.is_over for seen in self._seen)
        does = "replays" if self.is_replaying else f"recorded {count} exchanges for"
        return f"<Recorder in mode {self.mode}, {does} {self.path}>"


class _SeenAnswer(Within):
    """An answer that is noted while it is read."""

    __slots__ = ("_seen",)

    def __init__(self, answer: TransportResponse, seen: Seen) -> None:
        super().__init__(answer)
        self._seen = seen

    def read(self, size: int, /) -> bytes:
        """What the transport reads."""
        try:
            data = self._answer.read(size)
        except (TransportError, ResponseError) as error:
            self._seen.fail(error)
            raise
        self._seen.take_body(data)
        return data
