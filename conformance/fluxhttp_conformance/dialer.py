"""LabDialer: leads the default ports of every host to the origins of a case."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import fluxhttp
from fluxhttp import RequestTimeoutError

if TYPE_CHECKING:
    from fluxhttp import Deadline

#: A call must not hang in connecting, even if it has no deadline.
_CONNECT_SECONDS = 5.0


class LabDialer:
    """Sends the default ports of every host to the origins of the case.

    Attributes:
        dialled: the hosts and ports that were asked for, in order.
    """

    def __init__(self) -> None:
        self.routes: dict[int, tuple[str, int]] = {}
        self.dialled: list[tuple[str, int]] = []

    def dial(self, host: str, port: int, /, *, deadline: Deadline) -> socket.socket:
        """A connection to the origin that stands for host and port."""
        self.dialled.append((host, port))
        left = deadline.remaining()
        try:
            if left == 0:
                raise TimeoutError
            return socket.create_connection(
                self.routes.get(port, (host, port)), None if left is None else min(left, _CONNECT_SECONDS)
            )
        except TimeoutError:
            raise RequestTimeoutError(
                "the deadline passed while connecting", phase="connect", maybe_sent=False
            ) from None
        except OSError as error:
            raise fluxhttp.ConnectError(f"cannot connect: {error.strerror}") from error
