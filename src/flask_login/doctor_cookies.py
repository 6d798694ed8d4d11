"""What ``flask login doctor`` finds of the session, the remember and the login cookie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .core import settings
from .exceptions import ConfigurationError
from .findings import Finding, read
from .login_cookies import names

if TYPE_CHECKING:
    from .ports import RealmInApp


def is_https(config: dict[str, Any]) -> bool:
    """Return whether the settings say that the site is served over https."""
    if config.get("PREFERRED_URL_SCHEME") == "https" or config.get("SESSION_COOKIE_SECURE"):
        return True
    return read(settings.REMEMBER_COOKIE_SECURE, config) is True


def look_at_session_cookie(config: dict[str, Any]) -> Iterator[Finding]:
    """Find a session cookie that is not protected as it could be, or that browsers drop."""
    same_site = config.get("SESSION_COOKIE_SAMESITE")
    if config.get("SESSION_COOKIE_SECURE"):
        pass
    elif isinstance(same_site, str) and same_site.lower() == "none":
        yield Finding(
            "error",
            "same_site_none_insecure",
            "SESSION_COOKIE_SAMESITE is 'None' and SESSION_COOKIE_SECURE is off: browsers drop such"
            f" a session cookie, and {_lost(config)}.",
            "Set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = 'Lax'.",
        )
    else:
        yield Finding(
            "error" if is_https(config) else "hint",
            "insecure_session_cookie",
            "SESSION_COOKIE_SECURE is off: the session cookie also goes over plain http.",
            "Set SESSION_COOKIE_SECURE = True where the site is served over https.",
        )
    if not same_site:
        yield Finding(
            "hint",
            "no_session_samesite",
            "SESSION_COOKIE_SAMESITE is not set: browsers differ in their default.",
            "Set SESSION_COOKIE_SAMESITE = 'Lax'.",
        )
    if not config.get("SESSION_COOKIE_HTTPONLY", True):
        yield Finding(
            "error",
            "session_cookie_readable",
            "SESSION_COOKIE_HTTPONLY is off: a script in the page can read the session cookie.",
            "Remove the setting; Flask's default is True.",
        )
    yield from _session_prefix(config)


def _lost(config: dict[str, Any]) -> str:
    """Return what becomes of a site whose session cookie no browser keeps."""
    return "every session is lost" if has_login_cookie(config) else "no user stays logged in"


def _session_prefix(config: dict[str, Any]) -> Iterator[Finding]:
    name = str(config.get("SESSION_COOKIE_NAME") or "session")
    broken = _broken_promise(name.lower(), config)
    if broken is not None:
        yield Finding(
            "error",
            "session_cookie_prefix",
            f"SESSION_COOKIE_NAME is '{name}', and {broken}: browsers drop such a session cookie,"
            f" and {_lost(config)}.",
            "Set SESSION_COOKIE_SECURE = True, and neither SESSION_COOKIE_DOMAIN nor a path, or"
            " take the prefix off the name.",
        )
    elif _bare(name) == name and not _broken_promise("__host-", config):
        yield Finding(
            "hint",
            "session_cookie_unprefixed",
            f"SESSION_COOKIE_NAME is '{name}': a page of a neighbouring host can plant a cookie of"
            " this name in a browser.",
            f"Set SESSION_COOKIE_NAME = '__Host-{name}'. Sessions under the old name are lost once,"
            " and the logins in them.",
        )


def _broken_promise(name: str, config: dict[str, Any]) -> str | None:
    """Return how the settings contradict the prefix of a cookie's name, in lower case, or None."""
    if not name.startswith(_PREFIXES):
        return None
    if not config.get("SESSION_COOKIE_SECURE"):
        return "SESSION_COOKIE_SECURE is off"
    if not name.startswith("__host-"):
        return None
    if config.get("SESSION_COOKIE_DOMAIN"):
        return "SESSION_COOKIE_DOMAIN is set"
    path = config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/"
    return None if path == "/" else f"its path is '{path}'"


_PREFIXES = ("__host-", "__secure-")


def _bare(name: str) -> str:
    """Return the name of a cookie without a prefix."""
    prefix = next((each for each in _PREFIXES if name.lower().startswith(each)), "")
    return name[len(prefix) :]


