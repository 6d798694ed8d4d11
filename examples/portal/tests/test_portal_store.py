"""Where logins are kept, and what happens when that place gives no answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, text
from werkzeug.test import TestResponse

from flask_login import MemorySessionStore
from flask_login.sessions.redis import RedisSessionStore
from portal import create_app
from portal.login import make_store
from portal.models import Base, create_tables, db
from portal.settings import from_environment
from portal_testing import DEVICE, MEMBER, REMEMBER, SESSION, Visitor, add_user, close_database


def test_logins_are_kept_in_the_database_of_the_portal(app: Flask, member: Visitor) -> None:
    with app.app_context():
        tables = inspect(db.engine).get_table_names()
        assert {"user", "api_key", "login_sessions"} <= set(tables)
        found = inspect(db.engine).get_indexes("login_sessions")
        names = {index["name"] for index in found}
        assert names == {index.name for index in Base.metadata.tables["login_sessions"].indexes}
        create_tables()  # again, as the next worker does


def test_the_database_of_an_older_portal_gets_the_tables_it_lacks(app: Flask) -> None:
    with app.app_context():
        for name in ("authenticator", "recovery_code", "passkey", "used_challenge"):
            Base.metadata.tables[name].drop(db.engine)
    newer = create_app({"TESTING": True}, instance_path=app.instance_path)
    member = Visitor(newer)
    assert member.log_in(MEMBER).status_code == 302
    assert member.get("/account/two-step/").status_code == 200
    close_database(newer)


def test_an_older_table_is_named_and_the_way_out_too(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE authenticator DROP COLUMN last_step"))
    with pytest.raises(RuntimeError, match=r"'authenticator'.*last_step.*delete.*seed"):
        create_app({"TESTING": True}, instance_path=app.instance_path)


def test_logins_may_be_kept_in_memory(tmp_path: Path, cheap_passwords: None) -> None:
    app = create_app({"TESTING": True, "LOGIN_STORE": "memory"}, instance_path=str(tmp_path))
    add_user(app, MEMBER)
    first, second = Visitor(app), Visitor(app)
    first.log_in(MEMBER)
    second.log_in(MEMBER)
    first.submit("/account/devices/end-others", page="/account/devices/")
    assert [first.is_logged_in(), second.is_logged_in()] == [True, False]
    close_database(app)


def test_the_store_is_chosen_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "from outside")
    assert from_environment(tmp_path)["LOGIN_STORE"] == "sqlalchemy"
    for value in ("memory", "redis://localhost:6379/0", "rediss://localhost"):
        monkeypatch.setenv("LOGIN_STORE", value)
        assert from_environment(tmp_path)["LOGIN_STORE"] == value
    monkeypatch.setenv("LOGIN_STORE", "http://user:hidden@localhost")
    with pytest.raises(ValueError, match="LOGIN_STORE is neither") as caught:
        from_environment(tmp_path)
    assert "hidden" not in str(caught.value)


def test_each_name_makes_its_store() -> None:
    assert isinstance(make_store("memory"), MemorySessionStore)
    pytest.importorskip("redis")
    assert isinstance(make_store("redis://localhost:6379/0"), RedisSessionStore)


@pytest.fixture
def cut_off(app: Flask) -> Iterator[Flask]:
    """The portal, its logins in a Redis that is not there."""
    pytest.importorskip("redis")
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        settings = {"TESTING": True, "LOGIN_STORE": f"redis://:canary@127.0.0.1:{port}/0"}
        cut_off = create_app(settings, instance_path=app.instance_path)
        yield cut_off
        close_database(cut_off)


def test_a_store_that_is_away_logs_nobody_in_and_nobody_out(
    cut_off: Flask, member: Visitor
) -> None:
    visitor = Visitor(cut_off)
    assert visitor.get("/").status_code == 200  # a stranger never notices
    answers = [visitor.log_in(MEMBER), *(open_as(member, cut_off, p) for p in ("/", "/account/"))]
    for answer in answers:
        assert answer.status_code == 503
        assert "One moment, please" in answer.text
        assert int(answer.headers["Retry-After"]) > 0
        cookies = answer.headers.getlist("Set-Cookie")
        assert all(cookie.startswith(DEVICE) for cookie in cookies)  # which is no login
        assert "canary" not in answer.text
    assert not visitor.is_logged_in()
    assert member.is_logged_in()


def open_as(visitor: Visitor, app: Flask, path: str) -> TestResponse:
    """Open a page of another portal with the cookies of a visitor."""
    header = "; ".join(f"{name}={visitor.cookie(name)}" for name in (SESSION, REMEMBER))
    return app.test_client(use_cookies=False).get(path, headers={"Cookie": header})
