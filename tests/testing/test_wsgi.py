"""WSGITransport: an application of the same process in place of a network."""

from __future__ import annotations

import io
import threading
import time
from wsgiref.validate import validator

import pytest

import fluxhttp
from fluxhttp import BodyTooLargeError, Client, ClosedError, Config, IncompleteBodyError, Limits, RequestTimeoutError
from fluxhttp.testing import FakeTransport, ImpossibleReplyError, WSGITransport

URL = "http://app.test/"


def answering(status="200 OK", headers=(), chunks=(b"ok",)):
    """An application that gives always the same."""

    def application(environ, start_response):
        start_response(status, list(headers))
        return list(chunks)

    return application


def client_of(application, **options):
    return Client(WSGITransport(application, **options))


def get(application, url=URL, *, config=None, headers=None, **options):
    return client_of(application, **options).get(url, config=config, headers=headers)


class Closable:
    """An iterable of chunks that knows whether it was closed; what is an exception is raised."""

    def __init__(self, *chunks, close_error=None):
        self.left = list(chunks)
        self.closed = 0
        self.close_error = close_error

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        chunk = self.left.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self):
        self.closed += 1
        if self.close_error is not None:
            raise self.close_error


def giving(body, headers=()):
    def application(environ, start_response):
        start_response("200 OK", list(headers))
        return body

    return application


# The request


def environ_of(method="GET", url=URL, *, transport_options=None, **options):
    seen = []

    def application(environ, start_response):
        seen.append(environ | {"body": environ["wsgi.input"].read(-1)})
        start_response("204 No Content", [])
        return []

    client_of(validator(application), **(transport_options or {})).do(method, url, **options)
    return seen[0]


def test_the_environ_is_what_a_server_makes_of_the_bytes():
    environ = environ_of(
        "POST",
        "http://app.test:8080/caf%C3%A9%2Fx/%3Fy?q=%C3%A9&q=+b#gone",
        body=b"\x00\xff",
        headers={"Content-Type": "text/x", "X-Name": "é"},
    )

    wanted = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/caf\xc3\xa9/x/?y",  # the bytes, one a character
        "QUERY_STRING": "q=%C3%A9&q=+b",
        "REQUEST_URI": "/caf%C3%A9%2Fx/%3Fy?q=%C3%A9&q=+b",
        "SERVER_NAME": "app.test",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "2",
        "HTTP_HOST": "app.test:8080",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate",
        "HTTP_X_NAME": "\xc3\xa9",
        "wsgi.url_scheme": "http",
        "body": b"\x00\xff",
    }
    assert {name: environ.get(name) for name in wanted} == wanted
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & set(environ)


def test_https_needs_no_certificate():
    environ = environ_of(url="https://app.test/")

    assert (environ["wsgi.url_scheme"], environ["SERVER_PORT"]) == ("https", "443")


def test_without_a_body_there_is_no_length():
    assert not {"CONTENT_LENGTH", "CONTENT_TYPE"} & set(environ_of())


def test_repeated_lines_are_joined_as_servers_do():
    headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1"), ("Cookie", "b=2")]

    environ = environ_of(headers=headers)

    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("1, 2", "a=1; b=2")


def test_a_name_with_an_underscore_cannot_pass_for_one_with_a_hyphen():
    environ = environ_of(headers={"X_User": "evil", "X-User": "ada"})

    assert environ["HTTP_X_USER"] == "ada"


def test_an_environ_of_your_own_is_laid_over():
    environ = environ_of(transport_options={"environ": {"REMOTE_USER": "ada", "REMOTE_ADDR": "10.0.0.1"}})

    assert (environ["REMOTE_USER"], environ["REMOTE_ADDR"]) == ("ada", "10.0.0.1")


# The answer


def test_an_answer_goes_through_the_reader():
    response = get(answering("418 I'm a teapot", [("Content-Type", "text/plain"), ("X-A", "\xe9")]))

    assert (response.status_code, response.reason, response.body) == (418, "I'm a teapot", b"ok")
    assert response.headers.multi_items() == (
        ("Content-Type", "text/plain"),
        ("X-A", "\xe9"),
        ("Content-Length", "2"),
    )


def test_the_length_is_added_where_it_is_known():
    assert get(answering(chunks=[])).headers["content-length"] == "0"
    assert get(answering(chunks=[b""])).headers["content-length"] == "0"
    assert get(answering(chunks=[b"one"])).headers["content-length"] == "3"


def test_what_comes_in_pieces_is_sent_in_chunks():
    response = get(giving(iter([b"", b"a", b"", b"bc"])))

    assert (response.body, response.headers["transfer-encoding"]) == (b"abc", "chunked")


