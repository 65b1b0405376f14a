"""Where the answer goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._cli.failures import OutputError, ReaderGoneError

if TYPE_CHECKING:
    from typing import BinaryIO


def report(line: str) -> None:
    """Writes one line to standard error, control characters escaped."""
    if sys.stderr is not None:
        with suppress(OSError):  # there is nobody left to tell
            print(f"fluxhttp: {printable(line)}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """The text on one line, control characters and the like escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def describe_os_error(error: OSError | ValueError) -> str:
    """What happened to a file, in the system's words; ValueError is a name with a NUL."""
    text = (isinstance(error, OSError) and error.strerror) or "not a file name"
    return text[:1].lower() + text[1:]


def write_stdout(*parts: bytes) -> None:
    """Writes bytes to standard output as they are, after what was printed before.

    Raises:
        ReaderGoneError: nobody reads it any more.
        OutputError: it cannot be written.
    """
    stream: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if stream is None:
        raise OutputError("standard output is closed")
    try:
        sys.stdout.flush()
        for part in parts:
            _write_all(stream, part)
        stream.flush()
    except OSError as error:
        _silence(stream)
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError from None
        raise OutputError(f"cannot write to standard output: {describe_os_error(error)}") from error


def _write_all(stream: BinaryIO, data: bytes) -> None:
    """Writes all of it: under PYTHONUNBUFFERED the stream is raw and may take less than it is given."""
    left = memoryview(data)
    while left:
        written: int | None = stream.write(left)
        if written is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        left = left[written:]


def _silence(stream: BinaryIO) -> None:
    """Lets what is still buffered vanish: the interpreter flushes it at exit and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def check_target(name: str) -> Path:
    """The file that a name leads to; one that can never be written is refused, before anything is sent.

    Raises:
        OutputError: it is a directory, or would lie in none.
    """
    try:
        target = Path(os.path.realpath(name))
        is_directory, has_place = target.is_dir(), target.parent.is_dir()
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {name}: {describe_os_error(error)}") from error
    if is_directory or not has_place:
        raise OutputError(f"cannot write {name}: {'is a directory' if is_directory else 'no such directory'}")
    return target


def write_file(target: Path, *parts: bytes) -> None:
    """Writes a file beside its place and then moves it there; a device or pipe is written to directly.

    The permissions of a file that is replaced are kept.

    Raises:
        OutputError: it cannot be written; what was there before is unchanged.
    """
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                stream.writelines(parts)
        else:
            _replace(target, parts)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {describe_os_error(error)}") from error


def _replace(target: Path, parts: tuple[bytes, ...]) -> None:
    partial = target.with_name(f".fluxhttp-{os.urandom(8).hex()}.part")
    try:
        with partial.open("xb") as stream:
            stream.writelines(parts)
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
