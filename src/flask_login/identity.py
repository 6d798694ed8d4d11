"""What is known of who makes this request, for whoever asks: a view, a template, the guards."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from flask import has_request_context
from werkzeug.local import LocalProxy

from . import config as settings
from . import doubles, utils
from .exceptions import InvalidUserId
from .loaders import UserT, resolve, unwrap
from .loading import Loading
from .mixins import AnonymousUserMixin, is_unsaved, says
from .state import get_request, get_session
from .user_ids import plain

if TYPE_CHECKING:
    from .login_facts import CurrentLogin


class Identity(Loading[UserT]):
    """The part of `LoginManager` that tells who makes the request."""

    def __init__(self, realm: str, clock: Callable[[], datetime]) -> None:
        super().__init__(realm, clock)
        from .login_facts import CurrentLogin  # with the first manager, as in `Entries`

        self._login_facts = CurrentLogin
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
        if self.realm == settings.DEFAULT_REALM:
            return cast("UserT", utils._get_user())  # which dependents' tests patch
        try:
            request = get_request()
        except RuntimeError:
            return cast("UserT", utils.acting.get().get((self, None)))
        return cast("UserT", self._user_of(request))

    def get_current_login(self) -> CurrentLogin | None:
        """Return what is known of this request's login session, or None for nobody.

        .. versionadded:: 0.6.90
        """
        user = self.get_current_user()
        if user is None or says(getattr(user, "is_anonymous", False)):
            return None
        if not has_request_context():
            return self._login_facts(
                _text(self._asked_id(user)), "assigned", False, False, frozenset()
            )
        state = self._state()
        source = (state.source if user is state.user else None) or "assigned"
        own = source in ("session", "remember")
        stored = state.stored if own else None
        ends_at = self._expires_at() if own else None
        return self._login_facts(
            user_id=_text(self._id_of(user)),
            source=source,
            fresh=self.login_fresh(),
            remembered=self.login_remembered(),
            methods=frozenset(self._proved_methods() if own else ()),
            authenticated_at=self._proved_at() if own else None,
            expires_in=None if ends_at is None else ends_at - self._clock(),
            actor=self._actor_id() if own else None,
            record=None if stored is None else stored.record,
        )

    @contextmanager
    def acting_as(self, user: UserT | None) -> Generator[UserT | None]:
        """Make `user` the current user inside of a ``with`` block. See `flask_login.acting_as`."""
        request = get_request() if has_request_context() else None
        found: Any = unwrap(user)
        if found is None and request is not None:
            found = self.anonymous_user()
        # Kept for the context of this very code: tasks and threads of one request may act as many.
        token = utils.acting.set({**utils.acting.get(), (self, request): found})
        try:
            yield None if user is None else found
        finally:
            utils.acting.reset(token)

    def login_still_valid(self) -> bool:
        """Ask anew whether the login goes on. See `flask_login.login_still_valid`."""
        state = self._state()
        state.unavailable = None  # the session store may be back
        if state.failed is not None:
            self._forget(state)  # and so may the loader's database
        before = self.get_current_login()
        if before is None:
            return False
        passive, state.passive = state.passive, True
        try:
            self._load_user()
        finally:
            state.passive = passive
        after = self.get_current_login()
        return after is not None and (after.user_id, after.id) == (before.user_id, before.id)

    def _actor_id(self) -> str | None:
        """Return the user id of who impersonates the current user, if somebody does."""
        actor = self._state().actor if has_request_context() else None
        return None if actor is None else _text(self._id_of(actor))

    def login_fresh(self) -> bool:
        """Tell whether the login session of this request is fresh.

        True from `login_user` or `confirm_login` on, for ``LOGIN_FRESH_TIMEOUT`` at the most; False
        when a remember token brought the user back, or when the client changed (session
        protection).
        """
        return self._is_fresh(self.get_current_user())

    def _is_fresh(self, user: Any) -> bool:
        """Tell whether the session is fresh, and the login of this user."""
        return bool(get_session().get(self.keys.fresh)) and self._is_of_session(user)

    def login_remembered(self) -> bool:
        """Tell whether this browser has sent a good remember token of the current user."""
        self.get_current_user()
        state, sess = self._state(), get_session()
        if state.remember == "clear" or sess.get(self.keys.remember) == "clear":
            return False
        token = self._remember_token(state)
        return token is not None and str(token.user_id) == str(sess.get(self.keys.user_id))

    def login_ended_reason(self) -> str | None:
        """Tell why the login that this browser showed is over. See `flask_login`'s function."""
        self.get_current_user()
        return self._state().ended_reason

    def _proved_methods(self) -> dict[str, int]:
        """Return how the user of the session proved who they are, and when: seconds since 1970."""
        methods = get_session().get(self.keys.methods)
        return cast("dict[str, int]", methods) if isinstance(methods, dict) else {}

    def _is_of_session(self, user: Any) -> bool:
        """Tell whether `user` is the one whose login session this is, not somebody's beside it.

        That is known from the id that the user was loaded by. Another object is asked for its own:
        it may be the same user, loaded once more.
        """
        user_id = get_session().get(self.keys.user_id)
        if user_id is None:
            return False
        owner, loaded_by = self._state().owner
        loaded = loaded_by is not None and str(loaded_by) == str(user_id)
        if loaded and user is owner:
            return True
        asked = self._asked_id(user)
        if asked is None:
            return False
        if str(asked) == str(user_id):
            return True
        return loaded and str(asked) == str(self._asked_id(owner))

    def _id_of(self, user: Any) -> Any:
        """Return the id that a user was loaded by in this request; of another, what it says."""
        for known, user_id in (self._state().owner, self._state().acted):
            if user is known:
                return user_id
        return self._asked_id(user)

    def _asked_id(self, user: Any) -> Any:
        """Return what a user object says its id is; None for one that can't tell.

        A row that is detached from its database, or expired, raises an error of its library.
        """
        try:
            get_id = getattr(user, self.id_attribute)
            return None if is_unsaved(get_id) else resolve(get_id())
        except Exception:  # noqa: BLE001  # of whatever library its row is
            return None

    def _own_ids(self) -> set[str]:
        """Return, as text, every id of the user whose login session this is, if that is known."""
        owner, loaded_by = self._state().owner if has_request_context() else (None, None)
        ids = () if loaded_by is None else (loaded_by, self._asked_id(owner))
        return {str(user_id) for user_id in ids if user_id is not None}

    def _login_id_of(self, user: Any) -> Any:
        """Return the id that a login of this user is kept by; None for a user who has none.

        Raises `InvalidUserId` for a row that was not saved.
        """
        get_id = getattr(user, self.id_attribute)
        if is_unsaved(get_id):
            raise InvalidUserId(self.id_attribute)
        return plain(resolve(get_id()))


