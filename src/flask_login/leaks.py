"""What a leak would give, by an application's settings: what ``flask login leaks`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from flask.sessions import SecureCookieSessionInterface

from .core import settings
from .findings import protection, read
from .sessions.store import named

if TYPE_CHECKING:
    from flask import Flask

    from .ports import Manager, RealmInApp


@dataclass(frozen=True)
class Leak:
    """Something that may leak, and what a person who has a copy of it can do.

    .. versionadded:: 0.6.90
    """

    realm: str
    #: A stable code, such as ``"store"``.
    code: str
    #: What leaked.
    what: str
    #: What a person who has it can do.
    gives: str
    #: What ends that.
    ends: str


def leaks(app: Flask) -> list[Leak]:
    """Return what the leak of each credential and of each storage would give.

    It asks no store. A wrong setting counts as its default.

    :param app: the application, with all its settings and managers.

    .. versionadded:: 0.6.90
    """
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    return [leak for known in realms.values() for leak in _of_realm(app, known.manager)]


def _of_realm(app: Flask, manager: Manager) -> Iterator[Leak]:
    config: dict[str, Any] = app.config
    realm, logins = manager.realm, manager._logins
    on_server = not isinstance(app.session_interface, SecureCookieSessionInterface)
    if logins is not None:
        yield Leak(realm, "store", f"a dump of the session store ({named(logins.store)})", *_STORE)
        yield Leak(realm, "store_write", "a way to write to the session store", *_STORE_WRITE)
    apart = logins is not None and read(settings.LOGIN_STATE, config) == "cookie"
    if on_server:
        held = _SESSIONS if logins is None else _SESSIONS_APART if apart else _SESSIONS_STORED
        yield Leak(realm, "session_storage", "a dump of the sessions on the server", *held)
    elsewhere = _ELSEWHERE[protection(config, manager._session_protection)]
    session_gives = f"The login of its user. {elsewhere}."
    if logins is None:
        ends = _BY_LOGOUT_ON_SERVER if on_server else _NOT_BY_LOGOUT
        yield Leak(realm, "session_cookie", "a session cookie", session_gives, ends)
        duration = _in_words(read(settings.REMEMBER_COOKIE_DURATION, config))
        gives = f"A login that is not fresh, from anywhere and again and again, for {duration}."
        yield Leak(realm, "remember_cookie", "a remember cookie", gives, _NOT_BY_LOGOUT)
        key = _KEY_ON_SERVER if on_server else _KEY
    else:
        adopts = read(settings.REMEMBER_COOKIE_ACCEPT_LEGACY, config)
        if apart:
            gives = _login_cookie_gives(elsewhere, settings.renew_interval(config))
            yield Leak(realm, "login_cookie", "a login cookie", gives, _BY_LOGOUT)
            yield Leak(realm, "session_cookie", "a session cookie", *_SESSION_APART)
        else:
            yield Leak(realm, "session_cookie", "a session cookie", session_gives, _BY_LOGOUT)
            yield Leak(realm, "remember_cookie", "a remember cookie", *_REMEMBER_STORED)
        key = _KEY_ADOPTS if adopts else _KEY_STORED
    yield Leak(realm, "secret_key", "the SECRET_KEY", *key)


def _login_cookie_gives(elsewhere: str, interval: timedelta | None) -> str:
    """Return what a copied login cookie gives."""
    if interval is None:
        shown = "LOGIN_RENEW_INTERVAL is None: nothing shows that there is a copy."
    else:
        minutes = f"{interval.total_seconds() / 60:g}"
        shown = (
            f"A login in use gets another cookie every {minutes} minutes: whoever shows the one"
            " before it after that, user or thief, ends the login for both."
        )
    return (
        "With its marker, the login of its user. Alone, that of a remembered login gives one that"
        f" is not fresh, and that of any other none. {elsewhere}. {shown}"
    )


def _in_words(span: timedelta) -> str:
    if span < timedelta(days=1):
        return f"{span} hours"
    return f"{span.days} {'day' if span.days == 1 else 'days'}"


_ELSEWHERE = {
    None: "Session protection is off: it stays fresh from every address and browser",
    "basic": "From another address or browser the login is not fresh",
    "strong": "From another address or browser it gives nothing",
}
_NEW_PASSWORD = "a new password, if get_session_auth_hash() of the user changes with it"  # noqa: S105  # an explanation
_BY_LOGOUT = f"A logout, `flask login revoke`, a timeout, or {_NEW_PASSWORD}."
_BY_LOGOUT_ON_SERVER = f"A logout, its age, or {_NEW_PASSWORD}."
_NOT_BY_LOGOUT = (
    f"Its age, a new SECRET_KEY, or {_NEW_PASSWORD}. Not a logout: without a session store no"
    " server knows of the copy."
)


class _Said(NamedTuple):
    """What is said of a leak."""

    gives: str
    ends: str


_STORE = _Said(
    "Nobody's login: it holds the SHA-256 of random secrets, not the secrets. It shows who is"
    " logged in, since when, from which address and with which browser.",
    "There is nothing to end.",
)
_STORE_WRITE = _Said(
    "Another user's login, for a person who has a login: that record can be changed to another"
    " user. With the SECRET_KEY too, the login of any user.",
    "Close the hole, then `flask login revoke-everyone`.",
)
_SESSIONS = _Said(
    "The login of every user in it, if it keeps the sessions under the ids that the cookies hold,"
    " as Flask-Session does.",
    "Delete these sessions.",
)
_SESSIONS_STORED = _Said(
    f"{_SESSIONS.gives} The session store does not change that: each session holds the credential"
    " of its login.",
    "Delete these sessions, or `flask login revoke-everyone`.",
)
_BEFORE_THE_SWITCH = (
    "Sessions from before LOGIN_STATE was changed hold a login until they come back."
)
_SESSIONS_APART = _Said(
    "Nobody's login: what pages keep, and who is between the two steps of a login."
    f" {_BEFORE_THE_SWITCH}",
    "Delete these sessions.",
)
_SESSION_APART = _Said(
    f"Nobody's login: what pages keep, and the CSRF token. {_BEFORE_THE_SWITCH}",
    "Its age, or a new SECRET_KEY.",
)
_REMEMBER_STORED = _Said(
    "A login that is not fresh, until the user's own browser comes back with the older cookie."
    " That shows the theft, and the login ends for both.",
    _BY_LOGOUT,
)
_NEW_KEY = "A new SECRET_KEY, without the old one in SECRET_KEY_FALLBACKS."
_KEY = _Said("The login of every user: a session cookie can be made for anybody.", _NEW_KEY)
_KEY_ON_SERVER = _Said(
    "The login of every user: a remember cookie can be made for anybody.", _NEW_KEY
)
_KEY_ADOPTS = _Said(
    "The login of every user: REMEMBER_COOKIE_ACCEPT_LEGACY is on, so a cookie from before the"
    " session store can be made for anybody.",
    f"REMEMBER_COOKIE_ACCEPT_LEGACY = False. {_NEW_KEY}",
)
_KEY_STORED = _Said(
    "No login: the secrets of the records are not known, and other cookies are not accepted."
    " Whatever else the application signs can be forged.",
    _NEW_KEY,
)
