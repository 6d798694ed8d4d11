"""Marks on views, also on views that take no attributes.

Bound methods, builtins and objects with ``__slots__`` take none, and a mock has every one. So a
function carries its marks as attributes, which `functools.wraps` copies to the decorators above it;
marks on anything else are kept here for as long as it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Generic, TypeVar, cast
from weakref import ref

V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])

#: On a view function whose requests don't count as activity.
NO_ACTIVITY = "_login_no_activity"

#: More decorators than any view has: an object may have an endless chain of ``__wrapped__``.
_DEEPEST = 100

#: How many views without weak references are held. Only a loop makes more; then the oldest mark is
#: dropped, so that more is guarded than was meant, never less.
_MOST_HELD = 1000


def _parts(view: Any) -> tuple[Any, ...]:
    """Return the objects that identify a view; for a bound method its two lasting parts."""
    return (view.__self__, view.__func__) if type(view) is MethodType else (view,)


class Notes(Generic[V]):
    """Values by view, by identity; a value goes when its view goes."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, ...], tuple[tuple[Any, ...], V]] = {}
        self._held: dict[tuple[int, ...], None] = {}

    def get(self, view: Any) -> V | None:
        """Return the value of a view, or None."""
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
    """Return the attributes that were set on a view, without those that it computes on access."""
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
    # Nearly every view is a function, which computes no attributes.
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
    """Return whether a view, what it wraps, or the class that it was made from has a mark."""
    if find(view, name) is True:
        return True
    notes = _marked.get(name)
    if notes is not None and any(notes.get(layer) for layer in layers(view)):
        return True
    is_function = type(view) is FunctionType
    view_class = cast("Any", getattr(view, "view_class", None) if is_function else type(view))
    return isinstance(view_class, type) and vars(view_class).get(name) is True


def no_activity(view: F) -> F:
    """Mark a view whose requests are no activity of the user: they don't restart the idle timeout.

    For requests that a page repeats by itself: new messages, the state of a job. Put it right
    below ``@app.route``, above the guards::

        @app.get("/unread")
        @no_activity
        @login_required
        def unread(): ...

    Requests that a browser makes ahead of time (``Sec-Purpose: prefetch``) never count.

    :param view: the view, which may be any callable, or the class of views.
    :return: the same view, marked.

    .. versionadded:: 0.6.90
    """
    mark(view, NO_ACTIVITY)
    return view
