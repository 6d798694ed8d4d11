"""The stored level: a record of each login in a session store; the browser holds references."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from flask_login.sessions.records import hash_secret
from flask_login.sessions.store import SessionStore, SessionStoreUnavailable

from . import adopting, amending, login_cookie, login_entries, rotation, rules, settings, starting
from .entry import Session
from .level import Facts, Terms
from .logins import Credential, Presented, StoredLogins
from .remember import RememberToken, is_ours, of_record
from .signing import digest, is_digest
from .user_ids import mark_of
from .whose import auth_text, hash_at_rest

if TYPE_CHECKING:
    from .login_entries import LoginEntries
    from .realm import Realm
    from .visit import Visit


class StoredLevel:
    """The login lives in the store: it can be seen, revoked, and is over everywhere at once."""

    ends_remembered: bool = False

    def __init__(self, realm: Realm, store: SessionStore) -> None:
        self._realm = realm
        self._entry, self._keys = realm.entry, realm.entry.keys
        self._auth_salt = f"flask-login.auth-hash.{realm.name}"
        #: What is done with the records.
        self.logins: StoredLogins = StoredLogins(store, realm)

    # The session

    def admit(self, visit: Visit, sess: Session, user_id: Any) -> str | None:
        """See `Level.admit`."""
        text = sess.get(self._keys.login)
        if text is None:
            return adopting.refuse_session(self.logins, visit)
        try:
            found = visit.given and self.logins.present_again(
                visit.given, text, visit.config, visit.is_activity
            )
            if found is None:
                found = self.logins.present_session(
                    text,
                    visit.config,
                    beside=partial(self._token_number, visit),
                    activity=visit.is_activity,
                    looks=visit.is_late,
                )
        except SessionStoreUnavailable as error:
            if not self._is_trusted(visit, sess):
                raise
            visit.trusted = error
            return None
        if isinstance(found, str):
            return found
        if found.record.user_id != str(user_id):
            # Other code wrote another user's id: that is a new login, or none.
            if not visit.is_late:
                self.end(visit, sess, (), "replaced")
            del sess[self._keys.login]
            return adopting.refuse_session(self.logins, visit)
        visit.stored = found
        if settings.LOGIN_OUTAGE_TRUST.key in visit.config:
            self._note_check(visit, sess)
        return None

    def _token_number(self, visit: Visit, known: Credential) -> int | None:
        """Return the highest number of the remember tokens of a login that came."""
        tokens = (self._read(visit, cookie) for cookie in visit.remember_cookies())
        same = (t.generation for t in tokens if t is not None and t[:2] == known[:2])
        return max(same, default=None)

    def _hand_out(self, visit: Visit, sess: Session, stored: Presented) -> None:
        """Give the browser new credentials: both, where it has both."""
        visit.stored = stored
        if not stored.handed:
            return
        self._write_credential(visit, sess)
        if stored.record.remembered and not visit.by_cookie:
            visit.cookie, visit.reissued = "set", None

    def _is_trusted(self, visit: Visit, sess: Session) -> bool:
        """Return whether a session is believed for want of the store's answer."""
        trust = settings.LOGIN_OUTAGE_TRUST.read(visit.config)
        checked, now = rules.moment_of(sess.get(self._keys.checked)), self._realm.clock()
        return trust is not None and checked is not None and timedelta(0) <= now - checked < trust

    def _note_check(self, visit: Visit, sess: Session) -> None:
        trust = settings.LOGIN_OUTAGE_TRUST.read(visit.config)
        if trust is None:
            return
        now, checked = self._realm.clock(), rules.moment_of(sess.get(self._keys.checked))
        # Not at each request: it makes the session cookie be sent again.
        if checked is None or now - checked >= trust / 4:
            sess[self._keys.checked] = int(now.timestamp())

    def unchanged(self, visit: Visit, user: Any, noted: object) -> bool:
        """See `Level.unchanged`."""
        known = noted if visit.stored is None else visit.stored.record.auth_hash
        if not known:
            return True
        text = auth_text(visit, user)
        if text is None:
            return True
        if visit.stored is not None:
            return known == hash_secret(text)
        # A session that is believed while the store is away, or from before the store.
        return isinstance(known, str) and is_digest(known, text, self._auth_salt, visit.config)

    def accept(
        self, visit: Visit, sess: Session, user: Any, token: RememberToken | None
    ) -> str | None:
        """See `Level.accept`."""
        if visit.trusted is not None:
            return None
        if visit.is_late and visit.only_looks:
            if token is not None:
                self._write_credential(visit, sess)
            return None
        stored = visit.stored
        if stored is None:
            auth_hash = _hash_at_rest(visit, user)
            visit.stored = adopting.begin(
                self.logins, visit, sess, user, token=token, auth_hash=auth_hash
            )
            if visit.stored is None:
                return "denied"
        elif stored.record.auth_hash is None and hasattr(user, "get_session_auth_hash"):
            auth_hash = _hash_at_rest(visit, user)
            if auth_hash is not None:
                visit.stored = amending.note_auth_hash(self.logins, stored, auth_hash)
        if self._keys.auth_hash in sess or settings.LOGIN_OUTAGE_TRUST.key in visit.config:
            self._write_auth_hash(visit, sess, user)
        if token is not None or self._keys.login not in sess:
            self._write_credential(visit, sess)
        stored = visit.stored
        moved = visit.in_cookie is not None and login_entries.is_switched(visit)
        gives = stored is not None and (stored.due or moved)
        return self._give(visit, sess, stored) if gives and stored is not None else None

    def _give(self, visit: Visit, sess: Session, stored: Presented) -> str | None:
        """Give a user who is known to be good the credentials that are due; return why not."""
        if not stored.due:
            # Moved: it gets the number that a parallel request may have been given.
            if stored.is_current:
                self._hand_out(visit, sess, amending.handed(self.logins, stored, stored.record))
            return None
        taken = self.logins.take_session(stored, visit.config)
        if isinstance(taken, str):
            return taken
        behind = taken.handed and stored.number < stored.record.generation
        if behind and taken.record.authenticated_at is None:
            sess[self._keys.fresh] = False  # what it says is from before the login came back
        if taken.record.remember_until != stored.record.remember_until:
            visit.cookie, visit.reissued = "set", None
        self._hand_out(visit, sess, taken)
        return None

    def begin(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> bool:
        """See `Level.begin`."""
        if visit.is_late:
            # No browser would ever show the credential of such a login, nor stop showing the other.
            visit.stored = None
            self._entry.remove(sess, self._keys.login)
            return True
        if visit.by_cookie and self._keys.user_id not in sess:
            login_cookie.look(visit, sess)  # whoever acts as another ceases to
        shown = self._shown(visit, sess, visit.remember_cookies())
        if not visit.by_cookie and visit.has_login_cookie():
            shown += login_cookie.left_over(visit)
        kept = login_entries.beginning(visit, terms) if visit.by_cookie else None
        most = starting.most_of(visit.config, user, visit.resolve)
        started = starting.begin(
            self.logins,
            str(terms.user_id),
            fresh=terms.fresh,
            methods=terms.methods,
            remember=terms.remember,
            auth_hash=_hash_at_rest(visit, user),
            external_id=terms.external_id,
            timeouts=terms.timeouts,
            entries=kept,
        )
        replaced = {known.id for known in shown}
        if not starting.make_room(self.logins, started.record, most, replaced):
            visit.ended_reason = "denied"
            return False
        for known in shown:
            self.logins.end_shown(known, "replaced")
        visit.stored = started
        if kept is not None:
            login_entries.note(cast("LoginEntries", sess), kept, self._keys)
        return True

    def note(self, visit: Visit, sess: Session, user: Any, terms: Terms) -> None:
        """See `Level.note`."""
        del terms  # they stand in the record
        self._entry.remove(sess, self._keys.times, self._keys.at)
        if self._keys.auth_hash in sess or settings.LOGIN_OUTAGE_TRUST.key in visit.config:
            self._write_auth_hash(visit, sess, user)
        self._write_credential(visit, sess)

    def confirm(
        self, visit: Visit, sess: Session, user: Any, methods: frozenset[str]
    ) -> str | None:
        """See `Level.confirm`."""
        if visit.trusted is not None:
            raise visit.trusted
        stored = visit.stored
        if stored is None or visit.is_late:
            return None
        entries = cast("LoginEntries", sess) if visit.by_cookie else None
        kept = None if entries is None else login_entries.proof(visit, entries, methods)
        record = amending.confirm(self.logins, stored, methods, _hash_at_rest(visit, user), kept)
        if record is None or record.ended_reason is not None:
            # It ended while this request ran, and nothing revives it.
            return (None if record is None else record.ended_reason) or "unknown"
        if entries is not None:
            login_entries.note(entries, record.entries, self._keys)
        # Copies of the session from before do not have it.
        sess[self._keys.at] = rules.second_of(record.authenticated_at)
        self._write_auth_hash(visit, sess, user)
        self._hand_out(visit, sess, amending.handed(self.logins, stored, record))
        return None

    def renew(self, visit: Visit, sess: Session) -> None:
        """See `Level.renew`."""
        # A login cookie has a new marker for that.
        if visit.stored is not None and not (visit.is_late or visit.by_cookie):
            self._hand_out(visit, sess, amending.renew(self.logins, visit.stored))

    def end(self, visit: Visit, sess: Session, cookies: Sequence[str], reason: str) -> None:
        """See `Level.end`."""
        for known in self._shown(visit, sess, cookies):
            self.logins.end_shown(known, reason)

    def facts(self, visit: Visit, sess: Session) -> Facts:
        """See `Level.facts`."""
        stored = visit.stored  # once: other threads of the request may find it out again
        if stored is None:
            proved_at = rules.moment_of(sess.get(self._keys.at))
            fresh = settings.LOGIN_FRESH_TIMEOUT.read(visit.config)
            return Facts(proved_at, proved_at, fresh, None, visit.trusted is None)
        record = stored.record
        return Facts(
            proved_at=record.authenticated_at,
            fresh_since=record.authenticated_at,
            fresh_timeout=record.fresh_timeout or settings.LOGIN_FRESH_TIMEOUT.read(visit.config),
            ends_at=rules.ends_at(record),
            may_be_fresh=self._has_proof(sess, stored) and visit.trusted is None,
            record=record,
        )

    def _has_proof(self, sess: Session, stored: Presented) -> bool:
        """Return whether a session is no copy from before the user last proved who they are."""
        at, proved_at = sess.get(self._keys.at), stored.record.authenticated_at
        if proved_at is None:
            return stored.number >= stored.record.generation  # as the application says itself
        if at is not None:
            return bool(at == rules.second_of(proved_at))
        # As at the login: nothing was proved since.
        return abs(proved_at - stored.record.created_at) < timedelta(seconds=1)

    def _shown(self, visit: Visit, sess: Session, cookies: Sequence[str]) -> list[Credential]:
        """Return the credentials that a session and cookies hold, one of each login."""
        known = [Credential.from_text(sess.get(self._keys.login))]
        known += [self._read(visit, cookie) for cookie in cookies]
        return list({shown[:2]: shown for shown in known if shown is not None}.values())

    def _write_credential(self, visit: Visit, sess: Session) -> None:
        if visit.stored is not None:
            visit.given = visit.stored
            sess[self._keys.login] = self.logins.session_text(visit.stored)
            if settings.LOGIN_OUTAGE_TRUST.key in visit.config:
                self._note_check(visit, sess)

    def _write_auth_hash(self, visit: Visit, sess: Session, user: Any) -> None:
        # It is in the record, which can't be asked while the store is away.
        trusts = settings.LOGIN_OUTAGE_TRUST.read(visit.config) is not None
        text = auth_text(visit, user) if trusts else None
        found = None if text is None else digest(text, self._auth_salt, visit.config)
        self._entry.put(sess, self._keys.auth_hash, found)

    # The remember token

    def has_signed(self, visit: Visit, cookie: str) -> bool:
        """See `Level.has_signed`."""
        if self._read(visit, cookie) is not None:
            return True
        return is_ours(cookie, self._realm.name, visit.config)

    def _read(self, visit: Visit, cookie: str) -> Credential | None:
        """Return the credential in a remember cookie; each is read once a request."""
        if cookie not in visit.credentials:
            visit.credentials = {**visit.credentials, cookie: self.logins.remembered(cookie)}
        return visit.credentials[cookie]

    def one_of_each_login(self, cookies: Sequence[str]) -> list[str]:
        """Return of each login's tokens the one with the highest number.

        An older one beside it is a leftover of another path or domain, and no sign of a theft.
        """
        newest: dict[tuple[str, str], tuple[int, str]] = {}
        others: dict[str, None] = {}
        for cookie in cookies:
            shown = self.logins.remembered(cookie)
            if shown is None:
                others[cookie] = None
            else:
                login = shown.id, shown.secret
                newest[login] = max(newest.get(login, (-1, "")), (shown.generation, cookie))
        # First: when one of them has ended, no token from before the store is taken in its place.
        return [*(cookie for _, cookie in newest.values()), *others]

    def restore(self, visit: Visit, cookie: str) -> RememberToken | None:
        """See `Level.restore`."""
        looks = visit.is_late and visit.only_looks
        found = self.logins.read_remember(cookie, looks=looks)
        if found is None:
            return adopting.read_token(self.logins, visit, cookie)
        in_login_cookie = visit.in_cookie is not None and cookie == visit.in_cookie.token
        if isinstance(found, str):
            # What the session's credential in it was told, or waits for, is more to the point.
            if not (in_login_cookie and (visit.ended_reason or visit.unknown)):
                visit.ended_reason = found
            return None
        visit.stored = found
        if in_login_cookie:
            login_entries.recall(visit.entries, self._keys, found.record)
        return of_record(found.record, found.shown.mark)

    def take(self, visit: Visit, sess: Session, token: RememberToken) -> bool:
        """See `Level.take`."""
        if visit.unknown is not None:
            # The session's own login, whose user is unknown for now, gives way to this one.
            self.end(visit, sess, (), "replaced")
        if visit.stored is None:
            return True
        found = self.logins.take_remember(visit.stored)
        if isinstance(found, str):
            visit.stored, visit.ended_reason = None, found
            return False
        visit.stored, token.is_kept = found, found.handed
        number = rotation.token_number(found.record, found.number)
        token.outdated = found.handed and number != found.shown.generation
        return True

    def keeps_token(self, visit: Visit, sess: Session, *, own: bool) -> bool:
        """See `Level.keeps_token`."""
        del visit, sess, own
        return False  # what the cookie stood for was ended: the login that this one replaces

    def may_remember(self, visit: Visit) -> bool:
        """See `Level.may_remember`."""
        return visit.stored is not None and visit.stored.record.remembered

    def token(self, visit: Visit, sess: Session) -> tuple[str, float] | None:
        """See `Level.token`."""
        if visit.stored is None or not visit.stored.is_current:
            return None  # a signed token would outlive the login, and an old one end it
        if not visit.stored.record.remembered:
            # It was not to be remembered, and is from here on: somebody wants its cookie set.
            _, lifetime = visit.remember_lifetime(sess)
            visit.stored = amending.remember(self.logins, visit.stored, lifetime)
        until = visit.stored.record.remember_until
        if until is None:
            return None
        user_id = sess.get(self._keys.user_id)
        if user_id is None and isinstance(visit.token, RememberToken):
            user_id = visit.token.user_id  # no session keeps it
        # A view may have written another one into the session.
        same = type(user_id) is not str and str(user_id) == visit.stored.record.user_id
        mark = mark_of(user_id) if same else ""
        return self.logins.remember_text(visit.stored, mark), until.timestamp()

    def remembers(self, visit: Visit, sess: Session) -> bool:
        """See `Level.remembers`."""
        del sess
        if visit.stored is None or visit.cookie == "clear":
            return False
        record = visit.stored.record
        shown = map(self.logins.remembered, visit.remember_cookies())
        return record.remembered and any(
            known is not None and known.id == record.id for known in shown
        )


def _hash_at_rest(visit: Visit, user: Any) -> str | None:
    return hash_at_rest(visit, user) if hasattr(user, "get_session_auth_hash") else None
