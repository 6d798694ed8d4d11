"""The record of a login, and the rules that a store applies to it.

No I/O and no Flask here. A store keeps records and swaps one version for the next; what
the next version is, is decided by the pure functions of `core.rules`.

A login has one random secret of 256 bits. The store keeps only its SHA-256; the browser's
cookies carry it with the public id and a generation number, signed. So neither a leak of the store
nor one of ``SECRET_KEY`` helps without the secret, and all parallel requests can get *the same*
successor: it differs only in the number.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any, Protocol

#: How long an ended login is kept, so that the user can be told why it ended.
TOMBSTONE = timedelta(days=1)

#: How far ahead of a clock a login may begin: the clocks of two machines differ a little. What
#: began later than that began on a clock that was wrong.
AHEAD = timedelta(minutes=5)

#: As long as the calendar: no moment is later, so a longer span makes no difference.
LONGEST_SPAN = timedelta(days=date.max.toordinal())

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
#: The answer to a credential that belongs to no live login: an unknown id, a wrong secret.
UNKNOWN = "unknown"
#: The answer to a credential that a newer one has replaced.
SUPERSEDED = "superseded"

#: Why a login session ended, and what it means.
REASONS = {
    LOGOUT: "The user logged out.",
    REVOKED: "It was ended from the server's side.",
    EXPIRED_IDLE: "It was not used for too long.",
    EXPIRED_ABSOLUTE: "It reached its greatest age.",
    EVICTED: "The user logged in on too many other devices.",
    DENIED: "It did not begin, because the user was logged in on as many devices as allowed.",
    REPLACED: "A new login in the same browser took its place.",
    CREDENTIALS_CHANGED: "The user's credentials changed.",
    DEACTIVATED: "The user is no longer allowed to log in.",
    UNKNOWN_USER: "The user no longer exists.",
    CLIENT_CHANGED: "It was used in another browser.",
    TOKEN_REUSED: "A copy of the login was used.",
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
    #: When the user last proved their identity; None for a login that was never fresh.
    authenticated_at: datetime | None
    #: When it ends, however active it is.
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
    #: The number of the newest remember token, which is issued with it; 0 for a login that is not
    #: remembered.
    remember_generation: int = 0
    #: Until when the remember token is good.
    remember_until: datetime | None = None
    #: Since when its time counts.
    remember_issued_at: datetime | None = None
    version: int = 1
    ended_at: datetime | None = None
    ended_reason: str | None = None
    #: Whether the login began, or came back, by a remember token.
    restored: bool = False
    #: The number of the oldest remember token that is not from before a change of the credentials.
    remember_first: int = 1
    #: Timeouts of this login alone; None for those of the settings.
    absolute_timeout: timedelta | None = None
    fresh_timeout: timedelta | None = None
    #: The newest number that a browser has shown, when it did first, and the one shown before it.
    arrived_number: int = 1
    arrived_at: datetime | None = None
    previous_number: int = 1
    #: The first number that was issued after the one that arrived, or will be.
    lost_from: int = 2
    #: The number of the oldest session credential that is not refused.
    session_first: int = 1
    #: What the session of this login would hold, as JSON, where it has a cookie of its own
    #: (``LOGIN_STATE``): up to a kilobyte of ASCII. None for a login in Flask's session.
    entries: str | None = field(default=None, repr=False)

    @property
    def confirmed(self) -> bool:
        """Whether the response that carried the newest credentials is known to have arrived."""
        return self.arrived_number == self.generation

    @property
    def purge_at(self) -> datetime:
        """When the record may be deleted; until then it tells why the login ended."""
        return later(self.ended_at or self.expires_at, TOMBSTONE)

    @property
    def remembered(self) -> bool:
        """Whether a remember token may bring this login back."""
        return self.remember_generation > 0


def numbers_before(generation: int, renewed_at: datetime) -> dict[str, Any]:
    """Return what a record of older code, which noted less, lets one tell of its numbers.

    The newest may have been lost: the one before it was good until the newest was shown.
    """
    arrived = max(1, generation - 1)
    return {
        "arrived_number": arrived,
        "arrived_at": renewed_at,
        "previous_number": arrived,
        "lost_from": arrived + 1,
        "session_first": generation,
    }


def new_secret() -> str:
    """Return a new secret of 256 random bits, as URL-safe text."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the hash of a secret that a store keeps. A random secret needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_id(user_id: str) -> str:
    """Return a new public handle, which begins with the user's `user_tag`.

    So a store that is spread over machines can keep the logins of a user together.
    """
    return f"{user_tag(user_id)}{secrets.token_urlsafe(16)}"


def user_tag(user_id: str) -> str:
    """Return the 11 characters that stand for a user in a handle. They do not show the user id."""
    digest = hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:8]).rstrip(b"=").decode("ascii")


def later(moment: datetime, by: timedelta) -> datetime:
    """Return the moment `by` later, or the last one that the calendar has."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=timezone.utc)


class Timed(Protocol):
    """The part of a login that says when it is over: the same on both levels."""

    @property
    def expires_at(self) -> datetime:
        """When it ends, however active it is."""
        ...

    @property
    def last_seen_at(self) -> datetime:
        """When it was last used."""
        ...

    @property
    def idle_timeout(self) -> timedelta | None:
        """After how long without a request it ends; None for never."""
        ...

    @property
    def ended_reason(self) -> str | None:
        """Why it has ended already."""
        ...


def ended_because(login: Timed, now: datetime) -> str | None:
    """Return why a login is over at `now`, or None while it goes on."""
    if login.ended_reason is not None:
        return login.ended_reason
    if now >= login.expires_at:
        return EXPIRED_ABSOLUTE
    if login.idle_timeout is not None and now - login.last_seen_at >= login.idle_timeout:
        return EXPIRED_IDLE
    return None


def ends_at(login: Timed) -> datetime:
    """Return when a login ends if it is not used again."""
    if login.idle_timeout is None:
        return login.expires_at
    return min(login.expires_at, later(login.last_seen_at, login.idle_timeout))


def braked(record: LoginSession, moment: datetime | None) -> LoginSession:
    """Return the record as it is after every login from before `moment` was ended."""
    if moment is None or record.created_at >= moment or record.ended_reason is not None:
        return record
    return replace(record, ended_at=moment, ended_reason=REVOKED)


def end(record: LoginSession, reason: str, now: datetime) -> LoginSession:
    """Return the record ended for `reason`; one that has ended stays as it is."""
    if record.ended_reason is not None:
        return record
    return replace(record, ended_at=now, ended_reason=reason, version=record.version + 1)
