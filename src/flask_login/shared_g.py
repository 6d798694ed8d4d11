"""The user of the default realm on ``g``, where other code reads and writes it.

They are taken from there at the end of a request where ``g`` outlives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.local import LocalProxy

from .core.users import UNLOADED
from .flask_internals import app_context, put_first, request_context, shares_g
from .loaders import unwrap

if TYPE_CHECKING:
    from flask import Flask

    from .core.visit import Visit

#: In the environ of a request whose user was taken from ``g`` once.
_LEFT_G = "flask_login.left_g"


def on_g(visit: Visit) -> Any:
    """Return what belongs on ``g._login_user`` for a request."""
    return visit.user if visit.written is UNLOADED else visit.written


def mirror(visit: Visit) -> None:
    """Write a request's user to ``g._login_user``, for extensions that read it there."""
    holder = app_context.get(None).g.__dict__
    holder["_login_user"], holder["_login_state"] = visit.user, visit


def claim(visit: Visit, written: Any) -> Any:
    """Take what other code wrote to ``g`` for this request's, and no other's."""
    holder = app_context.get(None).g
    if isinstance(written, LocalProxy):
        del holder._login_user  # it may be current_user, which would ask us again
        written = unwrap(written)
    visit.written = holder._login_user = written
    holder._login_state = visit
    return written


def _leave(visit: Any, *, kept: bool) -> None:
    """Take a request's user from ``g`` at its end, for the next one not to find it.

    :param visit: what the default realm knows of the request; None when nobody asked.
    :param kept: leave it there as this request's: a test still looks at the request.
    """
    holder = app_context.get(None).g
    owner: Any = getattr(holder, "_login_state", None)
    written = getattr(holder, "_login_user", UNLOADED)
    if owner is not None and owner is not visit:
        if written is not on_g(owner):
            holder._login_user = on_g(owner)  # written over what an outer request had there
    elif kept and visit is not None and written is not UNLOADED:
        if written is not on_g(visit):
            claim(visit, written)
    else:
        holder.pop("_login_user", None)
        holder.pop("_login_state", None)


def leave_g_after_requests(app: Flask) -> None:
    """Have Flask take the user from ``g`` at the end of each request of an application.

    In production ``g`` ends with the request. It outlives it where somebody else pushed the
    application's context, as tests and commands do.
    """
    if _leave_g not in app.teardown_request_funcs.get(None, ()):
        put_first(app.teardown_request_funcs, _leave_g)


def _leave_g(_: BaseException | None) -> None:
    context = request_context.get(None)
    manager = getattr(context.app, "login_manager", None)
    if manager is None:
        return
    # A test client's "with" block tears down twice: after the request, and when it ends. In between
    # the requests of other clients share g with this one.
    environ = context.request.environ
    kept = environ.get("werkzeug.debug.preserve_context") is not None and _LEFT_G not in environ
    if not kept and not shares_g(context):
        return
    environ[_LEFT_G] = True
    known = context.request.__dict__
    visit = known.get(manager._realm.key)
    if visit is None and kept and "_login_user" in app_context.get(None).g:
        written = manager.get_current_user()  # nobody asked before: now a visit knows it
        visit = known[manager._realm.key]
        visit.user = written
    _leave(visit, kept=kept)
