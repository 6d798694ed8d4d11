"""Every setting of the library in one table: a new setting is one row of it.

The table gives the run-time default, the check that `LoginManager.init_app` makes and the
page of the documentation. Settings are read from ``app.config`` at use: applications, and
their tests even more, change them later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from datetime import timedelta
from typing import Any

from . import cookie_settings, parsers
from .constants import AUTH_HEADER_NAME as AUTH_HEADER_NAME
from .constants import COOKIE_DURATION as COOKIE_DURATION
from .constants import COOKIE_HTTPONLY as COOKIE_HTTPONLY
from .constants import COOKIE_NAME as COOKIE_NAME
from .constants import COOKIE_SAMESITE as COOKIE_SAMESITE
from .constants import COOKIE_SECURE as COOKIE_SECURE
from .constants import DEFAULT_REALM as DEFAULT_REALM
from .constants import ENDED_MESSAGES as ENDED_MESSAGES
from .constants import EXEMPT_METHODS as EXEMPT_METHODS
from .constants import ID_ATTRIBUTE as ID_ATTRIBUTE
from .constants import LOGIN_MESSAGE as LOGIN_MESSAGE
from .constants import LOGIN_MESSAGE_CATEGORY as LOGIN_MESSAGE_CATEGORY
from .constants import REFRESH_MESSAGE as REFRESH_MESSAGE
from .constants import REFRESH_MESSAGE_CATEGORY as REFRESH_MESSAGE_CATEGORY
from .constants import SESSION_KEYS as SESSION_KEYS
from .constants import USE_SESSION_FOR_NEXT as USE_SESSION_FOR_NEXT
from .cookie_settings import ATTRIBUTES as ATTRIBUTES
from .cookie_settings import LOGIN_COOKIE_NAME as LOGIN_COOKIE_NAME
from .cookie_settings import REMEMBER_COOKIE_ACCEPT_LEGACY as REMEMBER_COOKIE_ACCEPT_LEGACY
from .cookie_settings import REMEMBER_COOKIE_DOMAIN as REMEMBER_COOKIE_DOMAIN
from .cookie_settings import REMEMBER_COOKIE_DURATION as REMEMBER_COOKIE_DURATION
from .cookie_settings import REMEMBER_COOKIE_ENABLED as REMEMBER_COOKIE_ENABLED
from .cookie_settings import REMEMBER_COOKIE_HTTPONLY as REMEMBER_COOKIE_HTTPONLY
from .cookie_settings import REMEMBER_COOKIE_NAME as REMEMBER_COOKIE_NAME
from .cookie_settings import REMEMBER_COOKIE_PARTITIONED as REMEMBER_COOKIE_PARTITIONED
from .cookie_settings import REMEMBER_COOKIE_PATH as REMEMBER_COOKIE_PATH
from .cookie_settings import (
    REMEMBER_COOKIE_REFRESH_EACH_REQUEST as REMEMBER_COOKIE_REFRESH_EACH_REQUEST,
)
from .cookie_settings import REMEMBER_COOKIE_SAMESITE as REMEMBER_COOKIE_SAMESITE
from .cookie_settings import REMEMBER_COOKIE_SECURE as REMEMBER_COOKIE_SECURE
from .cookie_settings import check_remember_cookie as check_remember_cookie
from .exceptions import ConfigurationError
from .parsers import supports_partitioned as supports_partitioned
from .setting import Remark as Remark
from .setting import Setting as Setting
from .setting import Settings as Settings
from .setting import log_remark as log_remark
from .setting import logger as logger
from .setting import rows_of

SESSION_PROTECTION: Setting[str | None] = Setting(
    "SESSION_PROTECTION",
    "basic",
    "'basic', 'strong' or None",
    "What happens when a login session is used from another client: `basic` makes it not"
    " fresh, `strong` ends it, None ignores it. Wins over `LoginManager.session_protection`.",
    parsers.protection,
    tolerate=parsers.protection_in_any_case,
)
USE_SESSION_FOR_NEXT_SETTING = Setting(
    "USE_SESSION_FOR_NEXT",
    USE_SESSION_FOR_NEXT,
    parsers.YES_NO,
    "Whether the page to return to after login is kept in the session instead of the URL.",
    parsers.boolean,
    tolerate=parsers.spelled_boolean,
)
FORCE_HOST_FOR_REDIRECTS: Setting[str | None] = Setting(
    "FORCE_HOST_FOR_REDIRECTS",
    None,
    "a host name or None",
    "The host that redirects to the login view name, whatever `Host` header the request has.",
    parsers.host,
    tolerate=parsers.host,
)
LOGIN_DISABLED = Setting(
    "LOGIN_DISABLED",
    False,
    parsers.YES_NO,
    "Switches every guard off. For tests and single-user tools; outside of testing it"
    " is logged as a warning.",
    parsers.boolean,
    tolerate=parsers.spelled_boolean,
)
LOGIN_CLEAR_SITE_DATA = Setting(
    "LOGIN_CLEAR_SITE_DATA",
    False,
    parsers.YES_NO,
    'Whether logout sends `Clear-Site-Data: "cache", "storage"`, so that the browser drops'
    " what it kept of the pages (OWASP ASVS 5.0, 14.3.1).",
    parsers.boolean,
)
LOGIN_ROTATE_CSRF_TOKEN = Setting(
    "LOGIN_ROTATE_CSRF_TOKEN",
    False,
    parsers.YES_NO,
    "Whether `login_user`, `logout_user`, and the start and end of an impersonation"
    " have Flask-WTF make a new CSRF token. Then a token that was planted before the login or"
    " read after the logout is useless, and a form that was open before has to be loaded again, in"
    " other tabs too. Not for an application that calls `login_user` at each request: its forms"
    " would never be valid. A return by the remember cookie leaves the token alone in any case.",
    parsers.boolean,
)
LOGIN_UNAUTHORIZED_RESPONSE = Setting(
    "LOGIN_UNAUTHORIZED_RESPONSE",
    "negotiate",
    "'negotiate', 'redirect' or 'status'",
    "What a caller gets whom a guard refuses. `negotiate`: what fits the caller, a redirect, 401"
    " or `HX-Redirect`. `redirect`: always the redirect, as before 0.6.90. `status`: always 401.",
    parsers.one_of("negotiate", "redirect", "status"),
)
LOGIN_REQUIRED_BY_DEFAULT = Setting(
    "LOGIN_REQUIRED_BY_DEFAULT",
    False,
    parsers.YES_NO,
    "Whether every view needs a login, unless it has another guard or is marked by"
    " `login_not_required`. Static files, the login and the refresh view need none.",
    parsers.boolean,
)
LOGIN_GUARD_OPTIONS = Setting(
    "LOGIN_GUARD_OPTIONS",
    False,
    parsers.YES_NO,
    "Whether guards look at OPTIONS requests to views that answer them themselves: by a route with"
    " `OPTIONS` among its methods, or a method `options` of a class. Off, OPTIONS passes every"
    " guard, as in 0.6.3. On, what Flask answers by itself still passes. A CORS preflight to such a"
    " view is refused, unless what answers it stands above the guard.",
    parsers.boolean,
)
LOGIN_IDLE_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_IDLE_TIMEOUT",
    None,
    "a datetime.timedelta or whole seconds, greater than 0, or None",
    "After how long without a request a login ends. None: never, except that a stored login"
    " which is not remembered ends after `PERMANENT_SESSION_LIFETIME`.",
    parsers.timeout,
)
LOGIN_ABSOLUTE_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_ABSOLUTE_TIMEOUT",
    None,
    "a datetime.timedelta or whole seconds, greater than 0, or None",
    "After how long a login ends, however active it is. None: a stored login ends after a year.",
    parsers.timeout,
)
LOGIN_FRESH_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_FRESH_TIMEOUT",
    None,
    "a datetime.timedelta or whole seconds, greater than 0, or None",
    "How long a login stays fresh after the user has proved their identity. None: until it ends.",
    parsers.timeout,
)
LOGIN_TOUCH_INTERVAL = Setting(
    "LOGIN_TOUCH_INTERVAL",
    timedelta(seconds=60),
    "a datetime.timedelta",
    "The shortest time between two writes of a login's last activity.",
    parsers.duration,
)
LOGIN_RENEW_INTERVAL: Setting[timedelta | None] = Setting(
    "LOGIN_RENEW_INTERVAL",
    None,
    "a datetime.timedelta or whole seconds, at least 90 seconds, or None",
    "With a session store: how old the credentials of a login in use get before the browser is"
    " given new ones. A copy of the login is good for about as long, and shows itself then. Where"
    ' it is not set: 15 minutes with `LOGIN_STATE = "cookie"`, else off, because a slow answer'
    " that writes Flask's session puts the old credential back into the browser: without a remember"
    " cookie beside it such a browser is taken for a thief and logged out. It shows nothing with"
    " server-side sessions, whose cookie is but an id.",
    parsers.renewal,
)
LOGIN_STATE = Setting(
    "LOGIN_STATE",
    "session",
    "'session' or 'cookie'",
    "Where a browser keeps the credential of a login. `session`: in Flask's session. `cookie`: in a"
    " [cookie of its own](../how-to/login-cookie.md), `LOGIN_COOKIE_NAME`, which shows nothing of"
    " the user, survives `session.clear()`, and is the remember cookie too. Every realm needs a"
    " session store then, and `LOGIN_OUTAGE_TRUST` stays None. Logins of before go on, whichever"
    ' way it is changed. Code that writes `session["_user_id"]` does not work then.',
    parsers.one_of("session", "cookie"),
)
LOGIN_PENDING_TIMEOUT = Setting(
    "LOGIN_PENDING_TIMEOUT",
    timedelta(minutes=10),
    "a datetime.timedelta or whole seconds, greater than 0",
    "How long a user may take between `begin_login` and `complete_login`.",
    parsers.span,
)
LOGIN_UNKNOWN_USER_GRACE = Setting(
    "LOGIN_UNKNOWN_USER_GRACE",
    timedelta(minutes=10),
    "a datetime.timedelta or whole seconds, not less than 0",
    "For how long a user loader may not find a user id before the login ends. Until then such a"
    " request is anonymous and the login stays as it is: a database that misses its users for a"
    " moment logs no users out. `timedelta(0)` ends the login at once.",
    parsers.grace,
)
LOGIN_OUTAGE_TRUST: Setting[timedelta | None] = Setting(
    "LOGIN_OUTAGE_TRUST",
    None,
    "a datetime.timedelta or whole seconds, greater than 0, or None",
    "While the session store gives no answer: for how long after its last check a session is"
    " accepted, not fresh, by its signed cookie alone. A login that was ended may live"
    ' that much longer. None: not at all; such requests get 503. Needs `LOGIN_STATE = "session"`.',
    parsers.timeout,
)
LOGIN_MAX_SESSIONS: Setting[Any] = Setting(
    "LOGIN_MAX_SESSIONS",
    None,
    "a whole number from 1 on, a function of the user that returns one, or None",
    "How many stored logins a user may have at once. The function may be `async def`. None: any"
    " number.",
    parsers.maximum,
)
LOGIN_MAX_SESSIONS_POLICY = Setting(
    "LOGIN_MAX_SESSIONS_POLICY",
    "evict_oldest",
    "'evict_oldest' or 'deny'",
    "What a login beyond `LOGIN_MAX_SESSIONS` does: it ends the oldest one, or is refused.",
    parsers.one_of("evict_oldest", "deny"),
)
LOGIN_PROFILE: Setting[str | None] = Setting(
    "LOGIN_PROFILE",
    None,
    "'aal1', 'aal2', 'aal3' or None",
    "Sets what NIST SP 800-63B-4 requires of a session at that authentication assurance level,"
    " except for settings that are there already. `init_app` reads it, so set it before. `aal1`:"
    " a login ends after 30 days. `aal2`: after 24 hours, and after 1 hour without a request;"
    " no user is remembered. `aal3`: 12 hours and 15 minutes. Each makes the cookies `Secure`,"
    " `HttpOnly` and `SameSite=Lax`, login and logout renew the CSRF token, and guards look at"
    " OPTIONS too. The session cookie keeps its name: `__Host-session` is better, but a new name"
    " logs everybody out once. How users prove their identity is up to the application.",
    parsers.optional(parsers.one_of("aal1", "aal2", "aal3")),
)

#: Every setting, in the order of the documentation.
SETTINGS: tuple[Setting[Any], ...] = (
    *cookie_settings.ROWS,
    *rows_of(globals(), cookie_settings.ROWS),
)

_RENEWED_BY_COOKIE = timedelta(minutes=15)

#: What `LOGIN_PROFILE` sets: NIST SP 800-63B-4, sections 2.1.3, 2.2.3, 2.3.3 and 5.1.
PROFILES: dict[str, dict[str, object]] = {
    "aal1": {
        "LOGIN_ABSOLUTE_TIMEOUT": timedelta(days=30),
        "REMEMBER_COOKIE_DURATION": timedelta(days=30),
    },
    "aal2": {
        "LOGIN_ABSOLUTE_TIMEOUT": timedelta(hours=24),
        "LOGIN_IDLE_TIMEOUT": timedelta(hours=1),
        "REMEMBER_COOKIE_ENABLED": False,
    },
    "aal3": {
        "LOGIN_ABSOLUTE_TIMEOUT": timedelta(hours=12),
        "LOGIN_IDLE_TIMEOUT": timedelta(minutes=15),
        "REMEMBER_COOKIE_ENABLED": False,
    },
}

#: What every profile sets as well.
_EACH_PROFILE: dict[str, object] = {
    "REMEMBER_COOKIE_SECURE": True,
    "LOGIN_ROTATE_CSRF_TOKEN": True,
    "LOGIN_GUARD_OPTIONS": True,
}

#: The settings of Flask-Login 0.6.3.
_OLD_KEYS = frozenset(setting.key for setting in SETTINGS if setting.tolerate is not None)


def renew_interval(config: Mapping[str, Any]) -> timedelta | None:
    """Return how old the credentials of a stored login get; None for any age."""
    if LOGIN_RENEW_INTERVAL.key not in config and LOGIN_STATE.read(config) == "cookie":
        return _RENEWED_BY_COOKIE
    return LOGIN_RENEW_INTERVAL.read(config)


def apply_profile(config: MutableMapping[str, Any]) -> None:
    """Set what `LOGIN_PROFILE` stands for, except what the application has set itself.

    Raises `ConfigurationError` for an unknown profile.
    """
    profile = LOGIN_PROFILE.read(config)
    if profile is None:
        return
    for key, value in {**PROFILES[profile], **_EACH_PROFILE}.items():
        said = config.get(key)
        if key in _OLD_KEYS and isinstance(said, str) and not said.strip():
            del config[key]  # an empty text counts as not set
        config.setdefault(key, value)
    # Flask sets these itself, so what the application wants can't be told from the default.
    config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True)
    config["SESSION_COOKIE_SAMESITE"] = config.get("SESSION_COOKIE_SAMESITE") or "Lax"


def check_settings(config: Mapping[str, Any]) -> None:
    """Check every setting in `config` that Flask-Login 0.6.3 did not have, and the keys.

    Raises `ConfigurationError` with the first one that is wrong. `remarks` has the others.
    """
    for setting in SETTINGS:
        if setting.tolerate is None:
            setting.read(config)
    fallbacks = config.get("SECRET_KEY_FALLBACKS")
    if isinstance(fallbacks, (str, bytes)):
        # Read letter by letter, every letter would be a key. Its value is not for a message.
        raise ConfigurationError("SECRET_KEY_FALLBACKS", "a text", "a list of keys")
    if any(key in ("", b"") for key in fallbacks or ()):
        # Flask's own session would accept it: anybody could log in as anybody.
        raise ConfigurationError("SECRET_KEY_FALLBACKS", "an empty key", "a list of secret keys")
    check_state(config)


def check_state(config: Mapping[str, Any]) -> None:
    """Check that `LOGIN_STATE` goes with the other settings; raises `ConfigurationError`."""
    trust = LOGIN_OUTAGE_TRUST.read(config)
    if trust is not None and LOGIN_STATE.read(config) == "cookie":
        raise ConfigurationError(
            LOGIN_OUTAGE_TRUST.key,
            trust,
            "None with LOGIN_STATE = 'cookie'",
            "A login cookie names nobody while the store is away: remove the setting, or set"
            " LOGIN_STATE = 'session'.",
        )


def remarks(config: Mapping[str, Any]) -> list[Remark]:
    """Return the remarks on those settings in `config` that Flask-Login 0.6.3 had."""
    said = [
        setting.remark(config[setting.key])
        for setting in SETTINGS
        if setting.tolerate is not None and setting.key in config
    ]
    found = [remark for remark in said if remark is not None]
    if not any(remark.is_error for remark in found):
        try:
            check_remember_cookie(config)
        except ConfigurationError as error:
            found.append(Remark(True, f"{error}.", f"Set it to {error.accepted}."))
    return found


def tell(config: Mapping[str, Any], told: Collection[str] = ()) -> frozenset[str]:
    """Log the remarks on `config`, each once.

    :param told: what was logged before.
    :return: what has been logged now or before.
    """
    texts = set(told)
    found = remarks(config)
    for remark in found:
        if remark.text not in texts:
            texts.add(remark.text)
            log_remark(remark)
    if not any(remark.is_error for remark in found) and _DROPPED not in texts:
        secure = REMEMBER_COOKIE_SECURE.read(config)
        if REMEMBER_COOKIE_SAMESITE.read(config) == "None" and secure is False:
            texts.add(_DROPPED)
            logger.warning(_DROPPED)
    return frozenset(texts)


_DROPPED = (
    "REMEMBER_COOKIE_SAMESITE is 'None' and REMEMBER_COOKIE_SECURE is False: browsers drop"
    " such a cookie, and no user will be remembered. Set REMEMBER_COOKIE_SECURE to True."
)
