"""Two-step login: a first factor was proved, and nothing is open before the second one is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

from . import config as settings
from . import utils
from .entries import auth_text
from .exceptions import ConfigurationError, InvalidUserId
from .loaders import is_active, unwrap
from .login import Login, check_methods
from .signing import digest, is_digest
from .state import get_config, get_session
from .timeouts import moment_of


class Pending:
    """What is noted in the session between two steps of a login."""

    def __init__(
        self,
        *,
        user_id: Any,
        at: int,
        client: str,
        credentials: str | None,
        methods: list[str],
        remember: bool,
        duration: float | None,
    ) -> None:
        self.user_id = user_id
        self.at = at
        self.client = client
        self.credentials = credentials
        self.methods = methods
        self.remember = remember
        self.duration = duration

    @classmethod
    def of(cls, entry: object) -> Pending | None:
        """Return what stands in a session, or None for what is no such entry."""
        try:
            return cls(**cast("dict[str, Any]", entry))
        except TypeError:
            return None


def begin(
    manager: Login[Any],
    user: Any,
    remember: bool,
    duration: timedelta | None,
    methods: Collection[str],
) -> bool:
    """Note that `user` passed the first step."""
    found = unwrap(user)
    if not is_active(found):
        return False
    user_id = manager._login_id_of(found)
    if user_id is None:
        raise InvalidUserId(manager.id_attribute)
    if duration is not None and not isinstance(duration, timedelta):
        raise ConfigurationError("duration", duration, "a datetime.timedelta")
    check_methods(methods)
    noted = Pending(
        user_id=user_id,
        at=int(manager._clock().timestamp()),
        client=manager._session_identifier_generator(),
        credentials=_credentials(manager, found),
        methods=sorted(methods),
        remember=bool(remember),
        duration=None if duration is None else duration.total_seconds(),
    )
    manager._tell_if_answered("begin_login")
    sess = get_session()
    manager._regenerate(sess)
    sess[manager.keys.pending] = vars(noted)
    return True


def complete(manager: Login[Any], methods: Collection[str]) -> bool:
    """Log the noted user in."""
    check_methods(methods)
    found = pending(manager)
    if found is None:
        return False
    user, noted = found
    if manager._began_before_brake(noted.at):
        del get_session()[manager.keys.pending]
        return False
    seconds = noted.duration
    duration = None if seconds is None else timedelta(seconds=seconds)
    proved = {*noted.methods, *methods}
    if not manager.login_user(user, noted.remember, duration, methods=proved):
        return False
    if noted.methods:
        # The first step was proved when it was taken.
        before = {*noted.methods}.difference(methods)
        times = {**manager._proved_methods(), **dict.fromkeys(before, noted.at)}
        get_session()[manager.keys.methods] = times
    return True


def pending(manager: Login[Any]) -> tuple[Any, Pending] | None:
    """Return the pending user and what was noted, or None; drop what is no good any more."""
    sess = get_session()
    noted = Pending.of(sess.get(manager.keys.pending))
    if noted is None:
        return None
    in_time = manager._is_recent(
        moment_of(noted.at), settings.LOGIN_PENDING_TIMEOUT.read(get_config())
    )
    here = noted.client == manager._session_identifier_generator()
    user = None
    if in_time and (here or manager._protection_mode() is None):
        user = manager._call_user_loader(noted.user_id)
        if user is None and settings.LOGIN_UNKNOWN_USER_GRACE.read(get_config()):
            return None  # for now: the time between the steps limits that as well
    if user is None or not is_active(user) or not _is_unchanged(manager, user, noted):
        del sess[manager.keys.pending]
        return None
    return user, noted


def _credentials(manager: Login[Any], user: Any) -> str | None:
    text = auth_text(user, manager.realm)
    return None if text is None else digest(text, _salt(manager))


def _is_unchanged(manager: Login[Any], user: Any, noted: Pending) -> bool:
    text, credentials = auth_text(user, manager.realm), noted.credentials
    if text is None or credentials is None:
        return text is credentials
    return is_digest(credentials, text, _salt(manager))


def _salt(manager: Login[Any]) -> str:
    return f"flask-login.pending.{manager.realm}"


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
    return utils.default_manager().begin_login(user, remember, duration, methods=methods)


def pending_user() -> Any:
    """Return the user who passed the first step of a login in this browser, or None.

    They are not logged in: show nothing of theirs. None also when the time is up.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().pending_user()


def complete_login(*, methods: Collection[str] = ()) -> bool:
    """Log the pending user in, after the second step: all that `login_user` does.

    :param methods: how they proved it now, by the names of RFC 8176: ``{"otp"}``; added to those
        of `begin_login`.
    :return: True, or False when nobody is pending (any more), or `login_user` refuses: then nobody
        was logged in. A second tab, in which the login was completed before, gets False too: look
        at `current_user` first.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().complete_login(methods=methods)
