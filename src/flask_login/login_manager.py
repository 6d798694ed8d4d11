"""`LoginManager`: the facade. What an application sets, calls and overrides, for one realm.

It has no logic: a method says which room does the work, and most are that room's own function,
whose first argument is the manager.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, cast

from werkzeug.local import LocalProxy

from . import cookies, current, default_guard, hooks, marks, redirects, registration, star_names
from .changes import (
    begin_login,
    complete_login,
    confirm_login,
    impersonate,
    login_failed,
    login_user,
    logout_user,
    pending_user,
    stop_impersonating,
)
from .core import protection, settings
from .core.realms import open_realm
from .core.registry import SessionRegistry
from .core.users import AnonymousUserMixin
from .core.visit import utc_now
from .current import _user_context_processor as _user_context_processor
from .current import ended_reason, is_fresh, is_remembered, is_still_valid, login_of
from .default_guard import exempt, protect
from .loaders import bearer_loader, header_loader, may_impersonate, request_loader, user_loader
from .login_facts import CurrentLogin
from .ports import UserT
from .realm_guards import anonymous_required, fresh_login_required, login_required
from .responses import (
    forbidden,
    needs_refresh,
    needs_refresh_handler,
    set_login_view,
    unauthorized,
    unauthorized_handler,
)
from .star_names import *  # noqa: F403  # what a star brought from here
from .visit import FlaskHost
from .visit import create_identifier as _create_identifier

if TYPE_CHECKING:
    from flask import Flask, Request

    from .core.entry import SessionKeys
    from .core.logins import StoredLogins
    from .core.ports import MayImpersonate
    from .marks import F
    from .sessions.store import SessionStore

__all__ = ["LoginManager"]
__all__ += star_names.__all__


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
        own = hooks.own_of(self)
        self._realm = open_realm(
            realm, self._clock, hooks=self, own=own, host=FlaskHost(), store=session_store
        )
        #: The names of this realm's session entries.
        self.keys: SessionKeys = self._realm.entry.keys
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

    # What follows as `name = name` is a function of a room, taken as a method. It is taken by a
    # plain name because that is what type checkers look through.

    # ---------------------------------------------------------- the callbacks

    user_loader = user_loader
    request_loader = request_loader
    bearer_loader = bearer_loader
    header_loader = header_loader

    @property
    def user_callback(self) -> Callable[[str], Any] | None:
        """The registered user loader, or None."""
        return self._user_callback

    @property
    def request_callback(self) -> Callable[[Request], Any] | None:
        """The registered request loader, or None."""
        return self._request_callback

    may_impersonate = may_impersonate

    @property
    def session_protection(self) -> str | None:
        """What happens when a login session shows up from another client.

        ``"basic"`` makes it not fresh, ``"strong"`` ends it, None ignores it. The setting
        ``SESSION_PROTECTION`` wins over it. A mode in other letters (``"Strong"``) is read as what
        it means, with a warning. Any other value is an error in the log, and raises
        `ConfigurationError` at the request that would need it.
        """
        return protection.mode_of(self._session_protection)

    @session_protection.setter
    def session_protection(self, value: str | None) -> None:
        protection.tell_of_mode(value)
        self._session_protection = value

    unauthorized_handler = unauthorized_handler
    needs_refresh_handler = needs_refresh_handler
    set_login_view = set_login_view

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

    get_current_login = login_of
    login_fresh = is_fresh
    login_remembered = is_remembered
    login_still_valid = is_still_valid
    login_ended_reason = ended_reason

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

    login_user = login_user
    confirm_login = confirm_login
    logout_user = logout_user
    login_failed = login_failed

    begin_login = begin_login
    pending_user = pending_user
    complete_login = complete_login

    impersonate = impersonate
    stop_impersonating = stop_impersonating

    # ------------------------------------------------------------------ guards

    login_required = login_required
    fresh_login_required = fresh_login_required
    anonymous_required = anonymous_required
    protect = protect
    exempt = exempt

    @staticmethod
    def login_not_required(view: F) -> F:
        """Mark a view as public. See `flask_login.login_not_required`."""
        return default_guard.login_not_required(view)

    @staticmethod
    def no_activity(view: F) -> F:
        """Mark a view whose requests are no activity of the user. See `flask_login.no_activity`."""
        return marks.no_activity(view)

    @property
    def _login_disabled(self) -> bool:
        return hooks.is_login_disabled()

    @_login_disabled.setter
    def _login_disabled(self, value: bool) -> None:
        hooks.disable_login(value)

    # -------------------------------------------- what callers who may not pass are told

    unauthorized = unauthorized
    needs_refresh = needs_refresh
    forbidden = forbidden

    def safe_next_url(self, default: str) -> str:
        """Return where to go after login in this realm. See `flask_login.safe_next_url`."""
        return redirects.next_or(default, self.keys.next)

    @staticmethod
    def login_url(login_view: str, next_url: str | None = None, next_field: str = "next") -> str:
        """Return the URL of a login view. See `flask_login.login_url`."""
        return redirects.login_url(login_view, next_url, next_field)

    @staticmethod
    def make_next_param(login_url: str, current_url: str) -> str:
        """Return a URL as short as the way back allows. See `flask_login.make_next_param`."""
        return redirects.make_next_param(login_url, current_url)

    @staticmethod
    def encode_cookie(payload: str, key: str | bytes | None = None) -> str:
        """Return a signed text. See `flask_login.encode_cookie`."""
        return cookies.encode_cookie(payload, key)

    @staticmethod
    def decode_cookie(cookie: str, key: str | bytes | None = None) -> str | None:
        """Return the payload of a signed text. See `flask_login.decode_cookie`."""
        return cookies.decode_cookie(cookie, key)

    # ------------------------------------------------------------ the old hooks

    _load_user = hooks.load_user
    _session_protection_failed = hooks.session_protection_failed
    _load_user_from_remember_cookie = hooks.load_user_from_remember_cookie
    _load_user_from_request = hooks.load_user_from_request
    _load_user_from_header = hooks.load_user_from_header
    _update_request_context_with_user = hooks.update_request_context_with_user
    _update_remember_cookie = hooks.update_remember_cookie
    _set_cookie = hooks.set_cookie
    _clear_cookie = hooks.clear_cookie

    _template_context = current.template_context
