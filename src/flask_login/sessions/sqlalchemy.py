"""`SQLAlchemySessionStore`: records in a SQL database, by SQLAlchemy 2.

Each operation is one statement, on a connection from the engine's pool, never on the application's
`Session`: so a login neither commits nor loses unsaved changes of a view.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from flask_login.optional import library

from .records import LoginSession, ended_because
from .store import SessionStoreUnavailable

# First of all that needs it: without it, or with an old one, the error says what to install.
library("sqlalchemy", "2.0", by="SQLAlchemySessionStore", title="SQLAlchemy", extra="sqlalchemy")

import sqlalchemy as sa  # noqa: E402  # once its version is known to be good
from sqlalchemy import exc  # noqa: E402
from sqlalchemy.pool import StaticPool  # noqa: E402

from .sql_engine import (  # noqa: E402
    Bind,
    address_of,
    database_of,
    engine_of,
    is_worth_a_retry,
    metadata_of,
    own_engine,
    told,
)
from .sql_schema import (  # noqa: E402
    Codec,
    Statements,
    add_columns,
    brake_table,
    is_id,
    is_key,
    key_params,
    sessions_table,
)


class SQLAlchemySessionStore:
    """Keeps records in SQLite, PostgreSQL, MariaDB or MySQL.

    ::

        db = SQLAlchemy()
        login_manager = LoginManager(session_store=SQLAlchemySessionStore(db))

    The tables are `table` and `brake_table`, in your `MetaData`: Flask-Migrate finds them,
    ``db.create_all()`` and `create_all` create them. Delete ended and expired records daily
    (``flask login purge``).

    =================  ================================================================
    operation          statements
    =================  ================================================================
    ``get``            one; when activity is due (``LOGIN_TOUCH_INTERVAL``), PostgreSQL writes
                       it in the same statement, the others need a second
    ``purge``          one for each batch
    all others         one
    =================  ================================================================

    A statement is one round trip on PostgreSQL. On MariaDB and MySQL it is one when the store
    was given a URL (and SQLAlchemy is 2.0.43 or newer); your own engine's pool adds a ``ROLLBACK``
    after each use, and a ``COMMIT`` after a write.

    A statement is sent once more when the connection turns out at once to be stale, or the
    database undid it to end a deadlock. A record is
    never written twice; but if the store becomes unavailable in the middle of a write, it is
    unknown whether the write arrived.

    With an in-memory SQLite database on one shared connection (`StaticPool`), what your session
    has flushed is committed along with the store's own: there is one transaction only.

    :param bind: where the records are kept: a Flask-SQLAlchemy ``db``, whose engine is asked for
        in the application's context; an `sqlalchemy.Engine`; or a URL, for an engine with a pool
        and timeouts of its own.
    :param metadata: your `MetaData`, which gets the tables; not with a ``db``, it has its own.
    :param table_name: the name of the table, and the beginning of the other one's.
    :param bind_key: which of the ``db``'s databases to use; its default one, when not given.
    :param timeout: after how many seconds without an answer the store is unavailable; for a URL.
        It is kept by SQLite, psycopg, psycopg2, PyMySQL and mysqlclient. libpq never gives up on
        connecting before 2 seconds, and waits without end for a PostgreSQL that is frozen: one
        whose machine still acknowledges what it is sent. An engine of yours keeps the timeouts
        you gave it: set its ``pool_timeout`` and ``connect_args`` as short.
    :raises ConfigurationError: for a `bind` that is none of these, or arguments at odds.

    .. versionadded:: 0.6.90
    """

    kind = "sqlalchemy"

    def __init__(
        self,
        bind: Bind | sa.Engine | sa.URL | str,
        *,
        metadata: sa.MetaData | None = None,
        table_name: str = "login_sessions",
        bind_key: str | None = None,
        timeout: float = 1.0,
    ) -> None:
        # A statement that fails later than this has used up its time: it is not sent again.
        self._soon = timeout / 2
        # An engine that is made here is in autocommit mode from the start.
        self._own = isinstance(bind, (str, sa.URL))
        # One SQLite connection can't serve two threads at once.
        self._one_at_a_time = Lock()
        if isinstance(bind, (str, sa.URL)):
            bind = own_engine(bind, timeout)
        self._get_engine = engine_of(bind, bind_key)
        #: Whether no migration of the application's knows the tables.
        self._is_apart = metadata is None and isinstance(bind, sa.Engine)
        metadata = metadata_of(bind, bind_key, metadata)
        #: The table of the records.
        self.table: sa.Table = sessions_table(table_name, metadata)
        #: The table of the moments before which no login counts.
        self.brake_table: sa.Table = brake_table(f"{table_name}_ended_before", metadata)
        self._statements = Statements(self.table, self.brake_table)
        #: The text of `Statements.get`, and whether its parameters go by place.
        self._text: tuple[str, bool] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.table.fullname!r}>"

    def create_all(self) -> None:
        """Create the tables that do not exist yet; with a ``db``, in an application context.

        For an application without migrations. A table of an older release gets the columns that it
        lacks.
        """
        engine = self._get_engine()
        try:
            self.table.metadata.create_all(engine, tables=[self.table, self.brake_table])
            add_columns(engine, self.table)
        except (exc.SQLAlchemyError, OSError) as error:
            raise told(error) from None

    def create(self, record: LoginSession) -> None:
        """See `SessionStore.create`.

        :raises ValueError: for a `user_id` or ``external_id`` of more than 255 characters, or one
            that no database can keep.
        """
        self._run(self._statements.insert, self._codec().row(record), write=True)

    def get(
        self,
        session_id: str,
        *,
        seen_at: datetime | None = None,
        interval: timedelta = timedelta(0),
    ) -> LoginSession | None:
        """See `SessionStore.get`."""
        if not is_id(session_id):
            return None
        codec, this = self._codec(), {"b_id": session_id}
        if seen_at is None:
            row = self._row(this)
            return None if row is None else codec.record(row)
        touch = {**this, "b_due": codec.dump(seen_at - interval), "b_seen": codec.dump(seen_at)}
        if self._get_engine().dialect.name == "postgresql":
            rows, _ = self._run(self._statements.get_and_touch, touch, write=True)
            return codec.record(rows[0]) if rows else None
        row = self._row(this)
        if row is None:
            return None
        record = codec.record(row)
        due = record.last_seen_at < seen_at and record.last_seen_at + interval <= seen_at
        if due and ended_because(record, seen_at) is None:
            self._run(self._statements.touch, touch, write=True)
        return record

    def replace(self, record: LoginSession) -> bool:
        """See `SessionStore.replace`."""
        row = self._codec().row(record)
        last_seen_at = row.pop("last_seen_at")
        old = {
            "b_id": row.pop("id"),
            "b_version": record.version - 1,
            "b_last_seen_at": last_seen_at,
        }
        return self._run(self._statements.replace, {**row, **old}, write=True)[1] == 1

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list`."""
        return self._list(self._statements.of_user, user_id)

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list_external`."""
        return self._list(self._statements.of_external, external_id)

    def _list(self, statement: sa.Executable, key: str) -> Sequence[LoginSession]:
        if not is_key(key):
            return []
        codec = self._codec()
        rows, _ = self._run(statement, key_params(key))
        return [codec.record(row) for row in rows]

    def delete(self, session_id: str) -> bool:
        """See `SessionStore.delete`."""
        if not is_id(session_id):
            return False
        return self._run(self._statements.delete, {"b_id": session_id}, write=True)[1] == 1

    def delete_all(self, user_id: str) -> int:
        """See `SessionStore.delete_all`."""
        if not is_key(user_id):
            return 0
        return self._run(self._statements.delete_all, key_params(user_id), write=True)[1]

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """See `SessionStore.end_all`."""
        if not is_key(user_id):
            return 0
        params = {
            **key_params(user_id),
            **self._codec().ended(reason, moment),
            "b_keep": keep if is_id(keep) else "",
        }
        return self._run(self._statements.end_all, params, write=True)[1]

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:
        """See `SessionStore.purge`."""
        mysql = self._get_engine().dialect.name in {"mysql", "mariadb"}
        statement = self._statements.purge_by_join if mysql else self._statements.purge
        params = {"b_before": self._codec().dump(before), "b_batch": batch}
        while True:
            _, count = self._run(statement, params, write=True)
            if count:
                yield count
            if count < batch:
                return

    def end_all_before(self, moment: datetime) -> None:
        """See `SessionStore.end_all_before`."""
        params = {"moment": self._codec().dump(moment)}
        with suppress(exc.IntegrityError):  # the very same moment was set before
            self._run(self._statements.brake, params, write=True)

    def lower_brake(self, moment: datetime) -> bool:
        """See `LoweringStore.lower_brake`. Three statements."""
        kept = self.ended_before()
        if kept is None or kept <= moment:
            return False
        self.end_all_before(moment)  # before the others go: without any, ended logins would live
        self._run(self._statements.lower, {"b_moment": self._codec().dump(moment)}, write=True)
        return True

    def ended_before(self) -> datetime | None:
        """See `SessionStore.ended_before`."""
        rows, _ = self._run(self._statements.ended_before, {})
        kept = rows[0][0]
        return None if kept is None else self._codec().load(kept)

    def ping(self) -> None:
        """See `SessionStore.ping`."""
        self._run(self._statements.ping, {})

    def address(self) -> str | None:
        """See `AddressedStore.address`. With a ``db``, in an application context."""
        return address_of(self._get_engine().url)

    def place(self) -> object:
        """See `LocatedStore.place`. With a ``db``, in an application context."""
        engine = self._get_engine()
        url = engine.url
        in_memory = url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}
        where = engine if in_memory else (url.get_backend_name(), url.host, url.port, url.database)
        return where, self.table.fullname

    def is_unmigrated_in(self, url: object, folder: str = "") -> bool:
        """See `MigratedStore.is_unmigrated_in`."""
        if not self._is_apart:
            return False
        place = database_of(self._get_engine().url)
        return place is not None and place == database_of(url, folder)

    # ------------------------------------------------------------------ the database

    def _codec(self) -> Codec:
        return Codec.of(self._get_engine().dialect.name)

    def _row(self, this: dict[str, Any]) -> Sequence[Any] | None:
        """Return the row of a record.

        Nearly every request needs it, so an engine that was made here passes the text of the
        statement directly to its driver. After a failure the statement is sent again in
        SQLAlchemy's way, which explains errors, unless too little time is left.
        """
        engine, begun = self._get_engine(), monotonic()
        failure: Exception | None = None
        if self._own and not isinstance(engine.pool, StaticPool):
            try:
                return self._row_of_driver(engine, this)
            except Exception as error:  # noqa: BLE001  # each driver has its own
                failure = error
        if failure is not None and monotonic() - begun >= self._soon:
            raise SessionStoreUnavailable(self.kind, failure)
        rows, _ = self._run(self._statements.get, this)
        return rows[0] if rows else None

    def _row_of_driver(self, engine: sa.Engine, this: dict[str, Any]) -> Sequence[Any] | None:
        if self._text is None:
            compiled = self._statements.get.compile(dialect=engine.dialect)
            self._text = str(compiled), bool(compiled.positional)
        text, positional = self._text
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(text, tuple(this.values()) if positional else this)
            row: Sequence[Any] | None = cursor.fetchone()
            cursor.close()
        except (
            BaseException
        ) as error:  # also in a greenlet that is stopped: the answer is still to come
            connection.invalidate(error)
            raise
        finally:
            connection.close()
        return row

    def _run(
        self, statement: sa.Executable, params: dict[str, Any], *, write: bool = False
    ) -> tuple[Sequence[sa.Row[Any]], int]:
        """Run one statement; return its rows and how many it changed."""
        engine = self._get_engine()
        begun = monotonic()
        try:
            return self._run_once(engine, statement, params, write)
        except (exc.SQLAlchemyError, OSError) as error:
            failure: Exception = error
        if monotonic() - begun < self._soon and is_worth_a_retry(failure):
            try:
                return self._run_once(engine, statement, params, write)
            except exc.IntegrityError:
                return (), 1  # it had arrived: only the answer was lost
            except (exc.SQLAlchemyError, OSError) as error:
                failure = error
        # Raised outside of the handlers, so that it does not carry the driver's error, whose frames
        # may hold a password.
        raise told(failure)

    def _run_once(
        self, engine: sa.Engine, statement: sa.Executable, params: dict[str, Any], write: bool
    ) -> tuple[Sequence[sa.Row[Any]], int]:
        shared = isinstance(engine.pool, StaticPool)
        with self._one_at_a_time if shared else nullcontext(), engine.connect() as connection:
            autocommit = self._own
            if not autocommit and (shared or engine.dialect.name == "postgresql"):
                # On PostgreSQL a flag of the driver: no BEGIN, no COMMIT, no ROLLBACK is sent.
                # MySQL would be told of it, and back, in two round trips more than a COMMIT.
                connection.execution_options(isolation_level="AUTOCOMMIT")
                autocommit = True
            result = connection.execute(statement, params)
            rows: Sequence[sa.Row[Any]] = result.all() if result.returns_rows else ()
            count = result.rowcount
            if write and not autocommit:
                connection.commit()
            return rows, count
