"""The rules of a stored login's credentials: shown, renewed, copied, and proved once more.

The session credential and the remember token of a login have one number, which both get anew with
each answer that carries new ones. What a browser shows tells which answers arrived. Two who hold
copies of one login can't both go on: one of them shows a number that the other has left behind,
or one and the same number again and again.

Pure functions, as in `rules`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from flask_login.sessions.records import (
    AHEAD,
    CREDENTIALS_CHANGED,
    EXPIRED_ABSOLUTE,
    SUPERSEDED,
    TOKEN_REUSED,
    LoginSession,
    end,
    ended_because,
    later,
)

from .constants import REST as REST

#: For how long new credentials are handed out again after they were issued, and those before them
#: accepted after these arrived: an answer that is slower than this may cost a login.
GRACE = timedelta(seconds=30)
#: How often the time of a remember token begins anew at most, where each request restarts it.
SLIDE_INTERVAL = timedelta(hours=1)
#: How many credentials in a row may get lost on their way.
MOST_LOST = 6


class Step(NamedTuple):
    """What a credential was worth: the next record, or why it is refused.

    `record` is to be swapped in when it is not the one that was read; then the caller starts
    again if somebody else was quicker.
    """

    record: LoginSession
    #: Why the credential is refused; None when it is good.
    refused: str | None = None
    #: The number of the credentials that the browser is to be given; None for none.
    handed: int | None = None


def knows_secret(record: LoginSession, secret: str) -> bool:
    """Return whether `secret` is the one this login began with."""
    shown = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(record.secret_hash.encode(), shown.encode())


def present_session(
    record: LoginSession,
    number: int,
    now: datetime,
    *,
    token: int | None = None,
    interval: timedelta | None = None,
    is_alone: bool = True,
    renews: bool = True,
) -> Step:
    """Judge a session credential of this login.

    :param number: the credential's.
    :param token: the number of the remember token that came with it; None for none.
    :param interval: how old credentials get before they are renewed; None for any age.
    :param is_alone: whether no remember token can have been left out of the request.
    :param renews: whether new credentials are issued where they are due: not before the user is
        known to be good, for whom nothing may be handed out else.

    What an older answer put back into the browser is refused, and no theft, where no token tells it
    from a copy.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    old = interval is not None and is_old(record, now, interval)
    if number == record.arrived_number == record.generation and not old:
        return Step(record)  # nearly always
    shown = number if token is None else max(number, session_number(record, token))
    if shown < session_number(record, record.remember_first):
        # A parallel request, or a copy from before the credentials changed.
        parallel = _is_within(record.renewed_at, now, GRACE) and shown >= record.previous_number
        return Step(record, refused=None if parallel else SUPERSEDED)
    if number < record.session_first and shown == record.arrived_number:
        # From before the user proved who they are, began or ceased to act as another, or a forced
        # login ended. The remember token, which says nothing of that, still brings the login back.
        parallel = _is_within(record.renewed_at, now, GRACE)
        return Step(record, refused=None if parallel else SUPERSEDED)
    step = _present(record, shown, now, due=renews and (old or shown != number))
    rotates = interval is not None or (record.remembered and (is_alone or token is not None))
    if step.refused is not None and not rotates:
        return Step(record, refused=SUPERSEDED)
    return step


def present_remember(
    record: LoginSession, number: int, now: datetime, *, slides: bool = False
) -> Step:
    """Judge a remember token that came without a session credential of its login.

    A good one brings the login back, not fresh. One from before a change of the credentials is
    refused, and shows nothing: its browser was told.

    :param number: the token's.
    :param slides: whether its time begins anew with new credentials.
    """
    reason = ended_because(record, now)
    if reason is not None:
        return Step(end(record, reason, now), refused=reason)
    if record.remember_until is None or now >= record.remember_until:
        return Step(record, refused=EXPIRED_ABSOLUTE)
    if 0 < number < record.remember_first:
        return Step(record, refused=CREDENTIALS_CHANGED)
    step = _present(record, session_number(record, number), now, due=True)
    if step.refused is not None or step.record.generation == record.generation:
        return step
    back = replace(
        step.record,
        last_seen_at=max(now, record.last_seen_at),
        authenticated_at=None,
        restored=True,
    )
    return step._replace(record=slide(back, now, back.version) if slides else back)


def _present(record: LoginSession, shown: int, now: datetime, *, due: bool) -> Step:
    """Judge the highest number that a request shows.

    :param due: whether the browser is to be given credentials, unless there is a reason not to.
    """
    known = record
    if shown != record.arrived_number and not record.lost_from <= shown:
        before = record.previous_number <= shown and _is_within(record.arrived_at, now, GRACE)
        return Step(record) if before else _copied(record, now)
    if shown != record.arrived_number:
        # Those before it are worth nothing from now on. One that is newer than the newest was
        # issued too: the store has lost it, in a crash or with a backup that was put back.
        ahead = max(0, shown - record.generation)
        known = replace(
            record,
            generation=record.generation + ahead,
            remember_generation=record.remember_generation and record.remember_generation + ahead,
            arrived_number=shown,
            arrived_at=now,
            previous_number=record.arrived_number,
            lost_from=record.generation + ahead + 1,
            version=record.version + 1,
        )
    if not due:
        return Step(known)
    if _is_within(_issued_at(known), now, REST):
        return Step(known, handed=_handed_again(known, now))
    if _lost(known) >= MOST_LOST:
        return _copied(record, now)
    issued = _issued(known, now, record.version + 1)
    return Step(issued, handed=issued.generation)


