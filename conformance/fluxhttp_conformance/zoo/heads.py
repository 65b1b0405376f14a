"""Faults in reading status lines and whole heads."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from fluxhttp import ProtocolError
from fluxhttp_conformance.zoo.creature import creature, ends_heads, reads_heads
from fluxhttp_conformance.zoo.wire import HeadWire
from fluxhttp_conformance.zoo.wrapper import Answer, Wrapper

if TYPE_CHECKING:
    from fluxhttp import Config, Deadline, Request, TransportResponse

_status_line = re.compile(rb"([^\r\n]*?)(\r?\n)")


def _first_line(head: bytes) -> tuple[bytes, bytes]:
    line, end, rest = head.partition(b"\n")
    return line.rstrip(b"\r"), (b"\r" if line.endswith(b"\r") else b"") + end + rest


@reads_heads("status/code-is-three-digits", like="http.client: int(status)")
def gives_the_code_to_int(head: bytes) -> bytes:
    """Takes for a status code whatever int() takes for a number."""
    line, rest = _first_line(head)
    words = line.split(None, 2)
    try:
        number = int(words[1].decode("latin-1"))
        # One out of range would be refused for that.
        words[1] = b"%03d" % (number if 100 <= number <= 999 else 200 + number % 100)
    except (IndexError, ValueError):
        return head
    return b" ".join(words) + rest


@reads_heads("status/malformed-versions", like="http.client")
def takes_any_version_that_begins_with_1(head: bytes) -> bytes:
    """Reads HTTP/1.12, HTTP/1.x and HTTP/1 as HTTP/1.1."""
    return re.sub(rb"\AHTTP/ ?\+?1?[^ ]*(?= )", b"HTTP/1.1", head)


@reads_heads("status/minor-versions", "connections/http-1-0", "reading/head")
def says_1_1_whatever_came(head: bytes) -> bytes:
    """Takes every answer for one of HTTP/1.1, and keeps the connections of an HTTP/1.0 peer."""
    return re.sub(rb"\AHTTP/1\.\d ", b"HTTP/1.1 ", head)


@reads_heads("status/minor-versions")
def refuses_minor_versions_above_1(head: bytes) -> bytes:
    """Takes HTTP/1.2 for a protocol that it does not speak."""
    return re.sub(rb"\AHTTP/1\.[2-9]", b"HTTP/9.9", head)


@reads_heads("status/other-protocol-names")
def takes_any_name_for_http(head: bytes) -> bytes:
    """Does not look at the protocol's name."""
    return re.sub(rb"\A[^\d\r\n]{0,9}1\.1 ", b"HTTP/1.1 ", head)


class _OldHTTP(HeadWire):
    def cut(self, head: bytes) -> bytes:
        return head if head.startswith(b"HTTP/"[: len(head)]) else b"HTTP/1.0 200 OK\r\n\r\n" + head


@creature("tls/plain-request", "tunnels/broken-connect", like="curl before 7.66: HTTP/0.9")
class TakesAnythingForABody(_OldHTTP):
    """Takes an answer without a status line for an HTTP/0.9 body."""


@reads_heads("status/no-reason-phrase")
def wants_a_reason_phrase(head: bytes) -> bytes:
    """Refuses a status line without a reason phrase."""
    line, rest = _first_line(head)
    return head if len(line.split(b" ", 2)) == 3 and line[-1:] != b" " else b"HTTP/1.1 malformed" + rest


@creature("status/no-reason-phrase")
class FillsInTheReason(Answer):
    """Puts the registered reason phrase where none came."""

    @property
    def reason(self) -> str:
        """The registered one."""
        return self.inner.reason or HTTPStatus(self.inner.status_code).phrase


@creature("status/reason-phrase", "pickling/response", "reading/head", "redirects/history")
class LowersTheReason(Answer):
    """Lower-cases the reason phrase."""

    @property
    def reason(self) -> str:
        """In lower case."""
        return self.inner.reason.lower()


@creature(
    "status/unregistered-codes",
    "codings/every-status",
    "redirects/not-followed",
    "exchanges/statuses",
    like="http.HTTPStatus(code)",
)
class KnowsRegisteredCodesOnly(Wrapper):
    """Looks each status code up in a table, and has no answer for one that is not there."""

    def carry(self, request: Request, config: Config, deadline: Deadline) -> TransportResponse:
        """Fails on other codes."""
        answer = super().carry(request, config, deadline)
        try:
            HTTPStatus(answer.status_code)
        except ValueError:
            answer.close()
            raise ProtocolError("the status code is not known") from None
        return answer


