"""The state changes: log in, confirm, log out, and what the response must do for them."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from . import config as settings
from . import doubles, utils
from .config import logger
from .exceptions import ConfigurationError
from .loaders import UserT, is_active, unwrap
from .signals import user_logged_in, user_logged_out, user_login_confirmed, user_login_failed
from .state import (
    UNLOADED,
    RequestState,
    get_app,
    get_config,
    get_request,
    get_session,
    is_answered,
    tell_once,
    touched_session,
)
from .stored import StoredLevel
from .timeouts import NO_TIMEOUTS, Timeouts

if TYPE_CHECKING:
    from flask import Response

    from .remember import RememberToken


class Login(StoredLevel[UserT]):
    """The part of `LoginManager` that starts and ends logins."""

    def login_user(
        self,
        user: UserT,
        remember: bool = False,
        duration: timedelta | None = None,
        force: bool = False,
        fresh: bool = True,
        *,
        methods: Collection[str] = (),
        external_id: str | None = None,
        idle_timeout: timedelta | None = None,
        absolute_timeout: timedelta | None = None,
        fresh_timeout: timedelta | None = None,
    ) -> bool:
        """Log `user` in, in this realm. See `flask_login.login_user`."""
        found = unwrap(user)
        if not force and not is_active(found):
            return False
        user_id = self._login_id_of(found)
        if remember and duration is not None and not isinstance(duration, timedelta):
            raise ConfigurationError("duration", duration, "a datetime.timedelta")
        check_methods(methods)
        remember = remember and settings.REMEMBER_COOKIE_ENABLED.read(get_config())
        if remember:
            self._check_remember_cookie()
        if external_id is not None:
            self._require_store("external_id")
        timeouts = _timeouts(idle_timeout, absolute_timeout, fresh_timeout)

        if user_id is None:
            return self._log_in_for_now(found)
        state, sess = self._state(), get_session()
        own = state.source in ("session", "remember") and self._is_of_session(found)
        if not self._start_record(
            str(user_id),
            found,
            fresh=fresh,
            methods=methods,
            remember=self._lifetime(duration) if remember else None,
            external_id=external_id,
            timeouts=timeouts,
        ):
            return False
        self._tell_if_answered("login_user")
        state.ended_reason = None
        self._regenerate(sess)
        self._rotate_csrf_token(sess)
        self._write_login(sess, user_id, fresh=fresh)
        sess.pop(self.keys.pending, None)
        self._write_times(sess, timeouts, proved=fresh)
        self._write_auth_hash(sess, self._auth_hash(found))
        if force and not is_active(found):
            sess[self.keys.force] = True
        self._write_credential(sess)
        self._add_methods(sess, methods)
        if remember:
            self._remember_login(state, sess, duration)
        else:
            self._forget_others(state, sess, own=own)
        self._assign(found, "session")
        state.actor, state.decided, state.unknown = None, True, None
        state.owner, state.acted = (found, user_id), (UNLOADED, None)
        self._finish_response(state)
        self._tell_patched_update(state)
        user_logged_in.send(get_app(), user=found)
        return True

    def _log_in_for_now(self, user: Any) -> bool:
        """Make a user without an id the user of this request: nobody could be found again by it.

        Whoever was logged in before is out, as by any login.
        """
        tell_once(self.realm, "no id", user, _NO_ID)
        state, sess = self._state(), get_session()
        self._tell_if_answered("login_user")
        if is_answered(get_request()):
            self._drop_entries(sess)  # the browser goes on to show the other login
            state.stored = None
        else:
            self._end_login(sess, state, "replaced")
        sess.pop(self.keys.pending, None)
        self._regenerate(sess)
        self._rotate_csrf_token(sess)
        self._assign(user, "assigned")
        state.actor, state.decided, state.unknown, state.ended_reason = None, True, None, None
        state.owner = state.acted = UNLOADED, None
        self._finish_response(state)
        self._tell_patched_update(state)
        user_logged_in.send(get_app(), user=user)
        return True

    def confirm_login(self, *, methods: Collection[str] = ()) -> None:
        """Make the login of this realm fresh again. See `flask_login.confirm_login`."""
        check_methods(methods)
        user = self.get_current_user()
        sess = get_session()
        if self._is_of_session(user):
            self._tell_if_answered("confirm_login")
            # Asked again: new credentials may have been saved through another object.
            saved = self._call_user_loader(sess[self.keys.user_id])
            user = user if saved is None else saved
            if self._confirm_record(sess, user, methods):
                self._regenerate(sess)
                sess[self.keys.fresh] = True
                sess[self.keys.id] = self._session_identifier_generator()
                self._prove(sess)
                self._write_auth_hash(sess, self._auth_hash(user))
                self._add_methods(sess, methods)
                self._renew_token(self._state(), sess)
        user_login_confirmed.send(get_app())

    def logout_user(self, *, everywhere: bool = False) -> bool:
        """Log the user of this realm out. See `flask_login.logout_user`."""
        user = self.get_current_user()
        state, sess = self._state(), get_session()
        self._tell_if_answered("logout_user")
        if everywhere:
            self._end_all_records(user)
        self._end_login(sess, state, "logout")
        for key in (self.keys.next, self.keys.pending):
            if key in sess:
                del sess[key]
        if state.remember == "clear":
            sess[self.keys.remember] = "clear"
        elif self.keys.remember in sess:
            del sess[self.keys.remember]
        self._regenerate(sess)
        self._rotate_csrf_token(sess)
        state.clear_site_data = settings.LOGIN_CLEAR_SITE_DATA.read(get_config())
        self._finish_response(state)
        user_logged_out.send(get_app(), user=user)
        self._assign(self.anonymous_user(), None)
        state.decided, state.unknown = True, None
        state.owner = state.acted = UNLOADED, None
        self._tell_patched_update(state)
        return True

    def _tell_if_answered(self, function: str) -> None:
        """Warn, once a request, that a function was called when the response had begun."""
        state = self._state()
        if is_answered(get_request()) and not state.told_of_answer:
            state.told_of_answer = True
            logger.warning(
                "%s() was called after the response had begun (in a stream, or at the end of a"
                " request): the session and the cookies of this browser stay as they are. A logout"
                " still ends what is in a session store. Call it in the view.",
                function,
            )

    def login_failed(self, identity: str) -> None:
        """Tell that a login to this realm has failed. See `flask_login.login_failed`."""
        from .audit import audit

        # Not by name: people type passwords into the wrong field.
        audit("user_login_failed", ip=get_request().remote_addr)
        user_login_failed.send(get_app(), identity=identity)

    @staticmethod
    def _check_remember_cookie() -> None:
        """Raise `ConfigurationError` before anything happens for a cookie that can't be set."""
        from .remember import check

        check(get_config(), get_request())

    def _lifetime(self, duration: timedelta | None) -> timedelta:
        name = "REMEMBER_COOKIE_DURATION" if duration is None else "duration"
        if duration is None:
            duration = settings.REMEMBER_COOKIE_DURATION.read(get_config())
        from .remember import issue  # few logins are remembered

        return issue("", self._clock(), duration, key=name).lifetime

    def _add_methods(self, sess: MutableMapping[str, Any], methods: Collection[str]) -> None:
        if methods:
            now = int(self._clock().timestamp())
            sess[self.keys.methods] = {**self._proved_methods(), **dict.fromkeys(methods, now)}

    # The remember cookie

    def _remember_login(
        self, state: RequestState, sess: MutableMapping[str, Any], duration: timedelta | None
    ) -> None:
        token = self._remember_token(state)
        own = token is not None and str(token.user_id) == str(sess[self.keys.user_id])
        # It would win at the next start, or make that one of two users.
        state.leftover = not own and bool(self._own_cookies())
        self._wish(state, "set")
        state.remember_lifetime, state.reissued = duration, None
        # Where older code looks for it; the response goes by the state.
        sess[self.keys.remember] = "set"
        sess.pop(self.keys.remember_seconds, None)
        if duration is not None:
            sess[self.keys.remember_seconds] = duration.total_seconds()

    def _forget_others(
        self, state: RequestState, sess: MutableMapping[str, Any], *, own: bool
    ) -> None:
        """Delete a remember cookie that is not this login's: it would win at the next start.

        :param own: whether this request was that user's before; then the token may be renewed.
        """
        for key in (self.keys.remember, self.keys.remember_seconds):
            sess.pop(key, None)
        logged_out = state.remember == "clear"
        state.remember, state.remember_lifetime, state.reissued = None, None, None
        # A store has ended what the cookie stood for: the login that this one replaces.
        token = None if logged_out or self._logins else self._remember_token(state)
        same = token is not None and str(token.user_id) == str(sess[self.keys.user_id])
        if own and same:
            self._renew_token(state, sess)
        elif same and token is not None and token.auth_hash == sess.get(self.keys.auth_hash):
            return
        elif self._own_cookies():
            self._wish(state, "clear")

    def _renew_token(self, state: RequestState, sess: MutableMapping[str, Any]) -> None:
        """Carry a change of the credentials into this browser's remember token."""
        token = self._remember_token(state)
        auth_hash = sess.get(self.keys.auth_hash)
        if (
            token is not None
            and str(token.user_id) == str(sess.get(self.keys.user_id))
            and token.auth_hash != auth_hash
        ):
            self._wish(state, "set")
            state.reissued = token.with_auth_hash(auth_hash)

    def _update_remember_cookie(self, response: Response) -> Response:
        """Do to the response what this request decided."""
        state: RequestState | None = get_request().__dict__.get(self._state_key)
        sess = touched_session()
        if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and self._take_back(state):
            return response
        said = "HTTP_AUTHORIZATION" in get_request().environ
        if state is not None and state.source in ("request", "bearer") and not said:
            # A cache that many share must not give one caller's answer to another. Where the
            # request has that header RFC 9111 forbids it (section 3.5).
            response.headers.setdefault("Cache-Control", "private")
        if sess is None or (state is None and self.keys.remember not in sess):
            return response
        state = self._state()
        wish = self._wished(state, sess, response)
        if wish == "clear":
            self._clear_cookie(response)
        elif wish == "set" and self.keys.user_id in sess and self._is_to_be_remembered():
            if state.leftover:
                # Before the cookie is set: to some browsers it is the same one.
                self._clear_host_cookie(response)
            self._set_cookie(response)
        if self.keys.remember_seconds in sess:
            del sess[self.keys.remember_seconds]
        if state.clear_site_data:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def _wished(
        self, state: RequestState, sess: MutableMapping[str, Any], response: Response
    ) -> str | None:
        """Return what becomes of the remember cookie: "set", "clear", or something else."""
        # Older code asks for it in the session; the request's own word survives session.clear().
        said = sess.pop(self.keys.remember) if self.keys.remember in sess else None
        wish = state.remember if said is None else said
        if state.said_on is not None:
            answered, said_then = state.said_on
            if answered is response and said_then == said:
                return None  # the application has done it itself
        if wish is None and self._slides(state, sess):
            return "set"
        return wish

    def _slides(self, state: RequestState, sess: MutableMapping[str, Any]) -> bool:
        """Tell whether this request starts the time of the remember token anew."""
        if not settings.REMEMBER_COOKIE_REFRESH_EACH_REQUEST.read(get_config()):
            return False
        if self._greatest_age(sess) is not None:
            return False  # which the time of the token's issue tells
        token = self._remember_token(state)
        if token is None or str(token.user_id) != str(sess.get(self.keys.user_id)):
            return False
        if state.failed is not None or state.unknown is not None:
            return False  # nothing of the login is touched then
        state.remember_lifetime = token.lifetime
        return True

    def _set_cookie(self, response: Response) -> None:
        """Set the remember cookie for the login in the session, on this response.

        Where a view calls it that is its last word on the cookie, unless somebody logs in or out
        after it.
        """
        self._state().said_on = response, get_session().get(self.keys.remember)
        if not settings.REMEMBER_COOKIE_ENABLED.read(get_config()):
            return
        stored = self._stored_remember(get_session())
        if stored is None and self._logins is not None:
            return  # a signed token would outlive the login
        from .remember import set_cookie, write

        if stored is None:
            token = self._state().reissued or self._new_token(get_session())
            stored = write(token, self.realm), token.expires_at
        value, expires_at = stored
        set_cookie(
            response,
            get_request(),
            get_config(),
            self.realm,
            value=value,
            expires_at=expires_at,
        )

    def _new_token(self, sess: MutableMapping[str, Any]) -> RememberToken:
        from .remember import issue

        lifetime, name = self._remember_lifetime(sess)
        user_id, auth_hash = sess[self.keys.user_id], sess.get(self.keys.auth_hash)
        return issue(user_id, self._clock(), lifetime, auth_hash, key=name)

    def _remember_lifetime(self, sess: MutableMapping[str, Any]) -> tuple[timedelta, str]:
        """Return for how long the session's login is to be remembered, and what says so."""
        name, lifetime = "duration", self._state().remember_lifetime
        if lifetime is None and self.keys.remember_seconds in sess:
            lifetime = timedelta(seconds=sess[self.keys.remember_seconds])
        if lifetime is None:
            name = "REMEMBER_COOKIE_DURATION"
            lifetime = settings.REMEMBER_COOKIE_DURATION.read(get_config())
        greatest = self._greatest_age(sess)
        if greatest is not None:
            lifetime = min(lifetime, greatest)
        return lifetime, name

    def _clear_cookie(self, response: Response) -> None:
        """Delete the remember cookie on this response; a view's call is its last word on it."""
        from .remember import clear_cookie

        self._state().said_on = response, get_session().get(self.keys.remember)
        clear_cookie(response, get_request(), get_config(), self.realm)
        if len(self._own_cookies()) > 1:
            self._clear_host_cookie(response)

    def _clear_host_cookie(self, response: Response) -> None:
        from .remember import clear_host_cookie

        clear_host_cookie(response, get_request(), get_config(), self.realm)


