"""What the stored level does on login, on each request, on return and at the end.

Between the request (cookies in, cookies out) and a store: every change is a pure function of
`records`, swapped in by compare-and-swap and begun again when somebody else was quicker.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData

from flask_login import config as settings
from flask_login.signals import (
    login_session_ended,
    login_session_started,
    remember_token_reused,
)
from flask_login.signing import sign, unsign
from flask_login.state import get_app, get_config, get_request

from . import records
from .records import LoginSession, Step

if TYPE_CHECKING:
    from flask import Request

    from .store import SessionStore

logger = logging.getLogger("flask_login.audit")

# More swaps in a row than this are lost only by a store that answers wrongly.
_TRIES = 64

_CREDENTIAL = re.compile(r"([^.]+)\.([^.]+)\.([0-9]{1,9})")


@dataclass(frozen=True)
class Credential:
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
        return None if match is None else cls(match[1], match[2], int(match[3]))


@dataclass(frozen=True)
class Presented:
    """A login that a request showed a good credential of."""

    record: LoginSession
    secret: str = field(repr=False)
    #: Whether the browser is to be given the newest credentials.
    reissue: bool = False


class StoredLogins:
    """The logins of one realm that are kept in a store."""

    def __init__(self, store: SessionStore, realm: str, clock: Callable[[], datetime]) -> None:
        self.store = store
        self._clock = clock
        self._remember_salt = f"flask-login.stored-remember-token.{realm}"

    def begin(
        self,
        user_id: str,
        *,
        fresh: bool,
        methods: Collection[str],
        remember: timedelta | None,
        auth_hash: str | None,
        external_id: str | None = None,
    ) -> Presented:
        """Keep the record of a new login, and return it with its secret."""
        now, config, request = self._clock(), get_config(), get_request()
        secret = records.new_secret()
        longest = _longest(remember)
        idle = settings.LOGIN_IDLE_TIMEOUT.read(config)
        if remember is None and idle is None:
            idle = config["PERMANENT_SESSION_LIFETIME"]  # what Flask gives an unused session cookie
        if idle is not None and idle >= longest:
            idle = None
        record = LoginSession(
            id=records.new_id(user_id),
            secret_hash=records.hash_secret(secret),
            user_id=user_id,
            created_at=now,
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
        )
        self.store.create(record)
        login_session_started.send(get_app(), login=record)
        self.audit("login_session_started", record)
        return Presented(record, secret)

    def present_session(self, text: object, *, activity: bool) -> Presented | str:
        """Judge the session's credential; a refusal is its reason."""
        credential = Credential.from_text(text)
        if credential is None:
            return records.UNKNOWN
        return self._present(credential, records.present_session, activity=activity)

    def present_remember(self, value: str) -> Presented | str | None:
        """Judge a remember cookie; a refusal is its reason, None for what is none of ours."""
        credential = Credential.from_text(self.remembered_text(value))
        if credential is None:
            return None
        return self._present(credential, records.present_remember, activity=True)

    def _present(
        self,
        credential: Credential,
        judge: Callable[[LoginSession, int, datetime], Step],
        *,
        activity: bool,
    ) -> Presented | str:
        now = self._clock()
        interval = min(settings.LOGIN_TOUCH_INTERVAL.read(get_config()), settings.COOKIE_DURATION)
        for _ in range(_TRIES):
            record = self.store.get(
                credential.id, seen_at=now if activity else None, interval=interval
            )
            if record is None or not records.knows_secret(record, credential.secret):
                return records.UNKNOWN
            step = judge(record, credential.generation, now)
            if step.record is record or self.store.replace(step.record):
                self._tell(record, step.record)
                if step.refused is not None:
                    return step.refused
                return Presented(step.record, credential.secret, step.reissue)
        raise RuntimeError(f"The {self.store.kind} store never lets a change through.")

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
        raise RuntimeError(f"The {self.store.kind} store never lets a change through.")

    def end(self, session_id: str, reason: str) -> LoginSession | None:
        """End a login, at once and everywhere; its remember token ends with it."""
        now = self._clock()
        return self.change(session_id, lambda record: records.end(record, reason, now))

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
        try:
            text, _ = unsign(value, self._remember_salt)
        except BadData:
            return None
        return text if isinstance(text, str) else None

    def make_room(self, started: LoginSession, user: Any, replaced: Collection[str]) -> bool:
        """Hold the user to ``LOGIN_MAX_SESSIONS``; False when `started` had to give way.

        Every login that is begun is in the store before anybody counts, and everybody counts in
        the same order. So however many begin at once, the same ones are left.
        """
        config = get_config()
        most = settings.LOGIN_MAX_SESSIONS.read(config)
        if callable(most):
            most = most(user)
        if most is None:
            return True
        now = self._clock()
        live = [
            record
            for record in self.store.list(started.user_id)
            if record.id not in replaced and records.ended_because(record, now) is None
        ]
        live.sort(key=_age)
        if settings.LOGIN_MAX_SESSIONS_POLICY.read(config) == "deny":
            # Who began before this one is never its concern, also after the maximum was lowered.
            surplus = [record for record in live[most:] if _age(record) >= _age(started)]
        else:
            surplus = live[:-most]
        for record in surplus:
            self.end(record.id, records.EVICTED)
        return all(record.id != started.id for record in surplus)

    def confirm(
        self, session_id: str, methods: Collection[str], auth_hash: str | None
    ) -> LoginSession | None:
        """Renew a login after the user proved once more who they are."""
        now, lifetime = self._clock(), _longest(None)
        return self.change(
            session_id, lambda record: records.confirm(record, now, lifetime, methods, auth_hash)
        )

    def session_text(self, found: Presented) -> str:
        """Return the newest session credential of a login, for the session."""
        return Credential(found.record.id, found.secret, found.record.generation).to_text()

    def remember_text(self, found: Presented) -> str:
        """Return the newest remember token of a login, signed, for the cookie."""
        record = found.record
        credential = Credential(record.id, found.secret, record.remember_generation)
        return sign(credential.to_text(), self._remember_salt)

    def _tell(self, before: LoginSession, after: LoginSession) -> None:
        if before.ended_reason is None and after.ended_reason is not None:
            login_session_ended.send(get_app(), login=after, reason=after.ended_reason)
            self.audit("login_session_ended", after)
            if after.ended_reason == records.TOKEN_REUSED:
                remember_token_reused.send(get_app(), login=after)
                self.audit("remember_token_reused", after)

    @staticmethod
    def audit(event: str, record: LoginSession) -> None:
        """Log an event of a login's life, with its facts as extra fields; never a secret."""
        facts: Mapping[str, Any] = {
            "event": event,
            "user_id": record.user_id,
            "login_id": record.id,
            "ip": record.ip_address,
            "reason": record.ended_reason,
        }
        logger.info("%s %s", event, record.id, extra=dict(facts))


def _longest(remember: timedelta | None) -> timedelta:
    """Return how long a login that begins now, or is proved anew, may last."""
    config = get_config()
    absolute = settings.LOGIN_ABSOLUTE_TIMEOUT.read(config)
    if absolute is not None:
        return absolute
    return max(remember or config["PERMANENT_SESSION_LIFETIME"], settings.COOKIE_DURATION)


def _age(record: LoginSession) -> tuple[datetime, str]:
    return record.created_at, record.id
