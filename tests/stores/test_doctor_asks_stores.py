"""What ``flask login doctor`` learns from real stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from tests.stores.servers_redis import PASSWORD, Server, sentinel

from flask_login import LoginManager
from flask_login.doctor import examine
from flask_login.sessions.store import SessionStore


def codes(*stores: SessionStore) -> set[str]:
    """The findings that have to do with where and how the realms' logins are kept."""
    app = Flask(__name__)
    for number, store in enumerate(stores):
        LoginManager(app, name=f"realm_{number}", session_store=store)
    with app.app_context():
        return {finding.code for finding in examine(app) if "store" in finding.code}


def redis_store(*args: Any, **kwargs: Any) -> Any:
    pytest.importorskip("redis")
    from flask_login.sessions import RedisSessionStore

    return RedisSessionStore(*args, **kwargs)


def evicting(server: Server, policy: str, memory: str) -> None:
    assert server.ask("CONFIG", "SET", "maxmemory-policy", policy) == b"+OK\r\n"
    assert server.ask("CONFIG", "SET", "maxmemory", memory) == b"+OK\r\n"


CASES = pytest.mark.parametrize(
    ("policy", "memory", "found"),
    [
        ("allkeys-lru", "100mb", {"store_evicts"}),
        ("allkeys-lru", "0", set()),
        ("volatile-lru", "100mb", set()),
        ("noeviction", "100mb", set()),
    ],
)


@CASES
def test_a_redis_server_that_evicts_any_key_is_found(
    redis_server: Server, policy: str, memory: str, found: set[str]
) -> None:
    try:
        evicting(redis_server, policy, memory)
        assert codes(redis_store(redis_server.url)) == found
    finally:
        evicting(redis_server, "noeviction", "0")


@CASES
def test_a_redis_cluster_that_evicts_any_key_is_found(
    redis_cluster: Sequence[Server], policy: str, memory: str, found: set[str]
) -> None:
    try:
        for server in redis_cluster:
            evicting(server, policy, memory)
        assert codes(redis_store(redis_cluster[0].url, cluster=True)) == found
    finally:
        for server in redis_cluster:
            evicting(server, "noeviction", "0")


def test_a_redis_server_that_does_not_tell_is_no_finding(redis_server: Server) -> None:
    rights = ("on", "nopass", "~*", "+@all", "-info")
    try:
        evicting(redis_server, "allkeys-lru", "100mb")
        assert redis_server.ask("ACL", "SETUSER", "quiet", *rights) == b"+OK\r\n"
        assert codes(redis_store(redis_server.url.replace("//:", "//quiet:"))) == set()
    finally:
        redis_server.ask("ACL", "DELUSER", "quiet")
        evicting(redis_server, "noeviction", "0")


@pytest.mark.parametrize("cluster", [False, True])
def test_a_redis_that_is_away_is_named_by_its_host_and_without_its_password(cluster: bool) -> None:
    app = Flask(__name__)
    store = redis_store(f"redis://user:{PASSWORD}@127.0.0.1:1/0", cluster=cluster)
    LoginManager(app, session_store=store)
    with app.app_context():
        [text] = [found.text for found in examine(app) if found.code == "store_unavailable"]
    assert "(redis at 127.0.0.1:1) gives no answer: " in text
    assert "(connection refused)" in text
    assert PASSWORD not in text
    assert "user" not in text


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql+psycopg", "psycopg"),
        ("postgresql+psycopg2", "psycopg2"),
        ("mysql+pymysql", "pymysql"),
    ],
)
def test_a_database_that_is_away_is_named_by_its_host_and_without_its_password(
    url: str, driver: str
) -> None:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip(driver)
    from flask_login.sessions import SQLAlchemySessionStore

    app = Flask(__name__)
    store = SQLAlchemySessionStore(f"{url}://somebody:{PASSWORD}@127.0.0.1:1/shop")
    LoginManager(app, session_store=store)
    with app.app_context():
        [text] = [found.text for found in examine(app) if found.code == "store_unavailable"]
    assert "(sqlalchemy at 127.0.0.1:1) gives no answer: OperationalError (connection" in text
    assert PASSWORD not in text
    assert "somebody" not in text


def test_realms_that_share_keys_on_a_redis_server_are_found(redis_server: Server) -> None:
    redis = pytest.importorskip("redis")
    url = redis_server.url
    assert codes(redis_store(url), redis_store(url)) == {"shared_store"}
    client = redis.Redis.from_url(url)
    assert codes(redis_store(url), redis_store(client)) == {"shared_store"}
    assert codes(redis_store(url), redis_store(url, prefix="staff:")) == set()
    assert codes(redis_store(url), redis_store(url.replace("/0", "/1"))) == set()


def test_realms_that_share_keys_in_a_redis_cluster_are_found(
    redis_cluster: Sequence[Server],
) -> None:
    url = redis_cluster[0].url
    stores = [redis_store(url, cluster=True) for _ in range(2)]
    assert codes(*stores) == {"shared_store"}
    other = redis_store(url, cluster=True, prefix="staff:")
    assert codes(stores[0], other) == set()


def test_realms_that_share_keys_behind_sentinel_are_found(redis_server: Server) -> None:
    library = pytest.importorskip("redis.sentinel")
    with sentinel(redis_server) as watcher:
        watch = library.Sentinel([("127.0.0.1", watcher.port)])
        main, again = (watch.master_for("main", password=PASSWORD) for _ in range(2))
        assert codes(redis_store(main), redis_store(again)) == {"shared_store"}
        assert codes(redis_store(main), redis_store(again, prefix="staff:")) == set()


def test_realms_that_share_a_table_are_found(tmp_path: Path) -> None:
    sa = pytest.importorskip("sqlalchemy")
    from flask_login.sessions import SQLAlchemySessionStore

    def made(*args: Any, **kwargs: Any) -> SQLAlchemySessionStore:
        store = SQLAlchemySessionStore(*args, **kwargs)
        store.create_all()
        return store

    url = f"sqlite:///{tmp_path}/shop.db"
    assert codes(made(url), made(url)) == {"shared_store"}
    assert codes(made(url), made(sa.create_engine(url))) == {"shared_store"}
    assert codes(made(url), made(url, table_name="staff_logins")) == set()
    assert codes(made(url), made(f"sqlite:///{tmp_path}/staff.db")) == set()
    assert codes(made("sqlite://"), made("sqlite://")) == set(), "a memory each"
    engine, metadata = sa.create_engine(url), sa.MetaData()
    stores = [SQLAlchemySessionStore(engine, metadata=metadata) for _ in range(2)]
    assert codes(*stores) == {"shared_store"}