# As it is here, whatever is patched later.
Login._own_update_remember_cookie = Login._update_remember_cookie

_NO_ID = (
    "login_user was given a %s that has no id: it is the user of this request, and the next one"
    " knows nobody."
)


def check_methods(methods: Collection[str]) -> None:
    """Raise `ConfigurationError` for methods that are one text: it would be read by letters."""
    if isinstance(methods, str):
        raise ConfigurationError("methods", methods, "a collection of names, such as {'pwd'}")


def _timeouts(
    idle: timedelta | None, absolute: timedelta | None, fresh: timedelta | None
) -> Timeouts:
    named = {"idle_timeout": idle, "absolute_timeout": absolute, "fresh_timeout": fresh}
    for name, value in named.items():
        if value is not None and not (isinstance(value, timedelta) and value > timedelta(0)):
            raise ConfigurationError(name, value, "a datetime.timedelta greater than 0")
    own = Timeouts(idle, absolute, fresh)
    return own if any(span is not None for span in named.values()) else NO_TIMEOUTS


def login_user(
    user: Any,
    remember: bool = False,
    duration: timedelta | None = None,
    force: bool = False,
    fresh: bool = True,
    *,
    methods: Collection[str] = (),
    external_id: str | None = None,
    idle_timeout: timedelta | None = None,
    absolute_timeout: timedelta | None = None,
    fresh_timeout: timedelta | None = None,
) -> bool:
    """Log `user` in: from here on this browser is theirs.

    Call it when you have proved who they are. It replaces whoever was logged in. A server-side
    session gets a new id; your own entries in the session stay. So does Flask-WTF's CSRF token,
    unless ``LOGIN_ROTATE_CSRF_TOKEN`` is set. Once the response has begun it holds for the rest of
    the request only, and a warning is logged.

    :param user: the user object; its ``get_id()`` names it in the session.
    :param remember: whether to set a remember cookie, with which the user is known again after
        the browser was closed, though not fresh. Without it a remember cookie of another user is
        deleted. Off by default: on a shared machine nobody wants it.
    :param duration: how long to remember, as a `datetime.timedelta`. By default the setting
        ``REMEMBER_COOKIE_DURATION``.
    :param force: log in a user who is not active as well.
    :param fresh: whether the login counts as fresh. Say False when they proved nothing just now.
    :param methods: how they proved it, by the names of RFC 8176: ``{"pwd"}``, ``{"pwd", "otp"}``.
        What is not said is not assumed.
    :param external_id: an identity provider's name of this login (the ``sid`` of OpenID
        Connect), for ``sessions.revoke_external``. Needs a session store.
    :param idle_timeout: after how long without a request this login ends, as a
        `datetime.timedelta`. By default the setting ``LOGIN_IDLE_TIMEOUT``.
    :param absolute_timeout: after how long it ends whatever is done in it. By default the
        setting ``LOGIN_ABSOLUTE_TIMEOUT``.
    :param fresh_timeout: how long it stays fresh. By default the setting
        ``LOGIN_FRESH_TIMEOUT``.
    :return: True, or False when nothing happened: the user is not active, or has as many logins
        as ``LOGIN_MAX_SESSIONS`` allows and the policy is ``"deny"``; `login_ended_reason` is
        ``"denied"`` then.

    Raises `InvalidUserId` for a row that was not saved (`UserMixin` with None for an ``id``),
    `ConfigurationError` for a duration or timeout that is no timedelta, or for what needs a session
    store without one. Sends `user_logged_in`.

    .. versionchanged:: 0.6.90
        The keyword arguments after `fresh` are new.
    """
    if doubles.take_part():
        return doubles.login_user(user, remember, duration, force, fresh)
    return utils.default_manager().login_user(
        user,
        remember,
        duration,
        force,
        fresh,
        methods=methods,
        external_id=external_id,
        idle_timeout=idle_timeout,
        absolute_timeout=absolute_timeout,
        fresh_timeout=fresh_timeout,
    )


