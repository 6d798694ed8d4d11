"""The contract of session stores, in the docstrings of `SessionStore`.

A store keeps `LoginSession` records and knows none of their rules. Its one other duty is
atomicity: of two requests that change one record at once, only one may succeed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

# The rooms of the stores take the errors from here: this is the one import that goes up.
from flask_login.exceptions import ConfigurationError as ConfigurationError
from flask_login.exceptions import SessionStoreUnavailable as SessionStoreUnavailable

from .records import LoginSession


@runtime_checkable
class SessionStore(Protocol):
    """Keeps the records of logins. Every method may be called from many threads at once.

    Every method raises `SessionStoreUnavailable` when the back end can't be reached, or gives no
    answer within the store's timeout; whether a write arrived is then unknown.

    A store may rely on this:

    - Ids come from `records.new_id`: 33 characters of ``A-Z a-z 0-9 _ -``, upper and lower case
      told apart. The first 11 are `records.user_tag` of the record's user, so a store that is
      spread over machines finds a user's logins together by any of their ids. `create` may
      refuse any other id with `ValueError`; to the other methods it is unknown.
    - Times are aware and in UTC; a store keeps them to the millisecond at least.
    - The id, ``user_id``, ``created_at`` and ``external_id`` of a record never change.

    `flask_login.testing.SessionStoreContract` tests this contract.

    .. versionadded:: 0.6.90
    """

    #: What kind of store this is, for messages: ``"memory"``, ``"sqlalchemy"``, ``"redis"``.
    kind: str

    def create(self, record: LoginSession) -> None:
        """Keep a new record, at least until its ``purge_at``.

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
        """Return the record, or None for an unknown id.

        A record that has ended or expired is still returned until its ``purge_at``, so that the
        user can be told why.

        :param session_id: the public handle. May be any text.
        :param seen_at: now, when this request counts as activity: a live record whose
            ``last_seen_at`` is at least `interval` before it gets it as its new one. That must
            not move ``last_seen_at`` back, change ``version`` or touch a record that is over at
            `seen_at` (`records.ended_because`), and needs no separate round trip where the back end
            has a way. The record returned may show either time.
        :param interval: how old ``last_seen_at`` must be to be moved at all.
        """
        ...

    def replace(self, record: LoginSession) -> bool:
        """Keep `record` in place of the version before it, in one atomic step.

        :param record: the new state; the one kept must have ``version == record.version - 1``.
        :return: whether it was kept; False when another request was quicker, or the id is unknown.
            The kept ``last_seen_at`` never goes back.
        """
        ...

    def list(self, user_id: str) -> Sequence[LoginSession]:
        """Return all records of a user, also ended ones, newest first (``created_at``)."""
        ...

    def list_external(self, external_id: str) -> Sequence[LoginSession]:
        """Return all records with that ``external_id``."""
        ...

    def end_all(self, user_id: str, reason: str, moment: datetime, *, keep: str = "") -> int:
        """End every live record of a user for `reason`, as `records.end` does, except `keep`.

        An ended record keeps its reason and moment, also if the brake (`end_all_before`) ended it.
        An expired record may be ended as well.

        :param moment: now.
        :param keep: the id of a record to leave as it is; may be any text.
        :return: how many there were.
        """
        ...

    def delete(self, session_id: str) -> bool:
        """Delete a record; return whether there was one."""
        ...

    def delete_all(self, user_id: str) -> int:
        """Delete all records of a user (an account was erased); return how many there were."""
        ...

    def purge(self, before: datetime, *, batch: int = 1000) -> Iterator[int]:
        """Delete every record whose ``purge_at`` is before `before`, `batch` at a time.

        :return: yields how many each step deleted, so that long work can show its progress. A
            back end that expires records by itself yields nothing.
        """
        ...

    def end_all_before(self, moment: datetime) -> None:
        """Set the moment before which no login counts: one write, however many there are.

        From then on `get`, `list` and `list_external` return a record that was created before it
        as `records.braked` makes it. Monotonic: a moment before the one kept changes nothing. In a
        store spread over machines it may take up to a second to count everywhere.
        """
        ...

    def ended_before(self) -> datetime | None:
        """Return the moment that `end_all_before` keeps, or None: one read.

        It is the back end's current value, also in a store where others may lag by a second.
        """
        ...

    def ping(self) -> None:
        """Return when the back end has answered a question."""
        ...


# What a store may do beyond that: each capability is a protocol, which a store claims by having
# its method.


@runtime_checkable
class LoweringStore(Protocol):
    """A store whose emergency brake can be lowered.

    `SessionRegistry.lower_brake` and ``flask login brake --clear`` need it, after a clock that was
    ahead has pulled the brake in the future.

    .. versionadded:: 0.6.90
    """

    def lower_brake(self, moment: datetime) -> bool:
        """Set the moment of `SessionStore.end_all_before` to an earlier one.

        It must never seem that there is no brake, not even in between. In a store spread over
        machines it may take up to a second to count everywhere.

        :param moment: the new one, where a later one is kept; an earlier one stays.
        :return: whether a later one was kept.
        """
        ...


@runtime_checkable
class AddressedStore(Protocol):
    """A store that names its back end to the operator.

    The log and ``flask login doctor`` say then which one gives no answer.

    .. versionadded:: 0.6.90
    """

    def address(self) -> str | None:
        """Return the host and port, or the file, of the back end; None when that is not known.

        Nothing is asked for it. It is shown: it has no user name and no password, nor any other
        part of a URL.
        """
        ...


@runtime_checkable
class LocatedStore(Protocol):
    """A store that tells where it keeps its records.

    ``flask login doctor`` asks it, to find realms that share their records.

    .. versionadded:: 0.6.90
    """

    def place(self) -> object:
        """Return where the records are, or None when that is not known.

        Two stores with equal places have their records in common. The place is hashable, stays the
        same for as long as the store exists, and is compared, never shown.
        """
        ...


@runtime_checkable
class EvictingStore(Protocol):
    """A store whose back end may drop records to make room.

    ``flask login doctor`` asks it, to find servers that log users out at random.

    .. versionadded:: 0.6.90
    """

    def eviction_policy(self) -> str | None:
        """Return the name of the back end's policy, in the terms of Redis (``maxmemory-policy``).

        A policy that starts with ``allkeys`` may drop any record. None if the back end has no
        limit to its memory, or does not tell.
        """
        ...


@runtime_checkable
class MigratedStore(Protocol):
    """A store whose tables a migration of the application's should know.

    The log at start and ``flask login doctor`` ask it, to find tables that the next migration by
    Alembic would drop.

    .. versionadded:: 0.6.90
    """

    def is_unmigrated_in(self, url: object, folder: str = "") -> bool:
        """Return whether the tables are in the database of a URL, and in no `MetaData` of its.

        The back end is not asked.

        :param url: a database URL of the application's settings; it may be anything.
        :param folder: where a relative path in it begins; by default the working directory.
        """
        ...


def named(store: SessionStore) -> str:
    """Return what a store is called in a message to the operator: kind and address."""
    address = store.address() if isinstance(store, AddressedStore) else None
    return f"{store.kind} at {address}" if address else store.kind
