"""How the portal uses Flask-Login: the manager, its store and loaders, who may act as whom."""

from __future__ import annotations

from flask import Flask, Request, abort, current_app, request

from flask_login import (
    LoginManager,
    MemorySessionStore,
    SessionRegistry,
    SessionStore,
    current_login,
    get_current_user,
    login_ended_reason,
)
from flask_login.sessions import records

from . import codes, throttles
from .models import User, authenticate, db, find_user, user_of_api_key
from .security import is_api_request

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}

# What the portal says in its own words; for the other reasons the library has a text, or none.
WHY_LOGGED_OUT = {
    records.REVOKED: ("This login was ended, from another of your devices or by an administrator."),
    records.CREDENTIALS_CHANGED: (
        "You were logged out because the password of your account was changed. "
        "If that was not you, tell an administrator."
    ),
    records.DEACTIVATED: "You were logged out because an administrator closed your account.",
    records.TOKEN_REUSED: (
        "You were logged out because a copy of your login was used, on another device perhaps. "
        "Log in, look at your devices and change your password."
    ),
}


def init_app(app: Flask) -> None:
    """Give ``app`` its manager; one for each application, because each has its own store."""
    manager: LoginManager[User] = LoginManager(
        session_store=make_store(app.config["LOGIN_STORE"]),
        clock=app.config.get("LOGIN_CLOCK"),  # the tests put it forward
    )
    manager.login_view = "auth.login"
    manager.login_message = "Please log in to see this page."
    manager.login_message_category = "info"
    manager.ended_messages.update(WHY_LOGGED_OUT)
    manager.refresh_view = "auth.reauthenticate"
    manager.needs_refresh_message = "Please confirm that it is you to continue."
    manager.needs_refresh_message_category = "info"
    # The API has no pages: a refused caller gets 401 and a problem document.
    manager.blueprint_login_views["api"] = None
    manager.user_loader(load_user)
    manager.request_loader(load_user_from_request)
    manager.bearer_loader(load_user_from_bearer)
    manager.may_impersonate(may_act_as)
    manager.init_app(app)
    app.before_request(look_only)


def make_store(name: str) -> SessionStore:
    """Where logins are kept: ``LOGIN_STORE`` says it."""
    if name == "sqlalchemy":
        from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

        return SQLAlchemySessionStore(db)
    if name == "memory":
        return MemorySessionStore()
    from flask_login.sessions.redis import RedisSessionStore

    return RedisSessionStore(name)


def login_manager() -> LoginManager[User]:
    return current_app.login_manager  # type: ignore[attr-defined, no-any-return]  # Flask knows no extensions


def login_sessions() -> SessionRegistry:
    """The logins of everybody, to list and end them."""
    return login_manager().sessions


def why_logged_out() -> str | None:
    """Return why the login that this browser had is over, for the page that answers it.

    The page after that can't tell: the cookies are gone. On the way to the login page Flask-Login
    flashes the same text.
    """
    return login_manager().ended_messages.get(login_ended_reason() or "")


def may_act_as(actor: User, user: User) -> bool:
    """An administrator as a member; never as another administrator, who may do as much."""
    return actor.is_admin and not user.is_admin


def look_only() -> None:
    """Refuse requests that could change something while an administrator acts as a member.

    Otherwise it would look as if the member had done it. Only stopping and logging out pass.
    """
    if request.method in SAFE_METHODS or request.endpoint in {"auth.stop_acting", "auth.logout"}:
        return
    if current_login and current_login.actor is not None:
        abort(403)


def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


# Credentials for programs open the API and nothing else: a leaked API key
# does not open the pages where a password or another key can be set.


def load_user_from_request(request: Request) -> User | None:
    if not is_api_request():
        return None
    if secret := request.headers.get("X-API-Key"):
        return user_of_api_key(secret)
    basic = request.authorization
    if basic is not None and basic.type == "basic" and basic.username and basic.password:
        with throttles.passwords().attempt(basic.username) as attempt:
            user = find_user(basic.username)
            attempt.found(user)
            user = authenticate(user, basic.password)
            # For an account with a second factor a password is not enough: it needs an API key.
            if user is not None and user.is_active and codes.authenticator_of(user) is None:
                attempt.succeeded()
                return user
    return None


def load_user_from_bearer(token: str) -> User | None:
    return user_of_api_key(token) if is_api_request() else None


def signed_in_user() -> User:
    """The user, in a view that only logged-in people reach."""
    user = get_current_user()
    if not isinstance(user, User):
        raise RuntimeError("signed_in_user() is for views behind @login_required.")
    return user
