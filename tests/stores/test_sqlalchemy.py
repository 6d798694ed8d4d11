"""The contract, and what is SQL's own, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", minversion="2.0")

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable
from tests.deadlines import at_most
from tests.effort import part_of
from tests.stores.servers import (
    LOOPBACK,
    PASSWORD,
    DatabaseServer,
    MariaDB,
    PostgreSQL,
    Wire,
    driver,
    empty_store,
    free_port,
)

from flask_login import ConfigurationError
from flask_login.core import rotation
from flask_login.sessions import records
from flask_login.sessions.contract import (
    ENTRIES,
    MINUTE,
    NOW,
    SessionStoreContract,
    a_record,
)
from flask_login.sessions.sql_schema import Codec, sessions_table
from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore
from flask_login.sessions.store import SessionStore, SessionStoreUnavailable

DATABASES = ("sqlite", "postgresql", "mariadb")
SERVERS = ("postgresql", "mariadb")


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """Collect the statements that an engine sends."""
    sent: list[str] = []

    def note(*args: Any) -> None:
        sent.append(args[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Iterator[SessionStore]:
    """Return a store on an engine of the application's, on each database."""
    with empty_store(sa.create_engine(url_of(request.param))) as made:
        yield made


# ----------------------------------------------------------------------- the contract


class TestContract(SessionStoreContract):
    rounds = part_of(50)

    @pytest.fixture(
        params=[f"{name}-{how}" for name in (*DATABASES, "memory") for how in ("engine", "url")]
    )
    def store(
        self, request: pytest.FixtureRequest, url_of: Callable[[str], str]
    ) -> Iterator[SessionStore]:
        name, _, how = request.param.partition("-")
        url = "sqlite://" if name == "memory" else url_of(name)
        options: dict[str, Any] = {"pool_size": 16}
        if name == "memory":
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        with empty_store(sa.create_engine(url, **options) if how == "engine" else url) as made:
            yield made


@pytest.mark.parametrize("of_whom", ["psycopg2", "pymysql over mysql"])
def test_other_names_of_the_same_databases_work(
    of_whom: str, server_of: Callable[[str], Any]
) -> None:
    if of_whom == "psycopg2":
        driver("psycopg2")
        url = server_of("postgresql").url(driver="psycopg2")
    else:
        url = server_of("mariadb").url().replace("mariadb+", "mysql+")
    for bind in (sa.create_engine(url), url):
        with empty_store(bind) as store:
            first = a_record(idle_timeout=MINUTE)
            store.create(first)
            assert store.get(first.id, seen_at=NOW + MINUTE / 2) is not None
            assert store.get(first.id) == replace(first, last_seen_at=NOW + MINUTE / 2)
            assert list(store.purge(NOW + timedelta(days=99))) == [1]


# --------------------------------------------------------------------- what is its own


def test_every_operation_is_one_statement(store: SQLAlchemySessionStore) -> None:
    record = a_record(external_id="sid-1")
    engine = store._get_engine()
    postgresql = engine.dialect.name == "postgresql"
    operations: list[tuple[int, Callable[[], object]]] = [
        (1, lambda: store.create(record)),
        (1, lambda: store.get(record.id)),
        (1, lambda: store.get(record.id, seen_at=NOW + MINUTE / 2, interval=MINUTE)),
        (1 if postgresql else 2, lambda: store.get(record.id, seen_at=NOW + MINUTE)),
        (0, lambda: store.get("\x00" * 100)),
        (1, lambda: store.replace(replace(record, version=2))),
        (1, lambda: store.list("ada")),
        (1, lambda: store.list_external("sid-1")),
        (1, lambda: store.end_all_before(NOW)),
        (1, store.ended_before),
        (1, lambda: store.lower_brake(NOW)),
        (3, lambda: store.lower_brake(NOW - MINUTE)),
        (1, lambda: store.end_all("ada", records.REVOKED, NOW)),
        (1, lambda: store.delete(record.id)),
        (1, lambda: store.delete_all("ada")),
        (1, lambda: list(store.purge(NOW))),
        (1, store.ping),
    ]
    for expected, operation in operations:
        with statements(engine) as sent:
            operation()
        kept = [text for text in sent if not text.startswith("PRAGMA")]
        assert len(kept) == expected, kept


