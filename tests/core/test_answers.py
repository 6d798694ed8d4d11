"""Answers of the application: what counts as yes, and what never does."""

from __future__ import annotations

import warnings
from concurrent.futures import Future
from functools import cached_property
from types import FunctionType
from typing import Any
from unittest.mock import MagicMock

import pytest
from flask import Flask, session

from flask_login.core.answers import answer_of, says
from flask_login.loaders import resolve


async def no() -> bool:
    return False


@pytest.mark.parametrize(
    ("value", "answer"),
    [(True, True), (False, False), (None, False), (lambda: True, True), (lambda: False, False)],
)
def test_a_yes_or_no_may_be_a_method(value: object, answer: bool) -> None:
    assert says(value) is answer


def test_a_function_in_a_function_is_asked_in_the_end() -> None:
    assert says(lambda: lambda: lambda: False) is False
    assert answer_of(lambda: lambda: 3) == 3


def test_a_function_that_never_ends_giving_functions_is_no_yes() -> None:
    def method() -> FunctionType:
        return method  # type: ignore[return-value]  # it is one

    with pytest.raises(TypeError, match="function is no answer"):
        says(method)


@pytest.mark.filterwarnings("ignore:coroutine")
def test_what_nobody_can_await_here_is_no_yes() -> None:
    with pytest.raises(TypeError, match="never awaited"):
        says(no)


def test_an_awaitable_that_is_awaited_for_ever_is_no_yes() -> None:
    class Endless:
        def __await__(self) -> Any: ...

    with pytest.raises(TypeError, match="Endless is no answer"):
        says(Endless(), lambda value: value)


class Row:
    """A user, whose properties say something only of an object."""

    @property
    def is_admin(self) -> bool:
        return False

    @cached_property
    def is_owner(self) -> bool:
        return False


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: Row.is_admin, id="a property"),
        pytest.param(lambda: Row.is_owner, id="a cached property"),
    ],
)
def test_what_is_read_from_the_class_of_users_is_no_yes(value: object) -> None:
    with pytest.raises(TypeError, match="is no answer: ask a user, not the class of users"):
        says(value)


def test_a_column_or_condition_of_the_class_of_users_is_no_yes() -> None:
    orm = pytest.importorskip("sqlalchemy.orm")
    sa = pytest.importorskip("sqlalchemy")

    class Person(orm.declarative_base()):  # type: ignore[misc]  # a class made at run time
        __tablename__ = "people"

        id = sa.Column(sa.Integer, primary_key=True)
        is_admin = sa.Column(sa.Boolean)
        role = sa.Column(sa.String)

    for value in (lambda: Person.is_admin, lambda: Person.role != "guest"):
        with pytest.raises(TypeError, match="is no answer"):
            says(value)
    assert says(lambda: Person(is_admin=False).is_admin) is False


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: map(bool, [False]), id="map"),
        pytest.param(lambda: filter(None, [False]), id="filter"),
        pytest.param(lambda: (no for no in [False]), id="a generator"),
        pytest.param(Future, id="a future"),
    ],
)
def test_an_answer_that_nobody_fetched_is_no_yes(value: object) -> None:
    with pytest.raises(TypeError, match="is no answer"):
        says(value)


def test_what_is_empty_or_full_is_a_no_or_a_yes() -> None:
    for empty, full in (([], [1]), ({}, {1: 2}), (0, 2), ("", "x"), (None, object())):
        assert [says(empty), says(full)] == [False, True]


def test_a_mock_counts_as_yes_as_before() -> None:
    assert says(MagicMock()) is True


def test_a_proxy_is_what_it_stands_for(app: Flask) -> None:
    pytest.importorskip("asgiref", reason="async answers need Flask's extra 'async'")
    with app.test_request_context(), warnings.catch_warnings():
        assert says(session, resolve) is False
        session["is"] = "no longer empty"
        assert says(session, resolve) is True
        assert says(lambda: session, resolve) is True
        assert says(no, resolve) is False
