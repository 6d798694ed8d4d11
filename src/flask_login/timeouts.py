"""Timeouts on the signed level: a login's times, in the signed session.

The stored level has them in its record. Here they are a few bytes that are only written where a
timeout is set, and rewritten at most every ``LOGIN_TOUCH_INTERVAL``.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from . import config as settings
from .identity import Identity
from .loaders import UserT
from .marks import is_marked, mark
from .state import get_app, get_config, get_session, request_context

#: On a view function whose requests don't count as activity.
NO_ACTIVITY = "_login_no_activity"

if TYPE_CHECKING:
    from .remember import RememberToken

    F = TypeVar("F", bound=Callable[..., Any])


class Timeouts:
    """What one login says of its timeouts itself; None leaves it to the setting."""

    def __init__(
        self,
        idle: timedelta | None = None,
        absolute: timedelta | None = None,
        fresh: timedelta | None = None,
    ) -> None:
        self.idle = idle
        self.absolute = absolute
        self.fresh = fresh


NO_TIMEOUTS = Timeouts()

# In seconds, more than the calendar has. What is longer is no entry of ours.
_LONGEST = 10**12


class Times:
    """When a login of the signed level began and was last used, and its own timeouts."""

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
        self.idle = idle
        self.absolute = absolute
        self.fresh = fresh
        #: When it was last used while the clock was behind `seen`, which never goes back.
        self.behind: int | None = None

    @classmethod
    def of(cls, entry: Any) -> Times | None:
        """Return what stands in a session, or None for what is no such entry."""
        try:
            times = cls(*entry)
        except TypeError:
            return None
        if isinstance(entry[1], (list, tuple)) and len(entry[1]) == 2:
            times.seen, times.behind = entry[1]
        own = [times.idle, times.absolute, times.fresh, times.behind]
        own = [number for number in own if number is not None]
        numbers = (times.began, times.seen, *own)
        return times if all(isinstance(n, int) and abs(n) < _LONGEST for n in numbers) else None

    def entry(self) -> list[Any]:
        """Return it as it stands in a session."""
        seen = self.seen if self.behind is None else [self.seen, self.behind]
        values = [self.began, seen, self.idle, self.absolute, self.fresh]
        while values[-1] is None:
            values.pop()
        return values

    def last(self, now: float) -> int:
        """Return when it was last used, as a clock that shows `now` (in seconds) tells it."""
        return self.behind if self.behind is not None and now < self.seen else self.seen

    def touch(self, now: int) -> None:
        """Note that it is used; what was noted by a clock that was ahead stays."""
        if now >= self.seen:
            self.seen, self.behind = now, None
        else:
            self.behind = now


class SignedTimeouts(Identity[UserT]):
    """The part of `LoginManager` that ends logins by time, without a session store."""

    def _is_fresh(self, user: Any) -> bool:
        if not super()._is_fresh(user):
            return False
        timeout = self._fresh_timeout()
        if timeout is None:
            return True
        return self._is_recent(self._fresh_since(), timeout)

    def _is_recent(self, moment: datetime | None, span: timedelta | None) -> bool:
        """Tell whether a moment is known, and less than a span ago; None is any span.

        Nor may it be as far ahead, where only a wrong clock can have put it.
        """
        if moment is None:
            return False
        return span is None or abs(self._clock() - moment) < span

    def _proved_at(self) -> datetime | None:
        """Return when the user of the session last proved who they are, if that is known."""
        return moment_of(get_session().get(self.keys.at))

    def _fresh_since(self) -> datetime | None:
        proved_at = self._proved_at()
        if proved_at is not None:
            return proved_at
        # A session from before there were times: since we know it.
        times = Times.of(get_session().get(self.keys.times))
        return None if times is None else moment_of(times.began)

    def _fresh_timeout(self) -> timedelta | None:
        return _span(self._times(get_session()).fresh, settings.LOGIN_FRESH_TIMEOUT)

    def _greatest_age(self, sess: MutableMapping[str, Any]) -> timedelta | None:
        """Return after how long the session's login ends in any case, if it does."""
        return _span(self._times(sess).absolute, settings.LOGIN_ABSOLUTE_TIMEOUT)

    def _expires_at(self) -> datetime | None:
        """Return when the session's login ends if nothing more is done, or None for never."""
        times, now = self._times(get_session()), self._clock().timestamp()
        return min(_ends(times, now).values(), default=None)

    def _times(self, sess: MutableMapping[str, Any]) -> Times:
        """Return the times of the session's login; they begin now if it has none."""
        now = int(self._clock().timestamp())
        return Times.of(sess.get(self.keys.times)) or Times(now, now)

    def _admit(self, sess: MutableMapping[str, Any], user_id: Any) -> Any | None:
        new = Times.of(sess.get(self.keys.times)) is None
        if new and not _timeouts_are_set():
            return user_id
        times, now = self._times(sess), self._clock()
        for reason, moment in _ends(times, now.timestamp()).items():
            if now >= moment:
                self._end_login(sess, self._state(), reason)
                return None
        seconds = int(now.timestamp())
        since = abs(seconds - times.last(seconds))
        due = since > 0 and since >= _touch_interval(times).total_seconds()
        if new or (due and self._is_activity()):
            times.touch(seconds)
            sess[self.keys.times] = times.entry()
        return user_id

    def _read_remember_cookie(self, value: str) -> RememberToken | None:
        token = super()._read_remember_cookie(value)
        absolute = settings.LOGIN_ABSOLUTE_TIMEOUT.read(get_config())
        if token is None or absolute is None:
            return token
        if self._clock().timestamp() < token.issued_at + absolute.total_seconds():
            return token
        self._state().ended_reason = "expired_absolute"
        return None

    def _is_activity(self) -> bool:
        """Tell whether a person made this request, as far as one can know."""
        request = request_context.get().request
        if self._state().passive or "prefetch" in request.environ.get("HTTP_SEC_PURPOSE", ""):
            return False
        return not is_marked(get_app().view_functions.get(request.endpoint or ""), NO_ACTIVITY)

    def _settle(
        self, sess: MutableMapping[str, Any], user: Any, token: RememberToken | None
    ) -> bool:
        # Asked first whether there is something to write or drop: a fortieth of such a request.
        if token is not None and (
            self.keys.times in sess or self.keys.at in sess or _timeouts_are_set()
        ):
            self._write_times(sess, began=token.issued_at, proved=False)
        return super()._settle(sess, user, token)

    def _write_times(
        self,
        sess: MutableMapping[str, Any],
        own: Timeouts = NO_TIMEOUTS,
        *,
        began: int | None = None,
        proved: bool,
    ) -> None:
        """Note when a login began, and when its user proved who they are."""
        for key in (self.keys.times, self.keys.at):
            if key in sess:
                del sess[key]
        limited = own is not NO_TIMEOUTS or _timeouts_are_set()
        if not (proved or limited):
            return
        now = int(self._clock().timestamp())
        if proved:
            sess[self.keys.at] = now
        if limited:
            spans = map(_seconds, (own.idle, own.absolute, own.fresh))
            sess[self.keys.times] = Times(now if began is None else began, now, *spans).entry()

    def _prove(self, sess: MutableMapping[str, Any]) -> None:
        """Note that the user proved once more who they are: every timeout begins anew."""
        now = int(self._clock().timestamp())
        sess[self.keys.at] = now
        times = Times.of(sess.get(self.keys.times))
        if times is not None:
            times.began = now
            times.touch(now)
            sess[self.keys.times] = times.entry()

    @staticmethod
    def no_activity(view: F) -> F:
        """Mark a view whose requests are no sign of a person. See `flask_login.no_activity`."""
        return no_activity(view)


