"""What applications call: the functions of the default realm, a line each.

Each is a method of `LoginManager` too; a named realm is asked by those.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from flask import request, session

from . import doubles, legacy
from .current import default_manager

if TYPE_CHECKING:
    from flask import Blueprint

    from .login_manager import LoginManager


def _manager() -> LoginManager[Any]:
    return cast("LoginManager[Any]", default_manager())


def _manager_in_place() -> LoginManager[Any] | None:
    """Return the manager; None where a test put a double in its place, or in the session's."""
    manager: object = default_manager()
    if legacy.utils["session"] is not session or not hasattr(type(manager), "get_current_user"):
        return None
    return cast("LoginManager[Any]", manager)


def login_user(
    user: Any,
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
    """Log `user` in: from here on this browser is theirs.

    Call it when you have proved who they are. It replaces whoever was logged in. A server-side
    session gets a new id; your own entries in the session stay. So does Flask-WTF's CSRF token,
    unless ``LOGIN_ROTATE_CSRF_TOKEN`` is set. Once the response has begun it holds for the rest of
    the request only, and a warning is logged.

    :param user: the user object; its ``get_id()`` names it in the session.
    :param remember: whether to set a remember cookie, with which the user is known again after
        the browser was closed, though not fresh. Without it a remember cookie of another user is
        deleted. Off by default: on a shared machine nobody wants it.
    :param duration: how long to remember, as a `datetime.timedelta`. By default the setting
        ``REMEMBER_COOKIE_DURATION``.
    :param force: log in a user who is not active as well. The login goes on until the user was
        seen active once; after that a ban ends it, as any other.
    :param fresh: whether the login counts as fresh. Say False when they proved nothing just now.
    :param methods: how they proved it, by the names of RFC 8176: ``{"pwd"}``, ``{"pwd", "otp"}``.
        What is not said is not assumed.
    :param external_id: an identity provider's name of this login (the ``sid`` of OpenID
        Connect), for ``sessions.revoke_external``. Needs a session store.
    :param idle_timeout: after how long without a request this login ends, as a
        `datetime.timedelta`. By default the setting ``LOGIN_IDLE_TIMEOUT``.
    :param absolute_timeout: after how long it ends whatever is done in it. By default the
        setting ``LOGIN_ABSOLUTE_TIMEOUT``.
    :param fresh_timeout: how long it stays fresh. By default the setting
        ``LOGIN_FRESH_TIMEOUT``.
    :return: True, or False when nothing happened: the user is not active, or has as many logins
        as ``LOGIN_MAX_SESSIONS`` allows and the policy is ``"deny"``; `login_ended_reason` is
        ``"denied"`` then.

    Raises `InvalidUserId` for a row that was not saved (`UserMixin` with None for an ``id``),
    `ConfigurationError` for a duration or timeout that is no timedelta, or for what needs a session
    store without one. Sends `user_logged_in`.

    .. versionchanged:: 0.6.90
        The keyword arguments after `fresh` are new.
    """
    manager = _manager_in_place()
    if manager is None:
        return doubles.login_user(user, remember, duration, force, fresh)
    return manager.login_user(
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


def confirm_login(*, methods: Collection[str] = ()) -> None:
    """Make the login session fresh again, after the user proved once more who they are.

    Also call it after you changed the credentials of the current user: it keeps this login
    session, and its remember token, when `get_session_auth_hash` ends all the others. Without a
    login session there is nothing to confirm; only the signal is sent.

    :param methods: how they proved it, by the names of RFC 8176; added to the methods proved
        before.

    Sends `user_login_confirmed`.

    .. versionchanged:: 0.6.90
        `methods` is new.
    """
    manager = _manager_in_place()
    if manager is None:
        doubles.confirm_login()
    else:
        manager.confirm_login(methods=methods)


def logout_user(*, everywhere: bool = False) -> bool:
    """Log the user out, and delete the remember cookie; ``session.clear()`` can't undo it.

    With a session store the login is over at once, for copied cookies too.

    A server-side session gets a new id. What else the session holds is yours and stays, and
    Flask-WTF's CSRF token too, unless ``LOGIN_ROTATE_CSRF_TOKEN`` is set.

    Once the response has begun, in a stream or in ``teardown_request``, this browser can't be told:
    only what is in a session store ends, and a warning is logged.

    :param everywhere: end every login of this user, in all browsers. Needs a session store.
    :return: True, always.

    Raises `ConfigurationError` for `everywhere` without a session store.

    Sends `user_logged_out`, before `current_user` becomes nobody.
    """
    manager = _manager_in_place()
    if manager is None or legacy.utils["request"] is not request:
        return doubles.logout_user(everywhere=everywhere)
    return manager.logout_user(everywhere=everywhere)


def login_failed(identity: str) -> None:
    """Tell that somebody failed to log in: a wrong password, an unknown name.

    A `LoginThrottle` calls it for you.

    :param identity: the account's name, as it was typed. It may be a password, in the wrong field.

    Sends `user_login_failed`.

    .. versionadded:: 0.6.90
    """
    _manager().login_failed(identity)


def begin_login(
    user: Any,
    remember: bool = False,
    duration: timedelta | None = None,
    *,
    methods: Collection[str] = (),
) -> bool:
    """Note that `user` passed the first step of a login, and let them into nothing yet.

    Call it when the password is right and a second factor is still to come: `current_user` stays
    who it was. The page that asks for the second factor finds the user by `pending_user`, and
    calls `complete_login` when it was right.

    What is noted is in this browser's signed session. It is good for ``LOGIN_PENDING_TIMEOUT``, for
    the same client (unless ``SESSION_PROTECTION`` is None), and while the user is active and their
    credentials stay the same; a new `begin_login` replaces it, a logout drops it.

    :param user: the user object.
    :param remember: whether `complete_login` is to set a remember cookie.
    :param duration: how long to remember. By default the setting ``REMEMBER_COOKIE_DURATION``.
    :param methods: how they proved who they are so far, by the names of RFC 8176: ``{"pwd"}``.
    :return: True, or False for a user who is not active: then nothing happened.

    Raises `InvalidUserId` for a user without an id, `ConfigurationError` for a `duration` that is
    no timedelta.

    .. versionadded:: 0.6.90
    """
    return _manager().begin_login(user, remember, duration, methods=methods)


def pending_user() -> Any:
    """Return the user who passed the first step of a login in this browser, or None.

    They are not logged in: show nothing of theirs. None also when the time is up.

    .. versionadded:: 0.6.90
    """
    return _manager().pending_user()


def complete_login(*, methods: Collection[str] = ()) -> bool:
    """Log the pending user in, after the second step: all that `login_user` does.

    :param methods: how they proved it now, by the names of RFC 8176: ``{"otp"}``; added to those
        of `begin_login`.
    :return: True, or False when nobody is pending (any more), or `login_user` refuses: then nobody
        was logged in. A second tab, in which the login was completed before, gets False too: look
        at `current_user` first. With a session store so does a copy of the session.

    .. versionadded:: 0.6.90
    """
    return _manager().complete_login(methods=methods)


def impersonate(user: Any) -> None:
    """Act as `user` from here on, in this browser: for support staff.

    `current_user` is that user until `stop_impersonating`, a logout or the end of the login, which
    stays the actor's own: nothing of the user's logins changes, and no remember cookie brings them
    back. ``current_login.actor`` is the actor's user id, in every audit event too. The login counts
    as not fresh, so `fresh_login_required` refuses. When the callback says no later, or the user is
    not active any more, the next request is nobody's, and the one after it the actor's again.

    :param user: the user object.

    Raises `ImpersonationDenied` (403) when `LoginManager.may_impersonate` does not allow it
    (without that callback nobody may), when nobody is logged in, and when somebody acts as another
    already.
    Sends `impersonation_started`.

    .. versionadded:: 0.6.90
    """
    _manager().impersonate(user)


def stop_impersonating() -> bool:
    """Be oneself again after `impersonate`.

    :return: whether somebody was impersonated.

    Sends `impersonation_stopped`.

    .. versionadded:: 0.6.90
    """
    return _manager().stop_impersonating()


def login_fresh() -> bool:
    """Return whether the login session of this request is fresh.

    True from `login_user` or `confirm_login` on; False when a remember token brought the user
    back, or when the client changed (session protection).
    """
    if legacy.utils["session"] is not session:
        return cast("bool", doubles.login_fresh())
    return _manager().login_fresh()


def login_remembered() -> bool:
    """Return whether this browser has sent a good remember token of the current user."""
    if (
        legacy.is_request_replaced()
        or legacy.is_app_replaced()
        or legacy.utils["session"] is not session
    ):
        return doubles.login_remembered()
    return _manager().login_remembered()


def acting_as(user: Any) -> AbstractContextManager[Any]:
    """Make `user` the current user inside of a ``with`` block: for commands, jobs and tests.

    ::

        with acting_as(user):
            send_report()  # which reads current_user

    Nobody is logged in by it: no session, no cookie, no record, and no signal. The login is not
    fresh. The default realm's; a named one has the method of its manager.

    :param user: the user object; None is nobody.
    :return: a context manager, which gives the user.

    .. versionadded:: 0.6.90
    """
    return _manager().acting_as(user)


def login_still_valid() -> bool:
    """Ask anew whether the login of this request goes on: for connections that last long.

    `current_user` is found out once a request. A WebSocket or a stream that lives for hours calls
    this now and then, and ends when the answer is False: the login was revoked or has expired, the
    user was deactivated, their credentials changed. It is no sign of activity.

    :return: whether the same login is still good.

    Raises `SessionStoreUnavailable` when the session store gives no answer.

    .. versionadded:: 0.6.90
    """
    return _manager().login_still_valid()


def login_ended_reason() -> str | None:
    """Tell why the login that this browser showed with this request is over.

    For a page that wants to say so: ``"expired_idle"``, ``"revoked"`` and so on; the page of the
    exceptions lists the reasons. The next request knows nothing of it, the cookies are gone.

    :return: the reason, or None when the login goes on or there was none.

    .. versionadded:: 0.6.90
    """
    return _manager().login_ended_reason()


def set_login_view(login_view: str | None, blueprint: Blueprint | None = None) -> None:
    """Set the login view of a blueprint, or of the whole application.

    :param login_view: an endpoint, a path or a URL. None for a blueprint without pages, an API:
        every caller of it gets 401 as a problem document.
    :param blueprint: the blueprint whose views are meant; blueprints nested in it follow, unless
        they have their own. None means every other view.
    """
    manager = _manager()
    if legacy.is_manager(manager):
        manager.set_login_view(login_view, blueprint)
    elif blueprint is None:  # a test's double, which is looked at afterwards
        manager.login_view = login_view
    else:
        manager.blueprint_login_views[blueprint.name] = login_view
