"""The login cookie in Flask: read from a request, and set or deleted on its response."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from . import cookies
from .core import login_cookie, login_entries, settings
from .core.constants import MOST_COOKIES
from .core.exceptions import ConfigurationError, LoginInSession
from .flask_internals import opened_session, touched_session

if TYPE_CHECKING:
    from flask import Response

    from .core.login_entries import LoginEntries
    from .visit import FlaskVisit


def names(config: Mapping[str, Any], realm: str, *, is_secure: bool) -> tuple[str, str]:
    """Return the names of a realm's login cookie, and of the marker beside it.

    :param is_secure: whether the request came over https.

    Raises `ConfigurationError` for a name under which a browser would not keep the cookie, or
    another cookie would overwrite it.
    """
    secure = is_secure or bool(config.get("SESSION_COOKIE_SECURE"))
    name = None
    if settings.LOGIN_COOKIE_NAME.key in config:
        name = settings.LOGIN_COOKIE_NAME.read(config)
    if name is None:
        name = "__Host-login" if secure else "login"
    elif not secure and name.lower().startswith(("__host-", "__secure-")):
        accepted = "a name without a prefix for a site that is not served over https"
        raise ConfigurationError(settings.LOGIN_COOKIE_NAME.key, name, accepted)
    if realm != settings.DEFAULT_REALM:
        name = f"{name}_{realm}"
    found = name, f"{name}-marker"
    if (
        config["SESSION_COOKIE_NAME"] in found
        or cookies.remember_cookie_name(config, realm) in found
    ):
        accepted = "a name that no other cookie has, with -marker after it neither"
        raise ConfigurationError(settings.LOGIN_COOKIE_NAME.key, name, accepted)
    return found


def names_of(visit: FlaskVisit) -> tuple[str, str]:
    """Return the names of the login cookie, and of the marker beside it, in a request."""
    return names(visit.config, visit.realm.name, is_secure=visit.context.request.is_secure)


def came(visit: FlaskVisit) -> tuple[list[str], str]:
    """Return the values of the login cookies, and of the marker; an empty text for none."""
    request = visit.context.request
    shown: Any = request.cookies
    try:
        login, marker = names(visit.config, visit.realm.name, is_secure=request.is_secure)
    except ConfigurationError:
        if visit.by_cookie:
            raise
        return [], ""  # the name is another cookie's, and always was
    # `get` of Werkzeug's raises and catches an error for a cookie that is not there.
    if login not in shown:
        return [], ""
    found = shown.getlist(login) if hasattr(shown, "getlist") else [shown[login]]
    return found[:MOST_COOKIES], str(shown[marker]) if marker in shown else ""


def entries_of(visit: FlaskVisit) -> LoginEntries:
    """Return the entries of a login that has a cookie of its own; a copy for a late visit."""
    if visit.in_cookie is None:
        # Not replaced, should another thread of this request have been quicker.
        visit.__dict__.setdefault("in_cookie", _found(visit))
    found: LoginEntries = visit.__dict__["in_cookie"]
    if not visit.is_late:
        return found
    if visit.after is None:
        visit.after = copy(found)
    return visit.after


def _found(visit: FlaskVisit) -> LoginEntries:
    """Return the entries of the login in the login cookie, or from before in Flask's session.

    Raises `LoginInSession` for an entry that no login has written, in debug mode and while testing.
    """
    entries, sess = login_cookie.read(visit), opened_session(visit.context)
    entry = visit.realm.entry
    if entry.keys.user_id not in sess:
        return entries
    entries.is_in_session = True
    if entry.keys.login not in sess and entry.keys.id not in sess:
        _refuse(visit)
    elif entries.shown is None:
        login_entries.move(visit, entries)
    return entries


def _refuse(visit: FlaskVisit) -> None:
    """Tell that other code has written a login into Flask's session."""
    key = visit.realm.entry.keys.user_id
    if visit.app.debug or visit.app.testing:
        raise LoginInSession(key)
    visit.tell_once("in session", visit.app.session_interface, f"{LoginInSession(key)} (%s)")


def finish(visit: FlaskVisit, response: Response) -> None:
    """Give the browser the login cookies that it is to have, where they are the login's home."""
    if visit.was_asked or visit.in_cookie is not None:
        say_vary(response)
    entries = visit.in_cookie
    if entries is None or visit.failure is not None:
        return
    _leave_session(visit, entries)
    found = login_cookie.due(visit, entries)
    is_over = login_cookie.is_over(visit, entries)
    if found is not None:
        expires = found.expires_at
        until = None if expires is None else datetime.fromtimestamp(expires, timezone.utc)
        login, marker = names_of(visit)
        attributes = _attributes(visit)
        if found.login is not None:
            response.set_cookie(login, found.login, expires=until, **attributes)
        if found.marker is not None:
            response.set_cookie(marker, found.marker, **attributes)
        _have_private(response)
    elif is_over:
        delete(visit, response)
    if found is not None or visit.cookie == "clear":
        earlier = [one for one in visit.own_cookies() if one != entries.token]
        if earlier:  # the login cookie does its work
            cookies.clear_cookie(response, visit.request, visit.config, visit.realm.name)


def _have_private(response: Response) -> None:
    """Keep a credential out of caches that many share, where a page is for all of them.

    RFC 9111 lets them keep a response with ``Set-Cookie``, and give it to others.
    """
    said = [one.strip() for one in response.headers.get("Cache-Control", "").split(",")]
    kept = [one for one in said if one.lower().partition("=")[0] not in ("public", "s-maxage")]
    if len(kept) < len(said):
        response.headers["Cache-Control"] = ", ".join([*kept, "private"])


def say_vary(response: Response) -> None:
    """Say that a response depends on the cookie: in a fifth of the time that Werkzeug takes."""
    for name, _ in response.headers:  # not `in`: it raises and catches an error for none
        if name.lower() == "vary":
            response.vary.add("Cookie")
            return
    response.headers.add("Vary", "Cookie")


def _leave_session(visit: FlaskVisit, entries: LoginEntries) -> None:
    """Drop a login from Flask's session: it was taken from there, or is left from before."""
    entry, context = visit.realm.entry, visit.context
    if not entries.is_in_session:
        sess = touched_session(context)
        if sess is not None and entry.keys.user_id in sess:
            _refuse(visit)
    elif entries.is_moved and visit.stored is not None and not visit.stored.is_current:
        pass  # the login goes on by what another answer gave the browser
    elif visit.unknown is None:
        entry.drop(context.session)
    elif entries.is_moved:
        key = entry.keys.unknown_since
        entry.put(context.session, key, entries.get(key))


def finish_switched(visit: FlaskVisit, response: Response) -> None:
    """Delete the login cookies whose login Flask's session has taken over."""
    entries = visit.in_cookie
    if entries is None or entries.shown is None:
        return  # it may be another application's
    if visit.stored is not None and not visit.stored.is_current:
        return  # nothing takes its place yet
    if visit.unknown is None and visit.failure is None:
        delete(visit, response)


def delete(visit: FlaskVisit, response: Response) -> None:
    """Delete the login cookies that came."""
    attributes = _attributes(visit)
    for name in names_of(visit):
        if name in visit.request.cookies:
            response.delete_cookie(name, **attributes)


def _attributes(visit: FlaskVisit) -> dict[str, Any]:
    secure = visit.request.is_secure or bool(visit.config.get("SESSION_COOKIE_SECURE"))
    return {"path": "/", "secure": secure, "httponly": True, "samesite": "Lax"}
