"""Every setting of the library in one table, and the constants of old.

The table gives the run-time default, the check that `LoginManager.init_app` makes and the
page of the documentation. Settings are read from ``app.config`` at use: applications, and
their tests even more, change them later.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from datetime import timedelta
from typing import Any, Generic, NamedTuple, TypeVar

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
#: Flashed in place of `LOGIN_MESSAGE` to who was logged in until a moment ago, by the reason.
ENDED_MESSAGES = {
    "expired_idle": "You were logged out because nothing was done for a while."
    " Please log in again.",
    "expired_absolute": "Your login has reached its greatest age. Please log in again.",
    "revoked": "You were logged out from another device, or by an administrator."
    " Please log in again.",
    "evicted": "You were logged out because you logged in on another device. Please log in again.",
    "credentials_changed": "You were logged out because your password or other credentials"
    " changed. Please log in again.",
    "token_reused": "You were logged out for your safety: this login may have been copied to"
    " another device. Please log in again.",
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

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("flask_login")


#: What a parser raises for a value that it does not accept.
_REFUSALS = (TypeError, ValueError, OverflowError)


class Remark(NamedTuple):
    """Something about a setting of 0.6.3 that stops no application from starting."""

    #: Whether what uses the setting fails; otherwise it is only written in an odd form.
    is_error: bool
    #: What was found.
    text: str
    #: What to write.
    cure: str


class Setting(Generic[T]):
    """One key of ``app.config``: its default, what it accepts, what it means."""

    def __init__(
        self,
        key: str,
        default: T,
        accepted: str,
        meaning: str,
        parse: Callable[[Any], T],
        *,
        tolerate: Callable[[Any], T] | None = None,
    ) -> None:
        self.key = key
        self.default = default
        self.accepted = accepted
        self.meaning = meaning
        self.parse = parse
        #: Reads what is written in another form and can mean one thing only. Every setting that
        #: Flask-Login 0.6.3 had has it, for that release let everything pass: `init_app` raises
        #: nothing for it. None for the other settings, which are refused there.
        self.tolerate = tolerate

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
        except _REFUSALS:
            return self._tolerated(value)

    def _tolerated(self, value: object) -> T:
        if self.tolerate is not None:
            text = value.strip() if isinstance(value, str) else value
            if text is None or text == "":
                return self.default  # an environment variable that is empty is one that is not set
            try:
                return self.tolerate(text)
            except _REFUSALS:
                pass
        raise ConfigurationError(self.key, value, self.accepted) from None

    def remark(self, value: object, name: str | None = None) -> Remark | None:
        """Return what is to be said of `value`, or None when it has the accepted form.

        :param name: what the value was given to, when not to the setting itself.
        """
        name = name or self.key
        try:
            self.parse(value)
        except _REFUSALS:
            pass
        else:
            return None
        try:
            read = self.check(value)
        except ConfigurationError:
            error = ConfigurationError(name, value, self.accepted)
            return Remark(True, f"{error}.", f"Set it to {self.accepted}.")
        return Remark(False, f"{name} is {value!r}, read as {read!r}.", f"Write {name} = {read!r}.")


def _boolean(value: object) -> bool:
    # 0, 1 and None were accepted before; "false" was accepted too, as true.
    if value is None or value in (0, 1):
        return bool(value)
    raise ValueError


def _optional_boolean(value: object) -> bool | None:
    return None if value is None else _boolean(value)


_SPELLED = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _spelled_boolean(value: object) -> bool:
    """Return what a text from an environment variable says."""
    try:
        return _SPELLED[_text(value).lower()]
    except KeyError:
        raise ValueError from None


def _spelled_optional_boolean(value: object) -> bool | None:
    return None if _text(value).lower() == "none" else _spelled_boolean(value)


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


def _domain_without_port(value: object) -> str | None:
    # A browser drops a cookie whose domain has a port or is a URL. Cookies know no ports.
    found = re.fullmatch(r"(?:https?://)?([^/:]+)(?::\d*)?/?", _text(value))
    if found is None:
        raise ValueError
    return _domain(found[1])


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


def _number_of_seconds(value: object) -> timedelta:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?", value, re.ASCII):
        value = float(value) if "." in value else int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return timedelta(seconds=value)
    raise TypeError


def _optional_duration(value: object) -> timedelta | None:
    return None if value is None else _duration(value)


def _timeout(value: object) -> timedelta | None:
    timeout = _optional_duration(value)
    if timeout is None or timeout > timedelta(0):
        return timeout
    raise ValueError


def _span(value: object) -> timedelta:
    span = _timeout(value)
    if span is None:
        raise ValueError
    return span


def _grace(value: object) -> timedelta:
    grace = None if value is None else _duration(value)
    if grace is None or grace < timedelta(0):
        raise ValueError
    return grace


def _optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else parse(value)


def _maximum(value: object) -> object:
    if value is None or callable(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ValueError


def _one_of(*accepted: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value in accepted:
            return str(value)
        raise ValueError

    return parse


def _same_site(value: object) -> str | None:
    if value is None or value in ("Lax", "Strict", "None"):
        return None if value is None else str(value)
    raise ValueError


def _same_site_in_any_case(value: object) -> str | None:
    return _same_site(_text(value).title())


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


def _protection_in_any_case(value: object) -> str | None:
    mode = _text(value).lower()
    # Each is off in 0.6.3 too, and says so.
    return None if mode == "none" or _SPELLED.get(mode) is False else _protection(mode)


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
    tolerate=_cookie_name,
)
REMEMBER_COOKIE_DURATION = Setting(
    "REMEMBER_COOKIE_DURATION",
    COOKIE_DURATION,
    "a datetime.timedelta",
    "How long a remember token is good for, counted from the login; also a whole number of"
    " seconds. The server checks it: a copied cookie dies on time. 365 days, as ever.",
    _duration,
    tolerate=_number_of_seconds,
)
REMEMBER_COOKIE_DOMAIN: Setting[str | None] = Setting(
    "REMEMBER_COOKIE_DOMAIN",
    None,
    "a domain name or None",
    "The `Domain` of the remember cookie. None keeps it to the host that set it. A change leaves"
    " the cookies of before in the browsers, where they are sent beside the new one: of one user"
    " the newest counts, of two users none.",
    _domain,
    tolerate=_domain_without_port,
)
REMEMBER_COOKIE_PATH = Setting(
    "REMEMBER_COOKIE_PATH",
    "/",
    "a path that starts with /",
    "The `Path` of the remember cookie. A change leaves the cookies of before in the browsers, as"
    " with the domain.",
    _path,
    tolerate=_path,
)
REMEMBER_COOKIE_SECURE: Setting[bool | None] = Setting(
    "REMEMBER_COOKIE_SECURE",
    COOKIE_SECURE,
    "True, False or None",
    "Whether the remember cookie is sent over https only. None means: when"
    " `SESSION_COOKIE_SECURE` is set, or the request itself came over https.",
    _optional_boolean,
    tolerate=_spelled_optional_boolean,
)
REMEMBER_COOKIE_HTTPONLY = Setting(
    "REMEMBER_COOKIE_HTTPONLY",
    COOKIE_HTTPONLY,
    _YES_NO,
    "Whether the remember cookie is hidden from JavaScript.",
    _boolean,
    tolerate=_spelled_boolean,
)
REMEMBER_COOKIE_SAMESITE: Setting[str | None] = Setting(
    "REMEMBER_COOKIE_SAMESITE",
    COOKIE_SAMESITE,
    "'Lax', 'Strict', 'None' or None",
    "Whether the remember cookie goes along with requests from other sites. None leaves the"
    " attribute out.",
    _same_site,
    tolerate=_same_site_in_any_case,
)
REMEMBER_COOKIE_PARTITIONED: Setting[bool | None] = Setting(
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
    tolerate=_spelled_boolean,
)
REMEMBER_COOKIE_ENABLED = Setting(
    "REMEMBER_COOKIE_ENABLED",
    True,
    _YES_NO,
    "Whether anybody is remembered. If not, `login_user(remember=True)` logs in without, and the"
    " remember cookies that the application made before mean nothing and are deleted.",
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
SESSION_PROTECTION: Setting[str | None] = Setting(
    "SESSION_PROTECTION",
    "basic",
    "'basic', 'strong' or None",
    "What happens when a login session shows up from another client: `basic` makes it not"
    " fresh, `strong` ends it, None ignores it. Wins over `LoginManager.session_protection`.",
    _protection,
    tolerate=_protection_in_any_case,
)
USE_SESSION_FOR_NEXT_SETTING = Setting(
    "USE_SESSION_FOR_NEXT",
    USE_SESSION_FOR_NEXT,
    _YES_NO,
    "Whether the page to return to after login is kept in the session instead of the URL.",
    _boolean,
    tolerate=_spelled_boolean,
)
FORCE_HOST_FOR_REDIRECTS: Setting[str | None] = Setting(
    "FORCE_HOST_FOR_REDIRECTS",
    None,
    "a host name or None",
    "The host that redirects to the login view name, whatever `Host` the request claimed.",
    _host,
    tolerate=_host,
)
LOGIN_DISABLED = Setting(
    "LOGIN_DISABLED",
    False,
    _YES_NO,
    "Lets everybody pass every guard. For tests and single-user tools; outside of testing it"
    " is logged as a warning.",
    _boolean,
    tolerate=_spelled_boolean,
)
LOGIN_CLEAR_SITE_DATA = Setting(
    "LOGIN_CLEAR_SITE_DATA",
    False,
    _YES_NO,
    'Whether logout sends `Clear-Site-Data: "cache", "storage"`, so that the browser drops'
    " what it kept of the pages (OWASP ASVS 5.0, 14.3.1).",
    _boolean,
)

LOGIN_ROTATE_CSRF_TOKEN = Setting(
    "LOGIN_ROTATE_CSRF_TOKEN",
    False,
    _YES_NO,
    "Whether `login_user` and `logout_user`, and beginning and ending to act as somebody else,"
    " have Flask-WTF make a new CSRF token. Then nobody can use one that was planted before the"
    " login or read after the logout, and a form that was open before has to be loaded again, in"
    " other tabs too. Not for an application that calls `login_user` at each request: its forms"
    " would never be valid. A return by the remember cookie leaves the token alone in any case.",
    _boolean,
)

LOGIN_IDLE_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_IDLE_TIMEOUT",
    None,
    "a datetime.timedelta greater than 0, or None",
    "After how long without a request a login ends. None: it does not, except that a stored login"
    " which is not remembered ends with `PERMANENT_SESSION_LIFETIME`.",
    _timeout,
)
LOGIN_ABSOLUTE_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_ABSOLUTE_TIMEOUT",
    None,
    "a datetime.timedelta greater than 0, or None",
    "After how long a login ends whatever is done in it. None: a stored login after a year.",
    _timeout,
)
LOGIN_FRESH_TIMEOUT: Setting[timedelta | None] = Setting(
    "LOGIN_FRESH_TIMEOUT",
    None,
    "a datetime.timedelta greater than 0, or None",
    "How long a login stays fresh after the user proved who they are. None: as long as it lasts.",
    _timeout,
)
LOGIN_UNAUTHORIZED_RESPONSE = Setting(
    "LOGIN_UNAUTHORIZED_RESPONSE",
    "negotiate",
    "'negotiate', 'redirect' or 'status'",
    "What a caller gets who may not pass. `negotiate`: what fits the caller, a redirect, 401 or"
    " `HX-Redirect`. `redirect`: the redirect for everybody, as before 0.6.90. `status`: 401 for"
    " everybody.",
    _one_of("negotiate", "redirect", "status"),
)
LOGIN_REQUIRED_BY_DEFAULT = Setting(
    "LOGIN_REQUIRED_BY_DEFAULT",
    False,
    _YES_NO,
    "Whether every view needs a login that has no guard of its own and is not marked by"
    " `login_not_required`. Static files, the login and refresh views need none. An application"
    " that is not in `TESTING` is asked for it once, at its first request.",
    _boolean,
)
LOGIN_TOUCH_INTERVAL = Setting(
    "LOGIN_TOUCH_INTERVAL",
    timedelta(seconds=60),
    "a datetime.timedelta",
    "How often at most a login's time of last activity is written.",
    _duration,
)
LOGIN_PENDING_TIMEOUT = Setting(
    "LOGIN_PENDING_TIMEOUT",
    timedelta(minutes=10),
    "a datetime.timedelta greater than 0",
    "How long a user may take between `begin_login` and `complete_login`.",
    _span,
)
LOGIN_UNKNOWN_USER_GRACE = Setting(
    "LOGIN_UNKNOWN_USER_GRACE",
    timedelta(minutes=10),
    "a datetime.timedelta, not less than 0",
    "For how long a user loader may not know a user id before the login ends. Until then such a"
    " request is nobody's and nothing is touched: a database that lost sight of its users for a"
    " moment logs nobody out. `timedelta(0)` ends the login at once.",
    _grace,
)
LOGIN_OUTAGE_TRUST: Setting[timedelta | None] = Setting(
    "LOGIN_OUTAGE_TRUST",
    None,
    "a datetime.timedelta greater than 0, or None",
    "While the session store gives no answer: for how long after its last check a session is"
    " believed, not fresh, on the word of its signed cookie alone. A login that was ended may live"
    " that much longer. None: not at all, such requests get 503.",
    _timeout,
)
LOGIN_MAX_SESSIONS: Setting[Any] = Setting(
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
    _one_of("evict_oldest", "deny"),
)
LOGIN_PROFILE: Setting[str | None] = Setting(
    "LOGIN_PROFILE",
    None,
    "'aal1', 'aal2', 'aal3' or None",
    "Sets what NIST SP 800-63B-4 asks of a session at that authentication assurance level, unless"
    " the setting is there already. `init_app` does it, so it must be set before. `aal1`: a login"
    " ends after 30 days. `aal2`: after 24 hours, and after 1 hour without a request; nobody is"
    " remembered. `aal3`: 12 hours and 15 minutes. Each makes the cookies `Secure`, `HttpOnly` and"
    " `SameSite=Lax`, and login and logout renew the CSRF token. How people prove who they are"
    " stays with the application.",
    _optional(_one_of("aal1", "aal2", "aal3")),
)

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

#: What every profile sets besides.
_EACH_PROFILE: dict[str, object] = {"REMEMBER_COOKIE_SECURE": True, "LOGIN_ROTATE_CSRF_TOKEN": True}

#: The settings by which a request may change a login of the signed level, or its remember cookie.
TELLING_KEYS = frozenset(
    {
        LOGIN_IDLE_TIMEOUT.key,
        LOGIN_ABSOLUTE_TIMEOUT.key,
        LOGIN_FRESH_TIMEOUT.key,
        REMEMBER_COOKIE_REFRESH_EACH_REQUEST.key,
    }
)
#: The same on the stored level, where the record has the times.
TELLING_KEYS_STORED = frozenset({REMEMBER_COOKIE_REFRESH_EACH_REQUEST.key, LOGIN_OUTAGE_TRUST.key})

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
    REMEMBER_COOKIE_ENABLED,
    REMEMBER_COOKIE_ACCEPT_LEGACY,
    SESSION_PROTECTION,
    USE_SESSION_FOR_NEXT_SETTING,
    FORCE_HOST_FOR_REDIRECTS,
    LOGIN_DISABLED,
    LOGIN_CLEAR_SITE_DATA,
    LOGIN_ROTATE_CSRF_TOKEN,
    LOGIN_UNAUTHORIZED_RESPONSE,
    LOGIN_REQUIRED_BY_DEFAULT,
    LOGIN_IDLE_TIMEOUT,
    LOGIN_ABSOLUTE_TIMEOUT,
    LOGIN_FRESH_TIMEOUT,
    LOGIN_TOUCH_INTERVAL,
    LOGIN_PENDING_TIMEOUT,
    LOGIN_UNKNOWN_USER_GRACE,
    LOGIN_OUTAGE_TRUST,
    LOGIN_MAX_SESSIONS,
    LOGIN_MAX_SESSIONS_POLICY,
    LOGIN_PROFILE,
)


#: The settings of Flask-Login 0.6.3.
_OLD_KEYS = frozenset(setting.key for setting in SETTINGS if setting.tolerate is not None)


def apply_profile(config: MutableMapping[str, Any]) -> None:
    """Set what `LOGIN_PROFILE` stands for, but nothing that the application has set itself.

    Raises `ConfigurationError` for a profile that there is not.
    """
    profile = LOGIN_PROFILE.read(config)
    if profile is None:
        return
    for key, value in {**PROFILES[profile], **_EACH_PROFILE}.items():
        said = config.get(key)
        if key in _OLD_KEYS and isinstance(said, str) and not said.strip():
            del config[key]  # an empty text stands for what is not set
        config.setdefault(key, value)
    # Flask sets these itself, so what the application wants can't be told from the default.
    config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True)
    config["SESSION_COOKIE_SAMESITE"] = config.get("SESSION_COOKIE_SAMESITE") or "Lax"


def remember_cookie_name(config: Mapping[str, Any], realm: str) -> str:
    """Return the name of a realm's remember cookie."""
    name = REMEMBER_COOKIE_NAME.read(config)
    return name if realm == DEFAULT_REALM else f"{name}_{realm}"


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


