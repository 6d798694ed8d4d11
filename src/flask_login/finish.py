"""The one exit: what each realm decided during a request is done to its response here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import got_request_exception
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from . import cookies, login_cookies
from .core import settings
from .core.remember import RememberToken
from .core.settings import DEFAULT_REALM
from .current import manager_of
from .flask_internals import (
    ANSWERED,
    IS_PUBLIC,
    put_first,
    request_context,
    touched_session,
)
from .visit import VISITS, FlaskVisit

if TYPE_CHECKING:
    from flask import Flask, Response

    from .ports import Manager

_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE.value

#: On a request whose response says that it depends on the cookie.
_VARIES = "_login_varies"


def register(app: Flask) -> None:
    """Have Flask call `finish_response` last of what it calls after each request of `app`.

    The application's own functions may ask who the user is, log somebody in or out, or put another
    response in the place of the view's.
    """
    be_last(app)
    got_request_exception.connect(_answer_again, app)


def be_last(app: Flask) -> None:
    """Put `finish_response` in front of the functions, the first of which Flask calls last."""
    put_first(app.after_request_funcs, finish_response)


def finish_response(response: Response) -> Response:
    """Have each realm that was asked see the response, and note that it begins.

    Nothing else tells, once a stream or what is done at the end of a request asks who the user is,
    that it can't be answered with a cookie any more.
    """
    context = request_context.get(None)
    app, known = context.app, context.request.__dict__
    for name in app.extensions["login"]:
        manager = app.login_manager if name == DEFAULT_REALM else manager_of(app, name)
        realm = manager._realm
        visit: FlaskVisit | None = known.get(realm.key)
        if manager._update_remember_cookie != realm.own["_update_remember_cookie"]:
            # Before 0.6.90 every response went by this hook.
            response = manager._update_remember_cookie(response)
        elif visit is not None:
            response = finish(visit, response, manager)
    if app.after_request_funcs[None][0] is finish_response:
        known[ANSWERED] = None
        for one in known.get(VISITS, ()):
            one.is_late = True
    else:
        be_last(app)  # from the next request on
    return response


def _answer_again(_: Flask, **__: Any) -> None:
    """Note that an error's response takes the place of the one that had begun: a receiver."""
    context = request_context.get(None)
    if context is None or ANSWERED not in context.request.__dict__:
        return
    known = context.request.__dict__
    del known[ANSWERED]
    if known.pop(_VARIES, False):
        context.session.accessed = True  # this response is to say so as well
    for visit in known.get(VISITS, ()):
        visit.is_late, visit.opened = False, None


def finish(visit: FlaskVisit, response: Response, manager: Manager) -> Response:
    """Do to a response what one realm decided."""
    if visit.store_failed and response.status_code == _UNAVAILABLE and visit.take_back():
        return response
    if visit.source in ("request", "bearer") and "Authorization" not in visit.request.headers:
        # A cache that many share must not give one caller's answer to another. RFC 9111, section
        # 3.5, keeps it from what an `Authorization` header brought.
        response.headers.setdefault("Cache-Control", "private")
    if visit.clear_site_data:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    if visit.by_cookie:
        login_cookies.finish(visit, response)
        return response
    if visit.in_cookie is not None:
        login_cookies.finish_switched(visit, response)
    sess, keys = visit.opened, visit.realm.entry.keys
    if sess is None:
        sess = touched_session(visit.context)
        if sess is None:
            return response
    # Older code asks for a cookie in the session; the request's own word survives session.clear().
    said = sess.pop(keys.remember) if keys.remember in sess else None
    wish = visit.cookie if said is None else said
    if wish is not None and visit.said_on != (response, said):
        _do_cookie(visit, response, sess, wish, manager)
    if keys.remember_seconds in sess:
        del sess[keys.remember_seconds]
    _say_vary(visit, sess, response)
    return response


def _say_vary(visit: FlaskVisit, sess: Any, response: Response) -> None:
    """Do what Flask is about to do for a session that was read, in a fifth of the time.

    Flask parses the header and writes it back by way of a set. Where the session was modified Flask
    says it once more, with the cookie.
    """
    known, interface = request_context.get(None).request.__dict__, visit.app.session_interface
    if (
        type(sess) is SecureCookieSession
        and type(interface) is SecureCookieSessionInterface
        and not vars(interface)
        and sess.accessed
        and not sess.modified
        and not IS_PUBLIC  # to look at the session would be to use it
    ):
        for name, _ in response.headers:  # not `in`: it raises and catches an error for none
            if name.lower() == "vary":
                return
        response.headers.add("Vary", "Cookie")
        sess.accessed = False  # so that Flask does not do it again
        known[_VARIES] = True


def _do_cookie(
    visit: FlaskVisit, response: Response, sess: Any, wish: str, manager: Manager
) -> None:
    """Set or delete the remember cookie, unless the application has done it itself."""
    own = visit.realm.own
    if wish == "clear":
        if manager._clear_cookie == own["_clear_cookie"]:
            clear_cookie(visit, response, sess)
        else:
            manager._clear_cookie(response)
    elif (
        wish == "set"
        and (visit.realm.entry.keys.user_id in sess or _goes_on_without(visit, response))
        and visit.realm.level.may_remember(visit)
    ):
        if visit.leftover:
            # Before the cookie is set: to some browsers it is the same one.
            _clear_host_cookie(visit, response)
        if manager._set_cookie == own["_set_cookie"]:
            set_cookie(visit, response, sess)
        else:
            manager._set_cookie(response)


def _goes_on_without(visit: FlaskVisit, response: Response) -> bool:
    """Return whether a login that a token brought back goes on, though no session holds it.

    The page keeps none, or has cleared it: the browser still gets the token that takes the place
    of its own, unless the application sets or deletes the cookie itself.
    """
    if visit.stored is None or not isinstance(visit.token, RememberToken):
        return False
    name = f"{cookies.remember_cookie_name(visit.config, visit.realm.name)}="
    return not any(line.startswith(name) for line in response.headers.getlist("Set-Cookie"))


def set_cookie(visit: FlaskVisit, response: Response, sess: Any) -> None:
    """Set the remember cookie for the login in the session, on this response.

    Where a view calls it that is its last word on the cookie, unless somebody logs in or out after
    it.
    """
    key, config = settings.REMEMBER_COOKIE_ENABLED.key, visit.config
    visit.said_on = response, sess.get(visit.realm.entry.keys.remember)
    if key in config and not settings.REMEMBER_COOKIE_ENABLED.read(config):
        return
    token = visit.realm.level.token(visit, sess)
    if token is not None:
        value, expires_at = token
        request, name = visit.context.request, visit.realm.name
        cookies.set_cookie(response, request, config, name, value=value, expires_at=expires_at)


def clear_cookie(visit: FlaskVisit, response: Response, sess: Any) -> None:
    """Delete the remember cookie on this response; a view's call is its last word on it."""
    visit.said_on = response, sess.get(visit.realm.entry.keys.remember)
    cookies.clear_cookie(response, visit.context.request, visit.config, visit.realm.name)
    if len(visit.own_cookies()) > 1:
        _clear_host_cookie(visit, response)


def _clear_host_cookie(visit: FlaskVisit, response: Response) -> None:
    request, config, name = visit.context.request, visit.config, visit.realm.name
    cookies.clear_cookie(response, request, config, name, host_only=True)
