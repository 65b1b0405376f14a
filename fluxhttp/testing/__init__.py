"""In-memory siblings of the transports: the fake, and the language that says what a peer does.

::

    with FakeTransport() as fake:
        fake.get("https://api.test/users/7").respond(json={"name": "Ada"})
        assert greet(Client(fake), 7) == "Hello Ada"

``fluxhttp.testing.strategies`` has hypothesis strategies; it needs the extra
``hypothesis`` and is imported by its own name.
"""

from fluxhttp.testing import faults
from fluxhttp.testing.calls import Call, Calls
from fluxhttp.testing.clock import VirtualClock
from fluxhttp.testing.errors import ImpossibleReplyError, StalledError, UnexpectedRequestError, UnusedRouteError
from fluxhttp.testing.fake import FakeTransport
from fluxhttp.testing.har import RecordingError
from fluxhttp.testing.matching import subset
from fluxhttp.testing.recorder import Recorder
from fluxhttp.testing.redact import Redaction
from fluxhttp.testing.replay import Replay
from fluxhttp.testing.reply import Reply
from fluxhttp.testing.routes import Route
from fluxhttp.testing.script import Close, Pause, Receive, Reset, Script, Send, Stall, Step
from fluxhttp.testing.wsgi import WSGITransport

__all__ = [
    "Call",
    "Calls",
    "Close",
    "FakeTransport",
    "ImpossibleReplyError",
    "Pause",
    "Receive",
    "Recorder",
    "RecordingError",
    "Redaction",
    "Replay",
    "Reply",
    "Reset",
    "Route",
    "Script",
    "Send",
    "Stall",
    "StalledError",
    "Step",
    "UnexpectedRequestError",
    "UnusedRouteError",
    "VirtualClock",
    "WSGITransport",
    "faults",
    "subset",
]
