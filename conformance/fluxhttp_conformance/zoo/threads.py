"""Faults that show with several threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Config, Deadline, Request, TransportResponse


@creature(
    "concurrency/one-client",
    "concurrency/several-clients",
    "concurrency/truly-at-once",
    "concurrency/mixed",
    "exchanges/at-once",
)
class KeepsTheAnswerInAnAttribute(Wrapper):
    """Keeps the answer where the next thread's replaces it."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Whoever comes last has it."""
        self._answer = super().carry(request, config, deadline)
        time.sleep(0.002)
        return self._answer


@creature("concurrency/slow-and-fast", like="a lock around a session")
class LetsOneCallInAtATime(Wrapper):
    """Holds a lock while it waits for an answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lock = threading.Lock()

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """One after the other."""
        with self._lock:
            return super().carry(request, config, deadline)
