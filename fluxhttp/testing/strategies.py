"""Hypothesis strategies: requests that can be sent, and answers that can be received.

::

    from hypothesis import given
    from fluxhttp.testing import strategies as http

    @given(http.answers())
    def test_the_report_survives_any_answer(answer):
        with FakeTransport() as fake:
            fake.get("http://api.test/").play(answer.script)
            assert make_report(Client(fake)).status == answer.status_code

What is generated is valid, at the edges too: who wants it broken cuts or
changes ``Answer.raw``. The module needs the extra ``hypothesis``.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, NamedTuple

from fluxhttp._core.request import METHODS, Request
from fluxhttp._core.value import Value, set_field
from fluxhttp.testing.script import Script

try:
    from hypothesis import strategies as st
except ImportError as _error:
    raise ImportError(
        "fluxhttp.testing.strategies needs the extra hypothesis: pip install 'fluxhttp[hypothesis]'", name=_error.name
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, TypeAlias

    from hypothesis.strategies import DrawFn, SearchStrategy

    Framing: TypeAlias = Literal["none", "length", "chunked", "close"]
    Pairs: TypeAlias = list[tuple[str, str]]

__all__ = ["Answer", "answers", "arguments", "headers", "params", "pieces", "requests", "urls"]

# tchar                                                         (RFC 9110, 5.6.2)
_TOKEN = st.text(st.sampled_from("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters), min_size=1, max_size=16)
#: Control characters that no field value may hold: all but TAB (RFC 9110, 5.5).
_CONTROLS = "".join(chr(code) for code in (*range(9), *range(10, 32), 127))
_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
#: What a field of an answer may hold: latin-1, obs-text included.
_OCTETS = st.text(st.characters(codec="latin-1", exclude_characters=_CONTROLS), max_size=24)
_BLANKS = st.text(st.sampled_from(" \t"), max_size=2)

# Requests

#: The caller cannot set these, or not to any value (decision D5).
_NOT_FREE = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SENT_NAMES = st.one_of(
    st.sampled_from(
        ("Accept", "accept-encoding", "Authorization", "Content-Type", "Cookie", "Range", "User-Agent", "X-A", "x-a")
    ),
    _TOKEN.filter(lambda name: name.lower() not in _NOT_FREE),
)
_SENT_VALUES = st.text(st.characters(codec="utf-8", exclude_characters=_CONTROLS), max_size=24)


def params() -> SearchStrategy[dict[str, str | list[str]]]:
    """Query parameters: any text as key, one text or several as value, several of none too."""
    return st.dictionaries(_TEXT, st.one_of(_TEXT, st.lists(_TEXT, max_size=3)), max_size=4)


def headers() -> SearchStrategy[Pairs]:
    """Fields that a caller may give, as pairs: names repeated in any case, blanks around values, any alphabet."""
    return st.lists(st.tuples(_SENT_NAMES, _SENT_VALUES), max_size=6).map(_with_one_agent)


def _with_one_agent(pairs: Pairs) -> Pairs:
    """Without every User-Agent but the first: there is only one place for it (decision D16)."""
    kept: Pairs = []
    for name, value in pairs:
        if name.lower() != "user-agent" or all(other.lower() != "user-agent" for other, _ in kept):
            kept.append((name, value))
    return kept


_URL_CONTROLS = _CONTROLS + "\t"
_ESCAPE = st.integers(0, 255).flatmap(lambda byte: st.sampled_from((f"%{byte:02x}", f"%{byte:02X}")))
# pchar beside the escapes, and what is escaped when it stands there (RFC 3986, 3.3)
_PATH_PIECE = st.one_of(
    _ESCAPE, st.text(st.characters(codec="utf-8", exclude_characters=_URL_CONTROLS + "?#%"), min_size=1, max_size=6)
)
_QUERY = st.text(st.characters(codec="utf-8", exclude_characters=_URL_CONTROLS + "#"), max_size=12)
_USERINFO_PIECE = st.one_of(
    _ESCAPE, st.text(st.sampled_from("-._~!$&'()*+,;=:@" + string.digits + string.ascii_letters), max_size=4)
)
_LABEL = st.text(st.sampled_from("-_" + string.digits + string.ascii_letters), min_size=1, max_size=10)
# The last label is no number, as that would be an address (decision D7).
_NAME = st.tuples(
    st.lists(_LABEL, max_size=3).map(lambda labels: "".join([f"{label}." for label in labels])),
    st.sampled_from(("test", "EXAMPLE", "a-1", "_x", "x9")),
    st.sampled_from(("", "", ".")),
).map("".join)
_HOST = st.one_of(
    _NAME,
    st.sampled_from(("bücher.test", "BÜCHER。test", "faß.test", "例え.テスト", "xn--bcher-kva.test")),
    st.ip_addresses(v=4).map(str),
    st.tuples(st.ip_addresses(v=6), st.sampled_from(("", "", "%25eth0"))).map(lambda parts: f"[{parts[0]}{parts[1]}]"),
)
_PORT = st.one_of(st.sampled_from(("", "", ":", ":80", ":443")), st.integers(1, 65535).map(lambda port: f":{port}"))


def urls() -> SearchStrategy[str]:
    """URLs that can be requested, as text: names, addresses, userinfo, what must be escaped, dots, a fragment."""
    scheme = st.sampled_from(("http://", "https://", "HTTP://", "Https://"))
    userinfo = _maybe(st.lists(_USERINFO_PIECE, max_size=3).map(lambda found: "".join(found) + "@"))
    path = _maybe(st.lists(st.one_of(_PATH_PIECE, st.just("/")), max_size=5).map(lambda found: "/" + "".join(found)))
    query = _maybe(_QUERY.map(lambda text: f"?{text}"))
    fragment = _maybe(_QUERY.map(lambda text: f"#{text}"))
    origin = st.tuples(scheme, userinfo, _HOST, _PORT).map("".join)
    return st.tuples(origin, path, query, fragment).map("".join)


def _maybe(strategy: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.one_of(st.just(""), strategy)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _TEXT),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(_TEXT, values, max_size=3)),
    max_leaves=6,
)


@st.composite
def _arguments(draw: DrawFn) -> dict[str, Any]:
    given: dict[str, Any] = {"method": draw(st.sampled_from(sorted(METHODS))), "url": draw(urls())}
    if draw(st.booleans()):
        given["params"] = draw(params())
    if draw(st.booleans()):
        given["headers"] = draw(headers())
    content = draw(st.sampled_from((None, "body", "json", "form")))
    if content == "body":
        body = draw(st.binary(max_size=64))
        given["body"] = draw(st.sampled_from((body, bytearray(body))))
    elif content == "json":
        given["json"] = draw(_JSON)
    elif content == "form":
        given["form"] = draw(params())
    return given


def arguments() -> SearchStrategy[dict[str, Any]]:
    """Arguments that ``Request.build`` takes, by name: method and url, and some of the others."""
    return _arguments()


def requests() -> SearchStrategy[Request]:
    """Requests as they go out: ``Request.build`` of ``arguments()``."""
    return arguments().map(lambda given: Request.build(**given))


# Answers

#: Fields that decide how the body is read or what is made of it, so that none may be there by chance.
_DECIDING = frozenset({"connection", "content-encoding", "content-length", "location", "trailer", "transfer-encoding"})
_STATUSES = st.one_of(
    st.sampled_from((200, 201, 204, 206, 301, 304, 307, 400, 404, 429, 500, 503)), st.integers(200, 999)
)
_LINE_END = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n"))


class Answer(Value):
    """One answer to one request, with the interim ones before it.

    Attributes:
        raw: every byte of it.
        status_code: of the final answer.
        reason: its reason phrase, latin-1.
        http_version: "HTTP/1.1" or "HTTP/1.0".
        headers: its fields as they are to be read: latin-1, in order, blanks
            taken off, folded lines joined with one space.
        body: without its framing.
        framing: what ends the body: its length, its last chunk, the end ("close")
            of the connection; "none" where the method or status has no body.
        is_reusable: whether the connection may carry another request after it.
    """

    __slots__ = ("body", "framing", "headers", "http_version", "is_reusable", "raw", "reason", "status_code")
    _fields = ("raw", "status_code", "reason", "http_version", "headers", "body", "framing", "is_reusable")

    raw: bytes
    status_code: int
    reason: str
    http_version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    framing: Framing
    is_reusable: bool

    def __init__(
        self,
        raw: bytes,
        status_code: int,
        *,
        reason: str = "",
        http_version: str = "HTTP/1.1",
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        framing: Framing = "length",
        is_reusable: bool = True,
    ) -> None:
        set_field(self, "raw", raw)
        set_field(self, "status_code", status_code)
        set_field(self, "reason", reason)
        set_field(self, "http_version", http_version)
        set_field(self, "headers", tuple(headers))
        set_field(self, "body", body)
        set_field(self, "framing", framing)
        set_field(self, "is_reusable", is_reusable)

    @property
    def script(self) -> Script:
        """A peer that gives this answer, and closes where its end is the connection's."""
        script = Script().send(self.raw)
        return script.close() if self.framing == "close" else script


