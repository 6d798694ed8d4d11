"""The servers that the stores are tested on: each is started once in a run, when first asked for.

A test that asks for one finds in it what others left; `emptied` and `empty_store` clear it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.stores.servers import MariaDB, PostgreSQL
    from tests.stores.servers_redis import Server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    from tests.stores.servers import PostgreSQL, driver

    driver("psycopg")
    with closing(PostgreSQL()) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    from tests.stores.servers import MariaDB, driver

    driver("pymysql")
    with closing(MariaDB()) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """One Redis server alone."""
    from tests.stores.servers_redis import single

    with single() as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[Sequence[Server]]:
    """The three nodes of a Redis Cluster."""
    from tests.stores.servers_redis import cluster

    with cluster() as servers:
        yield servers


@pytest.fixture
def server_of(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return what finds a server by the name of its fixture."""

    def find(name: str) -> Any:
        return request.getfixturevalue(name)

    return find


@pytest.fixture
def url_of(server_of: Callable[[str], Any], tmp_path: Path) -> Callable[[str], str]:
    """Return what finds the URL of a SQL database."""

    def find(name: str) -> str:
        if name == "sqlite":
            return f"sqlite:///{tmp_path}/logins.db"
        return str(server_of(name).url())

    return find
