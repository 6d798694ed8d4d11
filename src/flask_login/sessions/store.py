"""What a session store must do: the contract, in the docstrings of `SessionStore`.

A store keeps `LoginSession` records and knows none of their rules. Its one duty beside keeping
them is atomicity: two requests that change one record at once must not both believe they did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from flask_login.exceptions import SessionStoreUnavailable as SessionStoreUnavailable

from .records import LoginSession


@runtime_checkable
class SessionStore(Protocol):
    """Keeps the records of logins. Every method may be called from many threads at once.

    Every method raises `SessionStoreUnavailable` when the back end can't be reached, or gives no
    answer within the store's own timeout; it does not say whether a write arrived.

    A store may rely on this:

    - Ids come from `records.new_id`: 33 characters of ``A-Z a-z 0-9 _ -``, upper and lower case
      told apart. The first 11 are `records.user_tag` of the record's user, so a store that is
      spread over machines finds a user's logins together by any of their ids. `create` may
      refuse any other id with `ValueError`; to the other methods it is unknown.
    - Times are aware and in UTC; a store keeps them to the millisecond at least.
    - The id, ``user_id``, ``created_at`` and ``external_id`` of a record never change.

    `flask_login.testing.SessionStoreContract` tests all that is said here.

    .. versionadded:: 0.6.90
    """

    #: What kind of store this is, for messages: ``"memory"``, ``"sqlalchemy"``, ``"redis"``.
    kind: str

    def create(self, record: LoginSession) -> None:
        """Keep a new record, until its ``purge_at`` at least.

        :raises ValueError: for an id that is not from `records.new_id`, or a user id or
            ``external_id`` that the back end can't keep as it is. Texts that come from the client
            (address, user agent) may be cut, and must not make a login fail.
        """
        ...

    def get(
        self,
        session_id: str,
        *,
        seen_at: datetime | None = None,
        interval: timedelta = timedelta(0),
    ) -> LoginSession | None:
        """Return the record, or None for an id that is not known (any more).

        A record that has ended, or whose time is up, is still returned until its ``purge_at``,
        so that the person can be told why.

        :param session_id: the public handle. May be any text.
        :param seen_at: now, when this request counts as activity: a live record whose
            ``last_seen_at`` is at least `interval` before it gets it as its new one. That must
            not move ``last_seen_at`` back, change ``version`` or touch a record that is over at
            `seen_at` (`records.ended_because`), and costs no round trip of its own where the back
            end has a way. The record returned may show either time.
        :param interval: how old ``last_seen_at`` must be to be moved at all.
        """
        ...

    def replace(self, record: LoginSession) -> bool:
        """Keep `record` in place of the version before it, in one atomic step.

        :param record: the new state; the one kept must have ``version == record.version - 1``.
        :return: whether it was kept; False when somebody else was quicker, or the id is gone. The
            kept ``last_seen_at`` never goes back.
        """
        ...

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """Return all records of a user, the ended ones too, the newest first (``created_at``)."""
        ...

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """Return all records with that ``external_id``."""
        ...

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """End every live record of a user for `reason`, as `records.end` does, but `keep`.

        One that has ended keeps its reason and moment, also if it was the brake (`end_all_before`)
        that ended it. One that has merely run out of time may be ended as well.

        :param moment: now.
        :param keep: the id of a record to leave as it is; may be any text.
        :return: how many there were.
        """
        ...

    def delete(self, session_id: str) -> bool:
        """Forget a record; tell whether there was one."""
        ...

    def delete_all(self, user_id: str) -> int:
        """Forget all records of a user (an account was erased); return how many there were."""
        ...

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:
        """Forget every record whose ``purge_at`` is before `before`, `batch` at a time.

        :return: yields how many each step forgot, so that long work can show its progress. A
            back end that expires records itself yields nothing.
        """
        ...

    def end_all_before(self, moment: datetime) -> None:
        """Set the moment before which no login counts: one write, however many there are.

        From then on `get`, `list` and `list_external` return a record that was created before it
        as `records.braked` makes it. Monotonic: an earlier moment than the one kept changes
        nothing. A store spread over machines may take up to a second to know it everywhere.
        """
        ...

    def ended_before(self) -> datetime | None:
        """Return the moment that `end_all_before` keeps, or None: one read.

        It is what the back end knows now, also in a store that may take a second elsewhere.
        """
        ...

    def ping(self) -> None:
        """Ask the back end for a sign of life; return when it gave one."""
        ...
