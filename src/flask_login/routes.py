"""The guards of each endpoint, as far as they are this library's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask.views import MethodView

from .core.settings import DEFAULT_REALM
from .default_guard import DEFAULT_GUARD, is_open
from .guards import GUARD_ATTRIBUTE
from .marks import find, layers, own
from .options import is_answered_by_view

if TYPE_CHECKING:
    from flask import Flask


@dataclass(frozen=True)
class GuardedRoute:
    """A rule of an application, and the guards that a request for it has to pass.

    .. versionadded:: 0.6.90
    """

    endpoint: str
    #: Without HEAD and OPTIONS, which Flask adds. ``ANY`` for a rule that lists none.
    methods: Sequence[str]
    rule: str
    #: The names of the guards, in the order in which they run. Empty: the endpoint is public,
    #: unless the application checks in another way.
    guards: Sequence[str]
    #: Whether the view answers OPTIONS itself, under a guard. OPTIONS passes that guard unless
    #: ``LOGIN_GUARD_OPTIONS`` is on.
    answers_options: bool = False


def guarded_routes(app: Flask) -> list[GuardedRoute]:
    """Return every rule of an application with its guards, sorted by endpoint.

    Guards are found on the view, on the functions that run before it (``before_request`` of
    the application and of blueprints, `LoginManager.protect`) and inside of class-based views; a
    class that guards its methods differently has several entries.

    :param app: the application.

    .. versionadded:: 0.6.90
    """
    found: list[GuardedRoute] = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule)):
        if rule.build_only:
            continue
        view = app.view_functions.get(rule.endpoint)
        outside = [*_before(app, rule.endpoint), *_on(view)]
        known = rule.methods or {"ANY"}
        grouped: dict[tuple[str, ...], list[str]] = {}
        for method in sorted(known - {"HEAD", "OPTIONS"} or known):
            guards = dict.fromkeys([*outside, *_inside(view, method)])
            grouped.setdefault(tuple(guards), []).append(method)
        answers = is_answered_by_view(rule) and bool([*outside, *_inside(view, "OPTIONS")])
        found += [
            GuardedRoute(rule.endpoint, methods, rule.rule, guards, answers)
            for guards, methods in grouped.items()
        ]
    return found


def that_answer_options(app: Flask) -> list[str]:
    """Return the endpoints whose guarded views answer OPTIONS themselves."""
    return sorted({route.endpoint for route in guarded_routes(app) if route.answers_options})


def _before(app: Flask, endpoint: str) -> Iterator[str]:
    parts = endpoint.split(".")[:-1]
    blueprints = [".".join(parts[: end + 1]) for end in range(len(parts))]
    for name in (None, *blueprints):
        for function in app.before_request_funcs.get(name, ()):
            yield from _by_default(function, app, endpoint)
            yield from _on(function)


def _by_default(function: Any, app: Flask, endpoint: str) -> Iterator[str]:
    manager_of: Any = getattr(function, DEFAULT_GUARD, None)
    manager = None if manager_of is None else manager_of(app)
    if manager is not None and not is_open(manager, app, endpoint):
        realm = "" if manager.realm == DEFAULT_REALM else f"{manager.realm}."
        yield f"{realm}login_required by default"


def _inside(view: Any, method: str) -> Iterator[str]:
    view_class = find(view, "view_class")
    yield from _on(getattr(view_class, "dispatch_request", None))
    if isinstance(view_class, type) and issubclass(view_class, MethodView):
        yield from _on(getattr(view_class, method.lower(), None))


def _on(function: Any) -> Iterator[str]:
    """Yield the guards on a function, the outermost first.

    A guard may come twice: `functools.wraps` copies its mark to the decorators above it.
    """
    for layer in layers(function):
        name = own(layer).get(GUARD_ATTRIBUTE)
        if isinstance(name, str):
            yield name
