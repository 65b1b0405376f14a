"""Which proxy, if any, a request goes through (rules 34 to 36, decision D14).

The rules are Go's. The environment comes in as a mapping, read once when a
transport is made; nothing here looks at the process. A proxy's credentials are
turned into the value of Proxy-Authorization at once and appear in no text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxhttp._core.addresses import address_value, is_loopback, network_range, range_holds
from fluxhttp._core.hosts import canonical_host
from fluxhttp._core.value import Value, set_field
from fluxhttp.errors import InvalidConfigError, InvalidTypeError, InvalidURLError, ProxyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from fluxhttp._core.addresses import Range

#: httpoxy, CVE-2016-1000110: a CGI server puts the request's header ``Proxy``
#: into HTTP_PROXY. The text is Go's.
_CGI_REFUSAL = "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy"

# What stands in no URL. A surrogate is a byte of the environment that is not UTF-8.
_find_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
# URI-reference = [ scheme ":" ] [ "//" authority ] rest    (RFC 3986, appendix B), and
# without a scheme no colon in the first segment (4.2).
_reference = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.\-]*):|(?![^/?#]*:))(?://([^/?#]*))?([^?#]*)(?:\?[^#]*)?(?:#(.*))?"
).fullmatch
# authority = [ userinfo "@" ] host [ ":" port ], as far as Go's url.Parse looks at it:
# a host that starts with "[" has a "]", a port is digits, and neither userinfo
# nor host has a character that RFC 3986, 3.2 leaves to other parts.
_USERINFO = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:%@]*@)?"
_HOST = r"A-Za-z0-9\-._~!$&'()*+,;=\[\]<>\"%\x80-\U0010ffff"
_go_takes = re.compile(rf"{_USERINFO}(?:\[[^@]*\](?::[0-9]*)?|(?!\[)(?:[{_HOST}]*|[{_HOST}:]*:[0-9]*))").fullmatch
_find_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_escape = re.compile(rb"%([0-9A-Fa-f]{2})")
_host_and_port = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?").fullmatch

# An entry of NO_PROXY that ends in a port: [address]:port or name:port.
_entry_with_port = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)").fullmatch


class Proxy(Value):
    """A proxy that can be used: an http one, by host and port.

    Attributes:
        scheme: always "http"; another is refused when it is selected.
        host: a lower-case ASCII name, or an address without brackets.
        port: 1 to 65535.
        authorization: the value of Proxy-Authorization, None for no such
            field. It is pickled and compared, but never shown.
    """

    __slots__ = ("authorization", "host", "port", "scheme")
    _fields = ("scheme", "host", "port", "authorization")

    scheme: str
    host: str
    port: int
    authorization: str | None

    def __init__(self, scheme: str, host: str, port: int, *, authorization: str | None = None) -> None:
        set_field(self, "scheme", scheme)
        set_field(self, "host", host)
        set_field(self, "port", port)
        set_field(self, "authorization", authorization)

    def __repr__(self) -> str:
        secret = "" if self.authorization is None else ", authorization=***"
        return f"{type(self).__name__}({self.scheme!r}, {self.host!r}, {self.port}{secret})"


def _split(text: str) -> tuple[str, str] | None:
    """Scheme and authority, "" for one that is absent; None for a text that Go's url.Parse refuses.

    Where Go's verdict is a matter of its release, the text passes here and
    ``_read`` refuses it: a doubtful proxy is an error, not "no proxy".
    """
    found = _reference(text)
    if found is None:
        return None
    scheme, authority, path, fragment = found.groups(default="")
    if not _go_takes(authority) or any(_find_bad_escape(part) for part in (authority, path, fragment)):
        return None
    return scheme.lower(), authority


def _read(scheme: str, authority: str) -> Proxy | str:
    """The proxy of a URL, or for a scheme other than http the text of the error it gives when selected.

    Raises:
        ValueError: it cannot be used. The text shows no part of it.
    """
    if scheme != "http" and authority:
        return f"unsupported proxy scheme {scheme!r}"
    userinfo, at, host_and_port = authority.rpartition("@")
    found = _host_and_port(host_and_port)
    if found is None:
        raise ValueError("the proxy's host and port cannot be read")
    try:
        host = canonical_host(found[1])
    except InvalidURLError:
        # The text of that error may quote what was meant as a password.
        raise ValueError("the proxy's host is missing, or neither a name nor an address") from None
    digits = found[2] or "80"
    port = int(digits) if len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ValueError("the proxy's port must be 1 to 65535")
    return Proxy("http", host, port, authorization=_basic(userinfo) if at else None)


def _basic(userinfo: str) -> str:
    from binascii import b2a_base64  # a shared library of its own, which few starts need

    raw = _escape.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), userinfo.encode("ascii"))
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise ValueError("the proxy's user name or password has a control character")  # RFC 7617, 2
    credentials = raw if b":" in raw else raw + b":"
    return "Basic " + b2a_base64(credentials, newline=False).decode("ascii")


def _check_characters(text: str) -> None:
    if found := _find_control(text):
        raise ValueError(f"it has the character {found[0]!r} (position {found.start()})")


def _environment_proxy(environ: Mapping[str, str], name: str) -> Proxy | str | None:
    """The proxy of HTTP_PROXY or HTTPS_PROXY; a text says why what is set cannot be used."""
    text = environ.get(name) or environ.get(name.lower())
    if not text:
        return None
    try:
        _check_characters(text)
        parts = _split(text)
        if parts is None or not all(parts):
            # Go: no URL as it stands, so perhaps one without its scheme.
            parts = _split(f"http://{text}") or parts
        return None if parts is None else _read(*parts)
    except ValueError as error:
        return f"invalid {name}: {error}"


def _check_str(argument: str, text: object) -> None:
    if not isinstance(text, str):
        raise InvalidTypeError(f"{argument} must be a str, not {type(text).__name__}")


def _explicit_proxy(argument: str, text: str) -> Proxy | str:
    _check_str(argument, text)
    try:
        _check_characters(text)
        parts = _split(text if "://" in text else f"http://{text}")
        if parts is None:
            raise ValueError("it is not a URL")
        return _read(*parts)
    except ValueError as error:
        raise InvalidConfigError(f"{argument}: {error}") from None


class NoProxy(Value):
    """The hosts that NO_PROXY exempts (rule 36).

    Entries are parted by commas: ``*``, a name (it and what is below it), a
    name after ``.`` or ``*.`` (only what is below it), an address, a network;
    all but networks may end in ``:port``. An address is never taken for a
    name, whatever its zone says (CVE-2025-22870). An entry that is none of
    these matches nothing.
    """

    __slots__ = ("addresses", "everything", "names", "networks")
    _fields = ("everything", "networks", "addresses", "names")

    everything: bool
    networks: tuple[Range, ...]
    addresses: tuple[tuple[int, str], ...]
    names: tuple[tuple[str, str], ...]

    def __init__(self, text: str) -> None:
        entries = [entry for part in text.split(",") if (entry := part.strip().lower())]
        networks: list[Range] = []
        addresses: list[tuple[int, str]] = []
        names: list[tuple[str, str]] = []
        for entry in entries:
            network = network_range(entry) if "/" in entry else None
            found = _entry_with_port(entry)
            host, port = (found[1] or found[2] or "", found[3]) if found else (entry, "")
            if network:
                networks.append(network)
            elif (value := address_value(host)) is not None:
                addresses.append((value, port))
            elif host:
                names.append((self._ascii_name(host.removeprefix("*") if host.startswith("*.") else host), port))
        set_field(self, "everything", "*" in entries)
        set_field(self, "networks", tuple(networks))
        set_field(self, "addresses", tuple(addresses))
        set_field(self, "names", tuple(names))

    @staticmethod
    def _ascii_name(name: str) -> str:
        bare = name.removeprefix(".")
        if bare.isascii():
            return name
        try:
            return name[: len(name) - len(bare)] + canonical_host(bare)
        except InvalidURLError:
            return name

    def covers(self, host: str, port: int, value: int | None) -> bool:
        """Whether a host goes direct.

        Args:
            host: in lower case, a name in ASCII.
            port: of the URL, the scheme's default filled in.
            value: the host's ``address_value``, None for a name.
        """
        if self.everything:
            return True
        ports = ("", str(port))
        if value is not None:
            return any(range_holds(network, value) for network in self.networks) or any(
                value == address and wanted in ports for address, wanted in self.addresses
            )
        return any(
            wanted in ports and (host.endswith(name) if name[0] == "." else f".{host}".endswith(f".{name}"))
            for name, wanted in self.names
        )


class ProxyRules(Value):
    """What decides between a proxy and a direct connection, made once for a transport.

    Attributes:
        is_direct: no proxy is set at all.
        http: the proxy of http URLs; a text says why what was set cannot be used.
        https: that of https URLs, likewise.
    """

    __slots__ = ("_cgi", "_loopback", "_no_proxy", "http", "https", "is_direct")
    _fields = ("http", "https", "is_direct", "_no_proxy", "_cgi", "_loopback")

    http: Proxy | str | None
    https: Proxy | str | None
    is_direct: bool
    _no_proxy: NoProxy
    _cgi: bool
    _loopback: bool

    def __init__(
        self,
        http: Proxy | str | None = None,
        https: Proxy | str | None = None,
        *,
        no_proxy: str = "",
        cgi: bool = False,
        loopback: bool = False,
    ) -> None:
        set_field(self, "http", http)
        set_field(self, "https", https)
        set_field(self, "is_direct", http is None and https is None)
        set_field(self, "_no_proxy", NoProxy(no_proxy))
        set_field(self, "_cgi", cgi)
        set_field(self, "_loopback", loopback)

    @classmethod
    def direct(cls) -> Self:
        """No proxy for anything."""
        return cls()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The rules of an environment (rule 34).

        HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same in lower case where
        that is missing or empty. What cannot be parsed with or without
        ``http://`` in front is no proxy; what parses, but names no proxy that
        could be used, is an error of each request that would go through it.
        """
        return cls(
            _environment_proxy(environ, "HTTP_PROXY"),
            _environment_proxy(environ, "HTTPS_PROXY"),
            no_proxy=environ.get("NO_PROXY") or environ.get("no_proxy") or "",
            cgi=bool(environ.get("REQUEST_METHOD")),
        )

    @classmethod
    def explicit(cls, proxies: Mapping[str, str] | str, no_proxy: str = "", *, loopback: bool = False) -> Self:
        """The rules that a caller gives; the environment has no part in them.

        Args:
            proxies: one URL for both schemes, or a mapping with the keys "http"
                and "https", and "no" for exemptions. A URL without ``://`` is
                taken for ``host:port`` of an http proxy.
            no_proxy: exemptions, in the form of NO_PROXY, beside those of "no".
            loopback: whether localhost and loopback addresses go through the
                proxy too (they never do by the environment, rule 35).

        Raises:
            InvalidTypeError: a value of the wrong type.
            InvalidConfigError: an unknown key, or a URL that names no proxy. A
                scheme other than http is an error only when it is selected.
        """
        if isinstance(proxies, str):
            proxy = _explicit_proxy("proxies", proxies)
            routes: dict[str, Proxy | str] = {"http": proxy, "https": proxy}
            own = ""
        elif isinstance(proxies, Mapping):
            if not proxies.keys() <= {"http", "https", "no"}:
                raise InvalidConfigError("proxies: a key must be 'http', 'https' or 'no'")
            routes = {key: _explicit_proxy(f"proxies[{key!r}]", url) for key, url in proxies.items() if key != "no"}
            own = proxies.get("no", "")
        else:
            raise InvalidTypeError(f"proxies must be a mapping or a str, not {type(proxies).__name__}")
        _check_str("proxies['no']", own)
        _check_str("no_proxy", no_proxy)
        return cls(routes.get("http"), routes.get("https"), no_proxy=f"{own},{no_proxy}", loopback=loopback)

    def select(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy that a URL goes through, None for a direct connection.

        Args:
            scheme: of the URL; one other than http and https is direct.
            host: a name in ASCII or an address; brackets and zone are ignored.
            port: of the URL, the scheme's default filled in.

        Raises:
            ProxyError: a proxy for http was found in a CGI environment, or the
                proxy that applies cannot be used. Nothing was sent.
        """
        if self.is_direct:
            return None
        proxy = {"http": self.http, "https": self.https}.get(scheme)
        if proxy is None:
            return None
        if self._cgi and scheme == "http":
            raise ProxyError(_CGI_REFUSAL, maybe_sent=False)
        host = host.lower()
        value = address_value(host.strip("[]").partition("%")[0])
        if not self._loopback and (host == "localhost" or (value is not None and is_loopback(value))):
            return None
        if self._no_proxy.covers(host, port, value):
            return None
        if isinstance(proxy, str):
            raise ProxyError(proxy, maybe_sent=False)
        return proxy
