"""Flask-Login: who is using this browser, from login to logout."""

import typing as _typing
from importlib import import_module as _import_module

from .config import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
    EXEMPT_METHODS,
    ID_ATTRIBUTE,
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
    SESSION_KEYS,
    USE_SESSION_FOR_NEXT,
)
from .exceptions import (
    ConfigurationError,
    FlaskLoginError,
    ImpersonationDenied,
    InvalidUserId,
    MissingLoader,
    MissingLoginManager,
    SessionStoreUnavailable,
    UnguardedViewError,
)
from .guards import (
    anonymous_required,
    fresh_login_required,
    login_required,
)
from .identity import (
    acting_as,
    current_login,
    get_current_user,
    login_ended_reason,
    login_fresh,
    login_remembered,
    login_still_valid,
)
from .impersonation import impersonate, stop_impersonating
from .login import confirm_login, login_failed, login_user, logout_user
from .login_manager import LoginManager
from .mixins import AnonymousUserMixin, UserMixin
from .responses import set_login_view
from .signals import (
    impersonation_started,
    impersonation_stopped,
    login_session_ended,
    login_session_started,
    remember_token_reused,
    session_protected,
    session_store_unavailable,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_login_failed,
    user_needs_refresh,
    user_unauthorized,
)
from .timeouts import no_activity
from .utils import current_user

if _typing.TYPE_CHECKING:
    from .__about__ import __version__
    from .default_guard import login_not_required
    from .login_facts import CurrentLogin
    from .redirects import login_url, make_next_param, safe_next_url
    from .remember import decode_cookie
    from .sessions.memory import MemorySessionStore
    from .sessions.records import LoginSession
    from .sessions.registry import SessionRegistry
    from .sessions.store import SessionStore
    from .signing import encode_cookie
    from .test_client import FlaskLoginClient
    from .throttling import (
        LoginAttempt,
        LoginThrottle,
        ThrottleUnavailable,
        TooManyLoginAttempts,
    )
    from .two_step import begin_login, complete_login, pending_user
    from .user import User

# What only some applications need, imported at first use: a session store, a throttle, two-step
# login, signatures, and the test client, which brings Flask's and the debugger.
_LATE = {
    "CurrentLogin": ".login_facts",
    "FlaskLoginClient": ".test_client",
    "LoginAttempt": ".throttling",
    "LoginSession": ".sessions.records",
    "LoginThrottle": ".throttling",
    "MemorySessionStore": ".sessions.memory",
    "SessionRegistry": ".sessions.registry",
    "SessionStore": ".sessions.store",
    "ThrottleUnavailable": ".throttling",
    "TooManyLoginAttempts": ".throttling",
    "User": ".user",
    "__version__": ".__about__",
    "begin_login": ".two_step",
    "complete_login": ".two_step",
    "decode_cookie": ".remember",
    "encode_cookie": ".signing",
    "login_not_required": ".default_guard",
    "login_url": ".redirects",
    "make_next_param": ".redirects",
    "pending_user": ".two_step",
    "safe_next_url": ".redirects",
}

__all__ = [
    "AUTH_HEADER_NAME",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SAMESITE",
    "COOKIE_SECURE",
    "EXEMPT_METHODS",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "SESSION_KEYS",
    "USE_SESSION_FOR_NEXT",
    "AnonymousUserMixin",
    "ConfigurationError",
    "CurrentLogin",
    "FlaskLoginClient",
    "FlaskLoginError",
    "ImpersonationDenied",
    "InvalidUserId",
    "LoginAttempt",
    "LoginManager",
    "LoginSession",
    "LoginThrottle",
    "MemorySessionStore",
    "MissingLoader",
    "MissingLoginManager",
    "SessionRegistry",
    "SessionStore",
    "SessionStoreUnavailable",
    "ThrottleUnavailable",
    "TooManyLoginAttempts",
    "UnguardedViewError",
    "User",
    "UserMixin",
    "__version__",
    "acting_as",
    "anonymous_required",
    "begin_login",
    "complete_login",
    "confirm_login",
    "current_login",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "fresh_login_required",
    "get_current_user",
    "impersonate",
    "impersonation_started",
    "impersonation_stopped",
    "login_ended_reason",
    "login_failed",
    "login_fresh",
    "login_not_required",
    "login_remembered",
    "login_required",
    "login_session_ended",
    "login_session_started",
    "login_still_valid",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "no_activity",
    "pending_user",
    "remember_token_reused",
    "safe_next_url",
    "session_protected",
    "session_store_unavailable",
    "set_login_view",
    "stop_impersonating",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_login_failed",
    "user_needs_refresh",
    "user_unauthorized",
]


def __getattr__(name: str) -> _typing.Any:
    if name in (
        "__about__",
        "test_client",
    ):  # modules: `import flask_login` has always brought them
        return _import_module(f".{name}", __package__)
    if name in _LATE:
        found = globals()[name] = getattr(_import_module(_LATE[name], __package__), name)
        return found
    if name == "user_loaded_from_header":  # its name of before 0.6.3, in no list of ours
        from .signals import loaded_from_header

        return loaded_from_header(2)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
