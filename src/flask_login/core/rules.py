"""The rules of a login: of time, of freshness, of rotation and of ends; one set for both levels.

Pure functions of what is known of a login, and of the time. The signed level reads `Times` from
the session, the stored level a `LoginSession` from the store; the same rules judge both.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, cast

from flask_login.sessions.records import AHEAD as AHEAD
from flask_login.sessions.records import CREDENTIALS_CHANGED as CREDENTIALS_CHANGED
from flask_login.sessions.records import EXPIRED_ABSOLUTE as EXPIRED_ABSOLUTE
from flask_login.sessions.records import SUPERSEDED as SUPERSEDED
from flask_login.sessions.records import TOKEN_REUSED as TOKEN_REUSED
from flask_login.sessions.records import LoginSession as LoginSession
from flask_login.sessions.records import end as end
from flask_login.sessions.records import ended_because as ended_because
from flask_login.sessions.records import ends_at as ends_at
from flask_login.sessions.records import later as later

#: For how long the credential before the newest is accepted: parallel requests carry it.
GRACE = timedelta(seconds=30)
#: How long a remember token is left as it is before it rotates again.
COOLDOWN = timedelta(seconds=60)

#: The last moment that the calendar has.
END_OF_TIME = datetime.max.replace(tzinfo=timezone.utc)

# In seconds, more than the calendar has. What is longer is no entry of ours.
_TOO_MANY = 10**12

# ---------------------------------------------------------------------- time


class Timeouts(NamedTuple):
    """The timeouts of a login; None for what never ends it."""

    idle: timedelta | None = None
    absolute: timedelta | None = None
    fresh: timedelta | None = None

    def over(self, other: Timeouts) -> Timeouts:
        """Return these, and those of `other` where these say nothing."""
        return Timeouts(
            self.idle or other.idle, self.absolute or other.absolute, self.fresh or other.fresh
        )


NO_TIMEOUTS = Timeouts()


class Times:
    """When a login of the signed level began and was last used, and its own timeouts.

    All in whole seconds; the moments since 1970.
    """

    def __init__(
        self,
        began: int,
        seen: int,
        idle: int | None = None,
        absolute: int | None = None,
        fresh: int | None = None,
    ) -> None:
        self.began = began
        self.seen: int = seen
        #: When it was last used while the clock was behind `seen`, which never goes back.
        self.behind: int | None = None
        self.idle = idle
        self.absolute = absolute
        self.fresh = fresh

    @classmethod
    def of(cls, entry: Any) -> Times | None:
        """Return what stands in a session, or None for what is no such entry."""
        if not isinstance(entry, (list, tuple)):
            return None
        values = cast("list[Any]", entry)
        try:
            times = cls(*values)
        except TypeError:
            return None
        pair = cast("list[Any]", values[1])
        if isinstance(values[1], (list, tuple)) and len(pair) == 2:
            times.seen, times.behind = pair
        own = [times.idle, times.absolute, times.fresh, times.behind]
        numbers = (times.began, times.seen, *(number for number in own if number is not None))
        return times if all(isinstance(n, int) and abs(n) < _TOO_MANY for n in numbers) else None

    @classmethod
    def begin(cls, began: int, seen: int, own: Timeouts = NO_TIMEOUTS) -> Times:
        """Return the times of a login with timeouts of its own."""
        return cls(began, seen, *map(_whole, own))

    def entry(self) -> list[Any]:
        """Return it as it stands in a session."""
        seen = self.seen if self.behind is None else [self.seen, self.behind]
        values: list[Any] = [self.began, seen, self.idle, self.absolute, self.fresh]
        while values[-1] is None:
            values.pop()
        return values

    @property
    def own(self) -> Timeouts:
        """The timeouts that this login says itself."""
        spans = (self.idle, self.absolute, self.fresh)
        return Timeouts(*(None if span is None else timedelta(seconds=span) for span in spans))

    def last(self, now: datetime) -> datetime:
        """Return when it was last used, as a clock that shows `now` tells it."""
        seen = self.seen
        if self.behind is not None and now.timestamp() < seen:
            seen = self.behind
        return moment_of(seen) or END_OF_TIME

    def touch(self, now: int) -> None:
        """Note that it is used; what was noted by a clock that was ahead stays."""
        if now >= self.seen:
            self.seen, self.behind = now, None
        else:
            self.behind = now

    def lasting(self, timeouts: Timeouts, now: datetime) -> SignedTimes:
        """Return when it ends by these timeouts, as a clock that shows `now` tells it."""
        began = moment_of(self.began) or END_OF_TIME
        expires = END_OF_TIME if timeouts.absolute is None else later(began, timeouts.absolute)
        return SignedTimes(expires, self.last(now), timeouts.idle)


class SignedTimes(NamedTuple):
    """What says when a login of the signed level is over; what a record says on the other."""

    expires_at: datetime
    last_seen_at: datetime
    idle_timeout: timedelta | None
    ended_reason: str | None = None


def _whole(span: timedelta | None) -> int | None:
    # Never 0: that would be over at once.
    return None if span is None else max(1, int(span.total_seconds()))


def whole(moment: datetime) -> datetime:
    """Return a moment without its fraction of a second, as a session keeps it."""
    return moment.replace(microsecond=0)


def moment_of(seconds: object) -> datetime | None:
    """Return the time that stands in a session, or None for what is no time."""
    if not isinstance(seconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def span_of(seconds: object) -> timedelta | None:
    """Return the span of time that stands in a session, or None for what is none."""
    if not isinstance(seconds, (int, float)):
        return None
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


def touch_interval(interval: timedelta, idle: timedelta | None) -> timedelta:
    """Return how often the time of last activity is written: often enough for a short timeout."""
    return interval if idle is None else min(interval, idle / 2)


def is_due(seen: datetime, now: datetime, interval: timedelta) -> bool:
    """Return whether the time of last activity is to be written."""
    return now != seen and abs(now - seen) >= interval


# ----------------------------------------------------------------- freshness


def is_recent(moment: datetime | None, now: datetime, span: timedelta | None) -> bool:
    """Return whether a moment is known, and less than a span ago; None is any span.

    Nor may it be as far ahead, where only a wrong clock can have put it.
    """
    if moment is None:
        return False
    return span is None or abs(now - moment) < span


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether only a clock that was ahead can have named this moment."""
    return moment - now > AHEAD


