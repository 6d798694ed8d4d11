"""Every setting of the library in one table, and the constants of old.

The table gives the run-time default, the check that `LoginManager.init_app` makes and the
page of the documentation. Settings are read from ``app.config`` at use: applications, and
their tests even more, change them later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from flask import Flask

from .exceptions import ConfigurationError

# The constants of Flask-Login 0.6, still imported by applications.
COOKIE_NAME = "remember_token"
COOKIE_DURATION = timedelta(days=365)
COOKIE_SECURE = None
COOKIE_HTTPONLY = True
COOKIE_SAMESITE = "Lax"
LOGIN_MESSAGE = "Please log in to access this page."
LOGIN_MESSAGE_CATEGORY = "message"
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
}

#: The realm of a `LoginManager` without a name.
DEFAULT_REALM = "default"

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("flask_login")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One key of ``app.config``: its default, what it accepts, what it means."""

    key: str
    default: T
    accepted: str
    meaning: str
    parse: Callable[[Any], T]

    def read(self, config: Mapping[str, Any]) -> T:
        """Return the setting's value in `config`, or its default.

        Raises `ConfigurationError` for a value that is not accepted.
        """
        if self.key not in config:
            return self.default
        return self.check(config[self.key])

    def check(self, value: object) -> T:
        """Return `value` in its parsed form, or raise `ConfigurationError`."""
        try:
            return self.parse(value)
        except ConfigurationError:
            raise
        except (TypeError, ValueError, OverflowError):
            raise ConfigurationError(self.key, value, self.accepted) from None


def _boolean(value: object) -> bool:
    # 0, 1 and None were accepted before; "false" was accepted too, as true.
    if value is None or value in (0, 1):
        return bool(value)
    raise ValueError


def _optional_boolean(value: object) -> bool | None:
    return None if value is None else _boolean(value)


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError


def _domain(value: object) -> str | None:
    if not value:
        return None
    domain = _text(value)
    if re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*", domain):
        return domain
    raise ValueError


def _host(value: object) -> str | None:
    if not value:
        return None
    host = _text(value)
    if re.fullmatch(r"([\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", host):
        return host
    raise ValueError


def _cookie_name(value: object) -> str:
    # RFC 6265, section 4.1.1: a token of RFC 9110 (no separators, no controls, ASCII).
    name = _text(value)
    if name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        return name
    raise ValueError


def _duration(value: object) -> timedelta:
    if value is None:
        return COOKIE_DURATION
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value)
    raise TypeError


def _optional_duration(value: object) -> timedelta | None:
    return None if value is None else _duration(value)