def _handed_again(record: LoginSession, now: datetime) -> int | None:
    """Return the number that is handed out while no other is issued."""
    if not _lost(record):
        return record.arrived_number
    return record.generation if _is_within(_issued_at(record), now, GRACE) else None


def _lost(record: LoginSession) -> int:
    """Return how many numbers in a row are on their way, or lost."""
    return record.generation + 1 - record.lost_from


def _is_within(moment: datetime | None, now: datetime, span: timedelta) -> bool:
    """Return whether a moment is less than a span ago, by clocks that differ a little."""
    return moment is not None and -AHEAD <= now - moment < span


def _copied(record: LoginSession, now: datetime) -> Step:
    return Step(end(record, TOKEN_REUSED, now), refused=TOKEN_REUSED)


def _offset(record: LoginSession) -> int:
    """Return by how much a login's session credentials are ahead of its remember tokens.

    In records of older code they were counted apart.
    """
    return record.generation - record.remember_generation if record.remembered else 0


def _issued_at(record: LoginSession) -> datetime:
    return record.renewed_at or record.created_at


def _issued(record: LoginSession, now: datetime, version: int) -> LoginSession:
    return replace(
        record,
        generation=record.generation + 1,
        remember_generation=record.remember_generation + record.remembered,
        renewed_at=now,
        arrived_at=record.arrived_at or record.created_at,
        version=version,
    )


def token_number(record: LoginSession, number: int) -> int:
    """Return the number of the remember token that goes with a session credential."""
    return number - _offset(record)


def session_number(record: LoginSession, number: int) -> int:
    """Return the number of the session credential that goes with a remember token."""
    return number + _offset(record)


def is_old(record: LoginSession, now: datetime, interval: timedelta) -> bool:
    """Return whether a login's credentials are as old as an interval."""
    return not _is_within(_issued_at(record), now, interval)


def may_slide(record: LoginSession, now: datetime) -> bool:
    """Return whether the time of a login's remember token began so long ago that it is moved."""
    until, since = record.remember_until, record.remember_issued_at or record.created_at
    if until is None or now >= until:
        return False
    return not _is_within(since, now, min(SLIDE_INTERVAL, (until - since) / 2))


def slide(record: LoginSession, now: datetime, version: int) -> LoginSession:
    """Return the record with the time of its remember token begun anew."""
    since = record.remember_issued_at or record.created_at
    until = later(now, (record.remember_until or since) - since)
    return replace(
        record,
        remember_until=until,
        remember_issued_at=now,
        expires_at=record.expires_at
        if record.absolute_timeout is not None
        else max(record.expires_at, until),
        version=version,
    )


def confirm(
    record: LoginSession,
    now: datetime,
    lifetime: timedelta,
    methods: Collection[str],
    auth_hash: str | None,
    *,
    has_marker: bool = False,
) -> LoginSession:
    """Return the record after the user proved once more who they are; an ended one as it is.

    Other credentials of the user, such as a new password, make whatever copies there are of those
    before it worth nothing.

    :param lifetime: how long it may last from now on, unless it has its own absolute timeout; it
        does not end sooner than before.
    :param has_marker: whether a marker tells copies from before apart: then those before the new
        credentials are good until these arrive.
    """
    if record.ended_reason is not None:
        return record
    changed = record.auth_hash not in (None, auth_hash)
    # Two that are on their way at once would look like a theft.
    rests = _is_within(record.renewed_at, now, REST) or _lost(record) >= MOST_LOST
    known = record if rests and not changed else renew(record, record.generation, now)
    return replace(
        known,
        authenticated_at=now,
        last_seen_at=max(now, record.last_seen_at),
        expires_at=max(record.expires_at, later(now, record.absolute_timeout or lifetime)),
        methods=record.methods | frozenset(methods),
        auth_hash=auth_hash,
        remember_first=_first(known) if changed else record.remember_first,
        session_first=record.session_first if has_marker else known.session_first,
        version=record.version + 1,
    )


def _first(record: LoginSession) -> int:
    return token_number(record, record.generation)


def number_after(record: LoginSession, number: int, now: datetime) -> int:
    """Return the number that a browser is to have after the record was changed for it.

    :param number: the one that it has.
    """
    return max(number, _handed_again(record, now) or 0)


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
        remember_generation=record.generation,
        remember_until=until,
        remember_issued_at=now,
        idle_timeout=record.idle_timeout if keeps_idle else None,
        expires_at=record.expires_at
        if record.absolute_timeout is not None
        else max(record.expires_at, until),
        version=record.version + 1,
    )


def renew(record: LoginSession, number: int, now: datetime) -> LoginSession:
    """Return the record with new credentials, for a browser that is not behind.

    Session credentials from before are refused after the grace, also while the new ones have not
    arrived.

    :param number: the one that it has.
    """
    if record.ended_reason is not None or number < record.arrived_number:
        return record
    if number < record.generation == record.session_first:
        return record  # a parallel request did it
    issued = _issued(record, now, record.version + 1)
    return replace(issued, session_first=issued.generation)


def note_auth_hash(record: LoginSession, auth_hash: str) -> LoginSession:
    """Return the record with the digest of the credentials, if it has none yet."""
    if record.auth_hash is not None or record.ended_reason is not None:
        return record
    return replace(record, auth_hash=auth_hash, version=record.version + 1)
