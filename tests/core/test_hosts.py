"""Hosts: one form each, and nothing that a resolver would read as another address."""

from __future__ import annotations

import ipaddress
import socket
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fluxhttp._core.hosts import canonical_host, format_ipv6, is_address, is_numeric_label, parse_ipv6
from fluxhttp.errors import InvalidURLError

LABEL = "a" * 63
NUMERIC = "url: a numeric host must be an IPv4 address written as four decimal numbers, 0 to 255"

ipv6_numbers = st.one_of(
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1).map(lambda number: 0xFFFF << 32 | number),
    # Runs of zero fields, which decide where "::" goes.
    st.lists(st.sampled_from([0, 0, 1, 0xFFFF]), min_size=8, max_size=8).map(
        lambda fields: sum(field << 16 * place for place, field in enumerate(fields))
    ),
)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.Com", "example.com"),
        ("example.com.", "example.com."),
        ("localhost", "localhost"),
        ("a_b.test", "a_b.test"),
        ("_dns.a-.-b", "_dns.a-.-b"),
        ("1a.test", "1a.test"),
        ("1.2.3.4.test", "1.2.3.4.test"),
        ("0xg", "0xg"),
        ("xn--example-.com", "xn--example-.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("example\u3002com", "example.com"),
        ("例え.テスト\uff0e", "xn--r8jz45g.xn--zckzah."),
        ("\uff45xample.com", "example.com"),
        (f"{LABEL}.test", f"{LABEL}.test"),
        (".".join([LABEL] * 3 + ["a" * 61]), ".".join([LABEL] * 3 + ["a" * 61])),
        (".".join([LABEL] * 3 + ["a" * 61]) + ".", ".".join([LABEL] * 3 + ["a" * 61]) + "."),
    ],
)
def test_a_host_has_one_form(text: str, host: str) -> None:
    assert canonical_host(text) == host


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "url has no host"),
        (".", "url: each label of the host must have 1 to 63 characters"),
        ("..", "url: each label of the host must have 1 to 63 characters"),
        ("a..b", "url: each label of the host must have 1 to 63 characters"),
        (".a", "url: each label of the host must have 1 to 63 characters"),
        ("a..", "url: each label of the host must have 1 to 63 characters"),
        (f"{LABEL}a", "url: each label of the host must have 1 to 63 characters"),
        (".".join([LABEL] * 3 + ["a" * 62]), "url: the host is longer than 253 characters"),
        (".".join([LABEL] * 4), "url: the host is longer than 253 characters"),
        ("a b", "url: the host must not contain ' ' (position 1)"),
        ("a\\b", "url: the host must not contain '\\\\' (position 1)"),
        ("a%41", "url: the host must not contain '%' (position 1)"),
        ("a\x00b", "url: the host must not contain '\\x00' (position 1)"),
        ("ex[ample", "url: the host must not contain '[' (position 2)"),
        ("a@b", "url: the host must not contain '@' (position 1)"),
        ("a*b", "url: the host must not contain '*' (position 1)"),
        ("*", "url: the host must not contain '*' (position 0)"),
    ],
)
def test_what_is_no_host_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        canonical_host(text)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "text",
    [
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0X7F000001",
        "0x",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.01",
        "010.0.0.1",
        "127.0.0.1.",
        "127.0.0.0x1",
        "256.1.1.1",
        "1.2.3.4.5",
        "1.2.3",
        "0",
        "a.1",
        "a.1.",
        "a.0x1f",
        "\uff11\uff12\uff17.0.0.1",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "127\u30020\u30020\u30021",
        "\u2460\u2461\u2466.0.0.1",
        "0\uff58\uff17\uff46000001",
        "\u0661\u0662\u0667.0.0.1",
    ],
)
def test_a_numeric_spelling_of_an_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidURLError):
        canonical_host(text)


def test_a_numeric_spelling_is_told_how_to_write_it() -> None:
    for text in ("127.1", "0x7f000001", "\uff11\uff12\uff17.0.0.1"):
        with pytest.raises(InvalidURLError) as caught:
            canonical_host(text)

        assert str(caught.value) == NUMERIC


@given(st.text("0123456789abcdefxX.-", min_size=1, max_size=20))
@example("0x0.0x0.0x0.0x7f")
@example("00.00.00.00")
@example("1.1")
def test_no_other_spelling_of_an_ipv4_address_gets_through(text: str) -> None:
    try:
        host = canonical_host(text)
    except InvalidURLError:
        return

    try:
        packed = socket.inet_aton(host)
    except OSError:
        return
    assert str(ipaddress.IPv4Address(packed)) == host


def characters_that_turn_into(targets: str) -> list[str]:
    return [
        chr(code)
        for code in range(0x80, 0x30000)
        if not 0xD800 <= code < 0xE000 and any(char in targets for char in unicodedata.normalize("NFKC", chr(code)))
    ]


def test_no_character_turns_into_a_delimiter() -> None:
    tricks = characters_that_turn_into("/?#@:[]\\%")

    assert {"\uff0f", "\u2100", "\uff20", "\uff1a", "\uff3b"} <= set(tricks)
    for char in tricks:
        with pytest.raises(InvalidURLError):
            canonical_host(f"a{char}b.test")