def test_a_large_body_of_a_declared_length_comes_whole():
    body = bytes(range(256)) * 4096

    response = get(giving(iter([body[:70_000], body[70_000:]]), [("Content-Length", str(len(body)))]))

    assert response.body == body


def test_a_body_is_taken_no_further_than_it_is_wanted():
    given = []

    def endless():
        while True:
            given.append(None)
            yield bytes(1000)

    with pytest.raises(BodyTooLargeError):
        get(giving(endless()), config=Config(limits=Limits(body=10_000)))

    assert len(given) < 20


def test_a_head_over_the_limits_is_refused():
    with pytest.raises(fluxhttp.HeadTooLargeError):
        get(answering(headers=[("X-A", "x" * 500)]), config=Config(limits=Limits(head=400)))


def test_write_sends_at_once():
    def application(environ, start_response):
        write = start_response("200 OK", [])
        write(b"")
        write(b"a")
        write(b"b")
        return [b"c"]

    assert get(application).body == b"abc"


def test_write_of_a_running_iterable_comes_in_order():
    def application(environ, start_response):
        write = start_response("200 OK", [])
        yield b"a"
        write(b"b")
        yield b"c"

    assert get(application).body == b"abc"


@pytest.mark.parametrize("length", [None, "2"])
def test_to_head_there_is_no_body(length):
    body = Closable(b"ab", AssertionError("nobody wants it"))
    headers = [] if length is None else [("Content-Length", length)]

    response = client_of(giving(body, headers)).head(URL)

    assert (response.status_code, response.body, response.headers.get("content-length")) == (200, b"", length)
    assert body.closed == 1


def test_to_head_the_length_of_one_chunk_is_told():
    assert client_of(answering(chunks=[b"four"])).head(URL).headers["content-length"] == "4"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_no_length_is_added_where_there_is_no_body(status):
    response = get(answering(status, chunks=[]))

    assert (response.body, response.headers.multi_items()) == (b"", ())


def test_redirects_stay_within_the_application():
    def application(environ, start_response):
        if environ["PATH_INFO"] == "/old":
            start_response("302 Found", [("Location", "/new?x=1"), ("Content-Length", "5")])
            return [b"moved"]
        start_response("200 OK", [])
        return [environ["QUERY_STRING"].encode()]

    assert get(application, f"{URL}old").text == "x=1"


# The end of the iterable


def test_an_iterable_is_closed_when_it_was_read():
    body = Closable(b"a", b"b")

    get(giving(body))

    assert body.closed == 1


def test_an_iterable_is_closed_when_it_is_given_up():
    body = Closable(b"aaa", b"b")

    with pytest.raises(BodyTooLargeError):
        get(giving(body), config=Config(limits=Limits(body=1)))

    assert body.closed == 1
    assert body.left == [b"b"]


def test_an_iterable_is_run_to_its_end_after_a_declared_length():
    body = Closable(b"ab", b"")

    assert get(giving(body, [("Content-Length", "2")])).body == b"ab"
    assert (body.left, body.closed) == ([], 1)


def test_a_failing_close_is_told():
    body = Closable(b"a", close_error=RuntimeError("closing"))

    with pytest.raises(RuntimeError, match="closing"):
        get(giving(body))


# Exceptions of the application


@pytest.mark.parametrize("error", [KeyError("x"), OSError(5, "disk"), fluxhttp.ReceiveError("upstream"), SystemExit(3)])
def test_an_exception_is_the_callers_as_it_is(error):
    def application(environ, start_response):
        raise error

    transport = WSGITransport(application)

    with pytest.raises(type(error)) as caught:
        Client(transport).get(URL)

    assert caught.value is error
    assert "application" in [entry.name for entry in caught.traceback]
    assert transport.calls.last.error is error


@pytest.mark.parametrize("error", [ValueError("x"), fluxhttp.ReceiveError("upstream")])
def test_so_is_one_in_the_middle_of_the_body(error):
    body = Closable(b"a", error)
    transport = WSGITransport(giving(body, [("Content-Length", "2")]))

    with pytest.raises(type(error)) as caught:
        Client(transport).get(URL)

    assert (caught.value, body.closed, transport.calls.last.error) == (error, 1, error)
    assert caught.value.__cause__ is None


def test_as_a_server_it_answers_with_500_and_prints_the_traceback():
    errors = io.StringIO()

    def application(environ, start_response):
        start_response("200 OK", [])
        raise ValueError("told to the operator")

    client = client_of(application, raises_application_errors=False, environ={"wsgi.errors": errors})

    response = client.get(URL)

    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert "ValueError: told to the operator" in errors.getvalue()
    assert client.head(URL).status_code == 500


