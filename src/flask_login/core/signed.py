"""The signed level: the login lives in the browser, in the signed session and remember token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import remember, rules, settings, whose
from .entry import Session
from .level import Facts, Terms
from .remember import RememberToken
from .rules import Timeouts, Times
from .signing import digest, is_digest
from .terms import TIMEOUTS
from .users import UNLOADED

if TYPE_CHECKING:
    from .realm import Realm
    from .visit import Visit

#: The settings by which a request may change a login, or its remember cookie.
_TELLING = frozenset(
    {
        settings.LOGIN_IDLE_TIMEOUT.key,
        settings.LOGIN_ABSOLUTE_TIMEOUT.key,
        settings.LOGIN_FRESH_TIMEOUT.key,
        settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.key,
    }
)


class SignedLevel:
    """Nothing is kept on the server: the browser shows what was signed for it."""

    ends_remembered: bool = True

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._entry, self._keys = realm.entry, realm.entry.keys
        self._auth_salt = f"flask-login.auth-hash.{realm.name}"

    # The session

    def admit(self, visit: Visit, sess: Session, user_id: Any) -> str | None:
        """See `Level.admit`."""
        del user_id  # what is signed is believed
        if self._keys.times not in sess and visit.config.keys().isdisjoint(_TELLING):
            return None
        known = Times.of(sess.get(self._keys.times))
        if known is None and TIMEOUTS.read(visit.config) == rules.NO_TIMEOUTS:
            return None
        now = self._realm.clock()
        times = known or _starting(now)
        timeouts = times.own.over(TIMEOUTS.read(visit.config))
        reason = rules.ended_because(times.lasting(timeouts, now), now)
        if reason is not None:
            return reason
        interval = rules.touch_interval(
            settings.LOGIN_TOUCH_INTERVAL.read(visit.config), timeouts.idle
        )
        due = rules.is_due(times.last(now), rules.whole(now), interval)
        if known is None or (due and visit.is_activity()):
            times.touch(visit.now())
            sess[self._keys.times] = times.entry()
        return None

    def unchanged(self, visit: Visit, user: Any, noted: object) -> bool:
        """See `Level.unchanged`."""
        if not noted:
            return True
        text = whose.auth_text(visit, user)
        if text is None:
            return True
        return isinstance(noted, str) and is_digest(noted, text, self._auth_salt, visit.config)

    def accept(
        self, visit: Visit, sess: Session, user: Any, token: RememberToken | None
    ) -> str | None:
        """See `Level.accept`."""
        keys = self._keys
        if token is not None:
            self._write_times(visit, sess, rules.NO_TIMEOUTS, began=token.issued_at, proved=False)
        if settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.key in visit.config:
            self._slide(visit, sess)
        if keys.auth_hash in sess or hasattr(user, "get_session_auth_hash"):
            self._entry.put(sess, keys.auth_hash, self._digest(visit, user))
        return None

    def begin(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> bool:
        """See `Level.begin`."""
        del visit, sess, user
        if terms.external_id is not None:
            self._realm.require_store("external_id")
        return True

    def note(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> None:
        """See `Level.note`."""
        self._write_times(visit, sess, terms.timeouts, began=None, proved=terms.fresh)
        if self._keys.auth_hash in sess or hasattr(user, "get_session_auth_hash"):
            self._entry.put(sess, self._keys.auth_hash, self._digest(visit, user))

    def confirm(
        self, visit: Visit, sess: Session, user: Any, methods: frozenset[str]
    ) -> str | None:
        """See `Level.confirm`."""
        del methods  # they stand in the session
        now = int(self._realm.clock().timestamp())
        sess[self._keys.at] = now
        times = Times.of(sess.get(self._keys.times))
        if times is not None:
            times.began = now
            times.touch(now)
            sess[self._keys.times] = times.entry()
        self._entry.put(sess, self._keys.auth_hash, self._digest(visit, user))
        self._renew_token(visit, sess)
        return None

    def renew(self, visit: Visit, sess: Session) -> None:
        """Do nothing: what was signed once is good until its time is up."""

    def end(self, visit: Visit, sess: Session, cookies: Sequence[str], reason: str) -> None:
        """Do nothing: nothing is kept that could be ended."""

    def facts(self, visit: Visit, sess: Session) -> Facts:
        """See `Level.facts`."""
        proved_at = rules.moment_of(sess.get(self._keys.at))
        known = Times.of(sess.get(self._keys.times))
        # A session from before there were times is fresh since we know it.
        since = proved_at or (None if known is None else rules.moment_of(known.began))
        times = known or _starting(self._realm.clock())
        timeouts = times.own.over(TIMEOUTS.read(visit.config))
        ends_at = None
        if timeouts.idle is not None or timeouts.absolute is not None:
            ends_at = rules.ends_at(times.lasting(timeouts, self._realm.clock()))
        return Facts(proved_at, since, timeouts.fresh, ends_at)

    # The remember token

    def has_signed(self, visit: Visit, cookie: str) -> bool:
        """See `Level.has_signed`."""
        return remember.is_ours(cookie, self._realm.name, visit.config)

    def one_of_each_login(self, cookies: Sequence[str]) -> list[str]:
        """See `Level.one_of_each_login`."""
        return [*dict.fromkeys(cookies)]

    def take(self, visit: Visit, sess: Session, token: RememberToken) -> bool:
        """See `Level.take`."""
        del visit, sess, token  # nothing is kept of it
        return True

    def may_remember(self, visit: Visit) -> bool:
        """See `Level.may_remember`."""
        del visit
        return True

    def restore(self, visit: Visit, cookie: str) -> RememberToken | None:
        """See `Level.restore`."""
        token = remember.read(cookie, self._realm.name, self._realm.clock(), visit.config)
        if token is None:
            return None
        absolute = TIMEOUTS.read(visit.config).absolute
        if absolute is not None:
            age = self._realm.clock().timestamp() - token.issued_at
            if age >= absolute.total_seconds():
                visit.ended_reason = rules.EXPIRED_ABSOLUTE
                return None
        return token

    def keeps_token(self, visit: Visit, sess: Session, *, own: bool) -> bool:
        """See `Level.keeps_token`."""
        token = self._token_of(visit, sess)
        if token is None:
            return False
        if own:
            self._renew_token(visit, sess)
            return True
        return token.auth_hash == sess.get(self._keys.auth_hash)

    def token(self, visit: Visit, sess: Session) -> tuple[str, float] | None:
        """See `Level.token`."""
        token = visit.reissued
        if token is None:
            key, lifetime = visit.remember_lifetime(sess)
            greatest = self._timeouts(visit, sess).absolute
            if greatest is not None:
                lifetime = min(lifetime, greatest)
            user_id, auth_hash = sess[self._keys.user_id], sess.get(self._keys.auth_hash)
            token = remember.issue(user_id, self._realm.clock(), lifetime, auth_hash, key=key)
        return remember.write(token, self._realm.name, visit.config), token.expires_at

    def remembers(self, visit: Visit, sess: Session) -> bool:
        """See `Level.remembers`."""
        if visit.cookie == "clear" or sess.get(self._keys.remember) == "clear":
            return False
        return self._token_of(visit, sess) is not None

    def _token_of(self, visit: Visit, sess: Session) -> RememberToken | None:
        """Return the browser's good remember token, if it is of the session's user."""
        token = self._shown_token(visit)
        if token is None or str(token.user_id) != str(sess.get(self._keys.user_id)):
            return None
        return token

    def _shown_token(self, visit: Visit) -> RememberToken | None:
        """Return the good token that the browser sent: of several of one user the newest."""
        if visit.token is UNLOADED:
            visit.token = None
            cookies = visit.remember_cookies()
            if cookies and settings.REMEMBER_COOKIE_ENABLED.read(visit.config):
                name, now = self._realm.name, self._realm.clock()
                read = [remember.read(cookie, name, now, visit.config) for cookie in cookies]
                tokens = [token for token in read if token is not None]
                if len({str(token.user_id) for token in tokens}) == 1:
                    visit.token = max(tokens, key=lambda token: token.rank)
        return visit.token

    def _timeouts(self, visit: Visit, sess: Session) -> Timeouts:
        """Return the timeouts of the session's login: its own, and the settings'."""
        timeouts = TIMEOUTS.read(visit.config)
        times = Times.of(sess[self._keys.times]) if self._keys.times in sess else None
        return timeouts if times is None else times.own.over(timeouts)

    def _slide(self, visit: Visit, sess: Session) -> None:
        """Start the time of the remember token again, where the application wants it."""
        if not settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.read(visit.config):
            return
        if visit.cookie is not None or visit.unknown is not None:
            return  # nothing of the login is touched while its user is unknown
        if self._timeouts(visit, sess).absolute is not None:
            return  # the greatest age counts from the time of the token's issue
        token = self._token_of(visit, sess)
        if token is not None:
            visit.cookie, visit.lifetime = "set", token.lifetime

    def _renew_token(self, visit: Visit, sess: Session) -> None:
        """Carry a change of the credentials into this browser's remember token."""
        token, auth_hash = self._token_of(visit, sess), sess.get(self._keys.auth_hash)
        if token is not None and token.auth_hash != auth_hash:
            visit.cookie, visit.reissued = "set", token.with_auth_hash(auth_hash)

    # What stands in the session

    def _digest(self, visit: Visit, user: Any) -> str | None:
        text = whose.auth_text(visit, user)
        return None if text is None else digest(text, self._auth_salt, visit.config)

    def _write_times(
        self, visit: Visit, sess: Session, own: Timeouts, *, began: int | None, proved: bool
    ) -> None:
        """Note when a login began, and when its user proved who they are."""
        for name in (self._keys.times, self._keys.at):
            if name in sess:
                del sess[name]
        now = int(self._realm.clock().timestamp())
        if proved:
            sess[self._keys.at] = now
        if own != rules.NO_TIMEOUTS or TIMEOUTS.read(visit.config) != rules.NO_TIMEOUTS:
            times = Times.begin(now if began is None else began, now, own)
            sess[self._keys.times] = times.entry()


def _starting(now: datetime) -> Times:
    seconds = int(now.timestamp())
    return Times(seconds, seconds)
