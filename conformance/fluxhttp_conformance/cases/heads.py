"""What an answer's head may cost (decision D10)."""

from __future__ import annotations

import time

from fluxhttp import Config, HeadTooLargeError, IncompleteBodyError, Limits, ProtocolError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.lab import OK, Lab, chunked, raw
from fluxhttp_conformance.memory import memory_below

#: What any sane head is read and judged in, on a slow machine.
_SECONDS = 2.0


def _head_of(size: int) -> bytes:
    """A head of just that many bytes, the empty line included."""
    start, end = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


@case("limits/head-at-the-limit", kind="pinned", anchor="D10")
def head_at_the_limit(lab: Lab) -> None:
    """A head of just ``Limits.head`` bytes, its empty line included, is read, and one byte more is not."""
    for most in (64, 1000, 65_536, 262_144):
        config = Config(limits=Limits(head=most))
        for size in (most - 1, most):
            assert lab.receive(Script().send(_head_of(size) + b"ok"), config=config).body == b"ok"
        error = lab.refuse(HeadTooLargeError, Script().send(_head_of(most + 1) + b"ok"), config=config)
        assert (error.limit, error.allowed) == ("head", most)
    lab.still_works()


@case("limits/head-in-pieces", kind="pinned", anchor="D10")
def head_in_pieces(lab: Lab) -> None:
    """What pieces a head comes in, and whether its body comes along with the last, changes nothing about its limit."""
    config = Config(limits=Limits(head=100))
    for size, is_small in ((99, True), (100, True), (101, False), (102, False)):
        head = _head_of(size)
        for cut in (1, 20, 60, size - 3, size - 1, size):
            script = Script().send(head[:cut]).pause(0.001).send(head[cut:] + b"ok")
            if is_small:
                assert lab.receive(script, config=config).body == b"ok"
            else:
                lab.refuse(HeadTooLargeError, script, config=config)
        if is_small:
            assert lab.receive(Script().send(head + b"ok").dribbled(), config=config).body == b"ok"
    lab.still_works()


@case("limits/body-does-not-count-for-the-head", kind="pinned", anchor="D10")
def body_does_not_count_for_the_head(lab: Lab) -> None:
    """The limit of the head is on the head: a large body that comes in the same piece is none of it."""
    body = bytes(100_000)

    response = lab.receive(
        raw("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body), config=Config(limits=Limits(head=64))
    )

    assert len(response.body) == len(body)
    lab.still_works()
    assert lab.origin.connections == 1


@case("limits/endless-head", kind="pinned", anchor="D10", tags=("security",))
def endless_head(lab: Lab) -> None:
    """A head that never ends, in one line or in many, is given up at the limit and not gathered until memory is out."""
    for start, more in (
        (b"HTTP/1.1 200 ", b"x" * 16_384),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 16_384),
        (b"HTTP/1.1 200 OK\r\n", b"x" * 16_384),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 2000),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", b" folded\r\n" * 2000),
        (b"HTTP/1.1 200 OK\r\n", b"\r" * 16_384),
        (b"HTTP/1.1 103 Early Hints\r\n", b"Link: x\r\n" * 2000),
    ):
        with memory_below(4_194_304):
            error = lab.refuse(HeadTooLargeError, Script().send(start).send(more, times=None))

        assert (error.limit, error.allowed) == ("head", 262_144)
    lab.still_works()


@case("limits/endless-junk", kind="pinned", anchor="RFC 9112, 4; D10", tags=("security",))
def endless_junk(lab: Lab) -> None:
    """Bytes without end that are no status line are refused for what they are, long before a limit is reached."""
    for junk in (b"x" * 16_384, b"\0" * 16_384, b"\r\n" * 8_192, b"HTTP/2" * 3_000):
        with memory_below(2_097_152):
            lab.refuse(ProtocolError, Script().send(junk, times=None), phase="head")
    lab.still_works()


@case("limits/number-of-fields", kind="pinned", anchor="D10")
def number_of_fields(lab: Lab) -> None:
    """As many fields as ``Limits.fields`` allows are read, 1,024 by default, and one more is not."""
    for config, most in (
        (Config(), 1024),
        (Config(limits=Limits(fields=1)), 1),
        (Config(limits=Limits(fields=200)), 200),
    ):
        lines = [f"X-{number}: {number}" for number in range(most - 1)]

        response = lab.receive(raw("HTTP/1.1 200 OK", *lines, "Content-Length: 2", body=b"ok"), config=config)
        assert response.body == b"ok"
        assert len(response.headers.multi_items()) == most

        script = raw("HTTP/1.1 200 OK", *lines, "Y: 1", "Content-Length: 2", body=b"ok")
        error = lab.refuse(HeadTooLargeError, script, config=config)
        assert (error.limit, error.allowed) == ("fields", most)
    lab.still_works()


