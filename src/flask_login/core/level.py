"""Where a login lives: one interface, two homes. A realm has one of them, chosen once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from flask_login.sessions.records import LoginSession

from .entry import Session
from .remember import RememberToken
from .terms import Terms as Terms

if TYPE_CHECKING:
    from .visit import Visit


class Facts(NamedTuple):
    """What is known of the login in a session."""

    #: When the user last proved who they are; None when it is not known.
    proved_at: datetime | None
    #: Since when the login counts as fresh, and for how long at most.
    fresh_since: datetime | None
    fresh_timeout: timedelta | None
    #: When the login ends if nothing more is done in it; None for never.
    ends_at: datetime | None
    #: Whether nothing speaks against its being fresh: an old copy of it, a store without answer.
    may_be_fresh: bool = True
    #: The record in the store; None on the signed level.
    record: LoginSession | None = None


class Level(Protocol):
    """What a login needs of its home. No method calls another implementation's."""

    #: Whether a session that is over takes its remember token along. A record judges its own.
    ends_remembered: bool

    def admit(self, visit: Visit, sess: Session, user_id: Any) -> str | None:
        """Judge the login in a session: return why it is over, or None while it goes on."""
        ...

    def restore(self, visit: Visit, cookie: str) -> RememberToken | None:
        """Judge a remember cookie: return what it is good for, or None. It stays as it is."""
        ...

    def take(self, visit: Visit, sess: Session, token: RememberToken) -> bool:
        """Let the token that was judged bring its login back; False where it has just ended.

        It notes on the token whether the session keeps that login, and whether a newer one is due.
        """
        ...

    def unchanged(self, visit: Visit, user: Any, noted: object) -> bool:
        """Return whether a user's credentials are those that the login began with.

        :param noted: what the session or the remember token says of them.
        """
        ...

    def accept(
        self, visit: Visit, sess: Session, user: Any, token: RememberToken | None
    ) -> str | None:
        """Bring the session of an admitted user up to date; return why it can't go on, or None.

        :param token: the remember token that brought the user back, if one did.
        """
        ...

    def begin(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> bool:
        """Start a login in the place of the one before; False when there is no room for it."""
        ...

    def note(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> None:
        """Write what the level keeps in the session of a login that begins."""
        ...

    def keeps_token(self, visit: Visit, sess: Session, *, own: bool) -> bool:
        """Return whether the browser's remember token is good for the login that begins.

        :param own: whether the request was this user's before.
        """
        ...

    def confirm(
        self, visit: Visit, sess: Session, user: Any, methods: frozenset[str]
    ) -> str | None:
        """Note that the user proved once more who they are; return why it is over, or None."""
        ...

    def renew(self, visit: Visit, sess: Session) -> None:
        """Replace the session's credential, so that copies of the session die."""
        ...

    def end(self, visit: Visit, sess: Session, cookies: Sequence[str], reason: str) -> None:
        """End the logins that a session and remember cookies stand for; change no session."""
        ...

    def has_signed(self, visit: Visit, cookie: str) -> bool:
        """Return whether a remember cookie is one that this level could have made, good or not."""
        ...

    def one_of_each_login(self, cookies: Sequence[str]) -> list[str]:
        """Return several remember cookies without those that another one makes meaningless."""
        ...

    def may_remember(self, visit: Visit) -> bool:
        """Return whether a cookie may be set for the login on the word of older code."""
        ...

    def token(self, visit: Visit, sess: Session) -> tuple[str, float] | None:
        """Return the remember cookie to set, and when it expires: seconds since 1970."""
        ...

    def remembers(self, visit: Visit, sess: Session) -> bool:
        """Return whether the browser has sent a good remember token of the session's user."""
        ...

    def facts(self, visit: Visit, sess: Session) -> Facts:
        """Return what is known of the login in a session."""
        ...
