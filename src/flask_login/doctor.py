"""What `flask login doctor` looks for: unsafe or short-lived login settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import create_environ

from .answering import CONSEQUENCES, CURE, covered_guards
from .core import settings
from .decorator_order import guarded_elsewhere, guarded_in_vain
from .default_guard import exempt_in_vain
from .doctor_cookies import (
    has_login_cookie,
    look_at_login_cookie,
    look_at_remember_cookie,
    look_at_session_cookie,
)
from .doctor_stores import look_at_stores
from .exceptions import ConfigurationError, UnguardedViewError
from .findings import Finding as Finding
from .findings import protection, read
from .migrations import unmigrated
from .routes import that_answer_options
from .session_ids import how_to_renew, keeps_its_id
from .spelling import misspellings, misspelt_flask_settings, unknown_views

if TYPE_CHECKING:
    from .ports import RealmInApp


def examine(app: Flask) -> list[Finding]:
    """Return what is wrong with an application's logins, the worst first.

    It asks every session store; call it in the application's context. It raises nothing: an error
    of a store is a finding.

    :param app: the application, with all its settings and managers.

    .. versionadded:: 0.6.90
    """
    config: dict[str, Any] = app.config
    realms: dict[str, RealmInApp] = app.extensions.get("login", {})
    found = [
        *_settings(config, realms),
        *misspellings(app, realms),
        *misspelt_flask_settings(app),
        *unknown_views(app, realms),
        *_keys(config),
        *look_at_session_cookie(config),
        *_session_id(app),
        *look_at_remember_cookie(config),
        *look_at_login_cookie(config, realms),
        *_guards(app, config, realms),
        *look_at_stores(config, realms),
        *unmigrated(app, realms),
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


# Keys that were copied from an example contain these, keys that `secrets` made don't.
_PLACEHOLDERS = ("secret", "password", "change", "replace", "example", "your-", "your_")


def _keys(config: dict[str, Any]) -> Iterator[Finding]:
    cure = "Make one with: python -c 'import secrets; print(secrets.token_hex())'"
    key = config.get("SECRET_KEY")
    if not key:
        yield Finding("error", "no_secret_key", "SECRET_KEY is not set: no user can log in.", cure)
    elif weakness := _weakness(key):
        text = f"SECRET_KEY {weakness}: a caller who guesses it can log in as any user."
        yield Finding("error", "weak_secret_key", text, cure)
    fallbacks = list(config.get("SECRET_KEY_FALLBACKS") or ())
    if key and key in fallbacks:
        yield Finding(
            "hint",
            "current_key_is_fallback",
            "SECRET_KEY_FALLBACKS holds the current SECRET_KEY: the key was not changed.",
            "Put a new key into SECRET_KEY; the list is for earlier keys.",
        )
    if any(_weakness(fallback) for fallback in fallbacks if fallback != key):
        yield Finding(
            "error",
            "weak_fallback_key",
            "A key in SECRET_KEY_FALLBACKS is too weak for a SECRET_KEY: a caller who guesses it"
            " can log in as any user.",
            "Take it out of the list. Users with a cookie that it signed have to log in again.",
        )


def _weakness(key: object) -> str | None:
    text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    if len(text) < 16 or len(set(text)) < 8:
        return "is short or repeats itself"
    if any(word in text.lower() for word in _PLACEHOLDERS):
        return "looks like a placeholder"
    return None


def _session_id(app: Flask) -> Iterator[Finding]:
    interface, sess = app.session_interface, _new_session(app)
    if not interface.is_null_session(sess) and keeps_its_id(interface, sess):
        apart = has_login_cookie(app.config)
        reads = "shares what pages keep in it" if apart else "is logged in together with its user"
        yield Finding(
            "hint" if apart else "error",
            "session_id_kept",
            f"The session keeps its id at login ({type(interface).__module__}."
            f"{type(interface).__qualname__} has no 'regenerate'): an attacker who planted the id"
            f" in a browser {reads}.",
            how_to_renew(interface),
        )


def _new_session(app: Flask) -> object:
    """Return the session of a client without a cookie, or None if it can't be opened."""
    interface = app.session_interface
    if isinstance(interface, SecureCookieSessionInterface):
        return None
    try:
        opened = interface.open_session(app, app.request_class(create_environ()))
        return interface.make_null_session(app) if opened is None else opened
    except Exception:  # noqa: BLE001  # Beaker's needs its middleware; a server may be away
        return None


