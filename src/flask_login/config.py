"""An old import path: the constants, which are defined with the settings in `core.settings`."""

from __future__ import annotations

from .core.settings import AUTH_HEADER_NAME as AUTH_HEADER_NAME
from .core.settings import COOKIE_DURATION as COOKIE_DURATION
from .core.settings import COOKIE_HTTPONLY as COOKIE_HTTPONLY
from .core.settings import COOKIE_NAME as COOKIE_NAME
from .core.settings import COOKIE_SAMESITE as COOKIE_SAMESITE
from .core.settings import COOKIE_SECURE as COOKIE_SECURE
from .core.settings import EXEMPT_METHODS as EXEMPT_METHODS
from .core.settings import ID_ATTRIBUTE as ID_ATTRIBUTE
from .core.settings import LOGIN_MESSAGE as LOGIN_MESSAGE
from .core.settings import LOGIN_MESSAGE_CATEGORY as LOGIN_MESSAGE_CATEGORY
from .core.settings import REFRESH_MESSAGE as REFRESH_MESSAGE
from .core.settings import REFRESH_MESSAGE_CATEGORY as REFRESH_MESSAGE_CATEGORY
from .core.settings import SESSION_KEYS as SESSION_KEYS
from .core.settings import USE_SESSION_FOR_NEXT as USE_SESSION_FOR_NEXT