# ------------------------------------------------------------------ rotation


class Step(NamedTuple):
    """What a credential was worth: the next record, or why it is refused.

    `record` is to be swapped in when it is not the one that was read; then the caller starts
    again if somebody else was quicker.
    """

    record: LoginSession
    #: Why the credential is refused; None when it is good.
    refused: str | None = None
    #: Whether the browser is to be given the newest session credential and remember token.
    reissue: bool = False


def knows_secret(record: LoginSession, secret: str) -> bool:
    """Return whether `secret` is the one this login began with."""
    shown = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(record.secret_hash.encode(), shown.encode())


def present_session(record: LoginSession, generation: int, now: datetime) -> Step:
    """Judge a session credential of this login.

    The newest is good, and shows that the response that carried it arrived. The one before is
    good for a short grace, because parallel requests carry it. Whatever else is refused.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    if generation == record.generation:
        return Step(record if record.confirmed else _confirmed(record))
    renewed_at = record.renewed_at or record.created_at
    if generation == record.generation - 1 and now < renewed_at + GRACE:
        return Step(record)
    return Step(record, refused=SUPERSEDED)


def present_remember(
    record: LoginSession, generation: int, now: datetime, *, slide: bool = False
) -> Step:
    """Judge a remember token of this login; a good one brings the login back, not fresh.

    The newest rotates, unless it did a moment ago. The one before is good while the response
    with the newest may have been lost, that is until anything from that response was presented,
    and for a short grace; it gets the newest, again. Any other was copied: the login ends. One
    from before a change of the credentials is refused, and shows nothing: its browser was told.

    :param slide: whether a token that rotates is good for as long as the one before it was.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    if record.remember_until is None or now >= record.remember_until:
        return Step(record, refused=EXPIRED_ABSOLUTE)
    if 0 < generation < record.remember_first:
        return Step(record, refused=CREDENTIALS_CHANGED)
    kept = _with_good_token(record, generation, now, slide)
    if kept is None:
        return Step(end(record, TOKEN_REUSED, now), refused=TOKEN_REUSED)
    return Step(kept, reissue=True)


