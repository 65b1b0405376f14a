"""The pytest plug-in: the fixtures ``fake_http`` and ``http_recorder``.

::

    def test_greets(fake_http):
        fake_http.get("https://api.test/users/7").respond(json={"name": "Ada"})

        assert greet(7) == "Hello Ada"

pytest loads it wherever fluxhttp is installed. It loads neither the fake nor a
transport before a test asks for a fixture.
"""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import TYPE_CHECKING, cast

import pytest

from fluxhttp import _client, _shortcuts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from fluxhttp.testing import FakeTransport, Recorder
    from fluxhttp.testing.recorder import Mode

_MODES = ("once", "none", "new", "all")
_MARKER = "allow_unused_routes"
_fake = pytest.StashKey["FakeTransport"]()
_recorder = pytest.StashKey["Recorder"]()
_has_failed = pytest.StashKey[bool]()

#: What may not stand in a file's name, on one system or another, and how long a name may be.
_odd = re.compile(r"[^A-Za-z0-9_.,+=@\[\]\-]+")
_NAME_MAX = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option ``--http-record``."""
    parser.getgroup("fluxhttp").addoption(
        "--http-record",
        choices=_MODES,
        default="once",
        help="what the fixture http_recorder does: 'once' records where there is no file yet, 'none' only replays, "
        "'new' records what is not in the file, 'all' records everything anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and makes a failing call end at the test's own line."""
    config.addinivalue_line("markers", f"{_MARKER}: routes of fake_http may stay unused in this test")
    for module in (_client, _shortcuts):
        vars(module)["__tracebackhide__"] = _is_of_the_test


def _is_of_the_test(excinfo: pytest.ExceptionInfo[BaseException] | None) -> bool:
    """Whether an error is one of the test, not of the network: the fake's, or of a function of a route."""
    return excinfo is not None and isinstance(excinfo.value, AssertionError)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts into a failing test's report what fake and recorder have to say."""
    if call.excinfo is not None and call.when != "teardown":
        item.stash[_has_failed] = True
        error = call.excinfo.value
        if not isinstance(error, pytest.skip.Exception):
            if _fake in item.stash:
                item.stash[_fake].__exit__(type(error), error, None)
            if _recorder in item.stash:
                _add_note(error, item.stash[_recorder].verify)
    return (yield)


def _add_note(error: BaseException, verify: Callable[[], None]) -> None:
    try:
        verify()
    except AssertionError as found:
        if isinstance(error, type(found)):
            return
        error.add_note(f"the recording says, too:\n{found}")


@pytest.fixture
def fake_http(request: pytest.FixtureRequest) -> Iterator[FakeTransport]:
    """A FakeTransport, checked when the test is over; ``fluxhttp.post`` and the like use it, too."""
    from fluxhttp.testing import FakeTransport  # noqa: PLC0415  # not before it is asked for

    item = _item_of(request)
    # A plug-in may run the same test once more.
    item.stash[_has_failed] = False
    fake = item.stash[_fake] = FakeTransport()
    fake.allows_unused_routes = item.get_closest_marker(_MARKER) is not None
    with _shortcuts.override(transport=fake):
        yield fake
    if not item.stash[_has_failed]:
        fake.verify()


@pytest.fixture
def http_recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """A Recorder over a StdlibTransport, for a file beside the test's; ``fluxhttp.post`` and the like use it, too."""
    from fluxhttp.testing import Recorder  # noqa: PLC0415  # as above
    from fluxhttp.transports.stdlib import StdlibTransport  # noqa: PLC0415

    item = _item_of(request)
    item.stash[_has_failed] = False
    mode: Mode = request.config.getoption("--http-record")  # pyright: ignore[reportAssignmentType]  # one of the choices
    recorder = item.stash[_recorder] = Recorder(StdlibTransport(), recording_path(item), mode=mode)
    with _shortcuts.override(transport=recorder):
        yield recorder
    recorder.close()
    if not item.stash[_has_failed]:
        recorder.verify()


def _item_of(request: pytest.FixtureRequest) -> pytest.Item:
    return cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType]  # pytest does not say


def recording_path(item: pytest.Item) -> Path:
    """Where a test's recording is: in the folder ``recordings`` beside its file, under the names of both."""
    name = ".".join([item.path.stem, *item.nodeid.split("::")[1:]])
    safe = _odd.sub("_", name)[:_NAME_MAX]
    if safe != name:
        # Two names must not become one.
        safe += f"-{blake2s(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
    return item.path.parent / "recordings" / f"{safe}.har"
