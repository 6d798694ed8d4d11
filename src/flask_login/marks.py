"""What is noted of a view beside it, because not every view takes an attribute.

A bound method, a builtin and an object with ``__slots__`` take none, and a mock has every one. So a
function carries its marks itself, from where `functools.wraps` copies them to the decorators above
it, and of everything else they are noted here, for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Generic, TypeVar, cast
from weakref import ref

V = TypeVar("V")

#: More decorators than a view has; an object may have a ``__wrapped__`` without end.
_DEEPEST = 100

#: How many views are noted that nothing can refer to weakly. More are only made in a loop: the
#: oldest is forgotten then, and so more is guarded than was meant, never less.
_MOST_HELD = 1000


def _parts(view: Any) -> tuple[Any, ...]:
    """Return what makes a view out: a bound method is made at each access, its parts stay."""
    return (view.__self__, view.__func__) if type(view) is MethodType else (view,)


class Notes(Generic[V]):
    """Values by the view that they are about, by identity; they go with it."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, ...], tuple[tuple[Any, ...], V]] = {}
        self._held: dict[tuple[int, ...], None] = {}

    def get(self, view: Any) -> V | None:
        """Return what is noted of a view, or None."""
        found = self._values.get(tuple(map(id, _parts(view)))) if self._values else None
        return None if found is None else found[1]

    def put(self, view: Any, value: V) -> None:
        """Note a value of a view; the view itself is kept where nothing can refer to it weakly."""
        parts, values = _parts(view), self._values
        key = tuple(map(id, parts))

        def forget(_: object) -> None:
            values.pop(key, None)

        try:
            values[key] = tuple(ref(part, forget) for part in parts), value
        except TypeError:
            values[key] = parts, value
            self._held[key] = None
            while len(self._held) > _MOST_HELD:
                oldest = next(iter(self._held))
                del self._held[oldest], values[oldest]


def own(view: Any) -> Mapping[str, Any]:
    """Return the attributes that were set on a view; nothing that it makes up when it is asked."""
    try:
        return cast("Mapping[str, Any]", vars(view))
    except (TypeError, AttributeError, RuntimeError):
        return {}


def wrapped_by(view: Any) -> Any:
    """Return what a view wraps, or None."""
    if type(view) is MethodType:
        return view.__func__
    if isinstance(view, partial):
        return view.func
    inner = getattr(view, "__wrapped__", None)
    if inner is None and type(view) is not FunctionType and not isinstance(view, type):
        kind = cast("Any", type(view))
        call = getattr(kind, "__call__", None)  # noqa: B004  # not whether, but which
        inner = call if type(call) is FunctionType else None
    return inner


def layers(view: Any) -> Iterator[Any]:
    """Yield a view and what it wraps, the outermost first."""
    for _ in range(_DEEPEST):
        if view is None:
            return
        yield view
        view = wrapped_by(view)


def find(view: Any, name: str) -> Any:
    """Return the outermost attribute of a name that was set on a view or on what it wraps."""
    # Nearly every view is a function, which makes nothing up; each request may ask.
    while type(view) is FunctionType:
        found = getattr(view, name, None)
        if found is not None:
            return found
        view = getattr(view, "__wrapped__", None)
    if view is None:
        return None
    for layer in layers(view):
        attributes = own(layer)
        if name in attributes:
            return attributes[name]
    return None


_marked: dict[str, Notes[bool]] = {}


def mark(view: Any, name: str) -> None:
    """Put a mark on a view, or on a class of views."""
    if type(view) is FunctionType:
        view.__dict__[name] = True
        return
    if isinstance(view, type):
        try:
            type.__setattr__(view, name, True)
        except TypeError:  # one that is built in
            pass
        else:
            return
    _marked.setdefault(name, Notes()).put(view, True)


def is_marked(view: Any, name: str) -> bool:
    """Tell whether a view, what it wraps, or the very class that it was made from, has a mark."""
    if find(view, name) is True:
        return True
    notes = _marked.get(name)
    if notes is not None and any(notes.get(layer) for layer in layers(view)):
        return True
    is_function = type(view) is FunctionType
    view_class = cast("Any", getattr(view, "view_class", None) if is_function else type(view))
    return isinstance(view_class, type) and vars(view_class).get(name) is True
