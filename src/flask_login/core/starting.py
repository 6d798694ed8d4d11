"""A stored login begins: its record, and the room that the user's other logins leave it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession

from . import settings
from .answers import answer_of
from .events import login_session_started
from .logins import Presented, StoredLogins
from .rules import NO_TIMEOUTS, Timeouts
from .terms import TIMEOUTS


def begin(
    logins: StoredLogins,
    user_id: str,
    *,
    fresh: bool,
    methods: Collection[str],
    remember: timedelta | None,
    auth_hash: str | None,
    external_id: str | None = None,
    timeouts: Timeouts = NO_TIMEOUTS,
    entries: str | None = None,
) -> Presented:
    """Keep the record of a new login, and return it with its secret."""
    now, config, client = logins.clock(), logins.host.config(), logins.host.client()
    secret = records.new_secret()
    if not config.keys().isdisjoint(TIMEOUTS.keys):
        timeouts = timeouts.over(TIMEOUTS.read(config))._replace(fresh=timeouts.fresh)
    absolute, idle = timeouts.absolute, timeouts.idle
    longest = absolute or logins.longest(remember)
    if remember is None and idle is None:
        idle = logins.host.session_lifetime()  # what Flask gives an unused session cookie
    if idle is not None and idle >= longest:
        idle = None
    record = LoginSession(
        id=records.new_id(user_id),
        secret_hash=records.hash_secret(secret),
        user_id=user_id,
        created_at=logins.moment_of_its_own(now),
        last_seen_at=now,
        authenticated_at=now if fresh else None,
        expires_at=records.later(now, longest),
        methods=frozenset(methods),
        idle_timeout=idle,
        ip_address=client.address,
        user_agent=(client.agent or "")[:512] or None,
        external_id=external_id,
        auth_hash=auth_hash,
        remember_generation=0 if remember is None else 1,
        remember_until=None if remember is None else now + remember,
        remember_issued_at=None if remember is None else now,
        absolute_timeout=absolute,
        fresh_timeout=timeouts.fresh,
        entries=entries,
    )
    logins.asked.ask("create", record)
    if login_session_started.receivers:
        logins.host.send(login_session_started, login=record)
    logins.asked.audit("login_session_started", record)
    return Presented(record, secret, record.generation)


def most_of(config: Mapping[str, Any], user: Any, resolve: Callable[[Any], Any]) -> int | None:
    """Return how many logins ``LOGIN_MAX_SESSIONS`` leaves a user; None for any number.

    It is settled before a login begins: one whose number is wrong leaves no record behind.
    """
    if settings.LOGIN_MAX_SESSIONS.key not in config:
        return None
    most: Any = settings.LOGIN_MAX_SESSIONS.read(config)
    if callable(most):
        most = settings.LOGIN_MAX_SESSIONS.check(answer_of(most(user), resolve))
    return None if most is None else int(most)


def make_room(
    logins: StoredLogins, started: LoginSession, most: int | None, replaced: Collection[str]
) -> bool:
    """Hold the user to `most` logins at once; False when `started` had to give way.

    Every login that is begun is in the store before anybody counts, and everybody counts in
    the same order. So however many begin at once, the same ones are left.
    """
    if most is None:
        return True
    config, now = logins.host.config(), logins.clock()
    found = logins.asked.ask("list", started.user_id)
    live = [record for record in logins.live(found, now) if record.id not in replaced]
    live.sort(key=_age)
    # As the store keeps it, which may be to the millisecond only.
    begun = next((record for record in live if record.id == started.id), started)
    if settings.LOGIN_MAX_SESSIONS_POLICY.read(config) == "deny":
        # Who began before this one is never its concern, also after the maximum was lowered.
        surplus = [record for record in live[most:] if _age(record) >= _age(begun)]
        reason = records.DENIED
    else:
        surplus = live[:-most]
        reason = records.EVICTED
    for record in surplus:
        logins.end(record.id, reason)
    return all(record.id != started.id for record in surplus)


def _age(record: LoginSession) -> tuple[datetime, str]:
    return record.created_at, record.id
