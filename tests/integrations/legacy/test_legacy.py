"""Libraries of 2023, on the Flask of their time: they log in, and what can't be had is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from flask_kvsession import KVSessionExtension
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from simplekv.memory import DictStore
from tests.integrations.conftest import Level
from tests.integrations.flow import Browser, browser_of, doctor, make_site, walk

from flask_login import UserMixin

# Flask-SQLAlchemy 2.5 with SQLAlchemy 1.4


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Flask, Any, Any]]:
    app = Flask("site")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'site.db'}"
    app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
    db = SQLAlchemy(app)

    class Member(UserMixin, db.Model):  # type: ignore[name-defined,misc]  # made at run time
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(80), unique=True)

    with app.app_context():
        db.create_all()
        db.session.add(Member(id=7, name="ann"))
        db.session.commit()
    yield app, db, Member
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_flask_sqlalchemy_2(shop: tuple[Flask, Any, Any], level: Level) -> None:
    app, db, member = shop
    make_site(
        level.store,
        app=app,
        find=lambda name: member.query.filter_by(name=name).first(),
        load=lambda user_id: db.session.get(member, int(user_id)),
    )
    walk(browser_of(app), stored=level.stored, user_id="7")


def test_the_sql_store_says_which_sqlalchemy_it_needs() -> None:
    # In a process of its own, since a failed import is tried again by everybody else here.
    ran = subprocess.run(
        [sys.executable, "-c", "from flask_login.sessions import SQLAlchemySessionStore"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(
        "ImportError: SQLAlchemySessionStore needs SQLAlchemy 2.0 or newer, found: 1.4."
    )


# Flask-Session before 0.6, and Flask-KVSession


def add_cart(app: Flask) -> None:
    @app.get("/cart")
    def cart() -> str:
        return str(session.setdefault("cart", "tea"))


def old_flask_session(level: Level, tmp_path: Path) -> Flask:
    app = Flask("site")
    app.config.update(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(tmp_path / "sessions"))
    app.config.update(SESSION_PERMANENT=False)
    Session(app)
    make_site(level.store, app=app)
    add_cart(app)
    return app


def planted_in(app: Flask) -> tuple[Browser, Browser]:
    """Return an attacker whose session's id a victim has, and that victim, logged in."""
    attacker = browser_of(app)
    attacker.get("/cart")
    victim = attacker.another(attacker.cookies)
    victim.log_in()
    return attacker, victim


def test_flask_session_before_0_6_is_told_of_since_an_id_that_was_planted_is_logged_in(
    level: Level, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = old_flask_session(level, tmp_path)
    walk(browser_of(app), stored=level.stored)
    attacker, _ = planted_in(app)
    assert attacker.get("/").text == "user ann", "what the page warns of"
    assert "session_id_kept" in doctor(app)
    assert any("Upgrade to Flask-Session 0.6 or later." in text for text in caplog.messages)


def test_flask_kvsession_gives_a_session_a_new_id_at_login(level: Level) -> None:
    app = Flask("site")
    KVSessionExtension(DictStore(), app)
    make_site(level.store, app=app)
    add_cart(app)
    walk(browser_of(app), stored=level.stored)
    attacker, victim = planted_in(app)
    assert attacker.cookies["session"] != victim.cookies["session"]
    assert attacker.get("/").text == "user nobody"
    assert victim.get("/cart").text == "tea"
    assert "session_id_kept" not in doctor(app)
