"""Faults in what is sent."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from fluxhttp import URL, Request
from fluxhttp_conformance.zoo.creature import creature, writes
from fluxhttp_conformance.zoo.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def rebuilt(request: Request, **changes: Any) -> Request:
    """The same request with another method, URL, body, or other headers."""
    pairs = changes.pop("headers", None)
    kept = request.headers.multi_items() if pairs is None else pairs
    url = changes.pop("url", request.url)
    body = changes.pop("body", request.body)
    if body is not request.body or "method" in changes:
        kept = [pair for pair in kept if pair[0].lower() != "content-length"]
    if not any(name.lower() == "user-agent" for name, _ in kept):
        kept = [*kept, ("User-Agent", "")]
    return Request.build(changes.pop("method", request.method), url, headers=kept, body=body)


def _target(message: bytes, pattern: bytes, replacement: bytes | Callable[[re.Match[bytes]], bytes]) -> bytes:
    """The message with a change in its request-target."""
    method, target, rest = message.split(b" ", 2)
    return b" ".join([method, re.sub(pattern, replacement, target), rest])


def _edited(message: bytes, pattern: bytes, replacement: Any) -> bytes:
    """The message with a change in its head."""
    head, empty, body = message.partition(b"\r\n\r\n")
    return re.sub(pattern, replacement, head + b"\r\n") + empty[2:] + body


# The request line


@writes("requests/request-line", "requests/bytes-as-built")
def says_http_1_0(message: bytes) -> bytes:
    """Sends HTTP/1.0 as its version."""
    return message.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)


@creature("requests/methods", "exchanges/methods")
class SendsPatchAsPost(Wrapper):
    """Sends PATCH as POST."""

    def prepare(self, request: Request) -> Request:
        """A POST instead."""
        return rebuilt(request, method="POST") if request.method == "PATCH" else request


@writes("locations/resolved", "proxies/absolute-form", "requests/bytes-as-built", like="urllib3")
def spells_escapes_in_capitals(message: bytes) -> bytes:
    """Writes percent escapes with capital digits."""
    return _target(message, rb"%[0-9a-f]{2}", lambda found: found[0].upper())


@writes("requests/bytes-as-built", like="urllib3")
def removes_dot_segments(message: bytes) -> bytes:
    """Takes dot segments out of a path that is sent."""
    return _target(message, rb"/[^/?]+/\.\./|/\./", b"/")


@writes("targets/path-and-query", "requests/bytes-as-built")
def sorts_the_query(message: bytes) -> bytes:
    """Sorts the parameters of a query."""
    line, end, rest = message.partition(b" HTTP/1.1\r\n")
    path, mark, query = line.partition(b"?")
    return path + mark + b"&".join(sorted(query.split(b"&"))) + end + rest


@writes("exchanges/queries", "requests/bytes-as-built", like="dict(parse_qsl(query))")
def sends_the_last_of_a_key(message: bytes) -> bytes:
    """Sends only the last of a query's parameters of one name."""
    line, end, rest = message.partition(b" HTTP/1.1\r\n")
    path, mark, query = line.partition(b"?")
    last = {part.partition(b"=")[0]: part for part in query.split(b"&")}
    return path + mark + b"&".join(last.values()) + end + rest


@writes("exchanges/repeated-fields-sent", "requests/bytes-as-built", like="dict(headers)")
def sends_the_last_line_of_a_name(message: bytes) -> bytes:
    """Sends only the last line of each name."""
    head, end, body = message.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    last = {line.partition(b":")[0].lower(): line for line in lines}
    return b"\r\n".join([first, *last.values()]) + end + body


@writes("targets/path-and-query")
def lowers_paths(message: bytes) -> bytes:
    """Lower-cases the path."""
    return _target(message, rb"\A/[^?]*", lambda found: found[0].lower())


@writes("targets/empty-path", "targets/no-fragment", like="urlsplit().geturl()")
def drops_an_empty_query(message: bytes) -> bytes:
    """Drops a question mark with nothing behind it."""
    return _target(message, rb"\?\Z", b"")


# Fields


@writes("sent-fields/empty-values", like="if value:")
def drops_empty_fields(message: bytes) -> bytes:
    """Does not send a field without a value."""
    return _edited(message, rb"(?<=\r\n)[^:\r\n]+: *\r\n", b"")


@writes("sent-fields/host", "requests/bytes-as-built", "families/random-requests")
def sends_host_twice(message: bytes) -> bytes:
    """Adds a Host of its own."""
    return _edited(message, rb"\r\n", b"\r\nHost: origin.invalid\r\n") if b"\r\n" in message else message


@writes("hosts/ipv6", "sent-fields/host", like="bpo-5111 of CPython")
def sends_ipv6_without_brackets(message: bytes) -> bytes:
    """Sends an IPv6 address in Host as it is dialled."""
    return _edited(message, rb"(\r\nHost: )\[([^\]]*)\]", rb"\1\2")


@writes("requests/bytes-as-built", "pickling/request", "requests/twice-the-same", "exchanges/fields-sent")
def adds_an_accept_field(message: bytes) -> bytes:
    """Adds a field to each request."""
    return _edited(message, rb"\r\n\Z", b"\r\nAccept: */*\r\n")


@writes("requests/bytes-as-built", "proxies/forwarded-as-built", like="http.client")
def sends_fields_as_latin_1(message: bytes) -> bytes:
    """Sends text of fields as latin-1 where that can be done."""
    head, empty, body = message.partition(b"\r\n\r\n")
    return head.decode("utf-8").encode("latin-1", "xmlcharrefreplace") + empty + body


