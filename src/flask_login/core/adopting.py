"""What the stored level takes over from before the store: sessions and signed remember tokens.

A login that one of them stands for gets its record at the next request, and is like any other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import remember, rules, settings, starting

if TYPE_CHECKING:
    from .entry import Session
    from .logins import Presented, StoredLogins
    from .remember import RememberToken
    from .visit import Visit


def refuse_session(logins: StoredLogins, visit: Visit) -> str | None:
    """Return why a session without a credential is no login any more, or None where it is one."""
    accepted = settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(visit.config)
    # When it began is not known: the brake ends every one of them.
    if accepted and logins.ended_before() is None:
        return None
    return "revoked" if accepted else "unknown"


def begin(
    logins: StoredLogins,
    visit: Visit,
    sess: Session,
    user: Any,
    *,
    token: RememberToken | None,
    auth_hash: str | None,
) -> Presented | None:
    """Begin the record of a session from before the store, or by other code; None for no room.

    :param token: the remember token that brought the user back, if one did.
    :param auth_hash: the digest of the user's credentials.
    """
    entry = visit.realm.entry
    user_id = str(sess[entry.keys.user_id])
    if token is None:
        # What would bring the browser back belongs to this login too, and ends with it.
        token = _token_beside(logins, visit, user, user_id)
        if token is not None:
            visit.cookie = "set"
    most = starting.most_of(visit.config, user, visit.resolve)
    left = None if token is None else token.expires_at - visit.realm.clock().timestamp()
    started = starting.begin(
        logins,
        user_id,
        fresh=entry.is_fresh(sess),
        methods=entry.methods(sess),
        remember=None if left is None else timedelta(seconds=left),
        auth_hash=auth_hash,
    )
    return started if starting.make_room(logins, started.record, most, ()) else None


def _token_beside(
    logins: StoredLogins, visit: Visit, user: Any, user_id: str
) -> RememberToken | None:
    """Return the good signed token of the same user that came with an adopted session."""
    if not settings.REMEMBER_COOKIE_ENABLED.read(visit.config):
        return None
    fit: list[RememberToken] = []
    for cookie in visit.remember_cookies():
        token = read_token(logins, visit, cookie)
        if token is None:
            continue
        if str(token.user_id) != user_id:
            return None
        if visit.realm.level.unchanged(visit, user, token.auth_hash):
            fit.append(token)
    return max(fit, key=lambda token: token.rank, default=None)


def read_token(logins: StoredLogins, visit: Visit, cookie: str) -> RememberToken | None:
    """Take a remember token from before the store, unless the brake was pulled since."""
    if visit.ended_reason is not None:
        return None  # the login that this browser showed has ended
    if not settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(visit.config):
        return None
    now, realm = visit.realm.clock(), visit.realm.name
    token = remember.read(cookie, realm, now, visit.config)
    absolute = settings.LOGIN_ABSOLUTE_TIMEOUT.read(visit.config)
    if token is None:
        return None
    if absolute is not None and now.timestamp() >= token.issued_at + absolute.total_seconds():
        visit.ended_reason = rules.EXPIRED_ABSOLUTE
        return None
    brake = logins.ended_before()
    if brake is not None:
        # Only the signed tokens say when they were issued.
        config = {**visit.config, settings.REMEMBER_COOKIE_ACCEPT_LEGACY.key: False}
        token = remember.read(cookie, realm, now, config)
        last = rules.later(now, rules.AHEAD).timestamp()
        if token is None or not brake.timestamp() <= token.issued_at <= last:
            visit.ended_reason = "revoked"
            return None
    token.outdated, token.form = True, token.form + 1
    return token
