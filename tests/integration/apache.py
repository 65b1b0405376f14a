"""Apache httpd."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from tests.integration.programs import NOBODY, find_program, is_root, missing_modules, modules_folder, program
from tests.integration.server import REQUESTS_MAX, SMALL_BYTES, Server

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FOLDERS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/local/libexec/apache24")
_MPMS = ("event", "prefork")
_WANTED = ("alias", "authz_core", "cgi", "dav", "dav_fs", "deflate", "dir", "env", "filter", "headers", "include",
           "mime", "setenvif", "socache_shmcb", "ssl")  # fmt: skip
#: Built into some Apaches, files in others.
_WHERE_THEY_ARE = ("log_config", "unixd")


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)


class Apache(Server):
    """Apache with the event MPM; with prefork and one process if it is to be crowded."""

    name = "apache"
    reload_signal = signal.SIGUSR1

    @classmethod
    def missing(cls) -> str | None:
        if find_program("apache2", "httpd") is None:
            return "apache2 is not installed"
        missing = missing_modules(_FOLDERS, [*_WANTED, *(f"mpm_{name}" for name in _MPMS)])
        return None if missing is None else f"apache2 is installed {missing}"

    def command(self, config: Path) -> list[str]:
        return [program("apache2", "httpd"), "-d", str(self.folder), "-f", str(config), "-D", "FOREGROUND"]

    def config(self) -> str:
        folder, site, ports = self.folder, self.site, self.ports
        mpm = _MPMS[self.crowded]
        lib = modules_folder(_FOLDERS)
        wanted = [*_WANTED, f"mpm_{mpm}", *(name for name in _WHERE_THEY_ARE if (lib / f"mod_{name}.so").exists())]
        if is_root():
            shutil.chown(folder / "dav", NOBODY)
            (folder / "locks").mkdir()
            shutil.chown(folder / "locks", NOBODY)
        return f"""
            {_lines(f"LoadModule {name}_module {lib}/mod_{name}.so" for name in wanted)}
            {f"User {NOBODY}" if is_root() else ""}
            ServerName 127.0.0.1
            DefaultRuntimeDir {folder}
            PidFile {folder}/pid
            ErrorLog {folder}/errors
            LogFormat "%>s %r" seen
            CustomLog {folder}/access seen
            TypesConfig /dev/null
            AddType text/plain .txt
            AddType text/html .html .shtml
            KeepAlive On
            KeepAliveTimeout 10
            MaxKeepAliveRequests 0
            StartServers {1 if self.crowded else 2}
            {"ServerLimit 1" if self.crowded else "ThreadsPerChild 25"}
            MaxRequestWorkers {1 if self.crowded else 50}
            GracefulShutdownTimeout 5
            SSLSessionCache none
            DavLockDB {folder / "locks" if is_root() else folder}/lock
            AddOutputFilterByType DEFLATE text/plain
            {_lines(f"Listen 127.0.0.1:{port}" for port in ports)}
            {self._host(ports.plain)}
            {self._host(ports.secure, self._tls(site.pair))}
            {self._host(ports.stranger, self._tls(site.other_pair))}
            # Counted are those after the first.
            {self._host(ports.limited, f"MaxKeepAliveRequests {REQUESTS_MAX - 1}")}
            """

    @staticmethod
    def _tls(pair: Path) -> str:
        return f"SSLEngine on\nSSLCertificateFile {pair}\nSSLCertificateKeyFile {pair}"

    def _host(self, port: int, more: str = "") -> str:
        folder, site = self.folder, self.site
        moves = _lines(f"Redirect {status} /move/{status} /echo" for status in (301, 302, 303, 307, 308))
        return f"""
            <VirtualHost 127.0.0.1:{port}>
            {more}
            DocumentRoot {site.root}
            <Directory />
                Require all granted
                AllowOverride None
                Options +Includes
            </Directory>
            DirectoryIndex index.html
            AddOutputFilter INCLUDES .shtml
            <Files text.txt.gz>
                ForceType text/plain
                Header set Content-Encoding gzip
                SetEnv no-gzip 1
            </Files>
            ScriptAlias /echo {site.scripts}/echo
            ScriptAlias /small {site.scripts}/echo
            <Location /small>
                LimitRequestBody {SMALL_BYTES}
            </Location>
            ScriptAlias /chunked {site.scripts}/chunked
            ScriptAlias /until-close {site.scripts}/chunked
            SetEnvIf Request_URI "^/until-close$" downgrade-1.0 force-response-1.0 nokeepalive
            Alias /who {site.root}/who.shtml
            {moves}
            Redirect 302 /loop /loop
            Redirect 302 /away https://127.0.0.1:{self.ports.secure}/who
            Alias /dav {folder}/dav
            <Location /dav>
                Dav On
            </Location>
            </VirtualHost>
            """
