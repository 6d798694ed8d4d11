"""Flask-Login: who is using this browser, from login to logout."""

from .__about__ import __version__
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
    InvalidUserId,
    MissingLoader,
    MissingLoginManager,
    UnguardedViewError,
)
from .guards import fresh_login_required, login_required
from .identity import current_login, get_current_user, login_fresh, login_remembered
from .login import confirm_login, login_user, logout_user
from .login_manager import LoginManager
from .mixins import AnonymousUserMixin, User, UserMixin
from .redirects import login_url, make_next_param, safe_next_url
from .responses import set_login_view
from .sessions.memory import MemorySessionStore
from .sessions.records import LoginSession
from .sessions.registry import SessionRegistry
from .sessions.store import SessionStore, SessionStoreUnavailable
from .signals import (
    login_session_ended,
    login_session_started,
    remember_token_reused,
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
    user_needs_refresh,
    user_unauthorized,
)
from .signing import decode_cookie, encode_cookie
from .state import CurrentLogin
from .stored import no_activity
from .test_client import FlaskLoginClient
from .utils import current_user

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
    "InvalidUserId",
    "LoginManager",
    "LoginSession",
    "MemorySessionStore",
    "MissingLoader",
    "MissingLoginManager",
    "SessionRegistry",
    "SessionStore",
    "SessionStoreUnavailable",
    "UnguardedViewError",
    "User",
    "UserMixin",
    "__version__",
    "confirm_login",
    "current_login",
    "current_user",
    "decode_cookie",
    "encode_cookie",
    "fresh_login_required",
    "get_current_user",
    "login_fresh",
    "login_remembered",
    "login_required",
    "login_session_ended",
    "login_session_started",
    "login_url",
    "login_user",
    "logout_user",
    "make_next_param",
    "no_activity",
    "remember_token_reused",
    "safe_next_url",
    "session_protected",
    "set_login_view",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_logged_in",
    "user_logged_out",
    "user_login_confirmed",
    "user_needs_refresh",
    "user_unauthorized",
]
