"""Faults in reading fields."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from fluxhttp import Headers
from fluxhttp_conformance.zoo.creature import creature, reads_heads
from fluxhttp_conformance.zoo.wrapper import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

_is_field = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:").match


def _lines(head: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """The head with other field lines."""
    first, *lines = head.split(b"\r\n")
    return b"\r\n".join([first, *change(lines[:-2]), b"", b""])


def _names(head: bytes, change: Callable[[bytes], bytes]) -> bytes:
    def renamed(line: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        return change(name) + colon + value

    return _lines(head, lambda lines: [renamed(line) for line in lines])


def _group(lines: list[bytes]) -> list[bytes]:
    names = list(dict.fromkeys(line.partition(b":")[0].lower() for line in lines))
    return [line for name in names for line in lines if line.partition(b":")[0].lower() == name]


def _join(lines: list[bytes]) -> list[bytes]:
    joined: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        if name in joined:
            joined[name] += b"," + value
        else:
            joined[name] = value
    return [name + b":" + value for name, value in joined.items()]


@reads_heads("fields/set-cookie-is-never-joined", "credentials/challenge-is-an-answer", like="requests")
def joins_lines_of_one_name(head: bytes) -> bytes:
    """Joins lines of one name with a comma, Set-Cookie included."""
    return _lines(head, _join)


@reads_heads("fields/lines-keep-their-order")
def groups_lines_of_one_name(head: bytes) -> bytes:
    """Moves lines of one name together."""
    return _lines(head, _group)


@reads_heads("fields/lines-keep-their-order", "fields/set-cookie-is-never-joined", like="a dict of the fields")
def keeps_the_last_line_of_a_name(head: bytes) -> bytes:
    """Lets each line replace the one before it of the same name."""
    return _lines(head, lambda lines: list({line.partition(b":")[0].lower(): line for line in lines}.values()))


@creature("fields/empty-value", "fields/well-known")
class DropsTheLastField(Answer):
    """Drops the last field of an answer."""

    @property
    def headers(self) -> Headers:
        """All but the last."""
        return Headers(self.inner.headers.multi_items()[:-1])


@reads_heads("fields/names-in-any-case", "reading/head", like="Go's canonical names")
def title_cases_names(head: bytes) -> bytes:
    """Gives every name in title case."""
    return _names(head, bytes.title)


@reads_heads("fields/names-in-any-case", like="h11")
def lowers_names(head: bytes) -> bytes:
    """Gives every name in lower case."""
    return _names(head, bytes.lower)


@reads_heads("fields/one-name-in-several-cases")
def spells_a_name_as_it_came_first(head: bytes) -> bytes:
    """Gives lines of one name the spelling of the first."""
    spelt: dict[bytes, bytes] = {}
    return _names(head, lambda name: spelt.setdefault(name.lower(), name))


@reads_heads("fields/names-are-tokens")
def knows_plain_names_only(head: bytes) -> bytes:
    """Drops a line whose name has other characters than letters, digits and hyphens."""
    return _lines(head, lambda lines: [line for line in lines if re.match(rb"[A-Za-z][A-Za-z0-9-]*:", line)])


@reads_heads("framing/names-like-content-length", "fields/names-are-tokens", like="CGI variables")
def takes_underscores_for_hyphens(head: bytes) -> bytes:
    """Takes an underscore in a name for a hyphen."""
    return _names(head, lambda name: name.replace(b"_", b"-"))


@reads_heads("fields/empty-value", "locations/none", "codings/identity", "exchanges/fields-received", like="if value:")
def drops_empty_values(head: bytes) -> bytes:
    """Drops a field without a value."""
    return _lines(head, lambda lines: [line for line in lines if line.partition(b":")[2].strip() or b":" not in line])


@reads_heads("fields/blanks-around-a-value", "status/reason-phrase")
def collapses_blanks(head: bytes) -> bytes:
    """Takes several blanks for one."""
    return re.sub(rb"[ \t]+", b" ", head)


@reads_heads("fields/values-are-not-rewritten", "fields/well-known")
def splits_values_at_commas(head: bytes) -> bytes:
    """Makes a line of each part of a list."""

    def split(lines: list[bytes]) -> list[bytes]:
        pairs = [line.partition(b":") for line in lines]
        return [name + b":" + part for name, _, value in pairs for part in value.split(b",")]

    return _lines(head, split)


@reads_heads("fields/values-are-not-rewritten")
def unquotes_values(head: bytes) -> bytes:
    """Takes the quotes and escapes off a value."""
    return re.sub(rb'\\(.)|"', rb"\1", head)


@creature("fields/absent", "framing/content-length")
class InventsADate(Answer):
    """Adds a Date where none came."""

    @property
    def headers(self) -> Headers:
        """With a Date."""
        pairs = self.inner.headers.multi_items()
        return Headers(pairs if "date" in self.inner.headers else (*pairs, ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")))


@creature("framing/chunked", "trailers/are-dropped", "fields/well-known", like="Go's http.Response")
class HidesFramingFields(Answer):
    """Hides the fields that told the length of the body."""

    @property
    def headers(self) -> Headers:
        """Without them."""
        hidden = ("content-length", "transfer-encoding")
        return Headers([pair for pair in self.inner.headers.multi_items() if pair[0].lower() not in hidden])


@creature("framing/head-has-no-body", "framing/no-content-has-no-body", "framing/not-modified-has-no-body")
class HidesTheLengthOfNoBody(Answer):
    """Hides Content-Length and Transfer-Encoding of an answer that has no body."""

    @property
    def headers(self) -> Headers:
        """Without them."""
        headers = self.inner.headers
        if self.request.method != "HEAD" and self.status_code not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            return headers
        hidden = ("content-length", "transfer-encoding")
        return Headers([pair for pair in headers.multi_items() if pair[0].lower() not in hidden])


@creature("families/mutations", "reading/head", "families/every-byte-replaced", "families/random-answers")
class TakesFieldsForASCII(Answer):
    """Leaks a UnicodeEncodeError for a value with other characters than ASCII."""

    @property
    def headers(self) -> Headers:
        """If they are ASCII."""
        for name, value in self.inner.headers.multi_items():
            (name + value).encode("ascii")
        return self.inner.headers


@creature("limits/costly-values", like="CVE-2024-7592 of CPython: cookies in quadratic time")
class LooksForListsSlowly(Answer):
    """Looks at each value in time that grows with the square of its length."""

    @property
    def headers(self) -> Headers:
        """As they came, late."""
        for _, value in self.inner.headers.multi_items():
            # Long enough for a case to notice, whatever machine it is.
            rest, end = value, time.perf_counter() + 0.4
            while rest and time.perf_counter() < end:
                rest = rest[1:]
        return self.inner.headers


# Lines that are none


@reads_heads(
    "lines/malformed", "families/every-byte-inserted", like="http.client, where a bad line takes those after it along"
)
def skips_malformed_lines(head: bytes) -> bytes:
    """Skips a line that is no field."""
    return _lines(head, lambda lines: [line for line in lines if _is_field(line) or line[:1] in b" \t"])


@reads_heads("lines/fold-of-nothing")
def strips_lines(head: bytes) -> bytes:
    """Takes the blanks off both ends of each line."""
    return re.sub(rb"(\r?\n)[ \t]+", rb"\1", head)


# What a field says


@reads_heads(
    "framing/length-is-digits-only", "limits/length-is-judged-before-it-is-read", like="http.client: int(length)"
)
def gives_the_length_to_int(head: bytes) -> bytes:
    """Takes for a length whatever int() takes for a number, and is not ready for what it raises."""

    def plain(found: re.Match[bytes]) -> bytes:
        return found[1] + b"%d" % int(found[2].decode("latin-1"))

    return re.sub(rb"(?i)(\ncontent-length:)([^\r\n]*)", plain, head)


@reads_heads("framing/length-has-a-bound")
def wraps_lengths_at_64_bits(head: bytes) -> bytes:
    """Keeps the last 64 bits of a length."""

    def wrapped(found: re.Match[bytes]) -> bytes:
        return found[1] + b"%d" % (int(found[2][-4000:]) % 2**64)

    return re.sub(rb"(?i)(\ncontent-length: *)([0-9]+)", wrapped, head)


@reads_heads("framing/leading-zeros-in-a-length", like="strtol with base 0")
def reads_lengths_as_octal(head: bytes) -> bytes:
    """Takes a length that begins with zero for an octal one."""
    return re.sub(rb"(?i)(\ncontent-length: *)(0[0-7]+)", lambda found: found[1] + b"%d" % int(found[2], 8), head)


@reads_heads("framing/lengths-that-differ", like="http.client")
def takes_the_first_length(head: bytes) -> bytes:
    """Takes the first of several lengths."""
    seen: list[bytes] = []

    def is_wanted(line: bytes) -> bool:
        seen.append(line.partition(b":")[0].lower())
        return seen[-1] != b"content-length" or seen.count(b"content-length") == 1

    return _lines(head, lambda lines: [line for line in lines if is_wanted(line)])


@reads_heads("transfer/beside-a-length")
def trusts_a_length_beside_chunks(head: bytes) -> bytes:
    """Reads a body by its length although it comes in chunks."""
    if not re.search(rb"(?i)\ncontent-length:", head):
        return head
    return re.sub(rb"(?i)\ntransfer-encoding:[^\n]*", b"", head)


@reads_heads("transfer/chunked-in-any-case", like="== 'chunked'")
def knows_chunked_in_lower_case_only(head: bytes) -> bytes:
    """Does not know Chunked."""
    return re.sub(rb"\nTransfer-Encoding:[ \t]*(?!chunked)[A-Za-z]+[ \t]*\r", b"\nTransfer-Encoding: x\r", head)


@reads_heads("connections/closed-by-the-answer")
def does_not_hear_close(head: bytes) -> bytes:
    """Keeps a connection that the answer said to close."""
    return re.sub(rb"(?i)(\nconnection:[^\r\n]*?)close", rb"\1x", head)


@reads_heads("locations/https")
def stays_with_http(head: bytes) -> bytes:
    """Follows a redirect to https without TLS."""
    return head.replace(b"\nLocation: https:", b"\nLocation: http:")


@reads_heads("locations/none")
def invents_a_location(head: bytes) -> bytes:
    """Takes a redirect without Location for one to the root."""
    if head[9:12] in (b"301", b"302", b"303", b"307", b"308") and b"\nLocation:" not in head:
        return head[:-2] + b"Location: /\r\n\r\n"
    return head


@reads_heads("redirects/not-followed")
def follows_whatever_has_a_location(head: bytes) -> bytes:
    """Takes any answer with a Location for a redirect."""
    return re.sub(rb"\AHTTP/1.1 (200|201|202|30[056]|399|400|503) (?=[\s\S]*\nLocation:)", b"HTTP/1.1 302 ", head)


@reads_heads("locations/nothing-is-injected")
def decodes_locations(head: bytes) -> bytes:
    """Decodes the escapes of a Location."""
    return re.sub(rb"(\nLocation: )([^\r\n]*)", lambda found: found[1] + unquote_to_bytes(found[2]), head)


@reads_heads("locations/bad", like="requests' requote_uri")
def repairs_locations(head: bytes) -> bytes:
    """Encodes a percent sign in a Location that begins no escape."""
    return re.sub(rb"(?<=\nLocation: )[^\r\n]*", lambda found: re.sub(rb"%(?![0-9A-F]{2})", b"%25", found[0]), head)


@creature("redirects/followed", "redirects/large-body-again", "redirects/loop", "redirects/history")
class HidesLocation(Answer):
    """Drops Location, so that nobody can follow."""

    @property
    def headers(self) -> Headers:
        """Without it."""
        return Headers([pair for pair in self.inner.headers.multi_items() if pair[0].lower() != "location"])