def look_at_remember_cookie(config: dict[str, Any]) -> Iterator[Finding]:
    """Find a remember cookie that is not protected as it could be, or that browsers drop."""
    if read(settings.REMEMBER_COOKIE_SECURE, config) is not False:
        pass
    elif read(settings.REMEMBER_COOKIE_SAMESITE, config) == "None":
        yield Finding(
            "error",
            "same_site_none_insecure",
            "REMEMBER_COOKIE_SAMESITE is 'None' and REMEMBER_COOKIE_SECURE is False: browsers drop"
            " such a remember cookie, and no user is remembered.",
            "Remove REMEMBER_COOKIE_SECURE, or set it to True.",
        )
    else:
        yield Finding(
            "error" if is_https(config) else "hint",
            "insecure_remember_cookie",
            "REMEMBER_COOKIE_SECURE is False: the remember cookie also goes over plain http.",
            "Remove the setting: then it is Secure whenever the request came over https.",
        )
    if not read(settings.REMEMBER_COOKIE_HTTPONLY, config):
        yield Finding(
            "error",
            "remember_cookie_readable",
            "REMEMBER_COOKIE_HTTPONLY is off: a script in the page can read the remember cookie.",
            "Remove the setting; its default is True.",
        )

    elsewhere = [
        key
        for key, usual in (("REMEMBER_COOKIE_DOMAIN", None), ("REMEMBER_COOKIE_PATH", "/"))
        if config.get(key, usual) != usual
    ]
    if elsewhere:
        yield Finding(
            "hint",
            "remember_cookie_elsewhere",
            f"{' and '.join(elsewhere)} is set: after a change of it browsers still have the"
            " earlier remember cookies and send both. If they are two users', neither counts.",
            "Fine if it stays as it is. After a change, users who share a browser may have to"
            " log in again; a logout deletes both.",
        )


def has_login_cookie(config: dict[str, Any]) -> bool:
    """Return whether logins have a cookie of their own."""
    return read(settings.LOGIN_STATE, config) == "cookie"


def look_at_login_cookie(
    config: dict[str, Any], realms: dict[str, RealmInApp]
) -> Iterator[Finding]:
    """Find what is wrong with the cookie that logins have of their own, where they have one."""
    if not has_login_cookie(config):
        return
    try:
        settings.check_state(config)
        for realm, known in realms.items():
            known.manager._realm.require_store("LOGIN_STATE = 'cookie'")
            names(config, realm, is_secure=is_https(config))
    except ConfigurationError as error:
        if not _is_wrong(error.key, config):
            cure = error.cure or f"Set it to {error.accepted}."
            text = ConfigurationError(error.key, error.value, error.accepted)
            yield Finding("error", "wrong_setting", f"{text}.", cure)
    signs = _signs_of_neighbours(config)
    if signs and config.get("LOGIN_COOKIE_NAME") is None:
        yield Finding(
            "hint",
            "login_cookie_shared",
            f"{signs} as if several applications shared the host, and LOGIN_COOKIE_NAME is not set:"
            " logging in to one of them would log out of the other.",
            "Set LOGIN_COOKIE_NAME, to another name in each; fine as it is for a single one.",
        )


def _is_wrong(key: str, config: dict[str, Any]) -> bool:
    """Return whether a setting is wrong whatever the others are: that is a finding already."""
    try:
        any(setting.key == key and setting.read(config) for setting in settings.SETTINGS)
    except ConfigurationError:
        return True
    return False


def _signs_of_neighbours(config: dict[str, Any]) -> str:
    """Return which settings look as if other applications had the same host."""
    found = [key for key in ("SESSION_COOKIE_PATH", "APPLICATION_ROOT") if _is_part(config, key)]
    if _bare(str(config.get("SESSION_COOKIE_NAME") or "session")) != "session":
        found.insert(0, "SESSION_COOKIE_NAME")
    return f"{' and '.join(found)} {'look' if len(found) > 1 else 'looks'}" if found else ""


def _is_part(config: dict[str, Any], key: str) -> bool:
    return (config.get(key) or "/") != "/"
