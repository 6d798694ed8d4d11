"""The guarded forms of functions: which became views, are kept elsewhere, or are garbage."""

from __future__ import annotations

import sys
from itertools import takewhile
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import ref

from .marks import Notes, layers

if TYPE_CHECKING:
    from types import FrameType


class Forms:
    """The guarded forms of one function that still exist."""

    def __init__(self) -> None:
        self._refs: list[ref[Any]] = []
        #: Whether one was seen among the views of an application.
        self.is_registered: bool = False
        #: Whether a guard stands among the decorators of the function itself.
        self.is_written_above: bool = False

    def add(self, form: Any) -> None:
        """Add a form, and drop those that no longer exist."""
        self._refs = [known for known in self._refs if known() is not None]
        self._refs.append(ref(form))

    def living(self) -> list[Any]:
        """Return the forms that still exist."""
        return [form for known in self._refs if (form := known()) is not None]


_forms: Notes[Forms] = Notes()


def forms_of(view: Any) -> Forms | None:
    """Return the guarded forms of a view; None if no guard was put on it."""
    return _forms.get(view)


def note_form(view: Any, form: Any) -> None:
    """Note a guarded form of a function, also on the functions that it wraps.

    The note keeps nothing alive: an application may guard a view again at each call. Only functions
    are noted, because decorators are not written above other callables.
    """
    caller: FrameType | None = sys._getframe(1)
    while caller is not None and caller.f_globals.get("__package__") == __package__:
        caller = caller.f_back
    functions = [*takewhile(lambda layer: type(layer) is FunctionType, layers(view))]
    written_above = any(_defines(caller, function) for function in functions)
    for function in functions:
        forms = _forms.get(function)
        if forms is None:
            forms = Forms()
            _forms.put(function, forms)
        forms.add(form)
        forms.is_written_above = forms.is_written_above or written_above


def _defines(frame: FrameType | None, function: FunctionType) -> bool:
    """Return whether a frame is about to call the decorators of a function.

    It then runs the code that defines the function, at a line between its first decorator and its
    first statement.
    """
    code = function.__code__
    if frame is None or function.__name__ == "<lambda>" or code not in frame.f_code.co_consts:
        return False
    first = code.co_firstlineno
    inner = [line for _, _, line in code.co_lines() if line is not None and line > first]
    return first <= frame.f_lineno <= min(inner, default=first)
