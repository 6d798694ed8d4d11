"""The logins of a realm that are kept in a store: begun, presented, renewed and ended."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from itsdangerous import BadData

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.sessions.store import SessionStore

from . import rules, settings
from .asking import AskedStore
from .credentials import Credential, Presented
from .events import login_session_started
from .rules import NO_TIMEOUTS, Step, Timeouts
from .signing import sign, unsign

if TYPE_CHECKING:
    from .ports import HostedRealm

R = TypeVar("R")


class StoredLogins:
    """The logins of one realm that are kept in a store."""

    def __init__(self, store: SessionStore, realm: HostedRealm) -> None:
        #: The store itself, and what is asked in its place.
        self.store = store
        self.asked = AskedStore(store, realm)
        self._host = realm.host
        self._lock = Lock()
        self._latest: datetime | None = None
        self._clock = realm.clock
        self._remember_salt = f"flask-login.stored-remember-token.{realm.name}"

    def begin(
        self,
        user_id: str,
        *,
        fresh: bool,
        methods: Collection[str],
        remember: timedelta | None,
        auth_hash: str | None,
        external_id: str | None = None,
        timeouts: Timeouts = NO_TIMEOUTS,
    ) -> Presented:
        """Keep the record of a new login, and return it with its secret."""
        now, config, client = self._clock(), self._host.config(), self._host.client()
        secret = records.new_secret()
        absolute = timeouts.absolute or settings.LOGIN_ABSOLUTE_TIMEOUT.read(config)
        longest = absolute or self._longest(remember)
        idle = timeouts.idle or settings.LOGIN_IDLE_TIMEOUT.read(config)
        if remember is None and idle is None:
            idle = self._host.session_lifetime()  # what Flask gives an unused session cookie
        if idle is not None and idle >= longest:
            idle = None
        record = LoginSession(
            id=records.new_id(user_id),
            secret_hash=records.hash_secret(secret),
            user_id=user_id,
            created_at=self._moment_of_its_own(now),
            last_seen_at=now,
            authenticated_at=now if fresh else None,
            expires_at=records.later(now, longest),
            methods=frozenset(methods),
            idle_timeout=idle,
            ip_address=client.address,
            user_agent=(client.agent or "")[:512] or None,
            external_id=external_id,
            auth_hash=auth_hash,
            remember_generation=0 if remember is None else 1,
            remember_until=None if remember is None else now + remember,
            remember_issued_at=None if remember is None else now,
            confirmed=remember is None,
            absolute_timeout=absolute,
            fresh_timeout=timeouts.fresh,
        )
        with self.asked.asking() as store:
            store.create(record)
        self._host.send(login_session_started, login=record)
        self.asked.audit("login_session_started", record)
        return Presented(record, secret)

    def ask(self, question: Callable[[SessionStore], R]) -> R:
        """Return the store's answer to a question of the registry."""
        with self.asked.asking() as store:
            return question(store)

    def _moment_of_its_own(self, now: datetime) -> datetime:
        """Return now, or a microsecond later than the login before: one of two is the older."""
        with self._lock:
            if self._latest is not None and self._latest >= now:
                now = records.later(self._latest, timedelta(microseconds=1))
            self._latest = now
            return now

    def read_remember(self, value: str, *, looks: bool = False) -> Presented | str | None:
        """Judge a remember cookie; a refusal is its reason, None for what is none of ours.

        A good one stays as it is until `take_remember`.

        :param looks: end no login either, for a browser that can't be told.
        """
        shown = self.remembered(value)
        if shown is None:
            return None
        with self.asked.asking() as store:
            for _ in self.asked.tries():
                record = store.get(shown.id)
                if record is None or not rules.knows_secret(record, shown.secret):
                    return records.UNKNOWN
                step = self._judge_remember(record, shown.generation)
                if step.refused is None:
                    return Presented(record, shown.secret, reissue=True, shown=shown)
                if looks or self.asked.swap(record, step.record):
                    return step.refused
        return None

    def take_remember(self, found: Presented) -> Presented | str:
        """Let a good remember token bring its login back; the reason when that has just ended."""
        record: LoginSession | None = found.record
        with self.asked.asking() as store:
            for _ in self.asked.tries():
                if record is None:
                    break
                step = self._judge_remember(record, found.shown.generation)
                if self.asked.swap(record, step.record):
                    return step.refused or found._replace(record=step.record)
                record = store.get(record.id)
        return records.UNKNOWN

    def _judge_remember(self, record: LoginSession, generation: int) -> Step:
        slide = settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.read(self._host.config())
        return rules.present_remember(record, generation, self._clock(), slide=slide)

    def present_session(
        self,
        text: object,
        *,
        activity: Callable[[], bool] = bool,
        looks: bool = False,
    ) -> Presented | str:
        """Judge the session's credential; a refusal is its reason.

        :param activity: tells whether this request is a sign of a person; asked where it matters.
        :param looks: change nothing but the time of last activity, for a browser that can't be
            told.
        """
        shown, now = Credential.from_text(text), self._clock()
        if shown is None:
            return records.UNKNOWN
        with self.asked.asking():
            for _ in self.asked.tries():
                record = self.asked.read(shown.id, now, activity)
                if record is None or not rules.knows_secret(record, shown.secret):
                    break
                step = rules.present_session(record, shown.generation, now)
                if looks or self.asked.swap(record, step.record):
                    kept = record if looks else step.record
                    newest = shown.generation == kept.generation
                    return step.refused or Presented(kept, shown.secret, newest=newest, shown=shown)
        return records.UNKNOWN

    def end(self, session_id: str, reason: str) -> LoginSession | None:
        """End a login, at once and everywhere; its remember token ends with it."""
        now = self._clock()
        return self.asked.change(session_id, lambda record: records.end(record, reason, now))

    def end_all(self, user_id: str, reason: str, keep: str | None = None) -> int:
        """End every login of a user but `keep`; return how many."""
        now = self._clock()
        with self.asked.asking() as store:
            live = [
                record
                for record in store.list(user_id)
                if record.id != keep and records.ended_because(record, now) is None
            ]
            store.end_all(user_id, reason, now, keep=keep or "")
        for record in live:
            self.asked.tell(record, records.end(record, reason, now))
        return len(live)

    def end_shown(self, shown: Credential, reason: str) -> None:
        """End the login that a credential belongs to, if it knows its secret."""
        secret, now = shown.secret, self._clock()

        def ended(record: LoginSession) -> LoginSession:
            known = rules.knows_secret(record, secret)
            return records.end(record, reason, now) if known else record

        self.asked.change(shown.id, ended)

    def remembered(self, value: str) -> Credential | None:
        """Return the parts of the credential in a remember cookie of ours, or None."""
        try:
            text, _ = unsign(value, self._remember_salt, self._host.config())
        except BadData:
            return None
        return Credential.from_text(text)

    def make_room(self, started: LoginSession, user: Any, replaced: Collection[str]) -> bool:
        """Hold the user to ``LOGIN_MAX_SESSIONS``; False when `started` had to give way.

        Every login that is begun is in the store before anybody counts, and everybody counts in
        the same order. So however many begin at once, the same ones are left.
        """
        config = self._host.config()
        most: Any = settings.LOGIN_MAX_SESSIONS.read(config)
        if callable(most):
            most = settings.LOGIN_MAX_SESSIONS.check(most(user))
        if most is None:
            return True
        now = self._clock()
        live = [
            record
            for record in self.ask(lambda store: store.list(started.user_id))
            if record.id not in replaced and records.ended_because(record, now) is None
        ]
        live.sort(key=_age)
        # As the store keeps it, which may be to the millisecond only.
        begun = next((record for record in live if record.id == started.id), started)
        if settings.LOGIN_MAX_SESSIONS_POLICY.read(config) == "deny":
            # Who began before this one is never its concern, also after the maximum was lowered.
            surplus = [record for record in live[most:] if _age(record) >= _age(begun)]
            reason = records.DENIED
        else:
            surplus = live[:-most]
            reason = records.EVICTED
        for record in surplus:
            self.end(record.id, reason)
        return all(record.id != started.id for record in surplus)

    def confirm(
        self, session_id: str, methods: Collection[str], auth_hash: str | None
    ) -> LoginSession | None:
        """Renew a login after the user proved once more who they are."""
        now = self._clock()
        lifetime = settings.LOGIN_ABSOLUTE_TIMEOUT.read(self._host.config()) or self._longest(None)
        return self.asked.change(
            session_id, lambda record: rules.confirm(record, now, lifetime, methods, auth_hash)
        )

    def remember(self, found: Presented, lifetime: timedelta) -> Presented:
        """Give a login that was not to be remembered a remember token."""
        now, config = self._clock(), self._host.config()
        # What `begin` took for want of a timeout ends with the session cookie, and this does not.
        unused = settings.LOGIN_IDLE_TIMEOUT.read(config) is None
        unused = unused and found.record.idle_timeout == self._host.session_lifetime()
        record = self.asked.change(
            found.record.id,
            lambda record: rules.remember(record, now, lifetime, keeps_idle=not unused),
        )
        return found if record is None else found._replace(record=record)

    def renew(self, found: Presented) -> Presented:
        """Give a login a new session credential."""
        now = self._clock()
        record = self.asked.change(found.record.id, lambda record: rules.renew(record, now))
        return found if record is None else found._replace(record=record, newest=True)

    def note_auth_hash(self, found: Presented, auth_hash: str) -> Presented:
        """Give a login the digest of the credentials that it began without."""
        record = self.asked.change(
            found.record.id, lambda record: rules.note_auth_hash(record, auth_hash)
        )
        return found if record is None else found._replace(record=record)

    def ended_before(self) -> datetime | None:
        """Return the moment before which no login counts."""
        return self.ask(lambda store: store.ended_before())

    def session_text(self, found: Presented) -> str:
        """Return the newest session credential of a login, for the session."""
        return Credential(found.record.id, found.secret, found.record.generation).to_text()

    def remember_text(self, found: Presented, mark: str) -> str:
        """Return the newest remember token of a login, signed, for the cookie.

        :param mark: tells the type of the user id, of which the record keeps the text.
        """
        record = found.record
        shown = Credential(record.id, found.secret, record.remember_generation, mark)
        return sign(shown.to_text(), self._remember_salt, self._host.config())

    def _longest(self, remember: timedelta | None) -> timedelta:
        """Return how long a login may last that no absolute timeout ends."""
        lifetime = remember or self._host.session_lifetime() or settings.COOKIE_DURATION
        return max(lifetime, settings.COOKIE_DURATION)


def _age(record: LoginSession) -> tuple[datetime, str]:
    return record.created_at, record.id
