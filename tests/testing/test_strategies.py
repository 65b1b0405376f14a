"""What the strategies generate is what they say it is: requests can be built, answers are read as they were meant."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxhttp import URL, Client, Deadline, Headers, Request, encode_params
from fluxhttp._wire.clock import SYSTEM_CLOCK
from fluxhttp._wire.reader import StrictResponse
from fluxhttp._wire.stream import Stream
from fluxhttp.testing import Close, FakeTransport, Script, Send, strategies

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxhttp.testing.strategies import Answer


#: Examples differ much in size, and the first ones load what they need.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class PiecesSocket:
    """A socket in memory: it receives these pieces, then the end."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces[::-1]

    def recv(self, size: int, /) -> bytes:
        piece = self.pieces.pop() if self.pieces else b""
        if len(piece) > size:
            self.pieces.append(piece[size:])
        return piece[:size]

    def recv_into(self, buffer: memoryview, /) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: memoryview, /) -> int:
        return len(data)

    def sendall(self, data: bytes, /) -> None:
        raise AssertionError("nothing is sent")

    def settimeout(self, seconds: float | None, /) -> None:
        pass

    def fileno(self) -> int:
        return -1

    def shutdown(self, how: int, /) -> None:
        pass

    def close(self) -> None:
        pass


def read(answer: Answer, pieces: list[bytes], method: str, size: int) -> StrictResponse:
    stream = Stream(PiecesSocket(pieces))
    stream.begin(Deadline.after(None, SYSTEM_CLOCK))
    response = StrictResponse(stream, method=method)
    response.begin()
    assert b"".join(iter(lambda: response.read(size), b"")) == answer.body
    assert response.read(size) == b""
    return response


@st.composite
def delivered_answers(draw: st.DrawFn, method: str) -> tuple[Answer, list[bytes]]:
    answer = draw(strategies.answers(method=method))
    return answer, draw(strategies.pieces(answer.raw))


# Answers


@given(delivered_answers("GET"), st.integers(1, 400))
@unhurried
def test_an_answer_is_read_as_it_was_meant(delivered: tuple[Answer, list[bytes]], size: int) -> None:
    answer, pieces = delivered

    response = read(answer, pieces, "GET", size)

    assert response.status_code == answer.status_code
    assert response.reason == answer.reason
    assert response.http_version == answer.http_version
    assert response.headers.multi_items() == answer.headers
    assert response.is_reusable == answer.is_reusable


@given(delivered_answers("HEAD"))
@unhurried
def test_an_answer_to_head_has_no_body(delivered: tuple[Answer, list[bytes]]) -> None:
    answer, pieces = delivered

    response = read(answer, pieces, "HEAD", 100)

    assert (answer.framing, answer.body) == ("none", b"")
    assert response.headers.multi_items() == answer.headers
    assert response.is_reusable == answer.is_reusable


@given(strategies.answers())
@unhurried
def test_a_client_returns_what_was_meant(answer: Answer) -> None:
    with FakeTransport() as fake:
        fake.get("http://origin.test/").play(answer.script)
        response = Client(fake).get("http://origin.test/")

    assert (response.status_code, response.reason, response.body) == (answer.status_code, answer.reason, answer.body)
    assert response.headers.multi_items() == answer.headers


@given(strategies.answers())
@unhurried
def test_a_script_sends_the_answer_and_closes_where_that_is_its_end(answer: Answer) -> None:
    steps = answer.script.steps

    assert steps[0] == Send(answer.raw)
    assert list(steps[1:]) == ([Close()] if answer.framing == "close" else [])
    assert isinstance(answer.script, Script)


@given(strategies.answers(max_body_bytes=5))
@unhurried
def test_a_body_keeps_within_its_bound(answer: Answer) -> None:
    assert len(answer.body) <= 5


def test_every_kind_of_answer_is_among_them() -> None:
    seen: set[str] = set()

    @given(strategies.answers())
    @settings(unhurried, max_examples=400, derandomize=True)
    def collect(answer: Answer) -> None:
        seen.update((answer.framing, answer.http_version, "reusable" if answer.is_reusable else "not reusable"))
        seen.update(kind for kind, is_there in KINDS.items() if is_there(answer))

    collect()

    kinds = {"none", "length", "chunked", "close", "HTTP/1.0", "HTTP/1.1", "reusable", "not reusable", *KINDS}
    assert seen == kinds