@case("limits/number-of-lines", kind="pinned", anchor="D10")
def number_of_lines(lab: Lab) -> None:
    """What is counted is lines, however they end: a line that goes on another one costs as much as a field."""
    config = Config(limits=Limits(fields=3))
    for lines in (("X: 1", "Y: 2"), ("X: 1", " 2"), ("X: 1", " 2", "Y: 2"), ("X: 1", "Y: 2", "\t3")):
        for end in ("\r\n", "\n"):
            head = end.join(("HTTP/1.1 200 OK", *lines, "Content-Length: 2", "", ""))
            script = Script().send(head.encode() + b"ok")
            if len(lines) == 2:
                assert lab.receive(script, config=config).body == b"ok"
            else:
                lab.refuse(HeadTooLargeError, script, config=config)
    lab.still_works()


@case("limits/field-bomb", kind="pinned", anchor="D10", tags=("security",))
def field_bomb(lab: Lab) -> None:
    """Ten thousand lines of a few bytes cost far more than their size, so their number has a limit, too."""
    for line in (b"a:\r\n", b"a:\n", b"A: b\r\n"):
        script = Script().send(b"HTTP/1.1 200 OK\r\n" + line * 10_000 + b"\r\n")

        error = lab.refuse(HeadTooLargeError, script)

        assert (error.limit, error.allowed) == ("fields", 1024)
    lab.refuse(HeadTooLargeError, Script().send(b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 1_000_000 + b"\r\n"))
    lab.still_works()


@case("limits/interim-heads", kind="pinned", anchor="D10", tags=("security",))
def interim_heads(lab: Lab) -> None:
    """Each interim answer is a head of its own, held to the same limits."""
    config = Config(limits=Limits(head=100, fields=3))
    hints = b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 60 + b"\r\n\r\n"

    assert lab.receive(Script().send(hints * 5 + OK), config=config).body == b"ok"
    lab.refuse(HeadTooLargeError, Script().send(hints.replace(b"X:", b"X: 0123456789") + OK), config=config)
    lab.refuse(
        HeadTooLargeError, Script().send(b"HTTP/1.1 103 Hints\r\n" + b"X: y\r\n" * 4 + b"\r\n" + OK), config=config
    )
    lab.still_works()


@case("limits/fields-of-a-trailer-section", kind="pinned", anchor="D10", tags=("security",))
def fields_of_a_trailer_section(lab: Lab) -> None:
    """Trailers are counted like the fields of a head, though nobody gets to see them."""
    config = Config(limits=Limits(fields=3))
    for count, is_small in ((3, True), (4, False)):
        body = chunked(b"ok", last=b"0\r\n" + b"X: y\r\n" * count + b"\r\n")
        script = raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=body)
        if is_small:
            assert lab.receive(script, config=config).body == b"ok"
        else:
            lab.refuse(HeadTooLargeError, script, config=config)
    lab.still_works()


@case("limits/costly-values", anchor="RFC 9110, 5.4", tags=("security",))
def costly_values(lab: Lab) -> None:
    """Long values and reasons take time that grows with their length: none is given to a pattern that tries again."""
    config = Config(timeout=4.0, limits=Limits(head=4_000_000))
    challenge = 'Basic realm="' + ("a" * 30 + ", ") * 30_000
    started = time.perf_counter()
    for line in (
        f"WWW-Authenticate: {challenge}",
        f"Set-Cookie: {'a=b; ' * 200_000}",
        f"Connection: {', ' * 300_000}",
        f"Content-Type: text/plain; {'charset=' * 100_000}",
        f"X: {' ' * 1_000_000}x",
        f"X: {chr(9) * 1_000_000}",
        f"X: {'y' * 200_000}" + "\r\n z" * 1000,
    ):
        response = lab.receive(raw("HTTP/1.1 200 OK", line, "Content-Length: 2", body=b"ok"), config=config)
        assert response.text == "ok"
    assert lab.receive(raw(f"HTTP/1.1 200 {'x ' * 50_000}", "Content-Length: 2", body=b"ok")).body == b"ok"
    lab.refuse(ProtocolError, raw(f"HTTP/1.1{' ' * 100_000}x"), phase="head")
    took = time.perf_counter() - started
    assert took < _SECONDS, f"it took {took:.2f} s"
    lab.still_works()


@case("limits/length-is-judged-before-it-is-read", anchor="RFC 9110, 8.6", tags=("security",))
def length_is_judged_before_it_is_read(lab: Lab) -> None:
    """A length of a million digits is refused at once (CVE-2020-10735), and a near one does not cost its size."""
    config = Config(limits=Limits(head=4_000_000, body=None))
    started = time.perf_counter()
    for digits in ("1" * 1_000_000, "0" * 1_000_000, "٣" * 10):
        line = f"Content-Length: {digits}".encode().decode("latin-1")
        lab.refuse(ProtocolError, raw("HTTP/1.1 200 OK", line, body=b"x").close(), phase="head", config=config)
    took = time.perf_counter() - started
    assert took < _SECONDS, f"it took {took:.2f} s"
    with memory_below(4_194_304):
        lab.refuse(
            IncompleteBodyError, raw("HTTP/1.1 200 OK", "Content-Length: 100000000", body=b"x").close(), config=config
        )
    lab.still_works()