@creature("sent-fields/connection-close", "requests/bytes-as-built")
class DropsConnectionClose(Wrapper):
    """Does not send the caller's Connection: close."""

    def prepare(self, request: Request) -> Request:
        """Without it."""
        if not request.closes:
            return request
        pairs = request.headers.multi_items()
        return rebuilt(request, headers=[pair for pair in pairs if pair[0].lower() != "connection"])


@creature("credentials/sent-as-given")
class SpellsSchemesInCapitals(Wrapper):
    """Capitalises the scheme of Authorization."""

    def prepare(self, request: Request) -> Request:
        """As most write it."""
        pairs = request.headers.multi_items()
        changed = [(name, value.title() if name == "Authorization" else value) for name, value in pairs]
        return request if changed == list(pairs) else rebuilt(request, headers=changed)


@creature("concurrency/nothing-shared", "credentials/sent-as-given", "credentials/dropped-for-another-origin")
class RemembersCredentials(Wrapper):
    """Sends the credentials of the call before to the same origin."""

    _known: str | None = None

    def prepare(self, request: Request) -> Request:
        """With the last known ones."""
        self._known = request.headers.get("Authorization") or self._known
        if self._known is None or "Authorization" in request.headers:
            return request
        return rebuilt(request, headers=[*request.headers.multi_items(), ("Authorization", self._known)])


@creature("sent-fields/cookies-as-given", like="http.cookies.SimpleCookie")
class KeepsACookieJar(Wrapper):
    """Parses the caller's Cookie, and sends what is left of it."""

    def prepare(self, request: Request) -> Request:
        """With the cookies that were understood."""
        given = request.headers.get("Cookie")
        if given is None:
            return request
        jar = SimpleCookie(given)
        text = "; ".join(f"{name}={cookie.value}" for name, cookie in jar.items())
        pairs = request.headers.multi_items()
        return rebuilt(request, headers=[(name, text if name == "Cookie" else value) for name, value in pairs])


@creature("locations/query-and-fragment", like="requests.Session.params")
class RemembersTheQuery(Wrapper):
    """Sends the last query where a URL has none."""

    _query: str | None = None

    def prepare(self, request: Request) -> Request:
        """With the last known one."""
        url = request.url
        self._query = url.query or self._query
        if url.query is not None or self._query is None:
            return request
        return rebuilt(request, url=URL.parse(f"{url}?{self._query}"))


# Bodies


@creature("bodies/any-bytes", "requests/bytes-as-built", "proxies/forwarded-as-built", "exchanges/bodies")
class SendsBodiesAsText(Wrapper):
    """Takes a body for text in UTF-8."""

    def prepare(self, request: Request) -> Request:
        """What is no UTF-8 is replaced."""
        text = request.body.decode("utf-8", "replace").encode()
        return request if text == request.body else rebuilt(request, body=text)


@creature("bodies/sizes", "redirects/large-body-again", "tls/used-again", "exchanges/large-bodies")
class SendsSixtyFourKilobytes(Wrapper):
    """Sends the first 65,535 bytes of a body."""

    def prepare(self, request: Request) -> Request:
        """What goes into the buffer."""
        return rebuilt(request, body=request.body[:65_535]) if len(request.body) > 65_535 else request


@writes("bodies/known-length", "exchanges/forms-and-json", "exchanges/one-after-the-other")
def sends_chunks(message: bytes) -> bytes:
    """Sends every body in chunks."""
    head, empty, body = message.partition(b"\r\n\r\n")
    if not body:
        return message
    head = re.sub(rb"\r\nContent-Length: \d+", b"\r\nTransfer-Encoding: chunked", head)
    return head + empty + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@writes("requests/one-framing-field", "bodies/known-length")
def sends_two_framing_fields(message: bytes) -> bytes:
    """Sends Transfer-Encoding beside Content-Length."""
    return message.replace(b"\r\nContent-Length:", b"\r\nTransfer-Encoding: chunked\r\nContent-Length:", 1)


@writes("requests/one-framing-field", "bodies/kinds-of-bytes")
def sends_the_length_twice(message: bytes) -> bytes:
    """Sends Content-Length twice."""
    return re.sub(rb"(\r\nContent-Length: \d+)", rb"\1\1", message, count=1)


@writes("requests/bytes-as-built", "locations/nothing-is-injected")
def sends_a_length_with_get(message: bytes) -> bytes:
    """Sends Content-Length: 0 with a GET that has no body."""
    return re.sub(rb"\A(GET [^\r]*\r\n)(?![\s\S]*\r\nContent-Length:)", rb"\1Content-Length: 0\r\n", message)


@writes("bodies/kinds-of-bytes", like="if body:")
def sends_no_length_for_an_empty_body(message: bytes) -> bytes:
    """Sends an empty POST without Content-Length."""
    return message.replace(b"\r\nContent-Length: 0\r\n", b"\r\n", 1)


@creature("requests/twice-the-same", "redirects/large-body-again", like="requests with a generator as body")
class UsesABodyUp(Wrapper):
    """Sends a body that was sent before as an empty one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sent: list[bytes] = []

    def prepare(self, request: Request) -> Request:
        """Only the first time."""
        if not request.body:
            return request
        if any(body is request.body for body in self._sent):
            return rebuilt(request, body=b"")
        self._sent.append(request.body)
        return request
