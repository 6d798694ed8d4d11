"""The logins of a realm that are kept in a store: presented, renewed and ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from itsdangerous import BadData

from flask_login.sessions import records
from flask_login.sessions.records import LoginSession
from flask_login.sessions.store import SessionStore

from . import rotation, rules, settings
from .asking import TRIES, AskedStore
from .rotation import Step
from .signing import sign, unsign

if TYPE_CHECKING:
    from .ports import Host, HostedRealm

# More than as many logins could begin in one microsecond after the other; a clock that is further
# behind has been put back.
_PUT_BACK = timedelta(seconds=1)
# As exactly as every store keeps times.
_INSTANT = timedelta(milliseconds=1)

_SLIDES = settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST
#: The settings that say when something is due.
_DUE = frozenset((settings.LOGIN_RENEW_INTERVAL.key, settings.LOGIN_STATE.key, _SLIDES.key))


_CREDENTIAL = re.compile(r"([^.]+)\.([^.]+)\.([0-9]{1,9})(?:\.([a-z]))?")


class Credential(NamedTuple):
    """What the browser holds of a login: its handle, its secret and a generation number."""

    id: str
    secret: str
    generation: int
    #: The mark of the type of the user id, where that is no text (`user_ids`).
    mark: str = ""

    def __repr__(self) -> str:
        return f"<Credential of {self.id}>"

    def to_text(self) -> str:
        """Return it as one text; `from_text` reads it."""
        text = f"{self.id}.{self.secret}.{self.generation}"
        return f"{text}.{self.mark}" if self.mark else text

    @classmethod
    def from_text(cls, text: object) -> Credential | None:
        """Return the credential in a text, or None for any other."""
        match = _CREDENTIAL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        session_id, secret, generation, mark = match.groups()
        return cls(session_id, secret, int(generation), mark or "")


class Presented(NamedTuple):
    """A login that a request showed a good credential of."""

    record: LoginSession
    secret: str
    #: The number of the credentials that the browser is to have.
    number: int
    #: Whether it is to be given them: they are not those that it has.
    handed: bool = True
    #: What the browser showed.
    shown: Credential = Credential("", "", 0)
    #: The number of the remember token beside a session's credential, where that was asked for.
    beside: int | None = None
    #: Whether new credentials are due, once the user is known to be good.
    due: bool = False

    @property
    def is_current(self) -> bool:
        """Whether what the browser has, or is given, is not left behind."""
        return self.number >= self.record.arrived_number

    def __repr__(self) -> str:
        return f"<Presented {self.record.id}>"


def _none(_: Credential) -> None:
    """Know of no remember token."""


class StoredLogins:
    """The logins of one realm that are kept in a store."""

    def __init__(self, store: SessionStore, realm: HostedRealm) -> None:
        #: The store itself, and what is asked in its place.
        self.store = store
        self.asked: AskedStore = AskedStore(store, realm)
        self.host: Host = realm.host
        self._lock = Lock()
        self._latest: datetime | None = None
        self.clock: Callable[[], datetime] = realm.clock
        self._remember_salt = f"flask-login.stored-remember-token.{realm.name}"

    def moment_of_its_own(self, now: datetime) -> datetime:
        """Return now, or a microsecond later than the login before: one of two is the older.

        When the clock is put back, so are the moments.
        """
        with self._lock:
            latest = self._latest
            if latest is not None and timedelta(0) <= latest - now <= _PUT_BACK:
                now = records.later(latest, timedelta(microseconds=1))
            self._latest = now
            return now

    def moment_after_all(self, now: datetime) -> datetime:
        """Return the moment after every login of this instant; the next ones begin later."""
        with self._lock:
            latest = self._latest
            if latest is not None and timedelta(0) <= latest - now <= _PUT_BACK:
                now = latest
            self._latest = records.later(now, _INSTANT)
            return self._latest

    def is_braked(self, record: LoginSession, now: datetime) -> bool:
        """Return whether the brake ends a login though it seems to have begun later.

        A login from a clock that was ahead may have begun before the brake was pulled, and nothing
        shows when. So any brake ends it.
        """
        ahead = record.ended_reason is None and rules.is_ahead(record.created_at, now)
        return ahead and self.ended_before() is not None

    def live(self, found: Iterable[LoginSession], now: datetime) -> list[LoginSession]:
        """Return those of the records whose logins go on."""
        return [
            record
            for record in found
            if records.ended_because(record, now) is None and not self.is_braked(record, now)
        ]

    def read_remember(self, value: str, *, looks: bool = False) -> Presented | str | None:
        """Judge a remember cookie; a refusal is its reason, None for what is none of ours.

        A good one stays as it is until `take_remember`.

        :param looks: end no login either, for a browser that can't be told.
        """
        shown = self.remembered(value)
        if shown is None:
            return None
        for _ in TRIES:
            record = self.asked.ask("get", shown.id)
            if record is None or not rotation.knows_secret(record, shown.secret):
                return records.UNKNOWN
            step = self._judge_remember(record, shown.generation)
            if step.refused is None:
                number = rotation.session_number(record, shown.generation)
                return Presented(record, shown.secret, number, shown=shown)
            if looks or self.asked.swap(record, step.record):
                return step.refused
        raise self.asked.no_way_through()

    def take_remember(self, found: Presented) -> Presented | str:
        """Let a good remember token bring its login back; the reason when that has just ended."""
        record: LoginSession | None = found.record
        for _ in TRIES:
            if record is None:
                return records.UNKNOWN
            step = self._judge_remember(record, found.shown.generation)
            if self._stands(record, step.record):
                if step.refused is not None:
                    return step.refused
                number = step.handed or 0  # a number that no credential has
                return found._replace(record=step.record, number=number, handed=number > 0)
            record = self.asked.ask("get", record.id)
        raise self.asked.no_way_through()

    def _stands(self, record: LoginSession, successor: LoginSession) -> bool:
        """Swap a successor in; of a record that stays as it is, see whether it still does."""
        if successor is not record:
            return self.asked.swap(record, successor)
        kept: LoginSession | None = self.asked.ask("get", record.id)
        if kept is None or kept.ended_reason is not None:
            return record.ended_reason is not None
        return kept.version == record.version

    def _judge_remember(self, record: LoginSession, generation: int) -> Step:
        config, now = self.host.config(), self.clock()
        slides = _SLIDES.key in config and _SLIDES.read(config)
        if record.created_at > now and self.is_braked(record, now):
            return _revoked(record, now)
        return rotation.present_remember(record, generation, now, slides=slides)

    def present_session(
        self,
        text: object,
        config: Mapping[str, Any],
        *,
        beside: Callable[[Credential], int | None] = _none,
        vouched: Callable[[Credential, LoginSession], Credential] | None = None,
        activity: Callable[[], bool] = bool,
        looks: bool = False,
    ) -> Presented | str:
        """Judge the session's credential; a refusal is its reason.

        :param config: the application's settings.
        :param beside: tells the number of the remember token of the same login that came with it;
            asked where it matters.
        :param vouched: returns the credential with a number that the browser must have had.
        :param activity: tells whether this request is a sign of a person; asked where it matters.
        :param looks: change nothing but the time of last activity, for a browser that can't be
            told.
        """
        came, now = Credential.from_text(text), self.clock()
        if came is None:
            return records.UNKNOWN
        token: int | None = None
        for _ in TRIES:
            record = self.asked.read(came.id, now, config, activity)
            if record is None or not rotation.knows_secret(record, came.secret):
                return records.UNKNOWN
            shown = came if vouched is None else vouched(came, record)
            if record.created_at > now and self.is_braked(record, now):
                step = _revoked(record, now)
            elif shown.generation == record.arrived_number:
                step = rotation.present_session(record, shown.generation, now)
            else:
                token = beside(shown)
                step = _judge(record, shown, token, now, config, renews=False)
            if looks or step.record is record or self.asked.swap(record, step.record):
                if step.refused is not None:
                    return step.refused
                kept = record if looks else step.record
                found = Presented(kept, shown.secret, shown.generation, False, shown, token)
                if looks:
                    return found
                if not config.keys().isdisjoint(_DUE) and _is_due(found, now, config, activity):
                    return found._replace(beside=beside(shown), due=True)
                behind = token is not None and rotation.session_number(kept, token) > found.number
                return found._replace(due=True) if behind else found
        raise self.asked.no_way_through()

    def present_again(
        self,
        given: Presented,
        text: object,
        config: Mapping[str, Any],
        activity: Callable[[], bool],
    ) -> Presented | str | None:
        """Judge what this request itself gives, which has not arrived; None for any other text."""
        if text != self.session_text(given):
            return None
        now = self.clock()
        record = self.asked.read(given.record.id, now, config, activity)
        if record is None:
            return records.UNKNOWN
        if record.created_at > now and self.is_braked(record, now):
            return records.REVOKED
        return records.ended_because(record, now) or given._replace(record=record, due=False)

    def take_session(self, found: Presented, config: Mapping[str, Any]) -> Presented | str:
        """Give a login the credentials that are due; the reason when it has just ended."""
        record: LoginSession | None = found.record
        now, number = self.clock(), found.shown.generation
        for _ in TRIES:
            if record is None:
                return records.UNKNOWN
            step = _judge(record, found.shown, found.beside, now, config, renews=True)
            if step.refused is None and _SLIDES.key in config and _SLIDES.read(config):
                step = _slid(record, step, number, now)
            if self.asked.swap(record, step.record):
                if step.refused is not None:
                    return step.refused
                handed = step.handed is not None
                return found._replace(
                    record=step.record, number=step.handed or number, handed=handed, due=False
                )
            record = self.asked.ask("get", record.id)
        raise self.asked.no_way_through()

    def end(self, session_id: str, reason: str) -> LoginSession | None:
        """End a login, at once and everywhere; its remember token ends with it."""
        now = self.clock()
        return self.asked.change(session_id, lambda record: records.end(record, reason, now))

    def end_all(self, user_id: str, reason: str, keep: str | None = None) -> int:
        """End every login of a user but `keep`; return how many."""
        now = self.clock()
        live = [
            record
            for record in self.asked.ask("list", user_id)
            if record.id != keep and records.ended_because(record, now) is None
        ]
        self.asked.ask("end_all", user_id, reason, now, keep=keep or "")
        for record in live:
            self.asked.tell(records.end(record, reason, now))
        return len(live)

    def end_shown(self, shown: Credential, reason: str) -> None:
        """End the login that a credential belongs to, if it knows its secret."""
        secret, now = shown.secret, self.clock()

        def ended(record: LoginSession) -> LoginSession:
            known = rotation.knows_secret(record, secret)
            return records.end(record, reason, now) if known else record

        self.asked.change(shown.id, ended)

    def remembered(self, value: str) -> Credential | None:
        """Return the parts of the credential in a remember cookie of ours, or None."""
        try:
            text, _ = unsign(value, self._remember_salt, self.host.config())
        except BadData:
            return None
        return Credential.from_text(text)

    def ended_before(self) -> datetime | None:
        """Return the moment before which no login counts."""
        moment: datetime | None = self.asked.ask("ended_before")
        return moment

    def session_text(self, found: Presented) -> str:
        """Return the session credential that a browser is to have."""
        return Credential(found.record.id, found.secret, found.number).to_text()

    def remember_text(self, found: Presented, mark: str) -> str:
        """Return the remember token that a browser is to have, signed, for the cookie.

        :param mark: tells the type of the user id, of which the record keeps the text.
        """
        record = found.record
        number = rotation.token_number(record, found.number)
        shown = Credential(record.id, found.secret, number, mark)
        return sign(shown.to_text(), self._remember_salt, self.host.config())

    def longest(self, remember: timedelta | None) -> timedelta:
        """Return how long a login may last that no absolute timeout ends."""
        lifetime = remember or self.host.session_lifetime() or settings.COOKIE_DURATION
        return max(lifetime, settings.COOKIE_DURATION)


def _judge(
    record: LoginSession,
    shown: Credential,
    token: int | None,
    now: datetime,
    config: Mapping[str, Any],
    *,
    renews: bool,
) -> Step:
    """Judge a session's credential, with the remember token beside it."""
    return rotation.present_session(
        record,
        shown.generation,
        now,
        token=token,
        interval=settings.renew_interval(config),
        # With a path of its own the remember cookie does not come with every request.
        is_alone=settings.REMEMBER_COOKIE_PATH.read(config) == "/",
        renews=renews,
    )


def _is_due(
    found: Presented, now: datetime, config: Mapping[str, Any], activity: Callable[[], bool]
) -> bool:
    """Return whether credentials are to be renewed, or a remember token's time begins anew."""
    if found.number < found.record.arrived_number:
        return False
    interval = settings.renew_interval(config)
    if interval is not None and rotation.is_old(found.record, now, interval):
        return True
    if interval is not None and rotation.is_old(found.record, now + rotation.GRACE, interval):
        return False  # or an answer that is late would bring back the number from before
    return _SLIDES.read(config) and rotation.may_slide(found.record, now) and activity()


def _slid(record: LoginSession, step: Step, number: int, now: datetime) -> Step:
    """Begin the time of the remember token anew, where that is due."""
    current = number >= step.record.arrived_number
    if not (current and rotation.may_slide(record, now)):
        return step
    return Step(rotation.slide(step.record, now, record.version + 1), None, step.handed or number)


def _revoked(record: LoginSession, now: datetime) -> Step:
    # For good: once its time has come, nothing would show any more that the brake ended it.
    return Step(records.end(record, records.REVOKED, now), refused=records.REVOKED)
