"""Stores with very many logins, filled through their own packing but not one by one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from flask import Flask

from flask_login import LoginManager, LoginSession, login_required, login_user
from flask_login.sessions.records import hash_secret, new_id

from .login_views import User
from .plain import bare_app, flask_app
from .wsgi import Variant, ask, environ

#: How many logins make the requests, by turns; whatever is remembered of the last is no help.
LOGINS = 1000
_BATCH = 5000


@dataclass
class Crowd(Variant):
    """An application whose store holds the logins of very many."""

    manager: LoginManager[User] = field(default_factory=LoginManager[User])
    store: Any = None
    people: int = 0

    def log_in(self, count: int) -> None:
        """Log in so many people, whose requests will be timed."""
        requests = [*self.requests.get("page", ())]
        for _ in range(count):
            self.people += 1
            found = ask(self.app, environ(f"/login/person-{self.people}"))
            requests.append(environ("/page", {"session": found.cookies["session"]}))
        self.requests["page"] = requests

    def load(self, count: int, user_id: str | None = None) -> None:
        """Add so many logins, of as many people; or of one user."""
        pattern = vars(self.store.list("person-1")[0])
        load = {"redis": _into_redis, "sqlalchemy": _into_sql}.get(self.store.kind, _one_by_one)
        load(self.store, self._records(pattern, count, user_id))

    def _records(
        self, pattern: Mapping[str, Any], count: int, user_id: str | None
    ) -> Iterator[LoginSession]:
        for _ in range(count):
            self.people += 1
            owner = user_id or f"person-{self.people}"
            record = object.__new__(LoginSession)  # the quick way to make a frozen object
            vars(record).update(
                pattern,
                id=new_id(owner),
                user_id=owner,
                secret_hash=hash_secret(secrets.token_urlsafe(32)),
            )
            yield record


def crowd(store: Any) -> Crowd:
    """Return an application on a store, with one login."""
    manager: LoginManager[User] = LoginManager(session_store=store)
    manager.user_loader(User)
    made = Crowd(_app(manager), bare_app(), manager=manager, store=store)
    made.log_in(1)
    return made


def _app(manager: LoginManager[User]) -> Flask:
    app = flask_app("crowd", TESTING=True)
    manager.init_app(app)

    @app.get("/login/<user_id>")
    def login(user_id: str) -> str:
        assert login_user(User(user_id))
        return "ok"

    @app.get("/page")
    @login_required
    def page() -> str:
        assert manager.current_user.name
        return "ok"

    return app


def _one_by_one(store: Any, records: Iterable[LoginSession]) -> None:
    for record in records:
        store.create(record)


def _into_redis(store: Any, records: Iterable[LoginSession]) -> None:
    """Let the store speak to a pipeline, which is emptied now and then."""
    pipe = store._client.pipeline(transaction=False)

    def later(*command: Any, **_: Any) -> None:
        pipe.execute_command(*command)

    store._execute = later
    try:
        for number, record in enumerate(records, 1):
            store.create(record)
            if number % _BATCH == 0:
                pipe.execute()
        pipe.execute()
    finally:
        del store._execute


def _into_sql(store: Any, records: Iterable[LoginSession]) -> None:
    engine, codec = store._get_engine(), store._codec()
    names = [column.name for column in store.table.columns]
    rows = (codec.row(record) for record in records)
    if engine.dialect.name != "postgresql":
        with engine.connect() as connection:
            connection.execution_options(isolation_level="SERIALIZABLE").begin()
            connection.execute(store.table.insert(), [*rows])
            connection.commit()
        return
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("SET statement_timeout = 0")  # a busy machine takes its time
        with cursor.copy(f"COPY {store.table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[name] for name in names])
        cursor.execute("RESET statement_timeout")


def revoke_all(made: Crowd, count: int) -> float:
    """Return how many seconds it takes to end so many logins of one user."""
    victim = f"victim-{secrets.token_hex(4)}"
    made.load(count, victim)
    with made.app.test_request_context():
        begun = perf_counter()
        ended = made.manager.sessions.revoke_all(victim)
        took = perf_counter() - begun
    assert ended == count, (ended, count)
    return took


def redis_memory(made: Crowd) -> int:
    """Return how many bytes the Redis server of a crowd uses."""
    found: int = made.store._client.info("memory")["used_memory"]
    return found
