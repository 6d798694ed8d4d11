"""An application with a session store and one user, whose cookies a test holds in its hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flask import Flask, session

from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    login_fresh,
    login_user,
)
from flask_login.sessions import records
from flask_login.sessions.store import SessionStore
from flask_login.signals import remember_token_reused
from flask_login.testing import FrozenClock

NOBODY = "nobody"

users = count()


class Account(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


Jar = dict[str, str]


@dataclass
class Site:
    """An application with one user."""

    store: SessionStore
    settings: dict[str, Any]
    clock: FrozenClock = field(default_factory=FrozenClock)
    alarms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.user = f"user-{next(users)}"
        self.app = app = Flask(__name__)
        app.config.update(SECRET_KEY="a key of thirty-two random bytes", TESTING=True)
        app.config.update(self.settings)
        manager: LoginManager[Any] = LoginManager(app, session_store=self.store, clock=self.clock)
        manager.user_loader(Account)
        self.manager = manager

        @app.get("/login")
        def login() -> str:
            login_user(Account(self.user), remember=True)
            return ""

        @app.get("/login-for-now")
        def login_for_now() -> str:
            login_user(Account(self.user))
            return ""

        @app.get("/confirm")
        def confirm() -> str:
            confirm_login()
            return ""

        @app.get("/write")
        def write() -> str:
            session["page"] = current_user.get_id()
            return session["page"] or NOBODY

        @app.get("/fresh")
        def fresh() -> str:
            return "fresh" if login_fresh() else "stale"

        @app.get("/")
        def me() -> str:
            return current_user.get_id() or NOBODY

        remember_token_reused.connect(self._alarmed, app)

    def _alarmed(self, sender: Flask, login: records.LoginSession) -> None:
        self.alarms.append(login.id)

    def ask(self, cookies: Jar, path: str = "/") -> tuple[str, dict[str, str | None]]:
        """Return who a request with these cookies is by, and what its answer sets."""
        client = self.app.test_client(use_cookies=False)
        sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
        response = client.get(path, headers={"Cookie": sent} if sent else {})
        told: dict[str, str | None] = {}
        for line in response.headers.getlist("Set-Cookie"):
            name, _, rest = line.partition("=")
            told[name] = None if "Max-Age=0" in line else rest.partition(";")[0]
        return response.text, told

    @property
    def record(self) -> records.LoginSession:
        (record,) = self.store.list(self.user)
        return record


def take(jar: Jar, told: dict[str, str | None]) -> None:
    """Do with a browser's cookies what an answer says."""
    for name, value in told.items():
        if value is None:
            jar.pop(name, None)
        else:
            jar[name] = value
