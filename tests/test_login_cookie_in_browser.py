"""A browser keeps the login cookie, and what of it outlives a restart is not fresh."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, session
from tests.chromium import chromium, serve

from flask_login import (
    LoginManager,
    MemorySessionStore,
    UserMixin,
    current_login,
    login_user,
    logout_user,
)

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser


class User(UserMixin):
    id = "ann"


def make_app() -> Flask:
    """Return an application as it is served over https: browsers take localhost for that."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="a key of thirty-two random bytes",
        SESSION_COOKIE_SECURE=True,
        LOGIN_STATE="cookie",
    )
    manager: LoginManager[Any] = LoginManager(app, session_store=MemorySessionStore())
    manager.user_loader(lambda _: User())
    app.add_url_rule("/login", "login", lambda: str(login_user(User(), remember=True)))
    app.add_url_rule("/logout", "logout", lambda: str(logout_user()))
    app.add_url_rule("/clear", "clear", _clear)
    app.add_url_rule("/", "known", _known)
    return app


def _clear() -> str:
    session.clear()
    return ""


def _known() -> str:
    return f"{current_login.source} {current_login.fresh}" if current_login else "nobody"


def says(browser: Chrome, url: str) -> str:
    browser.get(url)
    text: str = browser.find_element("tag name", "body").text
    return text


def cookies(browser: Chrome) -> dict[str, dict[str, Any]]:
    return {cookie["name"]: cookie for cookie in browser.get_cookies()}


def test_a_browser_keeps_the_login_cookie_and_is_not_fresh_after_a_restart(tmp_path: Path) -> None:
    with serve(make_app()) as address:
        base = address.replace("127.0.0.1", "localhost")
        with chromium(tmp_path) as browser:
            assert says(browser, f"{base}/login") == "True"
            assert says(browser, base) == "session True"
            assert says(browser, f"{base}/clear") == ""
            assert says(browser, base) == "session True"
            kept = cookies(browser)
            assert kept.keys() >= {"__Host-login", "__Host-login-marker"}
            for name in ("__Host-login", "__Host-login-marker"):
                cookie = kept[name]
                assert cookie["httpOnly"], name
                assert cookie["secure"], name
                assert (cookie["sameSite"], cookie["path"]) == ("Lax", "/")
                assert ("expiry" in cookie) is (name == "__Host-login")
        with chromium(tmp_path) as browser:
            assert says(browser, base) == "remember False"
            assert says(browser, base) == "session False"
            assert says(browser, f"{base}/logout") == "True"
            assert cookies(browser).keys().isdisjoint(kept)
            assert says(browser, base) == "nobody"
