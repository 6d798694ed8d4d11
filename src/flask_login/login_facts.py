"""What `current_login` tells of a login."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sessions.records import LoginSession


@dataclass(frozen=True)
class CurrentLogin:
    """What this request knows of its login session.

    .. versionadded:: 0.6.90
    """

    #: The user id.
    user_id: str | None
    #: What named the user: ``"session"``, ``"remember"`` (a remember token, on this very
    #: request), ``"request"`` or ``"bearer"`` (a loader), ``"assigned"`` (other code did).
    source: str
    #: Whether the user proved who they are in this login session.
    fresh: bool
    #: Whether this browser has a good remember token of this user.
    remembered: bool
    #: How the user proved who they are, as RFC 8176 names; what was not said is not assumed.
    methods: frozenset[str]
    #: When they last did; None when they never did in this login, or from before there were times.
    authenticated_at: datetime | None = None
    #: How long the login lasts if nothing more is done in it; None when no timeout ends it.
    expires_in: timedelta | None = None
    #: The user id of who impersonates this user; None when nobody does.
    actor: str | None = None
    #: The record in the session store, of the actor's login if there is one; None on the signed
    #: level.
    record: LoginSession | None = None

    def __bool__(self) -> bool:
        """Return True: there is a login. For nobody `current_login` is None."""
        return True

    @property
    def id(self) -> str | None:
        """The login's public handle in the session store; None on the signed level."""
        return None if self.record is None else self.record.id
