"""Who makes this request? Session, then remember cookie, then request loaders.

What was found is kept on the request object it was found for, never on anything that may
outlive it. ``g._login_user`` mirrors it for extensions that read, write or delete it there.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from flask import session
from werkzeug.local import LocalProxy

from . import config as settings
from . import remember, utils
from .fingerprint import client_fingerprint, is_legacy_fingerprint
from .loaders import Loaders, UserT, is_active, unwrap
from .mixins import AnonymousUserMixin, says
from .signals import session_protected, user_accessed, user_loaded_from_cookie
from .signing import digest, is_digest
from .state import (
    UNLOADED,
    CurrentLogin,
    RequestState,
    SessionKeys,
    get_app,
    get_config,
    get_g,
    get_request,
    get_session,
)

if TYPE_CHECKING:
    from flask import Request


def _create_identifier() -> str:
    return client_fingerprint(get_request())


class Identity(Loaders[UserT]):
    """The part of `LoginManager` that finds out who makes the request."""

    def __init__(self, realm: str, clock: Callable[[], datetime]) -> None:
        super().__init__()
        #: The name of this realm; ``"default"`` for a manager without a name.
        self.realm = realm
        self.keys = SessionKeys.of(realm)
        self._clock = clock
        self._state_key = f"_login_state_{realm}"
        self._session_identifier_generator: Callable[[], str] = _create_identifier
        #: Makes the object that stands for nobody. A class or function without arguments; it
        #: may return None.
        self.anonymous_user: Callable[[], Any] = AnonymousUserMixin
        #: What happens when a login session shows up from another client: ``"basic"`` makes it
        #: not fresh, ``"strong"`` ends it, None ignores it. ``SESSION_PROTECTION`` wins over it.
        self.session_protection = settings.SESSION_PROTECTION.default
        #: The method of the user object that returns its id.
        self.id_attribute = settings.ID_ATTRIBUTE
        #: This realm's current user, as a proxy; typed as your user class.
        self.current_user: UserT = cast("UserT", LocalProxy(self.get_current_user))
        #: What is known of this request's login to this realm, as a proxy; falsy for nobody.
        self.current_login: CurrentLogin = cast("CurrentLogin", LocalProxy(self.get_current_login))

    def get_current_user(self) -> UserT | AnonymousUserMixin | None:
        """Return the user of this request: the real object, no proxy.

        Nobody is an object made by `anonymous_user`. Outside of a request the answer is None.
        While a loader runs it is nobody: there is no user yet.

        .. versionadded:: 0.6.90
        """
        try:
            request = get_request()
        except RuntimeError:
            return None
        return cast("UserT", self._user_of(request))

    def get_current_login(self) -> CurrentLogin | None:
        """Return what is known of this request's login session, or None for nobody.

        .. versionadded:: 0.6.90
        """
        user = self.get_current_user()
        if user is None or says(getattr(user, "is_anonymous", False)):
            return None
        source = self._state().source or "assigned"
        get_id = getattr(user, self.id_attribute, None)
        methods = session.get(self.keys.methods, ()) if source in ("session", "remember") else ()
        return CurrentLogin(
            user_id=get_id() if get_id else None,
            source=source,
            fresh=self.login_fresh(),
            remembered=self.login_remembered(),
            methods=frozenset(methods),
        )

    def login_fresh(self) -> bool:
        """Tell whether the login session of this request is fresh.

        True from `login_user` or `confirm_login` on; False when a remember token brought the
        user back, or when the client changed (session protection).
        """
        self.get_current_user()
        return bool(session.get(self.keys.fresh, False))

    def login_remembered(self) -> bool:
        """Tell whether this browser has sent a good remember token of the current user."""
        self.get_current_user()
        state = self._state()
        if state.remember == "clear" or session.get(self.keys.remember) == "clear":
            return False
        token = self._remember_token(state)
        return token is not None and token.user_id == str(session.get(self.keys.user_id))

    # The user of the request

    def _state(self) -> RequestState:
        holder = get_request().__dict__
        state: RequestState | None = holder.get(self._state_key)
        if state is None:
            state = holder[self._state_key] = RequestState()
        return state

    def _user_of(self, request: Request) -> Any:
        state: RequestState | None = request.__dict__.get(self._state_key)
        if self.realm != settings.DEFAULT_REALM:
            if state is None or state.user is UNLOADED:
                return self._first_question()
            return state.user
        mirror = getattr(get_g(), "_login_user", UNLOADED)
        if state is not None and state.user is mirror and mirror is not UNLOADED:
            return mirror
        return self._reconcile(state, mirror)

    def _reconcile(self, state: RequestState | None, mirror: Any) -> Any:
        """Settle what ``g._login_user`` says against what this request knows.

        ``g`` may outlive the request (when somebody else pushed the application context), so
        the mirror counts only if it was written during this very request.
        """
        if state is not None and state.loading:
            return self.anonymous_user() if state.user is UNLOADED else state.user
        owner: RequestState | None = getattr(get_g(), "_login_state", None)
        mirrored = mirror is not UNLOADED
        if mirrored and (owner is None or owner is state):  # written from outside
            if isinstance(mirror, LocalProxy):
                del get_g()._login_user  # it may be current_user, which would ask us again
            self._assign(mirror, "assigned")
            return self._state().user
        if state is None or state.user is UNLOADED or (owner is state and not mirrored):
            return self._first_question()
        self._mirror(state)
        return state.user

    def _first_question(self) -> Any:
        state = self._state()
        if state.loading:
            return self.anonymous_user()
        self._load_user()
        return state.user

    def _assign(self, user: Any, source: str | None) -> None:
        user = unwrap(user)
        state = self._state()
        state.user, state.source = user, source
        if self.realm == settings.DEFAULT_REALM:
            self._mirror(state)

    @staticmethod
    def _mirror(state: RequestState) -> None:
        holder = get_g()
        holder._login_user = state.user
        holder._login_state = state

    def _update_request_context_with_user(self, user: Any = None) -> None:
        """Make `user` the user of this request only; None is nobody."""
        if user is None:
            self._assign(self.anonymous_user(), None)
        else:
            self._assign(user, "assigned")

    # Loading

    def _load_user(self) -> None:
        """Find out whose request this is, whatever was known before."""
        self._require_loader()
        state = self._state()
        if state.loading:
            return
        state.user, state.source, state.loading = UNLOADED, None, True
        try:
            user, source = self._identify(state)
        finally:
            state.loading = False
        if user is None:
            self._update_request_context_with_user()
        else:
            self._assign(user, source)
        user_accessed.send(get_app())

    def _identify(self, state: RequestState) -> tuple[Any, str | None]:
        if self._user_callback is not None:
            sess = get_session()
            user_id = sess.get(self.keys.user_id)
            if user_id is not None:
                if self._session_protection_failed():
                    # Whoever carried the session here carried the remember cookie too.
                    return self._load_user_from_loaders()
                user = self._load_user_from_session(sess, user_id, state)
                if user is not None:
                    return user, "session"
            user = self._load_user_from_cookie(sess, state)
            if user is not None:
                return user, "remember"
        return self._load_user_from_loaders()

    def _load_user_from_session(
        self, sess: MutableMapping[str, Any], user_id: Any, state: RequestState
    ) -> Any:
        user = self._call_user_loader(user_id)
        if user is not None and (is_active(user) or sess.get(self.keys.force)):
            stored = sess.get(self.keys.auth_hash)
            if self._credentials_unchanged(user, stored):
                if self._auth_hash(user) != stored:
                    self._write_auth_hash(sess, user)
                return user
        self._end_login(sess, state)
        return None

    def _load_user_from_cookie(self, sess: MutableMapping[str, Any], state: RequestState) -> Any:
        if state.remember == "clear" or sess.get(self.keys.remember) == "clear":
            return None
        cookies = self._remember_cookies()
        if not cookies:
            return None
        # Two cookies of the name: one of them was planted (from a subdomain, say).
        user = self._load_user_from_remember_cookie(cookies[0]) if len(cookies) == 1 else None
        if user is None:
            state.remember = "clear"
        return user

    def _load_user_from_remember_cookie(self, cookie: str) -> Any:
        """Log the user of a remember cookie in again, not fresh; None if it names nobody."""
        state = self._state()
        token = remember.read(cookie, self.realm, self._clock(), get_config())
        user = None if token is None else self._call_user_loader(token.user_id)
        if token is None or user is None or not is_active(user):
            return None
        if not self._credentials_unchanged(user, token.auth_hash):
            return None
        state.token = token
        auth_hash = self._auth_hash(user)
        if token.outdated or token.auth_hash != auth_hash:
            state.remember = "set"
            state.reissued = replace(token, auth_hash=auth_hash, outdated=False)
        sess = get_session()
        self._renew_session(sess)
        self._write_login(sess, token.user_id, user, fresh=False)
        self._assign(user, "remember")
        user_loaded_from_cookie.send(get_app(), user=user)
        return user

    # The login in the session

    @property
    def _auth_salt(self) -> str:
        return f"flask-login.auth-hash.{self.realm}"

    def _auth_hash(self, user: Any) -> str | None:
        text = _auth_text(user)
        return None if text is None else digest(text, self._auth_salt)

    def _credentials_unchanged(self, user: Any, stored: str | None) -> bool:
        text = _auth_text(user)
        return text is None or not stored or is_digest(stored, text, self._auth_salt)

    def _write_login(
        self, sess: MutableMapping[str, Any], user_id: Any, user: Any, *, fresh: bool
    ) -> None:
        sess[self.keys.user_id] = user_id
        sess[self.keys.fresh] = fresh
        sess[self.keys.id] = self._session_identifier_generator()
        for key in (self.keys.methods, self.keys.force):
            sess.pop(key, None)
        self._write_auth_hash(sess, user)

    def _write_auth_hash(self, sess: MutableMapping[str, Any], user: Any) -> None:
        auth_hash = self._auth_hash(user)
        if auth_hash is None:
            sess.pop(self.keys.auth_hash, None)
        else:
            sess[self.keys.auth_hash] = auth_hash

    @staticmethod
    def _renew_session(sess: MutableMapping[str, Any]) -> None:
        """Give a server-side session a new id, so that one planted before is worthless."""
        regenerate = getattr(get_app().session_interface, "regenerate", None)
        if regenerate is not None:
            regenerate(sess)

    def _end_login(self, sess: MutableMapping[str, Any], state: RequestState) -> None:
        for key in self.keys.of_login():
            if key in sess:
                del sess[key]
        if state.remember == "set" or self._remember_cookies():
            state.remember = "clear"

    def _session_protection_failed(self) -> bool:
        """Compare the client with the one that logged in; True means: not this session.

        Override it to switch session protection off for some requests.
        """
        sess = get_session()
        stored = sess.get(self.keys.id)
        mode = settings.SESSION_PROTECTION.check(
            get_config().get("SESSION_PROTECTION", self.session_protection)
        )
        present = self._session_identifier_generator()
        if stored == present:
            return False
        if stored is None or is_legacy_fingerprint(str(stored), get_request()):
            sess[self.keys.id] = present
            return False
        if mode == "strong":
            self._end_login(sess, self._state())
            session_protected.send(get_app())
            return True
        if mode == "basic" and sess.get(self.keys.fresh) is not False:
            sess[self.keys.fresh] = False
            session_protected.send(get_app())
        return False

    # The remember cookie of this request

    def _remember_cookies(self) -> list[str]:
        name = remember.cookie_name(get_config(), self.realm)
        request: Request = get_request()
        return request.cookies.getlist(name)

    def _remember_token(self, state: RequestState) -> remember.RememberToken | None:
        if state.token is UNLOADED:
            cookies = self._remember_cookies()
            known = cookies[0] if len(cookies) == 1 else ""
            state.token = remember.read(known, self.realm, self._clock(), get_config())
        return state.token


def _auth_text(user: Any) -> str | None:
    method = getattr(user, "get_session_auth_hash", None)
    value = None if method is None else method()
    return None if value is None else str(value)


def get_current_user() -> Any:
    """Return the user of this request: the real object, no proxy.

    For code that needs the object itself (an ORM relationship, a task's argument). Nobody is an
    object made by ``login_manager.anonymous_user``; outside of a request the answer is None.

    Raises `MissingLoginManager` when the application has no login manager.

    .. versionadded:: 0.6.90
    """
    return utils._get_user()


def login_fresh() -> bool:
    """Tell whether the login session of this request is fresh.

    True from `login_user` or `confirm_login` on; False when a remember token brought the user
    back, or when the client changed (session protection).
    """
    return utils.default_manager().login_fresh()


def login_remembered() -> bool:
    """Tell whether this browser has sent a good remember token of the current user."""
    return utils.default_manager().login_remembered()


def _user_context_processor() -> dict[str, Any]:
    return {"current_user": current_user}


#: The user of this request, as a proxy: for nobody it is an `AnonymousUserMixin`, outside of a
#: request None. For a type checker it is `Any`; `LoginManager.current_user` is the typed one.
current_user: Any = LocalProxy(lambda: utils._get_user())  # noqa: PLW0108  # tests patch it there

#: What is known of this request's login session, as a proxy of `CurrentLogin`; falsy for nobody.
#:
#: .. versionadded:: 0.6.90
current_login: CurrentLogin = cast(
    "CurrentLogin", LocalProxy(lambda: utils.default_manager().get_current_login())
)
