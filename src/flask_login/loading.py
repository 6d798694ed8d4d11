"""Who makes this request? Session, then remember cookie, then request loaders.

What was found is kept on the request object it was found for, never on anything that may
outlive it. ``g._login_user`` mirrors it for extensions that read, write or delete it there.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import datetime
from threading import get_ident
from typing import TYPE_CHECKING, Any

from werkzeug.local import LocalProxy

from . import config as settings
from . import utils
from .entries import _create_identifier, client_fingerprint, is_legacy_fingerprint
from .loaders import UserT, is_active, says_unknown, unwrap
from .mirror import Mirror, leave_g_after_requests, say_vary
from .mixins import AnonymousUserMixin
from .signals import session_protected, user_accessed, user_loaded_from_cookie
from .state import (
    UNLOADED,
    RequestState,
    app_context,
    get_app,
    get_config,
    get_g,
    get_request,
    opened_session,
    request_context,
)

if TYPE_CHECKING:
    from flask import Request
    from flask.sessions import SessionMixin
    from werkzeug.datastructures import MultiDict

    from .remember import RememberToken

#: The hooks that the usual way of a request does not need to call, or asks in its own way.
_HOOKS = frozenset(
    {
        "_session_protection_failed",
        "_update_request_context_with_user",
        "_update_remember_cookie",
    }
)
#: The states whose loaders are awaited: in a thread that copied the context of who waits.
_awaited: ContextVar[tuple[RequestState, ...]] = ContextVar("flask_login.awaited", default=())


class Loading(Mirror[UserT]):
    """The part of `LoginManager` that finds out who makes the request."""

    def __init__(self, realm: str, clock: Callable[[], datetime]) -> None:
        super().__init__(realm)
        from .remember import read  # with the first manager, as in `Entries`

        self._read_token = read
        self._clock = clock
        # Session entries and settings for which more must be asked than whose the session is.
        self._telling_entries = frozenset(self.keys.telling())
        self._telling_settings = settings.TELLING_KEYS
        #: Makes the object that stands for nobody. A class or function without arguments; it
        #: may return None.
        self.anonymous_user: Callable[[], Any] = AnonymousUserMixin
        self.session_protection = settings.SESSION_PROTECTION.default

    @property
    def session_protection(self) -> str | None:
        """What happens when a login session shows up from another client.

        ``"basic"`` makes it not fresh, ``"strong"`` ends it, None ignores it. The setting
        ``SESSION_PROTECTION`` wins over it. Setting it raises `ConfigurationError` for any other
        value.
        """
        return self._session_protection

    @session_protection.setter
    def session_protection(self, value: str | None) -> None:
        self._session_protection = settings.SESSION_PROTECTION.check(value)

    # The user of the request

    def _user_of(self, request: Request) -> Any:
        acted = utils.acting.get()
        if acted and (self, request) in acted:
            return acted[self, request]
        state: RequestState | None = request.__dict__.get(self._state_key)
        if self.realm != settings.DEFAULT_REALM:
            if state is None or state.user is UNLOADED:
                return self._first_question()
            return state.user
        mirror = app_context.get().g.__dict__.get("_login_user", UNLOADED)
        if mirror is UNLOADED and (state is None or state.user is UNLOADED):
            return self._first_question()
        if state is not None and state.user is mirror and mirror is not UNLOADED:
            return mirror
        return self._reconcile(state, mirror)

    def _first_question(self) -> Any:
        self._load_user()
        user = self._state().user
        if user is UNLOADED and self.realm == settings.DEFAULT_REALM:
            # A subclass has its own _load_user, which wrote to g alone.
            user = app_context.get().g.__dict__.get("_login_user", UNLOADED)
        return self.anonymous_user() if user is UNLOADED else user  # while a loader runs

    def _update_request_context_with_user(self, user: Any = None) -> None:
        """Make `user` the user of this request only; None is nobody."""
        # Copies of login_user ask in the session for the cookie.
        self._finish_response(self._state())
        found = self.anonymous_user() if user is None else unwrap(user)
        if self.realm == settings.DEFAULT_REALM:
            self._claim(found)
        else:
            self._assign(found, None if user is None else "assigned")

    def _forget(self, state: RequestState) -> None:
        state.user, state.source, state.written, state.actor = UNLOADED, None, UNLOADED, None
        state.owner = state.acted = UNLOADED, None
        state.decided, state.unknown, state.given_up = False, None, None
        if self.realm == settings.DEFAULT_REALM:
            # A loader that looks at g must not find the user of another request there.
            for name in ("_login_user", "_login_state"):
                get_g().pop(name, None)

    # Loading

    def _load_user(self) -> None:  # noqa: C901, PLR0912, PLR0915
        """Find out whose request this is, whatever was known before."""
        # In one piece, because it runs in every request that asks: a call of each step's own would
        # cost a guarded page a fiftieth, and each question that most sessions don't raise as much.
        context, here = request_context.get(), app_context.get()
        request, config = context.request, here.app.config
        state: RequestState | None = request.__dict__.get(self._state_key)
        if state is None:
            state = request.__dict__[self._state_key] = RequestState()
        elif state.loading_in is not None and self._is_asked_by_loader(state):
            return
        if context.app is not here.app:
            return  # another application knows nothing of this one's session
        mirror = here.g.__dict__
        if state.user is not UNLOADED or "_login_user" in mirror:
            self._forget(state)
        # Looked for at each request: tests and extensions patch hooks when all is set up. On the
        # class, in a subclass, or on the instance.
        hooks = type(self)
        own = (
            hooks._session_protection_failed is _OWN_PROTECTION
            and hooks._update_request_context_with_user is _OWN_UPDATE
            and hooks._update_remember_cookie is hooks._own_update_remember_cookie
            and self.__dict__.keys().isdisjoint(_HOOKS)
        )
        state.loading_in = get_ident()
        try:
            cookies, loaded = request.environ.get("HTTP_COOKIE"), UNLOADED
            # Of most sessions there is nothing to ask but whose they are: the client is the same,
            # and nothing sets a time or says anything of credentials.
            if (
                own
                and self._user_callback is not None
                and cookies is not None
                and (user_id := (sess := context.session).get(self.keys.user_id)) is not None
                and sess.keys().isdisjoint(self._telling_entries)
                and config.keys().isdisjoint(self._telling_settings)
                and self._session_identifier_generator is _create_identifier
                and sess.get(self.keys.id)
                == client_fingerprint(request.remote_addr, request.environ.get("HTTP_USER_AGENT"))
                and (self._logins is None or self._goes_on(state, sess, user_id))
            ):
                try:  # as `_call_user_loader` does
                    loaded = self._user_callback(user_id)
                    if loaded is False or hasattr(loaded, "__await__"):
                        loaded = self._user_of_result(loaded)
                except Exception as error:
                    if not says_unknown(error):
                        raise
                    loaded = self._unknown_because(error, user_id)
                # Older code may ask in the session to have a remember cookie deleted.
                if ";" in cookies and settings.REMEMBER_COOKIE_NAME.read(config) in cookies:
                    self._finish_response(state)
            source: str | None
            if (
                loaded is not UNLOADED
                and loaded is not None
                and getattr(loaded, "is_active", True) is True
                and not hasattr(loaded, "get_session_auth_hash")
            ):
                user, source = loaded, "session"
                state.owner = loaded, user_id
            else:
                user, source = self._identify(state, loaded)
        except BaseException as error:
            state.loading_in = None
            self._note_loading_failed(state, error)
            raise
        state.loading_in = None
        if state.decided:
            user, source = state.user, state.source
        if user is None:
            self._require_loader()
            user = self.anonymous_user()
        state.user = unwrap(user) if isinstance(user, LocalProxy) else user
        state.source = source
        if self.realm == settings.DEFAULT_REALM:
            mirror["_login_user"], mirror["_login_state"] = state.user, state
            tokens = getattr(context, "_cv_tokens", None)
            if tokens and tokens[0][1] is None:  # as `shares_g` asks
                leave_g_after_requests(here.app)
        if source is None or source == "session":  # elsewhere it was not read, or is written
            # Flask's own list, to which `after_this_request` adds: `say_vary` must know its place.
            functions = getattr(context, "_after_request_functions", None)
            if functions is not None and say_vary not in functions:
                functions.append(say_vary)
        if not own:
            self._ask_patched_hooks(state)
        if user_accessed.receivers:
            user_accessed.send(here.app)

    def _note_loading_failed(self, state: RequestState, error: BaseException) -> None:
        """Have this request be nobody's from here on: pages that tell of the failure ask as well.

        Guards don't take it for that: they raise the failure again.
        """
        self._assign(self.anonymous_user(), None)
        state.failed = error

    def _ask_patched_hooks(self, state: RequestState) -> None:
        """Call the hooks of old that the way of a request no longer needs, where others patched."""
        # Every response of before 0.6.90 went by here.
        self._finish_response(state)
        self._tell_patched_update(state)

    def _tell_patched_update(self, state: RequestState) -> None:
        """Call `_update_request_context_with_user` where others patched it, as it was once."""
        if _is_patched(self, "_update_request_context_with_user", _OWN_UPDATE):
            user, source = state.user, state.source
            self._update_request_context_with_user(None if source is None else user)
            if state.user is user:
                state.source = source

    def _sees_every_response(self) -> bool:
        """Tell whether others patched the hook that saw every response once."""
        own = type(self)._own_update_remember_cookie
        return _is_patched(self, "_update_remember_cookie", own)

    @staticmethod
    def _is_asked_by_loader(state: RequestState) -> bool:
        return state.loading_in == get_ident() or state in _awaited.get()

    def _resolve(self, result: object) -> Any:
        if not hasattr(result, "__await__"):
            return result
        token = _awaited.set((*_awaited.get(), self._state()))
        try:
            return super()._resolve(result)
        finally:
            _awaited.reset(token)

    def _identify(self, state: RequestState, loaded: Any) -> tuple[Any, str | None]:
        """Return the user of the request and what named them; None and None for nobody.

        :param loaded: the user of a session that was found to be good, None for an unknown id;
            `UNLOADED` for any other session.
        """
        if self._user_callback is None:
            return self._load_user_from_loaders(state)
        context = request_context.get()
        if "HTTP_COOKIE" not in context.request.environ and not opened_session(context):
            user, source = self._load_user_from_loaders(state)
            if user is None:
                # Who sends a cookie gets another answer.
                context.session.get(self.keys.user_id)
            return user, source
        return self._identify_by_cookies(state, context.session, loaded)

    def _identify_by_cookies(
        self, state: RequestState, sess: SessionMixin, loaded: Any
    ) -> tuple[Any, str | None]:
        # A token's time slides, or older code left a wish in the session.
        slides = settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.read(get_config())
        if slides or self.keys.remember in sess:
            self._finish_response(state)
        user_id = sess.get(self.keys.user_id)
        if user_id is not None:
            if loaded is UNLOADED and self._session_protection_failed():
                # Whoever carried the session here carried the remember cookie too.
                return self._load_user_from_loaders(state)
            user = self._load_user_from_session(sess, user_id, loaded)
            if user is not None:
                return user, "session"
        if state.decided:
            return None, None
        user = self._load_user_from_cookie(sess, state)
        if user is not None:
            return user, "remember"
        return (None, None) if state.decided else self._load_user_from_loaders(state)

    def _load_user_from_loaders(self, state: RequestState) -> tuple[Any, str | None]:
        user, source = self._ask_loaders()
        if user is not None and not state.response_due:
            self._finish_response(state)
        return user, source

    def _load_user_from_session(
        self, sess: MutableMapping[str, Any], user_id: Any, loaded: Any
    ) -> Any:
        user = loaded
        if loaded is UNLOADED:
            user_id = self._admit(sess, user_id)
            if user_id is None:
                return None
            user = self._call_user_loader(user_id)
        if self._state().decided:
            return None
        if user is None and self._is_unknown_for_now(sess, user_id):
            return None
        reason = self._unfit(user, sess.get(self.keys.auth_hash), forced=self.keys.force in sess)
        if reason is None:
            if self.keys.force in sess and is_active(user):
                del sess[self.keys.force]  # its reason is gone; the next ban counts
            if not self._settle(sess, user, None):
                return None
            if self.keys.unknown_since in sess:
                del sess[self.keys.unknown_since]
            self._state().owner = user, user_id
            return user
        # The remember cookie is asked next, and deleted if it is no better.
        self._end_session(sess, reason)
        return None

    def _is_unknown_for_now(self, sess: MutableMapping[str, Any], user_id: Any) -> bool:
        """Tell whether an id that the loader does not know is given time to be known again.

        A session entry marks since when it is unknown. While it waits nothing else is touched.
        """
        grace = settings.LOGIN_UNKNOWN_USER_GRACE.read(get_config())
        state, now, text = self._state(), int(self._clock().timestamp()), str(user_id)
        since, marked = _mark(sess.get(self.keys.unknown_since))
        known = marked == text and since <= now
        over = now - since >= grace.total_seconds() if known else not (grace and text)
        if over or state.given_up == text:
            state.given_up = text
            return False
        # One mark, for the first id that a browser shows.
        first = not known and state.unknown is None
        if first and not get_app().session_interface.is_null_session(sess):
            sess[self.keys.unknown_since] = [now, text]
        state.unknown, state.stored = state.unknown or text, None
        return True

    def _unfit(self, user: Any, auth_hash: str | None, *, forced: bool = False) -> str | None:
        """Return why a login of `user` can't go on, or None when it can."""
        if user is None:
            return "unknown_user"
        if not forced and not is_active(user):
            return "deactivated"
        if auth_hash is None and self._logins is None:
            return None  # nothing to compare, without two calls to find that out
        return None if self._same_credentials(user, auth_hash) else "credentials_changed"

    def _load_user_from_cookie(self, sess: MutableMapping[str, Any], state: RequestState) -> Any:
        if state.remember == "clear" or sess.get(self.keys.remember) == "clear":
            return None
        cookies = self._remember_cookies()
        if not cookies:
            return None
        user = None
        # Two cookies of the name: one of them was planted (from a subdomain, say).
        if len(cookies) == 1 and settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
            user = self._load_user_from_remember_cookie(cookies[0])
        if user is None and state.unknown is None and not state.decided:
            self._wish(state, "clear")
        return user

    def _load_user_from_remember_cookie(self, cookie: str) -> Any:
        """Log the user of a remember cookie in again, not fresh; None if it names nobody."""
        state, sess = self._state(), request_context.get().session
        # Before anything rotates: of a user who is unknown for now everything stays as it is.
        token = self._read_remember_cookie(cookie)
        if token is None or str(token.user_id) == state.unknown:
            state.stored = None
            return None
        user = self._call_user_loader(token.user_id)
        if state.decided or (user is None and self._is_unknown_for_now(sess, token.user_id)):
            return None
        reason = self._unfit(user, token.auth_hash)
        if reason is not None:
            self._end_token(cookie, reason)
        token = self._take_token(cookie, token) if reason is None else None
        if token is None:
            return None
        state.token = token
        auth_hash = self._auth_hash(user) if hasattr(user, "get_session_auth_hash") else None
        if token.outdated or token.auth_hash != auth_hash:
            self._wish(state, "set")
            state.reissued = token.with_auth_hash(auth_hash)
        if not get_app().session_interface.is_null_session(sess):
            self._write_login(sess, token.user_id, fresh=False)
            if not self._settle(sess, user, token):
                return None
            self._renew_session(sess)  # last: a new id of a server-side session can't be undone
        state.ended_reason, state.unknown = None, None  # the login goes on
        state.owner = user, token.user_id
        if user_loaded_from_cookie.receivers:
            self._assign(user, "remember")  # its receivers may read current_user
            user_loaded_from_cookie.send(get_app(), user=user)
            if state.decided:
                return None  # a receiver logged them out, or somebody else in
        return user

    #: The stored logins, with a session store.
    _logins: Any = None
    #: `_update_remember_cookie` as the layer above has it, whatever is patched later.
    _own_update_remember_cookie: Any = None

    if TYPE_CHECKING:  # what the timeouts add

        def _proved_at(self) -> datetime | None: ...

        def _expires_at(self) -> datetime | None: ...

        # Tells whether the session store has nothing to say but that the login goes on.
        def _goes_on(self, state: RequestState, sess: SessionMixin, user_id: Any) -> bool: ...

        # Returns the user id of the login in the session, or None when it is over.
        def _admit(self, sess: MutableMapping[str, Any], user_id: Any) -> Any | None: ...

    # What the stored level does otherwise

    def _read_remember_cookie(self, value: str) -> RememberToken | None:
        """Return what a remember cookie is good for, or None; a good one is left as it is."""
        return self._read_token(value, self.realm, self._clock(), get_config())

    def _take_token(self, cookie: str, token: RememberToken) -> RememberToken | None:
        """Take a good token for the return of its user; None if it is good no more."""
        del cookie  # nothing rotates on the signed level
        return token

    def _settle(
        self, sess: MutableMapping[str, Any], user: Any, token: RememberToken | None
    ) -> bool:
        """Bring the session up to date for a user who was just admitted, by `token` if any.

        False for a login that can't be taken in; then it is dropped.
        """
        del token  # says nothing more on the signed level
        stored = sess.get(self.keys.auth_hash)
        if stored is None and getattr(user, "get_session_auth_hash", None) is None:
            return True
        auth_hash = self._auth_hash(user)
        if auth_hash != stored:
            self._write_auth_hash(sess, auth_hash)
        return True

    def _end_session(self, sess: MutableMapping[str, Any], reason: str) -> None:
        """End the login in the session for `reason`."""
        self._state().ended_reason = reason
        self._drop_entries(sess)

    def _end_token(self, cookie: str, reason: str) -> None:
        """End the login that a remember cookie would bring back."""
        del cookie  # the signed level keeps nothing that could be ended
        self._state().ended_reason = reason

    def _end_login(self, sess: MutableMapping[str, Any], state: RequestState, reason: str) -> None:
        # The session last: nothing is dropped before a store has answered every question.
        for cookie in self._remember_cookies():
            self._end_token(cookie, reason)
        self._end_session(sess, reason)
        # With a path the browser may have one that it did not send here.
        elsewhere = settings.REMEMBER_COOKIE_PATH.read(get_config()) != "/"
        if elsewhere or state.remember == "set" or self._remember_cookies():
            self._wish(state, "clear")

    def _session_protection_failed(self) -> bool:
        """Compare the client with the one that logged in; True means: not this session.

        Override it to switch session protection off for some requests.
        """
        sess = request_context.get().session
        stored = sess.get(self.keys.id)
        mode = self._protection_mode()
        present = self._session_identifier_generator()
        if stored == present:
            return False
        if stored is None or is_legacy_fingerprint(str(stored), get_request()):
            sess[self.keys.id] = present
            return False
        if mode == "strong":
            self._end_login(sess, self._state(), "client_changed")
            session_protected.send(get_app())
            return True
        if mode == "basic" and sess.get(self.keys.fresh) is not False:
            sess[self.keys.fresh] = False
            session_protected.send(get_app())
        return False

    def _protection_mode(self) -> str | None:
        own = self.session_protection
        return settings.SESSION_PROTECTION.check(get_config().get("SESSION_PROTECTION", own))

    # The remember cookie of this request

    def _remember_cookies(self) -> list[str]:
        cookies: MultiDict[str, str] = request_context.get().request.cookies
        if not cookies:
            return []
        name = settings.remember_cookie_name(get_config(), self.realm)
        return cookies.getlist(name)[:2]  # two are one too many: none of them counts

    def _remember_token(self, state: RequestState) -> RememberToken | None:
        if state.token is UNLOADED:
            cookies = self._remember_cookies()
            state.token = None
            if len(cookies) == 1 and settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
                state.token = self._read_token(cookies[0], self.realm, self._clock(), get_config())
        return state.token


def _mark(entry: object) -> tuple[int, str | None]:
    """Return since when (seconds since 1970) which user id is unknown; 0 and None for no mark."""
    if not isinstance(entry, (list, tuple)) or len(entry) != 2:
        return 0, None
    since, marked = entry
    return (since, marked) if type(since) is int and isinstance(marked, str) else (0, None)


# As they are here, whatever is patched later.
_OWN_PROTECTION = Loading._session_protection_failed
_OWN_UPDATE = Loading._update_request_context_with_user


def _is_patched(manager: Loading[Any], name: str, own: Any) -> bool:
    """Tell whether a hook is another than ours: on the instance, on the class, in a subclass."""
    return name in vars(manager) or getattr(type(manager), name) is not own
