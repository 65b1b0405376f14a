"""The SDK's tests, with the fake: no server, no patch, no sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from notes_api import NoSuchNoteError, Note, NotesAPI

import fluxhttp
from fluxhttp.testing import faults

if TYPE_CHECKING:
    from fluxhttp.testing import FakeTransport

BASE = "https://notes.test"


@pytest.fixture
def api(fake_http: FakeTransport) -> NotesAPI:
    return NotesAPI(BASE, "s3cret", transport=fake_http, timeout=5)


def test_a_note_is_created(fake_http: FakeTransport, api: NotesAPI) -> None:
    fake_http.post(
        f"{BASE}/notes",
        headers={"Authorization": "Bearer s3cret"},
        json={"title": "Milk", "tags": ["shop"]},
    ).respond(201, json={"id": 7, "title": "Milk", "tags": ["shop"]})

    assert api.create("Milk", "shop") == Note(7, "Milk", ("shop",))


def test_all_pages_are_read(fake_http: FakeTransport, api: NotesAPI) -> None:
    for page, more in (("1", True), ("2", False)):
        fake_http.get(f"{BASE}/notes", params={"tag": ["shop", "home"], "page": page}).respond(
            json={"notes": [{"id": int(page), "title": page, "tags": ["shop", "home"]}], "more": more}
        )

    assert [note.id for note in api.find("shop", "home")] == [1, 2]


def test_a_note_that_is_missing_is_an_error_of_the_sdk(fake_http: FakeTransport, api: NotesAPI) -> None:
    fake_http.get(BASE + "/notes/{number}").respond(404)

    with pytest.raises(NoSuchNoteError):
        api.read(7)


def test_a_slow_server_ends_a_call_after_five_seconds(fake_http: FakeTransport, api: NotesAPI) -> None:
    fake_http.get(f"{BASE}/notes/7").respond(json={}, after=60)

    with pytest.raises(fluxhttp.RequestTimeoutError):
        api.read(7)

    assert fake_http.calls.last.elapsed == 5


def test_an_answer_that_is_cut_is_not_taken_for_a_note(fake_http: FakeTransport, api: NotesAPI) -> None:
    fake_http.get(f"{BASE}/notes/7").fail(faults.truncated(after=12, body=b'{"id": 7, "title": "Milk"}'))

    with pytest.raises(fluxhttp.IncompleteBodyError):
        api.read(7)
