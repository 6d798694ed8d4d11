"""Who makes this request? Session, then remember cookie, then request loaders.

What was found is kept on the request object it was found for, never on anything that may
outlive it. ``g._login_user`` mirrors it for extensions that read, write or delete it there.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Request as FlaskRequest
from werkzeug.local import LocalProxy

from . import config as settings
from . import utils
from .entries import _create_identifier, client_fingerprint, is_legacy_fingerprint
from .exceptions import ConfigurationError
from .loaders import UserT, is_active, says_unknown, unwrap
from .mirror import Mirror, leave_g_after_requests
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
    get_session,
    is_answered,
    opened_session,
    request_context,
    session_of,
)

if TYPE_CHECKING:
    from flask import Request
    from flask.sessions import SessionMixin

    from .remember import RememberToken

#: The states whose user this very code is finding out: in its context, not in its thread, which it
#: may share with other greenlets of the request, and which it leaves where a loader is awaited.
_loading: ContextVar[tuple[RequestState, ...]] = ContextVar("flask_login.loading", default=())

#: How many remember cookies of one request are judged: each costs a signature, or a question to
#: the store. Browsers have one, or two after a change of its domain or path.
_MOST_COOKIES = 10

#: How Flask finds the cookies: in one header. A request class may have another way.
_COOKIES_OF_FLASK = FlaskRequest.cookies

#: The hooks that the usual way of a request does not need to call, or asks in its own way.
_HOOKS = frozenset(
    {
        "_session_protection_failed",
        "_update_request_context_with_user",
        "_update_remember_cookie",
    }
)


class Loading(Mirror[UserT]):
    """The part of `LoginManager` that finds out who makes the request."""

    def __init__(self, realm: str, clock: Callable[[], datetime]) -> None:
        super().__init__(realm)
        from .remember import is_ours, read  # with the first manager, as in `Entries`

        self._read_token, self._is_ours = read, is_ours
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
        ``SESSION_PROTECTION`` wins over it. A mode in other letters (``"Strong"``) is read as what
        it means, with a warning. Any other value is an error in the log, and raises
        `ConfigurationError` at the request that would need it.
        """
        try:
            return settings.SESSION_PROTECTION.check(self._session_protection)
        except ConfigurationError:
            return self._session_protection

    @session_protection.setter
    def session_protection(self, value: str | None) -> None:
        remark = settings.SESSION_PROTECTION.remark(value, "session_protection")
        if remark is not None:
            settings.log_remark(remark)
        self._session_protection = value

    # The user of the request

    def _user_of(self, request: Request) -> Any:
        acted = utils.acting.get()
        if acted and (self, request) in acted:
            return acted[self, request]
        state: RequestState | None = request.__dict__.get(self._state_key)
        if self.realm != settings.DEFAULT_REALM:
            # Read once: another thread of this request may forget it for a moment.
            user = UNLOADED if state is None else state.user
            return self._first_question() if user is UNLOADED else user
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
        return self._found_meanwhile() if user is UNLOADED else user

    def _found_meanwhile(self) -> Any:
        """Return nobody while a loader asks, and else the user whom others find out just now.

        Those are other threads or greenlets of this request: they forgot for a moment whom this one
        had found.
        """
        state = self._state()
        user = UNLOADED if state in _loading.get() else state.found
        return self.anonymous_user() if user is UNLOADED else user

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
        known: RequestState | None = request.__dict__.get(self._state_key)
        loading = _loading.get()
        if loading and known in loading:
            return  # a loader asks
        # Not replaced, should another thread of this request have been quicker.
        state: RequestState = known or request.__dict__.setdefault(self._state_key, RequestState())
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
        answered, token = is_answered(request), _loading.set((*loading, state))
        try:
            cookies, loaded, user_id = request.environ.get("HTTP_COOKIE"), UNLOADED, None
            # Of most sessions there is nothing to ask but whose they are: the client is the same,
            # and nothing sets a time or says anything of credentials.
            if (
                own
                and not answered
                and self._user_callback is not None
                and cookies is not None
                and (user_id := (sess := context.session).get(self.keys.user_id)) is not None
                and self._telling_entries.isdisjoint(sess)
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
            self._note_loading_failed(state, error)
            raise
        finally:
            _loading.reset(token)
        if state.decided:
            user, source = state.user, state.source
        if user is None:
            self._require_loader()
            user = self.anonymous_user()
        user = unwrap(user) if isinstance(user, LocalProxy) else user
        state.user = state.found = user
        state.source = source
        if self.realm == settings.DEFAULT_REALM:
            mirror["_login_user"], mirror["_login_state"] = user, state
            tokens = getattr(context, "_cv_tokens", None)
            if tokens and tokens[0][1] is None:  # as `shares_g` asks
                leave_g_after_requests(here.app)
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

    def _only_looks(self) -> bool:
        """Tell whether the user is being found out when the response has begun.

        Then nothing may be rotated, renewed or ended: the browser could not be told.
        """
        return is_answered(get_request()) and self._state() in _loading.get()

    def _identify(self, state: RequestState, loaded: Any) -> tuple[Any, str | None]:
        """Return the user of the request and what named them; None and None for nobody.

        :param loaded: the user of a session that was found to be good, None for an unknown id;
            `UNLOADED` for any other session.
        """
        if self._user_callback is None:
            return self._load_user_from_loaders(state)
        context = request_context.get()
        request = context.request
        used = session_of(context) if is_answered(request) else opened_session(context)
        kind: Any = type(request)  # pyright: ignore[reportUnknownVariableType]  # any class
        if "HTTP_COOKIE" not in request.environ and not used and kind.cookies is _COOKIES_OF_FLASK:
            user, source = self._load_user_from_loaders(state)
            if user is None:
                # Who sends a cookie gets another answer.
                session_of(context).get(self.keys.user_id)
            return user, source
        return self._identify_by_cookies(state, session_of(context), loaded)

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
        state.asks = "loaders"
        try:
            user, source = self._ask_loaders()
        finally:
            state.asks = None
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

    def _is_unknown_for_now(
        self, sess: MutableMapping[str, Any], user_id: Any, *, marks: bool = True
    ) -> bool:
        """Tell whether an id that the loader does not know is given time to be known again.

        A session entry marks since when it is unknown. While it waits nothing else is touched.

        :param marks: False for an id that this browser did not show.
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
        first = marks and not known and state.unknown is None
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
        if settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
            state.asks = "cookies"
            try:
                for cookie in cookies if len(cookies) == 1 else self._choose(cookies):
                    user = self._load_user_from_remember_cookie(cookie)
                    if user is not None:
                        return user
            finally:
                state.asks = None
        if state.unknown is None and not state.decided and self._own_cookies():
            self._wish(state, "clear")
        return None

    def _choose(self, cookies: list[str]) -> list[str]:
        """Return which of several remember cookies count, the best first.

        A browser sends several after a change of the cookie's domain or path, or when a page of a
        neighbouring host or path planted one. Of one user the newest counts. Of two, where either
        would be logged in, nobody knows which is the right one. Nothing rotates here.
        """
        state = self._state()
        by_user: dict[str, list[tuple[str, RememberToken]]] = {}
        for cookie in self._one_of_each_login(cookies):
            token = self._read_remember_cookie(cookie)
            if token is not None:
                by_user.setdefault(str(token.user_id), []).append((cookie, token))
        chosen = list(by_user.values())
        if len(chosen) > 1:
            chosen = [shown for shown in chosen if any(self._is_good(each) for each, _ in shown)]
        state.stored = None
        if not by_user:
            # A subclass may read what this could not have signed.
            return [cookie for cookie in cookies if not self._is_own_cookie(cookie)]
        if len(chosen) != 1:
            return []
        (found,) = chosen
        found.sort(key=lambda shown: shown[1].rank, reverse=True)
        return [cookie for cookie, _ in found]

    def _is_good(self, cookie: str) -> bool:
        """Tell whether a remember cookie would log its user in."""
        token = self._read_remember_cookie(cookie)
        return token is not None and self._judge_token(token, own=True)[0] is not None

    def _judge_token(self, token: RememberToken, *, own: bool) -> tuple[Any, str | None]:
        """Return the user whom a remember token logs in, or None and why it never will again.

        None and None where the loader does not know the user for now, or has logged somebody in or
        out itself: then everything stays as it is.

        :param own: whether this browser showed the token.
        """
        state = self._state()
        if str(token.user_id) == state.unknown:
            state.stored = None
            return None, None
        user = self._call_user_loader(token.user_id)
        if state.asks is not None and state.decided:
            return None, None
        if user is None and self._is_unknown_for_now(get_session(), token.user_id, marks=own):
            return None, None
        reason = self._unfit(user, token.auth_hash)
        return (user, None) if reason is None else (None, reason)

    def _load_user_from_remember_cookie(self, cookie: str) -> Any:
        """Log the user of a remember cookie in again, not fresh; None if it names nobody.

        A text that is none of this request's cookies, or that a request loader found, is looked at
        and left as it is: no cookie is set for it.
        """
        state, sess = self._state(), get_session()
        own = state.asks == "cookies" or (state.asks is None and cookie in self._remember_cookies())
        token = self._read_remember_cookie(cookie)
        if token is None:
            return None
        user, reason = self._judge_token(token, own=own)
        if reason is not None:
            self._end_token(cookie, reason)
        if user is None:
            return None
        if own and not self._take_token(state):
            return None
        if not get_app().session_interface.is_null_session(sess):
            self._write_login(sess, token.user_id, fresh=False)
            if not self._settle(sess, user, token):
                return None
            self._regenerate(sess)  # last: a new id of a server-side session can't be undone
        if own:
            state.token = token
            auth_hash = self._auth_hash(user) if hasattr(user, "get_session_auth_hash") else None
            if token.outdated or token.auth_hash != auth_hash:
                self._wish(state, "set")
                state.reissued = token.with_auth_hash(auth_hash)
        state.ended_reason, state.unknown = None, None  # the login goes on
        state.owner = user, token.user_id
        return user if self._tell_of_return(user) else None

    def _tell_of_return(self, user: Any) -> bool:
        """Send the signal; False where a receiver logged the user out, or somebody else in."""
        if not user_loaded_from_cookie.receivers:
            return True
        self._assign(user, "remember")  # its receivers may read current_user
        state = self._state()
        state.decided = False
        user_loaded_from_cookie.send(get_app(), user=user)
        return not state.decided

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

    def _one_of_each_login(self, cookies: list[str]) -> list[str]:
        """Return several remember cookies without those that another one makes meaningless."""
        return [*dict.fromkeys(cookies)]

    def _take_token(self, state: RequestState) -> bool:
        """Let the token that was read bring its login back; False where it has just ended."""
        del state  # the signed level keeps nothing of it
        return True

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
        cookies = self._own_cookies()
        for cookie in cookies:
            self._end_token(cookie, reason)
        self._end_session(sess, reason)
        # With a path the browser may have one that it did not send here.
        elsewhere = settings.REMEMBER_COOKIE_PATH.read(get_config()) != "/"
        due = state.remember == "set" or state.said_on is not None
        if elsewhere or due or cookies:
            self._wish(state, "clear")

    def _session_protection_failed(self) -> bool:
        """Compare the client with the one that logged in; True means: not this session.

        Override it to switch session protection off for some requests.
        """
        sess = get_session()
        stored = sess.get(self.keys.id)
        present = self._session_identifier_generator()
        if stored == present:
            return False
        if stored is None or is_legacy_fingerprint(str(stored), get_request()):
            sess[self.keys.id] = present
            return False
        mode = self._protection_mode()
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
        """Return what the remember cookies of this request say, whoever made them."""
        cookies: Any = request_context.get().request.cookies
        name = settings.remember_cookie_name(get_config(), self.realm)
        # A request class may have a plain dict here, or less.
        if hasattr(cookies, "getlist"):
            found = [*cookies.getlist(name)]
        else:
            found = [cookies[name]] if name in cookies else []
        return [value for value in found[:_MOST_COOKIES] if isinstance(value, str)]

    def _own_cookies(self) -> list[str]:
        """Return those that this application could have made; any other is none of its business."""
        return [cookie for cookie in self._remember_cookies() if self._is_own_cookie(cookie)]

    def _is_own_cookie(self, cookie: str) -> bool:
        hook = self._load_user_from_remember_cookie
        if getattr(hook, "__func__", None) is not _LOAD_USER_FROM_REMEMBER_COOKIE:
            return True  # only the application knows what it puts there
        realms = get_app().extensions.get("login", {}).values()
        return any(
            manager._has_signed(cookie) for manager in (self, *(known.manager for known in realms))
        )

    def _has_signed(self, cookie: str) -> bool:
        """Tell whether this realm's remember cookies look so, the good ones and the others."""
        return self._is_ours(cookie, self.realm)

    def _remember_token(self, state: RequestState) -> RememberToken | None:
        """Return the good signed token of this request: of several of one user the newest."""
        if state.token is UNLOADED:
            state.token = None
            if settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
                read = (
                    self._read_token(cookie, self.realm, self._clock(), get_config())
                    for cookie in self._remember_cookies()
                )
                tokens = [token for token in read if token is not None]
                if len({str(token.user_id) for token in tokens}) == 1:
                    state.token = max(tokens, key=lambda token: token.rank)
        return state.token


_LOAD_USER_FROM_REMEMBER_COOKIE = Loading._load_user_from_remember_cookie


def _mark(entry: object) -> tuple[int, str | None]:
    """Return since when (seconds since 1970) which user id is unknown; 0 and None for no mark."""
    match entry:
        case [int(since), str(marked)] if not isinstance(since, bool):
            return since, marked
        case _:
            return 0, None


# As they are here, whatever is patched later.
_OWN_PROTECTION = Loading._session_protection_failed
_OWN_UPDATE = Loading._update_request_context_with_user


def _is_patched(manager: Loading[Any], name: str, own: Any) -> bool:
    """Tell whether a hook is another than ours: on the instance, on the class, in a subclass."""
    return name in vars(manager) or getattr(type(manager), name) is not own
