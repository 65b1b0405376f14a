"""A large body down and up again, in a process of its own, of which every megabyte can be told.

``python -m tests.integration.transfer TRANSPORT CA_FILE DOWN_URL UP_URL FILE`` prints JSON: status codes,
whether the body is that of the file, and by how many bytes the process grew.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import closing
from pathlib import Path

from fluxhttp import Client, Config, Deadline, Transport, open_transport
from fluxhttp._wire.clock import SYSTEM_CLOCK

_CONFIG = Config(timeout=60)
_PIECE_BYTES = 131_072


def peak_bytes() -> int:
    """The most memory that this process has had (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def is_streamed_whole(client: Client, transport: Transport, url: str, path: Path) -> bool:
    """Reads an answer in pieces, each of which is dropped; whether they are the file's."""
    request = client.build_request("GET", url)
    answer = transport.send(request, config=_CONFIG, deadline=Deadline.after(_CONFIG.timeout, SYSTEM_CLOCK))
    with closing(answer), path.open("rb") as stream:
        while piece := answer.read(_PIECE_BYTES):
            if piece != stream.read(len(piece)):
                return False
        return not stream.read(1)


def is_file(body: bytes, path: Path) -> bool:
    """Whether a body is the file's; no second one is held."""
    view = memoryview(body)
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            if view[: len(piece)] != piece:
                return False
            view = view[len(piece) :]
    return not view


def main(name: str, ca_file: str, down: str, up: str, file: str) -> None:
    path = Path(file)
    with (
        closing(open_transport(name, trust_env=False, ca_file=ca_file)) as transport,
        Client(transport, config=_CONFIG) as client,
    ):
        client.head(down)
        client.put(up, body=b"all is loaded")
        found: dict[str, object] = {}
        start = peak_bytes()
        found["streamed_is_file"] = is_streamed_whole(client, transport, down, path)
        found["streamed_growth"] = peak_bytes() - start
        response = client.get(down)
        found["down_growth"] = peak_bytes() - start
        found["down_status"] = response.status_code
        found["down_is_file"] = is_file(response.body, path)
        start = peak_bytes()
        found["up_status"] = client.put(up, body=response.body).status_code
        found["up_growth"] = peak_bytes() - start
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
