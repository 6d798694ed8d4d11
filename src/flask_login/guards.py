"""Guards: decorators that let a view run only for who may see it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

from flask import has_app_context, has_request_context

from . import config as settings
from . import utils
from .config import logger
from .exceptions import ConfigurationError
from .guarded_forms import note_form
from .loaders import UserT, resolve, unwrap
from .login import check_methods
from .marks import find
from .mixins import says
from .responses import Refusals
from .state import RealmInApp, app_context, get_config, get_request, request_context
from .timeouts import moment_of

if TYPE_CHECKING:
    from .login_manager import LoginManager

    P = ParamSpec("P")
    R = TypeVar("R")

    #: What answers who may not pass; None for who may.
    Refusal = Callable[[], Any] | None
    #: Finds the manager: the default realm's is another in each application.
    FindManager = Callable[[], "Guards[Any]"]
    #: What a guard asks of each request.
    Rule = Callable[[FindManager], Refusal]

    class Decorator(Protocol):
        """A decorator that keeps the signature of what it decorates."""

        def __call__(self, view: Callable[P, R], /) -> Callable[P, R]:
            """Return the guarded view."""
            ...


#: On a guarded view function: what guards it, for whoever lists an application's views.
GUARD_ATTRIBUTE = "_login_guard"


class Guards(Refusals[UserT]):
    """The part of `LoginManager` that guards views."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exempt_endpoints: set[str] = set()

    @overload
    def login_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def login_required(
        self, view: None = None, *, when: Callable[[UserT], Any] | None = None
    ) -> Decorator: ...

    def login_required(
        self, view: Any = None, *, when: Callable[[UserT], Any] | None = None
    ) -> Any:
        """Guard a view for who is logged in to this realm. See `flask_login.login_required`."""
        return _decorate(view, lambda: self, *self._named(_login_rule(when)))

    @overload
    def fresh_login_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def fresh_login_required(
        self,
        view: None = None,
        *,
        max_age: timedelta | None = None,
        methods: Collection[str] | None = None,
        impersonated: bool = False,
    ) -> Decorator: ...

    def fresh_login_required(
        self,
        view: Any = None,
        *,
        max_age: timedelta | None = None,
        methods: Collection[str] | None = None,
        impersonated: bool = False,
    ) -> Any:
        """Guard a view for a fresh login of this realm. See `flask_login.fresh_login_required`."""
        rule = _fresh_rule(max_age, methods, impersonated)
        return _decorate(view, lambda: self, *self._named(rule))

    @overload
    def anonymous_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def anonymous_required(
        self, view: None = None, *, redirect_to: str | None = None
    ) -> Decorator: ...

    def anonymous_required(self, view: Any = None, *, redirect_to: str | None = None) -> Any:
        """Guard a view for who is not logged in. See `flask_login.anonymous_required`."""
        return _decorate(view, lambda: self, *self._named(_anonymous_rule(redirect_to)))

    def _named(self, named_rule: tuple[str, Rule]) -> tuple[str, Rule]:
        """Return a rule under the name that it has in the application's code."""
        name, rule = named_rule
        realm = "" if self.realm == settings.DEFAULT_REALM else f"{self.realm}."
        return f"{realm}{name}", rule

    @property
    def _login_disabled(self) -> bool:
        return has_app_context() and settings.LOGIN_DISABLED.read(get_config())

    @_login_disabled.setter
    def _login_disabled(self, value: bool) -> None:
        get_config()["LOGIN_DISABLED"] = value

    def _lets_pass(self) -> bool:
        """Tell whether guards don't count for this request."""
        if request_context.get().request.method in settings.EXEMPT_METHODS:
            return True
        app = app_context.get().app
        if not app.config.get("LOGIN_DISABLED") or not settings.LOGIN_DISABLED.read(app.config):
            return False
        realms = app.extensions.setdefault("login", {})
        known = realms.setdefault(self.realm, RealmInApp(cast("LoginManager[Any]", self)))
        if not app.testing and not known.warned_of_login_disabled:
            known.warned_of_login_disabled = True
            logger.warning(
                "LOGIN_DISABLED is set for the application '%s': every guard lets everybody pass.",
                app.name,
            )
        return True

    def _guarded_user(self) -> Any:
        """Return whom a guard looks at."""
        if self.realm == settings.DEFAULT_REALM:
            return unwrap(utils.current_user)  # which dependents' tests patch
        return self.get_current_user()

    def _is_logged_in(self) -> bool:
        user = self._guarded_user()
        if user is not None and says(user.is_authenticated):
            return True
        self._require_answer()
        return False

    def _has_proved(self, max_age: timedelta | None, methods: frozenset[str]) -> bool:
        """Tell whether the user proved who they are as recently, and in the ways, that is asked."""
        if methods:
            proved, span = self._proved_methods(), max_age or self._fresh_timeout()
            return all(self._is_recent(moment_of(proved.get(name)), span) for name in methods)
        return max_age is None or self._is_recent(self._proved_at(), max_age)


def must_log_in(find_manager: FindManager) -> Refusal:
    """Return what refuses the caller of this request, or None when they are logged in."""
    # What _lets_pass and _is_logged_in ask, in one piece where it is usual: each call to a helper
    # is a hundredth of what a guarded page costs.
    if utils.request is not _REQUEST or utils.current_app is not _CURRENT_APP:
        return _must_log_in_by_doubles(find_manager)
    try:
        method, config = request_context.get().request.method, app_context.get().app.config
    except LookupError:
        method, config = get_request().method, get_config()  # with Flask's error
    exempt = method in settings.EXEMPT_METHODS or config.get("LOGIN_DISABLED")
    if exempt and find_manager()._lets_pass():
        return None
    # The default realm's user is known without its manager, which may be a test's double.
    if find_manager is not utils.default_manager:
        user = find_manager()._guarded_user()
    elif utils.current_user is utils.USER_PROXY:
        user = utils._get_user()
    else:
        user = unwrap(utils.current_user)
    if user is not None and (user.is_authenticated is True or says(user.is_authenticated)):
        return None
    manager = find_manager()
    manager._require_answer()
    return manager.unauthorized


