"""A request that began before the logout, and whose answer comes after it.

Without a store the answer may bring the login back, as the pages on timeouts and threats say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, session

from flask_login import LoginManager, MemorySessionStore
from flask_login.testing import FrozenClock

IDLE = {"LOGIN_IDLE_TIMEOUT": timedelta(minutes=30)}
SLIDING = {"REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True}
PERMANENT = {"PERMANENT": True}

MakeApp = Callable[..., Flask]


@pytest.fixture(params=["default", "staff"])
def make(request: pytest.FixtureRequest, clock: FrozenClock, users: dict[str, Any]) -> MakeApp:
    """Return a function that makes an application, of the default realm or of a named one."""

    def make(*, stored: bool, **config: Any) -> Flask:
        app = Flask("shop")
        app.config.update(SECRET_KEY="a key", TESTING=True, **config)
        manager: LoginManager[Any] = LoginManager(
            app,
            name=request.param,
            session_store=MemorySessionStore() if stored else None,
            clock=clock,
        )
        manager.user_loader(lambda user_id: users.get(user_id))

        def login() -> str:
            session.permanent = "PERMANENT" in config
            return str(manager.login_user(users["alice"], remember=True))

        def writes() -> str:
            session["cart"] = ["tea"]
            return ""

        views: dict[str, Callable[[], str]] = {
            "login": login,
            "logout": lambda: str(manager.logout_user()),
            "reads": lambda: manager.current_user.get_id() or "nobody",
            "writes": writes,
            "public": lambda: "",
        }
        for name, view in views.items():
            app.add_url_rule(f"/{name}", name, view)
        return app

    return make


def after_a_slow_answer(app: Flask, clock: FrozenClock, path: str) -> str:
    """Log in and out, with a request to `path` answered last; return who the browser is then."""
    browser, slow_request = app.test_client(), app.test_client()
    browser.get("/login")
    cookies = {cookie.key: cookie for cookie in browser._cookies.values()}  # type: ignore[union-attr]  # it keeps them
    for name, cookie in cookies.items():
        slow_request.set_cookie(name, cookie.value)
    clock.advance(timedelta(minutes=10))
    browser.get("/logout")
    for line in slow_request.get(path).headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        browser.set_cookie(name, value)
    return browser.get("/reads").text


@pytest.mark.parametrize(
    ("config", "path", "who"),
    [
        ({}, "/reads", "nobody"),
        ({}, "/public", "nobody"),
        ({}, "/writes", "alice"),
        (IDLE, "/reads", "alice"),
        (IDLE, "/public", "nobody"),
        (SLIDING, "/reads", "alice"),
        (SLIDING, "/public", "nobody"),
        (PERMANENT, "/public", "alice"),
    ],
    ids=str,
)
def test_a_slow_answer_that_sets_a_cookie_brings_a_login_back_unless_there_is_a_store(
    make: MakeApp, clock: FrozenClock, config: dict[str, Any], path: str, who: str
) -> None:
    assert after_a_slow_answer(make(stored=False, **config), clock, path) == who
    assert after_a_slow_answer(make(stored=True, **config), clock, path) == "nobody"
