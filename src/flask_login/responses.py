"""What a caller who may not pass gets: a redirect, a 401 with a reason, or ``HX-Redirect``.

A person who opens a page is sent to log in. A program (fetch, XHR, an API client) that was
redirected would take the login page for its answer, so it gets 401 with a problem document
(RFC 9457); htmx is told to load the login page as a whole page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from flask import Response, flash, redirect, session
from markupsafe import Markup
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.http import quote_header_value

from . import lost_cookies
from .core import settings
from .core.events import user_needs_refresh, user_unauthorized
from .flask_internals import get_app, get_config, get_request
from .loaders import resolve
from .redirects import expand_login_view, is_htmx, login_url, make_next_param, return_target
from .visit import visit_of

if TYPE_CHECKING:
    from flask import Blueprint, Request
    from flask.typing import ResponseReturnValue

    from .ports import Manager

    R = TypeVar("R")


def unauthorized_handler(manager: Manager, callback: Callable[[], R]) -> Callable[[], R]:
    """Register the view that answers callers who are not logged in.

    It replaces the whole answer of `unauthorized`. May be ``async def``.

    :param callback: takes nothing; returns what a view may return.
    :return: the callback, unchanged.
    """
    manager.unauthorized_callback = callback
    return callback


def needs_refresh_handler(manager: Manager, callback: Callable[[], R]) -> Callable[[], R]:
    """Register the view that answers callers whose login is not fresh.

    :param callback: takes nothing; returns what a view may return.
    :return: the callback, unchanged.
    """
    manager.needs_refresh_callback = callback
    return callback


def set_login_view(
    manager: Manager, login_view: str | None, blueprint: Blueprint | None = None
) -> None:
    """Set the login view of a blueprint, or of the whole application.

    :param login_view: an endpoint, a path or a URL. None for a blueprint without pages, an
        API: every caller of it gets 401 as a problem document, unless the application, or an
        extension for APIs, has its own answer to errors.
    :param blueprint: the blueprint whose views are meant; blueprints nested in it follow,
        unless they have their own. None means every other view.
    """
    if blueprint is None:
        manager.login_view = login_view
    else:
        manager.blueprint_login_views[blueprint.name] = login_view


def unauthorized(manager: Manager) -> ResponseReturnValue:
    """Return the answer to a caller who is not logged in, or abort with 401.

    A navigation is redirected to the login view with a flashed message and ``next``. Callers
    that want no page (``Accept`` of JSON, ``Sec-Fetch-Mode`` other than ``navigate``,
    ``X-Requested-With``, a JSON body, an ``Authorization`` of their own) get 401 as
    ``application/problem+json`` with ``WWW-Authenticate``; htmx gets ``HX-Redirect``.

    Whose login has just ended is told why: by another message (`ended_messages`), and in the
    problem document's ``ended_reason``.

    Sends `user_unauthorized`.
    """
    if get_config().get(lost_cookies.KEY):
        lost_cookies.tell_of_lost(visit_of(manager._realm))
    user_unauthorized.send(get_app())
    if manager.unauthorized_callback is not None:
        return resolve(manager.unauthorized_callback())  # type: ignore[no-any-return]  # the view's own type
    name = _blueprint_of(manager, get_request())
    reason = visit_of(manager._realm).ended_reason
    message = manager.login_message
    if message and reason is not None:
        message = manager.ended_messages.get(reason, message)
    return _refuse(
        manager,
        manager.login_view if name is None else manager.blueprint_login_views[name],
        message,
        manager.login_message_category,
        document=problem("login_required", "Log in to access this resource.", reason),
        challenge=_challenge(manager, "invalid_token" if _sent_bearer() else None),
    )


def needs_refresh(manager: Manager) -> ResponseReturnValue:
    """Return the answer to a caller whose login is not fresh, or abort with 401.

    As `unauthorized`, with the refresh view; programs are told
    ``error="insufficient_user_authentication"`` (RFC 9470).

    Sends `user_needs_refresh`.
    """
    user_needs_refresh.send(get_app())
    if manager.needs_refresh_callback is not None:
        return resolve(manager.needs_refresh_callback())  # type: ignore[no-any-return]  # the view's own type
    document = problem("fresh_login_required", "Log in again to access this resource.")
    challenge = _challenge(manager, "insufficient_user_authentication")
    max_age, methods = visit_of(manager._realm).required
    if max_age is not None:
        document["max_age"] = int(max_age.total_seconds())
        challenge += f", max_age={document['max_age']}"
    if methods:
        document["methods"] = sorted(methods)
    return _refuse(
        manager,
        manager.refresh_view,
        manager.needs_refresh_message,
        manager.needs_refresh_message_category,
        document=document,
        challenge=challenge,
    )


def forbidden(manager: Manager) -> ResponseReturnValue:
    """Abort with 403: the user is logged in, and may not.

    Programs get a problem document, unless the application has its own 403 handler.

    .. versionadded:: 0.6.90
    """
    response = None
    if audience(manager) == "program":
        document = problem("forbidden", "You may not access this resource.", status=403)
        response = problem_response(document, 403)
    raise Forbidden("You may not access this resource.", response)


def send_on(manager: Manager, redirect_to: str | None) -> ResponseReturnValue:
    """Answer somebody who is logged in and asked for a page of those who are not."""
    caller = audience(manager)
    if caller == "program":
        document = problem("anonymous_required", "You are logged in already.", status=403)
        return problem_response(document, 403)
    root = get_request().root_path + "/"
    target = manager.safe_next_url(root) if redirect_to is None else expand_login_view(redirect_to)
    if caller == "htmx":
        return Response(status=200, headers={"HX-Redirect": target})
    return redirect(target)


def audience(manager: Manager) -> Literal["page", "program", "htmx"]:
    """Return for whom the answer to this request is."""
    request = get_request()
    name = _blueprint_of(manager, request)
    mode = settings.LOGIN_UNAUTHORIZED_RESPONSE.read(get_config())
    if mode == "status" or (name is not None and manager.blueprint_login_views[name] is None):
        return "program"
    if mode == "redirect":
        return "page"
    if is_htmx(request):
        return "htmx"
    return "page" if wants_page(request) else "program"


def _refuse(
    manager: Manager,
    view: str | None,
    message: Any,
    category: str,
    *,
    document: dict[str, object],
    challenge: str,
) -> ResponseReturnValue:
    caller, response = audience(manager), None
    if caller == "program":
        response = problem_response(document, 401)
        response.headers["WWW-Authenticate"] = challenge
        if view is not None:
            return response
    if view is None:
        # There is nowhere to send anybody: the application's own 401 handler has its say.
        raise _Challenged(str(document["detail"]), response, challenge)
    _flash(manager, message, category)
    target = _url_with_next(manager, view, get_request())
    if caller == "htmx":
        headers = {"HX-Redirect": target, "WWW-Authenticate": challenge}
        return Response(status=401, headers=headers)
    return redirect(target)


def _url_with_next(manager: Manager, view: str, request: Request) -> str:
    back = return_target(request)
    if not settings.USE_SESSION_FOR_NEXT_SETTING.read(get_config()):
        return login_url(view, next_url=back)
    if manager.keys.user_id not in session:
        # Older code takes the presence of _id for the mark of a bound session.
        session[manager.keys.id] = manager._session_identifier_generator()
    if back is not None:
        session[manager.keys.next] = make_next_param(expand_login_view(view), back)
    return login_url(view)


def _blueprint_of(manager: Manager, request: Request) -> str | None:
    """Return the key of the innermost blueprint that has a login view of its own."""
    known = get_app().blueprints
    # Nested, or registered under another name, a blueprint has a longer name than its own.
    for name in request.blueprints:
        for key in (name, getattr(known.get(name), "name", name)):
            if key in manager.blueprint_login_views:
                return key
    return None


def _flash(manager: Manager, message: Any, category: str) -> None:
    if not message:
        return
    if manager.localize_callback is not None:
        message = resolve(manager.localize_callback(message))
    # A lazy string does not go into a session as it is.
    text = message if isinstance(message, Markup) else str(message)
    waiting: Any = session.get("_flashes") or ()
    # Requests that fetch many parts of a page would leave as many equal messages. Some sessions on
    # a server give lists back where tuples were kept.
    if (category, text) not in waiting and [category, text] not in waiting:
        flash(text, category=category)


def _challenge(manager: Manager, error: str | None) -> str:
    """Return the value of ``WWW-Authenticate`` (RFC 9110, section 11.6.1).

    ``Basic`` only to a program that spoke it: a browser, which also sends what a proxy before
    the site asked it for, would open a box of its own for a password.
    """
    request = get_request()
    sent = request.authorization
    if manager._bearer_callback is not None or _sent_bearer():
        scheme = "Bearer"
    elif sent is not None and sent.type == "basic" and not _is_browser(request):
        scheme = "Basic"
    else:
        scheme = "Session"
    named = manager.realm != settings.DEFAULT_REALM
    realm = quote_header_value(manager.realm if named else get_app().name, allow_token=False)
    return f"{scheme} realm={realm}" + (f', error="{error}"' if error else "")


class _Challenged(Unauthorized):
    """A 401 whose challenge goes out as it is: werkzeug leaves the quotes of a word away.

    A realm must have them (RFC 9110, section 11.5).
    """

    def __init__(self, description: str, response: Response | None, challenge: str) -> None:
        super().__init__(description, response, WWWAuthenticate.from_header(challenge))
        self._challenge = challenge

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        headers = super().get_headers(*args, **kwargs)
        others = [pair for pair in headers if pair[0] != "WWW-Authenticate"]
        return [*others, ("WWW-Authenticate", self._challenge)]


def _is_browser(request: Request) -> bool:
    headers = request.headers
    marks = ("Sec-Fetch-Mode", "X-Requested-With")
    return any(mark in headers for mark in marks) or "text/html" in headers.get("Accept", "")


def _sent_bearer() -> bool:
    sent = get_request().authorization
    return sent is not None and sent.type == "bearer"


def wants_page(request: Request) -> bool:
    """Return whether a request wants a page for a person: a browser's navigation, or likewise.

    Fetch Metadata says so for current browsers; ``X-Requested-With``, the kind of the body and
    ``Accept`` for the rest. Who says nothing gets the redirect that it got before.
    """
    headers = request.headers
    mode = headers.get("Sec-Fetch-Mode")
    if mode is not None and mode != "navigate":
        return False
    if headers.get("X-Requested-With", "").lower() == "xmlhttprequest" or request.is_json:
        return False
    html = program = 0.0
    for kind, quality in request.accept_mimetypes:
        if kind in ("text/html", "application/xhtml+xml"):
            html = max(html, quality)
        elif kind == "application/json" or kind.endswith("+json"):
            program = max(program, quality)
    if html == program:
        # A browser behind a proxy with its own Basic login sends credentials with every page,
        # but it asks for HTML.
        return html > 0 or "Authorization" not in headers
    return html > program


def problem_response(problem: dict[str, object], status: int) -> Response:
    """Return the response that carries a problem document (RFC 9457)."""
    return Response(json.dumps(problem), status, mimetype="application/problem+json")


def problem(
    reason: str, detail: str, ended_reason: str | None = None, *, status: int = 401
) -> dict[str, object]:
    """Return a problem document (RFC 9457); programs compare its ``reason``."""
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "reason": reason,
    }
    if ended_reason is not None:
        problem["ended_reason"] = ended_reason
    return problem
