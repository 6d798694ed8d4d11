"""The guards of one realm: what `LoginManager` has under the names of the functions in `guards`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from . import guards

if TYPE_CHECKING:
    from .guards import Decorator, Rule
    from .ports import Manager, UserT

    P = ParamSpec("P")
    R = TypeVar("R")


def _guard(manager: Manager, view: Any, name: str, rule: Rule) -> Any:
    """Return the view guarded, under the name that the guard has in the application's code."""
    shown = name if manager._realm.is_default else f"{manager.realm}.{name}"
    return guards.decorate(view, lambda: manager, shown, rule)


@overload
def login_required(manager: Manager, view: Callable[P, R]) -> Callable[P, R]: ...
@overload
def login_required(
    manager: Manager[UserT], view: None = None, *, when: Callable[[UserT], Any] | None = None
) -> Decorator: ...
def login_required(
    manager: Manager[UserT], view: Any = None, *, when: Callable[[UserT], Any] | None = None
) -> Any:
    """Guard a view for who is logged in to this realm. See `flask_login.login_required`."""
    return _guard(manager, view, *guards.login_rule(when))


@overload
def fresh_login_required(manager: Manager, view: Callable[P, R]) -> Callable[P, R]: ...
@overload
def fresh_login_required(
    manager: Manager,
    view: None = None,
    *,
    max_age: timedelta | None = None,
    methods: Collection[str] | None = None,
    impersonated: bool = False,
) -> Decorator: ...
def fresh_login_required(
    manager: Manager,
    view: Any = None,
    *,
    max_age: timedelta | None = None,
    methods: Collection[str] | None = None,
    impersonated: bool = False,
) -> Any:
    """Guard a view for a fresh login of this realm. See `flask_login.fresh_login_required`."""
    return _guard(manager, view, *guards.fresh_rule(max_age, methods, impersonated))


@overload
def anonymous_required(manager: Manager, view: Callable[P, R]) -> Callable[P, R]: ...
@overload
def anonymous_required(
    manager: Manager, view: None = None, *, redirect_to: str | None = None
) -> Decorator: ...
def anonymous_required(
    manager: Manager, view: Any = None, *, redirect_to: str | None = None
) -> Any:
    """Guard a view for who is not logged in. See `flask_login.anonymous_required`."""
    return _guard(manager, view, *guards.anonymous_rule(redirect_to))