def confirm_login(*, methods: Collection[str] = ()) -> None:
    """Make the login session fresh again, after the user proved once more who they are.

    Also call it after you changed the credentials of the current user: it keeps this login
    session, and its remember token, when `get_session_auth_hash` ends all the others. Without a
    login session there is nothing to confirm; only the signal is sent.

    :param methods: how they proved it, by the names of RFC 8176; added to the methods proved
        before.

    Sends `user_login_confirmed`.

    .. versionchanged:: 0.6.90
        `methods` is new.
    """
    if doubles.take_part():
        doubles.confirm_login()
    else:
        utils.default_manager().confirm_login(methods=methods)


def logout_user(*, everywhere: bool = False) -> bool:
    """Log the user out, and delete the remember cookie; ``session.clear()`` can't undo it.

    With a session store the login is over at once, for copied cookies too.

    A server-side session gets a new id. What else the session holds is yours and stays, and
    Flask-WTF's CSRF token too, unless ``LOGIN_ROTATE_CSRF_TOKEN`` is set.

    Once the response has begun, in a stream or in ``teardown_request``, this browser can't be told:
    only what is in a session store ends, and a warning is logged.

    :param everywhere: end every login of this user, in all browsers. Needs a session store.
    :return: True, always.

    Raises `ConfigurationError` for `everywhere` without a session store.

    Sends `user_logged_out`, before `current_user` becomes nobody.
    """
    if utils.is_request_replaced() or doubles.take_part():
        return doubles.logout_user(everywhere=everywhere)
    return utils.default_manager().logout_user(everywhere=everywhere)


def login_failed(identity: str) -> None:
    """Tell that somebody failed to log in: a wrong password, an unknown name.

    A `LoginThrottle` calls it for you.

    :param identity: the account's name, as it was typed. It may be a password, in the wrong field.

    Sends `user_login_failed`.

    .. versionadded:: 0.6.90
    """
    utils.default_manager().login_failed(identity)