KINDS: dict[str, Callable[[Answer], bool]] = {
    "interim": lambda answer: b" Interim\r\n" in answer.raw,
    "folded": lambda answer: b"\n " in answer.raw or b"\n\t" in answer.raw,
    "LF alone": lambda answer: b"\n\n" in answer.raw,
    "8-bit text": lambda answer: not all(value.isascii() for _, value in answer.headers),
    "repeated field": lambda answer: len(answer.headers) > len(Headers.trusted(answer.headers)),
    "two lengths": lambda answer: len(Headers.trusted(answer.headers).get_all("Content-Length")) > 1,
    "length beside chunks": lambda answer: answer.framing == "chunked" and b"ontent-" in answer.raw,
    "several chunks": lambda answer: answer.framing == "chunked" and answer.raw.count(b"\r\n") > 12,
    "extension": lambda answer: answer.framing == "chunked" and b";a" in answer.raw,
}


@given(st.data(), st.binary(max_size=50))
@unhurried
def test_pieces_are_the_bytes_and_none_is_empty(data: st.DataObject, whole: bytes) -> None:
    pieces = data.draw(strategies.pieces(whole))

    assert b"".join(pieces) == whole
    assert all(pieces)


# Requests


@given(strategies.arguments())
@unhurried
def test_a_request_can_be_built_of_all_arguments(arguments: dict[str, Any]) -> None:
    request = Request.build(**arguments)

    head, _, body = request.to_bytes().partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    assert line == f"{request.method} {request.url.target} HTTP/1.1".encode()
    assert len(fields) == len(request.headers.multi_items())
    assert body == request.body


@given(strategies.requests())
@unhurried
def test_a_request_has_one_form(request: Request) -> None:
    # One without User-Agent was asked for by an empty one.
    no_agent = [] if "User-Agent" in request.headers else [("User-Agent", "")]
    headers = [*request.headers.multi_items(), *no_agent]

    again = Request.build(request.method, str(request.url), headers=headers, body=request.body)

    assert again.to_bytes() == request.to_bytes()


@given(strategies.urls())
@unhurried
def test_a_url_has_one_form(text: str) -> None:
    url = URL.parse(text)

    assert URL.parse(str(url)) == url
    assert str(url).isascii()
    assert str(URL.parse(str(url))) == str(url)
    assert " " not in url.target


@given(strategies.params())
@unhurried
def test_no_parameter_is_lost(params: dict[str, str | list[str]]) -> None:
    pairs = [
        (key, value)
        for key in sorted(params)
        for value in ([params[key]] if isinstance(params[key], str) else params[key])
    ]

    assert parse_qsl(encode_params(params), keep_blank_values=True) == pairs


@given(strategies.headers())
@unhurried
def test_no_field_is_lost(headers: list[tuple[str, str]]) -> None:
    request = Request.build("GET", "http://origin.test/", headers=headers)

    given_pairs = [(name, value.strip(" \t")) for name, value in headers if name.lower() != "user-agent"]
    sent = [pair for pair in request.headers.multi_items() if pair in given_pairs]
    assert sent == given_pairs


@given(strategies.arguments())
@unhurried
def test_json_and_forms_come_out_as_they_went_in(arguments: dict[str, Any]) -> None:
    request = Request.build(**arguments)

    if "json" in arguments:
        assert json.loads(request.body) == arguments["json"]
    if "form" in arguments:
        assert sorted(parse_qsl(request.body.decode(), keep_blank_values=True)) == sorted(
            parse_qsl(encode_params(arguments["form"]), keep_blank_values=True)
        )


# The module


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "fluxhttp.testing.strategies")

    with pytest.raises(ImportError) as caught:
        import_module("fluxhttp.testing.strategies")

    assert str(caught.value) == (
        "fluxhttp.testing.strategies needs the extra hypothesis: pip install 'fluxhttp[hypothesis]'"
    )
    assert caught.value.name == "hypothesis"


def test_the_package_does_not_load_hypothesis() -> None:
    program = "import sys; import fluxhttp.testing; print('hypothesis' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "False"
