"""Credentials: what carries them, and where they must not go (RFC 9110, 11 and 17.16)."""

from __future__ import annotations

import pickle
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp import FluxHTTPError, InvalidRedirectError, InvalidURLError, ReceiveError, basic_auth
from fluxhttp.testing import Script
from fluxhttp_conformance.case import case
from fluxhttp_conformance.cases.redirects import FOLLOWED, redirect
from fluxhttp_conformance.environment import environment
from fluxhttp_conformance.lab import Lab, ok, raw

if TYPE_CHECKING:
    from fluxhttp_conformance.origins.seen import SeenRequest

#: In every letter case, and more than once: one copy too many is enough (CVE-2018-25091).
SECRETS = [
    ("Authorization", "Bearer s3cr3t"),
    ("COOKIE", "session=s3cr3t"),
    ("authorization", "Basic s3cr3t"),
    ("cookie", "other=s3cr3t"),
]


def _secrets(seen: SeenRequest) -> list[tuple[str, str]]:
    return [(name, value) for name, value in seen.pairs if name.lower() in ("authorization", "cookie")]


def _hop(lab: Lab, first: str, location: str, code: int = 307) -> list[tuple[str, str]]:
    """The credentials of the second request, after a redirect from one URL to another."""
    lab.origin.play(redirect(location, code), ok())
    lab.client.get(first, headers=SECRETS)
    before, after = lab.requests[-2:]
    assert _secrets(before) == SECRETS
    return _secrets(after)


@case("credentials/dropped-for-another-origin", kind="pinned", anchor="D4", level="core", tags=("security",))
def dropped_for_another_origin(lab: Lab) -> None:
    """Another host or port may be another's: no copy of Authorization and Cookie goes there (CVE-2018-20060)."""
    lab.dialer.routes[8080] = lab.origin.address
    first = lab.url("/", host="origin.test")
    for location in (
        "http://other.test/",
        "//other.test/",
        "http://origin.test:8080/",
        "http://www.origin.test/",
        "http://test/",
        "http://origin.test.evil.test/",
        "http://evilorigin.test/",
        "http://origin.test./",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::1%25.origin.test]/",
    ):
        assert _hop(lab, first, location) == [], location
    for code in FOLLOWED:
        assert _hop(lab, first, "http://other.test/", code) == [], code
    # An address is no parent of a longer one.
    assert _hop(lab, lab.url("/", host="2.3.4.5"), "http://1.2.3.4.5.test/") == []


@case("credentials/kept-for-the-same-origin", kind="pinned", anchor="D4", level="core")
def kept_for_the_same_origin(lab: Lab) -> None:
    """The same origin, however it is spelled, asked for them before."""
    first = lab.url("/a", host="origin.test")
    for location in (
        "/b",
        "b",
        "?q",
        "//origin.test/",
        "http://origin.test/b",
        "http://ORIGIN.Test:80/b",
        "HTTP://origin.test:/",
    ):
        assert _hop(lab, first, location) == SECRETS, location
    assert _hop(lab, lab.url("/", host="bücher.test"), "http://xn--bcher-kva.test:80/") == SECRETS
    assert _hop(lab, lab.url("/", host="[::1]"), "http://[0:0:0:0:0:0:0:1]/b") == SECRETS
    for code in FOLLOWED:
        assert _hop(lab, first, "/b", code) == SECRETS, code


@case("credentials/kept-for-the-upgrade", kind="pinned", anchor="D4", level="core", tags=("tls",))
def kept_for_the_upgrade(lab: Lab) -> None:
    """From http to https of the same host, both on their default ports, they are better off than before."""
    secure = lab.url("/b", host="origin.test", scheme="https")
    lab.dialer.routes[8080] = lab.origin.address

    assert _hop(lab, "http://origin.test/a", secure) == SECRETS
    assert _hop(lab, "http://origin.test:8080/a", secure) == []
    assert _hop(lab, "http://other.test/a", secure) == []


@case("credentials/dropped-for-plain-http", kind="pinned", anchor="D4", level="core", tags=("security", "tls"))
def dropped_for_plain_http(lab: Lab) -> None:
    """From https to http they would travel in the clear (CVE-2018-18074)."""
    secure = lab.url("/a", host="origin.test", scheme="https")

    for location in ("http://origin.test/b", "http://origin.test:80/b"):
        assert _hop(lab, secure, location) == [], location
    assert _hop(lab, secure, "https://origin.test:443/b") == SECRETS


