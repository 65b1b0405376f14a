"""lighttpd."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.integration.programs import missing_modules, program
from tests.integration.server import REQUESTS_MAX, SMALL_BYTES, Server

if TYPE_CHECKING:
    from pathlib import Path

_FOLDERS = ("/usr/lib/lighttpd", "/usr/lib64/lighttpd", "/usr/local/lib/lighttpd")
#: Those that are files of their own in Debian; the others are part of the program.
_WANTED = ("accesslog", "cgi", "deflate", "openssl", "ssi", "webdav")


class Lighttpd(Server):
    """lighttpd, one process."""

    name = "lighttpd"
    reload_signal = signal.SIGUSR1

    @classmethod
    def missing(cls) -> str | None:
        missing = missing_modules(_FOLDERS, _WANTED)
        return super().missing() or (None if missing is None else f"lighttpd is installed {missing}")

    def command(self, config: Path) -> list[str]:
        return [program("lighttpd"), "-D", "-f", str(config)]

    def config(self) -> str:
        folder, site, ports = self.folder, self.site, self.ports
        names = ("setenv", "alias", "redirect", "rewrite", *_WANTED)
        listed = ", ".join(f'"mod_{name}"' for name in names)
        moves = "".join(
            f'$HTTP["url"] == "/move/{status}" {{ url.redirect = ("" => "/echo") url.redirect-code = {status} }}\n'
            for status in (301, 302, 303, 307, 308)
        )
        return f"""
            server.modules = ({listed})
            server.document-root = "{site.root}"
            server.bind = "127.0.0.1"
            server.port = {ports.plain}
            server.pid-file = "{folder}/pid"
            server.errorlog = "{folder}/errors"
            server.upload-dirs = ("{folder}")
            server.max-keep-alive-idle = 10
            server.max-keep-alive-requests = 1000
            server.max-connections = {1 if self.crowded else 200}
            server.max-fds = 1024
            server.graceful-shutdown-timeout = 5
            server.max-request-size = 1048576
            accesslog.filename = "|exec cat >>{folder}/access"
            accesslog.format = "%s %r"
            index-file.names = ("index.html")
            mimetype.assign = (".txt" => "text/plain", ".html" => "text/html", ".gz" => "text/plain",
                               "" => "application/octet-stream")
            deflate.mimetypes = ("text/plain")
            deflate.allowed-encodings = ("gzip")
            ssi.extension = (".shtml")
            $HTTP["url"] == "/text.txt.gz" {{
                setenv.set-response-header = ("Content-Encoding" => "gzip")
                deflate.mimetypes = ()
            }}
            url.rewrite-once = ("^/who$" => "/who.shtml")
            alias.url = ("/echo" => "{site.scripts}/echo", "/small" => "{site.scripts}/echo",
                         "/chunked" => "{site.scripts}/chunked", "/dav/" => "{folder}/dav/")
            $HTTP["url"] =~ "^/(echo|small|chunked)(\\?|$)" {{
                cgi.assign = ("" => "")
                server.stream-response-body = 1
            }}
            $HTTP["url"] =~ "^/small" {{ server.max-request-size = {SMALL_BYTES // 1024} }}
            $HTTP["url"] =~ "^/dav/" {{ webdav.activate = "enable" }}
            {moves}
            $HTTP["url"] == "/loop" {{ url.redirect = ("" => "/loop") url.redirect-code = 302 }}
            $HTTP["url"] == "/away" {{
                url.redirect = ("" => "https://127.0.0.1:{ports.secure}/who")
                url.redirect-code = 302
            }}
            $SERVER["socket"] == "127.0.0.1:{ports.secure}" {{
                ssl.engine = "enable"
                ssl.pemfile = "{site.pair}"
            }}
            $SERVER["socket"] == "127.0.0.1:{ports.stranger}" {{
                ssl.engine = "enable"
                ssl.pemfile = "{site.other_pair}"
            }}
            $SERVER["socket"] == "127.0.0.1:{ports.limited}" {{
                # Counted are those after the first.
                server.max-keep-alive-requests = {REQUESTS_MAX - 1}
            }}
            """
