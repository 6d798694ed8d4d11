"""The constants of Flask-Login 0.6, which applications still import, and those beside them."""

from __future__ import annotations

from datetime import timedelta

#: Defaults of the remember cookie and of the messages, as they were in 0.6.
COOKIE_NAME = "remember_token"
COOKIE_DURATION = timedelta(days=365)
COOKIE_SECURE = None
COOKIE_HTTPONLY = True
COOKIE_SAMESITE = "Lax"
LOGIN_MESSAGE = "Please log in to access this page."
LOGIN_MESSAGE_CATEGORY = "message"
#: RFC 6265bis lets browsers drop longer cookies, and our own are far shorter.
MOST_CHARACTERS = 4096
#: A browser sends a few of one name, each with another path or domain.
MOST_COOKIES = 10
#: How long a login gets no other credentials, so that two never are on their way at once: these are
#: handed out for 30 seconds, take as long to arrive, and a request from before may still be served.
REST = timedelta(seconds=90)
#: Flashed in place of `LOGIN_MESSAGE` to users whose login has just ended, by the reason.
ENDED_MESSAGES = {
    "expired_idle": "You were logged out because nothing was done for a while."
    " Please log in again.",
    "expired_absolute": "Your login has reached its greatest age. Please log in again.",
    "revoked": "You were logged out from another device, or by an administrator."
    " Please log in again.",
    "evicted": "You were logged out because you logged in on another device. Please log in again.",
    "credentials_changed": "You were logged out because your password or other credentials"
    " changed. Please log in again.",
    "token_reused": "You were logged out for your safety: a copy of your login was used. Please"
    " log in again.",
}
REFRESH_MESSAGE = "Please reauthenticate to access this page."
REFRESH_MESSAGE_CATEGORY = "message"
ID_ATTRIBUTE = "get_id"
AUTH_HEADER_NAME = "Authorization"
USE_SESSION_FOR_NEXT = False

#: Methods that pass every guard: a browser's CORS preflight carries no cookies.
EXEMPT_METHODS = {"OPTIONS"}

#: What the library keeps in Flask's session (of the default realm).
SESSION_KEYS = {
    "_user_id",
    "_fresh",
    "_id",
    "_remember",
    "_remember_seconds",
    "next",
    "_auth_hash",
    "_methods",
    "_force",
    "_login",
    "_login_checked",
    "_at",
    "_times",
    "_pending",
    "_acting_as",
    "_unknown_since",
}

#: The realm of a `LoginManager` without a name.
DEFAULT_REALM = "default"
