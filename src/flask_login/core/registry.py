"""What an application and its operator call: list logins, and end them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.sessions.store import LoweringStore

from .events import audit
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .logins import StoredLogins


#: The default of `SessionRegistry.revoke`'s `user_id`.
ANYBODY: Any = object()


class SessionRegistry:
    """The logins of one realm: ``login_manager.sessions``.

    Works inside a request and outside of one, wherever the application's context is pushed. Every
    method raises `SessionStoreUnavailable` when the store gives no answer.

    .. versionadded:: 0.6.90
    """

    def __init__(
        self,
        logins: StoredLogins,
        clock: Callable[[], datetime],
        current_id: Callable[[], str | None],
        own_ids: Callable[[], Collection[str]],
    ) -> None:
        self._logins = logins
        self._store = logins.store
        self._clock = clock
        self._current_id = current_id
        self._own_ids = own_ids

    def list(self, user_id: str) -> list[LoginSession]:
        """Return the live logins of a user, the newest first.

        :param user_id: what the user's ``get_id()`` returns.
        """
        now = self._clock()
        ids = self._ids_of(user_id)
        found = [record for one in ids for record in self._logins.asked.ask("list", one)]
        if len(ids) > 1:
            found.sort(key=lambda record: record.created_at, reverse=True)
        return self._logins.live(found, now)

    def _ids_of(self, user_id: object) -> Collection[str]:
        """Return the ids that a user's logins are kept by, in the order of the alphabet.

        One, unless it is the user of this request, whose object tells another id than the one that
        the login began with: the logins are kept by that.
        """
        own = self._own_ids()
        return sorted(own) if str(user_id) in own else [str(user_id)]

    def get(self, session_id: str) -> LoginSession | None:
        """Return a login by its public handle, also one that ended a short while ago."""
        record, now = self._get(session_id), self._clock()
        if record is not None and self._logins.is_braked(record, now):
            return records.end(record, records.REVOKED, now)
        return record

    def _get(self, session_id: str) -> LoginSession | None:
        record: LoginSession | None = self._logins.asked.ask("get", session_id)
        return record

    def revoke(self, session_id: str, user_id: str | None = ANYBODY) -> bool:
        """End one login, at once and everywhere; its remember token ends with it.

        :param session_id: the public handle.
        :param user_id: end it only if it is this user's; None is nobody's. Say it where the
            handle comes from a form: nobody ends somebody else's login then.
        :return: whether it was live until now.
        """
        before = self._get(session_id)
        if before is None or records.ended_because(before, self._clock()) is not None:
            return False
        if user_id is not ANYBODY and (
            user_id is None or before.user_id not in self._ids_of(user_id)
        ):
            return False
        return self._logins.end(session_id, records.REVOKED) is not None

    def revoke_all(self, user_id: str, keep_current: bool = False) -> int:
        """End every login of a user.

        :param keep_current: leave the login of this very request as it is; only in a request.
        :return: how many were ended.
        """
        keep = self._current_id() if keep_current else None
        return self.end_all(user_id, records.REVOKED, keep)

    def end_all(self, user_id: str, reason: str, keep: str | None = None) -> int:
        """End every login of a user but `keep`, for `reason`; return how many."""
        ids = self._ids_of(user_id)
        return sum(self._logins.end_all(one, reason, keep) for one in ids)

    def revoke_everyone(self, since: datetime | None = None) -> None:
        """Pull the emergency brake: end every login of everybody, by one write.

        Also the login of the caller. Users can log in again at once.

        :param since: end the logins that began before this moment, an aware `datetime`; by
            default all that began until now, in this very instant too.

        Raises `ConfigurationError` for a moment without a time zone, or in the future: it would
        end the logins that begin until then, as soon as they do.
        """
        now = self._clock()
        if since is not None and since.tzinfo is None:
            raise ConfigurationError("since", since, "an aware datetime.datetime")
        if since is not None and since > now:
            raise ConfigurationError("since", since, "a moment that has passed")
        moment = self._logins.moment_after_all(now) if since is None else since
        self._store.end_all_before(moment)
        audit("login_brake_pulled", reason=_in_utc(moment))

    def brake(self) -> datetime | None:
        """Return where the emergency brake stands: no login from before that moment counts.

        None if it was never pulled. In the future it stands when it was pulled by a clock that was
        ahead: then each new login ends at once, until that time has come or `lower_brake` is
        called.
        """
        return self._logins.ended_before()

    def lower_brake(self) -> datetime | None:
        """Lower the emergency brake to now, if it stands in the future.

        What it has ended stays ended, all that began until now; logins that begin from now on
        count. A brake that stands in the past is in the way of no new login, and stays there.

        :return: where it stood, or None if it was not in the future.

        Raises `ConfigurationError` if the session store has no `LoweringStore.lower_brake`.
        """
        store, stood = self._store, self.brake()
        if not isinstance(store, LoweringStore):
            raise ConfigurationError(
                "session_store",
                store.kind,
                "a store that can lower the emergency brake",
                "A store of your own needs the method lower_brake, as LoweringStore describes it.",
            )
        moment = self._logins.moment_after_all(self._clock())
        if stood is None or not store.lower_brake(moment):
            return None
        audit("login_brake_lowered", reason=_in_utc(moment))
        return stood

    def revoke_external(self, external_id: str) -> int:
        """End the logins that an identity provider knows by `external_id` (back-channel logout).

        :return: how many were ended.

        Raises `ConfigurationError` for None or an empty text, which name no login.
        """
        if not external_id:
            raise ConfigurationError("external_id", external_id, "a text that is not empty")
        found = self._logins.asked.ask("list_external", external_id)
        ids = [record.id for record in found]
        return sum(self.revoke(session_id) for session_id in ids)

    def purge(self, *, batch: int = 1000) -> Iterator[int]:
        """Forget what ended or expired long enough ago; needed on SQL stores, once a day.

        :param batch: how many at a time.
        :return: yields how many each step forgot.
        """
        return self._store.purge(self._clock().astimezone(timezone.utc), batch=batch)

    def ping(self) -> None:
        """Return when the store answers, for health checks."""
        self._store.ping()


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat()
