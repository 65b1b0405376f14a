"""Faults in ending."""

from __future__ import annotations

import os
import threading
import warnings
from typing import TYPE_CHECKING

from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.sockets import WithSockets
from fluxhttp_conformance.zoo.wire import WireSocket
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from typing import Any

    from fluxhttp import Config, Deadline, Request, StdlibTransport, TransportResponse


@creature("lifecycle/failures-leave-nothing-open")
class ForgetsToClose(WithSockets):
    """Leaves connections open that it is done with."""

    class _Kept(WireSocket):
        kept: list[int] = []  # noqa: RUF012  # of the class, that is the fault

        def close(self) -> None:
            if self.fileno() >= 0:
                self.kept.append(self.detach())
            # A test has to end: of more than a few the first go.
            while len(self.kept) > 32:
                os.close(self.kept.pop(0))

    sockets: type[WireSocket] = _Kept


@creature("lifecycle/used-after-close")
class AnswersAfterClose(Wrapper):
    """Opens again when it is used after it was closed."""

    def close(self) -> None:
        """And is as new."""
        super().close()
        self.inner: StdlibTransport = self.open()


@creature("lifecycle/close-ends-calls")
class LetsCallsGoOn(Wrapper):
    """Does not end calls in flight when it is closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._going: set[int] = set()

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Notes the call while it waits for the head."""
        self._going.add(threading.get_ident())
        try:
            return super().carry(request, config, deadline)
        finally:
            self._going.discard(threading.get_ident())

    def close(self) -> None:
        """Only when nobody is waiting."""
        if not self._going:
            super().close()


@creature("lifecycle/close")
class ClosesOnce(Wrapper):
    """Cannot be closed a second time."""

    _is_closed = False

    def close(self) -> None:
        """The second time is a mistake."""
        if self._is_closed:
            raise RuntimeError("the transport is closed already")
        self._is_closed = True
        super().close()


@creature("lifecycle/forgotten", like="aiohttp")
class WarnsWhenForgotten(Wrapper):
    """Warns whoever did not close it."""

    _is_closed = False

    def close(self) -> None:
        """Then there is nothing to warn of."""
        self._is_closed = True
        super().close()

    def __del__(self) -> None:
        if not self._is_closed:
            warnings.warn("unclosed transport", ResourceWarning, stacklevel=1)
