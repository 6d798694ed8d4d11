"""What `flask login doctor` looks for: settings that make logins unsafe, or not last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import config as settings
from .sessions.store import SessionStoreUnavailable


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    #: ``"error"`` for what leaves logins unsafe or broken, ``"hint"`` for what may be meant so.
    level: str
    #: A stable code.
    code: str
    #: What was found.
    text: str
    #: What to do about it.
    cure: str


def examine(app: Flask) -> list[Finding]:
    """Return what is wrong with an application's logins, the worst first."""
    config: dict[str, Any] = app.config
    found = [*_key(config), *_cookies(config), *_stores(app), *_proxy(app)]
    return sorted(found, key=lambda finding: finding.level != "error")


def _key(config: dict[str, Any]) -> Iterator[Finding]:
    cure = "Make one with: python -c 'import secrets; print(secrets.token_hex())'"
    key = config.get("SECRET_KEY")
    if not key:
        yield Finding("error", "no_secret_key", "SECRET_KEY is not set: nobody can log in.", cure)
    elif len(key) < 16 or len(set(key)) < 8:
        text = "SECRET_KEY is short or repeats itself: who guesses it logs in as anybody."
        yield Finding("error", "weak_secret_key", text, cure)


def _cookies(config: dict[str, Any]) -> Iterator[Finding]:
    https = config.get("PREFERRED_URL_SCHEME") == "https"
    if not config.get("SESSION_COOKIE_SECURE"):
        yield Finding(
            "error" if https else "hint",
            "insecure_session_cookie",
            "SESSION_COOKIE_SECURE is off: the session cookie also goes over plain http.",
            "Set SESSION_COOKIE_SECURE = True where the site is served over https.",
        )
    if not config.get("SESSION_COOKIE_SAMESITE"):
        yield Finding(
            "hint",
            "no_session_samesite",
            "SESSION_COOKIE_SAMESITE is not set: browsers differ in what they take it for.",
            "Set SESSION_COOKIE_SAMESITE = 'Lax'.",
        )
    if config.get("SESSION_COOKIE_HTTPONLY") is False:
        yield Finding(
            "error",
            "session_cookie_readable",
            "SESSION_COOKIE_HTTPONLY is off: a script in the page can read the session cookie.",
            "Remove the setting; Flask's default is True.",
        )
    if settings.LOGIN_DISABLED.read(config):
        yield Finding(
            "error", "login_disabled", "LOGIN_DISABLED is on: every guard lets everybody pass.",
            "Remove the setting.",
        )  # fmt: skip


def _stores(app: Flask) -> Iterator[Finding]:
    for realm, known in app.extensions["login"].items():
        logins = known.manager._logins
        if logins is None:
            continue
        if logins.store.kind == "memory":
            workers = os.environ.get("WEB_CONCURRENCY", "1")
            many = workers.isdigit() and int(workers) > 1
            yield Finding(
                "error" if many else "hint",
                "memory_store",
                f"The realm '{realm}' keeps its logins in the memory of one process"
                + (f", and WEB_CONCURRENCY is {workers}." if many else "."),
                "Use SQLAlchemySessionStore or RedisSessionStore.",
            )
        try:
            logins.store.ping()
        except SessionStoreUnavailable as error:
            yield Finding(
                "error",
                "store_unavailable",
                f"The session store of the realm '{realm}' does not answer: {error}",
                "Start it, or correct its address. Until then logged-in users get 503.",
            )


def _proxy(app: Flask) -> Iterator[Finding]:
    inner: Any = app.wsgi_app
    while inner is not None:
        if isinstance(inner, ProxyFix):
            return
        held = (getattr(inner, name, None) for name in ("wsgi_app", "app"))
        # Some middleware knows the application as well as what it wraps.
        inner = next((found for found in held if found and not isinstance(found, Flask)), None)
    yield Finding(
        "hint",
        "no_proxy_fix",
        "There is no ProxyFix: behind a proxy every client has the proxy's address, and https"
        " looks like http.",
        "Behind a proxy: app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1).",
    )
