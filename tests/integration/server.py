"""What all the servers have in common: paths, ports, a log of what they were asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from tests.integration.programs import Program, eventually, find_program, unused_ports

if TYPE_CHECKING:
    import signal
    from pathlib import Path
    from typing import Self

    from tests.integration.site import Site

#: Most bytes of a body sent to a path below /small.
SMALL_BYTES = 65_536
#: Requests that a connection to the port ``limited`` may carry.
REQUESTS_MAX = 3


class Ports(NamedTuple):
    """Where a server listens.

    Attributes:
        plain: without TLS.
        secure: with a certificate for its address.
        stranger: with one for another host.
        limited: without TLS, for REQUESTS_MAX requests a connection (not HAProxy).
    """

    plain: int
    secure: int
    stranger: int
    limited: int


class Seen(NamedTuple):
    """One request as the server's log has it."""

    method: str
    target: str
    status: int


class Server:
    """A server that is started by a block and ended with it.

    It serves these paths, unless it is said which servers do::

        /text.txt /large.bin /folder/    files
        /text.txt.gz                     a file that is said to be coded
        /chunked                         the text, without a length; with a trailer field (nginx and HAProxy)
        /hinted                          a file, after an interim answer (HAProxy)
        /until-close                     the same, ended by the connection's end (not lighttpd)
        /who                             the client's port
        /echo                            method and body of the request
        /small                           the same, for a body of at most SMALL_BYTES
        /one/large.bin                   a file for one client at a time (nginx and HAProxy)
        /move/STATUS                     a redirect to /echo
        /loop                            a redirect to itself
        /away                            a redirect to /who of the secure port
        /dav/NAME                        what was PUT there

    Args:
        site: what it serves.
        folder: for its configuration, its logs and what is sent to it.
        crowded: whether it has a place for one connection alone.
    """

    name: ClassVar[str]
    #: Whom to ask for new workers that take over while the old ones finish.
    reload_signal: ClassVar[signal.Signals]

    def __init__(self, site: Site, folder: Path, *, crowded: bool = False) -> None:
        self.site = site
        self.folder = folder
        self.crowded = crowded
        self.ports = Ports(*unused_ports(4))
        (folder / "dav").mkdir()
        config = folder / "config"
        config.write_text(self.config())
        self.program = Program(self.command(config), folder, self.ports)

    @classmethod
    def missing(cls) -> str | None:
        """Why it cannot be started, None if it can."""
        return None if find_program(cls.name) else f"{cls.name} is not installed"

    def config(self) -> str:
        """The text of its configuration."""
        raise NotImplementedError

    def command(self, config: Path) -> list[str]:
        """How it is started in the foreground."""
        raise NotImplementedError

    def url(self, path: str, port: str = "plain") -> str:
        scheme = "https" if port in ("secure", "stranger") else "http"
        return f"{scheme}://127.0.0.1:{getattr(self.ports, port)}{path}"

    def start(self) -> None:
        """Starts it; it may have been stopped or killed before."""
        self.program.start()

    def stop(self) -> None:
        self.program.stop()

    def reload(self) -> None:
        """Lets new workers take over; open connections are closed once they are idle."""
        self.program.send(self.reload_signal)

    def put_file(self, name: str) -> Path:
        """Where the content of /dav/NAME lies."""
        return self.folder / "dav" / name

    def log_lines(self) -> list[str]:
        """The log, one request a line."""
        path = self.folder / "access"
        return path.read_text().splitlines() if path.exists() else []

    def seen(self) -> list[Seen]:
        """All requests that were answered, since the first start."""
        found = []
        for line in self.log_lines():
            # STATUS METHOD TARGET VERSION; a connection without a request has less.
            fields = line.split(" ")
            if len(fields) == 4:
                found.append(Seen(fields[1], fields[2], int(fields[0])))
        return found

    def count(self, method: str) -> Counter[str]:
        """How often each target was asked for with a method."""
        return Counter(seen.target for seen in self.seen() if seen.method == method)

    def wait_for(self, target: str, times: int = 1) -> list[Seen]:
        """The requests for a target, once the log has so many: it is written after the answer."""

        def found() -> list[Seen]:
            return [seen for seen in self.seen() if seen.target == target]

        eventually(lambda: len(found()) >= times, f"the log has no {times} requests for {target}")
        return found()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def unread_bytes(port: int) -> int:
    """How many bytes wait in the system for whoever listens on a port of loopback (Linux)."""
    total = 0
    with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123  # the kernel's, of no size
        for line in list(table)[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "01":  # established
                total += int(fields[4].rpartition(":")[2], 16)
    return total
