"""What real Go's client did with 205 answers, and what ours does, over every transport.

``tests/data/client_behaviour.json`` says in ``about`` how its fields read. A row
that a decision makes different is listed in DIFFERENT with the decision and what
is expected instead; it fails if it does not differ.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fluxhttp import (
    BodyTooLargeError,
    Config,
    DecodingError,
    FluxHTTPError,
    HeadTooLargeError,
    IncompleteBodyError,
    InvalidRedirectError,
    Limits,
    ProtocolError,
    ReceiveError,
    RequestTimeoutError,
    Response,
)
from fluxhttp.testing import Script
from fluxhttp_conformance import Lab, Target, lab_for

TRANSPORTS = ["stdlib", "urllib3", "fake"]
ROWS: dict[str, dict[str, Any]] = {
    row["id"]: row for row in json.loads((Path(__file__).parent / "data/client_behaviour.json").read_text())["cases"]
}

#: The classes of the file, and ours.
CLASSES = {
    "body_too_large": BodyTooLargeError,
    "closed": ReceiveError,
    "reset": ReceiveError,
    "protocol": ProtocolError,
    "incomplete": IncompleteBodyError,
    "decode": DecodingError,
    "timeout": RequestTimeoutError,
    "bad_redirect": InvalidRedirectError,
    "invalid_url": InvalidRedirectError,
    "unsupported_scheme": InvalidRedirectError,
}
#: Go takes these from an answer's headers; here they stay, as received (D21).
TAKEN_BY_GO = {"connection", "trailer", "transfer-encoding"}
#: Never equal: D16, D9, D22, and the length of hops without a body.
OWN_FIELDS = {"user-agent", "accept-encoding", "referer"}
#: A caller cannot give the first two, and Go ignores the third where ours obeys (D5): rows run without.
LEFT_OUT_FIELDS = {"proxy-authorization", "expect", "host"}


def instead(*results: Any) -> dict[str, Any]:
    return {"results": list(results)}


def without_content_fields(requests: list[Any]) -> list[Any]:
    """From the second request on, no Content-* field."""
    return [
        (line, body, frozenset(pair for pair in fields if number == 0 or not pair[0].startswith("content-")))
        for number, (line, body, fields) in enumerate(requests)
    ]


def escaped(requests: list[Any]) -> list[Any]:
    """The second target with its space escaped."""
    first, (line, body, fields) = requests
    return [first, (line.replace("b c", "b%20c"), body, fields)]


def kept_credentials(requests: list[Any]) -> list[Any]:
    """The second request like the first, but for its target."""
    (_, _, fields), (line, body, _) = requests
    return [requests[0], (line, body, fields)]


def lower_host(requests: list[Any]) -> list[Any]:
    return [
        (line, body, frozenset((name, value.lower() if name == "host" else value) for name, value in fields))
        for line, body, fields in requests
    ]


#: Row -> why, and what is expected instead of Go's part of that name.
DIFFERENT: dict[str, tuple[str, dict[str, Any]]] = {
    "partial_headers": ("RFC 9112, 8: the peer went away; no line was malformed", instead(ReceiveError)),
    "close_delimited_rst": ("the tree: a body cut off is IncompleteBodyError", instead(IncompleteBodyError)),
    "status_http2": ("D10, stricter: not HTTP/1", instead(ProtocolError)),
    "status_http09": ("D10, stricter: not HTTP/1", instead(ProtocolError)),
    "status_code_099": ("D10: a status is 200 to 999", instead(ProtocolError)),
    "status_code_000": ("D10: a status is 200 to 999", instead(ProtocolError)),
    "status_reason_cr": ("D10, stricter: a bare CR (RFC 9112, 2.2)", instead(ProtocolError)),
    "header_space_before_colon": ("D10, stricter: RFC 9112, 5.1", instead(ProtocolError)),
    "header_space_in_name": ("D10, stricter: a name is a token", instead(ProtocolError)),
    "header_9mb": ("Limits.head", instead(HeadTooLargeError)),
    "header_11mb": ("Limits.head", instead(HeadTooLargeError)),
    "cl_dup_same": ("D21: as received", instead((200, b"hello", {"content-length": ["5", "5"]}))),
    "cl_dup_same_ws": ("D21: as received", instead((200, b"hello", {"content-length": ["5", "5"]}))),
    "gzip_xgzip": ("D9: x-gzip is gzip", instead((200, b"hello gzip", {}))),
    "gzip_twice_fields": ("D9: each coding is undone", instead((200, b"hello gzip", {}))),
    "gzip_deflate_list": ("D9: a chain is undone", instead((200, b"hello", {}))),
    "gzip_truncated": ("D9: a damaged coding is DecodingError", instead(DecodingError)),
    "gzip_truncated_crc": ("D9: a damaged coding is DecodingError", instead(DecodingError)),
    "deflate": ("D9: deflate is undone", instead((200, b"hello", {}))),
    "limit_redirect_chunked_over": ("D3: 64 KiB are read, Go reads 2", {"connections": 1}),
    **{
        f"redir_{row}": ("D3: no Content-* field follows", {"requests": without_content_fields})
        for row in ("301_GET", "301_POST", "301_PATCH", "301_DELETE", "302_GET", "302_POST", "302_PUT", "302_PATCH")
    },
    "redir_302_DELETE": ("D3: no Content-* field follows", {"requests": without_content_fields}),
    "redir_302_HEAD": ("D3: no Content-* field follows", {"requests": without_content_fields}),
    "redir_303_POST": ("D3: no Content-* field follows", {"requests": without_content_fields}),
    "redir_303_HEAD": ("D3: no Content-* field follows", {"requests": without_content_fields}),
    "redir_post_303_ctype": ("D3: no Content-* field follows", {"requests": without_content_fields}),
    "loc_space_query": ("D7: a space is escaped", {"requests": escaped}),
    "loc_double_slash": (
        "RFC 9110, 4.2.1: an empty host is invalid",
        {"results": [InvalidRedirectError], "requests": lambda requests: requests[:1]},
    ),
    "creds_case": (
        "D7: a host has one form, so this is the same origin",
        {"connections": 1, "requests": lambda requests: lower_host(kept_credentials(requests))},
    ),
}


def scripts(row: dict[str, Any]) -> list[Script]:
    return [script(exchange) for exchange in row["exchanges"]]


def script(exchange: dict[str, Any]) -> Script:
    begins = "accept" if exchange.get("on_accept") else "head" if exchange.get("head_only") else "request"
    played = Script(begins=begins)
    for action in exchange["actions"]:
        if "send" in action:
            played = played.send(action["send"].encode("latin-1"), times=action.get("repeat", 1))
        elif "sleep_ms" in action:
            played = played.pause(action["sleep_ms"] / 1000)
        elif "close" in action:
            played = played.close()
        else:
            played = played.reset()
    return played


def call(lab: Lab, request: dict[str, Any], overflow: str) -> Response | FluxHTTPError:
    limits = Limits(body=request["limit"] or Limits().body, overflow=overflow)
    try:
        return lab.client.do(
            request["method"],
            request["url"],
            params=dict(request["params"]),
            headers=[(name, value) for name, value in request["headers"] if name.lower() not in LEFT_OUT_FIELDS],
            body=request["body"].encode("latin-1"),
            config=Config(timeout=request["timeout_ms"] / 1000, limits=limits),
        )
    except FluxHTTPError as error:
        return error


def observed(row: dict[str, Any], transport: str) -> dict[str, Any]:
    """Plays a row, and tells what happened in the terms of the file."""
    request = row["request"]
    # Go refuses a declared length over the limit and cuts any other body: D2 has a mode for each.
    overflow = "error" if row["expect"]["class"] == "body_too_large" else "truncate"
    lab = lab_for(Target.named(transport))
    try:
        if request.get("fake_tls"):
            assert lab.secure
        lab.origin.play(*scripts(row))
        results = []
        for number in range(request["repeat"]):
            if number:
                time.sleep(request["pause_ms"] / 1000)
            results.append(call(lab, request, overflow))
        secure = lab._secure.connections if lab._secure is not None else 0
        told: dict[str, Any] = {
            "results": [outcome(result) for result in results],
            "connections": lab.origin.connections + secure,
            "requests": [seen.raw for seen in lab.requests],
        }
        return told
    finally:
        lab.close()


def outcome(result: Response | FluxHTTPError) -> Any:
    if isinstance(result, FluxHTTPError):
        return type(result)
    headers: dict[str, list[str]] = {}
    for name, value in result.headers.multi_items():
        if name.lower() not in TAKEN_BY_GO:
            headers.setdefault(name.lower(), []).append(value)
    return result.status_code, result.body, headers


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What the file says of a row, in the same terms."""
    expect = row["expect"]
    sends = zip(expect["class"], expect["sends"], strict=True) if "sends" in expect else [(expect["class"], expect)]
    return {
        "results": [expected_outcome(kind, send) for kind, send in sends],
        "connections": expect["connections"],
        "requests": [raw.encode("latin-1") for raw in expect["requests"]],
    }


