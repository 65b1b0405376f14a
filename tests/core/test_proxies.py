"""Which proxy a request goes through: rules 34 to 36, decision D14."""

from __future__ import annotations

import base64
import copy
import ipaddress
import json
import pickle
import re
from pathlib import Path
from urllib.parse import urlsplit

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhttp._core.proxies import NoProxy, Proxy, ProxyRules
from fluxhttp.errors import InvalidConfigError, InvalidTypeError, ProxyError

PROXY = {"HTTP_PROXY": "http://proxy.test:3128", "HTTPS_PROXY": "http://proxy.test:3128"}


def select(rules, url):
    """The selection for a URL whose host is left as written, but for IDNA."""
    scheme, host, port = re.fullmatch(r"([a-z]+)://(\[.*\]|[^:/]*)(?::([0-9]+))?/", url).groups()
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode("ascii")
    return rules.select(scheme, host, int(port or {"http": 80, "https": 443}.get(scheme, 0)))


def environment(**variables):
    return ProxyRules.from_environment(variables)


# The vectors

ENVIRONMENTS = json.loads((Path(__file__).parents[1] / "data" / "proxy_environment.json").read_text("utf-8"))
ROWS = [
    pytest.param(entry["name"], entry["env"], result, id=f"{entry['name']}|{result['url']}")
    for entry in ENVIRONMENTS["environments"]
    for result in entry["results"]
]

# What Go does otherwise, by id. D14: hosts are compared after lower-casing, so
# LOCALHOST is localhost (rule 35 has it exact) and never proxied.
LOWER_CASED = {
    f"{name}|http://LOCALHOST/"
    for name in (
        *("http", "both_cases", "cgi_empty", "host_only", "https_scheme", "socks5h", "socks4", "bad", "ip_only"),
        *("no_proxy_1", "no_proxy_4", "no_proxy_5", "no_proxy_10", "no_proxy_11", "no_proxy_12", "no_proxy_14"),
        *("no_proxy_15", "no_proxy_16", "no_proxy_17", "no_proxy_19", "no_proxy_20", "no_proxy_21", "no_proxy_22"),
        "no_proxy_26",
    )
}
# Section 3 of the design: proxies are http:// ones, another scheme is a ProxyError.
UNSUPPORTED = {
    f"{name}|{url}"
    for name in ("https_scheme", "socks5h", "socks4")
    for url in (
        "http://example.com/",
        "http://example.com:8080/",
        "http://sub.example.com/",
        "http://notexample.com/",
        "http://localhost./",
        "http://foo.localhost/",
        "http://0.0.0.0/",
        "http://10.1.2.3/",
        "http://192.168.1.1/",
        "http://[2001:db8::1]/",
        "http://bücher.example/",
        "http://EXAMPLE.com/",
        "http://example.com./",
    )
}


def test_every_row_of_the_vectors_is_read():
    assert len(ENVIRONMENTS["environments"]) == ENVIRONMENTS["count"]
    assert {row.id for row in ROWS} >= LOWER_CASED | UNSUPPORTED


@pytest.mark.parametrize(("name", "variables", "result"), ROWS)
def test_the_proxy_of_an_environment_is_that_of_go(name, variables, result):
    rules = ProxyRules.from_environment(variables)
    url, expected = result["url"], result["proxy"]

    if f"{name}|{url}" in LOWER_CASED:
        assert expected is not None
        assert select(rules, url) is None
    elif f"{name}|{url}" in UNSUPPORTED:
        assert urlsplit(expected).scheme != "http"
        with pytest.raises(ProxyError, match=r"^unsupported proxy scheme "):
            select(rules, url)
    elif expected is None:
        assert select(rules, url) is None
    else:
        parts = urlsplit(expected)
        assert select(rules, url) == Proxy(parts.scheme, parts.hostname, parts.port or 80)


# The environment


def test_an_empty_environment_is_direct():
    rules = ProxyRules.from_environment({})

    assert rules == ProxyRules.direct()
    assert rules.is_direct
    assert rules.select("http", "example.com", 80) is None


