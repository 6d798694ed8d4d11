"""How the portal uses Flask-Login: the manager, its loaders, the role check."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Request, abort

from flask_login import LoginManager, get_current_user

from .models import User, authenticate, db, user_of_api_key
from .security import is_api_request

P = ParamSpec("P")
R = TypeVar("R")

login_manager: LoginManager[User] = LoginManager()
login_manager.login_view = "auth.login"
login_manager.login_message = "Please log in to see this page."
login_manager.login_message_category = "info"
login_manager.refresh_view = "auth.reauthenticate"
login_manager.needs_refresh_message = "Please enter your password again to continue."
login_manager.needs_refresh_message_category = "info"


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


# Credentials for programs open the API and nothing else: a leaked API key
# does not open the pages where a password or another key can be set.


@login_manager.request_loader
def load_user_from_request(request: Request) -> User | None:
    if not is_api_request():
        return None
    if secret := request.headers.get("X-API-Key"):
        return user_of_api_key(secret)
    basic = request.authorization
    if basic is not None and basic.type == "basic" and basic.username and basic.password:
        return authenticate(basic.username, basic.password)
    return None


@login_manager.bearer_loader
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
