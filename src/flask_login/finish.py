"""The one exit: what each realm decided during a request is done to its response here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import got_request_exception
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from . import cookies
from .core import settings
from .current import manager_of
from .flask_internals import (
    IS_PUBLIC,
    note_answer,
    opened_session,
    request_context,
    shares_g,
    take_back_answer,
    touched_session,
)
from .visit import leave

if TYPE_CHECKING:
    from flask import Flask, Response

    from .ports import Manager
    from .visit import FlaskVisit

#: On a request whose response says that it depends on the cookie.
_VARIES = "_login_varies"
#: In the environ of a request whose user was taken from ``g`` once.
_LEFT_G = "flask_login.left_g"


def register(app: Flask) -> None:
    """Have Flask call `finish_response` last of what it calls after each request of `app`.

    The application's own functions may ask who the user is, log somebody in or out, or put another
    response in the place of the view's.
    """
    be_last(app)
    got_request_exception.connect(_answer_again, app)
    app.teardown_request(leave_g)


def be_last(app: Flask) -> None:
    """Put `finish_response` in front of the functions, the first of which Flask calls last."""
    functions = app.after_request_funcs.get(None, [])
    others = [function for function in functions if function is not finish_response]
    app.after_request_funcs[None] = [finish_response, *others]  # a new list: one may be in use


def finish_response(response: Response) -> Response:
    """Have each realm that was asked see the response, and note that it begins.

    Nothing else tells, once a stream or what is done at the end of a request asks who the user is,
    that it can't be answered with a cookie any more.
    """
    context = request_context.get(None)
    request = context.request
    known = request.__dict__
    for realm in context.app.extensions["login"]:
        manager = manager_of(context.app, realm)
        # Before 0.6.90 every response went by this hook.
        if manager._realm.key in known or manager._is_patched("_update_remember_cookie"):
            response = manager._update_remember_cookie(response)
    if context.app.after_request_funcs[None][0] is finish_response:
        _say_vary(context, response)
        note_answer(request)
    else:
        be_last(context.app)  # from the next request on
    return response


def _answer_again(_: Flask, **__: Any) -> None:
    """Note that an error's response takes the place of the one that had begun: a receiver."""
    context = request_context.get(None)
    if context is not None:
        take_back_answer(context.request)


def finish(visit: FlaskVisit, response: Response, manager: Manager) -> Response:
    """Do to a response what one realm decided."""
    if (
        response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        and visit.store_failed
        and visit.take_back()
    ):
        return response
    if visit.source in ("request", "bearer") and "Authorization" not in visit.request.headers:
        # A cache that many share must not give one caller's answer to another. RFC 9111, section
        # 3.5, keeps it from what an `Authorization` header brought.
        response.headers.setdefault("Cache-Control", "private")
    sess, keys = touched_session(visit.context), visit.realm.entry.keys
    if sess is None:
        return response
    wish = _wished(visit, sess, response)
    if wish == "clear":
        manager._clear_cookie(response)
    elif wish == "set" and keys.user_id in sess and visit.realm.level.may_remember(visit):
        if visit.leftover:
            # Before the cookie is set: to some browsers it is the same one.
            _clear_host_cookie(visit, response)
        manager._set_cookie(response)
    visit.realm.entry.remove(sess, keys.remember_seconds)
    if visit.clear_site_data:
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _wished(visit: FlaskVisit, sess: Any, response: Response) -> str | None:
    """Return what becomes of the remember cookie: "set", "clear", or something else."""
    key = visit.realm.entry.keys.remember
    # Older code asks for it in the session; the request's own word survives session.clear().
    said = sess.pop(key) if key in sess else None
    if visit.said_on is not None:
        answered, said_then = visit.said_on
        if answered is response and said_then == said:
            return None  # the application has done it itself
    return visit.cookie if said is None else said


def set_cookie(visit: FlaskVisit, response: Response) -> None:
    """Set the remember cookie for the login in the session, on this response.

    Where a view calls it that is its last word on the cookie, unless somebody logs in or out after
    it.
    """
    sess = visit.session
    visit.said_on = response, sess.get(visit.realm.entry.keys.remember)
    if not settings.REMEMBER_COOKIE_ENABLED.read(visit.config):
        return
    token = visit.realm.level.token(visit, sess)
    if token is not None:
        value, expires_at = token
        request, config, name = visit.request, visit.config, visit.realm.name
        cookies.set_cookie(response, request, config, name, value=value, expires_at=expires_at)


def clear_cookie(visit: FlaskVisit, response: Response) -> None:
    """Delete the remember cookie on this response; a view's call is its last word on it."""
    visit.said_on = response, visit.session.get(visit.realm.entry.keys.remember)
    cookies.clear_cookie(response, visit.request, visit.config, visit.realm.name)
    if len(visit.own_cookies()) > 1:
        _clear_host_cookie(visit, response)


def _clear_host_cookie(visit: FlaskVisit, response: Response) -> None:
    cookies.clear_host_cookie(response, visit.request, visit.config, visit.realm.name)


def _say_vary(context: Any, response: Response) -> None:
    """Do what Flask is about to do for a session that was read, in a fifth of the time.

    Flask parses the header and writes it back by way of a set.
    """
    if IS_PUBLIC:
        return  # to look at the session would be to use it
    sess, holder = opened_session(context), context.request.__dict__
    if type(sess) is not SecureCookieSession:
        return  # none that Flask saves
    if holder.pop(_VARIES, False):
        sess.accessed = True  # this response takes the place of one that failed
    # Where the session was modified Flask says it once more, with the cookie.
    if not sess.accessed or sess.modified:
        return
    interface = context.app.session_interface
    if type(interface) is not SecureCookieSessionInterface or vars(interface):
        return  # another may do something else for a session that was read
    # Not `in`: it raises and catches an error for a header that is missing.
    if "vary" not in [name.lower() for name, _ in response.headers]:
        response.headers.add("Vary", "Cookie")
        sess.accessed = False  # so that Flask does not do it again
        holder[_VARIES] = True


def leave_g(_: BaseException | None) -> None:
    """Take the user from ``g`` at the end of a request, where it may outlive it."""
    context = request_context.get(None)
    manager = getattr(context.app, "login_manager", None)
    if manager is None or not shares_g(context):
        return
    # A test client's "with" block tears down twice: after the request, and when it ends.
    environ = context.request.environ
    kept = environ.get("werkzeug.debug.preserve_context") is not None and _LEFT_G not in environ
    environ[_LEFT_G] = True
    leave(context.request.__dict__.get(manager._realm.key), kept=kept)
