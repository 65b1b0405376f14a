"""What every server serves, and the certificates they show. All made at run time."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from pathlib import Path

LARGE_BYTES = 104_857_600
#: Compressible, and long enough for several pieces of any server.
TEXT = b"".join(b"%06d: all that is gold does not glitter\n" % number for number in range(5000))
#: As the text lies on the disk of the server, coded beforehand.
CODED = gzip.compress(TEXT, mtime=0)
PAGE = b"<html><body>a folder's page</body></html>\n"
#: A server-side include of all three servers: the text, in pieces.
CHUNKED_PAGE = b'<!--#include virtual="/text.txt" -->'
#: The client's port as the server sees it: one a connection.
WHO_PAGE = b'<!--#echo var="REMOTE_PORT" -->'

ECHO_SCRIPT = """#!/bin/sh
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n%s ' "$REQUEST_METHOD"
[ "${CONTENT_LENGTH:-0}" = 0 ] || head -c "$CONTENT_LENGTH"
"""
CHUNKED_SCRIPT = """#!/bin/sh
printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
cat '%s'
"""


class Site(NamedTuple):
    """Files that servers share, and certificates.

    Attributes:
        root: with the pages.
        scripts: with the scripts ``echo`` and ``chunked``.
        ca_file: the authority that clients trust.
        pair: file with key and certificate for 127.0.0.1.
        other_pair: the same for another host.
    """

    root: Path
    scripts: Path
    ca_file: Path
    pair: Path
    other_pair: Path

    @property
    def large(self) -> Path:
        return self.root / "large.bin"


def make_site(folder: Path) -> Site:
    """Makes all of it below a folder."""
    root, scripts = folder / "root", folder / "scripts"
    (root / "folder").mkdir(parents=True)
    scripts.mkdir()
    for name, content in (
        ("text.txt", TEXT),
        ("text.txt.gz", CODED),
        ("folder/index.html", PAGE),
        ("chunked.shtml", CHUNKED_PAGE),
        ("who.shtml", WHO_PAGE),
    ):
        (root / name).write_bytes(content)
    _write_large(root / "large.bin")
    for name, script in (("echo", ECHO_SCRIPT), ("chunked", CHUNKED_SCRIPT % (root / "text.txt"))):
        (scripts / name).write_text(script)
        (scripts / name).chmod(0o755)
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    pairs = []
    for name, host in (("pair.pem", "127.0.0.1"), ("other-pair.pem", "other.test")):
        pairs.append(folder / name)
        authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(str(pairs[-1]))
    return Site(root, scripts, ca_file, pairs[0], pairs[1])


def _write_large(path: Path) -> None:
    # Pieces that differ: one that is lost, doubled or misplaced shows.
    piece = random.Random(8).randbytes(1_048_576 - 8)
    with path.open("wb") as stream:
        for number in range(LARGE_BYTES // 1_048_576):
            stream.write(b"%08d" % number + piece)