@pytest.mark.parametrize(
    ("name", "how", "checked", "touched"),
    [
        ("postgresql", "engine", 1, 1),
        ("postgresql", "url", 1, 1),
        # The pool of the application's engine sends ROLLBACK, and a write needs its COMMIT.
        ("mariadb", "engine", 2, 5),
        ("mariadb", "url", 1, 2),
    ],
)
def test_a_checked_request_costs_one_round_trip(
    name: str, how: str, checked: int, touched: int, server_of: Callable[[str], Any]
) -> None:
    server = server_of(name)
    version = tuple(int(part) for part in sa.__version__.split(".")[:3])
    if (name, how) == ("mariadb", "url") and version < (2, 0, 43):
        checked, touched = 2 * checked, 2 * touched  # each with a ROLLBACK
    with closing(Wire(server.port)) as wire:
        url = server.url(port=wire.port)
        with empty_store(sa.create_engine(url) if how == "engine" else url) as store:
            record = a_record()
            store.create(record)
            for minute in range(8):  # a driver may prepare a statement that it sees again
                store.get(record.id, seen_at=NOW + minute * MINUTE, interval=MINUTE)
            before = wire.trips
            store.get(record.id, seen_at=NOW + 7 * MINUTE, interval=MINUTE)
            assert wire.trips - before == checked
            before = wire.trips
            store.get(record.id, seen_at=NOW + 8 * MINUTE, interval=MINUTE)
            assert wire.trips - before == touched
            kept = store.get(record.id)
            assert kept is not None
            assert kept.last_seen_at == NOW + 8 * MINUTE


def test_times_are_kept_to_the_microsecond(store: SQLAlchemySessionStore) -> None:
    begun = datetime(2026, 3, 29, 1, 30, 0, 123457, tzinfo=timezone.utc)
    elsewhere = begun.astimezone(timezone(timedelta(hours=5, minutes=45)))
    record = a_record(created_at=elsewhere, idle_timeout=timedelta(days=400, microseconds=1))
    store.create(record)
    kept = store.get(record.id)
    assert kept == record
    assert kept is not None
    assert kept.created_at.tzinfo is timezone.utc


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
def test_a_row_for_any_database_is_its_record_again(dialect: str) -> None:
    """No server is asked, so that it holds where only one of them is installed."""
    elsewhere = (NOW + MINUTE / 7).astimezone(timezone(timedelta(hours=5, minutes=45)))
    record = a_record(created_at=elsewhere, idle_timeout=timedelta(days=400, microseconds=1))
    codec = Codec.of(dialect)
    row = codec.row(record)
    if dialect in {"mysql", "mariadb"}:  # their DATETIME knows no zones: it is UTC that is kept
        assert row["created_at"] == elsewhere.astimezone(timezone.utc).replace(tzinfo=None)
    columns = [row[field.name] for field in fields(record)]
    kept = codec.record([*columns, None])
    assert kept == record
    assert kept.created_at.tzinfo is timezone.utc
    braked = codec.record([*columns, codec.dump(elsewhere + MINUTE)])
    assert braked.ended_at is not None


@pytest.mark.parametrize("name", ["mysql", "mariadb"])
def test_mysql_s_tables_tell_microseconds_and_similar_ids_apart(name: str) -> None:
    dialect = sa.create_mock_engine(f"{name}+pymysql://", lambda *_: None).dialect
    table = sessions_table("login_sessions", sa.MetaData())
    created = str(CreateTable(table).compile(dialect=dialect))
    assert "created_at DATETIME(6) NOT NULL" in created
    assert "utf8mb4_bin" in created


def test_a_login_that_expired_is_not_brought_back_by_looking_at_it(
    store: SQLAlchemySessionStore,
) -> None:
    idle = a_record(idle_timeout=MINUTE)
    old = a_record(expires_at=NOW + MINUTE)
    braked = a_record(created_at=NOW - 5 * MINUTE)
    live = a_record(idle_timeout=MINUTE + timedelta(microseconds=1))
    for record in (idle, old, braked, live):
        store.create(record)
    store.end_all_before(NOW)
    for record in (idle, old, braked, live):
        store.get(record.id, seen_at=NOW + MINUTE)
    seen = {record.id: record.last_seen_at for record in store.list("ada")}
    assert seen == {
        idle.id: NOW,
        old.id: NOW,
        braked.id: NOW - 5 * MINUTE,
        live.id: NOW + MINUTE,
    }


