"""The engines of `SQLAlchemySessionStore`: lent by the application or made from a URL.

It also tells their errors apart: the database gave no answer, or there is a mistake in the setup.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from weakref import WeakMethod

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import StaticPool

from .store import ConfigurationError, SessionStoreUnavailable

# ------------------------------------------------------------------ an engine is lent


class Bind(Protocol):
    """The part of a Flask-SQLAlchemy ``db`` that is used."""

    @property
    def engine(self) -> sa.Engine:
        """The default database's engine, in an application context."""
        ...

    @property
    def engines(self) -> Mapping[str | None, sa.Engine]:
        """Those of all databases."""
        ...

    @property
    def metadata(self) -> sa.MetaData:
        """The default database's tables."""
        ...

    @property
    def metadatas(self) -> dict[str | None, sa.MetaData]:
        """Those of all databases."""
        ...


def engine_of(bind: Bind | sa.Engine, bind_key: str | None) -> Callable[[], sa.Engine]:
    """Return a function that finds the engine: each application of a ``db`` has another."""
    if isinstance(bind, sa.Engine):
        return lambda: bind
    # By name: its engine can only be asked for in an application context.
    if not {"engine", "metadata"} <= set(dir(bind)):
        raise ConfigurationError(
            "bind",
            type(bind).__name__,
            "a Flask-SQLAlchemy db, an sqlalchemy.Engine or a database URL",
            "For an AsyncEngine, give an Engine of the same URL.",
        )
    return lambda: bind.engine if bind_key is None else bind.engines[bind_key]


def metadata_of(
    bind: Bind | sa.Engine, bind_key: str | None, metadata: sa.MetaData | None
) -> sa.MetaData:
    """Return the `MetaData` to which the tables belong."""
    if isinstance(bind, sa.Engine):
        if bind_key is not None:
            raise ConfigurationError("bind_key", bind_key, "left out, except with a db")
        return sa.MetaData() if metadata is None else metadata
    if metadata is not None:
        raise ConfigurationError("metadata", "a MetaData", "left out with a db: it has its own")
    if bind_key is None:
        return bind.metadata
    # The mark by which Flask-SQLAlchemy and Flask-Migrate tell the databases apart.
    return bind.metadatas.setdefault(bind_key, sa.MetaData(info={"bind_key": bind_key}))


def address_of(url: sa.URL) -> str | None:
    """Return the host and port of a database, or its file, to be shown: no other part of a URL."""
    host, port, database = url.host, url.port, url.database
    if url.get_backend_name() == "sqlite":
        return database or "memory"
    if host is None or "@" in f"{host}{database}":
        return None  # a password with an unquoted sign: which part is the host, nobody knows
    return host if port is None else f"{host}:{port}"


# ------------------------------------------------------------------ an engine is made


