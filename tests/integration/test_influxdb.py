"""Points written to InfluxDB 1.x and read back: what ``http/requests`` of Flux was made for."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from fluxhttp import basic_auth
from tests.integration.influxdb import BODY_BYTES, PASSWORD, USER, InfluxDB
from tests.integration.programs import eventually, open_folder, unless_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fluxhttp import Client
    from tests.integration.conftest import CountingDialer, OpenClient
    from tests.integration.site import Site

NANOSECOND = 1_700_000_000_000_000_001


@pytest.fixture(scope="module", params=[unless_missing(kind, InfluxDB.missing()) for kind in ("plain", "secure")])
def influxdb(request: pytest.FixtureRequest, site: Site) -> Iterator[InfluxDB]:
    is_secure = request.param == "secure"
    with open_folder("influxdb") as folder, InfluxDB(site, folder, is_secure=is_secure) as started:
        yield started


@pytest.fixture
def database(influxdb: InfluxDB, open_client: OpenClient, site: Site, transport_name: str) -> Database:
    return Database(influxdb, open_client(ca_file=site.ca_file), transport_name)


class Database:
    """A database of the test's own in InfluxDB."""

    def __init__(self, influxdb: InfluxDB, client: Client, name: str) -> None:
        self.influxdb = influxdb
        self.client = client
        self.name = name
        self.headers = {"Authorization": basic_auth(USER, PASSWORD)} if influxdb.url.startswith("https") else {}
        if self.headers:
            # The first request makes the first user, and needs none.
            self.manage(f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES")
        self.manage(f"DROP DATABASE {name}")
        self.manage(f"CREATE DATABASE {name}")

    def manage(self, statement: str) -> None:
        response = self.client.post(f"{self.influxdb.url}/query", form={"q": statement}, headers=self.headers)
        assert response.json() == {"results": [{"statement_id": 0}]}

    def write(self, lines: bytes, **headers: str) -> Any:
        params = {"db": self.name, "precision": "ns"}
        url = f"{self.influxdb.url}/write"
        return self.client.post(url, params=params, body=lines, headers={**self.headers, **headers})

    def query(self, *statements: str, **params: str) -> Any:
        return self.client.get(
            f"{self.influxdb.url}/query",
            params={"db": [self.name], "q": statements, "epoch": ["ns"], **params},
            headers=self.headers,
        )


def test_points_that_are_written_are_read_back(database: Database, dialer: CountingDialer) -> None:
    written = database.write(
        f'cpu,host=a value=1.5 {NANOSECOND}\ncpu,host=b\\ c\\,d value=2,text="naïve \\"x\\"" {NANOSECOND + 1}'.encode()
    )
    assert (written.status_code, written.body) == (204, b"")

    response = database.query("SELECT value, text, host FROM cpu WHERE value > 1 AND host =~ /[a&=+%]|b/")

    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Influxdb-Version"].startswith("1.")
    assert response.json()["results"] == [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "cpu",
                    "columns": ["time", "value", "text", "host"],
                    "values": [[NANOSECOND, 1.5, None, "a"], [NANOSECOND + 1, 2, 'naïve "x"', "b c,d"]],
                }
            ],
        }
    ]
    assert dialer.connections == 1


def test_a_param_may_have_several_values(database: Database) -> None:
    database.write(f"cpu value=1 {NANOSECOND}".encode())

    response = database.query("SELECT value FROM cpu", "SHOW DATABASES", pretty="true")

    # InfluxDB takes the first, but was told of both; and so was its log.
    assert response.json()["results"][0]["series"][0]["values"] == [[NANOSECOND, 1]]
    asked = f"/query?db={database.name}&epoch=ns&pretty=true&q=SELECT+value+FROM+cpu&q=SHOW+DATABASES "
    eventually(lambda: asked in database.influxdb.log)


def test_many_points_come_compressed_and_in_chunks(database: Database, dialer: CountingDialer) -> None:
    lines = b"".join(b"load value=%di %d\n" % (number, NANOSECOND + number) for number in range(20_000))
    assert database.write(gzip.compress(lines), **{"Content-Encoding": "gzip"}).status_code == 204

    whole = database.query("SELECT value FROM load")
    chunks = database.query("SELECT value FROM load", chunked="true", chunk_size="3000")

    # No Content-Encoding is left: it came coded, for Go sends what is this long in chunks anyway.
    assert "Content-Encoding" not in whole.headers
    values = whole.json()["results"][0]["series"][0]["values"]
    assert [value for _, value in values] == list(range(20_000))
    parts = [json.loads(line) for line in chunks.text.splitlines()]
    assert len(parts) == 7
    assert [row for part in parts for row in part["results"][0]["series"][0]["values"]] == values
    assert dialer.connections == 1


def test_a_mistake_is_told_with_a_status(database: Database, dialer: CountingDialer) -> None:
    refused = database.write(b"cpu,host=a")
    assert refused.status_code == 400
    assert refused.json() == {"error": "unable to parse 'cpu,host=a': missing fields"}
    assert refused.headers["X-Influxdb-Error"] == refused.json()["error"]

    assert database.query("SELECT").status_code == 400
    assert "error" in database.query("SELECT * FROM nowhere.nothing.cpu").json()["results"][0]
    missing = database.client.post(
        f"{database.influxdb.url}/write", params={"db": "missing"}, body=b"cpu value=1", headers=database.headers
    )
    assert missing.status_code == 404
    assert "database not found" in missing.json()["error"]
    assert database.client.head(f"{database.influxdb.url}/ping").status_code == 204
    assert dialer.connections == 1


def test_a_body_that_is_too_large_is_refused_while_it_is_sent(database: Database) -> None:
    for size in (BODY_BYTES + 1, 32 * BODY_BYTES):
        response = database.write(b"#" * size)

        assert response.status_code == 413
        assert response.json() == {"error": "Request Entity Too Large"}
    assert database.write(f"cpu value=1 {NANOSECOND}".encode()).status_code == 204


def test_credentials_are_wanted_where_they_are_set(database: Database) -> None:
    url = f"{database.influxdb.url}/query"
    params = {"q": "SHOW DATABASES"}
    is_secure = bool(database.headers)

    nobody = database.client.get(url, params=params)
    somebody = database.client.get(url, params=params, headers={"Authorization": basic_auth(USER, "wrong")})
    # In the URL they become the same field, and are percent-encoded there.
    known = database.client.get(url.replace("://", "://admin:s3cr3t%20%26%20more@"), params=params)

    assert (nobody.status_code, somebody.status_code) == ((401, 401) if is_secure else (200, 200))
    assert known.status_code == 200
    assert [database.name] in known.json()["results"][0]["series"][0]["values"]