def test_as_a_server_it_breaks_off_what_it_has_begun(capsys):
    body = Closable(b"a", ValueError("late"))

    with pytest.raises(IncompleteBodyError) as caught:
        get(giving(body, [("Content-Length", "2")]), raises_application_errors=False)

    assert (caught.value.received, caught.value.expected, body.closed) == (1, 2, 1)
    assert "ValueError: late" in capsys.readouterr().err


def test_as_a_server_it_sends_what_was_written_before_it_broke_off():
    def application(environ, start_response):
        write = start_response("200 OK", [("Content-Length", "10")])
        write(b"12345")
        raise ValueError("late")

    client = client_of(application, raises_application_errors=False, environ={"wsgi.errors": io.StringIO()})

    with pytest.raises(IncompleteBodyError) as caught:
        client.get(URL)

    assert (caught.value.received, caught.value.expected) == (5, 10)
    assert client.head(URL).status_code == 200


def test_as_a_server_it_sends_no_more_than_is_declared_and_no_body_under_204():
    options = {"raises_application_errors": False}

    assert get(answering(headers=[("Content-Length", "1")], chunks=[b"abc"]), **options).body == b"a"
    assert get(answering("204 No Content", chunks=[b"abc"]), **options).body == b""


def test_start_response_may_think_again_until_something_is_sent():
    def application(environ, start_response):
        import sys

        try:
            start_response("200 OK", [("X-A", "1")])
            raise ValueError("early")
        except ValueError:
            start_response("503 Service Unavailable", [("X-B", "2")], sys.exc_info())
        return [b"sorry"]

    response = get(validator(lambda environ, start_response: typed(application, environ, start_response)))

    assert (response.status_code, "x-a" in response.headers, response.headers["x-b"]) == (503, False, "2")


def typed(application, environ, start_response):
    """Adds the Content-Type that the validator asks for."""

    def start(status, headers, *exc_info):
        return start_response(status, [("Content-Type", "text/plain"), *headers], *exc_info)

    return application(environ, start)


def test_start_response_raises_what_came_too_late():
    def application(environ, start_response):
        import sys

        start_response("200 OK", [])(b"begun")
        try:
            raise ValueError("late")
        except ValueError:
            start_response("500 Internal Server Error", [], sys.exc_info())

    with pytest.raises(ValueError, match="late"):
        get(application)


# What PEP 3333 forbids


def silent(environ, start_response):
    return [b"x"]


def silent_and_empty(environ, start_response):
    return []


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])


def none(environ, start_response):
    start_response("200 OK", [])


@pytest.mark.parametrize(
    ("application", "message"),
    [
        (silent, "did not call start_response"),
        (silent_and_empty, "did not call start_response"),
        (twice, "called start_response twice without exc_info"),
        (none, "returned NoneType, which is no iterable of bytes"),
        (answering("200"), "gave the status '200', which is not of the form '200 OK'"),
        (answering("103 Early Hints"), "gave the status '103 Early Hints', which"),
        (answering("200 O\nK"), r"gave the status '200 O\\nK', which"),
        (answering(200), "gave the status 200, which"),
        (answering(chunks=["text"]), "gave a chunk of str, not bytes"),
        (giving(b"bare"), "gave a chunk of int, not bytes"),
        (lambda environ, start: start("200 OK", ()), "gave its headers as tuple, not list"),
        (answering(headers=[("X-A", 1)]), "gave headers that cannot be sent: .*X-A"),
        (answering(headers=[("X A", "1")]), "gave headers that cannot be sent: .*' '"),
        (answering(headers=[("X-A", "1\r\nX-B: 2")]), "gave headers that cannot be sent: .*X-A"),
        (answering(headers=[("X-A", "€")]), "gave header 'X-A' a value with '€'"),
        (answering(headers=[("Connection", "close")]), "gave the hop-by-hop header Connection"),
        (answering(headers=[("Transfer-Encoding", "chunked")]), "gave the hop-by-hop header Transfer-Encoding"),
        (answering(headers=[("Content-Length", "1")]), "gave 2 bytes or more of a body, and declared 1"),
        (giving(Closable(b"ok", b"!"), [("Content-Length", "2")]), "gave 3 bytes or more of a body, and declared 2"),
        (answering("204 No Content"), "gave a body of 2 bytes or more with 204 No Content, which has none"),
    ],
)
def test_what_no_server_sends_is_named(application, message):
    with pytest.raises(ImpossibleReplyError, match=rf"^the application {message}.* \(PEP 3333\)$"):
        get(application)


