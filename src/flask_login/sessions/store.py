"""What a session store must do: the contract, in the docstrings of `SessionStore`.

A store keeps `LoginSession` records and knows none of their rules. Its one duty beside keeping
them is atomicity: two requests that change one record at once must not both believe they did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from werkzeug.exceptions import ServiceUnavailable

from flask_login.exceptions import FlaskLoginError
from .records import LoginSession


class SessionStoreUnavailable(FlaskLoginError, ServiceUnavailable):
    """The session store gave no answer in time. Flask answers 503 with ``Retry-After``.

    Nobody is taken for logged in, nor for logged out: the cookies stay as they are.

    .. versionadded:: 0.6.90
    """

    reason = "store_unavailable"

    def __init__(self, store: str, cause: BaseException | None = None) -> None:
        #: What kind of store it was, such as ``"redis"``. Never its URL.
        self.store = store
        #: The kind of the client's own error; its text may hold a password.
        self.cause = type(cause).__name__ if cause is not None else None
        text = f"The session store ({store}) gave no answer"
        ServiceUnavailable.__init__(
            self, f"{text}: {self.cause}." if self.cause else f"{text}.", retry_after=1
        )
        self.args = (self.description,)


@runtime_checkable
class SessionStore(Protocol):
    """Keeps the records of logins. Every method may be called from many threads at once.

    Every method raises `SessionStoreUnavailable` when the back end can't be reached, or gives no
    answer within the store's own timeout; it does not say whether a write arrived. Times are aware and in UTC; a store keeps them to the
    millisecond at least.

    .. versionadded:: 0.6.90
    """

    #: What kind of store this is, for messages: ``"memory"``, ``"sqlalchemy"``, ``"redis"``.
    kind: str

    def create(self, record: LoginSession) -> None:
        """Keep a new record."""
        ...

    def get(
        self,
        session_id: str,
        *,
        seen_at: datetime | None = None,
        interval: timedelta = timedelta(0),
    ) -> LoginSession | None:
        """Return the record, or None for an id that is not known (any more).

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

    def ping(self) -> None:
        """Ask the back end for a sign of life; return when it gave one."""
        ...
