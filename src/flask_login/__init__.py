"""Flask-Login: who is using this browser, from login to logout."""

import typing as _typing
from importlib import import_module as _import_module

from . import config as config
from . import signals as signals
from . import utils as utils
from .__about__ import __version__
from .cookies import decode_cookie, encode_cookie
from .core.events import (
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
from .core.registry import SessionRegistry
from .core.settings import (
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
from .current import current_login, current_user, get_current_user
from .default_guard import login_not_required
from .exceptions import (
    ConfigurationError,
    FlaskLoginError,
    ImpersonationDenied,
    InvalidUser,
    InvalidUserId,
    LoginInSession,
    MissingLoader,
    MissingLoginManager,
    NoCurrentUser,
    SessionStoreUnavailable,
    ThrottleUnavailable,
    TooManyLoginAttempts,
    UnguardedViewError,
    UnknownLoginView,
)
from .guards import (
    anonymous_required,
    fresh_login_required,
    login_required,
)
from .login import (
    acting_as,
    begin_login,
    complete_login,
    confirm_login,
    impersonate,
    login_ended_reason,
    login_failed,
    login_fresh,
    login_remembered,
    login_still_valid,
    login_user,
    logout_user,
    pending_user,
    set_login_view,
    stop_impersonating,
)
from .login_facts import CurrentLogin
from .login_manager import LoginManager
from .marks import no_activity
from .mixins import AnonymousUserMixin, UserMixin
from .redirects import login_url, make_next_param, safe_next_url
from .sessions import LoginSession, MemorySessionStore, SessionStore
from .user import User

if _typing.TYPE_CHECKING:
    from .test_client import FlaskLoginClient
    from .throttling import LoginAttempt, LoginThrottle

# What only some applications need, imported at first use: a throttle, and the test client, which
# brings Flask's and the debugger.
_LATE = {
    "FlaskLoginClient": ".test_client",
    "LoginAttempt": ".throttling",
    "LoginThrottle": ".throttling",
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
    "InvalidUser",
    "InvalidUserId",
    "LoginAttempt",
    "LoginInSession",
    "LoginManager",
    "LoginSession",
    "LoginThrottle",
    "MemorySessionStore",
    "MissingLoader",
    "MissingLoginManager",
    "NoCurrentUser",
    "SessionRegistry",
    "SessionStore",
    "SessionStoreUnavailable",
    "ThrottleUnavailable",
    "TooManyLoginAttempts",
    "UnguardedViewError",
    "UnknownLoginView",
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
    if name == "test_client":  # a module that `import flask_login` has always brought
        return _import_module(".test_client", __package__)
    if name in _LATE:
        found = globals()[name] = getattr(_import_module(_LATE[name], __package__), name)
        return found
    if name == "user_loaded_from_header":  # its name of before 0.6.3, in no list of ours
        from .signals import loaded_from_header

        return loaded_from_header(2)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