def test_an_empty_variable_is_as_good_as_none():
    assert environment(HTTP_PROXY="", NO_PROXY="example.com").is_direct
    assert select(environment(HTTP_PROXY="", http_proxy="lower.test"), "http://a.test/") == Proxy(
        "http", "lower.test", 80
    )


def test_no_proxy_in_lower_case_is_read_where_the_upper_case_one_is_empty():
    assert select(environment(**PROXY, no_proxy="a.test"), "http://a.test/") is None
    assert select(environment(**PROXY, NO_PROXY="", no_proxy="a.test"), "http://a.test/") is None
    assert select(environment(**PROXY, NO_PROXY="b.test", no_proxy="a.test"), "http://a.test/") is not None


def test_all_proxy_is_not_read():
    assert environment(ALL_PROXY="http://proxy.test:3128", all_proxy="http://proxy.test:3128").is_direct


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
@pytest.mark.parametrize("url", ["http://example.com/", "http://localhost/", "http://exempt.test/"])
def test_in_a_cgi_environment_every_http_request_is_refused(variable, url):
    # httpoxy, CVE-2016-1000110: the variable may be a header of the request being served.
    rules = environment(**{variable: "http://evil.test:1", "REQUEST_METHOD": "GET", "NO_PROXY": "exempt.test"})

    with pytest.raises(ProxyError) as caught:
        select(rules, url)

    assert str(caught.value) == "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy"
    assert caught.value.phase == "proxy"
    assert caught.value.maybe_sent is False


def test_in_a_cgi_environment_https_goes_through_its_proxy_and_http_without_one_goes_direct():
    rules = environment(HTTPS_PROXY="http://proxy.test:3128", REQUEST_METHOD="GET")

    assert select(rules, "https://example.com/") == Proxy("http", "proxy.test", 3128)
    assert select(rules, "http://example.com/") is None


@pytest.mark.parametrize("text", ["[::1", "1.2.3.4:abc", "http:/%zz", "%zz", "proxy.test/%zz#a", "a_b:abc"])
def test_a_value_that_go_cannot_parse_is_no_proxy(text):
    assert environment(HTTP_PROXY=text).is_direct


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("//", "host is missing"),
        ("http://:3128", "host is missing"),
        (":3128", "host is missing"),
        ("exa mple", "host is missing"),
        ("proxy.test:abc", "host is missing"),  # a URL of the scheme "proxy.test", says Go
        ("http://127.1:3128", "neither a name nor an address"),
        ("http://a[b:3128", "neither a name nor an address"),
        ("http://b%C3%BCcher.example", "neither a name nor an address"),
        ("http://a:b:80", "host and port cannot be read"),
        ("http://[::1]]:80", "host and port cannot be read"),
        ("http://proxy.test:0", "port must be 1 to 65535"),
        ("http://proxy.test:65536", "port must be 1 to 65535"),
        ("http://proxy.test:" + "9" * 5000, "port must be 1 to 65535"),
        ("http://u:p%0d%0aX@proxy.test", "has a control character"),
        ("http://u:p%7f@proxy.test", "has a control character"),
    ],
)
def test_a_value_that_parses_but_cannot_be_used_is_an_error_when_selected(text, reason):
    rules = environment(HTTP_PROXY=text, NO_PROXY="exempt.test")

    with pytest.raises(ProxyError, match=f"^invalid HTTP_PROXY: the proxy's .*{reason}"):
        select(rules, "http://example.com/")
    assert select(rules, "http://exempt.test/") is None
    assert select(rules, "http://localhost/") is None
    assert select(rules, "https://example.com/") is None


@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x1f", "\x7f", "\x85", "\udc80"])
@pytest.mark.parametrize("template", ["http://u{}:p@proxy.test:3128", "proxy.test{}", "{}http://proxy.test/", "[::1{}"])
def test_a_control_character_anywhere_is_an_error_when_selected(template, character):
    # CVE-2026-1502: nothing of the kind may reach CONNECT, nor be dropped silently.
    text = template.format(character)

    with pytest.raises(ProxyError) as caught:
        select(environment(HTTPS_PROXY=text), "https://example.com/")

    assert str(caught.value) == (
        f"invalid HTTPS_PROXY: it has the character {character!r} (position {text.index(character)})"
    )
    assert caught.value.maybe_sent is False


