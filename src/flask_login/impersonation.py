"""Impersonation: support staff see the site as a user does, and every event says who they are.

The actor stays the one who is logged in: the session, the record in the store, the remember
cookie and every timeout are the actor's. An entry in the session says who they act as.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from . import utils
from .exceptions import ImpersonationDenied
from .loaders import UserT, is_active, resolve, unwrap
from .login import Login
from .mixins import says
from .signals import impersonation_started, impersonation_stopped
from .state import get_app, get_request, get_session, is_answered

if TYPE_CHECKING:
    from flask.sessions import SessionMixin

    from .state import RequestState

    #: Tells whether the first user may act as the second.
    MayImpersonate = Callable[[Any, Any], Any]


class Impersonation(Login[UserT]):
    """The part of `LoginManager` that lets one user act as another."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Tells whether a user may act as another; without it nobody may.
        self.may_impersonate_callback: MayImpersonate | None = None

    def may_impersonate(self, callback: MayImpersonate) -> MayImpersonate:
        """Register the function that tells who may act as whom.

        It is asked by `impersonate`, and again on every request. Let nobody act as somebody who
        may more than they do.

        :param callback: takes the actor and the other user, returns whether they may. May be
            ``async def``.
        :return: the callback, unchanged.

        .. versionadded:: 0.6.90
        """
        self.may_impersonate_callback = callback
        return callback

    def impersonate(self, user: UserT) -> None:
        """Act as `user` from here on. See `flask_login.impersonate`."""
        found, actor = unwrap(user), self.get_current_user()
        sess = get_session()
        if is_answered(get_request()):
            raise ImpersonationDenied(
                "The response has begun: this browser can't be told any more."
            )
        if self._state().actor is not None:
            raise ImpersonationDenied("Somebody who acts as another user can't act as a third.")
        if not self._is_of_session(actor):
            raise ImpersonationDenied("Only who is logged in in this session may act as another.")
        user_id = self._login_id_of(found)
        if user_id is None or str(user_id) in {str(sess[self.keys.user_id]), *self._own_ids()}:
            raise ImpersonationDenied("There is no other user to act as.")
        if not is_active(found) or not self._may(actor, found):
            raise ImpersonationDenied("The actor may not act as this user.")
        self._regenerate(sess)
        # Forms that were opened as oneself are not sent as somebody else then, nor the reverse.
        self._rotate_csrf_token(sess)
        self._renew_credential(sess)
        sess[self.keys.acting_as] = user_id
        self._assign(found, "session")
        state = self._state()
        state.actor, state.acted = actor, (found, user_id)
        self._note("impersonation_started", user_id, self._actor_id())
        impersonation_started.send(get_app(), user=found, actor=actor)

    def stop_impersonating(self) -> bool:
        """Be oneself again. See `flask_login.stop_impersonating`."""
        user, actor = self.get_current_user(), self._state().actor
        if actor is None:
            return False
        # Whoever kept the session of before does not begin to act again.
        self._tell_if_answered("stop_impersonating")
        self._renew_credential(get_session())
        self._stop(self._id_of(user), self._actor_id())
        self._rotate_csrf_token(get_session())
        self._assign(actor, "session")
        impersonation_stopped.send(get_app(), user=user, actor=actor)
        return True

    def logout_user(self, *, everywhere: bool = False) -> bool:
        """Log the user of this realm out: the actor, when somebody acts as another."""
        self.stop_impersonating()
        return super().logout_user(everywhere=everywhere)

    def _identify_by_cookies(
        self, state: RequestState, sess: SessionMixin, loaded: Any
    ) -> tuple[Any, str | None]:
        actor, source = super()._identify_by_cookies(state, sess, loaded)
        if source != "session" or self.keys.acting_as not in sess:
            return actor, source
        user_id = sess[self.keys.acting_as]
        user = self._call_user_loader(user_id)
        if user is not None and is_active(user) and self._may(actor, user):
            state.actor, state.acted = actor, (user, user_id)
            return user, source
        # Nobody for this once: what was meant for the user is not for the actor to do.
        self._stop(user_id, sess[self.keys.user_id])
        self._rotate_csrf_token(sess)
        return None, None

    def _write_login(self, sess: MutableMapping[str, Any], user_id: Any, *, fresh: bool) -> None:
        if self.keys.acting_as in sess:
            self._stop(sess[self.keys.acting_as], sess.get(self.keys.user_id))
        super()._write_login(sess, user_id, fresh=fresh)

    def _stop(self, user_id: Any, actor_id: Any) -> None:
        if not is_answered(get_request()):  # else it is to be ended once more, by the next request
            self._note("impersonation_stopped", user_id, actor_id)
        self._regenerate(get_session())
        get_session().pop(self.keys.acting_as, None)
        self._state().actor = None

    def _note(self, event: str, user_id: Any, actor_id: Any) -> None:
        stored = self._state().stored
        login_id = None if stored is None else stored.record.id
        ids = {"user_id": str(user_id), "actor": str(actor_id), "login_id": login_id}
        from .audit import audit

        audit(event, ip=get_request().remote_addr, **ids)

    def _may(self, actor: Any, user: Any) -> bool:
        callback = self.may_impersonate_callback
        return callback is not None and says(resolve(callback(actor, user)))


def impersonate(user: Any) -> None:
    """Act as `user` from here on, in this browser: for support staff.

    `current_user` is that user until `stop_impersonating`, a logout or the end of the login, which
    stays the actor's own: nothing of the user's logins changes, and no remember cookie brings them
    back. ``current_login.actor`` is the actor's user id, in every audit event too. The login counts
    as not fresh, so `fresh_login_required` refuses. When the callback says no later, or the user is
    not active any more, the next request is nobody's, and the one after it the actor's again.

    :param user: the user object.

    Raises `ImpersonationDenied` (403) when `LoginManager.may_impersonate` does not allow it
    (without that callback nobody may), when nobody is logged in, when somebody acts as another
    already, and once the response has begun.
    Sends `impersonation_started`.

    .. versionadded:: 0.6.90
    """
    utils.default_manager().impersonate(user)


def stop_impersonating() -> bool:
    """Be oneself again after `impersonate`.

    :return: whether somebody was impersonated.

    Sends `impersonation_stopped`.

    .. versionadded:: 0.6.90
    """
    return utils.default_manager().stop_impersonating()
