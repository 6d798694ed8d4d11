"""Is every guard below its route? `@app.route` registers the function below it, guarded or not."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .config import logger
from .exceptions import UnguardedViewError

if TYPE_CHECKING:
    from flask import Flask

#: On a guarded view function: what guards it, for whoever lists an application's views.
GUARD_ATTRIBUTE = "_login_guard"
#: On the function that was wrapped: the function and its guarded form.
_GUARDED_AS = "_login_guarded_as"
#: On a guarded view function that is some application's view: itself.
_REGISTERED = "_login_registered"


def note_guard(view: Any, guarded: Any) -> None:
    """Note on a function, and on what it wraps, that there is a guarded form of it."""
    inner = view
    while inner is not None:
        # A bound method or a builtin takes no attributes.
        with suppress(AttributeError):
            setattr(inner, _GUARDED_AS, (inner, guarded))
        inner = getattr(inner, "__wrapped__", None)


def check_decorator_order(app: Flask) -> None:
    """Find the views whose guard stands above ``@app.route`` and so guards nothing.

    ``@app.route`` registers the function below it. A function is found when it is registered as
    it is although it was guarded too. Raises `UnguardedViewError` in debug mode and while testing,
    logs it as an error otherwise: a site that ran yesterday is not stopped.
    """
    endpoints = guarded_in_vain(app)
    if not endpoints:
        return
    error = UnguardedViewError(endpoints)
    if app.debug or app.testing:
        raise error
    logger.error("%s", error)


def guarded_in_vain(app: Flask) -> list[str]:
    """Return the endpoints of the views whose guard stands above ``@app.route``."""
    for view in app.view_functions.values():
        _mark_registered(view)
    endpoints: list[str] = []
    for endpoint, view in app.view_functions.items():
        guarded_view, guarded = getattr(view, _GUARDED_AS, (None, None))
        # functools.wraps copies attributes: it must have been this very function.
        if guarded_view is view and not _is_meant_unguarded(view, guarded):
            endpoints.append(endpoint)
    return sorted(endpoints)


def _mark_registered(view: Any) -> None:
    while view is not None:
        if hasattr(view, GUARD_ATTRIBUTE):
            setattr(view, _REGISTERED, view)
        view = getattr(view, "__wrapped__", None)


def _is_meant_unguarded(view: Any, guarded: Any) -> bool:
    """Tell whether somebody guarded a function for one URL and left it public on another.

    A function of a module is then still what its name means there; one inside of another
    function has no such name, so its guarded form must be a view as well.
    """
    name = getattr(view, "__qualname__", "<locals>")
    if "<locals>" in name:
        return getattr(guarded, _REGISTERED, None) is guarded
    found: Any = sys.modules.get(view.__module__)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is view
