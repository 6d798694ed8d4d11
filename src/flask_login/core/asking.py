"""A session store, asked: changes that begin again, activity that is noted, outages that are told.

Every change is a pure function of `rules`, swapped in by compare-and-swap and begun again when
somebody else was quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.sessions.store import SessionStore, SessionStoreUnavailable

from . import settings
from .events import (
    audit,
    login_session_ended,
    remember_token_reused,
    session_store_unavailable,
)
from .outage import Outages
from .rules import touch_interval
from .settings import Settings

if TYPE_CHECKING:
    from .ports import HostedRealm

#: For each try at a change. As many in a row are lost only by a store that answers wrongly.
TRIES = range(64)

# Of how many logins a process knows when they were seen; some 200 bytes each.
_KNOWN = 10_000

# A failure that took as many seconds was silence; a refused connection takes none.
_SILENCE = 0.2

# For how many seconds a silent store is left alone at most.
_ALONE = 1.0

_WAS_SILENT = "it was silent a moment ago"


def _interval(longest: timedelta, idle: timedelta | None) -> timedelta:
    return touch_interval(min(longest, settings.COOKIE_DURATION), idle)


#: How often the time of last activity is written.
_INTERVAL = Settings(_interval, settings.LOGIN_TOUCH_INTERVAL, settings.LOGIN_IDLE_TIMEOUT)


class AskedStore:
    """The store of one realm, as its logins ask it."""

    def __init__(self, store: SessionStore, realm: HostedRealm) -> None:
        self.store = store
        self._realm = realm
        self._silent_until = 0.0
        self._outages = Outages(store, realm.name)
        #: When a login was last seen, or after: as far as this process knows.
        self._seen: dict[str, datetime] = {}

    def ask(self, question: str, *args: Any, **options: Any) -> Any:
        """Return the store's answer to a question; tell when it leaves one unanswered.

        :param question: the name of one of the methods of `SessionStore`.

        A request that waits for a silent store holds a worker, which other requests need. So for as
        long as the store kept one request waiting, though not for longer than a second, the next
        ones are told at once. Then one of them asks, and the others need not wait with it.
        """
        begun = time.monotonic()
        try:
            if self._silent_until:
                self._wait_for_nobody(begun)
            answer = getattr(self.store, question)(*args, **options)
        except SessionStoreUnavailable as error:
            self._note_failure(question, error, begun)
            raise
        if self._silent_until:
            self._silent_until = 0.0
        if self._outages.is_on:
            self._outages.note_answer(question, begun)
        return answer

    def _wait_for_nobody(self, now: float) -> None:
        if now < self._silent_until:
            raise SessionStoreUnavailable(self.store.kind, _WAS_SILENT)
        self._silent_until = now + _ALONE

    def _note_failure(self, question: str, error: SessionStoreUnavailable, begun: float) -> None:
        # A command or a job tells of the failure itself.
        serves = self._realm.host.store_failed(self._realm)
        if error.cause != _WAS_SILENT:
            now = time.monotonic()
            took = now - begun
            self._silent_until = now + min(took, _ALONE) if took >= _SILENCE else 0.0
            self._outages.note_failure(question, error, tells=serves)
        self._realm.host.send(session_store_unavailable, error=error)

    def no_way_through(self) -> RuntimeError:
        """Return the error for a change that was never let through."""
        return RuntimeError(f"The {self.store.kind} store never lets a change through.")

    def change(
        self, session_id: str, next_of: Callable[[LoginSession], LoginSession]
    ) -> LoginSession | None:
        """Swap in what `next_of` makes of a record; None when there is none (any more)."""
        for _ in TRIES:
            record = self.ask("get", session_id)
            if record is None:
                return None
            changed = next_of(record)
            if self.swap(record, changed):
                return changed
        raise self.no_way_through()

    def swap(self, record: LoginSession, successor: LoginSession) -> bool:
        """Put a record in the place of another; False when somebody else was quicker."""
        if successor is not record:
            if not self.ask("replace", successor):
                return False
            if successor.ended_reason is not None:
                self.tell(successor)
        return True

    def read(
        self,
        session_id: str,
        now: datetime,
        config: Mapping[str, Any],
        activity: Callable[[], bool],
    ) -> LoginSession | None:
        """Return a record; where that is due, its time of last activity is written on the way."""
        interval = _INTERVAL.default
        if not config.keys().isdisjoint(_INTERVAL.keys):
            interval = _INTERVAL.read(config)
        seen = self._seen.get(session_id)
        due = (seen is None or now - seen >= interval) and activity()
        seen_at = now if due else None
        record: LoginSession | None
        record = self.ask("get", session_id, seen_at=seen_at, interval=interval)
        if record is None:
            return None
        own = record.idle_timeout
        soon = own is not None and own / 2 < interval and now - record.last_seen_at >= own / 2
        if own is not None and soon and activity():
            # Its own timeout is so short that by the other interval activity would come too late.
            record = self.ask("get", session_id, seen_at=now, interval=own / 2)
        if record is not None and seen != record.last_seen_at:
            if len(self._seen) >= _KNOWN:
                self._seen.clear()
            self._seen[session_id] = record.last_seen_at
        return record

    def tell(self, ended: LoginSession) -> None:
        """Tell of a login that has just ended. No rule changes one that ended before."""
        host = self._realm.host
        if login_session_ended.receivers:
            host.send(login_session_ended, login=ended, reason=ended.ended_reason)
        self.audit("login_session_ended", ended)
        if ended.ended_reason == records.TOKEN_REUSED:
            host.send(remember_token_reused, login=ended)
            self.audit("remember_token_reused", ended, "a copy of the login was used")

    def audit(self, event: str, record: LoginSession, text: str = "") -> None:
        """Log an event of a login's life, with its facts as extra fields; never a secret."""
        audit(
            event,
            user_id=record.user_id,
            login_id=record.id,
            ip=record.ip_address,
            reason=record.ended_reason,
            actor=self._realm.host.actor(self._realm),
            text=text,
        )
