"""Replay: a transport that answers from a HAR file."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._core.query import FORM
from fluxhttp.errors import ClosedError, IncompleteBodyError, InvalidTypeError, RequestTimeoutError, TransportError
from fluxhttp.testing.comparing import form_of, key_of, normal_path, parse_query
from fluxhttp.testing.entries import Entry, SkippedEntry
from fluxhttp.testing.errors import UnexpectedRequestError
from fluxhttp.testing.fake import FakeTransport
from fluxhttp.testing.har import read_log
from fluxhttp.testing.redact import DEFAULT, Redaction
from fluxhttp.testing.seen import storable_request
from fluxhttp.testing.within import Within

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable
    from types import TracebackType
    from typing import Any, Self

    from fluxhttp._core.config import Config
    from fluxhttp._core.deadline import Deadline
    from fluxhttp._core.request import Request
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp.testing.calls import Call, Calls
    from fluxhttp.testing.clock import VirtualClock
    from fluxhttp.testing.faults import Fault
    from fluxhttp.testing.har import JSON, Node
    from fluxhttp.testing.script import Script

__tracebackhide__ = True  # pytest shows the line of the test instead


class Replay:
    """A transport that answers from a HAR file, a recording of ours or one that a browser saved.

    A request is compared by method, URL and content, as a route of the fake
    does, secrets masked on both sides. Entries of the same request are given in
    the order of the file, each once; a request beyond them is unexpected. What
    was recorded to take a time takes it on a virtual clock; what failed, fails.

    As a context manager it checks at exit, as ``verify`` does, that every
    request was there and every entry asked for.

    Args:
        path: of the file.
        redact: what is masked before requests are compared; that which it was recorded with.

    Attributes:
        path: of the file.
        skipped: the entries that cannot be asked for, and why: a browser saves
            websockets, failed requests, and answers without their bodies, too.

    Raises:
        RecordingError: there is no such file, or it is no HAR; the text says where.
        InvalidTypeError: ``redact`` is no Redaction.
    """

    def __init__(self, path: str | os.PathLike[str], *, redact: Redaction = DEFAULT) -> None:
        if not isinstance(redact, Redaction):
            raise InvalidTypeError(f"redact must be a Redaction, not {type(redact).__name__}")
        self.path: Path = Path(path)
        self._redact = redact
        self._fake = _Fake(self.path)
        self._served = _Served()
        self._skipped: list[tuple[int, SkippedEntry]] = []
        log = read_log(self.path)
        #: As it is in the file.
        self._log: JSON = log.value
        entries = self._read(log)
        self._count = len(entries)
        self.skipped: tuple[str, ...] = tuple([f"entry {number}: {why}" for number, why in self._skipped])
        self._register(entries)

    def _read(self, log: Node) -> list[Entry]:
        entries: list[Entry] = []
        for number, node in enumerate(log.nodes("entries"), 1):
            try:
                entries.append(Entry(number, node))
            except SkippedEntry as why:
                self._skipped.append((number, why))
        return entries

    def _register(self, entries: list[Entry]) -> None:
        """One route for all entries of the same request."""
        groups: dict[Hashable, list[tuple[Entry, Request]]] = {}
        for entry in entries:
            stored = storable_request(entry.request, self._redact)
            groups.setdefault(_key(entry, stored), []).append((entry, stored))
        for group in groups.values():
            entry, stored = group[0]
            numbers = ", ".join([str(entry.number) for entry, _ in group])
            name = f"{'entry' if len(group) == 1 else 'entries'} {numbers} of {self.path.name}"
            route = self._fake.route(stored.method, stored.url, name=name, **_matchers(entry, stored))
            for entry, _ in group:
                route.handle(_Play(entry, self._served))
            route.times(len(group))

    @property
    def clock(self) -> VirtualClock:
        """The virtual clock; a client over this transport takes it for its own."""
        return self._fake.clock

    @property
    def calls(self) -> Calls:
        """The requests that were answered, in order, their secrets masked."""
        return self._fake.calls

    @property
    def unexpected(self) -> Calls:
        """The requests that were not there, likewise."""
        return self._fake.unexpected

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Answers from the first entry of this request that was not given yet.

        Raises:
            UnexpectedRequestError: there is none; not an error of the network.
            TransportError, ResponseError: the entry says so.
            ClosedError: the transport was closed.
        """
        served = self._served
        served.entry = served.call = None
        stored = storable_request(request, self._redact)
        try:
            answer = self._fake.send(stored, config=config, deadline=deadline)
        except UnexpectedRequestError as error:
            error.add_note(self._explain(stored))
            raise
        except TransportError as error:
            entry, call = served.entry, served.call
            if entry is None or call is None or entry.failure is None:
                raise
            if isinstance(error, RequestTimeoutError) and not entry.failure.is_timeout:
                # This call allows less time than the recorded one took to fail.
                raise
            failure = call.error = entry.failure.error()
            raise failure from None
        entry, call = served.entry, served.call
        assert entry is not None  # set by the route that answered
        assert call is not None
        return answer if entry.rest is None else _PartAnswer(answer, entry, call, self.clock, deadline)

    def _explain(self, request: Request) -> str:
        entries = "1 entry" if self._count == 1 else f"{self._count:,} entries"
        lines = [f"replayed from {self.path}, {entries}; a Recorder in mode 'new' records what is missing"]
        for number, why in self._skipped:
            if why.method == request.method and why.url.partition("?")[0] == str(request.url).partition("?")[0]:
                lines.append(f"entry {number} is left out: {why}")
        return "\n".join(lines)

    def verify(self) -> None:
        """Checks that every request was there, and every entry asked for.

        Raises:
            UnexpectedRequestError: a request was not, even if the code under test took no notice.
            UnusedRouteError: an entry was not.
        """
        self._fake.verify()

    def close(self) -> None:
        """Refuses further calls; twice is fine."""
        self._fake.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        self._fake.__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<Replay of {self.path}, {self._count} entries>"


