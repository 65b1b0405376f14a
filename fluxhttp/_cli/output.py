"""Where the answer goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._cli.failures import OutputError, ReaderGoneError

if TYPE_CHECKING:
    from typing import BinaryIO


def report(line: str) -> None:
    """Writes one line to standard error, control characters escaped."""
    if sys.stderr is not None:
        shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
        print(f"fluxhttp: {shown}", file=sys.stderr, flush=True)


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
            stream.write(part)
        stream.flush()
    except OSError as error:
        _silence(stream)
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError from None
        raise OutputError(f"cannot write to standard output: {describe_os_error(error)}") from error


def _silence(stream: BinaryIO) -> None:
    """Lets what is still buffered vanish: the interpreter flushes it at exit and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def check_target(name: str) -> None:
    """Refuses a file that can never be written, before anything is sent.

    Raises:
        OutputError: it is a directory, or would lie in none.
    """
    target = os.path.realpath(name)
    if os.path.isdir(target):
        raise OutputError(f"cannot write {name}: is a directory")
    if not os.path.isdir(os.path.dirname(target)):
        raise OutputError(f"cannot write {name}: no such directory")


def write_file(name: str, *parts: bytes) -> None:
    """Writes a file beside its place and then moves it there; a device or pipe is written to directly.

    A link is followed, and the permissions of a file that is replaced are kept.

    Raises:
        OutputError: it cannot be written; what was there before is unchanged.
    """
    target = Path(os.path.realpath(name))
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                stream.writelines(parts)
        else:
            _replace(target, parts)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {name}: {describe_os_error(error)}") from error


def _replace(target: Path, parts: tuple[bytes, ...]) -> None:
    partial = target.with_name(f".fluxhttp-{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as stream:
            stream.writelines(parts)
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