# -------------------------------------------------------------------- Flask-WTF


def _csrf_token(config: dict[str, Any]) -> Iterator[Finding]:
    if not read(settings.LOGIN_ROTATE_CSRF_TOKEN, config):
        yield Finding(
            "hint",
            "csrf_token_kept",
            "LOGIN_ROTATE_CSRF_TOKEN is off: a CSRF token of Flask-WTF that was planted before a"
            " login is still valid after it.",
            "Set LOGIN_ROTATE_CSRF_TOKEN = True, unless login_user is called at each request.",
        )


# -------------------------------------------------------------------- the guards


def _guards(app: Flask, config: dict[str, Any], realms: dict[str, RealmInApp]) -> Iterator[Finding]:
    if read(settings.LOGIN_DISABLED, config):
        yield Finding(
            "error",
            "login_disabled",
            "LOGIN_DISABLED is on: every guard is off.",
            "Remove the setting.",
        )
    unguarded = guarded_in_vain(app)
    if unguarded:
        yield Finding(
            "error",
            "guard_above_route",
            str(UnguardedViewError(unguarded)),
            "`routes` lists the guards of each endpoint.",
        )
    for endpoint, kind in covered_guards(app):
        yield Finding(
            "error",
            f"guard_below_{kind}",
            f"The guard of the view '{endpoint}' stands below a decorator that answers by itself:"
            f" {CONSEQUENCES[kind]}.",
            CURE,
        )
    beside = guarded_elsewhere(app)
    if beside:
        yield Finding(
            "hint",
            "guarded_elsewhere",
            f"These views are public, and a guarded form of each is used elsewhere: "
            f"{', '.join(map(repr, beside))}.",
            "Fine if they are meant to be public: login_not_required on the view says so.",
        )
    yield from _options(app, config)
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
            "Fine on your own machine. Run a server without --debug and without FLASK_DEBUG.",
        )
    off = [
        f"'{realm}'"
        for realm, known in realms.items()
        if protection(config, known.manager.session_protection) is None
    ]
    if off:
        copied = "login" if has_login_cookie(config) else "session"
        yield Finding(
            "hint",
            "no_session_protection",
            f"Session protection is off, in the realm {', '.join(off)}: a copied {copied} cookie"
            " stays fresh in another browser.",
            "Set SESSION_PROTECTION = 'basic': then it is not fresh there.",
        )


def _options(app: Flask, config: dict[str, Any]) -> Iterator[Finding]:
    names = ", ".join(map(repr, that_answer_options(app)))
    if names and read(settings.LOGIN_GUARD_OPTIONS, config):
        yield Finding(
            "hint",
            "options_guarded",
            f"These guarded views answer OPTIONS themselves: {names}. LOGIN_GUARD_OPTIONS is on:"
            " they run for users who may pass, and a CORS preflight, which has no cookies, is"
            " refused.",
            "Fine as it is. Where pages of other sites call one of them, let what answers the"
            " preflight stand above the guard.",
        )
    elif names:
        yield Finding(
            "hint",
            "options_unguarded",
            f"These guarded views answer OPTIONS themselves: {names}. LOGIN_GUARD_OPTIONS is off:"
            " they run for everybody who sends OPTIONS.",
            "Set LOGIN_GUARD_OPTIONS = True. Where one of them answers CORS preflights for pages of"
            " other sites, let what answers stand above the guard.",
        )


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
            "Set it to the number of proxies that set the header; fine as it is, if none does.",
        )


_BLINDNESS = {
    "x_for": "every client has the proxy's address",
    "x_proto": "https looks like http",
}


def _proxy_fix(app: Flask) -> ProxyFix | None:
    inner: Any = app.wsgi_app
    while inner is not None and not isinstance(inner, ProxyFix):
        held = (getattr(inner, name, None) for name in ("wsgi_app", "app"))
        # Some middleware also holds the application itself.
        inner = next((found for found in held if found and not isinstance(found, Flask)), None)
    return inner
