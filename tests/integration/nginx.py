"""nginx."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.integration.programs import is_root, program
from tests.integration.server import REQUESTS_MAX, SMALL_BYTES, Server

if TYPE_CHECKING:
    from pathlib import Path


class Nginx(Server):
    """nginx with two workers; a request's body is echoed by a second server inside it."""

    name = "nginx"
    reload_signal = signal.SIGHUP

    def command(self, config: Path) -> list[str]:
        return [program("nginx"), "-e", f"{self.folder}/errors", "-p", str(self.folder), "-c", str(config)]

    def start(self) -> None:
        # It stays when nginx is killed, and nobody can listen there again.
        (self.folder / "echo").unlink(missing_ok=True)
        super().start()

    def config(self) -> str:
        folder, site, ports = self.folder, self.site, self.ports
        (folder / "paths").write_text(self._paths())
        return f"""
            daemon off;
            {"user root;" if is_root() else ""}
            worker_processes 2;
            pid {folder}/pid;
            error_log {folder}/errors;
            events {{ worker_connections 256; }}
            http {{
                client_body_temp_path {folder}/bodies;
                proxy_temp_path {folder}/proxy;
                fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi;
                scgi_temp_path {folder}/scgi;
                types {{ text/plain txt; text/html html shtml; }}
                default_type application/octet-stream;
                log_format seen '$status $request';
                access_log {folder}/access seen;
                sendfile on;
                gzip on;
                gzip_types text/plain;
                gzip_proxied any;
                client_max_body_size 0;
                absolute_redirect off;
                limit_conn_zone $server_port zone=places:1m;
                ssl_certificate {site.pair};
                ssl_certificate_key {site.pair};
                server {{
                    listen unix:{folder}/echo;
                    access_log off;
                    gzip off;
                    return 200 "$http_x_method $http_x_body";
                }}
                server {{
                    listen 127.0.0.1:{ports.plain};
                    listen 127.0.0.1:{ports.secure} ssl;
                    include {folder}/paths;
                }}
                server {{
                    listen 127.0.0.1:{ports.stranger} ssl;
                    ssl_certificate {site.other_pair};
                    ssl_certificate_key {site.other_pair};
                    include {folder}/paths;
                }}
                server {{
                    listen 127.0.0.1:{ports.limited};
                    keepalive_requests {REQUESTS_MAX};
                    include {folder}/paths;
                }}
            }}
            """

    def _paths(self) -> str:
        echo = f"""
            proxy_pass http://unix:{self.folder}/echo:;
            proxy_set_header X-Method $request_method;
            proxy_set_header X-Body $request_body;
            """
        moves = "".join(
            f"location = /move/{status} {{ return {status} /echo; }}" for status in (301, 302, 303, 307, 308)
        )
        return f"""
            root {self.site.root};
            index index.html;
            location = /text.txt.gz {{
                types {{ }}
                default_type text/plain;
                add_header Content-Encoding gzip;
                gzip off;
            }}
            location = /chunked {{ rewrite ^ /chunked.shtml last; }}
            location = /chunked.shtml {{
                internal;
                ssi on;
                gzip off;
                add_trailer X-Trailer "after the last chunk";
            }}
            location = /until-close {{ rewrite ^ /until/chunked.shtml last; }}
            location /until/ {{
                internal;
                alias {self.site.root}/;
                ssi on;
                gzip off;
                chunked_transfer_encoding off;
            }}
            location = /who {{ return 200 "$remote_port"; }}
            location = /echo {{ {echo} }}
            location = /small {{ client_max_body_size {SMALL_BYTES}; {echo} }}
            location /one/ {{ alias {self.site.root}/; limit_conn places 1; }}
            {moves}
            location = /loop {{ return 302 /loop; }}
            location = /away {{ return 302 https://127.0.0.1:{self.ports.secure}/who; }}
            location /dav/ {{ alias {self.folder}/dav/; dav_methods PUT DELETE; }}
            """