# What 0.6.3 asked its own module for, where a test put something else there. A double of the
# manager answers every question of ours, and says nothing by that.

_REQUEST, _CURRENT_APP = utils.request, utils.current_app


def _must_log_in_by_doubles(find_manager: FindManager) -> Refusal:
    if utils.request.method in settings.EXEMPT_METHODS or _is_disabled(utils.app_in_place()):
        return None
    default = find_manager is utils.default_manager
    user = unwrap(utils.current_user) if default else find_manager()._guarded_user()
    if user is not None and says(user.is_authenticated):
        return None
    return find_manager().unauthorized


def _is_disabled(app: Any) -> bool:
    value = app.config.get("LOGIN_DISABLED")
    return settings.LOGIN_DISABLED.check(value) if isinstance(value, str) else bool(value)


def _lets_pass(manager: Guards[Any]) -> bool:
    """Tell whether guards don't count for this request, whoever takes part in it."""
    if utils.is_manager(manager) and not utils.is_request_replaced():
        return manager._lets_pass()
    exempt = utils.request.method in settings.EXEMPT_METHODS
    return exempt or _is_disabled(utils.app_in_place())


def _login_rule(when: Callable[[Any], Any] | None) -> tuple[str, Rule]:
    if when is None:
        return "login_required", must_log_in
    if not callable(when):
        raise ConfigurationError("when", when, "a function of the user that returns True or False")

    def rule(find_manager: FindManager) -> Refusal:
        refuse, manager = must_log_in(find_manager), find_manager()
        if refuse is not None or _lets_pass(manager):
            return refuse
        user = manager._guarded_user() if utils.is_manager(manager) else unwrap(utils.current_user)
        # What it returns may be a method that nobody called, which is true.
        return None if says(resolve(when(user))) else manager.forbidden

    return f"login_required(when={getattr(when, '__name__', type(when).__name__)})", rule


def _fresh_rule(
    max_age: timedelta | None, methods: Collection[str] | None, impersonated: bool
) -> tuple[str, Rule]:
    check_methods(methods or ())
    if max_age is not None and not (isinstance(max_age, timedelta) and max_age > timedelta(0)):
        raise ConfigurationError("max_age", max_age, "a datetime.timedelta greater than 0")
    wanted = frozenset(methods or ())

    def rule(find_manager: FindManager) -> Refusal:
        refuse, manager = must_log_in(find_manager), find_manager()
        if refuse is not None or _lets_pass(manager):
            return refuse
        if not utils.is_manager(manager) or utils.is_session_replaced():
            return None if utils.login_fresh() else manager.needs_refresh
        state = manager._state()
        actor = state.actor
        fresh = (
            manager.login_fresh() if actor is None else impersonated and manager._is_fresh(actor)
        )
        if fresh and manager._has_proved(max_age, wanted):
            return None
        state.required = max_age, wanted
        # Who acts as another can't prove to be them.
        return manager.needs_refresh if actor is None else manager.forbidden

    said = [f"max_age={max_age}"] if max_age is not None else []
    said += [f"methods={'+'.join(sorted(wanted))}"] if wanted else []
    return f"fresh_login_required({', '.join(said)})" if said else "fresh_login_required", rule


def _anonymous_rule(redirect_to: str | None) -> tuple[str, Rule]:
    if redirect_to is not None and not isinstance(redirect_to, str):
        raise ConfigurationError("redirect_to", redirect_to, "an endpoint, a path or a URL")

    def rule(find_manager: FindManager) -> Refusal:
        manager = find_manager()
        if manager._lets_pass() or not manager._is_logged_in():
            return None
        return lambda: manager._send_on(redirect_to)

    return "anonymous_required", rule


def _decorate(
    view: Callable[P, R] | None,
    find_manager: FindManager,
    name: str,
    rule: Rule,
) -> Any:
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
            return cast("R", utils.app_in_place().ensure_sync(view)(*args, **kwargs))
        return view(*args, **kwargs)

    setattr(guarded, GUARD_ATTRIBUTE, name)
    if not has_request_context():  # inside of a request a guard is called, not written
        note_form(view, guarded)
    return guarded


def guard_of(view: Any) -> str | None:
    """Return what guards a view function, or None for a public one."""
    name = find(view, GUARD_ATTRIBUTE)
    return name if isinstance(name, str) else None


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

    Methods in ``EXEMPT_METHODS`` (OPTIONS) pass, and everybody does with ``LOGIN_DISABLED``.
    Views may be ``async def``; for class-based views put it into ``decorators``.

    :param view: the view function.
    :param when: a function of the user. Who is logged in and gets something false from it is
        answered 403, by `LoginManager.forbidden`. May be ``async def``.
    :return: the guarded view, with the same signature; a decorator, when called without a view.

    .. versionchanged:: 0.6.90
        `when` is new.
    """
    return _decorate(view, utils.default_manager, *_login_rule(when))


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
    return _decorate(view, utils.default_manager, *_fresh_rule(max_age, methods, impersonated))


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
    return _decorate(view, utils.default_manager, *_anonymous_rule(redirect_to))