@ends_heads(
    "lines/no-empty-line",
    "status/end-in-status-line",
    "families/every-cut-point",
    like="http.client and urllib3",
)
def takes_the_end_for_the_empty_line(head: bytes) -> bytes:
    """Takes a head that the peer cut for a whole one."""
    return head + b"\r\n\r\n"


@reads_heads("exchanges/without-content", like="a success is a 200")
def takes_no_content_for_ok(head: bytes) -> bytes:
    """Reads 204 as 200, with the body that goes with that."""
    return head.replace(b"HTTP/1.1 204", b"HTTP/1.1 200", 1)


@ends_heads("lines/cr-alone-throughout")
def ends_lines_at_cr(head: bytes) -> bytes:
    """Takes a CR alone for the end of a line."""
    return re.sub(rb"\r(?!\n)", b"\r\n", head)


@creature(
    "families/byte-by-byte",
    "families/every-split",
    "fields/well-known",
    like="a single recv()",
)
class TakesOneReadForTheHead(HeadWire):
    """Believes that the first piece which comes is the whole head."""

    def received(self, data: bytes) -> bytes:
        """Ends the head with the piece."""
        if self._is_in_head and data and b"\n\r\n" not in data and b"\n\n" not in data:
            self._is_in_head = False
            return data + b"\r\n\r\n"
        return super().received(data)


# Interim answers


class _Interim(HeadWire):
    def __init__(self) -> None:
        super().__init__()
        self._kept = b""

    def sent(self, message: bytes) -> bytes:
        self._kept = b""
        return super().sent(message)


@creature("interim/fields-are-not-merged")
class MergesInterimFields(_Interim):
    """Adds the fields of interim answers to those of the final one."""

    def edit(self, head: bytes) -> bytes:
        """Keeps the fields until the final head."""
        line, fields = head.split(b"\n", 1)
        if head[9:10] == b"1":
            self._kept += fields[: fields.rfind(b"\r\n")]
            return head
        return line + b"\n" + self._kept + fields


@creature("interim/has-no-body")
class ReadsBodiesOfInterimAnswers(_Interim):
    """Skips as many bytes after an interim answer as it declares."""

    _skipping = 0

    def edit(self, head: bytes) -> bytes:
        """Notes the length."""
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if head[9:10] == b"1" and length is not None:
            self._skipping = int(length[1])
            self._held = self._skip(self._held)
        return head

    def received(self, data: bytes) -> bytes:
        """Without what is skipped."""
        rest = self._skip(data)
        return super().received(rest) if rest or not data else b""

    def _skip(self, data: bytes) -> bytes:
        skipped = min(self._skipping, len(data))
        self._skipping -= skipped
        return data[skipped:]


@creature("interim/malformed")
class SkipsInterimAnswersUnread(_Interim):
    """Skips an interim answer without looking at its lines."""

    def edit(self, head: bytes) -> bytes:
        """Leaves a sound one in its place."""
        return b"HTTP/1.1 100 Continue\r\n\r\n" if re.match(rb"HTTP/\d\.\d 1\d", head) else head

    def received(self, data: bytes) -> bytes:
        """A malformed one is interim, too."""
        edited = super().received(data)
        if not self._is_in_head and re.match(rb"HTTP/(?!1\.1 1\d\d\b)\d\.\d 1\d", edited):
            self._is_in_head = True
        return edited


@reads_heads(
    "interim/skipped",
    "bodies/interim-answer-while-sending",
    "interim/final-answer-comes-late",
    "interim/then-the-end",
    like="http.client, urllib3 and requests",
)
def takes_103_for_the_answer(head: bytes) -> bytes:
    """Skips 100 alone: any other interim answer is the final one."""
    if head.startswith(b"HTTP/1.1 1") and not head.startswith(b"HTTP/1.1 100"):
        return b"HTTP/1.1 2" + head[10:].rstrip(b"\r\n") + b"\r\nContent-Length: 0\r\n\r\n"
    return head


@reads_heads("framing/upgrade-offered")
def takes_upgrade_for_a_switch(head: bytes) -> bytes:
    """Takes an answer that offers an upgrade for one that switched protocols."""
    return head.replace(b"HTTP/1.1 200", b"HTTP/1.1 101", 1) if b"\r\nUpgrade:" in head else head