def remarks(config: Mapping[str, Any]) -> list[Remark]:
    """Return what is to be said of the settings in `config` that Flask-Login 0.6.3 had."""
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
    """Log what is to be said of `config`, once.

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
    " such a cookie, and nobody will be remembered. Set REMEMBER_COOKIE_SECURE to True."
)


def log_remark(remark: Remark) -> None:
    """Log a remark: an error when what uses the setting fails, otherwise a warning."""
    if remark.is_error:
        logger.error(
            "%s The application starts; what uses it raises this. %s", remark.text, remark.cure
        )
    else:
        logger.warning("%s %s", remark.text, remark.cure)


_OF_REMEMBER_COOKIE: tuple[Setting[Any], ...] = tuple(
    setting for setting in SETTINGS if setting.key.startswith("REMEMBER_COOKIE_")
)


def check_remember_cookie(config: Mapping[str, Any], *, secure: bool | None = None) -> None:
    """Check that a browser would keep a remember cookie of these settings.

    :param secure: whether it is going to be ``Secure``; by default what the settings say.

    Raises `ConfigurationError` with the setting that is wrong, or contradicts another.
    """
    for setting in _OF_REMEMBER_COOKIE:
        setting.read(config)
    name = REMEMBER_COOKIE_NAME.read(config)
    if name == config.get("SESSION_COOKIE_NAME"):
        accepted = "a name other than SESSION_COOKIE_NAME, which it would overwrite"
        raise ConfigurationError("REMEMBER_COOKIE_NAME", name, accepted)
    # Browsers match the prefix in any case (draft-ietf-httpbis-rfc6265bis, section 4.1.3) and drop
    # a cookie that breaks the rule, silently: nobody would ever be remembered.
    prefix = next((p for p in ("__Host-", "__Secure-") if name.lower().startswith(p.lower())), None)
    if prefix is None:
        return
    said = REMEMBER_COOKIE_SECURE.read(config)
    if secure is None:
        secure = bool(config.get("SESSION_COOKIE_SECURE")) if said is None else said
    if not secure:
        raise ConfigurationError(
            "REMEMBER_COOKIE_SECURE", said, f"True for a cookie named '{name}'"
        )
    if prefix == "__Secure-":
        return
    if (path := REMEMBER_COOKIE_PATH.read(config)) != "/":
        raise ConfigurationError("REMEMBER_COOKIE_PATH", path, f"'/' for a cookie named '{name}'")
    if (domain := REMEMBER_COOKIE_DOMAIN.read(config)) is not None:
        raise ConfigurationError(
            "REMEMBER_COOKIE_DOMAIN", domain, f"None for a cookie named '{name}'"
        )