def test_users_whose_ids_look_alike_are_kept_apart(store: SQLAlchemySessionStore) -> None:
    alike = ("ada", "Ada", "ada ", " ada", "adä", "a\u0308da", "äda", "ad%", "ad_")
    for user_id in alike:
        store.create(a_record(user_id, external_id=user_id))
    for user_id in alike:
        assert [record.user_id for record in store.list(user_id)] == [user_id]
        assert [r.external_id for r in store.list_external(user_id)] == [user_id]
    for user_id in alike:
        assert store.end_all(user_id, records.REVOKED, NOW) == 1
        assert store.delete_all(user_id) == 1


@pytest.mark.parametrize("key", ["x" * 256, "nul\x00", "half \ud800", "x" * 100_000])
def test_keys_that_no_database_keeps_are_unknown_everywhere(
    store: SQLAlchemySessionStore, key: str
) -> None:
    assert store.list(key) == []
    assert store.list_external(key) == []
    assert store.delete_all(key) == 0
    assert store.end_all(key, records.REVOKED, NOW) == 0
    assert store.get(key) is None
    assert store.get("unknown", seen_at=NOW) is None
    assert store.delete(key) is False
    with pytest.raises(ValueError, match="user_id must be at most 255"):
        store.create(a_record(key))
    with pytest.raises(ValueError, match="external_id must be at most 255"):
        store.create(a_record(external_id=key))
    with pytest.raises(ValueError, match="id must be 1 to 64 visible"):
        store.create(a_record(id=key))


def test_nothing_a_client_sends_makes_its_login_fail(store: SQLAlchemySessionStore) -> None:
    record = a_record(user_agent="\x00\ud800ü" + "x" * 70_000, ip_address="1" * 500)
    store.create(record)
    kept = store.get(record.id)
    assert kept is not None
    assert kept.user_agent == ("\ufffd?ü" + "x" * 70_000)[:512]
    assert kept.ip_address == "1" * 64
    assert store.replace(replace(kept, version=2, ended_reason="r" * 100))


def test_the_brake_is_for_records_from_before_it_only(store: SQLAlchemySessionStore) -> None:
    record = a_record()
    ended = records.end(a_record(), records.LOGOUT, NOW)
    for kept in (record, ended):
        store.create(kept)
    for moment in (NOW + MINUTE, NOW + MINUTE, NOW - MINUTE):
        store.end_all_before(moment)
    found = store.get(record.id)
    assert found is not None
    assert (found.ended_at, found.ended_reason) == (NOW + MINUTE, records.REVOKED)
    assert store.get(ended.id) == ended


def test_all_logins_of_a_user_but_one_end_in_one_statement(store: SQLAlchemySessionStore) -> None:
    here, there, other = a_record(), a_record(), a_record("bob")
    ended = records.end(a_record(), records.LOGOUT, NOW)
    for record in (here, there, other, ended):
        store.create(record)
    assert store.end_all("ada", records.REVOKED, NOW + MINUTE, keep=here.id) == 1
    for record in (here, other, ended):
        assert store.get(record.id) == record
    assert store.get(there.id) == records.end(there, records.REVOKED, NOW + MINUTE)
    assert not store.replace(replace(there, version=2))
    assert sum(store.purge(NOW + MINUTE + 2 * records.TOMBSTONE)) == 2


def test_ten_thousand_logins_of_one_user_end_and_go_in_a_moment(
    store: SQLAlchemySessionStore,
) -> None:
    rows = [store._codec().row(a_record(external_id=f"sid-{i}")) for i in range(10_000)]
    with store._get_engine().begin() as connection:
        for start in range(0, len(rows), 1000):
            connection.execute(sa.insert(store.table), rows[start : start + 1000])
    other = a_record("bob")
    store.create(other)
    operations: tuple[Callable[[], int], ...] = (
        lambda: store.end_all("ada", records.REVOKED, NOW),
        lambda: store.delete_all("ada"),
    )
    for operation in operations:
        begun = monotonic()
        assert operation() == 10_000
        assert monotonic() - begun < at_most(5)  # about 0.2 s
    assert store.get(other.id) == other