class _Fake(FakeTransport):
    """The fake that answers; at the end it says where its routes come from."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def verify(self) -> None:
        """As the fake's."""
        try:
            super().verify()
        except AssertionError as error:
            error.add_note(f"replayed from {self._path}; a Recorder in mode 'all' records it anew")
            raise


class _Served(threading.local):
    """What the call under way in this thread is answered with."""

    entry: Entry | None = None
    call: Call | None = None


class _Play:
    """The handler that stands for an entry; messages call it by what becomes of the call."""

    __slots__ = ("__name__", "_entry", "_served")

    def __init__(self, entry: Entry, served: _Served) -> None:
        self.__name__ = entry.outcome
        self._entry = entry
        self._served = served

    def __call__(self, call: Call) -> Script | Fault:
        self._served.entry = self._entry
        self._served.call = call
        return self._entry.action


class _PartAnswer(Within):
    """An answer whose body did not come whole: what came of it, then what happened."""

    __slots__ = ("_call", "_clock", "_deadline", "_failure", "_is_closed", "_left", "_received", "_seconds")

    def __init__(
        self, answer: TransportResponse, entry: Entry, call: Call, clock: VirtualClock, deadline: Deadline
    ) -> None:
        super().__init__(answer)
        self._call = call
        self._clock = clock
        self._deadline = deadline
        self._failure = entry.failure
        self._left = entry.rest or b""
        self._received = len(self._left)
        self._seconds = entry.receive_seconds
        self._is_closed = False

    def close(self) -> None:
        """As the other's."""
        self._is_closed = True
        super().close()

    def read(self, size: int, /) -> bytes:
        """What came, then the recorded failure; or the end of the call's time."""
        if size <= 0:
            return b""
        if self._is_closed:
            raise ClosedError("the answer is closed, and its body was not read whole")
        seconds, self._seconds = self._seconds, 0.0
        left = self._deadline.remaining()
        if left is not None and (not left or seconds > left):
            self._clock.advance(left)
            self._call.error = self._deadline.timeout_error("body")
            raise self._call.error
        self._clock.advance(seconds)
        data, self._left = self._left[:size], self._left[size:]
        if data:
            return data
        if self._failure is not None:
            error = self._failure.error()
        else:
            error = IncompleteBodyError(
                f"the recording ends here: its client read no more of the body than {self._received} bytes",
                received=self._received,
            )
        self._call.error = error
        raise error


# Which requests are the same


def _content(entry: Entry, stored: Request) -> tuple[str, Any]:
    """How the content is compared: as JSON, a form, or bytes; or not at all, where nobody knows it."""
    if not entry.has_content:
        return "", None
    kind = (stored.headers.first("content-type") or "").partition(";")[0].strip().lower()
    if kind == FORM:
        form = form_of(stored)
        if all(None not in values for values in form.values()):
            return "form", form
    if kind.endswith(("/json", "+json")):
        try:
            value = json.loads(stored.body, parse_constant=_refuse)
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            # No JSON, or none that could be sent.
            return "body", stored.body
        return "json", value
    return "body", stored.body


def _refuse(constant: str) -> None:
    """NaN and infinity are no JSON, and not equal to themselves."""
    raise ValueError(constant)


def _matchers(entry: Entry, stored: Request) -> dict[str, Any]:
    kind, value = _content(entry, stored)
    return {kind: value} if kind else {}


def _key(entry: Entry, stored: Request) -> Hashable:
    """Equal for entries whose requests are the same."""
    kind, value = _content(entry, stored)
    if kind == "json":
        value = json.dumps(value, sort_keys=True)
    elif kind == "form":
        value = key_of(value)
    url = stored.url
    return stored.method, url.origin, normal_path(url.path), key_of(parse_query(url.query)), kind, value
