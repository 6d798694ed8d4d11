"""Loaders: the application's callbacks that turn an id, a token or a request into a user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import copy_context
from types import CoroutineType, GenericAlias
from typing import TYPE_CHECKING, Any, ParamSpec, cast, overload

from werkzeug.exceptions import NotFound
from werkzeug.local import LocalProxy

from .config import logger
from .exceptions import MissingLoader
from .mixins import says
from .signals import _user_loaded_from_header, user_loaded_from_request
from .state import get_app, get_request

if TYPE_CHECKING:
    from typing import Generic

    from blinker import NamedSignal
    from flask import Request
    from typing_extensions import TypeVar

    # Any by default, so that an unannotated ``LoginManager()`` needs no type argument.
    UserT = TypeVar("UserT", default=Any)
    P = ParamSpec("P")
else:
    from typing import TypeVar

    UserT = TypeVar("UserT")

    class Generic:
        """What typing calls so, without its work for each subclass: a twentieth of our import."""

        def __class_getitem__(cls, user: Any) -> GenericAlias:
            return GenericAlias(cls, user)


def resolve(result: object) -> Any:
    """Return the result of an application's callback, awaited if that was ``async def``.

    It is run by ``app.ensure_sync``, as Flask runs async views. Inside an async view the
    thread's event loop is busy with that view, so the callback gets a loop in a thread of its own.
    """
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


def is_active(user: Any) -> bool:
    """Tell whether a user object may be logged in; one that does not say may."""
    active = getattr(user, "is_active", True)
    return active is True or says(active)


def unwrap(user: Any) -> Any:
    """Return the user object behind `current_user`; any other object as it is."""
    proxy: LocalProxy[Any] = user
    return proxy._get_current_object() if isinstance(user, LocalProxy) else user


class Loaders(Generic[UserT]):
    """The part of `LoginManager` that knows the application's loaders and asks them."""

    def __init__(self) -> None:
        self._user_callback: Callable[[str], Any] | None = None
        self._request_callback: Callable[[Request], Any] | None = None
        self._bearer_callback: Callable[[str], Any] | None = None
        self._header_callback: Callable[[str], Any] | None = None

    @overload
    def user_loader(
        self, callback: Callable[P, Awaitable[UserT | None]]
    ) -> Callable[P, Awaitable[UserT | None]]: ...
    @overload
    def user_loader(self, callback: Callable[P, UserT | None]) -> Callable[P, UserT | None]: ...
    def user_loader(self, callback: Callable[..., Any]) -> Callable[..., Any]:
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
        self._user_callback = callback
        return callback

    @overload
    def request_loader(
        self, callback: Callable[P, Awaitable[UserT | None]]
    ) -> Callable[P, Awaitable[UserT | None]]: ...
    @overload
    def request_loader(self, callback: Callable[P, UserT | None]) -> Callable[P, UserT | None]: ...
    def request_loader(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """Register a function that finds the user in the request itself, such as an API key.

        Asked when neither session nor remember cookie name a user. What it returns holds for
        this request: nothing is written to the session or to a cookie. May be ``async def``.

        :param callback: takes the request; returns a user or None.
        :return: the callback, unchanged.
        """
        self._request_callback = callback
        return callback

    @overload
    def bearer_loader(
        self, callback: Callable[P, Awaitable[UserT | None]]
    ) -> Callable[P, Awaitable[UserT | None]]: ...
    @overload
    def bearer_loader(self, callback: Callable[P, UserT | None]) -> Callable[P, UserT | None]: ...
    def bearer_loader(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """Register a request loader for ``Authorization: Bearer`` (RFC 6750).

        Asked after the `request_loader`. Callers who are refused are told of the scheme by
        ``WWW-Authenticate: Bearer``. May be ``async def``.

        :param callback: takes the token, a `str` that is never empty; returns a user or None.
        :return: the callback, unchanged.

        .. versionadded:: 0.6.90
        """
        self._bearer_callback = callback
        return callback

    def header_loader(
        self, callback: Callable[[str], UserT | None]
    ) -> Callable[[str], UserT | None]:
        """Register a loader that is given the value of the ``Authorization`` header.

        An old name: `request_loader` sees the whole request, `bearer_loader` just the token.

        :param callback: takes the header's value; returns a user or None.
        :return: the callback, unchanged.
        """
        self._header_callback = callback
        return callback

    @property
    def user_callback(self) -> Callable[[str], Any] | None:
        """The registered user loader, or None."""
        return self._user_callback

    @property
    def request_callback(self) -> Callable[[Request], Any] | None:
        """The registered request loader, or None."""
        return self._request_callback

    def _require_loader(self) -> None:
        if (
            self._user_callback is None
            and self._request_callback is None
            and self._bearer_callback is None
            and self._header_callback is None
        ):
            raise MissingLoader

    def _call_user_loader(self, user_id: Any) -> Any:
        if self._user_callback is None:
            return None
        try:
            user = self._user_callback(user_id)
            if user is False or hasattr(user, "__await__"):
                user = self._user_of_result(user)
        except Exception as error:
            if not says_unknown(error):
                raise
            return self._unknown_because(error, user_id)
        return user

    def _user_of_result(self, result: object) -> Any:
        """Return the user that a loader gave, awaited; None for False."""
        return _or_none(self._resolve(result))

    def _unknown_because(self, error: Exception, user_id: Any) -> Any:
        """Return the user of an id that the loader said by an error to be none: None."""
        if type(error) is not NotFound:
            logger.warning(
                "The user_loader raised %s for user id %r: the id is taken as unknown.",
                type(error).__name__,
                user_id,
                exc_info=True,
            )
        return None

    def _ask_loaders(self) -> tuple[Any, str | None]:
        request = get_request()
        header = request.environ.get("HTTP_AUTHORIZATION")
        if self._header_callback is not None and header is not None:
            user = self._load_user_from_header(header)
            if user is not None:
                return user, "request"
        if self._request_callback is not None:
            user = self._load_user_from_request(request)
            if user is not None:
                return user, "request"
        if self._bearer_callback is not None and header is not None:
            scheme, _, token = header.partition(" ")
            token = token.strip()
            if scheme.lower() == "bearer" and token:
                found = self._resolve(self._bearer_callback(token))
                user = self._accept(found, "bearer", user_loaded_from_request)
                if user is not None:
                    return user, "bearer"
        return None, None

    def _load_user_from_request(self, request: Request) -> Any:
        if self._request_callback is None:
            return None
        found = self._resolve(self._request_callback(request))
        return self._accept(found, "request", user_loaded_from_request)

    def _load_user_from_header(self, header: str) -> Any:
        if self._header_callback is None:
            return None
        found = self._resolve(self._header_callback(header))
        return self._accept(found, "request", _user_loaded_from_header)

    def _accept(self, user: Any, source: str, signal: NamedSignal) -> Any:
        user = _or_none(user)
        if user is None or not is_active(user):
            return None
        # Before the signal, so that its receivers may read current_user.
        self._assign(user, source)
        if signal.receivers:
            signal.send(get_app(), user=user)
        return user

    def _resolve(self, result: object) -> Any:
        """Return the result of a loader, awaited if that was ``async def``."""
        return resolve(result)

    def _assign(self, user: Any, source: str | None) -> None:
        raise NotImplementedError  # the layer above keeps the user of the request


#: Errors of other libraries that say that an id is none, by the names of module and class: what is
#: not installed can't be imported.
_NO_ID = {("bson.errors", "InvalidId"), ("mongoengine.errors", "ValidationError")}


def says_unknown(error: Exception) -> bool:
    """Tell whether an error of a user loader means that there is no such user.

    Not what is a `ValueError` only by inheritance (of JSON, Unicode, a validation): a row that is
    broken says nothing of the id.
    """
    if type(error) is ValueError or type(error) is NotFound:
        return True
    return any((kind.__module__, kind.__name__) in _NO_ID for kind in type(error).__mro__)


def _or_none(user: Any) -> Any:
    """Return what a loader gave; some say False for "nobody"."""
    return None if user is False else user