def test_purge_deletes_in_batches_and_each_is_its_own_transaction(
    store: SQLAlchemySessionStore,
) -> None:
    for _ in range(7):
        store.create(a_record(expires_at=NOW))
    store.create(a_record())
    due = NOW + MINUTE + records.TOMBSTONE
    steps = store.purge(due, batch=3)
    assert next(steps) == 3
    assert len(store.list("ada")) == 5
    assert list(steps) == [3, 1]
    assert list(store.purge(due)) == []
    assert len(store.list("ada")) == 1


def test_a_view_s_own_transaction_is_left_alone(url_of: Callable[[str], str]) -> None:
    for name in SERVERS:
        engine = sa.create_engine(url_of(name))
        with empty_store(engine) as store:
            notes = sa.Table(
                "notes", sa.MetaData(), sa.Column("id", sa.Integer(), primary_key=True)
            )
            notes.drop(engine, checkfirst=True)
            notes.create(engine)
            record = a_record()
            with engine.connect() as view:
                view.execute(notes.insert().values(id=1))
                store.create(record)
                store.get(record.id, seen_at=NOW + MINUTE)
                view.rollback()
                assert view.execute(sa.select(sa.func.count()).select_from(notes)).scalar() == 0
            assert store.get(record.id) == replace(record, last_seen_at=NOW + MINUTE)
            notes.drop(engine)


# ------------------------------------------------------------------------ its tables


def test_the_tables_are_in_your_metadata_under_the_name_you_choose(tmp_path: Path) -> None:
    metadata = sa.MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s"})
    engine = sa.create_engine(f"sqlite:///{tmp_path}/a.db")
    store = SQLAlchemySessionStore(engine, metadata=metadata, table_name="logins")
    again = SQLAlchemySessionStore(engine, metadata=metadata, table_name="logins")
    assert again.table is store.table is metadata.tables["logins"]
    metadata.create_all(engine)
    found = sa.inspect(engine)
    assert set(found.get_table_names()) == {"logins", "logins_ended_before"}
    assert {index["name"] for index in found.get_indexes("logins")} == {
        "ix_logins_user_id",
        "ix_logins_external_id",
        "ix_logins_purge_at",
    }
    not_null = {c["name"] for c in found.get_columns("logins") if not c["nullable"]}
    assert {"expires_at", "purge_at", "user_id", "secret_hash", "version"} <= not_null
    engine.dispose()


@pytest.mark.parametrize("name", DATABASES)
def test_a_migration_written_by_alembic_runs_as_it_is(
    name: str, url_of: Callable[[str], str]
) -> None:
    pytest.importorskip("alembic")
    with empty_store(sa.create_engine(url_of(name))) as store:
        store.table.metadata.drop_all(store._get_engine())
        assert "login_sessions_ended_before" in migrated(store)
        store.create(a_record("Ada"))
        assert store.list("ada") == []


def migrated(store: SQLAlchemySessionStore) -> str:
    """Run what Alembic writes for a store's tables; return it."""
    from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy.dialects import mysql, postgresql

    engine, metadata = store._get_engine(), store.table.metadata
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        upgrade = produce_migrations(context, metadata).upgrade_ops
        assert upgrade is not None
        code = render_python_code(upgrade)
        names: dict[str, Any] = {"op": Operations(context), "sa": sa}
        names |= {"mysql": mysql, "postgresql": postgresql}
        lines = [line.strip() for line in code.splitlines()]
        exec("\n".join(lines), names)  # noqa: S102  # what Alembic would write to a file
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    return code


#: Columns that tables of the code before lack.
LATER = ("arrived_number", "arrived_at", "previous_number", "lost_from", "session_first", "entries")


@contextmanager
def store_of_before(engine: sa.Engine) -> Iterator[SQLAlchemySessionStore]:
    """Yield a store whose table is as the code before made it, with a login that was renewed."""
    with empty_store(engine) as store:
        record = a_record(
            generation=5,
            renewed_at=NOW + MINUTE,
            remember_generation=3,
            remember_until=NOW + timedelta(days=30),
            remember_issued_at=NOW + MINUTE,
        )
        store.create(record)
        with engine.begin() as connection:
            for name in LATER:
                connection.execute(sa.text(f"ALTER TABLE login_sessions DROP COLUMN {name}"))
        yield store


@pytest.mark.parametrize("name", DATABASES)
def test_a_table_of_the_code_before_gets_what_it_lacks_from_create_all(
    name: str, url_of: Callable[[str], str]
) -> None:
    with store_of_before(sa.create_engine(url_of(name))) as store:
        with pytest.raises(sa.exc.SQLAlchemyError, match="with the columns of this release"):
            store.list("ada")
        for _ in range(2):
            store.create_all()
        assert_reads_the_login_of_before(store)


