"""HAR 1.2 files: reading them, writing them, and how bytes stand in their texts.

The format is that of http://www.softwareishard.com/blog/har-12-spec/, which
browsers and proxies read and write. Names that begin with an underscore are
ours, as the format provides.
"""

from __future__ import annotations

import json
import os
import re
import threading
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from codecs import lookup
from typing import TYPE_CHECKING, Any

from fluxhttp._core.codings import Decoder, parse_codings
from fluxhttp._core.config import DEFAULT_BODY_BYTES
from fluxhttp._version import __version__
from fluxhttp.errors import DecodingError
from fluxhttp.testing.masking import MASKED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    JSON = dict[str, Any]

_find_charset = re.compile(r";[ \t]*charset=[ \t]*\"?([^\s\";]+)", re.IGNORECASE).search
#: Control characters that no text has; the bytes of a picture do.
_find_control = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]").search


class RecordingError(ValueError):
    """A file of recorded exchanges is not there, or is no HAR that can be replayed; the text says where."""

    __module__ = "fluxhttp.testing"


class Node:
    """A value in a file, and the place it has there, for messages."""

    __slots__ = ("place", "value")

    def __init__(self, value: Any, place: str) -> None:
        self.value: Any = value
        self.place: str = place

    def wrong(self, what: str) -> RecordingError:
        """The error that says what is wrong here."""
        return RecordingError(f"{self.place} {what}")

    @property
    def _object(self) -> JSON:
        """What stands under names here; nothing, if it is no object."""
        return self.value if _kind(self.value) == "an object" else {}

    def has(self, name: str) -> bool:
        """Whether there is something under a name."""
        return self._object.get(name) is not None

    def child(self, name: str) -> Node:
        """What is under a name, which must be there."""
        if (kind := _kind(self.value)) != "an object":
            raise self.wrong(f"must be an object, not {kind}")
        if name not in self._object:
            raise self.wrong(f"has no {name!r}")
        return Node(self._object[name], f"{self.place}.{name}")

    def text(self, name: str, default: str | None = None) -> str:
        """The text under a name."""
        if default is not None and not self.has(name):
            return default
        found = self.child(name)
        if not isinstance(found.value, str):
            raise found.wrong(f"must be a text, not {_kind(found.value)}")
        return found.value

    def number(self, name: str) -> float:
        """The number under a name; 0 where there is none, or a negative one that says so."""
        value = self._object.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return 0.0
        return float(value) if 0 <= value < float("inf") else 0.0

    def nodes(self, name: str, *, optional: bool = False) -> list[Node]:
        """The items of the list under a name."""
        if optional and not self.has(name):
            return []
        found = self.child(name)
        if (kind := _kind(found.value)) != "a list":
            raise found.wrong(f"must be a list, not {kind}")
        items: list[object] = found.value
        return [Node(item, f"{found.place}[{index}]") for index, item in enumerate(items)]


_KINDS: dict[type[object], str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")


# The file


def read_log(path: Path) -> Node:
    """The log of a file.

    Raises:
        RecordingError: there is no such file, or it is no HAR; the text names file and place.
    """
    try:
        # The format lets a byte order mark be there.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RecordingError(f"{path}: there is no such file") from None
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{path}: is no HAR: byte {error.start} is no UTF-8") from None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordingError(
            f"{path}: is no HAR: {error.msg[:1].lower()}{error.msg[1:]} (line {error.lineno}, column {error.colno})"
        ) from None
    except (RecursionError, ValueError) as error:
        # Nested too deeply, or a number of thousands of digits.
        raise RecordingError(f"{path}: is no HAR: {type(error).__name__}") from None
    root = Node(value, str(path))
    if not root.has("log") or not isinstance(root.child("log").value, dict):
        raise RecordingError(f"{path}: is no HAR: it has no object 'log'")
    log = Node(root.child("log").value, f"{path}: log")
    version = log.text("version", "1.1")
    # An empty version is 1.1, and 1.2 only adds to it.
    if version not in ("", "1.1", "1.2"):
        raise RecordingError(f"{path}: log.version must be 1.2, not {version[:16]!r}")
    return log


def new_log() -> JSON:
    """A log without entries."""
    return {
        "version": "1.2",
        "creator": {"name": "fluxhttp", "version": __version__},
        "pages": [],
        "entries": [],
    }


def write_log(path: Path, log: JSON) -> None:
    """Writes a file, whole or not at all; folders are made where they are missing.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    text = json.dumps({"log": log}, ensure_ascii=False, indent=2) + "\n"
    # What a link leads to is replaced, not the link.
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        # As JSON has it: a lone surrogate is written as its escape.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


# Bytes and texts


def field_of_text(text: str) -> bytes:
    """The bytes of a received header value: latin-1, as ``Headers`` and browsers have it.

    What stands for a secret, and what a transport decoded by itself, is UTF-8.
    """
    try:
        return MASKED.encode().join([part.encode("latin-1") for part in text.split(MASKED)])
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def text_of_body(body: bytes, content_type: str) -> tuple[str, bool]:
    """A content as text, and whether that is base64."""
    charset = _charset(content_type)
    try:
        text = body.decode(charset)
        # Only what comes back byte for byte; ESC is in ISO-2022-JP.
        if not _find_control(text) and body_of_text(text, content_type) == body:
            return text, False
    except UnicodeError:
        pass
    return b64encode(body).decode("ascii"), True


def body_of_text(text: str, content_type: str) -> bytes:
    """The content that a text stands for, in the charset of its Content-Type."""
    try:
        return text.encode(_charset(content_type))
    except UnicodeError:
        # Lone surrogates stand for nothing; a browser replaces them, too.
        return text.encode("utf-8", "replace")


def body_of_post(text: str, content_type: str) -> bytes:
    """The content of a request that a text stands for: Chromium shows bytes that are no text as latin-1."""
    if _find_control(text):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    return body_of_text(text, content_type)


def body_of_base64(node: Node, name: str) -> bytes:
    """The content that stands as base64 under a name.

    Raises:
        RecordingError: it is no base64.
    """
    try:
        return b64decode(node.text(name), validate=True)
    except (Base64Error, ValueError):
        raise node.child(name).wrong("is no base64") from None


def _charset(content_type: str) -> str:
    found = _find_charset(content_type)
    if found is None:
        return "utf-8"
    try:
        codec = lookup(found[1])
        "".encode(found[1])
    except (LookupError, UnicodeError, ValueError):
        return "utf-8"
    return codec.name


def without_codings(
    body: bytes, values: Sequence[str], *, limit_bytes: int = DEFAULT_BODY_BYTES
) -> tuple[bytes, bool] | None:
    """A content as far as its codings can be undone, and whether that was all of it.

    None where there is no coding, or one that is not known. No more is unpacked
    than a client takes by default.
    """
    try:
        codings = parse_codings(values)
    except DecodingError:
        return None
    if not codings:
        return None
    decoder = Decoder(codings, limit_bytes=limit_bytes)
    pieces: list[bytes] = []
    total = 0
    try:
        for piece in decoder.decode(body):
            pieces.append(piece)
            total += len(piece)
            if total > limit_bytes:
                return b"".join(pieces)[:limit_bytes], False
        decoder.finish()
    except DecodingError:
        return b"".join(pieces), False
    return b"".join(pieces), True
