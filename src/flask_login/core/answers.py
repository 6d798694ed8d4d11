"""Answers of the application: a yes, a no, a number or a text, however they are given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import AsyncGeneratorType, FunctionType, GeneratorType, MethodType
from typing import Any

#: More than any answer is wrapped: a mock gives another mock at each call, for ever.
_DEEPEST = 8

_NO_ANSWERS = (GeneratorType, AsyncGeneratorType, FunctionType, MethodType, partial)


def _refuse_to_wait(value: object) -> Any:
    raise TypeError(f"The {type(value).__name__} that stands for an answer was never awaited.")


def answer_of(value: object, resolve: Callable[[Any], Any] = _refuse_to_wait) -> Any:
    """Return the answer that the application gives by a value, a function or ``async def``.

    A method that nobody called, and a coroutine that nobody awaited, would both count as yes.

    :param resolve: awaits what is awaitable.

    Raises `TypeError` for what never becomes an answer: a generator, or what can't be awaited here.
    """
    for _ in range(_DEEPEST):
        if hasattr(type(value), "__await__"):
            value = resolve(value)
        elif callable(value):
            value = value()
        else:
            break
    kind: type[object] = type(value)
    if issubclass(kind, _NO_ANSWERS) or hasattr(kind, "__await__"):
        raise TypeError(f"A {kind.__name__} is no answer: return it from a plain function.")
    return value


def says(value: object, resolve: Callable[[Any], Any] = _refuse_to_wait) -> bool:
    """Return the yes or no that the application gives: see `answer_of`."""
    return bool(answer_of(value, resolve))