def _text(user_id: Any) -> str | None:
    return None if user_id is None else str(user_id)


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
    if utils.is_session_replaced():
        return cast("bool", doubles.login_fresh())
    return utils.default_manager().login_fresh()


def login_remembered() -> bool:
    """Tell whether this browser has sent a good remember token of the current user."""
    if utils.is_request_replaced() or utils.is_app_replaced() or utils.is_session_replaced():
        return doubles.login_remembered()
    return utils.default_manager().login_remembered()


def acting_as(user: Any) -> AbstractContextManager[Any]:
    """Make `user` the current user inside of a ``with`` block: for commands, jobs and tests.

    ::

        with acting_as(user):
            send_report()  # which reads current_user

    Nobody is logged in by it: no session, no cookie, no record, and no signal. The login is not
    fresh. The default realm's; a named one has the method of its manager.

    :param user: the user object; None is nobody.
    :return: a context manager, which gives the user.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().acting_as(user)


def login_still_valid() -> bool:
    """Ask anew whether the login of this request goes on: for connections that last long.

    `current_user` is found out once a request. A WebSocket or a stream that lives for hours calls
    this now and then, and ends when the answer is False: the login was revoked or has expired, the
    user was deactivated, their credentials changed. It is no sign of activity.

    :return: whether the same login is still good.

    Raises `SessionStoreUnavailable` when the session store gives no answer.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().login_still_valid()


def login_ended_reason() -> str | None:
    """Tell why the login that this browser showed with this request is over.

    For a page that wants to say so: ``"expired_idle"``, ``"revoked"`` and so on; the page of the
    exceptions lists the reasons. The next request knows nothing of it, the cookies are gone.

    :return: the reason, or None when the login goes on or there was none.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().login_ended_reason()


def _user_context_processor() -> dict[str, Any]:
    # Once it is known who the user is, a template reads the object itself: twenty times faster
    # than the proxy. Before that the proxy, for a template that does not ask.
    return {"current_user": utils._get_user() if utils.is_known() else utils.current_user}


#: What is known of this request's login session, as a proxy of `CurrentLogin`; falsy for nobody.
#:
#: .. versionadded:: 0.6.90
current_login: CurrentLogin = cast(
    "CurrentLogin", LocalProxy(lambda: utils.default_manager().get_current_login())
)
