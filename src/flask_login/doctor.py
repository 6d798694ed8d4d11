"""What `flask login doctor` looks for: settings that make logins unsafe, or not last."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import create_environ

from . import config as settings
from .decorator_order import guarded_elsewhere, guarded_in_vain
from .default_guard import exempt_in_vain
from .entries import how_to_renew, keeps_its_id
from .exceptions import ConfigurationError, UnguardedViewError
from .sessions.store import SessionStoreUnavailable

if TYPE_CHECKING:
    from .sessions.store import SessionStore
    from .state import RealmInApp

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    .. versionadded:: 0.6.90
    """

    #: ``"error"`` for what leaves logins unsafe or broken, ``"hint"`` for what may be meant so.
    level: str
    #: A stable code.
    code: str
    #: What was found.
    text: str
    #: What to do about it.
    cure: str


def examine(app: Flask) -> list[Finding]:
    """Return what is wrong with an application's logins, the worst first.

    It asks every session store; call it where the application's context is pushed. Raises nothing:
    what a store raises is a finding.

    :param app: the application, with all its settings and managers.

    .. versionadded:: 0.6.90
    """
    config: dict[str, Any] = app.config
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    found = [
        *_settings(config, realms),
        *_keys(config),
        *_session_cookie(config),
        *_session_id(app),
        *_remember_cookie(config),
        *_guards(app, config, realms),
        *_stores(config, realms),
        *_proxy(app),
        *_csrf_token(config),
    ]
    return sorted(found, key=lambda finding: finding.level != "error")


# ------------------------------------------------------------------ the settings


def _settings(config: dict[str, Any], realms: dict[str, RealmInApp]) -> Iterator[Finding]:
    for setting in settings.SETTINGS:
        if setting.tolerate is None:
            try:
                setting.read(config)
            except ConfigurationError as error:
                yield Finding("error", "wrong_setting", f"{error}.", f"Set it to {error.accepted}.")
    for remark in settings.remarks(config):
        yield _finding(remark)
    for realm, known in realms.items():
        said: Any = known.manager._session_protection
        of = "" if realm == settings.DEFAULT_REALM else f"{realm}."
        found = settings.SESSION_PROTECTION.remark(said, f"{of}session_protection")
        if found is not None:
            yield _finding(found)


def _finding(remark: settings.Remark) -> Finding:
    if remark.is_error:
        return Finding("error", "wrong_setting", remark.text, remark.cure)
    return Finding("hint", "odd_setting", remark.text, remark.cure)


def _read(setting: settings.Setting[T], config: dict[str, Any]) -> T:
    try:
        return setting.read(config)
    except ConfigurationError:  # a finding already
        return setting.default


# What stands in keys that were copied from somewhere, and in none that was made by `secrets`.
_PLACEHOLDERS = ("secret", "password", "change", "replace", "example", "your-", "your_")


def _keys(config: dict[str, Any]) -> Iterator[Finding]:
    cure = "Make one with: python -c 'import secrets; print(secrets.token_hex())'"
    key = config.get("SECRET_KEY")
    if not key:
        yield Finding("error", "no_secret_key", "SECRET_KEY is not set: nobody can log in.", cure)
    elif weakness := _weakness(key):
        text = f"SECRET_KEY {weakness}: who guesses it logs in as anybody."
        yield Finding("error", "weak_secret_key", text, cure)
    fallbacks = list(config.get("SECRET_KEY_FALLBACKS") or ())
    if key and key in fallbacks:
        yield Finding(
            "hint",
            "current_key_is_fallback",
            "SECRET_KEY_FALLBACKS holds the current SECRET_KEY: the key was not changed.",
            "Put a new key into SECRET_KEY; the list is for the keys before it.",
        )
    if any(_weakness(fallback) for fallback in fallbacks if fallback != key):
        yield Finding(
            "error",
            "weak_fallback_key",
            "A key in SECRET_KEY_FALLBACKS is as weak as no SECRET_KEY may be: who guesses it logs"
            " in as anybody.",
            "Take it out of the list. Who has a cookie signed by it logs in once more.",
        )


