"""When a request is sent a second time, and when never (RFC 9110, 9.2.2; decision D12)."""

from __future__ import annotations

from fluxhttp import IncompleteBodyError, NameResolutionError, ReceiveError
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.addresses import authority, resolving
from fluxhttp_conformance.cases.redirects import redirect
from fluxhttp_conformance.lab import Lab, ok, raw


def _has_closed(lab: Lab, times: int) -> None:
    """Waits until the origin has ended that many connections, so that the other side can know."""
    lab.until(lambda: sum("closes" in line for line in lab.origin.transcript) >= times, "the origin closed")


@case("resending/not-on-first-use", kind="pinned", anchor="D12; RFC 9112, 9.3.1")
def first_use_is_never_repeated(lab: Lab) -> None:
    """A new connection that dies without an answer is a failure: it was not stale, and the request may have arrived."""
    for script in (Script().close(), Script().reset()):
        for method in ("GET", "HEAD", "POST"):
            before = len(lab.requests)
            lab.origin.play(script)

            error = lab.fails(ReceiveError, lab.do, method)

            assert (error.phase, error.maybe_sent, error.retryable) == ("head", True, method != "POST")
            assert len(lab.requests) == before + 1
    lab.still_works()


@case("resending/stale-is-replaced-once", kind="pinned", anchor="D12; RFC 9112, 9.3.1")
def stale_is_replaced_once(lab: Lab) -> None:
    """A used connection that dies before the first byte of an answer was closed meanwhile: GET and HEAD go again."""
    for method in ("GET", "HEAD"):
        for script in (Script().close(), Script().reset()):
            before = len(lab.requests)
            answer = raw("HTTP/1.1 200 OK", "Content-Length: 3", body=b"" if method == "HEAD" else b"new")
            lab.origin.play(ok(), script, answer)

            lab.get("/first")
            response = lab.do(method, "/second")

            assert (response.status_code, response.headers["Content-Length"]) == (200, "3")
            first, second, third = lab.requests[before:]
            assert (first.connection, second.connection) == (second.connection, first.connection)
            assert third.connection == second.connection + 1
            assert second.raw == third.raw
    lab.still_works()


@case("resending/replacement-is-not-replaced", kind="pinned", anchor="D12")
def replacement_is_not_replaced(lab: Lab) -> None:
    """Once is enough: if the new connection dies as well, that is the answer."""
    lab.origin.play(ok(), Script().close(), Script().close())
    lab.get()

    error = lab.fails(ReceiveError, lab.get, "/second")

    assert (error.phase, error.maybe_sent) == ("head", True)
    assert [seen.target for seen in lab.requests] == ["/", "/second", "/second"]
    lab.still_works()


@case("resending/replacement-is-not-reached", kind="pinned", anchor="D12")
def replacement_is_not_reached(lab: Lab) -> None:
    """If there is no way to a new connection, the request has still gone out on the old one, and the error says so."""
    addresses = iter([["127.0.0.1"], []])
    client = resolving(lab, lambda _: next(addresses))
    lab.origin.play(ok(), Script().close())
    url = f"http://{authority(lab, 'once.test')}/"
    client.get(url)

    error = lab.fails(NameResolutionError, client.post, url, headers={"Idempotency-Key": "k"}, body=b"body")

    assert (error.phase, error.maybe_sent, error.retryable) == ("dns", True, False)
    assert [seen.method for seen in lab.requests] == ["GET", "POST"]
    lab.still_works()


@case("resending/after-a-redirect", anchor="seam")
def after_a_redirect(lab: Lab) -> None:
    """The request that was answered with a redirect has gone out, whatever becomes of the one that follows it."""
    client = resolving(lab, {"first.test": ["127.0.0.1"], "second.test": []}.__getitem__)
    first = f"http://{authority(lab, 'first.test')}/"
    for code in (301, 302, 303, 307, 308):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            lab.origin.play(redirect("http://second.test/", code, body=b"" if method == "HEAD" else b"moved"))

            error = lab.fails(NameResolutionError, client.do, method, first)

            assert (error.phase, error.maybe_sent) == ("dns", True), (code, method)
            assert error.retryable is (method not in ("POST", "PATCH")), (code, method)
            assert error.url == "http://second.test/"
    lab.still_works()


@case("resending/others-are-sent-once", kind="pinned", anchor="D12; RFC 9110, 9.2.2", tags=("security",))
def others_are_sent_once(lab: Lab) -> None:
    """What may have had an effect is never sent again, though PUT and DELETE might be: the caller knows, we do not."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        before = len(lab.requests)
        lab.origin.play(ok(), Script().close())
        lab.get()

        error = lab.fails(ReceiveError, lab.do, method, "/second", body=b"body")

        assert (error.phase, error.maybe_sent, error.retryable) == ("head", True, method in ("PUT", "DELETE"))
        assert [seen.method for seen in lab.requests[before:]] == ["GET", method]
    lab.still_works()


@case("resending/idempotency-key", kind="pinned", anchor="D12")
def idempotency_key(lab: Lab) -> None:
    """Who sends Idempotency-Key says that a second time does no harm: the whole request is sent again."""
    body = b"0123456789abcdef" * 1000
    for method in ("POST", "PATCH"):
        lab.origin.play(ok(), Script().close(), ok(b"new"))
        lab.get()

        response = lab.do(method, body=body, headers={"idempotency-KEY": "k"})

        assert response.body == b"new"
        assert [seen.body == body for seen in lab.requests[-2:]] == [True, True]
    lab.still_works()


@case("resending/not-after-an-answer-began", kind="pinned", anchor="D12")
def begun_answer_is_not_repeated(lab: Lab) -> None:
    """A used connection that dies within an answer was not stale: the request arrived, and is not sent again."""
    for start, kind in (
        (b"H", ReceiveError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ReceiveError),
        (b"HTTP/1.1 100 Continue\r\n\r\n", ReceiveError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", IncompleteBodyError),
    ):
        before = len(lab.requests)
        lab.origin.play(ok(), Script().send(start).close())
        lab.get()

        lab.fails(kind, lab.get)

        assert len(lab.requests) == before + 2
    lab.still_works()


@case("resending/not-on-a-closed-connection", anchor="RFC 9112, 9.5")
def closed_while_idle(lab: Lab) -> None:
    """A connection that the peer closed in the meantime is not used: even a POST goes out, once, on a new one."""
    for number in (1, 2):
        lab.origin.play(ok().close(), ok(b"new"))
        lab.get()
        _has_closed(lab, number)

        response = lab.post("/second", body=b"body")

        assert response.body == b"new"
        assert [seen.method for seen in lab.requests[-2:]] == ["GET", "POST"]
        assert lab.requests[-1].connection == lab.requests[-2].connection + 1
        lab.origin.play(raw("HTTP/1.1 200 OK", "Connection: close", "Content-Length: 0"))
        lab.get()
    lab.still_works()