@pytest.mark.parametrize("name", DATABASES)
def test_a_migration_that_alembic_writes_keeps_the_logins_of_before(
    name: str, url_of: Callable[[str], str]
) -> None:
    pytest.importorskip("alembic")
    with store_of_before(sa.create_engine(url_of(name))) as store:
        code = migrated(store)
        assert all(column in code for column in LATER)
        assert "drop" not in code
        assert_reads_the_login_of_before(store)


def assert_reads_the_login_of_before(store: SQLAlchemySessionStore) -> None:
    (record,) = store.list("ada")
    assert {name: getattr(record, name) for name in LATER} == {
        # The newest may not have arrived.
        "arrived_number": 4,
        "arrived_at": NOW + MINUTE,
        "previous_number": 4,
        "lost_from": 5,
        "session_first": 5,
        "entries": None,
    }
    now = NOW + 2 * MINUTE
    assert rotation.present_session(record, 5, now).refused is None
    assert rotation.present_session(record, 4, now).refused == records.SUPERSEDED
    assert [rotation.present_remember(record, token, now).refused for token in (1, 2, 3)] == [
        records.TOKEN_REUSED,
        None,
        None,
    ]
    shown = replace(rotation.present_remember(record, 3, now).record, entries=ENTRIES)
    assert store.replace(shown)
    assert store.get(record.id) == shown


def test_a_flask_sqlalchemy_db_lends_its_engine_and_metadata(tmp_path: Path) -> None:
    flask_sqlalchemy = pytest.importorskip("flask_sqlalchemy")
    from flask import Flask

    db = flask_sqlalchemy.SQLAlchemy()
    default = SQLAlchemySessionStore(db)
    bound = SQLAlchemySessionStore(db, bind_key="auth")
    assert "login_sessions" in db.metadata.tables
    assert "login_sessions" in db.metadatas["auth"].tables
    with pytest.raises(RuntimeError, match="application context"):
        default.ping()
    for app_name in ("one", "two"):
        app = Flask(app_name)
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/{app_name}.db"
        app.config["SQLALCHEMY_BINDS"] = {"auth": f"sqlite:///{tmp_path}/{app_name}-auth.db"}
        db.init_app(app)
        with app.app_context():
            db.create_all()
            default.create_all()
            record = a_record(app_name)
            default.create(record)
            assert default.get(record.id) == record
            assert bound.get(record.id) is None
            assert [len(default.list(user)) for user in ("one", "two")] in ([1, 0], [0, 1])
            for engine in db.engines.values():
                engine.dispose()


