"""What changes in a stored login that goes on: proved once more, remembered, renewed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flask_login.sessions.records import LoginSession

from . import rotation, settings

if TYPE_CHECKING:
    from .logins import Presented, StoredLogins


def confirm(
    logins: StoredLogins,
    found: Presented,
    methods: Collection[str],
    auth_hash: str | None,
    kept: Callable[[LoginSession, int], LoginSession] | None,
) -> LoginSession | None:
    """Note that the user proved once more who they are; None for a login that is not there.

    :param kept: returns the record with the entries under a new marker; None where they are in
        Flask's session.
    """
    now = logins.clock()
    lifetime = settings.LOGIN_ABSOLUTE_TIMEOUT.read(logins.host.config()) or logins.longest(None)

    def confirmed(record: LoginSession) -> LoginSession:
        proved = rotation.confirm(
            record, now, lifetime, methods, auth_hash, has_marker=kept is not None
        )
        if kept is None or proved is record:
            return proved
        # Of one write with it.
        done = kept(proved, rotation.number_after(proved, found.number, now))
        return replace(done, version=proved.version)

    return logins.asked.change(found.record.id, confirmed)


def remember(logins: StoredLogins, found: Presented, lifetime: timedelta) -> Presented:
    """Give a login that was not to be remembered a remember token."""
    now, config = logins.clock(), logins.host.config()
    # What `begin` took for want of a timeout ends with the session cookie, and this does not.
    unused = settings.LOGIN_IDLE_TIMEOUT.read(config) is None
    unused = unused and found.record.idle_timeout == logins.host.session_lifetime()
    record = logins.asked.change(
        found.record.id,
        lambda record: rotation.remember(record, now, lifetime, keeps_idle=not unused),
    )
    return found if record is None else found._replace(record=record)


def renew(logins: StoredLogins, found: Presented) -> Presented:
    """Give a login new credentials; see `rotation.renew`."""
    now = logins.clock()
    record = logins.asked.change(
        found.record.id, lambda record: rotation.renew(record, found.number, now)
    )
    return found if record is None else handed(logins, found, record)


def handed(logins: StoredLogins, found: Presented, record: LoginSession) -> Presented:
    """Return what a browser is to have after its record was changed for it."""
    number = rotation.number_after(record, found.number, logins.clock())
    return found._replace(record=record, number=number, handed=True, due=False)


def note_auth_hash(logins: StoredLogins, found: Presented, auth_hash: str) -> Presented:
    """Give a login the digest of the credentials that it began without."""
    record = logins.asked.change(
        found.record.id, lambda record: rotation.note_auth_hash(record, auth_hash)
    )
    return found if record is None else found._replace(record=record)