class _Line(NamedTuple):
    """A field line: what it means, and its bytes."""

    name: str
    value: str
    raw: bytes


@st.composite
def _line(draw: DrawFn, names: SearchStrategy[str], values: SearchStrategy[str]) -> _Line:
    """A field line, with blanks around the value and perhaps folded (RFC 9112, 5 and 5.2)."""
    name = draw(names)
    texts = [draw(_BLANKS) + draw(values) + draw(_BLANKS)]
    if draw(st.integers(0, 7)) == 7:
        texts += draw(st.lists(_OCTETS, min_size=1, max_size=2))
    value = _stripped(texts[0])
    raw = f"{name}:{texts[0]}".encode("latin-1")
    for text in texts[1:]:
        value = _stripped(f"{value} {_stripped(text)}")
        raw += draw(_LINE_END) + draw(st.sampled_from((b" ", b"\t"))) + text.encode("latin-1")
    return _Line(name, value, raw + draw(_LINE_END))


def _stripped(text: str) -> str:
    return text.strip(" \t")


_FREE_LINE = _line(
    st.one_of(
        st.sampled_from(("Content-Type", "Set-Cookie", "set-cookie", "Server", "X-A", "x-a")),
        _TOKEN.filter(lambda name: name.lower() not in _DECIDING),
    ),
    _OCTETS,
)


