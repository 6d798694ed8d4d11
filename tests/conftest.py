"""What most tests share: a few users, one manager with a clock that stands still, and apps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import settings
from tests.effort import EFFORT, EXAMPLES

from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_fresh,
    login_user,
    logout_user,
)
from flask_login.testing import FrozenClock

#: They need an environment of their own, with some fifty libraries: `make test-integrations`.
collect_ignore = ["integrations"]

# A machine that is busy is no failure.
settings.register_profile(EFFORT, deadline=None, max_examples=EXAMPLES)
settings.load_profile(EFFORT)

#: Of the contract of the stores, what takes seconds on each of them.
SLOW = {
    "test_of_many_who_replace_one_version_one_succeeds",
    "test_an_end_survives_any_activity_at_the_same_moment",
}
#: Fixtures that start a server, or find one that the test's parameter names.
SERVERS = {"postgresql", "mariadb", "redis_server", "redis_cluster", "server_of", "one", "many"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that ``-m "not servers"`` leaves it out."""
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname in SLOW:
            item.add_marker("slow")
        if isinstance(item, pytest.Function) and asks_for_a_server(item):
            item.add_marker("servers")
            # One process has them all: with `--dist loadgroup` each server starts once.
            item.add_marker(pytest.mark.xdist_group("servers"))


def asks_for_a_server(item: pytest.Function) -> bool:
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    # A parameter such as "mariadb-engine" names the server first.
    named = {param.partition("-")[0] for param in params if isinstance(param, str)}
    found = set(item.fixturenames)
    if "url_of" in found:
        found.discard("server_of")  # which it asks only where the parameter names a server
        if not named:
            return True  # it goes through the databases itself
    # Without one of these, a parameter "mariadb" is but a dialect.
    looked_up = named if found & {"url_of", "store"} else set()
    return bool(SERVERS & (found | looked_up))


class Account(UserMixin):
    """A user who can be suspended, and who says nothing of credentials."""

    def __init__(self, user_id: str, *, active: bool = True) -> None:
        self.id = user_id
        self.active = active

    @property
    def is_active(self) -> bool:
        return self.active


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Werkzeug hash passwords in no time, where the test is not about them."""
    scrypt, pbkdf2 = hashlib.scrypt, hashlib.pbkdf2_hmac
    monkeypatch.setattr(
        hashlib, "scrypt", lambda *args, **options: scrypt(*args, **options | {"n": 2})
    )
    monkeypatch.setattr(
        hashlib,
        "pbkdf2_hmac",
        lambda name, password, salt, _, *rest: pbkdf2(name, password, salt, 1, *rest),
    )


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def users() -> dict[str, Any]:
    """The users by their id: a test may change, add and remove them."""
    return {name: Account(name) for name in ("alice", "bob")}


@pytest.fixture
def login_manager(users: dict[str, Any], clock: FrozenClock) -> LoginManager[Any]:
    manager: LoginManager[Any] = LoginManager(clock=clock)
    manager.user_loader(lambda user_id: users.get(user_id))
    return manager


@pytest.fixture
def make_app(login_manager: LoginManager[Any], users: dict[str, Any]) -> Callable[..., Flask]:
    """Return a function that makes apps of `login_manager`; it takes their configuration.

    Each has ``/me`` (the user id, or "nobody"), ``/fresh`` ("fresh" or "stale"),
    ``/login/<user_id>`` (with ``?remember`` and ``?stale``), ``/logout`` and ``/public``, which
    never asks for the user.
    """

    def make(**config: Any) -> Flask:
        app = Flask(__name__)
        app.config.update({"SECRET_KEY": "a key of thirty-two random bytes", "TESTING": True})
        app.config.update(config)
        login_manager.init_app(app)

        @app.get("/me")
        def me() -> str:
            return current_user.get_id() or "nobody"

        @app.get("/fresh")
        def fresh() -> str:
            return "fresh" if login_fresh() else "stale"

        @app.get("/login/<user_id>")
        def login(user_id: str) -> str:
            remember, stale = "remember" in request.args, "stale" in request.args
            return str(login_user(users[user_id], remember=remember, fresh=not stale))

        @app.get("/logout")
        def logout() -> str:
            return str(logout_user())

        @app.get("/public")
        def public() -> str:
            return "hello"

        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()
