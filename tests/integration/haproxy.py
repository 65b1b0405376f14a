"""HAProxy in front of nginx."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.integration.nginx import Nginx
from tests.integration.programs import END_SECONDS, is_soon, program
from tests.integration.server import Server

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from tests.integration.site import Site

#: What it prints when it was asked for new workers.
_RELOADS = "Reloading HAProxy"
_TRIES = 50


class HAProxy(Server):
    """HAProxy with a master, so that it can be asked for new workers; it compresses, not nginx."""

    name = "haproxy"
    reload_signal = signal.SIGUSR2

    @classmethod
    def missing(cls) -> str | None:
        return super().missing() or Nginx.missing()

    def __init__(self, site: Site, folder: Path, *, crowded: bool = False) -> None:
        (folder / "nginx").mkdir()
        self.origin = Nginx(site, folder / "nginx")
        super().__init__(site, folder, crowded=crowded)

    def command(self, config: Path) -> list[str]:
        return [program("haproxy"), "-W", "-f", str(config)]

    def config(self) -> str:
        site, ports, origin = self.site, self.ports, self.origin.ports.plain
        return f"""
global
    maxconn 200
    nbthread 2
    hard-stop-after 5s
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    timeout http-keep-alive 10s
frontend all
    bind 127.0.0.1:{ports.plain}
    bind 127.0.0.1:{ports.secure} ssl crt {site.pair}
    bind 127.0.0.1:{ports.stranger} ssl crt {site.other_pair}
    bind 127.0.0.1:{ports.limited}
    {"maxconn 1" if self.crowded else ""}
    http-request return status 200 content-type text/plain lf-string %cp if {{ path /who }}
    http-request early-hint Link "</text.txt>; rel=preload" if {{ path /hinted }}
    http-request set-path /folder/ if {{ path /hinted }}
    http-request redirect location https://127.0.0.1:{ports.secure}/who code 302 if {{ path /away }}
    use_backend one if {{ path_beg /one/ }}
    default_backend nginx
backend nginx
    compression algo gzip
    compression type text/plain
    compression offload
    server nginx 127.0.0.1:{origin}
backend one
    timeout queue 100ms
    server nginx 127.0.0.1:{origin} maxconn 1
"""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.origin)
            super().__enter__()
            self._origin = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with self._origin:
            super().__exit__()

    def reload(self) -> None:
        before = self.program.output.count(_RELOADS)
        # The master says that it is ready a moment before it heeds signals.
        for _ in range(_TRIES):
            super().reload()
            if is_soon(lambda: self.program.output.count(_RELOADS) > before, END_SECONDS / _TRIES):
                return
        raise AssertionError("HAProxy does not reload")

    def put_file(self, name: str) -> Path:
        return self.origin.put_file(name)

    def log_lines(self) -> list[str]:
        # What counts is what arrived; and HAProxy drops lines of its log when it is in a hurry.
        return self.origin.log_lines()
