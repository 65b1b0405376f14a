"""Observation: what both ends of a case saw, in a form that is the same wherever the same was seen.

The fidelity of a fake is that its observations are those of the real transports:
not only that it passes what they pass. An observation holds no port, no time and
no memory address. Calls that were made at once are put in the order of their
text, and how many connections they took is left out, since no two runs agree on it.
"""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING

from fluxhttp import Client

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from fluxhttp import Clock, Config, Headers, Request, Response, Transport, TransportResponse
    from fluxhttp_conformance.lab import Lab
    from fluxhttp_conformance.origins.seen import SeenRequest

#: Longer contents are told by their length and a digest.
_SHOWN_BYTES = 80
#: How many lines are kept to be shown; the digest is of them all.
_MOST_LINES = 400
# What is another in each run, or where a port makes a URL longer.
_find_address = re.compile(r"0x[0-9a-f]{6,}")
_find_place = re.compile(r"(?<=\(position )[0-9]+(?=\))")


class Observer:
    """Notes what the calls of one case come to; made in the thread of the case. Thread-safe.

    Attributes:
        is_ordered: whether every call was made in that thread, so one after the other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[_Answer | str] = []
        self.is_ordered: bool = True
        self._thread = threading.get_ident()

    def note(self, call: _Answer | str) -> None:
        """Adds what a call came to."""
        with self._lock:
            self._calls.append(call)
            self.is_ordered = self.is_ordered and threading.get_ident() == self._thread

    def error(self, error: Exception) -> None:
        """Adds how a call failed."""
        self.note(_told_error(error))

    def lines(self) -> list[str]:
        """What was noted, a line for each call."""
        told = [str(call) for call in self._calls]
        return told if self.is_ordered else sorted(told)


class ObservedClient(Client):
    """A client whose calls are noted.

    Args:
        transport: what carries its requests.
        observer: notes what they come to.
        options: as for any client.
    """

    __slots__ = ("_observer",)

    def __init__(
        self, transport: Transport, *, observer: Observer, config: Config, clock: Clock | None = None, **options: Any
    ) -> None:
        super().__init__(transport, config=config, clock=clock, **options)
        self._observer = observer

    def build_request(self, *arguments: Any, **options: Any) -> Request:
        """As of any client; what is refused is noted."""
        try:
            return super().build_request(*arguments, **options)
        except Exception as error:
            self._observer.error(error)
            raise

    def send(self, request: Request, *, config: Config | None = None) -> Response:
        """As of any client; what comes of it is noted."""
        try:
            response = super().send(request, config=config)
        except Exception as error:
            self._observer.error(error)
            raise
        self._observer.note(_told_response(response))
        return response


class ObservedAnswer:
    """An answer of the transport itself, of which the head and what is read are noted."""

    def __init__(self, answer: TransportResponse, observer: Observer) -> None:
        self._answer = answer
        self._noted = _Answer(answer)
        observer.note(self._noted)

    @property
    def status_code(self) -> int:
        """As received."""
        return self._answer.status_code

    @property
    def reason(self) -> str:
        """As received."""
        return self._answer.reason

    @property
    def http_version(self) -> str:
        """As received."""
        return self._answer.http_version

    @property
    def headers(self) -> Headers:
        """As received."""
        return self._answer.headers

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes of the body."""
        try:
            data = self._answer.read(size)
        except Exception as error:
            self._noted.ended = _told_error(error)
            raise
        if isinstance(data, bytes):  # a transport may be wrong
            self._noted.body.append(data)
        return data

    def close(self) -> None:
        """Gives the connection back, or drops it."""
        self._answer.close()


class _Answer:
    """What is known of an answer by now."""

    def __init__(self, answer: TransportResponse) -> None:
        self._head = f"{answer.status_code} {answer.reason!r} {answer.http_version} {_pairs(answer.headers)}"
        self.body: list[bytes] = []
        self.ended = ""

    def __str__(self) -> str:
        return f"answer {self._head} {_content(b''.join(self.body))}{self.ended and ', then '}{self.ended}"


def _pairs(headers: Headers) -> str:
    return str([f"{name}: {value}" for name, value in headers.multi_items()])


def _content(data: bytes) -> str:
    if len(data) <= _SHOWN_BYTES:
        return repr(data)
    return f"{len(data)} bytes {data[:16]!r}... sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def _told_response(response: Response) -> str:
    told = f"answer {response.status_code} {response.reason!r} {response.http_version} {_pairs(response.headers)}"
    told += f" {_content(response.body)}{' truncated' * response.truncated} from {response.url}"
    return told + "".join(f", after {each.status_code} from {each.url}" for each in response.history)


def _told_error(error: Exception) -> str:
    fields = {name: value for name, value in sorted(vars(error).items()) if name[0] != "_" and value is not None}
    told = "".join(f" {name}={value!r}" for name, value in fields.items() if name not in ("method", "url"))
    return f"error {type(error).__name__}{told}: {error}"


def _told_requests(requests: Iterable[SeenRequest], *, is_ordered: bool) -> list[str]:
    if not is_ordered:
        return sorted(f"request {seen.head!r} {_content(seen.body)}" for seen in requests)
    # Numbered as they come into use: one on which nothing was asked has no part in it.
    numbers: dict[int, int] = {}
    return [
        f"request on connection {numbers.setdefault(seen.connection, len(numbers))} {seen.head!r} {_content(seen.body)}"
        for seen in requests
    ]


class Observation:
    """What both ends of a case saw.

    Attributes:
        digest: the same if and only if the same was seen; "" if nothing was judged.
        text: what was seen, a line for each call, each request and the connections; cut if there are very many.
    """

    __slots__ = ("digest", "text")

    def __init__(self, digest: str = "", text: str = "") -> None:
        self.digest: str = digest
        self.text: str = text

    @classmethod
    def of(cls, lab: Lab) -> Observation:
        """What was seen in a lab, once everything in it has ended."""
        is_ordered = lab.observer.is_ordered
        lines = [*lab.observer.lines(), *_told_requests(lab.requests, is_ordered=is_ordered)]
        if is_ordered:
            lines.append(f"connections: {sum(origin.connections for origin in lab.origins)}")
        return cls._of_lines(_settled(lines, {port for origin in lab.origins for port in origin.ports}))

    @classmethod
    def _of_lines(cls, lines: list[str]) -> Observation:
        digest = hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:32]
        left_out = [f"and {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
        return cls(digest, "\n".join([*lines[:_MOST_LINES], *left_out]))

    def __repr__(self) -> str:
        return f"<Observation {self.digest or 'of nothing'}>"


def _settled(lines: Iterable[str], ports: set[int]) -> list[str]:
    """Without what is another in each run: ports, of which memory has the default ones, and addresses."""
    find_port = re.compile(rf":(?:{'|'.join(str(port) for port in sorted({80, 443} | ports))})(?![0-9])")
    return [_find_place.sub("N", _find_address.sub("0x...", find_port.sub("", line))) for line in lines]
