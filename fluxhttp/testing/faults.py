"""Named faults: ways for a call to fail, as values. Most are scripts.

::

    fake.get("https://api.test/flaky").fail(faults.reset()).respond(text="ok")

A fault meets a connection of its own, never one that was used before: a GET
would be sent a second time over a fresh one (decision D12), and the fault would
stay hidden. To see just that, play its script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidConfigError, InvalidTypeError
from fluxhttp.testing.script import Script

if TYPE_CHECKING:
    from typing import Literal

    Stage = Literal["dns", "connect", "connect_timeout", "tls", "peer"]


class Fault(Value):
    """One way to fail.

    Attributes:
        name: what messages call it.
        stage: where it happens: in the name look-up, while connecting, in the
            TLS handshake, or with the connected peer.
        script: what the peer does.
        detail: what is said of it, for a certificate.
    """

    __slots__ = ("detail", "name", "script", "stage")
    _fields = ("name", "stage", "script", "detail")

    name: str
    stage: Stage
    script: Script
    detail: str

    def __init__(self, name: str, *, stage: Stage = "peer", script: Script | None = None, detail: str = "") -> None:
        set_field(self, "name", name)
        set_field(self, "stage", stage)
        set_field(self, "script", script or Script())
        set_field(self, "detail", detail)


def connect_refused() -> Fault:
    """Nobody listens: ConnectError."""
    return Fault("connect_refused", stage="connect")


def dns_failure() -> Fault:
    """There is no such host: NameResolutionError."""
    return Fault("dns_failure", stage="dns")


def connect_timeout() -> Fault:
    """The connection is never made: RequestTimeoutError in phase connect, at the deadline."""
    return Fault("connect_timeout", stage="connect_timeout")


def tls_failure(reason: str = "certificate has expired") -> Fault:
    """The certificate is not accepted, for that reason: CertificateError.

    Only an https request can meet it, and not one with ``insecure_skip_verify``:
    that one gets the reply that follows.
    """
    if not isinstance(reason, str):
        raise InvalidTypeError(f"reason must be a str, not {type(reason).__name__}")
    return Fault("tls_failure", stage="tls", detail=reason)


def read_timeout() -> Fault:
    """The peer takes the request and says nothing: RequestTimeoutError in phase head."""
    return Fault("read_timeout", script=Script().stall())


def reset() -> Fault:
    """The peer takes the request and resets the connection: ReceiveError."""
    return Fault("reset", script=Script().reset())


def closed() -> Fault:
    """The peer takes the request and closes without a byte: ReceiveError."""
    return Fault("closed", script=Script().close())


def truncated(*, after: int, status: int = 200, body: bytes | None = None) -> Fault:
    """The peer closes after that many bytes of the body: IncompleteBodyError.

    Args:
        after: body bytes that arrive, fewer than the body has.
        status: of the answer.
        body: what was to come; None for one that is longer by one byte.
    """
    sent, declared = _begun(after, body)
    return Fault("truncated", script=Script().send(_head(status, declared) + sent).close())


def stall(*, after: int = 0, status: int = 200, body: bytes | None = None) -> Fault:
    """The peer says nothing more after that many bytes of the body: RequestTimeoutError in phase body."""
    sent, declared = _begun(after, body)
    return Fault("stall", script=Script().send(_head(status, declared) + sent).stall())


def raw(data: bytes) -> Fault:
    """The peer sends just these bytes, then closes. They go through the real reader."""
    return Fault("raw", script=Script().send(data).close())


def _begun(after: int, body: bytes | None) -> tuple[bytes, int]:
    if isinstance(after, bool) or not isinstance(after, int):
        raise InvalidTypeError(f"after must be an int, not {type(after).__name__}")
    if body is not None and not isinstance(body, bytes):
        raise InvalidTypeError(f"body must be bytes, not {type(body).__name__}")
    whole = bytes(after + 1) if body is None and after >= 0 else body or b""
    if not 0 <= after < len(whole):
        raise InvalidConfigError(f"after must be from 0 to below the {len(whole)} bytes of the body, not {after}")
    return whole[:after], len(whole)


def _head(status: int, length: int) -> bytes:
    if isinstance(status, bool) or not isinstance(status, int):
        raise InvalidTypeError(f"status must be an int, not {type(status).__name__}")
    return f"HTTP/1.1 {status} \r\nContent-Length: {length}\r\n\r\n".encode("ascii")
