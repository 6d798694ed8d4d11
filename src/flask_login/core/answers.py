"""Answers of the application: a yes, a no, a number or a text, however they are given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import AsyncGeneratorType, FunctionType, MethodType
from typing import Any

#: More than any answer is wrapped: a mock gives another mock at each call, for ever.
_DEEPEST = 8

_NO_ANSWERS = (AsyncGeneratorType, FunctionType, MethodType, partial)
#: What only becomes an answer once somebody asks it: a future, and a condition of SQL. What is read
#: from a class (a property, a column) and an iterator are true whatever they would say.
_QUESTIONS = ("__await__", "add_done_callback", "__visit_name__")
_ALWAYS_TRUE = ("__get__", "__next__")


def _refuse_to_wait(value: object) -> Any:
    raise TypeError(f"The {type(value).__name__} that stands for an answer was never awaited.")


def answer_of(value: object, resolve: Callable[[Any], Any] = _refuse_to_wait) -> Any:
    """Return the answer that the application gives by a value, a function or ``async def``.

    A method that nobody called, and a coroutine that nobody awaited, would both count as yes.

    :param resolve: awaits what is awaitable.

    Raises `TypeError` for what never becomes an answer: what can't be awaited here, an iterator, or
    a property or column that was read from the class of users in place of a user.
    """
    if value is None or type(value) in _ANSWERS:
        return value
    for _ in range(_DEEPEST):
        if hasattr(type(value), "__await__"):
            value = resolve(value)
        elif callable(value):
            value = value()
        else:
            break
    kind: type[object] = type(value)
    if _is_no_answer(kind):
        cure = "return True or False, from a plain function"
        if hasattr(kind, "__get__") and not issubclass(kind, _NO_ANSWERS):
            cure = "ask a user, not the class of users"
        raise TypeError(f"A {kind.__name__} is no answer: {cure}.")
    return value


#: The types of nearly all answers.
_ANSWERS = (bool, int, str)


def _is_no_answer(kind: type[object]) -> bool:
    """Return whether values of a type would count as yes although nobody ever said it."""
    if issubclass(kind, _NO_ANSWERS) or any(hasattr(kind, name) for name in _QUESTIONS):
        return True
    says_itself = hasattr(kind, "__bool__") or hasattr(kind, "__len__")
    return not says_itself and any(hasattr(kind, name) for name in _ALWAYS_TRUE)


def says(value: object, resolve: Callable[[Any], Any] = _refuse_to_wait) -> bool:
    """Return the yes or no that the application gives: see `answer_of`."""
    return bool(answer_of(value, resolve))
