"""Faults around what happens while a request is sent."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from fluxhttp import ReceiveError, SendError
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.sockets import WithSockets
from fluxhttp_conformance.zoo.wire import WireSocket
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Config, Deadline, Request, TransportResponse

#: What is sent before a look at what came.
_SLICE_BYTES = 16_384


class _DeafSocket(WireSocket):
    """One that breaks as soon as the peer speaks before it was asked to."""

    _is_broken = False

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        if self._is_broken:
            raise ConnectionResetError
        waits = self.gettimeout() != 0.0
        data = super().recv(size, flags)
        if not waits and data:
            self._is_broken = True
            raise ConnectionResetError
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        try:
            for start in range(0, len(data), _SLICE_BYTES):
                # In what is large, time for a peer to speak.
                if start and select.select([self], [], [], 0.01)[0]:
                    raise ConnectionAbortedError("the peer spoke too early")
                super().sendall(data[start : start + _SLICE_BYTES], flags)
        except OSError:
            self._is_broken = True
            raise


@creature(
    "bodies/answered-early",
    "bodies/answered-early-and-kept-open",
    "sent-fields/head-too-large-for-the-origin",
    like="requests, which raises ConnectionError",
)
class LosesEarlyAnswers(WithSockets):
    """Does not read what a peer says before the whole request was sent."""

    sockets: type[WireSocket] = _DeafSocket


@creature(
    "interim/then-the-end",
    "bodies/reset-while-sending",
)
class SendsAgain(Wrapper):
    """Sends any request again that got no answer."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Twice, if need be."""
        try:
            return super().carry(request, config, deadline)
        except (ReceiveError, SendError):
            return super().carry(request, config, deadline)