def _timeouts_are_set() -> bool:
    config = get_config()
    if config.keys().isdisjoint(settings.TELLING_KEYS):
        return False
    return any(
        setting.read(config) is not None
        for setting in (
            settings.LOGIN_IDLE_TIMEOUT,
            settings.LOGIN_ABSOLUTE_TIMEOUT,
            settings.LOGIN_FRESH_TIMEOUT,
        )
    )


def _ends(times: Times, now: float) -> dict[str, datetime]:
    """Return when a login ends, by the reason; nothing for what never ends it."""
    ends = {
        "expired_absolute": (times.began, _span(times.absolute, settings.LOGIN_ABSOLUTE_TIMEOUT)),
        "expired_idle": (times.last(now), _span(times.idle, settings.LOGIN_IDLE_TIMEOUT)),
    }
    last = datetime.max.replace(tzinfo=timezone.utc)
    return {
        reason: moment_of(start + span.total_seconds()) or last
        for reason, (start, span) in ends.items()
        if span is not None
    }


def _span(own: int | None, setting: settings.Setting[timedelta | None]) -> timedelta | None:
    """Return a timeout: the login's own, in seconds, or else what the setting says."""
    return setting.read(get_config()) if own is None else timedelta(seconds=own)


def _seconds(span: timedelta | None) -> int | None:
    # Never 0: that would be over at once.
    return None if span is None else max(1, int(span.total_seconds()))


def _touch_interval(times: Times) -> timedelta:
    """Return how often the time of last activity is written: often enough for a short timeout."""
    interval = settings.LOGIN_TOUCH_INTERVAL.read(get_config())
    idle = _span(times.idle, settings.LOGIN_IDLE_TIMEOUT)
    return interval if idle is None else min(interval, idle / 2)


def moment_of(seconds: object) -> datetime | None:
    """Return the time that stands in a session, or None for what is no time."""
    if not isinstance(seconds, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None


def no_activity(view: F) -> F:
    """Mark a view whose requests are no sign of a person: they don't put off the idle timeout.

    For what a page asks by itself, again and again: new messages, the state of a job. Put it right
    below ``@app.route``, above the guards::

        @app.get("/unread")
        @no_activity
        @login_required
        def unread(): ...

    Requests that a browser makes ahead of time (``Sec-Purpose: prefetch``) never count.

    :param view: the view, which may be any callable, or the class of views.
    :return: the same, marked.

    .. versionadded:: 0.6.90
    """
    mark(view, NO_ACTIVITY)
    return view
