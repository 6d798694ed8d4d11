"""The record of a login, and its rules: pure functions of record and time.

No I/O and no Flask here. A store keeps records and swaps one version for the next; what
the next version is, is decided by the functions below.

A login has one random secret of 256 bits. The store keeps its SHA-256 only, the browser's
cookies carry it with the public id and a generation number, signed. So a leak of the store is
worthless without the secret, a leak of ``SECRET_KEY`` without it too, and every parallel
request can be given *the same* successor: it differs in the number alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

#: For how long the credential before the newest is accepted: parallel requests carry it.
GRACE = timedelta(seconds=30)
#: How long a remember token is left as it is before it rotates again.
COOLDOWN = timedelta(seconds=60)
#: How long an ended login is kept, so that the person can be told why.
TOMBSTONE = timedelta(days=1)

LOGOUT = "logout"
REVOKED = "revoked"
EXPIRED_IDLE = "expired_idle"
EXPIRED_ABSOLUTE = "expired_absolute"
EVICTED = "evicted"
DENIED = "denied"
REPLACED = "replaced"
CREDENTIALS_CHANGED = "credentials_changed"
DEACTIVATED = "deactivated"
UNKNOWN_USER = "unknown_user"
CLIENT_CHANGED = "client_changed"
TOKEN_REUSED = "token_reused"  # noqa: S105  # the code of a reason
#: What a credential gets that no live login knows: an unknown id, a wrong secret.
UNKNOWN = "unknown"
#: What a credential gets that a newer one has replaced.
SUPERSEDED = "superseded"

#: Why a login session ended, and what it means.
REASONS = {
    LOGOUT: "The user logged out.",
    REVOKED: "Somebody ended it from the server's side.",
    EXPIRED_IDLE: "Nothing was done in it for too long.",
    EXPIRED_ABSOLUTE: "It reached its greatest age.",
    EVICTED: "The user logged in on too many other devices.",
    DENIED: "The user was logged in on as many devices as allowed, so it did not begin.",
    REPLACED: "A new login in the same browser took its place.",
    CREDENTIALS_CHANGED: "The user's credentials changed.",
    DEACTIVATED: "The user may not log in any more.",
    UNKNOWN_USER: "The user does not exist any more.",
    CLIENT_CHANGED: "It showed up in another browser.",
    TOKEN_REUSED: "A remember token was used twice: somebody else may have had a copy.",
}


@dataclass(frozen=True)
class LoginSession:
    """One login in one browser. All times are aware, in UTC.

    .. versionadded:: 0.6.90
    """

    #: The public handle: may be shown and logged.
    id: str
    #: SHA-256 of the secret, in hex.
    secret_hash: str = field(repr=False)
    user_id: str
    created_at: datetime
    last_seen_at: datetime
    #: When the user last proved who they are; None for a login that never was fresh.
    authenticated_at: datetime | None
    #: When it ends in any case.
    expires_at: datetime
    methods: frozenset[str] = frozenset()
    idle_timeout: timedelta | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    #: The identity provider's name of this login (the ``sid`` of OpenID Connect).
    external_id: str | None = None
    #: What the user's credentials were, as a digest.
    auth_hash: str | None = field(default=None, repr=False)
    #: The number of the newest session credential, and when it was issued.
    generation: int = 1
    renewed_at: datetime | None = None
    #: The number of the newest remember token; 0 for a login that is not remembered.
    remember_generation: int = 0
    #: Until when the remember token is good.
    remember_until: datetime | None = None
    #: When the newest remember token was issued.
    remember_issued_at: datetime | None = None
    #: Whether the response that carried the newest credentials is known to have arrived.
    confirmed: bool = True
    version: int = 1
    ended_at: datetime | None = None
    ended_reason: str | None = None
    #: Whether the login began, or came back, by a remember token.
    restored: bool = False
    #: The oldest remember token that is not from before a change of the credentials.
    remember_first: int = 1
    #: This login's own timeouts; None for what the settings say.
    absolute_timeout: timedelta | None = None
    fresh_timeout: timedelta | None = None

    @property
    def purge_at(self) -> datetime:
        """From when on the record may be forgotten; until then it tells why the login ended."""
        return later(self.ended_at or self.expires_at, TOMBSTONE)

    @property
    def remembered(self) -> bool:
        """Whether a remember token may bring this login back."""
        return self.remember_generation > 0


def new_secret() -> str:
    """Return a new secret of 256 random bits, as URL-safe text."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what a store keeps of a secret. It is random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_id(user_id: str) -> str:
    """Return a new public handle; its first 11 characters are the same for all of a user's.

    That lets a store that is spread over machines keep a user's logins together.
    """
    return f"{user_tag(user_id)}{secrets.token_urlsafe(16)}"