@case("credentials/never-come-back", kind="pinned", anchor="D4", level="core", tags=("security",))
def never_come_back(lab: Lab) -> None:
    """What was dropped once is dropped for good, even where the way leads back (CVE-2024-45336)."""
    first = lab.url("/", host="origin.test")
    for way in (
        ["http://other.test/", "http://origin.test/"],
        ["http://other.test/", "/b", "http://origin.test/c"],
        ["http://other.test/", "http://third.test/", "http://other.test/"],
    ):
        before = len(lab.requests)
        lab.origin.play(*[redirect(location) for location in way], ok())

        lab.client.get(first, headers=SECRETS)

        assert [_secrets(seen) for seen in lab.requests[before + 1 :]] == [[]] * len(way)


@case("credentials/of-the-client-too", kind="pinned", anchor="D4", level="core", tags=("security",))
def of_the_client_too(lab: Lab) -> None:
    """Credentials that a client sends with every call are dropped like those of one call."""
    client = lab.new_client(lab.transport, headers=SECRETS)
    lab.origin.play(redirect("/b"), redirect("http://other.test/"), ok())

    client.get(lab.url("/a", host="origin.test"))

    assert [_secrets(seen) for seen in lab.requests] == [SECRETS, SECRETS, []]


@case("credentials/other-fields-go-along", kind="pinned", anchor="D4", level="core")
def other_fields_go_along(lab: Lab) -> None:
    """Only fields known to be credentials are dropped: for a key under a name of its own, follow redirects yourself."""
    headers = [("X-Api-Key", "k"), ("Accept", "a"), ("X-Authorization", "x"), ("Cookies", "c")]
    lab.origin.play(redirect("http://other.test/"), ok())

    lab.client.get(lab.url("/", host="origin.test"), headers=headers)

    assert lab.requests[1].pairs[2:-1] == headers


@case("credentials/host-of-the-caller", kind="pinned", anchor="D4", level="core", tags=("security",))
def host_of_the_caller(lab: Lab) -> None:
    """A Host of the caller's goes along on the same origin, and to no other, which it would mislead."""
    for location, host in (
        ("/b", "inner.test"),
        ("http://other.test/", "other.test"),
        ("//origin.test/", "inner.test"),
    ):
        lab.origin.play(redirect(location), ok())

        lab.client.get(lab.url("/", host="origin.test"), headers={"Host": "inner.test"})

        assert [seen.values("Host") for seen in lab.requests[-2:]] == [["inner.test"], [host]]


@case("credentials/userinfo", kind="pinned", anchor="D15; RFC 7617, 2", level="core", tags=("security",))
def userinfo(lab: Lab) -> None:
    """Userinfo becomes Authorization, decoded; it stands in no target, no Host and no URL of the answer."""
    for text, credentials in (
        ("user:pass", b"user:pass"),
        ("user", b"user:"),
        ("user:", b"user:"),
        (":pass", b":pass"),
        ("", b":"),
        ("us%40er:p%3Aa%2Fss", b"us@er:p:a/ss"),
        ("user:a:b", b"user:a:b"),
        ("%C3%A9:%FF", b"\xc3\xa9:\xff"),
        ("user:p+a*s$s", b"user:p+a*s$s"),
        ("a@b:c", b"a@b:c"),
    ):
        lab.origin.play(ok())

        response = lab.client.get(f"http://{text}@{lab.origin.url('/p').removeprefix('http://')}")

        seen = lab.requests[-1]
        assert seen.values("Authorization") == [f"Basic {b64encode(credentials).decode()}"], text
        assert seen.request_line == "GET /p HTTP/1.1"
        assert seen.values("Host") == [lab.origin.url("").removeprefix("http://")]
        assert str(response.url) == lab.url("/p")
    lab.still_works()


@case("credentials/bad-userinfo", kind="pinned", anchor="D15; RFC 3986, 3.2.1", level="core", tags=("security",))
def bad_userinfo(lab: Lab) -> None:
    """Userinfo that must be escaped and is not could hide where the host begins; the error shows none of it."""
    for text in ("s3cr3t name", "s3cr3t:a\\b", "s3cr3t[", "s3cr3t:\u00e9", "s3cr3t:%zz", "s3cr3t:%", "s3cr3t<>"):
        error = lab.fails(InvalidURLError, lab.client.get, f"http://{text}@origin.test/")
        assert "s3cr3t" not in f"{error} {error!r} {error.url}"
    lab.saw_nothing()


@case("credentials/the-callers-win", kind="pinned", anchor="D15", level="core")
def the_callers_win(lab: Lab) -> None:
    """An Authorization that was given, by call or client, is sent alone; the userinfo is gone."""
    url = f"http://user:pass@{lab.origin.url('/').removeprefix('http://')}"
    with_default = lab.new_client(lab.transport, headers={"authorization": "Bearer b"})
    lab.origin.play(ok(), ok())

    lab.client.get(url, headers={"AUTHORIZATION": "Bearer a"})
    with_default.get(url)

    assert [_secrets(seen) for seen in lab.requests] == [
        [("AUTHORIZATION", "Bearer a")],
        [("authorization", "Bearer b")],
    ]


