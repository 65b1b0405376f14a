"""The origin that the documentation's snippets talk to: it answers each request with what it received, as JSON.

Run as a program, it prints its URL and serves until Ctrl-C.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer

    def handle(self) -> None:
        with suppress(ConnectionError):  # a client that has read enough hangs up
            super().handle()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, _, location = self.path.removeprefix("/status/").partition("?to=")
        received = {"method": self.command, "target": self.path, "headers": dict(self.headers), "body": body.decode()}
        content = json.dumps(received).encode()
        self.send_response(int(status) if status.isdigit() else 200)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = answer  # noqa: N815 (the names http.server looks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in http.server)
        """Print nothing."""


@cache
def start_origin() -> str:
    """Serve on a free loopback port until the process ends, and return the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


if __name__ == "__main__":
    print(start_origin(), flush=True)  # noqa: T201  # what it is run for
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
