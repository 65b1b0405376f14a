"""The servers by name, as parameters of tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tests.integration.apache import Apache
from tests.integration.haproxy import HAProxy
from tests.integration.lighttpd import Lighttpd
from tests.integration.nginx import Nginx
from tests.integration.programs import open_folder, unless_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from tests.integration.server import Server
    from tests.integration.site import Site

#: The time-out of a call that is to succeed.
CALL_SECONDS = 20.0
SERVERS: dict[str, type[Server]] = {kind.name: kind for kind in (Nginx, Apache, Lighttpd, HAProxy)}


def servers(*names: str) -> list[str | ParameterSet]:
    """These servers, or all of them; the tests of one that is not installed are skipped."""
    return [unless_missing(name, SERVERS[name].missing()) for name in names or SERVERS]


@contextlib.contextmanager
def running(name: str, site: Site, **options: Any) -> Iterator[Server]:
    """A server of this kind until the end of the block."""
    with open_folder(name) as folder, SERVERS[name](site, folder, **options) as started:
        yield started
