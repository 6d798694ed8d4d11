"""What the stored level does on login, on each request, on return and at the end.

Between the request (cookies in, cookies out) and a store: every change is a pure function of
`records`, swapped in by compare-and-swap and begun again when somebody else was quicker.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, NoReturn, ParamSpec, TypeVar

from itsdangerous import BadData

from flask_login import config as settings
from flask_login.audit import audit
from flask_login.signals import (
    login_session_ended,
    login_session_started,
    remember_token_reused,
    session_store_unavailable,
)
from flask_login.signing import sign, unsign
from flask_login.state import app_context, get_app, get_config, get_request
from flask_login.timeouts import NO_TIMEOUTS, Timeouts

from . import records
from .records import LoginSession, Step
from .store import SessionStoreUnavailable

if TYPE_CHECKING:
    from .store import SessionStore

P = ParamSpec("P")
R = TypeVar("R")

# More swaps in a row than this are lost only by a store that answers wrongly.
_TRIES = 64

# Of how many logins a process knows when they were seen; some 200 bytes each.
_KNOWN = 10_000

# How often the time of last activity is written, where the application does not say.
_INTERVAL = settings.LOGIN_TOUCH_INTERVAL.default
# An idle timeout below this needs a shorter interval of its own.
_SHORT_TIMEOUT = 2 * _INTERVAL
_INTERVAL_KEYS = frozenset({settings.LOGIN_TOUCH_INTERVAL.key, settings.LOGIN_IDLE_TIMEOUT.key})

# A failure that took as many seconds was silence; a refused connection takes none.
_SILENCE = 0.2

#: At the end of what a remember cookie says: of which type the user id is.
_TYPE = re.compile(r"\.([a-z])\Z")

_CREDENTIAL = re.compile(r"([^.]+)\.([^.]+)\.([0-9]{1,9})")


class Credential(NamedTuple):
    """What the browser holds of a login: its handle, its secret and a generation number."""

    id: str
    secret: str
    generation: int

    def __repr__(self) -> str:
        return f"<Credential of {self.id}>"

    def to_text(self) -> str:
        """Return it as one text; `from_text` reads it."""
        return f"{self.id}.{self.secret}.{self.generation}"

    @classmethod
    def from_text(cls, text: object) -> Credential | None:
        """Return the credential in a text, or None for any other."""
        match = _CREDENTIAL.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        session_id, secret, generation = match.groups()
        return cls(session_id, secret, int(generation))


class Presented(NamedTuple):
    """A login that a request showed a good credential of."""

    record: LoginSession
    secret: str
    #: Whether the browser is to be given the newest credentials.
    reissue: bool = False
    #: Whether the credential was the newest, and no copy from before a confirmation.
    newest: bool = True
    #: The number in the remember token, until `StoredLogins.take_remember` has taken it.
    number: int = 0

    def __repr__(self) -> str:
        return f"<Presented {self.record.id}>"


def _reporting(
    method: Callable[Concatenate[StoredLogins, P], R],
) -> Callable[Concatenate[StoredLogins, P], R]:
    """Send the signal when the store gives a method no answer; leave a silent store alone.

    Whoever waits for a silent store holds a worker, which anybody else's request needs. So for as
    long as it kept one request waiting, the next ones are told at once.
    """

    @functools.wraps(method)
    def reporting(self: StoredLogins, /, *args: P.args, **kwargs: P.kwargs) -> R:
        begun = time.monotonic()
        try:
            if begun < self._silent_until:
                self._refuse()
            return method(self, *args, **kwargs)
        except SessionStoreUnavailable as error:
            self._report(error, begun)
            raise

    return reporting


class StoredLogins:
    """The logins of one realm that are kept in a store."""

    def __init__(
        self,
        store: SessionStore,
        realm: str,
        clock: Callable[[], datetime],
        actor: Callable[[], str | None],
        note_failure: Callable[[], None],
    ) -> None:
        self.store = store
        self._actor = actor
        self.note_failure = note_failure
        self._silent_until = 0.0
        self._lock = Lock()
        self._latest: datetime | None = None
        self._clock = clock
        #: When a login was last seen, or after: as far as this process knows.
        self._seen: dict[str, datetime] = {}
        self._remember_salt = f"flask-login.stored-remember-token.{realm}"

    @_reporting
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
        now, config, request = self._clock(), get_config(), get_request()
        secret = records.new_secret()
        absolute = timeouts.absolute or settings.LOGIN_ABSOLUTE_TIMEOUT.read(config)
        longest = absolute or _longest(remember)
        idle = timeouts.idle or settings.LOGIN_IDLE_TIMEOUT.read(config)
        if remember is None and idle is None:
            idle = get_app().permanent_session_lifetime  # what Flask gives an unused session cookie
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
            ip_address=request.remote_addr,
            user_agent=(request.headers.get("User-Agent") or "")[:512] or None,
            external_id=external_id,
            auth_hash=auth_hash,
            remember_generation=0 if remember is None else 1,
            remember_until=None if remember is None else now + remember,
            remember_issued_at=None if remember is None else now,
            confirmed=remember is None,
            absolute_timeout=absolute,
            fresh_timeout=timeouts.fresh,
        )
        self.store.create(record)
        login_session_started.send(get_app(), login=record)
        self.audit("login_session_started", record)
        return Presented(record, secret)

    @_reporting
    def ask(self, question: Callable[[SessionStore], R]) -> R:
        """Return the store's answer to a question of the registry."""
        return question(self.store)

    def _report(self, error: SessionStoreUnavailable, begun: float) -> None:
        now = time.monotonic()
        if now - begun >= _SILENCE:
            self._silent_until = now + (now - begun)
        self.note_failure()
        session_store_unavailable.send(get_app(), error=error)

    def _refuse(self) -> NoReturn:
        raise SessionStoreUnavailable(self.store.kind, "it was silent a moment ago")

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
        # What is none of ours is answered without the store, also while that is silent.
        return None if shown is None else self._read_credential(shown, looks=looks)

    @_reporting
    def _read_credential(self, shown: Credential, *, looks: bool) -> Presented | str:
        for _ in range(_TRIES):
            record = self.store.get(shown.id)
            if record is None or not records.knows_secret(record, shown.secret):
                return records.UNKNOWN
            step = self._judge_remember(record, shown.generation)
            if step.refused is None:
                return Presented(record, shown.secret, reissue=True, number=shown.generation)
            if looks or self._swap(record, step.record):
                return step.refused
        raise self._never_swaps()

    @_reporting
    def take_remember(self, found: Presented) -> Presented | str:
        """Let a good remember token bring its login back; the reason when that has just ended."""
        record: LoginSession | None = found.record
        for _ in range(_TRIES):
            if record is None:
                return records.UNKNOWN
            step = self._judge_remember(record, found.number)
            if self._swap(record, step.record):
                return step.refused or found._replace(record=step.record)
            record = self.store.get(record.id)
        raise self._never_swaps()

    def _judge_remember(self, record: LoginSession, number: int) -> Step:
        slide = settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.read(get_config())
        return records.present_remember(record, number, self._clock(), slide=slide)

    def _swap(self, record: LoginSession, successor: LoginSession) -> bool:
        """Put a record in the place of another; False when somebody else was quicker."""
        if successor is not record:
            if not self.store.replace(successor):
                return False
            self._tell(record, successor)
        return True

    def _never_swaps(self) -> RuntimeError:
        return RuntimeError(f"The {self.store.kind} store never lets a change through.")

    def present_session(  # noqa: C901, PLR0912  # in one piece, for it runs in every request with a login
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
        shown = _CREDENTIAL.fullmatch(text) if isinstance(text, str) else None
        if shown is None:
            return records.UNKNOWN
        session_id, secret, number = shown.groups()
        generation = int(number)
        now, config, begun = self._clock(), app_context.get().app.config, time.monotonic()
        interval, short = _INTERVAL, _SHORT_TIMEOUT
        if not config.keys().isdisjoint(_INTERVAL_KEYS):
            interval = _touch_interval(config)
            short = 2 * interval
        seen = self._seen.get(session_id)
        try:  # as `_reporting` does, without a call more in each request
            if begun < self._silent_until:
                self._refuse()
            for _ in range(_TRIES):
                # It never goes back. Where it is not due yet a store has less to do: a third of
                # the cost on PostgreSQL, a tenth on Redis.
                due = (seen is None or now - seen >= interval) and activity()
                record = self.store.get(session_id, seen_at=now if due else None, interval=interval)
                if record is None or not records.knows_secret(record, secret):
                    return records.UNKNOWN
                if seen is None or record.last_seen_at != seen:
                    seen = self._note_seen(record)
                own = record.idle_timeout
                if own is not None and own < short:
                    interval = own / 2  # its own, and so short that activity would come too late
                    short = own
                    if now - seen >= interval and activity():
                        continue
                step = records.present_session(record, generation, now)
                if looks:
                    newest = generation == record.generation
                    return step.refused or Presented(record, secret, newest=newest)
                if step.record is not record:
                    if not self.store.replace(step.record):
                        continue
                    self._tell(record, step.record)
                if step.refused is not None:
                    return step.refused
                newest = step.reissue or generation == step.record.generation
                return Presented(step.record, secret, step.reissue, newest)
        except SessionStoreUnavailable as error:
            self._report(error, begun)
            raise
        raise self._never_swaps()

    def _note_seen(self, record: LoginSession) -> datetime:
        if len(self._seen) >= _KNOWN:
            self._seen.clear()
        self._seen[record.id] = record.last_seen_at
        return record.last_seen_at

    @_reporting
    def change(
        self, session_id: str, next_of: Callable[[LoginSession], LoginSession]
    ) -> LoginSession | None:
        """Swap in what `next_of` makes of a record; None when there is none (any more)."""
        for _ in range(_TRIES):
            record = self.store.get(session_id)
            if record is None:
                return None
            changed = next_of(record)
            if changed is record or self.store.replace(changed):
                self._tell(record, changed)
                return changed
        raise self._never_swaps()

    def end(self, session_id: str, reason: str) -> LoginSession | None:
        """End a login, at once and everywhere; its remember token ends with it."""
        now = self._clock()
        return self.change(session_id, lambda record: records.end(record, reason, now))

    @_reporting
    def end_all(self, user_id: str, reason: str, keep: str | None = None) -> int:
        """End every login of a user but `keep`; return how many."""
        now = self._clock()
        live = [
            record
            for record in self.store.list(user_id)
            if record.id != keep and records.ended_because(record, now) is None
        ]
        self.store.end_all(user_id, reason, now, keep=keep or "")
        for record in live:
            self._tell(record, records.end(record, reason, now))
        return len(live)

    def end_by_text(self, text: object, reason: str) -> None:
        """End the login that a credential belongs to, if it knows its secret."""
        credential = Credential.from_text(text)
        if credential is None:
            return
        secret, now = credential.secret, self._clock()

        def ended(record: LoginSession) -> LoginSession:
            return (
                records.end(record, reason, now) if records.knows_secret(record, secret) else record
            )

        self.change(credential.id, ended)

    def remembered_text(self, value: str) -> str | None:
        """Return the credential in a remember cookie of ours, or None."""
        marked = self._remembered(value)
        return None if marked is None else _TYPE.sub("", marked)

    def remembered_type(self, value: str) -> str:
        """Return the mark of the type of the user id in a remember cookie of ours."""
        found = _TYPE.search(self._remembered(value) or "")
        return "" if found is None else found.group(1)

    def _remembered(self, value: str) -> str | None:
        try:
            text, _ = unsign(value, self._remember_salt)
        except BadData:
            return None
        return text if isinstance(text, str) else None

    def remembered(self, value: str) -> Credential | None:
        """Return the parts of the credential in a remember cookie of ours, or None."""
        return Credential.from_text(self.remembered_text(value))

    @_reporting
    def make_room(self, started: LoginSession, user: Any, replaced: Collection[str]) -> bool:
        """Hold the user to ``LOGIN_MAX_SESSIONS``; False when `started` had to give way.

        Every login that is begun is in the store before anybody counts, and everybody counts in
        the same order. So however many begin at once, the same ones are left.
        """
        config = get_config()
        most: Any = settings.LOGIN_MAX_SESSIONS.read(config)
        if callable(most):
            most = settings.LOGIN_MAX_SESSIONS.check(most(user))
        if most is None:
            return True
        now = self._clock()
        live = [
            record
            for record in self.store.list(started.user_id)
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
        lifetime = settings.LOGIN_ABSOLUTE_TIMEOUT.read(get_config()) or _longest(None)
        return self.change(
            session_id, lambda record: records.confirm(record, now, lifetime, methods, auth_hash)
        )

    def remember(self, found: Presented, lifetime: timedelta) -> Presented:
        """Give a login that was not to be remembered a remember token."""
        now, config = self._clock(), get_config()
        # What `begin` took for want of a timeout ends with the session cookie, and this does not.
        unused = settings.LOGIN_IDLE_TIMEOUT.read(config) is None
        unused = unused and found.record.idle_timeout == get_app().permanent_session_lifetime
        record = self.change(
            found.record.id,
            lambda record: records.remember(record, now, lifetime, keeps_idle=not unused),
        )
        return found if record is None else found._replace(record=record)

    def renew(self, found: Presented) -> Presented:
        """Give a login a new session credential."""
        now = self._clock()
        record = self.change(found.record.id, lambda record: records.renew(record, now))
        return found if record is None else found._replace(record=record, newest=True)

    def note_auth_hash(self, found: Presented, auth_hash: str) -> Presented:
        """Give a login the digest of the credentials that it began without."""
        record = self.change(
            found.record.id, lambda record: records.note_auth_hash(record, auth_hash)
        )
        return found if record is None else found._replace(record=record)

    @_reporting
    def ended_before(self) -> datetime | None:
        """Return the moment before which no login counts."""
        return self.store.ended_before()

    def session_text(self, found: Presented) -> str:
        """Return the newest session credential of a login, for the session."""
        return Credential(found.record.id, found.secret, found.record.generation).to_text()

    def remember_text(self, found: Presented, mark: str = "") -> str:
        """Return the newest remember token of a login, signed, for the cookie.

        :param mark: tells the type of the user id, of which the record keeps the text.
        """
        record = found.record
        text = Credential(record.id, found.secret, record.remember_generation).to_text()
        return sign(f"{text}.{mark}" if mark else text, self._remember_salt)

    def _tell(self, before: LoginSession, after: LoginSession) -> None:
        if before.ended_reason is None and after.ended_reason is not None:
            login_session_ended.send(get_app(), login=after, reason=after.ended_reason)
            self.audit("login_session_ended", after)
            if after.ended_reason == records.TOKEN_REUSED:
                remember_token_reused.send(get_app(), login=after)
                self.audit("remember_token_reused", after)

    def audit(self, event: str, record: LoginSession) -> None:
        """Log an event of a login's life, with its facts as extra fields; never a secret."""
        audit(
            event,
            user_id=record.user_id,
            login_id=record.id,
            ip=record.ip_address,
            reason=record.ended_reason,
            actor=self._actor(),
        )


def _touch_interval(config: Mapping[str, Any]) -> timedelta:
    """Return how often the time of last activity is written: often enough for a short timeout."""
    interval = min(settings.LOGIN_TOUCH_INTERVAL.read(config), settings.COOKIE_DURATION)
    idle = settings.LOGIN_IDLE_TIMEOUT.read(config)
    return interval if idle is None else min(interval, idle / 2)


def _longest(remember: timedelta | None) -> timedelta:
    """Return how long a login may last that no absolute timeout ends."""
    # Flask's property makes a timedelta of seconds; None is no lifetime.
    lifetime = remember or get_app().permanent_session_lifetime or settings.COOKIE_DURATION
    return max(lifetime, settings.COOKIE_DURATION)


def _age(record: LoginSession) -> tuple[datetime, str]:
    return record.created_at, record.id