@given(st.text("htps:/@[]%.?# a1\\\xfc\n", max_size=20) | st.text(max_size=20))
def test_no_value_of_the_environment_gives_another_error_than_proxy_error(text):
    rules = environment(HTTP_PROXY=text)
    try:
        proxy = rules.select("http", "example.com", 80)
    except ProxyError:
        pass
    else:
        assert proxy is None or (proxy.scheme == "http" and proxy.host.isascii() and 1 <= proxy.port <= 65535)


# What a proxy's URL says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxy.test", ("proxy.test", 80)),
        ("proxy.test:3128", ("proxy.test", 3128)),
        ("PROXY.test:3128", ("proxy.test", 3128)),
        ("HTTP://proxy.test", ("proxy.test", 80)),
        ("http://proxy.test:", ("proxy.test", 80)),
        ("http://proxy.test:00080", ("proxy.test", 80)),
        ("http://proxy.test.:3128/path?query=%zz#fragment", ("proxy.test.", 3128)),
        ("http://10.0.0.1:3128", ("10.0.0.1", 3128)),
        ("http://[2001:DB8::1]:3128", ("2001:db8::1", 3128)),
        ("[2001:db8::1]", ("2001:db8::1", 80)),
        ("http://[fe80::1%25eth0]:3128", ("fe80::1%eth0", 3128)),
        ("http://bücher.example", ("xn--bcher-kva.example", 80)),
    ],
)
def test_the_host_is_in_its_one_form_and_the_port_filled_in(text, expected):
    assert environment(HTTP_PROXY=text).http == Proxy("http", *expected)
    assert ProxyRules.explicit(text).http == Proxy("http", *expected)


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("u:p", b"u:p"),
        ("u", b"u:"),
        ("u:", b"u:"),
        (":p", b":p"),
        ("", b":"),
        ("u:p%40s%2Bs+%c3%bc", "u:p@s+s+ü".encode()),
        ("u@corp:p:q", b"u@corp:p:q"),
        ("%ff", b"\xff:"),
    ],
)
def test_userinfo_is_decoded_and_becomes_basic_credentials(userinfo, credentials):
    expected = "Basic " + base64.b64encode(credentials).decode()

    assert environment(HTTP_PROXY=f"http://{userinfo}@proxy.test").http == Proxy(
        "http", "proxy.test", 80, authorization=expected
    )
    assert ProxyRules.explicit(f"{userinfo}@proxy.test").http.authorization == expected


@pytest.mark.parametrize("scheme", ["https", "socks5", "SOCKS5", "ftp"])
def test_a_proxy_of_another_scheme_is_an_error_only_when_selected(scheme):
    text = f"{scheme}://user:hunter2@proxy.test:1080"

    for rules in (environment(HTTP_PROXY=text, NO_PROXY="a.test"), ProxyRules.explicit({"http": text}, "a.test")):
        assert select(rules, "http://a.test/") is None
        assert select(rules, "https://b.test/") is None
        with pytest.raises(ProxyError) as caught:
            select(rules, "http://b.test/")
        assert str(caught.value) == f"unsupported proxy scheme {scheme.lower()!r}"
        assert caught.value.maybe_sent is False


# Never proxied (rule 35)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost",
        "127.0.0.1",
        "127.255.0.1",
        "::1",
        "[::1]",
        "::1%lo",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
    ],
)
def test_this_machine_is_never_proxied(host):
    for rules in (environment(**PROXY), ProxyRules.explicit("proxy.test:3128")):
        assert rules.select("http", host, 80) is None
        assert rules.select("https", host, 8443) is None


@pytest.mark.parametrize(
    "host", ["localhost.", "a.localhost", "localhost.test", "0.0.0.0", "::", "::7f00:1", "128.0.0.1"]
)
def test_what_is_not_this_machine_by_name_or_address_is_proxied(host):
    assert environment(**PROXY).select("http", host, 80) == Proxy("http", "proxy.test", 3128)


