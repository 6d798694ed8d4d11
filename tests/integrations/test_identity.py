"""Logins that somebody else vouches for: OpenID Connect by Authlib, OAuth by Flask-Dance."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, abort, redirect, url_for
from flask_dance.consumer import oauth_authorized
from flask_dance.consumer.storage.sqla import OAuthConsumerMixin, SQLAlchemyStorage
from flask_dance.contrib.github import make_github_blueprint
from flask_sqlalchemy import SQLAlchemy
from tests.chromium import serve
from tests.integrations.conftest import Level
from tests.integrations.flow import Browser, User, browser_of, make_site, walk
from tests.redirect_status import REDIRECT
from tests.test_examples import Provider

from flask_login import (
    UserMixin,
    current_user,
    login_not_required,
    login_user,
    safe_next_url,
)

# Authlib


def test_authlib(level: Level) -> None:
    provider = Provider()
    users: dict[str, Any] = {"ann": User("ann")}
    app = make_site(level.store, find=users.get, load=users.get, USE_SESSION_FOR_NEXT=True)
    app.login_manager.login_view = "by_provider"  # type: ignore[attr-defined]  # ours
    oauth = OAuth(app)

    @app.get("/by-provider")
    def by_provider() -> Any:
        return oauth.provider.authorize_redirect(url_for("callback", _external=True))

    @app.get("/callback")
    def callback() -> Any:
        try:
            claims = oauth.provider.authorize_access_token()["userinfo"]
        except OAuthError:
            abort(403)
        user = users.setdefault(claims["sub"], User(claims["sub"]))
        sid = {"external_id": claims["sid"]} if level.stored else {}  # it needs a record
        login_user(user, remember=True, **sid)
        return redirect(safe_next_url(url_for("home")))

    with serve(provider.app) as provider.url:
        oauth.register(
            "provider",
            server_metadata_url=f"{provider.url}/.well-known/openid-configuration",
            client_id="shop",
            client_secret="secret",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
        )
        client = app.test_client()
        assert client.get("/guarded").location == "/by-provider"
        back = provider.visit(client, "/by-provider", sub="sub-7")
        assert back.location == "/guarded"
        assert client.get("/guarded").text == "user sub-7"
        client.delete_cookie("session")
        assert client.get("/guarded").text == "user sub-7", "by the remember cookie"
        assert client.get("/fresh").status_code == REDIRECT
        client.post("/logout")
        assert client.get("/guarded").status_code == REDIRECT
        client.get("/by-provider")
        assert client.get("/callback?error=access_denied&state=x").status_code == 403

    app.config["USE_SESSION_FOR_NEXT"] = False
    app.login_manager.login_view = "login"  # type: ignore[attr-defined]  # ours
    walk(browser_of(app), stored=level.stored)


# Flask-Dance


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a GitHub that knows one user and asks nothing."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    hub = Flask("github")
    hub.add_url_rule("/token", "token", lambda: {"access_token": "x"}, methods=["POST"])
    hub.add_url_rule("/user", "user", lambda: {"id": 7, "login": "ann"})
    with serve(hub) as url:
        yield url


class Dance:
    """A site with Flask-Dance, set up as the page on safe redirects says."""

    def __init__(self, level: Level, folder: Path, github: str, *, by_default: bool) -> None:
        app = Flask("site")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder / 'site.db'}"
        app.config["LOGIN_REQUIRED_BY_DEFAULT"] = by_default
        self.db = db = SQLAlchemy(app)

        class Member(UserMixin, db.Model):  # type: ignore[name-defined,misc]  # made at run time
            id = db.Column(db.Integer, primary_key=True)
            name = db.Column(db.String(80))

        class Token(OAuthConsumerMixin, db.Model):  # type: ignore[name-defined,misc]  # the same
            user_id = db.Column(db.Integer, db.ForeignKey(Member.id))
            user = db.relationship(Member)

        self.app = make_site(
            level.store,
            app=app,
            find=lambda name: db.session.query(Member).filter_by(name=name).first(),
            load=lambda user_id: db.session.get(Member, int(user_id)),
            USE_SESSION_FOR_NEXT=True,
        )
        blueprint = make_github_blueprint("shop", "secret", redirect_to="after_login")
        blueprint.token_url, blueprint.base_url = f"{github}/token", github
        blueprint.storage = SQLAlchemyStorage(Token, db.session, user=current_user)
        app.register_blueprint(blueprint)
        app.login_manager.login_view = "github.login"  # type: ignore[attr-defined]  # ours

        @oauth_authorized.connect_via(blueprint)
        def log_in(sender: Any, token: Any) -> None:
            member = db.session.get(Member, sender.session.get("/user").json()["id"])
            login_user(member, remember=True)

        self._log_in = log_in  # the signal keeps it by a weak reference

        @app.get("/after-login")
        @login_not_required
        def after_login() -> Any:
            if not current_user.is_authenticated:
                abort(403)
            return redirect(safe_next_url(url_for("home")))

        with app.app_context():
            db.create_all()
            db.session.add(Member(id=7, name="ann"))
            db.session.commit()
        self.token = Token

    def go(self, browser: Browser) -> str:
        """Go to GitHub and back; return where that leads."""
        there = urllib.parse.urlsplit(browser.get("/github").location)
        assert there.netloc == "github.com"
        state = dict(urllib.parse.parse_qsl(there.query))["state"]
        return browser.get(f"/github/authorized?code=c&state={state}").location


@pytest.mark.parametrize("by_default", [False, True])
def test_flask_dance(level: Level, tmp_path: Path, github: str, by_default: bool) -> None:
    dance = Dance(level, tmp_path, github, by_default=by_default)
    app = dance.app
    app.login_manager.exempt("github.login", "github.authorized")  # type: ignore[attr-defined]
    browser = browser_of(app)
    assert browser.get("/guarded").location == "/github"
    assert dance.go(browser) == "/after-login"
    assert browser.get("/after-login").location == "/guarded"
    assert browser.get("/guarded").text == "user 7"
    with app.app_context():
        (token,) = dance.db.session.query(dance.token).all()
        assert (token.user_id, token.provider) == (7, "github")
    assert browser.get("/after-login?next=https://evil.example/").location == "/"
    browser.post("/logout")
    assert browser.get("/github/authorized?error=access_denied").location == "/after-login"
    assert browser.get("/after-login").status == 403

    app.config["USE_SESSION_FOR_NEXT"] = False
    app.login_manager.login_view = "login"  # type: ignore[attr-defined]  # ours
    app.login_manager.exempt("login", "logout")  # type: ignore[attr-defined]  # ours
    walk(browser_of(app), stored=level.stored, user_id="7")
    with app.app_context():
        dance.db.session.remove()
        dance.db.engine.dispose()


def test_without_an_exemption_a_default_guard_keeps_flask_dance_from_coming_back(
    tmp_path: Path, github: str
) -> None:
    dance = Dance(Level("signed"), tmp_path, github, by_default=True)
    assert dance.go(browser_of(dance.app)) == "/github"
    with dance.app.app_context():
        dance.db.engine.dispose()