def test_what_it_is_given_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bind must be a Flask-SQLAlchemy db"):
        SQLAlchemySessionStore(object())  # type: ignore[arg-type]  # what a caller may do
    engine = sa.create_engine(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(ConfigurationError, match="bind_key must be left out"):
        SQLAlchemySessionStore(engine, bind_key="auth")

    class Db:
        metadata = sa.MetaData()
        metadatas: dict[str | None, sa.MetaData] = {}  # noqa: RUF012  # like the real one
        engines: dict[str | None, sa.Engine] = {}  # noqa: RUF012  # like the real one

        @property
        def engine(self) -> sa.Engine:
            return engine

    with pytest.raises(ConfigurationError, match="metadata must be left out"):
        SQLAlchemySessionStore(Db(), metadata=sa.MetaData())


# -------------------------------------------------------------------------- its errors


def unavailable(act: Callable[[], object]) -> SessionStoreUnavailable:
    """Return the error of a store that is down, after it was told soon enough."""
    begun = monotonic()
    with pytest.raises(SessionStoreUnavailable) as caught:
        act()
    assert monotonic() - begun < at_most(3.5)
    assert caught.value.store == "sqlalchemy"
    return caught.value


def shown(error: BaseException) -> str:
    """Return all that a log would show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


@pytest.mark.parametrize("how", ["engine", "url"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_down_is_told_in_time_and_needs_no_restart_of_ours(
    name: str, how: str, server_of: Callable[[str], Any]
) -> None:
    server: DatabaseServer = server_of(name)
    url = server_of(name).url()
    record = a_record()
    with empty_store(sa.create_engine(url) if how == "engine" else url) as store:
        store.create(record)
        server.stop()
        try:
            operations: tuple[Callable[[], object], ...] = (
                lambda: store.get(record.id, seen_at=NOW + MINUTE),
                lambda: store.replace(replace(record, version=2)),
                lambda: store.list("ada"),
                lambda: list(store.purge(NOW)),
                lambda: store.end_all_before(NOW),
                store.create_all,
                store.ping,
            )
            for act in operations:
                assert PASSWORD not in shown(unavailable(act))
        finally:
            server.start()
        assert store.get(record.id) == record


@pytest.mark.parametrize("name", SERVERS)
def test_a_refused_connection_is_answered_at_once_and_the_first_request_after_it_is_served(
    name: str, server_of: Callable[[str], Any]
) -> None:
    server: DatabaseServer = server_of(name)
    record = a_record()
    with empty_store(server_of(name).url()) as store:
        store.create(record)
        with ThreadPoolExecutor(8) as executor:  # so that several connections will be dead
            assert [*executor.map(store.get, [record.id] * 80)] == [record] * 80
        server.stop()
        try:
            store_error = unavailable(lambda: store.get(record.id))
            assert PASSWORD not in shown(store_error)
            for act in (lambda: store.get(record.id), lambda: store.create(a_record())):
                begun = monotonic()
                error = unavailable(act)
                assert monotonic() - begun < at_most(0.1)
                assert error.why == "OperationalError (connection refused)"
        finally:
            server.start()
        assert store.get(record.id) == record


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql+psycopg://user:canary@db.internal:5433/shop", "db.internal:5433"),
        ("postgresql+psycopg://user:canary@db.internal/shop", "db.internal"),
        ("postgresql+psycopg:///shop", None),
        ("postgresql+psycopg://user:ca@nary@db.internal/shop", None),
        ("postgresql+psycopg://user:12/canary@db.internal/shop", "db.internal"),
        ("sqlite:///canary.db", "canary.db"),
        ("sqlite://", "memory"),
    ],
)
def test_the_address_of_a_database_is_its_host_or_file_alone(url: str, address: str | None) -> None:
    driver("psycopg")
    assert SQLAlchemySessionStore(url).address() == address


@pytest.mark.parametrize("name", SERVERS)
def test_a_restart_between_two_requests_is_not_noticed(
    name: str, server_of: Callable[[str], Any]
) -> None:
    server = server_of(name)
    with closing(Wire(server.port)) as wire:
        for bind in (server.url(port=wire.port), sa.create_engine(server.url(port=wire.port))):
            with empty_store(bind) as store:
                first, second = a_record(), a_record()
                store.create(first)
                wire.cut()
                store.create(second)
                wire.cut()
                assert store.get(first.id) == first
                wire.cut()
                assert store.replace(replace(second, version=2))
                wire.cut()
                store.end_all_before(NOW)


def test_a_write_whose_answer_was_lost_is_not_made_twice(
    store: SQLAlchemySessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_once = store._run_once
    lost = iter([True])

    def losing(*args: Any) -> Any:
        result = run_once(*args)
        if next(lost, False):
            raise sa.exc.OperationalError("", {}, Exception("gone"), connection_invalidated=True)
        return result

    monkeypatch.setattr(store, "_run_once", losing)
    record = a_record()
    store.create(record)
    assert store.get(record.id) == record
    assert store.get(record.id) == record
    with pytest.raises(sa.exc.IntegrityError) as caught:
        store.create(record)
    assert record.secret_hash not in str(caught.value)


@pytest.mark.parametrize(
    "cause", [Exception(1213, "Deadlock found"), Exception("deadlock detected")]
)
def test_a_statement_undone_to_end_a_deadlock_is_sent_again(
    store: SQLAlchemySessionStore, monkeypatch: pytest.MonkeyPatch, cause: Exception
) -> None:
    run_once = store._run_once
    undone = iter([True])

    def losing(*args: Any) -> Any:
        if next(undone, False):
            raise sa.exc.OperationalError("", {}, cause)
        return run_once(*args)

    record = a_record()
    store.create(record)
    monkeypatch.setattr(store, "_run_once", losing)
    assert store.replace(replace(record, version=2))


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_thinks_too_long_is_unavailable(
    name: str, server_of: Callable[[str], Any]
) -> None:
    server = server_of(name)
    engine = sa.create_engine(server.url())
    with empty_store(engine) as store, empty_store_like(store, server.url()) as patient:
        record = a_record()
        store.create(record)
        with engine.begin() as other:
            other.execute(
                sa.select(store.table).where(store.table.c.id == record.id).with_for_update()
            )
            unavailable(lambda: patient.replace(replace(record, version=2)))
        assert patient.replace(replace(record, version=2))


@contextmanager
def empty_store_like(store: SQLAlchemySessionStore, url: str) -> Iterator[SQLAlchemySessionStore]:
    """Yield a store with a pool of its own on the same tables."""
    other = SQLAlchemySessionStore(url)
    yield other
    other._get_engine().dispose()


def test_a_mariadb_that_falls_silent_is_unavailable(mariadb: MariaDB) -> None:
    with closing(Wire(mariadb.port)) as wire:
        store = SQLAlchemySessionStore(mariadb.url(port=wire.port))
        store.ping()
        wire.silence()
        unavailable(store.ping)
        wire.cut()
        store.ping()
        store._get_engine().dispose()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://app:{PASSWORD}@{LOOPBACK}:PORT/x",
        f"mariadb+pymysql://app:{PASSWORD}@{LOOPBACK}:PORT/x",
        f"sqlite:////nowhere/{PASSWORD}/logins.db",
    ],
)
def test_no_error_and_no_repr_shows_the_url(url: str) -> None:
    driver({"p": "psycopg", "m": "pymysql", "s": "sqlite3"}[url[0]])
    store = SQLAlchemySessionStore(url.replace("PORT", str(free_port())))
    error = unavailable(store.ping)
    assert error.cause == "OperationalError"
    for text in (shown(error), repr(store), str(store)):
        assert PASSWORD not in text
    with pytest.raises(ConfigurationError) as caught:
        SQLAlchemySessionStore(f"postgresql:app:{PASSWORD}@x")
    assert PASSWORD not in shown(caught.value)


def test_an_exhausted_pool_is_unavailable(tmp_path: Path) -> None:
    engine = sa.create_engine(
        f"sqlite:///{tmp_path}/a.db", pool_size=1, max_overflow=0, pool_timeout=0.1
    )
    with empty_store(engine) as store, engine.connect():
        assert unavailable(store.ping).cause == "TimeoutError"


@pytest.mark.parametrize("name", DATABASES)
def test_missing_tables_are_a_mistake_and_not_an_outage(
    name: str, url_of: Callable[[str], str]
) -> None:
    engine = sa.create_engine(url_of(name))
    store = SQLAlchemySessionStore(engine, table_name="never_created")
    record = a_record()
    with pytest.raises(sa.exc.DBAPIError, match=r"store\.create_all\(\)") as caught:
        store.create(record)
    assert record.secret_hash not in shown(caught.value)
    engine.dispose()


@pytest.mark.parametrize("name", DATABASES)
def test_an_engine_of_its_own_tells_a_mistake_and_serves_again(
    name: str, url_of: Callable[[str], str]
) -> None:
    store = SQLAlchemySessionStore(url_of(name), table_name="created_late")
    record = a_record()
    for _ in range(20):  # more often than the pool has connections: none is lost
        with pytest.raises(sa.exc.DBAPIError, match=r"store\.create_all\(\)"):
            store.get(record.id)
    store.create_all()
    store.create(record)
    for _ in range(20):
        assert store.get(record.id) == record
    assert store.get("unknown") is None
    store.table.drop(store._get_engine())
    store.brake_table.drop(store._get_engine())
    store._get_engine().dispose()


def test_an_answer_that_would_come_too_late_is_not_waited_for_twice(tmp_path: Path) -> None:
    store = SQLAlchemySessionStore(f"sqlite:///{tmp_path}/a.db", table_name="never_created")
    store._soon = 0.0
    assert unavailable(lambda: store.get("a-record")).cause == "OperationalError"


@pytest.mark.parametrize(
    "error",
    [
        sa.exc.InvalidRequestError("not ours"),
        sa.exc.OperationalError("", {"secret": PASSWORD}, Exception(1054, "Unknown column")),
        sa.exc.OperationalError("", {"secret": PASSWORD}, Exception("no such table: x")),
        sa.exc.ProgrammingError("", {"secret": PASSWORD}, Exception("relation does not exist")),
    ],
)
def test_a_mistake_of_the_developer_s_is_raised_as_it_is(
    store: SQLAlchemySessionStore, monkeypatch: pytest.MonkeyPatch, error: sa.exc.SQLAlchemyError
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(store, "_run_once", fail)
    with pytest.raises(type(error)) as caught:
        store.ping()
    assert caught.value is error
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("gone"),
        sa.exc.TimeoutError("no connection is free"),
        sa.exc.InterfaceError("", {}, Exception(0, "")),
        sa.exc.InternalError("", {}, Exception("cannot execute UPDATE in a read-only transaction")),
        sa.exc.DBAPIError("", {}, Exception("gone"), connection_invalidated=True),
        sa.exc.OperationalError("", {}, Exception(1213, "Deadlock found")),
        sa.exc.OperationalError("", {}, None),  # type: ignore[arg-type]  # a driver's whim
    ],
)
def test_whatever_means_that_there_was_no_answer_is_an_outage(
    store: SQLAlchemySessionStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(store, "_run_once", fail)
    unavailable(store.ping)


# ------------------------------------------------------------------ the optional import


def load_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the module's code once more, as on its first import."""
    spec = find_spec("flask_login.sessions.sqlalchemy")
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.delitem(sys.modules, spec.name)
    spec.loader.exec_module(module_from_spec(spec))


def test_flask_login_does_not_import_sqlalchemy() -> None:
    code = "import sys, flask_login, flask_login.sessions; print('sqlalchemy' in sys.modules)"
    assert in_another_python(code) == "False\n"


def test_without_sqlalchemy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ImportError, match=r"needs SQLAlchemy 2\.0 or newer, found: none") as caught:
        load_anew(monkeypatch)
    assert 'pip install "Flask-Login[sqlalchemy]"' in str(caught.value)


