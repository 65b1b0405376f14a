"""Programs that listen on loopback: found, started in the foreground, ended by their process group."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from _pytest.mark import ParameterSet

#: How long a program may take to listen, to end, or to do what a test waits for.
START_SECONDS = 20.0
END_SECONDS = 10.0
#: The user that a server started by root becomes, where it does not run as root.
NOBODY = "nobody"
_PORTS = range(20_000, 32_000)


def find_program(*names: str) -> str | None:
    """The path of a program, under the first of these names that is found."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
        if found is not None:
            return found
    return None


def program(*names: str) -> str:
    """The same of a program that is known to be there."""
    found = find_program(*names)
    assert found is not None, f"{names[0]} is not installed"
    return found


def missing_modules(folders: Sequence[str], wanted: Sequence[str]) -> str | None:
    """What to say of a server whose modules are not all there; None if they are."""
    missing = [name for name in wanted if not (modules_folder(folders) / f"mod_{name}.so").exists()]
    return f"without its modules {', '.join(missing)}" if missing else None


def modules_folder(folders: Sequence[str]) -> Path:
    """The first of these folders that is there."""
    return next((folder for folder in map(Path, folders) if folder.is_dir()), Path(folders[0]))


def unless_missing(value: str, reason: str | None) -> str | ParameterSet:
    """A parameter whose tests are skipped if there is a reason for it."""
    # Of the marks only this one makes one line of all the tests of a file.
    return value if reason is None else pytest.param(value, marks=pytest.mark.skip(reason=reason))


def is_root() -> bool:
    return os.geteuid() == 0


@contextlib.contextmanager
def open_folder(what: str) -> Iterator[Path]:
    """A folder that everybody may read: pytest's own are closed to a server that gives up being root."""
    with tempfile.TemporaryDirectory(prefix=f"fluxhttp-{what}-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def unused_ports(count: int) -> list[int]:
    """That many ports of loopback where nobody listens.

    They lie below those that systems give to outgoing connections: such a port may
    be taken between two starts of a server.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no ports are free")


def is_listening(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def is_soon(claim: Callable[[], object], seconds: float) -> bool:
    """Waits until something is so; False if it is not within these seconds."""
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() >= end:
            return False
        time.sleep(0.005)
    return True


def eventually(claim: Callable[[], object], what: str = "it has not become so") -> None:
    """Waits until something is so."""
    assert is_soon(claim, END_SECONDS), what


def _guarded() -> list[str]:
    """What ends a program if the tests are ended before they can do it (Linux)."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "TERM", "--"]


class Program:
    """A program in the foreground, in a process group of its own, to which its workers belong.

    Args:
        command: what to run.
        folder: where it runs, and where the file ``output`` gets what it prints.
        ports: where it listens once it has started.
    """

    def __init__(self, command: Sequence[str], folder: Path, ports: Sequence[int]) -> None:
        self._command = command
        self._folder = folder
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        return (self._folder / "output").read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Starts it and waits until it listens."""
        assert self._process is None
        with (self._folder / "output").open("ab") as output:
            process = subprocess.Popen(
                [*_guarded(), *self._command],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._process = process
        end = time.monotonic() + START_SECONDS
        try:
            for port in self._ports:
                while not is_listening(port):
                    assert process.poll() is None, f"{self._command[0]} ended:\n{self.output}"
                    assert time.monotonic() < end, f"{self._command[0]} does not listen:\n{self.output}"
                    time.sleep(0.005)
        except BaseException:
            self.kill()
            raise

    def send(self, number: signal.Signals) -> None:
        """A signal for the program itself."""
        assert self._process is not None
        self._process.send_signal(number)

    def pause(self) -> None:
        """Halts it and its workers, so that what is sent to it stays unread (Linux)."""
        self._send_all(signal.SIGSTOP)
        eventually(lambda: set(self._states()) <= {"T"}, "it does not halt")

    def kill(self) -> None:
        """Ends it and its workers at once: open connections are reset."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end, and waits until it has; twice is fine."""
        self._end(signal.SIGTERM)

    def _states(self) -> Iterator[str]:
        """The state of each process of its group, as ``ps`` shows it."""
        assert self._process is not None
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # pid (name) state parent group ...: the name may hold anything.
                state, _, group = status.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self._process.pid and state != "Z":
                    yield state

    def _send_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if number is signal.SIGKILL:
            self._send_all(number)
        else:
            process.send_signal(number)
        ended = os.WEXITED | os.WNOHANG | os.WNOWAIT
        is_soon(lambda: os.waitid(os.P_PID, process.pid, ended), END_SECONDS)
        # A worker may outlive its master. Until that is waited for, its number is nobody else's.
        self._send_all(signal.SIGKILL)
        process.wait()
        self._process = None
        eventually(lambda: not any(map(is_listening, self._ports)), "somebody still listens on its ports")
