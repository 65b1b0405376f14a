"""Exchange: one call from its first request to its response, driven by answers made by hand."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.config import Config, Limits
from fluxhttp._core.deadline import Deadline
from fluxhttp._core.exchange import REDIRECT_BODY_BYTES, Exchange
from fluxhttp._core.headers import Headers
from fluxhttp._core.request import METHODS, Request
from fluxhttp.errors import (
    BodyTooLargeError,
    DecodingError,
    IncompleteBodyError,
    InvalidRedirectError,
    ProtocolError,
    RequestTimeoutError,
    ResponseError,
    TooManyRedirectsError,
    TransportError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxhttp._core.response import Response

PIECE_BYTES = 131_072


class Answer:
    """What a transport hands over. It reads like a good one: at most what it is asked for."""

    def __init__(
        self,
        status_code: int = 200,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        piece: int = 2**30,
        reason: str = "",
        http_version: str = "HTTP/1.1",
    ) -> None:
        self.status_code = status_code
        self.headers = Headers.trusted(headers)
        self.reason = reason
        self.http_version = http_version
        self.asked: list[int] = []
        self.taken = 0
        self._body = body
        self._piece = piece

    def read(self, size: int, /) -> bytes:
        assert size > 0
        self.asked.append(size)
        data = self._body[self.taken : self.taken + min(size, self._piece)]
        self.taken += len(data)
        return data

    def close(self) -> None:
        pass


class Careless(Answer):
    """Gives the body in pieces as it pleases, whatever it is asked for."""

    def __init__(self, headers: Sequence[tuple[str, str]], pieces: Sequence[bytes], status_code: int = 200) -> None:
        super().__init__(status_code, headers)
        self._pieces = list(pieces)

    def read(self, size: int, /) -> bytes:
        assert size > 0
        self.asked.append(size)
        return self._pieces.pop(0) if self._pieces else b""


def run(
    *answers: Answer,
    config: Config | None = None,
    method: str = "GET",
    url: str = "http://a.test/",
    **arguments: object,
) -> Exchange:
    """Drives an exchange through the answers, as the loop of a client does."""
    request = Request.build(method, url, **arguments)  # type: ignore[arg-type]
    exchange = Exchange(request, config or Config())
    for answer in answers:
        assert exchange.response is None
        size = exchange.receive_head(answer)
        while size:
            size = exchange.receive_data(answer.read(size))
    return exchange


def answered(*answers: Answer, config: Config | None = None, **arguments: object) -> Response:
    response = run(*answers, config=config, **arguments).response
    assert response is not None
    return response


def limited(body: int | None, overflow: str = "error") -> Config:
    return Config(limits=Limits(body=body, overflow=overflow))  # type: ignore[arg-type]


def length(number: int) -> tuple[str, str]:
    return "Content-Length", str(number)


GZIP = ("Content-Encoding", "gzip")


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


# The answer


def test_a_response_has_what_came_in() -> None:
    headers = [("X-B", "1"), ("x-a", "\xe9"), ("X-B", "2"), length(4)]
    answer = Answer(404, headers, b"body", reason="Not Found", http_version="HTTP/1.0")

    exchange = run(answer, url="http://u:p@a.test/p")

    response = exchange.response
    assert response is not None
    assert (response.status_code, response.body, response.reason) == (404, b"body", "Not Found")
    assert response.headers.multi_items() == tuple(headers)
    assert response.http_version == "HTTP/1.0"
    assert response.request == exchange.request == exchange.answered
    assert response.url == exchange.request.url
    assert (response.history, response.truncated) == ((), False)
    assert exchange.received == 4


@pytest.mark.parametrize("piece", [1, 3, 2**30])
@pytest.mark.parametrize("headers", [[], [length(9)]])
def test_a_body_may_come_in_pieces(headers: list[tuple[str, str]], piece: int) -> None:
    assert answered(Answer(200, headers, b"some body", piece=piece)).body == b"some body"


def test_a_body_of_declared_length_is_asked_for_at_once_and_not_beyond() -> None:
    answer = Answer(200, [length(1_000_000)], bytes(1_000_000), piece=400_000)

    assert len(answered(answer).body) == 1_000_000
    assert answer.asked == [1_000_000, 600_000, 200_000]


def test_a_body_in_one_piece_is_not_copied() -> None:
    body = bytes(1000)

    assert answered(Careless([length(1000)], [body])).body is body


def test_an_undeclared_body_is_asked_for_in_pieces_until_it_ends() -> None:
    answer = Answer(200, [], bytes(PIECE_BYTES + 5))

    assert len(answered(answer).body) == PIECE_BYTES + 5
    assert answer.asked == [PIECE_BYTES] * 3


def test_an_empty_body_is_not_asked_for() -> None:
    answer = Answer(200, [length(0)])

    assert answered(answer).body == b""
    assert answer.asked == []


@pytest.mark.parametrize(
    ("method", "status_code"), [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("GET", 304), ("POST", 204), ("HEAD", 302)]
)
@pytest.mark.parametrize("extra", [[], [GZIP], [("Transfer-Encoding", "chunked")]])
def test_an_answer_without_a_body_is_not_read_and_never_too_large(
    method: str, status_code: int, extra: list[tuple[str, str]]
) -> None:
    headers = [length(10**18), *extra]
    answer = Answer(status_code, headers, b"x")

    response = answered(answer, config=limited(0), method=method)

    assert (response.status_code, response.body, response.truncated) == (status_code, b"", False)
    assert response.headers.multi_items() == tuple(headers)
    assert answer.asked == []


@pytest.mark.parametrize("status_code", [200, 205, 206, 300, 303, 400, 500, 999])
def test_any_other_status_may_have_a_body(status_code: int) -> None:
    assert answered(Answer(status_code, [length(1)], b"x")).body == b"x"


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "")],
        [("Content-Length", "+4")],
        [("Content-Length", "4, 4")],
        [("Content-Length", "\xb2")],
        [("Content-Length", "9" * 20)],
        [("Content-Length", "1" * 2**20)],
        [("Content-Length", "2"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked")],
    ],
    ids=lambda headers: headers[0][1][:10],
)
def test_a_length_that_is_none_is_the_transports_to_judge(headers: list[tuple[str, str]]) -> None:
    assert answered(Answer(200, headers, b"body")).body == b"body"


# Transports that do not keep to the length they declare


@pytest.mark.parametrize(("pieces", "received"), [([], 0), ([b"ab"], 2), ([b"ab", b"c"], 3)])
@pytest.mark.parametrize("coding", [[], [GZIP]])
def test_a_body_shorter_than_declared_is_incomplete(
    coding: list[tuple[str, str]], pieces: list[bytes], received: int
) -> None:
    coded = gzipped(b"x")
    given = pieces if not coding else [coded[: len(piece)] for piece in pieces]

    with pytest.raises(IncompleteBodyError, match=rf"^the body ended after {received} of 9 bytes$") as caught:
        run(Careless([length(9), *coding], given))

    assert (caught.value.received, caught.value.expected, caught.value.phase) == (received, 9, "body")


def test_a_whole_coded_body_shorter_than_declared_is_incomplete() -> None:
    coded = gzipped(b"x")

    with pytest.raises(IncompleteBodyError):
        run(Careless([length(len(coded) + 1), GZIP], [coded]))


@pytest.mark.parametrize("pieces", [[b"abcdef"], [b"abc", b"def"], [b"abcd", b"ef"]])
def test_a_body_longer_than_declared_is_malformed(pieces: list[bytes]) -> None:
    with pytest.raises(ProtocolError, match=r"^the body goes on after the 5 bytes declared$") as caught:
        run(Careless([length(5)], pieces))

    assert caught.value.phase == "body"


def test_a_coded_body_longer_than_declared_is_malformed() -> None:
    coded = gzipped(b"x")

    with pytest.raises(ProtocolError, match="goes on after"):
        run(Careless([length(len(coded) - 1), GZIP], [coded]))


def test_more_than_was_asked_for_is_cut_at_the_limit() -> None:
    for pieces in ([b"abcd"], [b"a", b"bcd"]):
        response = answered(Careless([length(5)], pieces), config=limited(3, "truncate"))

        assert (response.body, response.truncated) == (b"abc", True)


def test_bytes_of_another_type_become_bytes() -> None:
    for headers in ([length(3)], []):
        response = answered(Careless(headers, [bytearray(b"abc")]))

        assert type(response.body) is bytes
        assert response.body == b"abc"


def test_a_redirect_is_not_held_to_its_length() -> None:
    hop = Careless([("Location", "/n"), length(5)], [b"ab"], 302)
    surplus = Careless([("Location", "/m"), length(1)], [bytes(REDIRECT_BODY_BYTES + 7)], 302)

    assert answered(hop, surplus, Answer()).url.path == "/m"  # type: ignore[union-attr]


# Limits: declared, undeclared, decoded


BODY = b"0123456789"
KINDS = {
    "declared": lambda body: Answer(200, [length(len(body))], body),
    "undeclared": lambda body: Answer(200, [], body),
    "decoded": lambda body: Answer(200, [GZIP, length(len(gzipped(body)))], gzipped(body)),
    "decoded, undeclared": lambda body: Answer(200, [GZIP], gzipped(body), piece=1),
    "declared, unknown coding": lambda body: Answer(200, [("Content-Encoding", "br"), length(len(body))], body),
}


@pytest.mark.parametrize("overflow", ["error", "truncate"])
@pytest.mark.parametrize("limit", [len(BODY), len(BODY) + 1, 10**9, None])
@pytest.mark.parametrize("kind", KINDS)
def test_a_body_up_to_the_limit_is_whole(kind: str, limit: int | None, overflow: str) -> None:
    response = answered(KINDS[kind](BODY), config=limited(limit, overflow))

    assert (response.body, response.truncated) == (BODY, False)


@pytest.mark.parametrize("limit", [len(BODY) - 1, 1, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_body_over_the_limit_is_refused(kind: str, limit: int) -> None:
    with pytest.raises(BodyTooLargeError, match=rf"^the body .*, but limits\.body allows {limit}$") as caught:
        run(KINDS[kind](BODY), config=limited(limit))

    assert (caught.value.limit, caught.value.allowed) == ("body", limit)


@pytest.mark.parametrize("limit", [len(BODY) - 1, 1, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_body_over_the_limit_is_cut_if_so_wished(kind: str, limit: int) -> None:
    response = answered(KINDS[kind](BODY), config=limited(limit, "truncate"))

    assert (response.body, response.truncated) == (BODY[:limit], True)


@pytest.mark.parametrize("overflow", ["error", "truncate"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_body_is_within_any_limit(kind: str, overflow: str) -> None:
    response = answered(KINDS[kind](b""), config=limited(0, overflow))

    assert (response.body, response.truncated) == (b"", False)


def test_a_declared_length_over_the_limit_is_refused_before_reading() -> None:
    answer = Answer(200, [length(10**15)], b"x")

    with pytest.raises(BodyTooLargeError, match=r"^the body has 1000000000000000 bytes, but limits\.body allows 5$"):
        run(answer, config=limited(5))

    assert answer.asked == []


def test_no_more_is_read_than_tells_whether_the_limit_is_passed() -> None:
    undeclared, declared, none = (
        Answer(200, [], bytes(100)),
        Answer(200, [length(100)], bytes(100)),
        Answer(200, [length(100)], bytes(100)),
    )

    run(undeclared, config=limited(7, "truncate"))
    run(declared, config=limited(7, "truncate"))
    run(none, config=limited(0, "truncate"))

    assert (undeclared.asked, undeclared.taken) == ([8], 8)
    assert (declared.asked, declared.taken) == ([7], 7)
    assert none.asked == []


def test_a_declared_length_of_a_coded_body_says_nothing_of_its_size() -> None:
    coded = gzipped(b"x")

    assert answered(Answer(200, [GZIP, length(len(coded))], coded), config=limited(1)).body == b"x"


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzipped(bytes(50_000_000))
    answer = Answer(200, [GZIP], bomb)

    with pytest.raises(BodyTooLargeError, match="the body is longer"):
        run(answer, config=limited(1_000_000))


def test_damage_beyond_the_cut_is_not_seen() -> None:
    coded = bytearray(gzipped(BODY * 1000))
    coded[-5] ^= 1

    response = answered(Answer(200, [GZIP], bytes(coded)), config=limited(9999, "truncate"))

    assert (len(response.body), response.truncated) == (9999, True)
    with pytest.raises(DecodingError, match="damaged"):
        run(Answer(200, [GZIP], bytes(coded)), config=limited(10_000, "truncate"))


@given(
    st.binary(max_size=300),
    st.one_of(st.none(), st.integers(0, 310)),
    st.sampled_from(["error", "truncate"]),
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 310),
)
def test_a_limit_means_the_same_however_the_body_comes(
    body: bytes, limit: int | None, overflow: str, kind: str, piece: int
) -> None:
    answer = KINDS[kind](body)
    answer._piece = piece

    try:
        response = answered(answer, config=limited(limit, overflow))
    except BodyTooLargeError:
        assert limit is not None
        assert len(body) > limit
        assert overflow == "error"
    else:
        assert response.body == body[:limit]
        assert response.truncated is (limit is not None and len(body) > limit)


# Codings


def test_a_coded_body_is_decoded_and_the_head_says_so_no_more() -> None:
    coded = gzipped(b"body")
    headers = [("X-A", "1"), ("content-encoding", "X-GZip"), ("CONTENT-LENGTH", str(len(coded))), ("x-a", "2")]

    exchange = run(Answer(200, headers, coded))

    assert exchange.response is not None
    assert exchange.response.body == b"body"
    assert exchange.response.headers.multi_items() == (("X-A", "1"), ("x-a", "2"))
    assert exchange.received == len(coded)


@pytest.mark.parametrize(
    ("codings", "coded"),
    [
        (["deflate"], zlib.compress(b"body")),
        (["deflate"], zlib.compress(b"body", wbits=-15)),
        (["deflate", "gzip"], gzipped(zlib.compress(b"body"))),
        (["deflate, gzip"], gzipped(zlib.compress(b"body"))),
        (["identity, gzip"], gzipped(b"body")),
    ],
)
def test_each_coding_is_undone(codings: list[str], coded: bytes) -> None:
    headers = [("Content-Encoding", coding) for coding in codings]

    assert answered(Answer(200, headers, coded, piece=1)).body == b"body"


@pytest.mark.parametrize("coding", ["br", "gzip, br", "identity", "", "zstd", "gzip;q=1"])
def test_what_is_not_understood_passes_through_whole(coding: str) -> None:
    headers = [("Content-Encoding", coding), length(4)]

    response = answered(Answer(200, headers, b"\x00\x01\x02\x03"))

    assert response.body == b"\x00\x01\x02\x03"
    assert response.headers.multi_items() == tuple(headers)


@pytest.mark.parametrize(
    "headers",
    [{"Accept-Encoding": "gzip"}, {"accept-encoding": ""}, {"Range": "bytes=0-"}],
)
def test_nothing_is_decoded_if_the_caller_had_a_say(headers: dict[str, str]) -> None:
    coded = gzipped(b"body")

    response = answered(Answer(200, [GZIP, length(len(coded))], coded), headers=headers)

    assert response.body == coded
    assert response.headers.multi_items() == (GZIP, length(len(coded)))


def test_an_empty_body_said_to_be_coded_is_empty() -> None:
    assert answered(Answer(200, [GZIP])).body == b""
    assert "content-encoding" not in answered(Answer(200, [GZIP])).headers
    assert "content-encoding" in answered(Answer(200, [GZIP, length(0)])).headers


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_coded_body_that_ends_early_is_damaged(cut: int) -> None:
    with pytest.raises(DecodingError, match="ends before its gzip coding does"):
        run(Answer(200, [GZIP], gzipped(b"body")[:cut]))


def test_a_body_that_is_not_coded_as_it_says_is_damaged() -> None:
    with pytest.raises(DecodingError, match="damaged"):
        run(Answer(200, [GZIP, length(4)], b"body"))
    with pytest.raises(DecodingError, match="goes on after the end"):
        run(Answer(200, [GZIP], gzipped(b"body") + b"x"))


def test_too_many_codings_are_refused_before_reading() -> None:
    answer = Answer(200, [("Content-Encoding", "gzip, " * 6)], b"x")

    with pytest.raises(DecodingError, match="6 codings"):
        run(answer)

    assert answer.asked == []


class StandingClock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.now += seconds


def test_decoding_ends_with_the_deadline() -> None:
    clock = StandingClock()
    request = Request.build("GET", "http://a.test/")
    exchange = Exchange(request, Config(), Deadline.after(5.0, clock))
    coded = gzipped(bytes(1_000_000))

    assert exchange.receive_head(Answer(200, [GZIP])) == PIECE_BYTES
    assert exchange.receive_data(coded[:300]) == PIECE_BYTES
    clock.sleep(5.0)
    with pytest.raises(RequestTimeoutError, match="while the body was read") as caught:
        exchange.receive_data(coded[300:])

    assert caught.value.phase == "body"


# Redirects


def hop(location: str = "/n", status_code: int = 302, body: bytes = b"", **options: object) -> Answer:
    return Answer(status_code, [("Location", location)], body, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_remembered(status_code: int) -> None:
    exchange = run(
        hop("/n", status_code, b"moved"), Answer(200, [], b"body"), method="POST", body=b"b", url="http://u:p@a.test/"
    )

    response = exchange.response
    assert response is not None
    assert (response.body, str(response.url)) == (b"body", "http://a.test/n")
    assert [(past.status_code, past.body, str(past.url)) for past in response.history] == [
        (status_code, b"", "http://a.test/")
    ]
    assert response.history[0].headers == {"Location": "/n"}
    assert response.history[0].request is not None
    assert response.history[0].request.method == "POST"
    assert response.request == exchange.request
    assert exchange.request.method == ("POST" if status_code in {307, 308} else "GET")


@pytest.mark.parametrize("status_code", [300, 304, 305, 306, 310, 399])
def test_no_other_3xx_is_followed(status_code: int) -> None:
    response = answered(hop("/n", status_code, b"body"))

    assert response.status_code == status_code
    assert response.body == (b"" if status_code == 304 else b"body")


def test_a_redirect_to_nowhere_is_the_answer() -> None:
    assert answered(Answer(302, [length(4)], b"body")).body == b"body"
    assert answered(hop("", 302, b"body")).body == b"body"


def test_the_history_is_oldest_first_and_grows_by_the_hop() -> None:
    response = answered(hop("/1"), hop("/2"), hop("/3"), Answer())

    assert [str(past.url) for past in response.history] == ["http://a.test/", "http://a.test/1", "http://a.test/2"]
    assert [len(past.history) for past in response.history] == [0, 1, 2]


@pytest.mark.parametrize("most", [1, 2, 10])
def test_as_many_redirects_as_allowed_are_followed(most: int) -> None:
    hops = [hop(f"/{number}") for number in range(most)]

    response = answered(*hops, Answer(), config=Config(max_redirects=most))

    assert len(response.history) == most


@pytest.mark.parametrize("most", [1, 2, 10])
def test_one_more_redirect_is_refused(most: int) -> None:
    hops = [hop("/") for _ in range(most + 1)]

    with pytest.raises(TooManyRedirectsError, match=rf"^more than {most} redirects; the last answer asks for another$"):
        run(*hops, config=Config(max_redirects=most))

    assert hops[-1].asked == []


def test_with_no_redirects_the_3xx_is_the_answer() -> None:
    coded = gzipped(b"moved")
    answer = Answer(302, [("Location", "ftp://bad"), GZIP], coded)

    response = answered(answer, config=Config(max_redirects=0))

    assert (response.status_code, response.body, response.history) == (302, b"moved", ())


def test_a_redirect_that_cannot_be_followed_is_an_error() -> None:
    with pytest.raises(InvalidRedirectError, match="the scheme must be http or https, not 'ftp'"):
        run(hop("ftp://a.test/"))


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        (0, 0),
        (5, 5),
        (REDIRECT_BODY_BYTES - 1, REDIRECT_BODY_BYTES - 1),
        (REDIRECT_BODY_BYTES, REDIRECT_BODY_BYTES),
        (REDIRECT_BODY_BYTES + 1, REDIRECT_BODY_BYTES),
        (10**7, REDIRECT_BODY_BYTES),
    ],
)
@pytest.mark.parametrize("piece", [1000, 2**30])
def test_of_a_redirects_body_64_kib_are_read_at_most(size: int, taken: int, piece: int) -> None:
    answer = hop(body=bytes(size), piece=piece)

    response = answered(answer, Answer(), config=limited(0))

    assert answer.taken == taken
    assert response.status_code == 200


@pytest.mark.parametrize("headers", [[GZIP], [("Content-Encoding", "gzip, " * 50)], [length(10**15)]])
def test_a_redirects_body_is_neither_decoded_nor_limited(headers: list[tuple[str, str]]) -> None:
    first = Answer(302, [("Location", "/n"), *headers], b"no gzip")

    response = answered(first, Answer(200, [length(2)], b"ok"), config=limited(2))

    assert response.body == b"ok"
    assert response.history[0].headers.multi_items() == (("Location", "/n"), *headers)


def test_a_head_request_does_not_read_a_redirects_body() -> None:
    first = hop(body=b"body")

    exchange = run(first, Answer(), method="HEAD")

    assert first.asked == []
    assert exchange.request.method == "HEAD"


def test_an_exchange_tells_which_request_was_answered_and_what_comes_next() -> None:
    exchange = Exchange(Request.build("GET", "http://a.test/"), Config())

    assert exchange.receive_head(hop()) == REDIRECT_BODY_BYTES
    assert exchange.is_redirecting
    assert exchange.answered is exchange.request
    exchange.follow()
    assert not exchange.is_redirecting
    assert (exchange.answered.url.path, exchange.request.url.path) == ("/", "/n")
    exchange.follow()
    assert exchange.request.url.path == "/n"
    assert exchange.response is None


def test_credentials_leave_no_trace_on_another_place() -> None:
    secrets = [("Authorization", "hunter2"), ("COOKIE", "hunter2"), ("Host", "hunter2.test")]

    exchange = run(hop("http://b.test/"), hop("http://a.test/"), Answer(), headers=secrets)

    assert b"hunter2" not in exchange.request.to_bytes()
    assert exchange.request.headers["host"] == "a.test"


def test_credentials_go_along_to_https_on_default_ports() -> None:
    up = run(hop("https://a.test/"), Answer(), headers={"Authorization": "x", "Host": "b.test"})
    down = run(hop("https://a.test/"), hop("http://a.test/"), Answer(), headers={"Authorization": "x"})
    other = run(hop("https://a.test:8443/"), Answer(), headers={"Authorization": "x"})

    assert (up.request.headers["authorization"], up.request.headers["host"]) == ("x", "b.test")
    assert "authorization" not in down.request.headers
    assert "authorization" not in other.request.headers


def test_a_body_is_sent_again_or_dropped_for_good() -> None:
    again = run(hop(status_code=307), hop(status_code=308), Answer(), method="PUT", body=b"body")
    dropped = run(hop(status_code=303), hop(status_code=307), Answer(), method="PUT", body=b"body")

    assert (again.request.method, again.request.body) == ("PUT", b"body")
    assert (dropped.request.method, dropped.request.body) == ("GET", b"")
    assert "content-length" not in dropped.request.headers


statuses = st.sampled_from([200, 204, 205, 301, 302, 303, 304, 307, 308, 404, 500])
fields = st.lists(
    st.one_of(
        st.sampled_from([("Location", "/n"), ("Location", "http://b.test/"), ("Location", "//"), GZIP]),
        st.tuples(st.just("Content-Length"), st.integers(0, 12).map(str)),
        st.tuples(st.just("Content-Encoding"), st.sampled_from(["deflate", "br", "gzip, gzip", "identity"])),
        st.just(("Transfer-Encoding", "chunked")),
    ),
    max_size=3,
)
bodies = st.one_of(st.binary(max_size=12), st.binary(max_size=12).map(gzipped))
answers = st.builds(Answer, statuses, fields, bodies, piece=st.integers(1, 15))
careless = st.builds(Careless, fields, st.lists(bodies, max_size=3), statuses)


@given(
    st.sampled_from(sorted(METHODS)),
    st.lists(st.one_of(answers, careless), min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(0, 13)),
    st.sampled_from(["error", "truncate"]),
    st.integers(0, 3),
)
def test_any_answers_end_in_a_response_or_an_error_of_the_tree(
    method: str, given_answers: list[Answer], limit: int | None, overflow: str, redirects: int
) -> None:
    config = limited(limit, overflow).replace(max_redirects=redirects)
    exchange = Exchange(Request.build(method, "http://a.test/", body=b"b"), config)

    for answer in given_answers:
        try:
            size = exchange.receive_head(answer)
            while size:
                size = exchange.receive_data(answer.read(size))
        except (ResponseError, TransportError):
            return
        if exchange.response is not None:
            break

    if exchange.response is not None:
        assert limit is None or len(exchange.response.body) <= limit
        assert len(exchange.response.history) <= redirects
        assert type(exchange.response.body) is bytes