def _maximum(value: object) -> object:
    if value is None or callable(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError


def _policy(value: object) -> str:
    if value in ("evict_oldest", "deny"):
        return str(value)
    raise ValueError


def _same_site(value: object) -> str | None:
    if value is None:
        return None
    name = _text(value).title()
    if name in ("Lax", "Strict", "None"):
        return name
    raise ValueError


def _partitioned(value: object) -> bool | None:
    partitioned = _optional_boolean(value)
    if partitioned and not supports_partitioned():
        raise ConfigurationError(
            "REMEMBER_COOKIE_PARTITIONED",
            value,
            f"False with Flask {_flask_version()}: partitioned cookies need Flask >= 3.1",
            "Upgrade with: pip install --upgrade 'Flask>=3.1'",
        )
    return partitioned


def _protection(value: object) -> str | None:
    if not value:
        return None
    if value in ("basic", "strong"):
        return str(value)
    raise ValueError


def supports_partitioned() -> bool:
    """Tell whether the installed Flask can set ``Partitioned`` cookies (3.1 and later)."""
    return "SESSION_COOKIE_PARTITIONED" in Flask.default_config


def _flask_version() -> str:
    # Imported late: it takes longer to import than the whole of this package.
    from importlib.metadata import version

    return version("flask")


def _path(value: object) -> str:
    path = "/" if value is None else _text(value)
    if path.startswith("/"):
        return path
    raise ValueError


_YES_NO = "True or False"

REMEMBER_COOKIE_NAME = Setting(
    "REMEMBER_COOKIE_NAME",
    COOKIE_NAME,
    "a cookie name (letters, digits, - and _)",
    "The name of the remember cookie. A named realm appends its name (`remember_token_staff`)."
    " A name that starts with `__Host-` or `__Secure-` must be matched by the other settings.",
    _cookie_name,
)
REMEMBER_COOKIE_DURATION = Setting(
    "REMEMBER_COOKIE_DURATION",
    COOKIE_DURATION,
    "a datetime.timedelta",
    "How long a remember token is good for, counted from the login; also a whole number of"
    " seconds. The server checks it: a copied cookie dies on time. 365 days, as ever.",
    _duration,
)
REMEMBER_COOKIE_DOMAIN = Setting[str | None](
    "REMEMBER_COOKIE_DOMAIN",
    None,
    "a domain name or None",
    "The `Domain` of the remember cookie. None keeps it to the host that set it.",
    _domain,
)
REMEMBER_COOKIE_PATH = Setting(
    "REMEMBER_COOKIE_PATH",
    "/",
    "a path that starts with /",
    "The `Path` of the remember cookie.",
    _path,
)
REMEMBER_COOKIE_SECURE = Setting[bool | None](
    "REMEMBER_COOKIE_SECURE",
    COOKIE_SECURE,
    "True, False or None",
    "Whether the remember cookie is sent over https only. None means: when"
    " `SESSION_COOKIE_SECURE` is set, or the request itself came over https.",
    _optional_boolean,
)
REMEMBER_COOKIE_HTTPONLY = Setting(
    "REMEMBER_COOKIE_HTTPONLY",
    COOKIE_HTTPONLY,
    _YES_NO,
    "Whether the remember cookie is hidden from JavaScript.",
    _boolean,
)
REMEMBER_COOKIE_SAMESITE = Setting[str | None](
    "REMEMBER_COOKIE_SAMESITE",
    COOKIE_SAMESITE,
    "'Lax', 'Strict', 'None' or None",
    "Whether the remember cookie goes along with requests from other sites. None leaves the"
    " attribute out.",
    _same_site,
)
REMEMBER_COOKIE_PARTITIONED = Setting[bool | None](
    "REMEMBER_COOKIE_PARTITIONED",
    None,
    "True, False or None",
    "Whether the remember cookie is kept apart for each embedding site (CHIPS). None follows"
    " `SESSION_COOKIE_PARTITIONED`. Needs Flask 3.1.",
    _partitioned,
)
REMEMBER_COOKIE_REFRESH_EACH_REQUEST = Setting(
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST",
    False,
    _YES_NO,
    "Whether each request that asks for the user starts the remember token's time anew. Only"
    " for logins that were made with `remember=True`.",
    _boolean,
)
REMEMBER_COOKIE_ACCEPT_LEGACY = Setting(
    "REMEMBER_COOKIE_ACCEPT_LEGACY",
    True,
    _YES_NO,
    "Whether remember cookies of Flask-Login up to 0.6.3, which carry no expiry, are accepted"
    " and replaced at first use. Switch it off a year after the upgrade, or at once when one"
    " may have been stolen.",
    _boolean,
)
SESSION_PROTECTION = Setting[str | None](
    "SESSION_PROTECTION",
    "basic",
    "'basic', 'strong' or None",
    "What happens when a login session shows up from another client: `basic` makes it not"
    " fresh, `strong` ends it, None ignores it. Wins over `LoginManager.session_protection`.",
    _protection,
)
USE_SESSION_FOR_NEXT_SETTING = Setting(
    "USE_SESSION_FOR_NEXT",
    USE_SESSION_FOR_NEXT,
    _YES_NO,
    "Whether the page to return to after login is kept in the session instead of the URL.",
    _boolean,
)
FORCE_HOST_FOR_REDIRECTS = Setting[str | None](
    "FORCE_HOST_FOR_REDIRECTS",
    None,
    "a host name or None",
    "The host that redirects to the login view name, whatever `Host` the request claimed.",
    _host,
)
LOGIN_DISABLED = Setting(
    "LOGIN_DISABLED",
    False,
    _YES_NO,
    "Lets everybody pass every guard. For tests and single-user tools; outside of testing it"
    " is logged as a warning.",
    _boolean,
)
LOGIN_CLEAR_SITE_DATA = Setting(
    "LOGIN_CLEAR_SITE_DATA",
    False,
    _YES_NO,
    'Whether logout sends `Clear-Site-Data: "cache", "storage"`, so that the browser drops'
    " what it kept of the pages (OWASP ASVS 5.0, 14.3.1).",
    _boolean,
)

LOGIN_IDLE_TIMEOUT = Setting[timedelta | None](
    "LOGIN_IDLE_TIMEOUT",
    None,
    "a datetime.timedelta or None",
    "After how long without a request a stored login ends. None: it does not, except that a login"
    " which is not remembered ends with `PERMANENT_SESSION_LIFETIME`.",
    _optional_duration,
)
LOGIN_ABSOLUTE_TIMEOUT = Setting[timedelta | None](
    "LOGIN_ABSOLUTE_TIMEOUT",
    None,
    "a datetime.timedelta or None",
    "After how long a stored login ends whatever is done in it. None: a year.",
    _optional_duration,
)
LOGIN_FRESH_TIMEOUT = Setting[timedelta | None](
    "LOGIN_FRESH_TIMEOUT",
    None,
    "a datetime.timedelta or None",
    "How long a stored login stays fresh after the user proved who they are. None: as long as it"
    " lasts.",
    _optional_duration,
)
LOGIN_TOUCH_INTERVAL = Setting(
    "LOGIN_TOUCH_INTERVAL",
    timedelta(seconds=60),
    "a datetime.timedelta",
    "How often at most a stored login's time of last activity is written.",
    _duration,
)
LOGIN_MAX_SESSIONS = Setting[Any](
    "LOGIN_MAX_SESSIONS",
    None,
    "a whole number from 1 on, a function of the user that returns one, or None",
    "How many stored logins a user may have at once. None: any number.",
    _maximum,
)
LOGIN_MAX_SESSIONS_POLICY = Setting(
    "LOGIN_MAX_SESSIONS_POLICY",
    "evict_oldest",
    "'evict_oldest' or 'deny'",
    "What a login beyond `LOGIN_MAX_SESSIONS` does: end the oldest one, or not take place.",
    _policy,
)

#: Every setting, in the order of the documentation.
SETTINGS: tuple[Setting[Any], ...] = (
    REMEMBER_COOKIE_NAME,
    REMEMBER_COOKIE_DURATION,
    REMEMBER_COOKIE_DOMAIN,
    REMEMBER_COOKIE_PATH,
    REMEMBER_COOKIE_SECURE,
    REMEMBER_COOKIE_HTTPONLY,
    REMEMBER_COOKIE_SAMESITE,
    REMEMBER_COOKIE_PARTITIONED,
    REMEMBER_COOKIE_REFRESH_EACH_REQUEST,
    REMEMBER_COOKIE_ACCEPT_LEGACY,
    SESSION_PROTECTION,
    USE_SESSION_FOR_NEXT_SETTING,
    FORCE_HOST_FOR_REDIRECTS,
    LOGIN_DISABLED,
    LOGIN_CLEAR_SITE_DATA,
    LOGIN_IDLE_TIMEOUT,
    LOGIN_ABSOLUTE_TIMEOUT,
    LOGIN_FRESH_TIMEOUT,
    LOGIN_TOUCH_INTERVAL,
    LOGIN_MAX_SESSIONS,
    LOGIN_MAX_SESSIONS_POLICY,
)


def check_settings(config: Mapping[str, Any]) -> None:
    """Check every setting in `config`, and the demands of a cookie name's prefix.

    Raises `ConfigurationError` with the first key that is wrong; logs what browsers would refuse.
    """
    for setting in SETTINGS:
        setting.read(config)
    fallbacks = config.get("SECRET_KEY_FALLBACKS")
    if isinstance(fallbacks, (str, bytes)):
        # Read letter by letter, every letter would be a key. Its value is not for a message.
        raise ConfigurationError("SECRET_KEY_FALLBACKS", "a text", "a list of keys")
    if any(key in ("", b"") for key in fallbacks or ()):
        # Flask's own session would accept it: anybody could log in as anybody.
        raise ConfigurationError("SECRET_KEY_FALLBACKS", "an empty key", "a list of secret keys")
    name = REMEMBER_COOKIE_NAME.read(config)
    if name == config.get("SESSION_COOKIE_NAME"):
        raise ConfigurationError(
            "REMEMBER_COOKIE_NAME", name, "other than SESSION_COOKIE_NAME, which it would overwrite"
        )
    _check_cookie_prefix(config, name)
    secure = REMEMBER_COOKIE_SECURE.read(config)
    if REMEMBER_COOKIE_SAMESITE.read(config) == "None" and secure is False:
        logger.warning(
            "REMEMBER_COOKIE_SAMESITE is 'None' and REMEMBER_COOKIE_SECURE is False: browsers drop"
            " such a cookie, and nobody will be remembered. Set REMEMBER_COOKIE_SECURE to True."
        )


def _check_cookie_prefix(config: Mapping[str, Any], name: str) -> None:
    """Hold a ``__Host-`` or ``__Secure-`` name to what browsers demand of it.

    They match the prefix in any case (draft-ietf-httpbis-rfc6265bis, section 4.1.3) and drop
    a cookie that breaks the rule, silently: nobody would ever be remembered.
    """
    prefix = next((p for p in ("__Host-", "__Secure-") if name.lower().startswith(p.lower())), None)
    if prefix is None:
        return
    secure = REMEMBER_COOKIE_SECURE.read(config)
    if not (config.get("SESSION_COOKIE_SECURE") if secure is None else secure):
        raise ConfigurationError(
            "REMEMBER_COOKIE_SECURE", secure, f"True for a cookie named '{name}'"
        )
    if prefix == "__Secure-":
        return
    if (path := REMEMBER_COOKIE_PATH.read(config)) != "/":
        raise ConfigurationError("REMEMBER_COOKIE_PATH", path, f"'/' for a cookie named '{name}'")
    if (domain := REMEMBER_COOKIE_DOMAIN.read(config)) is not None:
        raise ConfigurationError(
            "REMEMBER_COOKIE_DOMAIN", domain, f"None for a cookie named '{name}'"
        )