def user_tag(user_id: str) -> str:
    """Return 11 characters that stand for the user in a handle, without naming them."""
    digest = hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:8]).rstrip(b"=").decode("ascii")


class Step(NamedTuple):
    """What a credential was worth: the next record, or why it is refused.

    `record` is to be swapped in when it is not the one that was read; then the caller starts
    again if somebody else was quicker.
    """

    record: LoginSession
    #: Why the credential is refused; None when it is good.
    refused: str | None = None
    #: Whether the browser is to be given the newest session credential and remember token.
    reissue: bool = False


def later(moment: datetime, by: timedelta) -> datetime:
    """Return the moment `by` later, or the last one that the calendar has."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)


def ended_because(record: LoginSession, now: datetime) -> str | None:
    """Return why this login is over at `now`, or None while it goes on."""
    if record.ended_reason is not None:
        return record.ended_reason
    if now >= record.expires_at:
        return EXPIRED_ABSOLUTE
    if record.idle_timeout is not None and now - record.last_seen_at >= record.idle_timeout:
        return EXPIRED_IDLE
    return None


def ends_at(record: LoginSession) -> datetime:
    """Return when a login ends if nothing more is done in it."""
    if record.idle_timeout is None:
        return record.expires_at
    return min(record.expires_at, later(record.last_seen_at, record.idle_timeout))


def braked(record: LoginSession, moment: datetime | None) -> LoginSession:
    """Return the record as it is once every login from before `moment` was ended."""
    if moment is None or record.created_at >= moment or record.ended_reason is not None:
        return record
    return replace(record, ended_at=moment, ended_reason=REVOKED)


def end(record: LoginSession, reason: str, now: datetime) -> LoginSession:
    """Return the record ended for `reason`; one that has ended stays as it is."""
    if record.ended_reason is not None:
        return record
    return replace(record, ended_at=now, ended_reason=reason, version=record.version + 1)


def knows_secret(record: LoginSession, secret: str) -> bool:
    """Tell whether `secret` is the one this login began with."""
    shown = hashlib.sha256(secret.encode()).hexdigest()
    return hmac.compare_digest(record.secret_hash.encode(), shown.encode())


def present_session(record: LoginSession, generation: int, now: datetime) -> Step:
    """Judge a session credential of this login.

    The newest is good, and shows that the response that carried it arrived. The one before is
    good for a short grace, because parallel requests carry it. Whatever else is refused.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    if generation == record.generation:
        return Step(record if record.confirmed else _confirmed(record))
    renewed_at = record.renewed_at or record.created_at
    if generation == record.generation - 1 and now < renewed_at + GRACE:
        return Step(record)
    return Step(record, refused=SUPERSEDED)


