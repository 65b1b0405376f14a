"""The host of a URL in its one form: lower-case ASCII, or an address (decision D7)."""

from __future__ import annotations

import re

from fluxhttp.errors import InvalidURLError

# A label: letters, digits, hyphen and underscore, 1 to 63 of them; RFC 1123, 2.1,
# and the underscore, which names in use have.
_is_label = re.compile(r"[a-z0-9_\-]{1,63}").fullmatch
_find_odd = re.compile(r"[^a-z0-9_.\-]").search
# The last label decides whether resolvers take a name for a spelling of an IPv4
# address: inet_aton reads decimal, octal and hexadecimal, in one to four parts.
is_numeric_label = re.compile(r"[0-9]+|0x[0-9a-f]*").fullmatch
# dec-octet, without leading zeros                                (RFC 3986, 3.2.2)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_is_ipv4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}").fullmatch
_is_hextets = re.compile(r"[0-9a-f:]{2,39}").fullmatch
_is_zone = re.compile(r"[A-Za-z0-9\-._~]{1,64}").fullmatch

#: RFC 1035, 2.3.4. Checked before IDNA, whose cost grows with the square (CVE-2024-3651).
_NAME_LENGTH_MAX = 253


def canonical_host(text: str) -> str:
    """The one form of a host: a lower-case ASCII name, or an address without brackets.

    Raises:
        InvalidURLError: it is not a host, or a numeric spelling of an address
            that is not four decimal octets.
    """
    if text.startswith("["):
        return _ipv6(text)
    if not text:
        raise InvalidURLError("url has no host")
    if len(text) > _NAME_LENGTH_MAX + 1:
        raise InvalidURLError(f"url: the host is longer than {_NAME_LENGTH_MAX} characters")
    name = text.lower() if text.isascii() else _to_ascii(text)
    if found := _find_odd(name):
        raise InvalidURLError(f"url: the host must not contain {found[0]!r} (position {found.start()})")
    labels = name.split(".")
    if labels[-1] == "" and len(labels) > 1:
        labels.pop()
    if len(name) - name.endswith(".") > _NAME_LENGTH_MAX:
        raise InvalidURLError(f"url: the host is longer than {_NAME_LENGTH_MAX} characters")
    for label in labels:
        if not _is_label(label):
            raise InvalidURLError("url: each label of the host must have 1 to 63 characters")
    if is_numeric_label(labels[-1]) and not (text.isascii() and _is_ipv4(name)):
        raise InvalidURLError("url: a numeric host must be an IPv4 address written as four decimal numbers, 0 to 255")
    return name


def _to_ascii(text: str) -> str:
    # Loaded only for names that need it: its tables take milliseconds.
    import idna

    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except UnicodeError as error:
        # IDNAError says which code point; it is a UnicodeError, and so is a surrogate's.
        raise InvalidURLError(f"url: the host is not a valid internationalised name: {error}") from None


def _ipv6(text: str) -> str:
    if not text.endswith("]"):
        raise InvalidURLError("url: an IPv6 address must end with ']'")
    address, percent, zone = text[1:-1].partition("%25")
    if percent and not _is_zone(zone):
        raise InvalidURLError("url: the zone of the IPv6 address is empty or has a character that is not allowed")
    number = parse_ipv6(address.lower())
    if number is None:
        raise InvalidURLError("url: only an IPv6 address may stand between brackets")
    return format_ipv6(number) + (f"%{zone}" if zone else "")


def parse_ipv6(text: str) -> int | None:
    """The number of an IPv6 address in lower case (RFC 4291, 2.2), or None."""
    head, dot, _ = text.rpartition(":")
    if "." in text:
        octets = text[len(head) + 1 :]
        if not dot or not _is_ipv4(octets):
            return None
        a, b, c, d = (int(octet) for octet in octets.split("."))
        text = f"{head}:{a << 8 | b:x}:{c << 8 | d:x}"
    if not _is_hextets(text) or ":::" in text:
        return None
    left, gap, right = text.partition("::")
    before = left.split(":") if left else []
    after = right.split(":") if right else []
    if gap:
        missing = 8 - len(before) - len(after)
        if missing < 1:
            return None
        before += ["0"] * missing
    hextets = before + after
    if len(hextets) != 8 or not all(0 < len(hextet) <= 4 for hextet in hextets):
        return None
    return int("".join([hextet.zfill(4) for hextet in hextets]), 16)


def format_ipv6(number: int) -> str:
    """The text of an IPv6 address (RFC 5952, 4 and 5)."""
    if number >> 32 == 0xFFFF:
        return "::ffff:" + ".".join([str(number >> shift & 0xFF) for shift in (24, 16, 8, 0)])
    hextets = [f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)]
    best_start, best_length = 0, 1  # a single zero field is not shortened
    start = None
    for place, hextet in enumerate([*hextets, "end"]):
        if hextet == "0":
            start = place if start is None else start
        elif start is not None:
            if place - start > best_length:
                best_start, best_length = start, place - start
            start = None
    if best_length == 1:
        return ":".join(hextets)
    return ":".join(hextets[:best_start]) + "::" + ":".join(hextets[best_start + best_length :])


def is_address(text: str) -> bool:
    """Whether it is a numeric address: four decimal octets, or IPv6, maybe with a zone."""
    if ":" in text:
        return parse_ipv6(text.partition("%")[0].lower()) is not None
    return _is_ipv4(text) is not None