def test_an_sqlalchemy_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sa, "__version__", "1.4.54")
    with pytest.raises(ImportError, match=r"needs SQLAlchemy 2\.0 or newer, found: 1\.4\.54"):
        load_anew(monkeypatch)


def test_a_part_of_sqlalchemy_that_is_missing_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sqlalchemy.py").write_text("import a_part_of_it")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sqlalchemy")
    with pytest.raises(ImportError, match="a_part_of_it"):
        load_anew(monkeypatch)


def in_another_python(code: str) -> str:
    done = subprocess.run(  # noqa: S603  # this Python, on code written here
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system does not fork")
def test_a_forked_worker_forgets_the_connections_of_its_parent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_child: list[Callable[[], None]] = []
    monkeypatch.setattr(
        os, "register_at_fork", lambda after_in_child: in_child.append(after_in_child)
    )
    store = SQLAlchemySessionStore(f"sqlite:///{tmp_path}/a.db")
    engine = store._get_engine()
    before = engine.pool
    in_child[0]()
    assert engine.pool is not before
    del store, engine, before
    gc.collect()
    in_child[0]()  # the store is gone: there is nothing to forget


def test_where_nothing_forks_a_url_works_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    with empty_store(f"sqlite:///{tmp_path}/a.db") as store:
        store.ping()


def test_an_sqlalchemy_before_2_0_43_is_enough_for_a_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sa, "__version__", "2.0.42")
    with empty_store(f"sqlite:///{tmp_path}/a.db") as store:
        store.ping()


def test_a_worker_process_opens_connections_of_its_own(postgresql: PostgreSQL) -> None:
    code = f"""
import os
from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore
store = SQLAlchemySessionStore({postgresql.url()!r})
store.ping()
engine = store._get_engine()
child = os.fork()
if not child:
    os._exit(engine.pool.checkedin())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), engine.pool.checkedin())
engine.dispose()
"""
    assert in_another_python(code) == "0 1\n"


def test_threads_on_one_shared_sqlite_connection_take_turns() -> None:
    store = SQLAlchemySessionStore("sqlite://")
    store.create_all()
    records_ = [a_record() for _ in range(200)]
    failed: list[BaseException] = []

    def work(part: int) -> None:
        try:
            for record in records_[part::4]:
                store.create(record)
                assert store.get(record.id, seen_at=NOW + MINUTE) is not None
        except BaseException as error:  # noqa: BLE001  # for the thread that waits
            failed.append(error)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.list("ada")) == 200
    store._get_engine().dispose()
