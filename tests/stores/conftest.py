"""The servers that the stores are tested on: each is started once in a run, when first asked for.

A test that asks for one finds in it what others left; `emptied` and `empty_store` clear it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from flask_login import MemorySessionStore

if TYPE_CHECKING:
    from tests.stores.servers import MariaDB, PostgreSQL
    from tests.stores.servers_redis import Server

    from flask_login.sessions.store import SessionStore


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


#: A busy machine is no failure.
PATIENCE = 60.0
#: For SQLite: where nobody waits for a disk, more can be done.
MEMORY = Path("/dev/shm")  # noqa: S108  # the directory in it gets a random name
ON_A_SERVER = (pytest.mark.servers, pytest.mark.xdist_group("servers"))


@pytest.fixture(
    params=[
        "memory",
        "sqlite",
        *(
            pytest.param(name, marks=ON_A_SERVER)
            for name in ("postgresql", "mariadb", "redis", "redis cluster")
        ),
    ]
)
def every_store(
    request: pytest.FixtureRequest, url_of: Callable[[str], str]
) -> Iterator[SessionStore]:
    """Return an empty store of each kind, on a real server where it has one."""
    name: str = request.param
    if name == "memory":
        yield MemorySessionStore()
    elif name.startswith("redis"):
        pytest.importorskip("redis", minversion="5.0")
        from tests.stores.servers_redis import emptied

        from flask_login.sessions.redis import RedisSessionStore

        cluster = name.endswith("cluster")
        servers = request.getfixturevalue("redis_cluster" if cluster else "redis_server")
        servers = servers if cluster else [servers]
        emptied(servers)
        yield RedisSessionStore(servers[0].url, cluster=cluster, timeout=PATIENCE)
    else:
        pytest.importorskip("sqlalchemy", minversion="2.0")
        from tests.stores.servers import empty_store

        with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
            url = f"sqlite:///{directory}/logins.db" if name == "sqlite" else url_of(name)
            with empty_store(url, timeout=PATIENCE) as made:
                yield made