@pytest.mark.parametrize(
    "application", [silent, silent_and_empty, twice, none, answering("200"), answering(chunks=[1])]
)
def test_as_a_server_it_answers_such_an_application_with_500(application):
    errors = io.StringIO()

    response = get(application, raises_application_errors=False, environ={"wsgi.errors": errors})

    assert response.status_code == 500
    assert "ImpossibleReplyError" in errors.getvalue()


def test_a_body_that_is_too_short_is_what_it_is_on_the_wire():
    with pytest.raises(IncompleteBodyError) as caught:
        get(answering(headers=[("Content-Length", "10")]))

    assert (caught.value.received, caught.value.expected) == (2, 10)


@pytest.mark.parametrize("lengths", [["2x"], ["2", "3"], ["-1"]])
def test_a_length_that_is_none_is_what_it_is_on_the_wire(lengths):
    with pytest.raises(fluxhttp.ProtocolError):
        get(answering(headers=[("Content-Length", length) for length in lengths]))


# Time, threads, the end


def test_an_answer_that_comes_too_late_did_not_come():
    def application(environ, start_response):
        time.sleep(0.05)
        start_response("200 OK", [])
        return [b""]

    with pytest.raises(RequestTimeoutError) as caught:
        get(application, config=Config(timeout=0.01))

    assert (caught.value.phase, caught.value.maybe_sent) == ("head", True)


def test_so_does_a_piece_of_the_body():
    def body():
        yield b"a"
        time.sleep(0.05)
        yield b"b"

    with pytest.raises(RequestTimeoutError) as caught:
        get(giving(body()), config=Config(timeout=0.03))

    assert caught.value.phase == "body"


def test_a_deadline_that_has_passed_asks_nobody():
    transport = WSGITransport(answering())
    request = fluxhttp.Request.build("GET", URL)
    deadline = fluxhttp.Deadline.after(0.001, transport.clock)
    transport.clock.sleep(0.002)

    with pytest.raises(RequestTimeoutError) as caught:
        transport.send(request, config=Config(), deadline=deadline)

    assert (caught.value.maybe_sent, list(transport.calls)) == (False, [])


def test_many_threads_may_call_at_once():
    barrier = threading.Barrier(4, timeout=5)

    def application(environ, start_response):
        barrier.wait()
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    client = client_of(application)
    bodies = []
    threads = [threading.Thread(target=lambda name=name: bodies.append(client.get(URL + name).text)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert sorted(bodies) == ["/a", "/b", "/c", "/d"]


def test_close_ends_a_call_in_flight():
    transport = None

    def body():
        yield b"a"
        transport.close()
        yield b"b"

    transport = WSGITransport(giving(body()))
    client = Client(transport)

    with pytest.raises(ClosedError):
        client.get(URL)
    transport.close()
    with pytest.raises(ClosedError):
        client.get(URL)


def test_a_call_that_was_closed_meanwhile_gives_nothing_more():
    transport = WSGITransport(giving(iter([b"a", b"b"])))
    answer = transport.send(
        fluxhttp.Request.build("GET", URL), config=Config(), deadline=fluxhttp.Deadline.after(5, transport.clock)
    )
    assert answer.read(1) == b"a"
    transport.close()

    with pytest.raises(ClosedError):
        answer.read(1)
    answer.close()


# What a test sees of it


def test_calls_are_remembered_as_the_fake_does():
    transport = WSGITransport(validator(answering(headers=[("Content-Type", "text/plain")])))
    Client(transport).post("http://app.test/orders?x=1", json={"n": 1})

    call = transport.calls.only("POST", "http://app.test/orders", params={"x": ["1"]}, json={"n": 1})

    assert (call.route, call.error, call.response.body, call.outcome) == (None, None, b"ok", "200")
    assert 0 <= call.elapsed < 5
    assert repr(transport) == "<WSGITransport, 1 calls>"


def test_it_is_the_other_half_of_a_fake():
    with FakeTransport(fallback=WSGITransport(answering())) as fake:
        fake.get("http://else.test/").respond(text="faked")
        client = Client(fake)

        assert (client.get(URL).text, client.get("http://else.test/").text) == ("ok", "faked")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"application": None}, "application must be callable, but NoneType is not"),
        ({"application": answering(), "environ": []}, "environ must be a mapping, not list"),
    ],
)
def test_arguments_are_judged(arguments, message):
    with pytest.raises(fluxhttp.InvalidTypeError, match=message):
        WSGITransport(arguments.pop("application"), **arguments)
