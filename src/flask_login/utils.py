"""An old import path: everything that stood here is in the package's rooms now.

What dependents patch stays here for real: the guards look up `current_user` in this module,
and `current_user` looks up `_get_user`, on every access. So do Flask's `request`, `current_app` and
`session`: the functions that stood here work with what a test put in their place.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextvars import ContextVar
from functools import wraps
from hashlib import sha512
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from flask import (
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    url_for,
)
from werkzeug.local import LocalProxy

from .config import DEFAULT_REALM
from .exceptions import MissingLoginManager
from .signals import user_logged_in, user_logged_out, user_login_confirmed
from .state import UNLOADED, app_context, get_app, request_context

if TYPE_CHECKING:
    from .config import COOKIE_NAME as COOKIE_NAME
    from .config import EXEMPT_METHODS as EXEMPT_METHODS
    from .entries import _create_identifier as _create_identifier
    from .guards import fresh_login_required as fresh_login_required
    from .guards import login_required as login_required
    from .identity import _user_context_processor as _user_context_processor
    from .identity import login_fresh as login_fresh
    from .identity import login_remembered as login_remembered
    from .login import confirm_login as confirm_login
    from .login import login_user as login_user
    from .login import logout_user as logout_user
    from .login_manager import LoginManager
    from .redirects import expand_login_view as expand_login_view
    from .redirects import login_url as login_url
    from .redirects import make_next_param as make_next_param
    from .remember import decode_cookie as decode_cookie
    from .responses import set_login_view as set_login_view
    from .signing import _cookie_digest as _cookie_digest
    from .signing import _secret_key as _secret_key
    from .signing import encode_cookie as encode_cookie

_HOMES = {
    "COOKIE_NAME": "config",
    "EXEMPT_METHODS": "config",
    "_cookie_digest": "signing",
    "_create_identifier": "entries",
    "_secret_key": "signing",
    "_user_context_processor": "identity",
    "confirm_login": "login",
    "decode_cookie": "remember",
    "encode_cookie": "signing",
    "expand_login_view": "redirects",
    "fresh_login_required": "guards",
    "login_fresh": "identity",
    "login_remembered": "identity",
    "login_required": "guards",
    "login_url": "redirects",
    "login_user": "login",
    "logout_user": "login",
    "make_next_param": "redirects",
    "set_login_view": "responses",
}

# What a star brought in 0.6.3. That includes names of Flask and of Python, which applications came
# to use; they are no part of our documented API.
__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]  # found by __getattr__
    "COOKIE_NAME",
    "EXEMPT_METHODS",
    "LocalProxy",
    "confirm_login",
    "current_app",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "expand_login_view",
    "fresh_login_required",
    "g",
    "has_request_context",
    "hmac",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "parse_qs",
    "request",
    "session",
    "set_login_view",
    "sha512",
    "url_for",
    "urlencode",
    "urlsplit",
    "urlunsplit",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "wraps",
]

# Flask's own. A test may put something else in the place of those above.
_REQUEST, _CURRENT_APP, _SESSION = request, current_app, session


def is_request_replaced() -> bool:
    """Tell whether a test put another object in the place of Flask's `request` here."""
    return request is not _REQUEST


def is_app_replaced() -> bool:
    """Tell whether a test put another object in the place of Flask's `current_app` here."""
    return current_app is not _CURRENT_APP


def is_session_replaced() -> bool:
    """Tell whether a test put another object in the place of Flask's `session` here."""
    return session is not _SESSION


def app_in_place() -> Any:
    """Return the application, or what a test put in its place."""
    return current_app if current_app is not _CURRENT_APP else get_app()


def is_manager(found: object) -> bool:
    """Tell whether something is a login manager, and no double of one."""
    return hasattr(type(found), "get_current_user")


def manager_of(app: Any, realm: str = DEFAULT_REALM) -> LoginManager[Any]:
    """Return the login manager of a realm of `app`.

    The default realm's is ``app.login_manager``: tests and applications replace it there.

    Raises `MissingLoginManager` when there is none.
    """
    try:
        manager: LoginManager[Any] = (
            app.login_manager if realm == DEFAULT_REALM else app.extensions["login"][realm].manager
        )
    except (AttributeError, KeyError):
        named = None if realm == DEFAULT_REALM else realm
        raise MissingLoginManager(app.name, named) from None
    return manager


def default_manager() -> LoginManager[Any]:
    """Return the login manager of the current application's default realm.

    Raises `MissingLoginManager` when the application has none.
    """
    if current_app is not _CURRENT_APP:
        return manager_of(current_app)
    try:
        manager: LoginManager[Any] = app_context.get().app.login_manager
    except (LookupError, AttributeError):
        return manager_of(get_app())  # which says what is missing
    return manager


#: Who this code acts as, by the login manager and the request (None outside of one); `acting_as`
#: sets it.
acting: ContextVar[Mapping[Any, Any]] = ContextVar("flask_login.acting", default={})  # noqa: B039  # never changed


def _get_user() -> Any:
    if current_app is not _CURRENT_APP:
        return _user_of_replaced_app()
    try:
        request = request_context.get().request
    except (LookupError, RuntimeError):
        acted = acting.get()
        return acted.get((default_manager(), None)) if acted and has_app_context() else None
    here = app_context.get()
    try:
        manager: LoginManager[Any] = here.app.login_manager
    except AttributeError:
        manager = default_manager()  # which says what is missing
    state, mirror = request.__dict__.get(manager._state_key), here.g.__dict__
    user = UNLOADED if state is None else state.user
    if acting.get() or user is not mirror.get("_login_user", UNLOADED):
        return manager._user_of(request)
    # Nearly every question is answered here: a page may read current_user a hundred times.
    if user is UNLOADED:
        manager._load_user()
        user = mirror.get("_login_user", UNLOADED)
    return manager._found_meanwhile() if user is UNLOADED else user


def _user_of_replaced_app() -> Any:
    if not has_request_context():
        return None
    manager = default_manager()
    if is_manager(manager):
        return manager._user_of(request_context.get().request)
    if "_login_user" not in g:
        manager._load_user()
    return g.get("_login_user")


def is_known() -> bool:
    """Tell whether it is known already who makes this request."""
    context = request_context.get(None)
    # In Flask 3.2 the context of a command has no request.
    request = None if context is None else getattr(context, "request", None)
    state = None if request is None else request.__dict__.get(default_manager()._state_key)
    return state is not None and state.user is not UNLOADED


class _CurrentUser(LocalProxy[Any]):
    """The proxy that is read most: several times on each page."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # LocalProxy makes a partial of getattr for each read, which doubles its cost.
        return getattr(_get_user(), name)


#: The user of this request, as a proxy: for nobody it is an `AnonymousUserMixin`, outside of a
#: request None. For a type checker it is `Any`; `LoginManager.current_user` is the typed one.
current_user: Any = _CurrentUser(lambda: _get_user())  # noqa: PLW0108  # tests patch _get_user

#: What `current_user` is, unless a test put something else in its place.
USER_PROXY: Any = current_user


def __getattr__(name: str) -> Any:
    # Looked up late: the rooms import this module for what stands above.
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
