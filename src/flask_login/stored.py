"""The stored level: the same questions as `identity`, answered with a session store.

Without a store every method leaves the answer to the signed level.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from . import config as settings
from .entries import auth_text
from .exceptions import ConfigurationError
from .identity import Identity
from .loaders import UserT
from .remember import RememberToken
from .sessions import records
from .sessions.logins import Credential, StoredLogins
from .sessions.registry import SessionRegistry
from .sessions.store import SessionStore, SessionStoreUnavailable
from .state import get_app, get_config, get_request, get_session

#: On a view function whose requests don't count as activity.
NO_ACTIVITY = "_login_no_activity"

F = TypeVar("F", bound=Callable[..., Any])


class StoredLevel(Identity[UserT]):
    """The part of `LoginManager` that keeps logins in a session store, when it has one."""

    def __init__(
        self, realm: str, clock: Callable[[], datetime], store: SessionStore | None
    ) -> None:
        super().__init__(realm, clock)
        self._logins = None if store is None else StoredLogins(store, realm, clock)

    @property
    def sessions(self) -> SessionRegistry:
        """The registry of this realm's logins: list and revoke them.

        Raises `ConfigurationError` for a manager without a session store.

        .. versionadded:: 0.6.90
        """
        if self._logins is None:
            raise ConfigurationError(
                "session_store",
                None,
                "a session store",
                "Without one a login lives in the browser's cookie and can't be listed or revoked:"
                " LoginManager(app, session_store=MemorySessionStore()).",
            )
        return SessionRegistry(self._logins, self._clock, self._current_session_id)

    def _current_session_id(self) -> str | None:
        self.get_current_user()
        stored = self._state().stored
        return None if stored is None else stored.record.id

    def login_fresh(self) -> bool:
        """Tell whether the login session of this request is fresh.

        True from `login_user` or `confirm_login` on, for ``LOGIN_FRESH_TIMEOUT`` at the most; False
        when a remember token brought the user back, or when the client changed.
        """
        fresh = super().login_fresh()
        stored = self._state().stored
        if not fresh or stored is None:
            return fresh
        timeout = settings.LOGIN_FRESH_TIMEOUT.read(get_config())
        proved_at = stored.record.authenticated_at
        return proved_at is not None and (timeout is None or self._clock() - proved_at < timeout)

    def login_remembered(self) -> bool:
        """Tell whether this browser has sent a good remember token of the current user."""
        if self._logins is None:
            return super().login_remembered()
        self.get_current_user()
        state = self._state()
        if state.stored is None or state.remember == "clear":
            return False
        return state.stored.record.remembered and len(self._remember_cookies()) == 1

    def _require_answer(self) -> None:
        """Refuse to guard a view on the word of a store that gave none."""
        unavailable = self._state().unavailable
        if unavailable is not None:
            raise unavailable

    def _load_user(self) -> None:
        state = self._state()
        if state.unavailable is not None:
            # Told once; pages that explain the failure must not fail on current_user again.
            self._update_request_context_with_user()
            return
        try:
            super()._load_user()
        except SessionStoreUnavailable as error:
            state.unavailable = error
            raise

    def _admit(self, sess: MutableMapping[str, Any], user_id: Any) -> Any | None:
        if self._logins is None:
            return super()._admit(sess, user_id)
        text, state = sess.get(self.keys.login), self._state()
        if text is None:
            # From before the store, or written by other code; _settle gives it a record.
            if settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(get_config()):
                return user_id
            self._drop_entries(sess)
            return None
        found = self._logins.present_session(text, activity=self._is_activity())
        if isinstance(found, str):
            self._drop_entries(sess)
            state.ended_reason = found
            return None
        if str(user_id) != found.record.user_id:
            # Other code wrote another user's id: that is a new login, or none.
            self._logins.end_by_text(text, records.REPLACED)
            del sess[self.keys.login]
            return self._admit(sess, user_id)
        state.stored = found
        return found.record.user_id

    def _read_remember_cookie(self, value: str) -> RememberToken | None:
        if self._logins is None:
            return super()._read_remember_cookie(value)
        state = self._state()
        found = self._logins.present_remember(value)
        if isinstance(found, str):
            state.ended_reason = found
            return None
        if found is None:
            accepted = settings.REMEMBER_COOKIE_ACCEPT_LEGACY.read(get_config())
            token = super()._read_remember_cookie(value) if accepted else None
            return None if token is None else replace(token, outdated=True)
        state.stored = found
        record = found.record
        times = record.remember_issued_at, record.remember_until
        issued_at, until = (int((moment or record.created_at).timestamp()) for moment in times)
        return RememberToken(record.user_id, issued_at, until, outdated=found.reissue)

    def _auth_hash(self, user: Any) -> str | None:
        return super()._auth_hash(user) if self._logins is None else None

    def _same_credentials(self, user: Any, stored: str | None) -> bool:
        login = self._state().stored
        if login is None:
            return super()._same_credentials(user, stored)
        known, present = login.record.auth_hash, _record_auth_hash(user)
        return known is None or present is None or known == present

    def _settle(
        self, sess: MutableMapping[str, Any], user: Any, token: RememberToken | None
    ) -> None:
        super()._settle(sess, user, token)
        state = self._state()
        if self._logins is None:
            return
        if state.stored is None:
            left = None if token is None else token.expires_at - self._clock().timestamp()
            state.stored = self._logins.begin(
                str(sess[self.keys.user_id]),
                fresh=bool(sess.get(self.keys.fresh)),
                methods=sess.get(self.keys.methods, ()),
                remember=None if left is None else timedelta(seconds=left),
                auth_hash=_record_auth_hash(user),
            )
        if token is not None or self.keys.login not in sess:
            self._write_credential(sess)

    def _write_credential(self, sess: MutableMapping[str, Any]) -> None:
        stored = self._state().stored
        if self._logins is not None and stored is not None:
            sess[self.keys.login] = self._logins.session_text(stored)

    def _start_record(
        self,
        user_id: str,
        user: Any,
        *,
        fresh: bool,
        methods: Collection[str],
        remember: timedelta | None,
    ) -> bool:
        """Begin a stored login; False when the user has too many and the policy denies it."""
        if self._logins is None:
            return True
        sess = get_session()
        texts = [sess.get(self.keys.login)]
        texts += [self._logins.remembered_text(cookie) for cookie in self._remember_cookies()]
        started = self._logins.begin(
            user_id,
            fresh=fresh,
            methods=methods,
            remember=remember,
            auth_hash=_record_auth_hash(user),
        )
        replaced = {known.id for known in map(Credential.from_text, texts) if known is not None}
        if not self._logins.make_room(started.record, user, replaced):
            return False
        for text in texts:
            self._logins.end_by_text(text, records.REPLACED)
        self._state().stored = started
        return True

    def _stored_remember(self) -> tuple[str, float] | None:
        """Return the remember cookie's value and expiry, when a store keeps them."""
        stored = self._state().stored
        if self._logins is None or stored is None or stored.record.remember_until is None:
            return None
        return self._logins.remember_text(stored), stored.record.remember_until.timestamp()

    def _confirm_record(
        self, sess: MutableMapping[str, Any], user: Any, methods: Collection[str]
    ) -> None:
        state = self._state()
        if self._logins is None or state.stored is None:
            return
        session_id = state.stored.record.id
        record = self._logins.confirm(session_id, methods, _record_auth_hash(user))
        if record is None or record.ended_reason is not None:
            # It ended while this request ran, and nothing revives it.
            self._end_session(sess, records.UNKNOWN if record is None else records.REVOKED)
            self._assign(self.anonymous_user(), None)
            return
        state.stored = replace(state.stored, record=record)
        self._write_credential(sess)

    def _end_session(self, sess: MutableMapping[str, Any], reason: str) -> None:
        if self._logins is not None:
            self._logins.end_by_text(sess.get(self.keys.login), reason)
            self._state().stored = None
        super()._end_session(sess, reason)

    def _end_token(self, cookie: str, reason: str) -> None:
        if self._logins is not None:
            self._logins.end_by_text(self._logins.remembered_text(cookie), reason)
            self._state().stored = None
        super()._end_token(cookie, reason)

    def _end_all_records(self, user: Any) -> None:
        get_id = getattr(user, self.id_attribute, None)
        user_id = None if get_id is None else get_id()
        registry = self.sessions
        if user_id is not None:
            registry.end_all(str(user_id), records.LOGOUT)

    @staticmethod
    def _is_activity() -> bool:
        """Tell whether a person made this request, as far as one can know."""
        request = get_request()
        if "prefetch" in request.headers.get("Sec-Purpose", ""):
            return False
        view = get_app().view_functions.get(request.endpoint or "")
        return not hasattr(view, NO_ACTIVITY)


def _record_auth_hash(user: Any) -> str | None:
    # Not keyed: it never leaves the store, and outlives a rotation of the keys.
    text = auth_text(user)
    return None if text is None else records.hash_secret(text)


def no_activity(view: F) -> F:
    """Mark a view whose requests are no sign of a person: they don't put off the idle timeout.

    For what a page asks by itself, again and again: new messages, the state of a job. Put it right
    below ``@app.route``, above the guards::

        @app.get("/unread")
        @no_activity
        @login_required
        def unread(): ...

    Requests that a browser makes ahead of time (``Sec-Purpose: prefetch``) never count.

    :param view: the view function.
    :return: the same function, marked.

    .. versionadded:: 0.6.90
    """
    setattr(view, NO_ACTIVITY, True)
    return view
