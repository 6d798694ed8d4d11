"""What Flask does not promise, and what stands in for it where it is not there.

The context variables, the session before it counts as used, and whether ``g`` outlives a request
are asked in nearly every request; Flask's public proxies cost up to three calls each, and some of
it they don't tell at all. Where Flask has no such names, its public API is used: everything works,
and a response may say ``Vary: Cookie`` once more than it must.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import flask.globals
from flask import (
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    request_started,
    session,
)

if TYPE_CHECKING:
    from flask import Flask, Request
    from flask.sessions import SessionMixin
    from werkzeug.local import LocalProxy


# LocalProxy's public accessor, bound once.
get_app: Callable[[], Flask] = cast("LocalProxy[Flask]", current_app)._get_current_object
get_g: Callable[[], Any] = cast("LocalProxy[Any]", g)._get_current_object
get_request: Callable[[], Request] = cast("LocalProxy[Request]", request)._get_current_object
get_session: Callable[[], SessionMixin] = cast(
    "LocalProxy[SessionMixin]", session
)._get_current_object


class PublicContext:
    """The current context, by Flask's public names."""

    @property
    def app(self) -> Flask:
        """The current application."""
        return get_app()

    @property
    def g(self) -> Any:
        """The application context's namespace."""
        return get_g()


class PublicRequest:
    """A request's context, by Flask's public names: made once, and kept on the request.

    It goes on to mean its own request and application where another context is pushed on top.
    """

    def __init__(self) -> None:
        #: The request.
        self.request: Request = get_request()
        #: The application that serves it.
        self.app: Flask = get_app()
        self._kept: SessionMixin | None = None

    @property
    def session(self) -> SessionMixin:
        """The session of the request. To read it counts as using it."""
        if self._kept is None:
            self._kept = get_session()
        elif hasattr(self._kept, "accessed"):
            self._kept.accessed = True
        return self._kept


#: On a request: its context, by Flask's public names.
_CONTEXT = "_login_context"


def _public_request() -> PublicRequest:
    holder = get_request().__dict__
    if _CONTEXT not in holder:
        holder[_CONTEXT] = PublicRequest()
    context: PublicRequest = holder[_CONTEXT]
    return context


class _Public:
    """Stands for a context variable of Flask's that is not there."""

    def __init__(self, has_context: Callable[[], bool], find: Callable[[], Any]) -> None:
        self._has_context, self._find = has_context, find

    def get(self, default: Any) -> Any:
        """Return the current context, or `default` outside of one."""
        return self._find() if self._has_context() else default


class _WithRequest:
    """Flask's variable of the one context that Flask 3.2 makes of two; commands have no request."""

    def __init__(self, variable: Any) -> None:
        self._variable = variable

    def get(self, default: Any) -> Any:
        """Return the current request's context, or `default` outside of one."""
        context = self._variable.get(None)
        return default if context is None or not hasattr(context, "request") else context


_PUBLIC = PublicContext()
#: The current context, of which ``app`` and ``g`` may be read: ``app_context.get(None)``.
app_context: Any = getattr(flask.globals, "_cv_app", None) or _Public(
    has_app_context, lambda: _PUBLIC
)
_merged = not hasattr(flask.globals, "_cv_request")
#: The current context, of which ``request`` and ``session`` may be read.
request_context: Any = (
    _Public(has_request_context, _public_request)
    if isinstance(app_context, _Public)
    else (_WithRequest(app_context) if _merged else flask.globals._cv_request)
)


#: Whether Flask's public names are all there is. To look at a session is to use it then.
IS_PUBLIC = isinstance(app_context, _Public)


def note_request(app: Flask) -> None:
    """Have each request of `app` known by its own application, whatever is pushed on top later."""
    if IS_PUBLIC:
        request_started.connect(_note, app)


def _note(_: Flask, **__: Any) -> None:
    request_context.get(None)


def get_config() -> dict[str, Any]:
    """Return the current application's configuration.

    Raises Flask's `RuntimeError` outside of an application context.
    """
    context = app_context.get(None)
    config: dict[str, Any] = get_app().config if context is None else context.app.config
    return config


def require_request() -> Any:
    """Return the current request's context.

    Raises Flask's `RuntimeError` outside of a request.
    """
    context = request_context.get(None)
    if context is None:
        get_request()  # with Flask's error
    return context


def opened_session(context: Any) -> SessionMixin:
    """Return the session of a request's context, to look at it without using it.

    Looking must not count as use: that would add ``Vary: Cookie`` to every response.
    """
    # Flask 3.1.3 and later count a read of ``context.session`` as use, and keep it here.
    opened: SessionMixin | None = getattr(context, "_session", None)
    return context.session if opened is None else opened


#: On a request whose response has begun: the copy of its session that logins use from then on, made
#: at the first use.
ANSWERED = "_login_session_after"


def session_after(context: Any) -> SessionMixin:
    """Return the session in which logins are read and written once the response has begun.

    It is a copy that nobody saves: code that asks sees what is true, and a session that lives on
    the server is not changed behind the back of a browser that can't be told of it.
    """
    holder = context.request.__dict__
    copy = holder.get(ANSWERED)
    if copy is None:
        # `context.session`, to count as use: the page that tells of an error may be sent in place
        # of a response that had begun.
        copy = holder[ANSWERED] = dict(context.session)
    return cast("SessionMixin", copy)


def leave_out(functions: dict[Any, list[Any]], function: Callable[..., Any]) -> None:
    """Have Flask call a function of an application no more, from the next request on.

    In a new list: Flask may be walking the one that there is.
    """
    functions[None] = [other for other in functions.get(None, ()) if other is not function]


def put_first(functions: dict[Any, list[Any]], function: Callable[..., Any]) -> None:
    """Put a function of an application in front of the others, from the next request on."""
    others = [other for other in functions.get(None, ()) if other is not function]
    functions[None] = [function, *others]


def touched_session(context: Any) -> SessionMixin | None:
    """Return the session of a request's context if the request has used it."""
    opened = opened_session(context)
    return opened if getattr(opened, "accessed", True) else None


#: Where a request's context notes whether it pushed an application's context itself.
TOKENS = "_cv_tokens"


def shares_g(context: Any) -> bool:
    """Return whether ``g`` may outlive the request of a context.

    In production it never does: only where somebody else pushed the application's context, as
    tests and commands do. Since Flask 3.2 each request has its own.
    """
    if IS_PUBLIC:
        return True  # nobody can tell
    tokens: Any = getattr(context, TOKENS, None)
    return bool(tokens) and tokens[0][1] is None  # it did not push an application context itself
