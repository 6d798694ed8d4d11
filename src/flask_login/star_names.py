"""What a star brought from `flask_login.login_manager` in 0.6.3, beside the manager itself.

That includes names of Flask and of Python, which applications came to use; they are no part of our
documented API.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import abort, current_app, flash, g, has_app_context, redirect, request, session

from .cookies import decode_cookie, encode_cookie
from .core.events import (
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_needs_refresh,
    user_unauthorized,
)
from .core.settings import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
    ID_ATTRIBUTE,
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
    SESSION_KEYS,
    USE_SESSION_FOR_NEXT,
)
from .core.users import AnonymousUserMixin
from .redirects import expand_login_view, login_url, make_next_param
from .redirects import login_url as make_login_url

__all__ = [
    "AUTH_HEADER_NAME",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SAMESITE",
    "COOKIE_SECURE",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "SESSION_KEYS",
    "USE_SESSION_FOR_NEXT",
    "AnonymousUserMixin",
    "abort",
    "current_app",
    "datetime",
    "decode_cookie",
    "encode_cookie",
    "expand_login_view",
    "flash",
    "g",
    "has_app_context",
    "login_url",
    "make_login_url",
    "make_next_param",
    "redirect",
    "request",
    "session",
    "session_protected",
    "timedelta",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_needs_refresh",
    "user_unauthorized",
]
