"""An SDK in the small: a client class for an API of notes, which takes a transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import fluxhttp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self


@dataclass(frozen=True)
class Note:
    """One note."""

    id: int
    title: str
    tags: tuple[str, ...]


class NoSuchNoteError(Exception):
    """There is no note of that number."""


class NotesAPI:
    """The API at one address, for one user. It may be shared by threads.

    Args:
        base_url: where the API is.
        token: the user's.
        transport: what carries the requests; None for the default one.
        timeout: seconds for one call, all it takes.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        transport: fluxhttp.Transport | str | None = None,
        timeout: float = 10,
    ) -> None:
        self._client = fluxhttp.Client(
            transport,
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            # A note has some hundred bytes: a megabyte is not what was asked for.
            config=fluxhttp.Config(timeout=timeout, limits=fluxhttp.Limits(body=1_000_000)),
        )

    def create(self, title: str, *tags: str) -> Note:
        """Adds a note."""
        response = self._client.post("/notes", json={"title": title, "tags": tags})
        return _note(response.raise_for_status().json())

    def read(self, number: int) -> Note:
        """One note.

        Raises:
            NoSuchNoteError: there is none of that number.
        """
        response = self._client.get(f"/notes/{number}")
        if response.status_code == 404:
            raise NoSuchNoteError(number)
        return _note(response.raise_for_status().json())

    def find(self, *tags: str) -> Iterator[Note]:
        """The notes with all these tags, page after page."""
        page = 1
        while True:
            params = {"tag": tags, "page": str(page)}
            found = self._client.get("/notes", params=params).raise_for_status().json()
            yield from map(_note, found["notes"])
            if not found["more"]:
                return
            page += 1

    def close(self) -> None:
        """Refuses further calls; a transport that was given stays open."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _note(value: dict[str, Any]) -> Note:
    return Note(value["id"], value["title"], tuple(value["tags"]))
