"""An old import path: what stood here up to 0.6.3 is in the package's rooms now.

What dependents patch here works: guards look up `current_user` in this module, and `current_user`
looks up `_get_user`, on every access. So do Flask's `request`, `current_app` and `session`: the
functions that stood here work with what a test put in their place.
"""

from __future__ import annotations

import hmac
from functools import wraps
from hashlib import sha512
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from flask import (
    current_app,
    g,
    has_request_context,
    request,
    session,
    url_for,
)
from werkzeug.local import LocalProxy

from . import legacy
from .cookies import _cookie_digest as _cookie_digest
from .cookies import _secret_key as _secret_key
from .cookies import decode_cookie as decode_cookie
from .cookies import encode_cookie as encode_cookie
from .core.events import user_logged_in, user_logged_out, user_login_confirmed
from .core.settings import COOKIE_NAME as COOKIE_NAME
from .core.settings import EXEMPT_METHODS as EXEMPT_METHODS
from .current import _get_user as _get_user
from .current import _user_context_processor as _user_context_processor
from .current import current_user as current_user
from .current import default_manager as default_manager
from .current import manager_of as manager_of
from .guards import fresh_login_required as fresh_login_required
from .guards import login_required as login_required
from .login import confirm_login as confirm_login
from .login import login_fresh as login_fresh
from .login import login_remembered as login_remembered
from .login import login_user as login_user
from .login import logout_user as logout_user
from .login import set_login_view as set_login_view
from .redirects import expand_login_view as expand_login_view
from .redirects import login_url as login_url
from .redirects import make_next_param as make_next_param
from .visit import create_identifier

# What a star brought in 0.6.3. That includes names of Flask and of Python, which applications came
# to use; they are no part of our documented API.
__all__ = [
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


_create_identifier = create_identifier
legacy.utils = globals()
