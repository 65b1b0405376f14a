"""Faults in saying what went wrong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fluxhttp import (
    CertificateError,
    ClosedError,
    Config,
    ConnectError,
    FluxHTTPError,
    Limits,
    ProxyError,
    ReceiveError,
    RequestTimeoutError,
    SendError,
    StatusError,
    TLSError,
)
from fluxhttp.errors import TransportError
from fluxhttp_conformance.zoo.creature import creature, fails_as
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from fluxhttp import Deadline, Request, TransportResponse


@fails_as("connections/refused", "pickling/errors-of-connections", like="http.client")
def leaks_the_error_of_the_system(error: FluxHTTPError) -> Exception:
    """Lets the error of a failed connect through as the system raised it."""
    cause = error.__cause__
    return cause if isinstance(error, ConnectError) and isinstance(cause, OSError) else error


@fails_as("errors/one-tree", "errors/may-it-be-sent-again")
def leaks_a_value_error(error: FluxHTTPError) -> Exception:
    """Raises a ValueError for an answer that did not come."""
    return ValueError(str(error)) if type(error) is ReceiveError else error


@fails_as("errors/one-tree")
def says_nothing(error: FluxHTTPError) -> Exception:
    """Raises errors without a text."""
    error.args = ()
    return error


@fails_as("errors/may-it-be-sent-again", "interim/then-the-end", "bodies/reset-while-sending")
def says_that_nothing_was_sent(error: FluxHTTPError) -> Exception:
    """Says of every failure that the request was not sent."""
    if isinstance(error, TransportError):
        error.maybe_sent = False
    return error


@fails_as("connections/refused", "tls/broken-handshake", "tls/plain-answer", "proxies/unreachable")
def says_that_all_was_sent(error: FluxHTTPError) -> Exception:
    """Says of every failure that the request may have been sent."""
    if isinstance(error, TransportError):
        error.maybe_sent = True
    return error


@fails_as("chunks/cut", "chunks/reset", "framing/chunk-size-is-hex-digits-only")
def takes_the_body_for_the_head(error: FluxHTTPError) -> Exception:
    """Says of a failure in the body that it was one in the head."""
    if isinstance(error, TransportError) and error.phase == "body":
        error.phase = "head"
    return error


@creature("errors/name-the-call", "connections/refused", like="urllib3's MaxRetryError")
class TellsTheWholeURL(Wrapper):
    """Puts the whole URL into its errors, with what is secret in it."""

    class _Telling(Answer):
        def read(self, size: int, /) -> bytes:
            try:
                return super().read(size)
            except FluxHTTPError as error:
                error.url = str(self.request.url)
                raise

    answers: type[Answer] = _Telling

    def send(self, request: Request, /, *, config: Config, deadline: Deadline) -> TransportResponse:
        """Names the call before the client does."""
        try:
            return super().send(request, config=config, deadline=deadline)
        except FluxHTTPError as error:
            error.url = str(request.url)
            raise


@fails_as("pickling/errors", "pickling/errors-of-connections")
def keeps_a_lock_in_its_errors(error: FluxHTTPError) -> Exception:
    """Raises errors that hold what cannot be pickled."""
    error.connection = threading.Lock()  # type: ignore[attr-defined]  # that is the fault
    return error


@fails_as("lifecycle/close-ends-calls", "lifecycle/close-ends-handshakes", "lifecycle/close-ends-look-ups")
def takes_its_own_end_for_the_peers(error: FluxHTTPError) -> Exception:
    """Takes the end of a call by close() for a failure of the peer's."""
    return ReceiveError(str(error)) if isinstance(error, ClosedError) else error


@fails_as("concurrency/slow-and-fast", "connections/late-answer", "tls/plain-and-secure-apart", like="http.client")
def raises_the_sockets_timeout(error: FluxHTTPError) -> Exception:
    """Raises the plain TimeoutError of a socket."""
    return TimeoutError(str(error)) if isinstance(error, RequestTimeoutError) else error


@fails_as("bodies/reset-while-sending")
def takes_sending_for_receiving(error: FluxHTTPError) -> Exception:
    """Raises ReceiveError where the request broke."""
    return ReceiveError(str(error), phase="head") if isinstance(error, SendError) else error


@fails_as("tls/untrusted", "tls/wrong-host", "tunnels/certificate-inside")
def takes_distrust_for_a_broken_handshake(error: FluxHTTPError) -> Exception:
    """Raises TLSError for a certificate that was not believed."""
    return TLSError(str(error), maybe_sent=False) if isinstance(error, CertificateError) else error


@fails_as("tunnels/refused", "tunnels/broken-connect", "tunnels/addresses-and-ports", "tunnels/bytes-in-front")
def takes_the_proxy_for_the_origin(error: FluxHTTPError) -> Exception:
    """Raises ConnectError where the proxy failed."""
    return ConnectError(str(error)) if isinstance(error, ProxyError) else error


@creature("credentials/challenge-is-an-answer")
class TakesAStatusForAFailure(Wrapper):
    """Raises for a status of 400 or above."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Before the caller sees it."""
        answer = super().carry(request, config, deadline)
        if answer.status_code == 401:
            answer.close()
            raise StatusError("the status is 401", status_code=401)
        return answer


@creature("errors/interrupts-pass-through", like="except BaseException:")
class SwallowsInterrupts(Wrapper):
    """Takes Ctrl-C for a failure of the exchange."""

    class _Swallowing(Answer):
        def read(self, size: int, /) -> bytes:
            try:
                return super().read(size)
            except FluxHTTPError:
                raise
            except BaseException as error:
                raise ReceiveError("the call was interrupted") from error

    answers: type[Answer] = _Swallowing

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Whatever was raised."""
        try:
            return super().carry(request, config, deadline)
        except FluxHTTPError:
            raise
        except BaseException as error:
            raise ReceiveError("the call was interrupted") from error


# Limits and time


@creature("connections/not-used-after-a-failure", like="http.client, which stops at 100 fields")
class HasLimitsOfItsOwn(Wrapper):
    """Does not mind the limits of a call's head."""

    def configure(self, request: Request, config: Config) -> Config:  # noqa: ARG002  # for every one
        """With the default ones."""
        return config.replace(limits=Limits(body=config.limits.body, overflow=config.limits.overflow))


class _StoppedClock:
    def monotonic(self) -> float:
        return 1.0

    def sleep(self, seconds: float, /) -> None:
        """Not at all."""


@creature("tls/plain-and-secure-apart")
class HasAClockThatStands(Wrapper):
    """Measures time on a clock that does not go."""

    _clock = _StoppedClock()

    @property
    def clock(self) -> _StoppedClock:
        """It stands."""
        return self._clock