def _with_good_token(
    record: LoginSession, generation: int, now: datetime, slide: bool
) -> LoginSession | None:
    issued_at = record.remember_issued_at or record.created_at
    newest = record.remember_generation
    if generation == newest:
        if now < issued_at + COOLDOWN:
            return _confirmed(record)
        return _restore(record, newest + 1, now, slide)
    if generation == newest - 1:
        if now < issued_at + GRACE:
            return record
        if not record.confirmed:
            # Nobody has shown what that response carried. Should the browser that comes now
            # not be the one that came then, only one of them keeps a good session credential.
            return _restore(record, newest, now, slide)
    return None


def _confirmed(record: LoginSession) -> LoginSession:
    if record.confirmed:
        return record
    return replace(record, confirmed=True, version=record.version + 1)


def _restore(
    record: LoginSession, remember_generation: int, now: datetime, slide: bool
) -> LoginSession:
    until, expires_at = record.remember_until, record.expires_at
    if slide and until is not None:
        until = later(now, until - (record.remember_issued_at or record.created_at))
        if record.absolute_timeout is None:
            expires_at = max(expires_at, until)
    return replace(
        record,
        expires_at=expires_at,
        remember_generation=remember_generation,
        remember_until=until,
        remember_issued_at=now,
        generation=record.generation + 1,
        renewed_at=now,
        last_seen_at=max(now, record.last_seen_at),
        authenticated_at=None,
        confirmed=False,
        restored=True,
        version=record.version + 1,
    )


def confirm(
    record: LoginSession,
    now: datetime,
    lifetime: timedelta,
    methods: Collection[str],
    auth_hash: str | None,
) -> LoginSession:
    """Return the record after the user proved once more who they are; an ended one as it is.

    New credentials bring a new remember token, and whatever copies there are of those before it
    are worth nothing.

    :param lifetime: how long it may last from now on, unless it has its own absolute timeout; it
        does not end sooner than before.
    """
    if record.ended_reason is not None:
        return record
    confirmed = replace(
        record,
        authenticated_at=now,
        last_seen_at=max(now, record.last_seen_at),
        expires_at=max(record.expires_at, later(now, record.absolute_timeout or lifetime)),
        methods=record.methods | frozenset(methods),
        auth_hash=auth_hash,
        generation=record.generation + 1,
        renewed_at=now,
        version=record.version + 1,
    )
    if not record.remembered or record.auth_hash in (None, auth_hash):
        return confirmed
    newest = record.remember_generation + 1
    return replace(
        confirmed,
        remember_generation=newest,
        remember_first=newest,
        remember_issued_at=now,
        confirmed=False,
    )


def remember(
    record: LoginSession, now: datetime, lifetime: timedelta, *, keeps_idle: bool
) -> LoginSession:
    """Return the record with its first remember token; one that has a token, or ended, as it is.

    :param keeps_idle: whether its idle timeout is one that somebody set.
    """
    if record.ended_reason is not None or record.remembered:
        return record
    until = later(now, lifetime)
    return replace(
        record,
        remember_generation=1,
        remember_until=until,
        remember_issued_at=now,
        idle_timeout=record.idle_timeout if keeps_idle else None,
        expires_at=record.expires_at
        if record.absolute_timeout is not None
        else max(record.expires_at, until),
        confirmed=False,
        version=record.version + 1,
    )


def renew(record: LoginSession, now: datetime) -> LoginSession:
    """Return the record with a new session credential; the one before dies after the grace."""
    if record.ended_reason is not None:
        return record
    return replace(
        record, generation=record.generation + 1, renewed_at=now, version=record.version + 1
    )


def note_auth_hash(record: LoginSession, auth_hash: str) -> LoginSession:
    """Return the record with the digest of the credentials, if it has none yet."""
    if record.auth_hash is not None or record.ended_reason is not None:
        return record
    return replace(record, auth_hash=auth_hash, version=record.version + 1)
