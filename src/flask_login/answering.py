"""Guards below a decorator that answers by itself: a cache, or what makes data of a response."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache, reduce
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from .guards import is_guard
from .marks import find, layers

if TYPE_CHECKING:
    from flask import Flask

    Kind = Literal["guard", "cache", "marshalling"]

#: The packages whose decorators keep a view's answer for the next caller.
_CACHES = frozenset({"flask_caching", "flask_cache", "cachetools"})
#: What takes a guard's response for the view's data, by module. Other decorators of these modules
#: pass a response on as it is.
_MARSHALLING = {
    "flask_restful": ("marshal_with.__call__", "marshal_with_field.__call__"),
    "flask_restx.marshalling": ("marshal_with.__call__", "marshal_with_field.__call__"),
    "flask_restx.namespace": ("Namespace.marshal_with",),
}
_LRU_CACHE = type(lru_cache(len))
#: The modules whose functions are guards, or make one.
_GUARDS = frozenset(f"{__package__}.{name}" for name in ("guards", "realm_guards", "login_manager"))


class Covered(NamedTuple):
    """A view of which something above its guard answers."""

    endpoint: str
    kind: Literal["cache", "marshalling"]


#: What happens then, and what to do about it.
CONSEQUENCES: dict[str, str] = {
    "cache": "whoever asks next gets the page that the first user got, and no guard is asked",
    "marshalling": "callers whom the guard refuses get 200 and empty data instead of the refusal",
}
CURE = (
    "Put the guard above, right below the route; in a Resource of Flask-RESTful or Flask-RESTX last"
    " in 'method_decorators'."
)


def covered_guards(app: Flask) -> list[Covered]:
    """Return the views with a guard below a known decorator that answers by itself.

    Known are Flask-Caching, cachetools and `functools.lru_cache`, and ``marshal_with`` of
    Flask-RESTful and Flask-RESTX.
    """
    found: dict[Covered, None] = {}
    for endpoint, view in sorted(app.view_functions.items()):
        for kinds in _stacks(view):
            above: Any = None
            for kind in kinds:
                if kind == "guard" and above is not None:
                    found[Covered(endpoint, above)] = None
                elif kind != "guard":
                    above = above or kind
    return [*found]


def _stacks(view: Any) -> Iterator[list[Kind]]:
    """Yield the kinds of decorators that a request goes through, the outermost first."""
    outside = _kinds_of(view)
    view_class: Any = find(view, "view_class")
    methods: list[Any] = []
    if isinstance(view_class, type):
        # `dispatch_request` among them, and the methods by the names that requests have.
        names = {
            "dispatch_request",
            *(name.lower() for name in getattr(view, "methods", None) or ()),
        }
        methods = [(name, getattr(view_class, name, None)) for name in sorted(names)]
    if not methods:
        yield outside
    for name, method in methods:
        applied: Any = getattr(view_class, "method_decorators", ())
        if isinstance(applied, dict):
            applied = cast("dict[str, Any]", applied).get(name, ())
        between: list[Kind | None] = [
            _kind_of_decorator(decorator) for decorator in reversed([*applied])
        ]
        inside: list[Kind] = [kind for kind in between if kind is not None]
        yield [*outside, *inside, *_kinds_of(method)]


def _kinds_of(view: Any) -> list[Kind]:
    return [kind for kind in map(_kind_of_layer, layers(view)) if kind is not None]


def _kind_of_layer(layer: Any) -> Kind | None:
    if is_guard(layer):
        return "guard"
    return _answering(layer)


def _kind_of_decorator(decorator: Any) -> Kind | None:
    function = decorator.__func__ if type(decorator) is MethodType else decorator
    return "guard" if _module(function) in _GUARDS else _answering(function)


def _answering(found: Any) -> Kind | None:
    module = _module(found)
    if type(found) is _LRU_CACHE or module.partition(".")[0] in _CACHES:
        return "cache"
    if module in _MARSHALLING:
        of_class: type[object] = type(cast("object", found))
        of_class_call: Any = getattr(of_class, "__call__", None)  # noqa: B004  # not whether, but which
        call = found if of_class is FunctionType else of_class_call
        if getattr(call, "__code__", None) in _codes(module):
            return "marshalling"
    return None


def _module(found: Any) -> str:
    """Return the module in whose code a function or an object's class is written."""
    # `functools.wraps` copies `__module__`, but nobody's globals.
    named = found.__globals__.get("__name__") if type(found) is FunctionType else None
    return str(named or type(found).__module__)


def _codes(module: str) -> set[CodeType]:
    """Return the code of the known decorators of a module, and of the functions inside of it."""
    found, waiting = set[CodeType](), list[Any]()
    for name in _MARSHALLING[module]:
        start: Any = sys.modules.get(module)
        function = reduce(lambda holder, part: getattr(holder, part, None), name.split("."), start)
        waiting.append(getattr(function, "__code__", None))
    while waiting:
        code = waiting.pop()
        if isinstance(code, CodeType):
            found.add(code)
            waiting += code.co_consts
    return found
