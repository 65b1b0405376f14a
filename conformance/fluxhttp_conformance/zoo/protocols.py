"""Faults of transports that do more than one exchange, or undo codings."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from fluxhttp import FluxHTTPError, Headers
from fluxhttp_conformance.zoo.creature import creature
from fluxhttp_conformance.zoo.requests import rebuilt
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from fluxhttp import Config, Deadline, Request, TransportResponse

_REDIRECTS = (301, 302, 303, 307, 308)


@creature(
    "requests/no-redirects-of-its-own",
    "redirects/history",
    "redirects/head-without-a-body",
    "redirects/loop",
    "locations/bad",
    "exchanges/redirects",
    like="urllib.request; CVE-2025-50181 of urllib3",
)
class FollowsRedirects(Wrapper):
    """Follows redirects itself, with GET."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """As far as they go."""
        while True:
            answer = super().carry(request, config, deadline)
            location = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not location:
                return answer
            answer.close()
            try:
                url = request.url.join(location)
            except FluxHTTPError:
                url = request.url
            request = rebuilt(request, url=url, method="GET", body=b"")


@creature("credentials/challenge-is-an-answer", like="urllib.request.HTTPBasicAuthHandler")
class AnswersChallenges(Wrapper):
    """Sends a request again when it is asked for credentials."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """With those of its own."""
        answer = super().carry(request, config, deadline)
        if answer.status_code == 401:
            answer.close()
            pairs = [pair for pair in request.headers.multi_items() if pair[0] != "Authorization"]
            again = rebuilt(request, headers=[*pairs, ("Authorization", "Basic Og==")])
            return super().carry(again, config, deadline)
        return answer


class _Decoded(Answer):
    """An answer that is decoded here and not where it should be.

    Attributes:
        codings: those it knows.
    """

    codings: tuple[str, ...] = ("gzip",)
    _whole: bytes | None = None

    def undo(self, body: bytes) -> bytes:
        """The body without its coding."""
        raise NotImplementedError

    def is_coded(self, body: bytes) -> bool:  # noqa: ARG002  # for faults
        """Whether there is something to undo."""
        return self.inner.headers.get("content-encoding") in self.codings

    def read(self, size: int, /) -> bytes:
        """From the decoded body."""
        if self._whole is None:
            pieces = iter(lambda: self.inner.read(65_536), b"")
            self._whole = b"".join(pieces)
            if self.is_coded(self._whole):
                self._whole = self.undo(self._whole)
        piece, self._whole = self._whole[:size], self._whole[size:]
        return piece


class _Plain(_Decoded):
    """The same, and says so."""

    @property
    def headers(self) -> Headers:
        headers = self.inner.headers
        if headers.get("content-encoding") not in self.codings:
            return headers
        hidden = ("content-encoding", "content-length")
        return Headers([pair for pair in headers.multi_items() if pair[0].lower() not in hidden])


def _gunzip(body: bytes) -> bytes:
    """Every member."""
    plain: list[bytes] = []
    while body:
        member = zlib.decompressobj(31)
        plain.append(member.decompress(body))
        body = member.unused_data
    return b"".join(plain)


@creature(
    "codings/gzip",
    "codings/every-status",
    "codings/in-pieces",
    "reading/codings-are-left-on",
    like="urllib3's decode_content",
)
class DecodesGzipToo(_Decoded):
    """Undoes gzip below the client, which undoes it again."""

    def undo(self, body: bytes) -> bytes:
        """What is no gzip stays."""
        try:
            return _gunzip(body)
        except zlib.error:
            return body


@creature("codings/several-members", "codings/many-members", like="zlib.decompressobj, which stops after one member")
class DecodesOneMember(_Plain):
    """Undoes the first member of a gzip body, and drops the others."""

    def undo(self, body: bytes) -> bytes:
        """The first."""
        try:
            return zlib.decompressobj(31).decompress(body)
        except zlib.error:
            return body


@creature("codings/deflate", like="zlib.decompress")
class KnowsWrappedDeflateOnly(_Plain):
    """Undoes deflate, and takes a body without zlib's wrapper for one that is not coded."""

    codings: tuple[str, ...] = ("deflate",)

    def undo(self, body: bytes) -> bytes:
        """If it can."""
        try:
            return zlib.decompress(body)
        except zlib.error:
            return body


@creature("codings/identity")
class GuessesCodings(_Decoded):
    """Undoes gzip wherever a body looks like it."""

    def is_coded(self, body: bytes) -> bool:
        """By its first bytes."""
        return body[:2] == b"\x1f\x8b" and self.inner.headers.get("content-encoding", "") in ("", "identity")

    def undo(self, body: bytes) -> bytes:
        """All of it."""
        return _gunzip(body)


@creature("codings/chain")
class KnowsOneCoding(Answer):
    """Tells the first of several codings."""

    @property
    def headers(self) -> Headers:
        """With the first."""
        pairs = [
            (name, value.partition(",")[0] if name.lower() == "content-encoding" else value)
            for name, value in self.inner.headers.multi_items()
        ]
        return Headers(pairs)