def _plain_line(name: str, value: str) -> _Line:
    return _Line(name, value, f"{name}: {value}\r\n".encode("latin-1"))


@st.composite
def _interim(draw: DrawFn) -> bytes:
    """An interim answer, but for 101, which nobody asked for (RFC 9110, 15.2)."""
    code = draw(st.one_of(st.sampled_from((100, 102, 103)), st.integers(102, 199)))
    lines = draw(st.lists(_FREE_LINE, max_size=2))
    return f"HTTP/1.1 {code} Interim\r\n".encode() + b"".join(line.raw for line in lines) + draw(_LINE_END)


@st.composite
def _chunked(draw: DrawFn, body: bytes) -> bytes:
    """A body in chunks: any sizes, any spelling of them, extensions, trailers (RFC 9112, 7.1)."""
    out = bytearray()
    for chunk in (*draw(pieces(body)), b""):
        size = f"{len(chunk):x}".rjust(draw(st.integers(1, 16)), "0")
        size = size.upper() if draw(st.booleans()) else size
        out += f"{size}{draw(_EXTENSION)}\r\n".encode("latin-1")
        out += chunk + b"\r\n" if chunk else b""
    for line in draw(st.lists(_FREE_LINE, max_size=2)):
        out += line.raw
    return bytes(out) + b"\r\n"


# chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )      (RFC 9112, 7.1.1)
_EXTENSION = st.one_of(
    st.sampled_from(("", "", " ", "\t ", ";a", ' ; a = "b;\\"c"', ";a=1;b=2")),
    st.tuples(_TOKEN, _TOKEN).map(lambda pair: f";{pair[0]}={pair[1]}"),
)


@st.composite
def _framed(draw: DrawFn, http_version: str, body: bytes) -> tuple[Framing, list[_Line], bytes]:
    """A framing, its fields, and the body in it (RFC 9112, 6)."""
    allowed: tuple[Framing, ...] = ("length", "close") if http_version == "HTTP/1.0" else ("length", "chunked", "close")
    framing = draw(st.sampled_from(allowed))
    length = _line(
        st.sampled_from(("Content-Length", "content-LENGTH")),
        st.just(str(len(body)).rjust(draw(st.integers(1, 19)), "0")),
    ).filter(lambda line: b"\n " not in line.raw and b"\n\t" not in line.raw)
    if framing == "length":
        return framing, draw(st.lists(length, min_size=1, max_size=2)), body
    if framing == "close":
        return framing, [], body
    lines = [_plain_line("Transfer-Encoding", draw(st.sampled_from(("chunked", "CHUNKED", "Chunked"))))]
    if draw(st.booleans()):
        lines.append(_plain_line("Trailer", "X-A"))
    if draw(st.integers(0, 3)) == 3:
        # To be ignored, but no reason to trust the connection (decision D10).
        lines.append(draw(length))
    return framing, lines, draw(_chunked(body))


@st.composite
def _answer(draw: DrawFn, method: str, max_body_bytes: int) -> Answer:
    version = draw(st.sampled_from(("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0")))
    status_code = draw(_STATUSES)
    reason = draw(_OCTETS)
    framing, deciding, content = draw(_framed(version, body := draw(st.binary(max_size=max_body_bytes))))
    names = [line.name.lower() for line in deciding]
    options = draw(st.sampled_from((None, None, "close", "keep-alive", "Keep-Alive", "x, Close", "keep-alive, x")))
    if options is not None:
        deciding.append(_plain_line("Connection", options))
    given = (options or "").lower()
    is_reusable = "close" not in given and (version == "HTTP/1.1" or "keep-alive" in given)
    if method == "HEAD" or status_code in (204, 304):
        framing, body, content = "none", b"", b""
    elif framing == "close" or (framing == "chunked" and "content-length" in names):
        is_reusable = False
    lines = draw(st.permutations([*deciding, *draw(st.lists(_FREE_LINE, max_size=4))]))
    space = " " if reason or draw(st.booleans()) else ""
    head = f"{version} {status_code}{space}{reason}".encode("latin-1") + draw(_LINE_END)
    head += b"".join(line.raw for line in lines) + draw(_LINE_END)
    return Answer(
        b"".join(draw(st.lists(_interim(), max_size=2))) + head + content,
        status_code,
        reason=reason,
        http_version=version,
        headers=[(line.name, line.value) for line in lines],
        body=body,
        framing=framing,
        is_reusable=is_reusable,
    )


def answers(*, method: str = "GET", max_body_bytes: int = 300) -> SearchStrategy[Answer]:
    """Answers as an origin may send them, with what they mean.

    Every framing is among them, with chunks of any size, extensions and
    trailers, lines that end in LF alone or are folded, repeated fields, interim
    answers. There is no Content-Encoding and no Location, so what is meant is
    also what a client returns.

    Args:
        method: of the request that is answered; HEAD has no body.
        max_body_bytes: the largest body.
    """
    return _answer(method, max_body_bytes)


@st.composite
def _pieces(draw: DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=6))) if len(data) > 1 else []
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if start < end]


def pieces(data: bytes) -> SearchStrategy[list[bytes]]:
    """The bytes cut at any places, as a network may deliver them; no piece is empty."""
    return _pieces(data)
