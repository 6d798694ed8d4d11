"""The rules of a login: of time, of freshness and of ends; one set for both levels.

Pure functions of what is known of a login, and of the time. The signed level reads `Times` from
the session, the stored level a `LoginSession` from the store; the same rules judge both.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, cast

from flask_login.sessions.records import AHEAD as AHEAD
from flask_login.sessions.records import EXPIRED_ABSOLUTE as EXPIRED_ABSOLUTE
from flask_login.sessions.records import ended_because as ended_because
from flask_login.sessions.records import ends_at as ends_at
from flask_login.sessions.records import later as later

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


def second_of(moment: datetime | None) -> int | None:
    """Return the second since 1970 that a session keeps of a moment; `moment_of` reads it."""
    return None if moment is None else int(moment.timestamp())


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
