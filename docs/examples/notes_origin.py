"""What the examples talk to: an origin on loopback that keeps notes and takes rows."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE_SIZE = 2


class NotesServer(ThreadingHTTPServer):
    """Notes by number, and the rows that came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.notes: dict[int, dict[str, Any]] = {}
        self.rows: list[Any] = []
        self.connections = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: NotesServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/notes":
            query = parse_qs(url.query)
            self.answer(200, self.page(set(query.get("tag", [])), int(query["page"][0])))
            return
        note = self.server.notes.get(int(url.path.removeprefix("/notes/")))
        self.answer(404 if note is None else 200, note)

    def do_POST(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            if self.path == "/rows":
                self.server.rows.append(value)
            else:
                value = {"id": len(self.server.notes) + 1, **value}
                self.server.notes[value["id"]] = value
        if value.get("fail") == "status":
            self.answer(503, None)
        elif value.get("fail") == "reset":
            # Closed with bytes unsaid: the peer sees a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        else:
            self.answer(201, value)

    def page(self, tags: set[str], number: int) -> dict[str, Any]:
        found = [note for note in self.server.notes.values() if tags <= set(note["tags"])]
        end = number * PAGE_SIZE
        return {"notes": found[end - PAGE_SIZE : end], "more": end < len(found)}

    def answer(self, status: int, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in http.server
        """Prints nothing."""


@contextmanager
def serve_notes() -> Iterator[NotesServer]:
    """An origin on a free loopback port, until the block ends."""
    with NotesServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