def test_a_caller_may_send_this_machine_through_the_proxy_too():
    rules = ProxyRules.explicit("proxy.test:3128", "::1", loopback=True)

    assert rules.select("http", "localhost", 80) == Proxy("http", "proxy.test", 3128)
    assert rules.select("http", "127.0.0.1", 80) == Proxy("http", "proxy.test", 3128)
    assert rules.select("http", "::1", 80) is None


# NO_PROXY (rule 36)


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "http://example.com/", True),
        ("a.test, * ,b.test", "https://10.1.2.3:8443/", True),
        ("*:80", "http://example.com/", False),
        ("example.com", "http://example.com/", True),
        ("example.com", "http://www.example.com/", True),
        ("example.com", "http://notexample.com/", False),
        ("EXAMPLE.com", "http://example.com/", True),
        (" a.test ,\texample.com ", "http://example.com/", True),
        (",,example.com,", "http://example.com/", True),
        ("a.test example.com", "http://example.com/", False),
        (".example.com", "http://example.com/", False),
        (".example.com", "http://www.example.com/", True),
        ("*.example.com", "http://example.com/", False),
        ("*.example.com", "http://a.b.example.com/", True),
        ("*example.com", "http://www.example.com/", False),
        ("*.example.com:8080", "http://www.example.com:8080/", True),
        ("*.example.com:8080", "http://www.example.com/", False),
        ("com", "http://example.com/", True),
        ("example.com.", "http://example.com/", False),
        ("example.com", "http://example.com./", False),
        ("example.com.", "http://example.com./", True),
        (".", "http://example.com/", False),
        ("*.", "http://example.com./", True),
        ("example.com:443", "https://example.com/", True),
        ("example.com:443", "http://example.com/", False),
        ("example.com:", "http://example.com:8080/", True),
        ("example.com:0443", "https://example.com/", False),
        (":80", "http://example.com/", False),
        ("[]:80", "http://example.com/", False),
        ("http://example.com", "http://example.com/", False),
        ("http://example.com/", "http://example.com/", False),
        ("bücher.example", "http://bücher.example/", True),
        ("BÜCHER.example", "http://www.bücher.example/", True),
        ("*.bücher.example", "http://www.bücher.example/", True),
        ("*.bücher.example", "http://bücher.example/", False),
        ("bücher.example:8080", "http://bücher.example:8080/", True),
        ("bü..cher", "http://bücher.example/", False),
        ("10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3", "http://10.1.2.30/", False),
        ("10.1.2.3", "http://[::ffff:10.1.2.3]/", True),
        ("::ffff:10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3:8080", "http://10.1.2.3:8080/", True),
        ("10.1.2.3:8080", "http://10.1.2.3/", False),
        ("010.1.2.3", "http://10.1.2.3/", False),
        ("10.*", "http://10.1.2.3/", False),
        ("10.1", "http://10.1.2.3/", False),
        ("2.3", "http://10.1.2.3/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.9.9.9/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]/", True),
        ("::ffff:10.0.0.0/104", "http://10.1.2.3/", True),
        ("::/0", "http://10.1.2.3/", False),
        ("0.0.0.0/0", "http://[2001:db8::1]/", False),
        ("10.0.0.0/33", "http://10.1.2.3/", False),
        ("10.0.0.0/8:80", "http://10.1.2.3/", False),
        ("10.0.0.0/8", "http://10.example.com/", False),
        ("2001:db8::/32", "http://[2001:db8::1]/", True),
        ("2001:DB8::1", "http://[2001:db8::1]:8080/", True),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080/", True),
        ("[2001:db8::1]:8080", "http://[2001:db8::1]/", False),
        ("[2001:db8::1]", "http://[2001:db8::1]/", False),
        ("fe80::1", "http://[fe80::1%eth0]/", True),
        ("fe80::/10", "http://[fe80::1%eth0]/", True),
    ],
)
def test_no_proxy_exempts(no_proxy, url, direct):
    rules = environment(**PROXY, NO_PROXY=no_proxy)

    assert (select(rules, url) is None) is direct
    assert (select(ProxyRules.explicit("proxy.test:3128", no_proxy), url) is None) is direct