def _weakness(key: object) -> str | None:
    text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    if len(text) < 16 or len(set(text)) < 8:
        return "is short or repeats itself"
    if any(word in text.lower() for word in _PLACEHOLDERS):
        return "looks like a placeholder"
    return None


def _is_https(config: dict[str, Any]) -> bool:
    """Tell whether the settings say that browsers come by https."""
    if config.get("PREFERRED_URL_SCHEME") == "https" or config.get("SESSION_COOKIE_SECURE"):
        return True
    return _read(settings.REMEMBER_COOKIE_SECURE, config) is True


def _session_cookie(config: dict[str, Any]) -> Iterator[Finding]:
    same_site = config.get("SESSION_COOKIE_SAMESITE")
    if config.get("SESSION_COOKIE_SECURE"):
        pass
    elif isinstance(same_site, str) and same_site.lower() == "none":
        yield Finding(
            "error",
            "same_site_none_insecure",
            "SESSION_COOKIE_SAMESITE is 'None' and SESSION_COOKIE_SECURE is off: browsers drop such"
            " a session cookie, and nobody stays logged in.",
            "Set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = 'Lax'.",
        )
    else:
        yield Finding(
            "error" if _is_https(config) else "hint",
            "insecure_session_cookie",
            "SESSION_COOKIE_SECURE is off: the session cookie also goes over plain http.",
            "Set SESSION_COOKIE_SECURE = True where the site is served over https.",
        )
    if not same_site:
        yield Finding(
            "hint",
            "no_session_samesite",
            "SESSION_COOKIE_SAMESITE is not set: browsers differ in what they take it for.",
            "Set SESSION_COOKIE_SAMESITE = 'Lax'.",
        )
    if not config.get("SESSION_COOKIE_HTTPONLY", True):
        yield Finding(
            "error",
            "session_cookie_readable",
            "SESSION_COOKIE_HTTPONLY is off: a script in the page can read the session cookie.",
            "Remove the setting; Flask's default is True.",
        )


def _session_id(app: Flask) -> Iterator[Finding]:
    interface, sess = app.session_interface, _new_session(app)
    if not interface.is_null_session(sess) and keeps_its_id(interface, sess):
        yield Finding(
            "error",
            "session_id_kept",
            f"The session keeps its id at login ({type(interface).__module__}."
            f"{type(interface).__qualname__} has no 'regenerate'): somebody who planted the id in a"
            " browser is logged in along with its user.",
            how_to_renew(interface),
        )


def _new_session(app: Flask) -> object:
    """Return the session of somebody who comes without a cookie, or None if none can be had."""
    interface = app.session_interface
    if isinstance(interface, SecureCookieSessionInterface):
        return None
    try:
        opened = interface.open_session(app, app.request_class(create_environ()))
        return interface.make_null_session(app) if opened is None else opened
    except Exception:  # noqa: BLE001  # Beaker's needs its middleware; a server may be away
        return None


def _remember_cookie(config: dict[str, Any]) -> Iterator[Finding]:
    if _read(settings.REMEMBER_COOKIE_SECURE, config) is not False:
        pass
    elif _read(settings.REMEMBER_COOKIE_SAMESITE, config) == "None":
        yield Finding(
            "error",
            "same_site_none_insecure",
            "REMEMBER_COOKIE_SAMESITE is 'None' and REMEMBER_COOKIE_SECURE is False: browsers drop"
            " such a remember cookie, and nobody is remembered.",
            "Remove REMEMBER_COOKIE_SECURE, or set it to True.",
        )
    else:
        yield Finding(
            "error" if _is_https(config) else "hint",
            "insecure_remember_cookie",
            "REMEMBER_COOKIE_SECURE is False: the remember cookie also goes over plain http.",
            "Remove the setting: then it is Secure whenever the request came over https.",
        )
    if not _read(settings.REMEMBER_COOKIE_HTTPONLY, config):
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
            f"{' and '.join(elsewhere)} is set: a change of it leaves the remember cookies of"
            " before in the browsers, which send both. Good ones of two users count for nobody.",
            "Right where it stays as it is. After a change people who share a browser may have to"
            " log in once more; a logout deletes both.",
        )


