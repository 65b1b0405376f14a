"""A case: one behaviour, checked against one transport.

::

    @case("framing/short-body", anchor="RFC 9112, 8", level="wire")
    def short_body(lab: Lab) -> None:
        \"\"\"A body shorter than its Content-Length is an error, never a short success.\"\"\"
        lab.origin.play(raw("HTTP/1.1 200 OK", "Content-Length: 10", body=b"hello").close())

        error = lab.fails(IncompleteBodyError, lab.get)

        assert (error.received, error.expected) == (5, 10)

The docstring is the reason, and is shown when the case fails.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp_conformance.lab import Lab

    CaseFunction = Callable[[Lab], None]

#: required: a standard or the seam demands it. pinned: a choice of ours, with
#: its decision number. informational: shown, never a failure.
Kind = Literal["required", "pinned", "informational"]
#: core: the same over every transport, since the client does it. semantic: what
#: any honest origin shows. wire: bytes that only a raw origin can send or see.
Level = Literal["core", "semantic", "wire"]

#: A case that takes longer hangs, unless it says how long it may take.
CASE_SECONDS = 20.0

#: Why answers with more bytes than they should have are not asked byte by byte.
SURPLUS = "what is too much must come with the answer: bytes that come later cannot be told from the next answer"

_is_id = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch
# RFC 9112, 6.3 | D12 | the seam of the transports
_is_anchor = re.compile(r"(?:RFC \d+, \d+(?:\.\d+)*|D\d+|seam)(?:; (?:RFC \d+, \d+(?:\.\d+)*|D\d+|seam))*").fullmatch

_catalogue: dict[str, Case] = {}


class Case:
    """One entry of the catalogue.

    Attributes:
        id: ``group/name``; never changes once published.
        kind: how binding it is.
        level: what it takes to check it.
        anchor: where it is written: RFC and section, decision number, or "seam".
        tags: among security, slow, tls.
        reason: why it matters; the function's docstring.
        sent_whole: why its answers cannot come byte by byte as well; "" if they can.
        seconds: how long it may take.
    """

    __slots__ = ("anchor", "function", "id", "kind", "level", "reason", "seconds", "sent_whole", "tags")

    def __init__(
        self,
        function: CaseFunction,
        *,
        id: str,
        kind: Kind,
        level: Level,
        anchor: str,
        tags: frozenset[str],
        sent_whole: str = "",
        seconds: float = CASE_SECONDS,
    ) -> None:
        self.function: CaseFunction = function
        self.id: str = id
        self.kind: Kind = kind
        self.level: Level = level
        self.anchor: str = anchor
        self.tags: frozenset[str] = tags
        self.sent_whole: str = sent_whole
        self.seconds: float = seconds
        self.reason: str = inspect.cleandoc(function.__doc__ or "")

    def __repr__(self) -> str:
        return f"<Case {self.id}>"

    def __str__(self) -> str:
        return self.id


def case(
    id: str,
    *,
    anchor: str,
    kind: Kind = "required",
    level: Level = "wire",
    tags: tuple[str, ...] = (),
    sent_whole: str = "",
    seconds: float = CASE_SECONDS,
) -> Callable[[CaseFunction], CaseFunction]:
    """Puts a function into the catalogue.

    Args:
        id: ``group/name``.
        anchor: where it is written.
        kind: how binding it is.
        level: what it takes to check it.
        tags: security: it guards against a published attack, or keeps a secret.
            slow: the quick profile leaves it out. tls: it takes TLS.
        sent_whole: why a wire case cannot be asked again with its answers sent
            byte by byte; "" if it can.
        seconds: how long it may take before it counts as hanging.

    Raises:
        ValueError: the id is malformed or taken, the anchor malformed, a tag
            unknown, or the function has no docstring.
    """

    def register(function: CaseFunction) -> CaseFunction:
        if not _is_id(id) or id in _catalogue:
            raise ValueError(f"the case id {id!r} is malformed or taken")
        if not _is_anchor(anchor):
            raise ValueError(f"case {id}: the anchor {anchor!r} names no RFC section, decision or seam")
        if unknown := set(tags) - {"security", "slow", "tls"}:
            raise ValueError(f"case {id}: unknown tags {sorted(unknown)}")
        if not function.__doc__:
            raise ValueError(f"case {id}: a docstring must give the reason")
        _catalogue[id] = Case(
            function,
            id=id,
            kind=kind,
            level=level,
            anchor=anchor,
            tags=frozenset(tags),
            sent_whole=sent_whole,
            seconds=seconds,
        )
        return function

    return register


def catalogue(prefix: str = "") -> list[Case]:
    """The catalogue, or the cases whose id begins with ``prefix``, sorted by id."""
    package = import_module("fluxhttp_conformance.cases")
    for module in iter_modules(package.__path__):
        import_module(f"fluxhttp_conformance.cases.{module.name}")
    return [_catalogue[id] for id in sorted(_catalogue) if id.startswith(prefix)]