@pytest.mark.parametrize("zone", ["%.example.com", "%25.example.com"])
@pytest.mark.parametrize("no_proxy", ["*.example.com", ".example.com", "example.com"])
def test_a_zone_is_not_taken_for_a_name(no_proxy, zone):
    # CVE-2025-22870. [::1%25.example.com] is direct, but for being this machine.
    rules = environment(**PROXY, NO_PROXY=no_proxy)

    assert rules.select("http", f"fe80::1{zone}", 80) == Proxy("http", "proxy.test", 3128)
    assert rules.select("http", f"[fe80::1{zone}]", 80) == Proxy("http", "proxy.test", 3128)
    assert not NoProxy(no_proxy).covers(f"::1{zone}", 80, 1)
    assert rules.select("http", "www.example.com", 80) is None


@given(st.text("0123456789abcdef:.*/[], \tü%", max_size=30), st.sampled_from(["10.1.2.3", "a.b.test", "2001:db8::1"]))
def test_no_text_of_no_proxy_is_an_error(no_proxy, host):
    assert environment(**PROXY, NO_PROXY=no_proxy).select("http", host, 80) in {None, Proxy("http", "proxy.test", 3128)}


@given(st.ip_addresses(), st.integers(0, 128), st.ip_addresses())
def test_a_network_exempts_its_addresses(base, prefix, address):
    network = ipaddress.ip_network((base, min(prefix, base.max_prefixlen)), strict=False)
    for inside in (network[0], network[-1]):
        assert environment(**PROXY, NO_PROXY=str(network)).select("http", str(inside), 80) is None or (
            # A mapped address is an IPv4 one, which a network around all of them does not hold.
            inside.version == 6 and inside.ipv4_mapped and network.prefixlen < 96
        )
    if address.version != base.version and not getattr(address, "ipv4_mapped", None) and not address.is_loopback:
        assert environment(**PROXY, NO_PROXY=f"{network[0]}/{network.max_prefixlen}").select("http", str(address), 80)


# Explicit proxies


def test_one_url_is_for_both_schemes():
    rules = ProxyRules.explicit("http://u:p@proxy.test:3128")

    assert rules.http == rules.https == Proxy("http", "proxy.test", 3128, authorization="Basic dTpw")
    assert select(rules, "https://example.com/") == rules.https
    assert not rules.is_direct


def test_a_mapping_names_a_proxy_for_each_scheme_and_exemptions():
    rules = ProxyRules.explicit({"http": "a.test:1", "https": "b.test:2", "no": "c.test"}, no_proxy="d.test")

    assert select(rules, "http://example.com/") == Proxy("http", "a.test", 1)
    assert select(rules, "https://example.com/") == Proxy("http", "b.test", 2)
    assert select(rules, "http://c.test/") is None
    assert select(rules, "http://d.test/") is None


def test_a_scheme_without_a_proxy_goes_direct():
    assert select(ProxyRules.explicit({"http": "a.test:1"}), "https://example.com/") is None
    assert ProxyRules.explicit({}).is_direct
    assert ProxyRules.explicit({"no": "a.test"}).is_direct


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the proxy's host is missing"),
        ("http://", "the proxy's host is missing"),
        ("socks5://", "the proxy's host is missing"),
        ("http://user:hunter2@", "the proxy's host is missing"),
        ("http://user:hunter2@[::1", "it is not a URL"),
        ("user:hunter2@proxy.test:abc", "it is not a URL"),
        ("http://user:hun ter2@proxy.test", "it is not a URL"),
        ("http://user:hunter2%zz@proxy.test", "it is not a URL"),
        ("http://user:hunter2/@proxy.test", "it is not a URL"),
        ("http://hünter2@proxy.test", "it is not a URL"),
        ("http://user:hunter2@127.1", "neither a name nor an address"),
        ("http://user:hunter2%00@proxy.test", "has a control character"),
        ("http://user:hunter2@proxy.test:65536", "the proxy's port must be 1 to 65535"),
        ("http://user:hunter2@proxy.test\r\nX-A: 1", "it has the character '\\r' (position 30)"),
    ],
)
def test_a_bad_url_is_an_error_at_once_and_shows_no_credentials(text, reason):
    for proxies, argument in ((text, "proxies"), ({"https": text}, "proxies['https']")):
        with pytest.raises(InvalidConfigError) as caught:
            ProxyRules.explicit(proxies)
        assert str(caught.value).startswith(f"{argument}: ")
        assert reason in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert "ter2" not in str(caught.value)
        assert caught.value.__suppress_context__


