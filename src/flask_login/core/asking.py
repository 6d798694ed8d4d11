"""A session store, asked: changes that begin again, activity that is noted, outages that are told.

Every change is a pure function of `rules`, swapped in by compare-and-swap and begun again when
somebody else was quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.sessions.store import SessionStore, SessionStoreUnavailable

from . import rules, settings
from .events import (
    audit,
    login_session_ended,
    remember_token_reused,
    session_store_unavailable,
)

if TYPE_CHECKING:
    from .ports import HostedRealm

# More swaps in a row than this are lost only by a store that answers wrongly.
_TRIES = 64

# Of how many logins a process knows when they were seen; some 200 bytes each.
_KNOWN = 10_000

# A failure that took as many seconds was silence; a refused connection takes none.
_SILENCE = 0.2


class AskedStore:
    """The store of one realm, as its logins ask it."""

    def __init__(self, store: SessionStore, realm: HostedRealm) -> None:
        self.store = store
        self._realm = realm
        self._silent_until = 0.0
        #: When a login was last seen, or after: as far as this process knows.
        self._seen: dict[str, datetime] = {}

    @contextmanager
    def asking(self) -> Generator[SessionStore]:
        """Give the store inside of a ``with`` block; tell when it leaves a question unanswered.

        A request that waits for a silent store holds a worker, which other requests need. So for as
        long as the store kept one request waiting, the next ones are told at once.
        """
        begun = time.monotonic()
        try:
            if begun < self._silent_until:
                raise SessionStoreUnavailable(self.store.kind, "it was silent a moment ago")
            yield self.store
        except SessionStoreUnavailable as error:
            now = time.monotonic()
            if now - begun >= _SILENCE:
                self._silent_until = now + (now - begun)
            self._realm.host.store_failed(self._realm)
            self._realm.host.send(session_store_unavailable, error=error)
            raise

    def tries(self) -> Generator[None]:
        """Yield once for each try at a change; raise `RuntimeError` when none gets through."""
        for _ in range(_TRIES):
            yield
        raise RuntimeError(f"The {self.store.kind} store never lets a change through.")

    def change(
        self, session_id: str, next_of: Callable[[LoginSession], LoginSession]
    ) -> LoginSession | None:
        """Swap in what `next_of` makes of a record; None when there is none (any more)."""
        with self.asking() as store:
            for _ in self.tries():
                record = store.get(session_id)
                if record is None:
                    return None
                changed = next_of(record)
                if self.swap(record, changed):
                    return changed
        return None

    def swap(self, record: LoginSession, successor: LoginSession) -> bool:
        """Put a record in the place of another; False when somebody else was quicker."""
        if successor is not record:
            if not self.store.replace(successor):
                return False
            self.tell(record, successor)
        return True

    def read(
        self, session_id: str, now: datetime, activity: Callable[[], bool]
    ) -> LoginSession | None:
        """Return a record; where that is due, its time of last activity is written on the way."""
        config = self._realm.host.config()
        longest = min(settings.LOGIN_TOUCH_INTERVAL.read(config), settings.COOKIE_DURATION)
        interval = rules.touch_interval(longest, settings.LOGIN_IDLE_TIMEOUT.read(config))
        seen = self._seen.get(session_id)
        due = (seen is None or now - seen >= interval) and activity()
        record = self._get(session_id, now if due else None, interval)
        if record is None:
            return None
        own = rules.touch_interval(interval, record.idle_timeout)
        if own < interval and now - record.last_seen_at >= own and activity():
            # Its own timeout is so short that by the other interval activity would come too late.
            record = self._get(session_id, now, own)
        return record

    def _get(
        self, session_id: str, seen_at: datetime | None, interval: timedelta
    ) -> LoginSession | None:
        record = self.store.get(session_id, seen_at=seen_at, interval=interval)
        if record is not None and self._seen.get(session_id) != record.last_seen_at:
            if len(self._seen) >= _KNOWN:
                self._seen.clear()
            self._seen[session_id] = record.last_seen_at
        return record

    def tell(self, before: LoginSession, after: LoginSession) -> None:
        """Tell of a login that has ended."""
        if before.ended_reason is None and after.ended_reason is not None:
            host = self._realm.host
            host.send(login_session_ended, login=after, reason=after.ended_reason)
            self.audit("login_session_ended", after)
            if after.ended_reason == records.TOKEN_REUSED:
                host.send(remember_token_reused, login=after)
                self.audit("remember_token_reused", after)

    def audit(self, event: str, record: LoginSession) -> None:
        """Log an event of a login's life, with its facts as extra fields; never a secret."""
        audit(
            event,
            user_id=record.user_id,
            login_id=record.id,
            ip=record.ip_address,
            reason=record.ended_reason,
            actor=self._realm.host.actor(self._realm),
        )
