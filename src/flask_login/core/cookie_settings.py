"""The settings of the remember cookie, and whether a browser would keep such a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import parsers
from .constants import (
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
)
from .exceptions import ConfigurationError
from .setting import Setting, Settings, rows_of

REMEMBER_COOKIE_NAME = Setting(
    "REMEMBER_COOKIE_NAME",
    COOKIE_NAME,
    "a cookie name (letters, digits, - and _)",
    "The name of the remember cookie. A named realm appends its name (`remember_token_staff`)."
    " A name that starts with `__Host-` or `__Secure-` must be matched by the other settings.",
    parsers.cookie_name,
    tolerate=parsers.cookie_name,
)
REMEMBER_COOKIE_DURATION = Setting(
    "REMEMBER_COOKIE_DURATION",
    COOKIE_DURATION,
    "a datetime.timedelta",
    "How long a remember token is good for, counted from the login; also a whole number of"
    " seconds. The server checks it, so a copied cookie expires too. 365 days, as before.",
    parsers.duration,
    tolerate=parsers.number_of_seconds,
)
REMEMBER_COOKIE_DOMAIN: Setting[str | None] = Setting(
    "REMEMBER_COOKIE_DOMAIN",
    None,
    "a domain name or None",
    "The `Domain` of the remember cookie. None keeps it to the host that set it. A change leaves"
    " the earlier cookies in the browsers, which then send both: if they are one user's, the newest"
    " counts; if they are two users', none does.",
    parsers.domain,
    tolerate=parsers.domain_without_port,
)
REMEMBER_COOKIE_PATH = Setting(
    "REMEMBER_COOKIE_PATH",
    "/",
    "a path that starts with /",
    "The `Path` of the remember cookie. A change leaves the earlier cookies in the browsers, as"
    " with the domain.",
    parsers.path,
    tolerate=parsers.path,
)
REMEMBER_COOKIE_SECURE: Setting[bool | None] = Setting(
    "REMEMBER_COOKIE_SECURE",
    COOKIE_SECURE,
    "True, False or None",
    "Whether the remember cookie is sent over https only. None means: when"
    " `SESSION_COOKIE_SECURE` is set, or the request itself came over https.",
    parsers.optional_boolean,
    tolerate=parsers.spelled_optional_boolean,
)
REMEMBER_COOKIE_HTTPONLY = Setting(
    "REMEMBER_COOKIE_HTTPONLY",
    COOKIE_HTTPONLY,
    parsers.YES_NO,
    "Whether the remember cookie is hidden from JavaScript.",
    parsers.boolean,
    tolerate=parsers.spelled_boolean,
)
REMEMBER_COOKIE_SAMESITE: Setting[str | None] = Setting(
    "REMEMBER_COOKIE_SAMESITE",
    COOKIE_SAMESITE,
    "'Lax', 'Strict', 'None' or None",
    "Whether the remember cookie goes along with requests from other sites. None leaves the"
    " attribute out.",
    parsers.same_site,
    tolerate=parsers.same_site_in_any_case,
)
REMEMBER_COOKIE_PARTITIONED: Setting[bool | None] = Setting(
    "REMEMBER_COOKIE_PARTITIONED",
    None,
    "True, False or None",
    "Whether the remember cookie is kept apart for each embedding site (CHIPS). None follows"
    " `SESSION_COOKIE_PARTITIONED`. Needs Flask 3.1.",
    parsers.partitioned,
)
REMEMBER_COOKIE_REFRESH_EACH_REQUEST = Setting(
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST",
    False,
    parsers.YES_NO,
    "Whether each request that asks for the user restarts the remember token's time. Only"
    " for logins that were made with `remember=True`. With a session store once an hour at most.",
    parsers.boolean,
    tolerate=parsers.spelled_boolean,
)
REMEMBER_COOKIE_ENABLED = Setting(
    "REMEMBER_COOKIE_ENABLED",
    True,
    parsers.YES_NO,
    "Whether users can be remembered. If not, `login_user(remember=True)` logs in without a"
    " remember cookie, and remember cookies from before are ignored and deleted.",
    parsers.boolean,
)
REMEMBER_COOKIE_ACCEPT_LEGACY = Setting(
    "REMEMBER_COOKIE_ACCEPT_LEGACY",
    True,
    parsers.YES_NO,
    "Whether remember cookies of Flask-Login up to 0.6.3, which carry no expiry, are accepted"
    " and replaced at first use. Switch it off a year after the upgrade, or at once when one"
    " may have been stolen.",
    parsers.boolean,
)

#: The settings of the remember cookie, in the order of the documentation.
ROWS: tuple[Setting[Any], ...] = rows_of(globals())

# Below the rows, because it is no setting of the remember cookie.
LOGIN_COOKIE_NAME: Setting[str | None] = Setting(
    "LOGIN_COOKIE_NAME",
    None,
    "a cookie name (letters, digits, - and _) or None",
    'The name of the login cookie with `LOGIN_STATE = "cookie"`. None: `__Host-login` where the'
    " request came over https or `SESSION_COOKIE_SECURE` is set, else `login`. A named realm"
    " appends its name. Two applications on one host need two names.",
    parsers.optional(parsers.cookie_name),
)


class Attributes(NamedTuple):
    """The attributes of the remember cookie, as the settings say them."""

    domain: str | None
    path: str
    secure: bool | None
    httponly: bool
    samesite: str | None
    partitioned: bool | None


#: All at once. What else the settings say of the cookie may be wrong: it can be deleted all the
#: same.
ATTRIBUTES = Settings(
    Attributes,
    REMEMBER_COOKIE_DOMAIN,
    REMEMBER_COOKIE_PATH,
    REMEMBER_COOKIE_SECURE,
    REMEMBER_COOKIE_HTTPONLY,
    REMEMBER_COOKIE_SAMESITE,
    REMEMBER_COOKIE_PARTITIONED,
)


def _first(name: object, *_: object) -> str:
    return str(name)


#: The name, where every setting of the cookie is good.
_CHECKED_NAME = Settings(_first, *ROWS)


def check_remember_cookie(config: Mapping[str, Any], *, is_secure: bool = False) -> None:
    """Check that a browser would keep a remember cookie of these settings.

    :param is_secure: whether the request is secure that it is for.

    Raises `ConfigurationError` with the setting that is wrong, or contradicts another.
    """
    name, said = _CHECKED_NAME.default, ATTRIBUTES.default
    if not config.keys().isdisjoint(_CHECKED_NAME.keys):
        name, said = _CHECKED_NAME.read(config), ATTRIBUTES.read(config)
    if name == config.get("SESSION_COOKIE_NAME"):
        accepted = "a name other than SESSION_COOKIE_NAME, which it would overwrite"
        raise ConfigurationError("REMEMBER_COOKIE_NAME", name, accepted)
    # Browsers match the prefix in any case (draft-ietf-httpbis-rfc6265bis, section 4.1.3) and drop
    # a cookie that breaks the rule, silently: nobody would ever be remembered.
    if not name.lower().startswith(("__host-", "__secure-")):
        return
    secure = said.secure
    if not ((config.get("SESSION_COOKIE_SECURE") or is_secure) if secure is None else secure):
        accepted = f"True for a cookie named '{name}'"
        raise ConfigurationError("REMEMBER_COOKIE_SECURE", secure, accepted)
    if name.lower().startswith("__secure-"):
        return
    if said.path != "/":
        accepted = f"'/' for a cookie named '{name}'"
        raise ConfigurationError("REMEMBER_COOKIE_PATH", said.path, accepted)
    if said.domain is not None:
        accepted = f"None for a cookie named '{name}'"
        raise ConfigurationError("REMEMBER_COOKIE_DOMAIN", said.domain, accepted)
