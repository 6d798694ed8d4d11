"""What gunicorn serves in `test_faults`: a small application whose logins are in a store.

The environment says in which one, and what time it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from flask import Flask, request

from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from flask_login.sessions.store import SessionStore

SECRET_KEY = "canary-1d7b52"
#: How long the stores wait for their server, in seconds.
TIMEOUT = 1.0


class User(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def make_store(kind: str, url: str) -> SessionStore:
    """Return a store of that kind, made as an application would."""
    if kind == "sqlalchemy":
        from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

        return SQLAlchemySessionStore(url, timeout=TIMEOUT)
    from flask_login.sessions.redis import RedisSessionStore

    return RedisSessionStore(url, cluster=kind == "cluster", timeout=TIMEOUT)


def clock(epoch: float, speed: float) -> datetime:
    """Return the time of all workers: since `epoch` it has passed `speed` times as fast."""
    now = datetime.now(timezone.utc)
    began = datetime.fromtimestamp(epoch, timezone.utc)
    return began + (now - began) * speed


def create() -> Flask:
    """Return the application that the environment describes, for gunicorn."""
    epoch, speed = float(os.environ["FAULT_EPOCH"]), float(os.environ["FAULT_SPEED"])
    store = make_store(os.environ["FAULT_STORE"], os.environ["FAULT_URL"])
    return make_app(store, lambda: clock(epoch, speed), User)


def make_app(
    store: SessionStore | None, now: Callable[[], datetime], user_class: type[User]
) -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=SECRET_KEY,
        REMEMBER_COOKIE_ACCEPT_LEGACY=False,
        REMEMBER_COOKIE_DURATION=timedelta(days=300),
        LOGIN_IDLE_TIMEOUT=timedelta(days=30),
    )
    manager = LoginManager[User](app, session_store=store, clock=now)
    manager.user_loader(user_class)

    @app.get("/login/<user_id>")
    def login(user_id: str) -> str:
        login_user(user_class(user_id), remember="once" not in request.args)
        return user_id

    @app.get("/me")
    @login_required
    def me() -> str:
        return str(current_user.get_id())

    @app.get("/whoami")
    def whoami() -> str:
        return str(current_user.get_id() or "nobody")

    @app.get("/public")
    def public() -> str:
        return f"worker {os.getpid()}"

    @app.get("/confirm")
    @login_required
    def confirm() -> str:
        confirm_login()
        return str(current_user.get_id())

    @app.get("/logout")
    def logout() -> str:
        logout_user(everywhere="everywhere" in request.args)
        return "nobody"

    return app
