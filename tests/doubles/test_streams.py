"""How an answer is read from a transport: piece by piece, to its end or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import ClosedError, Request
from fluxhttp.testing import FakeTransport
from fluxhttp_conformance import chunked, raw
from tests.doubles.asking import ORIGIN, ask, shown, told
from tests.doubles.rows import row

if TYPE_CHECKING:
    from fluxhttp_conformance import Lab

CHUNKS = (b"aaa", b"bbb", b"ccc")


@pytest.mark.parametrize((), [row("R55", "H55")])
def test_chunks_come_as_they_were_sent() -> None:
    script = raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    for chunk in CHUNKS:
        script = script.pause(0.15).send(chunked(chunk, last=b""))

    def question(lab: Lab) -> list[bytes]:
        paused = [piece for chunk in CHUNKS for piece in (0.15, chunk)]
        told(lab, lambda fake: fake.get(ORIGIN).respond(chunks=paused), script.send(chunked()))
        answer = lab.send(Request.build("GET", ORIGIN))
        pieces = list(iter(lambda: answer.read(65_536), b""))
        answer.close()
        return pieces

    assert ask(question).answer == list(CHUNKS)


@pytest.mark.parametrize((), [row("R56", "H57")])
def test_nothing_is_read_after_close() -> None:
    body = bytes(300_000)
    script = raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body)

    def question(lab: Lab) -> Any:
        told(lab, lambda fake: fake.get(ORIGIN).respond(body=body), script)
        answer = lab.send(Request.build("GET", ORIGIN))
        answer.close()
        with pytest.raises(ClosedError) as caught:
            answer.read(10)
        return shown(caught.value)

    assert ask(question).answer.text == "the answer is closed, and its body was not read whole"


@pytest.mark.parametrize("size", [2, 3])
def test_chunks_that_were_not_read_to_their_end_cost_the_connection(size: int) -> None:
    script = raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=chunked(b"abc"))

    def question(lab: Lab) -> int:
        told(lab, lambda fake: fake.get(ORIGIN).respond(chunks=[b"abc"]), script, script)
        for _ in range(2):
            answer = lab.send(Request.build("GET", ORIGIN))
            assert answer.read(size) == b"abc"[:size]
            answer.close()
        transport = lab.transport
        return len(transport.connections) if isinstance(transport, FakeTransport) else lab.origin.connections

    assert ask(question).answer == 2
