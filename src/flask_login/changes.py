"""What changes a login, as applications ask for it: arguments checked, then the visit does it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, cast

from werkzeug.local import LocalProxy

from . import lost_cookies
from .core import events, impersonation, settings, two_step, users, whose
from .core import remember as tokens
from .core.exceptions import InvalidUserId
from .core.rules import NO_TIMEOUTS
from .core.terms import Terms, check_duration, check_methods, check_timeouts
from .core.users import is_active, says
from .current import current_of
from .exceptions import ImpersonationDenied
from .flask_internals import get_request
from .loaders import resolve, unwrap
from .ports import Manager, UserT
from .visit import FlaskVisit, visit_of


def login_user(  # noqa: PLR0917  # in the order of the public function
    manager: Manager[UserT],
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
    found: Any = unwrap(user) if isinstance(user, LocalProxy) else user
    active = getattr(found, "is_active", True)
    active = active is True or says(active, resolve)
    if not type(force) is type(fresh) is type(remember) is bool:  # a coroutine is true
        force, fresh, remember = (says(one, resolve) for one in (force, fresh, remember))
    if not (force or active):
        return False
    visit = visit_of(manager._realm)
    user_id = users.login_id_of(visit, found)
    if visit.is_late:
        visit.tell_late("login_user")
    if user_id is None:
        visit.log_in_for_now(found)
        return True
    timeouts = NO_TIMEOUTS
    if not idle_timeout is absolute_timeout is fresh_timeout is None:
        timeouts = check_timeouts(
            idle_timeout=idle_timeout,
            absolute_timeout=absolute_timeout,
            fresh_timeout=fresh_timeout,
        )
    terms = Terms(
        user_id,
        fresh,
        frozenset() if methods == () else check_methods(methods),
        _lifetime(visit, duration) if remember else None,
        external_id,
        timeouts,
    )
    begun = visit.log_in(found, terms, duration, forced=force and not active)
    if begun and visit.config.get(lost_cookies.KEY):
        lost_cookies.note_login(visit)
    return begun


def _lifetime(visit: FlaskVisit, duration: timedelta | None) -> timedelta | None:
    """Return how long the browser is to be remembered; None where nobody is.

    What would keep the browser from being remembered is told here, not once the view is done.
    """
    config = visit.config
    if duration is not None:
        check_duration(duration)
    key = settings.REMEMBER_COOKIE_ENABLED.key
    if key in config and not settings.REMEMBER_COOKIE_ENABLED.read(config):
        return None
    settings.check_remember_cookie(config, is_secure=visit.context.request.is_secure)
    key = settings.REMEMBER_COOKIE_DURATION.key
    if duration is not None:
        key = "duration"
    elif key in config:
        duration = settings.REMEMBER_COOKIE_DURATION.read(config)
    else:
        duration = settings.COOKIE_DURATION
    return timedelta(seconds=tokens.whole(visit.realm.clock(), duration, key))


def confirm_login(manager: Manager, *, methods: Collection[str] = ()) -> None:
    """Make the login of this realm fresh again. See `flask_login.confirm_login`."""
    proved, user = check_methods(methods), manager.get_current_user()
    visit_of(manager._realm).confirm(user, proved)


def logout_user(manager: Manager, *, everywhere: bool = False) -> bool:
    """Log the user of this realm out: the actor, when somebody acts as another.

    See `flask_login.logout_user`.
    """
    user = current_of(manager)
    visit = visit_of(manager._realm)
    if visit.actor is not None:
        manager.stop_impersonating()
        user = manager.get_current_user()
    if everywhere:
        registry, user_id = manager.sessions, whose.id_of(visit, user)
        if user_id is not None:
            registry.end_all(str(user_id), "logout")
    visit.log_out(user)
    return True


def login_failed(manager: Manager, identity: str) -> None:
    """Note that a login to this realm has failed. See `flask_login.login_failed`."""
    # Not by name: people type passwords into the wrong field.
    events.audit("user_login_failed", ip=get_request().remote_addr)
    manager._realm.host.send(events.user_login_failed, identity=identity)


# Two-step login


def begin_login(
    manager: Manager[UserT],
    user: UserT,
    remember: bool = False,
    duration: timedelta | None = None,
    *,
    methods: Collection[str] = (),
) -> bool:
    """Note that `user` passed the first step. See `flask_login.begin_login`."""
    found = unwrap(user)
    if not is_active(found, resolve):
        return False
    visit = visit_of(manager._realm)
    user_id = users.login_id_of(visit, found)
    if user_id is None:
        raise InvalidUserId(manager.id_attribute)
    check_duration(duration)
    proved = check_methods(methods)
    two_step.begin(
        visit, found, user_id, remember=says(remember, resolve), duration=duration, methods=proved
    )
    return True


def pending_user(manager: Manager[UserT]) -> UserT | None:
    """Return the user between two steps of a login. See `flask_login.pending_user`."""
    found = two_step.pending(visit_of(manager._realm))
    return None if found is None else cast("UserT", found[0])


def complete_login(manager: Manager, *, methods: Collection[str] = ()) -> bool:
    """Log the pending user in. See `flask_login.complete_login`."""
    second, visit = check_methods(methods), visit_of(manager._realm)
    found = two_step.pending(visit)
    if found is None or two_step.is_braked(visit, found[1]):
        return False
    user, first = found
    if not two_step.use_up(visit, first):
        return False
    duration = None if first.duration is None else timedelta(seconds=first.duration)
    proved = second.union(first.methods)
    if not manager.login_user(user, first.remember, duration, methods=proved):
        two_step.reopen(visit, first)
        return False
    two_step.note_first_step(visit, first, second)
    return True


# Impersonation


def impersonate(manager: Manager[UserT], user: UserT) -> None:
    """Act as `user` from here on. See `flask_login.impersonate`."""
    actor = manager.get_current_user()
    denied = impersonation.start(visit_of(manager._realm), actor, unwrap(user))
    if denied is not None:
        raise ImpersonationDenied(denied)


def stop_impersonating(manager: Manager) -> bool:
    """Be oneself again. See `flask_login.stop_impersonating`."""
    user = manager.get_current_user()
    return impersonation.stop(visit_of(manager._realm), user)
