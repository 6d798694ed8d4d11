"""Guards: decorators that let a view run only for who may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

from flask import current_app, has_request_context, request

from . import legacy, options
from .core import settings
from .core.terms import check_methods
from .core.users import is_authenticated, raise_lack, says
from .current import current_user, default_manager
from .exceptions import ConfigurationError
from .flask_internals import app_context, request_context, require_request
from .guarded_forms import note_form
from .loaders import resolve, unwrap
from .marks import find
from .ports import RealmInApp
from .responses import send_on
from .visit import visit_of

if TYPE_CHECKING:
    from flask import Blueprint, Flask

    from .ports import Manager

    P = ParamSpec("P")
    R = TypeVar("R")

    #: What answers who may not pass; None for who may.
    Refusal = Callable[[], Any] | None
    #: Finds the manager: the default realm's is another in each application.
    FindManager = Callable[[], Manager]
    #: What a guard asks of each request.
    Rule = Callable[[FindManager], Refusal]

    class Decorator(Protocol):
        """A decorator that keeps the signature of what it decorates."""

        def __call__(self, view: Callable[P, R], /) -> Callable[P, R]:
            """Return the guarded view."""
            ...


#: On a function that runs before requests and guards by default: a function that takes the
#: application and returns the manager it guards for, or None if it does not guard there.
DEFAULT_GUARD = "_login_default_guard"

#: On a guarded view function: what guards it, for whoever lists an application's views.
GUARD_ATTRIBUTE = "_login_guard"


def lets_pass(manager: Manager) -> bool:
    """Return True if guards are disabled for this request."""
    if not legacy.is_manager(manager) or legacy.utils["request"] is not request:
        return _lets_pass_by_doubles()
    context = require_request()
    app, current = context.app, context.request
    if current.method in settings.EXEMPT_METHODS and not options.is_guarded(current, app.config):
        return True
    if not app.config.get("LOGIN_DISABLED") or not settings.LOGIN_DISABLED.read(app.config):
        return False
    realms = app.extensions.setdefault("login", {})
    known = realms.setdefault(manager.realm, RealmInApp(manager))
    if not app.testing and not known.warned_of_login_disabled:
        known.warned_of_login_disabled = True
        settings.logger.warning(
            "LOGIN_DISABLED is set for the application '%s': every guard lets everybody pass.",
            app.name,
        )
    return True


def _lets_pass_by_doubles() -> bool:
    if legacy.utils["request"].method in settings.EXEMPT_METHODS:
        return True
    value = legacy.app_in_place().config.get("LOGIN_DISABLED")
    return settings.LOGIN_DISABLED.check(value) if isinstance(value, str) else bool(value)


def guarded_user(find_manager: FindManager) -> Any:
    """Return the user whom a guard looks at."""
    if find_manager is not default_manager and not find_manager()._realm.is_default:
        return find_manager().get_current_user()
    return unwrap(legacy.utils["current_user"])  # which dependents' tests patch


def require_answer(manager: Manager) -> None:
    """Refuse to guard a view on the word of a session store, or a loader, that gave none."""
    failure = visit_of(manager._realm).failure
    if failure is not None:
        raise failure


def must_log_in(find_manager: FindManager) -> Refusal:
    """Return what refuses the caller of this request, or None when they are logged in."""
    names = legacy.utils
    doubles = names["request"] is not request or names["current_app"] is not current_app
    if doubles:
        exempt = _lets_pass_by_doubles()
    else:
        here = request_context.get(None) or require_request()
        exempt = here.request.method in settings.EXEMPT_METHODS
        exempt = exempt or here.app.config.get("LOGIN_DISABLED")
        exempt = exempt and lets_pass(find_manager())
    if exempt:
        return None
    if find_manager is default_manager and names["current_user"] is current_user:
        user = names["_get_user"]()  # which dependents' tests patch
    else:
        user = guarded_user(find_manager)
    if user is not None:
        try:
            passes = user.is_authenticated
        except AttributeError as error:
            raise_lack("current user", user, "is_authenticated", error)
        if passes is True or says(passes, resolve):
            return None
    manager = find_manager()
    if not doubles:
        require_answer(manager)
    return manager.unauthorized


def login_rule(when: Callable[[Any], Any] | None) -> tuple[str, Rule]:
    """Return the name and the rule of `login_required`."""
    if when is None:
        return "login_required", must_log_in
    if not callable(when):
        raise ConfigurationError("when", when, "a function of the user that returns True or False")

    def rule(find_manager: FindManager) -> Refusal:
        refuse, manager = must_log_in(find_manager), find_manager()
        if refuse is not None or lets_pass(manager):
            return refuse
        return None if says(when(guarded_user(find_manager)), resolve) else manager.forbidden

    return f"login_required(when={getattr(when, '__name__', type(when).__name__)})", rule


def fresh_rule(
    max_age: timedelta | None, methods: Collection[str] | None, impersonated: bool
) -> tuple[str, Rule]:
    """Return the name and the rule of `fresh_login_required`."""
    check_methods(methods or ())
    if max_age is not None and not (isinstance(max_age, timedelta) and max_age > timedelta(0)):
        raise ConfigurationError("max_age", max_age, "a datetime.timedelta greater than 0")
    wanted = frozenset(methods or ())

    def rule(find_manager: FindManager) -> Refusal:
        refuse, manager = must_log_in(find_manager), find_manager()
        if refuse is not None or lets_pass(manager):
            return refuse
        if not legacy.is_manager(manager) or legacy.is_session_replaced():
            fresh = says(legacy.utils["login_fresh"](), resolve)
            return None if fresh else manager.needs_refresh
        visit = visit_of(manager._realm)
        actor = visit.actor
        fresh = manager.login_fresh() if actor is None else impersonated and visit.is_fresh(actor)
        if says(fresh, resolve) and visit.has_proved(max_age, wanted):
            return None
        visit.required = max_age, wanted
        # Who acts as another can't prove to be them.
        return manager.needs_refresh if actor is None else manager.forbidden

    said = [f"max_age={max_age}"] if max_age is not None else []
    said += [f"methods={'+'.join(sorted(wanted))}"] if wanted else []
    return f"fresh_login_required({', '.join(said)})" if said else "fresh_login_required", rule


def anonymous_rule(redirect_to: str | None) -> tuple[str, Rule]:
    """Return the name and the rule of `anonymous_required`."""
    if redirect_to is not None and not isinstance(redirect_to, str):
        raise ConfigurationError("redirect_to", redirect_to, "an endpoint, a path or a URL")

    def rule(find_manager: FindManager) -> Refusal:
        manager = find_manager()
        if lets_pass(manager):
            return None
        user = guarded_user(find_manager)
        if user is None or not is_authenticated(user, resolve):
            require_answer(manager)
            return None
        return lambda: send_on(manager, redirect_to)

    return "anonymous_required", rule


def decorate(
    view: Callable[P, R] | None,
    find_manager: FindManager,
    name: str,
    rule: Rule,
) -> Any:
    """Return the view guarded by a rule, or a decorator where there is no view yet."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        return _guard(view, find_manager, name, rule)

    return guard if view is None else guard(view)


