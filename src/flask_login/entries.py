"""The login's entries in Flask's session: written, renewed and dropped."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from .fingerprint import client_fingerprint
from .loaders import Loaders, UserT
from .signing import digest, is_digest
from .state import SessionKeys, app_context, request_context


def _create_identifier() -> str:
    request = request_context.get().request
    return client_fingerprint(request.remote_addr, request.environ.get("HTTP_USER_AGENT"))


class Entries(Loaders[UserT]):
    """The part of `LoginManager` that keeps a login in Flask's session."""

    def __init__(self, realm: str) -> None:
        super().__init__()
        #: The name of this realm; ``"default"`` for a manager without a name.
        self.realm = realm
        #: The names of this realm's session entries.
        self.keys: SessionKeys = SessionKeys(realm)
        self._auth_salt = f"flask-login.auth-hash.{realm}"
        self._session_identifier_generator: Callable[[], str] = _create_identifier

    def _auth_hash(self, user: Any) -> str | None:
        text = auth_text(user)
        return None if text is None else digest(text, self._auth_salt)

    def _same_credentials(self, user: Any, stored: str | None) -> bool:
        """Tell whether `stored`, if it says anything, is of the credentials a user has now."""
        if not stored:
            return True
        text = auth_text(user)
        if text is None:
            return True
        return isinstance(stored, str) and is_digest(stored, text, self._auth_salt)

    def _write_login(self, sess: MutableMapping[str, Any], user_id: Any, *, fresh: bool) -> None:
        identifier = self._session_identifier_generator()
        sess.update({self.keys.user_id: user_id, self.keys.fresh: fresh, self.keys.id: identifier})
        for key in (self.keys.methods, self.keys.force):
            if key in sess:
                del sess[key]

    def _write_auth_hash(self, sess: MutableMapping[str, Any], auth_hash: str | None) -> None:
        if auth_hash is None:
            sess.pop(self.keys.auth_hash, None)
        else:
            sess[self.keys.auth_hash] = auth_hash

    @staticmethod
    def _regenerate(sess: MutableMapping[str, Any]) -> None:
        """Give a server-side session a new id, so that one planted before is worthless."""
        regenerate = getattr(app_context.get().app.session_interface, "regenerate", None)
        if regenerate is not None:
            regenerate(sess)

    def _renew_session(self, sess: MutableMapping[str, Any]) -> None:
        """Give the session a new id, and have Flask-WTF make a new CSRF token.

        What somebody planted before the login, or read after it, is worth nothing then.
        """
        self._regenerate(sess)
        context = app_context.get()
        name = context.app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")
        if name in sess:
            del sess[name]
        context.g.__dict__.pop(name, None)

    def _drop_entries(self, sess: MutableMapping[str, Any]) -> None:
        for key in self.keys.of_login():
            if key in sess:
                del sess[key]


def auth_text(user: Any) -> str | None:
    """Return what a user says of their credentials; None for one whose class says nothing."""
    method = getattr(user, "get_session_auth_hash", None)
    if method is None:
        return None
    value = method()
    return "" if value is None else str(value)  # None is a state too: no password yet