def present_remember(
    record: LoginSession, generation: int, now: datetime, *, slide: bool = False
) -> Step:
    """Judge a remember token of this login; a good one brings the login back, not fresh.

    The newest rotates, unless it did a moment ago. The one before is good while the response
    with the newest may have been lost, that is until anything from that response was presented,
    and for a short grace; it gets the newest, again. Any other was copied: the login ends. One
    from before a change of the credentials is refused, and shows nothing: its browser was told.

    :param slide: whether a token that rotates is good for as long as the one before it was.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    if record.remember_until is None or now >= record.remember_until:
        return Step(record, refused=EXPIRED_ABSOLUTE)
    if 0 < generation < record.remember_first:
        return Step(record, refused=CREDENTIALS_CHANGED)
    kept = _with_good_token(record, generation, now, slide)
    if kept is None:
        return Step(end(record, TOKEN_REUSED, now), refused=TOKEN_REUSED)
    return Step(kept, reissue=True)


def _with_good_token(
    record: LoginSession, generation: int, now: datetime, slide: bool
) -> LoginSession | None:
    issued_at = record.remember_issued_at or record.created_at
    newest = record.remember_generation
    if generation == newest:
        if now < issued_at + COOLDOWN:
            return _confirmed(record)
        return _restore(record, newest + 1, now, slide)
    if generation == newest - 1:
        if now < issued_at + GRACE:
            return record
        if not record.confirmed:
            # Nobody has shown what that response carried. Should the browser that comes now
            # not be the one that came then, only one of them keeps a good session credential.
            return _restore(record, newest, now, slide)
    return None


def _confirmed(record: LoginSession) -> LoginSession:
    if record.confirmed:
        return record
    return replace(record, confirmed=True, version=record.version + 1)


def _restore(
    record: LoginSession, remember_generation: int, now: datetime, slide: bool
) -> LoginSession:
    until, expires_at = record.remember_until, record.expires_at
    if slide and until is not None:
        until = later(now, until - (record.remember_issued_at or record.created_at))
        if record.absolute_timeout is None:
            expires_at = max(expires_at, until)
    return replace(
        record,
        expires_at=expires_at,
        remember_generation=remember_generation,
        remember_until=until,
        remember_issued_at=now,
        generation=record.generation + 1,
        renewed_at=now,
        last_seen_at=max(now, record.last_seen_at),
        authenticated_at=None,
        confirmed=False,
        restored=True,
        version=record.version + 1,
    )


def confirm(
    record: LoginSession,
    now: datetime,
    lifetime: timedelta,
    methods: Collection[str],
    auth_hash: str | None,
) -> LoginSession:
    """Return the record after the user proved once more who they are; an ended one as it is.

    New credentials bring a new remember token, and whatever copies there are of those before it
    are worth nothing.

    :param lifetime: how long it may last from now on, unless it has its own absolute timeout; it
        does not end sooner than before.
    """
    if record.ended_reason is not None:
        return record
    confirmed = replace(
        record,
        authenticated_at=now,
        last_seen_at=max(now, record.last_seen_at),
        expires_at=max(record.expires_at, later(now, record.absolute_timeout or lifetime)),
        methods=record.methods | frozenset(methods),
        auth_hash=auth_hash,
        generation=record.generation + 1,
        renewed_at=now,
        version=record.version + 1,
    )
    if not record.remembered or record.auth_hash in (None, auth_hash):
        return confirmed
    newest = record.remember_generation + 1
    return replace(
        confirmed,
        remember_generation=newest,
        remember_first=newest,
        remember_issued_at=now,
        confirmed=False,
    )


def remember(
    record: LoginSession, now: datetime, lifetime: timedelta, *, keeps_idle: bool
) -> LoginSession:
    """Return the record with its first remember token; one that has a token, or ended, as it is.

    :param keeps_idle: whether its idle timeout is one that somebody set.
    """
    if record.ended_reason is not None or record.remembered:
        return record
    until = later(now, lifetime)
    return replace(
        record,
        remember_generation=1,
        remember_until=until,
        remember_issued_at=now,
        idle_timeout=record.idle_timeout if keeps_idle else None,
        expires_at=record.expires_at
        if record.absolute_timeout is not None
        else max(record.expires_at, until),
        confirmed=False,
        version=record.version + 1,
    )


def renew(record: LoginSession, now: datetime) -> LoginSession:
    """Return the record with a new session credential; the one before dies after the grace."""
    if record.ended_reason is not None:
        return record
    return replace(
        record, generation=record.generation + 1, renewed_at=now, version=record.version + 1
    )


def note_auth_hash(record: LoginSession, auth_hash: str) -> LoginSession:
    """Return the record with the digest of the credentials, if it has none yet."""
    if record.auth_hash is not None or record.ended_reason is not None:
        return record
    return replace(record, auth_hash=auth_hash, version=record.version + 1)
