"""An answer within another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluxhttp._core.headers import Headers
    from fluxhttp._core.transport import TransportResponse


class Within:
    """A transport's answer with the head and the end of another, and a way of its own to read the body."""

    __slots__ = ("_answer",)

    def __init__(self, answer: TransportResponse) -> None:
        self._answer = answer

    @property
    def status_code(self) -> int:
        """The other's status code."""
        return self._answer.status_code

    @property
    def reason(self) -> str:
        """The other's reason phrase."""
        return self._answer.reason

    @property
    def http_version(self) -> str:
        """The other's version of HTTP."""
        return self._answer.http_version

    @property
    def headers(self) -> Headers:
        """The other's header fields."""
        return self._answer.headers

    def close(self) -> None:
        """As the other's."""
        self._answer.close()
