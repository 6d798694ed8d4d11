"""Loaders: the application's callbacks, taken here, and awaited where they are ``async def``.

A function that takes one is a method of `LoginManager`: its first argument is the manager.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from werkzeug.local import LocalProxy

from .flask_internals import get_app

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Request

    from .core.ports import MayImpersonate
    from .ports import Manager

    UserT = TypeVar("UserT")
    # What a loader takes first: what `get_id()` may return, and the application's own requests.
    IdT = TypeVar("IdT", int, UUID, bytes)
    RequestT = TypeVar("RequestT", bound=Request)


@overload
def user_loader(
    manager: Manager[UserT], callback: Callable[[str], Awaitable[UserT | None]]
) -> Callable[[str], Awaitable[UserT | None]]: ...
@overload
def user_loader(
    manager: Manager[UserT], callback: Callable[[str], UserT | None]
) -> Callable[[str], UserT | None]: ...
@overload
def user_loader(
    manager: Manager[UserT], callback: Callable[[IdT], Awaitable[UserT | None]]
) -> Callable[[IdT], Awaitable[UserT | None]]: ...
@overload
def user_loader(
    manager: Manager[UserT], callback: Callable[[IdT], UserT | None]
) -> Callable[[IdT], UserT | None]: ...
def user_loader(manager: Manager, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Register the function that returns the user of a user id, or None.

    It is called on the first question for the user in a request. Return None for an id
    that is unknown: the request is nobody's, and the login ends when the id is still unknown
    after ``LOGIN_UNKNOWN_USER_GRACE``. A `ValueError` (``int("abc")``) means the same and is
    logged, and so does a 404 (``get_or_404``), but not their subclasses. Any other exception
    is yours and propagates: nothing ends, and who asks again in this request sees nobody. May
    be ``async def``.

    While it runs `current_user` is nobody, for what it starts in its own context too. A thread
    that a loader starts in another context must not ask for it: it would ask the loader.

    :param callback: takes the user id: what ``get_id()`` returned, of the same type if it is
        a `str`, an `int`, a `uuid.UUID` or `bytes`.
    :return: the callback, unchanged.
    """
    manager._user_callback = callback
    return callback


@overload
def request_loader(
    manager: Manager[UserT], callback: Callable[[RequestT], Awaitable[UserT | None]]
) -> Callable[[RequestT], Awaitable[UserT | None]]: ...
@overload
def request_loader(
    manager: Manager[UserT], callback: Callable[[RequestT], UserT | None]
) -> Callable[[RequestT], UserT | None]: ...
def request_loader(manager: Manager, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Register a function that finds the user in the request itself, such as an API key.

    Asked when neither session nor remember cookie name a user. What it returns holds for
    this request: nothing is written to the session or to a cookie. May be ``async def``.

    :param callback: takes the request; returns a user or None.
    :return: the callback, unchanged.
    """
    manager._request_callback = callback
    return callback


@overload
def bearer_loader(
    manager: Manager[UserT], callback: Callable[[str], Awaitable[UserT | None]]
) -> Callable[[str], Awaitable[UserT | None]]: ...
@overload
def bearer_loader(
    manager: Manager[UserT], callback: Callable[[str], UserT | None]
) -> Callable[[str], UserT | None]: ...
def bearer_loader(manager: Manager, callback: Callable[..., Any]) -> Callable[..., Any]:
    """Register a request loader for ``Authorization: Bearer`` (RFC 6750).

    Asked after the `request_loader`. Callers who are refused are told of the scheme by
    ``WWW-Authenticate: Bearer``. May be ``async def``.

    :param callback: takes the token, a `str` that is never empty; returns a user or None.
    :return: the callback, unchanged.

    .. versionadded:: 0.6.90
    """
    manager._bearer_callback = callback
    return callback


def header_loader(
    manager: Manager[UserT], callback: Callable[[str], UserT | None]
) -> Callable[[str], UserT | None]:
    """Register a loader that is given the value of the ``Authorization`` header.

    An old name: `request_loader` sees the whole request, `bearer_loader` just the token.

    :param callback: takes the header's value; returns a user or None.
    :return: the callback, unchanged.
    """
    manager._header_callback = callback
    return callback


def may_impersonate(manager: Manager, callback: MayImpersonate) -> MayImpersonate:
    """Register the function that tells who may act as whom.

    It is asked by `impersonate`, and again on every request. Let nobody act as somebody who
    may more than they do.

    :param callback: takes the actor and the other user, returns whether they may. May be
        ``async def``.
    :return: the callback, unchanged.

    .. versionadded:: 0.6.90
    """
    manager.may_impersonate_callback = callback
    return callback


def resolve(result: object) -> Any:
    """Return the result of an application's callback, awaited if that was ``async def``.

    It is run by ``app.ensure_sync``, as Flask runs async views. Inside an async view the
    thread's event loop is busy with that view, so the callback gets a loop in a thread of its own.
    """
    if isinstance(result, LocalProxy):
        result = unwrap(result)  # a proxy has every method; what it stands for may have none
    if not hasattr(type(result), "__await__"):
        return result
    # Imported here: it takes longer than the whole of this package, for who is not async.
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    awaitable = cast("Any", result)

    async def wait() -> Any:
        return await awaitable

    try:
        run: Callable[[], Any] = get_app().ensure_sync(wait)
    except RuntimeError:
        if isinstance(awaitable, CoroutineType):
            awaitable.close()  # not awaited, and no warning about that
        raise
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(copy_context().run, run).result()


def unwrap(user: Any) -> Any:
    """Return the user object behind `current_user`; any other object as it is."""
    proxy: LocalProxy[Any] = user
    return proxy._get_current_object() if isinstance(user, LocalProxy) else user
