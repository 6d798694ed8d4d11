"""The stored level: the same questions as `identity`, answered with a session store.

Without a store every method leaves the answer to the signed level.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import has_request_context

from . import config as settings
from .entries import auth_text
from .exceptions import ConfigurationError, SessionStoreUnavailable
from .loaders import UserT
from .state import UNLOADED, RequestState, get_config, get_request, get_session, is_answered
from .timeouts import SignedTimeouts, Timeouts
from .user_ids import mark_of, of_text

if TYPE_CHECKING:
    from flask.sessions import SessionMixin

    from .remember import RememberToken
    from .sessions.logins import Presented, StoredLogins
    from .sessions.registry import SessionRegistry
    from .sessions.store import SessionStore


class StoredLevel(SignedTimeouts[UserT]):
    """The part of `LoginManager` that keeps logins in a session store, when it has one."""

    _logins: StoredLogins | None = None

    def __init__(
        self, realm: str, clock: Callable[[], datetime], store: SessionStore | None
    ) -> None:
        super().__init__(realm, clock)
        if store is not None:
            from .sessions.logins import StoredLogins  # with all that only a store needs

            self._logins = StoredLogins(store, realm, clock, self._actor_id, self._note_failure)
            self._telling_settings = settings.TELLING_KEYS_STORED

    @property
    def sessions(self) -> SessionRegistry:
        """The registry of this realm's logins: list and revoke them.

        Raises `ConfigurationError` for a manager without a session store.

        .. versionadded:: 0.6.90
        """
        from .sessions.registry import SessionRegistry

        logins = self._require_store("sessions")
        return SessionRegistry(logins, self._clock, self._current_session_id, self._own_ids)

    def _require_store(self, what: str) -> StoredLogins:
        if self._logins is None:
            raise ConfigurationError(
                "session_store",
                None,
                f"given for {what}",
                "Without one a login lives in the browser's cookie and can't be listed or revoked:"
                " LoginManager(app, session_store=MemorySessionStore()).",
            )
        return self._logins

    def _current_session_id(self) -> str | None:
        self.get_current_user()
        stored = self._state().stored
        return None if stored is None else stored.record.id

    def _is_fresh(self, user: Any) -> bool:
        state = self._state()
        if state.trusted is not None or (state.stored is not None and not state.stored.newest):
            return False
        return super()._is_fresh(user)

    def _proved_at(self) -> datetime | None:
        stored = self._state().stored
        return super()._proved_at() if stored is None else stored.record.authenticated_at

    def _fresh_timeout(self) -> timedelta | None:
        stored = self._state().stored
        own = None if stored is None else stored.record.fresh_timeout
        return own or super()._fresh_timeout()

    def _expires_at(self) -> datetime | None:
        stored = self._state().stored
        if stored is None:
            return super()._expires_at()
        from .sessions.records import ends_at

        return ends_at(stored.record)

    def _prove(self, sess: MutableMapping[str, Any]) -> None:
        if self._logins is None:
            super()._prove(sess)

    def _write_times(self, sess: MutableMapping[str, Any], *args: Any, **kwargs: Any) -> None:
        if self._logins is None:
            super()._write_times(sess, *args, **kwargs)

    def login_remembered(self) -> bool:
        """Tell whether this browser has sent a good remember token of the current user."""
        if self._logins is None:
            return super().login_remembered()
        self.get_current_user()
        state = self._state()
        if state.stored is None or state.remember == "clear":
            return False
        if not state.stored.record.remembered:
            return False
        shown = map(self._logins.remembered, self._remember_cookies())
        return any(known is not None and known.id == state.stored.record.id for known in shown)

    def _require_answer(self) -> None:
        """Refuse to guard a view on the word of a store, or a loader, that gave none."""
        state = self._state()
        for failure in (state.unavailable, state.failed):
            if failure is not None:
                raise failure

    def _goes_on(self, state: RequestState, sess: SessionMixin, user_id: Any) -> bool:
        text = sess.get(self.keys.login)
        if text is None or self._logins is None or state.unavailable is not None:
            return False
        try:
            found = self._logins.present_session(text, activity=self._is_activity)
        except SessionStoreUnavailable as error:
            state.answer = error
            return False
        if isinstance(found, str) or (
            found.record.user_id != user_id and found.record.user_id != str(user_id)
        ):
            state.answer = found
            return False
        state.stored, state.trusted = found, None
        return True

    def _shown(self, logins: StoredLogins, state: RequestState, text: object) -> Presented | str:
        """Return what the session's credential is worth; the store is asked once a request."""
        found, state.answer = state.answer, None
        if found is None:
            return logins.present_session(
                text, activity=self._is_activity, looks=self._only_looks()
            )
        if isinstance(found, SessionStoreUnavailable):
            raise found
        return found

    def _identify_by_cookies(
        self, state: RequestState, sess: SessionMixin, loaded: Any
    ) -> tuple[Any, str | None]:
        if self._logins is None:
            return super()._identify_by_cookies(state, sess, loaded)
        if state.unavailable is not None:
            # Told once; pages that explain the failure must not fail on current_user again.
            return None, None
        if loaded is UNLOADED:
            state.stored, state.trusted = None, None
        modified = getattr(sess, "modified", None)  # not every session says so: Beaker's does not
        state.before = dict(sess), modified, state.remember, state.reissued
        try:
            found = super()._identify_by_cookies(state, sess, loaded)
        except SessionStoreUnavailable as error:
            state.unavailable = error
            self._take_back(state)
            raise
        unchanged = modified is not None and getattr(sess, "modified", None) == modified
        if not unchanged or state.remember is not None:
            self._finish_response(state)
        return found

    def _note_failure(self) -> None:
        if has_request_context():
            self._state().store_failed = True

    def _take_back(self, state: RequestState | None) -> bool:
        """Leave the cookies as they came, where the store did not answer every question.

        It may have said that a session is over, and not what its remember token is worth. The next
        request finds it out again; to it the answer of this one was lost.

        :return: whether there was something to take back.
        """
        if state is None or state.before is None or not state.store_failed:
            return False
        sess: Any = get_session()
        entries, modified, state.remember, state.reissued = state.before
        if dict(sess) != entries:
            sess.clear()
            sess.update(entries)
        if modified is not None:
            sess.modified = modified
        state.before = None
        return True

    def _admit(self, sess: MutableMapping[str, Any], user_id: Any) -> Any | None:
        if self._logins is None:
            return super()._admit(sess, user_id)
        text, state = sess.get(self.keys.login), self._state()
        if text is None:
            return self._adopt(self._logins, sess, user_id)
        try:
            found = self._shown(self._logins, state, text)
        except SessionStoreUnavailable as error:
            if not self._is_trusted(sess):
                raise
            state.trusted = error
            return user_id
        if isinstance(found, str):
            self._drop_entries(sess)
            state.ended_reason = found
            return None
        if str(user_id) != found.record.user_id:
            # Other code wrote another user's id: that is a new login, or none.
            if not self._only_looks():
                self._logins.end_by_text(text, "replaced")
            del sess[self.keys.login]
            return self._admit(sess, user_id)
        state.stored = found
        self._note_check(sess)
        return user_id  # of the type that it has in the session

    def _adopt(
        self, logins: StoredLogins, sess: MutableMapping[str, Any], user_id: Any
    ) -> Any | None:
        """Take a session from before the store, or written by other code; `_settle` records it."""
        accepted = settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(get_config())
        # When it began is not known: the brake ends every one of them.
        if accepted and logins.ended_before() is None:
            return user_id
        self._drop_entries(sess)
        self._state().ended_reason = "revoked" if accepted else "unknown"
        return None

    def _is_trusted(self, sess: MutableMapping[str, Any]) -> bool:
        """Tell whether a session is believed for want of the store's answer."""
        trust = settings.LOGIN_OUTAGE_TRUST.read(get_config())
        checked = sess.get(self.keys.checked)
        if trust is None or not isinstance(checked, int):
            return False
        return 0 <= self._clock().timestamp() - checked < trust.total_seconds()

    def _note_check(self, sess: MutableMapping[str, Any]) -> None:
        trust = settings.LOGIN_OUTAGE_TRUST.read(get_config())
        if trust is None:
            return
        now, checked = self._clock().timestamp(), sess.get(self.keys.checked)
        # Not at each request: it makes the session cookie be sent anew.
        if not isinstance(checked, int) or now - checked >= trust.total_seconds() / 4:
            sess[self.keys.checked] = int(now)

    def _read_remember_cookie(self, value: str) -> RememberToken | None:
        if self._logins is None:
            return super()._read_remember_cookie(value)
        state = self._state()
        found = self._logins.read_remember(value, looks=self._only_looks())
        if found is None:
            return self._adopt_token(self._logins, value)
        if isinstance(found, str):
            state.ended_reason = found
            return None
        state.stored = found
        record = found.record
        from .remember import RememberToken

        times = record.remember_issued_at, record.remember_until
        issued_at, until = (int((moment or record.created_at).timestamp()) for moment in times)
        user_id = of_text(record.user_id, self._logins.remembered_type(value))
        return RememberToken(user_id, issued_at, until, outdated=found.reissue)

    def _token_beside(self, user: Any, user_id: str) -> RememberToken | None:
        """Return the good signed token of the same user that came with an adopted session."""
        if self._logins is None or not settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
            return None
        fit: list[RememberToken] = []
        for cookie in self._remember_cookies():
            token = self._adopt_token(self._logins, cookie)
            if token is None:
                continue
            if str(token.user_id) != user_id:
                return None
            if super()._same_credentials(user, token.auth_hash):
                fit.append(token)
        return max(fit, key=lambda token: token.rank, default=None)

    def _remember_token(self, state: RequestState) -> RememberToken | None:
        """Return nothing with a store: a signed token is good for being adopted, and no more."""
        return super()._remember_token(state) if self._logins is None else None

    def _adopt_token(self, logins: StoredLogins, value: str) -> RememberToken | None:
        """Take a remember token from before the store, unless the brake was pulled since."""
        if self._state().ended_reason is not None:
            return None  # the login that this browser showed has ended
        if not settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(get_config()):
            return None
        token = super()._read_remember_cookie(value)
        if token is None:
            return None
        brake = logins.ended_before()
        if brake is not None:
            # Only the signed tokens say when they were issued.
            config = {**get_config(), "REMEMBER_COOKIE_ACCEPT_LEGACY": False}
            token = self._read_token(value, self.realm, self._clock(), config)
            if token is None or token.issued_at < brake.timestamp():
                self._state().ended_reason = "revoked"
                return None
        token.outdated, token.form = True, token.form + 1
        return token

    def _one_of_each_login(self, cookies: list[str]) -> list[str]:
        """Return of each login's tokens the one with the highest number.

        An older one beside it is a leftover of another path or domain, and no sign of a theft.
        """
        if self._logins is None:
            return super()._one_of_each_login(cookies)
        newest: dict[tuple[str, str], tuple[int, str]] = {}
        others: list[str] = []
        for cookie in cookies:
            shown = self._logins.remembered(cookie)
            if shown is None:
                others.append(cookie)
                continue
            login = shown.id, shown.secret
            newest[login] = max(newest.get(login, (-1, "")), (shown.generation, cookie))
        # First: when one of them has ended, no token from before the store is taken in its place.
        return [*(cookie for _, cookie in newest.values()), *super()._one_of_each_login(others)]

    def _has_signed(self, cookie: str) -> bool:
        if self._logins is not None and self._logins.remembered_text(cookie) is not None:
            return True
        return super()._has_signed(cookie)

    def _is_to_be_remembered(self) -> bool:
        """Tell whether a cookie may be set for the login: not on the word of older code alone."""
        stored = self._state().stored
        return self._logins is None or (stored is not None and stored.record.remembered)

    def _take_token(self, state: RequestState) -> bool:
        if self._logins is None or is_answered(get_request()):
            return super()._take_token(state)
        if state.stored is not None:
            found = self._logins.take_remember(state.stored)
            if isinstance(found, str):
                state.stored, state.ended_reason = None, found
                return False
            state.stored = found
        if state.unknown is not None:
            # The session's own login, whose user is unknown for now, gives way to this one.
            self._logins.end_by_text(get_session().get(self.keys.login), "replaced")
        return True

    def _auth_hash(self, user: Any) -> str | None:
        if self._logins is None:
            return super()._auth_hash(user)
        # With a store it is in the record, which can't be asked while the store is away.
        trusted = settings.LOGIN_OUTAGE_TRUST.read(get_config()) is not None
        return super()._auth_hash(user) if trusted else None

    def _same_credentials(self, user: Any, stored: str | None) -> bool:
        login = None if self._logins is None else self._state().stored
        if login is None:
            return super()._same_credentials(user, stored)
        known = login.record.auth_hash
        if known is None:
            return True
        present = self._record_auth_hash(user)
        return present is None or known == present

    def _settle(  # noqa: C901  # one case after the other
        self, sess: MutableMapping[str, Any], user: Any, token: RememberToken | None
    ) -> bool:
        if self._logins is None:
            return super()._settle(sess, user, token)
        state = self._state()
        if state.trusted is not None:
            return super()._settle(sess, user, token)
        if self._only_looks():
            if token is not None:
                self._write_credential(sess)
            return super()._settle(sess, user, token)
        if state.stored is None:
            if token is None:
                # What would bring the browser back belongs to this login too, and ends with it.
                token = self._token_beside(user, str(sess[self.keys.user_id]))
                if token is not None:
                    self._wish(state, "set")
            left = None if token is None else token.expires_at - self._clock().timestamp()
            state.stored = self._logins.begin(
                str(sess[self.keys.user_id]),
                fresh=bool(sess.get(self.keys.fresh)),
                methods=sess.get(self.keys.methods, ()),
                remember=None if left is None else timedelta(seconds=left),
                auth_hash=self._record_auth_hash(user),
            )
            if not self._logins.make_room(state.stored.record, user, ()):
                self._drop_entries(sess)
                state.stored, state.ended_reason = None, "denied"
                return False
        elif state.stored.record.auth_hash is None:
            auth_hash = self._record_auth_hash(user)
            if auth_hash is not None:
                state.stored = self._logins.note_auth_hash(state.stored, auth_hash)
        super()._settle(sess, user, token)
        if token is not None or self.keys.login not in sess:
            self._write_credential(sess)
        return True

    def _renew_credential(self, sess: MutableMapping[str, Any]) -> None:
        """Replace the session's credential, so that copies of the session die after the grace."""
        stored = self._state().stored
        if self._logins is not None and stored is not None and not is_answered(get_request()):
            self._state().stored = self._logins.renew(stored)
            self._write_credential(sess)

    def _began_before_brake(self, moment: int) -> bool:
        """Tell whether the emergency brake was pulled after that time, in seconds since 1970."""
        brake = None if self._logins is None else self._logins.ended_before()
        return brake is not None and moment < brake.timestamp()

    def _record_login(self, sess: MutableMapping[str, Any], user: Any) -> None:
        """Give a login that the test client wrote to a session its record, if there is a store."""
        if self._logins is not None:
            self._settle(sess, user, None)

    def _write_credential(self, sess: MutableMapping[str, Any]) -> None:
        stored = self._state().stored
        if self._logins is not None and stored is not None:
            sess[self.keys.login] = self._logins.session_text(stored)
            self._note_check(sess)

    def _start_record(
        self,
        user_id: str,
        user: Any,
        *,
        fresh: bool,
        methods: Collection[str],
        remember: timedelta | None,
        external_id: str | None,
        timeouts: Timeouts,
    ) -> bool:
        """Begin a stored login; False when the user has too many and the policy denies it."""
        if self._logins is None:
            return True
        sess = get_session()
        if is_answered(get_request()):
            # No browser would ever show the credential of such a login, nor stop showing the other.
            self._state().stored = None
            sess.pop(self.keys.login, None)
            return True
        texts: list[Any] = [sess.get(self.keys.login)]
        texts += [self._logins.remembered_text(cookie) for cookie in self._remember_cookies()]
        started = self._logins.begin(
            user_id,
            fresh=fresh,
            methods=methods,
            remember=remember,
            auth_hash=self._record_auth_hash(user),
            external_id=external_id,
            timeouts=timeouts,
        )
        from .sessions.logins import Credential

        replaced = {known.id for known in map(Credential.from_text, texts) if known is not None}
        if not self._logins.make_room(started.record, user, replaced):
            self._state().ended_reason = "denied"
            return False
        for text in texts:
            self._logins.end_by_text(text, "replaced")
        self._state().stored = started
        return True

    def _stored_remember(self, sess: MutableMapping[str, Any]) -> tuple[str, float] | None:
        """Return the remember cookie's value and expiry, when a store keeps them.

        A login that was not to be remembered is from here on: somebody wants its cookie set.
        """
        stored = self._state().stored
        if self._logins is None or stored is None:
            return None
        if not stored.record.remembered:
            lifetime, _ = self._remember_lifetime(sess)
            stored = self._state().stored = self._logins.remember(stored, lifetime)
        until = stored.record.remember_until
        if until is None:
            return None
        user_id = sess.get(self.keys.user_id)
        mark = mark_of(user_id) if str(user_id) == stored.record.user_id else ""
        return self._logins.remember_text(stored, mark), until.timestamp()

    if TYPE_CHECKING:

        def _remember_lifetime(self, sess: MutableMapping[str, Any]) -> tuple[timedelta, str]: ...

    def _confirm_record(
        self, sess: MutableMapping[str, Any], user: Any, methods: Collection[str]
    ) -> bool:
        """Renew the record of a login that is confirmed; False when it has ended meanwhile."""
        state = self._state()
        if state.trusted is not None:
            raise state.trusted
        if self._logins is None or state.stored is None or is_answered(get_request()):
            return True
        session_id = state.stored.record.id
        record = self._logins.confirm(session_id, methods, self._record_auth_hash(user))
        if record is None or record.ended_reason is not None:
            # It ended while this request ran, and nothing revives it.
            ended = None if record is None else record.ended_reason
            self._end_session(sess, ended or "unknown")
            self._assign(self.anonymous_user(), None)
            return False
        if record.remember_generation != state.stored.record.remember_generation:
            self._wish(state, "set")
            state.reissued = None
        state.stored = state.stored._replace(record=record, newest=True)
        self._write_credential(sess)
        return True

    def _end_session(self, sess: MutableMapping[str, Any], reason: str) -> None:
        if self._logins is not None:
            if not self._only_looks():
                self._logins.end_by_text(sess.get(self.keys.login), reason)
            self._state().stored = None
        super()._end_session(sess, reason)

    def _end_token(self, cookie: str, reason: str) -> None:
        if self._logins is not None:
            if not self._only_looks():
                self._logins.end_by_text(self._logins.remembered_text(cookie), reason)
            self._state().stored = None
        super()._end_token(cookie, reason)

    def _end_all_records(self, user: Any) -> None:
        user_id, registry = self._id_of(user), self.sessions
        if user_id is not None:
            registry.end_all(str(user_id), "logout")

    def _record_auth_hash(self, user: Any) -> str | None:
        # Not keyed: it never leaves the store, and outlives a rotation of the keys.
        text = auth_text(user, self.realm)
        if text is None:
            return None
        from .sessions.records import hash_secret

        return hash_secret(text)
