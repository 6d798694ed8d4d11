"""A store made of a URL to the application's own database: its migrations would drop the tables."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_login import ConfigurationError, LoginManager, MemorySessionStore, SessionStore
from flask_login.doctor import examine

sa = pytest.importorskip("sqlalchemy", minversion="2.0")

from flask_login.sessions.sql_engine import database_of  # noqa: E402  # needs SQLAlchemy
from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore  # noqa: E402  # likewise


def site(tmp_path: Path, **config: Any) -> Flask:
    app = Flask(__name__, instance_path=str(tmp_path / "instance"))
    app.config.update(SECRET_KEY="a key of thirty-two random bytes", **config)
    return app


def found(app: Flask) -> list[str]:
    with app.app_context():
        findings = [one for one in examine(app) if one.code == "unmigrated_tables"]
    level = "error" if "migrate" in app.extensions else "hint"
    assert {finding.level for finding in findings} <= {level}
    return [finding.text for finding in findings]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING and "Alembic" in record.getMessage()
    ]


def test_a_store_of_a_url_to_the_application_s_database_is_told_once_and_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/app.db"
    app = site(tmp_path, SQLALCHEMY_DATABASE_URI=url)
    LoginManager(app, session_store=SQLAlchemySessionStore(url))
    (text,) = warnings(caplog)
    assert text.startswith(
        "The session store of the realm 'default' has its tables in the application's own database"
        " (SQLALCHEMY_DATABASE_URI), whose MetaData does not know them: the next migration that"
        " Alembic makes drops them, and every user is logged out. Make the store of the db, "
    )
    app.test_client().get("/")
    assert warnings(caplog) == [text]
    assert found(app) == [text.partition(" Make the store")[0]]
    app.extensions["migrate"] = object()
    assert len(found(app)) == 1


@pytest.mark.parametrize("how", ["engine", "url object", "realm"])
def test_other_ways_to_make_such_a_store_are_found(how: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/app.db"
    app = site(tmp_path, SQLALCHEMY_DATABASE_URI=sa.make_url(url) if how == "url object" else url)
    bind = sa.create_engine(url) if how == "engine" else sa.make_url(url)
    name = "staff" if how == "realm" else None
    LoginManager(app, name=name, session_store=SQLAlchemySessionStore(bind))
    (text,) = found(app)
    assert f"'{name or 'default'}'" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SQLALCHEMY_BINDS", {"users": "sqlite:///{}/app.db"}),
        ("SQLALCHEMY_BINDS", {"users": {"url": "sqlite:///{}/app.db", "echo": True}}),
        ("SQLALCHEMY_ENGINES", {"default": "sqlite:///{}/app.db"}),
        ("SQLALCHEMY_ENGINES", {"other": {"url": "sqlite:///{}/x/../app.db"}}),
    ],
)
def test_each_database_of_the_application_counts(key: str, value: Any, tmp_path: Path) -> None:
    def placed(setting: Any) -> Any:
        if isinstance(setting, dict):
            return {name: placed(part) for name, part in setting.items()}
        return setting.format(tmp_path) if isinstance(setting, str) else setting

    app = site(tmp_path, **{key: placed(value)})
    LoginManager(app, session_store=SQLAlchemySessionStore(f"sqlite:///{tmp_path}/app.db"))
    (name,) = value
    (text,) = found(app)
    assert f"({key}['{name}'])" in text


def test_a_relative_path_begins_where_flask_sqlalchemy_begins_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    app = site(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite:///app.db")
    LoginManager(app, session_store=SQLAlchemySessionStore("sqlite:///app.db"))
    assert warnings(caplog) == []  # nobody knows yet
    assert len(found(app)) == 1  # an application with engines of its own
    app.extensions["sqlalchemy"] = object()
    assert found(app) == []
    store = SQLAlchemySessionStore("sqlite:///instance/app.db")
    LoginManager(app, session_store=store)
    assert len(warnings(caplog)) == 1
    assert len(found(app)) == 1


def test_a_relative_path_of_another_application_is_told_at_the_first_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    app = site(tmp_path, SQLALCHEMY_DATABASE_URI="sqlite:///app.db")
    LoginManager(app, session_store=SQLAlchemySessionStore("sqlite:///app.db"))
    app.test_client().get("/")
    assert len(warnings(caplog)) == 1


def test_flask_sqlalchemy_s_own_database_is_found_and_its_db_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flask_sqlalchemy = pytest.importorskip("flask_sqlalchemy")
    app = site(
        tmp_path,
        SQLALCHEMY_DATABASE_URI="sqlite:///app.db",
        SQLALCHEMY_BINDS={"logins": "sqlite:///logins.db"},
    )
    db = flask_sqlalchemy.SQLAlchemy(app)
    with app.app_context():
        engine = db.engines["logins"]
    good: list[SessionStore | None] = [
        SQLAlchemySessionStore(db),
        SQLAlchemySessionStore(db, bind_key="logins", table_name="others"),
        SQLAlchemySessionStore(engine, metadata=sa.MetaData()),
        SQLAlchemySessionStore(f"sqlite:///{app.instance_path}/other.db"),
        MemorySessionStore(),
        None,
    ]
    for store in good:
        LoginManager(app, session_store=store)
        assert (found(app), warnings(caplog)) == ([], [])
    LoginManager(app, session_store=SQLAlchemySessionStore(engine))
    assert ["SQLALCHEMY_BINDS['logins']" in text for text in found(app)] == [True]


@pytest.mark.parametrize("value", ["", "no url", "://", 7, {"url": None}, {}, object()])
def test_a_setting_that_is_no_url_stops_nothing(value: Any, tmp_path: Path) -> None:
    app = site(tmp_path, SQLALCHEMY_DATABASE_URI=value, SQLALCHEMY_BINDS=value)
    LoginManager(app, session_store=SQLAlchemySessionStore("sqlite://"))
    LoginManager(app, name="a", session_store=SQLAlchemySessionStore(f"sqlite:///{tmp_path}/a.db"))
    assert found(app) == []


# ------------------------------------------------------------------ one database or two


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql://ann:canary@db/shop", "postgresql+psycopg2://ben@db:5432/shop"),
        ("postgresql://DB.example.org/shop", "postgresql://db.example.org/shop"),
        ("postgresql://localhost/shop", "postgresql:///shop"),
        ("postgresql://127.0.0.1/shop", "postgresql:///shop?host=/var/run/postgresql"),
        ("postgresql://ann@db", "postgresql://ann@db/ann"),
        ("mysql+pymysql://db/shop", "mariadb+pymysql://db:3306/shop?charset=utf8mb4"),
        ("sqlite:////srv/app.db", "sqlite+pysqlite:////srv/x/../app.db?timeout=5"),
        ("sqlite:////srv/app.db", "sqlite:///file:/srv/app.db?mode=ro&uri=true"),
    ],
)
def test_two_urls_of_one_database_are_one(one: str, other: str) -> None:
    assert database_of(one) == database_of(other) is not None
    assert "canary" not in repr(database_of(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql://db/shop", "postgresql://db/logins"),
        ("postgresql://db/shop", "postgresql://db2/shop"),
        ("postgresql://db/shop", "postgresql://db:5433/shop"),
        ("postgresql://db/shop", "mysql://db/shop"),
        ("sqlite:////srv/app.db", "sqlite:////srv/logins.db"),
    ],
)
def test_two_databases_are_two(one: str, other: str) -> None:
    assert database_of(one) != database_of(other)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:a?mode=memory&uri=true", None, 7]
)
def test_what_is_in_memory_or_no_url_is_nobody_s(url: object) -> None:
    assert database_of(url) is None


# ------------------------------------------------------------------ URLs that can't be used


@pytest.mark.parametrize(
    ("url", "shown", "cure"),
    [
        ("postgres://ann:canary@db/shop", "postgres://...", "Write postgresql://"),
        ("postgres+psycopg2://ann:canary@db/shop", "postgres+psycopg2://...", "Write postgresql"),
        ("redis://ann:canary@db/0", "redis://...", "RedisSessionStore"),
        ("mongodb://ann:canary@db/0", "mongodb://...", "no session store for MongoDB"),
        ("oracl://ann:canary@db/0", "oracl://...", ""),
        (
            "postgresql+asyncpg://ann:canary@db/0",
            "postgresql+asyncpg://...",
            "Leave out the driver",
        ),
        ("sqlite+aiosqlite:////canary.db", "sqlite+aiosqlite://...", "Leave out the driver"),
    ],
)
def test_a_url_that_no_driver_answers_is_refused_with_what_to_write(
    url: str, shown: str, cure: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SQLAlchemySessionStore(url)
    text = str(caught.value)
    assert text.startswith("bind must be a database URL of a ")
    assert f"instead got: '{shown}'" in text
    assert cure in text
    assert "canary" not in text + repr(caught.value) + repr(caught.value.__cause__)


def test_a_driver_that_is_not_installed_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(ImportError) as caught:
        SQLAlchemySessionStore("postgresql+psycopg2://ann:canary@db/shop")
    text = str(caught.value)
    assert text.startswith(
        "SQLAlchemySessionStore needs the driver psycopg2 for postgresql+psycopg2://, found: none ("
    )
    assert "Install it with: pip install psycopg2-binary;" in text
    assert "canary" not in text
    assert caught.value.name == "psycopg2"
