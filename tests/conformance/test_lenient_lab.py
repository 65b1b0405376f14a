"""A lenient target: that a failure is seen is asked, and not how it is told."""

from __future__ import annotations

from typing import Any

import pytest

import fluxhttp
from fluxhttp import IncompleteBodyError, ProtocolError, RequestTimeoutError
from fluxhttp_conformance import Target, lab_for, raw, run_case
from fluxhttp_conformance.case import Case, catalogue


def case_of(id: str) -> Case:
    return next(case for case in catalogue(id) if case.id == id)


class Vague(fluxhttp.StdlibTransport):
    """Tells every failure alike."""

    error: type[Exception] = fluxhttp.TransportError

    def send(self, request: Any, /, *, config: Any, deadline: Any) -> Any:
        return VagueAnswer(self._told(super().send, request, config=config, deadline=deadline), self._told)

    def _told(self, function: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except fluxhttp.TransportError as error:
            raise self.error("it failed") from error


class VagueAnswer:
    def __init__(self, answer: Any, told: Any) -> None:
        self._answer, self._told = answer, told
        self.status_code, self.reason, self.headers = answer.status_code, answer.reason, answer.headers
        self.http_version, self.close = answer.http_version, answer.close

    def read(self, size: int, /) -> bytes:
        data: bytes = self._told(self._answer.read, size)
        return data


class Late(Vague):
    error = RequestTimeoutError


class Leaking(Vague):
    error = ValueError


@pytest.mark.parametrize("id", ["framing/short-body", "framing/length-is-digits-only", "tls/untrusted"])
@pytest.mark.parametrize(
    ("transport", "is_lenient", "outcome"),
    [
        (Vague, False, "fail"),
        (Vague, True, "pass"),
        (Late, True, "fail"),
        (Leaking, True, "fail"),
        (fluxhttp.StdlibTransport, True, "pass"),
    ],
)
def test_any_error_of_the_tree_but_a_time_out_will_do(
    id: str, transport: type[Any], is_lenient: bool, outcome: str
) -> None:
    assert run_case(case_of(id), Target("vague", transport, is_lenient=is_lenient)).outcome == outcome


def test_success_is_no_failure_and_a_time_out_must_be_one() -> None:
    lab = lab_for(Target("stdlib", fluxhttp.StdlibTransport, is_lenient=True))
    try:
        with pytest.raises(AssertionError, match="expected ProtocolError, got <Response 200"):
            lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", "Content-Length: 0"))
        with pytest.raises(AssertionError, match="expected RequestTimeoutError, got IncompleteBodyError"):
            lab.refuse(RequestTimeoutError, raw("HTTP/1.1 200 OK").reset(), phase="head")
        error = lab.refuse(IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: x"), phase="body")
    finally:
        lab.close()

    assert isinstance(error, IncompleteBodyError)
    assert (error.received, error.expected, error.phase, error.retryable) == (1, 2, "tls", None)