# -------------------------------------------------------------------- Flask-WTF


def _csrf_token(config: dict[str, Any]) -> Iterator[Finding]:
    if not _read(settings.LOGIN_ROTATE_CSRF_TOKEN, config):
        yield Finding(
            "hint",
            "csrf_token_kept",
            "LOGIN_ROTATE_CSRF_TOKEN is off: a CSRF token of Flask-WTF that somebody planted before"
            " a login is good after it.",
            "Set LOGIN_ROTATE_CSRF_TOKEN = True, unless login_user is called at each request.",
        )


# -------------------------------------------------------------------- the guards


def _protection(config: dict[str, Any], attribute: Any) -> str | None:
    try:
        return settings.SESSION_PROTECTION.check(config.get("SESSION_PROTECTION", attribute))
    except ConfigurationError:  # a finding already
        return settings.SESSION_PROTECTION.default


def _guards(app: Flask, config: dict[str, Any], realms: dict[str, RealmInApp]) -> Iterator[Finding]:
    if _read(settings.LOGIN_DISABLED, config):
        yield Finding(
            "error",
            "login_disabled",
            "LOGIN_DISABLED is on: every guard lets everybody pass.",
            "Remove the setting.",
        )
    unguarded = guarded_in_vain(app)
    if unguarded:
        yield Finding(
            "error",
            "guard_above_route",
            str(UnguardedViewError(unguarded)),
            "`routes` says what each endpoint is guarded by.",
        )
    beside = guarded_elsewhere(app)
    if beside:
        yield Finding(
            "hint",
            "guarded_elsewhere",
            f"These views are public, and a guarded form of each is used elsewhere: "
            f"{', '.join(map(repr, beside))}.",
            "Right if they are meant to be public: login_not_required on the view says so.",
        )
    for realm, known in realms.items():
        for name in exempt_in_vain(known.manager, app):
            yield Finding(
                "hint",
                "unknown_exempt_endpoint",
                f"The realm '{realm}' exempts '{name}' from the login that is required by default,"
                " and there is no such endpoint.",
                "`routes` lists the endpoints. One that was renamed is guarded now.",
            )
    if app.debug:
        yield Finding(
            "hint",
            "debug_mode",
            "Debug mode is on: the debugger in an error page runs any code that is typed into it.",
            "Right on your own machine. A server runs without --debug and without FLASK_DEBUG.",
        )
    off = [
        f"'{realm}'"
        for realm, known in realms.items()
        if _protection(config, known.manager.session_protection) is None
    ]
    if off:
        yield Finding(
            "hint",
            "no_session_protection",
            f"Session protection is off, in the realm {', '.join(off)}: a copied session cookie"
            " stays fresh in another browser.",
            "Set SESSION_PROTECTION = 'basic': then it is not fresh there.",
        )


# -------------------------------------------------------------------- the stores

#: No login has this handle.
_NOBODY = "flask-login-doctor"
_GUNICORN_WORKERS = re.compile(r"(?<!\S)(?:-w\s*|--workers[=\s]\s*)(\d+)(?!\S)")


def _stores(config: dict[str, Any], realms: dict[str, RealmInApp]) -> Iterator[Finding]:
    places: dict[object, str] = {}
    for realm, known in realms.items():
        if known.manager._logins is not None:
            yield from _store(realm, known.manager._logins.store, places)
    adopts = _read(settings.REMEMBER_COOKIE_ACCEPT_LEGACY, config)
    if adopts and any(known.manager._logins is not None for known in realms.values()):
        yield Finding(
            "hint",
            "legacy_logins_accepted",
            "REMEMBER_COOKIE_ACCEPT_LEGACY is on: who has a cookie from before the session store,"
            " or the SECRET_KEY, gets a login in the store.",
            "Set REMEMBER_COOKIE_ACCEPT_LEGACY = False once those who come back have come back.",
        )


