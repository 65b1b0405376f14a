"""Reference: what fluxhttp itself makes of an answer, to compare with what the transport under test does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxhttp import Config, FluxHTTPError
from fluxhttp_conformance.lab import CALL_SECONDS
from fluxhttp_conformance.labs import lab_for
from fluxhttp_conformance.target import Target

if TYPE_CHECKING:
    from typing import Self

    from fluxhttp import Response
    from fluxhttp.testing import Script
    from fluxhttp_conformance.lab import Lab


def ended(lab: Lab, script: Script, method: str = "GET", *, config: Config | None = None) -> Response | FluxHTTPError:
    """What a call comes to that is answered so; an exception of another kind is none of its outcomes."""
    lab.origin.play(script)
    try:
        return lab.do(method, config=config or Config(timeout=CALL_SECONDS))
    except FluxHTTPError as error:
        return error


def comparable(outcome: Response | FluxHTTPError) -> object:
    """What a call came to, as a value that is equal wherever the same was received."""
    if isinstance(outcome, FluxHTTPError):
        return type(outcome), {name: value for name, value in vars(outcome).items() if name not in ("method", "url")}
    return outcome.status_code, outcome.reason, outcome.http_version, outcome.headers.multi_items(), outcome.body


class Reference:
    """A second opinion: the transport "stdlib" over an origin of its own, or "fake" where stdlib is under test.

    Args:
        target: the transport under test.
    """

    def __init__(self, target: Target) -> None:
        self._lab = lab_for(Target.named("fake" if target.name == "stdlib" else "stdlib"))

    @property
    def name(self) -> str:
        """The name of the transport that is asked."""
        return self._lab.target.name

    def ended(self, script: Script, method: str = "GET") -> Response | FluxHTTPError:
        """What it makes of an answer."""
        return ended(self._lab, script, method)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lab.close()
