"""Script: what a peer does, as a value."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp import InvalidConfigError, InvalidTypeError
from fluxhttp.testing import Close, Pause, Receive, Reset, Script, Send, Stall
from tests.peers import fails

STEPS = [Send(b"x"), Send(b"x", times=None), Pause(1.5), Receive(), Close(), Close(notify=False), Reset(), Stall()]
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n"


def sent(script: Script) -> bytes:
    return b"".join(step.data * (step.times or 0) for step in script.steps if isinstance(step, Send))


def test_each_method_makes_a_longer_script_and_leaves_the_first_alone() -> None:
    empty = Script()

    script = empty.send(b"a").pause(0.5).receive().send(b"b", times=3).close(notify=False)

    assert empty.steps == ()
    assert script.steps == (Send(b"a"), Pause(0.5), Receive(), Send(b"b", times=3), Close(notify=False))
    assert empty.reset().steps == (Reset(),)
    assert empty.stall().steps == (Stall(),)
    assert empty.then(Pause(1), Reset()) == empty.pause(1).reset()


@pytest.mark.parametrize("begins", ["accept", "head", "request"])
def test_when_it_begins_is_kept_by_every_method(begins: str) -> None:
    script = Script(begins=begins)  # type: ignore[arg-type]  # one of the three

    longer = [script.send(b"ab"), script.close(), script.send(b"ab").dribbled(), script.send(b"ab").cut(1)]

    assert {it.begins for it in longer} == {begins}


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_steps_and_scripts_are_values(step: object) -> None:
    script = Script(step, begins="head")  # type: ignore[arg-type]  # a step

    for value in (step, script):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.copy(value) is copy.deepcopy(value) is value
        assert hash(value) == hash(pickle.loads(pickle.dumps(value)))
        with pytest.raises(AttributeError):
            value.data = b""  # type: ignore[union-attr, attr-defined]  # it is frozen
    assert script != Script(step)  # type: ignore[arg-type]  # a step


def test_whether_the_connection_is_over_after_it() -> None:
    assert [Script(step).ends for step in STEPS] == [False] * 4 + [True] * 4
    assert Script(Close(), Pause(1)).ends is False
    assert Script().ends is False


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: Send("x"), InvalidTypeError, "data must be bytes, not str"),
        (lambda: Send(bytearray(b"x")), InvalidTypeError, "data must be bytes, not bytearray"),
        (lambda: Send(b"x", times=-1), InvalidConfigError, "times must be 0 or more, not -1"),
        (lambda: Pause(-0.1), InvalidConfigError, "seconds must be 0 or more, not -0.1"),
        (lambda: Pause(float("nan")), InvalidConfigError, "seconds must be 0 or more, not nan"),
        (lambda: Script(b"x"), InvalidTypeError, "a step must be one of fluxhttp.testing's, not bytes"),
        (lambda: Script(begins="end"), InvalidConfigError, "begins must be 'accept', 'head' or 'request', not 'end'"),
    ],
)
def test_what_is_no_step_is_refused(make: object, kind: type[Exception], text: str) -> None:
    assert str(fails(kind, make)) == text  # type: ignore[arg-type]  # a callable


# Dribbled


def test_a_dribbled_script_sends_each_byte_apart() -> None:
    script = Script().send(b"ab", times=2).close()

    assert script.dribbled().steps == (Send(b"a"), Send(b"b"), Send(b"a"), Send(b"b"), Close())


def test_a_pause_stands_before_each_byte_but_the_first() -> None:
    steps = Script().send(b"ab").stall().dribbled(pause=0.1).steps

    assert steps == (Send(b"a"), Pause(0.1), Send(b"b"), Stall())


def test_what_is_sent_for_ever_is_not_dribbled() -> None:
    script = Script().send(b"ab", times=None)

    assert script.dribbled() == script


# Cut


@pytest.mark.parametrize("size", range(len(ANSWER) + 3))
def test_a_cut_script_sends_that_many_bytes(size: int) -> None:
    script = Script().send(ANSWER[:4]).pause(0.1).send(ANSWER[4:]).close()

    assert sent(script.cut(size)) == ANSWER[:size]


def test_nothing_comes_after_the_cut() -> None:
    script = Script().send(b"ab", times=2).pause(1).send(b"c").close()

    assert script.cut(3).steps == (Send(b"aba"),)
    assert script.cut(4).steps == (Send(b"abab"),)
    assert script.cut(5).steps == (Send(b"abab"), Pause(1), Send(b"c"))
    assert script.cut(9).steps == (Send(b"abab"), Pause(1), Send(b"c"), Close())


def test_what_is_sent_for_ever_is_not_cut() -> None:
    script = Script().send(b"ab", times=None)

    assert script.cut(1) == script


@given(st.lists(st.binary(max_size=9), max_size=5), st.integers(0, 60))
def test_cutting_and_dribbling_change_nothing_of_what_is_sent(pieces: list[bytes], size: int) -> None:
    script = Script()
    for piece in pieces:
        script = script.send(piece)

    assert sent(script.dribbled()) == sent(script)
    assert sent(script.cut(size)) == sent(script)[:size]
