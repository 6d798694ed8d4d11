"""What the functions of 0.6.3 did, of what a test put in the place of Flask's.

Tests of applications patch ``flask_login.utils.session``, ``.request`` and ``.current_app``, and
look at what `login_user` and its like did to them. Only then these functions run.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import legacy
from .core import settings
from .core.entry import SessionKeys
from .core.events import user_logged_in, user_logged_out, user_login_confirmed
from .core.users import is_active
from .current import default_manager
from .loaders import resolve, unwrap

_KEYS = SessionKeys(settings.DEFAULT_REALM)


def take_part() -> bool:
    """Return whether the session or the login manager is a test's."""
    return legacy.is_session_replaced() or not legacy.is_manager(default_manager())


def login_user(
    user: Any, remember: bool, duration: timedelta | None, force: bool, fresh: bool
) -> bool:
    """Write a login's entries to the session in place."""
    manager, sess, found = default_manager(), legacy.utils["session"], unwrap(user)
    if not force and not is_active(found, resolve):
        return False
    name: Any = manager.id_attribute
    sess[_KEYS.user_id] = getattr(found, name if isinstance(name, str) else settings.ID_ATTRIBUTE)()
    sess[_KEYS.fresh] = fresh
    sess[_KEYS.id] = manager._session_identifier_generator()
    if remember:
        sess[_KEYS.remember] = "set"
        if duration is not None:
            sess[_KEYS.remember_seconds] = duration.total_seconds()
    manager._update_request_context_with_user(found)
    user_logged_in.send(legacy.app_in_place(), user=found)
    return True


def logout_user(*, everywhere: bool) -> bool:
    """Take a login's entries from the session in place."""
    manager = default_manager()
    if take_part():
        user, sess = legacy.utils["_get_user"](), legacy.utils["session"]
        for key in (_KEYS.user_id, _KEYS.fresh, _KEYS.id):
            if key in sess:
                sess.pop(key)
        _forget_cookie()
        user_logged_out.send(legacy.app_in_place(), user=user)
        manager._update_request_context_with_user()
    else:
        manager.logout_user(everywhere=everywhere)
        _forget_cookie()
    return True


def _forget_cookie() -> None:
    if _cookie_name() in legacy.utils["request"].cookies:
        legacy.utils["session"][_KEYS.remember] = "clear"
        if _KEYS.remember_seconds in legacy.utils["session"]:
            legacy.utils["session"].pop(_KEYS.remember_seconds)


def _cookie_name() -> Any:
    return legacy.app_in_place().config.get("REMEMBER_COOKIE_NAME", settings.COOKIE_NAME)


def confirm_login() -> None:
    """Make the session in place fresh."""
    legacy.utils["session"][_KEYS.fresh] = True
    legacy.utils["session"][_KEYS.id] = default_manager()._session_identifier_generator()
    user_login_confirmed.send(legacy.app_in_place())


def login_fresh() -> Any:
    """Return what the session in place says of being fresh."""
    return legacy.utils["session"].get(_KEYS.fresh, False)


def login_remembered() -> bool:
    """Return whether the request in place has a good remember cookie."""
    name, cookies = _cookie_name(), legacy.utils["request"].cookies
    if name not in cookies or legacy.utils["session"].get(_KEYS.remember) == "clear":
        return False
    return legacy.utils["decode_cookie"](cookies[name]) is not None