@pytest.mark.parametrize(
    "text",
    [
        "a\u200db.example",  # a joiner where nothing is to be joined
        "\U0001f600.example",
        "a\u202eb.example",
        "\xad",
        "\u3002",
        "é..b",
        "xn--a.é",
        "é" * 64 + ".test",
        "é\ud800",
        "a\x00é",
        "é b",
        "\u0660.test",
        "\ufffd.test",
    ],
)
def test_a_name_that_idna_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidURLError):
        canonical_host(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[::1]", "::1"),
        ("[::]", "::"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[2001:DB8::A:0:0:1]", "2001:db8::a:0:0:1"),
        ("[2001:db8:0:1:1:1:1:1]", "2001:db8:0:1:1:1:1:1"),
        ("[1:0:0:2:0:0:0:3]", "1:0:0:2::3"),
        ("[1:0:0:2:3:0:0:4]", "1::2:3:0:0:4"),
        ("[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7:0"),
        ("[::2:3:4:5:6:7:8]", "0:2:3:4:5:6:7:8"),
        ("[0001:0002::0003]", "1:2::3"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ("[::FFFF:7F00:1]", "::ffff:127.0.0.1"),
        ("[::127.0.0.1]", "::7f00:1"),
        ("[64:ff9b::1.2.3.4]", "64:ff9b::102:304"),
        ("[1:2:3:4:5:6:1.2.3.4]", "1:2:3:4:5:6:102:304"),
        ("[fe80::1%25eth0]", "fe80::1%eth0"),
        ("[FE80::1%25Eth0]", "fe80::1%Eth0"),
    ],
)
def test_an_ipv6_address_has_one_form(text: str, host: str) -> None:
    assert canonical_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[]",
        "[::1",
        "[[::1]]",
        "[::1]]",
        "[:]",
        "[:::]",
        "[1:::2]",
        "[1::2::3]",
        "[:1]",
        "[1:]",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[1:2:3:4:5:6:7:8::]",
        "[::1:2:3:4:5:6:7:8]",
        "[12345::]",
        "[g::]",
        "[1.2.3.4]",
        "[:1.2.3.4]",
        "[::1.2.3]",
        "[::1.2.3.04]",
        "[::1.2.3.256]",
        "[::1.2.3.4:5]",
        "[::1.2.3.4.5]",
        "[::ffff:0x7f.1]",
        "[v1.a]",
        "[not-ip]",
        "[::1 ]",
        "[\uff11::]",
        "[é]",
        "[fe80::1%eth0]",
        "[fe80::1%25]",
        "[fe80::1%25et h0]",
        "[fe80::1%25et%20h0]",
        "[fe80::1%25" + "z" * 65 + "]",
        "[" + ":" * 100_000 + "]",
    ],
)
def test_what_is_no_ipv6_address_is_refused_between_brackets(text: str) -> None:
    with pytest.raises(InvalidURLError, match=r"^url: (an|only an|the zone of the) IPv6 address "):
        canonical_host(text)


@given(ipv6_numbers)
def test_an_ipv6_address_is_written_as_the_standard_library_does(number: int) -> None:
    text = format_ipv6(number)

    assert parse_ipv6(text) == number
    if number >> 32 != 0xFFFF:  # RFC 5952, 5; the library does so from 3.13 on
        assert text == str(ipaddress.IPv6Address(number))


@given(
    st.one_of(st.text("0123456789abcdef:.", max_size=40), ipv6_numbers.map(lambda n: ipaddress.IPv6Address(n).exploded))
)
@example("::1.2.3.4")
@example("1:2:3:4:5:6:7::")
@example("::")
def test_an_ipv6_address_is_read_as_the_standard_library_does(text: str) -> None:
    try:
        expected = int(ipaddress.IPv6Address(text))
    except ValueError:
        expected = None

    assert parse_ipv6(text) == expected


@settings(deadline=None)  # the first example may load idna
@given(st.text(st.characters(), max_size=20))
def test_any_text_has_a_form_or_is_refused(text: str) -> None:
    try:
        host = canonical_host(text)
    except InvalidURLError:
        return

    assert host.isascii()
    assert host == host.lower() or "%" in host
    assert canonical_host(f"[{host.replace('%', '%25')}]" if ":" in host else host) == host


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("FE80::1%eth0", True),
        ("::ffff:1.2.3.4", True),
        ("127.1", False),
        ("a:b", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_an_address_is_told_from_a_name(text: str, answer: bool) -> None:
    assert is_address(text) is answer


@pytest.mark.parametrize(("label", "answer"), [("1", True), ("0x", True), ("0xff", True), ("", False), ("0xg", False)])
def test_a_label_that_makes_a_name_an_address_is_known(label: str, answer: bool) -> None:
    assert bool(is_numeric_label(label)) is answer


@pytest.mark.cost
@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a." * 50_000,
        "\u0660" * 100_000,
        "\u0660" * 254,
        "é" * 254,
        "é." * 127,
        "xn--" + "a" * 250,
        "[" + "1:" * 50_000 + "]",
        "[::1%25" + "%" * 100_000 + "]",
    ],
    ids=lambda text: f"{text[:8]}x{len(text)}",
)
def test_a_long_host_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidURLError):
        canonical_host(text)

    assert time.process_time() - started < 0.25
