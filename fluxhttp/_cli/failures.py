"""From an error to its exit code and its one line.

From 6 on the codes are those of curl, where curl has one for the same failure.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fluxhttp import errors


class UsageError(Exception):
    """The command line cannot be understood. Its text never shows a value that was typed."""


class OutputError(Exception):
    """The answer cannot be written where it was asked for."""


class ReaderGoneError(Exception):
    """Whoever read standard output closed it."""


class Failure(NamedTuple):
    """What is made of one class of errors."""

    code: int
    words: str


#: What the codes mean, for --help and the documentation.
EXIT_CODES = {
    0: "an answer came, whatever its status; demo: the transports agree",
    1: "another failure; demo: the transports do not agree",
    2: "usage: the command line or the request is not valid, nothing was sent",
    4: "with --fail: the status is 400 or above (the body is written all the same)",
    6: "the host's name was not resolved",
    7: "no connection",
    8: "the answer is malformed",
    18: "the body ended early",
    23: "the answer could not be written",
    28: "the time-out passed",
    35: "TLS failed",
    47: "a redirect that is not followed, or too many",
    55: "the connection broke while sending",
    56: "the connection broke while receiving",
    60: "the certificate was not accepted",
    61: "the body is not what its Content-Encoding says",
    63: "the answer is over a limit, such as --max-body",
    97: "the proxy refused or failed",
    130: "interrupted (Ctrl-C)",
    141: "the reader of standard output went away",
}

_UNEXPECTED = Failure(1, "unexpected error")
#: One row a class; what is not listed is judged by the nearest class above it.
FAILURES: dict[type[BaseException], Failure] = {
    UsageError: Failure(2, "usage"),
    OutputError: Failure(23, "output"),
    ReaderGoneError: Failure(141, ""),
    KeyboardInterrupt: Failure(130, "interrupted"),
    errors.FluxHTTPError: Failure(1, "error"),
    errors.InvalidRequestError: Failure(2, "invalid request"),
    errors.InvalidURLError: Failure(2, "invalid URL"),
    errors.InvalidMethodError: Failure(2, "invalid method"),
    errors.InvalidHeaderError: Failure(2, "invalid header"),
    errors.InvalidParamsError: Failure(2, "invalid params"),
    errors.InvalidConfigError: Failure(2, "invalid config"),
    errors.InvalidTypeError: Failure(2, "invalid type"),
    errors.TransportError: Failure(1, "transport error"),
    errors.ConnectError: Failure(7, "connect error"),
    errors.NameResolutionError: Failure(6, "name resolution error"),
    errors.TLSError: Failure(35, "TLS error"),
    errors.CertificateError: Failure(60, "certificate error"),
    errors.ProxyError: Failure(97, "proxy error"),
    errors.RequestTimeoutError: Failure(28, "request timeout"),
    errors.SendError: Failure(55, "send error"),
    errors.ReceiveError: Failure(56, "receive error"),
    errors.IncompleteBodyError: Failure(18, "incomplete body"),
    errors.ProtocolError: Failure(8, "protocol error"),
    errors.ResponseError: Failure(1, "response error"),
    errors.LimitError: Failure(63, "limit error"),
    errors.BodyTooLargeError: Failure(63, "body too large"),
    errors.HeadTooLargeError: Failure(63, "head too large"),
    errors.DecodingError: Failure(61, "decoding error"),
    errors.TooManyRedirectsError: Failure(47, "too many redirects"),
    errors.InvalidRedirectError: Failure(47, "invalid redirect"),
    errors.StatusError: Failure(4, "status error"),
    errors.TruncatedBodyError: Failure(63, "truncated body"),
    errors.ClosedError: Failure(1, "closed"),
}


def explain(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what to say about it: one line, or "" for nothing."""
    failure = next((FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES), _UNEXPECTED)
    if failure is _UNEXPECTED:
        # Its text was written by who knows whom and may hold a secret; class and place are enough to look it up.
        text = f"{type(error).__name__}{_place(error)}"
    else:
        text = str(error)
        if isinstance(error, errors.FluxHTTPError) and error.method and error.url:
            text += f" ({error.method} {error.url})"
    return failure.code, ": ".join(part for part in (failure.words, text) if part)


def _place(error: BaseException) -> str:
    """Where an error was raised."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f" in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
