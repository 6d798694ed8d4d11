"""This library, on both levels; the session by hand; one raw round trip to each back end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask_login import LoginManager, MemorySessionStore
from flask_login.sessions.store import SessionStore

from . import bulk
from .login_views import login_app
from .plain import bare_app, by_hand, logged_in, login_site
from .wsgi import Variant

Urls = Mapping[str, str]


def store_of(name: str, url: str = "", table: str = "login_sessions") -> SessionStore:
    """Return the session store of a name: memory, sqlite, postgresql, mariadb or redis."""
    if name == "memory":
        return MemorySessionStore()
    if name == "redis":
        from flask_login.sessions.redis import RedisSessionStore

        return RedisSessionStore(url)
    from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

    store = SQLAlchemySessionStore(url, table_name=table)
    store.create_all()
    return store


def signed(urls: Urls) -> Variant:
    return login_site(login_app(LoginManager()), bare_app())


def handwritten(urls: Urls) -> Variant:
    return logged_in(by_hand(), bare_app())


def stored(name: str, urls: Urls) -> Variant:
    store = store_of(name, urls.get(name, ""))
    app = login_app(LoginManager(session_store=store))
    return logged_in(app, bare_app())


def by_cookie(urls: Urls) -> Variant:
    """On the memory store, with a login cookie in place of Flask's session."""
    manager = LoginManager(session_store=MemorySessionStore())
    app = login_app(manager, LOGIN_STATE="cookie")
    return logged_in(app, bare_app(), "login", "login-marker")


def raw_redis(urls: Urls) -> Variant:
    """One GET of a record's size, with redis-py as it comes."""
    import redis

    client = redis.Redis.from_url(urls["redis"])
    client.set("raw", b"x" * 240)
    return raw(partial(client.get, "raw"))


def raw_sql(name: str, urls: Urls) -> Variant:
    """One SELECT by primary key, with SQLAlchemy Core."""
    import sqlalchemy as sa

    engine = sa.create_engine(urls[name], isolation_level="AUTOCOMMIT")
    table = sa.Table(
        "raw",
        sa.MetaData(),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("data", sa.Text()),
    )
    table.create(engine, checkfirst=True)
    with engine.connect() as connection:
        connection.execute(table.delete())
        connection.execute(table.insert(), {"id": "raw", "data": "x" * 240})
    select = sa.select(table).where(table.c.id == sa.bindparam("this"))

    def work() -> None:
        with engine.connect() as connection:
            assert connection.execute(select, {"this": "raw"}).one()

    return raw(work)


def raw_driver(urls: Urls) -> Variant:
    """The same, with psycopg alone on one open connection."""
    import psycopg

    raw_sql("postgresql", urls)
    url = urls["postgresql"].replace("+psycopg", "")
    connection = psycopg.connect(url, autocommit=True)

    def work() -> None:
        assert connection.execute("SELECT * FROM raw WHERE id = %s", ("raw",)).fetchone()

    return raw(work)


def raw(work: Callable[[], object]) -> Variant:
    """Return a page that does `work`, for the requests of somebody logged in."""
    made = signed({})
    return Variant(bare_app(work), made.bare, {"page": made.requests["page"]})


def crowd(name: str, urls: Urls) -> Variant:
    """Return an application whose store is filled: ``crowd redis 1000``, on a server of its own."""
    kind, size = name.split()[1:]
    url = urls.get(f"{kind}-{size}") or urls.get(kind, "")
    return bulk.crowd(store_of(kind, url, f"logins_{size}"))


def log_in(started: Mapping[str, Variant], variant: str, count: int) -> None:
    """Log in people of a crowd."""
    _crowd(started, variant).log_in(count)


def load(started: Mapping[str, Variant], variant: str, count: int) -> None:
    """Add logins to a crowd."""
    _crowd(started, variant).load(count)


def revoke_all(started: Mapping[str, Variant], variant: str, count: int) -> float:
    """Return how many seconds it takes to end so many logins of one user."""
    return bulk.revoke_all(_crowd(started, variant), count)


def redis_memory(started: Mapping[str, Variant], variant: str) -> int:
    """Return how many bytes a crowd's Redis uses."""
    return bulk.redis_memory(_crowd(started, variant))


def _crowd(started: Mapping[str, Variant], variant: str) -> bulk.Crowd:
    found = started[variant]
    assert isinstance(found, bulk.Crowd)
    return found


#: A size that is no number is a store for another purpose.
CROWDS = ("1000", "20000", "100000", "1000000", "revoke")

VARIANTS: dict[str, Callable[[Urls], Variant]] = {
    "ours": signed,
    "by hand": handwritten,
    "ours, login cookie": by_cookie,
    **{
        f"ours, {name}": partial(stored, name)
        for name in ("memory", "sqlite", "postgresql", "redis")
    },
    **{
        name: partial(crowd, name)
        for kind in ("memory", "sqlite", "postgresql", "mariadb", "redis")
        for size in CROWDS
        for name in (f"crowd {kind} {size}",)
    },
    "raw redis": raw_redis,
    "raw sqlite": partial(raw_sql, "sqlite"),
    "raw postgresql": partial(raw_sql, "postgresql"),
    "raw psycopg": raw_driver,
}


def versions() -> dict[str, Any]:
    """Return what is compared here."""
    from importlib.metadata import version

    import flask_login

    names = ("Flask", "Werkzeug", "redis", "SQLAlchemy", "psycopg", "gunicorn", "pyperf")
    return {"Flask-Login": flask_login.__version__, **{name: version(name) for name in names}}
