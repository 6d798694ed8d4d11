"""Logins over plain http whose session cookie never came back, because it is for https alone.

Where https is seen can't be told beforehand: a proxy may end it, and browsers keep such cookies of
``http://localhost``. So only a cookie that did not come back is told of, in the debug log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from . import login_cookies
from .core import settings
from .core.protection import client_fingerprint

if TYPE_CHECKING:
    from .ports import RealmInApp
    from .visit import FlaskVisit

# This is for a developer at one browser.
_MOST = 100

#: The setting without which there is nothing to look for.
KEY = "SESSION_COOKIE_SECURE"


def note_login(visit: FlaskVisit) -> None:
    """Note a login whose cookie goes out over plain http; tell if the one before it was lost."""
    if not _may_be_lost(visit):
        return
    tell_of_lost(visit)
    known = _known(visit)
    known[_client(visit)] = None
    if len(known) > _MOST:
        del known[next(iter(known))]


def tell_of_lost(visit: FlaskVisit) -> None:
    """Log, once for a login, that its browser has not sent the session cookie back."""
    if not _may_be_lost(visit) or _name(visit) in visit.request.cookies:
        return
    known, client = _known(visit), _client(visit)
    if client in known:
        del known[client]
        settings.logger.debug(
            "A browser that logged in to the application '%s' over plain http did not send the"
            " %s cookie back: SESSION_COOKIE_SECURE is on, and browsers keep such a cookie for"
            " https alone. Serve the site over https, behind a proxy with ProxyFix; on your own"
            " machine set SESSION_COOKIE_SECURE = False.",
            visit.app.name,
            "login" if visit.by_cookie else "session",
        )


def _name(visit: FlaskVisit) -> str:
    if visit.by_cookie:
        return login_cookies.names_of(visit)[0]
    return str(visit.config["SESSION_COOKIE_NAME"])


def _may_be_lost(visit: FlaskVisit) -> bool:
    if not visit.config.get(KEY) or visit.request.is_secure:
        return False
    return settings.logger.isEnabledFor(logging.DEBUG)


def _known(visit: FlaskVisit) -> dict[str, None]:
    """Return the clients that logged in over plain http, the longest ago first."""
    realm: RealmInApp | None = visit.app.extensions.get("login", {}).get(visit.realm.name)
    return {} if realm is None else realm.logins_over_http  # a test put a manager there by itself


def _client(visit: FlaskVisit) -> str:
    environ = visit.request.environ
    return client_fingerprint(visit.request.remote_addr, environ.get("HTTP_USER_AGENT"))