def _store(realm: str, store: SessionStore, places: dict[object, str]) -> Iterator[Finding]:
    if store.kind == "memory":
        many = _asks_for_many_workers()
        yield Finding(
            "error" if many else "hint",
            "memory_store",
            f"The realm '{realm}' keeps its logins in the memory of one process"
            + (f", and {many} asks for several." if many else "."),
            "Use SQLAlchemySessionStore or RedisSessionStore.",
        )
    try:
        store.ping()
        # Unlike `ping` it needs the tables.
        store.get(_NOBODY)
        place, policy = _ask(store, "place"), _ask(store, "eviction_policy")
    except SessionStoreUnavailable as error:
        yield Finding(
            "error",
            "store_unavailable",
            f"The session store of the realm '{realm}' ({store.kind}) gives no answer"
            + (f": {error.cause}." if error.cause else "."),
            "Start it, or correct its address. Until then logged-in users get 503.",
        )
        return
    except Exception as error:  # noqa: BLE001  # whatever a driver or a third party's store raises
        yield Finding(
            "error",
            "store_fails",
            f"The session store of the realm '{realm}' ({store.kind}) fails: "
            f"{type(error).__name__}.",
            "If it is in a database: do its tables exist, with all their columns? Make them by a"
            " migration or store.create_all().",
        )
        return
    if places.setdefault(place or object(), realm) != realm:
        yield Finding(
            "error",
            "shared_store",
            f"The realms '{places[place]}' and '{realm}' keep their logins in the same place: user"
            " 7 of one is user 7 of the other.",
            "Give each realm's store a table_name or prefix of its own.",
        )
    if str(policy).startswith("allkeys"):
        yield Finding(
            "error",
            "store_evicts",
            f"The session store of the realm '{realm}' drops what it likes to make room"
            f" (maxmemory-policy {policy}): users are logged out, and after revoke-everyone"
            " ended logins may be live again.",
            "Set maxmemory-policy to noeviction on that server.",
        )


def _ask(store: SessionStore, question: str) -> Any:
    """Ask what only some stores can tell; None from the others."""
    ask = getattr(store, question, None)
    return None if ask is None else ask()


def _asks_for_many_workers() -> str | None:
    """Return the variable that asks for several worker processes, if one does."""
    name, count = "WEB_CONCURRENCY", os.environ.get("WEB_CONCURRENCY", "")
    given = _GUNICORN_WORKERS.findall(os.environ.get("GUNICORN_CMD_ARGS", ""))
    if given:  # gunicorn lets them win
        name, count = "GUNICORN_CMD_ARGS", given[-1]
    return name if count.isdecimal() and int(count) > 1 else None


# --------------------------------------------------------------------- the proxy


def _proxy(app: Flask) -> Iterator[Finding]:
    fix = _proxy_fix(app)
    if fix is None:
        yield Finding(
            "hint",
            "no_proxy_fix",
            "There is no ProxyFix: behind a proxy every client has the proxy's address, and https"
            " looks like http.",
            "Behind a proxy: app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1).",
        )
    elif not (fix.x_for and fix.x_proto):
        blind = [name for name in ("x_for", "x_proto") if not getattr(fix, name)]
        yield Finding(
            "hint",
            "blind_proxy_fix",
            f"ProxyFix has {' and '.join(f'{name}=0' for name in blind)}: "
            + " and ".join(_BLINDNESS[name] for name in blind)
            + ".",
            "Say how many proxies set the header; right as it is, if none does.",
        )


_BLINDNESS = {
    "x_for": "every client has the proxy's address",
    "x_proto": "https looks like http",
}


def _proxy_fix(app: Flask) -> ProxyFix | None:
    inner: Any = app.wsgi_app
    while inner is not None and not isinstance(inner, ProxyFix):
        held = (getattr(inner, name, None) for name in ("wsgi_app", "app"))
        # Some middleware knows the application as well as what it wraps.
        inner = next((found for found in held if found and not isinstance(found, Flask)), None)
    return inner
