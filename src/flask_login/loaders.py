"""Loaders: what the application's callbacks give, awaited where they are ``async def``."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, cast

from werkzeug.local import LocalProxy

from .flask_internals import get_app

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    # Any by default, so that an unannotated ``LoginManager()`` needs no type argument.
    UserT = TypeVar("UserT", default=Any)
else:
    from typing import TypeVar

    UserT = TypeVar("UserT")


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