def expected_outcome(kind: str, send: dict[str, Any]) -> Any:
    if kind != "ok":
        return CLASSES[kind]
    ok = send["ok"]
    headers = {name.lower(): values for name, values in ok["headers_multi"].items() if name.lower() not in TAKEN_BY_GO}
    return ok["status"], ok["body"].encode("latin-1"), headers


def essence(raw: bytes) -> tuple[str, bytes, frozenset[tuple[str, str]]]:
    """A request without what never equals Go's: request line, body, fields in lower case."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    pairs = ((name.lower(), value.strip()) for name, _, value in (field.partition(":") for field in fields))
    return line, body, frozenset(pair for pair in pairs if pair[0] not in OWN_FIELDS | LEFT_OUT_FIELDS - {"host"})


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_go(name: str, transport: str) -> None:
    row = ROWS[name]
    wanted = expected(row)
    reason, changes = DIFFERENT.get(name, ("", {}))

    told = observed(row, transport)

    for side in (wanted, told):
        side["requests"] = [essence(raw) for raw in side["requests"]]
    for part, change in changes.items():
        assert told[part] != wanted[part], f"{name} is listed as different ({reason}), but {part} is Go's"
        wanted[part] = change(wanted[part]) if callable(change) and not isinstance(change, type) else change
    assert told == wanted
