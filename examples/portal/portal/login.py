"""How the portal uses Flask-Login: the manager, its store and loaders, the role check."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Request, abort, current_app

from flask_login import (
    LoginManager,
    MemorySessionStore,
    SessionRegistry,
    SessionStore,
    get_current_user,
)

from .models import User, authenticate, db, user_of_api_key
from .security import is_api_request

P = ParamSpec("P")
R = TypeVar("R")


def init_app(app: Flask) -> None:
    """Give ``app`` its manager; one for each application, because each has its own store."""
    manager: LoginManager[User] = LoginManager(session_store=make_store(app.config["LOGIN_STORE"]))
    manager.login_view = "auth.login"
    manager.login_message = "Please log in to see this page."
    manager.login_message_category = "info"
    manager.refresh_view = "auth.reauthenticate"
    manager.needs_refresh_message = "Please enter your password again to continue."
    manager.needs_refresh_message_category = "info"
    # The API has no pages: whoever is refused gets 401 and a problem document.
    manager.blueprint_login_views["api"] = None
    manager.user_loader(load_user)
    manager.request_loader(load_user_from_request)
    manager.bearer_loader(load_user_from_bearer)
    manager.init_app(app)


def make_store(name: str) -> SessionStore:
    """Where logins are kept: ``LOGIN_STORE`` says it."""
    if name == "sqlalchemy":
        from flask_login.sessions.sqlalchemy import SQLAlchemySessionStore

        return SQLAlchemySessionStore(db)
    if name == "memory":
        return MemorySessionStore()
    from flask_login.sessions.redis import RedisSessionStore

    return RedisSessionStore(name)


def login_sessions() -> SessionRegistry:
    """The logins of everybody, to list and end them."""
    manager: LoginManager[User] = current_app.login_manager  # type: ignore[attr-defined]  # Flask knows no extensions
    return manager.sessions


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
        return authenticate(basic.username, basic.password)
    return None


def load_user_from_bearer(token: str) -> User | None:
    return user_of_api_key(token) if is_api_request() else None


def signed_in_user() -> User:
    """The user, in a view that only logged-in people reach."""
    user = get_current_user()
    if not isinstance(user, User):
        raise RuntimeError("signed_in_user() is for views behind @login_required.")
    return user


def admin_required(view: Callable[P, R]) -> Callable[P, R]:
    """Refuse with 403 whoever is not an administrator; use below ``@login_required``."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not signed_in_user().is_admin:
            abort(403)
        return view(*args, **kwargs)

    return guarded
