"""The SDK against a recording, and the recording against the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from notes_api import Note, NotesAPI
from notes_origin import serve_notes

import fluxhttp
from fluxhttp.testing import Recorder, Replay

if TYPE_CHECKING:
    import socket

RECORDING = Path(__file__).parent / "recordings" / "notes.har"
BASE = "http://notes.test"


def use(transport: fluxhttp.Transport) -> list[Note]:
    with NotesAPI(BASE, "s3cret", transport=transport) as api:
        for title in ("Milk", "Bread", "Salt"):
            api.create(title, "shop")
        assert api.read(2).title == "Bread"
        return list(api.find("shop"))


def test_what_was_recorded_is_read() -> None:
    with Replay(RECORDING) as transport:
        found = use(transport)

    assert [note.title for note in found] == ["Milk", "Bread", "Salt"]
    assert "s3cret" not in RECORDING.read_text(encoding="utf-8")


class ConnectTo:
    """A dialer that connects every host to one port on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dialer = fluxhttp.Dialer()

    def dial(self, host: str, port: int, /, *, deadline: fluxhttp.Deadline) -> socket.socket:  # noqa: ARG002  # where it ought to go
        return self.dialer.dial("127.0.0.1", self.port, deadline=deadline)


def test_the_server_still_answers_as_it_was_recorded(tmp_path: Path) -> None:
    file = tmp_path / "notes.har"
    with serve_notes() as server:
        inner = fluxhttp.StdlibTransport(dialer=ConnectTo(server.server_port), trust_env=False)
        with Recorder(inner, file) as transport:
            use(transport)

    assert exchanges(file) == exchanges(RECORDING)


def exchanges(file: Path) -> list[tuple[object, ...]]:
    entries = json.loads(file.read_text(encoding="utf-8"))["log"]["entries"]
    return [
        (entry["request"]["method"], entry["request"]["url"], entry["response"]["status"], entry["response"]["content"])
        for entry in entries
    ]
