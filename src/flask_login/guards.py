"""Guards: decorators that let a view run only for who may see it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask import has_app_context, has_request_context

from . import config as settings
from . import utils
from .config import logger
from .exceptions import UnguardedViewError
from .loaders import UserT, unwrap
from .mixins import says
from .responses import Refusals
from .state import RealmInApp, get_app, get_config, get_request

if TYPE_CHECKING:
    from flask import Flask

    from .login_manager import LoginManager

P = ParamSpec("P")
R = TypeVar("R")

#: On a guarded view function: the guard's name, for whoever lists an application's views.
GUARD_ATTRIBUTE = "_login_guard"
#: On the function that was wrapped: the function and its guarded form.
_GUARDED_AS = "_login_guarded_as"
#: On a guarded view function that is some application's view: itself.
_REGISTERED = "_login_registered"


class Guards(Refusals[UserT]):
    """The part of `LoginManager` that guards views."""

    def login_required(self, view: Callable[P, R]) -> Callable[P, R]:
        """Guard a view for who is logged in to this realm. See `flask_login.login_required`."""
        return _guard(view, lambda: self, "login_required", _must_log_in)

    def fresh_login_required(self, view: Callable[P, R]) -> Callable[P, R]:
        """Guard a view for a fresh login of this realm. See `flask_login.fresh_login_required`."""
        return _guard(view, lambda: self, "fresh_login_required", _must_log_in_afresh)

    @property
    def _login_disabled(self) -> bool:
        return has_app_context() and settings.LOGIN_DISABLED.read(get_config())

    @_login_disabled.setter
    def _login_disabled(self, value: bool) -> None:
        get_config()["LOGIN_DISABLED"] = value

    def _lets_pass(self) -> bool:
        """Tell whether guards don't count for this request."""
        if get_request().method in settings.EXEMPT_METHODS:
            return True
        if not settings.LOGIN_DISABLED.read(get_config()):
            return False
        app = get_app()
        realms = app.extensions.setdefault("login", {})
        known = realms.setdefault(self.realm, RealmInApp(cast("LoginManager[Any]", self)))
        if not app.testing and not known.warned_of_login_disabled:
            known.warned_of_login_disabled = True
            logger.warning(
                "LOGIN_DISABLED is set for the application '%s': every guard lets everybody pass.",
                app.name,
            )
        return True

    def _is_logged_in(self) -> bool:
        self._require_answer()
        if self.realm == settings.DEFAULT_REALM:
            user: Any = unwrap(utils.current_user)  # which dependents' tests patch
        else:
            user = self.get_current_user()
        return user is not None and says(user.is_authenticated)


def _must_log_in(manager: Guards[Any]) -> Callable[[], Any] | None:
    if manager._lets_pass() or manager._is_logged_in():
        return None
    return manager.unauthorized


def _must_log_in_afresh(manager: Guards[Any]) -> Callable[[], Any] | None:
    if manager._lets_pass():
        return None
    if not manager._is_logged_in():
        return manager.unauthorized
    return None if manager.login_fresh() else manager.needs_refresh


def _guard(
    view: Callable[P, R],
    manager: Callable[[], Guards[Any]],
    name: str,
    refusal_of: Callable[[Guards[Any]], Callable[[], Any] | None],
) -> Callable[P, R]:
    is_async = iscoroutinefunction(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        refuse = refusal_of(manager())
        if refuse is not None:
            return cast("R", refuse())
        if is_async:
            return cast("R", get_app().ensure_sync(view)(*args, **kwargs))
        return view(*args, **kwargs)

    setattr(guarded, GUARD_ATTRIBUTE, name)
    # Inside of a request a guard is called, not written.
    inner: Any = None if has_request_context() else view
    while inner is not None:
        # A bound method or a builtin takes no attributes.
        with suppress(AttributeError):
            setattr(inner, _GUARDED_AS, (inner, guarded))
        inner = getattr(inner, "__wrapped__", None)
    return guarded


def guard_of(view: Any) -> str | None:
    """Return the name of the guard on a view function, or None for a public one."""
    while view is not None:
        name: str | None = getattr(view, GUARD_ATTRIBUTE, None)
        if name is not None:
            return name
        view = getattr(view, "__wrapped__", None)
    return None


def check_decorator_order(app: Flask) -> None:
    """Find the views whose guard stands above ``@app.route`` and so guards nothing.

    ``@app.route`` registers the function below it. A function is found when it is registered as
    it is although it was guarded too. Raises `UnguardedViewError` in debug mode and while testing,
    logs it as an error otherwise: a site that ran yesterday is not stopped.
    """
    for view in app.view_functions.values():
        _mark_registered(view)
    endpoints: list[str] = []
    for endpoint, view in app.view_functions.items():
        guarded_view, guarded = getattr(view, _GUARDED_AS, (None, None))
        # functools.wraps copies attributes: it must have been this very function.
        if guarded_view is view and not _is_meant_unguarded(view, guarded):
            endpoints.append(endpoint)
    if not endpoints:
        return
    error = UnguardedViewError(sorted(endpoints))
    if app.debug or app.testing:
        raise error
    logger.error("%s", error)


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


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Guard a view: only for who is logged in.

    Others get `LoginManager.unauthorized`: a page is redirected to the login view, a program
    gets 401. Put it below ``@app.route``::

        @app.get("/profile")
        @login_required
        def profile(): ...

    Methods in ``EXEMPT_METHODS`` (OPTIONS) pass, and everybody does with ``LOGIN_DISABLED``.
    Views may be ``async def``; for class-based views put it into ``decorators``.

    :param view: the view function.
    :return: the guarded view, with the same signature.
    """
    return _guard(view, utils.default_manager, "login_required", _must_log_in)


def fresh_login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Guard a view: only for a fresh login.

    For what a borrowed browser must not do: a new password, a payment. Who is not logged in
    gets `LoginManager.unauthorized`, who is but not fresh gets `LoginManager.needs_refresh`.

    :param view: the view function.
    :return: the guarded view, with the same signature.
    """
    return _guard(view, utils.default_manager, "fresh_login_required", _must_log_in_afresh)