@case("credentials/userinfo-on-redirects", kind="pinned", anchor="D4; D15", level="core", tags=("security",))
def userinfo_on_redirects(lab: Lab) -> None:
    """Userinfo of the first URL goes along as Authorization does; that of a Location would make the caller another."""
    own = [("Authorization", basic_auth("user", "pass"))]
    lab.url("/", host="origin.test")
    for location, secrets in (
        ("/b", own),
        ("http://origin.test/b", own),
        ("http://evil:x@origin.test/b", own),
        ("//evil@origin.test/b", own),
        ("http://other.test/", []),
        ("http://evil:x@other.test/", []),
    ):
        lab.origin.play(redirect(location), ok())

        response = lab.client.get("http://user:pass@origin.test/a")

        assert [_secrets(seen) for seen in lab.requests[-2:]] == [own, secrets], location
        assert "evil:" not in str(response.url)


@case("credentials/sent-as-given", anchor="RFC 9110, 11.6.2", level="semantic")
def sent_as_given(lab: Lab) -> None:
    """Credentials of any scheme are sent as they are, and only when they were given."""
    for value in ("Bearer abc.def-ghi", "basic dTpw", 'Digest username="u", nonce="="', "Own-Scheme x=1,y", "token"):
        lab.origin.play(ok())

        lab.get(headers={"Authorization": value})

        assert lab.requests[-1].values("Authorization") == [value]
    lab.still_works()
    assert lab.requests[-1].values("Authorization") == []


@case("credentials/challenge-is-an-answer", anchor="RFC 9110, 15.5.2", level="semantic")
def challenge_is_an_answer(lab: Lab) -> None:
    """A 401 is returned with its challenge; nothing is sent again, and no credentials are looked for."""
    challenges = ['Basic realm="a, b", charset="UTF-8"', 'Digest realm="x", nonce="y", Bearer']
    lines = [f"WWW-Authenticate: {challenge}" for challenge in challenges]
    lab.origin.play(raw("HTTP/1.1 401 Unauthorized", *lines, "Content-Length: 2", body=b"no"))

    response = lab.client.get(f"http://user:pass@{lab.origin.url('/').removeprefix('http://')}")

    assert (response.status_code, response.body) == (401, b"no")
    assert response.headers.get_all("www-authenticate") == tuple(challenges)
    assert len(lab.requests) == 1
    lab.still_works()


@case("credentials/none-from-netrc", kind="pinned", anchor="D18", level="core", tags=("security",))
def none_from_netrc(lab: Lab) -> None:
    """No file is searched for credentials: which URL they are for is easily got wrong (CVE-2024-47081)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "netrc"
        path.write_text("machine 127.0.0.1 login user password s3cr3t\ndefault login user password s3cr3t\n")
        path.chmod(0o600)
        with environment(NETRC=str(path), HOME=folder):
            lab.still_works()

    assert lab.requests[0].values("Authorization") == []


@case("credentials/not-told", kind="pinned", anchor="D19", level="core", tags=("security",))
def not_told(lab: Lab) -> None:
    """An error of a call says which call it was, and none of its secrets, not even pickled or by its causes."""
    authority = lab.origin.url("").removeprefix("http://")
    kinds: tuple[tuple[type[FluxHTTPError], list[Script]], ...] = (
        (ReceiveError, [Script().close()]),
        (ReceiveError, [redirect("/b?token=s3cr3t"), Script().close()]),
        (ReceiveError, [redirect(f"http://s3cr3t@{authority}/?token=s3cr3t#s3cr3t"), Script().close()]),
        (InvalidRedirectError, [redirect("ftp://s3cr3t:x@a.test/?s3cr3t")]),
        (InvalidRedirectError, [redirect("//user:s3cr3t/@a.test:x/")]),
    )
    for kind, scripts in kinds:
        lab.origin.play(*scripts)
        error: BaseException | None = lab.fails(
            kind,
            lab.client.post,
            f"http://user:s3cr3t@{authority}/a?token=s3cr3t#s3cr3t",
            headers={"Authorization": "Bearer s3cr3t", "Cookie": "s3cr3t", "X-Api-Key": "s3cr3t"},
            body=b"s3cr3t",
        )
        while error is not None:
            assert "s3cr3t" not in f"{error} {error!r} {getattr(error, 'url', '')}"
            assert b"s3cr3t" not in pickle.dumps(error)
            error = error.__cause__ if error.__suppress_context__ else error.__context__
    lab.still_works()