def _guard(
    view: Callable[P, R],
    find_manager: FindManager,
    name: str,
    rule: Rule,
) -> Callable[P, R]:
    if not callable(view):
        raise ConfigurationError("view", view, "a function; other arguments go by keyword")
    if isinstance(view, type):
        raise ConfigurationError("view", view, "a function; a class has its guards in 'decorators'")
    is_async = iscoroutinefunction(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        refuse = rule(find_manager)
        if refuse is not None:
            return cast("R", refuse())
        if is_async:
            return cast("R", legacy.app_in_place().ensure_sync(view)(*args, **kwargs))
        return view(*args, **kwargs)

    setattr(guarded, GUARD_ATTRIBUTE, name)
    if not has_request_context():  # inside of a request a guard is called, not written
        note_form(view, guarded)
    return guarded


def guard_requests(
    target: Flask | Blueprint,
    manager: Callable[[Flask], Manager | None],
    answer: Callable[[Manager], Any],
    key: str | None = None,
) -> Callable[[], Any]:
    """Guard each request to the views of an application or a blueprint, before its view is called.

    :param manager: returns the manager that guards in an application; None where none does.
    :param answer: returns the answer to a caller who may not pass; None for any other.
    :param key: the setting without which none does. It is read at use: an application that sets it
        late must not stay open.
    :return: the function that guards.
    """

    def guard() -> Any:
        app = app_context.get(None).app
        if key is not None and not app.config.get(key):
            return None
        found = manager(app)
        return None if found is None else answer(found)

    setattr(guard, DEFAULT_GUARD, manager)
    target.before_request(guard)
    return guard


def guard_of(view: Any) -> str | None:
    """Return what guards a view function, or None for a public one."""
    name = find(view, GUARD_ATTRIBUTE)
    return name if isinstance(name, str) else None


def is_guard(layer: Any) -> bool:
    """Return whether a layer of a view is a guard itself, not a decorator with a guard's mark."""
    # What `_guard` makes; `functools.wraps` copies a function's names, but not its globals.
    is_ours = getattr(layer, "__globals__", None) is globals()
    return is_ours and layer.__code__.co_name == "guarded"


@overload
def login_required(view: Callable[P, R]) -> Callable[P, R]: ...


@overload
def login_required(view: None = None, *, when: Callable[[Any], Any] | None = None) -> Decorator: ...


def login_required(view: Any = None, *, when: Callable[[Any], Any] | None = None) -> Any:
    """Guard a view: only for who is logged in.

    Others get `LoginManager.unauthorized`: a page is redirected to the login view, a program
    gets 401. Put it below ``@app.route``::

        @app.get("/profile")
        @login_required
        def profile(): ...


        @app.get("/reports")
        @login_required(when=lambda user: user.is_admin)
        def reports(): ...

    Methods in ``EXEMPT_METHODS`` (OPTIONS) pass, and everybody does with ``LOGIN_DISABLED``. With
    ``LOGIN_GUARD_OPTIONS`` a view that answers OPTIONS itself is guarded for that method too.
    Views may be ``async def``; for class-based views put it into ``decorators``.

    :param view: the view function.
    :param when: a function of the user. Who is logged in and gets something false from it is
        answered 403, by `LoginManager.forbidden`. May be ``async def``.
    :return: the guarded view, with the same signature; a decorator, when called without a view.

    .. versionchanged:: 0.6.90
        `when` is new.
    """
    return decorate(view, default_manager, *login_rule(when))


@overload
def fresh_login_required(view: Callable[P, R]) -> Callable[P, R]: ...


@overload
def fresh_login_required(
    view: None = None,
    *,
    max_age: timedelta | None = None,
    methods: Collection[str] | None = None,
    impersonated: bool = False,
) -> Decorator: ...


def fresh_login_required(
    view: Any = None,
    *,
    max_age: timedelta | None = None,
    methods: Collection[str] | None = None,
    impersonated: bool = False,
) -> Any:
    """Guard a view: only for a fresh login.

    For what a borrowed browser must not do: a new password, a payment. Who is not logged in
    gets `LoginManager.unauthorized`, who is but not fresh gets `LoginManager.needs_refresh`, and
    who acts as another user gets `LoginManager.forbidden`::

        @app.post("/transfer")
        @fresh_login_required(max_age=timedelta(minutes=5), methods={"otp"})
        def transfer(): ...

    :param view: the view function.
    :param max_age: how long ago the proof may be at most, a `datetime.timedelta`. By default as
        long ago as the login stays fresh. With `methods`, each of them must be as young.
    :param methods: how the user must have proved who they are in this login, by the names of
        RFC 8176: all of them. By default in any way.
    :param impersonated: whether somebody who acts as the user passes if their own login is as
        fresh. By default nobody who acts as another passes.
    :return: the guarded view, with the same signature; a decorator, when called without a view.

    Raises `ConfigurationError` for a `max_age` that is no timedelta, or `methods` that are a text.

    .. versionchanged:: 0.6.90
        `max_age` and `methods` are new (RFC 9470).
    """
    return decorate(view, default_manager, *fresh_rule(max_age, methods, impersonated))


@overload
def anonymous_required(view: Callable[P, R]) -> Callable[P, R]: ...


@overload
def anonymous_required(view: None = None, *, redirect_to: str | None = None) -> Decorator: ...


def anonymous_required(view: Any = None, *, redirect_to: str | None = None) -> Any:
    """Guard a view: only for who is not logged in, such as the page where to register.

    Who is logged in is redirected; a program gets 403.

    :param view: the view function.
    :param redirect_to: where to, an endpoint or a URL. By default to ``next`` if it is safe, else
        to the root of the application.
    :return: the guarded view, with the same signature; a decorator, when called without a view.

    .. versionadded:: 0.6.90
    """
    return decorate(view, default_manager, *anonymous_rule(redirect_to))
