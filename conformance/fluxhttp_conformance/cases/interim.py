"""Interim answers (RFC 9110, 15.2): 1xx comes before the answer, and is not it."""

from __future__ import annotations

from fluxhttp import IncompleteBodyError, ProtocolError, ReceiveError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import OK, Lab, raw

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"


@case("interim/skipped", anchor="RFC 9110, 15.2")
def skipped(lab: Lab) -> None:
    """A 100, 102 or 103, or one that nobody registered, is skipped until the final answer; the connection lives on."""
    for code in (100, 102, 103, 110, 150, 199):
        for method in ("GET", "POST", "HEAD"):
            body = b"" if method == "HEAD" else b"ok"
            response = lab.receive(
                raw(f"HTTP/1.1 {code} Not Yet").then(*raw("HTTP/1.1 201 Made", "Content-Length: 2", body=body).steps),
                method,
            )

            assert (response.status_code, response.reason, response.body) == (201, "Made", body)
            assert response.history == ()
    assert lab.receive(Script().send(_CONTINUE + _HINTS + _HINTS + OK)).body == b"ok"
    lab.still_works()
    assert lab.origin.connections == 1


@case("interim/final-answer-comes-late", anchor="RFC 9110, 15.2", tags=("security",))
def final_answer_comes_late(lab: Lab) -> None:
    """A client that takes a 103 for the answer hands the real one to whoever asks next on that connection."""
    for number in range(3):
        late = raw("HTTP/1.1 200 OK", "Content-Length: 1", body=b"%d" % number)

        response = lab.receive(Script().send(_HINTS).pause(0.03).then(*late.steps))

        assert (response.status_code, response.body) == (200, b"%d" % number)
    lab.still_works()
    assert lab.origin.connections == 1


@case("interim/fields-are-not-merged", anchor="RFC 9110, 15.2", tags=("security",))
def fields_are_not_merged(lab: Lab) -> None:
    """Fields of an interim answer are not the final one's: neither shown, nor heeded for its framing."""
    response = lab.receive(
        raw("HTTP/1.1 103 Early Hints", "Link: </a.css>", "Set-Cookie: a=b", "Connection: close", "X-Final: no").then(
            *raw("HTTP/1.1 200 OK", "X-Final: yes", "Content-Length: 2", body=b"ok").steps
        )
    )

    assert response.headers.multi_items() == (("X-Final", "yes"), ("Content-Length", "2"))
    assert response.body == b"ok"
    lab.still_works()
    assert lab.origin.connections == 1


@case("interim/has-no-body", anchor="RFC 9112, 6.3", tags=("security",))
def has_no_body(lab: Lab) -> None:
    """An interim answer ends with its head, even if a length or chunks are announced: the final one follows at once."""
    for line in ("Content-Length: 5", "Content-Length: 0", "Content-Length: 100000", "Transfer-Encoding: chunked"):
        response = lab.receive(raw("HTTP/1.1 100 Continue", line).send(OK))

        assert (response.status_code, response.body) == (200, b"ok")
    lab.still_works()
    assert lab.origin.connections == 1


@case("interim/then-the-end", anchor="RFC 9112, 8")
def then_the_end(lab: Lab) -> None:
    """A peer that goes away after an interim answer has not answered; a POST is not sent again for it."""
    for method in ("GET", "POST"):
        for rest in (b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"):
            before = len(lab.requests)

            lab.refuse(ReceiveError, Script().send(_HINTS + rest).close(), method, phase="head")

            assert len(lab.requests) == before + 1
    error = lab.refuse(IncompleteBodyError, Script().send(_CONTINUE + OK[:-1]).close(), phase="body")
    assert (error.received, error.expected) == (1, 2)
    lab.still_works()


@case("interim/malformed", anchor="RFC 9112, 4", tags=("security",))
def malformed(lab: Lab) -> None:
    """An interim answer is held to the same grammar; a malformed one is no reason to look for the next."""
    for head in (
        b"HTTP/1.1 100\x00\r\n\r\n",
        b"HTTP/1.1 1000 Continue\r\n\r\n",
        b"HTTP/1.1 10 Continue\r\n\r\n",
        b"HTTP/2.0 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nno colon\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nX : v\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nLink: \x00\r\n\r\n",
    ):
        lab.refuse(ProtocolError, Script().send(head + OK), phase="head")
    lab.still_works()


@case("interim/a-hundred", kind="pinned", anchor="D10")
def a_hundred(lab: Lab) -> None:
    """A hundred interim answers may report the progress of slow work; they do not add up to one large head."""
    padded = b"HTTP/1.1 102 Processing\r\nX-Padding: " + b"x" * 4000 + b"\r\n\r\n"

    assert lab.receive(Script().send(_CONTINUE, times=100).send(OK)).body == b"ok"
    assert lab.receive(Script().send(padded, times=100).send(OK)).body == b"ok"

    lab.still_works()
    assert lab.origin.connections == 1


@case("interim/endless", kind="pinned", anchor="D10", tags=("security",))
def endless(lab: Lab) -> None:
    """The hundred-first is one too many: a peer could keep a client busy for ever (CVE-2021-3737)."""
    lab.refuse(ProtocolError, Script().send(_CONTINUE, times=101).send(OK), phase="head")
    lab.refuse(ProtocolError, Script().send(_CONTINUE, times=None), phase="head")
    lab.refuse(ProtocolError, Script().send(_HINTS * 50, times=None), phase="head")
    lab.still_works()


@case("interim/switching-protocols", kind="pinned", anchor="RFC 9110, 15.2.2; D10", tags=("security",))
def switching_protocols(lab: Lab) -> None:
    """Nobody asked for another protocol, so a 101 is neither an answer nor interim, and its connection is lost."""
    for lines in (
        (),
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("Content-Length: 2",),
        ("Transfer-Encoding: chunked",),
    ):
        lab.refuse(ProtocolError, raw("HTTP/1.1 101 Switching Protocols", *lines).send(OK), phase="head")
        lab.refuse(
            ProtocolError, Script().send(_CONTINUE).then(*raw("HTTP/1.1 101 Switch", *lines).steps), phase="head"
        )
    lab.still_works()
