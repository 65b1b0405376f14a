"""What a fake answers, call after call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fluxhttp import Client

if TYPE_CHECKING:
    from fluxhttp.testing import FakeTransport

API = "https://api.test"
URL = f"{API}/x"


def answers(fake: FakeTransport, count: int, url: str = URL, **options: Any) -> list[str]:
    """The texts of so many answers; an error's class where there is none."""
    client = Client(fake)
    found = []
    for _ in range(count):
        try:
            found.append(client.get(url, **options).text)
        except Exception as error:  # noqa: BLE001  # its class is what is asked for
            found.append(type(error).__name__)
    return found
