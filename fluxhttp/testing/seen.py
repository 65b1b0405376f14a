"""Seen: one exchange as it went by, and the HAR entry that is made of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from fluxhttp._core.framing import BODYLESS
from fluxhttp._core.headers import Headers
from fluxhttp._core.query import FORM
from fluxhttp._core.redirects import FOLLOWED
from fluxhttp._core.request import Request
from fluxhttp.testing.failures import failure_json
from fluxhttp.testing.har import field_of_text, text_of_body, without_codings
from fluxhttp.testing.masking import MASKED, MASKED_ESCAPED

if TYPE_CHECKING:
    from datetime import datetime

    from fluxhttp._core.deadline import Clock
    from fluxhttp._core.transport import TransportResponse
    from fluxhttp.errors import FluxHTTPError
    from fluxhttp.testing.har import JSON
    from fluxhttp.testing.redact import Redaction

#: What browsers write of a cookie beside the format's own names.
_SAME_SITE = frozenset({"lax", "none", "strict"})


class Seen:
    """One exchange as it goes by.

    Args:
        request: as it was sent, secrets and all.
        at: the moment it began, of the world's clock.
        clock: measures how long it takes.
    """

    __slots__ = ("_clock", "_ended", "_headed", "_started", "answer", "at", "failure", "is_read", "pieces", "request")

    def __init__(self, request: Request, at: datetime, clock: Clock) -> None:
        self.request: Request = request
        self.at: datetime = at
        self.answer: TransportResponse | None = None
        self.failure: FluxHTTPError | None = None
        #: Whether the end of the body was seen.
        self.is_read: bool = False
        self.pieces: list[bytes] = []
        self._clock = clock
        self._started = self._headed = self._ended = clock.monotonic()

    def take_head(self, answer: TransportResponse) -> None:
        """Notes that the head is there."""
        self.answer = answer
        self._headed = self._ended = self._clock.monotonic()

    def take_body(self, data: bytes) -> None:
        """Notes a piece of the body; b"" is its end."""
        if data:
            self.pieces.append(bytes(data))
        else:
            self.is_read = True
        self._ended = self._clock.monotonic()

    def fail(self, error: FluxHTTPError) -> None:
        """Notes how it ended."""
        self.failure = error
        self._ended = self._clock.monotonic()
        if self.answer is None:
            self._headed = self._ended

    @property
    def is_over(self) -> bool:
        """Whether there is something to store: an answer or a failure."""
        return self.answer is not None or self.failure is not None

    @property
    def wait_ms(self) -> float:
        """Milliseconds until the head was there, or the failure."""
        return _milliseconds(self._headed - self._started)

    @property
    def receive_ms(self) -> float:
        """Milliseconds from the head to the last byte that was read."""
        return _milliseconds(self._ended - self._headed)


def _milliseconds(seconds: float) -> float:
    # To the microsecond; clocks that go back are the world's affair.
    return max(0.0, round(seconds * 1000, 3))


def entry_of(seen: Seen, redact: Redaction) -> JSON:
    """The HAR entry of an exchange that is over."""
    entry: JSON = {
        "startedDateTime": seen.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": round(seen.wait_ms + seen.receive_ms, 3),
        "request": _request(seen.request, redact),
        "response": _no_response() if seen.answer is None else _response(seen, seen.answer, redact),
        "cache": {},
        "timings": {"send": 0, "wait": seen.wait_ms, "receive": seen.receive_ms},
    }
    if seen.failure is not None:
        entry["_error"] = failure_json(seen.failure)
        # What browsers show beside a request that failed.
        entry["response"]["_error"] = type(seen.failure).__name__
    return entry


# The request


def storable_request(request: Request, redact: Redaction) -> Request:
    """The request as it is stored and compared: its codings undone, its secrets masked."""
    codings = request.headers.get_all("content-encoding")
    undone = without_codings(request.body, codings) if codings and request.body else None
    if undone is not None and undone[1]:
        body = undone[0]
        pairs = [
            (name, str(len(body)) if name.lower() == "content-length" else value)
            for name, value in request.headers.multi_items()
            if name.lower() != "content-encoding"
        ]
        request = Request(request.method, request.url, Headers.trusted(pairs), body, decodes=request.decodes)
    return redact.request(request)


def _request(request: Request, redact: Redaction) -> JSON:
    stored = storable_request(request, redact)
    headers = stored.headers
    made: JSON = {
        "method": stored.method,
        "url": str(stored.url),
        "httpVersion": "HTTP/1.1",
        "cookies": [cookie for value in headers.get_all("cookie") for cookie in _pairs(value.split(";"))],
        "headers": [{"name": name, "value": value} for name, value in headers.multi_items()],
        "queryString": _form(stored.url.query or ""),
        "headersSize": len(stored.head_bytes()),
        "bodySize": len(stored.body),
    }
    if stored.body:
        content_type = headers.first("content-type") or ""
        text, is_base64 = text_of_body(stored.body, content_type)
        post: JSON = {"mimeType": content_type, "text": text}
        if is_base64:
            post["_encoding"] = "base64"
        elif content_type.partition(";")[0].strip().lower() == FORM:
            post["params"] = _form(text)
        if "content-encoding" in request.headers and "content-encoding" not in headers:
            post["_coding"] = request.headers["content-encoding"]
        made["postData"] = post
    return made


def _form(text: str) -> list[JSON]:
    return [
        {"name": unquote_plus(name), "value": unquote_plus(value)}
        for name, _, value in (part.partition("=") for part in text.split("&") if part)
    ]


def _pairs(parts: list[str]) -> list[JSON]:
    split = [part.strip().partition("=") for part in parts]
    return [{"name": name, "value": value} for name, equals, value in split if equals]


# The response


def _no_response() -> JSON:
    """What browsers write for a request that had no answer."""
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _response(seen: Seen, answer: TransportResponse, redact: Redaction) -> JSON:
    received = b"".join(seen.pieces)
    body, coding = _stored_body(seen, answer, received, redact)
    fields = _stored_fields(answer, body, received, redact, is_undone=coding is not None)
    content_type = next((field["value"] for field in fields if field["name"].lower() == "content-type"), "")
    content: JSON = {"size": len(body), "mimeType": content_type or "x-unknown"}
    if coding is not None:
        content["compression"] = len(body) - len(received)
        content["_coding"] = coding
    if body:
        content["text"], is_base64 = text_of_body(body, content_type)
        if is_base64:
            content["encoding"] = "base64"
    if coding is None and "content-encoding" in answer.headers:
        content["_isCoded"] = True
    if not _is_whole(seen, answer, len(received)):
        content["_isIncomplete"] = True
    lines = [len(field["name"]) + len(field_of_text(field["value"])) + 4 for field in fields]
    return {
        "status": answer.status_code,
        "statusText": answer.reason,
        "httpVersion": answer.http_version,
        "cookies": [_cookie(field["value"]) for field in fields if field["name"].lower() == "set-cookie"],
        "headers": fields,
        "content": content,
        "redirectURL": next((field["value"] for field in fields if field["name"].lower() == "location"), ""),
        "headersSize": len(answer.http_version) + len(answer.reason) + 7 + sum(lines) + 2,
        "bodySize": len(received) if coding is not None else len(body),
    }


def _stored_body(seen: Seen, answer: TransportResponse, received: bytes, redact: Redaction) -> tuple[bytes, str | None]:
    """The content as it is stored, and the codings that were undone."""
    content_type = answer.headers.first("content-type") or ""
    values = answer.headers.get_all("content-encoding")
    undone = without_codings(received, values) if values and received else None
    if undone is None:
        return redact.body(received, content_type), None
    decoded, is_sound = undone
    masked = redact.body(decoded, content_type)
    # A client does not decode a redirect's body, nor what its caller asked for coded: that is stored as it
    # came, as is what cannot be decoded. Unless there is a secret in it.
    is_decoded = seen.request.decodes and not (answer.status_code in FOLLOWED and "location" in answer.headers)
    if masked == decoded and not (is_sound and is_decoded and _is_whole(seen, answer, len(received))):
        return received, None
    return masked, ", ".join(values)


def _stored_fields(
    answer: TransportResponse, body: bytes, received: bytes, redact: Redaction, *, is_undone: bool
) -> list[JSON]:
    fields: list[JSON] = []
    for name, value in answer.headers.multi_items():
        lower = name.lower()
        if is_undone and lower in ("content-encoding", "content-length"):
            continue
        if lower == "content-length" and value.isdecimal() and len(body) != len(received):
            # As much longer or shorter as the content; it may declare more than came.
            value = str(int(value) + len(body) - len(received))
        value = redact.header(name, value)
        if lower == "location":
            # In a form that can be followed.
            value = value.replace(MASKED, MASKED_ESCAPED)
        fields.append({"name": name, "value": value})
    return fields


def _is_whole(seen: Seen, answer: TransportResponse, received: int) -> bool:
    """Whether nothing of the body is missing."""
    if seen.failure is not None:
        # The failure says so.
        return True
    if seen.is_read or seen.request.method == "HEAD" or answer.status_code in BODYLESS:
        return True
    length = answer.headers.first("content-length") or ""
    return length.isdecimal() and int(length) == received and "transfer-encoding" not in answer.headers


def _cookie(value: str) -> JSON:
    """A Set-Cookie line (RFC 6265, 4.1.1)."""
    first, *rest = value.split(";")
    name, _, content = first.strip().partition("=")
    cookie: JSON = {"name": name, "value": content}
    attributes = {part.partition("=")[0].strip().lower(): part.partition("=")[2].strip() for part in rest}
    for attribute in ("path", "domain"):
        if attributes.get(attribute):
            cookie[attribute] = attributes[attribute]
    if attributes.get("samesite", "").lower() in _SAME_SITE:
        cookie["sameSite"] = attributes["samesite"].title()
    if attributes.get("expires"):
        with suppress(ValueError, OverflowError):
            cookie["expires"] = parsedate_to_datetime(attributes["expires"]).astimezone(UTC).isoformat()
    cookie["httpOnly"] = "httponly" in attributes
    cookie["secure"] = "secure" in attributes
    return cookie
