"""What an origin saw of a request: its very bytes."""

from __future__ import annotations


class SeenRequest:
    """One request as it stood on the wire.

    Attributes:
        raw: head and body, every byte.
        connection: which connection of the origin it came on, from 0.
    """

    __slots__ = ("connection", "raw")

    def __init__(self, raw: bytes, connection: int) -> None:
        self.raw: bytes = raw
        self.connection: int = connection

    @property
    def head(self) -> bytes:
        """Up to and with the empty line."""
        return self.raw[: self.raw.find(b"\r\n\r\n") + 4]

    @property
    def body(self) -> bytes:
        """What follows the empty line."""
        return self.raw[self.raw.find(b"\r\n\r\n") + 4 :]

    @property
    def request_line(self) -> str:
        """``GET / HTTP/1.1``."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def method(self) -> str:
        """The first word."""
        return self.request_line.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """What stands between method and version; "" where that is no request line."""
        return self.request_line.partition(" ")[2].rpartition(" ")[0]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The field lines, latin-1, in order."""
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines)]

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for other, value in self.pairs if other.lower() == name.lower()]

    def __repr__(self) -> str:
        return f"<{self.request_line!r} on connection {self.connection}, {len(self.body)} bytes>"


def body_length(head: bytes) -> int:
    """How many body bytes follow a request's head."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0
