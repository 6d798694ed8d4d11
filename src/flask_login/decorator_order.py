"""Is every guard below its route? `@app.route` registers the function below it, guarded or not."""

from __future__ import annotations

import gc
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .answering import CONSEQUENCES, CURE, covered_guards
from .core.settings import logger
from .default_guard import NOT_REQUIRED
from .exceptions import UnguardedViewError
from .guarded_forms import Forms, forms_of
from .marks import is_marked, layers

if TYPE_CHECKING:
    from flask import Flask


def check_decorator_order(app: Flask) -> None:
    """Find the views whose guard stands above ``@app.route`` and so guards nothing.

    Raises `UnguardedViewError` in debug mode and while testing; otherwise logs it as an error, so
    that a running site is not stopped. A guard below a cache is a warning: pages may be cached by
    user.
    """
    for endpoint, kind in covered_guards(app):
        logger.warning(
            "The guard of the view '%s' stands below a decorator that answers by itself: %s. %s",
            endpoint,
            CONSEQUENCES[kind],
            CURE,
        )
    endpoints = guarded_in_vain(app)
    if not endpoints:
        return
    error = UnguardedViewError(endpoints)
    if app.debug or app.testing:
        raise error
    logger.error("%s", error)


def guarded_in_vain(app: Flask) -> list[str]:
    """Return the endpoints of functions that were guarded only after they were registered.

    The function itself is the view, and its guarded form is garbage, or is known only by the
    function's name: ``@login_required`` above ``@app.route``.
    """
    bare = _shown_bare(app)
    found = {endpoint for endpoint, (view, forms) in bare.items() if _is_in_vain(view, forms)}
    rest = {endpoint: known for endpoint, known in bare.items() if endpoint not in found}
    if any(not forms.is_registered and forms.living() for _, forms in rest.values()):
        gc.collect()  # some are garbage in a reference cycle
        found |= {endpoint for endpoint, (view, forms) in rest.items() if _is_in_vain(view, forms)}
    return sorted(found)


def guarded_elsewhere(app: Flask) -> list[str]:
    """Return the endpoints of other public functions of which there is a guarded form."""
    return sorted({*_shown_bare(app)} - {*guarded_in_vain(app)})


def _shown_bare(app: Flask) -> dict[str, tuple[FunctionType, Forms]]:
    """Return, by endpoint, the views of which there is a guarded form."""
    views = app.view_functions
    shown = {id(layer): layer for view in views.values() for layer in layers(view)}
    for layer in shown.values():
        forms = forms_of(layer)
        if forms is not None and any(id(form) in shown for form in forms.living()):
            forms.is_registered = True  # for other applications' checks too
    found: dict[str, tuple[FunctionType, Forms]] = {}
    for endpoint, view in views.items():
        forms = forms_of(view)
        if forms is not None and not is_marked(view, NOT_REQUIRED):
            found[endpoint] = view, forms  # type: ignore[assignment]  # there are forms of functions
    return found


def _is_in_vain(view: FunctionType, forms: Forms) -> bool:
    if forms.is_registered:
        return False
    module = vars(sys.modules.get(view.__module__, object))
    if any(value is view for value in module.values()):
        return False  # the module's name means the public function
    named = _named(module, view.__qualname__)
    if named is view:
        return False
    living = forms.living()
    held_by_name = any(layer is form for layer in layers(named) for form in living)
    return forms.is_written_above or held_by_name or not living


def _named(module: Any, qualname: str) -> Any:
    """Return what a name means in a module; None for the name of something inside a function."""
    first, *rest = qualname.split(".")
    found = module.get(first)
    for part in rest:
        found = getattr(found, part, None)
    return found