@given(st.text("htps:/@[]%.?# a1\\\xfc\n", max_size=20) | st.text(max_size=20))
def test_no_explicit_text_gives_another_error_than_invalid_config_error(text):
    try:
        rules = ProxyRules.explicit(text)
    except InvalidConfigError:
        pass
    else:
        assert not rules.is_direct


@pytest.mark.parametrize("key", ["all", "HTTP", "ftp", "http://", "no_proxy", 1])
def test_another_key_is_an_error(key):
    with pytest.raises(InvalidConfigError, match=r"^proxies: a key must be 'http', 'https' or 'no'$"):
        ProxyRules.explicit({key: "proxy.test:3128"})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((None,), "proxies must be a mapping or a str, not NoneType"),
        ((b"proxy.test",), "proxies must be a mapping or a str, not bytes"),
        ((["proxy.test"],), "proxies must be a mapping or a str, not list"),
        (({"http": None},), "proxies['http'] must be a str, not NoneType"),
        (({"https": b"proxy.test"},), "proxies['https'] must be a str, not bytes"),
        (({"no": ["a.test"]},), "proxies['no'] must be a str, not list"),
        (({}, None), "no_proxy must be a str, not NoneType"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(arguments, text):
    with pytest.raises(InvalidTypeError, match=f"^{re.escape(text)}$"):
        ProxyRules.explicit(*arguments)


def test_explicit_proxies_know_no_cgi_rule():
    assert select(ProxyRules.explicit("proxy.test"), "http://example.com/") == Proxy("http", "proxy.test", 80)


# The values


def test_no_repr_shows_credentials():
    rules = environment(HTTP_PROXY="http://user:hunter2@proxy.test:3128", HTTPS_PROXY="b.test:2", NO_PROXY="hunter2")

    shown = repr(rules)

    assert shown == (
        "ProxyRules(http=Proxy('http', 'proxy.test', 3128, authorization=***), https=Proxy('http', 'b.test', 2), "
        "is_direct=False)"
    )
    assert "hunter2" not in shown
    assert rules.http.authorization.removeprefix("Basic ") not in shown


def test_rules_and_proxies_pickle_and_copy():
    rules = environment(
        HTTP_PROXY="http://u:p@proxy.test:3128",
        HTTPS_PROXY="socks5://proxy.test",
        NO_PROXY="a.test:80,10.0.0.0/8,10.1.1.1",
        REQUEST_METHOD="GET",
    )

    again = pickle.loads(pickle.dumps(rules))

    assert again == rules
    assert again.http == Proxy("http", "proxy.test", 3128, authorization="Basic dTpw")
    assert hash(again) == hash(rules)
    assert copy.deepcopy(rules) == rules
    assert again != ProxyRules.direct()
    with pytest.raises(ProxyError, match="CGI"):
        select(again, "http://example.com/")


def test_rules_and_proxies_are_frozen():
    with pytest.raises(AttributeError):
        ProxyRules.direct().is_direct = False
    with pytest.raises(AttributeError):
        Proxy("http", "proxy.test", 80).host = "evil.test"


def test_credentials_are_compared():
    assert Proxy("http", "proxy.test", 80, authorization="Basic dTpw") != Proxy("http", "proxy.test", 80)
