"""`MemorySessionStore`: records in this process, for development and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock

from .records import LoginSession, braked, end, ended_because


class MemorySessionStore:
    """Keeps records in the memory of this process.

    They are gone when the process ends, and other worker processes don't see them: a login in one
    process is unknown in the others. For development and tests; elsewhere the log warns.

    .. versionadded:: 0.6.90
    """

    kind = "memory"

    def __init__(self) -> None:
        self._lock = Lock()
        self._records: dict[str, LoginSession] = {}
        self._users: dict[str, set[str]] = {}
        self._ended_before: datetime | None = None

    def create(self, record: LoginSession) -> None:
        """See `SessionStore.create`."""
        with self._lock:
            self._records[record.id] = record
            self._users.setdefault(record.user_id, set()).add(record.id)

    def get(
        self,
        session_id: str,
        *,
        seen_at: datetime | None = None,
        interval: timedelta = timedelta(0),
    ) -> LoginSession | None:
        """See `SessionStore.get`."""
        if seen_at is None:
            # Each is one read; the record comes first, so that a brake set in between counts.
            found, moment = self._records.get(session_id), self._ended_before
            return found if found is None or moment is None else braked(found, moment)
        with self._lock:
            record = self._records.get(session_id)
            if record is None:
                return None
            record = braked(record, self._ended_before)
            if ended_because(record, seen_at) is not None:
                return record
            if record.last_seen_at < seen_at and record.last_seen_at + interval <= seen_at:
                record = self._records[session_id] = replace(record, last_seen_at=seen_at)
            return record

    def replace(self, record: LoginSession) -> bool:
        """See `SessionStore.replace`."""
        with self._lock:
            kept = self._records.get(record.id)
            if kept is None or kept.version != record.version - 1:
                return False
            if kept.last_seen_at > record.last_seen_at:
                record = replace(record, last_seen_at=kept.last_seen_at)
            self._records[record.id] = record
            return True

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list`."""
        with self._lock:
            ids = self._users.get(user_id, ())
            found = [braked(self._records[i], self._ended_before) for i in ids]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """See `SessionStore.list_external`."""
        with self._lock:
            found = [r for r in self._records.values() if r.external_id == external_id]
            return [braked(record, self._ended_before) for record in found]

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """See `SessionStore.end_all`."""
        with self._lock:
            live = [self._records[i] for i in self._users.get(user_id, ()) if i != keep]
            live = [r for r in live if braked(r, self._ended_before).ended_reason is None]
            for record in live:
                self._records[record.id] = end(record, reason, moment)
            return len(live)

    def delete(self, session_id: str) -> bool:
        """See `SessionStore.delete`."""
        with self._lock:
            return self._delete(session_id)

    def delete_all(self, user_id: str) -> int:
        """See `SessionStore.delete_all`."""
        with self._lock:
            return sum(self._delete(found) for found in list(self._users.get(user_id, ())))

    def _delete(self, session_id: str) -> bool:
        record = self._records.pop(session_id, None)
        if record is None:
            return False
        ids = self._users[record.user_id]
        ids.discard(session_id)
        if not ids:
            del self._users[record.user_id]
        return True

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:
        """See `SessionStore.purge`."""
        while True:
            with self._lock:
                due = (i for i, record in self._records.items() if record.purge_at < before)
                ids = list(islice(due, batch))
                for session_id in ids:
                    self._delete(session_id)
            if not ids:
                return
            yield len(ids)

    def end_all_before(self, moment: datetime) -> None:
        """See `SessionStore.end_all_before`."""
        with self._lock:
            if self._ended_before is None or self._ended_before < moment:
                self._ended_before = moment

    def lower_brake(self, moment: datetime) -> bool:
        """See `LoweringStore.lower_brake`."""
        with self._lock:
            if self._ended_before is None or self._ended_before <= moment:
                return False
            self._ended_before = moment
            return True

    def ended_before(self) -> datetime | None:
        """See `SessionStore.ended_before`."""
        return self._ended_before

    def ping(self) -> None:
        """See `SessionStore.ping`."""