def own_engine(url: str | sa.URL, timeout: float) -> sa.Engine:
    """Return an engine in autocommit mode that waits for nothing longer than `timeout`."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        # Its message may hold the URL, and that a password.
        raise ConfigurationError("bind", "a text", "a database URL") from None
    arguments = {
        name: value
        for name, value in _timeouts(_known(parsed), timeout).items()
        if name not in parsed.query
    }
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True}
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        arguments["check_same_thread"] = False
        return sa.create_engine(parsed, connect_args=arguments, poolclass=StaticPool, **options)
    options.update(pool_timeout=timeout, pool_reset_on_return=None)
    # The most that SQLAlchemy would open by default; none is closed after a burst of requests.
    options.update(pool_size=15, max_overflow=0)
    if tuple(map(int, re.findall(r"\d+", sa.__version__)[:3])) >= (2, 0, 43):
        options["skip_autocommit_rollback"] = True
    engine = sa.create_engine(parsed, connect_args=arguments, **options)
    _forget_connections_after_fork(engine)
    return engine


#: What to write in place of a dialect that SQLAlchemy does not know.
_MEANT = {
    "postgres": "Write postgresql:// in its place: SQLAlchemy 1.4 dropped the short name.",
    "redis": "Give a URL of Redis to RedisSessionStore.",
    "rediss": "Give a URL of Redis to RedisSessionStore.",
    "valkey": "Give a URL of Valkey to RedisSessionStore.",
    "mongodb": "There is no session store for MongoDB; use Redis or a SQL database.",
}


#: What to install for a driver's module, where the two have different names.
_PACKAGES = {
    "MySQLdb": "mysqlclient",
    "psycopg": '"psycopg[binary]"',
    "psycopg2": "psycopg2-binary",
    "pymysql": "PyMySQL",
}


def _known(url: sa.URL) -> sa.URL:
    """Return a URL whose dialect and driver are there.

    Raises `ConfigurationError` for an unknown dialect, or a driver for asyncio, and `ImportError`
    for a driver that is not installed. None shows more of the URL than its beginning.
    """
    name = url.drivername
    try:
        dialect = url.get_dialect()
    except exc.NoSuchModuleError:
        cure = _MEANT.get(url.get_backend_name(), "")
        accepted = "a database URL of a dialect and driver that SQLAlchemy knows"
        raise ConfigurationError("bind", f"{name}://...", accepted, cure) from None
    if dialect.is_async:
        cure = f"Leave out the driver: {url.get_backend_name()}://..."
        accepted = "a database URL of a driver that is not for asyncio"
        raise ConfigurationError("bind", f"{name}://...", accepted, cure)
    try:
        dialect.import_dbapi()
    except ImportError as error:
        missing = error.name or str(error)
        package = _PACKAGES.get(missing, missing)
        raise ImportError(
            f"SQLAlchemySessionStore needs the driver {missing} for {name}://, found: none"
            f" ({error}). Install it with: pip install {package}; or name the driver that you have"
            f" in the URL: {url.get_backend_name()}+driver://",
            name=missing,
        ) from None
    return url


def _timeouts(url: sa.URL, timeout: float) -> dict[str, Any]:
    """Return the arguments by which a driver is told how long it may wait."""
    seconds = max(1, math.ceil(timeout))
    milliseconds = max(1, round(timeout * 1000))
    libpq = {
        "connect_timeout": seconds,
        "options": f"-c statement_timeout={milliseconds}",
        "tcp_user_timeout": milliseconds,
    }
    # The server gives up on a lock before the driver gives up on the server: an UPDATE that the
    # driver has abandoned would still be done when its turn comes.
    locks = {"init_command": f"SET innodb_lock_wait_timeout = {max(1, math.floor(timeout))}"}
    whole = {"connect_timeout": seconds, "read_timeout": seconds + 1, "write_timeout": seconds}
    exact = {"connect_timeout": timeout, "read_timeout": max(timeout, 1) + 0.5}
    drivers: dict[str, dict[str, Any]] = {
        "pysqlite": {"timeout": timeout},
        "psycopg": libpq,
        "psycopg2": libpq,
        "pymysql": {**locks, **exact, "write_timeout": timeout},
        "mysqldb": {**locks, **whole},
    }
    return drivers.get(url.get_driver_name(), {})


def _forget_connections_after_fork(engine: sa.Engine) -> None:
    """Make a worker process open new connections instead of using its parent's."""
    dispose = WeakMethod(engine.dispose)

    def in_child() -> None:
        forget = dispose()
        if forget is not None:
            forget(close=False)

    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(after_in_child=in_child)


# ------------------------------------------------------------------ where a database is

_PORTS = {"postgresql": 5432, "mysql": 3306}
_HERE = frozenset({"", "localhost", "127.0.0.1", "::1"})


def database_of(url: object, folder: str = "") -> object:
    """Return which database a URL leads to, for comparisons; None for one in memory, or no URL.

    The driver, the user and the password make no difference.

    :param folder: where a relative path of SQLite begins; by default the working directory.
    """
    try:
        parsed = sa.make_url(url)  # type: ignore[arg-type]  # whatever a configuration holds
    except exc.ArgumentError:
        return None
    backend = parsed.get_backend_name().replace("mariadb", "mysql")
    if backend == "sqlite":
        path = str(parsed.database or "").removeprefix("file:").partition("?")[0]
        if path in {"", ":memory:"} or parsed.query.get("mode") == "memory":
            return None
        return backend, os.path.realpath(os.path.join(folder, path))  # noqa: PTH118  # no I/O
    host = parsed.query.get("host", parsed.host or "")
    # A socket, which begins with a slash, is on this machine too.
    near = not isinstance(host, str) or host.lower() in _HERE or host.startswith("/")
    port = parsed.port or _PORTS.get(backend)
    return backend, "" if near else str(host).lower(), port, parsed.database or parsed.username


# ------------------------------------------------------------------------- its errors

#: Operational errors that are mistakes: in SQLite a missing table or column, in MySQL also a
#: missing right.
_MISTAKE = re.compile(r"no such |\(?(1054|1142|1143)\b")


#: Two statements waited for each other and the database undid this one.
_DEADLOCK = re.compile(r"\(?1213\b|deadlock detected")


def is_worth_a_retry(error: Exception) -> bool:
    """Return whether a statement may succeed when it is sent again, on a new connection."""
    if not isinstance(error, exc.DBAPIError):
        return False
    return error.connection_invalidated or _DEADLOCK.match(str(error.orig)) is not None


def told(error: Exception) -> Exception:
    """Return the error to raise in place of `error`: it shows no URL and no parameter."""
    if _is_outage(error):
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        return SessionStoreUnavailable("sqlalchemy", cause)
    if isinstance(error, exc.StatementError):
        error.hide_parameters = True
    if isinstance(error, (exc.OperationalError, exc.ProgrammingError)):
        error.add_detail(
            "Do the store's tables exist, with the columns of this release? Create what is missing"
            " with a migration or store.create_all()."
        )
    return error


def _is_outage(error: Exception) -> bool:
    if isinstance(error, (exc.TimeoutError, exc.DisconnectionError, OSError)):
        return True
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.InternalError)):
        return _MISTAKE.match(str(error.orig)) is None
    return False
