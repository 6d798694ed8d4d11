"""`LoginManager`: the facade. What an application sets, calls and overrides, for one realm.

It has no logic: a method says which room does the work, and many are that room's own function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from flask import has_app_context
from werkzeug.local import LocalProxy

from . import (
    changes,
    cookies,
    current,
    default_guard,
    finish,
    guards,
    marks,
    redirects,
    registration,
    responses,
    star_names,
)
from .core import settings, sources
from .core.exceptions import ConfigurationError
from .core.realms import open_realm
from .core.registry import SessionRegistry
from .core.users import AnonymousUserMixin
from .core.visit import utc_now
from .current import _user_context_processor as _user_context_processor
from .flask_internals import get_config
from .loaders import UserT, unwrap
from .login_facts import CurrentLogin
from .star_names import *  # noqa: F403  # what a star brought from here
from .visit import FlaskHost, visit_of
from .visit import create_identifier as _create_identifier

if TYPE_CHECKING:
    from flask import Flask, Request, Response

    from .core.logins import StoredLogins
    from .guards import Decorator
    from .sessions.store import SessionStore

    #: Tells whether the first user may act as the second.
    MayImpersonate = Callable[[Any, Any], Any]

__all__ = ["LoginManager"]
__all__ += star_names.__all__

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

#: The methods and attributes of before 0.6.90 that applications override, or patch on the class or
#: on a manager. Each is asked at its place, on every request.
HOOKS = (
    "_load_user",
    "_session_protection_failed",
    "_load_user_from_remember_cookie",
    "_load_user_from_request",
    "_load_user_from_header",
    "_update_request_context_with_user",
    "_update_remember_cookie",
    "_set_cookie",
    "_clear_cookie",
    "_user_callback",
    "_request_callback",
    "_session_identifier_generator",
)


class LoginManager(Generic[UserT]):
    """Knows how an application's users log in: its loaders, views and settings.

    One manager serves one realm, in as many applications as call `init_app`::

        login_manager = LoginManager(app)
        login_manager.login_view = "login"


        @login_manager.user_loader
        def load_user(user_id):
            return db.session.get(User, int(user_id))

    For a type checker it is generic in your user class: ``LoginManager[User]()`` has a typed
    `current_user`, `login_user` and `user_loader`.

    :param app: the application; or call `init_app` later.
    :param add_context_processor: whether templates get ``current_user`` (a named realm:
        ``current_NAME``).
    :param name: the name of an additional realm: a second, independent login in the same
        application, with its own session entries, cookie, views and current user. Lower-case
        letters, digits and ``_``. None is the default realm, which the module's functions mean.
    :param session_store: where to keep logins, so that they can be seen and revoked, and end at
        once and everywhere. None keeps them in the browser's signed cookies alone.
    :param clock: returns the time as an aware `datetime.datetime` in UTC; every expiry asks it.
        For tests. By default the system's clock.

    Raises `ConfigurationError` for a bad name, or a wrong setting in ``app.config``.

    .. versionchanged:: 0.6.90
        `name`, `session_store` and `clock` are new; so is being generic.
    """

    def __init__(
        self,
        app: Flask | None = None,
        add_context_processor: bool = True,
        *,
        name: str | None = None,
        session_store: SessionStore | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        realm = settings.DEFAULT_REALM if name is None else name
        #: The name of this realm; ``"default"`` for a manager without a name.
        self.realm = realm
        self._clock = clock or utc_now
        own = {name: hook.__get__(self) for name, hook in _OWN.items()}
        self._realm = open_realm(
            realm, self._clock, hooks=self, own=own, host=FlaskHost(), store=session_store
        )
        #: The names of this realm's session entries.
        self.keys = self._realm.entry.keys
        #: This realm's current user, as a proxy; typed as your user class.
        self.current_user: UserT = cast("UserT", current.UserProxy(self.get_current_user))
        #: What is known of this request's login to this realm, as a proxy; falsy for nobody.
        self.current_login: CurrentLogin = cast("CurrentLogin", LocalProxy(self.get_current_login))

        #: The method of the user object that returns its id.
        self.id_attribute = settings.ID_ATTRIBUTE
        #: Makes the object that stands for an anonymous user. A class or function without
        #: arguments; it may return None.
        self.anonymous_user: Callable[[], Any] = AnonymousUserMixin
        self.session_protection = settings.SESSION_PROTECTION.default
        #: Tells whether a user may act as another; without it nobody may.
        self.may_impersonate_callback: MayImpersonate | None = None
        self._session_identifier_generator: Callable[[], str] = _create_identifier

        self._user_callback: Callable[[Any], Any] | None = None
        self._request_callback: Callable[[Request], Any] | None = None
        self._exempt_endpoints: set[str] = set()
        self._bearer_callback: Callable[[str], Any] | None = None
        self._header_callback: Callable[[str], Any] | None = None

        #: Where to log in: an endpoint, a path or a URL. Without it a page gets 401.
        self.login_view: str | None = None
        #: Login views by blueprint name, which win over `login_view`. None for a blueprint that
        #: has no pages: every caller of it gets the answer for programs.
        self.blueprint_login_views: dict[str | None, str | None] = {}
        #: Flashed when a page is redirected to the login view; None for nothing. May be a lazy
        #: string of a translation library.
        self.login_message: Any = settings.LOGIN_MESSAGE
        #: Flashed in its place to somebody whose login has just ended, by the reason (see
        #: `login_ended_reason`). A reason that is missing here gets `login_message`.
        self.ended_messages: dict[str, Any] = dict(settings.ENDED_MESSAGES)
        #: The category `login_message` is flashed with.
        self.login_message_category = settings.LOGIN_MESSAGE_CATEGORY
        #: Where to become fresh again. Without it a page gets 401.
        self.refresh_view: str | None = None
        #: Flashed when a page is redirected to the refresh view; None for nothing.
        self.needs_refresh_message: Any = settings.REFRESH_MESSAGE
        #: The category `needs_refresh_message` is flashed with.
        self.needs_refresh_message_category = settings.REFRESH_MESSAGE_CATEGORY
        #: Translates the messages at use: a function of text to text.
        self.localize_callback: Callable[[Any], Any] | None = None
        #: Answers callers who are not logged in, instead of the library.
        self.unauthorized_callback: Callable[[], Any] | None = None
        #: Answers callers whose login is not fresh, instead of the library.
        self.needs_refresh_callback: Callable[[], Any] | None = None

        if app is not None:
            self.init_app(app, add_context_processor)

    def init_app(self, app: Flask, add_context_processor: bool = True) -> None:
        """Make this manager the one of its realm in `app`, replacing an earlier one.

        Checks every setting that stands in ``app.config`` now; the page of the settings lists
        them. They are read at use, so that a later change counts. A wrong value of a setting that
        Flask-Login 0.6.3 had is logged, and raises where it is used.

        :param app: the application.
        :param add_context_processor: whether templates get ``current_user`` (a named realm:
            ``current_NAME``).

        Raises `ConfigurationError` with key, value and what is accepted.
        """
        registration.register(self, app, add_context_processor)

    #: Its name before 2012.
    setup_app = init_app

    # ---------------------------------------------------------- the callbacks

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

    def may_impersonate(self, callback: MayImpersonate) -> MayImpersonate:
        """Register the function that tells who may act as whom.

        It is asked by `impersonate`, and again on every request. Let nobody act as somebody who
        may more than they do.

        :param callback: takes the actor and the other user, returns whether they may. May be
            ``async def``.
        :return: the callback, unchanged.

        .. versionadded:: 0.6.90
        """
        self.may_impersonate_callback = callback
        return callback

    @property
    def session_protection(self) -> str | None:
        """What happens when a login session shows up from another client.

        ``"basic"`` makes it not fresh, ``"strong"`` ends it, None ignores it. The setting
        ``SESSION_PROTECTION`` wins over it. A mode in other letters (``"Strong"``) is read as what
        it means, with a warning. Any other value is an error in the log, and raises
        `ConfigurationError` at the request that would need it.
        """
        try:
            return settings.SESSION_PROTECTION.check(self._session_protection)
        except ConfigurationError:
            return self._session_protection

    @session_protection.setter
    def session_protection(self, value: str | None) -> None:
        remark = settings.SESSION_PROTECTION.remark(value, "session_protection")
        if remark is not None:
            settings.log_remark(remark)
        self._session_protection = value

    unauthorized_handler = responses.unauthorized_handler
    needs_refresh_handler = responses.needs_refresh_handler
    set_login_view = responses.set_login_view

    # ------------------------------------------------------------ who it is

    def get_current_user(self) -> UserT | AnonymousUserMixin | None:
        """Return the user of this request: the real object, no proxy.

        An anonymous user is an object made by `anonymous_user`. Outside of a request the answer is
        None. While a loader runs it is an anonymous user: there is no user yet.

        .. versionadded:: 0.6.90
        """
        return cast("UserT", current.current_of(self))

    def acting_as(self, user: UserT | None) -> AbstractContextManager[UserT | None]:
        """Make `user` the current user inside of a ``with`` block. See `flask_login.acting_as`."""
        return current.acting(self, user)

    get_current_login = current.login_of
    login_fresh = current.is_fresh
    login_remembered = current.is_remembered
    login_still_valid = current.is_still_valid
    login_ended_reason = current.ended_reason

    @property
    def sessions(self) -> SessionRegistry:
        """The registry of this realm's logins: list and revoke them.

        Raises `ConfigurationError` for a manager without a session store.

        .. versionadded:: 0.6.90
        """
        return current.registry_of(self)

    @property
    def _logins(self) -> StoredLogins | None:
        return self._realm.logins

    # ----------------------------------------------------- what changes a login

    def login_user(
        self,
        user: UserT,
        remember: bool = False,
        duration: timedelta | None = None,
        force: bool = False,
        fresh: bool = True,
        *,
        methods: Collection[str] = (),
        external_id: str | None = None,
        idle_timeout: timedelta | None = None,
        absolute_timeout: timedelta | None = None,
        fresh_timeout: timedelta | None = None,
    ) -> bool:
        """Log `user` in, in this realm. See `flask_login.login_user`."""
        return changes.login_user(
            self,
            user,
            remember,
            duration,
            force,
            fresh,
            methods=methods,
            external_id=external_id,
            idle_timeout=idle_timeout,
            absolute_timeout=absolute_timeout,
            fresh_timeout=fresh_timeout,
        )

    confirm_login = changes.confirm_login
    logout_user = changes.logout_user
    login_failed = changes.login_failed

    def begin_login(
        self,
        user: UserT,
        remember: bool = False,
        duration: timedelta | None = None,
        *,
        methods: Collection[str] = (),
    ) -> bool:
        """Note that `user` passed the first step. See `flask_login.begin_login`."""
        return changes.begin_login(self, user, remember, duration, methods=methods)

    def pending_user(self) -> UserT | None:
        """Return the user between two steps of a login. See `flask_login.pending_user`."""
        return cast("UserT | None", changes.pending_user(self))

    complete_login = changes.complete_login

    def impersonate(self, user: UserT) -> None:
        """Act as `user` from here on. See `flask_login.impersonate`."""
        changes.impersonate(self, user)

    stop_impersonating = changes.stop_impersonating

    # ------------------------------------------------------------------ guards

    @overload
    def login_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def login_required(
        self, view: None = None, *, when: Callable[[UserT], Any] | None = None
    ) -> Decorator: ...

    def login_required(
        self, view: Any = None, *, when: Callable[[UserT], Any] | None = None
    ) -> Any:
        """Guard a view for who is logged in to this realm. See `flask_login.login_required`."""
        return guards.decorate(view, lambda: self, *guards.named(self, guards.login_rule(when)))

    @overload
    def fresh_login_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def fresh_login_required(
        self,
        view: None = None,
        *,
        max_age: timedelta | None = None,
        methods: Collection[str] | None = None,
        impersonated: bool = False,
    ) -> Decorator: ...

    def fresh_login_required(
        self,
        view: Any = None,
        *,
        max_age: timedelta | None = None,
        methods: Collection[str] | None = None,
        impersonated: bool = False,
    ) -> Any:
        """Guard a view for a fresh login of this realm. See `flask_login.fresh_login_required`."""
        rule = guards.fresh_rule(max_age, methods, impersonated)
        return guards.decorate(view, lambda: self, *guards.named(self, rule))

    @overload
    def anonymous_required(self, view: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def anonymous_required(
        self, view: None = None, *, redirect_to: str | None = None
    ) -> Decorator: ...

    def anonymous_required(self, view: Any = None, *, redirect_to: str | None = None) -> Any:
        """Guard a view for who is not logged in. See `flask_login.anonymous_required`."""
        return guards.decorate(
            view, lambda: self, *guards.named(self, guards.anonymous_rule(redirect_to))
        )

    protect = default_guard.protect
    exempt = default_guard.exempt
    login_not_required = staticmethod(default_guard.login_not_required)
    no_activity = staticmethod(marks.no_activity)

    @property
    def _login_disabled(self) -> bool:
        return has_app_context() and settings.LOGIN_DISABLED.read(get_config())

    @_login_disabled.setter
    def _login_disabled(self, value: bool) -> None:
        get_config()["LOGIN_DISABLED"] = value

    # -------------------------------------------- what callers who may not pass are told

    unauthorized = responses.unauthorized
    needs_refresh = responses.needs_refresh
    forbidden = responses.forbidden

    def safe_next_url(self, default: str) -> str:
        """Return where to go after login in this realm. See `flask_login.safe_next_url`."""
        return redirects.next_or(default, self.keys.next)

    login_url = staticmethod(redirects.login_url)
    make_next_param = staticmethod(redirects.make_next_param)
    encode_cookie = staticmethod(cookies.encode_cookie)
    decode_cookie = staticmethod(cookies.decode_cookie)

    # ------------------------------------------------------------ the old hooks

    def _load_user(self) -> None:
        visit_of(self._realm).load()

    def _session_protection_failed(self) -> bool:
        """Compare the client with the one that logged in; True means: not this session.

        Override it to switch session protection off for some requests.
        """
        visit = visit_of(self._realm)
        return sources.protect(visit, visit.session, self._session_identifier_generator())

    def _load_user_from_remember_cookie(self, cookie: str) -> Any:
        """Log the user of a remember cookie in again, not fresh; None if it names nobody."""
        return sources.restore(visit_of(self._realm), cookie)

    def _load_user_from_request(self, request: Request) -> Any:
        return sources.ask_request_loader(visit_of(self._realm), request)

    def _load_user_from_header(self, header: str) -> Any:
        return sources.ask_header_loader(visit_of(self._realm), header)

    def _update_request_context_with_user(self, user: Any = None) -> None:
        """Make `user` the user of this request only; None is nobody."""
        visit = visit_of(self._realm)
        found = self.anonymous_user() if user is None else unwrap(user)
        if self._realm.is_default:
            visit.claim(found)
        else:
            visit.assign(found, None if user is None else "assigned")

    def _update_remember_cookie(self, response: Response) -> Response:
        return finish.finish(visit_of(self._realm), response, self)

    def _set_cookie(self, response: Response) -> None:
        visit = visit_of(self._realm)
        finish.set_cookie(visit, response, visit.session)

    def _clear_cookie(self, response: Response) -> None:
        visit = visit_of(self._realm)
        finish.clear_cookie(visit, response, visit.session)

    _template_context = current.template_context


#: The hooks as they are here, whatever is patched later.
_OWN = {name: getattr(LoginManager, name) for name in HOOKS if hasattr(LoginManager, name)}
