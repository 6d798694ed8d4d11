"""Is every guard below its route? `@app.route` registers the function below it, guarded or not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .config import logger
from .exceptions import UnguardedViewError
from .guards import GUARD_ATTRIBUTE, GUARDED_AS

if TYPE_CHECKING:
    from flask import Flask

#: On a guarded view function that is some application's view: itself.
_REGISTERED = "_login_registered"


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
        guarded_view, guarded = getattr(view, GUARDED_AS, (None, None))
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
