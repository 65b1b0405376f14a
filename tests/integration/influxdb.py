"""InfluxDB 1.x."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.programs import Program, find_program, program, unused_ports

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from tests.integration.site import Site

USER, PASSWORD = "admin", "s3cr3t & more"
#: Most bytes of a body it reads.
BODY_BYTES = 1_048_576


class InfluxDB:
    """One that keeps its data in a folder.

    Args:
        site: has its certificate.
        folder: for all that it writes.
        is_secure: whether it has TLS, and wants a name and a password.
    """

    def __init__(self, site: Site, folder: Path, *, is_secure: bool) -> None:
        self._folder = folder
        port, other = unused_ports(2)
        yes = str(is_secure).lower()
        self.url = f"{'https' if is_secure else 'http'}://127.0.0.1:{port}"
        (folder / "config").write_text(
            f"""
            reporting-disabled = true
            bind-address = "127.0.0.1:{other}"
            [meta]
            dir = "{folder}/meta"
            [data]
            dir = "{folder}/data"
            wal-dir = "{folder}/wal"
            query-log-enabled = false
            [monitor]
            store-enabled = false
            [subscriber]
            enabled = false
            [continuous_queries]
            enabled = false
            [http]
            bind-address = "127.0.0.1:{port}"
            access-log-path = "{folder}/access"
            max-body-size = {BODY_BYTES}
            auth-enabled = {yes}
            https-enabled = {yes}
            https-certificate = "{site.pair}"
            https-private-key = "{site.pair}"
            """
        )
        self._program = Program([program("influxd"), "run", "-config", str(folder / "config")], folder, (port,))

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be started, None if it can."""
        return None if find_program("influxd") else "influxdb is not installed"

    @property
    def log(self) -> str:
        """The requests that were answered."""
        return (self._folder / "access").read_text()

    def __enter__(self) -> Self:
        self._program.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()
