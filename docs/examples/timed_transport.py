"""A transport around another one: notes how long each exchange took until its head was there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import fluxhttp

if TYPE_CHECKING:
    from typing import Any


class TimedTransport:
    """Times the exchanges of the transport inside."""

    def __init__(self, inner: fluxhttp.Transport) -> None:
        self.inner = inner
        self.seconds: list[float] = []

    def send(
        self, request: fluxhttp.Request, /, *, config: fluxhttp.Config, deadline: fluxhttp.Deadline
    ) -> fluxhttp.TransportResponse:
        """Sends through the transport inside, and notes the time, also that of a failure."""
        started = time.perf_counter()
        try:
            return self.inner.send(request, config=config, deadline=deadline)
        finally:
            self.seconds.append(time.perf_counter() - started)

    def close(self) -> None:
        """Closes the transport inside."""
        self.inner.close()

    def __getattr__(self, name: str) -> Any:
        """What else the transport inside has: its clock, if it brings one."""
        if name == "inner":  # while it is copied or unpickled, there is none yet
            raise AttributeError(name)
        return getattr(self.inner, name)


def over_stdlib(
    *,
    ca_file: str | None = None,
    dialer: fluxhttp.Dialer | None = None,
    proxies: dict[str, str] | str | None = None,
    trust_env: bool = True,
) -> TimedTransport:
    """What the suite calls: it hands over what leads to its origins, and what makes them trusted."""
    inner = fluxhttp.StdlibTransport(ca_file=ca_file, dialer=dialer, proxies=proxies, trust_env=trust_env)
    return TimedTransport(inner)
