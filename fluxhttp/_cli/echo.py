"""An origin on loopback that answers with the JSON it received."""

from __future__ import annotations

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

#: How often the server looks whether it is to stop; its default is half a second.
_POLL_SECONDS = 0.01
#: An idle connection is closed then, should a transport forget to.
_IDLE_SECONDS = 10


class Received(NamedTuple):
    """A request as the origin saw it."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "echo"
    sys_version = ""
    timeout = _IDLE_SECONDS
    wbufsize = -1  # head and body in one packet
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        origin = self.server
        assert isinstance(origin, EchoOrigin)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        origin.received.append(Received(self.requestline, tuple(self.headers.items()), body))
        status, answer = 200, json.loads(body)
        credentials = self.headers.get("Authorization")
        if credentials is not None:
            is_right = credentials.encode("latin-1") == origin.credentials
            status = 200 if is_right else 401
            # That it came is told, and not what it is.
            answer = {"token": "accepted" if is_right else "refused", **answer}
        content = json.dumps(answer, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Print nothing."""


class EchoOrigin(socketserver.ThreadingTCPServer):
    """Serves on a free port of 127.0.0.1 inside its ``with`` block.

    Args:
        token: the bearer token that is accepted, and never shown.

    Attributes:
        received: every request, in the order of arrival.
    """

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.credentials = f"Bearer {token}".strip().encode("utf-8", "surrogateescape")
        self.received: list[Received] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client sees its connection closed."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
