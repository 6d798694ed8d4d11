"""`LoginManager`: an application's callbacks and settings for one realm, wired to Flask.

An old import path too: of what `__all__` names, `utils` finds the rest when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from flask import (
    abort,
    current_app,
    flash,
    g,
    got_request_exception,
    has_app_context,
    redirect,
    request,
    session,
)

from . import config as settings
from . import utils
from .config import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
    ID_ATTRIBUTE,
    LOGIN_MESSAGE,
    LOGIN_MESSAGE_CATEGORY,
    REFRESH_MESSAGE,
    REFRESH_MESSAGE_CATEGORY,
    SESSION_KEYS,
    USE_SESSION_FOR_NEXT,
)
from .entries import _create_identifier as _create_identifier
from .entries import how_to_renew, keeps_its_id
from .exceptions import ConfigurationError
from .guards import Guards
from .identity import _user_context_processor
from .loaders import UserT
from .mirror import answer_again, finish_responses, leave_g_after_requests, shares_g
from .mixins import AnonymousUserMixin
from .signals import (
    session_protected,
    user_accessed,
    user_loaded_from_cookie,
    user_loaded_from_request,
    user_needs_refresh,
    user_unauthorized,
)
from .state import RealmInApp, drop_before_request, opened_session, request_context

if TYPE_CHECKING:
    from flask import Blueprint, Flask

    from .redirects import expand_login_view, login_url, make_next_param
    from .redirects import login_url as make_login_url
    from .remember import decode_cookie
    from .sessions.store import SessionStore
    from .signing import encode_cookie
    from .timeouts import F


# What a star brought in 0.6.3. That includes names of Flask and of Python, which applications came
# to use; they are no part of our documented API.
__all__ = [
    "AUTH_HEADER_NAME",
    "COOKIE_DURATION",
    "COOKIE_HTTPONLY",
    "COOKIE_NAME",
    "COOKIE_SAMESITE",
    "COOKIE_SECURE",
    "ID_ATTRIBUTE",
    "LOGIN_MESSAGE",
    "LOGIN_MESSAGE_CATEGORY",
    "REFRESH_MESSAGE",
    "REFRESH_MESSAGE_CATEGORY",
    "SESSION_KEYS",
    "USE_SESSION_FOR_NEXT",
    "AnonymousUserMixin",
    "LoginManager",
    "abort",
    "current_app",
    "datetime",
    "decode_cookie",
    "encode_cookie",
    "expand_login_view",
    "flash",
    "g",
    "has_app_context",
    "login_url",
    "make_login_url",
    "make_next_param",
    "redirect",
    "request",
    "session",
    "session_protected",
    "timedelta",
    "user_accessed",
    "user_loaded_from_cookie",
    "user_loaded_from_request",
    "user_needs_refresh",
    "user_unauthorized",
]


def utc_now() -> datetime:
    """Return the time, in UTC: the default clock."""
    return datetime.now(timezone.utc)


class LoginManager(Guards[UserT]):
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
        plain = realm.isascii() and realm.isidentifier() and realm.islower()
        if not plain or realm == "user":
            raise ConfigurationError(
                "name", name, "lower-case letters, digits and '_', other than 'user'"
            )
        super().__init__(realm, clock or utc_now, session_store)
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
        settings.apply_profile(app.config)
        settings.check_settings(app.config)
        realms: dict[str, RealmInApp] = app.extensions.setdefault("login", {})
        self._require_own_store(realms)
        first = not realms
        told = {text for known in realms.values() for text in known.told}
        realms[self.realm] = RealmInApp(self)
        _tell_of_settings(app, told)
        if self.realm == settings.DEFAULT_REALM:
            app.login_manager = self  # type: ignore[attr-defined]  # its place since 2012
        if first:
            from .cli import register  # with all that only commands need
            from .default_guard import guard_by_default

            register(app)
            finish_responses(app)
            got_request_exception.connect(answer_again, app)
            _check_at_first_request(app)
            guard_by_default(app)
        if self._logins is not None and self._logins.store.kind == "memory":
            _warn_of_memory(app)
        if add_context_processor:
            app.context_processor(self._template_context)

    def _require_own_store(self, realms: dict[str, RealmInApp]) -> None:
        for realm, known in realms.items():
            logins = known.manager._logins
            if self._logins is None or logins is None or realm == self.realm:
                continue
            if logins.store is self._logins.store:
                # The customer "7" would be logged out along with the colleague "7".
                raise ConfigurationError(
                    "session_store",
                    logins.store,
                    f"another store than that of the realm '{realm}'",
                    "Give each realm its own, with a table_name or prefix of its own.",
                )

    def protect(self, target: Flask | Blueprint) -> None:
        """Guard every view of an application or a blueprint, unless it says otherwise.

        A view passes that has a guard of its own or is marked by `login_not_required`; static
        files, and the login and refresh views, pass too. What is no view keeps its status: 404
        stays 404. Blueprints nested in the blueprint are guarded with it. Where two realms protect
        the same view, the one counts that is nearer to it.

        :param target: the application, or a blueprint that is not registered yet. For the whole
            application the setting ``LOGIN_REQUIRED_BY_DEFAULT`` does the same.

        Raises `ConfigurationError` for anything else: a view is guarded by `login_required`.

        .. versionadded:: 0.6.90
        """
        from .default_guard import protect

        protect(self, target)

    def exempt(self, *endpoints: str) -> None:
        """Leave endpoints open where a login is required by default, although nothing marks them.

        For the views of extensions, which `login_not_required` can't stand above: what an identity
        provider sends browsers back to, say. Where ``LOGIN_REQUIRED_BY_DEFAULT`` or `protect`
        guards them for this realm, anybody sees them then; guards that a view has itself stay::

            login_manager.exempt("github.login", "github.authorized")
            login_manager.exempt("github.*")  # all of a blueprint, and of those nested in it

        It may be called at any time, before there are such endpoints too. ``flask login doctor``
        names those that there are not.

        :param endpoints: names of endpoints, as `flask.url_for` takes them; ``.*`` at the end
            stands for the rest of the name.

        Raises `ConfigurationError` for what is no such name: a view, a list, ``"*"``.

        .. versionadded:: 0.6.90
        """
        from .default_guard import exempt

        exempt(self, endpoints)

    @staticmethod
    def login_not_required(view: F) -> F:
        """Mark a view as public. See `flask_login.login_not_required`."""
        from .default_guard import login_not_required

        return login_not_required(view)

    # Two-step login, of which only some applications have need

    def begin_login(
        self,
        user: UserT,
        remember: bool = False,
        duration: timedelta | None = None,
        *,
        methods: Collection[str] = (),
    ) -> bool:
        """Note that `user` passed the first step. See `flask_login.begin_login`."""
        from .two_step import begin

        return begin(self, user, remember, duration, methods)

    def pending_user(self) -> UserT | None:
        """Return who is between two steps of a login. See `flask_login.pending_user`."""
        from .two_step import pending

        found = pending(self)
        return None if found is None else found[0]

    def complete_login(self, *, methods: Collection[str] = ()) -> bool:
        """Log the pending user in. See `flask_login.complete_login`."""
        from .two_step import complete

        return complete(self, methods)

    # What has nothing to do with a realm is here too: everything an application calls is.

    @staticmethod
    def login_url(login_view: str, next_url: str | None = None, next_field: str = "next") -> str:
        """Return the URL of a login view. See `flask_login.login_url`."""
        return utils.login_url(login_view, next_url, next_field)

    @staticmethod
    def make_next_param(login_url: str, current_url: str) -> str:
        """Return a URL as short as the way back allows. See `flask_login.make_next_param`."""
        return utils.make_next_param(login_url, current_url)

    @staticmethod
    def encode_cookie(payload: str, key: str | bytes | None = None) -> str:
        """Return a signed text. See `flask_login.encode_cookie`."""
        return utils.encode_cookie(payload, key)

    @staticmethod
    def decode_cookie(cookie: str, key: str | bytes | None = None) -> str | None:
        """Return the payload of a signed text. See `flask_login.decode_cookie`."""
        return utils.decode_cookie(cookie, key)

    def setup_app(self, app: Flask, add_context_processor: bool = True) -> None:
        """Do what `init_app` does: its name before 2012."""
        self.init_app(app, add_context_processor)

    def _template_context(self) -> dict[str, Any]:
        if self.realm != settings.DEFAULT_REALM:
            return {f"current_{self.realm}": self.current_user}
        return _user_context_processor()


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(utils, "login_url" if name == "make_login_url" else name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _warn_of_memory(app: Flask) -> None:
    if not app.debug and not app.testing:
        settings.logger.warning(
            "The application '%s' keeps its logins in the memory of one process: they are gone when"
            " it ends, and other worker processes don't know them. Use SQLAlchemySessionStore or"
            " RedisSessionStore.",
            app.name,
        )


def _warn_of_kept_id(app: Flask) -> None:
    interface, sess = app.session_interface, opened_session(request_context.get())
    if interface.is_null_session(sess) or not keeps_its_id(interface, sess):
        return
    settings.logger.warning(
        "The sessions of the application '%s' keep their id at login: neither %s.%s nor they have a"
        " method 'regenerate'. Somebody who planted the id in a browser is logged in along with its"
        " user. %s",
        app.name,
        type(interface).__module__,
        type(interface).__qualname__,
        how_to_renew(interface),
    )


def _tell_of_settings(app: Flask, told: Collection[str] = ()) -> None:
    """Log what is odd or wrong about settings of 0.6.3, each once for an application."""
    realms: dict[str, RealmInApp] = app.extensions["login"]
    before = {text for known in realms.values() for text in known.told}
    now = settings.tell(app.config, before.union(told))
    for known in realms.values():
        known.told = now


def _check_at_first_request(app: Flask) -> None:
    """See at the first request how the application is made: it is complete by then."""

    def check() -> None:
        from .decorator_order import check_decorator_order

        _tell_of_settings(app)  # those that were set after `init_app`
        check_decorator_order(app)
        finish_responses(app)
        _warn_of_kept_id(app)
        shared = app.testing or shares_g(request_context.get())
        if shared and settings.DEFAULT_REALM in app.extensions["login"]:
            leave_g_after_requests(app)
        drop_before_request(app, check)

    app.before_request(check)
