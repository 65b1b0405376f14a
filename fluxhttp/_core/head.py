"""The head of an answer: status line and fields (RFC 9112, 4 and 5).

Parsing is strict where leniency has cost others dearly: one malformed line
refuses the head, it never drops the lines after it. Two old habits are
understood: LF alone ends a line (RFC 9112, 2.2), and a folded line is joined
with one space (RFC 9112, 5.2). Text is latin-1, so no byte is lost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fluxhttp._core.headers import Headers, known_names, lower_name
from fluxhttp.errors import HeadTooLargeError, ProtocolError

if TYPE_CHECKING:
    from typing import TypeAlias

    from fluxhttp._core.config import Limits
    from fluxhttp._core.headers import Index
    from fluxhttp.errors import Phase

    #: A line's pair, its name in lower case, and its value as the index has it.
    _Field: TypeAlias = tuple[tuple[str, str], str, tuple[str]]

# status-line  = HTTP-version SP status-code SP [ reason-phrase ]   (RFC 9112, 4)
# HTTP-version = HTTP-name "/" DIGIT "." DIGIT                        (2.3)
# status-code  = 3DIGIT
# More than one SP before the code, and no SP after it, are old habits of servers.
_is_status_line = re.compile(r"(HTTP/1\.[0-9]) +([1-9][0-9]{2})(?: (.*))?", re.DOTALL).fullmatch
# field-line   = field-name ":" OWS field-value OWS               (RFC 9112, 5)
# field-vchar  = VCHAR / obs-text                                  (RFC 9110, 5.5)
_find_control = re.compile("[\x00-\x08\x0a-\x1f\x7f]").search

#: Fields that a server sends in the same words again and again, and that say nothing of
#: anybody: the judgement of such a line is kept. A value that may be secret never is.
_OFTEN_REPEATED = frozenset(
    {
        "accept-ranges",
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "age",
        "allow",
        "alt-svc",
        "cache-control",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-security-policy",
        "content-type",
        "date",
        "expires",
        "keep-alive",
        "last-modified",
        "pragma",
        "referrer-policy",
        "server",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "via",
        "x-content-type-options",
        "x-frame-options",
        "x-powered-by",
        "x-xss-protection",
    }
)
_known_lines: dict[str, _Field] = {}
_KNOWN_LINES_MAX = 1024
_KNOWN_LINE_LENGTH_MAX = 128

_known_status_lines: dict[str, tuple[str, int, str]] = {}
_KNOWN_STATUS_LINES_MAX = 256
_KNOWN_STATUS_LINE_LENGTH_MAX = 64


class Head:
    """The head of one answer, final or interim."""

    __slots__ = ("headers", "http_version", "reason", "status_code")

    def __init__(self, http_version: str, status_code: int, reason: str, headers: Headers) -> None:
        self.http_version = http_version
        self.status_code = status_code
        self.reason = reason
        self.headers = headers


def find_head_end(data: bytes | bytearray, start: int = 0) -> tuple[int, int] | None:
    """Where a head ends: (after its last line, after the empty line), or None.

    Args:
        data: bytes whose head begins before ``start`` or there.
        start: where to search from; what is before it holds no end.
    """
    end = data.find(b"\n\r\n", start)
    bare = data.find(b"\n\n", start, end + 1 if end >= 0 else len(data))
    if bare >= 0:
        return bare + 1, bare + 2
    return (end + 1, end + 3) if end >= 0 else None


def next_head(data: bytes, start: int, limits: Limits) -> tuple[Head, int] | None:
    """The head that begins at ``start``, and where what follows it begins; None if it is not all there.

    Raises:
        ProtocolError: as for ``parse_head``.
        HeadTooLargeError: as for ``parse_head``, or it is larger than ``limits.head``.
    """
    end = data.find(b"\r\n\r\n", start)
    if 0 <= end <= start + limits.head - 4:
        lines = data[start:end].decode("latin-1").split("\r\n")
        status = _known_status_lines.get(lines.pop(0))
        if status is not None and len(lines) <= limits.fields:
            headers = _plain_headers(lines)
            if headers is not None:
                return Head(*status, headers), end + 4
    # A status line met for the first time, or LF alone that ended the head earlier, or a fault.
    found = find_head_end(data, start)
    if found is None:
        return None
    if found[1] - start > limits.head:
        raise head_too_large(limits)
    return parse_head(data[start : found[0]], limits), found[1]


def parse_head(block: bytes | bytearray, limits: Limits) -> Head:
    """The head whose lines, each with its line end, are in ``block``.

    Raises:
        ProtocolError: a line is malformed; the text has its number and, where
            one character is at fault, that character.
        HeadTooLargeError: more than ``limits.fields`` fields.
    """
    text = block.decode("latin-1")
    status_line, _, rest = text.partition("\n")
    line = status_line.removesuffix("\r")
    version, status_code, reason = _known_status_lines.get(line) or _status(line)
    return Head(version, status_code, reason, parse_fields(rest, limits))


def _status(line: str) -> tuple[str, int, str]:
    found = _is_status_line(line)
    if found is None:
        raise ProtocolError("the answer does not begin with an HTTP/1.1 status line", phase="head")
    version, code, reason = found.groups(default="")
    if control := _find_control(reason):
        raise ProtocolError(f"the reason phrase has the control character {control[0]!r}", phase="head")
    known = version, int(code), reason
    if len(_known_status_lines) < _KNOWN_STATUS_LINES_MAX and len(line) <= _KNOWN_STATUS_LINE_LENGTH_MAX:
        _known_status_lines[line] = known
    return known


def parse_fields(text: str, limits: Limits, *, phase: Phase = "head") -> Headers:
    """The fields of a head or trailer section.

    Args:
        text: the lines, latin-1, each with its line end.
        limits: how many there may be.
        phase: "head", or "body" for a trailer section; for errors.

    Raises:
        ProtocolError: a line is malformed.
        HeadTooLargeError: more than ``limits.fields`` lines.
    """
    lines = text.split("\r\n")
    if len(lines) - 1 > limits.fields:
        raise _too_many(limits)
    headers = None if lines.pop() else _plain_headers(lines)
    # Malformed, or one of the old habits: look again, line by line.
    return _parse_fields_slowly(text, limits, phase) if headers is None else headers


def _plain_headers(lines: list[str]) -> Headers | None:
    """The fields of lines that ended in CR LF; None if one is malformed, folded or holds a line end."""
    pairs: list[tuple[str, str]] = []
    index: Index = {}
    known = _known_lines.get
    for line in lines:
        field = known(line) or _field(line)
        if field is None:
            return None
        pair, lower, values = field
        pairs.append(pair)
        index[lower] = values
    # A name that came twice is rare: then the index has fewer, and is made anew when it is asked for.
    return Headers.trusted(pairs, index if len(index) == len(pairs) else None)


def _field(line: str) -> _Field | None:
    """What a plain line says; None if it is no plain one."""
    name, colon, value = line.partition(":")
    lower = known_names.get(name) or lower_name(name)
    if lower is None or not colon or not (line.isprintable() or _find_control(value) is None):
        return None
    value = value.strip(" \t")
    field = ((name, value), lower, (value,))
    if lower in _OFTEN_REPEATED and len(line) <= _KNOWN_LINE_LENGTH_MAX:
        if len(_known_lines) >= _KNOWN_LINES_MAX:
            _known_lines.clear()
        _known_lines[line] = field
    return field


def _parse_fields_slowly(text: str, limits: Limits, phase: Phase) -> Headers:
    lines = text.split("\n")
    if len(lines) - 1 > limits.fields:
        raise _too_many(limits)
    # A value is a list of its lines, for joining them one by one would take quadratic time.
    fields: list[tuple[str, list[str]]] = []
    for number, ended_line in enumerate(lines[:-1], 1):
        line = ended_line.removesuffix("\r")
        if line[:1] in (" ", "\t"):
            # obs-fold = OWS CRLF RWS                                  (RFC 9112, 5.2)
            if not fields:
                raise _malformed(phase, number, "continues a line, but is the first")
            fields[-1][1].append(_checked(line, phase, number))
        else:
            name, colon, value = line.partition(":")
            if not colon:
                raise _malformed(phase, number, "has no colon")
            if lower_name(name) is None:
                raise _malformed(phase, number, "has a name that is no token" if name else "has no name")
            fields.append((name, [_checked(value, phase, number)]))
    return Headers.trusted([(name, " ".join([line for line in lines if line])) for name, lines in fields])


def _checked(value: str, phase: Phase, number: int) -> str:
    if control := _find_control(value):
        raise _malformed(phase, number, f"has the control character {control[0]!r}")
    return value.strip(" \t")


def _malformed(phase: Phase, number: int, what: str) -> ProtocolError:
    # The first line of a head is the status line.
    part, line = ("head", number + 1) if phase == "head" else ("trailer section", number)
    return ProtocolError(f"the answer's {part} is malformed: line {line} {what}", phase=phase)


def _too_many(limits: Limits) -> HeadTooLargeError:
    return HeadTooLargeError(
        f"the head has more fields than limits.fields allows, {limits.fields}", limit="fields", allowed=limits.fields
    )


def head_too_large(limits: Limits) -> HeadTooLargeError:
    """The error for a head over ``limits.head``."""
    return HeadTooLargeError(
        f"the head is larger than limits.head allows, {limits.head} bytes", limit="head", allowed=limits.head
    )
